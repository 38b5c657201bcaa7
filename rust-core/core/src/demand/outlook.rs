//! What is expected of a source by all that is known of it.
//!
//! A [`Forecaster`] knows hours or a day or two in short bins, a [`Rhythm`] weeks in long ones. Once a day is known, a
//! mixture of both ([`Mixed`]) runs beside the forecaster, and whoever of the mixture, the forecaster's best and the last value
//! errs least in the long run is the forecast.

use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, Forecaster, Method, lead_bins};
use super::mixed::{Best, Mixed, Said};
use super::rhythm::Rhythm;
use crate::units::{Millis, Share, Timestamp};

/// How far ahead is looked, and by which forecaster's bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Length of a bin.
    pub bin: Millis,
    /// How far ahead.
    pub lead: Millis,
}

/// Days and weeks of a source, and what they add to its forecaster.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outlook {
    rhythm: Rhythm,
    mixed: Mixed,
}

impl Outlook {
    /// Takes in a rate measured at `now`, also for the forecaster beside it.
    pub fn note(&mut self, rate: f64, now: Timestamp, forecaster: &mut Forecaster, reach: Reach) {
        self.rhythm.note(rate, now);
        self.mixed.follow(reach.bin);
        let lead = lead_bins(reach.lead, reach.bin);
        let Some((number, value)) = forecaster.note(rate, now, reach.bin, reach.lead) else {
            return;
        };
        self.mixed.judge(number, value, lead);
        let Some((newest, last)) = forecaster.newest().filter(|_| Mixed::samples(number, lead))
        else {
            return;
        };
        if let Some(beyond) = self.beyond(forecaster, reach) {
            let chosen = forecaster.at(reach.lead, reach.bin, Share::ZERO);
            let chosen = chosen.map_or(last, |forecast| forecast.expected);
            self.mixed.note(Said { due: newest + lead as u64, last, chosen, beyond });
        }
    }

    /// The forecast at a lead time: the quantile of what may come by then.
    pub fn at(&self, forecaster: &Forecaster, reach: Reach, quantile: Share) -> Option<Forecast> {
        let Reach { bin, lead } = reach;
        let best = self.mixed.best();
        if best == Some(Best::LastValue) {
            return forecaster.unchanged(lead, bin, quantile);
        }
        let mixed = || {
            let ((_, last), beyond) = (forecaster.newest()?, self.beyond(forecaster, reach)?);
            let expected = self.mixed.expected(last, &beyond);
            let upper = (expected + self.mixed.error(quantile)).max(0.0);
            Some(Forecast { expected, upper, method: Method::Mixed })
        };
        let mixed = if best == Some(Best::Mixed) { mixed() } else { None };
        mixed.or_else(|| forecaster.at(lead, bin, quantile))
    }

    /// The most that the time of day and week makes expect until `lead` from now; nothing where that has not proved itself.
    pub fn peak(&self, now: Timestamp, lead: Millis, quantile: Share) -> Option<f64> {
        self.rhythm.peak(now, lead, quantile)
    }

    /// What all say beyond the newest value; nothing until a day is known, or where that value is missing.
    fn beyond(&self, forecaster: &Forecaster, reach: Reach) -> Option<Vec<f64>> {
        let (number, value) = forecaster.newest()?;
        let (bin, lead) = (reach.bin.get(), lead_bins(reach.lead, reach.bin));
        let middle = Timestamp::from_millis(((number as f64 + 0.5) * bin) as i64);
        let ahead = Millis::saturating(lead as f64 * bin);
        let rhythm = self.rhythm.beyond(value, middle, ahead)?;
        Some(rhythm.into_iter().chain(forecaster.smoothed_beyond(value, lead)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::testing::noise;

    const REACH: Reach = Reach { bin: Millis::from_secs(300), lead: Millis::from_secs(300) };

    /// A source under a series of rates, one in each bin.
    #[derive(Clone, Default)]
    struct Source {
        outlook: Outlook,
        forecaster: Forecaster,
        bins: i64,
    }

    impl Source {
        fn note(&mut self, rate: f64) {
            let now = Timestamp::from_millis(self.bins * 300_000);
            self.outlook.note(rate, now, &mut self.forecaster, REACH);
            self.bins += 1;
        }

        fn expected(&self) -> Option<f64> {
            let forecast = self.outlook.at(&self.forecaster, REACH, Share::saturating(0.9));
            forecast.map(|forecast| forecast.expected)
        }

        /// Errors of the forecasts for these rates, and of their last values.
        fn errors(&mut self, rates: &[f64]) -> (f64, f64) {
            let (mut own, mut last) = (0.0, 0.0);
            for rate in rates {
                self.note(*rate);
                // What was forecast is the bin that has just begun.
                if let (Some(said), Some((_, value))) = (self.expected(), self.forecaster.newest())
                {
                    own += (rate - said).abs();
                    last += (rate - value).abs();
                }
            }
            (own, last)
        }
    }

    #[test]
    fn a_day_that_repeats_is_foretold_far_better_than_by_the_last_value() {
        let day = |bin: u64| (bin as f64 / 288.0 * std::f64::consts::TAU).sin();
        let rate = |bin| 1000.0 + 500.0 * day(bin) + 10.0 * noise(1, bin);
        let rates: Vec<f64> = (0..7 * 288).map(rate).collect();
        let mut source = Source::default();
        source.errors(&rates[..3 * 288]);
        let (own, last) = source.errors(&rates[3 * 288..]);
        assert!(own < 0.6 * last, "{own} of {last}");
    }

    #[test]
    fn a_random_walk_is_met_as_well_as_by_the_last_value() {
        for seed in 1..13 {
            let mut rate = 1000.0;
            let mut walk = |bin| {
                rate = f64::max(rate + 40.0 * (noise(seed, bin) - 0.5), 100.0);
                rate
            };
            let rates: Vec<f64> = (0..14 * 288).map(&mut walk).collect();
            let (own, last) = Source::default().errors(&rates);
            assert!(own < 1.05 * last, "seed {seed}: {own} of {last}");
        }
    }

    #[test]
    fn who_is_read_again_expects_the_same_and_goes_on_the_same() {
        let day = |bin: u64| if (100..120).contains(&(bin % 288)) { 900.0 } else { 300.0 };
        let rates: Vec<f64> = (0..4 * 288).map(|bin| day(bin) + 50.0 * noise(3, bin)).collect();
        let mut kept = Source::default();
        kept.errors(&rates[..1000]);
        let json = serde_json::to_string(&(&kept.outlook, &kept.forecaster)).expect("plain data");
        assert!(json.len() < 32 * 1024, "{} bytes", json.len());
        let (outlook, forecaster) = serde_json::from_str(&json).expect("what was written");
        let mut read = Source { outlook, forecaster, bins: kept.bins };
        for rate in &rates[1000..] {
            assert_eq!((kept.expected(), &kept.outlook), (read.expected(), &read.outlook));
            kept.note(*rate);
            read.note(*rate);
        }
        assert!(kept.outlook.mixed.best().is_some(), "it was tested");
    }

    #[test]
    fn bins_of_another_length_leave_days_and_weeks_as_they_are() {
        let mut source = Source::default();
        source.errors(&vec![5.0; 3 * 288]);
        let known = source.outlook.rhythm.clone();
        let minute = Reach { bin: Millis::from_secs(60), ..REACH };
        let now = Timestamp::from_millis(3 * 288 * 300_000 - 200_000);
        source.outlook.note(5.0, now, &mut source.forecaster, minute);
        assert_eq!(source.outlook.mixed.best(), None);
        assert_eq!(
            known.beyond(5.0, now, REACH.lead),
            source.outlook.rhythm.beyond(5.0, now, REACH.lead)
        );
    }
}
