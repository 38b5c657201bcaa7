//! Slots that components share: the cores of their nodes bound what all components do there together.
//!
//! Each component alone looks as if it could go on until it is busy all the time. Where two share a
//! core, it cannot: at 0.5 and 0.3 the core has a fifth left. But what is busy may only wait, for a
//! disk or another system, and needs no core then. So this counts only once it was seen that records
//! take longer when slots are full.

use super::limits::SATURATED;
use super::memory::Memory;
use super::size::{Scaling, Size};
use crate::demand::{ComponentFlow, Demand, whole_executors};
use crate::policy::situation::Situation;
use crate::reason::{Reason, ReasonCode};

/// Below this share of their cores, slots have room.
const ROOMY: f64 = 0.8;
/// Weight of the newest work of a record.
const WORK_WEIGHT: f64 = 0.3;
/// A record that takes so many times as long where slots are full waits for a core.
const INFLATED: f64 = 1.15;
/// One that takes so many times longer than waiting for cores explains has become dearer.
const DEARER: f64 = 2.0;

/// What slots have, and what is done in them.
struct Slots {
    /// Slots in use: of each group that shares them, as many as the component with most executors has.
    count: u32,
    /// Cores of their nodes; one for each where that is not declared, as Flink assumes.
    cores: f64,
    /// Cores that the work of all components keeps busy.
    busy: f64,
    /// Beyond so many slots there are no more cores: all nodes are in use by then, with as many on each as now.
    most: u32,
}

impl Slots {
    /// Nothing where slots are not shared, or not all that is done in them is known.
    fn of(situation: &Situation<'_>) -> Option<Self> {
        if !situation.settings.slots.is_shared() {
            return None;
        }
        let count = Some(situation.used_slots.values().sum()).filter(|count| *count > 0)?;
        let busy: Option<f64> = situation.flow.users().map(|(_, component)| work(component)).sum();
        let cores = situation.cores.unwrap_or(f64::from(count));
        let all = situation.most_cores.map(|all| f64::from(count) * all / cores.max(1e-9));
        let most = all.map_or(u32::MAX, |all| (all as u32).max(count));
        Some(Self { count, cores, busy: busy.filter(|busy| *busy > 0.0)?, most })
    }

    /// How many are needed for what is asked of all components.
    fn needed(&self, situation: &Situation<'_>, asked: &[Option<Demand>]) -> u32 {
        let count = f64::from(self.count);
        let mut wanted = Demand::default();
        for (index, component) in situation.flow.users() {
            let known = work(component).zip(asked[index]).zip(component.input());
            let Some(((work, asked), input)) = known else { continue };
            // More slots have more executors that get copies.
            let each = asked.each * f64::from(component.executors) / count;
            wanted += Demand { each, ..asked }.times(work / input.max(1e-9));
        }
        // What waits for a core is busy as well: no more is done than cores can.
        let done = (self.cores / self.busy).min(1.0);
        let target = situation.settings.thalweg.target.get();
        wanted
            .times(done / target)
            .executors(self.cores / count)
            .map_or(self.count, whole_executors)
    }
}

/// Executors' worth of time that a component is busy for.
fn work(component: &ComponentFlow) -> Option<f64> {
    Some(component.busy()? * f64::from(component.executors))
}

/// Slots that do, at the target busy share and with as many on a node as now, what is asked of all components;
/// nothing where that is not known.
pub(super) fn slots_needed(situation: &Situation<'_>, asked: &[Option<Demand>]) -> Option<u32> {
    Some(Slots::of(situation)?.needed(situation, asked))
}

/// Sees whether components take cores from each other, and returns whether they do so now: what a component does
/// then is no measure of what it can do.
///
/// Who waits for a core takes as many times longer as more is wanted of cores than there are. Where a record takes much
/// longer than that, it is another record, and what was known of its work holds no more.
pub(super) fn watch(situation: &Situation<'_>, memory: &mut Memory) -> bool {
    let Some(slots) = Slots::of(situation) else { return false };
    let (mut waits, mut dearer) = (false, false);
    for (index, component) in situation.flow.users() {
        let Some(work) = component.work_secs().filter(|work| *work > 0.0) else { continue };
        if slots.busy < ROOMY * slots.cores {
            let known = memory.roomy_work.entry(index).or_insert(work);
            *known += WORK_WEIGHT * (work - *known);
        } else if component.busiest() >= Some(SATURATED) && slots.busy > slots.cores {
            let Some(usual) = memory.roomy_work.get_mut(&index) else { continue };
            let waiting = slots.busy / slots.cores;
            if work > DEARER * waiting * *usual {
                *usual = work / waiting;
                dearer = true;
            } else {
                waits |= work > INFLATED * *usual;
            }
        }
    }
    memory.contended = waits || memory.contended && !dearer;
    memory.contended && slots.busy >= ROOMY * slots.cores
}

/// Bounds what each component can do by what is left of its slots, and has all grow together where
/// slots are what is needed. Returns why there are not as many as are needed, if so.
pub(super) fn bound(
    situation: &Situation<'_>,
    memory: &Memory,
    asked: &[Option<Demand>],
    sizes: &mut [Option<(Scaling<'_>, Size)>],
) -> Option<Reason> {
    let slots = Slots::of(situation).filter(|_| memory.contended)?;
    // They can do what they do.
    let room = (slots.cores / slots.busy).max(1.0);
    let needed = slots.needed(situation, asked);
    let desired = needed.min(slots.most);
    for (index, component) in situation.flow.users() {
        let (Some((_, size)), Some(input)) = (&mut sizes[index], component.input()) else {
            continue;
        };
        size.capacity = size.capacity.min(input * room);
        if desired > slots.count {
            let share = (component.executors * desired).div_ceil(slots.count);
            size.need = size.need.max(share.min(component.most()));
        }
    }
    (needed > slots.most).then(|| {
        let text = "slots whose cores would do what is asked of all components, and those that all nodes have cores for";
        let (needed, most) = (f64::from(needed), f64::from(slots.most));
        Reason::compared(ReasonCode::ClusterLimited, needed, most, text)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{TopologyModel, find};
    use super::*;
    use crate::policy::situation::Intent;
    use crate::policy::testing::Case;
    use crate::settings::SlotRule;

    /// Two operators of four executors each that share four cores.
    fn shared(rate: f64, busy: [f64; 2]) -> Case {
        let mut case = Case::line(rate, &[(4, rate, busy[0]), (4, rate, busy[1])]);
        case.flow.components[0].timed = true;
        case.settings.slots = SlotRule::Shared;
        case.slots = Some(32);
        case
    }

    /// What is desired within two minutes.
    fn desired(case: &mut Case, memory: &mut Memory) -> Vec<(u32, u32)> {
        let mut model = TopologyModel::default();
        for _ in 0..12 {
            case.wait(10);
            let counts = case.counts(|situation| find(situation, memory, &mut model));
            if !counts.is_empty() {
                return counts;
            }
        }
        Vec::new()
    }

    /// A memory that has seen cores being shared.
    fn contended() -> Memory {
        Memory { contended: true, ..Memory::default() }
    }

    #[test]
    fn components_that_share_a_full_core_are_short_though_neither_is_full() {
        // 0.6 and 0.38 of a core: at 1000/s 3.92 cores are busy, 5.2 would be at the target.
        let mut case = shared(1000.0, [0.6, 0.38]);
        assert_eq!(desired(&mut case, &mut contended()), [(1, 6), (2, 6)]);
        // Workers have their nodes' cores, of which placement knows.
        case.settings.slots = SlotRule::Workers;
        assert_eq!(desired(&mut case, &mut contended()), []);
    }

    #[test]
    fn groups_of_components_have_slots_of_their_own() {
        // Of eight slots, four each, with six cores: 3.92 are busy, 5.2 would be at the target.
        let mut case = shared(1000.0, [0.6, 0.38]);
        case.topology.components[2].slot_group = 3;
        case.intent(|situation| {
            let situation = Situation { cores: Some(6.0), ..*situation };
            let slots = Slots::of(&situation).expect("they are shared");
            assert_eq!((slots.count, slots.cores), (8, 6.0));
            assert_eq!(situation.most(1), 28, "the others hold four of the 32");
            crate::policy::desired::intent(&situation, &Default::default(), Vec::new())
        });
    }

    #[test]
    fn more_slots_on_the_same_nodes_have_no_more_cores() {
        let mut case = shared(1000.0, [0.6, 0.38]);
        let mut memory = contended();
        let mut model = TopologyModel::default();
        let found =
            |most_cores: f64, case: &mut Case, memory: &mut Memory, model: &mut TopologyModel| {
                case.wait(10);
                case.counts(|situation| {
                    let cores = (Some(4.0), Some(most_cores));
                    let situation = Situation { cores: cores.0, most_cores: cores.1, ..*situation };
                    find(&situation, memory, model)
                })
            };
        for _ in 0..12 {
            assert_eq!(found(4.0, &mut case, &mut memory, &mut model), [], "all nodes are in use");
        }
        let counts = (0..12).map(|_| found(5.0, &mut case, &mut memory, &mut model));
        assert_eq!(
            counts.into_iter().find(|counts| !counts.is_empty()),
            Some(vec![(1, 5), (2, 5)])
        );
    }

    #[test]
    fn what_only_waits_needs_no_cores() {
        let mut memory = Memory::default();
        assert_eq!(
            desired(&mut shared(1000.0, [0.6, 0.38]), &mut memory),
            [],
            "nothing is known yet"
        );
        // Full, and every record takes as long as when there was room.
        assert_eq!(desired(&mut shared(1000.0, [0.5, 0.2]), &mut memory), []);
        desired(&mut shared(2000.0, [1.0, 0.4]), &mut memory);
        assert!(!memory.contended && !memory.roomy_work.is_empty());
    }

    #[test]
    fn records_that_take_longer_in_full_slots_wait_for_cores() {
        let mut memory = Memory::default();
        assert_eq!(desired(&mut shared(1000.0, [0.5, 0.2]), &mut memory), []);
        // Not twice as much at twice the busy share.
        desired(&mut shared(1500.0, [1.0, 0.4]), &mut memory);
        assert!(memory.contended);
    }

    #[test]
    fn records_that_became_dearer_do_not_wait_for_cores() {
        let mut memory = Memory::default();
        desired(&mut shared(1000.0, [0.1, 0.1]), &mut memory);
        // A hundred times the work, in slots that want a tenth more of their cores than there is.
        let found = desired(&mut shared(100.0, [1.0, 0.1]), &mut memory);
        assert!(!memory.contended);
        assert!(matches!(found[..], [(1, 5..)]), "{found:?}");
        // The same where cores were seen to be shared before.
        let mut memory = Memory { roomy_work: memory.roomy_work.clone(), ..contended() };
        memory.roomy_work.insert(1, 0.0004);
        let found = desired(&mut shared(100.0, [1.0, 0.1]), &mut memory);
        assert!(matches!(found[..], [(1, 5..)]), "{found:?}");
    }

    #[test]
    fn where_no_node_has_a_core_left_that_is_said() {
        let mut case = shared(1000.0, [0.6, 0.38]);
        let (mut memory, mut model) = (contended(), TopologyModel::default());
        let mut said = Vec::new();
        for _ in 0..12 {
            case.wait(10);
            case.intent(|situation| {
                let cores = Some(4.0);
                let situation = Situation { cores, most_cores: cores, ..*situation };
                let intent = find(&situation, &mut memory, &mut model);
                let Intent::Stay(reasons) = &intent else { panic!("{intent:?}") };
                said = reasons.iter().map(|reason| reason.code).collect();
                intent
            });
        }
        assert_eq!(said, [ReasonCode::ClusterLimited, ReasonCode::DemandAboveCapacity]);
    }

    #[test]
    fn what_is_done_in_full_slots_is_not_learned() {
        for (contended, learned) in [(false, true), (true, false)] {
            let mut case = shared(1000.0, [0.7, 0.4]);
            let mut memory = Memory { contended, ..Memory::default() };
            let mut model = TopologyModel::default();
            case.wait(10);
            case.counts(|situation| find(situation, &mut memory, &mut model));
            let known = model.components.get("c1").and_then(|c| c.most_seen()).is_some();
            assert_eq!(known, learned);
        }
    }

    #[test]
    fn full_slots_can_do_what_they_do() {
        // The source has twice as much as slots can do; what waits for a core counts as busy.
        let mut case = shared(1000.0, [1.0, 0.4]);
        case.flow.components[0].target.growth = Some(1000.0);
        let found = desired(&mut case, &mut contended());
        // At least 2000 / (250 * 0.75) = 10.7, and at most half more as executors may get slower in company.
        assert!(found.iter().all(|(_, count)| (11..=16).contains(count)), "{found:?}");
        assert_eq!(found.len(), 2);
    }
}
