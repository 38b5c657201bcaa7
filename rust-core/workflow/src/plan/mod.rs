//! A solution with names, and with the reason of each choice.

mod named;
mod reasons;
mod told;

pub use told::{Beside, Other, Plan, PlannedTask, Then, Told, WhyNot};

use crate::problem::ProblemError;
use crate::search::{Budget, Quality, Scale, solve};
use crate::workflow::{CostFrom, NamedTask, Workflow};
use named::Named;
use reasons::{others, why_then};

/// Plans a workflow.
///
/// # Errors
/// When it cannot be planned; a workflow that was read can.
pub fn plan(workflow: &Workflow, budget: &mut Budget<'_>) -> Result<Plan, ProblemError> {
    let problem = workflow.problem()?;
    let solution = solve(&problem, budget);
    Ok(told(&Named::new(workflow, &problem, &solution)))
}

fn told(named: &Named<'_>) -> Plan {
    let (best, default) = (named.best(), &named.solution.default);
    let order = best.schedule.by_start();
    let scale = Scale::new(named.problem);
    let quality = named.solution.quality;
    let within_percent = quality.gap_percent(best.value);
    Plan {
        alpha: named.workflow.alpha,
        currency: named.workflow.currency.clone(),
        objective: best.value,
        makespan_secs: Beside { planned: best.makespan, default: default.makespan },
        cost: Beside { planned: best.cost, default: default.cost },
        proved_best: quality == Quality::Best,
        lower_bound: match quality {
            Quality::Best => best.value,
            Quality::AtLeast(bound) => bound,
        },
        within_percent,
        steps: named.solution.steps,
        stopped: named.solution.stopped,
        tasks: order.iter().map(|at| planned(named, &scale, *at)).collect(),
        chosen: (0..order.len()).map(|task| named.configuration(task)).collect(),
        starts: best.schedule.starts.clone(),
        order,
    }
}

fn planned(named: &Named<'_>, scale: &Scale<'_>, at: usize) -> PlannedTask {
    let (task, chosen) = (&named.workflow.tasks[at], named.configuration(at));
    PlannedTask {
        dag: task.dag.clone(),
        task: task.name.clone(),
        configuration: task.configurations[chosen].name.clone(),
        default: task.configurations[task.default].name.clone(),
        measured: Beside { planned: measured(task, chosen), default: measured(task, task.default) },
        start_secs: named.best().schedule.starts[at],
        end_secs: named.best().schedule.end_of(named.problem, at),
        starts_because: why_then(named, at),
        others: others(named, scale, at),
    }
}

/// What was measured of a configuration that is used, so that something was.
fn measured(task: &NamedTask, configuration: usize) -> Told {
    let measured = task.configurations[configuration].measured;
    measured.map_or_else(Told::default, |it| Told {
        secs: it.length,
        cost: it.cost,
        runs: it.runs,
        cost_from_prices: it.cost_from == CostFrom::Prices,
    })
}
