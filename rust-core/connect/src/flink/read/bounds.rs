//! The bounds of parallelism of jobs' vertices that a user set, as `/jobs/ID/resource-requirements` tells of them.
//!
//! Flink does not say who set a bound. What a job was submitted with allows as little as one subtask; from beside it is what
//! is seen first. Whatever else holds later is the user's, until it is as it was submitted again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::json::count;
use super::super::view::Range;

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    submitted: Option<Range>,
    users: Option<Range>,
}

impl Known {
    fn seen(self, now: Range) -> Self {
        if self.users == Some(now) {
            return self;
        }
        let untouched = self.submitted.map_or(now.lower <= 1, |submitted| submitted == now);
        match untouched {
            true => Self { submitted: Some(now), users: None },
            false => Self { users: Some(now), ..self },
        }
    }
}

/// What is known of the bounds of all jobs: by job and vertex.
#[derive(Debug, Default)]
pub struct Bounds(BTreeMap<String, BTreeMap<String, Known>>);

impl Bounds {
    /// Takes in what holds for a job.
    pub fn take(&mut self, job: &str, answer: &Value) {
        let known = self.0.entry(job.to_owned()).or_default();
        for (vertex, bounds) in answer.as_object().into_iter().flatten() {
            let parallelism = &bounds["parallelism"];
            let range = count(parallelism, "lowerBound").zip(count(parallelism, "upperBound"));
            if let Some((lower, upper)) = range {
                let before = known.get(vertex).copied().unwrap_or_default();
                known.insert(vertex.clone(), before.seen(Range { lower, upper }));
            }
        }
    }

    /// The bounds that the user of a job set for a vertex, as far as they are known.
    pub fn users(&self, job: &str, vertex: &str) -> Option<Range> {
        self.0.get(job)?.get(vertex)?.users
    }

    /// Forgets all other jobs.
    pub fn keep(&mut self, jobs: &BTreeSet<String>) {
        self.0.retain(|job, _| jobs.contains(job));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(bounds: &mut Bounds, lower: u32, upper: u32) -> Option<Range> {
        let range = json!({ "lowerBound": lower, "upperBound": upper });
        bounds.take("job", &json!({ "v": { "parallelism": range } }));
        bounds.users("job", "v")
    }

    #[test]
    fn what_changes_is_the_users_until_it_is_as_it_was() {
        let mut bounds = Bounds::default();
        assert_eq!(take(&mut bounds, 1, 1), None);
        assert_eq!(take(&mut bounds, 1, 3), Some(Range { lower: 1, upper: 3 }));
        assert_eq!(take(&mut bounds, 1, 3), Some(Range { lower: 1, upper: 3 }));
        assert_eq!(take(&mut bounds, 1, 1), None);
    }

    #[test]
    fn a_lower_bound_above_one_is_nobodys_but_the_users() {
        let mut bounds = Bounds::default();
        assert_eq!(take(&mut bounds, 2, 4), Some(Range { lower: 2, upper: 4 }));
        bounds.keep(&BTreeSet::new());
        assert_eq!(bounds.users("job", "v"), None);
    }
}
