//! Problems for tests: worked out by hand, or drawn from a seed.
#![allow(dead_code, reason = "each test uses a part of it")]

use thalweg_workflow::{Alpha, Amount, Budget, Mode, Money, Problem, Solution, Task, Time, solve};

/// A way to run a task, of whole seconds, cents and cores.
pub fn mode(seconds: u64, cents: u64, cores: u64) -> Mode {
    Mode {
        length: Time::of(seconds * 1_000),
        cost: Money::of(cents * 10_000_000),
        needs: vec![Amount::of(cores * 1_000)],
    }
}

/// A task whose first way is its default.
pub fn task(after: &[usize], modes: Vec<Mode>) -> Task {
    Task { after: after.to_vec(), modes, default: 0 }
}

/// A problem on so many cores, in which time and cost weigh the same.
pub fn balanced(cores: u64, tasks: Vec<Task>) -> Problem {
    Problem::new(vec![Amount::of(cores * 1_000)], tasks, Alpha::BALANCED)
        .expect("it can be planned")
}

/// The plan that so many steps find.
pub fn solved(problem: &Problem, steps: u64) -> Solution {
    solve(problem, &mut Budget::new(steps, &mut || false))
}

/// Draws numbers: a linear congruential generator with the constants of Knuth's MMIX.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// From the least to the most, both of them possible.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) % (most - least + 1)
    }
}

/// A small problem, of 5 to 10 tasks.
pub fn drawn(seed: u64) -> Problem {
    let mut dice = Dice::of(seed);
    let count = dice.between(5, 10);
    drawn_of(count as usize, &mut dice)
}

/// Tasks on 8 cores and 32 units of memory, each with 2 or 3 ways that are the faster the more they hold, and cost whatever a
/// machine of that kind happens to cost.
pub fn drawn_of(count: usize, dice: &mut Dice) -> Problem {
    let tasks = (0..count).map(|at| drawn_task(at, count, dice)).collect();
    let alpha = Alpha::new([0.25, 0.5, 0.75, 1.0][dice.between(0, 3) as usize]);
    let capacity = vec![Amount::of(8_000), Amount::of(32_000)];
    Problem::new(capacity, tasks, alpha.expect("a share")).expect("it can be planned")
}

fn drawn_task(at: usize, count: usize, dice: &mut Dice) -> Task {
    // However many there are, a task waits for about one or two others.
    let waits = 30.min(300 / count as u64);
    let before = (0..at).filter(|_| dice.between(0, 99) < waits).collect();
    let work = dice.between(20, 400);
    let ways = dice.between(2, 3) as usize;
    let modes = (0..ways).map(|_| {
        let cores = dice.between(1, 6);
        // Part of each task runs on one core whatever it is given.
        let seconds = work / 5 + work * 4 / (5 * cores) + dice.between(1, 30);
        let cents = (seconds * cores * dice.between(60, 140) / 1_000).max(1);
        let memory = dice.between(1, 4) * cores.min(5);
        let mut mode = mode(seconds, cents, cores);
        mode.needs.push(Amount::of(memory * 1_000));
        mode
    });
    let modes: Vec<Mode> = modes.collect();
    let default = dice.between(0, modes.len() as u64 - 1) as usize;
    Task { after: before, modes, default }
}
