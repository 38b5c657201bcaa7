//! `thalweg plan`: what would be done now, as a difference, with its effect and cost.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use thalweg_control::Command;

use super::ask::Live;
use super::show::{Phrase, Tone, list, number, paint, pairs, reason, short, span, text, tone};
use crate::exit::Failure;

/// What a change of a job costs that can be restored.
const FROM_CHECKPOINT: &str = "cost: the job restarts from a checkpoint";

/// Shows what would be done now: each topology's plan as a difference, with its expected effect and cost, and what holds it
#[derive(Debug, Args)]
pub struct Plan {
    /// Only this topology, by name or id
    topology: Option<String>,
    #[command(flatten)]
    live: Live,
}

impl Plan {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let status = self.live.ask(Command::Status {})?;
        let wanted = |decision: &&Value| {
            self.topology.as_ref().is_none_or(|name| {
                text(decision, "/name") == name || text(decision, "/topology") == name
            })
        };
        let decisions: Vec<&Value> = list(&status, "/decisions").filter(wanted).collect();
        if let (Some(name), true) = (&self.topology, decisions.is_empty()) {
            return Err(anyhow::anyhow!("nothing was decided about {name}").into());
        }
        let answer =
            json!(decisions.iter().map(|decision| structured(decision)).collect::<Vec<_>>());
        if self.live.printed(&answer)? {
            return Ok(());
        }
        for decision in decisions {
            let verdict = text(decision, "/verdict");
            let id = text(decision, "/plan/id");
            let id = if id.is_empty() { String::new() } else { format!(", plan {id}") };
            println!(
                "{}: {}{id}",
                paint(Tone::Strong, text(decision, "/name")),
                paint(tone(verdict), verdict)
            );
            let lines = diff(decision);
            lines.iter().for_each(|line| println!("  {line}"));
            if lines.is_empty() && text(decision, "/mode") == "observe" {
                println!("  mode observe plans nothing: thalweg.mode: advise would");
            }
            list(decision, "/reasons").for_each(|given| println!("  because {}", reason(given)));
        }
        Ok(())
    }
}

/// A decision's plan as a difference, for programs.
pub fn structured(decision: &Value) -> Value {
    json!({
        "topology": decision["topology"],
        "name": decision["name"],
        "verdict": decision["verdict"],
        "plan": decision.pointer("/plan/id"),
        "changes": changes(decision).into_iter().map(|change| json!({
            "component": change.id, "executors": change.now, "desired": change.desired,
            "busy": change.busy, "expected_busy": change.expected })).collect::<Vec<_>>(),
        "memory_mib": decision.pointer("/plan/memory_mib"),
        "moves": moves(decision),
        "stops_secs": stop(decision),
        "stages_left": decision.pointer("/plan/stages_left"),
        "reasons": decision["reasons"],
        "shown": shown(decision),
    })
}

/// The plan with what it was made for, as `thalweg apply` takes it; nothing where there is none.
fn shown(decision: &Value) -> Value {
    if !decision["plan"].is_object() {
        return Value::Null;
    }
    let count = |component: &Value| {
        let executors = number(component, "/executors").filter(|count| *count > 0.0)?;
        Some((text(component, "/id").to_owned(), json!(executors as u32)))
    };
    let executors: serde_json::Map<String, Value> =
        list(decision, "/view/components").filter_map(count).collect();
    json!({ "plan": decision["plan"], "executors": executors })
}

struct Change {
    id: String,
    now: f64,
    desired: f64,
    busy: Option<f64>,
    expected: Option<f64>,
}

/// The counts that change, and how busy executors are expected to be with the same work.
fn changes(decision: &Value) -> Vec<Change> {
    let of = |id: &str| list(decision, "/view/components").find(|c| text(c, "/id") == id);
    let change = |(id, desired): (&String, &Value)| {
        let desired = desired.as_f64()?;
        let component = of(id)?;
        let now = number(component, "/executors")?;
        let busy = number(component, "/mean_capacity");
        let expected = busy.map(|busy| busy * now / desired.max(1.0));
        Some(Change { id: id.clone(), now, desired, busy, expected })
    };
    pairs(decision, "/plan/counts").filter_map(change).collect()
}

/// How many executors change their slot, by the node that they go to.
fn moves(decision: &Value) -> BTreeMap<String, u32> {
    let mut moves = BTreeMap::new();
    for row in list(decision, "/plan/rows").filter(|row| row["before"] != row["after"]) {
        *moves.entry(text(row, "/after/node").to_owned()).or_default() += 1;
    }
    moves
}

/// Seconds for which the topology is stopped, where that is known to be needed.
fn stop(decision: &Value) -> Option<f64> {
    let stops =
        |reason: &&Value| matches!(text(reason, "/code"), "ADOPTION_NEEDED" | "STOP_NEEDED");
    list(decision, "/reasons").find(stops).and_then(|reason| number(reason, "/measured"))
}

/// The lines that tell of a decision's plan; none without one.
pub fn diff(decision: &Value) -> Vec<Phrase> {
    if !decision["plan"].is_object() {
        return Vec::new();
    }
    let mut lines = counts(decision);
    lines.push(moved(decision));
    lines.push(cost(decision));
    let stages = number(decision, "/plan/stages_left").unwrap_or(0.0);
    if stages > 0.0 {
        lines.push(Phrase::plain(format!("{} more stages follow", short(stages))));
    }
    lines
}

/// The same where the engine chooses the places, and restarts all of a job at every change.
pub fn desired(decision: &Value, cost: Option<&'static str>) -> Vec<Phrase> {
    if !decision["plan"].is_object() {
        return Vec::new();
    }
    let mut lines = counts(decision);
    lines.push(Phrase::plain(match (cost, number(decision, "/view/checkpoint/duration")) {
        (Some(cost), _) => cost,
        (None, Some(_)) => FROM_CHECKPOINT,
        (None, None) => "cost: the job restarts from nothing, and its state is lost",
    }));
    lines
}

/// What becomes of executors and their memory, with how busy they are expected to be.
fn counts(decision: &Value) -> Vec<Phrase> {
    let mut lines = Vec::new();
    for Change { id, now, desired, busy, expected } in changes(decision) {
        let sign = match desired > now {
            true => Phrase::toned(Tone::Good, "+"),
            false => Phrase::toned(Tone::Notice, "-"),
        };
        let effect = busy.zip(expected).map_or(String::new(), |(busy, expected)| {
            format!(", busy {} → about {}", short(busy), short(expected))
        });
        let text = format!(" {id}: {} → {} executors{effect}", short(now), short(desired));
        lines.push(sign.and(text));
    }
    for (id, mib) in pairs(decision, "/plan/memory_mib") {
        lines.push(Phrase::plain(format!("~ {id}: {mib} MiB for each executor")));
    }
    lines
}

/// How many executors go where.
fn moved(decision: &Value) -> Phrase {
    let moves = moves(decision);
    let all = list(decision, "/plan/rows").count();
    let to: Vec<String> = moves.iter().map(|(node, count)| format!("{count} to {node}")).collect();
    let moved: u32 = moves.values().sum();
    Phrase::plain(match to.is_empty() {
        true => format!("  no executor moves, of {all}"),
        false => format!("~ {moved} of {all} executors move: {}", to.join(", ")),
    })
}

/// What it costs to carry the plan out.
fn cost(decision: &Value) -> Phrase {
    let codes: Vec<&str> = list(decision, "/reasons").map(|reason| text(reason, "/code")).collect();
    let checkpoint = number(decision, "/view/checkpoint/duration");
    Phrase::plain(match (stop(decision), checkpoint) {
        (Some(secs), _) => format!("cost: it stops for about {}", span(secs)),
        (None, Some(_)) => FROM_CHECKPOINT.to_owned(),
        (None, None) if codes.contains(&"NO_ROOM_BESIDE") => {
            "cost: it stops meanwhile, as new workers have no room beside the old ones".to_owned()
        }
        (None, None) => {
            "cost: none that is known; it is changed while it runs where that can be done"
                .to_owned()
        }
    })
}
