//! The policy `dhalion`: symptoms, diagnoses, and one resolver a round.
//!
//! Source: Floratou et al., "Dhalion: self-regulating stream processing in Heron", PVLDB 2017.
//! Symptoms are back-pressure, unequal rates and waiting packets. Back-pressure with equal rates is
//! lack of executors, with one executor that got more it is skew, with one that got the same but is
//! slower a slow instance; no back-pressure and nothing waiting is over-provisioning. Every 300 s
//! one resolver acts on one component: it grows by the share of the input that it could not handle,
//! `b / (1 - b)` when back-pressure took the share `b` of the time, or shrinks by a fixed factor. An
//! action that did not help, or brought back-pressure back, is blacklisted for its diagnosis.
//!
//! Neither Storm nor Flink reports queue lengths as Heron does: a component counts as one with
//! nothing waiting when its executors are busy less than `idle_below`, and where no time under
//! back-pressure is reported, the growth of the sources' backlog over their input stands for it.

use std::collections::BTreeMap;

use super::desired::{DesiredCounts, intent};
use super::situation::{Intent, Situation};
use crate::demand::{ComponentFlow, Flow, whole_executors};
use crate::reason::{Reason, ReasonCode};
use crate::units::{Share, Timestamp};

const INTERVAL: &str = "thalweg.dhalion.interval.secs";
const BLACKLIST: &str = "thalweg.dhalion.blacklist.ratio";
/// Executors this busy cause the back-pressure before them.
const SATURATED: f64 = 0.9;
/// Rates this far above the mean are unequal.
const UNEQUAL: f64 = 1.5;
/// Back-pressure below this share of time is noise.
const NOTICEABLE: f64 = 0.01;

/// What is wrong with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Diagnosis {
    /// Too few executors.
    UnderProvisioned,
    /// One executor gets more than the others.
    Skew,
    /// One executor is slower than the others.
    SlowInstance,
    /// More executors than needed.
    OverProvisioned,
}

/// The action log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    last_round: Option<Timestamp>,
    pending: Option<(usize, Diagnosis, f64)>,
    /// How often an action was taken on a component for a diagnosis, and how often in vain.
    log: BTreeMap<(usize, Diagnosis), (u32, u32)>,
}

impl Memory {
    fn blacklisted(&self, component: usize, diagnosis: Diagnosis, ratio: Share) -> bool {
        self.log
            .get(&(component, diagnosis))
            .is_some_and(|(taken, vain)| f64::from(*vain) / f64::from(*taken) >= ratio.get())
    }

    /// Judges the action of the round before by what back-pressure is now.
    fn judge(&mut self, now: f64) {
        let Some((component, diagnosis, before)) = self.pending.take() else { return };
        let helped = match diagnosis {
            Diagnosis::OverProvisioned => now < NOTICEABLE,
            _ => now < before,
        };
        let (taken, vain) = self.log.entry((component, diagnosis)).or_default();
        *taken += 1;
        *vain += u32::from(!helped);
    }
}

/// Executors after a scale-up when back-pressure took the share `backpressure` of the time.
pub fn scaled_up(executors: u32, backpressure: f64) -> u32 {
    let missing = backpressure / (1.0 - backpressure.min(0.99));
    whole_executors(f64::from(executors) * (1.0 + missing)).max(executors + 1)
}

/// Share of time, or else of input, that back-pressure takes from the topology.
fn backpressure(flow: &Flow) -> f64 {
    let waited = flow.components.iter().filter_map(|c| c.backpressured).fold(0.0, f64::max);
    let unhandled = |c: &ComponentFlow| {
        let growth = c.target.growth.unwrap_or(0.0).max(0.0);
        growth / (growth + c.target.consumed).max(1e-9)
    };
    let lag = flow.components.iter().filter(|c| c.source).map(unhandled).fold(0.0, f64::max);
    waited.max(lag)
}

/// The component that causes back-pressure: the busiest.
fn culprit(flow: &Flow) -> Option<usize> {
    let operators = flow.users().filter(|(_, c)| !c.source);
    let busy = operators.filter_map(|(index, c)| Some((index, c.busiest()?)));
    busy.filter(|(_, busy)| *busy >= SATURATED)
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        .map(|(index, _)| index)
}

/// Why a component causes back-pressure.
fn diagnose(component: &ComponentFlow) -> Diagnosis {
    let count = component.measured.len().max(1) as f64;
    let mean = component.measured.iter().map(|e| e.input).sum::<f64>() / count;
    let mean_busy = component.busy().unwrap_or(0.0);
    let most = component.measured.iter().map(|e| e.input).fold(0.0, f64::max);
    let busiest = component.busiest().unwrap_or(0.0);
    if most > UNEQUAL * mean {
        Diagnosis::Skew
    } else if busiest > UNEQUAL * mean_busy {
        Diagnosis::SlowInstance
    } else {
        Diagnosis::UnderProvisioned
    }
}

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory) -> Intent {
    let own = &situation.settings.dhalion;
    let since = memory.last_round.map(|last| situation.now.since(last));
    if let Some(since) = since.filter(|since| *since < own.interval) {
        let text = "seconds since the last round";
        let (is, limit) = (since.get() / 1000.0, own.interval.get() / 1000.0);
        let reason = Reason::compared(ReasonCode::WindowIncomplete, is, limit, text);
        return Intent::Stay(vec![reason.changed_by(INTERVAL)]);
    }
    memory.last_round = Some(situation.now);
    let pressure = backpressure(situation.flow);
    memory.judge(pressure);
    match culprit(situation.flow).filter(|_| pressure >= NOTICEABLE) {
        Some(index) => resolve_pressure(situation, memory, index, pressure),
        None if pressure < NOTICEABLE => shrink(situation, memory),
        None => {
            let text = "share of time under back-pressure, but no operator is busy";
            Intent::Stay(vec![Reason::compared(ReasonCode::NoGain, pressure, SATURATED, text)])
        }
    }
}

fn resolve_pressure(
    situation: &Situation<'_>,
    memory: &mut Memory,
    index: usize,
    pressure: f64,
) -> Intent {
    let component = &situation.flow.components[index];
    let id = situation.id(index);
    let diagnosis = diagnose(component);
    let ratio = situation.settings.dhalion.blacklist_ratio;
    if memory.blacklisted(index, diagnosis, ratio) {
        return blacklisted(situation, index, diagnosis);
    }
    let text = format!("share of time under back-pressure, which {id} causes");
    let reason = Reason::compared(ReasonCode::Backpressure, pressure, NOTICEABLE, text);
    match diagnosis {
        Diagnosis::UnderProvisioned => {
            memory.pending = Some((index, diagnosis, pressure));
            let desired = DesiredCounts::from([(index, scaled_up(component.executors, pressure))]);
            intent(situation, &desired, vec![reason])
        }
        // Heron restarts the instance elsewhere.
        Diagnosis::SlowInstance => {
            memory.pending = Some((index, diagnosis, pressure));
            Intent::Move(vec![reason])
        }
        _ => {
            let hottest = component.hottest().unwrap_or(0.0);
            let fair = 1.0 / f64::from(component.executors.max(1));
            let text = format!("share of {id}'s records that one executor gets");
            let skew = Reason::compared(ReasonCode::SkewLimited, hottest, fair, text);
            Intent::Stay(vec![skew, reason])
        }
    }
}

fn shrink(situation: &Situation<'_>, memory: &mut Memory) -> Intent {
    let own = &situation.settings.dhalion;
    let idle = situation.flow.users().filter(|(index, component)| {
        component.executors > 1
            && component.busiest().is_some_and(|busy| busy < own.idle_below.get())
            && !memory.blacklisted(*index, Diagnosis::OverProvisioned, own.blacklist_ratio)
    });
    let least =
        idle.min_by(|(_, a), (_, b)| a.busy().unwrap_or(0.0).total_cmp(&b.busy().unwrap_or(0.0)));
    let Some((index, component)) = least else {
        let text = "no back-pressure, and every component has work";
        return Intent::Stay(vec![Reason::plain(ReasonCode::DemandMet, text)]);
    };
    let kept = f64::from(component.executors) * own.scale_down.get();
    let count = (kept.floor() as u32).clamp(1, component.executors - 1);
    memory.pending = Some((index, Diagnosis::OverProvisioned, 0.0));
    let busy = component.busy().unwrap_or(0.0);
    let text = format!("busy share of {}, and no back-pressure", situation.id(index));
    let reason =
        Reason::compared(ReasonCode::DemandBelowCapacity, busy, own.idle_below.get(), text);
    intent(situation, &DesiredCounts::from([(index, count)]), vec![reason])
}

fn blacklisted(situation: &Situation<'_>, index: usize, diagnosis: Diagnosis) -> Intent {
    let text = format!("{}: what {diagnosis:?} asks for has not helped", situation.id(index));
    let reason = Reason::plain(ReasonCode::Ineffective, text).changed_by(BLACKLIST);
    Intent::Stay(vec![reason])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::Case;

    #[test]
    fn the_worked_number_of_the_paper() {
        // 20 % of the time under back-pressure: a quarter of the input could not be handled.
        assert_eq!(scaled_up(4, 0.2), 5);
        assert_eq!(scaled_up(1, 0.01), 2);
    }

    #[test]
    fn one_component_a_round_and_rounds_of_300_seconds() {
        let mut case = Case::line(1000.0, &[(4, 1000.0, 1.0), (4, 2000.0, 0.95)]);
        case.flow.components[0].backpressured = Some(0.5);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 8)]);
        case.wait(290);
        assert_eq!(case.counts(|s| find(s, &mut memory)), []);
        case.wait(10);
        case.set_busy(1, 0.5);
        // The first action did not help, but the second component is another matter.
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(2, 8)]);
    }

    #[test]
    fn an_action_that_did_not_help_is_not_repeated() {
        let mut case = Case::line(1000.0, &[(4, 1000.0, 1.0)]);
        case.flow.components[0].backpressured = Some(0.5);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 8)]);
        case.wait(300);
        assert_eq!(case.counts(|s| find(s, &mut memory)), []);
        assert!(memory.blacklisted(1, Diagnosis::UnderProvisioned, Share::saturating(0.5)));
    }

    #[test]
    fn skew_is_not_scaled() {
        let mut case = Case::line(1000.0, &[(4, 1000.0, 0.5)]);
        case.flow.components[0].backpressured = Some(0.5);
        for (executor, input) in
            case.flow.components[1].measured.iter_mut().zip([700.0, 100.0, 100.0, 100.0])
        {
            executor.input = input;
            executor.busy = input / 700.0;
        }
        let mut memory = Memory::default();
        assert_eq!(case.codes(|s| find(s, &mut memory))[0], ReasonCode::SkewLimited);
    }

    #[test]
    fn idle_components_shrink_by_a_fifth() {
        let case = Case::line(1000.0, &[(10, 1000.0, 0.2), (10, 1000.0, 0.7)]);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 8)]);
    }
}
