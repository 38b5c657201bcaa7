//! What is made of the table: documents for Prometheus, Grafana and people.

use std::fmt::Write;

use serde_json::{Value, json};

use super::alerts::ALERTS;
use super::panels::{Panel, ROWS};
use super::table::metrics;

/// Columns of Grafana's grid.
const COLUMNS: usize = 24;
/// Where the pages of alerts are.
const RUNBOOKS: &str = "docs/operating/alerts.md";

/// The reference page of all metrics.
pub fn reference() -> String {
    let mut page = "# Metrics\n\n\
        `thalweg serve` shows these at `/metrics`. What was not measured is absent, never zero, and not a number in an \
        engine's own registry. Units are base units: \
        seconds, tuples, records, and shares from 0 to 1. What is marked *both* is in the engine's own registry too, where \
        Storm's and Flink's metric reporters find it: [operating Storm](../operating/storm.md#metrics), \
        [operating Flink](../operating/flink.md#metrics). This page is made from the tables in \
        `rust-core/core/src/explain/gauges.rs` and `rust-core/serve/src/metrics/table.rs`.\n\n\
        | metric | kind | labels | where | what it tells |\n|---|---|---|---|---|\n"
        .to_owned();
    for metric in metrics() {
        let (name, kind) = (metric.name, metric.kind.word());
        let at = if metric.level.is_shared() { "both" } else { "`/metrics`" };
        let (labels, help) = (metric.level.labels(), metric.help);
        let _ = writeln!(page, "| `{name}` | {kind} | {labels} | {at} | {help} |");
    }
    page
}

/// The page that says what to do about each alert.
pub fn runbooks() -> String {
    let mut page = "# Alerts and what to do\n\n\
        The rules are in [alerts.yml](prometheus/alerts.yml), made from the same table as this page: \
        `rust-core/serve/src/metrics/alerts.rs`.\n"
        .to_owned();
    for alert in ALERTS {
        let _ = write!(
            page,
            "\n## {}\n\n`{}` for {}, {}.\n\n{}\n\n",
            alert.name, alert.expr, alert.holds, alert.severity, alert.meaning
        );
        for (number, step) in alert.steps.iter().enumerate() {
            let _ = writeln!(page, "{}. {step}", number + 1);
        }
    }
    page
}

/// The alert rules. JSON is YAML, and nothing has to be escaped by hand.
pub fn alert_rules() -> String {
    let rules: Vec<Value> = ALERTS
        .iter()
        .map(|alert| {
            json!({
                "alert": alert.name,
                "expr": alert.expr,
                "for": alert.holds,
                "labels": { "severity": alert.severity },
                "annotations": {
                    "summary": alert.summary,
                    "description": alert.meaning,
                    "runbook": format!("{RUNBOOKS}#{}", alert.name.to_lowercase()),
                },
            })
        })
        .collect();
    pretty(&json!({ "groups": [{ "name": "thalweg", "rules": rules }] }))
}

/// The dashboard for Grafana.
pub fn grafana() -> String {
    let mut panels = Vec::new();
    let mut top = 0;
    for row in ROWS {
        panels.push(json!({
            "type": "row", "title": row.title, "collapsed": false, "panels": [], "id": panels.len() + 1,
            "gridPos": { "h": 1, "w": COLUMNS, "x": 0, "y": top },
        }));
        top += 1;
        let mut left = 0;
        let mut height = 0;
        for panel in row.panels {
            let (wide, high) = if panel.figure { (COLUMNS / 4, 4) } else { (COLUMNS / 2, 8) };
            if left + wide > COLUMNS {
                left = 0;
                top += height;
            }
            height = high;
            let place = json!({ "h": high, "w": wide, "x": left, "y": top });
            panels.push(shown(panel, panels.len() + 1, &place));
            left += wide;
        }
        top += height;
    }
    pretty(&json!({
        "uid": "thalweg",
        "title": "Thalweg",
        "tags": ["thalweg", "storm", "flink"],
        "editable": true,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [
            source(),
            variable("engine", "label_values(thalweg_engine_up, engine)"),
            variable("topology", "label_values(thalweg_topology_executors{engine=~\"$engine\"}, topology)"),
        ] },
        "panels": panels,
    }))
}

fn shown(panel: &Panel, id: usize, place: &Value) -> Value {
    let targets: Vec<Value> = panel
        .queries
        .iter()
        .zip('A'..='Z')
        .map(|((expr, legend), name)| {
            json!({ "refId": name.to_string(), "expr": expr, "legendFormat": legend, "datasource": from() })
        })
        .collect();
    json!({
        "id": id,
        "type": if panel.figure { "stat" } else { "timeseries" },
        "title": panel.title,
        "gridPos": place,
        "datasource": from(),
        "targets": targets,
        "fieldConfig": { "defaults": { "unit": panel.unit, "min": 0 }, "overrides": [] },
        "options": {},
    })
}

fn from() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn source() -> Value {
    json!({ "name": "datasource", "type": "datasource", "query": "prometheus" })
}

fn variable(name: &str, query: &str) -> Value {
    json!({
        "name": name, "type": "query", "query": query, "datasource": from(), "refresh": 2,
        "multi": true, "includeAll": true, "allValue": ".*",
        "current": { "text": "All", "value": "$__all" },
    })
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
