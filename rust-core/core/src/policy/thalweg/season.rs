//! Days in what sources bring, where so many bins of the window's length are not kept that two days fit in.
//!
//! A season shows only once it has come twice. Where windows are short or sources many, its search gets a series of
//! its own in longer bins. It only ever adds to what is expected, and only once seasons have proved themselves on it.

use crate::demand::Forecaster;
use crate::units::{Millis, Share, Timestamp};

/// Two days.
const SEEN_SECS: f64 = 172_800.0;
/// Lengths that go into a day, in seconds, so that bins begin at the same times each day.
const LENGTHS: [f64; 13] =
    [60.0, 120.0, 180.0, 240.0, 300.0, 360.0, 480.0, 600.0, 720.0, 900.0, 1200.0, 1800.0, 3600.0];

/// The length of bins by which two days fit into `kept`; nothing where those of a window do already.
pub(super) fn bin(window: Millis, kept: usize) -> Option<Millis> {
    let secs = SEEN_SECS / kept.max(1) as f64;
    if window.get() / 1000.0 >= secs {
        return None;
    }
    // Of more sources than share the longest, each keeps what it needs.
    let [.., longest] = LENGTHS;
    let length = LENGTHS.into_iter().find(|length| *length >= secs).unwrap_or(longest);
    Some(Millis::saturating(length * 1000.0))
}

/// What a source brought in bins of one length.
pub(super) struct Days<'a> {
    forecaster: &'a mut Forecaster,
    bin: Millis,
}

impl<'a> Days<'a> {
    /// Takes in a rate measured now, to be forecast `lead` ahead.
    pub fn note(
        forecaster: &'a mut Forecaster,
        bin: Millis,
        (rate, now): (f64, Timestamp),
        lead: Millis,
    ) -> Self {
        forecaster.note(rate, now, bin, behind_the_open(lead, bin));
        forecaster.keep_newest((SEEN_SECS * 1000.0 / bin.get()).ceil() as usize);
        Self { forecaster, bin }
    }

    /// What may come within a lead time; 0 where no season has proved itself.
    pub fn upper(&self, lead: Millis, quantile: Share) -> f64 {
        let lead = behind_the_open(lead, self.bin);
        self.forecaster.seasonal(lead, self.bin, quantile).map_or(0.0, |forecast| forecast.upper)
    }
}

/// Forecasts count from the last full bin: the open one is one of those that are ahead.
fn behind_the_open(lead: Millis, bin: Millis) -> Millis {
    Millis::saturating(lead.get() + bin.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::testing::{Step, graph};
    use crate::model::Grouping;
    use crate::policy::situation::Intent;
    use crate::policy::testing::Case;
    use crate::policy::thalweg::demand::forecast;
    use crate::policy::thalweg::{Memory, TopologyModel};

    #[test]
    fn two_days_fit_in() {
        let length = |window: f64, kept| {
            bin(Millis::saturating(window * 1000.0), kept).map(|bin| bin.get() / 1000.0)
        };
        assert_eq!(length(60.0, 2880), None, "they do already");
        assert_eq!(length(30.0, 2880), Some(60.0));
        assert_eq!(length(5.0, 1440), Some(120.0));
        assert_eq!(length(60.0, 288), Some(600.0));
        assert_eq!(length(60.0, 10), Some(3600.0));
    }

    /// What is expected of the first of so many sources, a minute before nine, where 500/s become 1000/s at nine on
    /// each of five days.
    fn before_nine(sources: usize, window: f64) -> f64 {
        let mut steps = vec![Step::source(500.0); sources];
        steps.push(Step::operator(4, 500.0 * sources as f64, 0.0, 0.5));
        let streams: Vec<_> =
            (0..sources as u32).map(|s| (s, sources as u32, Grouping::Shuffle, None)).collect();
        let mut case = Case::of(graph(&steps, &streams));
        case.settings.window = Millis::saturating(window * 1000.0);
        case.now = Timestamp::from_millis(0);
        let (mut memory, mut model) = (Memory::default(), TopologyModel::default());
        let mut expected = 0.0;
        let minute_before_nine = 5 * 86_400 + 9 * 3600 - 60;
        for secs in (0..=minute_before_nine).step_by(window as usize) {
            let (day, hour) = (secs / 86_400, secs % 86_400 / 3600);
            let rate = if (9..17).contains(&hour) { 1000.0 } else { 500.0 };
            // A little noise that is the same on every machine.
            let noise = f64::from((secs / 7 * 31 + day) % 11) - 5.0;
            for source in 0..sources {
                case.flow.components[source].target.consumed = rate + noise;
            }
            case.intent(|situation| {
                let found = forecast(situation, &mut memory, &mut model, &[]);
                expected = found.far[0].expect("its source is measured").shared;
                Intent::Stay(Vec::new())
            });
            case.wait(window as u64);
        }
        expected
    }

    #[test]
    fn a_jump_at_nine_is_expected_whatever_windows_and_sources_there_are() {
        for (sources, window) in [(1, 60.0), (2, 60.0), (1, 30.0), (2, 30.0), (2, 15.0), (5, 60.0)]
        {
            let expected = before_nine(sources, window);
            assert!((950.0..1100.0).contains(&expected), "{sources} {window}: {expected}");
        }
    }
}
