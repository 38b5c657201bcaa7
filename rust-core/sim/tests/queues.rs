//! Queues small enough to be worked out by hand.

use thalweg_core::settings::{Mode, Settings, WorkerLimit};
use thalweg_sim::scenario::template::{edge, operator, tiny};
use thalweg_sim::scenario::{Load, LoadShape, StateSpec};
use thalweg_sim::{RunResult, Scenario, run};

fn watched(scenario: &Scenario) -> RunResult {
    let (mode, worker_limit) = (Mode::Observe, WorkerLimit::Free);
    let settings = Settings { mode, worker_limit, ..Settings::default() };
    run(scenario, &settings, 1).expect("no invariant is broken")
}

/// One operator of 1 ms a record, with records that come and are worked on like clockwork.
fn clockwork(rate: f64) -> Scenario {
    let mut scenario = tiny();
    scenario.rate = rate;
    scenario.storm.max_spout_pending = 0.0;
    scenario.storm.message_timeout_secs = 1e6;
    scenario
}

#[test]
fn d_d_1_with_room_completes_everything_in_the_time_of_its_work() {
    let mut scenario = clockwork(500.0);
    scenario.components[1].variability = -1.0; // deterministic arrivals as well: no turns to wait
    let measures = watched(&scenario).measures;
    assert!((measures.completed - 500.0 * 600.0).abs() < 1.0, "{}", measures.completed);
    // 10 µs in the source, 1 ms in the operator, and no network within the node.
    assert!((measures.p50_ms - 1.0).abs() < 0.1, "{}", measures.p50_ms);
    assert_eq!(measures.under_time, 0.0);
}

#[test]
fn d_d_1_overloaded_by_half_lets_a_third_of_the_load_wait() {
    let measures = watched(&clockwork(1500.0)).measures;
    assert!((measures.completed - 1000.0 * 600.0).abs() < 1000.0, "{}", measures.completed);
    // What waits grows by 500/s; a record that is completed after t seconds waited t / 3, and 600 s
    // are over when the last one is.
    assert!((measures.p99_ms / 1000.0 - 0.99 * 200.0).abs() < 6.0, "{}", measures.p99_ms);
    assert!(measures.under_time > 0.99);
}

#[test]
fn m_m_1_waits_by_pollaczek_and_khinchine() {
    let mut scenario = clockwork(800.0);
    scenario.components[1].variability = 1.0;
    // ρ = 0.8: time in the queue and in work is 1 ms / (1 - 0.8) = 5 ms.
    let mean = watched(&scenario).measures.mean_ms;
    assert!((mean - 5.0).abs() < 0.3, "{mean}");
}

#[test]
fn pending_tuples_bound_the_throughput_by_littles_law() {
    let mut scenario = clockwork(5000.0);
    scenario.components[1] = operator("out", 10_000.0);
    scenario.components[1].executors = 16;
    scenario.components[1].cpu_share = 0.0;
    // Sixteen executors of 10 ms could do 1600/s; 10 pending tuples with 10 ms each make 1000/s at
    // most, and fewer as they also wait for each other.
    scenario.storm.max_spout_pending = 10.0;
    let measures = watched(&scenario).measures;
    let rate = measures.completed / 600.0;
    assert!((500.0..=1010.0).contains(&rate), "{rate}");
}

#[test]
fn sources_with_few_pending_tuples_catch_up_whatever_the_step() {
    // Two minutes at 1500/s leave a minute's worth for 1000/s of which 700/s come later: gone after
    // 60000 / 300 = 200 s. 100 pending tuples are a tenth of what an executor does in a step of 1 s.
    let mut scenario = clockwork(1000.0);
    scenario.components.push(operator("second", 500.0));
    scenario.edges.push(edge("out", "second"));
    scenario.storm.max_spout_pending = 100.0;
    let levels = vec![[0.0, 1.5], [120.0, 0.7]];
    scenario.load = Load { shape: LoadShape::Steps { levels }, noise: 0.0 };
    for step_millis in [100.0, 1000.0] {
        scenario.step_millis = step_millis;
        let result = watched(&scenario);
        let waits_at = |secs: f64| {
            result.points.iter().find(|p| p.secs >= secs).map_or(f64::NAN, |point| point.lag)
        };
        let (early, late) = (waits_at(180.0), waits_at(480.0));
        assert!(early > 20_000.0, "{early} with steps of {step_millis} ms");
        assert!(late < 2000.0, "{late} with steps of {step_millis} ms");
    }
}

#[test]
fn executors_beyond_the_cores_of_a_node_share_them() {
    let mut scenario = clockwork(10_000.0);
    scenario.components[1].executors = 8;
    scenario.nodes[0].cores = 2.0;
    // The source needs 10 µs, an operator 1 ms: 2 cores do 2 / 1.01 ms = 1980/s.
    let rate = watched(&scenario).measures.completed / 600.0;
    assert!((1900.0..2001.0).contains(&rate), "{rate}");
}

#[test]
fn usl_bounds_the_rate() {
    let mut scenario = clockwork(10_000.0);
    scenario.components[1] = operator("out", 10_000.0);
    scenario.components[1].executors = 8;
    scenario.components[1].contention = 0.05;
    // μ = 100, σ = 0.05: C(8) = 592.59, in the published worked example. 16 tasks on 8 executors are even.
    let rate = watched(&scenario).measures.completed / 600.0;
    assert!((rate - 592.59).abs() < 3.0, "{rate}");
}

#[test]
fn a_full_queue_holds_its_senders_back() {
    let mut scenario = clockwork(2000.0);
    scenario.components.push(operator("end", 2000.0));
    scenario.edges.push(edge("out", "end"));
    scenario.components[2].queue = 100.0;
    let result = watched(&scenario);
    let rate = result.measures.completed / 600.0;
    assert!((rate - 500.0).abs() < 3.0, "{rate}");
    // Little waits between `out` and `end`: what cannot go on waits before `out`.
    assert!(result.measures.arrived - result.measures.completed > 800_000.0);
}

#[test]
fn tuples_that_wait_longer_than_the_timeout_are_replayed() {
    let mut scenario = clockwork(1500.0);
    scenario.storm.message_timeout_secs = 30.0;
    let measures = watched(&scenario).measures;
    assert!(measures.replayed > 10_000.0, "{}", measures.replayed);
    // Work on tuples that have failed already is wasted.
    assert!(measures.completed < 0.95 * 1000.0 * 600.0, "{}", measures.completed);
}

#[test]
fn a_hot_key_limits_its_component_whatever_its_executors() {
    let mut scenario = clockwork(2000.0);
    scenario.components[1].executors = 8;
    scenario.components[1].hot_key = 0.5;
    scenario.edges[0].grouping = thalweg_core::model::Grouping::Fields;
    scenario.components[1].queue = 1000.0;
    // Half of all records and a sixteenth of the other half go to one executor, which does 1000/s.
    let rate = watched(&scenario).measures.completed / 600.0;
    assert!((1600.0..2000.0).contains(&rate), "{rate}");
}

#[test]
fn state_that_memory_does_not_hold_makes_records_dearer() {
    let mut scenario = clockwork(10_000.0);
    scenario.components[1].state =
        Some(StateSpec { mib: 256.0, miss_micros: 1000.0, shape: 1.0, cold: 0.0 });
    // One executor of 128 MiB holds half: 1 ms of work and half of 1 ms for misses.
    let rate = watched(&scenario).measures.completed / 600.0;
    assert!((rate - 1000.0 / 1.5).abs() < 7.0, "{rate}");
}

#[test]
fn load_that_stops_leaves_nothing_behind() {
    let mut scenario = clockwork(1500.0);
    scenario.load =
        Load { shape: LoadShape::Steps { levels: vec![[0.0, 1.0], [200.0, 0.0]] }, noise: 0.0 };
    scenario.components[1].queue = 500.0;
    let measures = watched(&scenario).measures;
    assert!((measures.completed - measures.arrived).abs() < 1e-3 * measures.arrived);
    // 100,000 wait at 200 s, and the whole triangle lasts 300 s: 15 million record-seconds.
    assert!((measures.backlog_area - 50.0).abs() < 2.0, "{}", measures.backlog_area);
}
