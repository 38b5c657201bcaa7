#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;

const SOON: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Program {
    Program::start(Command::new("sh").args(["-c", script]), 1_000).unwrap()
}

/// Whether a process is there; one that has ended and was waited for is not.
fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn what_is_said_is_answered_and_the_end_of_the_input_ends_it() {
    let mut program = shell("while read line; do echo \"got $line\"; done");
    for text in ["one", "two"] {
        program.say(text).unwrap();
        assert_eq!(program.hear(SOON).unwrap(), format!("got {text}"));
    }
    let pid = program.pid();
    drop(program);
    assert!(!is_there(pid));
}

#[test]
fn one_that_ends_is_an_error_with_what_it_said_last() {
    let mut program = shell("echo first >&2; echo 'no class Beside' >&2; exit 3");
    let error = program.hear(SOON).unwrap_err();
    let StormError::Ended { status, said } = &error else { panic!("{error:?}") };
    assert!(status.contains('3'), "{status}");
    assert_eq!(said, &["first", "no class Beside"]);
    assert!(error.to_string().ends_with("it said last: first | no class Beside"), "{error}");
    assert!(matches!(program.say("more").unwrap_err(), StormError::Ended { .. }));
}

#[test]
fn one_that_is_killed_is_an_error_that_says_so() {
    let mut program = shell("kill -9 $$");
    let error = program.hear(SOON).unwrap_err();
    assert!(error.to_string().contains("signal: 9"), "{error}");
}

#[test]
fn one_that_hangs_is_ended_though_it_does_not_listen() {
    let mut program = shell("trap '' TERM INT HUP; echo waiting >&2; while :; do sleep 1; done");
    let pid = program.pid();
    let begun = Instant::now();
    let error = program.hear(Duration::from_secs(1)).unwrap_err();
    assert_eq!(error, StormError::Silent { secs: 1, said: vec!["waiting".to_owned()] });
    assert!(!is_there(pid) && begun.elapsed() < SOON);
}

#[test]
fn one_that_ignores_the_end_of_its_input_is_ended_when_it_is_dropped() {
    let mut program = shell("exec <&-; echo ready; trap '' TERM; while :; do sleep 1; done");
    assert_eq!(program.hear(SOON).unwrap(), "ready");
    let pid = program.pid();
    drop(program);
    assert!(!is_there(pid));
}

#[test]
fn floods_on_both_channels_hold_nobody_up_and_fill_no_memory() {
    let mut program = shell("yes error >&2 & yes | tr -d '\\n'");
    let pid = program.pid();
    let error = program.hear(SOON).unwrap_err();
    assert_eq!(error, StormError::TooLong { limit: 1_000 });
    drop(program);
    assert!(!is_there(pid));
    // Whole lines wait for whoever asks.
    let mut program = shell("exec yes");
    let pid = program.pid();
    assert_eq!(program.hear(SOON).unwrap(), "y");
    drop(program);
    assert!(!is_there(pid));
}

#[test]
fn what_is_no_text_and_what_is_no_program_is_named() {
    let mut program = shell("printf '\\377\\376\\n'; cat");
    assert_eq!(program.hear(SOON).unwrap_err().code(), "GARBLED");
    let error = Program::start(&mut Command::new("/nowhere/java"), 10).unwrap_err();
    assert_eq!(error.code(), "LAUNCH");
    assert!(error.to_string().starts_with("/nowhere/java cannot be started"), "{error}");
}
