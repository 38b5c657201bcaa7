//! Lines sent to Kafka at a rate that follows a profile, the same ones on every run.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::kafka::config;
use crate::text::{Lines, Text, Trips};

const TICK: Duration = Duration::from_millis(5);
const FLUSH_LIMIT: Duration = Duration::from_secs(10);

/// Records per second as a function of time.
#[derive(Debug, Clone, PartialEq)]
pub enum Rate {
    /// The same throughout.
    Constant(f64),
    /// One rate, and from a moment on another.
    Step {
        /// Before the step.
        before: f64,
        /// From the step on.
        after: f64,
        /// Seconds from the start to the step.
        at_secs: f64,
    },
    /// Swings around a mean, which it starts at.
    Sine {
        /// The middle.
        mean: f64,
        /// How far it swings to each side; what would go below zero is zero.
        amplitude: f64,
        /// Seconds from peak to peak.
        period_secs: f64,
    },
    /// Values at equal distances, joined by straight lines.
    Series {
        /// Records per second.
        values: Vec<f64>,
        /// Seconds from one value to the next.
        step_secs: f64,
    },
}

impl Rate {
    /// A series from the last column of a CSV file with a header, scaled to this mean and stretched to this length.
    ///
    /// # Errors
    /// When the file cannot be read, holds a value that is no number, or has fewer than two.
    pub fn from_csv(file: &Path, mean: f64, secs: f64) -> Result<Self> {
        let values = Self::values_of(file, usize::MAX)?;
        Self::series(&values, mean, secs).with_context(|| file.display().to_string())
    }

    /// The first values in the last column of a CSV file with a header.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a value that is no number.
    pub fn values_of(file: &Path, most: usize) -> Result<Vec<f64>> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty()).take(most);
        let value = |line: &str| {
            let last = line.rsplit(',').next().unwrap_or(line).trim();
            last.parse::<f64>().with_context(|| format!("no number at the end of {line}"))
        };
        lines.map(value).collect::<Result<_>>().with_context(|| file.display().to_string())
    }

    /// A series scaled to this mean and stretched to this length.
    ///
    /// # Errors
    /// When it has fewer than two values or they sum to nothing.
    pub fn series(values: &[f64], mean: f64, secs: f64) -> Result<Self> {
        let count = values.len() as f64;
        let sum: f64 = values.iter().sum();
        if values.len() < 2 || sum <= 0.0 {
            bail!("a series needs two values or more, and a positive sum");
        }
        let scale = mean * count / sum;
        Ok(Self::Series {
            values: values.iter().map(|value| value * scale).collect(),
            step_secs: secs / (count - 1.0),
        })
    }

    /// The rate this many seconds after the start, never negative.
    pub fn at(&self, secs: f64) -> f64 {
        let rate = match self {
            Self::Constant(rate) => *rate,
            Self::Step { before, after, at_secs } => {
                if secs < *at_secs {
                    *before
                } else {
                    *after
                }
            }
            Self::Sine { mean, amplitude, period_secs } => {
                mean + amplitude * (std::f64::consts::TAU * secs / period_secs).sin()
            }
            Self::Series { values, step_secs } => interpolate(values, secs / step_secs),
        };
        rate.max(0.0)
    }
}

fn interpolate(values: &[f64], place: f64) -> f64 {
    let last = values.len() - 1;
    // Places are small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let left = (place.max(0.0).floor() as usize).min(last);
    let right = (left + 1).min(last);
    let share = (place - left as f64).clamp(0.0, 1.0);
    values[left] + (values[right] - values[left]) * share
}

/// What to send, where, and how long.
#[derive(Debug, Clone)]
pub struct Load {
    bootstrap: String,
    topic: String,
    rate: Rate,
    duration: Option<Duration>,
    text: Text,
}

impl Load {
    /// Seven words a line, until stopped.
    pub fn new(bootstrap: &str, topic: &str, rate: Rate) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            topic: topic.to_owned(),
            rate,
            duration: None,
            text: Text::Words(7),
        }
    }

    /// The taxi trips of a month at the pace of their pickups, so many times faster and each so many times.
    ///
    /// # Errors
    /// When the trips cannot be read.
    pub fn trips(bootstrap: &str, topic: &str, speedup: f64, copies: u64) -> Result<Self> {
        let trips = Trips::read(copies)?;
        let mut values = trips.by_step(speedup);
        // What is left by then, of wrong clocks and for rounding, follows at the mean rate.
        values.push(values.iter().sum::<f64>() / values.len() as f64);
        let rate = Rate::Series { values, step_secs: Trips::STEP_SECS / speedup };
        Ok(Self { text: Text::Trips(Arc::new(trips)), ..Self::new(bootstrap, topic, rate) })
    }

    /// Ends by itself after this long.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// The number of words in each line.
    #[must_use]
    pub fn words(mut self, words: usize) -> Self {
        self.text = Text::Words(words);
        self
    }
}

/// What a generator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Records that Kafka took.
    pub records: u64,
    /// Of those, records sent more than 100 ms after their time.
    pub late: u64,
}

/// A thread that sends; dropping it stops it.
#[derive(Debug)]
pub struct Generator {
    stop: Arc<AtomicBool>,
    records: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<Sent>>>,
}

impl Generator {
    /// Starts to send.
    ///
    /// # Errors
    /// When the text cannot be read or the broker does not know the topic.
    pub fn start(load: &Load) -> Result<Self> {
        let lines = Lines::read(&load.text)?;
        let producer: ThreadedProducer<DefaultProducerContext> = config(&load.bootstrap)
            .set("linger.ms", "5")
            .set("enable.idempotence", "true")
            .create()?;
        let metadata = producer.client().fetch_metadata(Some(&load.topic), FLUSH_LIMIT)?;
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        if partitions == 0 {
            bail!("no topic {}", load.topic);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let records = Arc::new(AtomicU64::new(0));
        let sender = Sender {
            load: load.clone(),
            lines,
            producer,
            partitions: u64::try_from(partitions)?,
            stop: Arc::clone(&stop),
            records: Arc::clone(&records),
        };
        let thread = Some(std::thread::spawn(move || sender.run()));
        Ok(Self { stop, records, thread })
    }

    /// Records sent so far.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Stops sending and tells what was sent.
    ///
    /// # Errors
    /// When Kafka refused a record.
    pub fn stop(self) -> Result<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Waits for the end of the load.
    ///
    /// # Errors
    /// When Kafka refused a record.
    pub fn join(mut self) -> Result<Sent> {
        let thread = self.thread.take().context("joined once")?;
        thread.join().map_err(|_| anyhow!("the sending thread panicked"))?
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Sender {
    load: Load,
    lines: Lines,
    producer: ThreadedProducer<DefaultProducerContext>,
    partitions: u64,
    stop: Arc<AtomicBool>,
    records: Arc<AtomicU64>,
}

impl Sender {
    fn run(self) -> Result<Sent> {
        let start = Instant::now();
        let mut clock = 0.0;
        let mut due = 0.0;
        let mut sent = Sent { records: 0, late: 0 };
        while !self.stop.load(Ordering::Relaxed) && self.lines.has(sent.records) {
            let now = start.elapsed();
            if self.load.duration.is_some_and(|duration| now >= duration) {
                break;
            }
            let step = now.as_secs_f64() - clock;
            due += self.load.rate.at(clock + step / 2.0) * step;
            clock += step;
            while (sent.records as f64) < due.floor() && self.lines.has(sent.records) {
                self.send(sent.records)?;
                sent.records += 1;
                sent.late += u64::from(step > 0.1);
            }
            self.records.store(sent.records, Ordering::Relaxed);
            std::thread::sleep(TICK);
        }
        self.producer.flush(FLUSH_LIMIT)?;
        Ok(sent)
    }

    fn send(&self, sequence: u64) -> Result<()> {
        let line = self.lines.line(sequence);
        // Fewer partitions than i32 can hold, by Kafka's own type.
        let partition = i32::try_from(sequence % self.partitions)?;
        loop {
            let record =
                BaseRecord::<(), String>::to(&self.load.topic).partition(partition).payload(&line);
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                // Kafka is slower than the load: wait for room.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    std::thread::sleep(TICK)
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_their_profile() {
        let step = Rate::Step { before: 10.0, after: 50.0, at_secs: 5.0 };
        assert_eq!((step.at(4.9), step.at(5.0)), (10.0, 50.0));
        let sine = Rate::Sine { mean: 10.0, amplitude: 20.0, period_secs: 8.0 };
        assert!((sine.at(2.0) - 30.0).abs() < 1e-9);
        assert_eq!(sine.at(6.0), 0.0);
    }

    #[test]
    fn a_series_is_scaled_to_its_mean_and_joined_by_lines() {
        let series = Rate::series(&[1.0, 3.0, 2.0], 100.0, 20.0).unwrap();
        assert!((series.at(0.0) - 50.0).abs() < 1e-9);
        assert!((series.at(5.0) - 100.0).abs() < 1e-9);
        assert!((series.at(10.0) - 150.0).abs() < 1e-9);
        assert!((series.at(99.0) - 100.0).abs() < 1e-9);
        assert!(Rate::series(&[1.0], 1.0, 1.0).is_err());
        assert!(Rate::series(&[0.0, 0.0], 1.0, 1.0).is_err());
    }
}
