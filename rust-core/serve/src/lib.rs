//! The HTTP interface, the dashboard and the Prometheus metrics over one or many engines.
//!
//! It decides nothing. It asks engines through [`Engine`], keeps what they said last and a bounded history of it in
//! memory, and shows that. Only it may use a network; nothing of it goes into a scheduler. See the crate's README.
#![forbid(unsafe_code)]

mod access;
mod api;
mod app;
mod assets;
mod charts;
mod connections;
mod engine;
mod exposure;
mod extract;
pub mod metrics;
mod names;
mod problem;
mod records;
mod reply;
mod server;
mod status;
mod tls;
mod view;
mod watch;
mod whole;

pub use access::{AccessError, Role, Tokens, add_token};
pub use api::openapi;
pub use engine::{Asker, Engine, Fault, FaultKind, Socket};
pub use exposure::{Exposure, ExposureError};
pub use server::{ServeError, Served, Settings, answers, start};
