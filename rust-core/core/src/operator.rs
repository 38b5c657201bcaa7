//! What operators have said while it runs: pauses, modes, and their word on plans.
//!
//! Of several statements that hold for a topology the last one counts, so that one topology can be let go on while all
//! others are paused. A statement that a later one makes pointless is forgotten.

use serde::{Deserialize, Serialize};

use crate::pattern::Pattern;
use crate::settings::rules::Floor;
use crate::settings::{ActionKind, Mode};
use crate::units::{Millis, Timestamp};

/// Words on plans are forgotten after this time: no plan waits as long.
const KEPT_MS: f64 = 7.0 * 86_400_000.0;

/// Which changes a pause is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// All changes.
    #[default]
    Both,
    /// Those that take executors.
    In,
    /// Those that give executors.
    Out,
}

impl Direction {
    /// Whether changes of a kind are meant.
    pub fn means(self, kind: ActionKind) -> bool {
        match self {
            Self::Both => true,
            Self::In => kind == ActionKind::ScaleIn,
            Self::Out => kind == ActionKind::ScaleOut,
        }
    }
}

/// That topologies are to be left as they are, or no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// The topologies, by their names or ids.
    pub scope: Pattern,
    /// Which changes are meant.
    #[serde(default)]
    pub direction: Direction,
    /// Whether they are to be left, or may be changed again.
    pub paused: bool,
    /// When that is over; absent if it holds until somebody says otherwise.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// When it was said.
    pub at: Timestamp,
    /// Who said it.
    #[serde(default)]
    pub who: String,
}

/// How far Thalweg may go with topologies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaidMode {
    /// The topologies, by their names or ids.
    pub scope: Pattern,
    /// The kind of action; all if absent.
    #[serde(default)]
    pub kind: Option<ActionKind>,
    /// The mode; absent if what is set counts again.
    pub mode: Option<Mode>,
    /// When it was said.
    pub at: Timestamp,
    /// Who said it.
    #[serde(default)]
    pub who: String,
}

/// Somebody's word on a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The plan's id.
    pub plan: String,
    /// Whose word it is.
    pub who: String,
    /// When it was given.
    pub at: Timestamp,
    /// Whether the plan is to be carried out, or is not.
    pub approves: bool,
}

/// That much is expected of a topology for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Executors that components are to have by then.
    pub floors: Vec<Floor>,
}

/// The peaks of one origin, such as the schedule of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// What they come of. What is said of it again takes the place of what was said before.
    pub name: String,
    /// The topologies, by their names or ids.
    pub scope: Pattern,
    /// The peaks that are not over.
    pub peaks: Vec<Peak>,
    /// When it was said.
    pub at: Timestamp,
    /// Who said it.
    #[serde(default)]
    pub who: String,
}

/// All that operators have said and that still counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Operator {
    /// What is paused, and what is not any more, in the order in which it was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
    /// Modes, in the order in which they were said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<SaidMode>,
    /// Words on plans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Peaks, by what they come of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Expected>,
}

impl Operator {
    /// Nobody has said anything.
    pub const SILENT: &'static Self =
        &Self { pauses: Vec::new(), modes: Vec::new(), words: Vec::new(), expected: Vec::new() };

    /// Takes a pause, or that it is over.
    pub fn pause(&mut self, pause: Pause) {
        let covers = |before: &Pause| {
            let scope = pause.scope.is_any() || pause.scope == before.scope;
            scope && (pause.direction == Direction::Both || pause.direction == before.direction)
        };
        self.pauses.retain(|before| !covers(before));
        // Without anything before it, that nothing is paused says nothing.
        if pause.paused || !self.pauses.is_empty() {
            self.pauses.push(pause);
        }
    }

    /// Takes a mode.
    pub fn set_mode(&mut self, said: SaidMode) {
        let covers = |before: &SaidMode| {
            let scope = said.scope.is_any() || said.scope == before.scope;
            scope && (said.kind.is_none() || said.kind == before.kind)
        };
        self.modes.retain(|before| !covers(before));
        if said.mode.is_some() || !self.modes.is_empty() {
            self.modes.push(said);
        }
    }

    /// Takes a word on a plan; the last word of each counts.
    pub fn say(&mut self, word: Word) {
        self.words.retain(|before| before.plan != word.plan || before.who != word.who);
        self.words.push(word);
    }

    /// Takes the peaks of an origin; those that were said of it before no longer count.
    pub fn expect(&mut self, expected: Expected) {
        self.expected.retain(|before| before.name != expected.name);
        if !expected.peaks.is_empty() {
            self.expected.push(expected);
        }
    }

    /// Executors that components are to have for what is expected.
    pub fn floors(&self) -> impl Iterator<Item = &Floor> {
        let peaks = self.expected.iter().flat_map(|expected| &expected.peaks);
        peaks.flat_map(|peak| &peak.floors)
    }

    fn said(&self) -> usize {
        let peaks: usize = self.expected.iter().map(|expected| expected.peaks.len()).sum();
        self.pauses.len() + self.words.len() + peaks
    }

    /// Forgets what is over; says whether there was anything.
    pub fn forget(&mut self, now: Timestamp) -> bool {
        let kept = Millis::saturating(KEPT_MS);
        let before = self.said();
        self.pauses.retain(|pause| pause.until.is_none_or(|until| now < until));
        if !self.pauses.iter().any(|pause| pause.paused) {
            self.pauses.clear();
        }
        self.words.retain(|word| now.since(word.at) < kept);
        for expected in &mut self.expected {
            expected.peaks.retain(|peak| now < peak.until);
        }
        self.expected.retain(|expected| !expected.peaks.is_empty());
        self.said() < before
    }

    /// The pause that keeps a topology from changes of a kind, if one does.
    pub fn pause_of(
        &self,
        name: &str,
        id: &str,
        kind: ActionKind,
        now: Timestamp,
    ) -> Option<&Pause> {
        let holds = |pause: &&Pause| {
            pause.direction.means(kind)
                && pause.scope.fits_either(name, id)
                && pause.until.is_none_or(|until| now < until)
        };
        self.pauses.iter().rfind(holds).filter(|pause| pause.paused)
    }

    /// The mode that was said for a topology and a kind of action, and by whom.
    pub fn mode_of(&self, name: &str, id: &str, kind: Option<ActionKind>) -> Option<(Mode, &str)> {
        let means = |said: &&SaidMode| {
            said.scope.fits_either(name, id) && (said.kind.is_none() || said.kind == kind)
        };
        let said = self.modes.iter().rfind(means)?;
        Some((said.mode?, said.who.as_str()))
    }

    /// Those who approve of a plan.
    pub fn approving(&self, plan: &str) -> Vec<&str> {
        self.of(plan).filter(|word| word.approves).map(|word| word.who.as_str()).collect()
    }

    /// Who rejected a plan, if anybody.
    pub fn rejecting(&self, plan: &str) -> Option<&Word> {
        self.of(plan).find(|word| !word.approves)
    }

    fn of(&self, plan: &str) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(move |word| word.plan == plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn pause(scope: &str, paused: bool, direction: Direction, until: Option<i64>) -> Pause {
        let (scope, until) = (Pattern::new(scope), until.map(at));
        Pause { scope, direction, paused, until, at: at(0), who: "ann".to_owned() }
    }

    fn is_paused(operator: &Operator, name: &str, kind: ActionKind, now: i64) -> bool {
        operator.pause_of(name, "id", kind, at(now)).is_some()
    }

    #[test]
    fn a_pause_ends_at_its_time_and_the_last_word_counts() {
        let mut operator = Operator::default();
        operator.pause(pause("*", true, Direction::Both, Some(60)));
        operator.pause(pause("orders", false, Direction::Both, None));
        let kind = ActionKind::Move;
        assert!(
            is_paused(&operator, "words", kind, 59) && !is_paused(&operator, "words", kind, 60)
        );
        assert!(!is_paused(&operator, "orders", kind, 0));
        assert!(operator.forget(at(60)));
        assert_eq!(operator, Operator::default(), "nothing is left to be said");
    }

    #[test]
    fn one_direction_may_be_paused_alone() {
        let mut operator = Operator::default();
        operator.pause(pause("orders", true, Direction::In, None));
        assert!(is_paused(&operator, "orders", ActionKind::ScaleIn, 0));
        for kind in [ActionKind::ScaleOut, ActionKind::Move, ActionKind::Memory] {
            assert!(!is_paused(&operator, "orders", kind, 0));
        }
        operator.pause(pause("*", false, Direction::Both, None));
        assert_eq!(operator, Operator::default());
    }

    #[test]
    fn modes_are_said_of_topologies_and_kinds_and_taken_back() {
        let mut operator = Operator::default();
        let said = |scope: &str, kind, mode| SaidMode {
            scope: Pattern::new(scope),
            kind,
            mode,
            at: at(0),
            who: "ann".to_owned(),
        };
        operator.set_mode(said("*", None, Some(Mode::Observe)));
        operator.set_mode(said("orders", Some(ActionKind::ScaleIn), Some(Mode::Confirm)));
        let mode = |operator: &Operator, name: &str, kind| {
            operator.mode_of(name, "id", kind).map(|(mode, _)| mode)
        };
        assert_eq!(mode(&operator, "words", Some(ActionKind::ScaleIn)), Some(Mode::Observe));
        assert_eq!(mode(&operator, "orders", Some(ActionKind::ScaleIn)), Some(Mode::Confirm));
        assert_eq!(mode(&operator, "orders", None), Some(Mode::Observe));
        operator.set_mode(said("orders", None, None));
        assert_eq!(
            mode(&operator, "orders", Some(ActionKind::ScaleIn)),
            None,
            "what is set counts"
        );
        operator.set_mode(said("*", None, None));
        assert_eq!(operator, Operator::default());
    }

    #[test]
    fn peaks_are_said_anew_by_their_name_and_forgotten_once_they_are_over() {
        let mut operator = Operator::default();
        let expected = |name: &str, ends: &[i64]| Expected {
            name: name.to_owned(),
            scope: Pattern::new("words"),
            peaks: ends
                .iter()
                .map(|end| Peak { from: at(0), until: at(*end), floors: Vec::new() })
                .collect(),
            at: at(0),
            who: "ann".to_owned(),
        };
        operator.expect(expected("a", &[60, 90]));
        operator.expect(expected("b", &[60]));
        operator.expect(expected("a", &[50, 70]));
        assert_eq!(operator.expected.iter().map(|one| one.peaks.len()).sum::<usize>(), 3);
        assert!(!operator.forget(at(49)) && operator.forget(at(60)));
        assert_eq!(operator.expected, [expected("a", &[70])]);
        operator.expect(expected("a", &[]));
        assert_eq!(operator, Operator::default(), "nothing is left to be said");
    }

    #[test]
    fn each_has_one_word_on_a_plan() {
        let mut operator = Operator::default();
        let word = |who: &str, approves| Word {
            plan: "p".to_owned(),
            who: who.to_owned(),
            at: at(0),
            approves,
        };
        operator.say(word("ann", true));
        operator.say(word("ann", true));
        operator.say(word("bob", true));
        assert_eq!(operator.approving("p"), ["ann", "bob"]);
        operator.say(word("ann", false));
        assert_eq!(operator.approving("p"), ["bob"]);
        assert_eq!(operator.rejecting("p").map(|word| word.who.as_str()), Some("ann"));
        assert_eq!(operator.rejecting("q"), None);
    }
}
