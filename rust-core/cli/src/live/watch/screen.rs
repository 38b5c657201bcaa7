//! What is on the screen, as a value: what the engine told last, where the cursor is, and what lies over it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::Value;
use thalweg_control::Command;
use thalweg_core::operator::Operator;
use thalweg_core::settings::ActionKind;
use thalweg_core::units::Timestamp;

use super::looker::Told;
use crate::live::show::{Tone, list, text};

/// How long an answer to an order stays in sight.
const SAID_MS: i64 = 15_000;

/// The panes, in the order in which tab goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// All topologies.
    Topologies,
    /// The components of the chosen one.
    Components,
    /// Its plan.
    Plan,
    /// What was decided, ordered and done.
    Log,
}

impl Pane {
    const ALL: [Self; 4] = [Self::Topologies, Self::Components, Self::Plan, Self::Log];

    fn beside(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// What lies over the panes.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// The keys.
    Help,
    /// All of what the cursor is at, from a line on.
    Details(usize),
    /// A question that an order waits for.
    Question {
        /// The question.
        asks: String,
        /// The order.
        order: Command,
    },
}

/// How the engine can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It was not asked yet.
    Asked,
    /// It answers.
    Up,
    /// It does not.
    Gone {
        /// Since when, in ms since 1970.
        since: i64,
        /// Why.
        why: String,
    },
}

/// A word of the engine's on an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The word.
    pub text: String,
    /// Whether it is a good one.
    pub tone: Tone,
    at: i64,
}

/// Everything that is shown.
#[derive(Debug)]
pub struct Screen {
    /// Which scheduler it is about.
    pub place: String,
    /// Whether colours are wanted.
    pub colours: bool,
    /// How the engine is reached.
    pub reach: Reach,
    /// What the engine showed last.
    pub status: Value,
    /// The last records, the latest first.
    pub records: Vec<Value>,
    /// The pane that has the cursor.
    pub pane: Pane,
    /// What lies over all.
    pub over: Option<Over>,
    /// What became of the last order.
    said: Option<Said>,
    /// The chosen topology's id: it stays chosen when others come and go.
    chosen: String,
    /// The lines of the other panes at which the cursor is.
    cursors: [usize; 4],
    over_for_good: bool,
}

impl Screen {
    /// An empty one.
    pub fn new(place: String, colours: bool) -> Self {
        Self {
            place,
            colours,
            reach: Reach::Asked,
            status: Value::Null,
            records: Vec::new(),
            pane: Pane::Topologies,
            over: None,
            said: None,
            chosen: String::new(),
            cursors: [0; 4],
            over_for_good: false,
        }
    }

    /// Whether somebody has quit.
    pub fn is_over(&self) -> bool {
        self.over_for_good
    }

    /// What became of the last order, as long as that is news.
    pub fn said(&self, now: i64) -> Option<&Said> {
        self.said.as_ref().filter(|said| now - said.at < SAID_MS)
    }

    /// The decisions, one a topology.
    pub fn topologies(&self) -> Vec<&Value> {
        list(&self.status, "/decisions").collect()
    }

    /// The chosen topology's decision, and its place in the list.
    pub fn chosen(&self) -> Option<(usize, &Value)> {
        let all = self.topologies();
        let at = all.iter().position(|one| text(one, "/topology") == self.chosen).unwrap_or(0);
        all.get(at).map(|one| (at, *one))
    }

    /// The components of the chosen topology.
    pub fn components(&self) -> Vec<&Value> {
        let chosen = self.chosen();
        chosen.map_or_else(Vec::new, |(_, one)| list(one, "/view/components").collect())
    }

    /// Where the cursor is in a pane.
    pub fn cursor(&self, pane: Pane) -> usize {
        match pane {
            Pane::Topologies => self.chosen().map_or(0, |(at, _)| at),
            _ => self.cursors[pane as usize],
        }
    }

    /// Whether a topology's growth or reduction is paused.
    pub fn is_paused(&self, topology: &Value, now: i64) -> bool {
        // Absent while nothing was said.
        let said: Operator =
            serde_json::from_value(self.status["operator"].clone()).unwrap_or_default();
        let now = Timestamp::from_millis(now);
        let (name, id) = (text(topology, "/name"), text(topology, "/topology"));
        let pauses = |kind| said.pause_of(name, id, kind, now).is_some();
        pauses(ActionKind::ScaleOut) || pauses(ActionKind::ScaleIn)
    }

    /// Takes what came from the engine.
    pub fn take(&mut self, told: Told, now: i64) {
        match told {
            Told::Seen { status, records } => {
                if matches!(self.reach, Reach::Gone { .. }) {
                    self.say("it answers again", Tone::Good, now);
                }
                (self.reach, self.status, self.records) = (Reach::Up, status, records);
                let end = |length: usize, cursor: usize| cursor.min(length.saturating_sub(1));
                self.cursors[Pane::Log as usize] =
                    end(self.records.len(), self.cursors[Pane::Log as usize]);
                self.cursors[Pane::Components as usize] =
                    end(self.components().len(), self.cursors[Pane::Components as usize]);
            }
            Told::Gone(why) => {
                let since = match self.reach {
                    Reach::Gone { since, .. } => since,
                    _ => now,
                };
                self.reach = Reach::Gone { since, why };
            }
            Told::Ordered(command, Ok(answer)) => {
                self.say(&answered(&command, &answer), Tone::Good, now);
            }
            Told::Ordered(_, Err(why)) => self.say(&why, Tone::Bad, now),
        }
    }

    fn say(&mut self, text: &str, tone: Tone, now: i64) {
        self.said = Some(Said { text: text.to_owned(), tone, at: now });
    }

    /// Takes a key; an order that it gives is returned.
    pub fn key(&mut self, key: KeyEvent, now: i64) -> Option<Command> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            self.over_for_good = true;
            return None;
        }
        match self.over.take() {
            None => {
                self.key_on_panes(key.code, now);
                None
            }
            Some(Over::Help) => None,
            Some(Over::Details(line)) => {
                self.over = match key.code {
                    KeyCode::Down | KeyCode::Char('j') => Some(Over::Details(line + 1)),
                    KeyCode::Up | KeyCode::Char('k') => Some(Over::Details(line.saturating_sub(1))),
                    KeyCode::PageDown | KeyCode::Char(' ') => Some(Over::Details(line + 10)),
                    KeyCode::PageUp => Some(Over::Details(line.saturating_sub(10))),
                    _ => None,
                };
                None
            }
            Some(Over::Question { order, .. }) => match key.code {
                KeyCode::Char('y' | 'Y') => Some(order),
                _ => {
                    self.say("nothing was ordered", Tone::Strong, now);
                    None
                }
            },
        }
    }

    fn key_on_panes(&mut self, key: KeyCode, now: i64) {
        match key {
            KeyCode::Char('q') => self.over_for_good = true,
            KeyCode::Char('?' | 'h') => self.over = Some(Over::Help),
            KeyCode::Enter => self.over = Some(Over::Details(0)),
            KeyCode::Tab | KeyCode::Right => self.pane = self.pane.beside(1),
            KeyCode::BackTab | KeyCode::Left => self.pane = self.pane.beside(3),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown => self.go(10),
            KeyCode::PageUp => self.go(-10),
            KeyCode::Home | KeyCode::Char('g') => self.go(isize::MIN / 2),
            KeyCode::End | KeyCode::Char('G') => self.go(isize::MAX / 2),
            KeyCode::Char('a') => self.ask_of_the_plan("Approve of", now),
            KeyCode::Char('r') => self.ask_of_the_plan("Reject", now),
            KeyCode::Char('p') => self.ask_of_a_pause(now),
            _ => {}
        }
    }

    fn go(&mut self, by: isize) {
        let length = match self.pane {
            Pane::Topologies => self.topologies().len(),
            Pane::Components => self.components().len(),
            // Its lines depend on the width, and it ends with the last one drawn.
            Pane::Plan => 200,
            Pane::Log => self.records.len(),
        };
        let last = length.saturating_sub(1);
        let to = self.cursor(self.pane).saturating_add_signed(by).min(last);
        if self.pane == Pane::Topologies {
            let ids = self.topologies();
            let chosen = ids.get(to).map(|one| text(one, "/topology").to_owned());
            self.chosen = chosen.unwrap_or_default();
            (self.cursors[Pane::Components as usize], self.cursors[Pane::Plan as usize]) = (0, 0);
        } else {
            self.cursors[self.pane as usize] = to;
        }
    }

    /// Asks whether the plan that waits for a word is to be approved of or rejected.
    fn ask_of_the_plan(&mut self, what: &str, now: i64) {
        let offered = self.chosen().map(|(_, one)| text(one, "/offer/plan").to_owned());
        let plan = offered.unwrap_or_default();
        if plan.is_empty() {
            self.say("no plan of this topology waits for somebody's word", Tone::Notice, now);
            return;
        }
        let asks = format!("{what} plan {plan}?");
        let order = match what {
            "Reject" => Command::Reject { plan },
            _ => Command::Approve { plan },
        };
        self.over = Some(Over::Question { asks, order });
    }

    /// Asks whether the chosen topology is to be paused, or resumed where it is.
    fn ask_of_a_pause(&mut self, now: i64) {
        let Some((_, one)) = self.chosen() else { return };
        let (name, scope) = (text(one, "/name"), text(one, "/topology").to_owned());
        let (asks, order) = match self.is_paused(one, now) {
            true => (format!("Resume {name}?"), Command::Resume { scope, direction: None }),
            false => (
                format!("Pause {name} until somebody resumes it?"),
                Command::Pause { scope, direction: None, for_secs: None, until: None },
            ),
        };
        self.over = Some(Over::Question { asks, order });
    }
}

/// What an order was answered with.
fn answered(command: &Command, answer: &Value) -> String {
    match command {
        Command::Approve { plan } => {
            let by: Vec<&str> = list(answer, "/approved_by").filter_map(Value::as_str).collect();
            format!("{plan}: approved by {}, of {}", by.join(", "), answer["people"])
        }
        Command::Reject { plan } => format!("{plan} is rejected"),
        Command::Pause { .. } => "paused".to_owned(),
        Command::Resume { .. } => "resumed".to_owned(),
        _ => "done".to_owned(),
    }
}
