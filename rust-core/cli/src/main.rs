//! The command `thalweg`: looks at decisions without a cluster.
//!
//! Exit codes: 0 it was done; 1 it could not be done; 2 the command line was wrong.
#![forbid(unsafe_code)]

mod calibrate;
mod chart;
mod files;
mod record;
mod replay;
mod settings;
mod simulate;
mod tune;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Looks at Thalweg's decisions without a cluster.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a scenario in the simulator, with the decision core that is shipped
    Simulate(simulate::Simulate),
    /// Makes the decisions of a recording again, or shows what others would have decided
    Replay(replay::Replay),
    /// Fits a scenario to recorded runs and shows simulated beside real
    Calibrate(calibrate::Calibrate),
    /// Searches settings in the simulator
    Tune(tune::Tune),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Simulate(simulate) => simulate.run(),
        Command::Replay(replay) => replay.run(),
        Command::Calibrate(calibrate) => calibrate.run(),
        Command::Tune(tune) => tune.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("thalweg: {error:#}");
            ExitCode::FAILURE
        }
    }
}
