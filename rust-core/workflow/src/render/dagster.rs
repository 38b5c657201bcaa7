//! A file for Dagster.

use super::python::{Step, quoted};

const IMPORTS: &str = r#"
import os
import subprocess

import dagster as dg


def run(command: str, configuration: str) -> None:
    """Runs a command; the step fails where it does."""
    subprocess.run(
        ["bash", "-c", command], check=True, env={**os.environ, "THALWEG_CONFIGURATION": configuration}
    )
"#;

pub(super) fn file(name: &str, head: &str, steps: &[Step]) -> String {
    let mut text = format!("{head}{IMPORTS}");
    for step in steps {
        let waits = !step.after.is_empty() || !step.room.is_empty();
        let waits = if waits { "ins={\"after\": dg.In(dg.Nothing)}, " } else { "" };
        text += &format!(
            "\n\n@dg.op({waits}out=dg.Out(dg.Nothing), tags={{\"dagster/priority\": \"{}\"}})\ndef {}() -> None:\n    run({}, {})\n",
            step.priority,
            step.name,
            quoted(&step.command),
            quoted(&step.configuration)
        );
    }
    text += &format!("\n\n@dg.job(name={})\ndef job() -> None:\n", quoted(name));
    for step in steps {
        let before: Vec<String> =
            step.after.iter().chain(&step.room).map(|before| format!("{before}_done")).collect();
        let after = if before.is_empty() {
            String::new()
        } else {
            format!("after=[{}]", before.join(", "))
        };
        let room = if step.room.is_empty() {
            String::new()
        } else {
            format!("  # takes over the room of {}", step.room.join(", "))
        };
        text += &format!("    {}_done = {}({after}){room}\n", step.name, step.name);
    }
    text += "\n\ndefs = dg.Definitions(jobs=[job])\n";
    text
}
