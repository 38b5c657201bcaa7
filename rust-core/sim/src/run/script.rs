//! Counts that a scenario's script sets, as they were in a recording.

use super::tenant::Tenant;
use crate::action::{flink_restart, restart_flink, start_workers, switch_storm};
use crate::layout::{Usable, deal_out, scaled, share_slots};
use crate::scenario::{EngineKind, ScriptStep};

impl Tenant<'_> {
    /// Sets the counts that are due.
    pub(super) fn follow_script(&mut self, usable: &Usable, now: f64) {
        let Some(step) = self.scenario.script.get(self.script.next) else { return };
        if self.action.is_some() {
            return;
        }
        let done = match self.scenario.engine {
            EngineKind::Flink => self.restart_by_script(step, usable, now),
            EngineKind::Storm => self.switch_by_script(step, usable, now),
        };
        if done {
            self.script.next += 1;
            self.recorder.scripted();
        }
    }

    fn restart_by_script(&mut self, step: &ScriptStep, usable: &Usable, now: f64) -> bool {
        if now < step.at_secs {
            return false;
        }
        let scenario = self.scenario;
        let mut desired = scaled(scenario, &self.job, &step.counts);
        share_slots(scenario, usable, &mut desired);
        let mut site = self.site(usable.clone(), now);
        let until = now + flink_restart(&mut site);
        restart_flink(&mut site, &desired, until, scenario.flink.replay);
        true
    }

    /// A recording tells when new workers had taken over, so that they start some time before.
    fn switch_by_script(&mut self, step: &ScriptStep, usable: &Usable, now: f64) -> bool {
        let [low, high] = self.scenario.storm.prepare_secs;
        let over = now >= step.at_secs;
        let starts = !self.script.starts && now >= step.at_secs - low.midpoint(high);
        if !starts && !over {
            return false;
        }
        let mut desired = scaled(self.scenario, &self.job, &step.counts);
        deal_out(&self.job, &mut desired);
        if starts {
            start_workers(&mut self.site(usable.clone(), now), &desired);
        }
        self.script.starts = !over;
        if over {
            switch_storm(&mut self.site(usable.clone(), now), &desired);
        }
        over
    }
}
