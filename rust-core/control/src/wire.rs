//! Requests and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;

/// The most letters of a reason that comes with an order.
const LONGEST_REASON: usize = 500;
/// The most letters of a person's name.
const LONGEST_NAME: usize = 64;

/// What is asked of an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version of the protocol.
    pub v: u32,
    /// A name of the asker's choice, which the answer carries too.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Why it is asked, for those who read it later.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Whose word it is, where a server passes on what somebody else says whom it knows. It counts only from one who
    /// signs with a token for that ([`crate::token::Role::Delegate`]).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub on_behalf_of: String,
    /// What is asked.
    pub command: Command,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Whether anybody is there.
    Ping {},
    /// What the engine knows of itself and of all topologies.
    Status {},
    /// Why a topology is as it is.
    Explain {
        /// Its name or id.
        topology: String,
        /// An executor, as its tasks: `[3-4]`, `3-4` or `3`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        executor: Option<String>,
    },
    /// What orders, plans and outcomes there were, the last ones.
    History {
        /// Of this topology only, by its name or id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topology: Option<String>,
        /// At most so many records.
        #[serde(default = "records")]
        limit: u32,
        /// Only records before this number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// Only records after this number.
        #[serde(default, skip_serializing_if = "is_zero")]
        after: u64,
    },
    /// What keeps elasticity from working.
    Doctor {},
    /// The sources, where each reads from, and what is known to wait there.
    Sources {
        /// Of this topology only, by its name or id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topology: Option<String>,
    },
    /// Changes a topology whatever the policy thinks of it.
    Scale(Scale),
    /// Has a plan carried out as it was shown.
    Apply(Apply),
    /// Undoes the last plan of a topology.
    Rollback {
        /// Its name or id.
        topology: String,
    },
    /// Has everything leave a host.
    Drain {
        /// The host.
        host: String,
    },
    /// Lets a host be used again.
    Undrain {
        /// The host.
        host: String,
    },
    /// Leaves topologies as they are.
    Pause {
        /// A name, an id or a pattern; `*` are all.
        scope: String,
        /// Only changes that take executors (`in`), or that give some (`out`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<String>,
        /// How long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_secs: Option<u32>,
        /// Until when, in ms since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
    },
    /// Lets topologies be changed again.
    Resume {
        /// A name, an id or a pattern; `*` are all.
        scope: String,
        /// Only changes that take executors (`in`), or that give some (`out`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<String>,
    },
    /// Says for when much is expected of topologies, in place of what was said before under the same name.
    Expect {
        /// What the peaks come of.
        name: String,
        /// A name, an id or a pattern; `*` are all.
        scope: String,
        /// The peaks; none takes back what was said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        peaks: Vec<Peak>,
        /// How long before each its executors are to be there; ten minutes if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lead_secs: Option<u32>,
    },
    /// Says how far topologies may be changed.
    Mode {
        /// A name, an id or a pattern; `*` are all.
        scope: String,
        /// `observe`, `advise`, `confirm` or `act`; what is set counts again if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        /// Of this kind of action only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
    },
    /// A plan that was proposed is to be carried out.
    Approve {
        /// The plan's id.
        plan: String,
    },
    /// A plan that was proposed is not to be carried out.
    Reject {
        /// The plan's id.
        plan: String,
    },
    /// Tells what waits before a topology's sources, which the engine cannot count itself.
    Backlog(Backlog),
    /// Takes an order back that is still waiting.
    Cancel {
        /// The order's id.
        order: String,
    },
}

/// What is to become of a topology.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Its name or id.
    pub topology: String,
    /// New executor counts by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u32>,
    /// New memory of each executor in MiB by component, where the engine can change it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory_mib: BTreeMap<String, u32>,
    /// Hosts that it is to leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave: Vec<String>,
    /// Whether it may be stopped once to give its sources workers of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// Seconds after which it is not to be begun any more; an hour unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_secs: Option<u32>,
}

/// Which plan is to be carried out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Its id.
    pub plan: String,
    /// The plan itself with what it was made for, as `thalweg plan --json` tells it; without, the engine still knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Value>,
    /// Whether the topology may be stopped once to give its sources workers of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// Seconds after which it is not to be begun any more; an hour unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_secs: Option<u32>,
}

/// What waits before a topology's sources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backlog {
    /// Its name or id.
    pub topology: String,
    /// By source.
    pub sources: BTreeMap<String, Waiting>,
    /// Seconds for which this counts, unless something newer is told: at most [`LONGEST_BACKLOG_SECS`].
    pub secs: u32,
}

/// The longest that what was told of a backlog may count, in seconds.
pub const LONGEST_BACKLOG_SECS: u32 = 600;

/// A time at which much is expected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// When it begins, in ms since 1970.
    pub from: i64,
    /// When it is over, in ms since 1970.
    pub until: i64,
    /// Executors that components are to have at least.
    #[serde(default)]
    pub counts: BTreeMap<String, u32>,
}

/// What waits before one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Records.
    pub records: u64,
    /// The partitions that they lie in, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u32>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn records() -> u32 {
    50
}

impl Command {
    /// Whether it changes anything, or what is decided.
    pub fn is_order(&self) -> bool {
        match self {
            Self::Ping {}
            | Self::Status {}
            | Self::Explain { .. }
            | Self::History { .. }
            | Self::Doctor {}
            | Self::Sources { .. } => false,
            Self::Scale(_)
            | Self::Apply(_)
            | Self::Rollback { .. }
            | Self::Drain { .. }
            | Self::Undrain { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Expect { .. }
            | Self::Mode { .. }
            | Self::Approve { .. }
            | Self::Reject { .. }
            | Self::Backlog(_)
            | Self::Cancel { .. } => true,
        }
    }
}

impl Request {
    /// A request of this version.
    pub fn of(command: Command) -> Self {
        Self {
            v: VERSION,
            id: String::new(),
            why: String::new(),
            on_behalf_of: String::new(),
            command,
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// What is wrong with it, with the path of the field.
    pub fn read(line: &[u8]) -> Result<Self, Refusal> {
        // Another version may have fields that this one cannot know, so its number comes first.
        let spoken: Spoken = thalweg_bounds::read(line)
            .map_err(|error| Refusal::of(ErrorCode::BadRequest, "", error.to_string()))?;
        if spoken.v != VERSION {
            let text = format!("this engine speaks version {VERSION}, not {}", spoken.v);
            return Err(Refusal::of(ErrorCode::Version, "v", text));
        }
        let mut reader = serde_json::Deserializer::from_slice(line);
        let request: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let text = error.into_inner().to_string();
            Refusal::of(ErrorCode::BadRequest, path.trim_matches('.'), text)
        })?;
        if request.why.chars().count() > LONGEST_REASON {
            let text = format!("longer than {LONGEST_REASON} letters");
            return Err(Refusal::of(ErrorCode::BadRequest, "why", text));
        }
        let name = &request.on_behalf_of;
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            let text = format!("a name has at most {LONGEST_NAME} letters, all of which are seen");
            return Err(Refusal::of(ErrorCode::BadRequest, "on_behalf_of", text));
        }
        Ok(request)
    }
}

/// All that every version has in common.
#[derive(Deserialize)]
struct Spoken {
    v: u32,
}

/// What an engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer<V = Value> {
    /// The version of the protocol.
    pub v: u32,
    /// The name that the request had.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What was asked for, or why not.
    #[serde(flatten)]
    pub outcome: Outcome<V>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<V = Value> {
    /// What was asked for.
    Result(V),
    /// Why it was refused.
    Error(Refusal),
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        thalweg_bounds::read(line).map_err(|error| error.to_string())
    }
}

impl<V> Answer<V> {
    /// The answer to a request.
    pub fn to(id: &str, result: Result<V, Refusal>) -> Self {
        let outcome = match result {
            Ok(value) => Outcome::Result(value),
            Err(refusal) => Outcome::Error(refusal),
        };
        Self { v: VERSION, id: id.to_owned(), outcome }
    }
}

/// Why a request was refused. Then nothing of it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{text}", if field.is_empty() { String::new() } else { format!("{field}: ") })]
pub struct Refusal {
    /// The kind of error, stable for ever.
    pub code: ErrorCode,
    /// The field that is wrong; empty where it is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The same for people.
    pub text: String,
}

impl Refusal {
    /// Makes one.
    pub fn of(code: ErrorCode, field: &str, text: impl Into<String>) -> Self {
        Self { code, field: field.to_owned(), text: text.into() }
    }
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ErrorCode {
    /// It cannot be understood.
    BadRequest,
    /// It is of another version of the protocol.
    Version,
    /// It is too long.
    TooLarge,
    /// The asker may not.
    Forbidden,
    /// It came too late.
    Expired,
    /// A value of it is not possible.
    Invalid,
    /// What it names is not there.
    NotFound,
    /// The mode does not allow it.
    Mode,
    /// Another process leads: ask that one.
    NotLeading,
    /// Nothing was observed yet: ask again.
    NotReady,
    /// Too many orders wait.
    Full,
    /// It cannot be stored, and so would not outlive this process.
    NotStored,
    /// An error of the engine itself.
    Internal,
}

impl ErrorCode {
    /// Whether the same may be answered differently soon, or by another process.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::NotLeading | Self::NotReady | Self::Full | Self::NotStored)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(line: &str) -> Refusal {
        Request::read(line.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_request_comes_back_as_it_was() {
        let mut scale = Scale { topology: "words".to_owned(), ..Scale::default() };
        scale.counts.insert("split".to_owned(), 4);
        let request = Request { why: "a test".to_owned(), ..Request::of(Command::Scale(scale)) };
        let line = serde_json::to_string(&request).unwrap();
        let written = r#"{"v":1,"why":"a test","command":{"scale":{"topology":"words","counts":{"split":4}}}}"#;
        assert_eq!(line, written);
        assert_eq!(Request::read(line.as_bytes()), Ok(request));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (line, code, field) in [
            ("{", ErrorCode::BadRequest, ""),
            (r#"{"v":2,"anew":true}"#, ErrorCode::Version, "v"),
            (
                r#"{"v":1,"command":{"scale":{"topology":"a","counts":{"split":"four"}}}}"#,
                ErrorCode::BadRequest,
                "command.scale.counts.split",
            ),
            (
                r#"{"v":1,"command":{"scale":{"topology":"a","counts":{"split":-1}}}}"#,
                ErrorCode::BadRequest,
                "command.scale.counts.split",
            ),
            (
                r#"{"v":1,"command":{"scale":{"topology":"a","count":{"split":1}}}}"#,
                ErrorCode::BadRequest,
                "command.scale.count",
            ),
            (
                r#"{"v":1,"command":{"drain":{"hosts":["a"]}}}"#,
                ErrorCode::BadRequest,
                "command.drain.hosts",
            ),
        ] {
            let refusal = refused(line);
            assert_eq!((refusal.code, refusal.field.as_str()), (code, field), "{line}: {refusal}");
        }
        let long = json_of("x".repeat(501));
        assert_eq!(refused(&long).field, "why");
    }

    fn json_of(why: String) -> String {
        serde_json::to_string(&Request { why, ..Request::of(Command::Ping {}) }).unwrap()
    }

    #[test]
    fn answers_say_either_what_or_why_not() {
        let fine = Answer::to("7", Ok(serde_json::json!({ "order": "o1" })));
        let text = serde_json::to_string(&fine).unwrap();
        assert_eq!(text, r#"{"v":1,"id":"7","result":{"order":"o1"}}"#);
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), fine);
        let no = Answer::to("", Err(Refusal::of(ErrorCode::NotFound, "topology", "there is none")));
        let text = serde_json::to_string(&no).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), no);
        assert!(text.contains(r#""code":"NOT_FOUND","field":"topology""#), "{text}");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_fail(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::read(&line);
        }
    }
}
