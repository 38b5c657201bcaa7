//! What a topology's journals tell: output over time, gaps, recovery, complete latencies.
//!
//! All times are milliseconds since the epoch, by this machine's clock.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};

/// Width of a bin of output.
pub const BIN_MS: u64 = 100;
/// Output counts as back when it stays at this share of the base rate ...
const RECOVERED_SHARE: f64 = 0.9;
/// ... as a mean over this long ...
const MEAN_MS: u64 = 1_000;
/// ... for this long.
const STEADY_MS: u64 = 3_000;

/// Tuples counted by the last component, in bins of 100 ms.
#[derive(Debug, Clone, Default)]
pub struct Output {
    bins: BTreeMap<u64, u64>,
}

impl Output {
    /// Reads all `count-*.log` files of a folder; no file means no output.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut output = Self::default();
        for_each_line(folder, "count-", |fields| output.take(fields))?;
        Ok(output)
    }

    fn take(&mut self, fields: &[&str]) -> Result<()> {
        let [at, tuples] = fields else {
            anyhow::bail!("not two fields");
        };
        self.add(number(at)?, number(tuples)?);
        Ok(())
    }

    fn add(&mut self, at: u64, tuples: u64) {
        *self.bins.entry(at / BIN_MS).or_default() += tuples;
    }

    /// Tuples in each bin of a window, empty ones included.
    pub fn bins(&self, window: &Range<u64>) -> Vec<u64> {
        let bins = window.start / BIN_MS..window.end.div_ceil(BIN_MS);
        bins.map(|bin| self.bins.get(&bin).copied().unwrap_or(0)).collect()
    }

    /// Tuples in a window.
    pub fn total(&self, window: &Range<u64>) -> u64 {
        self.bins(window).iter().sum()
    }

    /// When the first tuple came, to a tenth of a second.
    pub fn first(&self) -> Option<u64> {
        self.bins.keys().next().map(|bin| bin * BIN_MS)
    }

    /// All tuples there are.
    pub fn all(&self) -> u64 {
        self.bins.values().sum()
    }

    /// Tuples per second in a window.
    pub fn rate(&self, window: &Range<u64>) -> f64 {
        let bins = self.bins(window);
        let secs = bins.len() as f64 * BIN_MS as f64 / 1_000.0;
        bins.iter().sum::<u64>() as f64 / secs.max(f64::MIN_POSITIVE)
    }

    /// The longest run of bins without output, in milliseconds.
    pub fn longest_gap_ms(&self, window: &Range<u64>) -> u64 {
        let (mut longest, mut run) = (0, 0);
        for tuples in self.bins(window) {
            run = if tuples == 0 { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest * BIN_MS
    }

    /// Time from an event until output is back at 90 % of a base rate: means over one second stay there for three.
    /// None if that does not happen before `until`.
    pub fn recovered_after_ms(&self, event: u64, base_rate: f64, until: u64) -> Option<u64> {
        let enough = |from: u64| self.rate(&(from..from + MEAN_MS)) >= RECOVERED_SHARE * base_rate;
        let steady = |from: u64| (0..STEADY_MS / BIN_MS).all(|bin| enough(from + bin * BIN_MS));
        let last = until.checked_sub(STEADY_MS + MEAN_MS)?;
        let mut from = event;
        while from <= last {
            if steady(from) {
                return Some(from - event);
            }
            from += BIN_MS;
        }
        None
    }
}

/// The instants at which output came, as finely as the journals tell.
#[derive(Debug, Clone, Default)]
pub struct Moments(Vec<u64>);

impl Moments {
    /// Reads all `count-*.log` files of a folder.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut moments = Vec::new();
        for_each_line(folder, "count-", |fields| {
            let [at, _] = fields else {
                anyhow::bail!("not two fields");
            };
            moments.push(number(at)?);
            Ok(())
        })?;
        moments.sort_unstable();
        Ok(Self(moments))
    }

    /// The longest time between two that follow each other and both lie in a window, with when it ended.
    pub fn longest_gap(&self, window: &Range<u64>) -> Option<(u64, u64)> {
        let within: Vec<u64> = self.0.iter().copied().filter(|at| window.contains(at)).collect();
        within.windows(2).map(|pair| (pair[1] - pair[0], pair[1])).max()
    }
}

/// How the spouts' tuples fared, in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Spouts {
    records: Vec<(u64, Record)>,
}

#[derive(Debug, Clone)]
struct Record {
    emitted: u64,
    acked: u64,
    failed: u64,
    latencies_ms: Vec<u64>,
    /// The same from when their records were made, where latencies do not begin then.
    ages_ms: Option<Vec<u64>>,
}

impl Record {
    fn ages(&self) -> &Vec<u64> {
        self.ages_ms.as_ref().unwrap_or(&self.latencies_ms)
    }
}

/// What happened to the spouts' tuples within a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// Tuples emitted, replayed ones included.
    pub emitted: u64,
    /// Tuples whose tree was complete.
    pub acked: u64,
    /// Tuples failed or timed out, which are replayed.
    pub failed: u64,
    /// Mean complete latency; 0 when nothing was acknowledged.
    pub mean_ms: f64,
    /// The latency that every second one stays below or at.
    pub p50_ms: u64,
    /// The latency that 95 of 100 stay below or at.
    pub p95_ms: u64,
    /// The latency that 99 of 100 stay below or at.
    pub p99_ms: u64,
    /// The greatest.
    pub max_ms: u64,
}

impl Spouts {
    /// Reads all `spout-*.log` files of a folder.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut spouts = Self::default();
        for_each_line(folder, "spout-", |fields| spouts.take(fields))?;
        spouts.records.sort_by_key(|(at, _)| *at);
        Ok(spouts)
    }

    fn take(&mut self, fields: &[&str]) -> Result<()> {
        self.records.push(record(fields)?);
        Ok(())
    }

    /// When the last record was written.
    pub fn newest(&self) -> Option<u64> {
        self.records.last().map(|(at, _)| *at)
    }

    /// Sums and latencies of a window.
    pub fn within(&self, window: &Range<u64>) -> Completed {
        let chosen: Vec<&Record> = self.chosen(window).collect();
        let latencies = Latencies::of(chosen.iter().flat_map(|record| &record.latencies_ms));
        Completed {
            emitted: chosen.iter().map(|record| record.emitted).sum(),
            acked: chosen.iter().map(|record| record.acked).sum(),
            failed: chosen.iter().map(|record| record.failed).sum(),
            mean_ms: latencies.mean(),
            p50_ms: latencies.percentile(50).unwrap_or(0),
            p95_ms: latencies.percentile(95).unwrap_or(0),
            p99_ms: latencies.percentile(99).unwrap_or(0),
            max_ms: latencies.percentile(100).unwrap_or(0),
        }
    }

    /// Latencies of a window from when the records were made: waiting before the sources is in them.
    pub fn ages_within(&self, window: &Range<u64>) -> Latencies {
        Latencies::of(self.chosen(window).flat_map(|record| record.ages()))
    }

    fn chosen(&self, window: &Range<u64>) -> impl Iterator<Item = &Record> {
        let within = self.records.iter().filter(|(at, _)| window.contains(at));
        within.map(|(_, record)| record)
    }
}

/// Latencies in milliseconds, least first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    fn of<'a>(latencies: impl Iterator<Item = &'a u64>) -> Self {
        let mut sorted: Vec<u64> = latencies.copied().collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// The latency that so many of a hundred stay below or at; nothing where there are none.
    pub fn percentile(&self, hundredths: usize) -> Option<u64> {
        let at = (self.0.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied()
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64 / self.0.len().max(1) as f64
    }
}

/// `<epoch ms> <emitted> <acked> <failed> <sum> <max> <latency,latency,...>`; sum and max follow from the list. Where
/// latencies do not begin when a record was made, those that do come as one more field.
fn record(fields: &[&str]) -> Result<(u64, Record)> {
    let [at, emitted, acked, failed, _sum, _max, list, ages @ ..] = fields else {
        anyhow::bail!("not seven fields");
    };
    let all = |list: &str| -> Result<Vec<u64>> {
        if list == "-" { Ok(Vec::new()) } else { list.split(',').map(number).collect() }
    };
    let record = Record {
        emitted: number(emitted)?,
        acked: number(acked)?,
        failed: number(failed)?,
        latencies_ms: all(list)?,
        ages_ms: ages.first().map(|ages| all(ages)).transpose()?,
    };
    Ok((number(at)?, record))
}

/// How often each word was counted by a job that keeps its counts as state, in `total-*.log` files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    counts: BTreeMap<String, u64>,
}

impl Totals {
    /// Reads all `total-*.log` files of a folder. A count only grows, or starts again from an earlier one, so the
    /// greatest is the one that holds.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut totals = Self::default();
        for_each_line(folder, "total-", |fields| {
            let [_at, counts] = fields else {
                anyhow::bail!("not two fields");
            };
            for pair in counts.split(',') {
                let (word, count) = pair.rsplit_once('=').context("not word=count")?;
                let greatest = totals.counts.entry(word.to_owned()).or_default();
                *greatest = (*greatest).max(number(count)?);
            }
            Ok(())
        })?;
        Ok(totals)
    }

    /// All words together at each instant at which some count was written.
    ///
    /// # Errors
    /// As for [`Totals::read`].
    pub fn over_time(folder: &Path) -> Result<Vec<(u64, u64)>> {
        let mut lines: Vec<(u64, String)> = Vec::new();
        for_each_line(folder, "total-", |fields| {
            let [at, counts] = fields else {
                anyhow::bail!("not two fields");
            };
            lines.push((number(at)?, (*counts).to_owned()));
            Ok(())
        })?;
        lines.sort();
        let mut totals = Self::default();
        let mut sum = 0;
        let mut points = Vec::new();
        for (at, counts) in lines {
            for pair in counts.split(',') {
                let (word, count) = pair.rsplit_once('=').context("not word=count")?;
                let count = number::<u64>(count)?;
                let known = totals.counts.entry(word.to_owned()).or_default();
                sum += count.saturating_sub(*known);
                *known = (*known).max(count);
            }
            points.push((at, sum));
        }
        Ok(points)
    }

    /// All words together.
    pub fn sum(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What windows came to by all `demand-*.log` and `routes-*.log` files of a folder: each answer that was given, in the
/// order of its file.
///
/// # Errors
/// When a file cannot be read or holds something else.
pub fn windows(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut answers = Vec::new();
    for kind in ["demand-", "routes-"] {
        for_each_line(folder, kind, |fields| {
            let [_at, windows] = fields else {
                anyhow::bail!("not two fields");
            };
            for pair in windows.split(',') {
                let (window, came_to) = pair.split_once('=').context("not window=result")?;
                answers.push((window.to_owned(), came_to.to_owned()));
            }
            Ok(())
        })?;
    }
    Ok(answers)
}

/// Output and spouts' tuples of a folder whose journals grow. Each look reads only what was written since the last one.
#[derive(Debug, Default)]
pub struct Following {
    /// Bytes of each file that were read.
    read: BTreeMap<PathBuf, u64>,
    output: Output,
    spouts: Spouts,
}

impl Following {
    /// Reads on, and returns all that is known.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn look(&mut self, folder: &Path) -> Result<(&Output, &Spouts)> {
        let Self { read, output, spouts } = self;
        for_each_new_line(folder, "count-", read, |fields| output.take(fields))?;
        for_each_new_line(folder, "spout-", read, |fields| spouts.take(fields))?;
        spouts.records.sort_by_key(|(at, _)| *at);
        Ok((output, spouts))
    }
}

fn for_each_line(
    folder: &Path,
    prefix: &str,
    each: impl FnMut(&[&str]) -> Result<()>,
) -> Result<()> {
    for_each_new_line(folder, prefix, &mut BTreeMap::new(), each)
}

/// A worker may be killed, or this reader come, while a line is written: a last line without its end is left for the
/// next time.
fn for_each_new_line(
    folder: &Path,
    prefix: &str,
    read: &mut BTreeMap<PathBuf, u64>,
    mut each: impl FnMut(&[&str]) -> Result<()>,
) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with(prefix) {
            continue;
        }
        let known = read.get(&path).copied().unwrap_or(0);
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(known))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        for line in whole.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            each(&fields).with_context(|| format!("{}: {line}", path.display()))?;
        }
        read.insert(path, known + whole.len() as u64);
    }
    Ok(())
}

fn number<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(text: &str) -> Result<T> {
    text.parse().with_context(|| format!("not a number: {text}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;

    /// 100 tuples per bin from 0 to 20 s, none from 5 s to 7 s, half from 7 s to 8 s.
    fn outage() -> Output {
        let mut output = Output::default();
        for at in (0..20_000).step_by(50) {
            match at {
                5_000..7_000 => {}
                7_000..8_000 => output.add(at, 25),
                _ => output.add(at, 50),
            }
        }
        output
    }

    #[test]
    fn gaps_and_rates_are_those_of_the_window() {
        let output = outage();
        assert_eq!(output.rate(&(0..5_000)), 1_000.0);
        assert_eq!(output.rate(&(7_000..8_000)), 500.0);
        assert_eq!(output.longest_gap_ms(&(0..20_000)), 2_000);
        assert_eq!(output.longest_gap_ms(&(8_000..20_000)), 0);
        assert_eq!(output.longest_gap_ms(&(30_000..31_000)), 1_000);
        assert_eq!(output.total(&(4_900..7_100)), 150);
    }

    #[test]
    fn recovery_is_the_moment_from_which_output_stays() {
        let output = outage();
        // A window of one second at 90 %: 200 ms of the half-rate second may be in it.
        assert_eq!(output.recovered_after_ms(5_000, 1_000.0, 20_000), Some(2_800));
        assert_eq!(output.recovered_after_ms(9_000, 1_000.0, 20_000), Some(0));
        assert_eq!(output.recovered_after_ms(5_000, 2_000.0, 20_000), None);
        assert_eq!(output.recovered_after_ms(18_000, 1_000.0, 20_000), None);
    }

    #[test]
    fn journals_are_read_without_their_unfinished_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("count-1-2.log"), "1000 5\n1050 6\n11").unwrap();
        fs::write(folder.path().join("count-1-3.log"), "1010 7\n").unwrap();
        let output = Output::read(folder.path()).unwrap();
        assert_eq!(output.bins(&(1_000..1_200)), [18, 0]);
        let moments = Moments::read(folder.path()).unwrap();
        assert_eq!(moments.longest_gap(&(1_000..2_000)), Some((40, 1_050)));
        assert_eq!(moments.longest_gap(&(1_040..2_000)), None);

        let many: Vec<String> = (1..=200).map(|ms| ms.to_string()).collect();
        let lines = format!("1000 3 200 1 20100 200 {}\n2000 1 0 0 0 0 -\n", many.join(","));
        fs::write(folder.path().join("spout-1-9.log"), lines).unwrap();
        let within = Spouts::read(folder.path()).unwrap().within(&(0..2_000));
        assert_eq!((within.emitted, within.acked, within.failed), (3, 200, 1));
        assert_eq!((within.mean_ms, within.p99_ms, within.max_ms), (100.5, 198, 200));
    }

    #[test]
    fn growing_journals_are_read_on_from_where_the_last_look_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (count, spout) =
            (folder.path().join("count-1-2.log"), folder.path().join("spout-1-9.log"));
        let append = |file: &Path, text: &str| {
            let mut file = File::options().create(true).append(true).open(file).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        };
        let mut following = Following::default();
        let mut seen = || {
            let (output, spouts) = following.look(folder.path()).unwrap();
            (output.all(), spouts.within(&(0..5_000)).acked, spouts.newest())
        };
        assert_eq!(seen(), (0, 0, None));
        append(&count, "1000 5\n1050 6\n11");
        append(&spout, "1000 3 2 1 20100 200 4,5\n");
        assert_eq!(seen(), (11, 2, Some(1_000)));
        assert_eq!(seen(), (11, 2, Some(1_000)));
        append(&count, "00 7\n");
        append(&spout, "900 1 1 0 4 4 4\n");
        assert_eq!(seen(), (18, 3, Some(1_000)));
        // What was read is not read again.
        fs::write(&count, "1000 9\n1050 9\n1100 9\n1200 1\n").unwrap();
        assert_eq!(seen(), (19, 3, Some(1_000)));
    }

    #[test]
    fn the_greatest_count_of_a_word_is_its_total() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("total-1-0-0.log"), "1000 a=1,b=2\n2000 a=7\n").unwrap();
        fs::write(folder.path().join("total-2-1-1.log"), "3000 a=5,x=y=1\n").unwrap();
        assert_eq!(Totals::read(folder.path()).unwrap().sum(), 7 + 2 + 1);
        let over_time = Totals::over_time(folder.path()).unwrap();
        assert_eq!(over_time, [(1000, 3), (2000, 9), (3000, 10)]);
    }

    #[test]
    fn what_is_no_journal_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("count-1-2.log"), "1000 x\n").unwrap();
        let error = format!("{:#}", Output::read(folder.path()).unwrap_err());
        assert!(error.contains("count-1-2.log: 1000 x"), "{error}");
    }
}
