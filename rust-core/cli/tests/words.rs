//! What operators say of modes, plans and orders, by the command as a process of its own.
#![allow(clippy::unwrap_used)]

mod night;

use std::time::{SystemTime, UNIX_EPOCH};

use night::{Night, code, thalweg};
use serde_json::{Value, json};

/// An engine whose plans wait for somebody's word, and a cluster that wants more; what is said counts from now on, so the
/// cluster's clock is the machine's.
fn waits_for_words() -> Night {
    let mut night = Night::with(&json!({ "thalweg.mode": "confirm" }));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    night.cluster.seconds = u32::try_from(now).unwrap() - 120;
    night.cluster.rate = 5_000.0;
    night
}

/// Looks until a plan waits, and tells its id.
fn waiting(night: &mut Night) -> String {
    let found = (0..60).find_map(|_| {
        night.look();
        let status = json(&night.says(&["status", "--json"]));
        let decided = status["decisions"].as_array()?.iter();
        let mut offered = decided.filter(|decision| !decision["offer"].is_null());
        offered.find_map(|decision| decision["plan"]["id"].as_str().map(str::to_owned))
    });
    found.expect("a plan waits")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_plan_that_waits_is_approved() {
    let mut night = waits_for_words();
    let plan = waiting(&mut night);
    let said = night.says(&["approve", &plan]);
    assert!(
        said.starts_with(&format!("{plan}: approved by ")) && said.ends_with("of 1\n"),
        "{said}"
    );
    let told = json(&night.says(&["approve", &plan, "--json"]));
    assert_eq!(
        (&told["plan"], &told["approved"], &told["people"]),
        (&json!(plan), &json!(true), &json!(1))
    );
    night.look();
    let status = json(&night.says(&["status", "--json"]));
    assert_eq!(
        status["plan"]["plan"]["id"],
        plan.as_str(),
        "it is carried out: {}",
        status["plan"]
    );
    let (exit, said) = code(&night.run(&["approve", "wc-1-p0-0"]));
    assert!(exit == Some(3) && said.contains("plan: "), "{said}");
    let late = night.run(&["reject", &plan, "--json"]);
    assert_eq!(code(&late).0, Some(3), "it does not wait any more");
    assert!(late.stdout.is_empty(), "what is refused prints no answer");
}

#[test]
fn a_plan_that_waits_is_rejected() {
    let mut night = waits_for_words();
    let plan = waiting(&mut night);
    assert_eq!(night.says(&["reject", &plan]), format!("{plan} is rejected\n"));
    let told = json(&night.says(&["reject", &plan, "--json"]));
    assert_eq!((&told["plan"], &told["approved"]), (&json!(plan), &json!(false)), "{told}");
    night.look();
    let status = json(&night.says(&["status", "--json"]));
    assert_eq!(status["plan"], Value::Null, "nothing is carried out");
    assert_eq!(code(&night.run(&["reject", "wc-1-p0-0"])).0, Some(3));
}

#[test]
fn a_mode_counts_until_it_is_taken_back() {
    let mut night = Night::new();
    night.look();
    assert_eq!(night.says(&["mode", "observe", "wc-1"]), "mode observe: wc-1\n");
    let told = json(&night.says(&["mode", "confirm", "wc-*", "--kind", "scale-in", "--json"]));
    assert_eq!(told["topologies"], json!(["wc-1"]), "{told}");
    let status = json(&night.says(&["status", "--json"]));
    assert_eq!(
        status["operator"]["modes"].as_array().map(Vec::len),
        Some(2),
        "{}",
        status["operator"]
    );
    assert_eq!(
        night.says(&["mode", "advise", "later"]),
        "mode advise: none that runs now, and those that will\n"
    );
    // What was said of one alone counts no more, whatever was said of wider scopes.
    night.says(&["mode", "default", "wc-1"]);
    let status = json(&night.says(&["status", "--json"]));
    let mut modes = status["operator"]["modes"].as_array().unwrap().iter();
    let own = modes.find(|mode| mode["scope"] == "wc-1").unwrap();
    assert_eq!(own["mode"], Value::Null, "{own}");
    night.says(&["mode", "default"]);
    let status = json(&night.says(&["status", "--json"]));
    assert_eq!(status["operator"], json!({}));
    for wrong in [["mode", "sleep", "wc-1"], ["mode", "act", ""]] {
        let (exit, said) = code(&night.run(&wrong));
        assert!(exit == Some(3) && said.starts_with("thalweg: refused: "), "{wrong:?}: {said}");
    }
    assert_eq!(code(&night.run(&["mode"])).0, Some(2));
}

#[test]
fn an_order_that_waits_is_taken_back_once() {
    let mut night = Night::new();
    night.look();
    let given = || {
        json(&night.says(&["scale", "wc-1", "split=4", "--json"]))["order"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let order = given();
    assert_eq!(night.says(&["cancel", &order]), format!("{order} is taken back\n"));
    let (exit, said) = code(&night.run(&["cancel", &order]));
    assert!(exit == Some(3) && said.contains("order: "), "{said}");
    let told = json(&night.says(&["cancel", &given(), "--json"]));
    assert!(told.is_object(), "{told}");
    let (exit, said) = code(&night.run(&["cancel", "o999", "--json"]));
    assert!(exit == Some(3) && said.contains("there is no order o999"), "{said}");
}

#[test]
fn where_nobody_answers_no_word_is_said() {
    let elsewhere = tempfile::tempdir().unwrap();
    for words in [["approve", "p"], ["reject", "p"], ["mode", "act"], ["cancel", "o1"]] {
        for more in [&[][..], &["--json"][..]] {
            let output = thalweg(elsewhere.path(), &[&words[..], more].concat());
            assert_eq!(code(&output).0, Some(4), "{words:?}");
            assert!(output.stdout.is_empty(), "{words:?}");
        }
        assert_eq!(code(&thalweg(elsewhere.path(), &words[..1])).0, Some(2), "{words:?}");
    }
}
