//! How long a job takes from a failure until it has caught up: what can be learned of it, and whether that is worth anything.
//!
//! Contestants are the mean of what was seen, constants as other schedulers have them, the formula of [`CatchUp`] with its four
//! numbers fitted, and boosted trees on the logarithm of the time. Each is judged on runs of a checkpoint interval that it was
//! not trained on.

use thalweg_core::learning::{
    Card, CatchUp, Document, Job, Measure, Quantity, SCHEMA, Spread, Training,
};
use thalweg_core::units::{Millis, RatePerSec};

use crate::error::LearnError;
use crate::figures::{mean_error, median_error, quantile};
use crate::model::{Body, ModelFile};
use crate::table::{Row, Table};
use crate::trainer::{Loss, Settings, Trainer};

/// The assumption that is made here before anything is known: `thalweg.scaling.restart.secs`.
const ASSUMED_SECS: f64 = 30.0;
/// What DS2 as it is in Flink's autoscaler reckons with: `job.autoscaler.restart.time`.
const DS2_SECS: f64 = 300.0;
/// The least and the most that a job can do, over the most that it was seen to do, and the steps between them.
const MOST: (f64, f64, u32) = (1.02, 1.04, 60);
/// Rounds in which relative errors are made to count by their size and not by its square.
const ROUNDS: usize = 10;
/// A relative error below this counts as this.
const CLOSE: f64 = 0.05;
/// Share of errors between the two ends of what is told.
const SHARE: f64 = 0.8;

/// Where columns are.
struct Columns {
    throughput: usize,
    interval: usize,
}

impl Columns {
    fn of(table: &Table) -> Result<Self, LearnError> {
        let find = |name: &str| {
            let place = table.features.iter().position(|feature| feature.name == name);
            place.ok_or_else(|| LearnError::Table {
                place: "recovery".to_owned(),
                reason: format!("there is no column {name}"),
            })
        };
        Ok(Self { throughput: find("throughput")?, interval: find("interval")? })
    }

    fn job(&self, row: &Row) -> Option<Job> {
        let rate = RatePerSec::new(f64::from(row.values[self.throughput]?)).ok()?;
        let interval = row.values[self.interval].map(|s| Millis::saturating(f64::from(s) * 1000.0));
        Some(Job { rate, interval })
    }
}

/// What a contestant said of a row that it was not trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The row's group.
    pub group: String,
    /// Seconds that it said; nothing where it could not tell.
    pub said: Option<f64>,
    /// Seconds that it took.
    pub came: f64,
}

/// A contestant and all it said.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Its name.
    pub name: &'static str,
    /// Of every row of the table, by group.
    pub said: Vec<Said>,
}

impl Judged {
    /// Pairs of what was said and what came, where every contestant could tell.
    fn pairs(&self, spoken: &[bool]) -> Vec<(f64, f64)> {
        let spoken = self.said.iter().zip(spoken).filter(|(_, spoken)| **spoken);
        spoken.filter_map(|(said, _)| Some((said.said?, said.came))).collect()
    }
}

/// How a contestant did on the rows that all could tell of.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Its name.
    pub name: &'static str,
    /// Rows.
    pub judged: usize,
    /// Mean absolute error in seconds.
    pub mean_secs: f64,
    /// Median absolute error in seconds.
    pub median_secs: f64,
    /// Mean absolute error in seconds by group.
    pub groups: Vec<(String, f64)>,
}

/// Has every contestant foretell each group from the others.
///
/// # Errors
/// When columns are missing, or a trainer refuses.
pub fn judge(table: &Table, trainer: &dyn Trainer) -> Result<Vec<Judged>, LearnError> {
    let columns = Columns::of(table)?;
    let names = ["mean", "constant 30 s", "constant 300 s", "catch-up", "trees"];
    let mut judged = names.map(|name| Judged { name, said: Vec::new() });
    for group in table.groups() {
        let (own, others) = table.split(&group);
        let mean = mean(&others);
        let catch_up = fit(&others)?;
        let trees = trees(&others, trainer)?;
        let document: Document = parse(&trees)?;
        let forest = document.forest().map_err(of_trees)?;
        for row in &own.rows {
            let by_formula = columns
                .job(row)
                .and_then(|job| catch_up.as_ref()?.takes(job))
                .map(|takes| takes.get() / 1000.0);
            let by_trees = f64::from(forest.margin(&row.values).map_err(of_trees)?).exp();
            let said = [mean, Some(ASSUMED_SECS), Some(DS2_SECS), by_formula, Some(by_trees)];
            for (contestant, said) in judged.iter_mut().zip(said) {
                let came = f64::from(row.target);
                contestant.said.push(Said { group: group.clone(), said, came });
            }
        }
    }
    Ok(judged.into())
}

/// How all did where all could tell.
pub fn scores(judged: &[Judged]) -> Vec<Score> {
    let rows = judged.first().map_or(0, |first| first.said.len());
    let spoken: Vec<bool> =
        (0..rows).map(|row| judged.iter().all(|one| one.said[row].said.is_some())).collect();
    let score = |one: &Judged| {
        let pairs = one.pairs(&spoken);
        let told = one.said.iter().zip(&spoken).filter(|(_, spoken)| **spoken);
        let told: Vec<&Said> = told.map(|(said, _)| said).collect();
        let groups = told.chunk_by(|a, b| a.group == b.group).filter_map(|same| {
            let pairs: Vec<(f64, f64)> =
                same.iter().filter_map(|said| Some((said.said?, said.came))).collect();
            Some((same[0].group.clone(), mean_error(&pairs)?))
        });
        Some(Score {
            name: one.name,
            judged: pairs.len(),
            mean_secs: mean_error(&pairs)?,
            median_secs: median_error(&pairs)?,
            groups: groups.collect(),
        })
    };
    judged.iter().filter_map(score).collect()
}

/// The model of recoveries that did best, trained on the whole table, with its figures beside the best simple rule's: the
/// formula or the trees.
///
/// # Errors
/// When columns are missing, a trainer refuses, or nothing can be fitted.
pub fn model(
    table: &Table,
    trainer: &dyn Trainer,
    date: &str,
    source: &str,
) -> Result<ModelFile, LearnError> {
    let judged = judge(table, trainer)?;
    let (name, measures) = figures(&scores(&judged))?;
    let by_formula = name == "catch-up";
    let body = match (by_formula, fit(table)?) {
        (true, Some(catch_up)) => Body::CatchUp(catch_up),
        (true, None) => return Err(nothing_judged()),
        (false, _) => Body::Trees(parse(&trees(table, trainer)?)?),
    };
    let told = judged.iter().find(|one| one.name == name);
    let card = Card {
        schema: SCHEMA,
        name: "recovery".to_owned(),
        version: 0,
        date: date.to_owned(),
        trainer: match by_formula {
            true => "least relative errors of the catch-up formula".to_owned(),
            false => format!("{}: {}", trainer.name(), settings(table).told()),
        },
        target: table.target.clone(),
        quantity: if by_formula { Quantity::Plain } else { Quantity::Logarithm },
        features: table.features.clone(),
        training: Training {
            digest: table.digest(),
            rows: table.rows.len(),
            source: source.to_owned(),
        },
        measures,
        spread: told.and_then(spread),
        calibration: None,
    };
    Ok(ModelFile { card, body })
}

/// Contestants that are models and no simple rules.
const MODELS: [&str; 2] = ["catch-up", "trees"];

fn nothing_judged() -> LearnError {
    LearnError::Training("nothing can be judged".to_owned())
}

/// The model that errs least in the mean, and its figures, each beside the best simple rule's.
fn figures(scores: &[Score]) -> Result<(&'static str, Vec<Measure>), LearnError> {
    let (models, rules): (Vec<&Score>, Vec<&Score>) =
        scores.iter().partition(|score| MODELS.contains(&score.name));
    let least = |of: &[&Score], figure: fn(&Score) -> f64| {
        let found = of.iter().copied().min_by(|a, b| figure(a).total_cmp(&figure(b)));
        found.cloned().ok_or_else(nothing_judged)
    };
    let own = least(&models, |score| score.mean_secs)?;
    let measure = |name: &str, figure: fn(&Score) -> f64| {
        let rule = least(&rules, figure)?;
        Ok::<_, LearnError>(Measure {
            name: format!("{name} absolute error of groups left out, s"),
            own: figure(&own),
            rule: figure(&rule),
            beside: rule.name.to_owned(),
        })
    };
    let mean = measure("mean", |score| score.mean_secs)?;
    Ok((own.name, vec![mean, measure("median", |score| score.median_secs)?]))
}

/// Between which factors what came lay, over what was said, for most.
fn spread(judged: &Judged) -> Option<Spread> {
    let told = judged.said.iter().filter_map(|said| Some(said.came / said.said?));
    let factors: Vec<f64> = told.filter(|factor| factor.is_finite()).collect();
    let end = (1.0 - SHARE) / 2.0;
    let low = quantile(factors.clone(), end)?;
    Some(Spread { share: SHARE, low, high: quantile(factors, 1.0 - end)? })
}

fn mean(table: &Table) -> Option<f64> {
    let sum: f64 = table.rows.iter().map(|row| f64::from(row.target)).sum();
    (!table.rows.is_empty()).then(|| sum / table.rows.len() as f64)
}

fn settings(table: &Table) -> Settings {
    let rising = table.features.iter().enumerate();
    let rising = rising.filter(|(_, f)| ["throughput", "interval"].contains(&f.name.as_str()));
    Settings {
        loss: Loss::Squared,
        rounds: 100,
        depth: 3,
        rate: 0.1,
        least_weight: 2.0,
        rising: rising.map(|(place, _)| place).collect(),
    }
}

/// Trees on the logarithm of the time: an error of a tenth is as bad for a short one as for a long one.
fn trees(table: &Table, trainer: &dyn Trainer) -> Result<String, LearnError> {
    let logarithm = |row: &Row| Row { target: row.target.ln(), ..row.clone() };
    let rows = table.rows.iter().filter(|row| row.target > 0.0).map(logarithm).collect();
    trainer.train(&Table { rows, ..table.empty() }, &settings(table))
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, LearnError> {
    serde_json::from_str(json).map_err(|error| LearnError::Training(error.to_string()))
}

fn of_trees(error: thalweg_core::learning::LearningError) -> LearnError {
    LearnError::Model { place: "trees".to_owned(), error }
}

/// A recovery with all that the formula needs.
#[derive(Clone, Copy)]
struct Seen {
    rate: f64,
    interval: f64,
    took: f64,
}

/// Fits the formula by least absolute relative errors: the most a job can do is searched among growing numbers, and for each of
/// them the rest follows by weighted least squares, in which large errors get less weight round by round.
///
/// Nothing where fewer than four recoveries tell throughput and interval.
///
/// # Errors
/// When a column is missing.
pub fn fit(table: &Table) -> Result<Option<CatchUp>, LearnError> {
    let columns = Columns::of(table)?;
    let seen = table.rows.iter().filter_map(|row| {
        let job = columns.job(row)?;
        let took = f64::from(row.target);
        let interval = job.interval?.get() / 1000.0;
        (took > 0.0).then_some(Seen { rate: job.rate.get(), interval, took })
    });
    let seen: Vec<Seen> = seen.collect();
    let busiest = seen.iter().map(|seen| seen.rate).fold(0.0, f64::max);
    if seen.len() < 4 || busiest <= 0.0 {
        return Ok(None);
    }
    let (least, step, count) = MOST;
    let mosts = (0..count).map(|place| busiest * least * step.powi(place as i32));
    let fitted = mosts.filter_map(|most| with_most(&seen, most));
    Ok(fitted.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, catch_up)| catch_up))
}

/// The best fit for a given most, with the sum of its relative errors.
fn with_most(seen: &[Seen], most: f64) -> Option<(f64, CatchUp)> {
    let terms = |seen: &Seen| {
        let ratio = seen.rate / (most - seen.rate);
        [1.0, ratio, ratio * seen.interval]
    };
    let said = |parts: &[f64; 3], seen: &Seen| -> f64 {
        parts.iter().zip(terms(seen)).map(|(part, term)| part * term).sum()
    };
    let mut weights: Vec<f64> = seen.iter().map(|seen| seen.took.powi(-2)).collect();
    let mut best = None;
    for _ in 0..ROUNDS {
        let rows =
            seen.iter().zip(&weights).map(|(seen, weight)| (terms(seen), seen.took, *weight));
        let parts = none_negative(&rows.collect::<Vec<_>>())?;
        let relative = |seen: &Seen| (said(&parts, seen) - seen.took).abs() / seen.took;
        let sum: f64 = seen.iter().map(relative).sum();
        let [away_secs, beyond_secs, share] = parts;
        best = Some((sum, CatchUp { away_secs, beyond_secs, share, most_per_sec: most }));
        for (weight, seen) in weights.iter_mut().zip(seen) {
            *weight = seen.took.powi(-2) / relative(seen).max(CLOSE);
        }
    }
    best
}

/// Weighted least squares of three parts, none of them below 0: each set of parts that may differ from 0 is tried.
fn none_negative(rows: &[([f64; 3], f64, f64)]) -> Option<[f64; 3]> {
    let error = |parts: &[f64; 3]| -> f64 {
        let of = |(terms, came, weight): &([f64; 3], f64, f64)| {
            let said: f64 = terms.iter().zip(parts).map(|(term, part)| term * part).sum();
            weight * (said - came).powi(2)
        };
        rows.iter().map(of).sum()
    };
    let sets = (1u8..8).map(|set| [0, 1, 2].map(|part| set & (1 << part) != 0));
    let solved = sets.filter_map(|free| least_squares(rows, free));
    let sound = solved.filter(|parts| parts.iter().all(|part| part.is_finite() && *part >= 0.0));
    sound.min_by(|a, b| error(a).total_cmp(&error(b)))
}

/// The normal equations of the free parts, by elimination; the others are 0.
fn least_squares(rows: &[([f64; 3], f64, f64)], free: [bool; 3]) -> Option<[f64; 3]> {
    let mut matrix = [[0.0; 4]; 3];
    for (line, row) in matrix.iter_mut().enumerate() {
        if !free[line] {
            row[line] = 1.0;
            continue;
        }
        for (terms, came, weight) in rows {
            for column in (0..3).filter(|column| free[*column]) {
                row[column] += weight * terms[line] * terms[column];
            }
            row[3] += weight * terms[line] * came;
        }
    }
    for at in 0..3 {
        let pivot = (at..3).max_by(|a, b| matrix[*a][at].abs().total_cmp(&matrix[*b][at].abs()))?;
        matrix.swap(at, pivot);
        if matrix[at][at].abs() < 1e-12 {
            return None;
        }
        let row = matrix[at].map(|cell| cell / matrix[at][at]);
        matrix[at] = row;
        for line in (0..3).filter(|line| *line != at) {
            let factor = matrix[line][at];
            for (cell, part) in matrix[line].iter_mut().zip(row) {
                *cell -= factor * part;
            }
        }
    }
    Some([matrix[0][3], matrix[1][3], matrix[2][3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recoveries of a job that behaves as the formula says.
    fn made(catch_up: CatchUp) -> Table {
        let mut text = "run,throughput/1/s,interval/s,recovery/s\n".to_owned();
        for interval in [10, 60, 120] {
            for rate in [100.0, 500.0, 900.0, 1300.0, 1600.0] {
                let job = Job {
                    rate: RatePerSec::saturating(rate),
                    interval: Some(Millis::from_secs(interval)),
                };
                let secs = catch_up.takes(job).expect("it is not too busy").get() / 1000.0;
                text += &format!("{interval},{rate},{interval},{secs}\n");
            }
        }
        Table::read("made.csv", &text).expect("it is sound")
    }

    #[test]
    fn the_four_numbers_of_a_job_are_found_again() {
        // 1600/s is the most that was seen; 1600 × 1.02 × 1.04^5 is one of the numbers that are tried.
        let most_per_sec = 1600.0 * 1.02 * 1.04f64.powi(5);
        let job = CatchUp { away_secs: 70.0, beyond_secs: 20.0, share: 0.5, most_per_sec };
        let found = fit(&made(job)).expect("columns are there").expect("it can be fitted");
        let pairs = [
            (found.away_secs, 70.0),
            (found.beyond_secs, 20.0),
            (found.share, 0.5),
            (found.most_per_sec, most_per_sec),
        ];
        assert!(pairs.iter().all(|(own, right)| (own / right - 1.0).abs() < 1e-3), "{found:?}");
    }

    #[test]
    fn three_recoveries_are_too_few_and_a_missing_column_is_named() {
        let rows = "a,100,10,50\na,200,10,60\nb,300,,70\nb,400,20,80\n";
        let text = format!("run,throughput,interval,recovery\n{rows}");
        let table = Table::read("made.csv", &text).expect("it is sound");
        assert_eq!(fit(&table).expect("columns are there"), None);
        let table = Table::read("made.csv", "run,lag,recovery\na,1,2\n").expect("it is sound");
        let error = fit(&table).expect_err("there is no throughput").to_string();
        assert_eq!(error, "recovery: there is no column throughput");
    }

    #[test]
    fn no_part_is_negative_where_less_would_fit_better() {
        // The best line through these has a negative slope.
        let rows = [([1.0, 1.0, 0.0], 10.0, 1.0), ([1.0, 2.0, 0.0], 8.0, 1.0)];
        assert_eq!(none_negative(&rows), Some([9.0, 0.0, 0.0]));
    }
}
