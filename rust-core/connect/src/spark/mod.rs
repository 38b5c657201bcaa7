//! Spark Structured Streaming, through the agent in its driver (`integrations/spark`).
//!
//! One streaming query is one topology, of two components:
//!
//! - `source` brings rows in. Its one executor is the driver, which asks where its sources stand and plans each batch by that.
//! - `query` is all the rest. Its executors are Spark's: each batch runs in all of them, whatever it does.
//!
//! Spark tells of batches, not of what each executor did. So rows are shared evenly by the executors, each of which is busy for as
//! long as a batch takes: skew between them does not show. What a batch takes for planning and its log counts as work, too; that
//! alone is what the driver is busy with.
//!
//! A row has arrived by the start of the batch that takes it, and not before the start of the batch before. It has been worked on
//! by the end of its batch. So what arrives is known apart from what is worked on, also where no source tells how far it is
//! behind. All is told as of the start of the last batch that has ended: what arrived since only the next one tells.
//!
//! What is left alone, and named: what shares its executors with other queries, or has them from Spark's own dynamic allocation;
//! continuous and real-time queries; those that end by themselves; a local master. Where batches follow on each other without an
//! interval, each of them takes what has come meanwhile, so how busy the executors are does not show until a query falls behind.

mod agent;
mod course;
mod defaults;
mod left_alone;
mod limited;
mod reader;
mod told;
mod topology;

pub use agent::Agent;
pub use defaults::defaults;
pub use left_alone::LeftAlone;
pub use reader::Reader;
pub use told::{FORM, Told};
pub use topology::COMPONENT;
