//! Where people and tools meet the engine: what they may ask, who they are, and what is answered.
//!
//! A thread of its own answers at a socket. It works on what the engine showed last and on the book of orders, and never
//! takes the lock of what is running: nobody who asks can hold up a look or a scheduling round, and an error or a panic
//! in an answer ends with that answer.

use std::thread::JoinHandle;

mod check;
mod desk;
mod doctor;
mod explain;
mod remote;
mod server;

pub(crate) use desk::{Desk, Listens};
pub(crate) use remote::Remote;
pub(crate) use server::Server;

/// Waits for the end of a thread that was told to end, unless it is this one: who drops an engine last may be either.
fn join(thread: Option<JoinHandle<()>>) {
    let Some(thread) = thread.filter(|one| one.thread().id() != std::thread::current().id()) else {
        return;
    };
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!("the thread {name} ended by a panic");
    }
}
