//! What was measured of a topology, and what it is held against.

use crate::context::Context;
use crate::explain::{Signal, TopologyView};
use crate::model::{ComponentKind, Topology};
use crate::settings::PolicyName;
use crate::units::Millis;

/// What a decision goes by, in the order of the components.
pub fn signals(context: &Context<'_>, topology: &Topology, view: &TopologyView) -> Vec<Signal> {
    let settings = context.settings;
    let signal =
        |of: &str, what: &'static str, measured: f64, limit: Option<(f64, &'static str)>| Signal {
            of: of.to_owned(),
            what: what.into(),
            measured,
            limit: limit.map(|(limit, _)| limit),
            setting: limit.map(|(_, setting)| setting.into()),
        };
    let coverage = (settings.min_coverage.get(), "thalweg.metrics.min.coverage");
    let mut signals =
        vec![signal(&topology.name, "share measured", view.coverage.get(), Some(coverage))];
    if let Some(latency) = view.latency.map(Millis::get) {
        let expected =
            view.expected_latency.map(|expected| (expected, "thalweg.me-stream.accuracy"));
        let by_line = expected.filter(|_| settings.policy == PolicyName::MeStream);
        signals.push(signal(&topology.name, "ms of latency", latency, by_line));
    }
    let busy = match settings.policy {
        PolicyName::MeStream => {
            Some((settings.capacity_limit.get(), "thalweg.me-stream.capacity.limit"))
        }
        PolicyName::Thalweg => Some((settings.thalweg.limit.get(), "thalweg.scaling.limit")),
        _ => None,
    };
    for (component, seen) in topology.components.iter().zip(&view.components) {
        let (Some(rate), Some(share)) = (seen.rate, seen.capacity) else { continue };
        if component.kind == ComponentKind::System {
            continue;
        }
        signals.push(signal(&seen.id, "tuples a second", rate.get(), None));
        signals.push(signal(&seen.id, "busy share of the busiest executor", share.get(), busy));
        if let Some(backlog) = component.backlog {
            signals.push(signal(&seen.id, "records waiting", backlog as f64, None));
        }
        if seen.failed > 0 {
            signals.push(signal(&seen.id, "tuples failed", seen.failed as f64, None));
        }
    }
    // It is kept until the next look, and so are those of all other topologies.
    signals.shrink_to_fit();
    signals
}
