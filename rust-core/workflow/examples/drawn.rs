//! Draws problems from seeds and prints each with the plan that is found, one a line in JSON, for another solver to be
//! held against: `drawn FIRST COUNT STEPS [TASKS]`, small ones without a number of tasks, or `drawn FILE STEPS` of a workflow.

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use serde_json::{Value, json};
use support::{Dice, drawn, drawn_of, solved};
use thalweg_workflow::{Amount, Mode, Outcome, Problem, Quality, read};

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = given.iter().filter_map(|text| text.parse().ok()).collect();
    match (&numbers[..], &given[..]) {
        ([steps], [file, _]) => match of_file(file) {
            Ok(problem) => tell(file, &problem, *steps),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        },
        ([first, count, steps, tasks @ ..], _) => {
            for seed in *first..first + count {
                let problem = match tasks.first() {
                    Some(tasks) => drawn_of(*tasks as usize, &mut Dice::of(seed)),
                    None => drawn(seed),
                };
                tell(&seed.to_string(), &problem, *steps);
            }
        }
        _ => {
            eprintln!("drawn FIRST COUNT STEPS [TASKS], or drawn FILE STEPS");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn of_file(file: &str) -> Result<Problem, Box<dyn std::error::Error>> {
    Ok(read(file, &std::fs::read_to_string(file)?)?.problem()?)
}

fn tell(name: &str, problem: &Problem, steps: u64) {
    let solution = solved(problem, steps);
    let line = json!({
        "name": name,
        "problem": of_problem(problem),
        "default": of_outcome(&solution.default),
        "plan": of_outcome(&solution.best),
        "best": solution.quality == Quality::Best,
        "gap_percent": solution.quality.gap_percent(solution.best.value),
        "steps": solution.steps,
    });
    println!("{line}");
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
