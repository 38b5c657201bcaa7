//! What people write: settings, windows, configurations, scenarios and recorded runs.

use thalweg_core::units::Timestamp;
use thalweg_core::windows::{Edge, Window};
use thalweg_engine::EngineSettings;
use thalweg_sim::calibrate::Recording;
use thalweg_sim::scenario;

use crate::Then;

#[path = "../../../rust-core/cli/src/yaml.rs"]
pub mod of_yaml;

/// The one key whose value is the name of a file that is read at once.
const OF_A_FILE: &str = "password.file";

/// The settings of an engine, as a shell hands them over.
pub fn engine(bytes: &[u8]) -> Then<'_> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains(OF_A_FILE))?;
    let read = EngineSettings::of_json(text).ok()?;
    Some(Box::new(move || {
        assert!(read == EngineSettings::of_json(text).expect("it was read so"), "{read:?}");
    }))
}

/// A window of time, cron expressions among them.
pub fn windows(bytes: &[u8]) -> Then<'_> {
    let window: Window = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    // In an ordinary year, long ago, and where calendars end.
    let times =
        [1_795_000_000_000, 0, i64::MIN, i64::MAX, -377_705_000_000_000, 253_402_000_000_000];
    for at in times.map(Timestamp::from_millis) {
        for edge in [Edge::Narrow, Edge::Wide] {
            let around = window.around(at, edge);
            assert!(around.is_none_or(|span| span.covers(at)), "{window:?} around {at:?}");
            let after = window.after(at, edge);
            assert!(after.is_none_or(|span| span.from > at), "{window:?} after {at:?}");
        }
        drop(window.told(at));
    }
    Some(Box::new(move || {
        let again: Window = window.as_str().parse().expect("it was read so");
        assert_eq!(again, window);
    }))
}

/// A configuration of Storm's or Flink's.
pub fn yaml(bytes: &[u8]) -> Then<'_> {
    let read = of_yaml::read(std::str::from_utf8(bytes).ok()?).ok()?;
    drop(read);
    None
}

/// A workflow with its past runs; what was read can be planned.
pub fn workflow(bytes: &[u8]) -> Then<'_> {
    let read = thalweg_workflow::read("fuzzed.yaml", std::str::from_utf8(bytes).ok()?).ok()?;
    drop(read);
    Some(Box::new(move || {
        let read = thalweg_workflow::read("fuzzed.yaml", &String::from_utf8_lossy(bytes));
        let workflow = read.expect("it was read so");
        assert!(workflow.problem().is_ok(), "{workflow:?}");
    }))
}

/// A scenario, whose file of loads is a short one.
pub fn scenario(bytes: &[u8]) -> Then<'_> {
    let text = std::str::from_utf8(bytes).ok()?;
    let open = |_: &str| Ok("secs,rate\n0,1\n60,2\n".to_owned());
    let read = scenario::read("fuzzed.toml", text, open).ok()?;
    drop(read);
    None
}

/// A column of a file of values: which one by the first byte.
pub fn series(bytes: &[u8]) -> Then<'_> {
    let (column, text) = bytes.split_first()?;
    let text = std::str::from_utf8(text).ok()?;
    let read = scenario::read_series("fuzzed.csv", text, usize::from(*column) % 16).ok()?;
    Some(Box::new(move || assert!(read.iter().all(|value| value.is_finite() && *value >= 0.0))))
}

/// A recorded run. It is written with three decimals, so only what was written is read as the same again.
pub fn run(bytes: &[u8]) -> Then<'_> {
    let read = Recording::read("fuzzed.csv", std::str::from_utf8(bytes).ok()?).ok()?;
    Some(Box::new(move || {
        // Times that differ by less than is written are one time.
        if let Ok(again) = Recording::read("again.csv", &read.write()) {
            assert_eq!(Recording::read("thrice.csv", &again.write()), Ok(again));
        }
    }))
}
