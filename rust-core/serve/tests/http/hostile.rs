//! A topology whose author chose its name to do harm: it is shown, and does nothing else.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;
use thalweg_core::units::Timestamp;

use crate::client::ask;
use crate::{Sample, scenario, simulated};

/// Ends a line, closes a label, turns the direction of writing, leads out of a folder, is markup, and is long.
fn name() -> String {
    let part = "\u{1b}[2J\u{9b}31m\r\n\u{85}\u{2028}x\"} 7\n# HELP y \\\u{202e}../../etc/\u{0}<script>alert(1)</script>{}%s";
    part.to_owned() + &"x".repeat(10_000)
}

fn watched() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = scenario();
    scenario.duration_secs = 300.0;
    let end = Timestamp::from_millis(1_800_000_000_000);
    let job = simulated::Job::new(scenario, &name(), folder.path(), (1, end));
    let sample = Sample::around((folder, job.run(Duration::ZERO, None)));
    sample.get_until("/v1/topologies", "", |page| page["total"] == 1);
    sample
}

/// As it goes into a path.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "%{byte:02x}");
        all
    })
}

/// The labels of a sample, as Prometheus reads them; nothing of a line that it refuses.
fn labels(line: &str) -> Option<BTreeMap<String, String>> {
    let (mut rest, mut found) = (line.split_once('{')?.1, BTreeMap::new());
    loop {
        let (label, value) = rest.split_once("=\"")?;
        let (mut text, mut letters) = (String::new(), value.char_indices());
        let end = loop {
            match letters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => match letters.next()?.1 {
                    'n' => text.push('\n'),
                    letter @ ('\\' | '"') => text.push(letter),
                    _ => return None,
                },
                (_, letter) => text.push(letter),
            }
        };
        found.insert(label.to_owned(), text);
        rest = &value[end..];
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                rest.strip_prefix("} ")?.parse::<f64>().ok()?;
                return Some(found);
            }
        }
    }
}

#[test]
fn a_name_is_one_label_of_each_sample_and_no_line_of_its_own() {
    let sample = watched();
    let text = sample.get("/metrics", "").body;
    let mut of_topologies = 0;
    // Prometheus ends lines with a line feed alone.
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let known = ["HELP thalweg_", "TYPE thalweg_"].iter().any(|k| comment.starts_with(k));
            assert!(known, "{line:.200}");
        } else if line.contains('{') {
            let labels = labels(line).unwrap_or_else(|| panic!("{line:.200}"));
            if let Some(topology) = labels.get("topology") {
                assert!(*topology == name(), "{line:.200}");
                of_topologies += 1;
            }
        }
    }
    assert!(of_topologies > 10, "{of_topologies} samples");
}

#[test]
fn programs_get_the_name_as_it_is_and_find_the_topology_by_it() {
    let sample = watched();
    let page = sample.get("/v1/topologies", "").json();
    assert!(page["items"][0]["name"] == name());
    let path = format!("/v1/engines/storm/topologies/{}", encoded(&name()));
    let shown = sample.get(&path, "");
    assert_eq!(shown.status, 200, "{:.200}", shown.body);
    assert!(shown.json()["summary"]["name"] == name());
    // Whatever the page loads is the server's own, so that no name of another becomes a script.
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn a_name_that_is_not_known_is_told_without_what_a_reader_would_obey() {
    let sample = watched();
    for path in ["topologies/{}", "topologies/{}/series", "topologies/{}/explain"] {
        let path = format!("/v1/engines/storm/{}", path.replace("{}", &encoded("a\u{1b}[2J\n<b>")));
        let answer = ask(sample.address(), "GET", &path, &[], "");
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.body.contains(['\u{1b}', '\n']), "{answer:?}");
        let told: Value = answer.json();
        assert_eq!(told["place"]["name"], "topology", "{told}");
    }
}
