//! What every run cost, kept in a file so that a search that was ended, however, goes on where it was.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which run: of a draw, in a case, with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The draw's number.
    pub draw: usize,
    /// The scenario's.
    pub case: usize,
    /// The seed.
    pub seed: u64,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: Key,
    cost: f64,
}

/// What runs cost, as far as it is known.
#[derive(Debug, Default)]
pub struct Book {
    known: BTreeMap<Key, f64>,
    file: Option<(PathBuf, File)>,
}

impl Book {
    /// Opens the book of a search, or begins it; without a file nothing outlives the process.
    ///
    /// The first line says which search it is of, each other one what a run cost. A line without an end is what a
    /// process had not finished writing: it is cut off.
    pub fn open(path: Option<&Path>, search: &Value) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let place = || path.display().to_string();
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.with_context(place)?;
        if file.try_lock().is_err() {
            bail!("{}: another search is writing it", path.display());
        }
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(place)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(place)?;
        file.seek(SeekFrom::End(0)).with_context(place)?;
        let mut known = BTreeMap::new();
        let mut lines = (1..).zip(text[..whole].lines());
        match lines.next() {
            None => writeln!(file, "{search}").with_context(place)?,
            Some((_, first)) => same(path, first, search)?,
        }
        for (number, line) in lines {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("{}:{number}", path.display()))?;
            known.insert(line.key, line.cost);
        }
        Ok(Self { known, file: Some((path.to_owned(), file)) })
    }

    /// How many runs are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// What a run costs; it is run only where that is not known.
    pub fn cost(&mut self, key: Key, run: impl FnOnce() -> Result<f64>) -> Result<f64> {
        if let Some(cost) = self.known.get(&key) {
            return Ok(*cost);
        }
        let cost = run()?;
        if let Some((path, file)) = &mut self.file {
            // In one write, so that what a killed process leaves is whole but for its last line.
            let line = serde_json::to_string(&Line { key, cost })? + "\n";
            file.write_all(line.as_bytes()).with_context(|| path.display().to_string())?;
        }
        self.known.insert(key, cost);
        Ok(cost)
    }
}

/// Whether a book is of this search.
fn same(path: &Path, first: &str, search: &Value) -> Result<()> {
    let of: Value = serde_json::from_str(first).with_context(|| format!("{}:1", path.display()))?;
    let fields = search.as_object().into_iter().flatten();
    let other = fields.into_iter().find(|(key, value)| of.get(key.as_str()) != Some(value));
    if let Some((key, value)) = other {
        let was = of.get(key).unwrap_or(&Value::Null);
        bail!(
            "{} is of another search: {key} was {was} and is {value}; name another file, or remove it",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: Key = Key { draw: 1, case: 0, seed: 2 };

    fn twice() -> Result<f64> {
        panic!("it is known");
    }

    #[test]
    fn what_is_known_is_not_run_again_and_half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let search = json!({ "draws": 4 });
        let mut book = Book::open(Some(&path), &search).unwrap();
        let odd = 0.1 + 0.2;
        assert_eq!(book.cost(KEY, || Ok(odd)).unwrap(), odd);
        assert!(Book::open(Some(&path), &search).is_err(), "one at a time");
        drop(book);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += "{\"draw\":2,\"ca";
        std::fs::write(&path, text).unwrap();
        let mut book = Book::open(Some(&path), &search).unwrap();
        assert_eq!(book.len(), 1);
        assert_eq!(book.cost(KEY, twice).unwrap(), odd);
        assert_eq!(book.cost(Key { draw: 2, ..KEY }, || Ok(5.0)).unwrap(), 5.0);
        drop(book);
        assert_eq!(Book::open(Some(&path), &search).unwrap().len(), 2);
        let other = Book::open(Some(&path), &json!({ "draws": 8 })).unwrap_err().to_string();
        assert!(other.contains("draws was 4 and is 8"), "{other}");
        let broken =
            std::fs::read_to_string(&path).unwrap().replacen("\"seed\":2", "\"seed\":x", 1);
        std::fs::write(&path, broken).unwrap();
        assert!(Book::open(Some(&path), &search).unwrap_err().to_string().contains(":2"));
    }
}
