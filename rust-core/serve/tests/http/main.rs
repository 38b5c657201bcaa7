//! The server over real connections, with a real engine that watches a simulated job.
#![allow(clippy::unwrap_used)]

mod client;
mod errors;
mod hostile;
mod pages;
mod people;
mod schemas;
#[path = "../../examples/sample/simulated.rs"]
mod simulated;
mod slow;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Answer, ask};
use serde_json::Value;
use thalweg_core::units::Timestamp;
use thalweg_serve::{
    Asker, Engine, FaultKind, Role, ServeError, Served, Settings, Socket, add_token, start,
};
use thalweg_sim::scenario::read;
use tokio::runtime::Runtime;

/// A server over one engine that answers and one that does not.
struct Sample {
    served: Option<Served>,
    runtime: Runtime,
    folder: tempfile::TempDir,
    engine: Option<Arc<thalweg_engine::Engine>>,
}

impl Sample {
    fn new(tokens: bool) -> (Self, [String; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let made = tokens.then(|| made(folder.path(), ["reader", "operator"]));
        (Self::over(folder, tokens, Vec::new()), made.unwrap_or_default())
    }

    /// The same over a third engine, which has seen nothing yet and is to be kept alive, with a token of each role.
    fn with_fresh() -> (Self, [String; 3], Arc<thalweg_engine::Engine>) {
        let folder = tempfile::tempdir().unwrap();
        let made = made(folder.path(), ["reader", "operator", "approver"]);
        let place = folder.path().join("fresh");
        let settings = serde_json::json!({ "thalweg.store.dir": place });
        let fresh = thalweg_engine::Engine::open(&settings.to_string()).unwrap().serve();
        let engine: Arc<dyn Engine> = Arc::new(Socket::at(place));
        (Self::over(folder, true, vec![("fresh".to_owned(), engine)]), made, fresh)
    }

    /// One without tokens over an engine of a folder.
    fn around(of: (tempfile::TempDir, Arc<thalweg_engine::Engine>)) -> Self {
        Self::showing(of, false, Vec::new())
    }

    fn over(folder: tempfile::TempDir, tokens: bool, more: Vec<(String, Arc<dyn Engine>)>) -> Self {
        let engine = watch_a_job(folder.path());
        Self::showing((folder, engine), tokens, more)
    }

    fn showing(
        (folder, engine): (tempfile::TempDir, Arc<thalweg_engine::Engine>),
        tokens: bool,
        more: Vec<(String, Arc<dyn Engine>)>,
    ) -> Self {
        let file = folder.path().join("tokens.json");
        let settings = Settings { tokens: tokens.then_some(file), ..loopback() };
        let mut engines: Vec<(String, Arc<dyn Engine>)> = vec![
            ("storm".to_owned(), Arc::new(Socket::at(folder.path()))),
            ("gone".to_owned(), Arc::new(Socket::at(folder.path().join("nothing")))),
        ];
        engines.extend(more);
        let runtime = Runtime::new().unwrap();
        let served = runtime.block_on(start(&settings, engines)).unwrap();
        Self { served: Some(served), runtime, folder, engine: Some(engine) }
    }

    fn address(&self) -> SocketAddr {
        self.served.as_ref().unwrap().address()
    }

    fn get(&self, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        ask(self.address(), "GET", path, &[("Authorization", &bearer)], "")
    }

    /// The answer once it is as it is waited for.
    fn get_until(&self, path: &str, token: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.get(path, token);
            if answer.status == 200 && fits(&answer.json()) {
                return answer.json();
            }
            assert!(Instant::now() < end, "{path} stays at {answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _guard = self.runtime.enter();
        drop(self.served.take());
    }
}

/// A token for each role, by its name.
fn made<const N: usize>(folder: &Path, roles: [&str; N]) -> [String; N] {
    let file = folder.join("tokens.json");
    roles.map(|name| add_token(&file, name, &[name.parse::<Role>().unwrap()]).unwrap())
}

fn loopback() -> Settings {
    let listen = "127.0.0.1:0".parse().unwrap();
    Settings {
        listen,
        tokens: None,
        tls: None,
        pause: Duration::from_millis(50),
        patience: Settings::PATIENCE,
    }
}

/// Lines that are split and counted, with too few executors to begin with.
fn scenario() -> thalweg_sim::Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios/wordcount.toml");
    let text = std::fs::read_to_string(file).unwrap();
    read("wordcount.toml", &text, |_| Err("no series".to_owned())).unwrap()
}

/// A job that is simulated to its end, with an engine that has seen all of it.
fn watch_a_job(folder: &Path) -> Arc<thalweg_engine::Engine> {
    let mut scenario = scenario();
    scenario.duration_secs = 300.0;
    let end = Timestamp::from_millis(1_800_000_000_000);
    let job = simulated::Job::new(scenario, "words", folder, (1, end));
    job.run(Duration::ZERO, None)
}

#[test]
fn what_an_engine_knows_is_shown_and_an_engine_that_is_gone_is_named() {
    let (sample, _) = Sample::new(false);
    let engines = sample.get_until("/v1/engines", "", |engines| engines[1]["up"] == true);
    assert_eq!((&engines[0]["name"], &engines[0]["up"]), (&"gone".into(), &false.into()));
    assert!(engines[0]["fault"].as_str().unwrap().contains("no socket"), "{engines}");
    let page = sample.get("/v1/topologies", "").json();
    let words = &page["items"][0];
    assert_eq!((&page["total"], &words["name"]), (&1.into(), &"words".into()), "{page}");
    let id = words["id"].as_str().unwrap();
    let shown = sample.get(&format!("/v1/engines/storm/topologies/{id}"), "").json();
    let streams: Vec<_> = shown["streams"].as_array().unwrap().iter().map(|s| &s["to"]).collect();
    assert_eq!(streams, ["split", "count"], "{shown}");
    let placed: u64 = shown["workers"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|worker| worker["executors"].as_object().unwrap().values())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(placed, words["executors"].as_u64().unwrap());
    assert!(!shown["reasons"].as_array().unwrap().is_empty());
    let outcome = &shown["outcomes"][0];
    let (was, expected) = (outcome["busy"][0].as_f64(), outcome["expected_busy"].as_f64());
    assert!(expected > Some(0.0) && expected < was, "more executors are less busy: {outcome}");
    let plans = sample.get("/v1/plans", "").json();
    let to = &plans["items"][0]["moves"][0]["to"];
    let node = to["node"].as_str().unwrap().replace("node", "host");
    assert_eq!(to["host"], node, "places are named as people name them: {plans}");
    let series = sample.get("/v1/engines/storm/topologies/words/series", "").json();
    assert_eq!(series.as_array().unwrap().len(), 1, "{series}");
    let after = series[0]["at"].as_i64().unwrap();
    let none = format!("/v1/engines/storm/topologies/words/series?since={after}");
    assert_eq!(sample.get(&none, "").body, "[]");
}

#[test]
fn who_has_the_same_already_gets_nothing() {
    let (sample, _) = Sample::new(false);
    sample.get_until("/v1/engines", "", |engines| engines[1]["up"] == true);
    let first = sample.get("/v1/topologies", "");
    let tag = first.header("etag").unwrap();
    let again = ask(sample.address(), "GET", "/v1/topologies", &[("If-None-Match", tag)], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let other = ask(sample.address(), "GET", "/v1/topologies", &[("If-None-Match", "\"x\"")], "");
    assert_eq!((other.status, other.body), (200, first.body));
}

#[test]
fn only_owners_of_tokens_come_in_and_each_may_do_what_its_roles_allow() {
    let (mut sample, [reader, operator]) = Sample::new(true);
    for path in ["/v1/engines", "/metrics", "/v1/events"] {
        assert_eq!(sample.get(path, "").status, 401, "{path}");
        assert_eq!(sample.get(path, &"0".repeat(64)).status, 401, "{path}");
    }
    assert_eq!(sample.get("/healthz", "").status, 200);
    assert_eq!(sample.get("/v1/engines", &reader).status, 200);
    let post = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        ask(sample.address(), "POST", path, &[("Authorization", &bearer)], "{}").status
    };
    let orders = [
        "/v1/engines/storm/topologies/words/scale",
        "/v1/engines/storm/topologies/words/rollback",
        "/v1/engines/storm/hosts/a/drain",
        "/v1/engines/storm/orders/o1/cancel",
        "/v1/engines/storm/pause",
        "/v1/engines/storm/resume",
    ];
    let peaks = "/v1/engines/storm/peaks/a";
    for method in ["PUT", "DELETE"] {
        let status = |token: &str| {
            let bearer = format!("Bearer {token}");
            ask(sample.address(), method, peaks, &[("Authorization", &bearer)], "{}").status
        };
        assert_eq!(status(&reader), 403, "{method}");
        assert_ne!(status(&operator), 403, "{method}");
    }
    let words = ["/v1/engines/storm/plans/p/approve", "/v1/engines/storm/plans/p/reject"];
    for path in orders {
        assert_eq!(post(path, &reader), 403, "{path}");
        assert_ne!(post(path, &operator), 403, "{path}");
    }
    for path in words {
        assert_eq!(post(path, &reader), 403, "{path}");
        assert_eq!(post(path, &operator), 403, "{path}: who gives orders has no word on plans");
    }
    let me = sample.get("/v1/me", &operator).json();
    assert_eq!((&me["name"], &me["roles"][0]), (&"operator".into(), &"operator".into()));
    // A token that is taken out of the file is worth nothing at once, also to who listens already.
    let bearer = format!("Bearer {reader}");
    let mut stream = std::net::TcpStream::connect(sample.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let listen =
        client::request(sample.address(), "GET", "/v1/events", &[("Authorization", &bearer)], "");
    stream.write_all(listen.as_bytes()).unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
    std::fs::write(sample.folder.path().join("tokens.json"), "[]").unwrap();
    assert_eq!(sample.get("/v1/engines", &reader).status, 401);
    drop(sample.engine.take());
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the stream of events ends");
}

#[test]
fn without_tokens_nobody_gives_orders_and_foreign_names_are_refused() {
    let (sample, _) = Sample::new(false);
    let scale = ask(sample.address(), "POST", "/v1/engines/storm/pause", &[], "{}");
    assert_eq!(scale.status, 403, "{scale:?}");
    let foreign = |host: &str| ask(sample.address(), "GET", "/v1/engines", &[("Host", host)], "");
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example"] {
        assert_eq!(foreign(host).status, 421, "{host}");
    }
    for host in ["localhost", "127.0.0.1:9", "[::1]:9"] {
        assert_eq!(foreign(host).status, 200, "{host}");
    }
    let policy = foreign("localhost");
    let policy = policy.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
}

#[test]
fn beyond_this_machine_it_refuses_to_listen_without_tokens_and_tls_and_listens_with_both() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(at("cert.pem"), signed.cert.pem()).unwrap();
    std::fs::write(at("key.pem"), signed.signing_key.serialize_pem()).unwrap();
    let token = add_token(&at("tokens.json"), "ann", &[]).unwrap();
    std::fs::write(at("empty.json"), "[]").unwrap();
    let open = |tokens: Option<&str>, tls: bool| {
        let settings = Settings {
            listen: "0.0.0.0:0".parse().unwrap(),
            tokens: tokens.map(at),
            tls: tls.then(|| (at("cert.pem"), at("key.pem"))),
            pause: Duration::from_secs(1),
            patience: Settings::PATIENCE,
        };
        runtime.block_on(start(&settings, Vec::new()))
    };
    for (tokens, tls) in
        [(None, false), (None, true), (Some("tokens.json"), false), (Some("empty.json"), true)]
    {
        let refused = open(tokens, tls);
        assert!(matches!(refused, Err(ServeError::Exposure(_))), "{tokens:?} {tls}");
    }
    let served = open(Some("tokens.json"), true).unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], served.address().port()));
    // Who speaks no TLS keeps nobody waiting.
    let _silent = std::net::TcpStream::connect(to).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = std::net::TcpStream::connect(to).unwrap();
    let bearer = format!("Bearer {token}");
    let request = client::request(to, "GET", "/v1/me", &[("Authorization", &bearer)], "");
    let answer = client::exchange(rustls::StreamOwned::new(connection, stream), &request);
    assert_eq!((answer.status, &answer.json()["name"]), (200, &"ann".into()), "{answer:?}");
}

#[test]
fn metrics_show_what_was_measured() {
    let (sample, _) = Sample::new(false);
    sample.get_until("/v1/engines", "", |engines| engines[1]["up"] == true);
    let text = sample.get("/metrics", "").body;
    for line in [
        "thalweg_engine_up{engine=\"gone\"} 0",
        "thalweg_engine_up{engine=\"storm\"} 1",
        "thalweg_engine_mode{engine=\"storm\",mode=\"act\"} 1",
        "# TYPE thalweg_topology_busy_ratio gauge",
        "thalweg_component_executors{engine=\"storm\",topology=\"words\",component=\"lines\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    // What was not measured is absent.
    assert!(!text.contains("NaN") && !text.contains("engine_leads{engine=\"gone\"}"), "{text}");
}

#[test]
fn changes_are_told_while_they_happen() {
    use std::io::{BufRead, BufReader};
    let (mut sample, _) = Sample::new(false);
    let mut stream = std::net::TcpStream::connect(sample.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = client::request(sample.address(), "GET", "/v1/events", &[], "");
    stream.write_all(request.as_bytes()).unwrap();
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut told = lines.filter(|line| line == "event: changed");
    assert!(told.next().is_some(), "how things stand is told at once");
    sample.get_until("/v1/engines", "", |engines| engines[1]["up"] == true);
    drop(sample.engine.take());
    // Events that came before may be read first.
    while sample.get("/v1/engines", "").json()[1]["up"] == true {
        assert!(told.next().is_some(), "the stream has ended");
    }
}

#[test]
fn an_engine_is_found_whose_folder_is_made_later() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("thalweg");
    let socket = Socket::at(&folder);
    let ask = || socket.ask(&serde_json::json!({ "status": {} }), &Asker::default());
    let before = ask().unwrap_err();
    assert_eq!(before.kind, FaultKind::Unreachable, "{before}");
    let settings = serde_json::json!({ "thalweg.store.dir": folder });
    let engine = thalweg_engine::Engine::open(&settings.to_string()).unwrap().serve();
    let after = ask().unwrap_err();
    assert_eq!(after.kind, FaultKind::Passing, "it answers that it has seen nothing yet: {after}");
    drop(engine);
}
