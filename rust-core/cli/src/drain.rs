//! `thalweg drain`: empties a host, or lets it be used again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use thalweg_engine::drains;

use crate::files;

/// Empties hosts: nothing new is placed there, and what runs there leaves.
#[derive(Args)]
pub struct Drain {
    /// The host, as `storm.local.hostname` names it; without one the drained hosts are listed
    host: Option<String>,
    /// Thalweg's folder on the leading Nimbus: `<storm.local.dir>/thalweg`
    #[arg(long)]
    dir: PathBuf,
    /// Lets the host be used again
    #[arg(long, requires = "host")]
    undo: bool,
}

impl Drain {
    /// Changes the list of drained hosts, or shows it.
    pub fn run(self) -> anyhow::Result<()> {
        if !self.dir.is_dir() {
            bail!(
                "{} is no folder: --dir must name Thalweg's folder on the leading Nimbus",
                self.dir.display()
            );
        }
        let mut drained = drains::read(&self.dir).map_err(|problem| anyhow!(problem))?;
        if let Some(host) = self.host {
            let changed =
                if self.undo { drained.remove(&host) } else { drained.insert(host.clone()) };
            if !changed {
                bail!("{host} is {} drained", if self.undo { "not" } else { "already" });
            }
            write(&self.dir.join(drains::FILE), &drained)?;
        }
        match drained.is_empty() {
            true => println!("no host is drained"),
            false => drained.iter().for_each(|host| println!("{host}")),
        }
        Ok(())
    }
}

fn write(file: &std::path::Path, drained: &BTreeSet<String>) -> anyhow::Result<()> {
    let text = serde_json::to_string(drained).context("names are always JSON")?;
    files::write(file, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_drained_and_given_back() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let run = |host: &str, undo| {
            let dir = folder.path().to_owned();
            Drain { host: Some(host.to_owned()), dir, undo }.run()
        };
        run("node3", false).expect("it was not drained");
        run("node4", false).expect("it was not drained");
        assert!(run("node3", false).is_err());
        run("node3", true).expect("it was drained");
        assert!(run("node3", true).is_err());
        let left = drains::read(folder.path()).expect("it was just written");
        assert_eq!(left, BTreeSet::from(["node4".to_owned()]));
    }
}
