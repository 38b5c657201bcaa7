use serde_json::json;

use thalweg_core::settings::PolicyName;

use super::*;

fn read(given: Value) -> EngineSettings {
    EngineSettings::read(given.as_object().expect("an object"))
}

#[test]
fn nothing_written_gives_the_core_its_own_defaults_and_neither_acts_nor_stops_anything() {
    let settings = read(json!({"storm.local.dir": "/var/storm"}));
    assert_eq!(settings.problems, Vec::<String>::new());
    let shipped = Settings { mode: Mode::Observe, adopt: Adopt::Never, ..Settings::default() };
    assert_eq!(settings.core, shipped);
    assert_eq!(settings.dir, PathBuf::from("/var/storm/thalweg"));
}

#[test]
fn a_wrong_value_is_named_and_only_observed_with() {
    let settings = read(json!({"thalweg.me-stream.phi": "many", "thalweg.mode": "act"}));
    assert_eq!(settings.core.mode, Mode::Observe);
    assert_eq!(
        settings.problems,
        [
            "thalweg.me-stream.phi: \"many\" is not allowed, it must be a number from 0 to 16 (using 1)"
        ]
    );
}

#[test]
fn a_policy_brings_its_recommended_settings_and_what_is_written_wins() {
    let settings = read(json!({
        "thalweg.policy": "flink-autoscaler",
        "thalweg.action.cool.down.secs": 60,
        "thalweg.flink-autoscaler.target.utilization": 0.6,
    }));
    assert_eq!(settings.problems, Vec::<String>::new());
    let recommended = Settings::recommended(PolicyName::FlinkAutoscaler);
    assert_eq!(settings.core.window, recommended.window);
    assert_eq!(settings.core.cool_down.get(), 60_000.0);
    assert_eq!(settings.core.autoscaler.target.get(), 0.6);
    for policy in PolicyName::ALL {
        let named = read(json!({"thalweg.policy": policy.as_str(), "thalweg.mode": "act"}));
        let own = Settings { adopt: Adopt::Never, ..Settings::recommended(policy) };
        assert_eq!((named.problems, named.core), (Vec::new(), own));
    }
}

#[test]
fn priorities_are_names_and_numbers() {
    let settings = read(json!({"thalweg.scaling.priorities": ["a=b=3", "x = 1", "odd"]}));
    let found: Vec<_> = settings.core.priorities.into_iter().collect();
    assert_eq!(found, [("a=b".to_owned(), 3), ("x".to_owned(), 1)]);
    assert_eq!(
        settings.problems,
        ["thalweg.scaling.priorities: \"odd\" is not allowed, it must be name=number"]
    );
}

#[test]
fn a_list_may_be_one_text_with_commas() {
    let settings = read(json!({
        "thalweg.headroom.components": "split, words/count",
        "thalweg.scaling.priorities": "a=1,b=2,",
    }));
    assert_eq!(settings.problems, Vec::<String>::new());
    let found: Vec<_> = settings.core.priorities.into_iter().collect();
    assert_eq!(found, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
}

#[test]
fn an_unknown_key_is_named_with_the_one_meant() {
    let settings = read(json!({"thalweg.monitor.intervall.secs": 3}));
    assert_eq!(
        settings.problems,
        [
            "thalweg.monitor.intervall.secs: there is no such key; did you mean thalweg.monitor.interval.secs?"
        ]
    );
}

#[test]
fn numbers_may_be_text_and_staleness_follows_storms_reports() {
    let settings =
        read(json!({"thalweg.monitor.interval.secs": "2", "executor.metrics.frequency.secs": 5}));
    assert_eq!(settings.problems, Vec::<String>::new());
    assert_eq!(settings.core.sampling.get(), 2_000.0);
    assert_eq!(settings.core.max_age.get(), 15_000.0);
}

#[test]
fn what_may_be_a_password_is_not_repeated_whatever_its_type() {
    const DIGITS: &str = "48151623";
    let keys = [
        "thalweg.store.redis.password",
        "thalweg.store.redis.password.file",
        "thalweg.store.redis.url",
        "thalweg.store.redis",
        "thalweg.store.redis.passwort",
    ];
    let number = json!(48_151_623);
    let values = [
        number.clone(),
        json!(48_151_623.5),
        json!([DIGITS]),
        json!({ "password": number }),
        json!([[{ DIGITS: true }]]),
    ];
    for key in keys {
        for value in &values {
            let settings = read(json!({ key: value }));
            let named = |problem: &String| problem.starts_with(&format!("{key}: "));
            assert!(settings.problems.iter().any(named), "{key} {value}: {:?}", settings.problems);
            let shown = format!("{settings:?}");
            assert!(!shown.contains(DIGITS), "{key} {value}: {shown}");
        }
    }
    assert_eq!(
        read(json!({ "thalweg.store.redis.password": number })).problems,
        [
            "thalweg.store.redis.password: a number (not shown) is not allowed, it must be text; digits need quotes"
        ]
    );
}

#[test]
fn a_password_in_the_place_of_its_files_name_is_not_repeated() {
    let settings = read(json!({"thalweg.store.redis.password.file": "hunter2"}));
    assert!(settings.problems[0].starts_with("thalweg.store.redis.password.file: cannot read"));
    assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
}

#[test]
fn a_password_file_that_is_missing_is_a_problem() {
    let settings = read(json!({"thalweg.store.redis.password.file": "/nowhere/secret"}));
    assert!(settings.problems[0].starts_with("thalweg.store.redis.password.file: cannot read"));
}

#[test]
fn every_reason_names_a_key_of_the_table() {
    for (code, _, setting) in thalweg_core::explain::ReasonCode::TABLE {
        let known = setting.is_empty() || keys().any(|key| key.name == *setting);
        assert!(known, "{code:?} names {setting}");
    }
}

#[test]
fn the_reference_page_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, reference()).expect("the page can be written");
    }
    let page = std::fs::read_to_string(path).expect("the page is there");
    assert_eq!(page, reference(), "run the tests with UPDATE_DOCS=1 to write the page anew");
}

/// The reference page of all keys and reason codes.
fn reference() -> String {
    let mut page = String::from(
        "# Configuration reference\n\n\
         Every key goes into `storm.yaml` on the Nimbus nodes, or into `config.yaml` of Flink's JobManager,\n\
         where [some defaults are shorter](../operating/flink.md). A key that is unknown, or whose value is\n\
         not allowed, is named in the log at start, and Thalweg then runs in mode `observe`.\n\n\
         This page is generated from the table of keys; a test keeps it true.\n\n\
         | key | default | allowed | what it does |\n|---|---|---|---|\n",
    );
    for key in keys() {
        let default = if key.default.is_empty() { "(empty)" } else { key.default };
        page +=
            &format!("| `{}` | `{default}` | {} | {} |\n", key.name, key.kind.allowed(), key.doc);
    }
    page += "\n## Reason codes\n\n\
             Every decision carries at least one of these; the setting is what moves its limit.\n\n\
             | code | meaning | setting |\n|---|---|---|\n";
    for (code, meaning, setting) in thalweg_core::explain::ReasonCode::TABLE {
        let name = serde_json::to_string(code).expect("a unit variant is always a string");
        let setting = if setting.is_empty() { String::new() } else { format!("`{setting}`") };
        page += &format!("| `{}` | {} | {setting} |\n", name.trim_matches('"'), meaning.trim());
    }
    page
}
