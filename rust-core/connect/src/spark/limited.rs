//! Which queries are held up by a limit of their own, and not by their executors.

use super::told::{Batch, Query};

/// So many of the last batches have to show it.
const LATELY: usize = 3;
/// A batch with this part of the limit is full.
const FULL: f64 = 0.95;
/// Batches that take no more of their interval than this leave executors idle.
const ROOMY: f64 = 0.8;

/// The limit of a query whose batches are full and leave more to wait than one takes, while its executors have time left.
pub fn held_up(query: &Query) -> Option<u64> {
    let limit = query.max_offsets_per_trigger.filter(|limit| *limit > 0)?;
    let interval = query.interval_ms.filter(|ms| *ms > 0)? as f64;
    let lately = query.batches.len().checked_sub(LATELY)?;
    let is_held = |batch: &Batch| {
        let full = batch.rows.is_some_and(|rows| rows as f64 >= FULL * limit as f64);
        let waits = batch.behind().is_some_and(|behind| behind > limit);
        full && waits && batch.took_ms.is_some_and(|took| took as f64 <= ROOMY * interval)
    };
    query.batches[lately..].iter().all(is_held).then_some(limit)
}

/// The same for people.
pub fn text(limit: u64) -> String {
    format!(
        "each batch takes {limit} records (maxOffsetsPerTrigger) and leaves more to wait, while its executors have time left: a higher \
         limit at its next start would help, more executors would not"
    )
}

#[cfg(test)]
mod tests {
    use super::super::told::SourceTold;
    use super::super::told::tests::told;
    use super::*;

    /// A query of 2 s and this limit, whose batches take in 100 rows within so long and leave so many to wait.
    fn query(limit: Option<u64>, took_ms: u64, behind: u64) -> Query {
        let first = told().queries[0].clone();
        let source = SourceTold { behind: Some(behind), partitions: Some(6) };
        let batch =
            Batch { took_ms: Some(took_ms), sources: vec![source], ..first.batches[0].clone() };
        Query { max_offsets_per_trigger: limit, batches: vec![batch; LATELY], ..first }
    }

    #[test]
    fn full_batches_that_leave_executors_idle_are_held_up_by_their_limit() {
        assert_eq!(held_up(&query(Some(100), 500, 5000)), Some(100));
        assert!(text(100).contains("takes 100 records"));
    }

    #[test]
    fn who_has_no_limit_no_time_left_or_nothing_waiting_is_not() {
        for other in [
            query(None, 500, 5000),
            query(Some(1000), 500, 5000),
            query(Some(100), 1900, 5000),
            query(Some(100), 500, 50),
            Query { interval_ms: Some(0), ..query(Some(100), 500, 5000) },
            Query { batches: Vec::new(), ..query(Some(100), 500, 5000) },
        ] {
            assert_eq!(held_up(&other), None, "{other:?}");
        }
    }
}
