//! Values of series at the end of a span.

use thalweg_core::units::Timestamp;

use super::reading::{Missing, Reading, Value};
use super::series::{Point, Series, Span};

/// By how much a counter grew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// By how much.
    pub amount: f64,
    /// In how many seconds.
    pub secs: f64,
    /// When it was scraped last.
    pub at: Timestamp,
}

/// The last value within the span, if it says anything of its end.
pub fn last(series: &Series, span: Span) -> Result<Point, Missing> {
    let last = *series.within(span).last().ok_or(Missing::NotTold)?;
    if !span.is_fresh(last.at) {
        let secs = (span.until.since(last.at).get() / 1000.0).round();
        return Err(Missing::Stale { secs: secs as u64 });
    }
    if last.value.is_finite() { Ok(last) } else { Err(Missing::NoNumber) }
}

/// By how much a counter grew within the span. One that falls has begun anew, from nothing.
pub fn growth(series: &Series, span: Span) -> Result<Growth, Missing> {
    let end = last(series, span)?;
    let points = series.within(span);
    if points.iter().any(|point| !point.value.is_finite()) {
        return Err(Missing::NoNumber);
    }
    let begin = points.first().ok_or(Missing::NotTold)?;
    let secs = end.at.since(begin.at).get() / 1000.0;
    if secs <= 0.0 {
        return Err(Missing::OneValue);
    }
    let pairs =
        points.windows(2).filter_map(|pair| Some((pair.first()?.value, pair.last()?.value)));
    let amount = pairs.map(|(one, next)| if next < one { next } else { next - one }).sum();
    Ok(Growth { amount, secs, at: end.at })
}

/// How much a counter grows per second.
pub fn rate(series: &Series, span: Span) -> Reading {
    let grown = growth(series, span)?;
    Ok(Value { value: grown.amount / grown.secs, at: grown.at, of: String::new() })
}

/// The last value of a gauge.
pub fn gauge(series: &Series, span: Span) -> Reading {
    last(series, span).map(|last| Value { value: last.value, at: last.at, of: String::new() })
}

/// All of them together; one that is missing makes the sum missing, and no sum is made of nothing.
pub fn sum(readings: impl Iterator<Item = Reading>) -> Reading {
    let mut sum: Option<Value> = None;
    for reading in readings {
        let one = reading?;
        sum = Some(match sum {
            None => one,
            Some(sum) => Value { value: sum.value + one.value, at: sum.at.min(one.at), of: sum.of },
        });
    }
    sum.ok_or(Missing::NotTold)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use thalweg_core::units::Millis;

    use super::*;

    fn series(points: &[(i64, f64)]) -> Series {
        let point = |&(secs, value): &(i64, f64)| Point { at: at(secs), value };
        Series { points: points.iter().map(point).collect(), ..Series::default() }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn span() -> Span {
        Span { until: at(100), long: Millis::saturating(60_000.0) }
    }

    fn found(points: &[(i64, f64)]) -> Result<f64, Missing> {
        rate(&series(points), span()).map(|value| value.value)
    }

    #[test]
    fn counters_that_begin_anew_go_on_from_nothing() {
        assert_eq!(found(&[(70, 10.0), (80, 30.0), (90, 50.0)]), Ok(2.0));
        assert_eq!(found(&[(70, 100.0), (80, 120.0), (90, 20.0)]), Ok(2.0));
        assert_eq!(found(&[(70, 100.0), (90, 0.0)]), Ok(0.0));
        // What was before the window does not count.
        assert_eq!(found(&[(10, 0.0), (70, 100.0), (90, 140.0)]), Ok(2.0));
    }

    #[test]
    fn what_is_missing_is_missing_and_never_zero() {
        assert_eq!(found(&[]), Err(Missing::NotTold));
        assert_eq!(found(&[(10, 1.0), (20, 2.0)]), Err(Missing::NotTold));
        assert_eq!(found(&[(50, 1.0), (60, 2.0)]), Err(Missing::Stale { secs: 40 }));
        assert_eq!(found(&[(90, 1.0)]), Err(Missing::OneValue));
        assert_eq!(found(&[(80, f64::NAN), (90, 1.0)]), Err(Missing::NoNumber));
        assert_eq!(found(&[(80, 1.0), (90, f64::INFINITY)]), Err(Missing::NoNumber));
        // What comes from a clock that is ahead is not taken.
        assert_eq!(found(&[(90, 1.0), (110, 2.0)]), Err(Missing::OneValue));
        assert_eq!(sum(std::iter::empty()), Err(Missing::NotTold));
        let of = |points: &[(i64, f64)]| gauge(&series(points), span());
        let all = [of(&[(90, 1.0)]), of(&[(95, 2.0)])];
        assert_eq!(sum(all.into_iter()).map(|sum| (sum.value, sum.at)), Ok((3.0, at(90))));
        assert_eq!(sum([of(&[(90, 1.0)]), of(&[])].into_iter()), Err(Missing::NotTold));
    }

    proptest! {
        #[test]
        fn a_rate_is_what_was_counted_whenever_it_began_anew(
            steps in proptest::collection::vec((0u32..1000, any::<bool>()), 1..20),
        ) {
            let (mut count, mut counted) = (500.0, 0.0);
            let mut points = vec![(50, count)];
            for (second, (more, anew)) in (51..).zip(&steps) {
                // It falls where it begins anew with less than it had; with more nobody can see it.
                let anew = *anew && f64::from(*more) < count;
                count = if anew { f64::from(*more) } else { count + f64::from(*more) };
                counted += f64::from(*more);
                points.push((second, count));
            }
            let until = at(50 + steps.len() as i64);
            let span = Span { until, long: Millis::saturating(60_000.0) };
            let grown = growth(&series(&points), span).expect("two values");
            prop_assert!((grown.amount - counted).abs() < 1e-6);
            prop_assert!((grown.secs - steps.len() as f64).abs() < 1e-9);
        }
    }
}
