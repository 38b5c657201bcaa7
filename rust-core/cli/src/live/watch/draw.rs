//! What is drawn, as a function of the screen's state and the time.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Row, Table, TableState, Wrap};
use serde_json::Value;

use super::screen::{Over, Pane, Reach, Screen};
use super::{details, log, plan};
use crate::live::show::{
    Phrase, Tone, ago_at, list, number, order, pairs, reason, short, span, text,
};

/// The smallest terminal on which there is anything to see.
const LEAST: (u16, u16) = (60, 16);
/// From so many columns on, the plan and the log stand beside the rest.
const WIDE: u16 = 140;

/// The keys, for the help.
const KEYS: [(&str, &str); 10] = [
    ("↑ ↓  k j", "up and down; PgUp, PgDn, Home, End too"),
    ("Tab ← →", "the next pane, or the one before"),
    ("Enter", "all about what the cursor is at"),
    ("a", "approve of the plan that waits for a word"),
    ("r", "reject it"),
    ("p", "pause the topology, or resume it"),
    ("y", "yes, to what is asked; any other key is no"),
    ("Esc", "back"),
    ("?", "these keys"),
    ("q", "quit; Ctrl-C too"),
];

/// Draws all.
pub fn draw(frame: &mut Frame<'_>, screen: &Screen, now: i64) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("too small: at least {} columns and {} lines", LEAST.0, LEAST.1);
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
        return;
    }
    let notes = notes(screen, now);
    let [head, noted, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(notes.len() as u16),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(header(screen, now), head);
    let noted_lines: Vec<Line<'_>> = notes.iter().map(|note| line(note, screen)).collect();
    frame.render_widget(Paragraph::new(noted_lines), noted);
    match body.width >= WIDE {
        true => wide(frame, screen, now, body),
        false => narrow(frame, screen, now, body),
    }
    frame.render_widget(footer(screen, now), foot);
    over(frame, screen, now);
}

/// Lines that the list of topologies and that of components want, with their headings.
fn wanted(screen: &Screen) -> (u16, u16) {
    let lines = |count: usize| u16::try_from(count + 2).unwrap_or(u16::MAX);
    (lines(screen.topologies().len().max(1)), lines(screen.components().len().max(1)))
}

/// All panes one below the other: lines of the log are long.
fn narrow(frame: &mut Frame<'_>, screen: &Screen, now: i64, body: Rect) {
    let (topologies, components) = wanted(screen);
    // A quarter for each at most, so that the log always has its own.
    let quarter = (body.height / 4).max(3);
    let [first, second, third, fourth] = Layout::vertical([
        Constraint::Length(topologies.min(quarter)),
        Constraint::Length(components.min(quarter + 1)),
        Constraint::Length(quarter + 1),
        Constraint::Fill(1),
    ])
    .areas(body);
    draw_topologies(frame, screen, now, first);
    draw_components(frame, screen, second);
    draw_plan(frame, screen, now, third);
    draw_log(frame, screen, now, fourth);
}

/// What is chosen from on the left, and what that is about on the right.
fn wide(frame: &mut Frame<'_>, screen: &Screen, now: i64, body: Rect) {
    let (topologies, _) = wanted(screen);
    let columns = [Constraint::Percentage(55), Constraint::Percentage(45)];
    let [left, right] = Layout::horizontal(columns).spacing(2).areas(body);
    let above = topologies.max(body.height / 3).min(body.height * 2 / 3);
    let [first, second] =
        Layout::vertical([Constraint::Length(above), Constraint::Fill(1)]).areas(left);
    draw_topologies(frame, screen, now, first);
    draw_components(frame, screen, second);
    let above = (body.height / 2).clamp(8, 18);
    let [first, second] =
        Layout::vertical([Constraint::Length(above), Constraint::Fill(1)]).areas(right);
    draw_plan(frame, screen, now, first);
    draw_log(frame, screen, now, second);
}

fn style(tone: Option<Tone>, screen: &Screen) -> Style {
    let plain = Style::new();
    match (tone, screen.colours) {
        (None, _) => plain,
        (Some(Tone::Strong), _) => plain.add_modifier(Modifier::BOLD),
        (Some(Tone::Good), true) => plain.fg(Color::Green),
        (Some(Tone::Notice), true) => plain.fg(Color::Yellow),
        (Some(Tone::Bad), true) => plain.fg(Color::Red),
        (Some(Tone::Good), false) => plain,
        (Some(Tone::Notice), false) => plain.add_modifier(Modifier::BOLD),
        (Some(Tone::Bad), false) => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
    }
}

fn line<'a>(phrase: &Phrase, screen: &Screen) -> Line<'a> {
    let span =
        |(tone, text): (Option<Tone>, &str)| Span::styled(text.to_owned(), style(tone, screen));
    Line::from(phrase.parts().map(span).collect::<Vec<_>>())
}

/// The scheduler in a line.
fn header<'a>(screen: &'a Screen, now: i64) -> Line<'a> {
    let status = &screen.status;
    if status.is_null() {
        let said = Phrase::toned(Tone::Strong, "Thalweg").and(format!("  {}", screen.place));
        return line(&said, screen);
    }
    let store = match status.pointer("/store/up") {
        Some(Value::Bool(true)) => Phrase::toned(Tone::Good, "up"),
        _ => Phrase::toned(Tone::Bad, "down"),
    };
    let leads = if status["leads"] == true { "leads" } else { "follows" };
    let said = Phrase::toned(Tone::Strong, format!("Thalweg {}", text(status, "/version")))
        .and("  mode ")
        .then(Phrase::toned(Tone::Strong, text(status, "/mode")))
        .and(format!("  {leads}  store {} ", text(status, "/store/kind")))
        .then(store)
        .and(format!("  observed {}", ago_at(status, "/at", now)));
    line(&said, screen)
}

/// What is wrong or out of the ordinary with all of it, a line each.
fn notes(screen: &Screen, now: i64) -> Vec<Phrase> {
    let mut notes = Vec::new();
    if let Reach::Gone { since, why } = &screen.reach {
        let silent = span(((now - since) as f64 / 1000.0).max(0.0));
        notes.push(
            Phrase::toned(Tone::Bad, format!("no answer for {silent}")).and(format!(": {why}")),
        );
        if !screen.status.is_null() {
            notes.push(Phrase::plain("what is shown is from before; it is asked again and again"));
        }
    }
    let problems: Vec<&str> = list(&screen.status, "/problems").filter_map(Value::as_str).collect();
    if let Some(first) = problems.first() {
        let more = problems.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        notes.push(Phrase::toned(Tone::Bad, "configuration: ").and(format!("{first}{more}")));
    }
    let drained: Vec<&str> = pairs(&screen.status, "/drained").map(|(host, _)| &**host).collect();
    if !drained.is_empty() {
        notes.push(Phrase::toned(Tone::Notice, "drained: ").and(drained.join(", ")));
    }
    let open = list(&screen.status, "/orders")
        .filter(|given| matches!(text(given, "/state"), "waiting" | "acting" | "proposed"));
    notes.extend(open.take(2).map(|given| Phrase::plain("order ").then(order(given, now))));
    notes
}

/// The keys, or what became of the last order.
fn footer<'a>(screen: &'a Screen, now: i64) -> Line<'a> {
    if let Some(said) = screen.said(now) {
        return line(&Phrase::toned(said.tone, said.text.clone()), screen);
    }
    let key = |key: &str, does: &str| Phrase::toned(Tone::Strong, key).and(format!(" {does}   "));
    let keys = [
        ("q", "quit"),
        ("?", "help"),
        ("Tab", "pane"),
        ("Enter", "details"),
        ("a", "approve"),
        ("r", "reject"),
        ("p", "pause"),
    ];
    let all = keys.iter().fold(Phrase::default(), |all, (name, does)| all.then(key(name, does)));
    line(&all, screen)
}

/// A pane's frame: a line above with its name.
fn framed<'a>(title: String, pane: Pane, screen: &Screen) -> Block<'a> {
    let (border, heading) = match screen.pane == pane {
        true => (Modifier::BOLD, Modifier::BOLD | Modifier::REVERSED),
        false => (Modifier::DIM, Modifier::BOLD),
    };
    Block::new()
        .borders(Borders::TOP)
        .border_style(Style::new().add_modifier(border))
        .title(Span::styled(format!(" {title} "), Style::new().add_modifier(heading)))
}

/// How the line with the cursor looks.
fn cursor(pane: Pane, screen: &Screen) -> Style {
    match (screen.pane == pane, pane) {
        (true, _) => Style::new().add_modifier(Modifier::REVERSED),
        // The chosen one matters to the other panes.
        (false, Pane::Topologies) => Style::new().add_modifier(Modifier::BOLD),
        (false, _) => Style::new(),
    }
}

fn headings<'a>(names: &[&'a str]) -> Row<'a> {
    let names = names.iter().map(|name| {
        let right =
            !matches!(*name, "TOPOLOGY" | "STATE" | "BUSIEST" | "WHY" | "COMPONENT" | "KIND");
        let text = Text::from(*name);
        if right { text.alignment(Alignment::Right) } else { text }
    });
    Row::new(names.collect::<Vec<_>>()).style(Style::new().add_modifier(Modifier::DIM))
}

fn right<'a>(text: String) -> Text<'a> {
    Text::from(text).alignment(Alignment::Right)
}

fn draw_topologies(frame: &mut Frame<'_>, screen: &Screen, now: i64, area: Rect) {
    let all = screen.topologies();
    let block = framed(format!("topologies ({})", all.len()), Pane::Topologies, screen);
    if all.is_empty() {
        let said = match screen.reach {
            Reach::Asked => "it is being asked",
            Reach::Up if list(&screen.status, "/nodes").next().is_none() => {
                "nothing was observed yet"
            }
            Reach::Up => "no topology runs",
            Reach::Gone { .. } => "nothing is known yet",
        };
        frame.render_widget(Paragraph::new(said).block(block), area);
        return;
    }
    let rows = all.iter().map(|one| topology_row(one, screen, now));
    let widths = [
        Constraint::Length(20),
        Constraint::Length(8),
        Constraint::Length(5),
        Constraint::Length(18),
        Constraint::Fill(1),
    ];
    let table = Table::new(rows, widths)
        .header(headings(&["TOPOLOGY", "STATE", "EXEC", "BUSIEST", "WHY"]))
        .row_highlight_style(cursor(Pane::Topologies, screen))
        .block(block);
    let mut state = TableState::new().with_selected(screen.cursor(Pane::Topologies));
    frame.render_stateful_widget(table, area, &mut state);
}

fn topology_row<'a>(one: &Value, screen: &Screen, now: i64) -> Row<'a> {
    let busy = |component: &&Value| number(component, "/capacity").unwrap_or(0.0);
    let components = || list(one, "/view/components");
    let busiest = components().max_by(|a, b| busy(a).total_cmp(&busy(b)));
    let executors: f64 = components().filter_map(|c| number(c, "/executors")).sum();
    let (word, tone) = match screen.is_paused(one, now) {
        true => ("paused", Tone::Notice),
        false => plan::state(&screen.status, one),
    };
    Row::new([
        Text::from(text(one, "/name").to_owned()),
        Text::styled(word, style(Some(tone), screen)),
        right(short(executors)),
        Text::from(
            busiest.map_or("-".to_owned(), |c| {
                format!("{:>4.0} % {}", 100.0 * busy(&c), text(c, "/id"))
            }),
        ),
        Text::from(list(one, "/reasons").next().map(reason).unwrap_or_default()),
    ])
}

fn draw_components(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let of =
        screen.chosen().map_or(String::new(), |(_, one)| format!(" of {}", text(one, "/name")));
    let block = framed(format!("components{of}"), Pane::Components, screen);
    let all = screen.components();
    if all.is_empty() {
        frame.render_widget(Paragraph::new("none is measured").block(block), area);
        return;
    }
    let planned = screen.chosen().map(|(_, one)| &one["plan"]["counts"]);
    let rows = all.iter().map(|one| component_row(one, planned, screen));
    let widths = [
        Constraint::Min(10),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(5),
        Constraint::Length(9),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(9),
        Constraint::Length(5),
    ];
    let table = Table::new(rows, widths)
        .header(headings(&[
            "COMPONENT",
            "KIND",
            "EXEC",
            "TASKS",
            "RATE/S",
            "BUSY",
            "MEAN",
            "LATENCY",
            "LEVEL",
        ]))
        .row_highlight_style(cursor(Pane::Components, screen))
        .block(block);
    let mut state = TableState::new().with_selected(screen.cursor(Pane::Components));
    frame.render_stateful_widget(table, area, &mut state);
}

fn component_row<'a>(one: &Value, planned: Option<&Value>, screen: &Screen) -> Row<'a> {
    let shown = |path: &str| number(one, path).map_or("-".to_owned(), short);
    let share = |path: &str| number(one, path);
    let percent = |share: Option<f64>| {
        share.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share))
    };
    let busy = share("/capacity");
    let tone = match busy {
        Some(busy) if busy >= 0.95 => Some(Tone::Bad),
        Some(busy) if busy >= 0.8 => Some(Tone::Notice),
        _ => None,
    };
    let desired = planned.and_then(|counts| counts.get(text(one, "/id"))).and_then(Value::as_f64);
    let executors = match desired {
        Some(desired) => format!("{} → {}", shown("/executors"), short(desired)),
        None => shown("/executors"),
    };
    let latency = ["/process_latency", "/execute_latency", "/complete_latency"];
    let latency = latency.iter().find_map(|path| number(one, path));
    Row::new([
        Text::from(text(one, "/id").to_owned()),
        Text::from(text(one, "/kind").to_owned()),
        right(executors),
        right(shown("/tasks")),
        right(shown("/rate")),
        right(percent(busy)).style(style(tone, screen)),
        right(percent(share("/mean_capacity"))),
        right(latency.map_or("-".to_owned(), |ms| format!("{} ms", short(ms)))),
        right(shown("/level")),
    ])
}

fn draw_plan(frame: &mut Frame<'_>, screen: &Screen, now: i64, area: Rect) {
    let block = framed("plan".to_owned(), Pane::Plan, screen);
    let lines = screen.chosen().map_or_else(Vec::new, |(_, one)| {
        plan::lines(&screen.status, one, now).iter().map(|one| line(one, screen)).collect()
    });
    let last = lines.len().saturating_sub(1);
    let from = u16::try_from(screen.cursor(Pane::Plan).min(last)).unwrap_or(u16::MAX);
    let shown = Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((from, 0)).block(block);
    frame.render_widget(shown, area);
}

fn draw_log(frame: &mut Frame<'_>, screen: &Screen, now: i64, area: Rect) {
    let block = framed("log".to_owned(), Pane::Log, screen);
    let rows = screen.records.iter().map(|record| {
        Row::new([
            right(log::age(record, now)).style(Style::new().add_modifier(Modifier::DIM)),
            Text::from(line(&log::line(record), screen)),
        ])
    });
    let table = Table::new(rows, [Constraint::Length(6), Constraint::Fill(1)])
        .row_highlight_style(cursor(Pane::Log, screen))
        .block(block);
    let mut state = TableState::new().with_selected(screen.cursor(Pane::Log));
    frame.render_stateful_widget(table, area, &mut state);
}

/// What lies over the panes.
fn over(frame: &mut Frame<'_>, screen: &Screen, now: i64) {
    let area = frame.area();
    let (title, lines, from) = match &screen.over {
        None => return,
        Some(Over::Help) => {
            let keys = KEYS.iter().map(|(key, does)| {
                Line::from(vec![
                    Span::styled(format!("{key:<10}"), style(Some(Tone::Strong), screen)),
                    Span::raw(*does),
                ])
            });
            ("keys".to_owned(), keys.collect(), 0)
        }
        Some(Over::Question { asks, .. }) => {
            let keys = Phrase::toned(Tone::Strong, "y").and(" yes   any other key: no");
            let lines = vec![Line::from(asks.clone()), Line::default(), line(&keys, screen)];
            ("sure?".to_owned(), lines, 0)
        }
        Some(Over::Details(from)) => {
            let (title, told) = details::of(screen, now);
            let lines: Vec<Line<'_>> = told.iter().map(|one| line(one, screen)).collect();
            let from = (*from).min(lines.len().saturating_sub(1));
            (title, lines, from)
        }
    };
    let is_details = matches!(screen.over, Some(Over::Details(_)));
    let width = if is_details { area.width.saturating_sub(6).min(130) } else { area.width.min(64) };
    let height = match is_details {
        true => area.height.saturating_sub(4),
        false => u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height),
    };
    let place = area.centered(Constraint::Length(width), Constraint::Length(height));
    let block = Block::bordered()
        .border_style(Style::new().add_modifier(Modifier::BOLD))
        .title(Span::styled(format!(" {title} "), Style::new().add_modifier(Modifier::BOLD)));
    let from = u16::try_from(from).unwrap_or(u16::MAX);
    let shown = Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((from, 0)).block(block);
    frame.render_widget(Clear, place);
    frame.render_widget(shown, place);
}
