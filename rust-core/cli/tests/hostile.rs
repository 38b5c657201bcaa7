//! Names that somebody chose to do harm: they are shown, and do nothing else.
#![allow(clippy::unwrap_used)]

mod night;

use night::{Night, code};
use serde_json::{Value, json};

/// Clears a terminal, ends a line, turns the direction of writing, leads out of a folder, is markup, and is long.
fn name() -> String {
    let part =
        "\u{1b}[2J\u{9b}31m\nINFO all is well\u{202e}../../etc/<script>alert(1)</script>\"'{}%s";
    part.to_owned() + &"x".repeat(10_000)
}

fn watched() -> Night {
    let mut night = Night::with(&json!({ "thalweg.recording.file": "" }));
    let topology = &mut night.cluster.observation.topologies[0];
    topology.name = name();
    for component in &mut topology.components {
        component.id = format!("{}{}", component.id, name());
    }
    for _ in 0..5 {
        night.look();
    }
    night
}

#[test]
fn nothing_that_a_terminal_obeys_comes_out_of_a_name() {
    let night = watched();
    let id = night.cluster.observation.topologies[0].id.clone();
    let asked: [&[&str]; 6] = [
        &["status"],
        &["explain", &id],
        &["explain", &id, "--executor", "1"],
        &["plan"],
        &["history"],
        &["doctor"],
    ];
    for arguments in asked {
        let output = night.run(arguments);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let obeyed = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!said.contains(obeyed), "{arguments:?}: {said:.400?}");
        assert!(!said.lines().any(|line| line.starts_with("INFO")), "{arguments:?}");
        assert!(!said.is_empty(), "{arguments:?}");
    }
    let refused = code(&night.run(&["explain", "\u{1b}[2J"]));
    assert!(!refused.1.contains('\u{1b}') && refused.1.contains("\\u{1b}[2J"), "{refused:.400?}");
}

#[test]
fn programs_get_the_name_as_it_is() {
    let night = watched();
    let status: Value = serde_json::from_str(&night.says(&["status", "--json"])).unwrap();
    assert_eq!(status["decisions"][0]["name"], name());
    let file = std::fs::read_to_string(night.folder.path().join("status.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(file["decisions"][0]["name"], name());
}
