//! Simulated jobs, and what is odd about them.

use thalweg_core::settings::PolicyName;
use thalweg_sim::scenario::{Fault, FaultKind, Load, LoadShape, Scenario};

use super::Seen;
use super::watched::{settings, watch};

fn read(name: &str, text: &str) -> Scenario {
    thalweg_sim::scenario::read(name, text, |file| Err(format!("no {file}"))).expect(name)
}

/// Decides on all of them.
pub fn decide(seen: &mut Seen) {
    let wordcount = read("wordcount", include_str!("../../scenarios/wordcount.toml"));
    let state = read("q8-state", include_str!("../../scenarios/nexmark-q8-state.toml"));
    let flink = read("lab-flink", include_str!("../../scenarios/lab-flink.toml"));
    for policy in PolicyName::ALL {
        decided(seen, &shortened(&wordcount, 1800.0), policy);
        decided(seen, &shortened(&flink, 1800.0), policy);
        // First too much comes, then next to nothing.
        let mut waves = shortened(&wordcount, 3600.0);
        waves.rate = 1500.0;
        waves.load = Load {
            shape: LoadShape::Steps { levels: vec![[0.0, 1.0], [1500.0, 0.05]] },
            noise: 0.05,
        };
        decided(seen, &waves, policy);
    }
    let own = PolicyName::Thalweg;
    // State that memory answers, under loads between which there is as much as double.
    let levels = vec![[0.0, 0.5], [1800.0, 1.0], [3600.0, 0.2], [5400.0, 1.1]];
    let load = Load { shape: LoadShape::Steps { levels }, noise: 0.02 };
    let join = Scenario { load, step_millis: 1000.0, duration_secs: 7200.0, ..state.clone() };
    for most in [1024, 4096] {
        let mut with_memory = settings(own, &join);
        with_memory.thalweg.memory_max_mib = most;
        seen.take(&watch(&join, &with_memory, 1).1.decisions);
    }
    let mut little = shortened(&state, 5400.0);
    little.settings.clear();
    let mut wanted = settings(own, &little);
    wanted.thalweg.memory_max_mib = 130;
    seen.take(&watch(&little, &wanted, 1).1.decisions);
    // A key that half of all records have.
    let mut skewed = shortened(&wordcount, 1800.0);
    skewed.components[2].skew = 2.5;
    skewed.components[2].work_micros = 600.0;
    skewed.rate = 900.0;
    for policy in [own, PolicyName::Dhalion] {
        decided(seen, &skewed, policy);
    }
    // A component that waits for something outside, and does not get faster.
    let mut outside = shortened(&wordcount, 3600.0);
    outside.components[1].contention = 0.9;
    outside.rate = 900.0;
    decided(seen, &outside, own);
    // Sources that read slowly, of few partitions.
    let mut reading = shortened(&wordcount, 1800.0);
    reading.components[0].work_micros = 4000.0;
    reading.components[0].partitions = Some(1);
    let mut reads = shortened(&flink, 1800.0);
    reads.components[0].partitions = Some(2);
    reads.components[0].executors = 1;
    reads.components[0].tasks = 8;
    reads.components[0].work_micros = 3_000_000.0 / reads.rate;
    for policy in [own, PolicyName::Ds2, PolicyName::FlinkAutoscaler] {
        decided(seen, &reading, policy);
        decided(seen, &reads, policy);
    }
    let untold = read("untold", UNTOLD);
    for policy in [own, PolicyName::Ds2, PolicyName::FlinkAutoscaler] {
        decided(seen, &untold, policy);
    }
    let mut odd = shortened(&wordcount, 2700.0);
    odd.components[1].unseen_share = 0.98;
    odd.components[1].acknowledged_after_millis = 500.0;
    odd.components[2].tick_secs = Some(1.0);
    odd.faults.push(Fault {
        at_secs: 60.0,
        for_secs: 1e9,
        kind: FaultKind::Restarts { component: 2, executor: 0, period_secs: 60.0 },
    });
    decided(seen, &odd, own);
}

/// Two sources, of which one falls behind, that both send to `both`; the engine counts all that each sends as one number.
const UNTOLD: &str = r#"
name = "untold"
about = "What comes to one step from each of two sources is not counted"
engine = "flink"
duration_secs = 900
step_millis = 500
rate = 800
workers = 3

[[node]]
count = 3
cores = 4
slots = 6

[[component]]
id = "slow"
kind = "source"
tasks = 8
executors = 1
work_micros = 4000
partitions = 8

[[component]]
id = "quick"
kind = "source"
tasks = 8
executors = 1
work_micros = 50
partitions = 8

[[component]]
id = "first"
tasks = 8
executors = 1
work_micros = 500

[[component]]
id = "second"
tasks = 8
executors = 1
work_micros = 500

[[component]]
id = "both"
tasks = 8
executors = 2
work_micros = 500

[[edge]]
from = "slow"
to = "first"

[[edge]]
from = "quick"
to = "second"

[[edge]]
from = "slow"
to = "both"

[[edge]]
from = "quick"
to = "both"
"#;

fn shortened(scenario: &Scenario, secs: f64) -> Scenario {
    Scenario { duration_secs: secs.min(scenario.duration_secs), ..scenario.clone() }
}

fn decided(seen: &mut Seen, scenario: &Scenario, policy: PolicyName) {
    seen.take(&watch(scenario, &settings(policy, scenario), 1).1.decisions);
}
