//! What must hold of decisions about topologies of any kind, drawn at random: with components whose work does not show,
//! windows, ticks, workers that start again and again, sources that bring nothing, begin late or end, and components that
//! can have one executor only.

mod watched;

use proptest::prelude::*;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{ComponentKind, Grouping};
use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::PolicyName;
use thalweg_sim::scenario::template::{Shape, draw};
use thalweg_sim::scenario::{
    ComponentSpec, EngineKind, Fault, FaultKind, Load, LoadShape, Scenario,
};
use watched::{Watched, settings, watch};

/// Something that others' components do.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Oddity {
    None,
    /// It works in threads of its own.
    Unseen,
    /// It acknowledges what it was sent a minute ago.
    Window,
    Ticks,
    /// One of its workers ends each so many seconds.
    Restarts(f64),
    /// It has a single task.
    One,
    /// All that is sent to it goes to its first task.
    Global,
    /// It is as wide as its tasks, so that it has too much.
    Wide,
}

fn oddity() -> impl Strategy<Value = Oddity> {
    prop_oneof![
        Just(Oddity::None),
        Just(Oddity::Unseen),
        Just(Oddity::Window),
        Just(Oddity::Ticks),
        prop_oneof![Just(15.0), Just(25.0), Just(50.0)].prop_map(Oddity::Restarts),
        Just(Oddity::One),
        Just(Oddity::Global),
        Just(Oddity::Wide),
    ]
}

/// When a source brings records in: always, never, from an instant on, or until one.
fn span() -> impl Strategy<Value = (f64, Option<f64>)> {
    prop_oneof![
        4 => Just((0.0, None)),
        1 => Just((0.0, Some(0.0))),
        1 => Just((900.0, None)),
        1 => Just((0.0, Some(900.0))),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let shape = prop_oneof![Just(Shape::Linear), Just(Shape::Diamond), Just(Shape::Join)];
    let engine = prop_oneof![3 => Just(EngineKind::Storm), 1 => Just(EngineKind::Flink)];
    let odd = prop::collection::vec(oddity(), 8);
    let spans = prop::collection::vec(span(), 2);
    (shape, engine, 0u64..10_000, odd, spans, 0.2..1.6f64).prop_map(
        |(shape, engine, seed, odd, spans, load)| {
            let mut scenario = draw(shape, engine, seed);
            scenario.duration_secs = 2700.0;
            scenario.step_millis = 1000.0;
            scenario.load =
                Load { shape: LoadShape::Steps { levels: vec![[0.0, load]] }, noise: 0.02 };
            for (index, odd) in odd.into_iter().enumerate().take(scenario.components.len()) {
                make_odd(&mut scenario, index, odd, spans[index % 2]);
            }
            scenario
        },
    )
}

fn make_odd(scenario: &mut Scenario, index: usize, odd: Oddity, span: (f64, Option<f64>)) {
    let component = &mut scenario.components[index];
    if component.kind == ComponentKind::Source {
        (component.from_secs, component.until_secs) = span;
        return;
    }
    component.tasks = component.tasks.max(16);
    component.executors = component.executors.max(2);
    match odd {
        Oddity::None => {}
        Oddity::Unseen => {
            (component.unseen_share, component.acknowledged_after_millis) = (0.98, 500.0);
        }
        Oddity::Window => component.acknowledged_after_millis = 60_000.0,
        Oddity::Ticks => component.tick_secs = Some(1.0),
        Oddity::Restarts(period_secs) => scenario.faults.push(Fault {
            at_secs: 60.0,
            for_secs: 1e9,
            kind: FaultKind::Restarts { component: index, executor: 0, period_secs },
        }),
        Oddity::One => (component.tasks, component.executors) = (1, 1),
        Oddity::Wide => component.executors = component.tasks,
        Oddity::Global => {
            let id = component.id.clone();
            let into = scenario.edges.iter_mut().filter(|edge| edge.to == id);
            into.for_each(|edge| edge.grouping = Grouping::Global);
        }
    }
}

/// Nothing takes executors from a component whose work does not show, or whose executors start again and again.
fn takes_nothing_unjudged(scenario: &Scenario, watched: &Watched) -> Result<(), String> {
    // What did harm is undone, whatever it was.
    let undoes = |d: &Decision| d.reasons.iter().any(|r| r.code == ReasonCode::MadeWorse);
    for decision in watched.decisions.iter().filter(|d| d.verdict == Verdict::Act && !undoes(d)) {
        let Some(plan) = &decision.plan else { continue };
        for (index, spec) in scenario.components.iter().enumerate() {
            let restarts = |fault: &Fault| matches!(fault.kind, FaultKind::Restarts { component, .. } if component == index);
            let held = |c: &&thalweg_core::explain::ComponentView| c.id == spec.id;
            let present = decision.view.components.iter().find(held).map_or(0, |c| c.executors);
            let wanted = plan.counts.get(&spec.id).copied().unwrap_or(present);
            let named = decision
                .reasons
                .iter()
                .any(|r| r.code == ReasonCode::ExecutorsRestarting && r.text.contains(&spec.id));
            let unjudged = (spec.unseen_share > 0.0 && scenario.engine == EngineKind::Storm)
                || (named && scenario.faults.iter().any(restarts));
            if unjudged && wanted < present {
                return Err(format!("{} from {present} to {wanted}: {decision:#?}", spec.id));
            }
        }
    }
    Ok(())
}

/// Whoever was short was helped only by more that is done, or time to spare.
fn helps_only_what_is_short(watched: &Watched) -> Result<(), String> {
    for outcome in watched.outcomes.iter().filter(|outcome| outcome.helped) {
        let (before, after) = (&outcome.before, &outcome.after);
        let more = after.throughput.get() > before.throughput.get();
        let fewer = watched.decisions.iter().any(|d| {
            let plan = d.plan.as_ref().filter(|plan| plan.id == outcome.plan);
            let present: u32 = d.view.components.iter().map(|c| c.executors).sum();
            plan.is_some_and(|plan| (plan.rows.len() as u32) < present)
        });
        if before.is_full() && after.is_full() && !more && !fewer {
            return Err(format!("{}: {}", outcome.plan, outcome.text));
        }
    }
    Ok(())
}

/// No more than three growths in a row fail to help under the same load.
fn repeats_nothing_in_vain(watched: &Watched) -> Result<(), String> {
    let mut in_vain: Vec<f64> = Vec::new();
    for outcome in &watched.outcomes {
        let decided = watched.decisions.iter().find(|d| {
            d.verdict == Verdict::Act && d.plan.as_ref().is_some_and(|plan| plan.id == outcome.plan)
        });
        let present = |d: &Decision| d.view.components.iter().map(|c| c.executors).sum::<u32>();
        let grows = decided.is_some_and(|d| {
            d.plan.as_ref().is_some_and(|plan| plan.rows.len() as u32 > present(d))
        });
        if !grows {
            continue;
        }
        let load = outcome.before.throughput.get();
        if outcome.helped || in_vain.iter().any(|was| (load - was).abs() > 0.2 * was) {
            in_vain.clear();
        }
        if !outcome.helped {
            in_vain.push(load);
        }
        if in_vain.len() > 3 {
            return Err(format!("{} in vain: {:#?}", in_vain.len(), watched.outcomes));
        }
    }
    Ok(())
}

/// For ten minutes at most a topology is held for want of evidence without a component that is named.
fn names_what_is_blind(scenario: &Scenario, watched: &Watched) -> Result<(), String> {
    let mut since = None;
    for decision in &watched.decisions {
        let want = [
            ReasonCode::MetricsMissing,
            ReasonCode::MetricsInconsistent,
            ReasonCode::RatesUnknown,
            ReasonCode::Settling,
        ];
        let first = &decision.reasons[0];
        let names = |text: &str| scenario.components.iter().any(|c| text.contains(&c.id));
        let named = decision.reasons.iter().any(|reason| names(&reason.text));
        if decision.verdict == Verdict::Act || !want.contains(&first.code) || named {
            since = None;
            continue;
        }
        let since = *since.get_or_insert(decision.at);
        if decision.at.since(since).get() > 600_000.0 {
            return Err(format!("{:#?}", decision.reasons));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn decisions_about_any_topology_are_sound(scenario in scenario(), seed in 0u64..1000) {
        for policy in [PolicyName::Thalweg, PolicyName::MeStream] {
            let (_, watched) = watch(&scenario, &settings(policy, &scenario), seed);
            let found = takes_nothing_unjudged(&scenario, &watched)
                .and_then(|()| helps_only_what_is_short(&watched))
                .and_then(|()| repeats_nothing_in_vain(&watched))
                .and_then(|()| names_what_is_blind(&scenario, &watched));
            prop_assert_eq!(found, Ok(()), "{:?}, seed {}", policy, seed);
        }
    }
}

/// A line of a source and two operators on Storm, the first of which is odd.
fn odd_line(odd: Oddity) -> Scenario {
    let mut scenario = draw(Shape::Linear, EngineKind::Storm, 7);
    scenario.duration_secs = 1800.0;
    scenario.step_millis = 1000.0;
    make_odd(&mut scenario, 1, odd, (0.0, None));
    scenario
}

#[test]
fn the_simulator_shows_what_it_is_asked_to() {
    for (odd, code) in [
        (Oddity::Unseen, ReasonCode::WorkUnseen),
        (Oddity::Window, ReasonCode::WorkUnseen),
        (Oddity::Restarts(15.0), ReasonCode::ExecutorsRestarting),
        (Oddity::Restarts(50.0), ReasonCode::ExecutorsRestarting),
    ] {
        let scenario = odd_line(odd);
        let (_, watched) = watch(&scenario, &settings(PolicyName::Thalweg, &scenario), 1);
        assert!(watched.says(code, &scenario.components[1].id), "{odd:?}");
    }
    let scenario = odd_line(Oddity::None);
    let (_, watched) = watch(&scenario, &settings(PolicyName::Thalweg, &scenario), 1);
    for code in [ReasonCode::WorkUnseen, ReasonCode::ExecutorsRestarting] {
        assert!(!watched.says(code, ""), "{code:?}");
    }
}

#[test]
fn a_source_that_ends_is_followed_by_fewer_that_arrive() {
    let mut scenario = odd_line(Oddity::None);
    let whole = watch(&scenario, &settings(PolicyName::Static, &scenario), 1).0.measures.arrived;
    scenario.components[0].until_secs = Some(900.0);
    let half = watch(&scenario, &settings(PolicyName::Static, &scenario), 1).0.measures.arrived;
    assert!((half / whole - 0.5).abs() < 0.02, "{half} of {whole}");
}

#[test]
fn what_works_out_of_sight_grows_on_lag_and_keeps_what_it_has() {
    let mut scenario = odd_line(Oddity::None);
    scenario.duration_secs = 3600.0;
    let one = scenario.components.remove(1);
    scenario.components.truncate(1);
    scenario.edges.truncate(1);
    scenario.components.push(ComponentSpec {
        executors: 2,
        tasks: 16,
        work_micros: 10_000.0,
        unseen_share: 0.99,
        acknowledged_after_millis: 500.0,
        ..one
    });
    // Four and a half executors' work for two; what waits is counted.
    (scenario.rate, scenario.metrics.lag) = (450.0, true);
    let (result, watched) = watch(&scenario, &settings(PolicyName::Thalweg, &scenario), 1);
    let last = result.points.last().expect("a run has points");
    assert!(last.executors >= 5, "{:#?}", result.actions);
    assert!(last.completed > 0.95 * last.offered, "{last:?}");
    takes_nothing_unjudged(&scenario, &watched).expect("it keeps what it has");
}
