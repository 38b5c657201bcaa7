//! Components whose work their execute time does not show.

use std::collections::BTreeMap;

use super::Sample;
use crate::units::{Millis, Timestamp};

/// Acknowledged after so many times the time it takes to execute, a tuple was worked on elsewhere, or held back.
const FAR: f64 = 10.0;
/// A smaller difference is no sign: engines count whole milliseconds.
const LEAST_MS: f64 = 10.0;
/// For so long after it was last seen a component is taken to work like this: windows acknowledge in bursts.
const KEPT: Millis = Millis::from_secs(6 * 3600);

/// When components of a topology were last seen to acknowledge tuples long after they had executed them: they hand them to
/// threads or processes of their own, wait for answers, or hold them in windows and batches. What they do in `execute` is
/// then not all that they do, and what lies between is no time on links.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holding {
    seen: BTreeMap<u32, Timestamp>,
}

impl Holding {
    /// Takes in a sample of one of a component's executors.
    pub fn note(&mut self, component: u32, sample: &Sample, at: Timestamp) {
        if holds(sample) {
            self.seen.insert(component, at);
        }
    }

    /// Forgets what was seen too long ago.
    pub fn forget(&mut self, now: Timestamp) {
        self.seen.retain(|_, at| now.since(*at) < KEPT);
    }

    /// Whether a component works like this.
    pub fn holds(&self, component: u32) -> bool {
        self.seen.contains_key(&component)
    }
}

/// Whether tuples were acknowledged long after they had been executed.
fn holds(sample: &Sample) -> bool {
    let Some(process) = sample.process_latency() else { return false };
    let execute = sample.execute_latency().unwrap_or(Millis::ZERO).get();
    process.get() >= FAR * execute && process.get() - execute >= LEAST_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Counters;

    /// Ten seconds of 60 tuples/s with these times of one in ms.
    fn sample(execute: f64, process: f64) -> Sample {
        let delta = Counters {
            executed: 600,
            acked: 600,
            execute_ms: 600.0 * execute,
            process_ms: 600.0 * process,
            ..Counters::default()
        };
        Sample { span: Millis::from_secs(10), age: Millis::ZERO, delta, newest: None }
    }

    #[test]
    fn only_far_later_acknowledgement_tells() {
        for (execute, process, found) in [
            (0.3, 30_000.0, true),
            (0.2, 20.0, true),
            (5.0, 5.2, false),
            (2.0, 9.0, false),
            (0.1, 6.0, false),
            (20.0, 100.0, false),
        ] {
            assert_eq!(holds(&sample(execute, process)), found, "{execute} {process}");
        }
    }

    #[test]
    fn what_acknowledges_in_bursts_is_known_between_them() {
        let (mut holding, at) =
            (Holding::default(), |secs: i64| Timestamp::from_millis(secs * 1000));
        holding.note(3, &sample(0.3, 1_800_000.0), at(0));
        holding.note(3, &sample(0.3, 0.0), at(1800));
        holding.forget(at(1800));
        assert_eq!((holding.holds(3), holding.holds(2)), (true, false));
        holding.forget(at(7 * 3600));
        assert!(!holding.holds(3));
    }
}
