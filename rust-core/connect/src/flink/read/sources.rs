//! What a source brings in, and what waits before it, in the unit of its connector.
//!
//! Flink counts what the last operator of a chain gives out. Where a source is chained to others, that is another number of
//! records than the source's, or none at all; so the source operator's own counters are read.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ask::Ask;
use super::super::json::{amount, elements, rounded};
use super::super::view::Waiting;
use super::names::{MetricNames, Of, by_subtask, sums};
use crate::http::HttpError;

const PENDING: &str = ".pendingRecords";
/// Flink puts what no name may have as an underscore: `Source: lines` is this.
const SOURCE: &str = "Source__";
const IN: &str = ".numRecordsIn";
const OUT: &str = ".numRecordsOut";
const LOOKS_PER_READING: u32 = 10;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    pending: Option<String>,
    partitions: Option<u32>,
    /// What the source is called in names; nothing where none, or more than one, is there.
    operator: Option<String>,
}

/// What is known of the names of sources' metrics.
#[derive(Debug)]
pub struct Sources(MetricNames<Names>);

impl Default for Sources {
    fn default() -> Self {
        let complete = |names: &Names| names.pending.is_some() && names.operator.is_some();
        Self(MetricNames::new(LOOKS_PER_READING, names, complete))
    }
}

impl Sources {
    /// What waits before a source, and the records that each of its subtasks brought in, by its index, as what waits is
    /// counted.
    pub fn read(
        &mut self,
        ask: &impl Ask,
        of: Of<'_>,
        subtasks: usize,
    ) -> Result<(Waiting, BTreeMap<u32, f64>), HttpError> {
        let names = self.0.of(ask, of)?;
        let backlog = match names.pending {
            Some(pending) => {
                let answer = sums(ask, of, &[pending])?;
                elements(&answer).next().and_then(|metric| amount(metric, "sum")).map(rounded)
            }
            None => None,
        };
        let waiting = Waiting { backlog, partitions: names.partitions };
        let brought = match names.operator {
            Some(operator) => brought(ask, of, &operator, subtasks)?,
            None => BTreeMap::new(),
        };
        Ok((waiting, brought))
    }

    /// Forgets all other jobs.
    pub fn keep(&mut self, jobs: &BTreeSet<String>) {
        self.0.keep(jobs);
    }
}

/// What each subtask of a source operator took in; what it gives out where it does not count what it takes in.
fn brought(
    ask: &impl Ask,
    of: Of<'_>,
    operator: &str,
    subtasks: usize,
) -> Result<BTreeMap<u32, f64>, HttpError> {
    let taken = by_subtask(ask, of, &format!("{operator}{IN}"), subtasks)?;
    if taken.values().any(|records| *records > 0.0) {
        return Ok(taken);
    }
    by_subtask(ask, of, &format!("{operator}{OUT}"), subtasks)
}

fn names(ids: &[&str]) -> Names {
    let pending = ids.iter().rfind(|id| id.ends_with(PENDING)).map(|id| (*id).to_owned());
    let partitions: BTreeSet<&str> = ids.iter().filter_map(|id| partition(id)).collect();
    let partitions = u32::try_from(partitions.len()).ok().filter(|count| *count > 0);
    let operators: BTreeSet<&str> = ids.iter().filter_map(|id| operator(id)).collect();
    let operator = match operators.len() {
        1 => operators.first().map(|operator| (*operator).to_owned()),
        _ => None,
    };
    Names { pending, partitions, operator }
}

/// What names a partition in `Source__x.KafkaSourceReader.topic.TOPIC.partition.3.currentOffset`.
fn partition(id: &str) -> Option<&str> {
    const TOPIC: &str = ".topic.";
    const PARTITION: &str = ".partition.";
    let begin = id.find(TOPIC)?;
    let number =
        begin + TOPIC.len() + id[begin + TOPIC.len()..].rfind(PARTITION)? + PARTITION.len();
    let digits = id[number..].find('.')?;
    let is_number = digits > 0 && id[number..number + digits].bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| &id[begin..number + digits])
}

/// The source operator whose records are counted by a metric of this name.
fn operator(id: &str) -> Option<&str> {
    let operator = id.strip_suffix(IN).or_else(|| id.strip_suffix(OUT))?;
    (operator.starts_with(SOURCE) && !operator.contains('.')).then_some(operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_operator_is_told_by_its_name() {
        let found = names(&[
            "numRecordsOut",
            "Source__lines.numRecordsIn",
            "Source__lines.numRecordsOut",
            "rare.numRecordsIn",
            "Source__lines.KafkaSourceReader.topic.x.partition.0.currentOffset",
            "Source__lines.KafkaSourceReader.topic.x.partition.0.committedOffset",
            "Source__lines.KafkaSourceReader.topic.x.y.partition.12.currentOffset",
            "Source__lines.pendingRecords",
        ]);
        let expected = Names {
            pending: Some("Source__lines.pendingRecords".to_owned()),
            partitions: Some(2),
            operator: Some("Source__lines".to_owned()),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn where_none_or_several_are_there_nothing_is_told() {
        assert_eq!(names(&["numRecordsOut", "x.topic.y"]), Names::default());
        let two = ["Source__a.numRecordsIn", "Source__b.numRecordsIn"];
        assert_eq!(names(&two).operator, None);
    }
}
