//! The engines that Java holds handles of.
//!
//! A handle is a number that is looked up, never a pointer: one that was closed or made up is an
//! error. A call keeps its engine alive by sharing it, so a close during a call is harmless.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use thalweg_engine::Engine;

use crate::error::BridgeError;
use crate::log::Pin;

/// An engine, and what keeps its class loader and with it this library: its threads may log until it has ended.
struct Open {
    engine: Arc<Engine>,
    /// Dropped last.
    _pin: Option<Pin>,
}

static OPEN: RwLock<BTreeMap<i64, Open>> = RwLock::new(BTreeMap::new());
/// Zero is never handed out, so that Java's default value is no engine.
static NEXT: AtomicI64 = AtomicI64::new(1);

/// Takes an engine in and hands out its handle.
pub fn insert(engine: Arc<Engine>, pin: Option<Pin>) -> i64 {
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut open = OPEN.write().unwrap_or_else(PoisonError::into_inner);
    open.insert(handle, Open { engine, _pin: pin });
    handle
}

/// The engine of a handle.
pub fn get(handle: i64) -> Result<Arc<Engine>, BridgeError> {
    let open = OPEN.read().unwrap_or_else(PoisonError::into_inner);
    open.get(&handle).map(|open| Arc::clone(&open.engine)).ok_or(BridgeError::Closed { handle })
}

/// Forgets an engine; nothing happens when it is forgotten already.
pub fn remove(handle: i64) {
    let engine = OPEN.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
    // Ends the engine only now, after the lock is released: that may take its time.
    drop(engine);
}
