//! What a real node_exporter tells, scraped directly and through a real Prometheus.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "it is the server of the crate that asks, which tests more")]
#[path = "../../connect/tests/answers/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use server::{Certificates, Server, answer};
use thalweg_connect::http::{Access, Address, Authorization};
use thalweg_connect::prometheus::{self, Point, Series, Span, Target};
use thalweg_core::units::{Millis, Timestamp};

/// Who may ask the Prometheus; the hash is of the password.
const SECRET: &str = "me:open sesame";
const HASH: &str = "$2b$04$BEQ76T/f00Rw.F2cN0TpsOxyUmg7dUCqqURs2VMD5kATSOqHWOy0u";

/// A process that ends with the test.
struct Process(Child);

impl Process {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        Self(
            child
                .unwrap_or_else(|error| panic!("{program}: {error}: scripts/setup.sh installs it")),
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port()
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn exporter(port: u16) -> Process {
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    Process::start("prometheus-node-exporter", &[&listen])
}

/// A Prometheus that scrapes these each second, behind a path, and wants a certificate and a password.
struct Monitored {
    _prometheus: Process,
    folder: tempfile::TempDir,
    certificates: Certificates,
    url: String,
}

impl Monitored {
    fn start(targets: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::make();
        let port = free_port();
        // JSON is YAML.
        let config = json!({
            "global": { "scrape_interval": "1s" },
            "scrape_configs": [{ "job_name": "nodes", "static_configs": [{ "targets": targets }] }],
        });
        let web = json!({
            "tls_server_config": {
                "cert_file": certificates.file("localhost.pem"), "key_file": certificates.file("localhost.key"),
                "client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": certificates.file("ca.pem"),
            },
            "basic_auth_users": { "me": HASH },
        });
        let place = |name: &str| folder.path().join(name).display().to_string();
        fs::write(place("prometheus.yml"), config.to_string()).unwrap();
        fs::write(place("web.yml"), web.to_string()).unwrap();
        fs::write(place("secret"), SECRET).unwrap();
        let url = format!("https://localhost:{port}/some/path");
        let prometheus = Process::start(
            "prometheus",
            &[
                &format!("--config.file={}", place("prometheus.yml")),
                &format!("--web.config.file={}", place("web.yml")),
                &format!("--storage.tsdb.path={}", place("data")),
                &format!("--web.listen-address=127.0.0.1:{port}"),
                &format!("--web.external-url={url}"),
            ],
        );
        Self { _prometheus: prometheus, folder, certificates, url }
    }

    fn file(&self, name: &str) -> String {
        self.certificates.file(name).display().to_string()
    }

    fn access(&self) -> Access {
        let [authorities, certificate, key] =
            ["ca.pem", "client.pem", "client.key"].map(|name| self.certificates.file(name));
        Access {
            authorization: Authorization::File(self.folder.path().join("secret")),
            authorities: Some(authorities),
            identity: Some((certificate, key)),
            ..Access::plain(Address::parse(&self.url).unwrap())
        }
    }

    fn server(&self) -> prometheus::Server {
        prometheus::Server::new(self.access(), "job=\"nodes\"").unwrap()
    }

    /// What the command says of it.
    fn nodes(&self, more: &[&str]) -> Output {
        let secret = self.folder.path().join("secret").display().to_string();
        let [ca, certificate, key] =
            ["ca.pem", "client.pem", "client.key"].map(|name| self.file(name));
        let speaking = [
            ["--prometheus", &self.url],
            ["--prometheus-auth-file", &secret],
            ["--prometheus-ca-file", &ca],
            ["--prometheus-cert-file", &certificate],
            ["--prometheus-key-file", &key],
        ];
        thalweg(&[&["nodes"], &speaking.concat()[..], more].concat())
    }
}

fn thalweg(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.env_remove("THALWEG_PROMETHEUS_AUTH").env_remove("THALWEG_PROMETHEUS_AUTH_FILE");
    command.args(arguments).output().unwrap()
}

fn told(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn span(until: Timestamp, secs: f64) -> Span {
    Span { until, long: Millis::saturating(secs * 1000.0) }
}

type Key = (String, BTreeMap<String, String>);

/// Series by what they are, without the label that only a Prometheus gives.
fn by_key(series: Vec<Series>) -> BTreeMap<Key, Vec<Point>> {
    let one = |mut one: Series| {
        one.labels.remove("job");
        ((one.name, one.labels), one.points)
    };
    series.into_iter().map(one).collect()
}

#[test]
fn a_server_and_a_target_tell_the_same_of_a_node() {
    let port = free_port();
    let _exporter = exporter(port);
    let url = format!("http://127.0.0.1:{port}/metrics");
    let target = Target::new(Access::plain(Address::parse(&url).unwrap())).unwrap();
    until("the exporter", || target.scrape(now()).ok());
    let monitored = Monitored::start(&[format!("127.0.0.1:{port}")]);
    let server = monitored.server();
    until("a scrape", || server.nodes(span(now(), 60.0)).ok().filter(|all| !all.is_empty()));

    // Its own page has metrics of each type.
    let page = Address::parse(&format!("{}/metrics", monitored.url)).unwrap();
    Target::new(Access { address: page, ..monitored.access() }).unwrap().scrape(now()).unwrap();

    // Before, the server's own scrape, and after.
    let before = by_key(target.scrape(now()).unwrap());
    let begun = now();
    let between = until("a scrape between", || {
        let since = now().since(begun).get() / 1000.0;
        let all = by_key(server.nodes(span(now(), since)).unwrap());
        // While a scrape is being stored, only some of it can be seen.
        (all.len() >= before.len()).then_some(all)
    });
    let after = by_key(target.scrape(now()).unwrap());
    let mut counters = 0;
    for (key, points) in &between {
        let (first, last) = (&before[key][0], &after[key][0]);
        let seen = points.first().unwrap();
        if key.0.ends_with("_total") {
            assert!(first.value <= seen.value && seen.value <= last.value, "{key:?}");
            counters += 1;
        } else if key.0.contains("Total") || key.0.contains("_size_") || key.0.contains("uname") {
            assert_eq!(seen.value, first.value, "{key:?}");
        }
    }
    let names = |all: &BTreeMap<Key, Vec<Point>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&between), names(&before), "the same series with the same labels");
    assert!(counters > 8, "{counters} counters");
    let expected: f64 = fs::read_to_string("/proc/meminfo")
        .unwrap()
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap();
    let total = between.iter().find(|((name, _), _)| name == "node_memory_MemTotal_bytes").unwrap();
    assert_eq!(total.1[0].value, expected * 1024.0);
}

#[test]
fn the_command_tells_of_a_node_what_is_known_and_what_is_missing() {
    let port = free_port();
    let running = exporter(port);
    // A JVM beside it, whose heap says which TaskManager it is, in OpenMetrics.
    let jvm = Server::plain(Box::new(|_| {
        let body = "# TYPE flink_taskmanager_Status_JVM_Memory_Heap_Used gauge\n\
            flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id=\"tm1\",host=\"127.0.0.1\"} 5e8\n# EOF\n";
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0\r\n";
        format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
    }));
    let instance = format!("127.0.0.1:{port}");
    let monitored = Monitored::start(&[instance.clone(), format!("127.0.0.1:{}", jvm.port)]);
    let window = ["--window", "6s", "--json"];
    let found = until("all of it", || {
        let output = monitored.nodes(&window);
        let told: Value = serde_json::from_slice(&output.stdout).ok()?;
        let known = &told["nodes"][0]["values"];
        (known["cpu_busy_share"].is_object() && known["heap_used_bytes"].is_object())
            .then_some(told)
    });
    let node = &found["nodes"][0];
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(node["id"], host.trim().to_lowercase());
    let busy = node["values"]["cpu_busy_share"]["value"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&busy), "{busy}");
    assert_eq!(node["values"]["heap_used_bytes"]["value"], 5e8);
    assert_eq!(node["missing"]["heap_max_bytes"]["code"], "NOT_TOLD");

    // The same by itself.
    let urls =
        [format!("http://{instance}/metrics"), format!("http://127.0.0.1:{}/metrics", jvm.port)];
    let scraped = told(&thalweg(&[
        "nodes", "--scrape", &urls[0], "--scrape", &urls[1], "--every", "1", "--json",
    ]));
    for constant in [
        "cores",
        "memory_total_bytes",
        "swap_total_bytes",
        "disk_size_bytes",
        "files_most",
        "heap_used_bytes",
    ] {
        let [one, other] =
            [&found, &scraped].map(|told| &told["nodes"][0]["values"][constant]["value"]);
        assert_eq!(one, other, "{constant}");
    }
    assert!(scraped["nodes"][0]["values"]["cpu_busy_share"].is_object(), "{scraped}");

    // A host by its address, and one that nobody knows.
    let hosts = told(
        &monitored.nodes(&[&window[..], &["--host", "127.0.0.1", "--host", "elsewhere"]].concat()),
    );
    assert_eq!(hosts["nodes"][0]["host"], "127.0.0.1");
    assert_eq!(hosts["left_out"][0]["node"], "elsewhere");
    assert_eq!(hosts["left_out"][0]["code"], "UNKNOWN");

    let file = monitored.folder.path().join("telemetry.parquet");
    let path = file.display().to_string();
    until("three steps", || {
        let written = monitored.nodes(&["--parquet", &path, "--since", "20s", "--step", "2s"]);
        let rows = if written.status.success() { telemetry(&file) } else { Vec::new() };
        let busy = rows.iter().filter(|(_, busy)| busy.is_some()).count();
        (busy >= 3).then_some(())
    });
    assert!(
        telemetry(&file)
            .iter()
            .all(|(_, busy)| busy.is_none_or(|busy| (0.0..=1.0).contains(&busy)))
    );

    // Once it is gone it is missing, and never zero.
    drop(running);
    let gone = until("that it is stale", || {
        let output = monitored.nodes(&window);
        let told: Value = serde_json::from_slice(&output.stdout).ok()?;
        let code = told["nodes"][0]["missing"]["memory_total_bytes"]["code"].as_str()?.to_owned();
        (code == "STALE" || code == "NOT_TOLD").then_some(told)
    });
    for quantity in [
        "cpu_busy_share",
        "memory_available_bytes",
        "disk_size_bytes",
        "network_sent_bytes_per_sec",
    ] {
        assert!(gone["nodes"][0]["values"][quantity].is_null(), "{quantity}: {gone}");
    }
}

/// The times of rows, and how busy the node was.
fn telemetry(file: &Path) -> Vec<(i64, Option<f64>)> {
    let table = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
    let rows = table.get_row_iter(None).unwrap().map(Result::unwrap);
    rows.map(|row| {
        let fields: BTreeMap<&String, &Field> = row.get_column_iter().collect();
        let busy = match fields[&"cpu_busy_share".to_owned()] {
            Field::Double(busy) => Some(*busy),
            Field::Null => None,
            other => panic!("{other}"),
        };
        match fields[&"at".to_owned()] {
            Field::TimestampMillis(at) => (*at, busy),
            other => panic!("{other}"),
        }
    })
    .collect()
}

#[test]
fn who_is_no_prometheus_or_does_not_let_us_ask_is_said() {
    let code = |output: &Output| output.status.code().unwrap();
    let errors = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let asked = |status: &'static str, body: &'static str| {
        let server = Server::plain(Box::new(move |_| answer(status, body)));
        thalweg(&["nodes", "--prometheus", &format!("http://127.0.0.1:{}", server.port)])
    };
    let page = asked("200 OK", "<html>");
    assert!(code(&page) == 4 && errors(&page).contains("no Prometheus answers there"), "{page:?}");
    let other = asked("404 Not Found", "nothing");
    assert!(
        code(&other) == 4 && errors(&other).contains("no Prometheus answers there"),
        "{other:?}"
    );
    let closed = asked("401 Unauthorized", "");
    assert!(code(&closed) == 4 && errors(&closed).contains("may not ask"), "{closed:?}");
    assert!(!errors(&closed).contains("query="), "{closed:?}");
    let refused = asked("400 Bad Request", "{\"status\":\"error\",\"error\":\"parse error: x\"}");
    assert!(code(&refused) == 1 && errors(&refused).contains("parse error: x"), "{refused:?}");
    let empty = asked("200 OK", "{\"status\":\"success\",\"data\":{\"result\":[]}}");
    assert!(code(&empty) == 5 && errors(&empty).contains("nothing is known"), "{empty:?}");
    let scraped = |body: &'static str| {
        let server = Server::plain(Box::new(move |_| answer("200 OK", body)));
        thalweg(&[
            "nodes",
            "--scrape",
            &format!("http://127.0.0.1:{}/metrics", server.port),
            "--every",
            "1",
        ])
    };
    let broken = scraped("node_load1 0.5\nnode_load1{a=\"} 1\n");
    assert!(code(&broken) == 1 && errors(&broken).contains("line 2, column 14"), "{broken:?}");
    assert_eq!(code(&thalweg(&["nodes"])), 2);
}
