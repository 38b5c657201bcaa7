//! What a look at any cluster comes to.

use thalweg_core::model::Observation;

/// Something that was found, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The id of the job or topology that it is about; empty where it is about the cluster.
    pub about: String,
    /// What was found.
    pub text: String,
}

/// What one look came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The cluster as it was seen. Jobs and topologies come by their ids; one that cannot be read is there with
    /// `Obstacle::Unreadable`, as it was last seen if it was.
    pub observation: Observation,
    /// What could not be read, and why.
    pub findings: Vec<Finding>,
}
