//! What a shell shows in its engine's own metrics registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use thalweg_core::explain::Decision;
use thalweg_core::explain::gauges::{Gauge, OF_SCHEDULER, OF_TOPOLOGY, Scheduler};

/// Topologies that are shown, the first ones by their ids: each has as many gauges as [`OF_TOPOLOGY`] has rows.
const MOST_TOPOLOGIES: usize = 500;

/// Names and values; null where nothing was measured.
type Values = BTreeMap<&'static str, Option<f64>>;

/// All gauges at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Gauges {
    scheduler: Values,
    /// By the topologies' ids.
    #[serde(serialize_with = "of_topologies")]
    topologies: Arc<[Decision]>,
}

impl Gauges {
    pub(crate) fn of(scheduler: &Scheduler, decisions: &Arc<[Decision]>) -> Self {
        Self { scheduler: values(OF_SCHEDULER, scheduler), topologies: Arc::clone(decisions) }
    }
}

fn values<T>(gauges: &[Gauge<T>], of: &T) -> Values {
    gauges.iter().map(|gauge| (gauge.name, (gauge.of)(of).filter(|v| v.is_finite()))).collect()
}

/// One by one while they are written, as there may be many.
fn of_topologies<S: Serializer>(
    decisions: &Arc<[Decision]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let shown = decisions.len().min(MOST_TOPOLOGIES);
    let mut map = serializer.serialize_map(Some(shown))?;
    for decision in &decisions[..shown] {
        map.serialize_entry(&decision.topology, &values(OF_TOPOLOGY, decision))?;
    }
    map.end()
}
