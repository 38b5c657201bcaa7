//! What must hold, each rule with its number.

use std::fmt;

/// A rule of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    OneAtATime = 1,
    OthersUntouched,
    NotedFirst,
    OnlyTheLeader,
    MovedByCommit,
    NodesToldTheTruth,
    LearnedKept,
    NewestFirst,
    Runs,
    NothingLeft,
    OneTopologyPerSlot,
    SomebodyLeads,
    Ends,
    EndsOnce,
    TableIsTruth,
    NoTableOfGone,
    NotedIsTakenUp,
    FormerLeadersStoreNothing,
}

impl Rule {
    /// The rule in words. The first eight and the last two hold at every moment, the others once all is quiet.
    fn text(self) -> &'static str {
        match self {
            Self::OneAtATime => "what one action has left behind is not forgotten for another",
            Self::OthersUntouched => "a topology that nothing was decided about stays as it is",
            Self::NotedFirst => "what outlives a process is stored and noted before it is done",
            Self::OnlyTheLeader => "nobody but the leader changes the cluster",
            Self::MovedByCommit => "a round moves only what a committed plan moves, and only there",
            Self::NodesToldTheTruth => {
                "nodes are told of other topologies what holds at that moment"
            }
            Self::LearnedKept => "what was learned outlives a decision that fails",
            Self::NewestFirst => "what was done last is taken back first",
            Self::Runs => "no topology stays stopped or unassigned",
            Self::NothingLeft => "no worker, note or request is left behind",
            Self::OneTopologyPerSlot => "no slot has two topologies",
            Self::SomebodyLeads => "somebody leads",
            Self::Ends => "every action ends",
            Self::EndsOnce => "every action ends once",
            Self::TableIsTruth => "the stored table says where executors run",
            Self::NoTableOfGone => "no table is of a topology that is gone",
            Self::FormerLeadersStoreNothing => {
                "nothing that a leader has stored is replaced by what an earlier one stores"
            }
            Self::NotedIsTakenUp => "whoever takes over takes up what is noted, and nothing else",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, {}", *self as u8, self.text())
    }
}
