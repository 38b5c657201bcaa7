//! Jobs of any shape, drawn at random: several sources, streams that part, join, repeat and return, groupings of all
//! kinds, windows, ticks, unequal keys and nodes, with and without a count of what waits.
//!
//! `THALWEG_SHAPES=1000` draws more of them than every test run does.

mod watched;

use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::ComponentKind;
use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::PolicyName;
use thalweg_sim::RunResult;
use thalweg_sim::hidden::Hidden;
use thalweg_sim::random::Random;
use thalweg_sim::scenario::{EngineKind, Load, LoadShape, Scenario};
use thalweg_sim::truth::Capacities;
use watched::{Watched, settings, watch};

/// Shapes in each test run, for each engine.
const SHAPES: u64 = 30;
/// Changes of one job in 90 minutes of at most one step of the load.
const MOST_CHANGES: usize = 16;
/// The same, where its cluster could easily carry it.
const MOST_EASY_CHANGES: usize = 10;
/// Part of all cores that a job may need so that the cluster is no limit to it.
const EASY: f64 = 0.4;

/// Draws what a job is made of, and writes it down as a scenario's file has it.
struct Draw {
    random: Random,
    engine: EngineKind,
    sources: u32,
    operators: u32,
}

impl Draw {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.whole(0, of.len() as u32 - 1) as usize]
    }

    /// Evenly over orders of magnitude.
    fn between(&mut self, least: f64, most: f64) -> f64 {
        least * (most / least).powf(self.random.unit())
    }

    fn head(&mut self) -> String {
        let engine = if self.engine == EngineKind::Storm { "storm" } else { "flink" };
        let rate = self.between(20.0, 5000.0);
        let mut text = format!(
            "name = \"shape\"\nengine = \"{engine}\"\nduration_secs = 5400\nstep_millis = 1000\nrate = {rate}\n"
        );
        for _ in 0..self.one(&[1, 2]) {
            let (count, cores) = (self.one(&[1, 2, 4]), self.one(&[2, 4, 8]));
            let (slots, ability) = (self.one(&[8, 16]), self.one(&[1.0, 1.0, 0.5]));
            text += &format!(
                "[[node]]\ncount = {count}\ncores = {cores}\nslots = {slots}\nability = {ability}\n"
            );
        }
        text
    }

    fn source(&mut self, index: u32) -> String {
        let share = if index == 0 { 1.0 } else { self.one(&[1.0, 0.1, 0.0]) };
        let executors = self.one(&[1, 2, 4]);
        format!(
            "[[component]]\nid = \"source-{index}\"\nkind = \"source\"\nwork_micros = 20\nshare = {share}\n\
             tasks = 8\nexecutors = {executors}\n"
        )
    }

    fn operator(&mut self, index: u32) -> String {
        let tasks = self.one(&[1, 8, 16, 32, 128]);
        let (executors, work) = (self.one(&[1, 2, 4, 8]).min(tasks), self.between(20.0, 20_000.0));
        let (variability, skew) = (self.one(&[0.0, 1.0, 4.0]), self.one(&[0.0, 0.0, 0.5]));
        let cpu_share = self.one(&[1.0, 1.0, 0.5]);
        let odd = match self.engine {
            EngineKind::Flink => "",
            EngineKind::Storm => {
                self.one(&["", "", "", "tick_secs = 1\n", "acknowledged_after_millis = 60000\n"])
            }
        };
        format!(
            "[[component]]\nid = \"op-{index}\"\ntasks = {tasks}\nexecutors = {executors}\nwork_micros = {work}\n\
             variability = {variability}\nskew = {skew}\ncpu_share = {cpu_share}\n{odd}"
        )
    }

    /// Streams into an operator, from one to three components before it.
    fn streams(&mut self, index: u32) -> String {
        let mut text = String::new();
        let mut senders = Vec::new();
        for more in 0..self.one(&[1, 1, 2, 3]) {
            let before = self.random.whole(0, self.sources + index - 1);
            let from = match before {
                _ if more == 0 && index < self.sources => format!("source-{index}"),
                before if before < self.sources => format!("source-{before}"),
                before => format!("op-{}", before - self.sources),
            };
            if senders.contains(&from) {
                continue;
            }
            let grouping = self.one(&[
                "shuffle",
                "shuffle",
                "shuffle",
                "fields",
                "fields",
                "local_or_shuffle",
                "broadcast",
            ]);
            let selectivity = self.one(&[1.0, 1.0, 0.1, 0.01, 3.0]);
            text += &stream(&from, &format!("op-{index}"), grouping, selectivity);
            senders.push(from);
        }
        text
    }

    /// Sometimes a stream that leads back.
    fn back(&mut self) -> String {
        if self.one(&[true, false, false, false, false]) {
            let ends = [0, 1].map(|_| self.random.whole(0, self.operators - 1));
            let (from, to) = (ends[0].max(ends[1]), ends[0].min(ends[1]));
            return stream(&format!("op-{from}"), &format!("op-{to}"), "shuffle", 0.1);
        }
        String::new()
    }

    fn job(engine: EngineKind, seed: u64) -> Option<Scenario> {
        let mut random = Random::of(seed, "shape");
        let (sources, operators) = (random.whole(1, 3), random.whole(1, 7));
        let mut draw = Self { random, engine, sources, operators };
        let mut text = draw.head();
        text += &(0..sources).map(|index| draw.source(index)).collect::<String>();
        text += &(0..operators).map(|index| draw.operator(index)).collect::<String>();
        text += &(0..operators).map(|index| draw.streams(index)).collect::<String>();
        text += &draw.back();
        let none = |file: &str| Err(format!("there is no {file}"));
        // More may come back than was sent: that is no job.
        let mut scenario = thalweg_sim::scenario::read("shape.toml", &text, none).ok()?;
        let [before, after] = draw.one(&[[1.0, 1.0], [0.3, 1.0], [1.0, 0.3]]);
        let levels = vec![[0.0, before], [1200.0, after]];
        scenario.load = Load { shape: LoadShape::Steps { levels }, noise: 0.02 };
        if scenario.components.iter().any(|c| c.acknowledged_after_millis > 0.0) {
            scenario.storm.message_timeout_secs = 300.0;
        }
        scenario.metrics.noise = draw.one(&[0.0, 0.05]);
        scenario.metrics.lag = draw.one(&[true, false]);
        Some(scenario)
    }
}

fn stream(from: &str, to: &str, grouping: &str, selectivity: f64) -> String {
    format!(
        "[[edge]]\nfrom = \"{from}\"\nto = \"{to}\"\ngrouping = \"{grouping}\"\nselectivity = {selectivity}\n"
    )
}

/// The executors that all operators need for the highest load; nothing where that is hardly to be had, or where so much
/// waits to be acknowledged that sources may not bring in more.
fn easily_needed(scenario: &Scenario, seed: u64) -> Option<u32> {
    if scenario.components.iter().any(|component| component.acknowledged_after_millis > 0.0) {
        return None;
    }
    let hidden = Hidden::draw(scenario, seed);
    let capacities = Capacities::of(scenario, &hidden);
    let needed: Option<Vec<u32>> =
        capacities.counted().map(|c| capacities.needed(c, scenario.rate * 1.2)).collect();
    let needed = needed?;
    let cores: f64 = hidden.nodes.iter().map(|node| node.cores * node.ability).sum();
    let busy = |index: usize| {
        let component = &hidden.components[index];
        let executors = scenario.components[index].executors as usize;
        component.work_secs * scenario.rate * capacities.gain(index, executors)
    };
    let busy: f64 = (0..scenario.components.len()).map(busy).sum();
    let slots: u32 = hidden.nodes.iter().map(|node| node.slots).sum();
    let fits = needed.iter().all(|needed| needed * 2 <= slots);
    (busy < EASY * cores && fits).then(|| needed.iter().sum())
}

/// A growth that did harm is not tried again under the same load.
fn repeats_no_harm(watched: &Watched) -> Result<(), String> {
    let undone = |d: &&Decision| d.reasons.iter().any(|r| r.code == ReasonCode::MadeWorse);
    let acts = || watched.decisions.iter().filter(|d| d.verdict == Verdict::Act);
    let undone = acts().filter(undone).count();
    (undone <= 3).then_some(()).ok_or(format!("{undone} actions did harm"))
}

/// What is easily had is had in the end, or it is told what stands against it; and it is had with not many times the
/// executors that it needs.
fn carries_what_is_easy(
    scenario: &Scenario,
    needed: u32,
    result: &RunResult,
    watched: &Watched,
) -> Result<(), String> {
    let last = result.points.last().expect("a run has points");
    let reasons = &watched.decisions.last().expect("it decides").reasons;
    if result.actions.len() > MOST_EASY_CHANGES {
        return Err(format!("{} changes: {:#?}", result.actions.len(), result.actions));
    }
    let limited = reasons.iter().any(|r| {
        use ReasonCode::{ClusterLimited, ExternalLimited, SkewLimited, TaskLimited};
        [ClusterLimited, ExternalLimited, SkewLimited, TaskLimited].contains(&r.code)
    });
    let catches_up = reasons.iter().any(|r| r.code == ReasonCode::CatchingUp);
    if last.completed < 0.9 * last.offered && !limited && !catches_up {
        return Err(format!("{last:?}: {reasons:#?}"));
    }
    let operators = scenario.components.iter().filter(|c| c.kind == ComponentKind::Operator);
    let before: u32 = operators.clone().map(|c| c.executors).sum();
    let most = before.max(4 * needed + operators.count() as u32);
    if last.executors > most && !catches_up {
        return Err(format!(
            "{} executors where {needed} are needed: {reasons:#?}",
            last.executors
        ));
    }
    Ok(())
}

fn sound(scenario: &Scenario, seed: u64) -> Result<(), String> {
    let (result, watched) = watch(scenario, &settings(PolicyName::Thalweg, scenario), seed);
    if result.actions.len() > MOST_CHANGES {
        return Err(format!("{} changes: {:#?}", result.actions.len(), result.actions));
    }
    repeats_no_harm(&watched)?;
    match easily_needed(scenario, seed) {
        Some(needed) => carries_what_is_easy(scenario, needed, &result, &watched),
        None => Ok(()),
    }
}

#[test]
fn jobs_of_any_shape_are_neither_shaken_nor_blown_up() {
    let shapes = std::env::var("THALWEG_SHAPES").ok().and_then(|shapes| shapes.parse().ok());
    for seed in 0..shapes.unwrap_or(SHAPES) {
        for engine in [EngineKind::Storm, EngineKind::Flink] {
            let Some(scenario) = Draw::job(engine, seed) else { continue };
            if let Err(found) = sound(&scenario, seed) {
                panic!("seed {seed} on {engine:?}: {found}");
            }
        }
    }
}
