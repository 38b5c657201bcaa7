//! What has happened so far, and telling it.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use thalweg_core::explain::Decision;
use thalweg_experiment::{Phase, Side, Situation, Status, Vitals, Witness};
use thalweg_lab::control::TopologyInfo;

use crate::frame;
use crate::screen::Screen;

/// Between two lines of vitals where nothing is redrawn.
const LINE_PERIOD: Duration = Duration::from_secs(10);

/// A phase of one side.
pub struct Mark {
    /// Whose.
    pub side: Side,
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub begun: Instant,
    /// How long it took, once it is over.
    pub took: Option<Duration>,
}

/// Everything that is shown.
pub struct Story {
    /// What is going on.
    pub situation: Situation,
    /// When it began.
    pub begun: Instant,
    /// Phases so far.
    pub marks: Vec<Mark>,
    /// The last thing worth a line.
    pub note: String,
    /// The last seconds from outside.
    pub vitals: Vitals,
    /// Thalweg's own account.
    pub status: Option<Status>,
    /// The topology as Nimbus sees it.
    pub info: Option<TopologyInfo>,
    /// Where the dashboard is, if there is one.
    dashboard: Option<String>,
    screen: Screen,
    told: Told,
}

/// What was already said in lines.
#[derive(Default)]
struct Told {
    decision: String,
    plans: Vec<String>,
    ended: usize,
    outcomes: usize,
    vitals: Option<Instant>,
}

impl Story {
    /// Begins with an empty screen.
    pub fn begin(situation: &Situation, dashboard: Option<String>) -> Self {
        let story = Self {
            situation: situation.clone(),
            begun: Instant::now(),
            marks: Vec::new(),
            note: String::new(),
            vitals: Vitals::default(),
            status: None,
            info: None,
            dashboard,
            screen: Screen::open(),
            told: Told::default(),
        };
        story.say(&frame::title(&story));
        story
    }

    /// Where somebody sits at a terminal, the cluster runs on until he has looked at the dashboard.
    fn leave_time_to_look(&mut self) {
        let Some(url) = self.dashboard.clone().filter(|_| io::stdin().is_terminal()) else {
            return;
        };
        self.draw();
        println!("The cluster runs on: look at {url}, and press Enter here to stop it.");
        // Whoever closes the terminal has seen enough.
        let _ = io::stdin().read_line(&mut String::new());
        // What is drawn from now on stands below.
        self.screen = Screen::open();
    }

    /// Closes the last phase.
    pub fn end(&mut self) {
        self.close_mark();
        self.draw();
    }

    /// The decision on the topology.
    pub fn decision(&self) -> Option<&Decision> {
        self.status.as_ref()?.decisions.first()
    }

    fn close_mark(&mut self) {
        if let Some(mark) = self.marks.last_mut() {
            mark.took.get_or_insert(mark.begun.elapsed());
        }
    }

    fn draw(&mut self) {
        if let Screen::Block(block) = &self.screen {
            let frame = frame::frame(self, block.size());
            if let Screen::Block(block) = &mut self.screen {
                block.draw(&frame);
            }
        }
    }

    /// Adds a line where nothing is redrawn.
    fn say(&self, text: &str) {
        if matches!(self.screen, Screen::Lines) {
            println!("{:6.1} s  {text}", self.begun.elapsed().as_secs_f64());
        }
    }

    /// Says what is new since the last time.
    fn tell(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        if let Some(decision) = self.decision() {
            let words = frame::verdict(decision);
            let codes: String = decision.reasons.iter().map(|r| format!("{:?} ", r.code)).collect();
            let codes = format!("{:?} {codes}", decision.verdict);
            if codes != told.decision {
                words.iter().for_each(|line| self.say(line));
                told.decision = codes;
            }
        }
        if let Some(status) = &self.status {
            let plan = status.plan.iter().map(|active| &active.plan);
            for plan in plan.chain(status.ended.iter().map(|ended| &ended.plan)) {
                if !told.plans.contains(&plan.id) {
                    frame::plan(self, plan, usize::MAX).iter().for_each(|line| self.say(line));
                    told.plans.push(plan.id.clone());
                }
            }
            for ended in status.ended.iter().rev().skip(told.ended) {
                self.say(&frame::ended(ended));
            }
            for outcome in status.outcomes.iter().rev().skip(told.outcomes) {
                self.say(&frame::outcome(outcome));
            }
            (told.ended, told.outcomes) = (status.ended.len(), status.outcomes.len());
        }
        if told.vitals.is_none_or(|at| at.elapsed() >= LINE_PERIOD) {
            self.say(&frame::vitals(self));
            frame::components(self).iter().for_each(|line| self.say(line));
            told.vitals = Some(Instant::now());
        }
        self.told = told;
    }
}

impl Witness for Story {
    fn phase(&mut self, side: Side, phase: Phase) {
        if (side, phase) == (Side::Thalweg, Phase::TearDown) {
            self.leave_time_to_look();
        }
        self.close_mark();
        if phase == Phase::SetUp {
            (self.status, self.info, self.vitals) = (None, None, Vitals::default());
        }
        self.marks.push(Mark { side, phase, begun: Instant::now(), took: None });
        self.note.clear();
        self.say(&format!("{}: {}", side.on(self.situation.engine), frame::name_of(side, phase)));
        self.draw();
    }

    fn note(&mut self, text: &str) {
        text.clone_into(&mut self.note);
        self.say(text);
        self.draw();
    }

    fn look(&mut self, vitals: Vitals, status: Option<&Status>, info: Option<&TopologyInfo>) {
        self.vitals = vitals;
        if let Some(status) = status {
            self.status = Some(status.clone());
        }
        if let Some(info) = info {
            self.info = Some(info.clone());
        }
        if matches!(self.screen, Screen::Lines) {
            self.tell();
        }
        self.draw();
    }
}
