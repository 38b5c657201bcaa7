//! `thalweg worker-archive`: an archive of the classes of Storm's workers, with which they start with less work.
//!
//! A worker reads and checks classes that are the same for all workers of a machine. Java can keep them in a file that is
//! mapped instead (class-data sharing). Where it does not fit any more, as after an upgrade, a worker starts without it, and
//! without Java's own archive too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

/// Classes of a worker that has taken its first tuples, without those that came with its topology.
/// `bench-workers --list` writes them.
const CLASSES: &str = include_str!("worker_archive/classes.txt");
/// The folder of the jars that every worker has first on its class path.
const JARS: &str = "lib-worker";
/// What the archive is called unless another place is given.
const NAME: &str = "thalweg-workers.jsa";
/// As much of what Java says as helps.
const LAST_LINES: usize = 10;

/// Makes an archive of the classes of Storm's workers on this machine, so that they start with less work
#[derive(Debug, Args)]
pub struct WorkerArchive {
    /// Storm's folder, which has `lib-worker`
    storm_home: PathBuf,
    /// The Java that workers run on; the one on the path if absent
    #[arg(long, value_name = "FOLDER", env = "JAVA_HOME")]
    java_home: Option<PathBuf>,
    /// Where the archive goes; into Storm's folder if absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl WorkerArchive {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        // Workers run in other folders.
        let home = fs::canonicalize(&self.storm_home);
        let home = home.with_context(|| self.storm_home.display().to_string())?;
        let jars = home.join(JARS);
        ensure!(jars.is_dir(), "{} is not there: expected Storm's folder", jars.display());
        let out = self.out.clone().unwrap_or_else(|| home.join(NAME));
        let out = std::path::absolute(&out).with_context(|| out.display().to_string())?;
        self.make(&jars, &out)?;
        let bytes = fs::metadata(&out).with_context(|| out.display().to_string())?.len();
        println!("{}: {:.0} MiB", out.display(), bytes as f64 / f64::from(1 << 20));
        println!(
            "add to worker.childopts and topology.worker.logwriter.childopts in storm.yaml of this machine:"
        );
        println!("  -Xshare:auto -XX:SharedArchiveFile={}", out.display());
        Ok(())
    }

    /// Makes the archive beside its place, tries it, and puts it there: what runs maps the former one.
    fn make(&self, jars: &Path, out: &Path) -> Result<()> {
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let scratch = tempfile::tempdir_in(folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        let (list, made) = (scratch.path().join("classes"), scratch.path().join(NAME));
        fs::write(&list, self.classes()).with_context(|| list.display().to_string())?;
        let class_path = jars.join("*");
        let archive = format!("-XX:SharedArchiveFile={}", made.display());
        let listed = format!("-XX:SharedClassListFile={}", list.display());
        let at = |mode: &str| {
            let mut java = Command::new(self.java());
            java.args([mode, &archive]).arg("-cp").arg(&class_path);
            java
        };
        done(at("-Xshare:dump").arg(listed)).context("the archive cannot be made")?;
        // Fails where it cannot be mapped, while workers would go on without.
        done(at("-Xshare:on").arg("-version")).context("the archive was made, but not taken")?;
        fs::rename(&made, out).with_context(|| out.display().to_string())
    }

    /// The classes that Java lists itself, where it does, and those of workers.
    fn classes(&self) -> String {
        let own = self.home().map(|home| home.join("lib").join("classlist"));
        let own = own.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        format!("{own}\n{CLASSES}")
    }

    /// Java's folder: the one that was named, or the one of the program on the path.
    fn home(&self) -> Option<PathBuf> {
        self.java_home.clone().or_else(|| {
            let path = std::env::var_os("PATH")?;
            let found = std::env::split_paths(&path).map(|folder| folder.join("java"));
            let java = found.into_iter().find_map(|file| fs::canonicalize(file).ok())?;
            Some(java.parent()?.parent()?.to_owned())
        })
    }

    fn java(&self) -> PathBuf {
        self.java_home.as_ref().map_or_else(|| "java".into(), |home| home.join("bin").join("java"))
    }
}

/// Runs Java to its end.
fn done(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{:?}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    bail!("java: {}\n{}", output.status, lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
}
