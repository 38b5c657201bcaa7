//! Whether there is evidence to judge a topology by.

use std::collections::BTreeMap;

use crate::allowed::left_alone;
use crate::assess::Assessment;
use crate::context::Context;
use crate::explain::ComponentView;
use crate::model::{ComponentKind, Executor, Topology, TopologyStatus};
use crate::reason::{Reason, ReasonCode};
use crate::state::TopologyState;
use crate::units::Millis;

/// Whether the topology was changed, or one of its executors started, too short a time ago.
pub fn settling(context: &Context<'_>, topology: &Topology, state: &TopologyState) -> bool {
    let youngest = lasting(topology, state).filter_map(|e| e.counters).map(|c| c.uptime_secs).min();
    let settle = context.settings.settle.get();
    let young = youngest.is_some_and(|secs| f64::from(secs) * 1000.0 < settle);
    context.now < state.settling_until || young
}

/// The components whose busy time the engine does not tell although it tells that of others.
pub fn not_timed(assessment: &Assessment<'_>) -> Option<Reason> {
    let topology = assessment.topology;
    let mut timed = vec![None; topology.components.len()];
    for (executor, measurement) in topology.executors.iter().zip(&assessment.measurements) {
        let (Some(sample), Some(timed)) =
            (measurement.sample(), timed.get_mut(executor.component as usize))
        else {
            continue;
        };
        *timed = Some(timed.unwrap_or(true) && sample.delta.busy_ms.is_some());
    }
    let of = |wanted: bool| {
        let these = topology.components.iter().zip(&timed);
        these.filter(move |(_, timed)| **timed == Some(wanted)).map(|(c, _)| c.id.as_str())
    };
    let names: Vec<&str> = of(false).collect();
    let told = !names.is_empty() && of(true).next().is_some();
    let reason = || {
        let text = format!("nobody tells how busy {} is, so it is not judged", names.join(", "));
        Reason::plain(ReasonCode::NotTimed, text)
    };
    told.then(reason)
}

/// Executors but for those that start again and again: the rest does not wait for them.
fn lasting<'a>(
    topology: &'a Topology,
    state: &'a TopologyState,
) -> impl Iterator<Item = &'a Executor> {
    topology.executors.iter().filter(|e| state.restarts.of(e.tasks).is_none())
}

/// The component of which the fewest executors are measured, for people.
fn least_measured(assessment: &Assessment<'_>) -> String {
    let share = |c: &&ComponentView| f64::from(c.measured) / f64::from(c.executors.max(1));
    let components = assessment.view.components.iter();
    let wanted = components.filter(|c| c.kind != ComponentKind::System && c.measured < c.executors);
    wanted.min_by(|a, b| share(a).total_cmp(&share(b))).map_or_else(String::new, |c| {
        format!("; {} of {} executors of {} have", c.measured, c.executors, c.id)
    })
}

/// What is not judged of a topology while the rest is, and why.
pub fn left_out(assessment: &Assessment<'_>, state: &TopologyState) -> Vec<Reason> {
    restarting(assessment, state).into_iter().chain(unseen(assessment)).collect()
}

/// Components with executors that start again and again.
fn restarting(assessment: &Assessment<'_>, state: &TopologyState) -> Vec<Reason> {
    let topology = assessment.topology;
    let mut most: BTreeMap<u32, usize> = BTreeMap::new();
    for executor in &topology.executors {
        if let Some(starts) = state.restarts.of(executor.tasks) {
            let known = most.entry(executor.component).or_default();
            *known = starts.max(*known);
        }
    }
    let reason = |(component, starts): (u32, usize)| {
        let id = topology.components.get(component as usize).map_or("?", |c| c.id.as_str());
        let text = format!(
            "an executor of {id} starts again and again: {starts} times within ten minutes"
        );
        Reason::plain(ReasonCode::ExecutorsRestarting, text)
    };
    most.into_iter().map(reason).collect()
}

/// Components whose work their execute time does not show.
fn unseen(assessment: &Assessment<'_>) -> impl Iterator<Item = Reason> {
    let held =
        assessment.view.components.iter().zip(&assessment.holding).filter(|(_, holds)| **holds);
    held.map(|(component, _)| {
        let [execute, process] = [component.execute_latency, component.process_latency]
            .map(|time| time.map_or(0.0, Millis::get));
        let text = format!(
            "{} acknowledges tuples long after it has executed them, now {process:.0} ms for {execute:.1} ms: its work \
             does not show, so it keeps at least the executors that it has",
            component.id
        );
        Reason::plain(ReasonCode::WorkUnseen, text)
    })
}

/// Why the evidence does not allow a judgement.
pub fn unfit(
    context: &Context<'_>,
    assessment: &Assessment<'_>,
    state: &TopologyState,
) -> Option<Reason> {
    let &Context { settings, now, .. } = context;
    let topology = assessment.topology;
    if let Some(reason) = left_alone(topology) {
        return Some(reason);
    }
    if topology.status != TopologyStatus::Active {
        let text = format!("its status is {:?}", topology.status).to_lowercase();
        return Some(Reason::plain(ReasonCode::TopologyNotActive, text));
    }
    if let Some(flight) = &state.in_flight {
        return Some(Reason::plain(
            ReasonCode::ActionRunning,
            format!("plan {} is under way", flight.plan),
        ));
    }
    let unassigned = lasting(topology, state).filter(|e| e.slot.is_none()).count();
    if unassigned > 0 {
        let text = format!("{unassigned} executors run nowhere");
        return Some(Reason::plain(ReasonCode::ExecutorsUnassigned, text));
    }
    if settling(context, topology, state) {
        let left = state.settling_until.since(now).get() / 1000.0;
        return Some(Reason::compared(
            ReasonCode::Settling,
            left,
            settings.settle.get() / 1000.0,
            "seconds until measurements count again after the last change or start",
        ));
    }
    if lasting(topology, state).next().is_none() {
        return restarting(assessment, state).into_iter().next();
    }
    let coverage = assessment.view.coverage;
    (coverage < settings.min_coverage).then(|| {
        Reason::compared(
            ReasonCode::MetricsMissing,
            coverage.get(),
            settings.min_coverage.get(),
            format!("share of executors with fresh statistics{}", least_measured(assessment)),
        )
    })
}
