//! From the text of a scenario file to a scenario, or to what is wrong, where, and what was expected.

use thiserror::Error;

use super::{LoadShape, Scenario, check};

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Line, the first being 1.
    pub line: usize,
    /// Column, the first being 1.
    pub column: usize,
}

/// Why a scenario cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScenarioError {
    /// The text is no scenario.
    #[error("{file}:{line}:{column}: {expected}", line = at.line, column = at.column)]
    Wrong {
        /// The file.
        file: String,
        /// Where.
        at: Span,
        /// What was expected there.
        expected: String,
    },
    /// A series that the scenario names cannot be used.
    #[error("{file}:{line}: {expected}")]
    Series {
        /// The file of the series.
        file: String,
        /// The line in it.
        line: usize,
        /// What was expected there.
        expected: String,
    },
}

/// Reads a scenario.
///
/// `open` gives the text of a file that the scenario names; reading files is the caller's.
///
/// # Errors
/// When the text is no scenario, naming file, line and what was expected.
pub fn read(
    file: &str,
    text: &str,
    open: impl Fn(&str) -> Result<String, String>,
) -> Result<Scenario, ScenarioError> {
    let wrong =
        |at: Span, expected: String| ScenarioError::Wrong { file: file.to_owned(), at, expected };
    thalweg_bounds::toml(text)
        .map_err(|dense| wrong(Span { line: 1, column: 1 }, dense.to_string()))?;
    let mut scenario: Scenario = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(Span { line: 1, column: 1 }, |span| place(text, span.start));
        wrong(at, error.message().to_owned())
    })?;
    if let LoadShape::Series { file: series, column, values, .. } = &mut scenario.load.shape
        && values.is_empty()
    {
        let at = line_of(text, "load", 0, "file");
        let content = open(series).map_err(|problem| {
            wrong(at, format!("expected a readable file {series}: {problem}"))
        })?;
        *values = read_series(series, &content, *column)?;
    }
    check::check(&scenario).map_err(|fault| {
        wrong(line_of(text, fault.table, fault.index, fault.key), fault.expected)
    })?;
    Ok(scenario)
}

/// Reads one column of a file of comma-separated values with one heading.
///
/// # Errors
/// When a line has no number there.
pub fn read_series(file: &str, text: &str, column: usize) -> Result<Vec<f64>, ScenarioError> {
    let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty());
    let values: Vec<f64> = lines
        .map(|(index, line)| {
            let value = line.split(',').nth(column).and_then(|cell| cell.trim().parse().ok());
            value.filter(|v: &f64| v.is_finite() && *v >= 0.0).ok_or_else(|| {
                ScenarioError::Series {
                    file: file.to_owned(),
                    line: index + 1,
                    expected: format!("expected a number of at least 0 in column {}", column + 1),
                }
            })
        })
        .collect::<Result<_, _>>()?;
    if values.is_empty() {
        let expected = "expected a heading and at least one line of values".to_owned();
        return Err(ScenarioError::Series { file: file.to_owned(), line: 1, expected });
    }
    Ok(values)
}

fn place(text: &str, offset: usize) -> Span {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Span { line: before.matches('\n').count() + 1, column: offset.saturating_sub(line_start) + 1 }
}

/// Where a key of the n-th table of a name stands; the table's heading where it does not say it.
fn line_of(text: &str, table: &str, index: usize, key: &str) -> Span {
    let heads = [format!("[[{table}]]"), format!("[{table}")];
    let is_head =
        |line: &str| heads.iter().any(|head| line.trim_start().starts_with(head.as_str()));
    let mut headings =
        text.lines().enumerate().filter(|(_, line)| is_head(line)).map(|(line, _)| line);
    let head = if table.is_empty() { Some(0) } else { headings.nth(index) };
    let Some(head) = head else { return Span { line: 1, column: 1 } };
    let own = text.lines().enumerate().skip(head).enumerate();
    let found = own
        .take_while(|(nth, (_, line))| *nth == 0 || !line.trim_start().starts_with("[["))
        .find(|(_, (_, line))| {
            line.trim_start()
                .strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        })
        .map(|(_, (line, _))| line);
    Span { line: found.unwrap_or(head) + 1, column: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let closed = |file: &str| Err(format!("no {file} here"));
        read("some.toml", text, closed).expect_err("a broken scenario").to_string()
    }

    fn text() -> String {
        TINY.to_owned()
    }

    const TINY: &str = r#"
name = "tiny"
engine = "storm"
duration_secs = 60
rate = 100

[[node]]
count = 1

[[component]]
id = "in"
kind = "source"
work_micros = 10

[[component]]
id = "out"
work_micros = 1000

[[edge]]
from = "in"
to = "out"
"#;

    #[test]
    fn a_whole_file_is_read() {
        let read = read("some.toml", &text(), |_| Err(String::new())).expect("it is whole");
        assert_eq!((read.name.as_str(), read.components.len(), read.edges.len()), ("tiny", 2, 1));
    }

    #[test]
    fn every_fault_names_file_line_and_what_was_expected() {
        let with = |from: &str, to: &str| error_of(&text().replace(from, to));
        let cases = [
            (with("duration_secs = 60", "duration_secs = \"long\""), ":4:", "expected f64"),
            (with("rate = 100", "rat = 100"), ":5:", "expected one of"),
            (with("to = \"out\"", "to = \"nowhere\""), ":21:", "a component"),
            (with("work_micros = 1000", "work_micros = -1"), ":17:", "at least 0"),
            (with("kind = \"source\"", ""), "", "a source"),
            (
                format!(
                    "{}\n",
                    error_of(&format!(
                        "{}\n[load.shape]\nkind=\"series\"\nfile=\"x.csv\"\ninterval_secs=1\nmean=1\n",
                        text()
                    ))
                ),
                "",
                "x.csv",
            ),
        ];
        for (error, place, expected) in cases {
            assert!(error.starts_with("some.toml:"), "{error}");
            assert!(error.contains(place) && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_broken_series_names_its_line() {
        let error = read_series("load.csv", "date,messages\na,1\nb,x\n", 1).expect_err("x");
        assert_eq!(error.to_string(), "load.csv:3: expected a number of at least 0 in column 2");
        let empty = read_series("load.csv", "h\n", 0).expect_err("empty").to_string();
        assert!(empty.starts_with("load.csv:1:"), "{empty}");
    }
}
