//! One line with a sample.

use super::cursor::Cursor;
use super::fault::{ExpositionError, Fault};
use super::number;
use super::words::{Exemplar, Format, Labels, Limits, Sample};

/// Characters of all labels of an exemplar together.
const EXEMPLAR_CHARS: usize = 128;

type Read<T> = Result<T, ExpositionError>;

/// Reads a line as a sample.
pub fn sample(line: &mut Cursor<'_>, format: Format, limits: &Limits) -> Read<Sample> {
    let name = metric_name(line)?.to_owned();
    blanks(line, format);
    let labels = if line.takes("{") { labels(line, format, limits)? } else { Labels::new() };
    blank(line, format)?;
    let value = value(line)?;
    let mut sample = Sample { name, labels, value, at: None, exemplar: None };
    if ends(line, format)? {
        return Ok(sample);
    }
    if !(format == Format::OpenMetrics && line.rest().starts_with('#')) {
        sample.at = Some(time(line, format)?);
        if ends(line, format)? {
            return Ok(sample);
        }
    }
    if format == Format::Text || !line.takes("# ") {
        return Err(line.wrong(Fault::Behind));
    }
    sample.exemplar = Some(exemplar(line, limits)?);
    Ok(sample)
}

/// A name of a metric.
pub fn metric_name<'a>(line: &mut Cursor<'a>) -> Read<&'a str> {
    name(line, |next| next == ':', "a metric's name")
}

fn name<'a>(line: &mut Cursor<'a>, also: fn(char) -> bool, what: &'static str) -> Read<&'a str> {
    let letter = |next: char| next.is_ascii_alphabetic() || next == '_' || also(next);
    if !line.peek().is_some_and(letter) {
        return Err(line.wrong(Fault::Expected(what)));
    }
    Ok(line.while_fits(|next| letter(next) || next.is_ascii_digit()))
}

/// Spaces and tabs, where the format allows any.
fn blanks(line: &mut Cursor<'_>, format: Format) {
    if format == Format::Text {
        line.while_fits(|next| next == ' ' || next == '\t');
    }
}

/// What keeps words apart: one space, in the older format any number, which may be missing behind a brace.
fn blank(line: &mut Cursor<'_>, format: Format) -> Read<()> {
    match format {
        Format::Text => blanks(line, format),
        Format::OpenMetrics if line.takes(" ") => {}
        Format::OpenMetrics => return Err(line.wrong(Fault::Expected("one space"))),
    }
    Ok(())
}

/// Whether the line ends here; otherwise goes on to its next word.
fn ends(line: &mut Cursor<'_>, format: Format) -> Read<bool> {
    blanks(line, format);
    if line.rest().is_empty() {
        return Ok(true);
    }
    if format == Format::OpenMetrics {
        blank(line, format)?;
    }
    Ok(false)
}

fn value(line: &mut Cursor<'_>) -> Read<f64> {
    let before = line.clone();
    number::value(line.word()).ok_or_else(|| before.wrong(Fault::Expected("a number")))
}

fn time(line: &mut Cursor<'_>, format: Format) -> Read<i64> {
    let before = line.clone();
    let what = match format {
        Format::Text => "a time in ms",
        Format::OpenMetrics => "a time in seconds",
    };
    number::time(line.word(), format).ok_or_else(|| before.wrong(Fault::Expected(what)))
}

/// Labels behind the opening brace, and the closing one.
fn labels(line: &mut Cursor<'_>, format: Format, limits: &Limits) -> Read<Labels> {
    let mut found = Labels::new();
    loop {
        blanks(line, format);
        // A comma may stand before the brace in the older format only.
        if (found.is_empty() || format == Format::Text) && line.takes("}") {
            return Ok(found);
        }
        let before = line.clone();
        let name = name(line, |_| false, "a label's name")?;
        if found.iter().any(|(known, _)| known == name) {
            return Err(before.wrong(Fault::LabelTwice));
        }
        if found.len() >= limits.labels {
            return Err(before.wrong(Fault::TooMuch { limit: limits.labels, of: "labels" }));
        }
        blanks(line, format);
        if !line.takes("=") {
            return Err(line.wrong(Fault::Expected("=")));
        }
        blanks(line, format);
        found.push((name.to_owned(), quoted(line)?));
        blanks(line, format);
        if line.takes("}") {
            return Ok(found);
        }
        if !line.takes(",") {
            return Err(line.wrong(Fault::Expected(", or }")));
        }
    }
}

fn quoted(line: &mut Cursor<'_>) -> Read<String> {
    let begin = line.clone();
    if !line.takes("\"") {
        return Err(line.wrong(Fault::Expected("a text in quotes")));
    }
    let mut text = String::new();
    loop {
        text += line.while_fits(|next| next != '"' && next != '\\');
        match line.peek() {
            Some('\\') => text.push(escaped(line, true)?),
            Some(_) => {
                line.step();
                return Ok(text);
            }
            None => return Err(begin.wrong(Fault::Unclosed)),
        }
    }
}

/// What a backslash and the character behind it mean.
fn escaped(line: &mut Cursor<'_>, quotes: bool) -> Read<char> {
    let before = line.clone();
    line.step();
    match line.step() {
        Some('\\') => Ok('\\'),
        Some('n') => Ok('\n'),
        Some('"') if quotes => Ok('"'),
        _ => Err(before.wrong(Fault::Escape)),
    }
}

/// The rest of a line as a text for people. The older format knows fewer escapes there, and has any backslash as it is.
pub fn help(line: &mut Cursor<'_>, format: Format) -> Read<String> {
    let mut text = String::new();
    while line.peek().is_some() {
        text += line.while_fits(|next| next != '\\');
        if line.peek().is_none() {
            break;
        }
        let before = line.clone();
        match escaped(line, format == Format::OpenMetrics) {
            Ok(meant) => text.push(meant),
            Err(error) if format == Format::OpenMetrics => return Err(error),
            Err(_) => {
                *line = before;
                text.extend(line.step());
            }
        }
    }
    Ok(text)
}

fn exemplar(line: &mut Cursor<'_>, limits: &Limits) -> Read<Exemplar> {
    let format = Format::OpenMetrics;
    let before = line.clone();
    if !line.takes("{") {
        return Err(line.wrong(Fault::Expected("{")));
    }
    let labels = labels(line, format, limits)?;
    let chars: usize = labels.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum();
    if chars > EXEMPLAR_CHARS {
        let of = "characters in an exemplar's labels";
        return Err(before.wrong(Fault::TooMuch { limit: EXEMPLAR_CHARS, of }));
    }
    blank(line, format)?;
    let value = value(line)?;
    let at = if ends(line, format)? { None } else { Some(time(line, format)?) };
    if !line.rest().is_empty() {
        return Err(line.wrong(Fault::Behind));
    }
    Ok(Exemplar { labels, value, at })
}
