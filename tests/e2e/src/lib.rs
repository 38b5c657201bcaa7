//! What the tests of the whole product share: a Storm or Flink cluster with Thalweg's jar in it, and views of it from outside.
//!
//! Nothing here reaches into Thalweg. It is seen as its operator sees it: through Storm's own client, the status
//! file, Nimbus's log, and Redis.

pub mod advice;
pub mod beside;
pub mod doctor;
pub mod ends;
pub mod flink;
pub mod flink_succession;
pub mod flink_zoo;
pub mod orders;
pub mod pair;
pub mod product;
pub mod routes;
pub mod status;
pub mod succession;
pub mod support;
pub mod workers;
pub mod zoo;

/// The command `thalweg`, as `cargo build` leaves it beside the tests.
pub const THALWEG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/thalweg");

pub use flink::FlinkProduct;
pub use product::{LIMIT, Product};
pub use status::Status;
