//! Curves as tables in Markdown, and as plots.

use std::fmt::Write;

use anyhow::Result;
use thalweg_policies::plot::{Line, colour, growth};

use crate::growth::{Curve, MEASURES, Unit};
use crate::limits::{Reached, measured, reached};

/// All tables.
///
/// # Errors
/// None that could happen: text is written into memory.
pub fn tables(curves: &[Curve]) -> Result<String> {
    let mut page = String::new();
    for curve in curves {
        let sizes: Vec<&str> = curve.points.iter().map(|point| point.size.as_str()).collect();
        writeln!(page, "### {}\n", curve.grows)?;
        writeln!(page, "| {} | {} | grows by the power |", curve.grows, sizes.join(" | "))?;
        writeln!(page, "|---|{}---|", "---|".repeat(sizes.len()))?;
        for measure in measured(curve) {
            let unit = measure.unit.name();
            let title = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
            write!(page, "| {}{title} |", measure.title)?;
            for point in &curve.points {
                match point.figures.get(measure.name) {
                    None => write!(page, " – |")?,
                    Some(found) => {
                        let [median, low, high] = [found.median, found.min, found.max]
                            .map(|value| round(measure.unit.shown(value)));
                        match found.n {
                            1 => write!(page, " {median} |")?,
                            _ => write!(page, " {median} ({low}..{high}) |")?,
                        }
                    }
                }
            }
            match curve.exponent(measure) {
                Some(power) => writeln!(page, " {power:.2} |")?,
                None => writeln!(page, " – |")?,
            }
        }
        writeln!(
            page,
            "\n| limit | within | beyond | part of it at the largest size | expected at |\n|---|---|---|---|---|"
        )?;
        for one in reached(curve) {
            limit(&mut page, &one)?;
        }
        writeln!(page)?;
    }
    Ok(page)
}

fn limit(page: &mut String, one: &Reached) -> Result<()> {
    let Reached { limit, within, beyond, share, expected } = one;
    let text = |size: &Option<String>| size.clone().unwrap_or_else(|| "–".to_owned());
    let share = share.map_or("–".to_owned(), |share| format!("{:.2}", share));
    let expected = expected.map_or("–".to_owned(), round);
    writeln!(page, "| {limit} | {} | {} | {share} | {expected} |", text(within), text(beyond))?;
    Ok(())
}

/// What grew steeply, a line each.
pub fn findings(curves: &[Curve]) -> Vec<String> {
    let of = |curve: &Curve| {
        let steep = curve.steep().into_iter();
        let name = curve.name.clone();
        steep
            .map(move |(measure, power)| {
                format!("{name}: {} grows by the power {power:.2}", measure.title)
            })
            .collect()
    };
    curves.iter().flat_map(|curve| -> Vec<String> { of(curve) }).collect()
}

/// A plot of each kind, by name.
///
/// # Errors
/// When one cannot be drawn.
pub fn plots(curves: &[Curve]) -> Result<Vec<(String, String)>> {
    let mut plots = Vec::new();
    for curve in curves {
        for (kind, unit, title) in [("time", Unit::Seconds, "ms"), ("memory", Unit::Bytes, "KiB")] {
            let of = MEASURES.iter().filter(|measure| measure.plot == kind);
            let lines: Vec<Line> = of
                .enumerate()
                .map(|(index, measure)| Line {
                    name: measure.title.to_owned(),
                    colour: colour(index),
                    points: curve
                        .points
                        .iter()
                        .filter_map(|point| {
                            Some((point.at, unit.shown(point.value(measure.name)?)))
                        })
                        .collect(),
                })
                .filter(|line| line.points.len() > 1)
                .collect();
            if !lines.is_empty() {
                let x = if curve.name == "together" { "executors" } else { curve.grows.as_str() };
                let svg = growth(&format!("{kind}, by {}", curve.grows), (x, title), &lines)?;
                plots.push((format!("scale-{}-{kind}.svg", curve.name), svg));
            }
        }
    }
    Ok(plots)
}

/// Three digits, as people read them.
fn round(value: f64) -> String {
    let places = match value.abs() {
        0.0 => return "0".to_owned(),
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        x if x >= 0.1 => 3,
        _ => 4,
    };
    let digits = format!("{value:.places$}");
    let (whole, part) =
        digits.split_once('.').map_or((digits.as_str(), ""), |(whole, part)| (whole, part));
    // Thousands apart, as they are read.
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && digit != '-' && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if part.is_empty() { grouped } else { format!("{grouped}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_their_thousands_apart() {
        let shown = [0.0, 0.01234, 0.5, 4.14159, 41.4159, 123.4, 1_234_567.0].map(round);
        assert_eq!(shown, ["0", "0.0123", "0.500", "4.14", "41.4", "123", "1,234,567"]);
    }
}
