//! What a shell shows in its engine's own metrics registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use thalweg_core::explain::Decision;
use thalweg_core::explain::gauges::{Gauge, OF_SCHEDULER, OF_TOPOLOGY, Scheduler};

/// Topologies that are shown, the first ones by their ids: each has as many gauges as [`OF_TOPOLOGY`] has rows.
const MOST_TOPOLOGIES: usize = 500;

/// All gauges at one moment; null where nothing was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Gauges {
    scheduler: BTreeMap<&'static str, Option<f64>>,
    /// What is shown of each topology.
    names: Vec<&'static str>,
    /// The values in that order, by the topologies' ids.
    #[serde(serialize_with = "of_topologies")]
    topologies: Arc<[Decision]>,
}

impl Gauges {
    pub(crate) fn of(scheduler: &Scheduler, decisions: &Arc<[Decision]>) -> Self {
        let of_scheduler = |gauge: &Gauge<Scheduler>| (gauge.name, value(gauge, scheduler));
        Self {
            scheduler: OF_SCHEDULER.iter().map(of_scheduler).collect(),
            names: OF_TOPOLOGY.iter().map(|gauge| gauge.name).collect(),
            topologies: Arc::clone(decisions),
        }
    }
}

fn value<T>(gauge: &Gauge<T>, of: &T) -> Option<f64> {
    (gauge.of)(of).filter(|value| value.is_finite())
}

/// One by one while they are written, as there may be many. Decisions come by level, which changes from look to look.
fn of_topologies<S: Serializer>(
    decisions: &Arc<[Decision]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut shown: Vec<&Decision> = decisions.iter().collect();
    shown.sort_by(|one, other| one.topology.cmp(&other.topology));
    shown.truncate(MOST_TOPOLOGIES);
    let mut map = serializer.serialize_map(Some(shown.len()))?;
    for decision in shown {
        let values: Vec<Option<f64>> =
            OF_TOPOLOGY.iter().map(|gauge| value(gauge, decision)).collect();
        map.serialize_entry(&decision.topology, &values)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_core::explain::{Chain, TopologyView, Verdict};
    use thalweg_core::settings::Mode;
    use thalweg_core::units::Timestamp;

    fn decided(number: usize) -> Decision {
        Decision {
            id: 0,
            at: Timestamp::from_millis(0),
            topology: format!("t{number:03}"),
            name: String::new(),
            policy: String::new(),
            mode: Mode::Observe,
            verdict: Verdict::Hold,
            reasons: Vec::new(),
            view: TopologyView::default(),
            plan: None,
            expected_busy: None,
            offer: None,
            chain: Chain::default(),
        }
    }

    #[test]
    fn the_same_topologies_are_shown_whatever_their_levels() {
        let scheduler = Scheduler {
            leads: true,
            problems: 0,
            store_up: true,
            nodes: 3,
            acts: false,
            ledger: None,
        };
        let decisions: Arc<[Decision]> = (0..600).rev().map(decided).collect();
        let gauges = Gauges::of(&scheduler, &decisions);
        let gauges = serde_json::to_value(gauges).expect("it can be written");
        let shown = gauges["topologies"].as_object().expect("by topology");
        assert_eq!(shown.len(), MOST_TOPOLOGIES);
        assert!(shown.contains_key("t000") && !shown.contains_key("t500"), "by their ids");
        let names = gauges["names"].as_array().expect("names").len();
        assert_eq!(shown["t000"].as_array().expect("values").len(), names);
        assert_eq!(gauges["scheduler"]["thalweg_nodes"], 3.0);
        assert!(gauges["scheduler"]["thalweg_ledger_lost_total"].is_null(), "none is kept");
    }
}
