//! Executors of a node share its processor.

/// How much processor time each of `wanted` gets of `capacity`: everybody the same, but nobody more
/// than wanted (max-min fairness, as the kernel's scheduler gives to threads of equal weight).
///
/// Writes into each place of `wanted` what is granted.
pub(super) fn grant(wanted: &mut [f64], capacity: f64) {
    let sum: f64 = wanted.iter().sum();
    if sum <= capacity {
        return;
    }
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]).then(a.cmp(&b)));
    let mut left = capacity.max(0.0);
    for (served, &index) in order.iter().enumerate() {
        let fair = left / (order.len() - served) as f64;
        wanted[index] = wanted[index].min(fair);
        left -= wanted[index];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_shares_are_met_and_the_rest_is_shared() {
        let mut wanted = [1.0, 0.2, 1.0, 0.4];
        grant(&mut wanted, 2.0);
        assert_eq!(wanted.map(|x: f64| (x * 1e9).round() / 1e9), [0.7, 0.2, 0.7, 0.4]);
        let mut modest = [0.5, 0.5];
        grant(&mut modest, 2.0);
        assert_eq!(modest, [0.5, 0.5]);
        let mut nothing = [0.5, 0.5];
        grant(&mut nothing, 0.0);
        assert_eq!(nothing, [0.0, 0.0]);
    }
}
