//! Recordings of simulated runs, the same as those that an engine makes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::value::to_raw_value;
use thalweg_core::Decided;
use thalweg_core::model::Observation;
use thalweg_core::operator::Operator;
use thalweg_core::settings::Settings;
use thalweg_core::state::{Learned, State};
use thalweg_core::units::Timestamp;
use thalweg_engine::recording::{Entry, Recorder};
use thalweg_sim::{Brain, Core};

/// The shipped core, and all that goes into it.
pub struct Recorded(Recorder);

impl Recorded {
    /// Records to a file, if one is named.
    pub fn to(file: Option<&Path>, settings: &Settings) -> Result<Self> {
        let Some(file) = file else { return Ok(Self(Recorder::off())) };
        let recorder = Recorder::to(file, u64::MAX)
            .with_context(|| format!("cannot write {}", file.display()))?;
        recorder.write(&Entry::Begun {
            version: env!("CARGO_PKG_VERSION").into(),
            settings: Cow::Borrowed(settings),
            learned: Cow::Owned(Learned::default()),
            operator: Cow::Borrowed(Operator::SILENT),
            proposals: Cow::Owned(BTreeMap::new()),
        });
        Ok(Self(recorder))
    }
}

impl Brain for Recorded {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided {
        let order = state.order.clone();
        let decided = Core.decide(observation, state, settings, now);
        if self.0.is_on() {
            let decisions = to_raw_value(&decided.decisions).expect("decisions are plain data");
            self.0.write(&Entry::Observed {
                now,
                order,
                observation: Cow::Borrowed(observation),
                decisions: Cow::Owned(decisions),
            });
            self.0.flush();
        }
        decided
    }

    fn finish(&mut self, plan: &str, state: &mut State, settings: &Settings, now: Timestamp) {
        state.finish(plan, now, settings);
        self.0.write(&Entry::Finished { plan: plan.into(), now });
        self.0.flush();
    }

    fn abort(&mut self, plan: &str, state: &mut State, settings: &Settings, now: Timestamp) {
        state.abort(plan, now, settings);
        self.0.write(&Entry::Aborted { plan: plan.into(), now });
        self.0.flush();
    }
}
