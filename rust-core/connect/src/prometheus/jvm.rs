//! What JVMs on a node tell of themselves, as exporters of Prometheus's, Micrometer's and Flink's name it.

use std::collections::BTreeMap;

use super::counters::{gauge, rate, sum};
use super::names;
use super::quantity::Quantity;
use super::reading::{Missing, Reading, Value};
use super::series::{Series, Span};

/// What tells JVMs apart: who scrapes them, where, and Flink's own id of a TaskManager.
type Id<'a> = [&'a str; 3];

/// All that is told of JVMs: each quantity is the sum over them.
pub fn readings(series: &[&Series], span: Span) -> BTreeMap<Quantity, Reading> {
    let mut jvms: BTreeMap<Id<'_>, Vec<&Series>> = BTreeMap::new();
    for one in series {
        let id = ["job", "instance", "tm_id"].map(|label| one.label(label));
        jvms.entry(id).or_default().push(one);
    }
    let all = |of: fn(&[&Series], Span) -> Reading| sum(jvms.values().map(|jvm| of(jvm, span)));
    BTreeMap::from([
        (Quantity::HeapUsed, all(|jvm, span| heap(jvm, &names::HEAP_USED, span))),
        (Quantity::HeapMax, all(|jvm, span| heap(jvm, &names::HEAP_MAX, span))),
        (Quantity::Collectors, all(collectors)),
    ])
}

/// All of them missing for the same reason.
pub fn missing(why: Missing) -> BTreeMap<Quantity, Reading> {
    [Quantity::HeapUsed, Quantity::HeapMax, Quantity::Collectors].map(|one| (one, Err(why))).into()
}

/// Of one JVM: all its pools of heap, where it tells them apart. -1 stands for what has no limit.
fn heap(jvm: &[&Series], names: &[&str], span: Span) -> Reading {
    let mut found: Reading = Err(Missing::NotTold);
    for name in names {
        let of_heap =
            jvm.iter().filter(|one| one.name == *name && ["", "heap"].contains(&one.label("area")));
        let pools = of_heap.map(|one| gauge(one, span));
        found = sum(pools.filter(|pool| !matches!(pool, Ok(value) if value.value < 0.0)));
        if found != Err(Missing::NotTold) {
            break;
        }
    }
    found
}

/// Seconds per second in the collectors of one JVM.
fn collectors(jvm: &[&Series], span: Span) -> Reading {
    for name in names::COLLECTORS {
        let found = sum(jvm.iter().filter(|one| one.name == name).map(|one| rate(one, span)));
        if found != Err(Missing::NotTold) {
            return found;
        }
    }
    let all = jvm.iter().any(|one| one.name == names::FLINK_ALL_COLLECTORS);
    let pattern = if all { names::FLINK_ALL_COLLECTORS } else { names::FLINK_COLLECTORS };
    let of_flink = jvm.iter().filter(|one| names::fits(pattern, &one.name));
    let millis = sum(of_flink.map(|one| rate(one, span)))?;
    Ok(Value { value: millis.value / 1000.0, ..millis })
}
