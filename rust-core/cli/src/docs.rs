//! What the documentation says of the command is what the command takes.

#[path = "../tests/docs/blocks.rs"]
mod blocks;

use blocks::Span;
use clap::{Command, CommandFactory};
use thalweg_engine::keys;

use crate::Arguments;

/// What no test runs is read at least. The others are run by the test `docs`.
#[test]
fn commands_that_are_not_run_are_read_as_the_command_reads_them() {
    blocks::are_taken_by::<Arguments>("target/debug/thalweg");
}

#[test]
fn commands_and_options_named_within_lines_are_the_commands_own() {
    let mut whole = Arguments::command();
    whole.build();
    let spans = blocks::spans();
    let mut seen = 0;
    for line in spans.chunk_by(|one, other| one.place() == other.place()) {
        let commands: Vec<(Command, Vec<&str>)> = line
            .iter()
            .filter_map(|span| Some(descend(&whole, span.text.strip_prefix("thalweg ")?, span)))
            .collect();
        for (command, rest) in &commands {
            for option in rest.iter().filter(|word| word.starts_with("--")) {
                assert!(knows(command, option), "{}: {option}", line[0].place());
            }
        }
        // Options that stand alone are of a command that the line names, where it is about commands.
        let about_commands = line[0].text.starts_with("thalweg ");
        for option in line.iter().filter(|span| about_commands && span.text.starts_with("--")) {
            let known = commands.iter().any(|(command, _)| knows(command, &option.text));
            assert!(known, "{}: {}", option.place(), option.text);
        }
        seen += commands.len();
    }
    assert!(seen > 40, "{seen} commands");
}

#[test]
fn settings_named_anywhere_are_settings() {
    let known: Vec<&str> = keys().map(|key| key.name).collect();
    let mut seen = 0;
    for span in blocks::spans() {
        for word in span.text.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))) {
            let word = word.trim_matches('.');
            let own = word.strip_prefix("topology.").unwrap_or(word);
            let is_file = [".jar", ".redb"].iter().any(|end| own.ends_with(end));
            let is_key = own.starts_with("thalweg.") && !is_file;
            if is_key {
                assert!(known.contains(&own), "{}: there is no setting {word}", span.place());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen} settings");
}

/// The command that words name, and the words that are left.
fn descend<'a>(whole: &Command, words: &'a str, span: &Span) -> (Command, Vec<&'a str>) {
    let mut command = whole.clone();
    let mut words = words.split_whitespace().peekable();
    while let Some(word) = words.peek() {
        let Some(sub) = command.find_subcommand(word) else {
            let plain = word.chars().all(|c| c.is_ascii_lowercase());
            let wrong = plain && command.has_subcommands();
            assert!(!wrong, "{}: there is no command {}", span.place(), span.text);
            break;
        };
        command = sub.clone();
        words.next();
    }
    (command, words.collect())
}

fn knows(command: &Command, option: &str) -> bool {
    let name: String =
        option.chars().skip(2).take_while(|c| c.is_alphanumeric() || *c == '-').collect();
    command.get_arguments().any(|argument| argument.get_long() == Some(&name))
}
