//! Who is compared: every policy that the product knows, and two that know more than they could.

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use thalweg_core::settings::PolicyName;
use thalweg_core::settings::{Mode, Settings};
use thalweg_engine::EngineSettings;
use thalweg_sim::Scenario;
use thalweg_sim::hidden::Hidden;
use thalweg_sim::truth::Capacities;

/// A policy, or something to measure policies by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contestant {
    /// A policy, by its name in `thalweg.policy`.
    Policy(String),
    /// The counts that the user began with, for ever.
    Untouched,
    /// The counts that the highest load needs at a utilisation of 0.8, for ever; it knows the truth.
    RightForPeak,
}

impl Contestant {
    /// Everybody.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Untouched, Self::RightForPeak];
        all.extend(policies().into_iter().filter(|p| p != "static").map(Self::Policy));
        all
    }

    /// Its name in tables.
    pub fn name(&self) -> &str {
        match self {
            Self::Policy(name) => name,
            Self::Untouched => "static",
            Self::RightForPeak => "static-right",
        }
    }

    /// Whether it knows what no policy can know.
    pub fn is_reference(&self) -> bool {
        matches!(self, Self::Untouched | Self::RightForPeak)
    }

    /// The scenario as it finds it.
    pub fn enter(&self, scenario: &Scenario, seed: u64) -> Scenario {
        let mut own = scenario.clone();
        if *self == Self::RightForPeak {
            let seconds = scenario.duration_secs as usize;
            let peak =
                (0..seconds).map(|secs| scenario.load.level(secs as f64)).fold(0.0, f64::max);
            let hidden = Hidden::draw(scenario, seed);
            let capacities = Capacities::of(scenario, &hidden);
            // What is dealt out evenly is as slow as the slowest node that gets a part of it.
            let abilities = || hidden.nodes.iter().map(|node| node.ability);
            let mean = abilities().sum::<f64>() / hidden.nodes.len() as f64;
            let slowest = abilities().fold(f64::INFINITY, f64::min);
            for component in capacities.counted() {
                let rate = scenario.rate * peak / 0.8 * mean / slowest;
                let tasks = own.components[component].tasks;
                own.components[component].executors =
                    capacities.needed(component, rate).unwrap_or(tasks);
            }
        }
        own
    }

    /// The settings with which it runs: the scenario's, and its own name.
    ///
    /// # Errors
    /// When a setting is not allowed.
    pub fn settings(&self, scenario: &Scenario, extra: &Map<String, Value>) -> Result<Settings> {
        let mut given = scenario.given();
        given.extend(extra.clone());
        if let Self::Policy(name) = self {
            given.insert("thalweg.policy".to_owned(), Value::from(name.clone()));
        }
        let read = EngineSettings::read(&given);
        if !read.problems.is_empty() {
            bail!("{}", read.problems.join("; "));
        }
        let mode = if self.is_reference() { Mode::Observe } else { Mode::Act };
        Ok(Settings { mode, ..read.core })
    }
}

/// The policies that the product knows.
pub fn policies() -> Vec<String> {
    PolicyName::ALL.iter().map(|policy| policy.as_str().to_owned()).collect()
}
