//! What is asked and ordered over a real Redis: signed, answered once, and by whoever leads.
#![allow(clippy::unwrap_used)]

#[path = "support/redis.rs"]
mod redis;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::Redis;
use serde_json::{Value, json};
use support::Model;
use thalweg_control::envelope::{Envelope, SealedAnswer};
use thalweg_control::token::{self, Role, Token};
use thalweg_control::wire::Outcome;
use thalweg_control::{Answer, Command, ErrorCode, Request, Scale};
use thalweg_engine::Engine;
use thalweg_store::{Mailbox, StoreKind, StoreSettings};

const LIMIT: Duration = Duration::from_secs(30);

fn mailbox(redis: &Redis) -> Mailbox {
    let settings = StoreSettings {
        kind: StoreKind::Redis,
        url: redis.url.clone(),
        ..StoreSettings::default()
    };
    Mailbox::new(&settings).unwrap()
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no {what}");
}

/// One of several schedulers on the same Redis.
struct Scheduler {
    engine: Arc<Engine>,
    cluster: Model,
    _folder: tempfile::TempDir,
}

impl Scheduler {
    fn new(redis: &Redis, tokens: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        fs::write(&file, tokens).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path().join("thalweg"),
            "thalweg.store.kind": "redis", "thalweg.store.redis.url": redis.url,
            "thalweg.control.tokens.file": file, "thalweg.monitor.interval.secs": 2,
            "thalweg.metrics.settle.secs": 6, "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10 });
        let engine = Engine::open(&settings.to_string()).unwrap().serve();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        Self { engine, cluster, _folder: folder }
    }

    fn tell(&self, request: &Value) -> Value {
        let answer = self.engine.command(&request.to_string(), self.cluster.now()).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn look(&mut self) {
        self.cluster.step();
        self.engine.observe(self.cluster.observation.clone(), self.cluster.now()).unwrap();
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn ask(mailbox: &Mailbox, token: &Token, command: Command) -> Outcome {
    let envelope = Envelope::seal(&Request::of(command), token, now(), 60_000).unwrap();
    mailbox.post(&serde_json::to_vec(&envelope).unwrap()).unwrap();
    answer_to(mailbox, token, &envelope)
}

fn answer_to(mailbox: &Mailbox, token: &Token, envelope: &Envelope) -> Outcome {
    let bytes = until("answer", || mailbox.answered(&envelope.id).unwrap());
    let sealed: SealedAnswer = serde_json::from_slice(&bytes).unwrap();
    let answer = sealed.open(&envelope.id, token).expect("signed");
    serde_json::from_str::<Answer>(&answer).unwrap().outcome
}

fn scale(split: u32) -> Command {
    let counts = [("split".to_owned(), split)].into();
    Command::Scale(Scale { topology: "wc-1".to_owned(), counts, ..Scale::default() })
}

#[test]
fn orders_reach_whoever_leads_and_go_on_with_the_next_leader() {
    let redis = Redis::start();
    let (night, watch) = (token::secret().unwrap(), token::secret().unwrap());
    let tokens = format!("night operator {night}\nwatch viewer {watch}\n");
    let mut one = Scheduler::new(&redis, &tokens);
    let mut other = Scheduler::new(&redis, &tokens);
    one.tell(&json!({ "op": "lead", "term": 1 }));
    one.look();
    let mailbox = mailbox(&redis);
    let night = Token::new("night", Role::Operator, &night).unwrap();
    let watch = Token::new("watch", Role::Viewer, &watch).unwrap();
    let Outcome::Result(accepted) = ask(&mailbox, &night, scale(4)) else { panic!("refused") };
    let id = accepted["order"].as_str().unwrap().to_owned();
    let Outcome::Error(refusal) = ask(&mailbox, &watch, scale(3)) else { panic!("accepted") };
    assert_eq!((refusal.code, refusal.field.as_str()), (ErrorCode::Forbidden, "token"));
    let order_of = |status: &Value| {
        let orders = status["orders"].as_array().unwrap();
        orders.iter().find(|order| order["id"] == id).cloned().unwrap_or_default()
    };
    let Outcome::Result(status) = ask(&mailbox, &watch, Command::Status {}) else {
        panic!("refused")
    };
    assert_eq!(order_of(&status)["by"]["token"], "night");

    // The first one's machine is gone, and the other one leads; it has the order, and answers.
    drop(one);
    other.tell(&json!({ "op": "lead", "term": 2 }));
    other.look();
    let Outcome::Result(status) = ask(&mailbox, &watch, Command::Status {}) else {
        panic!("refused")
    };
    assert_eq!(order_of(&status)["state"], "waiting", "{}", status["orders"]);
}

#[test]
fn what_comes_again_too_late_or_from_nobody_is_not_answered() {
    let redis = Redis::start();
    let secret = token::secret().unwrap();
    let mut one = Scheduler::new(&redis, &format!("night operator {secret}\n"));
    one.tell(&json!({ "op": "lead", "term": 1 }));
    one.look();
    let mailbox = mailbox(&redis);
    let night = Token::new("night", Role::Operator, &secret).unwrap();
    let envelope = Envelope::seal(&Request::of(scale(4)), &night, now(), 60_000).unwrap();
    let bytes = serde_json::to_vec(&envelope).unwrap();
    mailbox.post(&bytes).unwrap();
    assert!(matches!(answer_to(&mailbox, &night, &envelope), Outcome::Result(_)));
    // Somebody who has seen it in Redis leaves it there again.
    mailbox.post(&bytes).unwrap();
    let forger = Token::new("night", Role::Operator, &"x".repeat(40)).unwrap();
    let forged = Envelope::seal(&Request::of(scale(1)), &forger, now(), 60_000).unwrap();
    mailbox.post(&serde_json::to_vec(&forged).unwrap()).unwrap();
    mailbox.post(b"nonsense").unwrap();
    let late = Envelope::seal(&Request::of(scale(2)), &night, now() - 120_000, 60_000).unwrap();
    mailbox.post(&serde_json::to_vec(&late).unwrap()).unwrap();
    let Outcome::Error(refusal) = answer_to(&mailbox, &night, &late) else { panic!("accepted") };
    assert_eq!(refusal.code, ErrorCode::Expired);
    // That one was the last, so those before it were looked at.
    assert_eq!(mailbox.answered(&forged.id).unwrap(), None);
    let Outcome::Result(status) = ask(&mailbox, &night, Command::Status {}) else {
        panic!("refused")
    };
    assert_eq!(status["orders"].as_array().unwrap().len(), 1, "{}", status["orders"]);
}
