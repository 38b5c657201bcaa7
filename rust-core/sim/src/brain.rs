//! Who decides in a run.

use thalweg_core::model::Observation;
use thalweg_core::operator::Operator;
use thalweg_core::settings::Settings;
use thalweg_core::state::State;
use thalweg_core::units::Timestamp;
use thalweg_core::{Decided, decide};

/// What decides: the shipped core, perhaps watched while it does.
pub trait Brain {
    /// Decides as [`thalweg_core::decide`] does.
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided;

    /// Notes that a plan was carried out.
    fn finish(&mut self, plan: &str, state: &mut State, settings: &Settings, now: Timestamp) {
        state.finish(plan, now, settings);
    }

    /// Notes that a plan was given up.
    fn abort(&mut self, plan: &str, state: &mut State, settings: &Settings, now: Timestamp) {
        state.abort(plan, now, settings);
    }
}

/// The shipped core, unwatched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Core;

impl Brain for Core {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided {
        decide(observation, state, settings, Operator::SILENT, now)
    }
}
