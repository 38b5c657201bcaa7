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

/// What stands against judging one component, while the others are judged.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// Nothing can be concluded about it.
    Blind(Reason),
    /// It may be short, but nobody can tell whether it has too much.
    Unsure(Reason),
}

impl Doubt {
    /// Why.
    pub fn reason(&self) -> &Reason {
        let (Self::Blind(reason) | Self::Unsure(reason)) = self;
        reason
    }

    /// Whether nothing can be concluded.
    pub fn is_blind(&self) -> bool {
        matches!(self, Self::Blind(_))
    }
}

/// Why nothing at all can be concluded: what comes in is what all else depends on.
pub fn blind(situation: &Situation<'_>, doubts: &[Option<Doubt>]) -> Option<Reason> {
    let flow = situation.flow;
    // One source may be silent while others work: it brings nothing, and whatever its receivers take in beyond what
    // the others send shows that its statistics are lost.
    let brings = flow.users().any(|(_, c)| c.source && c.input() > Some(0.0));
    for (index, component) in flow.users().filter(|(_, c)| c.source) {
        if component.measured.is_empty() {
            return doubts[index].as_ref().map(|doubt| doubt.reason().clone());
        }
        if component.input().unwrap_or(0.0) <= 0.0 {
            if let Some(busy) = holding_up(situation, component) {
                return Some(busy);
            }
            if !brings {
                let text = "no record is reported, which may be silence or loss of statistics";
                return Some(about(situation, index, ReasonCode::MetricsInconsistent, text));
            }
        }
    }
    let all = flow.users().filter(|(_, c)| !c.source).map(|(index, _)| doubts[index].as_ref());
    let blind: Option<Vec<&Doubt>> = all.map(|doubt| doubt.filter(|d| d.is_blind())).collect();
    blind?.first().map(|doubt| doubt.reason().clone())
}

/// What stands against judging each component.
pub fn doubts(situation: &Situation<'_>) -> Vec<Option<Doubt>> {
    let flow = situation.flow;
    let mut doubts: Vec<Option<Doubt>> = vec![None; flow.components.len()];
    for (index, component) in flow.users() {
        doubts[index] = doubt(situation, index, component);
    }
    let wrong = |doubt: &Option<Doubt>| {
        let reason = doubt.as_ref()?.reason();
        (reason.code == ReasonCode::MetricsInconsistent).then(|| reason.clone())
    };
    // Whether the sender's or the receiver's numbers are wrong does not show.
    for stream in &flow.streams {
        if let (Some(reason), None) = (wrong(&doubts[stream.to]), &doubts[stream.from]) {
            doubts[stream.from] = Some(Doubt::Unsure(reason));
        }
    }
    // What is asked of a component is known from those before it.
    for index in flow.graph(&flow.streams).order() {
        let senders = flow.streams.iter().filter(|stream| stream.to == index);
        if doubts[index].is_none() && !flow.components[index].system {
            let doubtful = senders.filter_map(|stream| wrong(&doubts[stream.from])).next();
            doubts[index] = doubtful.map(Doubt::Unsure);
        }
    }
    doubts
}

/// The doubts for people, each once. That of work which does not show is told of every topology, whatever its policy.
pub fn told(doubts: &[Option<Doubt>]) -> Vec<Reason> {
    let mut told: Vec<Reason> = Vec::new();
    for reason in doubts.iter().flatten().map(Doubt::reason) {
        if reason.code != ReasonCode::WorkUnseen && !told.contains(reason) {
            told.push(reason.clone());
        }
    }
    told
}

fn doubt(situation: &Situation<'_>, index: usize, component: &ComponentFlow) -> Option<Doubt> {
    let about = |code, what: &str| about(situation, index, code, what);
    let (have, all) = (component.measured.len(), component.executors);
    if have == 0 {
        return Some(Doubt::Blind(about(ReasonCode::MetricsMissing, "no executor is measured")));
    }
    let input = component.input().unwrap_or(0.0);
    if !component.source && component.timed && input > FEW && component.busy() == Some(0.0) {
        let text = "records are taken in by executors that report no work";
        return Some(Doubt::Blind(about(ReasonCode::MetricsInconsistent, text)));
    }
    let flow = situation.flow;
    let compared = |expected| {
        let text =
            format!("{}: records taken in per second, and those sent to it", situation.id(index));
        Reason::compared(ReasonCode::MetricsInconsistent, input, expected, text)
    };
    let most = expected(flow, index, flow.most_sent_to(index));
    if let Some(expected) = most.filter(|e| input > e * BALANCE + FEW) {
        return Some(Doubt::Blind(compared(expected)));
    }
    if have < all as usize {
        let text = format!("executors of {} that are measured", situation.id(index));
        let (have, all) = (have as f64, f64::from(all));
        return Some(Doubt::Unsure(Reason::compared(ReasonCode::MetricsMissing, have, all, text)));
    }
    if component.unseen {
        let text = "its work does not show in the time it takes to execute";
        return Some(Doubt::Unsure(about(ReasonCode::WorkUnseen, text)));
    }
    if silent(component) {
        let text = "an executor reports nothing while its siblings work";
        return Some(Doubt::Unsure(about(ReasonCode::MetricsInconsistent, text)));
    }
    let less = expected(flow, index, flow.sent_to(index)).filter(|e| input * BALANCE + FEW < *e);
    less.map(|expected| Doubt::Unsure(compared(expected)))
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
        let silent = component.source && component.target.is_silent();
        let behind = component.target.backlog.filter(|_| !silent).unwrap_or(0) as f64;
        let arrivals = component.target.arrival().max(FEW);
        if behind > BEHIND_SECS * arrivals {
            let text = format!("seconds by which {} is behind", situation.id(index));
            let (is, most) = (behind / arrivals, BEHIND_SECS);
            return Some(Reason::compared(ReasonCode::CatchingUp, is, most, text));
        }
    }
    None
}

/// Whether what is not sure leaves rates to be believed: what catches up is measured as well as ever.
pub fn tells_rates(unsure: Option<&Reason>) -> bool {
    unsure.is_none_or(|reason| reason.code == ReasonCode::CatchingUp)
}

/// Whether an executor that must get its part of the records shows none: a shuffle leaves nobody out. Keys may, and
/// so may one's own worker where it goes first, a single task that gets all, and partitions of a source.
fn silent(component: &ComponentFlow) -> bool {
    let some = component.measured.iter().any(|e| e.input > FEW);
    let idle = component.measured.iter().any(|e| e.input <= 0.0);
    some && idle && component.shuffled && !component.source
}

/// Records per second that a component should take in: those `sent` to it, less those that pile up before it where
/// that is counted.
fn expected(flow: &Flow, index: usize, sent: Option<f64>) -> Option<f64> {
    let growth = flow.components[index].target.growth.unwrap_or(0.0);
    Some((sent? - growth).max(0.0))
}

fn about(situation: &Situation<'_>, index: usize, code: ReasonCode, what: &str) -> Reason {
    Reason::plain(code, format!("{}: {what}", situation.id(index)))
}
