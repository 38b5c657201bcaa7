//! What measures the growth of clusters works, at sizes that take no time.

use std::time::Duration;

use thalweg_scale::curves::Wanted;
use thalweg_scale::growth::MEASURES;
use thalweg_scale::rounds::Count;
use thalweg_scale::size::Size;
use thalweg_scale::{Figures, growth};

fn of(wanted: Wanted) -> Figures {
    wanted.measure(Count { warm: 15, measured: 2 }).expect("it can be measured")
}

#[test]
fn a_small_cluster_is_looked_at_decided_about_stored_and_shown() {
    let size = Size { nodes: 5, topologies: 3, executors: 60 };
    let figures = of(Wanted::Cluster { size, idle: false });
    let value = |name: &str| figures.get(name).map_or(0.0, |figure| figure.median);
    let clusters = MEASURES.iter().take_while(|measure| !measure.name.starts_with("look_"));
    for growth::Measure { name, .. } in clusters.filter(|one| !one.name.contains("idle")) {
        assert!(figures.contains_key(*name), "{name} is missing: {figures:?}");
    }
    assert_eq!((value("calm.plans"), value("short.plans")), (0.0, 3.0), "{figures:?}");
    assert!(value("redis_first_calls") >= 3.0 * 4.0, "each table has four maps: {figures:?}");
    assert!(value("calm.kept_bytes") > 60.0 * 500.0, "{figures:?}");
    assert!(value("short.status_bytes") > 1000.0, "{figures:?}");
}

#[test]
fn jobs_of_flink_take_as_many_requests_each() {
    let requests = |jobs| of(Wanted::Jobs { jobs, paced: false })["look_requests"].mean;
    let (one, two, three) = (requests(1), requests(2), requests(3));
    assert!(one >= 8.0, "{one}");
    // What is asked of TaskManagers grows until there are eight.
    assert!((three - two - (two - one)).abs() < 0.5, "{one}, {two}, {three}");
}

#[test]
fn dashboards_are_answered_and_told() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_bench-scale"));
    let manner = thalweg_scale::dashboards::Manner::Told;
    let figures = thalweg_scale::dashboards::measure(program, 3, manner, Duration::from_secs(1));
    let figures = figures.expect("they are served");
    let value = |name: &str| figures[name].median;
    assert_eq!(
        (value("unserved"), value("untold"), value("silent")),
        (0.0, 0.0, 0.0),
        "{figures:?}"
    );
    assert!(value("answers_a_second") > 0.0, "{figures:?}");
}
