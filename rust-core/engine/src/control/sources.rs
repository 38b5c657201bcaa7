//! The sources, and where each reads from: for somebody outside who counts what waits there.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg_control::Refusal;
use thalweg_core::model::{Component, ComponentKind, Observation, Topology};

use super::backlogs::Backlogs;
use super::check;

/// What is told of where a source reads. A shell takes on no more; whatever else it sent could be a secret.
const TOLD: [&str; 6] = [
    "bootstrap.servers",
    "groupid",
    "isolation.level",
    "sasl.mechanism",
    "security.protocol",
    "topics",
];

/// The sources of one topology, or of all.
///
/// # Errors
/// When there is no such topology.
pub fn listed(
    wanted: Option<&str>,
    seen: &Observation,
    backlogs: &Backlogs,
) -> Result<Value, Refusal> {
    let topologies: Vec<&Topology> = match wanted {
        Some(wanted) => vec![check::topology(wanted, seen)?],
        None => seen.topologies.iter().collect(),
    };
    let sources = topologies.into_iter().flat_map(|topology| {
        let sources = topology.components.iter().filter(|one| one.kind == ComponentKind::Source);
        sources.map(move |source| one(topology, source, backlogs))
    });
    Ok(json!({ "sources": sources.collect::<Vec<_>>() }))
}

fn one(topology: &Topology, source: &Component, backlogs: &Backlogs) -> Value {
    let feed: BTreeMap<&String, &String> =
        source.feed.iter().filter(|(key, _)| TOLD.contains(&key.as_str())).collect();
    json!({
        "topology": topology.id,
        "name": topology.name,
        "source": source.id,
        "feed": feed,
        "backlog": source.backlog,
        "partitions": source.partitions,
        // Where nobody tells it and it is known all the same, the engine counts it.
        "told_until": backlogs.until(&topology.id, &source.id),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_source_is_told_with_where_it_reads_and_without_what_may_be_secret() {
        let texts = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
        };
        let component = |id: &str, kind, feed: &[(&str, &str)]| Component {
            id: id.to_owned(),
            kind,
            feed: texts(feed),
            ..Component::default()
        };
        let topology = |name: &str, components| Topology {
            id: format!("{name}-1"),
            name: name.to_owned(),
            components,
            ..Topology::default()
        };
        let told = [("topics", "lines"), ("sasl.jaas.config", "secret")];
        let words = vec![
            component("spout", ComponentKind::Source, &told),
            component("split", ComponentKind::Operator, &[]),
        ];
        let silent = vec![component("timer", ComponentKind::Source, &[])];
        let topologies = vec![topology("words", words), topology("ticks", silent)];
        let seen = Observation { topologies, ..Observation::default() };
        let backlogs = Backlogs::default();
        let all = listed(None, &seen, &backlogs).unwrap();
        let found = all["sources"].as_array().unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0]["feed"], json!({ "topics": "lines" }));
        assert_eq!(found[0]["told_until"], Value::Null);
        let one = listed(Some("ticks"), &seen, &backlogs).unwrap();
        assert_eq!(one["sources"][0]["source"], "timer");
        assert_eq!(one["sources"][0]["feed"], json!({}));
        assert_eq!(listed(Some("x"), &seen, &backlogs).unwrap_err().field, "topology");
    }
}
