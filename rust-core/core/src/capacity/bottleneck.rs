//! Bottleneck time of a topology (equations 1 to 3 of the Me-Stream paper).

use serde::{Deserialize, Serialize};

use crate::units::Millis;

/// On which side a topology loses its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// In executing tuples.
    Computing,
    /// In moving them.
    Communicating,
}

/// The time a component needs for a tuple on either side.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ComponentTimes {
    /// `T_calc`: the largest execute latency of its executors.
    pub computing: Millis,
    /// `T_comm`: the largest time that one of its executors' tuples spend on links.
    pub communicating: Millis,
}

impl ComponentTimes {
    /// Takes the maximum over a component's executors: "the maximum execution latency is the
    /// bottleneck".
    pub fn of(executors: impl IntoIterator<Item = ComponentTimes>) -> Self {
        executors.into_iter().fold(Self::default(), |worst, one| Self {
            computing: worst.computing.max(one.computing),
            communicating: worst.communicating.max(one.communicating),
        })
    }

    /// The larger of both.
    pub fn largest(self) -> Millis {
        self.computing.max(self.communicating)
    }
}

/// The bottleneck time of a topology, and its side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BottleneckTime {
    /// `T = max(sum of T_calc, half the sum of T_comm)`, in ms.
    pub time: Millis,
    /// Which of the two it was.
    pub side: Side,
}

/// `T_comm` of an executor in ms: its tuples' mean bytes over the links in and out where the
/// bandwidth is known, else what was seen, the larger of process latency above execute latency and
/// the node's round trip.
pub fn communicating(
    bytes_over_links: Option<Millis>,
    execute: Millis,
    process: Option<Millis>,
    round_trip: Option<Millis>,
) -> Millis {
    bytes_over_links.unwrap_or_else(|| {
        let waited = process.map_or(0.0, |process| process.get() - execute.get());
        Millis::saturating(waited).max(round_trip.unwrap_or(Millis::ZERO))
    })
}

/// Combines components to the topology's bottleneck time. A link is counted by both its ends, hence
/// the half.
pub fn of_topology(components: &[ComponentTimes]) -> BottleneckTime {
    let computing: f64 = components.iter().map(|c| c.computing.get()).sum();
    let communicating: f64 = components.iter().map(|c| c.communicating.get()).sum::<f64>() / 2.0;
    if communicating > computing {
        BottleneckTime { time: Millis::saturating(communicating), side: Side::Communicating }
    } else {
        BottleneckTime { time: Millis::saturating(computing), side: Side::Computing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(computing: f64, communicating: f64) -> ComponentTimes {
        ComponentTimes {
            computing: Millis::saturating(computing),
            communicating: Millis::saturating(communicating),
        }
    }

    #[test]
    fn computing_wins_when_its_sum_is_larger() {
        let result = of_topology(&[times(8.0, 4.0), times(2.0, 6.0)]);
        assert_eq!((result.time.get(), result.side), (10.0, Side::Computing));
    }

    #[test]
    fn communicating_counts_half() {
        let result = of_topology(&[times(1.0, 4.0), times(1.0, 6.0)]);
        assert_eq!((result.time.get(), result.side), (5.0, Side::Communicating));
    }

    #[test]
    fn the_slowest_executor_is_the_component() {
        let worst = ComponentTimes::of([times(1.0, 9.0), times(5.0, 2.0)]);
        assert_eq!((worst.computing.get(), worst.communicating.get()), (5.0, 9.0));
    }

    #[test]
    fn unknown_bandwidth_takes_what_was_seen() {
        let ms = Millis::saturating;
        assert_eq!(communicating(Some(ms(3.0)), ms(2.0), Some(ms(9.0)), None).get(), 3.0);
        assert_eq!(communicating(None, ms(2.0), Some(ms(9.0)), None).get(), 7.0);
        assert_eq!(communicating(None, ms(9.0), Some(ms(2.0)), None).get(), 0.0);
        assert_eq!(communicating(None, ms(2.0), Some(ms(3.0)), Some(ms(250.0))).get(), 250.0);
    }
}
