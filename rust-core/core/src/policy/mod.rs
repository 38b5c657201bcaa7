//! Policies: from a measured topology to what should change.
//!
//! A policy is a function of a [`Situation`], its settings and its memory, and gives an [`Intent`].
//! All start from the same signals and the same [`Flow`](crate::demand::Flow); whether the evidence
//! allows asking a policy at all, and whether its intent may be carried out now, is decided outside.

/// The page about policies of one's own, whose example is run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/concepts/own-policy.md")]
pub struct OwnPolicy;

pub mod conttune;
mod desired;
pub mod dhalion;
pub mod ds2;
pub mod flink_autoscaler;
mod gaussian;
pub mod me_stream;
mod situation;
#[cfg(test)]
pub(crate) mod testing;
pub mod thalweg;
pub mod threshold;
mod unjudged;

pub use situation::{Intent, Situation, used_slots};

use crate::demand::{ComponentFlow, LoadForecast};
use crate::reason::{Reason, ReasonCode};
use crate::settings::PolicyName;
use crate::units::RatePerSec;

/// What the policies remember of one topology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memories {
    threshold: threshold::Memory,
    dhalion: dhalion::Memory,
    ds2: ds2::Memory,
    autoscaler: flink_autoscaler::Memory,
    conttune: conttune::Memory,
    /// Also what the policy `thalweg` goes by when it moves executors.
    pub me_stream: me_stream::Memory,
    thalweg: thalweg::Memory,
}

/// Asks the policy of the settings; `model` outlives a restart. `me-stream` also needs to know the
/// arrangement, so it is asked by its own function.
pub fn find(
    situation: &Situation<'_>,
    memories: &mut Memories,
    model: &mut thalweg::TopologyModel,
) -> Intent {
    let by_demand = match situation.settings.policy {
        PolicyName::Threshold => return threshold::find(situation, &mut memories.threshold),
        PolicyName::Dhalion => return dhalion::find(situation, &mut memories.dhalion),
        PolicyName::Ds2 => ds2::find(situation, &mut memories.ds2),
        PolicyName::FlinkAutoscaler => flink_autoscaler::find(situation, &mut memories.autoscaler),
        PolicyName::Conttune => conttune::find(situation, &mut memories.conttune),
        PolicyName::Thalweg => thalweg::find(situation, &mut memories.thalweg, model),
        PolicyName::Static | PolicyName::MeStream => {
            let text = "the policy leaves everything as it is";
            return Intent::Stay(vec![Reason::plain(ReasonCode::PolicyStatic, text)]);
        }
    };
    unjudged::named(situation, by_demand)
}

/// Records per second that the policy, asked just now, believes each component can take in, where it
/// has a belief.
pub fn believed(situation: &Situation<'_>, memories: &Memories) -> Vec<Option<RatePerSec>> {
    let of = |(index, component): (usize, &ComponentFlow)| {
        let rate = match situation.settings.policy {
            PolicyName::Ds2 | PolicyName::Conttune => {
                Some(component.true_rate()? * f64::from(component.executors))
            }
            PolicyName::FlinkAutoscaler => flink_autoscaler::true_rate(component),
            PolicyName::Thalweg => memories.thalweg.believed(index),
            _ => None,
        };
        rate.map(RatePerSec::saturating)
    };
    situation.flow.components.iter().enumerate().map(of).collect()
}

/// What the policy, asked just now, expects sources to bring, where it expects anything.
pub fn load_forecast(situation: &Situation<'_>, memories: &Memories) -> Option<LoadForecast> {
    let forecasts = situation.settings.policy == PolicyName::Thalweg;
    memories.thalweg.load().filter(|_| forecasts)
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
