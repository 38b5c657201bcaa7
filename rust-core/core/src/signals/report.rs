//! What an executor reported, as it is kept over the window: of every executor of the cluster there are several.

use crate::model::Counters;
use crate::units::Timestamp;

/// A report in half the memory of [`Counters`]: what only some engines or components tell lies elsewhere, and is not there
/// where they do not tell it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    /// When it was seen.
    pub seen: Timestamp,
    /// Seconds since the executor started.
    pub uptime_secs: u32,
    executed: u64,
    execute_ms: f64,
    acked: u64,
    process_ms: f64,
    failed: u64,
    emitted: u64,
    transferred: u64,
    completed: u64,
    complete_ms: f64,
    told: Option<Box<Told>>,
}

/// What only some tell; that of the times and sizes without a bit in `which` is not known.
#[derive(Debug, Clone, PartialEq, Default)]
struct Told {
    which: u8,
    times: [f64; 4],
    sizes: [u64; 3],
}

impl Report {
    /// Keeps what was reported.
    pub fn of(seen: Timestamp, counters: &Counters) -> Self {
        let told = Told::of(counters);
        Self {
            seen,
            uptime_secs: counters.uptime_secs,
            executed: counters.executed,
            execute_ms: counters.execute_ms,
            acked: counters.acked,
            process_ms: counters.process_ms,
            failed: counters.failed,
            emitted: counters.emitted,
            transferred: counters.transferred,
            completed: counters.completed,
            complete_ms: counters.complete_ms,
            told: (told.which != 0).then(|| Box::new(told)),
        }
    }

    /// What was reported.
    pub fn counters(&self) -> Counters {
        let told = self.told.as_deref();
        let time = |place: usize| told.filter(|t| t.knows(place)).map(|t| t.times[place]);
        let size = |place: usize| told.filter(|t| t.knows(4 + place)).map(|t| t.sizes[place]);
        Counters {
            uptime_secs: self.uptime_secs,
            executed: self.executed,
            execute_ms: self.execute_ms,
            acked: self.acked,
            process_ms: self.process_ms,
            failed: self.failed,
            emitted: self.emitted,
            transferred: self.transferred,
            completed: self.completed,
            complete_ms: self.complete_ms,
            busy_ms: time(0),
            backpressured_ms: time(1),
            idle_ms: time(2),
            gc_ms: time(3),
            state_bytes: size(0),
            state_accesses: size(1),
            state_hits: size(2),
        }
    }
}

impl Told {
    fn of(counters: &Counters) -> Self {
        let Counters { busy_ms, backpressured_ms, idle_ms, gc_ms, .. } = *counters;
        let Counters { state_bytes, state_accesses, state_hits, .. } = *counters;
        let mut told = Self::default();
        for (place, time) in [busy_ms, backpressured_ms, idle_ms, gc_ms].into_iter().enumerate() {
            told.which |= u8::from(time.is_some()) << place;
            told.times[place] = time.unwrap_or(0.0);
        }
        for (place, size) in [state_bytes, state_accesses, state_hits].into_iter().enumerate() {
            told.which |= u8::from(size.is_some()) << (4 + place);
            told.sizes[place] = size.unwrap_or(0);
        }
        told
    }

    fn knows(&self, place: usize) -> bool {
        self.which & (1 << place) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reported_comes_back_and_what_was_not_is_missing() {
        let plain = Counters {
            uptime_secs: 7,
            executed: 1,
            execute_ms: 0.1,
            acked: 2,
            process_ms: 0.2,
            failed: 3,
            emitted: 4,
            transferred: 5,
            completed: 6,
            complete_ms: 0.3,
            ..Counters::default()
        };
        let cases = [
            plain,
            Counters { busy_ms: Some(0.0), state_hits: Some(0), ..plain },
            Counters { backpressured_ms: Some(1.5), gc_ms: Some(2.5), ..plain },
            Counters { idle_ms: Some(3.5), state_bytes: Some(9), ..plain },
            Counters { state_accesses: Some(u64::MAX), ..plain },
        ];
        for counters in cases {
            let report = Report::of(Timestamp::from_millis(1), &counters);
            assert_eq!(report.counters(), counters);
        }
    }

    #[test]
    fn a_report_takes_a_hundred_bytes_and_what_only_some_tell_less_than_that() {
        assert_eq!((size_of::<Report>(), size_of::<Told>()), (96, 64));
    }
}
