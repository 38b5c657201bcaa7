//! TaskManagers, as `/taskmanagers` tells of them.

use serde_json::Value;

use super::super::json::{amount, count, list, text};
use super::super::view::NodeView;

const POINTS_PER_CORE: f64 = 100.0;
/// No TaskManager has more slots, whatever it says.
const MOST_SLOTS: u32 = 1 << 14;
const BYTES_PER_MIB: f64 = 1_048_576.0;

/// Every registered TaskManager, by their ids.
pub fn nodes(answer: &Value) -> Vec<NodeView> {
    let mut nodes: Vec<NodeView> = list(answer, "taskmanagers").map(node).collect();
    nodes.sort_by(|one, other| one.id.cmp(&other.id));
    nodes
}

fn node(json: &Value) -> NodeView {
    let slots = count(json, "slotsNumber").unwrap_or(0).min(MOST_SLOTS);
    let resource = &json["totalResource"];
    NodeView {
        id: text(json, "id").to_owned(),
        host: host(text(json, "path")).to_owned(),
        slots,
        free: count(json, "freeSlots").unwrap_or(slots).min(slots),
        cpu_points: amount(resource, "cpuCores").map(|cores| cores * POINTS_PER_CORE),
        memory_mib: amount(&json["hardware"], "physicalMemory").map(|bytes| bytes / BYTES_PER_MIB),
        gc_ms: None,
    }
}

/// The host in `pekko.tcp://flink@host:port/…`; the whole where it is of another kind.
fn host(path: &str) -> &str {
    let named = path.split_once("://").and_then(|(_, rest)| {
        let authority = rest.split(['/', '?']).next()?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let end = match place.starts_with('[') {
            true => place.find(']')? + 1,
            false => place.find(':').unwrap_or(place.len()),
        };
        place.get(..end).filter(|host| !host.is_empty())
    });
    named.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hosts_are_those_that_taskmanagers_are_reached_at() {
        let table = [
            ("pekko.tcp://flink@10.0.0.1:41234/user/rpc/taskmanager_0", "10.0.0.1"),
            ("pekko.ssl.tcp://flink@[::1]:41234/user/rpc/taskmanager_0", "[::1]"),
            ("akka.tcp://flink@worker-3:1/x", "worker-3"),
            ("akka://flink/user", "flink"),
            ("local", "local"),
            ("", ""),
        ];
        for (path, name) in table {
            assert_eq!(host(path), name, "{path}");
        }
    }

    #[test]
    fn what_is_not_told_of_a_taskmanager_is_not_known() {
        let answer = json!({ "taskmanagers": [
            { "id": "n2", "path": "pekko.tcp://flink@h2:1/x", "slotsNumber": 4, "freeSlots": 1,
              "totalResource": { "cpuCores": 2.0 }, "hardware": { "physicalMemory": 2_147_483_648_u64 } },
            { "id": "n1", "path": "pekko.tcp://flink@h1:1/x", "slotsNumber": 2 },
        ]});
        let found = nodes(&answer);
        let n1 = &found[0];
        assert_eq!((n1.id.as_str(), n1.free, n1.cpu_points, n1.memory_mib), ("n1", 2, None, None));
        let n2 = &found[1];
        assert_eq!((n2.host.as_str(), n2.slots, n2.free), ("h2", 4, 1));
        assert_eq!((n2.cpu_points, n2.memory_mib), (Some(200.0), Some(2048.0)));
    }
}
