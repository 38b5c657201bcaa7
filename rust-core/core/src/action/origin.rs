//! Who wants an action.

/// Who wants a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The policy.
    Policy,
    /// An operator: it need not wait, nor have helped before.
    Operator,
    /// The plan before it, which did harm: it need not have helped before.
    Rollback,
    /// The setting that sources get workers of their own now.
    Adoption,
    /// Bounds, or a known event that is near: it need not have helped before, and does not wait for the next day.
    Event,
}
