//! The same work, as Storm's shell writes it and as Flink's does, is decided alike.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use thalweg_codec::decode;
use thalweg_core::decide;
use thalweg_core::explain::Verdict;
use thalweg_core::model::{Counters, Observation};
use thalweg_core::settings::PolicyName;
use thalweg_core::settings::{Mode, Settings};
use thalweg_core::state::State;
use thalweg_core::units::{Millis, Timestamp};

/// What a vector holds was counted in this time.
const STEP_SECS: u32 = 10;
/// Longer than any policy watches before it acts.
const STEPS: u32 = 120;

/// To whom two executors that are 95 % busy are too few. The others wait for records that queue up, and none do.
const GROW: [PolicyName; 3] = [PolicyName::Threshold, PolicyName::MeStream, PolicyName::Thalweg];
/// To whom they are too many when each record is a quarter of the work.
const SHRINK: [PolicyName; 3] = [PolicyName::Threshold, PolicyName::Dhalion, PolicyName::Conttune];

/// The bytes that the shell's own test compares with what it writes.
fn vector(name: &str) -> Observation {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    decode(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// What is seen when the same goes on for so many times as long, with each record so many times the work.
fn later(first: &Observation, steps: u32, work: f64) -> Observation {
    let mut seen = first.clone();
    seen.at = Timestamp::from_millis(i64::from(steps * STEP_SECS) * 1000);
    let (n, times) = (u64::from(steps), f64::from(steps));
    for topology in &mut seen.topologies {
        topology.edges.iter_mut().for_each(|edge| edge.sent = edge.sent.map(|sent| sent * n));
        for executor in &mut topology.executors {
            executor.counters = executor.counters.map(|c| Counters {
                uptime_secs: c.uptime_secs * steps,
                executed: c.executed * n,
                execute_ms: c.execute_ms * times * work,
                acked: c.acked * n,
                process_ms: c.process_ms * times * work,
                emitted: c.emitted * n,
                transferred: c.transferred * n,
                busy_ms: c.busy_ms.map(|ms| ms * times * work),
                backpressured_ms: c.backpressured_ms.map(|ms| ms * times),
                idle_ms: c
                    .idle_ms
                    .map(|ms| (ms + c.busy_ms.unwrap_or_default() * (1.0 - work)) * times),
                ..c
            });
        }
    }
    seen
}

/// The first action: after how many steps, and the executors of each component.
fn first_action(
    vector: &Observation,
    policy: PolicyName,
    work: f64,
) -> Option<(u32, BTreeMap<String, u32>)> {
    let settings = Settings { mode: Mode::Act, ..Settings::recommended(policy) };
    assert!(settings.window > Millis::ZERO);
    let mut state = State::default();
    for steps in 1..=STEPS {
        let seen = later(vector, steps, work);
        let decided =
            decide(&seen, state, &settings, thalweg_core::operator::Operator::SILENT, seen.at);
        state = decided.state;
        let decision = decided.decisions.first().unwrap();
        if let (Verdict::Act, Some(plan)) = (decision.verdict, &decision.plan) {
            return Some((steps, plan.counts.clone()));
        }
    }
    None
}

#[test]
fn every_policy_decides_alike_about_both_engines() {
    let (storm, flink) = (vector("of-storm.bin"), vector("of-flink.bin"));
    // What all decide, and who wants more or fewer than the two executors there are.
    let decided = |work: f64, wanted: fn(u32) -> bool| {
        let mut acted = Vec::new();
        for policy in PolicyName::ALL {
            let of_storm = first_action(&storm, policy, work);
            assert_eq!(of_storm, first_action(&flink, policy, work), "{}", policy.as_str());
            if of_storm.is_some_and(|(_, counts)| counts.get("split").is_some_and(|n| wanted(*n))) {
                acted.push(policy);
            }
        }
        acted
    };
    assert_eq!(decided(1.0, |split| split > 2), GROW);
    assert_eq!(decided(0.25, |split| split < 2), SHRINK);
}
