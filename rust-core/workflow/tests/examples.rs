//! Examples that can be checked by hand.
#![allow(clippy::unwrap_used)]

mod support;

use support::{balanced, drawn, mode, solved, task};
use thalweg_workflow::{
    Alpha, Amount, Money, Problem, ProblemError, Quality, Scale, Schedule, Time,
    as_orchestrators_do,
};

const STEPS: u64 = 100_000;

fn seconds(schedule: &Schedule) -> Vec<u64> {
    schedule.starts.iter().map(|start| start.get() / 1_000).collect()
}

#[test]
fn the_defaults_are_worth_one_and_half_of_both_is_half() {
    let problem = balanced(4, vec![task(&[], vec![mode(100, 40, 2), mode(50, 20, 4)])]);
    let scale = Scale::new(&problem);
    let with = |way| scale.outcome(Schedule { modes: vec![way], starts: vec![Time::ZERO] });
    assert_eq!(with(0).value, 1.0);
    assert_eq!(with(1).value, 0.5);
    assert_eq!((with(1).makespan, with(1).cost), (Time::of(50_000), Money::of(200_000_000)));
}

#[test]
fn alpha_says_how_much_is_time_and_how_much_is_cost() {
    // Half the time for half as much money again: 0.25 · 0.5 + 0.75 · 1.5 = 1.25, and 0.75 · 0.5 + 0.25 · 1.5 = 0.75.
    let tasks = vec![task(&[], vec![mode(100, 20, 2), mode(50, 30, 4)])];
    for (share, chosen) in [(0.25, 0), (0.75, 1), (1.0, 1), (0.0, 0)] {
        let alpha = Alpha::new(share).unwrap();
        let problem = Problem::new(vec![Amount::of(4_000)], tasks.clone(), alpha).unwrap();
        let solution = solved(&problem, STEPS);
        assert_eq!(solution.best.schedule.modes, [chosen], "{share}");
        assert_eq!(solution.quality, Quality::Best);
    }
    let problem = Problem::new(vec![Amount::of(4_000)], tasks, Alpha::new(0.75).unwrap()).unwrap();
    assert_eq!(solved(&problem, STEPS).best.value, 0.75);
}

#[test]
fn what_is_best_for_each_task_alone_is_not_best_for_all() {
    // Alone each is done in 60 s on all four cores. Together two run side by side in 100 s, and not after each other in 120 s.
    let ways = || vec![mode(60, 10, 4), mode(100, 10, 2)];
    let problem = balanced(4, vec![task(&[], ways()), task(&[], ways())]);
    let solution = solved(&problem, STEPS);
    assert_eq!(solution.default.makespan, Time::of(120_000));
    assert_eq!(solution.best.schedule.modes, [1, 1]);
    assert_eq!(seconds(&solution.best.schedule), [0, 0]);
    // 0.5 · 100 / 120 + 0.5
    assert!((solution.best.value - (50.0 / 120.0 + 0.5)).abs() < 1e-12);
}

#[test]
fn only_what_decides_when_all_ends_is_worth_money() {
    // Task 1 has time until task 0 has ended, so its fast way buys nothing.
    let long = vec![mode(100, 10, 1)];
    let short = vec![mode(20, 20, 1), mode(90, 5, 1)];
    let problem =
        balanced(2, vec![task(&[], long), task(&[], short), task(&[0, 1], vec![mode(10, 1, 1)])]);
    let solution = solved(&problem, STEPS);
    assert_eq!(solution.best.schedule.modes, [0, 1, 0]);
    assert_eq!(seconds(&solution.best.schedule), [0, 0, 100]);
}

#[test]
fn of_two_plans_that_are_equally_good_the_cheaper_or_the_faster_is_taken() {
    // Task 1 has time, so its fast and dear way, the default, wins nothing; both ways of task 2 cost the same.
    let tasks = vec![
        task(&[], vec![mode(100, 10, 1)]),
        task(&[], vec![mode(20, 20, 1), mode(90, 5, 1)]),
        task(&[0, 1], vec![mode(20, 7, 1), mode(10, 7, 2)]),
    ];
    for (alpha, chosen) in [(1.0, [0, 1, 1]), (0.0, [0, 1, 1])] {
        let alpha = Alpha::new(alpha).unwrap();
        let problem = Problem::new(vec![Amount::of(2_000)], tasks.clone(), alpha).unwrap();
        let solution = solved(&problem, STEPS);
        assert_eq!(solution.best.schedule.modes, chosen);
        assert_eq!(solution.quality, Quality::Best);
    }
}

#[test]
fn an_orchestrator_starts_whatever_fits_first_what_most_wait_for() {
    let one = || vec![mode(10, 1, 2)];
    let tasks = vec![task(&[], one()), task(&[], one()), task(&[1], one()), task(&[2], one())];
    let problem = balanced(2, tasks);
    let schedule = as_orchestrators_do(&problem, &problem.defaults());
    assert_eq!(seconds(&schedule), [20, 0, 10, 30]);
    assert_eq!(schedule.fault(&problem), None);
}

#[test]
fn what_cannot_be_planned_says_why() {
    let alone =
        |task| Problem::new(vec![Amount::of(2_000)], vec![task], Alpha::BALANCED).unwrap_err();
    assert_eq!(alone(task(&[], vec![mode(1, 1, 3)])), ProblemError::FitsNowhere(0));
    assert_eq!(alone(task(&[], vec![mode(0, 1, 1)])), ProblemError::Instant(0));
    assert_eq!(alone(task(&[], vec![mode(1, 0, 1)])), ProblemError::NothingCosts);
    assert_eq!(alone(task(&[1], vec![mode(1, 1, 1)])), ProblemError::Malformed(0));
    let one = || vec![mode(1, 1, 1)];
    let round = vec![task(&[], one()), task(&[0, 3], one()), task(&[1], one()), task(&[2], one())];
    let error = Problem::new(vec![Amount::of(2_000)], round, Alpha::BALANCED).unwrap_err();
    assert_eq!(error, ProblemError::Circle(vec![1, 3, 2]));
}

#[test]
fn the_same_steps_find_the_same_plan_and_a_stop_is_told() {
    let problem = drawn(7);
    let once = solved(&problem, 20_000);
    let again = solved(&problem, 20_000);
    assert_eq!(once.best.schedule, again.best.schedule);
    assert_eq!((once.steps, once.stopped), (again.steps, false));
    assert!(matches!(solved(&problem, 0).quality, Quality::AtLeast(_)), "nothing was looked at");
    let mut stop = || true;
    let stopped =
        thalweg_workflow::solve(&problem, &mut thalweg_workflow::Budget::new(1 << 40, &mut stop));
    assert!(stopped.stopped && stopped.steps < 10_000);
    assert!(matches!(stopped.quality, Quality::AtLeast(_)));
}
