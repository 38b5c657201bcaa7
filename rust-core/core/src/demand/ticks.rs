//! What components execute that nobody sent them.

use super::flow::Flow;
use super::graph::Carries;

/// The engine's own tuples that an executor may get per second: ticks come each whole number of seconds at most.
const TICKS: f64 = 1.0;
/// Counts of senders and receivers, taken at different times, differ by this part.
const NOISE: f64 = 1.1;

/// Leaves out of what executors took in the engine's own tuples, as Storm's ticks are: they are counted as executed,
/// but no load brings them, and none of them is a record done. Their work stays with the records, as it comes with them.
///
/// Where more was taken in than senders sent, and no more than ticks explain, what was sent is what counts.
pub fn leave_out_ticks(flow: &mut Flow) {
    for index in 0..flow.components.len() {
        let Some(sent) = flow.sent_to(index) else { continue };
        let component = &mut flow.components[index];
        let Some(input) = component.input().filter(|_| !component.source) else { continue };
        let surplus = input - sent;
        let executors = f64::from(component.executors.max(1));
        if surplus <= 0.0 || surplus > NOISE * TICKS * executors {
            continue;
        }
        let each = surplus / executors;
        // An executor that got less than its ticks had none; the others had all.
        component.measured.iter_mut().for_each(|e| e.input = (e.input - each).max(0.0));
        let left = component.input().unwrap_or(0.0);
        // What it sends is still as much, by fewer records taken in.
        for stream in flow.streams.iter_mut().filter(|stream| stream.from == index) {
            if let Carries::Ratio(ratio) = stream.carries {
                let rate = ratio * input;
                stream.carries =
                    if left > 0.0 { Carries::Ratio(rate / left) } else { Carries::UpTo(rate) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::{ComponentFlow, ExecutorFlow, Stream};

    /// So many records per second sent to eight executors, each of which executes as many per second.
    fn flow(sent: f64, each: f64) -> Flow {
        let executor = |input| ExecutorFlow { node: 0, ability: 1.0, input, busy: 0.98 };
        let component = |source, executors: u32, input| ComponentFlow {
            executors,
            source,
            timed: !source,
            measured: vec![executor(input); executors as usize],
            ..ComponentFlow::default()
        };
        let streams =
            vec![Stream { from: 0, to: 1, broadcast: false, carries: Carries::Ratio(1.0) }];
        Flow { components: vec![component(true, 1, sent), component(false, 8, each)], streams }
    }

    fn counted(sent: f64, each: f64) -> f64 {
        let mut flow = flow(sent, each);
        leave_out_ticks(&mut flow);
        flow.components[1].input().expect("it is measured")
    }

    #[test]
    fn a_tick_a_second_is_no_record() {
        // 5/s and 8 ticks; 20/s and 8 ticks.
        assert!((counted(5.0, 13.0 / 8.0) - 5.0).abs() < 1e-9);
        assert!((counted(20.0, 28.0 / 8.0) - 20.0).abs() < 1e-9);
        assert!((counted(0.0, 1.0) - 0.0).abs() < 1e-9);
    }

    #[test]
    fn more_than_ticks_explain_and_less_than_was_sent_stay_as_they_are() {
        assert_eq!(counted(20.0, 10.0), 80.0);
        assert_eq!(counted(20.0, 2.0), 16.0);
    }
}
