//! Asking a Nimbus for other executor counts, where Storm's client is a script that answers what was prepared.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_connect::storm::Client;
use thalweg_core::action::{Asked, Done};
use thalweg_core::plan::Plan;
use thalweg_shell::storm::Rebalancer;
use thalweg_shell::{Fault, Hands, Presence};

/// What stands for Java.
const JAVA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../connect/tests/answers/java.sh");
/// Answers each question with the file of its word, and notes the question before.
const SCRIPT: &str = r#"
cd "${0%/*}"
echo '{"thalweg_storm":2,"version":"2.8.3","place":"nimbus:6627"}'
while read -r word number rest; do
    echo "$word $rest" >>asked
    sed "s/NUMBER/$number/" "$word"
done
"#;

/// A Nimbus that answers as it was told.
struct Scripted(TempDir);

impl Scripted {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("storm.yaml"), "").unwrap();
        fs::write(folder.path().join("script"), SCRIPT).unwrap();
        symlink(JAVA, folder.path().join("java")).unwrap();
        let scripted = Self(folder);
        scripted.answers("rebalance", json!({}));
        scripted
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// From now on this is the answer to a word.
    fn answers(&self, word: &str, mut answer: Value) {
        answer[word] = "NUMBER".into();
        let line = answer.to_string().replace("\"NUMBER\"", "NUMBER");
        // Whoever reads it reads one or the other.
        fs::write(self.at("new"), format!("{line}\n")).unwrap();
        fs::rename(self.at("new"), self.at(word)).unwrap();
    }

    /// From now on the topology stands so: its status, and for how long each executor of `split` runs.
    fn stands(&self, status: &str, split: &[u64]) {
        let running = |(index, uptime): (usize, &u64)| {
            // Four tasks, of as many executors as there are.
            let each = 4 / split.len();
            json!({ "component": "split", "first": index * each, "last": (index + 1) * each - 1,
                "slot": format!("n:{}", split.len()), "uptime_secs": uptime })
        };
        let executors: Vec<Value> = split.iter().enumerate().map(running).collect();
        self.answers("standing", json!({ "status": status, "executors": executors }));
    }

    fn rebalancer(&self) -> Rebalancer {
        self.rebalancer_waiting(0)
    }

    /// One that lets sources stand still for so long.
    fn rebalancer_waiting(&self, secs: u64) -> Rebalancer {
        let client = Client {
            home: self.0.path().to_owned(),
            conf: self.0.path().to_owned(),
            jar: self.at("storm.yaml"),
            java: self.at("java"),
            may_change: true,
        };
        Rebalancer::through(client, Duration::from_secs(20), Duration::from_secs(secs))
    }

    fn questions(&self) -> usize {
        fs::read_to_string(self.at("asked")).unwrap_or_default().lines().count()
    }

    /// What Nimbus was asked to change.
    fn asked(&self) -> Vec<Value> {
        let asked = fs::read_to_string(self.at("asked")).unwrap_or_default();
        let changes = asked.lines().filter_map(|line| line.strip_prefix("rebalance "));
        changes.map(|order| serde_json::from_str(order).unwrap()).collect()
    }
}

/// A plan by which `split` has two executors.
fn plan() -> Plan {
    serde_json::from_value(json!({ "id": "p", "epoch": 1, "topology": "words-1-1", "name": "words",
        "kind": "counts", "counts": { "split": 2 }, "wished_tasks": {}, "workers": 1, "rows": [] }))
    .unwrap()
}

/// What is to be taken back of that.
fn done() -> Done {
    let split = Asked { before: 1, after: 2, tasks: 4 };
    Done::CountsAsked { counts: [("split".to_owned(), split)].into() }
}

fn order(count: u32) -> Value {
    json!({ "topology": "words-1-1", "executors": { "split": count }, "wait_secs": 0 })
}

#[test]
fn what_there_was_is_told_before_nimbus_is_asked_and_what_runs_was_started_since() {
    let nimbus = Scripted::new();
    nimbus.stands("ACTIVE", &[500]);
    let mut hands = nimbus.rebalancer();
    let mut intended = Vec::new();
    let asking = hands.ask(&plan(), &mut |done| {
        assert!(nimbus.asked().is_empty(), "it can be taken back only once it is kept");
        intended.push(done);
        Ok(())
    });
    asking.unwrap();
    assert_eq!((intended, nimbus.asked()), (vec![done()], vec![order(2)]));
    let mut looks = |status: &str, split: &[u64]| {
        nimbus.stands(status, split);
        // Nimbus is not asked at each call.
        let asked = nimbus.questions();
        loop {
            let runs = hands.runs().unwrap();
            if runs || nimbus.questions() > asked {
                return runs;
            }
            std::thread::yield_now();
        }
    };
    assert!(!looks("REBALANCING", &[500]));
    assert!(!looks("ACTIVE", &[500, 500]), "heartbeats of the worker before");
    assert!(!looks("ACTIVE", &[1, 0]), "one has not told that it runs");
    assert!(looks("ACTIVE", &[1, 1]));
    assert!(hands.is_reached(&plan()));
}

#[test]
fn what_is_not_kept_is_not_asked_for() {
    let nimbus = Scripted::new();
    nimbus.stands("ACTIVE", &[500]);
    let fault = Fault { code: "ENGINE_REFUSED".to_owned(), text: "the disk is full".to_owned() };
    let asked = nimbus.rebalancer().ask(&plan(), &mut |_| Err(fault.clone()));
    assert_eq!(asked, Err(fault));
    assert!(nimbus.asked().is_empty());
}

#[test]
fn only_what_works_is_changed() {
    let nimbus = Scripted::new();
    let mut hands = nimbus.rebalancer();
    for (status, code) in [("INACTIVE", "TOPOLOGY_NOT_ACTIVE"), ("KILLED", "TOPOLOGY_NOT_ACTIVE")] {
        nimbus.stands(status, &[500]);
        let asked = hands.ask(&plan(), &mut |_| panic!("nothing is to be done"));
        assert_eq!(asked.unwrap_err().code, code);
    }
    nimbus.answers("standing", json!({}));
    let asked = hands.ask(&plan(), &mut |_| panic!("nothing is to be done"));
    assert_eq!(asked.unwrap_err().code, "TOPOLOGY_GONE");
    assert!(nimbus.asked().is_empty());
}

#[test]
fn a_refusal_says_why_and_leaves_nothing_to_be_taken_back() {
    let nimbus = Scripted::new();
    nimbus.stands("ACTIVE", &[500]);
    let refused = json!({ "failed": { "code": "REFUSED", "text": "who runs this has to stand in nimbus.admins" } });
    nimbus.answers("rebalance", refused);
    let mut hands = nimbus.rebalancer();
    let fault = hands.ask(&plan(), &mut |_| Ok(())).unwrap_err();
    assert_eq!(fault.code, "REFUSED");
    assert!(fault.text.contains("nimbus.admins"), "{}", fault.text);
    hands.undo("words-1-1", &done()).unwrap();
    assert_eq!(nimbus.asked().len(), 1, "it has what it had, and nothing is on its way");
}

#[test]
fn what_was_asked_for_is_taken_back_once_nimbus_listens() {
    let nimbus = Scripted::new();
    let mut hands = nimbus.rebalancer();
    nimbus.stands("REBALANCING", &[500]);
    assert_eq!(hands.undo("words-1-1", &done()).unwrap_err().code, "NOT_YET");
    assert!(nimbus.asked().is_empty());
    // Whoever had it inactive meanwhile has it inactive.
    for status in ["INACTIVE", "ACTIVE"] {
        nimbus.stands(status, &[1, 1]);
        assert_eq!(hands.undo("words-1-1", &done()).unwrap_err().code, "NOT_YET");
    }
    assert_eq!(nimbus.asked(), [order(1), order(1)]);
    nimbus.stands("ACTIVE", &[1]);
    hands.undo("words-1-1", &done()).unwrap();
    for gone in [json!({}), json!({ "status": "KILLED", "executors": [] })] {
        nimbus.answers("standing", gone);
        hands.undo("words-1-1", &done()).unwrap();
        assert_eq!(hands.presence("words-1-1"), Presence::Ended);
    }
    assert_eq!(nimbus.asked().len(), 2);
    assert_eq!(hands.undo("words-1-1", &Done::SlotsAsked).unwrap_err().code, "ENGINE_REFUSED");
}

#[test]
fn what_somebody_else_has_asked_for_since_stays() {
    let nimbus = Scripted::new();
    nimbus.stands("ACTIVE", &[9, 9, 9, 9]);
    nimbus.rebalancer().undo("words-1-1", &done()).unwrap();
    assert!(nimbus.asked().is_empty());
}

#[test]
fn what_has_no_place_is_neither_counted_nor_changed() {
    let nimbus = Scripted::new();
    let mut hands = nimbus.rebalancer();
    nimbus.stands("ACTIVE", &[]);
    let asked = hands.ask(&plan(), &mut |_| panic!("nothing is to be done"));
    assert_eq!(asked.unwrap_err().code, "NOT_PLACED");
    assert_eq!(hands.undo("words-1-1", &done()).unwrap_err().code, "NOT_YET");
    assert!(nimbus.asked().is_empty(), "a Nimbus that has just begun to lead lists nothing");
}

#[test]
fn a_request_that_nobody_answered_may_still_come() {
    let nimbus = Scripted::new();
    nimbus.stands("ACTIVE", &[500]);
    // Another process may have asked just before this one began.
    let mut hands = nimbus.rebalancer();
    assert_eq!(hands.undo("words-1-1", &done()).unwrap_err().code, "NOT_YET");
    let away = json!({ "failed": { "code": "UNREACHABLE", "text": "read timed out" } });
    nimbus.answers("rebalance", away);
    assert_eq!(hands.ask(&plan(), &mut |_| Ok(())).unwrap_err().code, "UNREACHABLE");
    assert_eq!(hands.undo("words-1-1", &done()).unwrap_err().code, "NOT_YET");
}

#[test]
fn what_ends_or_is_away_while_it_is_waited_for() {
    let nimbus = Scripted::new();
    nimbus.stands("ACTIVE", &[500]);
    let mut hands = nimbus.rebalancer_waiting(30);
    hands.ask(&plan(), &mut |_| Ok(())).unwrap();
    let mut looks = |answer: Value| {
        nimbus.answers("standing", answer);
        let asked = nimbus.questions();
        loop {
            let runs = hands.runs();
            if nimbus.questions() > asked || runs.is_err() {
                return runs;
            }
            std::thread::yield_now();
        }
    };
    let away = json!({ "failed": { "code": "UNREACHABLE", "text": "connection refused" } });
    assert_eq!(looks(away), Ok(false), "it may come back");
    let killed = json!({ "status": "KILLED", "executors": [] });
    assert_eq!(looks(killed).unwrap_err().code, "TOPOLOGY_GONE");
}

#[test]
fn a_nimbus_that_is_away_is_no_topology_that_has_ended() {
    let nimbus = Scripted::new();
    let mut hands = nimbus.rebalancer();
    let away = json!({ "failed": { "code": "UNREACHABLE", "text": "connection refused" } });
    nimbus.answers("standing", away);
    assert_eq!(hands.presence("words-1-1"), Presence::Unknown);
    assert_eq!(hands.undo("words-1-1", &done()).unwrap_err().code, "UNREACHABLE");
    assert!(!hands.is_reached(&plan()));
}
