//! What offsets say of the records that wait in a partition.

/// Where a group begins that has not committed anything: Kafka's `auto.offset.reset`, or a spout's first poll strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Begin {
    /// At the oldest record.
    #[default]
    Earliest,
    /// Behind the newest.
    Latest,
}

/// A partition as it was seen at one moment; offsets count records from 0, including those that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// Of the oldest record that is still there.
    pub first: u64,
    /// Of the record that comes next.
    pub end: u64,
    /// Of the first record that the group has not processed; none where it never committed.
    pub committed: Option<u64>,
}

impl Offsets {
    /// Where the group goes on reading.
    ///
    /// A commit before what is there counts like none, as to Kafka: records were deleted before anybody read them. One behind
    /// the end leaves nothing to wait: the end was asked for later, or the topic was made anew, which the group finds out itself.
    pub fn next(&self, begin: Begin) -> u64 {
        match (self.committed, begin) {
            (Some(committed), _) if self.first <= committed => committed.min(self.end),
            (_, Begin::Earliest) => self.first,
            (_, Begin::Latest) => self.end,
        }
    }

    /// Offsets that lie before the group: as many records as wait, or more, as some hold none.
    pub fn waiting(&self, begin: Begin) -> u64 {
        self.end.saturating_sub(self.next(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(first: u64, end: u64, committed: Option<u64>) -> [u64; 2] {
        let offsets = Offsets { first, end, committed };
        [Begin::Earliest, Begin::Latest].map(|begin| offsets.waiting(begin))
    }

    #[test]
    fn what_waits_lies_between_the_commit_and_the_end() {
        assert_eq!(waiting(0, 100, Some(60)), [40, 40]);
        assert_eq!(waiting(50, 100, Some(100)), [0, 0]);
        assert_eq!(waiting(0, 0, None), [0, 0], "an empty partition");
    }

    #[test]
    fn who_never_committed_begins_where_the_consumer_is_told_to() {
        assert_eq!(waiting(20, 100, None), [80, 0]);
    }

    #[test]
    fn a_commit_that_is_no_longer_there_counts_like_none() {
        assert_eq!(waiting(20, 100, Some(5)), [80, 0], "deleted before it was read");
        assert_eq!(waiting(0, 10, Some(500)), [0, 0], "read on meanwhile, or made anew");
    }
}
