//! How well loads that were published are foretold, at the lead time of an action.
//!
//! A series is brought to even bins: its own, or shorter ones on straight lines between its points, in which as much more or
//! less arrives as counts vary (Poisson). Each bin is noted as the policy notes it, and what is then expected at the lead
//! time is compared with what came, from the third day on. The measure is the mean absolute error over that of the
//! last value at the same lead time (MASE).

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use thalweg_core::demand::{Forecaster, Outlook, Reach};
use thalweg_core::units::{Millis, Share, Timestamp};
use thalweg_sim::random::Random;

/// Records a second that each series is scaled to in the mean.
const MEAN_RATE: f64 = 500.0;
/// The quantile that is planned for.
const QUANTILE: f64 = 0.9;
/// Seconds that are not judged: two days.
const LEARNING_SECS: i64 = 172_800;

/// A load that was published.
pub struct Published {
    /// Its name.
    pub name: &'static str,
    file: &'static str,
    interval_secs: i64,
}

const fn published(name: &'static str, file: &'static str, mins: i64) -> Published {
    Published { name, file, interval_secs: mins * 60 }
}

/// The ten series that are reported.
pub const PUBLISHED: [Published; 10] = [
    published("iot", "IoT_5min.csv", 5),
    published("alibaba", "alibaba_5min.csv", 5),
    published("taxi", "taxi_5min.csv", 5),
    published("wiki", "wiki_en_5min.csv", 5),
    published("iot-15", "IoT_15min.csv", 15),
    published("alibaba-15", "alibaba_15min.csv", 15),
    published("taxi-15", "taxi_15min.csv", 15),
    published("wiki-15", "wiki_en_15min.csv", 15),
    published("nyc-taxi-30", "nab_nyc_taxi_30min.csv", 30),
    published("green-taxi-15", "green_taxi_15min.csv", 15),
];

/// Which of them a benchmark goes through.
#[derive(Debug, Args)]
pub struct Chosen {
    /// Only series whose name begins so
    #[arg(long)]
    series: Option<String>,
    /// Only bins of so many seconds
    #[arg(long)]
    bin: Option<i64>,
}

/// Seconds of a bin, and how far ahead.
pub type Cadence = (i64, f64);

impl Chosen {
    /// Each cadence that is wanted, with each series that is.
    pub fn of(&self, cadences: &[Cadence]) -> Vec<(Cadence, &'static Published)> {
        let wanted = |one: &Published| {
            self.series.as_ref().is_none_or(|series| one.name.starts_with(series))
        };
        let cadences = cadences.iter().filter(|(secs, _)| self.bin.is_none_or(|bin| bin == *secs));
        cadences
            .flat_map(|cadence| PUBLISHED.iter().map(move |series| (*cadence, series)))
            .filter(|(_, series)| wanted(series))
            .collect()
    }
}

/// Rates in even bins.
pub struct Bins {
    /// Length of a bin in seconds.
    pub secs: i64,
    /// When the first begins, in seconds since the epoch.
    pub(crate) begins: i64,
    pub(crate) rates: Vec<Option<f64>>,
}

/// How well a series was foretold.
#[derive(Debug, Clone, Serialize)]
pub struct Score {
    /// The series.
    pub series: String,
    /// Length of a bin.
    pub bin_secs: i64,
    /// How far ahead.
    pub lead_secs: f64,
    /// Forecasts that were judged.
    pub judged: usize,
    /// Mean absolute error over that of the last value.
    pub mase: f64,
    /// The same of what was forecast without days and weeks.
    pub mase_without: f64,
    /// The same of what came a day before.
    pub mase_day_before: f64,
    /// Share of bins in which no more came than was to be planned for.
    pub covered: f64,
    /// Share of forecasts that the mixture made.
    pub mixed: f64,
    /// Time to note a rate and make a forecast, in microseconds.
    pub micros: f64,
}

impl Published {
    /// Its rates in bins of this length, of its own at least.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn bins(&self, root: &Path, secs: i64) -> Result<Bins> {
        let path = root.join("data/load").join(self.file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let points: Vec<(i64, f64)> = text
            .lines()
            .skip(1)
            .map(|line| point(line).with_context(|| format!("{}: {line}", path.display())))
            .collect::<Result<_>>()?;
        let mean = points.iter().map(|(_, value)| value).sum::<f64>() / points.len() as f64;
        let points: Vec<(i64, f64)> =
            points.into_iter().map(|(at, value)| (at, value * MEAN_RATE / mean)).collect();
        Ok(self.even(&points, secs))
    }

    fn even(&self, points: &[(i64, f64)], secs: i64) -> Bins {
        let (Some(&(first, _)), Some(&(last, _))) = (points.first(), points.last()) else {
            return Bins { secs, begins: 0, rates: Vec::new() };
        };
        let begins = first - first.rem_euclid(secs);
        let mut rates = vec![None; ((last - begins) / secs + 1) as usize];
        let mut random = Random::of(1, self.name);
        if secs >= self.interval_secs {
            for (at, value) in points {
                rates[((at - begins) / secs) as usize] = Some(*value);
            }
            return Bins { secs, begins, rates };
        }
        for pair in points.windows(2) {
            let [(from, low), (to, high)] = [pair[0], pair[1]];
            // What was not published is missing.
            if to - from > self.interval_secs {
                continue;
            }
            for at in (from..to).step_by(secs as usize) {
                let part = (at - from) as f64 / (to - from) as f64;
                let rate = low + part * (high - low);
                let counted = rate + (rate / secs as f64).sqrt() * random.normal();
                rates[((at - begins) / secs) as usize] = Some(counted.max(0.0));
            }
        }
        Bins { secs, begins, rates }
    }
}

/// What was said of a bin.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) expected: f64,
    upper: f64,
    without: f64,
    pub(crate) last: f64,
    mixed: bool,
}

impl Bins {
    /// How well they are foretold so long before.
    pub fn score(&self, series: &str, lead_secs: f64) -> Score {
        let begun = Instant::now();
        let said = self.foretold(lead_secs);
        let micros = begun.elapsed().as_secs_f64() * 1e6 / self.rates.len().max(1) as f64;
        Score { lead_secs, micros, ..self.compared(series, &said) }
    }

    /// What is said of each bin so long before, by its number.
    pub(crate) fn foretold(&self, lead_secs: f64) -> Vec<Option<Said>> {
        let reach = Reach {
            bin: Millis::saturating(self.secs as f64 * 1000.0),
            lead: Millis::saturating(lead_secs * 1000.0),
        };
        let lead = self.lead(lead_secs);
        let (mut outlook, mut forecaster) = (Outlook::default(), Forecaster::default());
        let mut said: Vec<Option<Said>> = vec![None; self.rates.len() + lead];
        for (bin, rate) in self.rates.iter().enumerate() {
            let Some(rate) = rate else { continue };
            let now = Timestamp::from_millis((self.begins + bin as i64 * self.secs) * 1000);
            outlook.note(*rate, now, &mut forecaster, reach);
            // As the policy keeps them.
            forecaster.keep_newest(if self.secs < 60 { 1440 } else { 2880 });
            // The bin that has just begun is not known yet: the newest is the one before.
            if bin > 0 && self.rates[bin - 1].is_some() {
                said[bin - 1 + lead] = self.said(&outlook, &forecaster, reach);
            }
        }
        said
    }

    /// So many bins ahead.
    pub(crate) fn lead(&self, lead_secs: f64) -> usize {
        (lead_secs / self.secs as f64).ceil() as usize
    }

    /// The first bin that is judged.
    pub(crate) fn learning(&self) -> usize {
        (LEARNING_SECS / self.secs) as usize
    }

    fn said(&self, outlook: &Outlook, forecaster: &Forecaster, reach: Reach) -> Option<Said> {
        let quantile = Share::saturating(QUANTILE);
        let forecast = outlook.at(forecaster, reach, quantile)?;
        let without = forecaster.at(reach.lead, reach.bin, quantile)?.expected;
        Some(Said {
            expected: forecast.expected,
            upper: forecast.upper,
            without,
            last: forecaster.last()?,
            mixed: forecast.method == thalweg_core::demand::Method::Mixed,
        })
    }

    fn compared(&self, series: &str, said: &[Option<Said>]) -> Score {
        let learning = self.learning();
        let day = (86_400 / self.secs) as usize;
        let pairs = || {
            let all = self.rates.iter().zip(said).enumerate().skip(learning);
            all.filter_map(|(bin, (rate, said))| Some((bin, (*rate)?, (*said)?)))
        };
        let judged = pairs().count();
        let mean = |of: &dyn Fn(f64, Said) -> f64| {
            pairs().map(|(_, rate, said)| of(rate, said)).sum::<f64>() / judged.max(1) as f64
        };
        let last = mean(&|rate, said| (rate - said.last).abs());
        let before = pairs().filter_map(|(bin, rate, said)| {
            let before = self.rates[bin - day]?;
            Some(((rate - before).abs(), (rate - said.last).abs()))
        });
        let (before, beside) = before.fold((0.0, 0.0), |sum, e| (sum.0 + e.0, sum.1 + e.1));
        Score {
            series: series.to_owned(),
            bin_secs: self.secs,
            lead_secs: 0.0,
            judged,
            mase: mean(&|rate, said| (rate - said.expected).abs()) / last,
            mase_without: mean(&|rate, said| (rate - said.without).abs()) / last,
            mase_day_before: before / beside,
            covered: mean(&|rate, said| f64::from(u8::from(rate <= said.upper))),
            mixed: mean(&|_, said| f64::from(u8::from(said.mixed))),
            micros: 0.0,
        }
    }
}

/// A line of a file: a time as `YYYY-MM-DD hh:mm:ss`, and a value.
fn point(line: &str) -> Option<(i64, f64)> {
    let (time, value) = line.split_once(',')?;
    let (date, clock) = time.split_once(' ')?;
    let numbers = |text: &str, by: char| -> Option<[i64; 3]> {
        let numbers: Vec<i64> = text.split(by).filter_map(|part| part.parse().ok()).collect();
        numbers.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(clock, ':')?);
    let secs = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some((secs, value.trim().parse().ok()?))
}

/// Days from 1970-01-01 to a date (Howard Hinnant's `days_from_civil`).
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_instants_and_values() {
        assert_eq!(point("1970-01-02 00:15:00,7.5"), Some((87_300, 7.5)));
        assert_eq!(point("2020-02-29 00:00:00,1"), Some((1_582_934_400, 1.0)));
        assert_eq!(point("yesterday,1"), None);
    }

    #[test]
    fn shorter_bins_lie_on_lines_and_gaps_are_missing() {
        let series = published("made", "none.csv", 5);
        // Rates so high that counts hardly vary.
        let bins = series.even(&[(0, 1e9), (300, 2e9), (900, 2e9)], 100);
        let thousands = |rate: &Option<f64>| rate.map(|rate| (rate / 1e7).round() / 100.0);
        let found: Vec<Option<f64>> = bins.rates.iter().map(thousands).collect();
        assert_eq!(found[..3], [Some(1.0), Some(1.33), Some(1.67)]);
        assert_eq!(found[3..], [None; 7]);
    }

    #[test]
    fn an_error_of_half_the_last_values_is_a_mase_of_a_half() {
        let rates = vec![Some(10.0); 700];
        let bins = Bins { secs: 300, begins: 0, rates };
        let said = Said { expected: 11.0, upper: 9.0, without: 8.0, last: 12.0, mixed: true };
        let found = bins.compared("made", &[Some(said); 700]);
        assert_eq!((found.mase, found.mase_without, found.mase_day_before), (0.5, 1.0, 0.0));
        assert_eq!((found.covered, found.mixed, found.judged), (0.0, 1.0, 124));
    }
}
