//! One key of the settings: its name, kind, default and what it does.

/// What a key's value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number between two bounds, both included.
    Number(f64, f64),
    /// A whole number between two bounds, both included.
    Whole(f64, f64),
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// Text that is a password, or may hold one: no message repeats it.
    Secret,
    /// A list of texts, or one text with commas between them.
    Texts,
    /// A list of texts that may have commas, or one text with semicolons between them.
    Entries,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Its value where it is not set, as text.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

pub(super) const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, kind, default, doc }
}

pub(super) const SECS: Kind = Kind::Number(0.0, 604_800.0);
pub(super) const SHARE: Kind = Kind::Number(0.0, 1.0);

impl Kind {
    /// What is allowed, for messages and the reference.
    pub fn allowed(self) -> String {
        match self {
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Self::Flag => "true or false".to_owned(),
            Self::Text | Self::Secret => "text".to_owned(),
            Self::Entries => "a list of texts, or one with semicolons between them".to_owned(),
            Self::Texts => "a list of texts, or one with commas between them".to_owned(),
        }
    }
}
