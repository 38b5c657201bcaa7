//! Flink's REST interface, of every line from 1.18 on.

mod access;
mod address;
mod ask;
mod cluster;
mod defaults;
mod error;
mod json;
mod measure;
mod pace;
mod read;
mod reader;
mod rest;
mod tls;
mod view;

pub use access::{Access, Authorization};
pub use address::Address;
pub use ask::Ask;
pub use cluster::Cluster;
pub use defaults::defaults;
pub use error::{AddressError, RestError};
pub use reader::Reader;
pub use rest::Rest;
