//! What the measurements are worth: whether they can be believed, and whether they allow taking
//! executors away.

use crate::demand::{ComponentFlow, Flow};
use crate::policy::situation::Situation;
use crate::reason::{Reason, ReasonCode};

/// A component that takes in this much more than it was sent, or this much less, is not measured
/// together with its senders.
const BALANCE: f64 = 1.25;
/// Records per second below which balances say nothing.
const FEW: f64 = 1.0;
/// A source that waits for receivers for this share of the time is held up, and a receiver this busy holds it up.
const NOT_MOVING: f64 = 0.5;
/// A source this far behind, in seconds of its arrivals, is behind.
const BEHIND_SECS: f64 = 10.0;

/// Why nothing at all can be concluded.
pub fn blind(situation: &Situation<'_>) -> Option<Reason> {
    let flow = situation.flow;
    if let Some((index, _)) = flow.users().find(|(_, c)| c.measured.is_empty()) {
        return Some(about(
            situation,
            index,
            ReasonCode::MetricsMissing,
            "no executor is measured",
        ));
    }
    for (index, component) in flow.users() {
        let input = component.input().unwrap_or(0.0);
        if component.source && input <= 0.0 {
            if let Some(busy) = holding_up(situation, component) {
                return Some(busy);
            }
            let text = "no record is reported, which may be silence or loss of statistics";
            return Some(about(situation, index, ReasonCode::MetricsInconsistent, text));
        }
        if !component.source && component.timed && input > FEW && component.busy() == Some(0.0) {
            let text = "records are taken in by executors that report no work";
            return Some(about(situation, index, ReasonCode::MetricsInconsistent, text));
        }
        if let Some(expected) = expected(flow, index).filter(|e| input > e * BALANCE + FEW) {
            let text = format!(
                "{}: records taken in per second, and those sent to it",
                situation.id(index)
            );
            return Some(Reason::compared(ReasonCode::MetricsInconsistent, input, expected, text));
        }
    }
    None
}

/// The component that keeps a source from bringing anything in, if one does: it works on what it has for longer than
/// the window, so how much it can do is not seen.
fn holding_up(situation: &Situation<'_>, source: &ComponentFlow) -> Option<Reason> {
    source.backpressured.filter(|share| *share >= NOT_MOVING)?;
    let busy = |(index, component): (usize, &ComponentFlow)| Some((index, component.busiest()?));
    let (index, busy) =
        situation.flow.users().filter_map(busy).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let text = format!(
        "part of its time in which {} is busy while its source is held up: its rate is not seen yet",
        situation.id(index)
    );
    let compared = || Reason::compared(ReasonCode::Backpressure, busy, NOT_MOVING, text);
    (busy >= NOT_MOVING).then(compared)
}

/// Why executors must not be taken away, although the rest may be concluded.
pub fn unsure(situation: &Situation<'_>) -> Option<Reason> {
    let flow = situation.flow;
    let limit = situation.settings.max_age.get() / 2.0;
    if situation.age.get() > limit {
        let text = "seconds since an executor reported";
        let (age, limit) = (situation.age.get() / 1000.0, limit / 1000.0);
        return Some(Reason::compared(ReasonCode::MetricsMissing, age, limit, text));
    }
    for (index, component) in flow.users() {
        let (have, all) = (component.measured.len() as f64, f64::from(component.executors));
        if have < all {
            let text = format!("executors of {} that are measured", situation.id(index));
            return Some(Reason::compared(ReasonCode::MetricsMissing, have, all, text));
        }
        if silent(component) {
            let text = "an executor reports nothing while its siblings work";
            return Some(about(situation, index, ReasonCode::MetricsInconsistent, text));
        }
        let behind = component.target.backlog.unwrap_or(0) as f64;
        let arrivals = component.target.arrival().max(FEW);
        if behind > BEHIND_SECS * arrivals {
            let text = format!("seconds by which {} is behind", situation.id(index));
            let (is, most) = (behind / arrivals, BEHIND_SECS);
            return Some(Reason::compared(ReasonCode::CatchingUp, is, most, text));
        }
        let input = component.input().unwrap_or(0.0);
        if let Some(expected) = expected(flow, index).filter(|e| input * BALANCE + FEW < *e) {
            let text = format!(
                "{}: records taken in per second, and those sent to it",
                situation.id(index)
            );
            return Some(Reason::compared(ReasonCode::MetricsInconsistent, input, expected, text));
        }
    }
    None
}

/// Whether what is not sure leaves rates to be believed: what catches up is measured as well as ever.
pub fn tells_rates(unsure: Option<&Reason>) -> bool {
    unsure.is_none_or(|reason| reason.code == ReasonCode::CatchingUp)
}

/// Whether an executor that must get its part of the records shows none.
fn silent(component: &ComponentFlow) -> bool {
    let some = component.measured.iter().any(|e| e.input > FEW);
    let idle = component.measured.iter().filter(|e| e.input <= 0.0).count();
    let expected_idle = match component.partitions {
        Some(partitions) if component.source => component.executors.saturating_sub(partitions),
        _ => 0,
    };
    // Keys may leave an executor without work; a shuffle never does.
    some && !component.keyed && idle > expected_idle as usize
}

/// Records per second that a component should take in: those that its senders send to it, less those
/// that pile up before it where that is counted.
fn expected(flow: &Flow, index: usize) -> Option<f64> {
    let mut into = flow.streams.iter().filter(|stream| stream.to == index).peekable();
    into.peek()?;
    let sent: Option<f64> =
        into.map(|stream| Some(flow.components[stream.from].input()? * stream.selectivity?)).sum();
    Some((sent? - flow.components[index].target.growth.unwrap_or(0.0)).max(0.0))
}

fn about(situation: &Situation<'_>, index: usize, code: ReasonCode, what: &str) -> Reason {
    Reason::plain(code, format!("{}: {what}", situation.id(index)))
}
