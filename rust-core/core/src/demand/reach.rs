//! What is asked of components where one of them cannot be made to do what is asked of it.

use super::asked::Demand;
use super::graph::Graph;

/// Demands that exceed what can be done by less than this are rounding.
const ROUNDING: f64 = 1e-6;

/// The rates of sources at which no component is asked for more than its ceiling, which is what it can do at most:
/// what cannot grow any more holds up everything that feeds it.
///
/// Complexity: one pass over the graph for each component that is a limit.
pub fn let_through(
    graph: &Graph<'_>,
    sources: &[Option<f64>],
    ceilings: &[Option<f64>],
) -> Vec<Option<f64>> {
    let mut sources = sources.to_vec();
    for _ in 0..sources.len() {
        let demand = graph.in_all(&graph.demand(&sources));
        let over = |(index, ceiling): (usize, &Option<f64>)| {
            let (asked, most) = (demand[index]?, (*ceiling)?);
            (asked > most * (1.0 + ROUNDING)).then(|| (index, most / asked))
        };
        let worst = ceilings.iter().enumerate().filter_map(over).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((limit, part)) = worst else { break };
        for index in feeding(graph, limit) {
            sources[index] = sources[index].map(|rate| rate * part);
        }
    }
    sources
}

/// What is asked of every component when sources bring in `sources`: all of it where that is more than the component
/// can ever do, so that it can be told what it lacks; elsewhere, what such components let through.
pub fn asked(
    graph: &Graph<'_>,
    sources: &[Option<f64>],
    ceilings: &[Option<f64>],
) -> Vec<Option<Demand>> {
    let demand = graph.demand(sources);
    let all = graph.in_all(&demand);
    let exceeds = |(all, most): (&Option<f64>, &Option<f64>)| {
        all.zip(*most).is_some_and(|(all, most)| all > most * (1.0 + ROUNDING))
    };
    if !all.iter().zip(ceilings).any(exceeds) {
        return demand;
    }
    let through = graph.demand(&let_through(graph, sources, ceilings));
    let of = |(index, through)| {
        if exceeds((&all[index], &ceilings[index])) { demand[index] } else { through }
    };
    through.into_iter().enumerate().map(of).collect()
}

/// A component and all that feed it, directly or not.
fn feeding(graph: &Graph<'_>, component: usize) -> Vec<usize> {
    let mut known = vec![false; graph.nodes.len()];
    let mut found = vec![component];
    known[component] = true;
    let mut next = 0;
    while let Some(&to) = found.get(next) {
        next += 1;
        for stream in graph.streams.iter().filter(|stream| stream.to == to) {
            if !std::mem::replace(&mut known[stream.from], true) {
                found.push(stream.from);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::demand::graph::{Carries, Node, Stream};

    fn stream(from: usize, to: usize, ratio: f64) -> Stream {
        Stream { from, to, broadcast: false, carries: Carries::Ratio(ratio) }
    }

    fn graph(components: usize, streams: &[Stream]) -> Graph<'_> {
        let node = Node { executors: 1, taken: Some(1.0), growth: 0.0 };
        Graph { nodes: vec![node; components], streams }
    }

    fn shared(rates: [f64; 4]) -> Vec<Option<Demand>> {
        rates.map(|rate| Some(Demand::shared(rate))).to_vec()
    }

    #[test]
    fn what_feeds_a_limit_is_asked_for_what_that_lets_through() {
        // Source, map and a sink that can do 700 of 1000/s; what is beside them goes on as before.
        let streams = [stream(0, 1, 1.0), stream(1, 2, 1.0), stream(0, 3, 0.5), stream(4, 5, 1.0)];
        let sources = [Some(1000.0), None, None, None, Some(40.0), None];
        let ceilings = [None, Some(9000.0), Some(700.0), Some(9000.0), None, Some(9000.0)];
        let asked = asked(&graph(6, &streams), &sources, &ceilings);
        let rounded: Vec<f64> =
            asked.iter().map(|rate| rate.expect("known").shared.round()).collect();
        assert_eq!(rounded, [700.0, 700.0, 1000.0, 350.0, 40.0, 40.0]);
    }

    #[test]
    fn the_tightest_of_several_limits_counts() {
        let streams = [stream(0, 1, 2.0), stream(1, 2, 0.5), stream(3, 2, 1.0)];
        let sources = [Some(100.0), None, None, Some(100.0)];
        let ceilings = [None, Some(150.0), Some(100.0), None];
        let graph = graph(4, &streams);
        let through = let_through(&graph, &sources, &ceilings);
        // The join is asked for 200, so both sources are halved; 100 of the first one's 150 remain.
        assert_eq!(through, [Some(50.0), None, None, Some(50.0)]);
        let all = asked(&graph, &sources, &ceilings);
        assert_eq!(all, shared([50.0, 200.0, 200.0, 50.0]));
    }

    #[test]
    fn without_a_limit_and_where_nothing_is_known_all_is_as_propagated() {
        let streams = [
            stream(0, 1, 2.0),
            Stream { carries: Carries::UpTo(f64::INFINITY), ..stream(1, 2, 0.0) },
        ];
        let sources = [Some(100.0), None, None];
        let mut graph = graph(3, &streams);
        graph.nodes[2].taken = None;
        let plain = graph.demand(&sources);
        assert_eq!(asked(&graph, &sources, &[None, Some(200.0), Some(1.0)]), plain);
        assert_eq!(asked(&graph, &sources, &[None, None, None]), plain);
    }
}
