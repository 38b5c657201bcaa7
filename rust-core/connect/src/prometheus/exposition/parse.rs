//! From bytes to families, line by line.

use super::cursor::Cursor;
use super::families::{Families, Said};
use super::fault::{ExpositionError, Fault};
use super::line::{help, metric_name, sample};
use super::words::{Exposition, Format, Kind, Limits};

/// Reads what a target exposes.
///
/// # Errors
/// When it is not as its format has it, is more than is kept, or, in OpenMetrics, is not whole.
pub fn parse(bytes: &[u8], format: Format, limits: &Limits) -> Result<Exposition, ExpositionError> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_text(bytes, error.valid_up_to()))?;
    let mut families = Families::new(format, *limits);
    let mut whole = false;
    let mut last = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        last = index + 1;
        let (line, ended) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
        let line = if format == Format::Text { line.trim_end_matches('\r') } else { line };
        let mut cursor = Cursor::of(line, last);
        if whole {
            return Err(cursor.wrong(Fault::BehindEnd));
        }
        if line.len() > limits.line {
            return Err(cursor.wrong(Fault::TooMuch { limit: limits.line, of: "bytes in a line" }));
        }
        if format == Format::OpenMetrics {
            if line == "# EOF" {
                whole = true;
                continue;
            }
            if !ended {
                return Err(cursor.wrong(Fault::NotWhole));
            }
        }
        one(&mut cursor, format, limits, &mut families)?;
    }
    if format == Format::OpenMetrics && !whole {
        return Err(Cursor::of("", last + 1).wrong(Fault::NotWhole));
    }
    Ok(families.end())
}

fn not_text(bytes: &[u8], valid: usize) -> ExpositionError {
    let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ExpositionError { line, column, fault: Fault::NoText }
}

/// Takes one line.
fn one(
    line: &mut Cursor<'_>,
    format: Format,
    limits: &Limits,
    families: &mut Families,
) -> Result<(), ExpositionError> {
    let begin = line.clone();
    if format == Format::Text {
        line.while_fits(|next| next == ' ' || next == '\t');
        if line.rest().is_empty() {
            return Ok(());
        }
    } else if line.rest().is_empty() {
        return Err(line.wrong(Fault::Empty));
    }
    if line.peek() == Some('#') {
        return about(line, format, families);
    }
    let sample = sample(line, format, limits)?;
    families.take(sample).map_err(|fault| begin.wrong(fault))
}

/// Takes a line about a whole family. Other comments mean nothing in the older format, and are none in OpenMetrics.
fn about(
    line: &mut Cursor<'_>,
    format: Format,
    families: &mut Families,
) -> Result<(), ExpositionError> {
    let begin = line.clone();
    let blanks = |line: &mut Cursor<'_>| {
        if format == Format::Text {
            line.while_fits(|next| next == ' ' || next == '\t');
        } else {
            line.takes(" ");
        }
    };
    line.step();
    blanks(line);
    let what = line.word();
    let known = match format {
        Format::Text => ["TYPE", "HELP"].contains(&what),
        Format::OpenMetrics => ["TYPE", "HELP", "UNIT"].contains(&what),
    };
    if !known {
        return match format {
            Format::Text => Ok(()),
            Format::OpenMetrics => Err(begin.wrong(Fault::Expected("TYPE, HELP, UNIT or EOF"))),
        };
    }
    blanks(line);
    let name = metric_name(line)?;
    if !line.rest().is_empty() && !line.rest().starts_with([' ', '\t']) {
        return Err(line.wrong(Fault::Expected("a metric's name")));
    }
    blanks(line);
    let place = line.clone();
    let said = match what {
        "TYPE" => {
            let kind = line.word();
            blanks(line);
            if !line.rest().is_empty() {
                return Err(line.wrong(Fault::Behind));
            }
            Said::Kind(Kind::of(kind, format).ok_or_else(|| place.wrong(Fault::UnknownType))?)
        }
        "UNIT" => Said::Unit(line.rest().to_owned()),
        _ => Said::Help(help(line, format)?),
    };
    families.say(name, said).map_err(|fault| begin.wrong(fault))
}
