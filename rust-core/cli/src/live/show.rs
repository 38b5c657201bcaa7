//! How answers look: names for people, times as ages, tables, and colours where a terminal shows them.

use std::io::IsTerminal;
use std::sync::OnceLock;

use comfy_table::{ColumnConstraint, Table, Width, presets};
use serde_json::Value;
use thalweg_control::now_millis;

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// To be noticed.
    Notice,
    /// Wrong.
    Bad,
    /// What leads the eye.
    Strong,
}

/// A line whose parts may mean something; shown, they have their colours as [`paint`] gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase(Vec<(Option<Tone>, String)>);

impl Phrase {
    /// One that is plain.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![(None, text.into())])
    }

    /// One that means something.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Self {
        Self(vec![(Some(tone), text.into())])
    }

    /// With another behind it.
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// With a plain text behind it.
    pub fn and(self, text: impl Into<String>) -> Self {
        self.then(Self::plain(text))
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = (Option<Tone>, &str)> {
        self.0.iter().map(|(tone, text)| (*tone, text.as_str()))
    }
}

impl std::fmt::Display for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts().try_for_each(|(tone, text)| match tone {
            Some(tone) => f.write_str(&paint(tone, text)),
            None => f.write_str(text),
        })
    }
}

/// A text in its colour, on a terminal that does not refuse colours (`NO_COLOR`).
pub fn paint(tone: Tone, text: &str) -> String {
    static COLOURS: OnceLock<bool> = OnceLock::new();
    let wanted = || std::io::stdout().is_terminal() && !colours_refused() && !is_dumb();
    if !*COLOURS.get_or_init(wanted) {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Notice => "33",
        Tone::Bad => "31",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Whether whoever runs this wants no colours.
pub fn colours_refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the terminal can do nothing but print.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The tone of a verdict or of an order's state.
pub fn tone(state: &str) -> Tone {
    match state {
        "act" | "acting" | "done" => Tone::Good,
        "advise" | "propose" | "waiting" | "proposed" => Tone::Notice,
        "failed" | "refused" | "expired" => Tone::Bad,
        _ => Tone::Strong,
    }
}

/// The text at a path, or nothing.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a path.
pub fn number(value: &Value, path: &str) -> Option<f64> {
    value.pointer(path).and_then(Value::as_f64)
}

/// The list at a path.
pub fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// The pairs of the object at a path.
pub fn pairs<'a>(
    value: &'a Value,
    path: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value.pointer(path).and_then(Value::as_object).into_iter().flatten()
}

/// How long ago a time in milliseconds was.
pub fn ago(value: &Value, path: &str) -> String {
    ago_at(value, path, now_millis())
}

/// How long before `now` a time in milliseconds was.
pub fn ago_at(value: &Value, path: &str, now: i64) -> String {
    let Some(at) = number(value, path) else { return "at an unknown time".to_owned() };
    format!("{} ago", span(((now as f64 - at) / 1000.0).max(0.0)))
}

/// A time in seconds, for people.
pub fn span(secs: f64) -> String {
    match secs {
        secs if secs < 90.0 => format!("{secs:.0} s"),
        secs if secs < 5400.0 => format!("{:.0} min", secs / 60.0),
        secs if secs < 172_800.0 => format!("{:.1} h", secs / 3600.0),
        secs => format!("{:.1} d", secs / 86_400.0),
    }
}

/// A number without digits that say nothing.
pub fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 || number == number.trunc() => format!("{number:.0}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// Characters of the widest column; longer names, as Flink's SQL gives to vertices, take several lines.
const WIDEST: u16 = 60;

/// A table without lines.
pub fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head.iter().map(|name| name.to_uppercase()));
    let widest = ColumnConstraint::UpperBoundary(Width::Fixed(WIDEST));
    table.set_constraints(head.iter().map(|_| widest));
    table
}

/// A reason: its code, what it says, and the numbers with the setting that moves the limit.
pub fn reason(reason: &Value) -> String {
    let mut said = format!("{}: {}", text(reason, "/code"), text(reason, "/text"));
    let numbers = number(reason, "/measured").zip(number(reason, "/limit"));
    if let Some((measured, limit)) = numbers {
        said += &format!(" ({} against {})", short(measured), short(limit));
    } else if let Some(measured) = number(reason, "/measured") {
        said += &format!(" ({})", short(measured));
    }
    let setting = text(reason, "/setting");
    if !setting.is_empty() {
        said += &format!(" [{setting}]");
    }
    said
}

/// What an order asks for.
pub fn asked(order: &Value) -> String {
    let mut said: Vec<String> = Vec::new();
    said.extend(pairs(order, "/counts").map(|(id, count)| format!("{id}={count}")));
    said.extend(pairs(order, "/memory_mib").map(|(id, mib)| format!("{id}={mib}MiB")));
    let hosts: Vec<&str> = list(order, "/leave").filter_map(Value::as_str).collect();
    if !hosts.is_empty() {
        said.push(format!("leave {}", hosts.join(", ")));
    }
    let plan = text(order, "/plan/plan/id");
    if !plan.is_empty() {
        said.push(format!("plan {plan} as it was shown"));
    }
    if order["adopt"] == true {
        said.push("may be stopped once".to_owned());
    }
    format!("{} {}", text(order, "/topology"), said.join(" "))
}

/// Who gave an order.
pub fn giver(given: &Value) -> String {
    let person = text(given, "/by/person/name");
    match given.pointer("/by/user/uid").and_then(Value::as_u64) {
        Some(uid) => format!("user {uid}"),
        None if person.is_empty() => format!("token {}", text(given, "/by/token")),
        None => format!("{person} through {}", text(given, "/by/person/through")),
    }
}

/// One line about an order, as it is seen at a time in ms since 1970.
pub fn order(given: &Value, now: i64) -> Phrase {
    let state = text(given, "/state");
    let why = text(given, "/why");
    let mut line =
        format!("  {}, by {} {}", asked(&given["order"]), giver(given), ago_at(given, "/at", now));
    if !why.is_empty() {
        line += &format!(" (“{why}”)");
    }
    let plan = text(given, "/plan");
    if !plan.is_empty() {
        line += &format!("; plan {plan}");
    }
    let because = text(given, "/text");
    if !because.is_empty() {
        line += &format!(": {because}");
    }
    Phrase::plain(format!("{}  ", text(given, "/id")))
        .then(Phrase::toned(tone(state), state))
        .and(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_hundreds_of_characters_does_not_push_the_numbers_out_of_sight() {
        let name = "Join(select=[id, item, seller]) -> ".repeat(12);
        let mut table = table(&["component", "busy"]);
        table.add_row([name.as_str(), "0.91"]);
        table.add_row(["outcome", "0.02"]);
        let shown = table.to_string();
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|width| width <= usize::from(WIDEST) + 10), "{shown}");
        assert!(shown.lines().nth(1).is_some_and(|line| line.contains("0.91")), "{shown}");
        let letters = |text: &str| text.matches(char::is_alphabetic).count();
        assert_eq!(letters(&shown), letters(&name) + letters("componentbusyoutcome"), "{shown}");
    }
}
