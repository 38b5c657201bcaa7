//! What lost, stale, partial and zero-valued statistics may lead to: nothing that takes executors away.

#![allow(missing_docs)]

mod support;

use support::Model;
use support::numbers::Numbers;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{Counters, Observation};
use thalweg_core::settings::{PolicyName, Settings};
use thalweg_core::units::{Millis, Share};

const CASES: u64 = 1000;
/// Steps of two seconds that everything is well, and that it is not.
const WELL: usize = 10;
const SPOILT: usize = 24;

fn secs(seconds: f64) -> Millis {
    Millis::saturating(seconds * 1000.0)
}

/// What is done to statistics.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Some executors report nothing.
    Lost,
    /// Some executors repeat their last report.
    Stale,
    /// Most executors report nothing.
    Partial,
    /// Some executors report zeros.
    Zero,
    /// All executors report zeros.
    AllZero,
}

/// Spoils the statistics of each executor with some probability, always the same ones.
fn spoil(observation: &mut Observation, fault: Fault, seed: u64, frozen: &mut [Option<Counters>]) {
    let mut numbers = Numbers::new(seed);
    let share = match fault {
        Fault::Lost | Fault::Stale | Fault::Zero => 0.3,
        Fault::Partial => 0.8,
        Fault::AllZero => 1.0,
    };
    for (executor, frozen) in observation.topologies[0].executors.iter_mut().zip(frozen) {
        if numbers.next() > share {
            continue;
        }
        executor.counters = match (fault, executor.counters) {
            (Fault::Lost | Fault::Partial, _) | (_, None) => None,
            (Fault::Stale, Some(now)) => Some(*frozen.get_or_insert(now)),
            (Fault::Zero | Fault::AllZero, Some(now)) => {
                Some(Counters { uptime_secs: now.uptime_secs, ..Counters::default() })
            }
        };
    }
}

/// One seeded case: what a policy wrongly took away, if anything.
fn wrongly_taken(policy: PolicyName, calm: bool, seed: u64) -> Option<(Fault, Decision)> {
    let faults = [Fault::Lost, Fault::Stale, Fault::Partial, Fault::Zero, Fault::AllZero];
    let fault = faults[seed as usize % faults.len()];
    let mut numbers = Numbers::new(seed);
    let (split, count) = (2 + (numbers.next() * 6.0) as u32, 2 + (numbers.next() * 6.0) as u32);
    let mut model = Model::new(3, split, count);
    // Short times give bad evidence every chance to be acted upon.
    model.settings = Settings {
        window: secs(6.0),
        max_age: secs(20.0),
        settle: secs(4.0),
        min_coverage: Share::saturating(0.3),
        ..Settings::recommended(policy)
    };
    model.settings.thalweg.down_window = secs(10.0);
    model.settings.thalweg.disruption = 0.0;
    model.settings.threshold.down_window = secs(10.0);
    // Both operators work at 78 to 86 % of what they can do: none is short, and none can be spared.
    let busy = 0.78 + 0.08 * numbers.next();
    model.rate = 200.0 * busy * f64::from(split);
    model.work_ms = [5.0, 5.0 * f64::from(count) / f64::from(split)];
    let needed = [split, count].map(|n| (f64::from(n) * busy / 0.9).ceil() as u32);
    // A policy that would act on good evidence as well is asked only when the faults begin.
    model.settings.policy = if calm { policy } else { PolicyName::Static };
    for _ in 0..WELL {
        model.step();
    }
    model.settings.policy = policy;
    assert!(
        model.state.topologies["wc-1"].in_flight.is_none(),
        "seed {seed} acts on good evidence"
    );
    let mut frozen = vec![None; model.observation.topologies[0].executors.len()];
    (0..SPOILT).find_map(|_| {
        let decided = model.step_seen_through(|seen| spoil(seen, fault, seed, &mut frozen));
        let act = decided.decisions.into_iter().find(|d| d.verdict == Verdict::Act)?;
        let counts = &act.plan.as_ref()?.counts;
        let short = |id: &str, needed: u32| counts.get(id).is_some_and(|n| *n < needed);
        (short("split", needed[0]) || short("count", needed[1])).then_some((fault, act))
    })
}

#[test]
fn nothing_is_taken_away_on_bad_evidence() {
    for seed in 0..CASES {
        if let Some((fault, decision)) = wrongly_taken(PolicyName::Thalweg, true, seed) {
            panic!("seed {seed}, {fault:?}: {:?} {:?}", decision.plan, decision.reasons);
        }
    }
}

#[test]
fn the_same_faults_mislead_who_believes_them() {
    let misled = (0..100)
        .filter(|seed| wrongly_taken(PolicyName::Threshold, false, *seed).is_some())
        .count();
    assert!(misled >= 10, "only {misled} of 100 cases mislead the threshold, so they prove little");
}

#[test]
fn good_evidence_does_take_away() {
    let mut model = Model::new(3, 8, 8);
    model.settings = Settings::recommended(PolicyName::Thalweg);
    model.settings.thalweg.down_window = secs(60.0);
    model.rate = 200.0;
    let mut said = Vec::new();
    let plan = (0..400)
        .flat_map(|_| model.step().decisions)
        .find_map(|decision| {
            said = decision.reasons;
            decision.plan
        })
        .unwrap_or_else(|| panic!("it has far too many executors, but says {said:?}"));
    assert_eq!(plan.counts.get("split"), Some(&2), "{plan:?}");
}
