//! What every stage of a decision may look at, and none changes.

use crate::model::Observation;
use crate::namesakes::Namesakes;
use crate::operator::Operator;
use crate::settings::Settings;
use crate::units::Timestamp;

/// One observation, and by what and when it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The whole cluster.
    pub observation: &'a Observation,
    /// Topologies of it that share a name.
    pub namesakes: &'a Namesakes<'a>,
    /// The settings.
    pub settings: &'a Settings,
    /// What operators have said.
    pub operator: &'a Operator,
    /// Now.
    pub now: Timestamp,
}
