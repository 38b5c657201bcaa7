//! The one pass from the sources downstream.

/// A stream, with how many records its receiver gets for each that its sender takes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stream {
    /// Index of the sending component.
    pub from: usize,
    /// Index of the receiving component.
    pub to: usize,
    /// The ratio; nothing where it was not measured.
    pub selectivity: Option<f64>,
}

/// Components in an order in which senders come before receivers. What lies on a cycle, or behind
/// one, comes last in the order of its indices.
pub fn order(components: usize, streams: &[Stream]) -> Vec<usize> {
    let mut waiting_for = vec![0usize; components];
    for stream in streams {
        waiting_for[stream.to] += 1;
    }
    let mut order: Vec<usize> = (0..components).filter(|&c| waiting_for[c] == 0).collect();
    let mut next = 0;
    while let Some(&from) = order.get(next) {
        next += 1;
        for stream in streams.iter().filter(|stream| stream.from == from) {
            waiting_for[stream.to] -= 1;
            if waiting_for[stream.to] == 0 {
                order.push(stream.to);
            }
        }
    }
    order.extend((0..components).filter(|&c| waiting_for[c] > 0));
    order
}

/// The rate each component has to take in when sources bring in `sources` (DS2, equations 7 and 8).
///
/// Nothing where it depends on what was not measured.
pub fn propagate(sources: &[Option<f64>], streams: &[Stream]) -> Vec<Option<f64>> {
    let mut demand: Vec<Option<f64>> = sources.to_vec();
    let fed: Vec<bool> =
        (0..sources.len()).map(|c| streams.iter().any(|stream| stream.to == c)).collect();
    for component in order(sources.len(), streams) {
        if fed[component] {
            let into = streams.iter().filter(|stream| stream.to == component);
            demand[component] =
                into.map(|stream| Some(demand[stream.from]? * stream.selectivity?)).sum();
        }
    }
    demand
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(from: usize, to: usize, selectivity: f64) -> Stream {
        Stream { from, to, selectivity: Some(selectivity) }
    }

    #[test]
    fn a_line_multiplies_and_a_join_adds() {
        // source 0 -> 1 -> 2 -> 3, and source 4 -> 3
        let streams = [stream(0, 1, 1.0), stream(1, 2, 2.0), stream(2, 3, 0.5), stream(4, 3, 3.0)];
        let demand = propagate(&[Some(1000.0), None, None, None, Some(10.0)], &streams);
        let expected = [1000.0, 1000.0, 2000.0, 1030.0, 10.0];
        assert_eq!(demand, expected.map(Some));
    }

    #[test]
    fn what_depends_on_the_unknown_is_unknown() {
        let streams = [stream(0, 1, 1.0), Stream { from: 1, to: 2, selectivity: None }];
        assert_eq!(propagate(&[Some(5.0), None, None], &streams), [Some(5.0), Some(5.0), None]);
    }

    #[test]
    fn a_cycle_neither_hangs_nor_hides_what_is_before_it() {
        let streams = [stream(0, 1, 1.0), stream(1, 2, 1.0), stream(2, 1, 0.1)];
        let demand = propagate(&[Some(5.0), None, None], &streams);
        assert_eq!(demand[0], Some(5.0));
        assert_eq!(order(3, &streams), [0, 1, 2]);
    }
}
