//! Processes that the lab starts, and their descendants, found by a mark in their environment.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::wait::until;

/// Environment variable that holds the work folder of the lab a process belongs to.
const LAB: &str = "THALWEG_LAB";
/// Environment variable that holds the name of the node a process belongs to.
const NODE: &str = "THALWEG_LAB_NODE";

/// Where a process of the lab runs, and the mark that it and its descendants carry.
#[derive(Debug, Clone)]
pub struct Site {
    /// The lab's work folder.
    pub lab: PathBuf,
    /// The node's name.
    pub node: String,
    /// The address its servers are reached at.
    pub host: String,
    /// The network namespace to start in, if not this process's own.
    pub namespace: Option<String>,
}

impl Site {
    /// This machine's loopback interface, outside any node.
    ///
    /// # Errors
    /// When the work folder cannot be made.
    pub fn loopback(lab: &Path) -> Result<Self> {
        fs::create_dir_all(lab).with_context(|| lab.display().to_string())?;
        Ok(Self {
            lab: fs::canonicalize(lab)?,
            node: "hub".to_owned(),
            host: "127.0.0.1".to_owned(),
            namespace: None,
        })
    }

    /// A command that will run here and carry the mark.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                // Unlike `ip netns exec`, this leaves /sys as it is, with the control groups in it.
                let mut command = Command::new("nsenter");
                command.arg(format!("--net=/run/netns/{namespace}")).arg("--").arg(program);
                command
            }
        };
        command.env(LAB, &self.lab).env(NODE, &self.node);
        command
    }
}

/// A server of the lab, in its own process group, with its output in a file.
///
/// Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    name: String,
    out: PathBuf,
    logs: Vec<PathBuf>,
}

impl Server {
    /// Starts a command; `logs` are shown when it fails, besides its own output in `<folder>/<name>.out`, behind that of
    /// its predecessors.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(
        name: &str,
        mut command: Command,
        folder: &Path,
        logs: &[PathBuf],
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let out = folder.join(format!("{name}.out"));
        let file = File::options().append(true).create(true).open(&out)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        let mut logs = logs.to_vec();
        logs.push(out.clone());
        Ok(Self { child, name: name.to_owned(), out, logs })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// With the ends of its logs when it dies or is not ready within `limit`.
    pub fn wait_ready(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let name = self.name.clone();
        let child = &mut self.child;
        let outcome = until(&format!("{name} being ready"), limit, || {
            if let Some(status) = child.try_wait()? {
                bail!("{name} ended with {status}");
            }
            Ok(ready().then_some(()))
        });
        outcome.with_context(|| tails(&self.logs))
    }

    /// Asks it to end, as the stop of a service does, and waits until it has.
    ///
    /// # Errors
    /// With the ends of its logs when it does not within `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<()> {
        signal(self.pid(), Signal::TERM)?;
        let child = &mut self.child;
        let ended = until(&format!("the end of {}", self.name), limit, || {
            Ok(child.try_wait()?.map(|_| ()))
        });
        ended.with_context(|| tails(&self.logs))
    }

    /// Whether it runs, and how, or with what it ended: what its log cannot tell.
    pub fn state(&self) -> String {
        let pid = self.pid();
        let unreaped = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match process_id(pid).map(|pid| waitid(WaitId::Pid(pid), unreaped)) {
            Ok(Ok(Some(end))) => match (end.exit_status(), end.terminating_signal()) {
                (Some(status), _) => format!("process {pid} ended with status {status}"),
                (None, signal) => format!("process {pid} ended by signal {signal:?}"),
            },
            Ok(Ok(None)) => {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                let wanted =
                    |line: &&str| ["State", "VmRSS"].iter().any(|key| line.starts_with(key));
                let lines: Vec<String> =
                    status.lines().filter(wanted).map(|line| line.replace('\t', " ")).collect();
                format!("process {pid}, {}", lines.join(", "))
            }
            Ok(Err(error)) => format!("process {pid}: {error}"),
            Err(error) => format!("process {pid}: {error:#}"),
        }
    }

    /// The stacks of a Java virtual machine's threads that stand in code of one of these packages; nothing from one that
    /// has ended or is stopped.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub fn stacks(&self, packages: &[&str]) -> Result<String> {
        /// Follows the stacks of all threads.
        const END: &str = "JNI global refs";
        let known = fs::metadata(&self.out)?.len();
        signal(self.pid(), Signal::QUIT)?;
        let new = |from: u64| -> Result<String> {
            let all = fs::read(&self.out)?;
            let from = usize::try_from(from)?.min(all.len());
            Ok(String::from_utf8_lossy(&all[from..]).into_owned())
        };
        // Who does not answer has no stacks to show, which is what the caller then sees.
        let _ = until("the stacks", Duration::from_secs(2), || {
            Ok(new(known)?.contains(END).then_some(()))
        });
        let dump = new(known)?;
        let chosen =
            dump.split("\n\n").filter(|stack| packages.iter().any(|name| stack.contains(name)));
        Ok(chosen.collect::<Vec<_>>().join("\n\n"))
    }

    /// Kills it and waits for its end.
    pub fn kill(&mut self) {
        // Fails only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of some logs, for people.
pub fn tails(logs: &[PathBuf]) -> String {
    const LINES: usize = 15;
    let mut text = String::new();
    for log in logs {
        let Ok(content) = fs::read_to_string(log) else {
            continue;
        };
        let lines: Vec<&str> = content.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LINES)..];
        text += &format!("--- {}\n{}\n", log.display(), tail.join("\n"));
    }
    text
}

/// A process that carries a lab's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its process id.
    pub pid: u32,
    /// The node it belongs to.
    pub node: String,
    /// Its command line.
    pub command: Vec<String>,
}

/// All living processes that carry the mark of the lab in this folder, by reading `/proc`.
pub fn marked(lab: &Path) -> Vec<Marked> {
    let own = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| read_mark(pid, lab))
        .collect()
}

fn read_mark(pid: u32, lab: &Path) -> Option<Marked> {
    let environment: BTreeMap<String, String> = strings(pid, "environ")?
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let command = strings(pid, "cmdline")?;
    let belongs = environment.get(LAB).is_some_and(|path| Path::new(path) == lab);
    (belongs && !command.is_empty()).then(|| Marked {
        pid,
        node: environment.get(NODE).cloned().unwrap_or_default(),
        command,
    })
}

/// Zero-separated strings of a file under `/proc/<pid>`; empty for a process that has ended but was not waited for.
fn strings(pid: u32, file: &str) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).ok()?;
    let strings = bytes
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .map(|part| String::from_utf8_lossy(part).into_owned());
    Some(strings.collect())
}

/// Sends a signal; a process that has ended already is no error.
///
/// # Errors
/// When it is not allowed.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    match kill_process(process_id(pid)?, signal) {
        Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
        Err(e) => Err(e).with_context(|| format!("cannot signal process {pid}")),
    }
}

fn process_id(pid: u32) -> Result<Pid> {
    let raw = i32::try_from(pid).context("process id")?;
    Pid::from_raw(raw).context("process id 0")
}

/// Kills those processes of the lab in this folder that `chosen` says, and returns how many there were.
///
/// # Errors
/// When some live on.
pub fn sweep(lab: &Path, chosen: impl Fn(&Marked) -> bool) -> Result<usize> {
    let find = || marked(lab).into_iter().filter(|process| chosen(process)).collect::<Vec<_>>();
    let first = find().len();
    until("the end of all processes", Duration::from_secs(10), || {
        let left = find();
        for process in &left {
            signal(process.pid, Signal::KILL)?;
        }
        Ok(left.is_empty().then_some(()))
    })?;
    Ok(first)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_by_their_mark_and_swept() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site { node: "n1".to_owned(), ..Site::loopback(folder.path()).unwrap() };
        let mut command = site.command("sh");
        command.args(["-c", "sleep 60 & wait"]);
        let server = Server::start("sleeper", command, folder.path(), &[]).unwrap();
        let both = until("two processes", Duration::from_secs(5), || {
            let found = marked(&site.lab);
            Ok((found.len() == 2).then_some(found))
        })
        .unwrap();
        assert!(both.iter().any(|process| process.pid == server.pid()));
        assert!(both.iter().all(|process| process.node == "n1"));
        assert_eq!(sweep(&site.lab, |_| true).unwrap(), 2);
        assert!(marked(&site.lab).is_empty());
    }

    #[test]
    fn a_server_that_dies_shows_its_output() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo why it failed; exit 3"]);
        let mut server = Server::start("broken", command, folder.path(), &[]).unwrap();
        let error = server.wait_ready(Duration::from_secs(5), || false).unwrap_err();
        assert!(format!("{error:#}").contains("why it failed"));
    }

    #[test]
    fn what_became_of_a_server_is_told_though_nobody_waited_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo once; read line; exit 3"]);
        let mut server = Server::start("some", command, folder.path(), &[]).unwrap();
        let ended = |server: &Server| {
            until("the end", Duration::from_secs(5), || {
                Ok(Some(server.state()).filter(|state| state.contains("ended")))
            })
        };
        let pid = server.pid();
        assert_eq!(ended(&server).unwrap(), format!("process {pid} ended with status 3"));
        server.kill();

        let mut command = Command::new("sleep");
        command.arg("60");
        let server = Server::start("some", command, folder.path(), &[]).unwrap();
        assert!(server.state().contains("State: "), "{}", server.state());
        signal(server.pid(), Signal::KILL).unwrap();
        assert!(ended(&server).unwrap().contains("by signal Some(9)"), "{}", server.state());
        // What the first one said is still there.
        assert_eq!(fs::read_to_string(folder.path().join("some.out")).unwrap(), "once\n");
    }
}
