use super::*;

fn stream(from: usize, to: usize, ratio: f64) -> Stream {
    Stream { from, to, broadcast: false, carries: Carries::Ratio(ratio) }
}

fn up_to(from: usize, to: usize, most: f64) -> Stream {
    Stream { carries: Carries::UpTo(most), ..stream(from, to, 0.0) }
}

/// What is asked of components with one executor each that take in `taken`, in all.
fn demand(sources: &[Option<f64>], taken: &[Option<f64>], streams: &[Stream]) -> Vec<Option<f64>> {
    let node = |taken: &Option<f64>| Node { executors: 1, taken: *taken, growth: 0.0 };
    let graph = Graph { nodes: taken.iter().map(node).collect(), streams };
    graph.demand(sources).into_iter().map(|asked| Some(asked?.of(1))).collect()
}

/// The first is the only source.
fn from_first(rate: f64, taken: &[f64], streams: &[Stream]) -> Vec<Option<f64>> {
    let mut sources = vec![None; taken.len()];
    sources[0] = Some(rate);
    let taken: Vec<Option<f64>> = taken.iter().copied().map(Some).collect();
    demand(&sources, &taken, streams)
}

#[test]
fn a_line_multiplies_and_a_join_adds() {
    // source 0 -> 1 -> 2 -> 3, and source 4 -> 3
    let streams = [stream(0, 1, 1.0), stream(1, 2, 2.0), stream(2, 3, 0.5), stream(4, 3, 3.0)];
    let sources = [Some(1000.0), None, None, None, Some(10.0)];
    let asked = demand(&sources, &[Some(1.0); 5], &streams);
    assert_eq!(asked, [1000.0, 1000.0, 2000.0, 1030.0, 10.0].map(Some));
}

#[test]
fn what_depends_on_the_unknown_is_unknown() {
    let streams = [stream(0, 1, 1.0), up_to(1, 2, 5.0)];
    let taken = [Some(5.0), Some(5.0), None];
    assert_eq!(demand(&[Some(5.0), None, None], &taken, &streams), [Some(5.0), Some(5.0), None]);
}

#[test]
fn a_fan_out_that_is_not_counted_is_told_by_what_receivers_take_in() {
    // A router that gives out 1000/s; five sinks take in 600, 250, 100, 40 and 10 of them.
    let streams: Vec<Stream> = (2..7).map(|sink| up_to(1, sink, 1000.0)).collect();
    let streams = [&[stream(0, 1, 1.0)], &streams[..]].concat();
    let taken = [1000.0, 1000.0, 600.0, 250.0, 100.0, 40.0, 10.0];
    let asked = from_first(2000.0, &taken, &streams);
    assert_eq!(asked, [2000.0, 2000.0, 1200.0, 500.0, 200.0, 80.0, 20.0].map(Some));
}

#[test]
fn a_silent_sender_asks_for_nothing_and_one_that_wakes_is_unknown() {
    let streams = [stream(0, 1, 1.0), up_to(2, 1, 0.0)];
    let asked = |second| {
        demand(
            &[Some(3000.0), None, Some(second)],
            &[Some(1000.0), Some(1000.0), Some(0.0)],
            &streams,
        )[1]
    };
    assert_eq!(asked(0.0), Some(3000.0));
    assert_eq!(asked(50.0), None);
}

#[test]
fn what_is_sent_without_input_goes_on() {
    // A step that sends 5/s by its clock, into one that gets 100/s from a source as well.
    let streams = [stream(0, 2, 1.0), up_to(1, 2, 5.0)];
    let taken = [Some(100.0), Some(0.0), Some(105.0)];
    let asked = demand(&[Some(200.0), Some(0.0), None], &taken, &streams);
    assert_eq!(asked[2], Some(205.0));
}

#[test]
fn copies_stand_apart_from_what_is_shared() {
    let rules = Stream { broadcast: true, ..stream(1, 2, 4.0) };
    let node = |executors, taken| Node { executors, taken: Some(taken), growth: 0.0 };
    let nodes = vec![node(1, 2000.0), node(1, 500.0), node(4, 4000.0)];
    let streams = [stream(0, 2, 1.0), rules];
    let asked = Graph { nodes, streams: &streams }.demand(&[Some(2000.0), Some(500.0), None]);
    assert_eq!(asked[2], Some(Demand { shared: 2000.0, each: 500.0 }));
}

#[test]
fn what_comes_back_is_asked_for_again() {
    // 0 -> 1 -> 2 -> 1: of ten records one comes back, so 5 / (1 - 0.1).
    let streams = [stream(0, 1, 1.0), stream(1, 2, 1.0), stream(2, 1, 0.1)];
    let asked = from_first(5.0, &[5.0, 5.56, 5.56], &streams);
    for found in &asked[1..] {
        assert!((found.expect("it settles") - 5.0 / 0.9).abs() < 1e-4, "{asked:?}");
    }
    // What is behind a circle waits for it.
    let behind = [&[stream(3, 4, 1.0), stream(2, 3, 2.0)], &streams[..]].concat();
    let asked = from_first(5.0, &[5.0, 5.56, 5.56, 11.1, 11.1], &behind);
    assert!((asked[4].expect("it settles") - 10.0 / 0.9).abs() < 1e-4, "{asked:?}");
}

#[test]
fn a_component_may_send_to_itself() {
    let streams = [stream(0, 1, 1.0), stream(1, 1, 0.5)];
    let asked = from_first(10.0, &[10.0, 20.0], &streams)[1].expect("it settles");
    assert!((asked - 20.0).abs() < 1e-4, "{asked}");
}

#[test]
fn a_circle_that_nearly_all_goes_round_again_is_told_by_what_it_takes_in() {
    let streams = [stream(0, 1, 1.0), stream(1, 1, 0.98)];
    assert_eq!(from_first(20.0, &[10.0, 500.0], &streams)[1], Some(1000.0));
    // Even if it seems to get more out than was put in.
    let streams = [stream(0, 1, 1.0), stream(1, 1, 1.01)];
    assert_eq!(from_first(20.0, &[10.0, 500.0], &streams)[1], Some(1000.0));
    // But not where it does not keep up.
    assert_eq!(from_first(20.0, &[10.0, 5.0], &streams)[1], None);
}

#[test]
fn a_circle_whose_streams_are_not_counted_grows_as_what_comes_to_it() {
    let streams = [stream(0, 1, 1.0), up_to(1, 2, 30.0), up_to(1, 3, 30.0), up_to(2, 1, 25.0)];
    let asked = from_first(20.0, &[10.0, 30.0, 25.0, 12.0], &streams);
    assert_eq!(asked, [20.0, 60.0, 50.0, 24.0].map(Some));
}
