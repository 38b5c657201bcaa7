//! Ackers that are in the way of everything, and cannot be given more executors while their topology runs.
//!
//! Their busy share alone does not tell it: Storm counts the time within `execute`, which for an acker is less than a
//! sixth of what a tuple costs it; the rest is spent on taking the tuple from its queue. So they are also known by what
//! they leave: tuples that are complete long after the last operator was done with them, while nobody is busier.

use serde::Deserialize;
use serde_json::Value;
use thalweg_core::explain::{ComponentView, TopologyView};
use thalweg_core::model::{ComponentKind, Topology};
use thalweg_core::units::{Millis, RatePerSec};

use super::word::word;

/// The component that keeps track of tuples.
const ACKER: &str = "__acker";
/// From this busy share on anything is in the way, whatever else there is.
const BUSY: f64 = 0.6;
/// An acker that has nothing to wait for is busy for less than this share.
const AT_WORK: f64 = 0.05;
/// Tuples are complete so many times later than their work explains.
const LATER: f64 = 5.0;
/// And later by at least this: the way between machines takes some time as well.
const LATER_MS: f64 = 50.0;

/// Ackers that have as many executors as tasks, and are what tuples wait for: what is wrong, and its mend.
pub(super) fn of_ackers(view: &Value, topology: &Topology) -> Option<(String, String)> {
    let view = TopologyView::deserialize(view).ok()?;
    let acker = view.components.iter().find(|component| component.id == ACKER)?;
    if acker.executors < acker.tasks {
        return None;
    }
    let why = busy(acker).or_else(|| waited_for(acker, &view.components))?;
    let text = format!(
        "{why}; they have no more tasks, so they do not follow when bolts are given more executors"
    );
    let mend = format!(
        "submit {} anew with topology.acker.executors: {}",
        word(&topology.name),
        2 * acker.executors
    );
    Some((text, mend))
}

fn busy(acker: &ComponentView) -> Option<String> {
    let share = acker.capacity?.get();
    (share >= BUSY).then(|| format!("ackers are busy to {:.0} %", 100.0 * share))
}

/// Whether tuples are complete long after their work was done, and nothing but the ackers can be what they wait for. Of
/// what is not measured nobody knows that.
fn waited_for(acker: &ComponentView, components: &[ComponentView]) -> Option<String> {
    let known = |one: &ComponentView| one.measured == one.executors && one.executors > 0;
    if !components.iter().all(known) {
        return None;
    }
    let busiest = components.iter().all(|other| other.capacity <= acker.capacity);
    if !busiest || acker.capacity?.get() < AT_WORK {
        return None;
    }
    let of = |kind| components.iter().filter(move |component| component.kind == kind);
    let complete = of(ComponentKind::Source).filter_map(|source| source.complete_latency);
    let complete = complete.map(Millis::get).fold(0.0, f64::max);
    let rates = of(ComponentKind::Source).map(|source| source.rate.map(RatePerSec::get));
    let brought = rates.sum::<Option<f64>>()?;
    let worked =
        of(ComponentKind::Operator).map(|bolt| work_ms(bolt, brought)).sum::<Option<f64>>()?;
    let waits = complete > LATER * worked && complete - worked > LATER_MS;
    waits.then(|| {
        format!(
            "tuples are complete after {complete:.0} ms, all bolts together take {worked:.1} ms of that, and the ackers are the busiest"
        )
    })
}

/// How long an operator may be at work for one tuple of the sources, at most: as if whatever it gets of it came to one
/// executor at once, and was acknowledged only afterwards.
fn work_ms(operator: &ComponentView, brought: f64) -> Option<f64> {
    let each = operator.rate?.get() / brought.max(f64::MIN_POSITIVE);
    let millis = |latency: Option<Millis>| latency.map_or(0.0, Millis::get);
    Some(each.max(1.0) * millis(operator.execute_latency) + millis(operator.process_latency))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A topology that brings 1,000 tuples/s, of each of which a bolt makes ten, and another takes those.
    struct Seen {
        acker: f64,
        bolt: f64,
        complete_ms: f64,
        tasks: u32,
        /// Of the one executor of a bolt.
        measured: u32,
    }

    impl Default for Seen {
        fn default() -> Self {
            Self { acker: 0.15, bolt: 0.1, complete_ms: 60.0, tasks: 1, measured: 1 }
        }
    }

    impl Seen {
        fn found(&self) -> Option<String> {
            let part = |id: &str, kind: &str, rate: f64, capacity: f64| {
                json!({ "id": id, "kind": kind, "executors": 1, "tasks": 1, "measured": 1, "rate": rate,
                    "execute_latency": 0.1, "process_latency": 0.5, "complete_latency": null,
                    "capacity": capacity, "mean_capacity": capacity, "failed": 0, "level": 0 })
            };
            let mut source = part("lines", "source", 1_000.0, 0.0);
            source["complete_latency"] = json!(self.complete_ms);
            let mut acker = part(ACKER, "system", 12_000.0, self.acker);
            acker["tasks"] = json!(self.tasks);
            let split = part("split", "operator", 1_000.0, self.bolt);
            let mut count = part("count", "operator", 10_000.0, self.bolt);
            count["measured"] = json!(self.measured);
            let mut view = json!(TopologyView::default());
            view["components"] = json!([source, split, count, acker]);
            let topology = Topology { name: "words".to_owned(), ..Topology::default() };
            of_ackers(&view, &topology).map(|(text, _)| text)
        }
    }

    #[test]
    fn what_tuples_wait_for_is_known_by_their_latency() {
        // 0.1 + 0.5 ms in the one bolt, and 10 x 0.1 + 0.5 ms in the other.
        let text = Seen::default().found().expect("a finding");
        assert!(text.contains("after 60 ms, all bolts together take 2.1 ms"), "{text}");
    }

    #[test]
    fn busy_ackers_are_found_whatever_the_latency() {
        let text = Seen { acker: 0.7, bolt: 0.9, complete_ms: 1.0, ..Seen::default() }.found();
        assert!(text.expect("a finding").contains("busy to 70 %"));
    }

    #[test]
    fn nothing_is_found_where_something_else_explains_it() {
        let healthy = [
            Seen { bolt: 0.2, ..Seen::default() },
            Seen { acker: 0.04, bolt: 0.01, ..Seen::default() },
            Seen { complete_ms: 50.0, ..Seen::default() },
            Seen { tasks: 4, ..Seen::default() },
            Seen { tasks: 4, acker: 0.9, ..Seen::default() },
            Seen { measured: 0, ..Seen::default() },
        ];
        for seen in healthy {
            assert_eq!(seen.found(), None);
        }
    }
}
