//! What each zone's hour came to, streamed and in a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use thalweg_lab::counts::windows;

use super::stage::Stage;

/// The month's first second, by New York's clocks.
const FIRST: u64 = 1_609_459_200;
const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;
/// Windows that end so shortly before the last trips stay open, as no later trip closes them.
const OPEN: u64 = 6 * HOUR;

/// By window, every answer that was given.
pub(super) struct Answers(BTreeMap<String, BTreeSet<String>>);

/// How a stream's answers differ from the batch's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    /// Windows without an answer.
    pub missing: usize,
    /// Windows with another answer, or of which the batch knows nothing.
    pub different: Vec<String>,
}

impl Answers {
    /// Those of the batch over the days that were brought, as far as a stream of them closes.
    pub fn batch(stage: &Stage, days: usize) -> Result<Self> {
        let printed = stage.batch()?;
        let end = FIRST + DAY * days as u64 - OPEN;
        let mut answers = BTreeMap::new();
        for line in printed.lines().filter(|line| !line.starts_with("routes")) {
            let (window, answer) = line.split_once(' ').with_context(|| line.to_owned())?;
            if start(window)? + HOUR <= end {
                answers.insert(window.to_owned(), BTreeSet::from([answer.to_owned()]));
            }
        }
        Ok(Self(answers))
    }

    /// Those that Flink's journals hold by now.
    pub fn streamed(out: &Path) -> Result<Self> {
        let mut answers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (window, answer) in windows(out)? {
            answers.entry(window).or_default().insert(answer);
        }
        Ok(Self(answers))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Holds a stream's answers against these.
    pub fn compared(&self, streamed: &Self) -> Compared {
        let of = |window: &String| streamed.0.get(window);
        let missing = self.0.keys().filter(|window| of(window).is_none()).count();
        let differs = |(window, answer): &(&String, &BTreeSet<String>)| {
            of(window).is_some_and(|streamed| streamed != *answer)
        };
        let told = |(window, answer): (&String, &BTreeSet<String>)| {
            let streamed = of(window).cloned().unwrap_or_default();
            format!("{window}: {streamed:?} instead of {answer:?}")
        };
        let different = self.0.iter().filter(differs).map(told).collect();
        Compared { missing, different }
    }
}

fn start(window: &str) -> Result<u64> {
    let (_, start) = window.split_once('@').with_context(|| window.to_owned())?;
    start.parse().with_context(|| window.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(of: &[(&str, &str)]) -> Answers {
        let each = |(window, answer): &(&str, &str)| {
            ((*window).to_owned(), BTreeSet::from([(*answer).to_owned()]))
        };
        Answers(of.iter().map(each).collect())
    }

    #[test]
    fn what_is_missing_and_what_differs_is_told_apart() {
        let batch = answers(&[("74@0", "3:10:0"), ("75@0", "1:5:0"), ("76@0", "2:7:1")]);
        let compared = batch.compared(&answers(&[("74@0", "3:10:0"), ("75@0", "2:5:0")]));
        assert_eq!(compared.missing, 1);
        assert_eq!(compared.different.len(), 1);
        assert!(compared.different[0].starts_with("75@0"), "{compared:?}");
        assert_eq!(batch.compared(&batch), Compared { missing: 0, different: Vec::new() });
    }
}
