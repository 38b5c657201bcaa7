//! Plans that several people have to approve of, through one server.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use thalweg_control::now_millis;
use thalweg_control::token::{self, TokenFile};
use thalweg_core::units::Timestamp;
use thalweg_serve::{Engine, Role, Socket, add_token, start};
use tokio::runtime::Runtime;

use crate::client::{Answer, ask};
use crate::{Sample, loopback, scenario, simulated};

/// A server over an engine whose plans need two people, and the tokens of some.
fn two_needed(signs: bool) -> (Sample, BTreeMap<&'static str, String>) {
    let folder = tempfile::tempdir().unwrap();
    let known = folder.path().join("engine-tokens");
    let line = format!("dashboard delegate {}\n", token::secret().unwrap());
    std::fs::write(&known, line).unwrap();
    std::fs::set_permissions(&known, Permissions::from_mode(0o600)).unwrap();
    let engine = watch(folder.path(), &known);
    let file = folder.path().join("tokens.json");
    let made = ["ann", "bob"]
        .map(|name| (name, add_token(&file, name, &[Role::Approver, Role::Operator]).unwrap()));
    let socket = Socket::at(folder.path());
    let signer = || Arc::new(TokenFile::open(&known).unwrap());
    let socket = if signs { socket.signing(signer()) } else { socket };
    let engines: Vec<(String, Arc<dyn Engine>)> = vec![("storm".to_owned(), Arc::new(socket))];
    let runtime = Runtime::new().unwrap();
    let settings = thalweg_serve::Settings { tokens: Some(file), ..loopback() };
    let served = runtime.block_on(start(&settings, engines)).unwrap();
    let sample = Sample { served: Some(served), runtime, folder, engine: Some(engine) };
    (sample, BTreeMap::from(made))
}

/// A job that wants more executors, simulated until now.
fn watch(folder: &Path, tokens: &Path) -> Arc<thalweg_engine::Engine> {
    let mut scenario = scenario();
    scenario.duration_secs = 300.0;
    for (key, value) in [
        ("thalweg.mode", json!("confirm")),
        ("thalweg.confirm.people", json!(2)),
        ("thalweg.control.tokens.file", json!(tokens)),
    ] {
        scenario.settings.insert(key.to_owned(), value);
    }
    let now = Timestamp::from_millis(now_millis());
    simulated::Job::new(scenario, "words", folder, (1, now)).run(std::time::Duration::ZERO, None)
}

fn post(sample: &Sample, path: &str, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    ask(sample.address(), "POST", path, &[("Authorization", &bearer)], &body.to_string())
}

/// The path of the plan that waits.
fn waiting(sample: &Sample, token: &str) -> String {
    let fits = |plans: &Value| plans["items"][0]["state"] == "waiting";
    let plans = sample.get_until("/v1/plans", token, fits);
    format!("/v1/engines/storm/plans/{}", plans["items"][0]["id"].as_str().unwrap())
}

#[test]
fn two_people_approve_of_a_plan_through_one_server_and_one_of_them_twice_is_refused() {
    let (sample, tokens) = two_needed(true);
    let path = format!("{}/approve", waiting(&sample, &tokens["ann"]));
    let approve = |who: &str| post(&sample, &path, &tokens[who], &json!({ "why": "reviewed" }));
    let first = approve("ann");
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!((&first.json()["approved"], &first.json()["people"]), (&json!(false), &json!(2)));
    let again = approve("ann");
    assert_eq!(again.status, 409, "{again:?}");
    assert!(again.body.contains("ann approved of plan"), "{again:?}");
    let second = approve("bob");
    assert_eq!(second.json()["approved_by"], json!(["ann", "bob"]), "{second:?}");
    assert_eq!(second.json()["approved"], true);
    // Orders are theirs too.
    let scaled = "/v1/engines/storm/topologies/words/scale";
    let order = post(&sample, scaled, &tokens["bob"], &json!({ "counts": { "split": 4 } }));
    assert_eq!(order.status, 200, "{order:?}");
    let history = sample.get("/v1/engines/storm/topologies/words/explain", &tokens["ann"]).json();
    let by = json!({ "person": { "name": "bob", "through": "dashboard" } });
    assert_eq!(history["orders"][0]["by"], by, "{history}");
}

#[test]
fn a_server_that_engines_do_not_know_is_one_person() {
    let (sample, tokens) = two_needed(false);
    let path = format!("{}/approve", waiting(&sample, &tokens["ann"]));
    let approve = |who: &str| post(&sample, &path, &tokens[who], &json!({}));
    assert_eq!(approve("ann").json()["approved"], false);
    assert_eq!(approve("bob").status, 409);
}

#[test]
fn a_servers_own_token_is_worth_nothing_once_it_is_taken_out_and_its_successor_is_known_at_once() {
    let (sample, tokens) = two_needed(true);
    let path = format!("{}/approve", waiting(&sample, &tokens["ann"]));
    let approve = |who: &str| post(&sample, &path, &tokens[who], &json!({}));
    let known = sample.folder.path().join("engine-tokens");
    // Server and engine read the same file here: what neither knows is signed by nobody.
    std::fs::write(&known, "").unwrap();
    assert_eq!(approve("ann").status, 503);
    let line = format!("successor delegate {}\n", token::secret().unwrap());
    std::fs::write(&known, line).unwrap();
    assert_eq!(approve("ann").json()["approved_by"], json!(["ann"]));
}
