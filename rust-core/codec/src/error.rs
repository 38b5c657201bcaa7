use thiserror::Error;

use crate::layout::Section;

/// An encoding, or an observation to be encoded, that breaks the layout.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Fewer bytes than a header has.
    #[error("{length} bytes are no header")]
    NoHeader {
        /// The bytes there were.
        length: usize,
    },
    /// A header field that is not what it has to be.
    #[error("header: {field} is {got}, must be {expected}")]
    Header {
        /// The field.
        field: &'static str,
        /// What it says.
        got: u64,
        /// What it has to say.
        expected: u64,
    },
    /// A section that is not where it has to be.
    #[error("section {section}: {count} records at offset {offset} do not fit")]
    Section {
        /// The section.
        section: Section,
        /// Where it says it begins.
        offset: usize,
        /// How many records it says it has.
        count: usize,
    },
    /// A record's field that makes no sense.
    #[error("{section} {index}: {field} {problem}")]
    Field {
        /// The section the record is in.
        section: Section,
        /// The record's index there.
        index: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: Problem,
    },
    /// Records that no topology lays claim to.
    #[error("section {section}: the topologies name {named} of {count} records")]
    Unclaimed {
        /// The section.
        section: Section,
        /// The records that topologies name.
        named: usize,
        /// The records there are.
        count: usize,
    },
    /// More than 32 bits can count.
    #[error("section {section} is too large")]
    TooLarge {
        /// The section.
        section: Section,
    },
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// An integer or index above what is allowed.
    #[error("is {got}, above {limit}")]
    Above {
        /// The value.
        got: u64,
        /// The largest that is allowed.
        limit: u64,
    },
    /// An integer below what is allowed.
    #[error("is {got}, below {limit}")]
    Below {
        /// The value.
        got: u64,
        /// The smallest that is allowed.
        limit: u64,
    },
    /// A quantity that is negative, infinite or not a number.
    #[error("is {0}, no quantity")]
    NotAQuantity(String),
    /// A text that so many records name that they would take far more memory than the encoding.
    #[error("is a long text that too many records name")]
    Repeated,
    /// Bytes that are no text.
    #[error("is not utf-8")]
    NotText,
    /// A slot that its node does not offer.
    #[error("is port {port} of node {node}, which has no such slot")]
    NoSuchSlot {
        /// The node's index.
        node: u32,
        /// The port asked for.
        port: u32,
    },
}
