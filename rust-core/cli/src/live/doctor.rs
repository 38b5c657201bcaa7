//! `thalweg doctor`: what keeps elasticity from working, each with its mend.

use clap::Args;
use serde_json::Value;
use thalweg_control::Command;

use super::ask::Live;
use super::show::{Tone, list, paint, text};
use crate::exit::Failure;

/// Finds what keeps elasticity from working without anybody being told, and prints the mend of each
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    live: Live,
}

impl Doctor {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let found = self.live.ask(Command::Doctor {})?;
        let findings: Vec<&Value> = list(&found, "/findings").collect();
        if !self.live.printed(&found)? {
            findings.iter().for_each(|finding| print(finding));
            if findings.is_empty() {
                println!("{}", paint(Tone::Good, "nothing was found"));
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(Failure::Found) }
    }
}

fn print(finding: &Value) {
    let about = text(finding, "/about");
    let about = if about.is_empty() { String::new() } else { format!(" {about}:") };
    println!("{}{about} {}", paint(Tone::Notice, text(finding, "/code")), text(finding, "/text"));
    let mend = text(finding, "/mend");
    if !mend.is_empty() {
        println!("    {}", paint(Tone::Strong, mend));
    }
}
