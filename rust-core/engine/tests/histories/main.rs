//! Histories of the whole control plane, drawn from seeds: two processes that lead in turn, their stores, shells and
//! a cluster, with a fault at any step. Each history ends quiet, and then the rules must hold.
//!
//! `THALWEG_HISTORIES=n` runs so many, from the seed `THALWEG_FIRST` on; `THALWEG_SEED=n` runs the one of a seed and tells
//! what happens in it.
#![allow(clippy::unwrap_used)]

mod brain;
mod checks;
mod cluster;
mod rules;
mod shell;
mod store;
mod tally;
mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rules::Rule;
use tally::Tally;
use world::World;

/// Histories that a thread takes at once.
const BATCH: u64 = 100;
/// Histories after which a line tells how far it is.
const TOLD_EACH: u64 = 50_000;
/// Seeds that are named of those that broke a rule.
const NAMED: usize = 20;

/// What came of many histories.
#[derive(Default)]
struct Summary {
    /// The rule that each seed broke; none where it ended otherwise.
    broken: BTreeMap<u64, Option<Rule>>,
    tally: Tally,
}

impl Summary {
    fn run(&mut self, seed: u64) {
        let mut world = World::new(seed);
        world.told = number("THALWEG_SEED").is_some();
        let ended = catch_unwind(AssertUnwindSafe(|| world.run()));
        self.tally.add(&world.tally);
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => {
                if self.broken.len() < NAMED {
                    eprintln!("{broken}");
                }
                self.broken.insert(seed, Some(broken.rule));
            }
            Err(_) => drop(self.broken.insert(seed, None)),
        }
    }

    fn add(&mut self, other: Self) {
        self.broken.extend(other.broken);
        self.tally.add(&other.tally);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn seeds() -> Range<u64> {
    if let Some(seed) = number("THALWEG_SEED") {
        return seed..seed + 1;
    }
    let first = number("THALWEG_FIRST").unwrap_or(0);
    first..first + number("THALWEG_HISTORIES").unwrap_or(1_000)
}

/// Takes batches of seeds until none are left.
fn work(next: &AtomicU64, seeds: &Range<u64>) -> Summary {
    let begun = Instant::now();
    let mut summary = Summary::default();
    loop {
        let from = next.fetch_add(BATCH, Ordering::SeqCst);
        if from >= seeds.end {
            return summary;
        }
        (from..seeds.end.min(from + BATCH)).for_each(|seed| summary.run(seed));
        let run = from + BATCH - seeds.start;
        if run.is_multiple_of(TOLD_EACH) {
            let broken = summary.broken.len();
            println!("{run} after {:.0?}, {broken} of this thread's broke a rule", begun.elapsed());
        }
    }
}

#[test]
fn every_history_keeps_the_rules() {
    // A decision that panics is part of the histories and would fill the output.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        if !text.contains("decided to panic") {
            eprintln!("{text}");
        }
    }));
    let (seeds, begun) = (seeds(), Instant::now());
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Summary::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&next, &seeds))).collect();
        running.into_iter().for_each(|thread| all.add(thread.join().unwrap()));
    });
    let (count, broken) = (seeds.end - seeds.start, all.broken.len());
    println!("{count} histories in {:.1?}, {broken} of them broke a rule", begun.elapsed());
    println!("in them: {}", all.tally);
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
    for rule in all.broken.values() {
        let name = rule.map_or("none of the rules, a panic".to_owned(), |rule| rule.to_string());
        *rules.entry(name).or_default() += 1;
    }
    rules.iter().for_each(|(rule, count)| println!("{count} broke {rule}"));
    if let Some(first) = all.broken.keys().next() {
        println!("the first after {} histories", first - seeds.start + 1);
    }
    let first: Vec<&u64> = all.broken.keys().take(NAMED).collect();
    assert!(first.is_empty(), "seeds {first:?}");
}
