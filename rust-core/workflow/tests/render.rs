//! Plans as files for orchestrators, beside golden ones: `UPDATE_GOLDEN=1` writes them anew. The tests of the integrations
//! load them in Airflow and Dagster, and run them.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use thalweg_workflow::{Budget, Orchestrator, Plan, Workflow, plan, read, render};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn text() -> String {
    std::fs::read_to_string(golden("workflow.yaml")).unwrap()
}

fn planned(text: &str) -> (Workflow, Plan) {
    let workflow = read("workflow.yaml", text).unwrap();
    let plan = plan(&workflow, &mut Budget::new(100_000, &mut || false)).unwrap();
    (workflow, plan)
}

#[test]
fn files_for_orchestrators_are_as_they_were() {
    let (workflow, plan) = planned(&text());
    for (to, name) in [(Orchestrator::Airflow, "airflow.py"), (Orchestrator::Dagster, "dagster.py")]
    {
        let rendered = render(&workflow, &plan, to, "golden").unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden(name), &rendered).unwrap();
        }
        assert_eq!(rendered, std::fs::read_to_string(golden(name)).unwrap(), "{name}");
    }
}

#[test]
fn a_task_without_a_command_and_two_of_one_name_are_refused() {
    let code = |from: &str, to: &str| {
        let (workflow, plan) = planned(&text().replace(from, to));
        render(&workflow, &plan, Orchestrator::Airflow, "golden").unwrap_err().code()
    };
    assert_eq!(code("      run: echo report >> \"$OUT\"\n", ""), "WORKFLOW_NO_COMMAND");
    assert_eq!(code("    report:\n", "    clean_up:\n"), "WORKFLOW_SAME_NAME");
}

/// What each task waits for, at once or by way of others, as the file for Airflow says it.
fn waits(rendered: &str) -> Vec<(String, String)> {
    let pairs = rendered.lines().filter_map(|line| line.trim().split_once(" >> "));
    let mut waits: Vec<(String, String)> = pairs
        .map(|(before, task)| (before.to_owned(), task.split(' ').next().unwrap().to_owned()))
        .collect();
    loop {
        let further = waits.iter().flat_map(|(a, b)| {
            waits.iter().filter(move |(from, _)| from == b).map(|(_, to)| (a.clone(), to.clone()))
        });
        let further: Vec<_> = further.filter(|pair| !waits.contains(pair)).collect();
        let Some(next) = further.first() else { return waits };
        waits.push(next.clone());
    }
}

#[test]
fn whatever_may_run_together_finds_room_together() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/workflow/two-dags.yaml");
    let (workflow, plan) = planned(&std::fs::read_to_string(path).unwrap());
    let waits = waits(&render(&workflow, &plan, Orchestrator::Airflow, "golden").unwrap());
    let name = |task: usize| workflow.tasks[task].full_name().replace('.', "__");
    let apart = |a: usize, b: usize| {
        waits
            .iter()
            .any(|(x, y)| (*x == name(a) && *y == name(b)) || (*x == name(b) && *y == name(a)))
    };
    // All sets of tasks of which none waits for another.
    let count = workflow.tasks.len();
    for set in 0u32..1 << count {
        let tasks: Vec<usize> = (0..count).filter(|task| set >> task & 1 == 1).collect();
        let together = |a: &usize| tasks.iter().all(|b| a == b || !apart(*a, *b));
        if !tasks.iter().all(together) {
            continue;
        }
        for (kind, resource) in workflow.resources.iter().enumerate() {
            let held = tasks.iter().map(|task| {
                workflow.tasks[*task].configurations[plan.chosen[*task]].needs[kind].get()
            });
            assert!(held.sum::<u64>() <= resource.capacity.get(), "{tasks:?}");
        }
    }
}
