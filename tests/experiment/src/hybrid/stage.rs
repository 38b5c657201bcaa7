//! All that runs: Kafka between the edge and the cloud, and a Thalweg for each.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use thalweg_lab::kafka::progress;
use thalweg_lab::ports::Ports;
use thalweg_lab::process::{Server, tails};
use thalweg_lab::spark::{Driver, Spark};
use thalweg_lab::wait::until;
use thalweg_lab::{FlinkBuilder, FlinkCluster, FlinkJob, Kafka};

use super::fault::Fault;
use super::report::{Engine, Report};
use crate::flink::jar;
use crate::status::Status;

/// What the edge sends.
pub(super) const TOPIC: &str = "edge";
const JOB: &str = "demand";
const NODES: usize = 2;
const LOOK: Duration = Duration::from_millis(200);
const LIMIT: Duration = Duration::from_secs(180);
/// What each trip takes at the edge beside its work, and each sum in the cloud, in ms: more than one executor can do.
const TRIP_MILLIS: f64 = 2.0;
const SUM_MILLIS: f64 = 3.0;
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../topologies/spark/edge.py");
/// For people who look on and do not want to wait for hours; each name is explained in the reference of settings.
const QUICK: [(&str, u64); 4] = [
    ("thalweg.metrics.settle.secs", 2),
    ("thalweg.scaling.up.delay.secs", 5),
    ("thalweg.action.cool.down.secs", 10),
    ("thalweg.monitor.interval.secs", 2),
];

/// A running system; dropping it stops every process.
pub(super) struct Stage {
    // Fields are dropped in this order: who uses goes before what is used.
    beside: Server,
    driver: Driver,
    spark: Spark,
    flink: FlinkCluster,
    kafka: Kafka,
    folder: PathBuf,
    /// The agent's port.
    ports: Ports,
}

impl Stage {
    /// Starts everything, and waits until sums would become results.
    pub fn open(folder: &Path, thalweg: &Path) -> Result<Self> {
        let folder = fs::canonicalize(folder)?;
        let cloud = folder.join("cloud");
        let mut builder = FlinkBuilder::new(&folder)
            .nodes(NODES)
            .slots(3)
            .library_jar(&jar()?)
            .set("execution.checkpointing.interval", "2s")
            .set("thalweg.mode", "act")
            .set("thalweg.metrics.window.secs", 10)
            .set("thalweg.store.dir", cloud.display().to_string());
        for (key, secs) in QUICK {
            builder = builder.set(key, secs);
        }
        let flink = builder.start()?;
        let kafka = Kafka::start(flink.hub())?;
        kafka.create_topic(TOPIC, 2)?;
        let job = FlinkJob::taxi_cloud(JOB).kafka(kafka.bootstrap(), TOPIC);
        let job = job.set("splitWait", SUM_MILLIS).out(&folder.join("out"));
        flink.submit(&job, LIMIT)?;

        fs::create_dir_all(folder.join("trips"))?;
        let (token, secret) = (folder.join("token"), format!("{:032x}", rand_of(&folder)));
        fs::write(&token, &secret)?;
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        let spark = Spark::start(&folder, NODES)?;
        let ports = Ports::take(1)?;
        let driver = drive(&spark, &folder, &ports, kafka.bootstrap())?;
        // Spark takes all there is where nobody says how many executors a driver is to have.
        driver.ask_for(&format!("127.0.0.1:{}", ports.at(0)), &secret, 1)?;
        let mut command = flink.hub().command(thalweg);
        command.args(["run", "spark", &format!("http://127.0.0.1:{}", ports.at(0))]);
        command.arg("--token-file").arg(&token).arg("--dir").arg(folder.join("edge"));
        command.args(["--mode", "act"]);
        for (key, secs) in QUICK {
            command.args(["--set", &format!("{key}={secs}")]);
        }
        let beside = Server::start("thalweg", command, &folder, &[])?;
        Ok(Self { beside, driver, spark, flink, kafka, folder, ports })
    }

    /// Where trips come to.
    pub fn trips(&self) -> PathBuf {
        self.folder.join("trips")
    }

    /// Where results are.
    pub fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// Kafka's address.
    pub fn bootstrap(&self) -> &str {
        self.kafka.bootstrap()
    }

    /// What a batch over the month prints.
    pub fn batch(&self) -> Result<String> {
        FlinkJob::taxi_cloud(JOB).program(&self.flink, "io.thalweg.topologies.taxi.Month", &[])
    }

    /// Notes what both Thalwegs have decided.
    pub fn look(&self, report: &mut Report) {
        for (engine, folder) in [(Engine::Cloud, "cloud"), (Engine::Edge, "edge")] {
            if let Some(status) = Status::read(&self.folder.join(folder).join("status.json")) {
                report.saw(engine, &status);
            }
        }
    }

    /// Lets something die, and come back once the next result is there; gives the seconds until that.
    pub fn survives(&mut self, fault: Fault) -> Result<f64> {
        // What is under way at that moment comes nevertheless.
        match fault {
            Fault::Worker => self.spark.kill_worker(1)?,
            Fault::Driver => {
                self.between_batches()?;
                self.driver.kill()?;
                self.forget_the_last_commit()?;
            }
            Fault::TaskManager => self.flink.kill_node(1)?,
        }
        let begun = Instant::now();
        if fault == Fault::Driver {
            self.driver = drive(&self.spark, &self.folder, &self.ports, self.bootstrap())?;
        }
        let before = self.results(fault)?;
        until("the next result", LIMIT, || {
            std::thread::sleep(LOOK);
            Ok((self.results(fault)? > before).then_some(()))
        })
        .with_context(|| tails(&self.logs()))?;
        let took = begun.elapsed().as_secs_f64();
        match fault {
            Fault::Worker => self.spark.start_worker(1)?,
            Fault::TaskManager => self.flink.start_node(1)?,
            Fault::Driver => {}
        }
        Ok(took)
    }

    /// Waits until the last batch that was planned is done.
    fn between_batches(&self) -> Result<()> {
        let begun = Instant::now();
        // Without a pause: the next one is planned within hundredths of a second.
        while self.last("offsets")? != self.last("commits")? {
            ensure!(begun.elapsed() < LIMIT, "no batch ends\n{}", tails(&self.logs()));
        }
        Ok(())
    }

    /// Leaves the checkpoint as it is where a driver dies after the sums of a batch are sent and before that is noted: whoever
    /// comes next sends them again. Where another batch was planned meanwhile, that one is done again anyway.
    fn forget_the_last_commit(&self) -> Result<()> {
        let done = self.last("commits")?;
        if self.last("offsets")? > done {
            return Ok(());
        }
        let done = done.context("no batch was done yet")?;
        // Its checksum first, which may not be there yet: with the one of another file the batch could not be noted again.
        for name in [format!(".{done}.crc"), done.to_string()] {
            match fs::remove_file(self.folder.join("checkpoint/commits").join(&name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).context(name);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The last batch that this part of the checkpoint knows of.
    fn last(&self, part: &str) -> Result<Option<u64>> {
        let mut last = None;
        for entry in fs::read_dir(self.folder.join("checkpoint").join(part))? {
            last = last.max(entry?.file_name().to_str().and_then(|name| name.parse().ok()));
        }
        Ok(last)
    }

    /// What the side that something dies on has come to.
    fn results(&self, fault: Fault) -> Result<u64> {
        match fault {
            Fault::TaskManager => Ok(thalweg_lab::counts::windows(&self.out())?.len() as u64),
            Fault::Worker | Fault::Driver => {
                Ok(progress(self.bootstrap(), TOPIC, "nobody")?.written)
            }
        }
    }

    /// Where all say what they do.
    pub fn logs(&self) -> Vec<PathBuf> {
        let own = [self.folder.join("thalweg.out"), self.folder.join("spark/driver.out")];
        self.flink.logs().into_iter().chain(self.spark.logs()).chain(own).collect()
    }

    /// Stops everything, Thalweg beside Spark as a service is.
    pub fn close(mut self) -> Result<()> {
        self.beside.stop(LIMIT)?;
        self.driver.kill()?;
        drop(self.spark);
        self.flink.stop();
        Ok(())
    }
}

fn drive(spark: &Spark, folder: &Path, ports: &Ports, bootstrap: &str) -> Result<Driver> {
    let mut jars = Vec::new();
    for entry in fs::read_dir(thalweg_lab::dist::Dist::open()?.spark_kafka()?)? {
        jars.push(entry?.path().display().to_string());
    }
    ensure!(!jars.is_empty(), "Spark has no connector to Kafka");
    jars.sort();
    let file = |name: &str| folder.join(name).display().to_string();
    let arguments = [
        ("--jars", jars.join(",")),
        ("--trips", file("trips")),
        ("--checkpoint", file("checkpoint")),
        ("--bootstrap", bootstrap.to_owned()),
        ("--topic", TOPIC.to_owned()),
        ("--agent", format!("127.0.0.1:{}", ports.at(0))),
        ("--token-file", file("token")),
        ("--trip-millis", TRIP_MILLIS.to_string()),
        ("--most-executors", NODES.to_string()),
    ];
    let words: Vec<String> =
        arguments.into_iter().flat_map(|(option, value)| [option.to_owned(), value]).collect();
    spark.drive("driver", Path::new(PROGRAM), &words)
}

/// Some number that nobody else has: the token guards a port of this machine for minutes.
fn rand_of(folder: &Path) -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(folder));
    half() << 64 | half()
}
