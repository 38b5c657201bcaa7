//! The story in lines of text, for as many rows as there are.

use std::collections::BTreeMap;

use console::style;
use thalweg_core::explain::{Decision, Outcome, Plan, Reason, Verdict};
use thalweg_core::plan::{MigrationRow, Slot};
use thalweg_core::units::Millis;
use thalweg_experiment::status::Ended;
use thalweg_experiment::summary::short;
use thalweg_experiment::{Phase, Side};

use crate::story::{Mark, Story};

const BAR: usize = 10;

/// One picture of everything.
pub fn frame(story: &Story, (rows, columns): (usize, usize)) -> Vec<String> {
    let mut lines = vec![style(title(story)).bold().to_string()];
    lines.extend([Side::Default, Side::Thalweg].map(|side| phases(story, side)));
    lines.push(vitals(story));
    lines.push(rule(columns));
    lines.extend(components(story));
    lines.extend(nodes(story));
    lines.push(rule(columns));
    let mut loop_lines = story.decision().map(verdict).unwrap_or_default();
    let mut last = Vec::new();
    if let Some(status) = &story.status {
        last.extend(status.ended.first().map(ended));
        last.extend(status.outcomes.first().map(outcome));
        let active = status.plan.as_ref().map(|active| &active.plan);
        if let Some(latest) = active.or(status.ended.first().map(|ended| &ended.plan)) {
            let room = rows.saturating_sub(lines.len() + loop_lines.len() + last.len());
            loop_lines.extend(plan(story, latest, room));
        }
    }
    lines.extend(loop_lines);
    lines.extend(last);
    lines
}

/// What this is.
pub fn title(story: &Story) -> String {
    let cores: Vec<String> = story.situation.cores.iter().map(ToString::to_string).collect();
    let secs = story.begun.elapsed().as_secs();
    format!(
        "({}) {} | cores {} | {} lines/s | {}:{:02}",
        story.situation.name,
        story.situation.title,
        cores.join(", "),
        story.situation.rate,
        secs / 60,
        secs % 60
    )
}

/// A phase in a word or two; Storm's own scheduler neither decides nor acts.
pub fn name_of(side: Side, phase: Phase) -> &'static str {
    match (phase, side) {
        (Phase::SetUp, _) => "set up",
        (Phase::Load, _) => "load",
        (Phase::Decide, Side::Default) => "settle",
        (Phase::Decide, Side::Thalweg) => "decide",
        (Phase::Act, _) => "act",
        (Phase::Verify, _) => "verify",
        (Phase::Measure, _) => "measure",
        (Phase::TearDown, _) => "stop",
    }
}

fn phases(story: &Story, side: Side) -> String {
    let all: &[Phase] = match side {
        Side::Default => &[Phase::SetUp, Phase::Load, Phase::Decide, Phase::Measure],
        Side::Thalweg => {
            &[Phase::SetUp, Phase::Load, Phase::Decide, Phase::Act, Phase::Verify, Phase::Measure]
        }
    };
    let label = match side {
        Side::Default => "Default ",
        Side::Thalweg => "Thalweg ",
    };
    let current = story.marks.last().filter(|mark| mark.side == side);
    let words = all.iter().map(|phase| {
        let found = story.marks.iter().find(|mark| mark.side == side && mark.phase == *phase);
        let name = name_of(side, *phase);
        match found {
            None => style(format!("· {name}")).dim().to_string(),
            Some(mark) => phase_word(mark, name),
        }
    });
    let mut line = label.to_owned() + &words.collect::<Vec<_>>().join("  ");
    if current.is_some() && !story.note.is_empty() {
        line += &format!("  {}", style(&story.note).dim());
    }
    line
}

fn phase_word(mark: &Mark, name: &str) -> String {
    match mark.took {
        Some(took) => format!("{} {name} {}s", style("✔").green(), took.as_secs()),
        None => format!("{} {name} {}s", style("●").yellow(), mark.begun.elapsed().as_secs()),
    }
}

/// The last seconds, as a user of the topology feels them.
pub fn vitals(story: &Story) -> String {
    let vitals = &story.vitals;
    format!(
        "output {:>4.0} words/s   complete latency {:>6} ms, p99 {:>5} ms   {} lines sent",
        vitals.words,
        short(vitals.complete_ms),
        vitals.p99_ms,
        vitals.sent
    )
}

/// Components as Thalweg sees them, or as far as Nimbus knows.
pub fn components(story: &Story) -> Vec<String> {
    let head = "component  executors   rate/s  execute ms  process ms  capacity         level";
    let mut lines = vec![style(head).dim().to_string()];
    match story.decision() {
        Some(decision) => {
            let own = decision.view.components.iter().filter(|c| !c.id.starts_with("__"));
            lines.extend(own.map(|c| {
                let rate = c.rate.map_or("-".to_owned(), |rate| format!("{:.0}", rate.get()));
                let busy = c.capacity.map(|busy| busy.get());
                let percent = busy.map_or("-".to_owned(), |busy| format!("{:.0}", busy * 100.0));
                format!(
                    "{:<10} {:>4} of {:<3} {:>7} {:>11} {:>11}  {} {:>4} %  {:>3}",
                    c.id,
                    c.executors,
                    c.tasks,
                    rate,
                    millis(c.execute_latency),
                    millis(c.process_latency),
                    bar(busy.unwrap_or(0.0)),
                    percent,
                    c.level
                )
            }));
        }
        None => lines.extend(known_to_nimbus(story)),
    }
    lines
}

fn known_to_nimbus(story: &Story) -> Vec<String> {
    let mut counts: BTreeMap<&str, (u32, f64, f64)> = BTreeMap::new();
    let executors = story.info.iter().flat_map(|info| &info.executors);
    for executor in executors.filter(|executor| !executor.component.starts_with("__")) {
        let (count, execute, process) = counts.entry(&executor.component).or_default();
        *count += 1;
        if let Some(stats) = &executor.stats {
            *execute = execute.max(stats.execute_ms.unwrap_or(0.0));
            *process = process.max(stats.process_ms.unwrap_or(0.0));
        }
    }
    let row = |(component, (count, execute, process)): (&str, (u32, f64, f64))| {
        let (execute, process) = (short(execute), short(process));
        format!("{component:<10} {count:>4}        {:>7} {execute:>11} {process:>11}", "")
    };
    counts.into_iter().map(row).collect()
}

/// Nodes as Thalweg has come to know them.
fn nodes(story: &Story) -> Vec<String> {
    let Some(decision) = story.decision() else { return Vec::new() };
    let head = "node              power  load                round trip ms";
    let mut lines = vec![style(head).dim().to_string()];
    lines.extend(decision.view.nodes.iter().map(|node| {
        let load = node.load.get();
        format!(
            "{:<15} {:>7.2}  {} {:>4.0} %  {:>13}",
            node.host,
            node.power.get(),
            bar(load),
            load * 100.0,
            millis(node.round_trip)
        )
    }));
    lines
}

/// What was decided, and each reason with the setting that would change it.
pub fn verdict(decision: &Decision) -> Vec<String> {
    let word = match decision.verdict {
        Verdict::Hold => style("hold").dim(),
        Verdict::Advise => style("advise").yellow(),
        Verdict::Propose => style("propose").yellow().bold(),
        Verdict::Act => style("act").green().bold(),
    };
    let mut lines = Vec::new();
    for (index, reason) in decision.reasons.iter().take(2).enumerate() {
        let setting = reason.setting.as_ref().map(|key| format!(" [{key}]")).unwrap_or_default();
        let lead = if index == 0 { format!("decision {word}: ") } else { "  and ".to_owned() };
        lines.push(format!("{lead}{}{}{}", reason.text, figures(reason), style(setting).dim()));
    }
    lines
}

/// What was measured, against its limit.
fn figures(reason: &Reason) -> String {
    match (reason.measured, reason.limit) {
        (Some(measured), Some(limit)) => format!(": {measured:.3} of {limit:.3}"),
        (Some(measured), None) => format!(": {measured:.3}"),
        _ => String::new(),
    }
}

/// A plan with the rows of its migration tables that move, as far as there is room.
pub fn plan(story: &Story, plan: &Plan, room: usize) -> Vec<String> {
    let moved: Vec<&MigrationRow> = plan.rows.iter().filter(|row| row.moves()).collect();
    let counts: Vec<String> = plan.counts.iter().map(|(c, n)| format!("{c} to {n}")).collect();
    let counts = if counts.is_empty() { "no new executors".to_owned() } else { counts.join(", ") };
    let mut lines = vec![format!(
        "plan {:?}: {counts}; {} workers; {} of {} executors move",
        plan.kind,
        plan.workers,
        moved.len(),
        plan.rows.len()
    )];
    let shown = if moved.len() < room { moved.len() } else { room.saturating_sub(2) };
    lines.extend(moved.iter().take(shown).map(|row| table_row(story, row)));
    if shown < moved.len() && room > 1 {
        lines.push(style(format!("    and {} more", moved.len() - shown)).dim().to_string());
    }
    lines
}

fn table_row(story: &Story, row: &MigrationRow) -> String {
    let place = |slot: &Slot| {
        let nodes = story.decision().map(|decision| decision.view.nodes.as_slice());
        let node = nodes.unwrap_or_default().iter().find(|node| node.id == slot.node);
        (node.map_or(slot.node.clone(), |node| node.host.clone()), slot.port.to_string())
    };
    let nowhere = ("nowhere".to_owned(), "none".to_owned());
    let (node, port) = row.before.as_ref().map_or(nowhere, place);
    let (new_node, new_port) = place(&row.after);
    let name = format!("{} [{}-{}]", row.component, row.executor.first, row.executor.last);
    format!("  {name:<14} N {node} → {new_node}   P {port} → {new_port}")
}

/// How an action went, step by step.
pub fn ended(ended: &Ended) -> String {
    if let Some(code) = &ended.code {
        return format!("{} {code}: {}", style("given up").red(), ended.how);
    }
    let steps = ended.steps.iter().map(|step| {
        let name = step.step.rsplit('.').next().unwrap_or(&step.step).to_lowercase();
        let failed = if step.ok { "" } else { " failed" };
        format!("{name}{failed} {:.1} s", step.ms as f64 / 1_000.0)
    });
    format!("action {}: {}", ended.how, steps.collect::<Vec<_>>().join(", "))
}

/// What came of it.
pub fn outcome(outcome: &Outcome) -> String {
    let word = if outcome.helped { style("helped").green() } else { style("did not help").red() };
    format!("outcome {word}: {}", outcome.text)
}

fn millis(latency: Option<Millis>) -> String {
    latency.map_or("-".to_owned(), |latency| short(latency.get()))
}

fn bar(share: f64) -> String {
    // A share of ten cells, at most all of them.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let full = ((share * BAR as f64).round().max(0.0) as usize).min(BAR);
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR - full));
    match share {
        0.8.. => style(bar).red(),
        0.5.. => style(bar).yellow(),
        _ => style(bar).green(),
    }
    .to_string()
}

fn rule(columns: usize) -> String {
    style("─".repeat(columns.min(100))).dim().to_string()
}
