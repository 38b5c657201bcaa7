//! The codec against arbitrary clusters and against broken bytes.
#![allow(clippy::unwrap_used)]

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use thalweg_codec::layout::{
    GROUPINGS, KINDS, MAX_INT, MAX_LONG, OBSTACLES, STATUSES, Section, header,
};
use thalweg_codec::{CodecError, Problem, decode, encode};
use thalweg_core::model::{
    Checkpoint, Component, Counters, Edge, Executor, Node, Observation, SlotRef, TaskRange,
    Topology,
};
use thalweg_core::units::{Millis, Timestamp};

fn amounts() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1e12_f64]
}

prop_compose! {
    fn nodes()(
        (id, host, rack) in (".{0,9}", "[a-c]{1,2}", "[r]?"),
        (blacklisted, draining) in any::<(bool, bool)>(),
        ports in btree_set(0..=MAX_INT, 0..4),
        (cpu_points, memory_mib) in (option::of(amounts()), option::of(amounts())),
        round_trip in option::of(amounts().prop_map(Millis::saturating)),
        clock_ahead_ms in option::of(-1e12..1e12_f64),
    ) -> Node {
        let ports = ports.into_iter().collect();
        Node {
            id, host, rack, blacklisted, draining, ports, cpu_points, memory_mib, round_trip, clock_ahead_ms,
        }
    }
}

prop_compose! {
    fn counters()(
        uptime_secs in 0..=MAX_INT,
        counts in prop::array::uniform6(0..=MAX_LONG),
        (execute_ms, process_ms, complete_ms) in (amounts(), amounts(), amounts()),
        times in prop::array::uniform4(option::of(amounts())),
        state in prop::array::uniform3(option::of(0..=MAX_LONG)),
    ) -> Counters {
        let [executed, acked, failed, emitted, transferred, completed] = counts;
        let [busy_ms, backpressured_ms, idle_ms, gc_ms] = times;
        let [state_bytes, state_accesses, state_hits] = state;
        Counters {
            uptime_secs, executed, execute_ms, acked, process_ms, failed, emitted, transferred,
            completed, complete_ms, busy_ms, backpressured_ms, idle_ms, gc_ms, state_bytes, state_accesses, state_hits,
        }
    }
}

prop_compose! {
    fn components()(
        id in "[a-d]{1,3}",
        kind in select(&KINDS[..]),
        (first, more) in (0..MAX_INT - 9, 0..9u32),
        (cpu_points, memory_mib) in (option::of(amounts()), option::of(amounts())),
        (backlog, partitions) in (option::of(0..=MAX_LONG), option::of(0..=MAX_INT)),
        heap_mib in option::of(amounts()),
        most_per_node in option::of(1..=MAX_INT),
        (least_executors, most_executors) in (option::of(0..=MAX_INT), option::of(0..=MAX_INT)),
        (slot_group, feed) in (0..=MAX_INT, btree_map("[a-c.]{1,4}", ".{0,4}", 0..3)),
    ) -> Component {
        let tasks = TaskRange { first, last: first + more };
        Component {
            id, kind, tasks, cpu_points, memory_mib, heap_mib, backlog, partitions, most_per_node,
            least_executors, most_executors, slot_group, feed,
        }
    }
}

fn executors(components: Vec<Component>, slots: Vec<SlotRef>) -> BoxedStrategy<Vec<Executor>> {
    if components.is_empty() {
        return Just(Vec::new()).boxed();
    }
    let slot = match slots.is_empty() {
        true => Just(None).boxed(),
        false => option::of(select(slots)).boxed(),
    };
    let one = (0..components.len(), any::<(u8, u8)>(), slot, option::of(counters()));
    vec(one, 0..6)
        .prop_map(move |executors| {
            let make = |(component, (skip, take), slot, counters): (usize, (u8, u8), _, _)| {
                let of: TaskRange = components[component].tasks;
                let first = of.first + u32::from(skip) % of.count();
                let last = first + u32::from(take) % (of.last - first + 1);
                let component = component as u32;
                Executor { component, tasks: TaskRange { first, last }, slot, counters }
            };
            executors.into_iter().map(make).collect()
        })
        .boxed()
}

fn topologies(slots: Vec<SlotRef>) -> impl Strategy<Value = Topology> {
    vec(components(), 0..4).prop_flat_map(move |components| {
        let count = components.len().max(1) as u32;
        let edge = (0..count, 0..count, select(&GROUPINGS[..]), option::of(0..=MAX_LONG))
            .prop_map(|(from, to, grouping, sent)| Edge { from, to, grouping, sent });
        let edges = vec(edge, if components.is_empty() { 0..1 } else { 0..4 });
        let pair = (0..count, 0..count);
        let apart = vec(pair, if components.is_empty() { 0..1 } else { 0..3 });
        let head = (
            ".{0,5}",
            "[w]{0,2}",
            select(&STATUSES[..]),
            0..=MAX_INT,
            (amounts(), option::of(amounts()), 0..=MAX_INT),
            (option::of((amounts(), option::of(0..=MAX_LONG))), option::of(amounts())),
            option::of(select(&OBSTACLES[..])),
            (apart, btree_map("thalweg\\.[a-z]{1,3}", vec("[^;]{1,4}", 0..3), 0..3)),
        );
        (head, edges, executors(components.clone(), slots.clone()), Just(components)).prop_map(
            |(
                (
                    id,
                    name,
                    status,
                    desired_workers,
                    (timeout, worker_heap_mib, worker_millipoints),
                    (checkpoint, interval),
                    obstacle,
                    (apart, settings),
                ),
                edges,
                executors,
                components,
            )| {
                let message_timeout = Millis::saturating(timeout);
                Topology {
                    id,
                    name,
                    status,
                    desired_workers,
                    message_timeout,
                    worker_heap_mib,
                    worker_millipoints,
                    checkpoint: checkpoint.map(|(duration, bytes)| Checkpoint {
                        duration: Millis::saturating(duration),
                        bytes,
                    }),
                    checkpoint_interval: interval.map(Millis::saturating),
                    obstacle,
                    settings,
                    components,
                    edges,
                    apart,
                    executors,
                }
            },
        )
    })
}

fn observations() -> impl Strategy<Value = Observation> {
    (any::<i64>(), vec(nodes(), 0..4)).prop_flat_map(|(at, nodes)| {
        let slots = (0..).zip(&nodes).flat_map(|(index, node)| {
            node.ports.iter().map(move |port| SlotRef { node: index, port: *port })
        });
        vec(topologies(slots.collect()), 0..4).prop_map(move |topologies| Observation {
            at: Timestamp::from_millis(at),
            nodes: nodes.clone(),
            topologies,
        })
    })
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back(observation in observations()) {
        let bytes = encode(&observation).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), observation);
    }

    #[test]
    fn broken_bytes_are_an_error_or_another_observation(
        observation in observations(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = encode(&observation).unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Whatever was let through is sound enough to be written again.
        if let Ok(decoded) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&decoded).unwrap()).unwrap(), decoded);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(decode(&bytes).is_err());
    }
}

/// One node with one slot, and one topology with an executor on it.
fn small() -> Observation {
    let tasks = TaskRange { first: 1, last: 2 };
    let executor = Executor {
        component: 0,
        tasks,
        slot: Some(SlotRef { node: 0, port: 6700 }),
        counters: Some(Counters::default()),
    };
    Observation {
        nodes: vec![Node { id: String::from("a"), ports: vec![6700], ..Node::default() }],
        topologies: vec![Topology {
            components: vec![Component { tasks, ..Component::default() }],
            apart: vec![(0, 0)],
            executors: vec![executor],
            ..Topology::default()
        }],
        ..Observation::default()
    }
}

/// The error after `value` was put at an offset of a section's first record.
fn error_after(section: Section, at: usize, value: &[u8]) -> String {
    let mut bytes = encode(&small()).unwrap();
    let entry = header::TABLE + 8 * section as usize;
    let start = u32::from_le_bytes(bytes[entry..entry + 4].try_into().unwrap()) as usize + at;
    bytes[start..start + value.len()].copy_from_slice(value);
    decode(&bytes).unwrap_err().to_string()
}

#[test]
fn errors_name_the_place() {
    let nine = 9_u32.to_le_bytes();
    let nan = f64::NAN.to_le_bytes();
    for (section, at, value, message) in [
        (Section::Nodes, 8, &nine[..], "node 0: rack is 9, above 1"),
        (Section::Nodes, 12, &nine, "node 0: flags is 9, above 3"),
        (
            Section::Nodes,
            16,
            &f64::INFINITY.to_le_bytes(),
            "node 0: cpu points is inf, no quantity",
        ),
        (Section::Slots, 0, &nine, "slot 0: node is 9, above 0"),
        (Section::Topologies, 8, &nine, "topology 0: status is 9, above 3"),
        (Section::Topologies, 16, &nan, "topology 0: message timeout is NaN, no quantity"),
        (Section::Topologies, 24, &nine, "topology 0: components is 9, above 1"),
        (Section::Topologies, 32, &[0], "section executor: the topologies name 0 of 1 records"),
        (Section::Components, 12, &[0], "component 0: last task is 0, below 1"),
        (
            Section::Components,
            32,
            &(1_u64 << 63).to_le_bytes(),
            "component 0: backlog is 9223372036854775808, above 9223372036854775807",
        ),
        (
            Section::Components,
            40,
            &(1_u32 << 31).to_le_bytes(),
            "component 0: partitions is 2147483648, above 2147483647",
        ),
        (
            Section::Components,
            44,
            &(1_u32 << 31).to_le_bytes(),
            "component 0: most per node is 2147483648, above 2147483647",
        ),
        (Section::Apart, 0, &nine, "pair apart 0: topology is 9, above 0"),
        (Section::Apart, 8, &nine, "pair apart 0: other component is 9, above 0"),
        (Section::Apart, 12, &[1], "pair apart 0: reserved is 1, above 0"),
        (Section::Executors, 4, &[0], "executor 0: first task is 0, below 1"),
        (Section::Executors, 8, &nine, "executor 0: last task is 9, above 2"),
        (Section::Executors, 12, &nine, "executor 0: slot is 9, above 0"),
        (Section::Executors, 32, &nan, "executor 0: execute ms is NaN, no quantity"),
        (
            Section::Executors,
            96,
            &(-1.0_f64).to_le_bytes(),
            "executor 0: busy ms is -1, no quantity",
        ),
        (Section::StringEnds, 0, &nine, "string end 0: offset is 9, above 1"),
        (Section::StringBytes, 0, &[0xff], "string end 0: text is not utf-8"),
    ] {
        assert_eq!(error_after(section, at, value), message);
    }
}

#[test]
fn own_settings_come_as_texts_however_they_are_written_and_what_is_no_object_is_told() {
    let mut view = small();
    let unknown = vec!["x".to_owned()];
    view.topologies[0].settings = [("thalweg.windows.freeze".to_owned(), unknown)].into();
    let bytes = encode(&view).unwrap();
    let rewritten = |json: &str| {
        let written = serde_json::to_string(&view.topologies[0].settings).unwrap();
        assert!(json.len() <= written.len());
        let at =
            bytes.windows(written.len()).position(|bytes| bytes == written.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + written.len()]
            .copy_from_slice(format!("{json:<0$}", written.len()).as_bytes());
        decode(&bytes).unwrap().topologies[0].settings.clone()
    };
    assert_eq!(rewritten(r#"{"a": "x; y;", "b": 3}"#)["a"], ["x", "y"]);
    assert_eq!(rewritten(r#"{"a": "x; y;", "b": 3}"#)["b"], ["3"]);
    assert_eq!(rewritten("[1]")["thalweg.mode"][0].trim(), "[1]");
}

#[test]
fn headers_are_checked() {
    let good = encode(&small()).unwrap();
    let message = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        decode(&bytes).unwrap_err().to_string()
    };
    assert!(message(header::MAGIC, 0).starts_with("header: magic is "));
    assert_eq!(message(header::VERSION, 1), "header: version is 1, must be 9");
    assert!(message(header::LENGTH, 1).starts_with("header: length is "));
    assert_eq!(message(header::TABLE, 104), "section node: 1 records at offset 104 do not fit");
    assert_eq!(decode(&good[..20]), Err(CodecError::NoHeader { length: 20 }));
    let longer = [&good[..], &[0; 8]].concat();
    assert!(decode(&longer).unwrap_err().to_string().starts_with("header: length is "));
}

#[test]
fn slots_ascend() {
    let mut view = small();
    view.nodes[0].ports = vec![6701, 6700];
    let message = decode(&encode(&view).unwrap()).unwrap_err().to_string();
    assert_eq!(message, "slot 1: port is 6700, below 6702");
}

#[test]
fn a_slot_that_no_node_offers_cannot_be_encoded() {
    let mut view = small();
    view.nodes[0].ports.clear();
    let problem = Problem::NoSuchSlot { node: 0, port: 6700 };
    let error = CodecError::Field { section: Section::Executors, index: 0, field: "slot", problem };
    assert_eq!(encode(&view), Err(error));
}

#[test]
fn a_long_text_that_many_records_name_is_refused_before_it_takes_the_memory() {
    let with = |settings: usize, topologies: usize| {
        let one = &small().topologies[0];
        let settings = [("thalweg.mode".to_owned(), vec!["a".repeat(settings)])].into();
        let one = Topology { settings, ..one.clone() };
        encode(&Observation { topologies: vec![one; topologies], ..small() }).unwrap()
    };
    assert!(decode(&with(1_000, 1_000)).is_ok(), "settings that all have");
    let error = decode(&with(30_000, 1_000)).unwrap_err().to_string();
    let message = "own settings is a long text that too many records name";
    assert!(error.ends_with(message), "{error}");

    let node = Node { id: "n".repeat(20_000), ..Node::default() };
    let many = Observation { nodes: vec![node; 1_000], ..Observation::default() };
    let error = decode(&encode(&many).unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("id is a long text that too many records name"), "{error}");
}
