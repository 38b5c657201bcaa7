//! What operators have said, as the store keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thalweg_core::action::Proposed;
use thalweg_core::operator::{Direction, Operator, Pause};
use thalweg_core::pattern::Pattern;
use thalweg_core::units::Timestamp;
use thalweg_store::Store;

/// Where it is kept in the store.
pub(crate) const KEY: &str = "operator";

/// As the store keeps it: what was said, and the plans that words may be about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    #[serde(default)]
    pub(crate) operator: Operator,
    #[serde(default)]
    pub(crate) proposals: BTreeMap<String, Proposed>,
}

/// What was said before.
fn read(store: &dyn Store) -> Result<Kept, String> {
    let stamped = store.stamped(KEY).map_err(|error| error.to_string())?;
    let Some(stamped) = stamped else { return Ok(Kept::default()) };
    serde_json::from_slice(&stamped.bytes).map_err(|error| error.to_string())
}

/// What was said before. If that cannot be read all is paused, as it may have been.
pub(crate) fn kept(store: &dyn Store) -> Kept {
    read(store).unwrap_or_else(|error| {
        tracing::error!(error, "what operators said cannot be read: all is paused");
        unreadable()
    })
}

/// In the place of what cannot be read: it may have been a pause, so everything is paused.
fn unreadable() -> Kept {
    let mut operator = Operator::default();
    operator.pause(Pause {
        scope: Pattern::any(),
        direction: Direction::Both,
        paused: true,
        until: None,
        at: Timestamp::from_millis(0),
        who: "thalweg, as what operators said cannot be read,".to_owned(),
    });
    Kept { operator, ..Kept::default() }
}
