use super::*;
use crate::policy::Intent;
use crate::policy::testing::Case;
use crate::policy::thalweg::{Memory, find};

/// Memory of an executor in MiB, share of misses, and work of a record in ms, each with four executors.
type Seen = (u32, f64, f64);

/// 4096 MiB of state on four executors, that take in so many records a second: as measured now, and what
/// was seen before. Memory up to 1024 MiB may be given to each.
fn stateful(rate: f64, now: Seen, before: &[Seen]) -> (Case, TopologyModel) {
    let (mib, misses, work_ms) = now;
    let mut case = Case::line(rate, &[(4, rate, rate * work_ms / 4000.0)]);
    case.settings.thalweg.memory_max_mib = 1024;
    let component = &mut case.flow.components[1];
    component.hit_rate = Some(1.0 - misses);
    component.memory_mib = Some(f64::from(mib));
    component.state_mib = Some(4096.0);
    let mut model = TopologyModel::default();
    let learned = model.states.entry("c1".to_owned()).or_default();
    for &(mib, misses, work_ms) in before {
        let (state_mib, work_secs) = (Some(4096.0), work_ms / 1000.0);
        learned.offer(Measured { executors: 4, mib, state_mib, misses, work_secs }, case.now);
    }
    (case, model)
}

/// Executors and memory of the component after so many seconds, and all reasons.
fn asked(
    case: &mut Case,
    model: &mut TopologyModel,
    secs: u64,
) -> (Option<u32>, Option<u32>, Vec<Reason>) {
    let mut memory = Memory::default();
    let mut reasons = Vec::new();
    for _ in 0..secs / 10 {
        case.wait(10);
        match case.intent(|situation| find(situation, &mut memory, model)) {
            Intent::Scale { counts, memory_mib, reasons, .. } => {
                let of = |values: &BTreeMap<u32, u32>| values.get(&1).copied();
                return (of(&counts), of(&memory_mib), reasons);
            }
            Intent::Stay(why) | Intent::Move(why) => reasons = why,
        }
    }
    (None, None, reasons)
}

fn coded(reasons: &[Reason], code: ReasonCode) -> &Reason {
    reasons.iter().find(|r| r.code == code).unwrap_or_else(|| panic!("{code:?}: {reasons:?}"))
}

#[test]
fn where_nothing_is_known_a_level_is_tried_in_place_of_executors() {
    let (mut case, mut model) = stateful(1000.0, (256, 0.6, 3.8), &[]);
    let (executors, mib, reasons) = asked(&mut case, &mut model, 90);
    assert_eq!((executors, mib), (None, Some(512)));
    let reason = coded(&reasons, ReasonCode::StateMisses);
    assert!((reason.measured.expect("hits are measured") - 0.4).abs() < 1e-12);
    assert_eq!(reason.limit, Some(ENOUGH_HITS));
    assert_eq!(reason.setting.as_deref(), Some(MOST));
    // Asked for more than twice what it can do, it gets executors as well.
    case.flow.components[0].target.growth = Some(1500.0);
    let (executors, mib, _) = asked(&mut case, &mut model, 120);
    assert!(executors > Some(8), "{executors:?}");
    assert_eq!(mib, Some(512));
}

#[test]
fn memory_is_left_alone_where_it_may_not_change_or_cannot_help() {
    let alone = |change: fn(&mut Case)| {
        let (mut case, mut model) = stateful(1000.0, (256, 0.6, 3.8), &[]);
        change(&mut case);
        let (executors, mib, reasons) = asked(&mut case, &mut model, 90);
        assert_eq!((executors, mib), (Some(6), None), "{reasons:?}");
        reasons
    };
    alone(|case| case.settings.thalweg.memory_max_mib = 0);
    alone(|case| case.flow.components[1].hit_rate = Some(0.85));
    alone(|case| case.flow.components[1].hit_rate = None);
    alone(|case| case.flow.components[1].memory_mib = None);
    // All of it has room in 1024 MiB.
    alone(|case| case.flow.components[1].state_mib = Some(1000.0));
    let reasons = alone(|case| case.settings.thalweg.memory_max_mib = 500);
    let limited = coded(&reasons, ReasonCode::MemoryLimited);
    assert_eq!((limited.measured, limited.limit), (Some(512.0), Some(500.0)));
    assert_eq!(limited.setting.as_deref(), Some(MOST));
}

#[test]
fn known_levels_and_executors_are_weighed_in_one_cost() {
    // 0.3 of the misses are 1.8 ms, so a miss is 6 ms. 2000/s of 2 ms each at 0.75 need 5.3 executors.
    // 1024 MiB for each of four hold all state: 0.3 misses less are promised, a quarter of which is in
    // doubt and the confidence one deviation. 1 - 3 * 0.3 * 0.75 = 0.32 of the work needs no executor more.
    let before = [(256, 0.6, 3.8), (512, 0.3, 2.0)];
    let (mut case, mut model) = stateful(2000.0, (512, 0.3, 2.0), &before);
    let (executors, mib, reasons) = asked(&mut case, &mut model, 90);
    assert_eq!((executors, mib), (None, Some(1024)), "{reasons:?}");
    let reason = coded(&reasons, ReasonCode::StateMisses);
    // Four executors and 4096 MiB against five and 2560 MiB, 4096 MiB being worth one: five hold more of the
    // state than four.
    assert_eq!((reason.measured, reason.limit), (Some(5.0), Some(5.625)));
    assert_eq!(reason.setting.as_deref(), Some("thalweg.memory.per.executor.mib"));
    // Where 512 MiB are worth an executor, 4 + 8 are no less than 5 + 5.
    let (mut case, mut model) = stateful(2000.0, (512, 0.3, 2.0), &before);
    case.settings.thalweg.memory_per_executor_mib = 512.0;
    assert_eq!(asked(&mut case, &mut model, 90).0, Some(5));
}

#[test]
fn memory_does_what_executors_cannot_where_there_are_no_more_tasks() {
    let before = [(256, 0.6, 3.8), (512, 0.3, 2.0)];
    let (mut case, mut model) = stateful(2000.0, (512, 0.3, 2.0), &before);
    case.flow.components[1].tasks = 4;
    case.settings.thalweg.memory_per_executor_mib = 1.0;
    let (executors, mib, reasons) = asked(&mut case, &mut model, 90);
    assert_eq!((executors, mib), (None, Some(1024)), "{reasons:?}");
}

#[test]
fn a_level_that_brought_nothing_goes_back_with_the_next_plan_only() {
    let before = [(256, 0.6, 3.8), (512, 0.6, 3.8)];
    let (mut case, mut model) = stateful(1000.0, (512, 0.6, 3.8), &before);
    let (executors, mib, reasons) = asked(&mut case, &mut model, 90);
    assert_eq!((executors, mib), (Some(6), Some(256)), "{reasons:?}");
    // Six times 256 MiB, in executors of 4096 MiB.
    assert_eq!(coded(&reasons, ReasonCode::MemorySpare).measured, Some(0.375));
    // Where it may have no more executors, there is no plan for it to go with.
    let (mut case, mut model) = stateful(1000.0, (512, 0.6, 3.8), &before);
    case.flow.components[1].tasks = 4;
    let (executors, mib, reasons) = asked(&mut case, &mut model, 90);
    assert_eq!((executors, mib), (None, None));
    coded(&reasons, ReasonCode::TaskLimited);
    let (mut case, mut model) = stateful(750.0, (512, 0.6, 3.8), &before);
    let (executors, mib, reasons) = asked(&mut case, &mut model, 1200);
    assert_eq!((executors, mib), (None, None));
    // A quarter of an executor for an hour against 16 times 5 executors for 4 times 30 s.
    let unpaid = coded(&reasons, ReasonCode::CostAboveGain);
    assert_eq!((unpaid.measured, unpaid.limit), (Some(900.0), Some(9600.0)));
}

#[test]
fn a_level_that_answers_more_is_kept() {
    let before = [(256, 0.6, 3.8), (512, 0.3, 2.0)];
    let (case, model) = stateful(1000.0, (512, 0.3, 2.0), &before);
    case.intent(|situation| {
        let holding = Holding::of(situation, 1, &model).expect("it keeps state");
        assert_eq!(holding.spare(4), None);
        // 4096 MiB of state have room in 8 * 512 MiB, but not in 8 * 256.
        assert_eq!(holding.spare(8), None);
        Intent::Stay(Vec::new())
    });
}
