//! Plots as SVG.

use anyhow::{Result, anyhow};
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::stats::Summary;
use crate::table::figure;

/// Size of a plot.
const SIZE: (u32, u32) = (860, 420);
const FONT: (&str, u32) = ("sans-serif", 14);

/// Colours that stay apart for most eyes.
const COLOURS: [RGBColor; 10] = [
    RGBColor(120, 120, 120),
    RGBColor(60, 60, 60),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(0, 114, 178),
    RGBColor(170, 120, 50),
    RGBColor(213, 94, 0),
    RGBColor(0, 0, 0),
];

/// The colour of the n-th contestant.
pub fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// A line of a course.
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Its colour.
    pub colour: RGBColor,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// A contestant with two measures.
pub type Cross = (String, RGBColor, Summary, Summary);

/// Medians as bars with their confidence intervals, on a scale of decades where they lie far apart.
///
/// # Errors
/// When the plot cannot be drawn.
pub fn bars(title: &str, unit: &str, entries: &[(String, RGBColor, Summary)]) -> Result<String> {
    let most = entries.iter().map(|(.., s)| s.high).fold(0.0, f64::max).max(1e-9) * 1.08;
    let medians = || entries.iter().map(|(.., s)| s.median);
    let least = medians().fold(f64::INFINITY, f64::min);
    let far_apart = least > 0.0 && medians().fold(0.0, f64::max) / least > 100.0;
    draw(|area| {
        let mut builder = ChartBuilder::on(area);
        builder.caption(title, (FONT.0, 18)).margin(10).x_label_area_size(30).y_label_area_size(70);
        let across = 0.0..entries.len() as f64;
        if far_apart {
            let floor = entries.iter().map(|(.., s)| s.low).filter(|low| *low > 0.0);
            let floor = floor.fold(least, f64::min) / 2.0;
            let chart = builder.build_cartesian_2d(across, (floor..most).log_scale())?;
            bars_on(chart, unit, entries, floor)
        } else {
            bars_on(builder.build_cartesian_2d(across, 0.0..most)?, unit, entries, 0.0)
        }
    })
}

type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, Y>>;

fn bars_on<'a, 'b, Y>(
    mut chart: Chart<'a, 'b, Y>,
    unit: &str,
    entries: &[(String, RGBColor, Summary)],
    floor: f64,
) -> Result<()>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    'b: 'a,
{
    let label = |x: &f64| {
        let at = (x - 0.5).round();
        let near = (x - 0.5 - at).abs() < 1e-6;
        entries
            .get(at as usize)
            .filter(|_| near && at >= 0.0)
            .map_or(String::new(), |e| e.0.clone())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .y_desc(unit)
        .y_label_formatter(&|y| figure(*y))
        .x_labels(entries.len() * 2 + 1)
        .x_label_formatter(&label)
        .label_style(FONT)
        .draw()?;
    for (index, (_, colour, summary)) in entries.iter().enumerate() {
        let (left, right) = (index as f64 + 0.2, index as f64 + 0.8);
        let middle = index as f64 + 0.5;
        let bar = [(left, floor), (right, summary.median.max(floor))];
        chart.draw_series([Rectangle::new(bar, colour.mix(0.75).filled())])?;
        let whisker = vec![(middle, summary.low.max(floor)), (middle, summary.high)];
        chart.draw_series([PathElement::new(whisker, BLACK.stroke_width(2))])?;
    }
    Ok(())
}

/// Two measures against each other, a cross of confidence intervals for each contestant.
///
/// # Errors
/// When the plot cannot be drawn.
pub fn scatter(title: &str, x_title: &str, y_title: &str, entries: &[Cross]) -> Result<String> {
    let reach =
        |of: &dyn Fn(&Cross) -> f64| entries.iter().map(of).fold(0.0, f64::max).max(1e-9) * 1.15;
    let (right, top) = (reach(&|e| e.2.high), reach(&|e| e.3.high));
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, (FONT.0, 18))
            .margin(10)
            .x_label_area_size(45)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .x_desc(x_title)
            .y_desc(y_title)
            .label_style(FONT)
            .draw()?;
        for (name, colour, x, y) in entries {
            let across = vec![(x.low, y.median), (x.high, y.median)];
            let up = vec![(x.median, y.low), (x.median, y.high)];
            chart.draw_series([
                PathElement::new(across, colour.stroke_width(2)),
                PathElement::new(up, colour.stroke_width(2)),
            ])?;
            chart.draw_series([Circle::new((x.median, y.median), 5, colour.filled())])?;
            let at = (x.median + right * 0.012, y.median + top * 0.03);
            chart.draw_series([Text::new(name.clone(), at, FONT.into_font().color(colour))])?;
        }
        Ok(())
    })
}

/// Values over time.
///
/// # Errors
/// When the plot cannot be drawn.
pub fn course(title: &str, y_title: &str, lines: &[Line], log: bool) -> Result<String> {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let right = all().map(|(x, _)| x).fold(0.0, f64::max).max(1e-9);
    let most = all().map(|(_, y)| y).fold(0.0, f64::max).max(1e-9);
    let low = all().map(|(_, y)| y).filter(|y| *y > 0.0).fold(most, f64::min);
    // The names of the lines have their place above them.
    let part = 1.05 + 0.1 * lines.len() as f64;
    let top = if log { low * (most / low).powf(part) * 1.1 } else { most * part };
    draw(|area| {
        let mut builder = ChartBuilder::on(area);
        builder.caption(title, (FONT.0, 18)).margin(10).x_label_area_size(45).y_label_area_size(70);
        if log {
            let chart = builder.build_cartesian_2d(0.0..right, (low * 0.8..top).log_scale())?;
            course_lines(chart, y_title, lines)
        } else {
            let chart = builder.build_cartesian_2d(0.0..right, 0.0..top)?;
            course_lines(chart, y_title, lines)
        }
    })
}

/// How values grow with a size, both on scales of decades.
///
/// # Errors
/// When the plot cannot be drawn.
pub fn growth(title: &str, (x_title, y_title): (&str, &str), lines: &[Line]) -> Result<String> {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied()).filter(above_zero);
    let ends = |of: fn((f64, f64)) -> f64| {
        let least = all().map(of).fold(f64::INFINITY, f64::min).min(1e9);
        (least, all().map(of).fold(least, f64::max).max(least * 1.01))
    };
    let ((left, right), (low, high)) = (ends(|(x, _)| x), ends(|(_, y)| y));
    // The names of the lines have their place above them.
    let top = high * (high / low).powf(0.08 * lines.len() as f64) * 1.5;
    draw(|area| {
        let mut builder = ChartBuilder::on(area);
        builder.caption(title, (FONT.0, 18)).margin(10).x_label_area_size(45).y_label_area_size(90);
        let (across, up) = ((left..right).log_scale(), (low * 0.7..top).log_scale());
        let mut chart = builder.build_cartesian_2d(across, up)?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .x_desc(x_title)
            .y_desc(y_title)
            .x_label_formatter(&|x| figure(*x))
            .y_label_formatter(&|y| figure(*y))
            .label_style(FONT)
            .draw()?;
        named_lines(&mut chart, lines, above_zero, 3)?;
        Ok(())
    })
}

/// What a scale of decades can show.
fn above_zero((x, y): &(f64, f64)) -> bool {
    *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite()
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn course_lines<'a, 'b, Y>(mut chart: Chart<'a, 'b, Y>, y_title: &str, lines: &[Line]) -> Result<()>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    'b: 'a,
{
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_desc("hours")
        .y_desc(y_title)
        .y_label_formatter(&|y| figure(*y))
        .label_style(FONT)
        .draw()?;
    named_lines(&mut chart, lines, |(_, y)| y.is_finite(), 0)
}

/// Lines with dots of this size at the points that are shown, and their names.
fn named_lines<'a, 'b, C>(
    chart: &mut ChartContext<'a, SVGBackend<'b>, C>,
    lines: &[Line],
    shown: fn(&(f64, f64)) -> bool,
    dots: u32,
) -> Result<()>
where
    C: CoordTranslate<From = (f64, f64)>,
    'b: 'a,
{
    for line in lines {
        let points = line.points.iter().copied().filter(shown);
        let colour = line.colour;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(dots))?
            .label(line.name.clone())
            .legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(3))
            });
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .label_font(FONT)
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    Ok(())
}

fn draw(paint: impl FnOnce(&Canvas<'_>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
        paint(&area)?;
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(svg)
}
