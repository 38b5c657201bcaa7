//! What can be wrong with an exposition.

use thiserror::Error;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct ExpositionError {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Bytes that are no text.
    #[error("no UTF-8")]
    NoText,
    /// There is more than is kept.
    #[error("more than {limit} {of}")]
    TooMuch {
        /// The most.
        limit: usize,
        /// Of what.
        of: &'static str,
    },
    /// Something else stands there.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Nothing more may stand there.
    #[error("expected the end of the line")]
    Behind,
    /// A text in quotes has no end.
    #[error("the text has no closing quote")]
    Unclosed,
    /// A backslash before something that has no meaning.
    #[error("expected \\\\, \\\" or \\n behind a backslash")]
    Escape,
    /// A label comes twice.
    #[error("the label comes twice")]
    LabelTwice,
    /// There is no such kind of metric in this format.
    #[error("there is no such type")]
    UnknownType,
    /// The same is told twice of one metric.
    #[error("the metric has this line already")]
    Twice,
    /// What a metric is comes behind its samples.
    #[error("this line belongs before the metric's samples")]
    BehindSamples,
    /// The name does not end with the unit.
    #[error("the metric's name does not end with its unit")]
    Unit,
    /// A sample does not fit its family.
    #[error("no sample of a metric of this type has such a name")]
    Suffix,
    /// The lines of a metric do not stand together.
    #[error("the lines of this metric do not stand together")]
    Apart,
    /// A count that is none.
    #[error("a count is a number of at least 0")]
    NoCount,
    /// An exemplar where there may be none.
    #[error("only counters' totals and buckets have exemplars")]
    NoExemplar,
    /// Lines without anything.
    #[error("an empty line")]
    Empty,
    /// There is no `# EOF`.
    #[error("it ends without # EOF: it is not whole")]
    NotWhole,
    /// Something stands behind `# EOF`.
    #[error("something stands behind # EOF")]
    BehindEnd,
}

impl Fault {
    /// A word that stays, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoText => "NO_TEXT",
            Self::TooMuch { .. } => "TOO_MUCH",
            Self::Expected(_) => "EXPECTED",
            Self::Behind => "BEHIND",
            Self::Unclosed => "UNCLOSED",
            Self::Escape => "ESCAPE",
            Self::LabelTwice => "LABEL_TWICE",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::Twice => "TWICE",
            Self::BehindSamples => "BEHIND_SAMPLES",
            Self::Unit => "UNIT",
            Self::Suffix => "SUFFIX",
            Self::Apart => "APART",
            Self::NoCount => "NO_COUNT",
            Self::NoExemplar => "NO_EXEMPLAR",
            Self::Empty => "EMPTY",
            Self::NotWhole => "NOT_WHOLE",
            Self::BehindEnd => "BEHIND_END",
        }
    }
}
