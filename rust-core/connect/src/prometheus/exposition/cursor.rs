//! A place in a line.

use super::fault::{ExpositionError, Fault};

/// Reads a line from its beginning.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    line: &'a str,
    number: usize,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of the line of this number.
    pub fn of(line: &'a str, number: usize) -> Self {
        Self { line, number, at: 0 }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes on behind the next character.
    pub fn step(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Goes on behind this, if it stands here.
    pub fn takes(&mut self, text: &str) -> bool {
        let stands = self.rest().starts_with(text);
        if stands {
            self.at += text.len();
        }
        stands
    }

    /// All that fits from here on, perhaps nothing.
    pub fn while_fits(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|next| !fits(next)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A word up to the next space or tab.
    pub fn word(&mut self) -> &'a str {
        self.while_fits(|next| next != ' ' && next != '\t')
    }

    /// This is wrong here.
    pub fn wrong(&self, fault: Fault) -> ExpositionError {
        let before = self.line.get(..self.at).unwrap_or(self.line);
        ExpositionError { line: self.number, column: before.chars().count() + 1, fault }
    }
}
