//! The terminal: a block redrawn in place, or plain lines where there is none.

use std::fmt::Write as _;
use std::io::Write as _;

use console::{Term, truncate_str};

/// Where the story is told.
pub enum Screen {
    /// A block at the bottom of a terminal.
    Block(Block),
    /// Lines that stay.
    Lines,
}

/// A block of lines that replaces itself.
pub struct Block {
    term: Term,
    drawn: usize,
}

impl Screen {
    /// A block if standard output is a terminal.
    pub fn open() -> Self {
        let term = Term::stdout();
        if term.is_term() { Self::Block(Block { term, drawn: 0 }) } else { Self::Lines }
    }
}

impl Block {
    /// Rows and columns that a frame may fill.
    pub fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        // One row less: the cursor stands below the block.
        (usize::from(rows).saturating_sub(1), usize::from(columns))
    }

    /// Puts a frame in the place of the last one, in one write, so that nothing flickers.
    pub fn draw(&mut self, lines: &[String]) {
        let (rows, columns) = self.size();
        let mut text = String::new();
        if self.drawn > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "\x1b[{}A", self.drawn);
        }
        let shown = &lines[..lines.len().min(rows)];
        for line in shown {
            text += &truncate_str(line, columns, "…");
            text += "\x1b[K\r\n";
        }
        text += "\x1b[J";
        self.drawn = shown.len();
        // A terminal that went away is no reason to leave a cluster half measured.
        let _ = self.term.write_all(text.as_bytes());
        let _ = self.term.flush();
    }
}
