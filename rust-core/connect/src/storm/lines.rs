//! Lines of another program, no matter what it writes.

use std::collections::VecDeque;
use std::io::{BufRead, Result};
use std::sync::{Mutex, PoisonError};

/// As many of the last lines as help.
const KEPT_LINES: usize = 10;
/// As much of each as helps.
const KEPT_BYTES: usize = 300;

/// A line, or what there was instead.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// One without its end.
    Whole(Vec<u8>),
    /// One that has more bytes than are read.
    TooLong,
    /// There are no more. What has no end is no line.
    End,
}

/// Reads the next line, of so many bytes at most.
pub fn next(reader: &mut impl BufRead, limit: usize) -> Result<Line> {
    let mut line = Vec::new();
    loop {
        let some = reader.fill_buf()?;
        if some.is_empty() {
            return Ok(Line::End);
        }
        let end = some.iter().position(|byte| *byte == b'\n');
        let part = &some[..end.unwrap_or(some.len())];
        if line.len() + part.len() > limit {
            return Ok(Line::TooLong);
        }
        line.extend_from_slice(part);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(Line::Whole(line));
        }
    }
}

/// The last lines of what a program says on its error channel.
#[derive(Debug, Default)]
pub struct Said(Mutex<VecDeque<String>>);

impl Said {
    /// Listens until the program says no more; all of it is taken, so that nothing holds the program up.
    pub fn listen(&self, reader: &mut impl BufRead) -> Result<()> {
        let mut line = Vec::new();
        loop {
            let some = reader.fill_buf()?;
            if some.is_empty() {
                self.note(&line);
                return Ok(());
            }
            let end = some.iter().position(|byte| *byte == b'\n');
            let part = &some[..end.unwrap_or(some.len())];
            line.extend(part.iter().take(KEPT_BYTES.saturating_sub(line.len())));
            let used = part.len() + usize::from(end.is_some());
            reader.consume(used);
            if end.is_some() {
                self.note(&line);
                line.clear();
            }
        }
    }

    fn note(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line).trim().to_owned();
        if text.is_empty() {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }

    /// What it said last.
    pub fn last(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_none_is_longer_than_allowed() {
        let mut text = &b"one\n\nlonger than\nno end"[..];
        let mut next = || next(&mut text, 6).expect("memory can be read");
        assert_eq!(next(), Line::Whole(b"one".to_vec()));
        assert_eq!(next(), Line::Whole(Vec::new()));
        assert_eq!(next(), Line::TooLong);
        let mut text = &b"no end"[..];
        assert_eq!(super::next(&mut text, 6).expect("memory can be read"), Line::End);
    }

    #[test]
    fn of_a_flood_the_last_lines_are_kept_and_of_each_its_beginning() {
        let said = Said::default();
        let flood = (0..10_000).map(|n| format!("{n} {}\n", "x".repeat(1_000))).collect::<String>();
        said.listen(&mut flood.as_bytes()).expect("memory can be read");
        let last = said.last();
        assert_eq!(last.len(), KEPT_LINES);
        assert!(last[KEPT_LINES - 1].starts_with("9999 x"), "{last:?}");
        assert!(last.iter().all(|line| line.len() <= KEPT_BYTES));
    }
}
