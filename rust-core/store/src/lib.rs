//! Keeps what must outlive a round: routing tables and learned state.
//!
//! [`open`] gives a [`Store`]: a crash-safe file ([`EmbeddedStore`]), or Redis in front of such a
//! file ([`BackedStore`]), which reads from memory and never makes a caller wait for the network.
//! Tables are fenced by their epoch: whoever writes with an older one learns it and is refused.

mod backed;
mod backoff;
mod disk;
mod embedded;
mod error;
mod format;
mod layout;
mod limits;
mod redis;
mod settings;
mod store;
mod table;
mod term;

use std::sync::Arc;

pub use self::redis::{Mailbox, Precautions, RedisStore};
pub use backed::{BackedStore, Pace};
pub use embedded::EmbeddedStore;
pub use error::StoreError;
pub use layout::Stored;
pub use limits::{FORMAT, MAX_EPOCH, MAX_TERM, TERM_SHIFT};
pub use settings::{Secret, StoreKind, StoreSettings};
pub use store::{Counters, Head, Health, Loaded, Published, Reach, Store, UnreadableRow};
pub use table::{Change, LAYOUT, RoutingTable, Row, TableError};
pub use term::Stamped;

/// Opens the store that the settings ask for.
///
/// With Redis out of reach the store opens nevertheless and works from its journal; see
/// [`Store::health`] for the reason.
///
/// # Errors
/// For settings that waiting will not heal, for an embedded file that cannot be used, and for what a newer version wrote.
pub fn open(settings: &StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    let journal = EmbeddedStore::open(&settings.dir)?;
    Ok(match settings.kind {
        StoreKind::Embedded => Arc::new(journal),
        StoreKind::Redis => {
            let primary = Arc::new(RedisStore::new(settings)?);
            // Out of reach it may be; what is of a newer format must not become this version's.
            if let Err(error @ StoreError::Newer { .. }) = primary.check_format() {
                return Err(error);
            }
            let store = BackedStore::new(primary, journal, Pace::default())?;
            store.wait_until_settled(settings.timeout);
            Arc::new(store)
        }
    })
}
