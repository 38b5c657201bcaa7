//! Up to where the ledger goes, kept in the shared store as well: whoever cuts its end off, or puts another ledger in its
//! place, would have to change that too.
//!
//! Only what is signed and outlives a power cut is noted. What was noted before this process and is not in the ledger any
//! more stays noted beside the new head, so that it is still found when the scheduler has long gone on.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use thalweg_ledger::{Anchor, Ask, HEADS, Ledger, page};
use thalweg_store::{Reach, Store};

/// What was noted of the ledger.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether what another process noted was held against the ledger.
    compared: bool,
    /// The newest record that is noted.
    seq: u64,
    /// What was noted and is not there.
    missing: Option<String>,
}

impl Noted {
    /// Notes the newest record that is safe, where it is not noted yet. Waits for the network once at most.
    pub(crate) fn keep(&self, ledger: &Ledger, store: &dyn Store) {
        let condition = ledger.condition();
        let Some(safe) = condition.safe else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.seq == safe.seq {
            return;
        }
        let key = format!("{HEADS}{}", condition.engine);
        let kept = state.compare(ledger, store, &key, &safe).and_then(|()| {
            let bytes = serde_json::to_vec(&safe).map_err(|error| error.to_string())?;
            store.put_state(&key, &bytes).map_err(|error| error.to_string())
        });
        match kept {
            Ok(()) => state.seq = safe.seq,
            Err(error) => tracing::debug!(error, "the ledger's head is not noted"),
        }
    }

    /// What was noted and is not there any more.
    pub(crate) fn missing(&self) -> Value {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).missing.clone().into()
    }
}

impl State {
    /// Holds what the process before noted against the ledger, once.
    fn compare(
        &mut self,
        ledger: &Ledger,
        store: &dyn Store,
        key: &str,
        safe: &Anchor,
    ) -> Result<(), String> {
        if self.compared {
            return Ok(());
        }
        if store.health().reach != Reach::Up {
            return Err("the shared store is out of reach".to_owned());
        }
        let stored = store.shared_state(key).map_err(|error| error.to_string())?;
        // What cannot be read tells nothing; it is written anew.
        let before = stored.and_then(|bytes| serde_json::from_slice::<Anchor>(&bytes).ok());
        if let Some(before) = before.filter(|before| !is_kept(ledger, before, safe)) {
            let Anchor { seq, hash } = &before;
            let said = format!("record {seq} with the hash {hash} is not in the ledger any more");
            tracing::warn!(seq, hash, "records were cut off the ledger, or it was replaced");
            let bytes = serde_json::to_vec(&before).map_err(|error| error.to_string())?;
            let beside = format!("{key}@{seq}");
            store.put_state(&beside, &bytes).map_err(|error| error.to_string())?;
            self.missing = Some(said);
        }
        self.compared = true;
        Ok(())
    }
}

/// Whether a record is in a ledger that goes up to `safe`, or was dropped with the oldest.
fn is_kept(ledger: &Ledger, before: &Anchor, safe: &Anchor) -> bool {
    if before.seq > safe.seq {
        return false;
    }
    let only = Ask {
        before: Some(before.seq + 1),
        after: before.seq.saturating_sub(1),
        topology: None,
        kind: Some("checkpoint"),
        limit: 1,
        bytes: usize::MAX,
    };
    let found = page(ledger.folder(), &only).ok().and_then(|page| page.records.into_iter().next());
    // Another record may stand there, which is no checkpoint.
    let other = Ask { kind: None, ..only };
    let other = || page(ledger.folder(), &other).is_ok_and(|page| !page.records.is_empty());
    match found {
        Some(record) => record.hash == before.hash,
        None => !other(),
    }
}
