//! How far Thalweg may go, and with what.

use serde::{Deserialize, Serialize};

/// How far Thalweg may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Measure and explain; the engine's own scheduler places everything.
    #[default]
    Observe,
    /// Also plan, and show the plan.
    Advise,
    /// Also carry out the plans that somebody approves of.
    Confirm,
    /// Also carry out plans without being told to.
    Act,
}

impl Mode {
    /// Every mode, the most careful first.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Advise, Self::Confirm, Self::Act];

    /// Its name, as users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Advise => "advise",
            Self::Confirm => "confirm",
            Self::Act => "act",
        }
    }

    /// The mode of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(name.trim()))
    }

    /// Whether anything may be changed at all, be it after somebody's word.
    pub fn changes(self) -> bool {
        self >= Self::Confirm
    }
}

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// More executors of a component.
    ScaleOut,
    /// Fewer executors of a component.
    ScaleIn,
    /// The same executors in other places.
    Move,
    /// Other memory of executors.
    Memory,
}

impl ActionKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::ScaleOut, Self::ScaleIn, Self::Move, Self::Memory];

    /// Its name, as users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScaleOut => "scale-out",
            Self::ScaleIn => "scale-in",
            Self::Move => "move",
            Self::Memory => "memory",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name.trim()))
    }
}
