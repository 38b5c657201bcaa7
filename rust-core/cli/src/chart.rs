//! Small charts of block characters for the terminal.

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line of `width` blocks; each is the mean of its part of the values, the top being `most`.
pub fn line(values: &[f64], most: f64, width: usize) -> String {
    let width = width.min(values.len()).max(1);
    (0..width)
        .map(|column| {
            let (from, to) = (column * values.len() / width, (column + 1) * values.len() / width);
            let part = values.get(from..to.max(from + 1)).unwrap_or_default();
            let mean = part.iter().sum::<f64>() / part.len().max(1) as f64;
            let height = (mean / most.max(1e-12) * 8.0).round().clamp(0.0, 8.0);
            BLOCKS[if mean > 0.0 { height.max(1.0) } else { 0.0 } as usize]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_follows_the_values() {
        assert_eq!(line(&[0.0, 1.0, 4.0, 8.0], 8.0, 10), " ▁▄█");
        assert_eq!(line(&[2.0, 6.0, 8.0, 8.0], 8.0, 2), "▄█");
        assert_eq!(line(&[], 8.0, 2), " ");
    }
}
