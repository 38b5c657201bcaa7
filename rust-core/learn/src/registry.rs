//! Where models are kept: a folder with a file for each version, and one that tells which is asked.
//!
//! `registry.json` has for each name the version that is asked, if any, and every change of it with its day and reason. A version
//! is written once and never again. One process changes the folder at a time; readers see files whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thalweg_core::learning::Card;

use crate::error::LearnError;
use crate::model::{Model, ModelFile, read_at_most};

/// The format of `registry.json` that is written and read.
const FORMAT: u64 = 1;

/// A change of what is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The day, as it was told.
    pub date: String,
    /// The version that is asked from then on; nothing where the simple rule is.
    pub version: Option<u32>,
    /// Why.
    pub why: String,
}

/// What is asked of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The newest version.
    pub newest: u32,
    /// Changes of what is asked, the oldest first; the last one holds.
    pub entries: Vec<Entry>,
}

impl Standing {
    /// The version that is asked; nothing where the simple rule is.
    pub fn asked(&self) -> Option<u32> {
        self.entries.last().and_then(|entry| entry.version)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Index {
    format: u64,
    models: BTreeMap<String, Standing>,
}

/// A version of a model in a list.
#[derive(Debug)]
pub struct Listed {
    /// The model's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Whether it is asked.
    pub asked: bool,
    /// What it says of itself, or why it cannot be asked.
    pub card: Result<Card, LearnError>,
}

/// A folder of models.
#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// The registry in a folder, which may not be there yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Keeps a model as the next version of its name; answers with that version. Nobody asks it before it is promoted.
    ///
    /// # Errors
    /// When the model is not sound, or the folder cannot be written.
    pub fn add(&self, mut file: ModelFile) -> Result<u32, LearnError> {
        let place = file.card.name.clone();
        file.checked().map_err(|error| LearnError::Model { place, error })?;
        let _lock = self.lock()?;
        let mut index = self.index()?;
        let standing = index.models.entry(file.card.name.clone()).or_default();
        standing.newest += 1;
        file.card.version = standing.newest;
        let path = self.path(&file.card.name, standing.newest);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(at(folder))?;
        let text = serde_json::to_string(&file).map_err(|error| LearnError::Corrupt {
            place: path.display().to_string(),
            reason: error.to_string(),
        })?;
        replace(&path, &text)?;
        self.write(&index)?;
        Ok(file.card.version)
    }

    /// All versions of all names, in order.
    ///
    /// # Errors
    /// When the folder cannot be read. A version that cannot be asked is listed with the reason.
    pub fn list(&self) -> Result<Vec<Listed>, LearnError> {
        let mut listed = Vec::new();
        for (name, standing) in &self.index()?.models {
            for version in 1..=standing.newest {
                let asked = standing.asked() == Some(version);
                let card = self.get(name, version).map(|model| model.card().clone());
                listed.push(Listed { name: name.clone(), version, asked, card });
            }
        }
        Ok(listed)
    }

    /// How each name stands.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn standings(&self) -> Result<BTreeMap<String, Standing>, LearnError> {
        Ok(self.index()?.models)
    }

    /// A version of a model.
    ///
    /// # Errors
    /// When there is none, or it is not sound.
    pub fn get(&self, name: &str, version: u32) -> Result<Model, LearnError> {
        let path = self.path(name, version);
        if !path.is_file() {
            return Err(LearnError::Unknown { name: name.to_owned(), version });
        }
        let place = path.display().to_string();
        let file = ModelFile::read(&path)?;
        if (file.card.name.as_str(), file.card.version) != (name, version) {
            let reason = format!("it says that it is {} {}", file.card.name, file.card.version);
            return Err(LearnError::Corrupt { place, reason });
        }
        file.checked().map_err(|error| LearnError::Model { place, error })
    }

    /// The model that is asked; nothing where the simple rule is.
    ///
    /// # Errors
    /// When it is not sound: the simple rule is asked then as well, and this is why.
    pub fn asked(&self, name: &str) -> Result<Option<Model>, LearnError> {
        let index = self.index()?;
        let version = index.models.get(name).and_then(Standing::asked);
        version.map(|version| self.get(name, version)).transpose()
    }

    /// Has a version asked from now on.
    ///
    /// # Errors
    /// When it is not sound, or has not done better than the simple rules beside it.
    pub fn promote(
        &self,
        name: &str,
        version: u32,
        date: &str,
        why: &str,
    ) -> Result<(), LearnError> {
        let model = self.get(name, version)?;
        if !model.card().wins() {
            let beside = model.card().measures.iter().find(|m| m.own >= m.rule);
            let reason = beside.map_or("nothing was measured of it".to_owned(), |m| {
                format!("{}: {:.1}, and {:.1} by {}", m.name, m.own, m.rule, m.beside)
            });
            return Err(LearnError::NotEarned { name: name.to_owned(), version, reason });
        }
        self.change(name, |_| Ok(Some(version)), date, why)
    }

    /// Has the version asked that was asked before, or the simple rule where none was; answers with it.
    ///
    /// # Errors
    /// When nothing was ever asked.
    pub fn roll_back(&self, name: &str, date: &str, why: &str) -> Result<Option<u32>, LearnError> {
        let mut to = None;
        let mut before = |standing: &Standing| {
            let Some((last, earlier)) = standing.entries.split_last() else {
                return Err(LearnError::NoneBefore(name.to_owned()));
            };
            to = earlier.iter().rev().map(|entry| entry.version).find(|v| *v != last.version);
            to = to.or(Some(None).filter(|_| last.version.is_some()));
            to.ok_or_else(|| LearnError::NoneBefore(name.to_owned()))
        };
        self.change(name, &mut before, date, why)?;
        Ok(to.flatten())
    }

    fn change(
        &self,
        name: &str,
        to: impl FnOnce(&Standing) -> Result<Option<u32>, LearnError>,
        date: &str,
        why: &str,
    ) -> Result<(), LearnError> {
        let _lock = self.lock()?;
        let mut index = self.index()?;
        let Some(standing) = index.models.get_mut(name) else {
            return Err(LearnError::Unknown { name: name.to_owned(), version: 0 });
        };
        let version = to(standing)?;
        let (date, why) = (date.to_owned(), why.to_owned());
        standing.entries.push(Entry { date, version, why });
        self.write(&index)
    }

    fn path(&self, name: &str, version: u32) -> PathBuf {
        self.folder.join(name).join(format!("{version:06}.json"))
    }

    fn index(&self) -> Result<Index, LearnError> {
        let path = self.folder.join("registry.json");
        if !path.exists() {
            return Ok(Index { format: FORMAT, models: BTreeMap::new() });
        }
        let place = path.display().to_string();
        let corrupt = |reason: String| LearnError::Corrupt { place: place.clone(), reason };
        let value: serde_json::Value = serde_json::from_str(&read_at_most(&path)?)
            .map_err(|error| corrupt(error.to_string()))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format > FORMAT => {
                return Err(LearnError::Newer { place, format, reads: FORMAT });
            }
            Some(_) => {}
            None => return Err(corrupt("it has no format".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| corrupt(error.to_string()))
    }

    fn write(&self, index: &Index) -> Result<(), LearnError> {
        let path = self.folder.join("registry.json");
        let text = serde_json::to_string_pretty(index).map_err(|error| LearnError::Corrupt {
            place: path.display().to_string(),
            reason: error.to_string(),
        })?;
        replace(&path, &(text + "\n"))
    }

    /// Held while the folder is changed; it is free again when the file is closed.
    fn lock(&self) -> Result<File, LearnError> {
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(_) => Err(LearnError::Locked(self.folder.display().to_string())),
        }
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> LearnError {
    let place = path.display().to_string();
    move |error| LearnError::File { place, error }
}

/// Replaces a file whole, also where the machine loses its power.
fn replace(path: &Path, text: &str) -> Result<(), LearnError> {
    let part = path.with_extension("part");
    let mut file = File::create(&part).map_err(at(&part))?;
    file.write_all(text.as_bytes()).map_err(at(&part))?;
    // Or a crash could leave the new name with nothing in it.
    file.sync_all().map_err(at(&part))?;
    fs::rename(&part, path).map_err(at(path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}
