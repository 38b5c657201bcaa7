//! How far off predictions were.

/// The mean of absolute errors of pairs of what was said and what came; nothing of no pair.
pub fn mean_error(pairs: &[(f64, f64)]) -> Option<f64> {
    let sum: f64 = pairs.iter().map(|(said, came)| (said - came).abs()).sum();
    (!pairs.is_empty()).then(|| sum / pairs.len() as f64)
}

/// The median of absolute errors; of an even number the mean of the middle two.
pub fn median_error(pairs: &[(f64, f64)]) -> Option<f64> {
    median(pairs.iter().map(|(said, came)| (said - came).abs()).collect())
}

/// The median; of an even number the mean of the middle two.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// The value below which so large a share lies: of n sorted values the one at `share × (n - 1)`, rounded away from the middle.
pub fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let place = share.clamp(0.0, 1.0) * values.len().checked_sub(1)? as f64;
    let place = if share < 0.5 { place.floor() } else { place.ceil() };
    values.get(place as usize).copied()
}

/// The area under precision by recall, as average precision: the mean, over all that came, of the precision among what was
/// ranked at least as high. Equal scores are one rank. Nothing where nothing came.
pub fn average_precision(scored: &[(f64, bool)]) -> Option<f64> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut came, mut sum) = (0.0, 0.0, 0.0);
    for same in sorted.chunk_by(|a, b| a.0 == b.0) {
        let new = same.iter().filter(|(_, came)| *came).count() as f64;
        seen += same.len() as f64;
        came += new;
        sum += new * came / seen;
    }
    (came > 0.0).then(|| sum / came)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_1_2_and_6() {
        let pairs = [(11.0, 10.0), (8.0, 10.0), (16.0, 10.0)];
        assert_eq!((mean_error(&pairs), median_error(&pairs)), (Some(3.0), Some(2.0)));
        assert_eq!(median_error(&pairs[..2]), Some(1.5));
        assert_eq!((mean_error(&[]), median_error(&[])), (None, None));
    }

    #[test]
    fn quantiles_lie_outwards() {
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.1), Some(0.0));
        assert_eq!(quantile(values, 0.9), Some(9.0));
        assert_eq!(quantile(Vec::new(), 0.9), None);
    }

    #[test]
    fn precision_is_one_of_one_and_two_of_three() {
        let scored = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
        assert_eq!(average_precision(&scored), Some((1.0 + 2.0 / 3.0) / 2.0));
        // Where all are alike it is the share of what came.
        assert_eq!(average_precision(&[(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(average_precision(&[(0.5, false)]), None);
    }
}
