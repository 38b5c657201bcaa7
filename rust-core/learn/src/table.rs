//! What is learned from: rows of features, each with a value or missing, what came, and the group that a row belongs to.

use ring::digest::{SHA256, digest};
use thalweg_core::learning::Feature;

use crate::error::LearnError;

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The rows that are left out together when the table is judged.
    pub group: String,
    /// Values of the features, in their order; nothing where they are missing.
    pub values: Vec<Option<f32>>,
    /// What came.
    pub target: f32,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What is to be foretold.
    pub target: Feature,
    /// The features.
    pub features: Vec<Feature>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads a table from CSV: the first column is the group, the last the target, those between are features. Names may
    /// have a unit behind a slash, as `throughput/1/s`; an empty cell is missing.
    ///
    /// # Errors
    /// With the line, when a row has another number of cells, or a cell is no number.
    pub fn read(name: &str, text: &str) -> Result<Self, LearnError> {
        let wrong = |line: usize, reason: String| LearnError::Table {
            place: format!("{name}:{}", line + 1),
            reason,
        };
        let mut lines = text.lines().enumerate();
        let heads: Vec<&str> =
            lines.next().map_or(Vec::new(), |(_, line)| line.split(',').collect());
        let [_, features @ .., target] = &heads[..] else {
            return Err(wrong(0, "a group, features and a target are expected".to_owned()));
        };
        if features.is_empty() {
            return Err(wrong(0, "there is no feature".to_owned()));
        }
        let mut rows = Vec::new();
        for (number, line) in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let [group, values @ .., target] = &cells[..] else {
                return Err(wrong(number, "it is empty".to_owned()));
            };
            if values.len() != features.len() {
                let reason = format!("{} cells, and {} are expected", cells.len(), heads.len());
                return Err(wrong(number, reason));
            }
            let value = |cell: &str| -> Result<f32, LearnError> {
                let value = cell.parse::<f32>().ok().filter(|value| value.is_finite());
                value.ok_or_else(|| wrong(number, format!("{cell:?} is no number")))
            };
            let known = |cell: &&str| (!cell.is_empty()).then(|| value(cell)).transpose();
            rows.push(Row {
                group: (*group).to_owned(),
                values: values.iter().map(known).collect::<Result<_, _>>()?,
                target: value(target)?,
            });
        }
        let features = features.iter().map(|head| feature(head)).collect();
        Ok(Self { target: feature(target), features, rows })
    }

    /// SHA-256 of its names, units and values, however it was written, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> String {
        let mut bytes = Vec::new();
        for feature in self.features.iter().chain([&self.target]) {
            for text in [&feature.name, &feature.unit] {
                bytes.extend(text.as_bytes());
                bytes.push(0);
            }
        }
        for row in &self.rows {
            bytes.extend(row.group.as_bytes());
            bytes.push(0);
            for value in &row.values {
                bytes.push(u8::from(value.is_some()));
                bytes.extend(value.unwrap_or(0.0).to_bits().to_le_bytes());
            }
            bytes.extend(row.target.to_bits().to_le_bytes());
        }
        let digest = digest(&SHA256, &bytes);
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        format!("sha256:{}", digits.collect::<String>())
    }

    /// Its groups, in order.
    pub fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = self.rows.iter().map(|row| row.group.clone()).collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// The rows of a group, and all others.
    pub fn split(&self, group: &str) -> (Self, Self) {
        let (own, others) = self.rows.iter().cloned().partition(|row| row.group == group);
        (Self { rows: own, ..self.empty() }, Self { rows: others, ..self.empty() })
    }

    /// The same columns without rows.
    pub fn empty(&self) -> Self {
        let Self { target, features, .. } = self;
        Self { target: target.clone(), features: features.clone(), rows: Vec::new() }
    }
}

fn feature(head: &str) -> Feature {
    let (name, unit) = head.split_once('/').unwrap_or((head, ""));
    Feature { name: name.to_owned(), unit: unit.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "run,load/1/s,lag,took/s\na,1.5,,10\nb,2,7,20\n";

    #[test]
    fn columns_have_units_and_empty_cells_are_missing() {
        let table = Table::read("made.csv", TEXT).expect("it is sound");
        let feature = |name: &str, unit: &str| Feature { name: name.into(), unit: unit.into() };
        assert_eq!(table.features, [feature("load", "1/s"), feature("lag", "")]);
        assert_eq!(table.target, feature("took", "s"));
        assert_eq!(table.rows[0].values, [Some(1.5), None]);
        assert_eq!(table.groups(), ["a", "b"]);
        let (own, others) = table.split("a");
        assert_eq!((own.rows.len(), others.rows.len()), (1, 1));
        assert_eq!(others.rows[0].target, 20.0);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        let refused = |text: &str| {
            let error = Table::read("made.csv", text).expect_err("it is wrong");
            assert_eq!(error.code(), "LEARN_TABLE");
            error.to_string()
        };
        assert_eq!(refused("run,load,took\na,1"), "made.csv:2: 2 cells, and 3 are expected");
        assert_eq!(refused("run,load,took\na,x,1"), "made.csv:2: \"x\" is no number");
        assert_eq!(refused("run,load,took\na,1,"), "made.csv:2: \"\" is no number");
        assert_eq!(refused("run,load,took\na,1,inf"), "made.csv:2: \"inf\" is no number");
        assert_eq!(refused("run,took"), "made.csv:1: there is no feature");
        assert!(refused("").contains("are expected"));
    }

    #[test]
    fn the_digest_is_of_what_is_said_and_not_of_how() {
        let read = |text: &str| Table::read("made.csv", text).expect("it is sound").digest();
        assert_eq!(read(TEXT), read(&TEXT.replace("1.5", "1.50")));
        assert_ne!(read(TEXT), read(&TEXT.replace(",,", ",0,")), "missing is not zero");
        assert_ne!(read(TEXT), read(&TEXT.replace("/1/s", "/1/min")));
        assert_eq!(read(TEXT).len(), "sha256:".len() + 64);
    }
}
