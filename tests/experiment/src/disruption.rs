//! What an action costs: output that stops, tuples that are replayed.

use std::ops::Range;

use serde::Serialize;
use thalweg_lab::counts::{Output, Spouts};

/// Before an action, the time over which its base rate is taken.
const BASE_MS: u64 = 5_000;

/// An action's trace in the output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Disruption {
    /// The longest time without any output, in milliseconds.
    pub zero_ms: u64,
    /// Time from its start until output was back at 90 % of what it was; nothing if that did not happen in time.
    pub recovered_ms: Option<u64>,
    /// Tuples failed and replayed.
    pub replayed: u64,
}

impl Disruption {
    /// Takes it from the journals, for an action that began at the start of a window.
    pub fn within(window: &Range<u64>, output: &Output, spouts: &Spouts) -> Self {
        let base = output.rate(&(window.start.saturating_sub(BASE_MS)..window.start));
        Self {
            zero_ms: output.longest_gap_ms(window),
            recovered_ms: output.recovered_after_ms(window.start, base, window.end),
            replayed: spouts.within(window).failed,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use thalweg_lab::counts::BIN_MS;

    use super::*;

    #[test]
    fn empty_bins_and_replays_of_the_window_count() {
        let folder = tempfile::tempdir().unwrap();
        let busy = (0..300_u64).filter(|bin| !(100..120).contains(bin));
        let lines: Vec<String> = busy.map(|bin| format!("{} 10\n", bin * BIN_MS)).collect();
        std::fs::write(folder.path().join("count-1-1.log"), lines.concat()).unwrap();
        std::fs::write(folder.path().join("spout-1-1.log"), "11000 5 0 3 0 0 -\n").unwrap();
        let output = Output::read(folder.path()).unwrap();
        let spouts = Spouts::read(folder.path()).unwrap();
        let seen = Disruption::within(&(9_900..30_000), &output, &spouts);
        assert_eq!((seen.zero_ms, seen.replayed), (2_000, 3));
        assert!((2_000..=2_200).contains(&seen.recovered_ms.unwrap()), "{seen:?}");
        let before = Disruption::within(&(5_000..9_000), &output, &spouts);
        assert_eq!((before.zero_ms, before.recovered_ms), (0, Some(0)));
    }
}
