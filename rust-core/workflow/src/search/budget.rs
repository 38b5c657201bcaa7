//! How much may be tried: placements of a task are counted, so that the same problem ends with the same plan everywhere.

/// Work that may be done, in placements of a task.
pub struct Budget<'a> {
    left: u64,
    spent: u64,
    stop: &'a mut dyn FnMut() -> bool,
    stopped: bool,
    asked: u64,
}

/// After how much work it is asked whether to stop.
const ASK: u64 = 4096;

impl<'a> Budget<'a> {
    /// So much work, and less where `stop` says so, which is asked now and then: a clock is the caller's.
    pub fn new(steps: u64, stop: &'a mut dyn FnMut() -> bool) -> Self {
        Self { left: steps, spent: 0, stop, stopped: false, asked: 0 }
    }

    /// Takes some; whether there was any left.
    pub(crate) fn take(&mut self, steps: usize) -> bool {
        if self.stopped || self.left == 0 {
            return false;
        }
        let steps = steps as u64;
        self.left = self.left.saturating_sub(steps);
        self.spent = self.spent.saturating_add(steps);
        if self.spent - self.asked >= ASK {
            self.asked = self.spent;
            self.stopped = (self.stop)();
        }
        !self.stopped
    }

    pub(crate) fn left(&self) -> u64 {
        if self.stopped { 0 } else { self.left }
    }

    /// What was done.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Whether it ended because it was told to.
    pub fn stopped(&self) -> bool {
        self.stopped
    }
}
