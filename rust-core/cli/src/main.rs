//! The command `thalweg`: asks running schedulers, gives them orders, and looks at decisions without a cluster.
#![forbid(unsafe_code)]

mod advise;
mod calibrate;
mod chart;
mod config;
#[cfg(test)]
mod docs;
mod exit;
mod files;
mod learn;
mod ledger;
mod live;
mod manual;
mod nodes;
mod parquet;
mod record;
mod recording;
mod replay;
mod run;
mod serve;
mod settings;
mod signals;
mod simulate;
mod speaking;
mod token;
mod tune;
mod worker_archive;
mod workflow;
mod yaml;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thalweg_control::visible;

use crate::exit::Failure;
use crate::live::apply::Apply;
use crate::live::doctor::Doctor;
use crate::live::explain::Explain;
use crate::live::history::History;
use crate::live::lag::Lag;
use crate::live::orders::{Cancel, Drain, Rollback, Scale, Undrain};
use crate::live::plan::Plan;
use crate::live::status::Status;
use crate::live::watch::Watch;
use crate::live::words::{Approve, Mode, Pause, Reject, Resume};
use crate::serve::Serve;

/// Asks running schedulers, gives them orders, and looks at decisions without a cluster.
#[derive(Parser)]
#[command(name = "thalweg", version, about, after_help = exit::help())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Status(Status),
    Watch(Watch),
    Explain(Explain),
    Plan(Plan),
    Apply(Apply),
    Scale(Scale),
    Rollback(Rollback),
    Cancel(Cancel),
    Drain(Drain),
    Undrain(Undrain),
    Pause(Pause),
    Resume(Resume),
    Mode(Mode),
    Approve(Approve),
    Reject(Reject),
    History(History),
    Doctor(Doctor),
    Lag(Lag),
    Advise(advise::Advise),
    Run(run::Run),
    Nodes(nodes::Nodes),
    Recording(recording::Recording),
    Ledger(ledger::Ledger),
    Config(config::Config),
    Token(token::NewToken),
    Completions(manual::Completions),
    #[command(hide = true)]
    Manual(manual::Manual),
    /// Runs a scenario in the simulator, with the decision core that is shipped
    Simulate(simulate::Simulate),
    /// Makes the decisions of a recording again, or shows what others would have decided
    Replay(replay::Replay),
    /// Fits a scenario to recorded runs and shows simulated beside real
    Calibrate(calibrate::Calibrate),
    /// Shows engines over HTTP, in a dashboard and to Prometheus
    Serve(Serve),
    /// Searches settings in the simulator
    Tune(tune::Tune),
    Train(learn::Train),
    Models(learn::Models),
    WorkerArchive(worker_archive::WorkerArchive),
    Workflow(workflow::WorkflowCommand),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let said = failure.to_string();
            if !said.is_empty() {
                eprintln!("thalweg: {}", harmless(&failure, &said));
            }
            failure.code()
        }
    }
}

/// What went wrong, without signs that a terminal would obey. Only what this program, a parser or Java says has several lines.
fn harmless(failure: &Failure, said: &str) -> String {
    match failure {
        Failure::Failed(_) => said.lines().map(visible).collect::<Vec<_>>().join("\n"),
        _ => visible(said).into_owned(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Status(status) => status.run(),
        Command::Watch(watch) => watch.run(),
        Command::Explain(explain) => explain.run(),
        Command::Plan(plan) => plan.run(),
        Command::Apply(apply) => apply.run(),
        Command::Scale(scale) => scale.run(),
        Command::Rollback(rollback) => rollback.run(),
        Command::Cancel(cancel) => cancel.run(),
        Command::Drain(drain) => drain.run(),
        Command::Undrain(undrain) => undrain.run(),
        Command::Pause(pause) => pause.run(),
        Command::Resume(resume) => resume.run(),
        Command::Mode(mode) => mode.run(),
        Command::Approve(approve) => approve.run(),
        Command::Reject(reject) => reject.run(),
        Command::History(history) => history.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Lag(lag) => lag.run(),
        Command::Advise(advise) => advise.run(),
        Command::Run(beside) => beside.run(),
        Command::Nodes(nodes) => nodes.run(),
        Command::Recording(recording) => recording.run(),
        Command::Ledger(ledger) => ledger.run(),
        Command::Config(config) => config.run(),
        Command::Token(token) => Ok(token.run()?),
        Command::Completions(completions) => {
            completions.run();
            Ok(())
        }
        Command::Manual(manual) => Ok(manual.run()?),
        Command::Simulate(simulate) => Ok(simulate.run()?),
        Command::Replay(replay) => Ok(replay.run()?),
        Command::Calibrate(calibrate) => Ok(calibrate.run()?),
        Command::Serve(serve) => Ok(serve.run()?),
        Command::Tune(tune) => Ok(tune.run()?),
        Command::Train(train) => Ok(train.run()?),
        Command::Models(models) => Ok(models.run()?),
        Command::WorkerArchive(archive) => Ok(archive.run()?),
        Command::Workflow(workflow) => Ok(workflow.run()?),
    }
}
