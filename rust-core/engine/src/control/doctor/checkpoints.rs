//! Checkpoints that are missing, slow, or so far apart that a failure costs much.

use serde::Deserialize;
use serde_json::Value;
use thalweg_core::explain::Recovery;
use thalweg_core::model::{Obstacle, Topology};
use thalweg_core::units::Millis;

use super::finding::{MENDS, finding};
use crate::settings::EngineSettings;

/// From this part of a step's time on a checkpoint may not end within it the next time.
const SLOW: f64 = 0.5;
/// Checkpoints come at least so many times as far apart as one takes.
const APART: f64 = 5.0;

/// A job whose state a restart would lose, said before any plan meets it.
pub(super) fn of_checkpoints(
    topology: &Topology,
    settings: &EngineSettings,
    found: &mut Vec<Value>,
) {
    let text = match topology.obstacle {
        Some(Obstacle::CheckpointsOff) => {
            "it takes no checkpoints, so it is not restarted with other executors"
        }
        Some(Obstacle::CheckpointsFail) => {
            "its last checkpoints failed, so it is not restarted with other executors"
        }
        _ => return,
    };
    let accepted = settings.core.may_lose_state(&topology.id, &topology.name);
    let code = "CHECKPOINTS_MISSING";
    let said = |one: &Value| one["code"] == code && one["about"] == *topology.name;
    if accepted || found.iter().any(said) {
        return;
    }
    let mend = MENDS.iter().find(|(known, _)| *known == code).map_or("", |(_, mend)| mend);
    found.push(finding(code, &topology.name, text, mend));
}

/// A restart takes a checkpoint first, within one step. Where records wait before operators, one that is aligned with them
/// waits as well, and just then more executors are wanted.
pub(super) fn of_slow_checkpoints(topology: &Topology, settings: &EngineSettings) -> Option<Value> {
    let took = topology.checkpoint?.duration.get() / 1000.0;
    let step = settings.step_timeout.as_secs_f64();
    (took > step * SLOW).then(|| {
        let text = format!(
            "its last checkpoint took {took:.0} s, and each plan takes one within the {step:.0} s of a step"
        );
        let mend = format!(
            "in the job's configuration execution.checkpointing.unaligned.enabled: true   (or thalweg.action.step.timeout.secs: {:.0})",
            took / SLOW
        );
        finding("CHECKPOINTS_SLOW", &topology.name, text, mend)
    })
}

/// A job that would work off for long what it does twice after a failure, where checkpoints closer together would save that.
pub(super) fn of_recovery(
    view: &Value,
    topology: &Topology,
    settings: &EngineSettings,
) -> Option<Value> {
    let recovery = Recovery::deserialize(&view["recovery"]).ok()?;
    let (takes, longest) = (recovery.takes?, recovery.longest_interval?);
    let least = topology.checkpoint?.duration.get();
    // Checkpoints that come as fast as they are taken leave no time for work.
    let each_secs = (longest.get() / 1000.0).floor();
    let limit = settings.core.thalweg.catch_up;
    if takes <= limit || each_secs < 1.0 || 1000.0 * each_secs < APART * least {
        return None;
    }
    let secs = |time: Millis| time.get() / 1000.0;
    let text = format!(
        "checkpoints are {:.1} s apart, so that after a failure it has caught up in about {:.0} s, as busy as it is ({:.2}), and {:.0} s are allowed (thalweg.scaling.catch.up.secs)",
        secs(recovery.interval),
        secs(takes),
        recovery.busy.get(),
        secs(limit),
    );
    let mend =
        format!("in the job's configuration execution.checkpointing.interval: {each_secs:.0} s");
    Some(finding("CHECKPOINTS_FAR_APART", &topology.name, text, mend))
}
