//! Numbers that look random and are the same everywhere: SplitMix64.

#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of so many, the first being 0.
    pub fn below(&mut self, count: usize) -> usize {
        // How far the shares are from equal does not matter to a search.
        (self.next() % count.max(1) as u64) as usize
    }

    /// From 0 to just below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 upwards, half as likely with each 0.69 more, so that its mean is about 1. It is made without a logarithm, as
    /// libraries differ in the last digit of one.
    pub fn patience(&mut self) -> f64 {
        std::f64::consts::LN_2 * (f64::from(self.next().leading_zeros()) + self.share())
    }
}
