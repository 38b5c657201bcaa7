//! One look at a driver after the other.

use std::collections::BTreeMap;

use thalweg_core::model::{Observation, Topology};
use thalweg_core::units::Timestamp;

use super::course::Course;
use super::defaults::too_short;
use super::limited;
use super::told::{Query, Told};
use super::topology::{bare, nodes, of};
use crate::look::{Finding, Look};

/// What is found where batches follow on each other and the query keeps up.
const FOLLOWING: &str = "its batches follow on each other and it keeps up, so how busy its executors are does not show: a trigger \
                         interval would tell";
/// Where there is nothing to run on.
const NO_EXECUTORS: &str = "has no executors yet";

/// Looks at one driver, and keeps what one look needs of the one before.
#[derive(Debug, Default)]
pub struct Reader {
    /// By the run of the query.
    courses: BTreeMap<String, Course>,
    /// The window that queries are judged over, in seconds, where that is known.
    window_secs: Option<f64>,
}

impl Reader {
    /// One for somebody who judges over a window of so many seconds.
    pub fn of_window(secs: f64) -> Self {
        Self { window_secs: Some(secs), ..Self::default() }
    }

    /// What was told, at this time, as an observation.
    pub fn look(&mut self, told: &Told, at: Timestamp) -> Look {
        self.courses.retain(|run, _| told.queries.iter().any(|query| query.run_id == *run));
        let mut findings = Vec::new();
        let one = |query| self.query(told, query, &mut findings);
        let mut topologies: Vec<Topology> = told.queries.iter().map(one).collect();
        topologies.sort_by(|a, b| a.id.cmp(&b.id));
        let nodes = nodes(told, &topologies);
        Look { observation: Observation { at, nodes, topologies }, findings }
    }

    fn query(&mut self, told: &Told, query: &Query, findings: &mut Vec<Finding>) -> Topology {
        let mut find = |text: &str| {
            findings.push(Finding { about: query.run_id.clone(), text: text.to_owned() });
        };
        if let Some(why) = told.left_alone(query) {
            find(why.text());
            return bare(query, why.obstacle());
        }
        let course = self.courses.entry(query.run_id.clone()).or_default();
        course.take(&query.batches, query.idle_at_ms, told.executors.changed_at_ms);
        if told.executors.running.is_empty() {
            find(NO_EXECUTORS);
        }
        let left = query.batches.last().and_then(|batch| batch.behind());
        let timed = query.interval_ms.is_some_and(|ms| ms > 0) || course.falls_behind(left);
        if !timed && course.totals().is_some() {
            find(FOLLOWING);
        }
        if let Some(text) = self.window_secs.and_then(|secs| too_short(query, secs)) {
            find(&text);
        }
        if let Some(limit) = limited::held_up(query) {
            find(&limited::text(limit));
        }
        of(told, query, course, timed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::tests::told;
    use super::*;

    fn look(told: &Told) -> Look {
        Reader::default().look(told, Timestamp::from_millis(told.at_ms))
    }

    #[test]
    fn a_query_is_a_topology_of_its_run() {
        let look = look(&told());
        let seen = &look.observation.topologies[0];
        assert_eq!((&*seen.id, &*seen.name, seen.obstacle), ("r", "words", None));
        assert!(look.findings.is_empty(), "{:?}", look.findings);
    }

    #[test]
    fn each_of_several_queries_is_left_alone_and_named() {
        let mut told = told();
        let another = Query { run_id: "a".to_owned(), name: None, ..told.queries[0].clone() };
        told.queries.push(another);
        let look = look(&told);
        let names: Vec<&str> =
            look.observation.topologies.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["q", "words"], "one without a name has that of its id");
        assert_eq!(look.findings.len(), 2);
        assert!(look.findings[0].text.contains("shares its executors"));
    }

    #[test]
    fn a_query_that_comes_later_with_rare_batches_is_named() {
        let mut told = told();
        told.queries[0].interval_ms = Some(600_000);
        let look = Reader::of_window(30.0).look(&told, Timestamp::from_millis(told.at_ms));
        assert_eq!(look.findings.len(), 1, "{:?}", look.findings);
        assert!(look.findings[0].text.contains("thalweg.metrics.window.secs: 2400"));
    }

    #[test]
    fn without_an_interval_a_query_that_keeps_up_is_not_measured() {
        let mut told = told();
        told.queries[0].interval_ms = Some(0);
        let look = look(&told);
        assert_eq!(look.findings[0].text, FOLLOWING);
        let executors = &look.observation.topologies[0].executors;
        assert!(executors[1].counters.is_none(), "nothing is told instead of a guess");
    }
}
