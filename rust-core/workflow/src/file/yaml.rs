//! YAML as a tree whose values know their line. Anchors, aliases and tags are not taken: a workflow needs none, and a few
//! lines of aliases can stand for millions of values.

use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::{Marker, TScalarStyle};
use yaml_rust2::{Event, ScanError};

use super::error::{At, Fault};

/// The longest text that is read.
pub(super) const LONGEST: usize = 4 << 20;
/// How deep values may lie within each other; a workflow needs nine.
const DEEPEST: usize = 16;

/// A value and the line that it begins in.
#[derive(Debug)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

/// Without room to grow, as there may be many.
#[derive(Debug)]
pub(super) enum Value {
    /// A text; whether it stands in quotes or as a block, so that it is no number.
    Text {
        text: Box<str>,
        is_quoted: bool,
    },
    List(Box<[Node]>),
    /// Keys with their lines, in the order of the file.
    Map(Box<[Entry]>),
}

/// A key, its line and its value.
pub(super) type Entry = (Box<str>, usize, Node);

/// Reads the one document of a text.
pub(super) fn read(text: &str) -> Result<Node, At> {
    if text.len() > LONGEST {
        let said = format!("the file has {} bytes, and at most {LONGEST} are read", text.len());
        return Err(At { line: 1, fault: Fault::Limit(said) });
    }
    thalweg_bounds::yaml(text)
        .map_err(|dense| At { line: 1, fault: Fault::Limit(dense.to_string()) })?;
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    // The stream, and the document in it.
    reader.next()?;
    let (event, place) = reader.next()?;
    if matches!(event, Event::StreamEnd) {
        return Err(yaml(place.line(), "the file is empty"));
    }
    let (event, place) = reader.next()?;
    let root = reader.node(event, place, 0)?;
    reader.next()?;
    match reader.next()? {
        (Event::StreamEnd, _) => Ok(root),
        (_, place) => Err(yaml(place.line(), "expected one document, and another begins")),
    }
}

fn yaml(line: usize, said: &str) -> At {
    At { line, fault: Fault::Yaml(said.to_owned()) }
}

struct Reader<'a> {
    parser: Parser<std::str::Chars<'a>>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<(Event, Marker), At> {
        let wrong = |error: ScanError| yaml(error.marker().line(), error.info());
        self.parser.next_token().map_err(wrong)
    }

    fn node(&mut self, event: Event, place: Marker, depth: usize) -> Result<Node, At> {
        let line = place.line();
        if depth > DEEPEST {
            let said = format!("values lie more than {DEEPEST} deep within each other");
            return Err(At { line, fault: Fault::Limit(said) });
        }
        let value = match event {
            Event::Scalar(text, style, 0, None) => {
                Value::Text { text: text.into(), is_quoted: style != TScalarStyle::Plain }
            }
            Event::SequenceStart(0, None) => self.list(depth)?,
            Event::MappingStart(0, None) => self.map(depth)?,
            _ => return Err(yaml(line, "anchors, aliases and tags are not taken")),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value, At> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items.into())),
                (event, place) => items.push(self.node(event, place, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, At> {
        let mut entries = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return unique(entries);
            }
            let line = place.line();
            let Value::Text { text: key, .. } = self.node(event, place, depth + 1)?.value else {
                return Err(yaml(line, "a key has to be a text"));
            };
            let (event, place) = self.next()?;
            entries.push((key, line, self.node(event, place, depth + 1)?));
        }
    }
}

/// A map, unless a key is there twice.
fn unique(entries: Vec<Entry>) -> Result<Value, At> {
    let mut keys: Vec<(&str, usize)> =
        entries.iter().map(|(key, line, _)| (&**key, *line)).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(yaml(pair[1].1, &format!("{} is there twice", pair[1].0))),
        None => Ok(Value::Map(entries.into())),
    }
}
