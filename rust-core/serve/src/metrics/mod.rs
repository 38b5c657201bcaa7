//! Metrics for Prometheus, and what is made of them: one table from which the exposition, the dashboard for Grafana, the
//! alert rules and their pages come.

mod alerts;
mod pages;
mod panels;
mod seen;
mod table;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use pages::{alert_rules, grafana, reference, runbooks};
pub use table::names;

use thalweg_core::explain::Decision;

use crate::app::App;
use crate::view::Summary;
use crate::watch::Watched;
use seen::Seen;
use table::{Level, Metric, metrics};

/// Components of all engines together of which metrics are shown; beyond that only topologies are.
const MOST_COMPONENTS: usize = 20_000;
/// Events of one engine that are shown.
const MOST_EVENTS: usize = 100;

/// All metrics in Prometheus' text format.
pub fn exposition(app: &App) -> String {
    let engines: Vec<&Arc<Watched>> = app.world.engines().iter().collect();
    let guards: Vec<_> = engines.iter().map(|watched| (&watched.name, watched.known())).collect();
    let seen: Vec<Seen<'_>> = guards
        .iter()
        .map(|(name, known)| Seen { name, known, status: known.status.as_deref() })
        .collect();
    let components: usize = seen
        .iter()
        .filter_map(|seen| seen.status)
        .flat_map(|status| &status.decisions)
        .map(|decision| decision.view.components.len())
        .sum();
    let mut text = String::with_capacity(64 * 1024);
    for metric in &metrics().collect::<Vec<_>>() {
        let _ = writeln!(text, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(text, "# TYPE {} {}", metric.name, metric.kind.word());
        match metric.level {
            Level::Age(of) | Level::Engine(of) => seen.iter().for_each(|one| {
                line(&mut text, metric, &[("engine", one.name)], of(one));
            }),
            Level::Scheduler(of) => seen.iter().for_each(|one| {
                let value = one.scheduler().as_ref().and_then(of);
                line(&mut text, metric, &[("engine", one.name)], value);
            }),
            Level::Decision(of) => {
                seen.iter().for_each(|one| decisions(&mut text, metric, one, of))
            }
            Level::Topology(of) => {
                seen.iter().for_each(|one| topologies(&mut text, metric, one, of))
            }
            Level::Component(of) if components <= MOST_COMPONENTS => {
                seen.iter().for_each(|one| all_components(&mut text, metric, one, of));
            }
            Level::Component(_) => {}
            Level::Labelled(label, of) => {
                for one in &seen {
                    for (value, number) in of(one).into_iter().take(MOST_EVENTS) {
                        let labels = [("engine", one.name), (label, value.as_str())];
                        line(&mut text, metric, &labels, Some(number));
                    }
                }
            }
            Level::Server => {
                for (class, count) in app.answers.iter().enumerate() {
                    let class = format!("{}xx", class + 1);
                    let count = count.load(Ordering::Relaxed) as f64;
                    line(&mut text, metric, &[("status", class.as_str())], Some(count));
                }
            }
        }
    }
    text
}

/// A topology's name, or its id where others have the same name.
fn label(summaries: &[Summary], place: usize) -> &str {
    let one = &summaries[place];
    let same = |other: &&Summary| other.name == one.name;
    // Ids begin with their names in all engines, so that namesakes stand side by side.
    let near = summaries[place.saturating_sub(1)..].iter().take(3);
    if near.filter(same).count() > 1 { &one.id } else { &one.name }
}

fn topologies(
    text: &mut String,
    metric: &Metric,
    seen: &Seen<'_>,
    of: fn(&Summary) -> Option<f64>,
) {
    for (place, one) in seen.known.summaries.iter().enumerate() {
        let labels = [("engine", seen.name), ("topology", label(&seen.known.summaries, place))];
        line(text, metric, &labels, of(one));
    }
}

/// The last decision about each topology, with the label that names it.
fn decided<'a>(seen: &Seen<'a>) -> impl Iterator<Item = (&'a Decision, &'a str)> {
    let (status, summaries) = (seen.status, &seen.known.summaries);
    status.into_iter().flat_map(|status| &status.decisions).filter_map(|decision| {
        let place = summaries.binary_search_by(|one| one.id.cmp(&decision.topology)).ok()?;
        Some((decision, label(summaries, place)))
    })
}

fn decisions(
    text: &mut String,
    metric: &Metric,
    seen: &Seen<'_>,
    of: fn(&Decision) -> Option<f64>,
) {
    for (decision, topology) in decided(seen) {
        line(text, metric, &[("engine", seen.name), ("topology", topology)], of(decision));
    }
}

fn all_components(text: &mut String, metric: &Metric, seen: &Seen<'_>, of: table::OfComponent) {
    for (decision, topology) in decided(seen) {
        for component in &decision.view.components {
            let labels = [
                ("engine", seen.name),
                ("topology", topology),
                ("component", component.id.as_str()),
            ];
            line(text, metric, &labels, of(component));
        }
    }
}

/// One sample; nothing where nothing was measured.
fn line(text: &mut String, metric: &Metric, labels: &[(&str, &str)], value: Option<f64>) {
    let Some(value) = value.filter(|value| value.is_finite()) else { return };
    text.push_str(metric.name);
    for (place, (name, value)) in labels.iter().enumerate() {
        let begins = if place == 0 { '{' } else { ',' };
        let _ = write!(text, "{begins}{name}=\"{}\"", escaped(value));
    }
    let _ = writeln!(text, "}} {value}");
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_what_was_not_measured_is_left_out() {
        let mut text = String::new();
        let metric = metrics().next().expect("there are metrics");
        line(&mut text, &metric, &[("engine", "a\"b\\c\nd")], Some(1.0));
        line(&mut text, &metric, &[("engine", "b")], None);
        line(&mut text, &metric, &[("engine", "b")], Some(f64::NAN));
        assert_eq!(text, format!("{}{{engine=\"a\\\"b\\\\c\\nd\"}} 1\n", metric.name));
    }

    #[test]
    fn names_are_unique_and_counters_end_in_total() {
        let mut all: Vec<&str> = names().collect();
        for metric in metrics() {
            let counts = metric.kind.word() == "counter";
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            assert!(metric.name.starts_with("thalweg_"), "{}", metric.name);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), metrics().count());
    }
}
