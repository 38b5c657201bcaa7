//! Whoever may write to Redis, and whoever names topologies, means harm: tables that point at others' slots, and names that
//! would like to be keys, files or lines.
#![allow(clippy::unwrap_used)]

#[path = "support/redis.rs"]
mod redis;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Redis;
use serde_json::{Value, json};
use support::Model;
use thalweg_core::model::{SlotRef, TaskRange};
use thalweg_core::units::Timestamp;
use thalweg_engine::{Assigned, Engine};
use thalweg_store::{Change, RedisStore, RoutingTable, Row, Store, StoreKind, StoreSettings};

const LIMIT: Duration = Duration::from_secs(30);

fn opened(redis: &Redis, folder: &Path) -> Arc<Engine> {
    let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder, "thalweg.store.kind": "redis",
        "thalweg.store.redis.url": redis.url, "thalweg.recording.file": folder.join("recording.jsonl") });
    Engine::open(&settings.to_string()).unwrap().serve()
}

fn tell(engine: &Engine, request: &Value, now: Timestamp) -> Value {
    serde_json::from_str(&engine.command(&request.to_string(), now).unwrap()).unwrap()
}

/// Two topologies side by side; the first runs nowhere yet.
fn unplaced() -> Model {
    let mut cluster = Model::new(3, 2, 2);
    cluster.add_topology("wc-2", 2, 2);
    for executor in &mut cluster.observation.topologies[0].executors {
        executor.slot = None;
    }
    cluster
}

/// A row that somebody chose to do harm.
fn row(random: &mut fastrand::Rng, cluster: &Model) -> Row {
    let victims: Vec<SlotRef> =
        cluster.observation.topologies[1].executors.iter().filter_map(|one| one.slot).collect();
    let victim = victims[random.usize(..victims.len())];
    let node = &cluster.observation.nodes[victim.node as usize].id;
    let (node, port) = match random.u8(..5) {
        0 => ("nowhere".to_owned(), victim.port),
        1 => (node.clone(), u32::MAX),
        2 => ("../../etc\u{1b}[2J\n".to_owned(), 0),
        _ => (node.clone(), victim.port),
    };
    let first = random.u32(1..=17);
    let component = ["words", "split", "count", "nothing"][random.usize(..4)];
    Row {
        executor: TaskRange::new(first, first + random.u32(..3)),
        component: component.to_owned(),
        node: Change::new(None, node),
        port: Change::new(None, port),
    }
}

#[test]
fn a_table_in_redis_that_points_at_anothers_slots_moves_nobody_into_them() {
    let redis = Redis::start();
    let settings = StoreSettings {
        kind: StoreKind::Redis,
        url: redis.url.clone(),
        ..StoreSettings::default()
    };
    let hostile = RedisStore::open(&settings).unwrap();
    let cluster = unplaced();
    let own = &cluster.observation.topologies[0].executors;
    let honest = SlotRef { node: 2, port: cluster.observation.nodes[2].ports[0] };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    for round in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(round));
        // As its own executors are cut, so that only the slots are wrong, and at random.
        let mut rows: Vec<Row> = own
            .iter()
            .map(|executor| Row { executor: executor.tasks, ..row(&mut random, &cluster) })
            .collect();
        let whole = random.bool();
        if whole {
            let components = &cluster.observation.topologies[0].components;
            for (row, executor) in rows.iter_mut().zip(own) {
                row.component.clone_from(&components[executor.component as usize].id);
            }
            let node = &cluster.observation.nodes[honest.node as usize];
            rows[1].node = Change::new(None, node.id.clone());
            rows[1].port = Change::new(None, honest.port);
        } else {
            rows = vec![row(&mut random, &cluster)];
        }
        let epoch = hostile.next_epoch("wc-1", 2 * round + 1).unwrap();
        let table = RoutingTable::new("plan", "wc-1", epoch, cluster.now(), rows);
        hostile.publish(&table).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = opened(&redis, folder.path());
        tell(&engine, &json!({ "op": "lead", "term": 2 * round + 2 }), cluster.now());
        let assigned = engine.assign(&cluster.observation, cluster.now()).unwrap();
        let held: BTreeSet<SlotRef> =
            cluster.observation.topologies[1].executors.iter().filter_map(|e| e.slot).collect();
        for (place, is) in assigned.iter().enumerate() {
            match is {
                Assigned::To(slot) if place < own.len() => {
                    let node = &cluster.observation.nodes[slot.node as usize];
                    assert!(
                        node.ports.contains(&slot.port),
                        "seed {seed}, round {round}: {slot:?}"
                    );
                    assert!(!held.contains(slot), "seed {seed}, round {round}: {slot:?}");
                }
                Assigned::Keep if place >= own.len() => {}
                other => panic!("seed {seed}, round {round}: executor {place} gets {other:?}"),
            }
        }
        // Or nothing would show that such a table is read at all.
        assert!(!whole || assigned[1] == Assigned::To(honest), "seed {seed}, round {round}");
    }
}

/// A name that would be a path, a key, a line and an order to a terminal.
fn name() -> String {
    "../../etc/passwd\u{1b}[2J\r\n:{x}:meta*\u{0}\u{202e}<b>".to_owned() + &"x".repeat(10_000)
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut open) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => drop(found.insert(path.strip_prefix(folder).unwrap().to_owned())),
            }
        }
    }
    found
}

/// All keys of a Redis, in its own protocol.
fn keys(redis: &Redis) -> BTreeSet<Vec<u8>> {
    let mut stream = TcpStream::connect(redis.url.strip_prefix("redis://").unwrap()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"KEYS *\r\n").unwrap();
    let mut told = BufReader::new(stream);
    let all = length(&mut told, '*');
    let mut found = BTreeSet::new();
    for _ in 0..all {
        let mut key = vec![0; length(&mut told, '$') + 2];
        told.read_exact(&mut key).unwrap();
        key.truncate(key.len() - 2);
        found.insert(key);
    }
    found
}

/// The number of a line that begins with a sign.
fn length(told: &mut impl BufRead, sign: char) -> usize {
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    line.trim_end().strip_prefix(sign).unwrap().parse().unwrap()
}

/// What files and keys there are once a topology and its components of a name were looked at.
fn left_by(name: &str) -> (BTreeSet<PathBuf>, BTreeSet<Vec<u8>>) {
    let redis = Redis::start();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("a/b/c");
    let engine = opened(&redis, &folder);
    let mut cluster = Model::new(3, 2, 2);
    cluster.rate = 50.0;
    let topology = &mut cluster.observation.topologies[0];
    name.clone_into(&mut topology.name);
    for component in &mut topology.components {
        component.id += name;
    }
    tell(&engine, &json!({ "op": "lead", "term": 1 }), cluster.now());
    for _ in 0..10 {
        cluster.step();
        engine.observe(cluster.observation.clone(), cluster.now()).unwrap();
    }
    let end = Instant::now() + LIMIT;
    while !keys(&redis).iter().any(|key| key.ends_with(b":meta")) {
        assert!(Instant::now() < end, "no table reaches Redis");
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = tell(&engine, &json!({ "op": "status" }), cluster.now());
    assert!(status["decisions"][0]["name"] == name, "it was not looked at");
    // Whatever waits is written once it ends.
    drop(engine);
    (files(place.path()), keys(&redis))
}

#[test]
fn names_become_no_part_of_a_path_or_a_key() {
    assert_eq!(left_by(&name()), left_by("words"));
}
