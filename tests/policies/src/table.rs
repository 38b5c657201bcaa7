//! Results as a table for people and as JSON for tools.

use std::collections::BTreeMap;

use comfy_table::{Cell as TableCell, CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

use crate::contestant::Contestant;
use crate::experiment::Run;
use crate::matrix::Cell;
use crate::measure::{MEASURES, Measure};
use crate::stats::{Summary, summary};

/// Everything measured, by contestant.
pub struct Results<'a> {
    /// Who ran.
    pub contestants: &'a [Contestant],
    /// On what.
    pub cells: &'a [Cell],
    /// Every run.
    pub runs: &'a [Run],
}

impl Results<'_> {
    /// A measure of a contestant over the runs on cells that are `wanted`.
    pub fn summary(
        &self,
        contestant: usize,
        measure: &Measure,
        wanted: impl Fn(&Cell) -> bool,
    ) -> Option<Summary> {
        let own = self.runs.iter().filter(|run| run.contestant == contestant);
        let values: Vec<f64> = own
            .filter(|run| wanted(&self.cells[run.cell]))
            .filter_map(|run| (measure.of)(&run.result.measures))
            .collect();
        summary(&values)
    }

    /// Mean times of decisions.
    pub fn decision_micros(&self, contestant: usize) -> Option<Summary> {
        let own = self.runs.iter().filter(|run| run.contestant == contestant);
        summary(&own.map(|run| run.decision_micros).collect::<Vec<f64>>())
    }

    /// Names of scenarios, or of loads, in their order.
    pub fn names(&self, of: impl Fn(&Cell) -> String) -> Vec<String> {
        let mut names = Vec::new();
        for cell in self.cells {
            let name = of(cell);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The table: measures down, contestants across, medians with their confidence intervals.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        let mut head = vec!["median [95 % interval]".to_owned()];
        head.extend(self.contestants.iter().map(|c| c.name().to_owned()));
        table.set_header(head);
        for (title, unit, row) in self.rows() {
            let mut cells = vec![TableCell::new(format!("{title} [{unit}]"))];
            cells.extend(row.iter().map(|summary| {
                TableCell::new(summary.as_ref().map_or("-".to_owned(), shown))
                    .set_alignment(CellAlignment::Right)
            }));
            table.add_row(cells);
        }
        table
    }

    /// Every row: title, unit, and a summary for each contestant.
    pub fn rows(&self) -> Vec<(String, String, Vec<Option<Summary>>)> {
        let all = 0..self.contestants.len();
        let mut rows: Vec<_> = MEASURES
            .iter()
            .map(|measure| {
                let row = all.clone().map(|c| self.summary(c, measure, |_| true)).collect();
                (measure.title.to_owned(), measure.unit.to_owned(), row)
            })
            .collect();
        let times = all.map(|c| self.decision_micros(c)).collect();
        rows.push(("time of a decision".to_owned(), "µs".to_owned(), times));
        rows
    }

    /// The same for tools.
    pub fn json(&self, frame: Map<String, Value>) -> Value {
        let mut measures = Map::new();
        let mut by_cell: BTreeMap<String, Value> = BTreeMap::new();
        for (index, contestant) in self.contestants.iter().enumerate() {
            for measure in MEASURES {
                let name = format!("{}.{}", contestant.name(), measure.key);
                if let Some(all) = self.summary(index, measure, |_| true) {
                    measures.insert(name.clone(), with_unit(&all, measure.unit));
                }
                for cell in self.cells {
                    let same =
                        |other: &Cell| other.scenario == cell.scenario && other.load == cell.load;
                    if let Some(found) = self.summary(index, measure, same) {
                        let key = format!("{}/{}/{name}", cell.scenario, cell.load);
                        by_cell.insert(key, with_unit(&found, measure.unit));
                    }
                }
            }
            if let Some(times) = self.decision_micros(index) {
                let name = format!("{}.decision_micros", contestant.name());
                measures.insert(name, with_unit(&times, "µs"));
            }
        }
        let mut whole = frame;
        whole.insert("measures".to_owned(), Value::Object(measures));
        whole.insert("ratios".to_owned(), Value::Object(self.ratios()));
        whole.insert("cells".to_owned(), json!(by_cell));
        Value::Object(whole)
    }

    /// For each measure the best of the other policies over `thalweg`: above 1, `thalweg` is better.
    fn ratios(&self) -> Map<String, Value> {
        let mut ratios = Map::new();
        let Some(own) = self.contestants.iter().position(|c| c.name() == "thalweg") else {
            return ratios;
        };
        for measure in MEASURES {
            let Some(ours) = self.summary(own, measure, |_| true) else { continue };
            let others = (0..self.contestants.len())
                .filter(|&c| c != own && !self.contestants[c].is_reference())
                .filter_map(|c| Some((c, self.summary(c, measure, |_| true)?)));
            let Some((best, theirs)) = others.min_by(|a, b| a.1.median.total_cmp(&b.1.median))
            else {
                continue;
            };
            let over = |theirs: f64, ours: f64| if ours > 0.0 { Some(theirs / ours) } else { None };
            ratios.insert(
                measure.key.to_owned(),
                json!({
                    "median": over(theirs.median, ours.median),
                    "min": over(theirs.low, ours.high),
                    "max": over(theirs.high, ours.low),
                    "best_other": self.contestants[best].name(),
                }),
            );
        }
        ratios
    }
}

fn with_unit(summary: &Summary, unit: &str) -> Value {
    json!({
        "median": summary.median, "low": summary.low, "high": summary.high,
        "min": summary.min, "max": summary.max, "mean": summary.mean, "n": summary.n, "unit": unit,
    })
}

/// A summary in a cell.
pub fn shown(summary: &Summary) -> String {
    format!("{} [{}, {}]", figure(summary.median), figure(summary.low), figure(summary.high))
}

/// A number with as many places as say something.
pub fn figure(value: f64) -> String {
    match value.abs() {
        x if x >= 1e6 => format!("{:.1}M", value / 1e6),
        x if x >= 1e4 => format!("{:.1}k", value / 1e3),
        x if x >= 100.0 || x == 0.0 => format!("{value:.0}"),
        x if x >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
