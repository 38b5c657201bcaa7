//! `thalweg workflow`: configurations and schedule of workflows, and plans as files for orchestrators.

mod told;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use thalweg_workflow::{Alpha, Budget, Orchestrator, Plan, Workflow};

use crate::files::{print_json, text, write};

/// Chooses configurations and schedule of workflows together, from what past runs took and cost
#[derive(Debug, Args)]
pub struct WorkflowCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Plan(PlanIt),
    Render(Render),
}

impl WorkflowCommand {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Plan(plan) => plan.run(),
            What::Render(render) => render.run(),
        }
    }
}

/// What is planned, and for how long at most.
#[derive(Debug, Args)]
struct Given {
    /// The workflow: resources, DAGs, tasks with their configurations and past runs, as YAML
    file: PathBuf,
    /// How much of the objective is time, from 0 (cost alone) to 1 (time alone), instead of what the file says
    #[arg(long, value_name = "SHARE", value_parser = alpha)]
    alpha: Option<Alpha>,
    /// How much may be tried, in placements of a task: the same file and steps have the same plan
    #[arg(long, value_name = "COUNT", default_value_t = 4_000_000)]
    steps: u64,
    /// Ends the search after this time, if its steps have not; what is found then depends on the machine
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
}

fn alpha(text: &str) -> Result<Alpha, String> {
    let share = text.parse().ok().and_then(Alpha::new);
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

impl Given {
    fn planned(&self) -> Result<(Workflow, Plan)> {
        let name = self.file.display().to_string();
        let mut workflow = thalweg_workflow::read(&name, &text(&self.file)?)
            .map_err(|error| anyhow!("{error} ({})", error.code()))?;
        workflow.alpha = self.alpha.unwrap_or(workflow.alpha);
        let (begun, most) = (Instant::now(), Duration::from_secs(self.seconds));
        let mut stop = || begun.elapsed() >= most;
        let plan = thalweg_workflow::plan(&workflow, &mut Budget::new(self.steps, &mut stop));
        let plan = plan.map_err(|error| anyhow!("{name}: {error}"))?;
        Ok((workflow, plan))
    }
}

/// Shows in which configuration each task is to run and when it is to start, beside the defaults, each with its reason
#[derive(Debug, Args)]
struct PlanIt {
    #[command(flatten)]
    given: Given,
    /// Also says of every other configuration of each task why it was not chosen
    #[arg(long)]
    why_not: bool,
    /// Prints the plan as JSON
    #[arg(long)]
    json: bool,
}

impl PlanIt {
    fn run(self) -> Result<()> {
        let (_, plan) = self.given.planned()?;
        if self.json {
            return print_json(&serde_json::to_value(&plan)?);
        }
        told::tell(&plan, self.why_not);
        Ok(())
    }
}

/// Writes the plan as a file in Python for an orchestrator
#[derive(Debug, Args)]
struct Render {
    #[command(flatten)]
    given: Given,
    /// Which orchestrator
    #[arg(long, value_enum)]
    to: To,
    /// Its name there, to which `_planned` is added; without it that of the file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where to write it; without it, it is printed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum To {
    /// Airflow 2.11 and 3
    Airflow,
    /// Dagster
    Dagster,
}

impl Render {
    fn run(self) -> Result<()> {
        let (workflow, plan) = self.given.planned()?;
        let stem = self.given.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = self.name.or(stem).unwrap_or_default();
        let to = match self.to {
            To::Airflow => Orchestrator::Airflow,
            To::Dagster => Orchestrator::Dagster,
        };
        let rendered = thalweg_workflow::render(&workflow, &plan, to, &name).map_err(|error| {
            anyhow!("{}: {error} ({})", self.given.file.display(), error.code())
        })?;
        match &self.output {
            Some(path) => write(path, &rendered),
            None => {
                print!("{rendered}");
                Ok(())
            }
        }
    }
}
