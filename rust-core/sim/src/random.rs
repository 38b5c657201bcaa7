//! Random numbers whose bytes will never change, because a seed has to mean the same run for ever.
//!
//! The generator is SplitMix64 (Steele, Lea and Flood, 2014). Each use draws from a stream of its
//! own, so that what one part of a run draws cannot shift what another part sees: all policies face
//! the same load, faults and hidden parameters under the same seed.

/// A stream of random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed with a name.
    pub fn of(seed: u64, stream: &str) -> Self {
        // FNV-1a over the name: streams must differ, nothing more.
        let name = stream.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self(seed ^ name.rotate_left(32));
        random.bits();
        random
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0, included, to 1, excluded.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number between two bounds.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` to `high`, both included.
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.max(low) - low) + 1;
        low + u32::try_from(self.bits() % span).unwrap_or(0)
    }

    /// A number from the standard normal distribution (the sum of twelve uniform ones less six,
    /// whose variance is exactly 1).
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A factor around 1 with a relative standard deviation, never below a tenth.
    pub fn factor(&mut self, deviation: f64) -> f64 {
        (1.0 + deviation * self.normal()).max(0.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_numbers_for_ever() {
        let mut random = Random::of(1, "load");
        let drawn: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(drawn, SEED_ONE);
        assert_ne!(Random::of(1, "faults").bits(), drawn[0]);
    }

    /// Written down once; a change of these would change every run that was ever reported.
    const SEED_ONE: [u64; 3] =
        [17_040_667_653_789_869_358, 14_167_019_866_639_125_973, 15_710_884_737_745_335_876];

    #[test]
    fn means_and_variances_are_right() {
        let mut random = Random::of(7, "normal");
        let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert!((0..1000).map(|_| random.whole(3, 5)).all(|n| (3..=5).contains(&n)));
    }
}
