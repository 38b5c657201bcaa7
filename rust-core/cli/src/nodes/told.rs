//! What is told of nodes, for people or for programs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use thalweg_connect::prometheus::{NodeTelemetry, Quantity, Telemetry, Who};
use thalweg_control::visible;

use crate::live::show::{Tone, paint, short, table};

/// Tells all that is known.
pub fn tell(telemetry: &Telemetry, as_json: bool) {
    if as_json {
        println!("{}", structured(telemetry));
    } else {
        println!("{}", for_people(telemetry));
    }
}

fn structured(telemetry: &Telemetry) -> Value {
    let nodes: Vec<Value> = telemetry.nodes.iter().map(node).collect();
    let left_out = telemetry.left_out.iter().map(|one| {
        let who = match &one.who {
            Who::Node(node) => json!({ "node": node.id, "host": node.host }),
            Who::Target(target) => json!({ "target": target }),
        };
        let mut said = who;
        said["code"] = one.why.code().into();
        said["reason"] = one.why.to_string().into();
        said
    });
    let left_out: Vec<Value> = left_out.collect();
    json!({ "at": telemetry.at, "nodes": nodes, "left_out": left_out })
}

fn node(node: &NodeTelemetry) -> Value {
    let (mut values, mut missing) = (Map::new(), Map::new());
    for (quantity, name, _) in Quantity::ALL {
        match node.reading(quantity) {
            Ok(value) => {
                let mut said = json!({ "value": value.value, "at": value.at });
                if !value.of.is_empty() {
                    said["of"] = value.of.into();
                }
                values.insert(name.to_owned(), said);
            }
            Err(why) => {
                let said = json!({ "code": why.code(), "reason": why.to_string() });
                missing.insert(name.to_owned(), said);
            }
        }
    }
    json!({ "id": node.id, "host": node.host, "at": node.at, "sources": node.sources,
        "values": values, "missing": missing })
}

/// Two quantities of a node that belong together, or one, in a column.
fn cells(node: &NodeTelemetry) -> Vec<String> {
    let one =
        |quantity, shown: fn(f64) -> String| node.value(quantity).map_or("-".to_owned(), shown);
    let two = |left, right, shown: fn(f64) -> String| {
        format!("{} / {}", one(left, shown), one(right, shown))
    };
    let name = match node.id == node.host {
        true => node.id.clone(),
        false => format!("{} ({})", node.id, node.host),
    };
    vec![
        visible(&name).into_owned(),
        one(Quantity::Cores, short),
        one(Quantity::CpuBusy, short),
        one(Quantity::CpuSteal, short),
        one(Quantity::Load, short),
        two(Quantity::MemoryAvailable, Quantity::MemoryTotal, bytes),
        two(Quantity::SwapUsed, Quantity::SwapTotal, bytes),
        two(Quantity::DiskAvailable, Quantity::DiskSize, bytes),
        one(Quantity::DiskBusy, short),
        two(Quantity::DiskRead, Quantity::DiskWritten, bytes),
        two(Quantity::NetworkReceived, Quantity::NetworkSent, bytes),
        one(Quantity::NetworkErrors, short),
        one(Quantity::FilesOpen, short),
        two(Quantity::HeapUsed, Quantity::HeapMax, bytes),
        one(Quantity::Collectors, short),
    ]
}

fn for_people(telemetry: &Telemetry) -> String {
    let mut shown = table(&[
        "node",
        "cores",
        "busy",
        "steal",
        "load",
        "memory free",
        "swap used",
        "disk free",
        "disk busy",
        "read / written a s",
        "in / out a s",
        "errors a s",
        "files",
        "heap",
        "gc",
    ]);
    for node in &telemetry.nodes {
        shown.add_row(cells(node));
    }
    let mut lines = vec![shown.to_string()];
    for node in &telemetry.nodes {
        let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (quantity, name, _) in Quantity::ALL {
            if let Err(why) = node.reading(quantity) {
                by_reason.entry(why.to_string()).or_default().push(name);
            }
        }
        for (why, names) in by_reason {
            let missing = paint(Tone::Notice, "missing");
            lines.push(format!("{missing} {}: {}: {why}", visible(&node.id), names.join(", ")));
        }
    }
    for one in &telemetry.left_out {
        let who = match &one.who {
            Who::Node(node) => format!("node {} ({})", node.id, node.host),
            Who::Target(target) => format!("target {target}"),
        };
        let left_out = paint(Tone::Notice, "left out");
        lines.push(format!("{left_out} {}: {}", visible(&who), visible(&one.why.to_string())));
    }
    lines.join("\n")
}

/// Bytes, in the unit that leaves few digits.
fn bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut left = bytes;
    let mut unit = 0;
    while left >= 1024.0 && unit + 1 < units.len() {
        left /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(left), units.get(unit).unwrap_or(&"B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_leaves_few_digits() {
        let table = [
            (0.0, "0 B"),
            (1023.0, "1023 B"),
            (1536.0, "1.50 KiB"),
            (8_589_934_592.0, "8 GiB"),
            (5e15, "4547 TiB"),
        ];
        for (number, said) in table {
            assert_eq!(bytes(number), said);
        }
    }
}
