//! One order: who gave it, what was ordered, and what became of it.

use serde::{Deserialize, Serialize};
use thalweg_control::Request;
use thalweg_control::token::Token;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::reason::ReasonCode;
use thalweg_core::state::Order;
use thalweg_core::units::Timestamp;

/// Who gave an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A process on this machine.
    User {
        /// Its user.
        uid: u32,
        /// Its number.
        pid: i32,
    },
    /// Whoever has this token.
    Token(String),
    /// Somebody whom a server knows that passes this on.
    Person {
        /// Their name there.
        name: String,
        /// The token of that server.
        through: String,
    },
}

impl By {
    /// Whose word a request is that a token has signed.
    pub fn of(token: &Token, request: &Request) -> Self {
        match &*request.on_behalf_of {
            "" => Self::Token(token.name.clone()),
            name => Self::Person { name: name.to_owned(), through: token.name.clone() },
        }
    }
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User { uid, .. } => write!(f, "user {uid}"),
            // Who has both a token and an account with a server is one person, as far as approvals go.
            Self::Token(name) | Self::Person { name, .. } => write!(f, "{name}"),
        }
    }
}

/// An order with its fate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GivenOrder {
    /// Its name.
    pub id: String,
    /// Who gave it.
    pub by: By,
    /// Why, in the giver's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When it was given.
    pub at: Timestamp,
    /// When it is not to be begun any more.
    pub expires: Timestamp,
    /// What was ordered.
    pub order: Order,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
    /// Since when that is so.
    pub since: Timestamp,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// It has to wait, for this reason.
    Waiting {
        /// The reason's text.
        text: String,
    },
    /// Its plan waits for somebody's approval.
    Proposed {
        /// The plan.
        plan: String,
    },
    /// It is carried out.
    Acting {
        /// By this plan.
        plan: String,
        /// Plans that it takes after this one.
        stages_left: u32,
    },
    /// It was carried out.
    Done {
        /// By this plan.
        plan: String,
    },
    /// It was begun and given up.
    Failed {
        /// The plan.
        plan: String,
        /// Why, as a code.
        code: String,
        /// Why.
        text: String,
    },
    /// It cannot be carried out.
    Refused {
        /// Why.
        text: String,
    },
    /// It was not begun in time.
    Expired,
    /// A later one for the same topology took its place.
    Replaced {
        /// The later one.
        later: String,
    },
    /// It was taken back.
    Cancelled,
}

impl Fate {
    /// What a decision means for the order that it is about, and that the core may have kept for another time.
    pub fn of(decision: &Decision, kept: bool) -> Self {
        let first = decision.reasons.first().map(|reason| reason.text.clone()).unwrap_or_default();
        if let (Verdict::Act, Some(plan)) = (decision.verdict, &decision.plan) {
            return Self::Acting { plan: plan.id.clone(), stages_left: plan.stages_left };
        }
        if let (Verdict::Propose, Some(plan)) = (decision.verdict, &decision.plan) {
            return Self::Proposed { plan: plan.id.clone() };
        }
        let impossible =
            decision.reasons.iter().find(|reason| reason.code == ReasonCode::OrderImpossible);
        match impossible {
            Some(reason) => Self::Refused { text: reason.text.clone() },
            None if kept => Self::Waiting { text: first },
            None => Self::Refused { text: first },
        }
    }

    /// Whether nothing more becomes of it.
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting { .. } | Self::Proposed { .. } | Self::Acting { .. })
    }
}
