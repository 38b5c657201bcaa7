//! What a failure of a topology would cost: how long until it is where it would have been.
//!
//! **Decides** nothing. **Input**: a topology as it was measured, and how long actions on it took. **Output**: the time that it
//! would be away, which is rather less than that, and what follows by [`CatchUp`], with half of a checkpoint interval repeated.

use crate::explain::{Recovery, TopologyView};
use crate::learning::{CatchUp, Job};
use crate::model::{ComponentKind, Topology};
use crate::policy::thalweg::TopologyModel;
use crate::settings::Settings;
use crate::units::RatePerSec;

/// The recovery of a topology that was stopped now; nothing where no checkpoint interval is known or nothing is measured.
pub fn recovery(
    topology: &Topology,
    view: &TopologyView,
    learned: Option<&TopologyModel>,
    settings: &Settings,
) -> Option<Recovery> {
    let interval = topology.checkpoint_interval?;
    let working = view.components.iter().filter(|c| c.kind != ComponentKind::System);
    let busy = working.filter_map(|component| component.mean_capacity).reduce(|a, b| a.max(b))?;
    let away = TopologyModel::away(learned, &settings.thalweg);
    let assumed = CatchUp::assumed(away);
    // Rates are counted in parts of the most that can be done.
    let rate = RatePerSec::saturating(busy.get());
    Some(Recovery {
        away,
        away_is_measured: learned.is_some_and(|model| model.stop_secs.is_some()),
        interval,
        busy,
        takes: assumed.takes(Job { rate, interval: Some(interval) }),
        longest_interval: assumed.longest_interval(rate, settings.thalweg.catch_up),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::ComponentView;
    use crate::units::{Millis, Share};

    /// A topology that is so busy, was away for so long by its last actions, and takes a checkpoint each 120 s.
    fn told(busy: Option<f64>, stop_secs: Option<f64>) -> Option<Recovery> {
        let interval = Some(Millis::from_secs(120));
        let topology = Topology { checkpoint_interval: interval, ..Topology::default() };
        let component = |mean: Option<f64>| ComponentView {
            kind: ComponentKind::Operator,
            mean_capacity: mean.map(Share::saturating),
            ..ComponentView::default()
        };
        let components = vec![component(Some(0.1)), component(busy), component(None)];
        let view = TopologyView { components, ..TopologyView::default() };
        let mut model = TopologyModel::default();
        model.stop_secs = stop_secs;
        recovery(&topology, &view, Some(&model), &Settings::default())
    }

    #[test]
    fn a_job_at_three_quarters_works_off_a_second_of_records_in_three() {
        let found = told(Some(0.75), Some(20.0)).expect("it is measured");
        // 20 s away, then three times 20 s of what came and 60 s of what is repeated.
        assert_eq!(found.takes, Some(Millis::from_secs(260)));
        assert!(found.away_is_measured);
        // Within 300 s: 20 + 3 × (20 + 0.5 × interval).
        let longest = found.longest_interval.expect("it depends on it").get();
        assert!((longest - 146_666.7).abs() < 0.1, "{longest}");
    }

    #[test]
    fn what_was_not_measured_is_assumed_or_missing() {
        let found = told(Some(0.5), None).expect("it is busy");
        assert_eq!((found.away, found.away_is_measured), (Millis::from_secs(30), false));
        let full = told(Some(0.99), Some(20.0)).expect("it is busy");
        assert_eq!((full.takes, full.longest_interval), (None, None), "it may never catch up");
        let idle =
            recovery(&Topology::default(), &TopologyView::default(), None, &Settings::default());
        assert_eq!(idle, None, "no interval is known");
    }
}
