//! Whether there is evidence to judge a topology by.

use crate::allowed::left_alone;
use crate::assess::Assessment;
use crate::context::Context;
use crate::model::{Topology, TopologyStatus};
use crate::reason::{Reason, ReasonCode};
use crate::state::TopologyState;

/// Whether the topology was changed, or one of its executors started, too short a time ago.
pub fn settling(context: &Context<'_>, topology: &Topology, state: &TopologyState) -> bool {
    let youngest =
        topology.executors.iter().filter_map(|e| e.counters).map(|c| c.uptime_secs).min();
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
    let unassigned = topology.executors.iter().filter(|e| e.slot.is_none()).count();
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
    let coverage = assessment.view.coverage;
    (coverage < settings.min_coverage).then(|| {
        Reason::compared(
            ReasonCode::MetricsMissing,
            coverage.get(),
            settings.min_coverage.get(),
            "share of executors with fresh statistics",
        )
    })
}
