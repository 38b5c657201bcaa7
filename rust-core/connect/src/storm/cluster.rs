//! What a Nimbus says of itself.

use serde_json::{Map, Value};
use thalweg_core::units::Millis;

/// How often executors report where Nimbus does not tell: as Storm is shipped.
const REPORTS_EACH_SECS: f64 = 60.0;
/// Rates are taken over so many reports, as each may be a whole interval old.
const REPORTS_IN_WINDOW: f64 = 3.0;
/// The longest window that can be set.
const LONGEST_WINDOW_SECS: f64 = 3_600.0;

/// A cluster, as its Nimbus tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The version of the Nimbus that leads.
    pub version: String,
    /// Where that Nimbus is.
    pub place: String,
    /// Those of its settings that say how fresh what it tells is.
    pub settings: Map<String, Value>,
    /// Whether Thalweg is the scheduler there; nothing where it does not tell its configuration.
    pub has_thalweg: Option<bool>,
}

impl Cluster {
    /// How often executors report.
    pub fn reports_each(&self) -> Millis {
        let told = self.settings.get("executor.metrics.frequency.secs").and_then(Value::as_f64);
        let secs = told.filter(|secs| *secs > 0.0).unwrap_or(REPORTS_EACH_SECS);
        Millis::saturating(1_000.0 * secs)
    }

    /// The shortest window, in seconds, over which rates can be taken.
    pub fn least_window_secs(&self) -> f64 {
        REPORTS_IN_WINDOW * self.reports_each().get() / 1_000.0
    }
}

/// What is set for a cluster in which nothing is installed, where its user sets nothing else: as Nimbus is configured, and a
/// window long enough for what executors report.
pub fn defaults(cluster: &Cluster) -> Map<String, Value> {
    let mut all = cluster.settings.clone();
    let shipped = thalweg_core::settings::Settings::default().window.get() / 1_000.0;
    let window = cluster.least_window_secs().clamp(shipped, LONGEST_WINDOW_SECS);
    all.insert("thalweg.metrics.window.secs".to_owned(), window.into());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_taken_over_several_reports() {
        let cluster = |secs: Value| Cluster {
            version: String::new(),
            place: String::new(),
            settings: [("executor.metrics.frequency.secs".to_owned(), secs)].into_iter().collect(),
            has_thalweg: None,
        };
        assert_eq!(cluster(5.into()).least_window_secs(), 15.0);
        assert_eq!(cluster(Value::Null).least_window_secs(), 180.0);
    }
}
