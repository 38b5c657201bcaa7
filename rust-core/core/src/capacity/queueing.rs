//! How long records wait before executors that are busy.
//!
//! The approximation of Allen and Cunneen for `c` servers with any distribution of arrivals and
//! service: the wait of M/M/c (Erlang C) times the mean of both squared coefficients of variation.

/// The load on one queue and what serves it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// Servers that share the queue. Executors have a queue each, so it is 1 for them.
    pub servers: u32,
    /// Records that arrive per second.
    pub arrivals: f64,
    /// Records that one server can do per second.
    pub rate: f64,
    /// Squared coefficient of variation of the times between arrivals; 1 is Poisson.
    pub arrival_variation: f64,
    /// Squared coefficient of variation of service times; 1 is exponential.
    pub service_variation: f64,
}

impl Queue {
    /// Seconds that a record waits before its service; nothing when the queue grows for ever.
    pub fn wait_secs(&self) -> Option<f64> {
        let capacity = f64::from(self.servers.max(1)) * self.rate;
        if !(self.rate > 0.0 && self.arrivals < capacity) {
            return None;
        }
        let variation = (self.arrival_variation + self.service_variation) / 2.0;
        Some(
            erlang_c(self.servers.max(1), self.arrivals / self.rate) / (capacity - self.arrivals)
                * variation,
        )
    }
}

/// The probability that a record has to wait, for an offered load below the number of servers.
fn erlang_c(servers: u32, offered: f64) -> f64 {
    // Erlang B by its recursion, which neither overflows nor loses digits.
    let blocked = (1..=servers).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
    let idle = 1.0 - offered / f64::from(servers);
    blocked / (blocked + (1.0 - blocked) * idle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markov(servers: u32, arrivals: f64, rate: f64) -> Queue {
        Queue { servers, arrivals, rate, arrival_variation: 1.0, service_variation: 1.0 }
    }

    #[test]
    fn textbook_queues() {
        // M/M/1 at 50 %: waiting takes as long as service.
        let one = markov(1, 50.0, 100.0).wait_secs().expect("it drains");
        assert!((one - 0.01).abs() < 1e-12, "{one}");
        // M/M/2 at 50 %: Erlang C is 1/3, so the wait is a third of a service time.
        let two = markov(2, 1.0, 1.0).wait_secs().expect("it drains");
        assert!((two - 1.0 / 3.0).abs() < 1e-12, "{two}");
        // M/D/1 waits half as long as M/M/1.
        let fixed = Queue { service_variation: 0.0, ..markov(1, 50.0, 100.0) };
        assert!(fixed.wait_secs().is_some_and(|wait| (wait - one / 2.0).abs() < 1e-12));
    }

    #[test]
    fn a_full_server_never_catches_up() {
        assert_eq!(markov(2, 200.0, 100.0).wait_secs(), None);
        assert_eq!(markov(1, 1.0, 0.0).wait_secs(), None);
    }
}
