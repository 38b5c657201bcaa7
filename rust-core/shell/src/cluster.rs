//! What a cluster has to offer: a way to look at it, and a way to change it.

use std::time::Duration;

use thalweg_connect::Look;
use thalweg_core::action::Done;
use thalweg_core::plan::Plan;
use thiserror::Error;

pub use thalweg_core::action::Fault;

/// Why a look came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unseen(pub String);

/// Looks at a cluster.
pub trait Eyes {
    /// Looks once; looks come at this interval.
    ///
    /// # Errors
    /// When nobody answers, or nobody may ask.
    fn look(&mut self, interval: Duration) -> Result<Look, Unseen>;
}

/// Whether a topology is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It runs.
    Running,
    /// It is there, and does not run.
    Other,
    /// It has ended.
    Ended,
    /// Nobody can tell.
    Unknown,
}

/// Changes a cluster, in the one way that is possible from beside. Nothing is retried here; what fails is taken back.
pub trait Hands: Send {
    /// How records name the way.
    fn way(&self) -> &'static str;

    /// Takes up what a predecessor has left, once this process leads and before anything is looked at.
    ///
    /// # Errors
    /// When that cannot be read.
    fn lead(&mut self) -> Result<(), Fault>;

    /// Asks for what the plan desires. What is about to be done is told before it is, so that it can be taken back.
    ///
    /// # Errors
    /// When it must not be done, was refused, or nobody knows whether it was taken.
    fn ask(
        &mut self,
        plan: &Plan,
        intend: &mut dyn FnMut(Done) -> Result<(), Fault>,
    ) -> Result<(), Fault>;

    /// Whether what was asked for last runs, and has for a while; asked again and again.
    ///
    /// # Errors
    /// When it never will.
    fn runs(&mut self) -> Result<bool, Fault>;

    /// Whether the cluster is at this moment as the plan desires, as far as that can be told.
    fn is_reached(&mut self, plan: &Plan) -> bool;

    /// Takes back something that was done to a topology; of one that has ended there is nothing left.
    ///
    /// # Errors
    /// When it could not be.
    fn undo(&mut self, topology: &str, done: &Done) -> Result<(), Fault>;

    /// Whether a topology is there.
    fn presence(&mut self, topology: &str) -> Presence;
}

/// A fault by its code, and what is to be said of it.
pub fn refusal(code: &str, text: impl Into<String>) -> Fault {
    Fault { code: code.to_owned(), text: text.into() }
}

/// That something was done which these hands do not do, so that they cannot take it back.
pub fn not_from_beside(done: &Done) -> Fault {
    refusal("ENGINE_REFUSED", format!("nobody knows how to take back {done:?} from beside"))
}
