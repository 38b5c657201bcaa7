//! Draws problems from seeds and prints each with the plan that is found, one a line in JSON, for another solver to be
//! held against: `drawn FIRST COUNT STEPS [TASKS]`, small ones without a number of tasks.

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::{Value, json};
use support::{Dice, drawn, drawn_of, solved};
use thalweg_workflow::{Amount, Mode, Outcome, Problem, Quality};

fn main() {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [first, count, steps, ref tasks @ ..] = given[..] else {
        eprintln!("drawn FIRST COUNT STEPS [TASKS]");
        std::process::exit(2);
    };
    for seed in first..first + count {
        let problem = match tasks.first() {
            Some(tasks) => drawn_of(*tasks as usize, &mut Dice::of(seed)),
            None => drawn(seed),
        };
        let solution = solved(&problem, steps);
        let line = json!({
            "seed": seed,
            "problem": of_problem(&problem),
            "default": of_outcome(&solution.default),
            "plan": of_outcome(&solution.best),
            "best": solution.quality == Quality::Best,
            "gap_percent": solution.quality.gap_percent(solution.best.value),
            "steps": solution.steps,
        });
        println!("{line}");
    }
}

fn of_problem(problem: &Problem) -> Value {
    let tasks = problem.tasks().iter().map(|task| {
        let modes = task.modes.iter().map(of_mode);
        json!({ "after": task.after, "default": task.default, "modes": modes.collect::<Vec<_>>() })
    });
    json!({
        "alpha": problem.alpha(),
        "capacity": amounts(problem.capacity()),
        "tasks": tasks.collect::<Vec<_>>(),
    })
}

fn of_mode(mode: &Mode) -> Value {
    json!({ "length": mode.length.get(), "cost": mode.cost.get(), "needs": amounts(&mode.needs) })
}

fn amounts(amounts: &[Amount]) -> Vec<u64> {
    amounts.iter().map(|amount| amount.get()).collect()
}

fn of_outcome(outcome: &Outcome) -> Value {
    let starts: Vec<u64> = outcome.schedule.starts.iter().map(|start| start.get()).collect();
    json!({
        "modes": outcome.schedule.modes,
        "starts": starts,
        "makespan": outcome.makespan.get(),
        "cost": outcome.cost.get(),
        "value": outcome.value,
    })
}
