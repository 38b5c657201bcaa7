//! What a source will bring when an action takes effect.
//!
//! Rates are kept in even bins. A few simple forecasters run side by side and are judged on this very
//! series: each forecast is written down and compared with what came, at the lead time that was
//! asked for (a rolling back-test). Seasonal-naive is used only once it beat last-value, and the
//! others only once they beat both; before that the last value is the forecast. What is planned for is
//! an upper quantile: the forecast plus that quantile of its own past errors.
//!
//! Bins in which nothing was measured are missing: they teach nobody anything, but time passes in them, so
//! that a season is found again behind a gap. All of it is kept over a restart, so that numbers are
//! rounded to a few digits: what is stored is what forecasts are made from.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::season::{likest_lag, mean};
use super::series::{Series, rounded};
use crate::units::{Millis, Share, Timestamp};

/// Bins that are kept: two days of minutes.
const KEPT: usize = 2880;
/// Errors that are kept of each forecaster.
const ERRORS: usize = 120;
/// Forecasts that must have come due before a forecaster may be trusted.
const TESTED: u32 = 20;
/// A better forecaster errs this much less.
const BETTER: f64 = 0.95;
/// An error of so many times the mean error says that the series is not what it was.
const SURPRISE: f64 = 3.0;
/// Weight of the newest error in the mean error.
const ERROR_WEIGHT: f64 = 0.05;
/// Errors that a mean square stands for: longer than seasons are in bins in which two of them are kept.
const SQUARES: u32 = 720;
/// A level from before more missing bins than this is no level.
const LONGEST_GAP: usize = 10;
/// Pushes between two searches for a season.
const SEASON_EVERY: u64 = 60;
/// Values on which a season is searched.
const SEASON_POINTS: usize = 256;
/// The trend of exponential smoothing fades by this factor a bin.
const DAMPING: f64 = 0.9;
/// Smoothing of level and trend, of the variants that are tried.
const SMOOTHING: [(f64, f64); 3] = [(0.9, 0.3), (0.5, 0.2), (0.2, 0.05)];

/// The forecasters, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// The last value.
    LastValue,
    /// The value a season ago.
    SeasonalNaive,
    /// The value a season ago, times how the last values compare with those a season before them.
    SeasonalDrift,
    /// Exponential smoothing with a fading trend (Holt; Gardner and McKenzie 1985).
    Smoothed(usize),
    /// The last value, and of what others and the time of day and week say beyond it as much as comes true
    /// ([`Outlook`](super::Outlook)).
    Mixed,
}

/// Those that run side by side here.
const METHODS: [Method; 3 + SMOOTHING.len()] = [
    Method::LastValue,
    Method::SeasonalNaive,
    Method::SeasonalDrift,
    Method::Smoothed(0),
    Method::Smoothed(1),
    Method::Smoothed(2),
];

/// One forecaster's record on this series.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Track {
    /// Bins at which forecasts come due, and what they say.
    pending: VecDeque<(u64, f64)>,
    errors: Series,
    mean_error: f64,
    /// Mean square of the errors of up to `SQUARES` forecasts: what a few large ones amount to stays in it.
    #[serde(default)]
    mean_square: f64,
    tested: u32,
}

/// A series of rates and the forecasters that run on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Forecaster {
    /// Length of a bin.
    bin_millis: u64,
    /// Number of the bin that is being filled, and the sum and count of its rates.
    open: Option<(u64, f64, f64)>,
    /// Rates of finished bins, oldest first; nothing where nothing was measured.
    values: Series,
    pushed: u64,
    season: Option<usize>,
    smoothed: [Option<(f64, f64)>; SMOOTHING.len()],
    tracks: [Track; METHODS.len()],
}

/// A forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Records per second that are expected.
    pub expected: f64,
    /// Records per second that the quantile asks for.
    pub upper: f64,
    /// Who made it.
    pub method: Method,
}

impl Forecaster {
    /// Takes in a rate measured at `now`, in bins of `bin`, to be forecast `lead` ahead; answers with the number and rate
    /// of the bin that this finished, if it did.
    pub fn note(
        &mut self,
        rate: f64,
        now: Timestamp,
        bin: Millis,
        lead: Millis,
    ) -> Option<(u64, f64)> {
        let bin_millis = (bin.get() as u64).max(1);
        if self.bin_millis != bin_millis {
            *self = Self { bin_millis, ..Self::default() };
        }
        let number = now.millis().max(0) as u64 / bin_millis;
        match &mut self.open {
            Some((open, sum, count)) if *open == number => {
                *sum += rate;
                *count += 1.0;
                None
            }
            Some((open, sum, count)) => {
                let (ended, mean) = (*open, rounded(*sum / *count));
                let gap = number.saturating_sub(ended);
                self.open = Some((number, rate, 1.0));
                if gap > KEPT as u64 {
                    *self = Self { bin_millis, open: self.open, ..Self::default() };
                    return None;
                }
                self.push(Some(mean), lead_bins(lead, bin));
                for _ in 1..gap {
                    self.push(None, lead_bins(lead, bin));
                }
                Some((ended, mean))
            }
            None => {
                self.open = Some((number, rate, 1.0));
                None
            }
        }
    }

    /// The forecast at a lead time: the quantile of what may come by then.
    pub fn at(&self, lead: Millis, bin: Millis, quantile: Share) -> Option<Forecast> {
        self.by(self.best(lead_bins(lead, bin)), lead_bins(lead, bin), quantile)
    }

    /// The forecast that the last value is.
    pub(super) fn unchanged(&self, lead: Millis, bin: Millis, quantile: Share) -> Option<Forecast> {
        self.by(Method::LastValue, lead_bins(lead, bin), quantile)
    }

    fn by(&self, method: Method, lead: usize, quantile: Share) -> Option<Forecast> {
        let expected = self.forecast(method, lead)?;
        let error = self.error_quantile(method, quantile);
        Some(Forecast { expected, upper: (expected + error).max(0.0), method })
    }

    /// The newest finished bin and its rate, if it was measured.
    pub(super) fn newest(&self) -> Option<(u64, f64)> {
        let (open, ..) = self.open?;
        Some((open.checked_sub(1)?, self.values.before(0)?))
    }

    /// What each smoothing says so many bins behind the newest, beyond a value.
    pub(super) fn smoothed_beyond(&self, value: f64, lead: usize) -> impl Iterator<Item = f64> {
        let said = move |variant| self.forecast(Method::Smoothed(variant), lead);
        (0..SMOOTHING.len()).map(move |variant| said(variant).map_or(0.0, |said| said - value))
    }

    /// The forecast of the better seasonal forecaster, once it has proved itself over whole seasons: what comes only
    /// at a few times of a day is soon forgotten by the rest of it, but weighs by its square.
    pub fn seasonal(&self, lead: Millis, bin: Millis, quantile: Share) -> Option<Forecast> {
        let lead = lead_bins(lead, bin);
        let limit = BETTER * self.tracks[0].mean_square;
        let proved = |place: &usize| {
            let track = &self.tracks[*place];
            track.tested >= TESTED && track.mean_square < limit
        };
        let square = |place: usize| self.tracks[place].mean_square;
        let place =
            [1, 2].into_iter().filter(proved).min_by(|a, b| square(*a).total_cmp(&square(*b)))?;
        self.by(METHODS[place], lead, quantile)
    }

    /// The last rate of a finished bin.
    pub fn last(&self) -> Option<f64> {
        self.values.iter().rev().find_map(|value| value)
    }

    /// Forgets all bins but so many.
    pub fn keep_newest(&mut self, bins: usize) {
        self.values.keep_newest(bins);
    }

    /// Takes in a finished bin, or one that is missing.
    fn push(&mut self, value: Option<f64>, lead: usize) {
        self.pushed += 1;
        let now = self.pushed;
        for track in &mut self.tracks {
            while let Some(&(due, said)) = track.pending.front().filter(|(due, _)| *due <= now) {
                track.pending.pop_front();
                if let Some(value) = value.filter(|_| due == now) {
                    track.judge(rounded(value - said));
                }
            }
        }
        self.values.push(value);
        self.keep_newest(KEPT);
        self.smooth(value);
        if self.pushed.is_multiple_of(SEASON_EVERY) {
            self.find_season();
        }
        if value.is_none() {
            return;
        }
        for (place, method) in METHODS.into_iter().enumerate() {
            if let Some(said) = self.forecast(method, lead) {
                self.tracks[place].pending.push_back((now + lead as u64, rounded(said)));
            }
        }
    }

    /// Exponential smoothing; while values are missing, what was expected stands for them.
    fn smooth(&mut self, value: Option<f64>) {
        let missing = self.values.iter().rev().take(LONGEST_GAP + 1);
        let stale = missing.filter(|value| value.is_none()).count() > LONGEST_GAP;
        for (state, (level, trend)) in self.smoothed.iter_mut().zip(SMOOTHING) {
            *state = match (*state, value) {
                (None, value) => value.map(|value| (value, 0.0)),
                (Some(_), None) if stale => None,
                (Some((was, slope)), None) => Some((was + DAMPING * slope, DAMPING * slope)),
                (Some((was, slope)), Some(value)) => {
                    let expected = was + DAMPING * slope;
                    let is = expected + level * (value - expected);
                    Some((is, DAMPING * slope + trend * ((is - was) - DAMPING * slope)))
                }
            };
        }
    }

    fn forecast(&self, method: Method, lead: usize) -> Option<f64> {
        let before = |bins: usize| self.values.before(bins);
        match method {
            Method::LastValue => self.last(),
            Method::SeasonalNaive => {
                let season = self.season?;
                // As many whole seasons back as are needed to reach what is known.
                before(season * lead.div_ceil(season).max(1) - lead)
            }
            Method::SeasonalDrift => {
                let season = self.season?;
                let naive = self.forecast(Method::SeasonalNaive, lead)?;
                let pairs = (0..5).filter_map(|bins| before(bins).zip(before(season + bins)));
                let (recent, then) =
                    pairs.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
                (then > 0.0).then(|| naive * (recent / then).clamp(0.2, 5.0))
            }
            Method::Smoothed(variant) => {
                let (level, trend) = self.smoothed.get(variant).copied()??;
                let steps: f64 = (1..=lead.min(1000)).map(|step| DAMPING.powi(step as i32)).sum();
                Some((level + trend * steps).max(0.0))
            }
            Method::Mixed => None,
        }
    }

    /// The forecaster that has proved itself best on this series, of those that can tell now. What just
    /// happened to one that it did not expect, it has not proved itself on: a trend through a step would go
    /// on far above it.
    fn best(&self, lead: usize) -> Method {
        let error = |place: usize| {
            let track = &self.tracks[place];
            let proved = track.tested >= TESTED && self.forecast(METHODS[place], lead).is_some();
            (proved && !(place > 0 && track.is_surprised())).then_some(track.mean_error)
        };
        let (last, seasonal) = (error(0), error(1));
        let mut best = Method::LastValue;
        let mut limit = match last {
            Some(last) => BETTER * last,
            None => return best,
        };
        if seasonal.is_some_and(|seasonal| seasonal < limit) {
            best = Method::SeasonalNaive;
            limit = BETTER * seasonal.unwrap_or(limit);
        }
        for (place, method) in METHODS.into_iter().enumerate().skip(2) {
            if let Some(found) = error(place).filter(|found| *found < limit) {
                best = method;
                limit = found;
            }
        }
        best
    }

    fn error_quantile(&self, method: Method, quantile: Share) -> f64 {
        let place = METHODS.iter().position(|m| *m == method).unwrap_or(0);
        let errors = &self.tracks[place].errors;
        let known = errors.len() >= TESTED as usize;
        errors.quantile(quantile).filter(|_| known).unwrap_or(0.0)
    }

    /// Looks for the lag at which the series is most like itself.
    fn find_season(&mut self) {
        let group = self.values.len().div_ceil(SEASON_POINTS).max(1);
        let values: Vec<Option<f64>> = self.values.iter().collect();
        let points: Vec<Option<f64>> = values
            .rchunks_exact(group)
            .map(|chunk| mean(chunk.iter().copied().flatten()))
            .collect();
        self.season = likest_lag(&points).map(|lag| lag * group);
    }
}

impl Track {
    /// Whether its newest error is far beyond those before.
    fn is_surprised(&self) -> bool {
        self.errors.before(0).is_some_and(|error| error.abs() > SURPRISE * self.mean_error)
    }

    fn judge(&mut self, error: f64) {
        self.errors.push(Some(error));
        self.errors.keep_newest(ERRORS);
        self.tested = self.tested.saturating_add(1);
        let weight = ERROR_WEIGHT.max(1.0 / f64::from(self.tested));
        self.mean_error += weight * (error.abs() - self.mean_error);
        let weight = 1.0 / f64::from(self.tested.min(SQUARES));
        self.mean_square += weight * (error * error - self.mean_square);
    }
}

/// Bins from the newest finished one to the one that a lead time ends in.
pub(super) fn lead_bins(lead: Millis, bin: Millis) -> usize {
    ((lead.get() / bin.get().max(1.0)).ceil() as usize).clamp(1, KEPT / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: f64 = 60_000.0;

    fn run(rates: impl Iterator<Item = f64>, lead_mins: f64) -> Forecaster {
        let mut forecaster = Forecaster::default();
        for (minute, rate) in (0i64..).zip(rates) {
            let now = Timestamp::from_millis(minute * 60_000);
            forecaster.note(
                rate,
                now,
                Millis::saturating(MINUTE),
                Millis::saturating(lead_mins * MINUTE),
            );
        }
        forecaster
    }

    fn at(forecaster: &Forecaster, lead_mins: f64) -> Forecast {
        let (lead, bin) = (Millis::saturating(lead_mins * MINUTE), Millis::saturating(MINUTE));
        forecaster.at(lead, bin, Share::saturating(0.9)).expect("values")
    }

    /// A noise of one third to three thirds that needs no generator.
    fn noise(i: u32) -> f64 {
        f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 65_536.0
    }

    #[test]
    fn noise_is_met_by_the_last_value_and_its_quantile() {
        let forecaster = run((0..400).map(|i| 1000.0 + 100.0 * (noise(i) - 0.5)), 3.0);
        let forecast = at(&forecaster, 3.0);
        assert!((forecast.upper - 1040.0).abs() < 60.0, "{forecast:?}");
        assert!(forecast.upper > forecast.expected);
    }

    #[test]
    fn a_steady_ramp_is_followed_by_its_trend() {
        let forecaster = run((0..200).map(|i| 1000.0 + 10.0 * f64::from(i)), 5.0);
        let forecast = at(&forecaster, 5.0);
        assert!(matches!(forecast.method, Method::Smoothed(_)), "{forecast:?}");
        let truth = 1000.0 + 10.0 * 203.0;
        assert!((forecast.upper / truth - 1.0).abs() < 0.02, "{forecast:?} for {truth}");
    }

    #[test]
    fn a_season_is_found_and_used() {
        let wave = |i: u32| 1000.0 + 500.0 * (f64::from(i) / 120.0 * std::f64::consts::TAU).sin();
        let forecaster = run((0..700).map(|i| wave(i) + 20.0 * noise(i)), 20.0);
        assert!(forecaster.season.is_some_and(|s| s.abs_diff(120) <= 3), "{:?}", forecaster.season);
        let forecast = at(&forecaster, 20.0);
        assert_ne!(forecast.method, Method::LastValue);
        let truth = wave(698 + 20);
        assert!((forecast.expected - truth).abs() < 100.0, "{forecast:?} for {truth}");
    }

    #[test]
    fn nobody_is_trusted_before_the_back_test() {
        let forecaster = run((0..15).map(|i| 100.0 * f64::from(i)), 3.0);
        assert_eq!(at(&forecaster, 3.0).method, Method::LastValue);
    }

    #[test]
    fn a_step_is_no_trend_to_go_on_with() {
        // A slow ramp, which smoothing meets best, and then a third more within two minutes.
        let mut forecaster = run((0..100).map(|i| 1000.0 + 5.0 * f64::from(i)), 5.0);
        assert!(matches!(at(&forecaster, 5.0).method, Method::Smoothed(_)));
        go_on(&mut forecaster, 100..103, |minute| [1750.0, 2000.0, 2000.0][minute as usize - 100]);
        let found = at(&forecaster, 5.0);
        assert_eq!(found.method, Method::LastValue);
        assert!(found.upper < 2200.0, "{found:?}");
    }

    #[test]
    fn a_random_walk_is_left_to_the_last_value_or_what_equals_it() {
        let mut rate = 1000.0;
        let walk = (0..600).map(|i| {
            rate += 40.0 * (noise(i) - 0.5);
            rate
        });
        let forecaster = run(walk.collect::<Vec<_>>().into_iter(), 5.0);
        let last = forecaster.last().expect("values");
        assert!((at(&forecaster, 5.0).expected / last - 1.0).abs() < 0.1);
    }

    /// Notes a rate in each of these minutes.
    fn go_on(
        forecaster: &mut Forecaster,
        minutes: std::ops::Range<u32>,
        rate: impl Fn(u32) -> f64,
    ) {
        let minute = Millis::saturating(MINUTE);
        for i in minutes {
            let now = Timestamp::from_millis(i64::from(i) * 60_000);
            forecaster.note(rate(i), now, minute, Millis::saturating(20.0 * MINUTE));
        }
    }

    #[test]
    fn a_very_long_silence_starts_a_new_series() {
        let mut forecaster = Forecaster::default();
        go_on(&mut forecaster, 0..100, |_| 5.0);
        go_on(&mut forecaster, 3000..3001, |_| 7.0);
        assert_eq!(forecaster.last(), None);
    }

    #[test]
    fn a_gap_is_missing_and_the_season_is_known_behind_it() {
        let wave = |i: u32| 1000.0 + 500.0 * (f64::from(i) / 120.0 * std::f64::consts::TAU).sin();
        let mut forecaster = Forecaster::default();
        go_on(&mut forecaster, 0..700, wave);
        go_on(&mut forecaster, 745..748, wave);
        let values: Vec<Option<f64>> = forecaster.values.iter().collect();
        assert_eq!(values[700..745], [None; 45]);
        assert!(values[..700].iter().chain(&values[745..]).all(|v| v.is_some_and(|v| v > 0.0)));
        let forecast = at(&forecaster, 20.0);
        let truth = wave(746 + 20);
        assert!((forecast.expected - truth).abs() < 100.0, "{forecast:?} for {truth}");
        assert_ne!(forecast.method, Method::LastValue);
    }

    #[test]
    fn who_is_read_again_forecasts_the_same_and_goes_on_the_same() {
        let rate = |i: u32| 1000.0 + 3.0 * f64::from(i) + 50.0 * noise(i);
        let mut kept = Forecaster::default();
        go_on(&mut kept, 0..333, rate);
        let json = serde_json::to_string(&kept).expect("plain data");
        let mut read: Forecaster = serde_json::from_str(&json).expect("what was written");
        for end in [334, 400, 470] {
            assert_eq!(at(&kept, 20.0), at(&read, 20.0));
            for forecaster in [&mut kept, &mut read] {
                go_on(forecaster, end - 1..end, rate);
            }
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut forecaster = Forecaster::default();
        go_on(&mut forecaster, 0..6000, |i| 1e5 / 3.0 * (1.0 + noise(i)));
        let json = serde_json::to_string(&forecaster).expect("plain data");
        assert_eq!(forecaster.values.len(), KEPT);
        assert!(json.len() < 32 * 1024, "{} bytes", json.len());
    }

    #[test]
    fn bins_of_another_length_start_a_new_series() {
        let mut forecaster = run((0..100).map(|_| 5.0), 1.0);
        let (now, bin) = (Timestamp::from_millis(100 * 60_000), Millis::saturating(MINUTE / 2.0));
        forecaster.note(7.0, now, bin, bin);
        assert_eq!(forecaster.last(), None);
    }
}
