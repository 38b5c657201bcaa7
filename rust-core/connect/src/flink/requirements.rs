//! The bounds of parallelism of jobs' vertices, as `/jobs/ID/resource-requirements` tells of them, and which of them a user
//! set.
//!
//! Flink does not say who set a bound. So what a job was submitted with and what was asked for from here is remembered, and
//! whatever else holds is the user's: nothing is asked for beyond it. What a job was submitted with allows as little as one
//! subtask; from beside, that is what is seen first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thalweg_core::units::{Millis, Timestamp};

use super::json::count;
use super::view::Range;

/// While a JobManager takes over, jobs are not there for a while; what is forgotten of them would make our bounds look like
/// their users'.
const KEPT: Millis = Millis::from_secs(3600);

/// Bounds of some vertices, by Flink's own ids of them.
pub type Ranges = BTreeMap<String, Range>;

/// What is known of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Known {
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Range>,
    /// What is being asked for, by us or by a predecessor that did not live to see whether it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    asking: Option<Range>,
}

impl Known {
    fn seen(self, now: Range) -> Self {
        let now = Some(now);
        if now == self.asking {
            return self.asked();
        }
        if now == self.ours || now == self.users {
            return self;
        }
        let untouched = self.ours.is_none()
            && match self.submitted {
                Some(_) => self.submitted == now,
                None => now.is_some_and(|range| range.lower <= 1),
            };
        match untouched {
            true => Self { submitted: now, users: None, ..self },
            false => Self { ours: None, users: now, ..self },
        }
    }

    /// What is being asked for holds.
    fn asked(self) -> Self {
        Self { ours: self.asking, asking: None, ..self }
    }
}

/// A plan wants more or fewer subtasks than the user allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeyondUser {
    /// Flink's own id of the vertex.
    pub vertex: String,
    /// How many the plan wants.
    pub count: u32,
    /// What the user allows.
    pub user: Range,
}

/// Other bounds, and what held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is to be asked for, by vertex.
    pub asked: Ranges,
    /// What holds for these vertices until then.
    pub before: Ranges,
}

/// What is known of the bounds of all jobs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requirements {
    /// By job and vertex.
    jobs: BTreeMap<String, BTreeMap<String, Known>>,
    absent_since: BTreeMap<String, Timestamp>,
    /// Whether anything of it is new since it was asked for what to keep.
    is_new: bool,
}

/// The same for who looks and who asks. Both hold it from their question until the answer is taken in, or what was true before
/// the other's would be taken for somebody's word.
#[derive(Debug, Clone, Default)]
pub struct SharedRequirements(Arc<Mutex<Requirements>>);

impl SharedRequirements {
    /// Whoever panicked with it in his hands had changed it as a whole or not at all.
    pub fn lock(&self) -> MutexGuard<'_, Requirements> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requirements {
    /// As they were when they were kept; what cannot be read of that is not known.
    pub fn recalled(kept: Value) -> Self {
        Self { jobs: serde_json::from_value(kept).unwrap_or_default(), ..Self::default() }
    }

    /// What is to be kept, so that a successor can tell a user's bounds from ours.
    pub fn to_keep(&mut self) -> Value {
        self.is_new = false;
        json!(self.jobs)
    }

    /// The same, if anything of it is new.
    pub fn news(&mut self) -> Option<Value> {
        self.is_new.then(|| self.to_keep())
    }

    /// Takes in what holds for a job.
    pub fn take(&mut self, job: &str, answer: &Value) {
        let known = self.jobs.entry(job.to_owned()).or_default();
        for (vertex, now) in ranges(answer) {
            let before = known.get(&vertex).copied();
            let seen = before.unwrap_or_default().seen(now);
            self.is_new |= before != Some(seen);
            known.insert(vertex, seen);
        }
    }

    /// The bounds that the user of a job set for a vertex, as far as they are known.
    pub fn users(&self, job: &str, vertex: &str) -> Option<Range> {
        self.jobs.get(job)?.get(vertex)?.users
    }

    /// What to ask for to have so many subtasks, by vertex, where this holds for the job now.
    ///
    /// # Errors
    /// When its user allows fewer, or wants more.
    pub fn change(
        &mut self,
        job: &str,
        now: &Value,
        counts: &BTreeMap<String, u32>,
    ) -> Result<Change, BeyondUser> {
        self.take(job, now);
        let mut before = ranges(now);
        before.retain(|vertex, _| counts.contains_key(vertex));
        let mut asked = Ranges::new();
        for (vertex, &count) in counts {
            let user = self.users(job, vertex);
            if let Some(user) = user.filter(|user| !(user.lower..=user.upper).contains(&count)) {
                return Err(BeyondUser { vertex: vertex.clone(), count, user });
            }
            // A lower bound above 1 would have the job fail where slots are short, so none but the user's is asked for.
            let lower = user.map_or(1, |user| user.lower);
            asked.insert(vertex.clone(), Range { lower, upper: count });
        }
        Ok(Change { asked, before })
    }

    /// What to ask for so that what held before a change holds again, unless somebody has asked for something else since.
    pub fn way_back(&mut self, job: &str, now: &Value, before: &Ranges) -> Ranges {
        self.take(job, now);
        let holds = ranges(now);
        let known = self.jobs.get(job);
        let ours = |vertex: &String| known?.get(vertex)?.ours;
        let back = before.iter().filter(|(vertex, range)| {
            let now = holds.get(*vertex);
            now.is_some() && now != Some(range) && now.copied() == ours(vertex)
        });
        back.map(|(vertex, range)| (vertex.clone(), *range)).collect()
    }

    /// Notes what is about to be asked for. To be kept before that is done: whoever follows, should this process not get any
    /// further, knows these bounds for ours.
    pub fn note_asking(&mut self, job: &str, asked: &Ranges) {
        self.each(job, asked, |known, range| Known { asking: Some(range), ..known });
    }

    /// Notes that this was asked for.
    pub fn note_asked(&mut self, job: &str, asked: &Ranges) {
        self.each(job, asked, |known, range| Known { asking: Some(range), ..known }.asked());
    }

    fn each(&mut self, job: &str, ranges: &Ranges, becomes: impl Fn(Known, Range) -> Known) {
        let known = self.jobs.entry(job.to_owned()).or_default();
        for (vertex, range) in ranges {
            let of_vertex = known.entry(vertex.clone()).or_default();
            *of_vertex = becomes(*of_vertex, *range);
        }
    }

    /// Forgets jobs that have been absent for long.
    pub fn keep(&mut self, present: &BTreeSet<String>, now: Timestamp) {
        self.absent_since.retain(|job, _| !present.contains(job));
        for job in self.jobs.keys().filter(|job| !present.contains(*job)) {
            self.absent_since.entry(job.clone()).or_insert(now);
        }
        let is_over = |since: &Timestamp| now.since(*since) >= KEPT;
        let before = self.jobs.len();
        self.jobs.retain(|job, _| !self.absent_since.get(job).is_some_and(is_over));
        self.is_new |= self.jobs.len() != before;
        self.absent_since.retain(|job, _| self.jobs.contains_key(job));
    }
}

/// All bounds that hold, with some of them changed, as Flink takes them.
pub fn with(now: &Value, asked: &Ranges) -> Value {
    let mut all: Map<String, Value> = now.as_object().cloned().unwrap_or_default();
    for (vertex, Range { lower, upper }) in asked {
        let parallelism = json!({ "lowerBound": lower, "upperBound": upper });
        all.insert(vertex.clone(), json!({ "parallelism": parallelism }));
    }
    Value::Object(all)
}

fn ranges(answer: &Value) -> Ranges {
    let vertices = answer.as_object().into_iter().flatten();
    let range = |(vertex, bounds): (&String, &Value)| {
        let parallelism = &bounds["parallelism"];
        let (lower, upper) =
            count(parallelism, "lowerBound").zip(count(parallelism, "upperBound"))?;
        Some((vertex.clone(), Range { lower, upper }))
    };
    vertices.filter_map(range).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn holds(lower: u32, upper: u32) -> Value {
        json!({ "v": { "parallelism": { "lowerBound": lower, "upperBound": upper } } })
    }

    fn take(requirements: &mut Requirements, lower: u32, upper: u32) -> Option<Range> {
        requirements.take("job", &holds(lower, upper));
        requirements.users("job", "v")
    }

    fn ask(requirements: &mut Requirements, now: &Value, count: u32) -> Result<Change, BeyondUser> {
        let counts = BTreeMap::from([("v".to_owned(), count)]);
        let change = requirements.change("job", now, &counts)?;
        requirements.note_asking("job", &change.asked);
        Ok(change)
    }

    #[test]
    fn what_changes_is_the_users_until_it_is_as_it_was() {
        let mut requirements = Requirements::default();
        assert_eq!(take(&mut requirements, 1, 1), None);
        assert_eq!(take(&mut requirements, 1, 3), Some(Range { lower: 1, upper: 3 }));
        assert_eq!(take(&mut requirements, 1, 3), Some(Range { lower: 1, upper: 3 }));
        assert_eq!(take(&mut requirements, 1, 1), None);
    }

    #[test]
    fn a_lower_bound_above_one_is_nobodys_but_the_users() {
        let mut requirements = Requirements::default();
        assert_eq!(take(&mut requirements, 2, 4), Some(Range { lower: 2, upper: 4 }));
    }

    #[test]
    fn what_was_asked_for_from_here_is_no_users() {
        let mut requirements = Requirements::default();
        let change = ask(&mut requirements, &holds(1, 1), 3).unwrap();
        assert_eq!(change.before["v"], Range { lower: 1, upper: 1 });
        assert_eq!(change.asked["v"], Range { lower: 1, upper: 3 });
        assert_eq!(take(&mut requirements, 1, 3), None);
        let later = Requirements::recalled(requirements.to_keep());
        assert_eq!(later.jobs, requirements.jobs);
        assert_eq!(requirements.news(), None);
        // A user who sets another one later is obeyed.
        assert_eq!(take(&mut requirements, 1, 2), Some(Range { lower: 1, upper: 2 }));
        assert!(requirements.news().is_some(), "who follows has to know it");
        let refused = ask(&mut requirements, &holds(1, 2), 3).unwrap_err();
        assert_eq!((refused.count, refused.user), (3, Range { lower: 1, upper: 2 }));
    }

    #[test]
    fn bounds_are_known_for_ours_by_whoever_follows_before_they_hold() {
        let mut requirements = Requirements::default();
        ask(&mut requirements, &holds(1, 1), 3).unwrap();
        let mut successor = Requirements::recalled(requirements.to_keep());
        assert_eq!(take(&mut successor, 1, 3), None);
        let before = BTreeMap::from([("v".to_owned(), Range { lower: 1, upper: 1 })]);
        assert_eq!(successor.way_back("job", &holds(1, 3), &before), before);
    }

    #[test]
    fn nothing_is_taken_back_of_what_somebody_has_changed_since() {
        let mut requirements = Requirements::default();
        let change = ask(&mut requirements, &holds(1, 1), 3).unwrap();
        requirements.note_asked("job", &change.asked);
        assert_eq!(requirements.way_back("job", &holds(1, 2), &change.before), Ranges::new());
        assert_eq!(requirements.way_back("job", &holds(1, 1), &change.before), Ranges::new());
    }

    #[test]
    fn only_what_changes_is_written_anew() {
        let mut now = holds(1, 1);
        now["other"] = json!({ "parallelism": { "lowerBound": 2, "upperBound": 5 } });
        let asked = BTreeMap::from([("v".to_owned(), Range { lower: 1, upper: 3 })]);
        let mut wanted = holds(1, 3);
        wanted["other"] = now["other"].clone();
        assert_eq!(with(&now, &asked), wanted);
    }

    #[test]
    fn a_job_that_is_absent_for_a_moment_is_not_forgotten() {
        let mut requirements = Requirements::default();
        let none = BTreeSet::new();
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        take(&mut requirements, 2, 4);
        requirements.keep(&none, at(0));
        requirements.keep(&none, at(59));
        assert!(requirements.users("job", "v").is_some());
        requirements.keep(&none, at(60));
        assert_eq!(requirements.users("job", "v"), None);
    }
}
