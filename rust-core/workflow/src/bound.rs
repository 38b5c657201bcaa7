//! Under which value no plan can be, found without looking at any.
//!
//! A plan ends no earlier than any path through its tasks, and no earlier than what its tasks hold of a resource fills it.
//! So for any weights of paths and resources that add up to one, the mean of these is no more than the makespan, and that
//! mean falls apart into one sum for each task, whose least way is easily found. The weights are found as in a game: one
//! side names the path or resource that hurts most on the average of what the other has chosen, the other chooses the best
//! ways under the average of what was named. Every turn's value is a bound, and the best of all is kept.

use crate::objective::Objective;
use crate::problem::{Mode, Problem};

/// More turns win less than a thousandth.
const TURNS: usize = 300;

/// A value that no plan can be below.
pub fn lower_bound(problem: &Problem, objective: &Objective) -> f64 {
    relaxed(problem, objective).0
}

/// The same, and the ways that were chosen in the turn that told it: good ones to begin a search with.
pub(crate) fn relaxed(problem: &Problem, objective: &Objective) -> (f64, Vec<usize>) {
    let mut game = Game::new(problem);
    let mut best = (0.0, problem.defaults());
    for turn in 0..TURNS {
        game.name(turn);
        let (value, modes) = game.choose(objective, turn);
        if value > best.0 {
            best = (value, modes);
        }
    }
    best
}

struct Game<'a> {
    problem: &'a Problem,
    /// How often a path that was named goes through each task, by turns.
    on_path: Vec<f64>,
    /// How often each resource was named.
    named: Vec<f64>,
    /// The mean length of each task, and what all hold of each resource, over what was chosen.
    lengths: Vec<f64>,
    held: Vec<f64>,
}

impl<'a> Game<'a> {
    fn new(problem: &'a Problem) -> Self {
        let (tasks, kinds) = (problem.tasks().len(), problem.capacity().len());
        let mut game = Self {
            problem,
            on_path: vec![0.0; tasks],
            named: vec![0.0; kinds],
            lengths: vec![0.0; tasks],
            held: vec![0.0; kinds],
        };
        for (at, task) in problem.tasks().iter().enumerate() {
            game.learn(at, &task.modes[task.default], 0.0);
        }
        game
    }

    /// Takes a way that was chosen into the means, which are of so many turns.
    fn learn(&mut self, task: usize, mode: &Mode, turns: f64) {
        let share = 1.0 / (turns + 1.0);
        self.lengths[task] += share * (mode.length.get() as f64 - self.lengths[task]);
        for (kind, held) in self.held.iter_mut().enumerate() {
            *held += share * fill(self.problem, mode, kind);
        }
    }

    /// The path or resource that takes longest on average.
    fn name(&mut self, turn: usize) {
        let (path, length) = self.longest_path();
        let fullest = (0..self.held.len()).max_by(|a, b| self.held[*a].total_cmp(&self.held[*b]));
        let share = 1.0 / (turn as f64 + 1.0);
        for weight in self.on_path.iter_mut().chain(&mut self.named) {
            *weight *= 1.0 - share;
        }
        match fullest.filter(|kind| self.held[*kind] > length) {
            Some(kind) => self.named[kind] += share,
            None => path.iter().for_each(|task| self.on_path[*task] += share),
        }
    }

    fn longest_path(&self) -> (Vec<usize>, f64) {
        let mut until = vec![0.0f64; self.lengths.len()];
        let mut from = vec![None; self.lengths.len()];
        for &at in self.problem.order() {
            let after = &self.problem.tasks()[at].after;
            let latest = after.iter().copied().max_by(|a, b| until[*a].total_cmp(&until[*b]));
            until[at] = latest.map_or(0.0, |before| until[before]) + self.lengths[at];
            from[at] = latest;
        }
        let last = (0..until.len()).max_by(|a, b| until[*a].total_cmp(&until[*b]));
        let path = std::iter::successors(last, |at| from[*at]).collect();
        (path, last.map_or(0.0, |at| until[at]))
    }

    /// The best ways under the weights, and their value.
    fn choose(&mut self, objective: &Objective, turn: usize) -> (f64, Vec<usize>) {
        let (mut value, mut modes) = (0.0, self.problem.defaults());
        let turns = turn as f64 + 1.0;
        for held in &mut self.held {
            *held *= turns / (turns + 1.0);
        }
        for (at, task) in self.problem.tasks().iter().enumerate() {
            let one_ms = objective.of_time(crate::units::Time::of(1));
            let worth = |mode: &Mode| {
                let filled = self.named.iter().enumerate().map(|(kind, weight)| {
                    if *weight > 0.0 { weight * fill(self.problem, mode, kind) } else { 0.0 }
                });
                let time = self.on_path[at] * mode.length.get() as f64 + filled.sum::<f64>();
                one_ms * time + objective.of_cost(mode.cost)
            };
            let fitting = task.modes.iter().enumerate().filter(|(_, mode)| self.problem.fits(mode));
            let valued = fitting.map(|(way, mode)| (worth(mode), way, mode));
            if let Some((worth, way, mode)) = valued.min_by(|a, b| a.0.total_cmp(&b.0)) {
                value += worth;
                modes[at] = way;
                self.learn(at, mode, turns);
            }
        }
        (value, modes)
    }
}

/// How long a way would hold the whole of a resource, in milliseconds.
fn fill(problem: &Problem, mode: &Mode, kind: usize) -> f64 {
    let there = problem.capacity()[kind].get();
    if there == 0 {
        0.0
    } else {
        mode.length.get() as f64 * mode.needs[kind].get() as f64 / there as f64
    }
}
