//! What the loop remembers from one observation to the next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::action::{Awaited, Blacklist, Harm, InFlight, Proposed, Rejected, Shown};
use crate::capacity::power::Power;
use crate::demand::LoadForecast;
use crate::explain::Desired;
use crate::model::{Node, SlotRef, TaskRange, Topology};
use crate::namesakes::Namesakes;
use crate::plan::Plan;
use crate::policy::Memories;
use crate::policy::thalweg::TopologyModel;
use crate::settings::{Resource, Settings};
use crate::signals::{Histories, Holding, MetricHistory, Restarts};
use crate::units::{Millis, RatePerSec, Timestamp};

/// How much of a smoothed ability the last measurement makes.
const ABILITY_WEIGHT: f64 = 0.7;

/// How exactly it is known when a topology was last seen; finer, and all would be saved for it.
const SEEN_EVERY_MS: f64 = 3_600_000.0;

/// Everything remembered; a value, handed in and out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The nodes by whose order slots are remembered, by id.
    pub nodes: Vec<String>,
    /// Per topology id.
    pub topologies: BTreeMap<String, TopologyState>,
    /// What was learned, which outlives a restart.
    pub learned: Learned,
    /// Number of the next decision.
    pub next_decision: u64,
    /// What an operator ordered and was not yet decided upon.
    pub order: Option<Order>,
}

/// What an operator wants done to a topology, whatever the policy thinks of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The topology's id, or its name where no other has the same.
    pub topology: String,
    /// New executor counts by component.
    #[serde(default)]
    pub counts: BTreeMap<String, u32>,
    /// New memory of each executor in MiB, by component; where the engine can change it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory_mib: BTreeMap<String, u32>,
    /// Hosts that its work is to leave.
    #[serde(default)]
    pub leave: Vec<String>,
    /// Whether its sources may be given workers of their own for it, which stops it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// The very plan that is to be carried out, in place of counts, memory and hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Shown>>,
    /// Whether it holds only as long as these hosts are drained.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub while_drained: bool,
}

impl Order {
    /// Whether this topology may be meant.
    pub fn may_mean(&self, topology: &Topology) -> bool {
        self.topology == topology.id || self.topology == topology.name
    }

    /// Whether several topologies may be meant, as they have the same name.
    pub fn is_ambiguous(&self, topologies: &[Topology]) -> bool {
        let meant = || topologies.iter().filter(|topology| self.may_mean(topology));
        meant().count() > 1 && meant().all(|topology| self.topology != topology.id)
    }
}

/// What outlives a restart of the process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Learned {
    /// Per node id.
    pub nodes: BTreeMap<String, NodeMemory>,
    /// By [`Learned::key`]: mostly a topology's name, so that one that is submitted again is known.
    #[serde(default)]
    pub topologies: BTreeMap<String, TopologyModel>,
}

impl Learned {
    /// By what a topology of an observation is known. That is its name, unless others of the same name run or ran beside
    /// it: then its name and graph, and where these are the same too, its name and id, so that none believes what was
    /// measured of another.
    pub fn key(&self, topology: &Topology, namesakes: &Namesakes<'_>) -> String {
        let Topology { id, name, .. } = topology;
        let by_id = format!("{name} {id}");
        let by_graph = || format!("{name} #{:016x}", graph(topology));
        let mut others = namesakes.beside(topology).peekable();
        if self.topologies.contains_key(&by_id) {
            return by_id;
        }
        if others.peek().is_some() {
            let own = graph(topology);
            let alike = others.any(|other| graph(other) == own);
            return if alike { by_id } else { by_graph() };
        }
        Some(by_graph()).filter(|key| self.topologies.contains_key(key)).unwrap_or(name.clone())
    }

    /// What was learned of a topology, if anything.
    pub fn model(&self, topology: &Topology, namesakes: &Namesakes<'_>) -> Option<&TopologyModel> {
        self.topologies.get(&self.key(topology, namesakes))
    }

    /// What was learned of a topology, to be learned more of.
    pub fn model_mut(
        &mut self,
        topology: &Topology,
        namesakes: &Namesakes<'_>,
    ) -> &mut TopologyModel {
        let key = self.key(topology, namesakes);
        self.topologies.entry(key).or_default()
    }

    /// Notes which topologies are there, and forgets what was learned of those that have been gone for
    /// too long. One that was learned of before such times were kept counts as seen now.
    pub fn forget_absent(
        &mut self,
        present: &[Topology],
        namesakes: &Namesakes<'_>,
        now: Timestamp,
        settings: &Settings,
    ) {
        for topology in present {
            let key = self.key(topology, namesakes);
            if let Some(model) = self.topologies.get_mut(&key) {
                let known = model.seen.filter(|seen| now.since(*seen).get() < SEEN_EVERY_MS);
                model.seen = known.or(Some(now));
            }
        }
        self.topologies
            .retain(|_, model| now.since(*model.seen.get_or_insert(now)) < settings.learned_keep);
    }
}

/// A digest of a topology's components and the streams between them (FNV-1a).
fn graph(topology: &Topology) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0]) {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for component in &topology.components {
        add(component.id.as_bytes());
        add(&component.tasks.count().to_le_bytes());
    }
    for edge in &topology.edges {
        add(&edge.from.to_le_bytes());
        add(&edge.to.to_le_bytes());
    }
    digest
}

/// A node's slowness, remembered after the executors that showed it have left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeMemory {
    /// Its ability relative to the fastest node, smoothed, and when it was seen last.
    pub slow: Option<(f64, Timestamp)>,
    /// How much work it can do, and when that was seen last.
    #[serde(default)]
    pub power: Option<(Power, Timestamp)>,
    /// When it was last reached too slowly.
    pub far: Option<Timestamp>,
}

impl NodeMemory {
    /// Notes an ability that was measured just now, smoothed, as a start or a burst looks like slowness.
    ///
    /// A node that idles shows no slowness, even if it would under load: one that was seen slow is
    /// believed to be faster only when seen `at_work`.
    pub fn note_ability(
        &mut self,
        ability: f64,
        at_work: bool,
        now: Timestamp,
        settings: &Settings,
    ) {
        let remembered = self.ability(now, settings);
        if at_work || ability <= remembered {
            let smoothed = remembered + ABILITY_WEIGHT * (ability - remembered);
            self.slow = Some((smoothed, now));
        }
    }

    /// The ability to reckon with: the last one noted, within the memory's length.
    pub fn ability(&self, now: Timestamp, settings: &Settings) -> f64 {
        match self.slow {
            Some((ability, at)) if now.since(at) < settings.ability_memory => ability,
            _ => 1.0,
        }
    }

    /// How much work to reckon with: what was noted last, within the memory's length.
    pub fn power(&self, now: Timestamp, settings: &Settings) -> Power {
        match self.power {
            Some((power, at)) if now.since(at) < settings.ability_memory => power,
            _ => Power::default(),
        }
    }

    /// Whether anything that was seen of it is within the memory's length.
    pub fn is_fresh(&self, now: Timestamp, settings: &Settings) -> bool {
        let slow = self.slow.map(|(_, at)| at);
        let seen = [slow, self.power.map(|(_, at)| at), self.far];
        seen.into_iter().flatten().any(|at| now.since(at) < settings.ability_memory)
    }

    /// Whether it was reached too slowly within the memory's length.
    pub fn is_far(&self, now: Timestamp, settings: &Settings) -> bool {
        self.far.is_some_and(|at| now.since(at) < settings.ability_memory)
    }
}

/// Where executors run, by their tasks.
pub type Layout = BTreeMap<TaskRange, Option<SlotRef>>;

/// What is remembered of one topology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopologyState {
    /// What was reported of its components and streams.
    pub metric_history: MetricHistory,
    /// What the policy believed each component could do when it was asked last.
    pub believed: Vec<Option<RatePerSec>>,
    /// What the policy expected sources to bring when it was asked last.
    pub load_forecast: Option<LoadForecast>,
    /// What the policy wanted when it was asked last, before anything was held against it.
    pub desired: Option<Desired>,
    /// What it waits for, as all topologies together may have no more.
    pub queued: Option<Queued>,
    /// What policies remember.
    pub policies: Memories,
    /// Reports of its executors.
    pub histories: Histories,
    /// Its executors that start again and again.
    pub restarts: Restarts,
    /// Its components whose work their execute time does not show.
    pub holding: Holding,
    /// Where its executors ran when last seen.
    pub layout: Layout,
    /// Until when nothing measured counts.
    pub settling_until: Timestamp,
    /// The plan being carried out.
    pub in_flight: Option<InFlight>,
    /// The action whose effect is awaited.
    pub awaited: Option<Awaited>,
    /// When actions ended, oldest first; of one under way, when it began.
    pub actions: VecDeque<Timestamp>,
    /// How long the last action took.
    pub last_took: Millis,
    /// When plans were given up of late, and the seconds that each had taken; not charged to the day yet.
    pub given_up: Vec<(Timestamp, f64)>,
    /// What did not help.
    pub blacklist: Blacklist,
    /// What the last action spoiled, until it is undone.
    pub harm: Option<Harm>,
    /// The plan that waits for somebody's word.
    pub proposed: Option<Proposed>,
    /// What somebody rejected a short time ago.
    pub rejected: Option<Rejected>,
}

/// What a topology waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// Since when.
    pub since: Timestamp,
    /// When it wanted that last.
    pub asked: Timestamp,
    /// What it wants of each thing that it does not get enough of.
    pub wants: BTreeMap<Resource, Want>,
}

/// What a topology wants of something that is limited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Want {
    /// How much it wants to have in all.
    pub all: f64,
    /// The least by which it can grow: executors are whole.
    pub step: f64,
}

impl State {
    /// Takes over the order of the nodes that are seen now; a slot of a node that is gone is none.
    pub fn follow_nodes(&mut self, nodes: &[Node]) {
        if self.nodes.iter().eq(nodes.iter().map(|node| &node.id)) {
            return;
        }
        let ordinals: BTreeMap<&str, u32> =
            nodes.iter().map(|node| node.id.as_str()).zip(0..).collect();
        let ordinal = |was: u32| ordinals.get(self.nodes.get(was as usize)?.as_str()).copied();
        for topology in self.topologies.values_mut() {
            for slot in topology.layout.values_mut() {
                *slot = slot.and_then(|s| Some(SlotRef { node: ordinal(s.node)?, ..s }));
            }
        }
        self.nodes = nodes.iter().map(|node| node.id.clone()).collect();
        self.topologies.values_mut().for_each(|topology| topology.blacklist.note_arrangement());
    }

    /// Begins to lead with what was learned: whatever was measured or under way belongs to somebody else.
    pub fn leading(learned: Learned) -> Self {
        Self { learned, ..Self::default() }
    }

    /// What must not be lost with a decision that failed: all but measurements, which come anew.
    pub fn without_measurements(&self) -> Self {
        let topologies = self.topologies.iter().map(|(id, topology)| {
            let kept = TopologyState {
                settling_until: topology.settling_until,
                in_flight: topology.in_flight.clone(),
                awaited: topology.awaited.clone(),
                actions: topology.actions.clone(),
                last_took: topology.last_took,
                given_up: topology.given_up.clone(),
                blacklist: topology.blacklist.clone(),
                harm: topology.harm.clone(),
                proposed: topology.proposed.clone(),
                rejected: topology.rejected.clone(),
                restarts: topology.restarts.clone(),
                holding: topology.holding.clone(),
                ..TopologyState::default()
            };
            (id.clone(), kept)
        });
        Self {
            nodes: self.nodes.clone(),
            topologies: topologies.collect(),
            learned: self.learned.clone(),
            next_decision: self.next_decision,
            order: self.order.clone(),
        }
    }

    /// The plans that wait for somebody's word, by their topologies' ids.
    pub fn proposals(&self) -> BTreeMap<String, Proposed> {
        let waiting = |(id, topology): (&String, &TopologyState)| {
            Some((id.clone(), topology.proposed.clone()?))
        };
        self.topologies.iter().filter_map(waiting).collect()
    }

    /// Takes over the plans that a predecessor proposed.
    pub fn take_proposals(&mut self, proposals: BTreeMap<String, Proposed>) {
        for (id, proposed) in proposals {
            self.topologies.entry(id).or_default().proposed = Some(proposed);
        }
    }

    /// Notes that a predecessor's plan for a topology is still being carried out, or taken back.
    pub fn carry_on(&mut self, topology: &str, flight: InFlight) {
        self.topologies.entry(topology.to_owned()).or_default().in_flight = Some(flight);
    }

    /// Notes that a predecessor's plan for a topology was carried out, and that its effect is to be judged as if
    /// it had ended now.
    pub fn await_outcome(
        &mut self,
        topology: &str,
        action: InFlight,
        now: Timestamp,
        settings: &Settings,
    ) {
        let plan = action.plan.clone();
        self.carry_on(topology, action);
        self.finish(&plan, now, settings);
    }

    /// Notes that a plan was carried out.
    pub fn finish(&mut self, plan: &str, now: Timestamp, settings: &Settings) {
        for topology in self.topologies.values_mut() {
            let Some(action) = topology.in_flight.take_if(|flight| flight.plan == plan) else {
                continue;
            };
            topology.forget_measurements();
            topology.settling_until = now.plus(settings.settle);
            // However long it took, the cool-down begins with its end.
            if let Some(last) = topology.actions.back_mut() {
                *last = now;
            }
            let measured = settings.settle.get() + settings.interval.get();
            let due = now.plus(Millis::saturating(measured));
            let took = now.since(action.since);
            topology.last_took = took;
            topology.awaited = Some(Awaited { action, due, took });
        }
    }

    /// Notes that a topology started again and again once it had a plan's numbers of executors. Where sources are among
    /// those that changed, it is taken for their doing: the others are told when a plan changes them alone.
    pub fn cannot_rescale(
        &mut self,
        topology: &str,
        change: &FailedChange,
        now: Timestamp,
        settings: &Settings,
    ) {
        let Some(topology) = self.topologies.get_mut(topology) else { return };
        // Policies of others have no time for which anything is not tried again; but a restart in vain helps none of them.
        let none = settings.blacklist == Millis::ZERO;
        let plain = if none { Settings::default().blacklist } else { settings.blacklist };
        for id in change.suspects() {
            topology.blacklist.note_unscalable(id, plain, now);
        }
    }

    /// Notes that a plan was given up.
    pub fn abort(&mut self, plan: &str, now: Timestamp, settings: &Settings) {
        for topology in self.topologies.values_mut() {
            if let Some(flight) = topology.in_flight.take_if(|flight| flight.plan == plan) {
                topology.given_up.push((now, now.since(flight.since).get() / 1000.0));
                topology.policies.me_stream.persistence.clear();
                topology.settling_until = now.plus(settings.settle);
            }
        }
    }
}

/// Other numbers of executors that a topology could not run with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailedChange {
    /// The sources among the components whose number changed.
    pub sources: BTreeSet<String>,
    /// The others.
    pub others: BTreeSet<String>,
}

impl FailedChange {
    /// What a plan changed.
    pub fn of(plan: &Plan, is_source: impl Fn(&str) -> bool) -> Self {
        let (sources, others) = plan.counts.keys().cloned().partition(|id| is_source(id));
        Self { sources, others }
    }

    /// What it is taken for the doing of.
    fn suspects(&self) -> &BTreeSet<String> {
        if self.sources.is_empty() { &self.others } else { &self.sources }
    }
}

impl TopologyState {
    /// Where the topology's executors run, if that is not what is remembered.
    pub fn new_layout(&self, topology: &Topology) -> Option<Layout> {
        let places = || topology.executors.iter().map(|e| (e.tasks, e.slot));
        // Executors mostly come by ascending tasks and stay where they are.
        if places().eq(self.layout.iter().map(|(tasks, slot)| (*tasks, *slot))) {
            return None;
        }
        let layout = places().collect();
        (self.layout != layout).then_some(layout)
    }

    /// The executors that run elsewhere than remembered, if all of them start again and again; nothing if others do too,
    /// or others are there.
    pub fn only_restarting(&self, layout: &Layout) -> Option<Vec<TaskRange>> {
        let moved = layout.iter().filter(|(tasks, slot)| self.layout.get(tasks) != Some(slot));
        let moved: Vec<TaskRange> = moved.map(|(tasks, _)| *tasks).collect();
        let same = self.layout.len() == layout.len();
        (same && moved.iter().all(|tasks| self.restarts.of(*tasks).is_some())).then_some(moved)
    }

    /// Starts measuring anew: what was measured belongs to another arrangement.
    pub fn forget_measurements(&mut self) {
        self.histories.clear();
        self.metric_history.clear();
        self.policies.me_stream.forget_measurements();
        self.believed.clear();
        self.load_forecast = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    #[test]
    fn what_was_learned_of_a_topology_is_forgotten_long_after_it_was_last_seen() {
        let settings = Settings::default();
        let mut learned = Learned::default();
        for name in ["stays", "goes"] {
            learned.topologies.insert(name.to_owned(), TopologyModel::default());
        }
        let mut known = |present: &[&str], now| {
            let named = |name: &&str| Topology { name: (*name).to_owned(), ..Topology::default() };
            let present: Vec<Topology> = present.iter().map(named).collect();
            learned.forget_absent(&present, &Namesakes::of(&present), hours(now), &settings);
            learned.topologies.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(known(&["stays", "goes"], 1000), "goes stays");
        assert_eq!(known(&["stays"], 1335), "goes stays");
        assert_eq!(known(&["stays"], 1336), "stays");
        // Whoever was down for long saw nobody, but what is there now is not gone.
        assert_eq!(known(&["stays"], 9999), "stays");
    }

    #[test]
    fn models_from_before_such_times_were_kept_are_read_and_kept_from_now_on() {
        let json = r#"{"nodes":{},"topologies":{"old":{"components":{},"stop_secs":7.0}}}"#;
        let mut learned: Learned = serde_json::from_str(json).expect("it could always be read");
        assert_eq!(learned.topologies["old"].stop_secs, Some(7.0));
        learned.forget_absent(&[], &Namesakes::of(&[]), hours(5000), &Settings::default());
        learned.forget_absent(&[], &Namesakes::of(&[]), hours(5335), &Settings::default());
        assert_eq!(learned.topologies.len(), 1);
        learned.forget_absent(&[], &Namesakes::of(&[]), hours(5336), &Settings::default());
        assert_eq!(learned.topologies.len(), 0);
    }

    fn topology(id: &str, components: &[&str]) -> Topology {
        let component = |id: &&str| crate::model::Component {
            id: (*id).to_owned(),
            ..crate::model::Component::default()
        };
        let components = components.iter().map(component).collect();
        Topology { id: id.to_owned(), name: "words".to_owned(), components, ..Topology::default() }
    }

    #[test]
    fn what_was_learned_of_one_of_two_namesakes_is_not_believed_of_the_other() {
        let mut learned = Learned::default();
        let (dear, light) = (topology("a", &["split"]), topology("b", &["split"]));
        let alone = Namesakes::of(std::slice::from_ref(&dear));
        learned.model_mut(&dear, &alone).stop_secs = Some(9.0);
        assert_eq!(learned.key(&dear, &alone), "words");
        let both = [dear.clone(), light.clone()];
        let both = Namesakes::of(&both);
        assert_eq!(learned.model(&light, &both), None);
        learned.model_mut(&light, &both).stop_secs = Some(1.0);
        assert_eq!(learned.model(&dear, &both), None, "nobody knows any more whose it was");
        // Of whichever is left what was learned stays its own.
        let left = Namesakes::of(std::slice::from_ref(&light));
        assert_eq!(learned.model(&light, &left).and_then(|model| model.stop_secs), Some(1.0));
        // One that is submitted again is known by its name.
        let again = topology("c", &["split"]);
        assert_eq!(learned.key(&again, &Namesakes::of(std::slice::from_ref(&again))), "words");
    }

    #[test]
    fn namesakes_of_other_graphs_are_known_by_them_when_they_come_again() {
        let mut learned = Learned::default();
        let both = [topology("a", &["split"]), topology("b", &["split", "count"])];
        learned.model_mut(&both[1], &Namesakes::of(&both)).stop_secs = Some(1.0);
        let again = topology("c", &["split", "count"]);
        let known = learned.model(&again, &Namesakes::of(std::slice::from_ref(&again)));
        assert_eq!(known.and_then(|model| model.stop_secs), Some(1.0));
        let other = topology("d", &["split"]);
        assert_eq!(learned.key(&other, &Namesakes::of(std::slice::from_ref(&other))), "words");
    }
}
