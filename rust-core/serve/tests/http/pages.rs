//! Pages and documents that are made from tables.

use std::path::Path;

use thalweg_serve::{metrics, openapi};

fn check(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, made, "{file}: make docs writes it anew");
}

#[test]
fn the_reference_of_the_interface_is_the_interface() {
    let document = openapi().to_pretty_json().unwrap() + "\n";
    check("docs/reference/openapi.json", &document);
}

#[test]
fn the_reference_of_metrics_is_the_table() {
    check("docs/reference/metrics.md", &metrics::reference());
}

#[test]
fn alerts_their_pages_and_the_dashboard_are_made_from_the_table() {
    check("docs/operating/prometheus/alerts.yml", &metrics::alert_rules());
    check("docs/operating/prometheus/grafana.json", &metrics::grafana());
    check("docs/operating/alerts.md", &metrics::runbooks());
}
