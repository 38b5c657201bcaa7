//! What is made from the command's own description: manual pages, completions, and the reference.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use crate::Arguments;
use crate::exit::CODES;

/// Prints what a shell needs to complete the command, to be sourced or put where the shell looks
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(&self) {
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "thalweg",
            &mut std::io::stdout(),
        );
    }
}

/// Writes manual pages and completions into a folder, as `make install` does
#[derive(Debug, Args)]
pub struct Manual {
    /// The folder, as `/usr/local/share`
    folder: PathBuf,
}

impl Manual {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let pages = self.folder.join("man/man1");
        fs::create_dir_all(&pages).with_context(|| pages.display().to_string())?;
        let mut command = Arguments::command();
        command.build();
        write_pages(&command, "thalweg", &pages)?;
        for (shell, place) in [
            (Shell::Bash, "bash-completion/completions/thalweg"),
            (Shell::Zsh, "zsh/site-functions/_thalweg"),
            (Shell::Fish, "fish/vendor_completions.d/thalweg.fish"),
        ] {
            let file = self.folder.join(place);
            let parent = file.parent().context("it lies in a folder")?;
            fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "thalweg", &mut text);
            fs::write(&file, text).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }
}

/// Writes the page of a command, and those of its own commands, which it names.
fn write_pages(command: &Command, name: &str, folder: &Path) -> Result<()> {
    let file = folder.join(format!("{name}.1"));
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    fs::write(&file, text).with_context(|| file.display().to_string())?;
    if command.get_name() == "help" {
        // Its own commands are all those that there are.
        return Ok(());
    }
    let mut own = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    own.try_for_each(|sub| write_pages(sub, &format!("{name}-{}", sub.get_name()), folder))
}

/// The reference of all commands.
#[cfg_attr(not(test), allow(dead_code))]
pub fn reference() -> String {
    let mut page = String::from(
        "# Reference of the command `thalweg`\n\n\
         This page is generated from the command itself; a test keeps it true. How it is used is told in\n\
         [operating](../operating/command.md).\n\n| exit code | means |\n|---|---|\n",
    );
    for (code, meaning) in CODES {
        let _ = writeln!(page, "| {code} | {meaning} |");
    }
    let mut command = Arguments::command();
    command.build();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        describe(sub, &format!("thalweg {}", sub.get_name()), &mut page);
    }
    page
}

fn describe(command: &Command, name: &str, page: &mut String) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n## `{name}`\n\n{about}.\n");
    let own = || command.get_arguments().filter(|argument| argument.get_id() != "help");
    if own().next().is_some() {
        page.push_str("\n| argument | what it does | default |\n|---|---|---|\n");
    }
    for argument in own() {
        let values = argument.get_value_names().unwrap_or_default();
        let values: Vec<String> = values.iter().map(|value| format!("<{value}>")).collect();
        let takes = argument.get_action().takes_values();
        let shown = match (argument.get_long(), takes) {
            (Some(long), true) => format!("--{long} {}", values.join(" ")),
            (Some(long), false) => format!("--{long}"),
            (None, _) => values.join(" "),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let environment = argument.get_env().map(|name| format!(" (`{}`)", name.to_string_lossy()));
        let defaults: Vec<String> = argument
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .filter(|value| takes && !value.is_empty())
            .map(|value| format!("`{value}`"))
            .collect();
        let _ = writeln!(
            page,
            "| `{shown}` | {}{} | {} |",
            help.replace('|', "\\|"),
            environment.unwrap_or_default(),
            defaults.join(" ")
        );
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        describe(sub, &format!("{name} {}", sub.get_name()), page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_the_command() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/command.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(path, reference()).expect("the page can be written");
        }
        let page = fs::read_to_string(path).expect("the page is there");
        assert_eq!(page, reference(), "run the tests with UPDATE_DOCS=1 to write the page anew");
    }

    #[test]
    fn the_command_is_whole_and_its_pages_and_completions_are_written() {
        Arguments::command().debug_assert();
        let folder = tempfile::tempdir().expect("a folder");
        Manual { folder: folder.path().to_owned() }.run().expect("written");
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).expect(file);
        assert!(read("man/man1/thalweg.1").contains("nobody answers"));
        assert!(read("man/man1/thalweg-explain.1").contains("why"));
        assert!(read("man/man1/thalweg-config.1").contains(r"thalweg\-config\-check(1)"));
        assert!(read("man/man1/thalweg-config-check.1").contains("FILE"));
        assert!(read("bash-completion/completions/thalweg").contains("explain"));
        assert!(read("zsh/site-functions/_thalweg").contains("#compdef thalweg"));
        assert!(read("fish/vendor_completions.d/thalweg.fish").contains("explain"));
    }
}
