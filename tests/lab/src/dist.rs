//! Storm's, Flink's, Spark's and Kafka's own jars, fetched once from Maven Central into a cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::java::{Java, class_path};

/// The newest Storm whose artifacts all resolve.
pub const STORM: &str = "2.8.3";
/// The newest Kafka whose artifacts all resolve.
pub const KAFKA: &str = "4.3.1";
/// The Spark of the integrations' environment.
const SPARK: &str = "4.2.0";
/// The logger that Flink's distribution brings along.
const LOG4J: &str = "2.24.3";
/// The line that the newest autoscaler whose artifacts all resolve speaks to clusters with.
const AUTOSCALER_FLINK: &str = "1.20.5";

/// Where the jars of one kind lie.
#[derive(Debug, Clone)]
pub struct Dist {
    cache: PathBuf,
    /// The version of Storm.
    storm: String,
}

struct Tree {
    folder: String,
    /// `group:artifact:version` of each artifact that is wanted with all it needs.
    artifacts: Vec<String>,
    /// Group and artifact of dependencies that are not needed, and cannot be resolved or do harm.
    without: &'static [(&'static str, &'static str)],
}

impl Dist {
    /// The cache `$THALWEG_CACHE`, else `~/.cache/thalweg`.
    ///
    /// # Errors
    /// When neither is known.
    pub fn open() -> Result<Self> {
        let cache = match std::env::var_os("THALWEG_CACHE") {
            Some(path) => PathBuf::from(path),
            None => std::env::home_dir()
                .context("no home folder: set THALWEG_CACHE")?
                .join(".cache/thalweg"),
        };
        fs::create_dir_all(&cache).with_context(|| cache.display().to_string())?;
        Ok(Self { cache, storm: STORM.to_owned() })
    }

    /// With another Storm than [`STORM`].
    #[must_use]
    pub fn with_storm(self, version: &str) -> Self {
        Self { storm: version.to_owned(), ..self }
    }

    /// The version of the Storm whose jars these are.
    pub fn storm_version(&self) -> &str {
        &self.storm
    }

    /// Jars for Storm's daemons.
    ///
    /// # Errors
    /// When they are not in the cache and cannot be fetched.
    pub fn storm_daemon(&self) -> Result<PathBuf> {
        self.tree(&Tree {
            folder: format!("storm-{}/lib", self.storm),
            artifacts: vec![format!("org.apache.storm:storm-core:{}", self.storm)],
            // Storm's distribution has one binding of slf4j, and older artifacts name two.
            without: &[("org.apache.storm", "storm-clojure"), ("org.slf4j", "slf4j-reload4j")],
        })
    }

    /// Jars for Storm's workers and clients.
    ///
    /// # Errors
    /// As for [`Dist::storm_daemon`].
    pub fn storm_worker(&self) -> Result<PathBuf> {
        self.tree(&Tree {
            folder: format!("storm-{}/lib-worker", self.storm),
            artifacts: vec![format!("org.apache.storm:storm-client:{}", self.storm)],
            without: &[],
        })
    }

    /// Jars for a Kafka broker.
    ///
    /// # Errors
    /// As for [`Dist::storm_daemon`].
    pub fn kafka(&self) -> Result<PathBuf> {
        self.tree(&Tree {
            folder: format!("kafka-{KAFKA}/lib"),
            artifacts: vec![format!("org.apache.kafka:kafka_2.13:{KAFKA}")],
            without: &[],
        })
    }

    /// Jars for a Flink of this version: what its distribution holds, as far as a session cluster needs it.
    ///
    /// # Errors
    /// As for [`Dist::storm_daemon`].
    pub fn flink(&self, version: &str) -> Result<PathBuf> {
        // Before 2.0 what all connectors share is an artifact of its own; since then files bring it along.
        let connectors = if version.starts_with("1.") {
            "flink-connector-base"
        } else {
            "flink-connector-files"
        };
        let own = [
            "flink-clients",
            "flink-runtime",
            "flink-runtime-web",
            "flink-streaming-java",
            "flink-statebackend-rocksdb",
            connectors,
            "flink-connector-datagen",
        ];
        let log = ["log4j-slf4j-impl", "log4j-core"];
        let own = own.iter().map(|artifact| format!("org.apache.flink:{artifact}:{version}"));
        let log = log.iter().map(|artifact| format!("org.apache.logging.log4j:{artifact}:{LOG4J}"));
        self.tree(&Tree {
            folder: format!("flink-{version}/lib"),
            artifacts: own.chain(log).collect(),
            without: &[],
        })
    }

    /// Jars for `lib/` with which a Flink of this version takes SQL.
    ///
    /// # Errors
    /// As for [`Dist::storm_daemon`].
    pub fn flink_sql(&self, version: &str) -> Result<PathBuf> {
        let own =
            ["flink-table-planner-loader", "flink-table-runtime", "flink-table-api-java-bridge"];
        self.tree(&Tree {
            folder: format!("flink-{version}/sql"),
            artifacts: own.map(|artifact| format!("org.apache.flink:{artifact}:{version}")).into(),
            without: &[("org.slf4j", "slf4j-api")],
        })
    }

    /// Jars with which a Spark reads from Kafka and writes to it, besides its own.
    ///
    /// # Errors
    /// As for [`Dist::storm_daemon`].
    pub fn spark_kafka(&self) -> Result<PathBuf> {
        self.tree(&Tree {
            folder: format!("spark-{SPARK}/kafka"),
            artifacts: vec![format!("org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK}")],
            // Spark brings these along.
            without: &[
                ("org.apache.hadoop", "hadoop-client-api"),
                ("org.apache.hadoop", "hadoop-client-runtime"),
                ("org.apache.spark", "spark-tags_2.13"),
                ("org.scala-lang", "scala-library"),
                ("org.scala-lang.modules", "scala-parallel-collections_2.13"),
                ("org.slf4j", "slf4j-api"),
            ],
        })
    }

    /// The folder `name` of the cache, filled by `make` unless it exists: once, also when several ask at once.
    ///
    /// # Errors
    /// Those of `make`; then the folder stays absent.
    pub fn once(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let ready = self.cache.join(name);
        if ready.exists() {
            return Ok(ready);
        }
        let parent = ready.parent().context("a folder has a parent")?;
        fs::create_dir_all(parent)?;
        let lock = File::create(self.cache.join(format!(".lock-{}", name.replace('/', "-"))))?;
        lock.lock()?;
        if !ready.exists() {
            let draft = ready.with_extension("draft");
            if draft.exists() {
                fs::remove_dir_all(&draft)?;
            }
            fs::create_dir_all(&draft)?;
            make(&draft)?;
            fs::rename(&draft, &ready)?;
        }
        Ok(ready)
    }

    /// Jars for Flink's own autoscaler, and for the client of the line that it is made for.
    ///
    /// # Errors
    /// As for [`Dist::storm_daemon`].
    pub fn autoscaler(&self) -> Result<PathBuf> {
        let own = [
            "flink-autoscaler:1.10.0".to_owned(),
            format!("flink-clients:{AUTOSCALER_FLINK}"),
            format!("flink-runtime:{AUTOSCALER_FLINK}"),
        ];
        let log = ["log4j-slf4j-impl", "log4j-core"];
        let log = log.iter().map(|artifact| format!("org.apache.logging.log4j:{artifact}:{LOG4J}"));
        self.tree(&Tree {
            folder: "flink-autoscaler-1.10.0/lib".to_owned(),
            artifacts: own.iter().map(|one| format!("org.apache.flink:{one}")).chain(log).collect(),
            without: &[],
        })
    }

    /// The classes of one of this crate's own programs, compiled against these jars.
    ///
    /// # Errors
    /// With the compiler's words when it refuses them.
    pub fn program(&self, name: &str, java: &Java, jars: &Path) -> Result<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let folder = folder.join("src/main/java/io/thalweg/lab");
        let mut sources = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            sources.push(entry?.path());
        }
        sources.sort();
        let mut text = String::new();
        for source in &sources {
            text += &fs::read_to_string(source)?;
        }
        let versioned = format!("{name}-{:016x}", fingerprint(text.as_bytes()));
        self.once(&versioned, |draft| java.compile(&sources, &class_path(&[jars]), draft))
    }

    fn tree(&self, tree: &Tree) -> Result<PathBuf> {
        self.once(&tree.folder, |draft| fetch(tree, draft))
    }
}

/// FNV-1a: tells versions of our own sources apart.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn fetch(tree: &Tree, draft: &Path) -> Result<()> {
    let pom = draft.join("pom.xml");
    fs::write(&pom, pom_of(tree))?;
    tracing::info!(artifacts = ?tree.artifacts, "fetching from maven central");
    let output = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies"])
        .arg("-DincludeScope=runtime")
        .arg(format!("-DoutputDirectory={}", draft.display()))
        .arg("-f")
        .arg(&pom)
        .output()
        .context("cannot run mvn")?;
    if !output.status.success() {
        bail!("mvn failed: {}", String::from_utf8_lossy(&output.stdout));
    }
    fs::remove_file(&pom)?;
    Ok(())
}

fn pom_of(tree: &Tree) -> String {
    let exclude = |(group, artifact): &(&str, &str)| {
        format!(
            "<exclusion><groupId>{group}</groupId><artifactId>{artifact}</artifactId></exclusion>"
        )
    };
    let exclusions: String = tree.without.iter().map(exclude).collect();
    let dependencies: String = tree
        .artifacts
        .iter()
        .map(|name| name.split(':').collect::<Vec<_>>())
        .filter_map(|name| {
            let [group, artifact, version] = name[..] else { return None };
            Some(format!("<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version><exclusions>{exclusions}</exclusions></dependency>\n"))
        })
        .collect();
    format!(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>io.thalweg.lab</groupId><artifactId>tree</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
{dependencies}</dependencies>
</project>
"#
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_once_and_a_failure_leaves_nothing() {
        let cache = tempfile::tempdir().unwrap();
        let dist = Dist { cache: cache.path().to_owned(), storm: STORM.to_owned() };
        assert!(dist.once("a/b", |_| bail!("no network")).is_err());
        assert!(!cache.path().join("a/b").exists());
        let made = dist.once("a/b", |draft| Ok(fs::write(draft.join("x"), "1")?)).unwrap();
        assert!(made.join("x").exists());
        dist.once("a/b", |_| bail!("asked twice")).unwrap();
    }
}
