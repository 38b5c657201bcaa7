//! Dividing a whole number in proportion.

/// Shares of what is left for those who want more of it in all, rounded by what is taken in all, so that nothing of what
/// is left stays unused.
pub struct Proportion {
    left: u64,
    wanted: u64,
    seen: u64,
    taken: u64,
}

impl Proportion {
    /// Divides what is left among those who want so much in all.
    pub fn of(left: u32, wanted: u32) -> Self {
        Self { left: left.into(), wanted: u64::from(wanted).max(1), seen: 0, taken: 0 }
    }

    /// What the next one gets of what it wants.
    pub fn of_next(&mut self, wants: u32) -> u32 {
        self.seen += u64::from(wants);
        let so_far = self.seen * self.left / self.wanted;
        let own = so_far - std::mem::replace(&mut self.taken, so_far);
        u32::try_from(own).unwrap_or(u32::MAX)
    }
}
