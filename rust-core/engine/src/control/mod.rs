//! Where people and tools meet the engine: what they may ask, who they are, and what is answered.
//!
//! A thread of its own answers at a socket. It works on what the engine showed last and on the book of orders, and never
//! takes the lock of what is running: nobody who asks can hold up a look or a scheduling round, and an error or a panic
//! in an answer ends with that answer.

mod alternatives;
mod apply;
mod backlogs;
mod check;
mod doctor;
mod explain;
mod handler;
mod others;
mod remote;
mod reply;
mod server;
mod sources;
mod tellers;
mod thread;
mod tokens;

pub(crate) use handler::{Listens, ORDERS_KEY, RequestHandler};
pub(crate) use remote::Remote;
pub(crate) use server::Server;
