//! Java virtual machines: small ones, as many of them share one machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::Site;

/// Flags of every virtual machine: quick to start, small, one collector thread.
const SMALL: [&str; 2] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A JDK.
#[derive(Debug, Clone)]
pub struct Java {
    /// What `JAVA_HOME` would be; the `java` on the path when empty.
    home: Option<PathBuf>,
}

impl Java {
    /// The JDK in this folder, else `$JAVA_HOME`, else the one on the path.
    pub fn new(home: Option<&Path>) -> Self {
        let home =
            home.map(Path::to_owned).or_else(|| std::env::var_os("JAVA_HOME").map(Into::into));
        Self { home }
    }

    /// A command for `java` at a site, with small-footprint flags and this heap, like `96m`.
    pub fn command(&self, site: &Site, heap: &str) -> Command {
        let mut command = site.command(self.tool("java"));
        if let Some(home) = &self.home {
            command.env("JAVA_HOME", home);
        }
        command.arg(format!("-Xmx{heap}")).args(SMALL);
        command
    }

    /// A `JAVA_HOME`, made in this folder, whose `java` joins a control group before it runs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn joining(&self, group: &Path, home: &Path) -> Result<PathBuf> {
        let java = home.join("bin").join("java");
        let script = format!(
            "#!/bin/sh\necho $$ > '{}' && exec '{}' \"$@\"\n",
            group.join("cgroup.procs").display(),
            self.tool("java").display()
        );
        fs::create_dir_all(home.join("bin"))?;
        fs::write(&java, script).with_context(|| format!("cannot write {}", java.display()))?;
        fs::set_permissions(&java, Permissions::from_mode(0o755))?;
        Ok(home.to_owned())
    }

    /// Compiles some sources into a folder.
    ///
    /// # Errors
    /// With the compiler's words when it refuses them.
    pub fn compile(&self, sources: &[PathBuf], class_path: &str, into: &Path) -> Result<()> {
        let output = Command::new(self.tool("javac"))
            .args(["--release", "17", "-Xlint:all", "-Werror", "-cp", class_path, "-d"])
            .arg(into)
            .args(sources)
            .output()
            .context("cannot run javac")?;
        if !output.status.success() {
            bail!("javac: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    fn tool(&self, name: &str) -> PathBuf {
        match &self.home {
            Some(home) => home.join("bin").join(name),
            None => name.into(),
        }
    }
}

/// The small-footprint flags as one text, for configuration files.
pub fn small_flags() -> String {
    SMALL.join(" ")
}

/// A class path of folders and jars; `x/*` means all jars in `x`.
pub fn class_path<T: AsRef<Path>>(entries: &[T]) -> String {
    let entries: Vec<String> =
        entries.iter().map(|entry| entry.as_ref().display().to_string()).collect();
    entries.join(":")
}
