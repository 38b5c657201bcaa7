//! The stored form of a table: four maps of text that people can read and every store keeps alike.
//!
//! | map | field | value |
//! |---|---|---|
//! | meta | `layout` `plan` `epoch` `at` `digest` | as text |
//! | components | executor, as `[5-6]` | name |
//! | nodes | executor | JSON `["before","after"]`, before may be `null` |
//! | ports | executor | JSON `[6700,6701]`, before may be `null` |

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thalweg_core::model::TaskRange;
use thalweg_core::units::Timestamp;

use crate::store::{Loaded, UnreadableRow};
use crate::table::{Change, LAYOUT, RoutingTable, Row};

/// A table as fields and values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stored {
    /// The table's own fields.
    pub meta: BTreeMap<String, String>,
    /// Component per executor.
    pub components: BTreeMap<String, String>,
    /// Node before and after per executor.
    pub nodes: BTreeMap<String, String>,
    /// Port before and after per executor.
    pub ports: BTreeMap<String, String>,
}

impl Stored {
    /// The stored form of `table`.
    pub fn of(table: &RoutingTable) -> Self {
        let meta = [
            ("layout", LAYOUT.to_string()),
            ("plan", table.plan.clone()),
            ("epoch", table.epoch.to_string()),
            ("at", table.at.millis().to_string()),
            ("digest", table.digest.clone()),
        ];
        let mut stored = Self {
            meta: meta.map(|(field, value)| (field.to_owned(), value)).into(),
            ..Self::default()
        };
        for row in &table.rows {
            let key = row.executor.to_string();
            stored.components.insert(key.clone(), row.component.clone());
            stored.nodes.insert(key.clone(), json(&row.node));
            stored.ports.insert(key, json(&row.port));
        }
        stored
    }

    /// Reads the table of `topology` back, leaving out rows that cannot be understood.
    ///
    /// # Errors
    /// Says why the table as a whole cannot be trusted.
    pub fn load(&self, topology: &str) -> Result<Loaded, String> {
        let layout: u32 = self.number("layout")?;
        if layout != LAYOUT {
            return Err(format!("layout is {layout}, this version reads {LAYOUT}"));
        }
        let epoch = self.number("epoch")?;
        let at = Timestamp::from_millis(self.number("at")?);
        let (plan, digest) = (self.field("plan")?, self.field("digest")?);
        let (rows, dropped) = self.rows();

        let mut table = RoutingTable::new(plan, topology, epoch, at, rows);
        if dropped.is_empty() {
            // The stated digest covers every row, so it can speak only where none was dropped.
            table.digest = digest.to_owned();
        }
        table.verify().map_err(|bad| bad.to_string())?;
        Ok(Loaded { table, dropped })
    }

    fn rows(&self) -> (Vec<Row>, Vec<UnreadableRow>) {
        let keys: BTreeSet<&String> =
            self.components.keys().chain(self.nodes.keys()).chain(self.ports.keys()).collect();
        let (mut rows, mut dropped) = (Vec::with_capacity(keys.len()), Vec::new());
        for key in keys {
            match self.row(key) {
                Ok(row) => rows.push(row),
                Err(reason) => dropped.push(UnreadableRow { key: key.clone(), reason }),
            }
        }
        (rows, dropped)
    }

    fn row(&self, key: &str) -> Result<Row, String> {
        let row = Row {
            executor: parse_executor(key).ok_or("not an executor")?,
            component: self.components.get(key).ok_or("has no component")?.clone(),
            node: change(self.nodes.get(key).ok_or("has no node")?)?,
            port: change(self.ports.get(key).ok_or("has no port")?)?,
        };
        row.verify().map_err(|bad| bad.to_string())?;
        Ok(row)
    }

    fn field(&self, name: &str) -> Result<&str, String> {
        self.meta.get(name).map(String::as_str).ok_or_else(|| format!("{name} is missing"))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.field(name)?;
        text.parse().map_err(|_| format!("{name} is {text:?}, not a number"))
    }
}

fn json<T: Serialize>(change: &Change<T>) -> String {
    serde_json::to_string(&(&change.before, &change.after))
        .expect("texts and numbers always have a JSON form")
}

fn change<T: DeserializeOwned>(text: &str) -> Result<Change<T>, String> {
    let (before, after) = serde_json::from_str(text).map_err(|bad| format!("{text:?}: {bad}"))?;
    Ok(Change { before, after })
}

fn parse_executor(key: &str) -> Option<TaskRange> {
    let (first, last) = key.strip_prefix('[')?.strip_suffix(']')?.split_once('-')?;
    let range = TaskRange::new(first.parse().ok()?, last.parse().ok()?);
    // Only the form we write: a second spelling of a range would be a second row for it.
    (range.to_string() == key).then_some(range)
}
