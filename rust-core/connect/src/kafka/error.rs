//! Why what waits in Kafka is not known.

use rdkafka::error::KafkaError as Client;

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
    /// Why a client takes no properties. Values are no part of it, as they may be secrets; the client's own words have them.
    pub(super) fn of_properties(error: Client) -> Self {
        match error {
            Client::ClientConfig(_, why, key, value) => {
                let why = if value.is_empty() { why } else { why.replace(&value, "...") };
                Self::Properties(format!("{key}: {why}"))
            }
            other => Self::Properties(other.to_string()),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::BaseConsumer;

    #[test]
    fn what_a_client_refuses_is_named_without_its_value() {
        for key in ["ssl.key.pasword", "security.protocol"] {
            let mut config = ClientConfig::new();
            config.set(key, "hunter2");
            let client: Result<BaseConsumer, _> = config.create();
            let error = KafkaError::of_properties(client.err().expect("it takes none"));
            let text = error.to_string();
            assert!(text.contains(key) && !text.contains("hunter2"), "{text}");
        }
    }
}
