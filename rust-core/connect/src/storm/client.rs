//! Storm's own client on this machine, as a program that can be started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::StormError;

/// The class of our jar that speaks to Nimbus.
const MAIN: &str = "io.thalweg.storm.Beside";
/// What lets it change the cluster.
const CHANGES: &str = "--changes";
/// A program of little work: it need not be compiled to the last, nor have many threads for its memory.
const LIGHT: [&str; 3] =
    ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.disableJmx=true"];

/// Where everything is that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Storm's folder, which has `lib`.
    pub home: PathBuf,
    /// The folder with `storm.yaml`.
    pub conf: PathBuf,
    /// Our jar for Storm.
    pub jar: PathBuf,
    /// The program `java`.
    pub java: PathBuf,
    /// Whether it may change the cluster, not only ask.
    pub may_change: bool,
}

impl Client {
    /// The command that starts it.
    ///
    /// # Errors
    /// When something is not where it is said to be.
    pub fn command(&self) -> Result<Command, StormError> {
        let lib = self.home.join("lib");
        require(lib.is_dir(), &lib, "is not there: expected Storm's folder")?;
        let conf = self.conf.join("storm.yaml");
        require(
            conf.is_file(),
            &conf,
            "is not there: expected the configuration of Storm's client",
        )?;
        require(self.jar.is_file(), &self.jar, "is not there: expected Thalweg's jar for Storm")?;
        let mut java = Command::new(&self.java);
        java.args(LIGHT).arg(property("storm.home", &self.home));
        java.arg("-cp").arg(self.class_path()?).arg(MAIN);
        if self.may_change {
            java.arg(CHANGES);
        }
        Ok(java)
    }

    /// In the order in which Storm's own commands have it: the configuration names files that are found by it.
    fn class_path(&self) -> Result<OsString, StormError> {
        let places = [
            self.conf.clone(),
            self.home.join("lib").join("*"),
            self.home.join("extlib").join("*"),
            self.jar.clone(),
        ];
        std::env::join_paths(&places).map_err(|error| StormError::Setup {
            path: self.home.clone(),
            reason: format!("no class path can be made: {error}"),
        })
    }
}

fn property(key: &str, value: &Path) -> OsString {
    let mut property = OsString::from(format!("-D{key}="));
    property.push(value);
    property
}

fn require(there: bool, path: &Path, reason: &str) -> Result<(), StormError> {
    if there {
        return Ok(());
    }
    Err(StormError::Setup { path: path.to_owned(), reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn the_clients_own_libraries_and_configuration_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let client = Client {
            home: at("home"),
            conf: at("conf"),
            jar: at("ours.jar"),
            java: "java".into(),
            may_change: false,
        };
        for (wanted, make) in [("lib", "home/lib"), ("storm.yaml", "conf"), ("ours.jar", "")] {
            let error = client.command().unwrap_err();
            assert_eq!(error.code(), "SETUP");
            assert!(error.to_string().contains(wanted), "{error}");
            fs::create_dir_all(at(make)).unwrap();
            if wanted != "lib" {
                fs::write(at(make).join(wanted), "").unwrap();
            }
        }
        let command = client.command().unwrap();
        let arguments: Vec<String> =
            command.get_args().map(|one| one.to_string_lossy().into_owned()).collect();
        let [.., path, main] = &arguments[..] else { panic!("{arguments:?}") };
        assert_eq!(main, MAIN);
        let root = folder.path().display();
        assert_eq!(
            path,
            &format!("{root}/conf:{root}/home/lib/*:{root}/home/extlib/*:{root}/ours.jar")
        );
    }

    #[test]
    fn a_place_that_a_class_path_cannot_have_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a:b");
        fs::create_dir_all(odd.join("lib")).unwrap();
        fs::write(odd.join("storm.yaml"), "").unwrap();
        let client = Client {
            home: odd.clone(),
            conf: odd.clone(),
            jar: odd.join("storm.yaml"),
            java: "java".into(),
            may_change: true,
        };
        assert_eq!(client.command().unwrap_err().code(), "SETUP");
    }
}
