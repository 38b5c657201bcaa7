//! What a source will bring, by boosted trees: lags, slopes, times of day and of week.
//!
//! Trees say how far the rate at the lead time will be from the newest one, over the mean of the rates they were trained on.
//! They are trained on what is behind, and asked of what is ahead: a [`Course`] trains anew when a day is behind, then two,
//! then each week.

use thalweg_core::learning::{Contest, Document, Feature, Forest};

use crate::error::LearnError;
use crate::table::{Row, Table};
use crate::trainer::{Loss, Settings, Trainer};

const DAY_SECS: i64 = 86_400;
/// How far back lags are, in bins.
const LAGS: [usize; 5] = [1, 2, 3, 6, 12];
/// Days that are learned from, the newest.
const LEARNED_DAYS: i64 = 28;
/// Rows that are learned from; of more, each second or third is.
const MOST_ROWS: usize = 6_000;
/// How trees learn of loads; chosen once, before any was judged.
fn settings() -> Settings {
    Settings {
        loss: Loss::Squared,
        rounds: 60,
        depth: 5,
        rate: 0.1,
        least_weight: 20.0,
        rising: Vec::new(),
    }
}

/// Rates in even bins, nothing where they are missing.
#[derive(Debug, Clone, Copy)]
pub struct Rates<'a> {
    /// When the first bin begins, in seconds since the epoch.
    pub begins: i64,
    /// Length of a bin.
    pub secs: i64,
    /// Rates.
    pub rates: &'a [Option<f64>],
}

impl Rates<'_> {
    fn at(&self, bin: usize) -> Option<f64> {
        self.rates.get(bin).copied().flatten()
    }

    /// The bin so many seconds before one.
    fn before(&self, bin: usize, secs: i64) -> Option<f64> {
        let bins = usize::try_from(secs / self.secs).ok()?;
        self.at(bin.checked_sub(bins)?)
    }

    /// What is known at the end of a bin of the one `lead` later; nothing where it is missing itself.
    pub fn row(&self, bin: usize, lead: usize) -> Option<Vec<Option<f32>>> {
        let newest = self.at(bin)?;
        let beyond = |value: Option<f64>| value.map(|value| (value - newest) as f32);
        let mut row = vec![Some(newest as f32)];
        row.extend(LAGS.map(|lag| beyond(bin.checked_sub(lag).and_then(|bin| self.at(bin)))));
        row.push(beyond(self.mean(bin, 3600)));
        row.push(beyond(self.mean(bin, 6 * 3600)));
        let ahead = bin + lead;
        for days in [1, 2, 7] {
            // Then, and how it went on from there: the same time of another day.
            row.push(beyond(self.before(ahead, days * DAY_SECS)));
            let then = self.before(ahead, days * DAY_SECS).zip(self.before(bin, days * DAY_SECS));
            row.push(then.map(|(later, then)| (later - then) as f32));
        }
        let due = self.begins + ahead as i64 * self.secs;
        row.push(Some((due.rem_euclid(DAY_SECS) as f32) / 3600.0));
        // The epoch began on a Thursday.
        row.push(Some((due.div_euclid(DAY_SECS) + 3).rem_euclid(7) as f32));
        Some(row)
    }

    /// The mean of the last seconds up to a bin.
    fn mean(&self, bin: usize, secs: i64) -> Option<f64> {
        let bins = usize::try_from(secs / self.secs).ok()?.max(1);
        let from = (bin + 1).saturating_sub(bins);
        let known = (from..=bin).filter_map(|bin| self.at(bin));
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), rate| (sum + rate, count + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    /// What can be learned up to a bin, which is the newest that is known.
    fn table(&self, newest: usize, lead: usize) -> Table {
        let feature = |name: String, unit: &str| Feature { name, unit: unit.to_owned() };
        let mut features = vec![feature("newest".to_owned(), "1/s")];
        features.extend(LAGS.map(|lag| feature(format!("{lag} bins before"), "1/s")));
        features.extend(["an hour", "six hours"].map(|n| feature(format!("mean of {n}"), "1/s")));
        for days in [1, 2, 7] {
            features.push(feature(format!("{days} days before"), "1/s"));
            features.push(feature(format!("as it went on {days} days before"), "1/s"));
        }
        features.push(feature("time of day".to_owned(), "h"));
        features.push(feature("day of week".to_owned(), "d"));
        let oldest = newest.saturating_sub((LEARNED_DAYS * DAY_SECS / self.secs) as usize);
        let every = ((newest - oldest) / MOST_ROWS).max(1);
        let rows = (oldest..=newest.saturating_sub(lead)).step_by(every).filter_map(|bin| {
            let (values, came) = (self.row(bin, lead)?, self.at(bin + lead)?);
            let target = (came - self.at(bin)?) as f32;
            Some(Row { group: String::new(), values, target })
        });
        let rows = rows.collect();
        Table { target: feature("change".to_owned(), "1/s"), features, rows }
    }
}

/// What trees and a rule beside them said of each bin, as far as both could tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// What trees said of each bin, by its number; nothing where they could not tell.
    pub said: Vec<Option<f64>>,
    /// How often they were trained.
    pub trained: usize,
}

/// Has trees foretell every bin from the second day on, so many bins ahead, trained on nothing but what lies behind.
///
/// # Errors
/// When the trainer refuses.
pub fn course(rates: Rates<'_>, lead: usize, trainer: &dyn Trainer) -> Result<Course, LearnError> {
    let day = (DAY_SECS / rates.secs) as usize;
    let mut course = Course { said: vec![None; rates.rates.len() + lead], trained: 0 };
    let mut forest: Option<Forest> = None;
    for bin in 0..rates.rates.len() {
        if bin > 0 && bin % day == 0 && is_time(bin / day) {
            let table = rates.table(bin, lead);
            if !table.rows.is_empty() {
                let json = trainer.train(&table, &settings())?;
                let document: Document = serde_json::from_str(&json)
                    .map_err(|error| LearnError::Training(error.to_string()))?;
                forest = Some(document.forest().map_err(of_trees)?);
                course.trained += 1;
            }
        }
        let (Some(forest), Some(row)) = (&forest, rates.row(bin, lead)) else { continue };
        let change = f64::from(forest.margin(&row).map_err(of_trees)?);
        course.said[bin + lead] = rates.at(bin).map(|newest| (newest + change).max(0.0));
    }
    Ok(course)
}

fn of_trees(error: thalweg_core::learning::LearningError) -> LearnError {
    LearnError::Model { place: "trees".to_owned(), error }
}

/// Whether trees are trained anew when so many days are behind.
fn is_time(days: usize) -> bool {
    days <= 2 || days == 4 || days.is_multiple_of(7)
}

/// What is planned with: trees where they have won, the rule elsewhere. Each is judged by what has come when it is asked.
pub fn gated(
    rates: Rates<'_>,
    trees: &[Option<f64>],
    rule: &[Option<f64>],
    lead: usize,
) -> (Vec<Option<f64>>, f64) {
    let (mut contest, mut asked, mut both) = (Contest::default(), 0.0, 0.0);
    let mut said = vec![None; rates.rates.len()];
    for bin in 0..rates.rates.len() {
        // What was asked `lead` bins ago is known to be right or not now.
        if let Some(behind) = bin.checked_sub(lead) {
            let told = trees[behind].zip(rule[behind]).zip(rates.at(behind));
            if let Some(((trees, rule), came)) = told {
                contest.note(trees, rule, came);
            }
        }
        said[bin] = rule[bin];
        if let (Some(trees), Some(_)) = (trees[bin], rule[bin]) {
            both += 1.0;
            if contest.is_won() {
                asked += 1.0;
                said[bin] = Some(trees);
            }
        }
    }
    (said, if both > 0.0 { asked / both } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_what_is_known_and_the_time_that_is_foretold() {
        // A hundred hours of hourly bins from a Thursday's midnight on, each an hour's number.
        let rates: Vec<Option<f64>> = (0..100).map(|hour| Some(f64::from(hour))).collect();
        let rates = Rates { begins: 0, secs: 3600, rates: &rates };
        let row = rates.row(50, 2).expect("it is known");
        assert_eq!(row[..3], [Some(50.0), Some(-1.0), Some(-2.0)]);
        assert_eq!(row[6..8], [Some(0.0), Some(-2.5)], "means of an hour and of six");
        // A day before the due time it was 28, two more than 26 then.
        assert_eq!(row[8..12], [Some(-22.0), Some(2.0), Some(-46.0), Some(2.0)]);
        assert_eq!(row[12..14], [None, None], "no week is known");
        // Due at hour 52: four in the morning of a Saturday, the sixth day of the week.
        assert_eq!(row[14..], [Some(4.0), Some(5.0)]);
        assert_eq!(rates.row(100, 2), None);
        assert_eq!(rates.table(60, 2).features.len(), row.len());
        let last = rates.table(60, 2).rows.pop().expect("there are rows");
        assert_eq!(last.values[0], Some(58.0), "nothing that lies ahead is learned from");
    }

    #[test]
    fn trees_are_asked_once_they_were_better_and_judged_by_what_has_come() {
        let rates: Vec<Option<f64>> = vec![Some(10.0); 60];
        let rates = Rates { begins: 0, secs: 60, rates: &rates };
        let (trees, rule) = (vec![Some(11.0); 60], vec![Some(13.0); 60]);
        let (said, asked) = gated(rates, &trees, &rule, 5);
        // Twenty have come true when bin 24 is said.
        assert_eq!((said[23], said[24]), (Some(13.0), Some(11.0)));
        assert_eq!(asked, 36.0 / 60.0);
        let (said, asked) = gated(rates, &rule, &trees, 5);
        assert!(said.iter().all(|said| *said == Some(11.0)) && asked == 0.0);
    }
}
