//! What dies on the way, and when.

/// What dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A node at the edge, with the executor on it.
    Worker,
    /// The program that plans the batches, before it notes that one is done.
    Driver,
    /// A node in the cloud.
    TaskManager,
}

/// When, as a share of the load.
pub(super) const FAULTS: [(f64, Fault); 3] =
    [(0.45, Fault::Worker), (0.6, Fault::Driver), (0.75, Fault::TaskManager)];
