//! An engine listens at no port, whatever it is given to do: who asks comes to its socket, or leaves a request in Redis.
#![allow(clippy::unwrap_used)]

#[path = "support/ports.rs"]
mod ports;
#[path = "support/redis.rs"]
mod redis;

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use ports::listening;
use redis::Redis;
use serde_json::json;
use thalweg_control::token;
use thalweg_core::model::Observation;
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

#[test]
fn no_port_is_opened_by_an_engine_with_socket_redis_ledger_and_recording() {
    let own = std::process::id();
    let control = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(listening(own).len(), 1, "a port that is open is seen");
    drop(control);
    let (redis, folder) = (Redis::start(), tempfile::tempdir().unwrap());
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, format!("night operator {}\n", token::secret().unwrap())).unwrap();
    fs::set_permissions(&tokens, Permissions::from_mode(0o600)).unwrap();
    let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path().join("thalweg"),
        "thalweg.store.kind": "redis", "thalweg.store.redis.url": redis.url,
        "thalweg.control.tokens.file": tokens,
        "thalweg.recording.file": folder.path().join("recording.jsonl") });
    let engine = Engine::open(&settings.to_string()).unwrap().serve();
    let now = Timestamp::from_millis(1_000);
    engine.command(r#"{"op": "lead", "term": 1}"#, now).unwrap();
    engine.observe(Observation::default(), now).unwrap();
    assert!(listening(own).is_empty(), "{:?}", listening(own));
}
