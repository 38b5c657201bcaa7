//! How much memory outside the JVM a cluster takes, in bytes that are in use, counted.
//!
//! A test program of its own: it counts what its whole process asks for.
#![allow(unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use thalweg_codec::{decode, encode};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Node, Observation, SlotRef, TaskRange,
    Topology,
};
use thalweg_core::units::{Millis, Timestamp};
use thalweg_engine::Engine;

/// Counts what is in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    let now = IN_USE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: the system's allocator does all that is promised; nothing else is done than counting.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps what this asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(start, layout, size) }
    }
}

const COMPONENTS: u32 = 20;
/// Of the operators, those that run twice.
const TWICE: u32 = 16;
const NODES: u32 = 100;
/// Seconds from one look to the next.
const INTERVAL: u32 = 10;
const BEGUN: i64 = 1_700_000_000_000;
/// From here on a look is as large as it gets: the window is full, and nothing is to be told that was not told before.
const SETTLED: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// As `make bench-look` has them: topologies of 20 components and 36 executors in two workers.
fn topology(index: u32) -> Topology {
    let count = |component: u32| if (1..=TWICE).contains(&component) { 2 } else { 1 };
    let mut next = 1;
    let components = (0..COMPONENTS).map(|component| {
        let tasks = TaskRange::new(next, next + count(component) - 1);
        next = tasks.last + 1;
        let kind = if component == 0 { ComponentKind::Source } else { ComponentKind::Operator };
        Component { id: format!("c{component}"), kind, tasks, ..Component::default() }
    });
    let components: Vec<Component> = components.collect();
    let executors = (0..).zip(&components).flat_map(|(component, of)| {
        (of.tasks.first..=of.tasks.last).map(move |task| {
            let slot = index * 2 + task % 2;
            let slot = Some(SlotRef { node: slot % NODES, port: 6700 + slot / NODES });
            Executor { component, tasks: TaskRange::new(task, task), slot, counters: None }
        })
    });
    Topology {
        id: format!("topology-{index:04}-1-1"),
        name: format!("topology-{index}"),
        desired_workers: 2,
        message_timeout: Millis::from_secs(30),
        executors: executors.collect(),
        components,
        edges: (0..COMPONENTS - 1)
            .map(|from| Edge { from, to: from + 1, ..Edge::default() })
            .collect(),
        ..Topology::default()
    }
}

/// A cluster as it is encoded after so many seconds of 100 tuples each.
fn cluster(topologies: u32, secs: u32) -> Vec<u8> {
    let node = |index| {
        let id = format!("node-{index}");
        Node { host: id.clone(), id, ports: (6700..6800).collect(), ..Node::default() }
    };
    let count = u64::from(secs) * 100;
    let mut seen = Observation {
        at: Timestamp::from_millis(BEGUN).plus_secs(secs.into()),
        nodes: (0..NODES).map(node).collect(),
        topologies: (0..topologies).map(topology).collect(),
    };
    let plain =
        Counters { uptime_secs: secs, emitted: count, transferred: count, ..Counters::default() };
    let millis = count as f64 * 2.0;
    for topology in &mut seen.topologies {
        topology.edges.iter_mut().for_each(|edge| edge.sent = Some(count));
        for executor in &mut topology.executors {
            executor.counters = Some(match executor.component {
                0 => Counters { completed: count, complete_ms: millis, ..plain },
                _ => Counters {
                    executed: count,
                    execute_ms: millis,
                    acked: count,
                    process_ms: millis,
                    ..plain
                },
            });
        }
    }
    encode(&seen).unwrap()
}

fn look(engine: &Engine, topologies: u32, number: u32) {
    let bytes = cluster(topologies, number * INTERVAL);
    let seen = decode(&bytes).unwrap();
    let now = seen.at;
    engine.observe(seen, now).unwrap();
}

fn opened(folder: &Path) -> Arc<Engine> {
    let settings = json!({ "thalweg.mode": "observe", "thalweg.store.dir": folder });
    let engine = Engine::open(&settings.to_string()).unwrap().serve();
    engine.command(r#"{"op": "lead"}"#, Timestamp::from_millis(BEGUN)).unwrap();
    engine
}

/// What a cluster of so many topologies takes for good, and on top of that while it is looked at.
fn taken(topologies: u32) -> (isize, isize) {
    let folder = tempfile::tempdir().unwrap();
    let before = IN_USE.load(Ordering::Relaxed);
    let engine = opened(folder.path());
    (1..SETTLED).for_each(|number| look(&engine, topologies, number));
    let kept = settled() - before;
    // What is encoded stands for Java's buffer, and is not counted.
    let bytes = cluster(topologies, SETTLED * INTERVAL);
    let now = IN_USE.load(Ordering::Relaxed);
    MOST.store(now, Ordering::Relaxed);
    let seen = decode(&bytes).unwrap();
    let at = seen.at;
    drop(engine.observe(seen, at).unwrap());
    (kept, MOST.load(Ordering::Relaxed) - now)
}

/// What is in use once the threads beside have done what they were given.
fn settled() -> isize {
    let end = Instant::now() + PATIENCE;
    loop {
        let before = IN_USE.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(100));
        let now = IN_USE.load(Ordering::Relaxed);
        if now == before || Instant::now() > end {
            return now;
        }
    }
}

/// 200 MiB are to be enough for 36,000 executors, with what the JVM and the allocator need besides.
#[test]
fn an_executor_takes_so_many_bytes() {
    let (few, many) = (50, 150);
    let (small, large) = (taken(few), taken(many));
    let executors = ((many - few) * topology(0).executors.len() as u32) as isize;
    let kept = (large.0 - small.0) / executors;
    let meanwhile = (large.1 - small.1) / executors;
    println!("{kept} bytes of each executor are kept, {meanwhile} more are needed during a look");
    assert!((500..=2550).contains(&kept), "{kept} bytes are kept of each executor");
    assert!((200..=2000).contains(&meanwhile), "{meanwhile} bytes more during a look");
}
