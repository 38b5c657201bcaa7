//! What the names of a vertex's metrics say. There are many of them and they change only when a job does, so they are read
//! seldom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::ask::Ask;
use super::super::json::{elements, number, text};
use crate::http::{HttpError, encoded};

/// Flink's server takes 4096 characters, with the path and what a proxy has before it.
const LONGEST_QUERY: usize = 3_000;

/// A vertex: the ids of its job and of itself.
pub type Of<'a> = (&'a str, &'a str);

#[derive(Debug)]
struct Known<N> {
    names: N,
    looks: u32,
}

/// What is wanted of the names of each vertex.
#[derive(Debug)]
pub struct MetricNames<N> {
    looks_per_reading: u32,
    read: fn(&[&str]) -> N,
    /// Whether they say all there is; if not, they are read again with the next look.
    complete: fn(&N) -> bool,
    known: BTreeMap<(String, String), Known<N>>,
}

impl<N: Clone> MetricNames<N> {
    /// Reads names so by this, and again after so many looks.
    pub fn new(looks_per_reading: u32, read: fn(&[&str]) -> N, complete: fn(&N) -> bool) -> Self {
        Self { looks_per_reading, read, complete, known: BTreeMap::new() }
    }

    /// What the names say.
    pub fn of(&mut self, ask: &impl Ask, (job, vertex): Of<'_>) -> Result<N, HttpError> {
        let key = (job.to_owned(), vertex.to_owned());
        let fresh = |known: &&mut Known<N>| {
            (self.complete)(&known.names) && known.looks < self.looks_per_reading
        };
        if let Some(known) = self.known.get_mut(&key).filter(fresh) {
            known.looks += 1;
            return Ok(known.names.clone());
        }
        let answer = ask.get(&path((job, vertex)))?;
        let ids: Vec<&str> = elements(&answer).map(|metric| text(metric, "id")).collect();
        let names = (self.read)(&ids);
        self.known.insert(key, Known { names: names.clone(), looks: 1 });
        Ok(names)
    }

    /// Forgets all other jobs.
    pub fn keep(&mut self, jobs: &BTreeSet<String>) {
        self.known.retain(|(job, _), _| jobs.contains(job));
    }
}

/// Sums of metrics over all subtasks, as Flink answers.
pub fn sums(ask: &impl Ask, of: Of<'_>, names: &[String]) -> Result<Value, HttpError> {
    let names: Vec<String> = names.iter().map(|name| encoded(name)).collect();
    ask.get(&format!("{}?agg=sum&get={}", path(of), names.join(",")))
}

/// One metric of each subtask, by its index; those that have none, or no number, are left out.
pub fn by_subtask(
    ask: &impl Ask,
    (job, vertex): Of<'_>,
    name: &str,
    subtasks: usize,
) -> Result<BTreeMap<u32, f64>, HttpError> {
    let mut values = BTreeMap::new();
    let wanted = format!(".{name}");
    let each = encoded(&wanted);
    let at_once = (LONGEST_QUERY / (each.len() + ",0000".len())).max(1);
    let indexes: Vec<usize> = (0..subtasks).collect();
    for part in indexes.chunks(at_once) {
        let query: Vec<String> = part.iter().map(|index| format!("{index}{each}")).collect();
        let (job, vertex) = (encoded(job), encoded(vertex));
        let path = format!("/jobs/{job}/vertices/{vertex}/metrics?get={}", query.join(","));
        let answer = ask.get(&path)?;
        values.extend(elements(&answer).filter_map(|metric| {
            let index = text(metric, "id").strip_suffix(wanted.as_str())?.parse().ok()?;
            Some((index, number(metric, "value")?))
        }));
    }
    Ok(values)
}

fn path((job, vertex): Of<'_>) -> String {
    format!("/jobs/{}/vertices/{}/subtasks/metrics", encoded(job), encoded(vertex))
}
