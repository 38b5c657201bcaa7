//! Situations for the tests of policies.

use super::situation::{Intent, Situation, used_slots};
use crate::demand::{Carries, ComponentFlow, ExecutorFlow, Flow, Stream, Target};
use crate::model::{Component, Topology};
use crate::reason::ReasonCode;
use crate::settings::Settings;
use crate::units::{Millis, Timestamp};

/// A topology in one line whose flow can be set by hand.
pub(crate) struct Case {
    pub topology: Topology,
    pub flow: Flow,
    pub span: Millis,
    pub may_move: bool,
    pub slots: Option<u32>,
    pub settings: Settings,
    pub now: Timestamp,
}

impl Case {
    /// A source that brings in `source` records per second, and operators behind it: executors,
    /// records taken in per second, and the busy share of each executor.
    ///
    /// A share above 1 stands for the true rate of a single executor in papers' examples.
    pub fn line(source: f64, operators: &[(u32, f64, f64)]) -> Self {
        let names = (0..=operators.len())
            .map(|i| Component { id: format!("c{i}"), ..Component::default() });
        let topology = Topology { components: names.collect(), ..Topology::default() };
        let mut components = vec![component(1, source, 0.0)];
        components[0].source = true;
        components[0].timed = false;
        components[0].target =
            Target { consumed: source, growth: Some(0.0), backlog: Some(0), newest: None };
        let mut streams = Vec::new();
        let mut before = source;
        for (index, &(executors, input, busy)) in operators.iter().enumerate() {
            let carries = Carries::Ratio(input / before);
            streams.push(Stream { from: index, to: index + 1, broadcast: false, carries });
            components.push(component(executors, input, busy));
            before = input;
        }
        let flow = Flow { components, streams };
        let settings = Settings::default();
        let span = settings.window;
        let now = Timestamp::from_millis(1_000_000);
        Self { topology, flow, span, may_move: false, slots: None, settings, now }
    }

    /// A graph and what flows through it.
    pub fn of((topology, flow): (Topology, Flow)) -> Self {
        Self { topology, flow, ..Self::line(1.0, &[]) }
    }

    /// Sets the busy share of every executor of a component.
    pub fn set_busy(&mut self, index: usize, busy: f64) {
        for executor in &mut self.flow.components[index].measured {
            executor.busy = busy;
        }
    }

    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus_secs(seconds);
    }

    pub fn intent(&self, find: impl FnOnce(&Situation<'_>) -> Intent) -> Intent {
        let used_slots = used_slots(&self.topology, &self.flow);
        find(&Situation {
            topology: &self.topology,
            flow: &self.flow,
            span: self.span,
            age: Millis::ZERO,
            may_move: self.may_move,
            slots: self.slots,
            used_slots: &used_slots,
            cores: None,
            most_cores: None,
            settings: &self.settings,
            now: self.now,
        })
    }

    /// The counts that would change.
    pub fn counts(&self, find: impl FnOnce(&Situation<'_>) -> Intent) -> Vec<(u32, u32)> {
        match self.intent(find) {
            Intent::Scale { counts, reasons, .. } => {
                assert!(!reasons.is_empty(), "an intent without a reason");
                counts.into_iter().collect()
            }
            Intent::Stay(reasons) | Intent::Move(reasons) => {
                assert!(!reasons.is_empty(), "an intent without a reason");
                Vec::new()
            }
        }
    }

    pub fn codes(&self, find: impl FnOnce(&Situation<'_>) -> Intent) -> Vec<ReasonCode> {
        let (Intent::Stay(reasons) | Intent::Move(reasons) | Intent::Scale { reasons, .. }) =
            self.intent(find);
        reasons.iter().map(|reason| reason.code).collect()
    }
}

/// A component whose executors share input and work evenly; `busy` is the busy share of each.
fn component(executors: u32, input: f64, busy: f64) -> ComponentFlow {
    let each = ExecutorFlow { node: 0, ability: 1.0, input: input / f64::from(executors), busy };
    ComponentFlow {
        executors,
        tasks: 128,
        measured: vec![each; executors as usize],
        timed: true,
        ..ComponentFlow::default()
    }
}
