//! How any server is asked over HTTP: only by GET, by whom it takes, within bounds of size, time and number.

mod access;
mod address;
mod client;
mod error;
mod pace;
mod tls;

pub use access::{Access, Authorization};
pub use address::{Address, encoded};
pub use client::{Answer, Client};
pub use error::{AddressError, HttpError, Server};
