//! A plan as a file for an orchestrator.

mod airflow;
mod dagster;
mod python;

use thiserror::Error;

use crate::plan::Plan;
use crate::room::takes_over;
use crate::workflow::Workflow;
use python::{Step, identifier};

/// Which orchestrator a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orchestrator {
    /// Airflow 2.11 and 3.
    Airflow,
    /// Dagster.
    Dagster,
}

/// Why a plan cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A task does not say what it runs.
    #[error("{0} has no command; expected run in it, or in its configuration")]
    NoCommand(String),
    /// Two tasks would have the same name.
    #[error(
        "{0} and {1} have the same name in Python; expected names that differ in more than - and _"
    )]
    SameName(String, String),
}

impl RenderError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCommand(_) => "WORKFLOW_NO_COMMAND",
            Self::SameName(..) => "WORKFLOW_SAME_NAME",
        }
    }
}

/// The text of a file in Python that has the planned tasks of all DAGs in one, under a name.
///
/// # Errors
/// [`RenderError`].
pub fn render(
    workflow: &Workflow,
    plan: &Plan,
    to: Orchestrator,
    name: &str,
) -> Result<String, RenderError> {
    let steps = steps(workflow, plan)?;
    let name = format!("{}_planned", identifier(name));
    let head = python::head(workflow, plan);
    Ok(match to {
        Orchestrator::Airflow => airflow::file(&name, &head, &steps),
        Orchestrator::Dagster => dagster::file(&name, &head, &steps),
    })
}

fn steps(workflow: &Workflow, plan: &Plan) -> Result<Vec<Step>, RenderError> {
    let room = takes_over(workflow, plan);
    let names: Vec<String> =
        workflow.tasks.iter().map(|task| identifier(&task.full_name())).collect();
    let of = |tasks: &[usize]| tasks.iter().map(|task| names[*task].clone()).collect();
    let mut steps: Vec<Step> = Vec::new();
    for (rank, &at) in plan.order.iter().enumerate() {
        let task = &workflow.tasks[at];
        if let Some(other) = plan.order[..rank].iter().find(|other| names[**other] == names[at]) {
            let other = workflow.tasks[*other].full_name();
            return Err(RenderError::SameName(other, task.full_name()));
        }
        let command = task.command(plan.chosen[at]);
        let command = command.ok_or_else(|| RenderError::NoCommand(task.full_name()))?;
        steps.push(Step {
            name: names[at].clone(),
            command: command.to_owned(),
            configuration: task.configurations[plan.chosen[at]].name.clone(),
            after: of(&task.after),
            room: of(&room[at]),
            priority: plan.order.len() - rank,
        });
    }
    Ok(steps)
}
