//! How much work may be done: counted in steps, because the solver knows no clock.

/// Steps that may still be taken. A step is about one look at one executor on one node.
pub struct Budget<'a> {
    left: u64,
    since_asked: u64,
    stop: Option<&'a mut dyn FnMut() -> bool>,
}

impl std::fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Steps between two questions whether to stop.
const ASK_EVERY: u64 = 4096;

impl<'a> Budget<'a> {
    /// So many steps: the same problem then always has the same answer.
    pub fn steps(steps: u64) -> Self {
        Self { left: steps, since_asked: 0, stop: None }
    }

    /// So many steps, or until `stop` says so; the answer then depends on when that is.
    pub fn until(steps: u64, stop: &'a mut dyn FnMut() -> bool) -> Self {
        Self { left: steps, since_asked: 0, stop: Some(stop) }
    }

    /// Takes steps.
    pub(crate) fn spend(&mut self, steps: u64) {
        self.left = self.left.saturating_sub(steps.max(1));
        self.since_asked += steps;
        if self.since_asked >= ASK_EVERY {
            self.since_asked = 0;
            if self.stop.as_mut().is_some_and(|stop| stop()) {
                self.left = 0;
            }
        }
    }

    /// Whether no step is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// How many steps are left.
    pub fn left(&self) -> u64 {
        self.left
    }
}
