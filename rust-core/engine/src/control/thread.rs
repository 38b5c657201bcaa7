//! How the threads that answer end.

use std::thread::JoinHandle;

/// Waits for the end of a thread that was told to end, unless it is this one: who drops an engine last may be either.
pub(super) fn join(thread: Option<JoinHandle<()>>) {
    let Some(thread) = thread.filter(|one| one.thread().id() != std::thread::current().id()) else {
        return;
    };
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!("the thread {name} ended by a panic");
    }
}
