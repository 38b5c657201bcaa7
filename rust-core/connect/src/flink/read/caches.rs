//! How often the state of a vertex was found in RocksDB's block cache, where its user has Flink count that
//! (`state.backend.rocksdb.metrics.block-cache-hit` and `-miss`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::ask::Ask;
use super::super::json::{amount, elements, rounded, text};
use super::names::{MetricNames, Of, sums};
use crate::http::HttpError;

/// What comes before is the operator and the backend: `count.rocksdb_block_cache_hit`.
const HIT: &str = "_block_cache_hit";
const MISS: &str = "_block_cache_miss";
const LOOKS_PER_READING: u32 = 30;

/// Cumulative over all subtasks and states of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookups {
    /// All of them.
    pub all: u64,
    /// Those that were found.
    pub hits: u64,
}

impl Lookups {
    /// The part of one of so many subtasks: Flink adds them up, so that all are taken to look up as often.
    pub fn each(self, subtasks: usize) -> Option<Self> {
        let subtasks = u64::try_from(subtasks).ok().filter(|count| *count > 0)?;
        Some(Self { all: self.all / subtasks, hits: self.hits / subtasks })
    }
}

/// What is known of the names of caches' metrics.
#[derive(Debug)]
pub struct Caches(MetricNames<Vec<String>>);

impl Default for Caches {
    fn default() -> Self {
        Self(MetricNames::new(LOOKS_PER_READING, names, |_| true))
    }
}

impl Caches {
    /// Reads it; nothing where it is not counted.
    pub fn read(&mut self, ask: &impl Ask, of: Of<'_>) -> Result<Option<Lookups>, HttpError> {
        let names = self.0.of(ask, of)?;
        if names.is_empty() {
            return Ok(None);
        }
        Ok(sum(&sums(ask, of, &names)?))
    }

    /// Forgets all other jobs.
    pub fn keep(&mut self, jobs: &BTreeSet<String>) {
        self.0.keep(jobs);
    }
}

fn names(ids: &[&str]) -> Vec<String> {
    let counted = ids.iter().filter(|id| id.ends_with(HIT) || id.ends_with(MISS));
    counted.map(|id| (*id).to_owned()).collect()
}

/// Both have to be counted: hits without misses would look like a cache that always hits.
fn sum(metrics: &Value) -> Option<Lookups> {
    let of = |end: &str| {
        let counted = elements(metrics).filter(|metric| text(metric, "id").ends_with(end));
        counted.filter_map(|metric| amount(metric, "sum")).reduce(|one, other| one + other)
    };
    let (hits, misses) = (of(HIT)?, of(MISS)?);
    Some(Lookups { all: rounded(hits + misses), hits: rounded(hits) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hits_and_misses_of_all_states_are_lookups() {
        let metrics = json!([
            { "id": "count.rocksdb_block_cache_hit", "sum": 60.0 },
            { "id": "count.rocksdb_block_cache_miss", "sum": 10.0 },
            { "id": "top.rocksdb_block_cache_hit", "sum": 30.0 },
            { "id": "top.rocksdb_block_cache_miss", "sum": 20.0 },
        ]);
        let lookups = sum(&metrics).expect("both are counted");
        assert_eq!(lookups, Lookups { all: 120, hits: 90 });
        assert_eq!(lookups.each(3), Some(Lookups { all: 40, hits: 30 }));
        assert_eq!(lookups.each(0), None);
    }

    #[test]
    fn hits_alone_are_no_cache_that_always_hits() {
        assert_eq!(sum(&json!([{ "id": "count.rocksdb_block_cache_hit", "sum": 60.0 }])), None);
        assert_eq!(sum(&json!([])), None);
    }
}
