//! A plan, for people.

use comfy_table::{Table, presets};
use thalweg_workflow::{Other, Plan, PlannedTask, Then, WhyNot};

/// Prints a plan.
pub(super) fn tell(plan: &Plan, why_not: bool) {
    let money = |amount: f64| {
        let currency = if plan.currency.is_empty() { "" } else { " " };
        format!("{amount:.4}{currency}{}", plan.currency)
    };
    let (makespan, cost) = (plan.makespan_secs, plan.cost);
    let [planned, default] = [makespan.planned, makespan.default].map(|time| time.units());
    println!(
        "all ends after {planned:.1} s, and with each task's default after {default:.1} s ({})",
        less(planned, default)
    );
    let [planned, default] = [cost.planned, cost.default].map(|cost| cost.units());
    println!(
        "it costs {}, and with each task's default {} ({})",
        money(planned),
        money(default),
        less(planned, default)
    );
    println!(
        "objective: {} of time and {} of cost make {:.4}, that of the defaults being 1",
        plan.alpha.get(),
        // What is left of one, without the noise of its last digits.
        (1e9 - plan.alpha.get() * 1e9).round() / 1e9,
        plan.objective
    );
    println!("{}", quality(plan));
    println!("\n{}", table(plan));
    println!();
    for task in &plan.tasks {
        println!("{} {}, {}", name(task), then(&task.starts_because), chosen(task));
        let is_default = |other: &Other| other.configuration == task.default;
        for other in
            task.others.iter().filter(|other| why_not || is_default(other) || is_unused(other))
        {
            let default = if is_default(other) { ", its default" } else { "" };
            println!("  not {}{default}: {}", other.configuration, refused(plan, &other.because));
        }
    }
}

fn name(task: &PlannedTask) -> String {
    format!("{}.{}", task.dag, task.task)
}

fn less(planned: f64, default: f64) -> String {
    if default == 0.0 {
        return "nothing to compare with".to_owned();
    }
    let percent = (1.0 - planned / default) * 100.0;
    if percent >= 0.0 { format!("{percent:.1} % less") } else { format!("{:.1} % more", -percent) }
}

/// How good the plan is, as far as it is known.
fn quality(plan: &Plan) -> String {
    let steps = plan.steps;
    let ended =
        if plan.stopped { ", when its time was up: another time it may find another" } else { "" };
    if plan.proved_best {
        return format!("there is no better plan by these figures; {steps} steps have proved it");
    }
    format!(
        "it is not proved to be the best: within {:.1} % of the lower bound ({:.4}), after {steps} steps{ended}",
        plan.within_percent, plan.lower_bound
    )
}

fn table(plan: &Plan) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["task", "configuration", "default", "start, s", "end, s", "cost"]);
    for task in &plan.tasks {
        table.add_row([
            name(task),
            task.configuration.clone(),
            task.default.clone(),
            format!("{:.1}", task.start_secs.units()),
            format!("{:.1}", task.end_secs.units()),
            format!("{:.4}", task.measured.planned.cost.units()),
        ]);
    }
    table
}

/// What was measured of the chosen configuration.
fn chosen(task: &PlannedTask) -> String {
    let told = task.measured.planned;
    let runs = if told.runs == 1 { "1 run".to_owned() } else { format!("{} runs", told.runs) };
    let from = if told.cost_from_prices { ", cost from prices" } else { "" };
    let default = if task.configuration == task.default { ", its default" } else { "" };
    format!(
        "in {}{default}: {:.1} s for {:.4} (median of {runs}{from})",
        task.configuration,
        told.secs.units(),
        told.cost.units()
    )
}

fn then(then: &Then) -> String {
    match then {
        Then::AtOnce => "starts at once".to_owned(),
        Then::After { task } => format!("starts when {task} has ended"),
        Then::Room { resource, needs, there, task } => {
            let [needs, there] = [needs, there].map(|amount| amount.units());
            format!("starts when {task} has ended, as it needs {needs} of {there} {resource}")
        }
    }
}

/// Whether it could not have been chosen, which is always told.
fn is_unused(other: &Other) -> bool {
    !matches!(other.because, WhyNot::WouldBe { .. })
}

fn refused(plan: &Plan, because: &WhyNot) -> String {
    match because {
        WhyNot::NeverRan => "it has no past runs, so it is not measured and not used".to_owned(),
        WhyNot::TooLarge { resource, needs, there } => {
            format!("it needs {} {resource}, and there are {}", needs.units(), there.units())
        }
        WhyNot::WouldBe { objective, makespan_secs, cost } => format!(
            "all would end after {:.1} s and cost {:.4}, objective {objective:.4} instead of {:.4}",
            makespan_secs.units(),
            cost.units(),
            plan.objective
        ),
    }
}
