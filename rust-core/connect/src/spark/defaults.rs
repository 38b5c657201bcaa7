//! The settings for a driver, where the user sets nothing else.

use serde_json::{Map, Value};

use super::told::{Query, Told};

/// Looks come no more often than that: a batch takes seconds.
const LEAST_INTERVAL_SECS: f64 = 5.0;
const LEAST_WINDOW_SECS: f64 = 30.0;
/// A window has so many batches at least,
const BATCHES_IN_WINDOW: f64 = 4.0;
/// and none is longer.
const LONGEST_WINDOW_SECS: f64 = 3600.0;
/// A query tells something with each batch only, and one that falls behind has longer and longer ones.
const LEAST_AGE_SECS: f64 = 300.0;
/// An executor comes or goes within some seconds, and batches run on meanwhile.
const CHANGE_SECS: f64 = 10.0;
/// A window with fewer batches tells nothing of most looks.
const FEWEST_IN_WINDOW: f64 = 2.0;

/// Settings for queries with batches as long as these: Spark chooses where executors run, so only their number can change.
pub fn defaults(told: &Told) -> Map<String, Value> {
    let each = told.queries.iter().map(each_secs).fold(0.0, f64::max);
    let window = window(each);
    let set: [(&str, Value); 7] = [
        ("policy", "thalweg".into()),
        ("placement.slots", "engine".into()),
        ("monitor.interval.secs", LEAST_INTERVAL_SECS.into()),
        ("metrics.window.secs", window.into()),
        ("metrics.max.age.secs", (2.0 * window).max(LEAST_AGE_SECS).into()),
        ("metrics.settle.secs", each.max(LEAST_INTERVAL_SECS).min(window).ceil().into()),
        ("scaling.restart.secs", CHANGE_SECS.into()),
    ];
    set.into_iter().map(|(key, value)| (format!("thalweg.{key}"), value)).collect()
}

/// The window for batches that come each so many seconds.
fn window(each: f64) -> f64 {
    (BATCHES_IN_WINDOW * each).clamp(LEAST_WINDOW_SECS, LONGEST_WINDOW_SECS).ceil()
}

/// What is to be said of a query whose batches come too rarely for the window, in seconds, that was set when all began.
pub fn too_short(query: &Query, set: f64) -> Option<String> {
    let each = each_secs(query).ceil();
    if FEWEST_IN_WINDOW * each <= set {
        return None;
    }
    let window = window(each);
    let found =
        format!("a batch each {each} s, of which a window of {set} s has too few to judge it by");
    Some(match FEWEST_IN_WINDOW * each <= window {
        true => format!(
            "{found}: start Thalweg anew while it runs, or set thalweg.metrics.window.secs: {window} and thalweg.metrics.max.age.secs: {}",
            2.0 * window
        ),
        false => format!(
            "{found}, and none is longer than {LONGEST_WINDOW_SECS} s: a shorter trigger interval would help"
        ),
    })
}

/// The time from a batch to the next, in seconds: as its user wants it, or as it is.
fn each_secs(query: &Query) -> f64 {
    let took = query.batches.iter().filter_map(|batch| batch.took_ms).next_back().unwrap_or(0);
    let wanted = query.interval_ms.unwrap_or(0);
    (took as f64).max(wanted as f64) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::told::tests::told;
    use super::*;

    #[test]
    fn a_window_has_some_batches() {
        let window = |interval_ms: i64| {
            let mut told = told();
            told.queries[0].interval_ms = Some(interval_ms);
            defaults(&told)["thalweg.metrics.window.secs"].as_f64()
        };
        assert_eq!(window(2000), Some(30.0));
        assert_eq!(window(60_000), Some(240.0));
        assert_eq!(window(i64::MAX), Some(3600.0));
    }

    #[test]
    fn a_query_whose_batches_are_too_rare_for_the_window_is_told_what_to_set() {
        let said = |interval_ms: i64, set: f64| {
            let query = Query { interval_ms: Some(interval_ms), ..told().queries[0].clone() };
            too_short(&query, set)
        };
        assert_eq!(said(2000, 30.0), None);
        assert_eq!(said(15_000, 30.0), None, "two have room");
        let text = said(600_000, 30.0).expect("a window that is shorter than a batch");
        for part in ["each 600 s", "window of 30 s", "window.secs: 2400", "max.age.secs: 4800"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(said(600_000, 2400.0), None, "so it is done");
        let rare = said(7_200_000, 3600.0).expect("a batch in two hours");
        assert!(
            rare.contains("shorter trigger interval") && !rare.contains("set thalweg"),
            "{rare}"
        );
    }
}
