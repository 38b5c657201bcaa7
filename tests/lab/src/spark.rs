//! A Spark of a Master, Workers and drivers, each a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{Server, Site, sweep, tails};

const START_LIMIT: Duration = Duration::from_secs(120);
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const HOST: &str = "127.0.0.1";

/// A running cluster; dropping it stops all of its processes.
#[derive(Debug)]
pub struct Spark {
    // Fields are dropped in this order: who uses goes before what is used.
    workers: Vec<Option<Server>>,
    master: Server,
    install: Install,
    site: Site,
    dir: PathBuf,
    url: String,
}

/// The environment with PySpark in it.
#[derive(Debug)]
struct Install {
    python: PathBuf,
    /// What `SPARK_HOME` is.
    home: PathBuf,
}

/// A driver; dropping it kills it.
#[derive(Debug)]
pub struct Driver {
    server: Server,
    site: Site,
    log: PathBuf,
    /// Its successor has the same mark.
    killed: bool,
}

impl Spark {
    /// Starts a Master and so many Workers of one core in a folder.
    ///
    /// # Errors
    /// When PySpark is not installed, or a process fails or is late.
    pub fn start(lab: &Path, workers: usize) -> Result<Self> {
        let install = Install::find()?;
        let site = Site { node: "edge".to_owned(), ..Site::loopback(lab)? };
        let dir = site.lab.join("spark");
        let deploy = "org.apache.spark.deploy.master.Master";
        let mut command = install.class(&site, deploy);
        command.args(["--host", HOST, "--port", "0", "--webui-port", "0"]);
        let mut master = Server::start("master", command, &dir, &[])?;
        let out = dir.join("master.out");
        let mut url = None;
        master.wait_ready(START_LIMIT, || {
            url = word_after(&out, "spark://").map(|rest| format!("spark://{rest}"));
            url.is_some()
        })?;
        let url = url.context("the master told no address")?;
        let mut spark = Self { workers: Vec::new(), master, install, site, dir, url };
        for n in 1..=workers {
            spark.workers.push(None);
            spark.start_worker(n)?;
        }
        Ok(spark)
    }

    /// The Master's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The site of a worker, counted from 1.
    fn worker_site(&self, n: usize) -> Site {
        Site { node: format!("edge-{n}"), ..self.site.clone() }
    }

    /// Starts a worker that has died, counted from 1.
    ///
    /// # Errors
    /// When there is none of this number, or it does not come up.
    pub fn start_worker(&mut self, n: usize) -> Result<()> {
        ensure!((1..=self.workers.len()).contains(&n), "there is no worker {n}");
        let mut command =
            self.install.class(&self.worker_site(n), "org.apache.spark.deploy.worker.Worker");
        command.args(["--host", HOST, "--webui-port", "0", "--cores", "1", "--memory", "1g"]);
        command.arg("--work-dir").arg(self.dir.join(format!("work-{n}"))).arg(&self.url);
        let name = format!("worker-{n}");
        let worker = self.started(&name, command, "Successfully registered")?;
        self.workers[n - 1] = Some(worker);
        Ok(())
    }

    /// Kills a worker with all executors on it at once, counted from 1.
    ///
    /// # Errors
    /// When there is none of this number, or its processes live on.
    pub fn kill_worker(&mut self, n: usize) -> Result<()> {
        ensure!((1..=self.workers.len()).contains(&n), "there is no worker {n}");
        self.workers[n - 1] = None;
        let site = self.worker_site(n);
        sweep(&site.lab, |process| process.node == site.node).map(drop)
    }

    /// Starts a driver, a program of Python with these arguments besides `--master`, and waits until Thalweg's agent in it
    /// answers.
    ///
    /// # Errors
    /// With the end of its log when it does not.
    pub fn drive(&self, name: &str, program: &Path, arguments: &[String]) -> Result<Driver> {
        let site = Site { node: name.to_owned(), ..self.site.clone() };
        let mut command = site.command(&self.install.python);
        self.install.surround(&site, &mut command);
        command.arg(program).args(["--master", &self.url]).args(arguments);
        let server = self.started(name, command, "agent at ")?;
        Ok(Driver { server, site, log: self.log(name), killed: false })
    }

    /// Starts a process and waits until it says something, behind what its predecessors of the same name said.
    fn started(&self, name: &str, command: Command, word: &str) -> Result<Server> {
        let log = self.log(name);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        let before = said().len();
        let mut server = Server::start(name, command, &self.dir, &[])?;
        server.wait_ready(START_LIMIT, || {
            said().get(before..).is_some_and(|new| new.contains(word))
        })?;
        Ok(server)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.out"))
    }

    /// Where its processes say what they do.
    pub fn logs(&self) -> Vec<PathBuf> {
        let workers = (1..=self.workers.len()).map(|n| self.log(&format!("worker-{n}")));
        std::iter::once(self.log("master")).chain(workers).collect()
    }
}

impl Drop for Spark {
    fn drop(&mut self) {
        self.workers.clear();
        self.master.kill();
        // Executors are processes of their own, which outlive a worker for a moment.
        let _ = sweep(&self.site.lab, |process| process.node.starts_with("edge"));
    }
}

impl Driver {
    /// Kills it at once with its virtual machine, as a power cut would.
    ///
    /// # Errors
    /// When its processes live on.
    pub fn kill(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.killed, true) {
            return Ok(());
        }
        self.server.kill();
        sweep(&self.site.lab, |process| process.node == self.site.node).map(drop)
    }

    /// Asks the agent at this address for executors, so many in all, as an operator may.
    ///
    /// # Errors
    /// When it refuses.
    pub fn ask_for(&self, agent: &str, token: &str, executors: usize) -> Result<()> {
        let answer = minreq::put(format!("http://{agent}/v1/executors"))
            .with_header("Authorization", format!("Bearer {token}"))
            .with_body(format!("{{\"total\": {executors}}}"))
            .send()
            .with_context(|| self.tail())?;
        let said = answer.as_str().unwrap_or_default();
        ensure!(answer.status_code == 200, "{}: {said}", answer.status_code);
        Ok(())
    }

    /// The end of what it said.
    pub fn tail(&self) -> String {
        tails(std::slice::from_ref(&self.log))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

impl Install {
    fn find() -> Result<Self> {
        let python = Path::new(ROOT).join("target/integrations/spark/bin/python");
        if !python.exists() {
            bail!("no {}: run scripts/setup.sh hybrid", python.display());
        }
        let asked = ["-c", "import pyspark; print(pyspark.__path__[0])"];
        let output = Command::new(&python).args(asked).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let home = String::from_utf8(output.stdout)?.trim().into();
        Ok(Self { python, home })
    }

    /// One of Spark's own programs.
    fn class(&self, site: &Site, class: &str) -> Command {
        let mut command = site.command(self.home.join("bin/spark-class"));
        self.surround(site, &mut command);
        command.arg(class);
        command
    }

    fn surround(&self, site: &Site, command: &mut Command) {
        command.env("SPARK_HOME", &self.home).env("SPARK_LOCAL_IP", HOST);
        command.env("PYSPARK_PYTHON", &self.python).env("SPARK_DAEMON_MEMORY", "256m");
        command.env("PYTHONPATH", Path::new(ROOT).join("integrations/spark"));
        // Whoever is killed leaves its files behind; here they go with the lab.
        command.env("TMPDIR", &site.lab).env("SPARK_LOCAL_DIRS", &site.lab);
        command.env("JAVA_TOOL_OPTIONS", format!("-Djava.io.tmpdir={}", site.lab.display()));
    }
}

/// What follows the first of these words in a file, up to the next space.
fn word_after(file: &Path, word: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, rest) = text.split_once(word)?;
    // A line may still be written.
    let (rest, _) = rest.split_once(char::is_whitespace)?;
    Some(rest.trim_end_matches(['.', ',']).to_owned())
}
