use super::super::testing::{Sent, Step, graph};
use super::super::{Demand, Target};
use crate::model::Grouping;

const ANY: Grouping = Grouping::Shuffle;

/// What is asked of each component when as much arrives as is brought in, and what waits more by the minute.
fn demand(steps: &[Step], streams: &[Sent]) -> Vec<Option<Demand>> {
    let (_, flow) = graph(steps, streams);
    flow.graph(&flow.streams).demand(&flow.sources(Target::arrival))
}

fn shared(rate: f64) -> Option<Demand> {
    Some(Demand::shared(rate))
}

#[test]
fn side_outputs_are_told_by_what_each_receiver_takes_in() {
    let part = [120.0, 50.0, 20.0, 8.0, 2.0];
    let sinks = part.map(|rate| Step::operator(2, rate, 0.0, 0.1));
    let steps = [&[Step::source(200.0)], &sinks[..]].concat();
    let streams: Vec<Sent> = (1..=5).map(|sink| (0, sink, ANY, None)).collect();
    assert_eq!(demand(&steps, &streams)[1..], part.map(shared));
    // Twice as much arrives: all grow alike.
    let mut twice = steps.clone();
    twice[0].backlog = Some([0, 12_000]);
    assert_eq!(demand(&twice, &streams)[1..], part.map(|rate| shared(2.0 * rate)));
}

#[test]
fn all_of_a_stream_may_go_to_each_receiver() {
    let steps = [
        Step::source(200.0),
        Step::operator(1, 200.0, 0.0, 0.1),
        Step::operator(1, 200.0, 0.0, 0.1),
    ];
    let found = demand(&steps, &[(0, 1, ANY, None), (0, 2, ANY, None)]);
    assert_eq!(found[1..], [shared(200.0), shared(200.0)]);
}

#[test]
fn a_receiver_may_be_connected_twice() {
    // Each record comes to it by both of its inputs.
    let steps = [Step::source(100.0), Step::operator(2, 200.0, 0.0, 0.1)];
    let both = [(0, 1, Grouping::Fields, None), (0, 1, Grouping::Fields, None)];
    assert_eq!(demand(&steps, &both)[1], shared(200.0));
    // Counted one by one, they add up.
    let both = [(0, 1, Grouping::Fields, Some(100.0)), (0, 1, Grouping::Fields, Some(60.0))];
    assert_eq!(demand(&steps, &both)[1], shared(160.0));
}

#[test]
fn a_receiver_of_several_senders_is_unknown_where_they_grow_apart() {
    // Two sources, each with a side output to a sink of its own, and one to the same join.
    let mut steps = [
        Step::source(1000.0),
        Step::source(1000.0),
        Step::operator(1, 800.0, 0.0, 0.1),
        Step::operator(1, 800.0, 0.0, 0.1),
        Step::operator(1, 600.0, 0.0, 0.1),
    ];
    let streams = [(0, 2, ANY, None), (1, 3, ANY, None), (0, 4, ANY, None), (1, 4, ANY, None)];
    assert_eq!(demand(&steps, &streams)[4], shared(600.0), "nothing grows");
    steps[0].backlog = Some([0, 60_000]);
    assert_eq!(demand(&steps, &streams)[2..], [shared(1600.0), shared(800.0), None]);
}

#[test]
fn what_is_broadcast_counts_once_for_each_executor_that_runs() {
    let steps = [
        Step::source(2000.0),
        Step::source(500.0),
        Step::operator(4, 2000.0 + 4.0 * 500.0, 0.0, 0.5),
    ];
    let streams = [(0, 2, Grouping::Fields, None), (1, 2, Grouping::Broadcast, None)];
    let found = demand(&steps, &streams)[2].expect("all is told");
    assert_eq!(found, Demand { shared: 2000.0, each: 500.0 });
    assert_eq!((found.of(4), found.of(8)), (4000.0, 6000.0));
    // Where it goes elsewhere as well, what is taken in tells.
    let steps = [&steps[..], &[Step::operator(2, 1000.0, 0.0, 0.1)]].concat();
    let streams = [&streams[..], &[(1, 3, Grouping::Broadcast, None)]].concat();
    let found = demand(&steps, &streams);
    assert_eq!(found[2], Some(Demand { shared: 2000.0, each: 500.0 }));
    assert_eq!(found[3], Some(Demand { shared: 0.0, each: 500.0 }));
}

#[test]
fn what_goes_to_every_task_is_shared_by_executors() {
    // Each of 128 tasks gets all: counted as often as received.
    let steps = [Step::source(10.0), Step::operator(4, 1280.0, 0.0, 0.1)];
    let found = demand(&steps, &[(0, 1, Grouping::All, Some(1280.0))]);
    assert_eq!(found[1], shared(1280.0));
}

#[test]
fn a_source_behind_a_filter_has_its_lag_in_records_that_it_reads() {
    // It reads 1000/s and gives out 10; 50/s more arrive.
    let source = Step { output: 10.0, backlog: Some([57_000, 60_000]), ..Step::source(1000.0) };
    let steps = [source, Step::operator(1, 10.0, 0.0, 0.1)];
    let found = demand(&steps, &[(0, 1, ANY, None)]);
    assert_eq!(found, [shared(1050.0), shared(10.5)]);
}
