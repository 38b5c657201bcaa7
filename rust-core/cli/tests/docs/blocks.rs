//! What the documentation shows: fenced blocks, and code within lines.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Begins the line below a block that no test runs; the reason follows, for readers as well.
const NOT_RUN: &str = "*Not run by a test: ";

/// A fenced block.
pub struct Block {
    /// The page, from the repository's root.
    pub page: String,
    /// The line of its fence.
    pub line: usize,
    /// What its fence says that it is.
    pub language: String,
    pub text: String,
    /// Why no test runs it.
    pub not_run: Option<String>,
}

/// Code within a line.
pub struct Span {
    pub page: String,
    pub line: usize,
    pub text: String,
}

impl Block {
    pub fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    /// The lines of a shell's block, each with what it is continued by.
    pub fn commands(&self) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }
}

impl Span {
    pub fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

/// The repository.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("a crate lies two folders below the root")
}

/// The words of a command, as a shell reads them.
pub fn words(command: &str) -> Vec<String> {
    let told = Command::new("bash").args(["-c", &format!("printf '%s\\0' {command}")]).output();
    let told = told.expect("there is a shell");
    assert!(told.status.success(), "{command}");
    let text = String::from_utf8(told.stdout).expect("the documentation is text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// Fails unless a program takes all that the documentation calls it with, be it run or not.
pub fn are_taken_by<Arguments: clap::Parser>(program: &str) {
    let calls = |command: &str| {
        command.strip_prefix(program).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let shells = blocks().into_iter().filter(|block| block.language == "sh");
    let in_blocks = shells.flat_map(|block| {
        let place = block.place();
        block.commands().into_iter().map(move |command| (place.clone(), command))
    });
    let in_lines = spans().into_iter().map(|span| (span.place(), span.text));
    let mut seen = 0;
    for (place, command) in in_blocks.chain(in_lines).filter(|(_, command)| calls(command)) {
        let read = Arguments::try_parse_from(words(&command));
        assert!(read.is_ok(), "{place}: {}", read.err().map(|e| e.to_string()).unwrap_or_default());
        seen += 1;
    }
    assert!(seen > 0, "the documentation shows {program}");
}

/// All blocks of the README and of `docs`.
pub fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for (page, text) in pages() {
        let lines: Vec<&str> = text.lines().collect();
        let mut at = 0;
        while at < lines.len() {
            let Some(language) = lines[at].trim_start().strip_prefix("```") else {
                at += 1;
                continue;
            };
            let body = &lines[at + 1..];
            let length = body.iter().position(|line| line.trim_start().starts_with("```"));
            let length = length.unwrap_or_else(|| panic!("{page}:{}: never ends", at + 1));
            let mut after = body[length + 1..].iter().filter(|line| !line.trim().is_empty());
            let not_run = after.next().and_then(|line| line.strip_prefix(NOT_RUN));
            found.push(Block {
                page: page.clone(),
                line: at + 1,
                language: language.to_owned(),
                text: body[..length].join("\n") + "\n",
                not_run: not_run.map(|why| why.trim_end_matches(['*', '.']).to_owned()),
            });
            at += length + 2;
        }
    }
    found
}

/// All code within lines; it may go on in the next one, but not beyond a paragraph.
pub fn spans() -> Vec<Span> {
    let mut found = Vec::new();
    for (page, text) in pages() {
        let mut fenced = false;
        let mut open: Option<(usize, String)> = None;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced || line.trim().is_empty() || line.trim_start().starts_with("```") {
                open = None;
                continue;
            }
            for (index, part) in line.split('`').enumerate() {
                // Each mark ends the code before it, or begins one.
                if index > 0 {
                    open = match open.take() {
                        Some((line, text)) => {
                            let text = text.trim().replace("\\|", "|");
                            found.push(Span { page: page.clone(), line, text });
                            None
                        }
                        None => Some((number, String::new())),
                    };
                }
                if let Some((_, text)) = &mut open {
                    *text += " ";
                    *text += part;
                }
            }
        }
    }
    found
}

/// The pages with their texts. Those that are generated from the product are the product's own.
pub fn pages() -> Vec<(String, String)> {
    let root = root();
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the documentation") {
            let path = entry.expect("readable").path();
            match path.extension().is_some_and(|extension| extension == "md") {
                true => pages.push(path),
                false if path.is_dir() => folders.push(path),
                false => {}
            }
        }
    }
    pages.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let name = path.strip_prefix(&root).expect("it lies below").display().to_string();
        (name, text)
    };
    let pages: Vec<(String, String)> = pages.into_iter().map(read).collect();
    assert!(pages.len() > 30, "{} pages", pages.len());
    pages
}
