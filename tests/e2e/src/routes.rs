//! Routing tables as any client of Redis sees them, and as Storm's own assignment says they should be.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use redis::Connection;
use serde_json::Value;
use thalweg_lab::StormCluster;
use thalweg_lab::control::TopologyInfo;

/// Component, node and port of each executor, named `[first-last]`.
pub type Places = BTreeMap<String, (String, String, u16)>;

/// A routing table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Grows with every table of the topology.
    pub epoch: u64,
    /// The plan it belongs to.
    pub plan: String,
    /// Where executors belong.
    pub places: Places,
}

/// Connects to Redis.
///
/// # Errors
/// When it does not answer.
pub fn connect(url: &str) -> Result<Connection> {
    Ok(redis::Client::open(url)?.get_connection()?)
}

/// Reads a topology's table; none where there is none.
///
/// # Errors
/// When Redis does not answer, or holds something else.
pub fn table(redis: &mut Connection, topology: &str) -> Result<Option<Table>> {
    type Map = BTreeMap<String, String>;
    let key = |part: &str| format!("thalweg:{{{topology}}}:{part}");
    let (meta, components, nodes, ports): (Map, Map, Map, Map) = redis::pipe()
        .atomic()
        .hgetall(key("meta"))
        .hgetall(key("C"))
        .hgetall(key("N"))
        .hgetall(key("P"))
        .query(redis)?;
    if meta.is_empty() {
        return Ok(None);
    }
    ensure!(
        components.keys().eq(nodes.keys()) && nodes.keys().eq(ports.keys()),
        "N, P and C have different rows: {nodes:?} {ports:?} {components:?}"
    );
    let mut places = Places::new();
    for (executor, component) in components {
        let (_, node): (Option<String>, String) = serde_json::from_str(&nodes[&executor])?;
        let (_, port): (Option<u16>, u16) = serde_json::from_str(&ports[&executor])?;
        places.insert(executor, (component, node, port));
    }
    let field = |name: &str| meta.get(name).with_context(|| format!("no {name}"));
    Ok(Some(Table { epoch: field("epoch")?.parse()?, plan: field("plan")?.clone(), places }))
}

/// Where Storm says that executors run, with nodes named by their ids as in routing tables.
///
/// # Errors
/// When Nimbus does not answer, or an executor runs on a node that it does not know.
pub fn truth(storm: &StormCluster, info: &TopologyInfo) -> Result<Places> {
    let supervisors = storm.control().cluster()?;
    let place = |((component, first, last), (host, port)): ((String, u32, u32), (String, u16))| {
        let node = supervisors.iter().find(|node| node.host == host);
        let node = node.with_context(|| format!("unknown host {host}"))?.id.clone();
        Ok((format!("[{first}-{last}]"), (component, node, port)))
    };
    info.assignment().into_iter().map(place).collect()
}

/// Keys that name a topology and should not outlive it: all but the epoch of its removal, which
/// fences late writers.
///
/// # Errors
/// When Redis does not answer.
pub fn traces(redis: &mut Connection, topology: &str) -> Result<Vec<String>> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("thalweg:*").query(redis)?;
    let removed = format!("thalweg:{{{topology}}}:removed");
    let mut traces: Vec<String> =
        keys.into_iter().filter(|key| key.contains(topology) && *key != removed).collect();
    let listed: bool =
        redis::cmd("SISMEMBER").arg("thalweg:topologies").arg(topology).query(redis)?;
    if listed {
        traces.push("a member of thalweg:topologies".to_owned());
    }
    for hash in ["thalweg:state", "thalweg:stamped"] {
        let state: BTreeMap<String, String> = redis::cmd("HGETALL").arg(hash).query(redis)?;
        // What a shell keeps outlives a job for some time: a JobManager that takes over shows none for a while.
        let named = state
            .into_iter()
            .map(
                |(key, value)| {
                    if key == "orders" { (key, without_past(&value)) } else { (key, value) }
                },
            )
            .filter(|(key, value)| !key.starts_with("shell-") && value.contains(topology));
        traces.extend(named.map(|(key, value)| format!("{hash} {key}: {value}")));
    }
    Ok(traces)
}

/// The stamped book of orders without those that are over, whose fate may be asked for when their topology is gone.
fn without_past(stamped: &str) -> String {
    let book = stamped.find('{').and_then(|at| serde_json::from_str::<Value>(&stamped[at..]).ok());
    match book {
        Some(mut book) => {
            book["over"] = Value::Null;
            book.to_string()
        }
        None => stamped.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_are_over_leave_no_trace() {
        let stamped = r#"1 14 {"open":[],"over":[{"plan":"words-1-p2"}],"former":{}}"#;
        assert!(!without_past(stamped).contains("words"));
        let stamped = r#"1 14 {"open":[],"over":[],"former":{"words-1":{}}}"#;
        assert!(without_past(stamped).contains("words"));
    }
}
