//! Why what waits in Kafka is not known.

/// Why what waits is not known. Then it is missing, never zero.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// A client cannot be made with these properties.
    #[error("PROPERTIES: no client can be made with these properties: {0}")]
    Properties(String),
    /// Nobody answers.
    #[error("UNREACHABLE: {servers} does not answer: {why}")]
    Unreachable {
        /// The bootstrap servers.
        servers: String,
        /// In the client's words.
        why: String,
    },
    /// There is no such topic, or this user may not see it.
    #[error("TOPIC_MISSING: there is no topic {0}, or this user may not describe it")]
    TopicMissing(String),
    /// One partition cannot be asked for: its brokers are gone, or this user may not.
    #[error("PARTITION_UNREADABLE: partition {partition} of {topic}: {why}")]
    PartitionUnreadable {
        /// Its topic.
        topic: String,
        /// Its number.
        partition: i32,
        /// In the client's words.
        why: String,
    },
    /// What the group has committed cannot be read.
    #[error("GROUP_UNREADABLE: what {group} has committed cannot be read: {why}")]
    GroupUnreadable {
        /// The group.
        group: String,
        /// In the client's words.
        why: String,
    },
}

impl KafkaError {
    /// Its code, stable for ever.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Properties(_) => "PROPERTIES",
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::TopicMissing(_) => "TOPIC_MISSING",
            Self::PartitionUnreadable { .. } => "PARTITION_UNREADABLE",
            Self::GroupUnreadable { .. } => "GROUP_UNREADABLE",
        }
    }
}
