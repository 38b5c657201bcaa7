//! One run of a situation on Flink, as on Storm: from an empty machine to what was measured, and back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use thalweg_lab::control::{Executor, TopologyInfo};
use thalweg_lab::counts::{Output, Spouts, Totals};
use thalweg_lab::flink::JobInfo;
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::process::Site;
use thalweg_lab::wait::until;
use thalweg_lab::{FlinkCluster, FlinkJob, Kafka, Redis};

use super::run::{JOB, START_LIMIT, TOPIC, start, status_file};
use super::side::FlinkSide;
use crate::clock::now_ms;
use crate::measure::{Measured, executors};
use crate::options::{Options, Store};
use crate::situation::{Side, Situation, WORDS_PER_LINE};
use crate::status::Status;
use crate::witness::{Phase, Vitals, Witness};
use crate::workplace::Workplace;

const PAUSE: Duration = Duration::from_millis(500);
/// Output must flow this long before anything else happens.
const STEADY: Duration = Duration::from_secs(4);
/// With nothing done for this long, Thalweg has had its chance.
const QUIET: Duration = Duration::from_secs(15);
/// Whatever has not come to rest by then is measured as it is.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// A side that falls behind its load never catches up.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);
/// A backlog of less than this much load is none.
const BACKLOG_SECS: f64 = 3.0;
/// An action's trace is looked for until this long after its end.
const AFTERMATH_MS: u64 = 5_000;

/// Goes through a situation with one side, and leaves nothing running.
///
/// # Errors
/// When some process fails, or output never flows.
pub fn show(
    side: Side,
    situation: &Situation,
    options: &Options,
    witness: &mut dyn Witness,
) -> Result<Measured> {
    let workplace = Workplace::new(options.keep_in(situation, side)?)?;
    witness.phase(side, Phase::SetUp);
    let scene = Scene::set_up(side, situation, options, workplace.path(), witness)?;
    let outcome = scene.go_through(options, witness);
    witness.phase(side, Phase::TearDown);
    drop(scene);
    outcome
}

/// A running cluster with its job.
struct Scene<'a> {
    side: Side,
    situation: &'a Situation,
    status_file: PathBuf,
    out: PathBuf,
    job: JobInfo,
    // Dropped in this order.
    flink: FlinkCluster,
    kafka: Kafka,
    _redis: Option<Redis>,
}

/// Cumulative over the subtasks of all vertices but sources.
#[derive(Default, Clone, Copy)]
struct Busy {
    read: f64,
    busy_ms: f64,
    back_pressured_ms: f64,
}

impl<'a> Scene<'a> {
    fn set_up(
        side: Side,
        situation: &'a Situation,
        options: &Options,
        folder: &Path,
        witness: &mut dyn Witness,
    ) -> Result<Self> {
        let with_redis = side == Side::Thalweg && options.store == Store::Redis;
        let redis =
            if with_redis { Some(Redis::start(&Site::loopback(folder)?, &[])?) } else { None };
        let mut settings = options.settings.clone();
        settings
            .extend(options.policy.iter().map(|name| ("thalweg.policy".to_owned(), name.clone())));
        if let Some(redis) = &redis {
            settings.push(("thalweg.store.kind".to_owned(), "redis".to_owned()));
            settings.push(("thalweg.store.redis.url".to_owned(), redis.url()));
        }
        let flink_side = match side {
            Side::Default => FlinkSide::Static,
            Side::Thalweg => FlinkSide::Level2,
        };
        let flink = start(flink_side, folder, &settings)?;
        witness.note("Flink is up");
        let kafka = Kafka::start(flink.hub())?;
        kafka.create_topic(TOPIC, 2)?;
        witness.note("Kafka is up");
        let out = flink.dir().join("out");
        let mut job = FlinkJob::word_count(JOB).kafka(kafka.bootstrap(), TOPIC).out(&out);
        for (key, value) in &situation.arguments {
            job = job.set(key, value);
        }
        let job = flink.submit(&job, START_LIMIT)?;
        witness.note("the job runs");
        for (n, cores) in (1..).zip(&situation.cores) {
            flink.require_cpu(n, *cores)?;
        }
        let status_file = status_file(folder);
        Ok(Self { side, situation, status_file, out, job, flink, kafka, _redis: redis })
    }

    fn go_through(&self, options: &Options, witness: &mut dyn Witness) -> Result<Measured> {
        witness.phase(self.side, Phase::Load);
        let load = Load::new(self.kafka.bootstrap(), TOPIC, Rate::Constant(self.situation.rate));
        let started = Instant::now();
        let generator = Generator::start(&load.words(WORDS_PER_LINE as usize))?;
        self.wait_steady(&generator, witness)?;
        witness.phase(self.side, Phase::Decide);
        let mut notes = self.wait_settled(&generator, witness)?;
        let settled_secs = started.elapsed().as_secs_f64();

        witness.phase(self.side, Phase::Measure);
        let mut measured = self.stage(options.stage, &generator, witness)?;
        measured.settled_secs = settled_secs;
        generator.stop()?;
        if let Some(status) = self.status() {
            measured.account(&status, &self.out, AFTERMATH_MS)?;
        }
        measured.notes.append(&mut notes);
        Ok(measured)
    }

    fn wait_steady(&self, generator: &Generator, witness: &mut dyn Witness) -> Result<()> {
        let mut since = None;
        until("steady output", START_LIMIT, || {
            let vitals = self.look(generator, witness)?;
            since = match (vitals.words > 0.0, since) {
                (false, _) => None,
                (true, None) => Some(Instant::now()),
                (true, known) => known,
            };
            std::thread::sleep(PAUSE);
            Ok(since.filter(|since: &Instant| since.elapsed() >= STEADY).map(drop))
        })
    }

    /// Waits until Thalweg has done what it wants to do, and for both sides until no backlog is left.
    fn wait_settled(
        &self,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        if self.side == Side::Thalweg && !self.wait_calm(generator, witness)? {
            notes.push("not at rest when it was measured".to_owned());
        }
        let begun = Instant::now();
        while self.backlog(generator)? > BACKLOG_SECS {
            if begun.elapsed() >= CATCH_UP_LIMIT {
                notes.push(format!("behind its load by {:.0} s", self.backlog(generator)?));
                break;
            }
            self.look(generator, witness)?;
            std::thread::sleep(PAUSE);
        }
        Ok(notes)
    }

    /// Returns whether calm came before the limit.
    fn wait_calm(&self, generator: &Generator, witness: &mut dyn Witness) -> Result<bool> {
        let begun = Instant::now();
        let mut calm_since: Option<Instant> = None;
        let mut phase = Phase::Decide;
        while begun.elapsed() < SETTLE_LIMIT {
            self.look(generator, witness)?;
            let status = self.status();
            let now = crate::witness::phase_of(status.as_ref());
            if now > phase {
                witness.phase(self.side, now);
                phase = now;
            }
            let calm = status.as_ref().is_some_and(Status::calm);
            calm_since = if calm { calm_since.or_else(|| Some(Instant::now())) } else { None };
            let acted = status.is_some_and(|status| status.done().next().is_some());
            let enough = if acted { STEADY } else { QUIET };
            if calm_since.is_some_and(|since| since.elapsed() >= enough) {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    }

    /// Load not yet worked off, in seconds.
    fn backlog(&self, generator: &Generator) -> Result<f64> {
        let counted = Totals::read(&self.out)?.sum() as f64 / f64::from(WORDS_PER_LINE);
        Ok((generator.records() as f64 - counted) / self.situation.rate)
    }

    fn stage(
        &self,
        length: Duration,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<Measured> {
        let (from, before) = (now_ms()?, self.busy()?);
        let begun = Instant::now();
        while begun.elapsed() < length {
            self.look(generator, witness)?;
            std::thread::sleep(PAUSE.min(length.saturating_sub(begun.elapsed())));
        }
        let (to, after) = (now_ms()?, self.busy()?);
        let mean = |of: fn(&Busy) -> f64| -> f64 {
            let vertices = after.iter().filter_map(|(id, after)| {
                let before = before.get(id).copied().unwrap_or_default();
                let read = after.read - before.read;
                (read > 0.0).then(|| (of(after) - of(&before)) / read)
            });
            vertices.sum()
        };
        let measured = Measured {
            side: self.side,
            execute_ms: mean(|b| b.busy_ms),
            process_ms: mean(|b| b.busy_ms + b.back_pressured_ms),
            throughput: Output::read(&self.out)?.rate(&(from..to)),
            executors: executors(&self.info()?),
            ..Measured::default()
        };
        Ok(measured.with_completed(&Spouts::read(&self.out)?.within(&(from..to)), 0))
    }

    /// What each vertex but sources has done so far.
    fn busy(&self) -> Result<BTreeMap<String, Busy>> {
        let mut all = BTreeMap::new();
        for vertex in self.job.vertices.iter().filter(|v| !v.name.starts_with("Source: ")) {
            let path = format!("/jobs/{}/vertices/{}", self.job.id, vertex.id);
            let details = self.flink.rest().get(&path)?;
            let sum = |key: &str| -> f64 {
                let subtasks = details["subtasks"].as_array().into_iter().flatten();
                subtasks.filter_map(|subtask| subtask["metrics"][key].as_f64()).sum()
            };
            let busy = Busy {
                read: sum("read-records"),
                busy_ms: sum("accumulated-busy-time"),
                back_pressured_ms: sum("accumulated-backpressured-time"),
            };
            all.insert(vertex.id.clone(), busy);
        }
        Ok(all)
    }

    fn look(&self, generator: &Generator, witness: &mut dyn Witness) -> Result<Vitals> {
        const BACK_MS: u64 = 3_000;
        let now = now_ms()?;
        let window = now.saturating_sub(BACK_MS)..now;
        let completed = Spouts::read(&self.out)?.within(&window);
        let vitals = Vitals {
            words: Output::read(&self.out)?.rate(&window),
            complete_ms: completed.mean_ms,
            p99_ms: completed.p99_ms,
            sent: generator.records(),
        };
        witness.look(vitals, self.status().as_ref(), self.info().ok().as_ref());
        Ok(vitals)
    }

    /// The job in the words in which topologies are shown.
    fn info(&self) -> Result<TopologyInfo> {
        let mut executors = Vec::new();
        for vertex in &self.job.vertices {
            for subtask in self.flink.rest().subtasks(&self.job.id, &vertex.id)? {
                executors.push(Executor {
                    component: vertex.name.clone(),
                    first_task: subtask.subtask,
                    last_task: subtask.subtask,
                    host: subtask.node,
                    port: 0,
                    uptime_secs: 0,
                    stats: None,
                });
            }
        }
        Ok(TopologyInfo {
            id: self.job.id.clone(),
            name: self.job.name.clone(),
            status: self.job.state.clone(),
            uptime_secs: 0,
            executors,
        })
    }

    fn status(&self) -> Option<Status> {
        match self.side {
            Side::Default => None,
            Side::Thalweg => Status::read(&self.status_file),
        }
    }
}
