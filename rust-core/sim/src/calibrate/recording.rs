//! A recorded run: one line for each interval.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::report::quantile;
use crate::scenario::Scenario;

/// Columns that a recording must have, in this order.
const COLUMNS: &str =
    "secs,throughput_per_s,latency_ms,latency_max_ms,lag,cpu_load,task_managers,fault";
/// Columns that it may have besides.
const MORE_COLUMNS: &str = ",offered_per_s,counts";

/// Why a recording cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {expected}")]
pub struct RecordingError {
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// What was expected there.
    pub expected: String,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Seconds between two samples.
    pub interval_secs: f64,
    /// The samples, in order.
    pub samples: Vec<Sample>,
}

/// An interval of a recorded run; nothing where nothing was measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// Its begin.
    pub secs: f64,
    /// Source records per second.
    pub throughput: Option<f64>,
    /// Median latency.
    pub latency_ms: Option<f64>,
    /// Highest latency.
    pub latency_max_ms: Option<f64>,
    /// What waited, as the engine counts it.
    pub lag: Option<f64>,
    /// Load of processors.
    pub cpu: Option<f64>,
    /// TaskManagers.
    pub task_managers: u32,
    /// Whether a fault was injected.
    pub fault: bool,
    /// Source records per second that arrived.
    pub offered: Option<f64>,
    /// Executors by component, as `split=3 count=2`; empty where TaskManagers tell.
    pub counts: BTreeMap<String, u32>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// When the text is none, naming file, line and what was expected.
    pub fn read(file: &str, text: &str) -> Result<Self, RecordingError> {
        let wrong = |line: usize, expected: String| RecordingError {
            file: file.to_owned(),
            line,
            expected,
        };
        let mut lines = text.lines().enumerate();
        match lines.next() {
            Some((_, head)) if known(head.trim()) => {}
            _ => return Err(wrong(1, format!("expected the heading {COLUMNS}[{MORE_COLUMNS}]"))),
        }
        let mut samples: Vec<Sample> = Vec::new();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let sample = sample(line).map_err(|expected| wrong(index + 1, expected))?;
            if samples.last().is_some_and(|last| last.secs >= sample.secs) {
                return Err(wrong(index + 1, "expected a later time than before".to_owned()));
            }
            samples.push(sample);
        }
        let [first, second, ..] = samples.as_slice() else {
            return Err(wrong(2, "expected at least two samples".to_owned()));
        };
        Ok(Self { interval_secs: second.secs - first.secs, samples })
    }

    /// Checks that a scenario can repeat it.
    ///
    /// # Errors
    /// When it has executors of a component that is not in the scenario, or more of them than tasks.
    pub fn check(&self, file: &str, scenario: &Scenario) -> Result<(), RecordingError> {
        for (index, sample) in self.samples.iter().enumerate() {
            for (id, count) in &sample.counts {
                let expected = match scenario.components.iter().find(|spec| spec.id == *id) {
                    None => {
                        format!("expected components of {}, and there is no {id}", scenario.name)
                    }
                    Some(spec) if spec.tasks < *count => {
                        format!("expected at most {} executors of {id}, its tasks", spec.tasks)
                    }
                    Some(_) => continue,
                };
                return Err(RecordingError { file: file.to_owned(), line: index + 2, expected });
            }
        }
        Ok(())
    }

    /// The recording as text, which [`Self::read`] reads.
    pub fn write(&self) -> String {
        let cell = |value: Option<f64>| value.map_or(String::new(), rounded);
        let line = |s: &Sample| {
            let counts: Vec<String> = s.counts.iter().map(|(id, n)| format!("{id}={n}")).collect();
            let cells = [
                rounded(s.secs),
                cell(s.throughput),
                cell(s.latency_ms),
                cell(s.latency_max_ms),
                cell(s.lag),
                cell(s.cpu),
                s.task_managers.to_string(),
                u8::from(s.fault).to_string(),
                cell(s.offered),
                counts.join(" "),
            ];
            cells.join(",") + "\n"
        };
        let lines: String = self.samples.iter().map(line).collect();
        format!("{COLUMNS}{MORE_COLUMNS}\n{lines}")
    }

    /// Source records per second that arrived in each interval, where it was recorded; else those completed.
    pub fn load(&self) -> Vec<f64> {
        self.samples.iter().map(|s| s.offered.or(s.throughput).unwrap_or(0.0)).collect()
    }

    /// How long it lasts.
    pub fn duration_secs(&self) -> f64 {
        self.samples.last().map_or(0.0, |last| last.secs) + self.interval_secs
    }

    /// A quantile of the median latencies of its intervals, in ms.
    pub fn latency(&self, share: f64) -> Option<f64> {
        quantile(self.samples.iter().filter_map(|s| s.latency_ms), share)
    }

    /// Hours of TaskManagers.
    pub fn manager_hours(&self) -> f64 {
        let sum: f64 = self.samples.iter().map(|s| f64::from(s.task_managers)).sum();
        sum * self.interval_secs / 3600.0
    }

    /// How often the whole job was deployed anew: its TaskManagers were gone.
    pub fn redeployments(&self) -> usize {
        let gone = |sample: &Sample| sample.task_managers == 0;
        self.samples.windows(2).filter(|pair| !gone(&pair[0]) && gone(&pair[1])).count()
    }
}

fn known(head: &str) -> bool {
    head.strip_prefix(COLUMNS).is_some_and(|more| more.is_empty() || more == MORE_COLUMNS)
}

/// Three decimals are more than was measured.
fn rounded(value: f64) -> String {
    ((value * 1_000.0).round() / 1_000.0).to_string()
}

fn sample(line: &str) -> Result<Sample, String> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [secs, throughput, latency, latency_max, lag, cpu, managers, fault, more @ ..] =
        cells.as_slice()
    else {
        return Err(format!("expected 8 cells or 10, got {}", cells.len()));
    };
    let (offered, counted) = match more {
        [] => ("", ""),
        [offered, counted] => (*offered, *counted),
        _ => return Err(format!("expected 8 cells or 10, got {}", cells.len())),
    };
    let number = |name: &str, cell: &str| -> Result<Option<f64>, String> {
        if cell.is_empty() {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Some(value)),
            _ => Err(format!("expected a number of at least 0 or nothing as {name}, got {cell}")),
        }
    };
    Ok(Sample {
        secs: number("secs", secs)?.ok_or("expected a number as secs")?,
        throughput: number("throughput_per_s", throughput)?,
        latency_ms: number("latency_ms", latency)?,
        latency_max_ms: number("latency_max_ms", latency_max)?,
        lag: number("lag", lag)?,
        cpu: number("cpu_load", cpu)?,
        task_managers: number("task_managers", managers)?.unwrap_or(0.0).round() as u32,
        fault: number("fault", fault)?.unwrap_or(0.0) > 0.0,
        offered: number("offered_per_s", offered)?,
        counts: counts(counted)?,
    })
}

fn counts(cell: &str) -> Result<BTreeMap<String, u32>, String> {
    let pair = |pair: &str| {
        let (id, count) = pair.split_once('=')?;
        Some((id.to_owned(), count.parse().ok().filter(|count| *count > 0)?))
    };
    let one =
        |text| pair(text).ok_or(format!("expected component=executors as counts, got {text}"));
    cell.split_whitespace().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_and_a_broken_one_names_its_line() {
        let text =
            format!("{COLUMNS}\n0,100,50,60,10,0.3,4,0\n15,,,,,,0,1\n30,90,55,70,12,0.3,4,0\n");
        let recording = Recording::read("run.csv", &text).expect("it is whole");
        assert_eq!((recording.interval_secs, recording.duration_secs()), (15.0, 45.0));
        assert_eq!((recording.redeployments(), recording.samples[1].throughput), (1, None));
        let broken = Recording::read("run.csv", &text.replace("90", "many")).expect_err("many");
        assert!(broken.to_string().starts_with("run.csv:4: expected a number"), "{broken}");
        let counted =
            text.replace("fault\n", "fault,offered_per_s,counts\n").replace(",0\n", ",0,,\n");
        let counted = counted.replace(",1\n", ",1,80.5,split=2 count=3\n");
        let recording = Recording::read("run.csv", &counted).expect("it is whole");
        assert_eq!(
            (recording.load(), recording.samples[1].counts["count"]),
            (vec![100.0, 80.5, 90.0], 3)
        );
        assert_eq!(Recording::read("again.csv", &recording.write()), Ok(recording));
        let none =
            Recording::read("run.csv", &counted.replace("split=2", "split=0")).expect_err("0");
        assert!(none.to_string().starts_with("run.csv:3: expected component=executors"), "{none}");
        let headless = Recording::read("run.csv", "0,1\n").expect_err("no heading");
        assert_eq!(headless.line, 1);
    }
}
