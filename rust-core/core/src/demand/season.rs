//! The lag at which a series is most like itself.

/// Auto-correlation from which a season is believed.
const SEASONAL: f64 = 0.5;
/// Auto-correlation below which a series is no longer like itself.
const UNLIKE: f64 = 0.2;

/// The lag, of up to half the series, at which it is most like itself behind its first dip: the first lags are alike in any
/// smooth series. Nothing where it is not, or hardly varies.
pub fn likest_lag(points: &[Option<f64>]) -> Option<usize> {
    let centre = mean(points.iter().copied().flatten()).unwrap_or(0.0);
    let centred: Vec<Option<f64>> = points.iter().map(|p| p.map(|p| p - centre)).collect();
    let likeness = |lag: usize| {
        let pairs = centred.iter().zip(&centred[lag..]);
        mean(pairs.filter_map(|(a, b)| Some((*a)? * (*b)?))).unwrap_or(0.0)
    };
    let power = if centred.is_empty() { 0.0 } else { likeness(0) };
    if power <= 1e-9 * centre * centre {
        return None;
    }
    let found: Vec<f64> = (0..=centred.len() / 2).map(|lag| likeness(lag) / power).collect();
    let dip = found.iter().position(|c| *c < UNLIKE).unwrap_or(found.len());
    let best = (dip..found.len()).max_by(|a, b| found[*a].total_cmp(&found[*b]));
    best.filter(|lag| found[*lag] >= SEASONAL && *lag >= 2)
}

/// The mean of what is there.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fifth_value_is_high() {
        let points: Vec<Option<f64>> =
            (0..50).map(|i| Some(if i % 5 == 0 { 9.0 } else { 1.0 })).collect();
        assert_eq!(likest_lag(&points).map(|lag| lag % 5), Some(0));
        assert_eq!(likest_lag(&[Some(3.0); 50]), None);
        assert_eq!(likest_lag(&[]), None);
    }
}
