//! What is told of the jobs of a cluster: only what is new, for people or for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg_connect::Look;
use thalweg_control::{all_visible, visible};
use thalweg_core::explain::Decision;
use thalweg_core::model::Topology;
use thalweg_core::units::Timestamp;

use super::ending::words;
use super::words::Words;
use crate::live::plan::{desired, diff, structured as planned};
use crate::live::show::{Tone, list, number, paint, reason, short, span, table, text, tone};

/// What was said last of each job or topology.
#[derive(Debug)]
pub struct Told {
    as_json: bool,
    words: Words,
    /// Of jobs by their ids: their names and what was said.
    last: BTreeMap<String, (String, String)>,
    /// Of jobs by their ids: what could not be read.
    findings: BTreeMap<String, String>,
}

/// How long was looked at what.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The cluster, for people.
    pub place: String,
    /// Its version.
    pub version: String,
    /// For how long, in seconds.
    pub secs: f64,
    /// How often.
    pub looks: u64,
    /// How often without an answer.
    pub failed: u64,
}

impl Told {
    /// Tells it as JSON lines, or for people.
    pub fn new(as_json: bool, words: Words) -> Self {
        Self { as_json, words, last: BTreeMap::new(), findings: BTreeMap::new() }
    }

    /// Tells what is new of all jobs.
    pub fn tell(&mut self, look: &Look, decisions: &[Decision]) {
        self.found(look);
        for decision in decisions {
            let said = (decision.name.clone(), words(decision));
            if self.last.get(&decision.topology) != Some(&said) {
                self.last.insert(decision.topology.clone(), said);
                self.one(look, decision);
            }
        }
        let there = |id: &str| decisions.iter().any(|decision| decision.topology == id);
        let gone: Vec<(String, String)> = self
            .last
            .iter()
            .filter(|(id, _)| !there(id))
            .map(|(id, (name, _))| (id.clone(), name.clone()))
            .collect();
        for (id, name) in gone {
            self.last.remove(&id);
            self.say(&json!({ "at": look.observation.at, "topology": id, "gone": true }), || {
                format!("{} {name}: has ended", clock(look.observation.at))
            });
        }
    }

    /// Tells what cannot be read, once, and once that it can be read again.
    fn found(&mut self, look: &Look) {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for one in &look.findings {
            let text = found.entry(one.about.clone()).or_default();
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&one.text);
        }
        let name = |about: &str| match about.is_empty() {
            true => "the cluster".to_owned(),
            false => format!("{} {}", self.words.one, visible(about)),
        };
        let new = |(about, text): &(&String, &String)| self.findings.get(*about) != Some(text);
        for (about, text) in found.iter().filter(new) {
            eprintln!("thalweg: {}: {}", name(about), visible(text));
        }
        for about in self.findings.keys().filter(|about| !found.contains_key(*about)) {
            eprintln!("thalweg: {}: is read again", name(about));
        }
        self.findings = found;
    }

    fn one(&self, look: &Look, decision: &Decision) {
        let Ok(decided) = serde_json::to_value(decision) else { return };
        let job = look.observation.topologies.iter().find(|job| job.id == decision.topology);
        let mut structured = structured(&decided, self.words);
        structured["at"] = json!(decision.at);
        structured["components"] = json!(components(&decided, job));
        structured["obstacle"] = json!(job.and_then(|job| job.obstacle));
        self.say(&structured, || {
            for_people(
                decision.at,
                &all_visible(decided),
                &all_visible(structured.clone()),
                self.words,
            )
        });
    }

    fn say(&self, structured: &Value, for_people: impl FnOnce() -> String) {
        if self.as_json {
            println!("{structured}");
        } else {
            println!("{}", for_people());
        }
    }

    /// Tells what it all came to.
    pub fn sum_up(&self, watched: &Watched, decisions: &[Decision]) {
        let decided: Vec<Value> =
            decisions.iter().filter_map(|decision| serde_json::to_value(decision).ok()).collect();
        if self.as_json {
            let seen: Vec<Value> = decided.iter().map(|one| structured(one, self.words)).collect();
            let summary = json!({ "cluster": watched.place, "version": watched.version,
                "secs": watched.secs, "looks": watched.looks, "failed_looks": watched.failed,
                (self.words.all): seen });
            println!("{}", json!({ "summary": summary }));
            return;
        }
        println!(
            "{} {} {} at {}: {} looks in {}, {} without an answer; nothing was touched",
            paint(Tone::Strong, "summary"),
            self.words.engine,
            watched.version,
            watched.place,
            watched.looks,
            span(watched.secs),
            watched.failed,
        );
        for decision in decided {
            println!("  {}", in_short(&all_visible(decision), self.words));
        }
    }
}

/// A decision's plan for programs, without places where the engine chooses them.
fn structured(decided: &Value, words: Words) -> Value {
    let mut planned = planned(decided);
    if let Some(fields) = planned.as_object_mut() {
        fields.retain(|field, _| field != "shown" && (words.is_placed || field != "moves"));
    }
    planned
}

/// What is seen of each component.
fn components(decided: &Value, job: Option<&Topology>) -> Vec<Value> {
    let seen = (0..).zip(list(decided, "/view/components"));
    let one = |(index, component): (usize, &Value)| {
        let backlog = job.and_then(|job| job.components.get(index)?.backlog);
        json!({
            "id": component["id"],
            "kind": component["kind"],
            "executors": component["executors"],
            "measured": component["measured"],
            "rate": component["rate"],
            "busy": component["mean_capacity"],
            "busiest": component["capacity"],
            "backlog": backlog,
        })
    };
    seen.map(one).collect()
}

fn for_people(at: Timestamp, decided: &Value, structured: &Value, words: Words) -> String {
    let verdict = text(decided, "/verdict");
    let mut lines = vec![format!(
        "{} {} ({}): {}",
        clock(at),
        paint(Tone::Strong, text(decided, "/name")),
        text(decided, "/topology"),
        paint(tone(verdict), verdict)
    )];
    let mut rows = table(&["component", words.executors, "rate/s", "busy", "busiest", "waiting"]);
    for component in list(structured, "/components") {
        let shown = |path: &str| number(component, path).map_or("-".to_owned(), short);
        rows.add_row([
            text(component, "/id").to_owned(),
            shown("/executors"),
            shown("/rate"),
            shown("/busy"),
            shown("/busiest"),
            shown("/backlog"),
        ]);
    }
    if !rows.is_empty() {
        lines.extend(rows.to_string().lines().map(|line| format!("  {}", line.trim_end())));
    }
    let plan = if words.is_placed { diff(decided) } else { desired(decided, words.cost) };
    lines.extend(plan.iter().map(|line| format!("  {line}")));
    let (against, reasons) = against(decided);
    lines.extend(reasons.iter().map(|given| format!("  because {}", reason(given))));
    lines.extend(against.iter().map(|given| format!("  but {}", reason(given))));
    lines.join("\n")
}

/// A job in one line: what it would get, or why it stays as it is.
fn in_short(decision: &Value, words: Words) -> String {
    let name = text(decision, "/name");
    let changes: Vec<String> = list(&structured(decision, words), "/changes")
        .map(|change| {
            let of = |path: &str| number(change, path).map_or("?".to_owned(), short);
            format!("{} {} → {}", text(change, "/component"), of("/executors"), of("/desired"))
        })
        .collect();
    let (against, reasons) = against(decision);
    let but: Vec<String> = against.iter().map(|one| format!("; but {}", reason(one))).collect();
    let because = reasons.first().map(|one| reason(one)).unwrap_or_default();
    let advised = text(decision, "/verdict") == "advise" && !changes.is_empty();
    let what = match advised {
        true => format!("would get {}", changes.join(", ")),
        false => "stays as it is".to_owned(),
    };
    format!("{name}: {what}, because {because}{}", but.concat())
}

/// What stands against a plan that would be carried out otherwise, and all other reasons, the foremost first. Without a plan
/// all are reasons to stay.
fn against(decision: &Value) -> (Vec<&Value>, Vec<&Value>) {
    let planned = decision["plan"].is_object();
    list(decision, "/reasons")
        .partition(|reason| planned && text(reason, "/code") == "CHECKPOINTS_MISSING")
}

/// The time of day, UTC.
fn clock(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.millis());
    time.map_or_else(|_| at.millis().to_string(), |time| time.strftime("%H:%M:%SZ").to_string())
}
