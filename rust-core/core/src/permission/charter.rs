//! What holds for one topology: how far Thalweg may go with each kind of change, and why not now.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::context::Context;
use crate::explain::{Check, Guard};
use crate::model::{Component, Topology};
use crate::reason::{Reason, ReasonCode};
use crate::settings::rules::{self, Rule};
use crate::settings::{ActionKind, Mode, Rules};
use crate::units::Millis;
use crate::windows::Window;

/// Kinds of change.
pub type Kinds = BTreeSet<ActionKind>;

/// What these executor counts and this memory, by component, change of a topology; something is moved if nothing else
/// is, or if it is to be `moved`.
pub fn kinds(
    topology: &Topology,
    counts: &BTreeMap<String, u32>,
    memory_mib: &BTreeMap<String, u32>,
    moved: bool,
) -> Kinds {
    let mut kinds = Kinds::new();
    for (ordinal, component) in (0u32..).zip(&topology.components) {
        let Some(count) = counts.get(&component.id) else { continue };
        match count.cmp(&topology.executors_of(ordinal)) {
            Ordering::Greater => _ = kinds.insert(ActionKind::ScaleOut),
            Ordering::Less => _ = kinds.insert(ActionKind::ScaleIn),
            Ordering::Equal => {}
        }
    }
    if !memory_mib.is_empty() {
        kinds.insert(ActionKind::Memory);
    }
    if moved || kinds.is_empty() {
        kinds.insert(ActionKind::Move);
    }
    kinds
}

/// The desired counts, by component ordinal, without those that may be less or later changed than the others: what may be
/// done need not wait for what may not.
pub fn parted(
    charter: &Charter<'_>,
    topology: &Topology,
    desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Vec<Reason>) {
    let (more, fewer): (BTreeMap<u32, u32>, BTreeMap<u32, u32>) =
        desired.iter().partition(|(ordinal, count)| **count > topology.executors_of(**ordinal));
    if more.is_empty() || fewer.is_empty() {
        return (desired, Vec::new());
    }
    let [out, back] = [ActionKind::ScaleOut, ActionKind::ScaleIn]
        .map(|kind| (charter.hindered(kind), charter.mode(Some(kind))));
    let left = |kind: ActionKind, (hindered, permitted): (Option<Reason>, Permitted<'_>)| {
        hindered.unwrap_or_else(|| {
            let mode = permitted.mode.as_str();
            let text = format!("the mode of {} is {mode} by {}", kind.as_str(), permitted.by);
            let reason = Reason::plain(ReasonCode::ModeForbids, text);
            Reason { setting: permitted.setting.map(str::to_owned), ..reason }
        })
    };
    let rank = |(hindered, permitted): &(Option<Reason>, Permitted<'_>)| {
        (hindered.is_none(), permitted.mode)
    };
    match rank(&out).cmp(&rank(&back)) {
        Ordering::Equal => (desired, Vec::new()),
        Ordering::Greater => (more, vec![left(ActionKind::ScaleIn, back)]),
        Ordering::Less => (fewer, vec![left(ActionKind::ScaleOut, out)]),
    }
}

/// How far Thalweg may go, and by whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted<'a> {
    /// How far.
    pub mode: Mode,
    /// By what or by whom, for people.
    pub by: Cow<'a, str>,
    /// The setting that says so; none if an operator did.
    pub setting: Option<&'static str>,
}

/// What holds for one topology.
#[derive(Debug, Clone)]
pub struct Charter<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) topology: &'a Topology,
    mode: Option<Mode>,
    pub(super) own: Rules,
    /// What is wrong with its own settings.
    problems: Vec<String>,
}

impl<'a> Charter<'a> {
    /// What holds for a topology.
    pub fn of(context: &'a Context<'a>, topology: &'a Topology) -> Self {
        if topology.settings.is_empty() {
            // There may be thousands of topologies.
            let (mode, own, problems) = (None, Rules::default(), Vec::new());
            return Self { context, topology, mode, own, problems };
        }
        let (mode, own, problems) = Rules::of_topology(&topology.settings, &context.settings.zone);
        Self { context, topology, mode, own, problems }
    }

    /// How far Thalweg may go with a kind of action; with any of those that no rule singles out if none is given.
    pub fn mode(&self, kind: Option<ActionKind>) -> Permitted<'_> {
        let Context { settings, operator, .. } = self.context;
        let Topology { name, id, .. } = self.topology;
        let permitted = |mode, by, setting| Permitted { mode, by, setting };
        if settings.faulty {
            return permitted(Mode::Observe, "settings that are not allowed".into(), None);
        }
        if let Some(problem) = self.problems.first() {
            return permitted(Mode::Observe, format!("its own settings: {problem}").into(), None);
        }
        if let Some((mode, who)) = operator.mode_of(name, id, kind) {
            let who = if who.is_empty() { "an operator" } else { who };
            return permitted(mode, who.into(), None);
        }
        let of = |rules: &Rules| {
            rules.modes.iter().rfind(|rule| rule.is_for(name, id, kind)).map(|rule| rule.what)
        };
        if let Some(mode) = of(&settings.rules) {
            return permitted(mode, rules::MODES.into(), Some(rules::MODES));
        }
        if let Some(mode) = of(&self.own) {
            return permitted(mode, format!("its own {}", rules::MODES).into(), Some(rules::MODES));
        }
        if let Some(mode) = self.mode {
            return permitted(mode, format!("its own {}", rules::MODE).into(), Some(rules::MODE));
        }
        permitted(settings.mode, rules::MODE.into(), Some(rules::MODE))
    }

    /// Why nothing is changed of a topology whose own settings cannot be read.
    pub fn unreadable(&self) -> Option<Reason> {
        let problem = self.problems.first()?;
        Some(Reason::plain(ReasonCode::SettingsUnreadable, format!("its own settings: {problem}")))
    }

    /// How far Thalweg may go with all of these kinds at once.
    pub fn mode_of_all(&self, kinds: &Kinds) -> Permitted<'_> {
        let modes = kinds.iter().map(|kind| self.mode(Some(*kind)));
        modes.min_by_key(|permitted| permitted.mode).unwrap_or_else(|| self.mode(None))
    }

    /// Whether anything at all may be changed of the topology, so that its places are Thalweg's to say.
    pub fn changes(&self) -> bool {
        ActionKind::ALL.into_iter().any(|kind| self.mode(Some(kind)).mode.changes())
    }

    /// Why changes of a kind are not made now whatever the mode, if they are not: somebody paused them.
    pub fn paused(&self, kind: ActionKind) -> Option<Reason> {
        let Context { operator, now, .. } = self.context;
        let Topology { name, id, .. } = self.topology;
        let pause = operator.pause_of(name, id, kind, *now)?;
        let who = if pause.who.is_empty() { "an operator" } else { &pause.who };
        let text = format!("{who} paused {} of {name}", kind.as_str());
        let reason = match pause.until {
            Some(until) => {
                let left = until.since(*now).get() / 1000.0;
                let text = format!("{text}, for so many more seconds");
                Reason { measured: Some(left), ..Reason::plain(ReasonCode::Paused, text) }
            }
            None => Reason::plain(ReasonCode::Paused, format!("{text} until told otherwise")),
        };
        Some(reason)
    }

    /// The answers of the guards that have to do with the user's word: pause, freeze and hours.
    pub fn checks(&self, kinds: &Kinds, takes: Millis) -> Vec<(Check, Option<Reason>)> {
        let answer = |guard, reason: Option<Reason>, passes: String| match reason {
            Some(reason) => (Check::stops(guard, &reason), Some(reason)),
            None => (Check::passes(guard, passes), None),
        };
        let paused = kinds.iter().find_map(|kind| self.paused(*kind));
        let frozen = kinds.iter().find_map(|kind| self.frozen(*kind, takes));
        let outside = kinds.iter().find_map(|kind| self.outside(*kind));
        vec![
            answer(Guard::Pause, paused, "nobody has paused it".to_owned()),
            answer(
                Guard::Freeze,
                frozen,
                "no freeze now, and none before it would be done".to_owned(),
            ),
            answer(Guard::Hours, outside, "something may be done at this hour".to_owned()),
        ]
    }

    /// Whether no policy counts a component's executors anew.
    pub fn is_fixed(&self, component: &Component) -> bool {
        let Topology { name, id, .. } = self.topology;
        let mut all = self.context.settings.rules.fixed.iter().chain(&self.own.fixed);
        all.any(|target| {
            target.topology.fits_either(name, id) && target.component.fits(&component.id)
        })
    }

    /// Why changes of a kind cannot be made now, whatever they are: a pause, a freeze, or the hour.
    pub fn hindered(&self, kind: ActionKind) -> Option<Reason> {
        let now = || self.frozen(kind, Millis::ZERO);
        self.paused(kind).or_else(now).or_else(|| self.outside(kind))
    }

    fn both<T>(&self, of: impl Fn(&Rules) -> &Vec<Rule<T>>, kind: ActionKind) -> Vec<T>
    where
        T: Clone,
    {
        let Topology { name, id, .. } = self.topology;
        let all = of(&self.context.settings.rules).iter().chain(of(&self.own));
        all.filter(|rule| rule.is_for(name, id, Some(kind))).map(|rule| rule.what.clone()).collect()
    }

    /// The freezes of a kind of action.
    pub(super) fn freezes(&self, kind: ActionKind) -> Vec<Window> {
        self.both(|rules| &rules.freezes, kind)
    }

    /// The hours in which alone a kind of action may be done; none if always.
    pub(super) fn hours(&self, kind: ActionKind) -> Vec<Window> {
        self.both(|rules| &rules.hours, kind)
    }
}
