//! What comes of a question, whatever is at the other end.

mod server;

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{Answer, Certificates, Server, answer};
use thalweg_connect::flink::{Ask, Cluster, Reader, Rest};
use thalweg_connect::http::{Access, Address, Authorization, HttpError};
use thalweg_core::units::Timestamp;

fn access(url: &str) -> Access {
    let address = Address::parse(url).expect("an address");
    Access { timeout: Duration::from_secs(2), ..Access::plain(address) }
}

fn to(server: &Server) -> Access {
    access(&format!("http://127.0.0.1:{}", server.port))
}

fn rest(access: Access) -> Rest {
    Rest::new(access).expect("a connection can be set up")
}

fn always(status: &'static str, body: &'static str) -> Answer {
    Box::new(move |_| answer(status, body))
}

fn error(access: Access) -> HttpError {
    rest(access).get("/jobs").expect_err("no answer")
}

#[test]
fn an_answer_is_json_and_nothing_but_get_is_asked() {
    let server = Server::plain(always("200 OK", "{\"jobs\": []}"));
    let rest = rest(to(&server));
    assert_eq!(rest.get("/jobs?get=a%2Cb").expect("an answer"), json!({ "jobs": [] }));
    let asked = server.asked();
    assert_eq!(asked[0][0], "GET /jobs?get=a%2Cb HTTP/1.1");
    let lower = asked[0].join("\n").to_lowercase();
    assert!(!lower.contains("authorization"), "{lower}");
}

#[test]
fn where_nobody_listens_nobody_answers() {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let error = error(access(&format!("http://127.0.0.1:{port}/flink")));
    assert_eq!(error.code(), "UNREACHABLE");
    let told = error.to_string();
    assert!(
        told.contains(&format!("127.0.0.1:{port}/flink")) && told.contains("refused"),
        "{told}"
    );
}

#[test]
fn whoever_is_slow_is_not_waited_for() {
    let slow: Answer = Box::new(|_| {
        thread::sleep(Duration::from_millis(1500));
        answer("200 OK", "{}")
    });
    let server = Server::plain(slow);
    let begin = Instant::now();
    let error = error(Access { timeout: Duration::from_millis(300), ..to(&server) });
    assert_eq!(error.code(), "LATE", "{error}");
    assert!(begin.elapsed() < Duration::from_millis(1200), "{:?}", begin.elapsed());
}

#[test]
fn statuses_say_whether_we_may_not_ask_or_there_is_nothing() {
    let table = [
        ("401 Unauthorized", "NOT_ALLOWED", false),
        ("403 Forbidden", "NOT_ALLOWED", false),
        ("404 Not Found", "REFUSED", true),
        ("500 Internal Server Error", "REFUSED", false),
        ("302 Found", "REFUSED", false),
    ];
    for (status, code, not_found) in table {
        let error = error(to(&Server::plain(always(status, "{\"errors\": []}"))));
        assert_eq!((error.code(), error.is_not_found()), (code, not_found), "{status}");
    }
}

#[test]
fn what_is_no_json_breaks_off_or_never_ends_is_no_answer() {
    let page = error(to(&Server::plain(always("200 OK", "<html>Sign in</html>"))));
    assert_eq!(page.code(), "NO_JSON", "{page}");
    let broken: Answer = Box::new(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{".to_vec());
    let broken = error(to(&Server::plain(broken)));
    assert_eq!(broken.code(), "BREAKS_OFF", "{broken}");
    let huge: Answer = Box::new(|_| answer("200 OK", &format!("\"{}\"", "x".repeat(1 << 20))));
    let huge = error(Access { longest_answer: 1 << 16, ..to(&Server::plain(huge)) });
    assert_eq!(huge.code(), "TOO_LARGE", "{huge}");
}

#[test]
fn a_proxys_path_comes_before_all_others() {
    let server = Server::plain(always("200 OK", "{}"));
    let url = format!("http://127.0.0.1:{}/flink/prod/", server.port);
    rest(access(&url)).get("/jobs/overview").expect("an answer");
    assert!(server.asked()[0][0].starts_with("GET /flink/prod/jobs/overview "));
}

#[test]
fn who_asks_is_told_from_a_file_as_it_is_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    let server = Server::plain(always("200 OK", "{}"));
    let rest = rest(Access { authorization: Authorization::File(file.clone()), ..to(&server) });
    let mut told = Vec::new();
    for secret in ["me:open sesame\n", "Bearer abc"] {
        std::fs::write(&file, secret).expect("written");
        rest.get("/jobs").expect("an answer");
        told.extend(server.asked().remove(0).into_iter().filter(|line| line.starts_with("auth")));
    }
    let expected = ["authorization: Basic bWU6b3BlbiBzZXNhbWU=", "authorization: Bearer abc"];
    assert_eq!(told, expected);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(rest.get("/jobs").expect_err("nothing to say").code(), "CREDENTIALS");
    assert!(server.asked().is_empty(), "nothing is sent without it");
}

#[test]
fn certificates_of_an_own_authority_are_trusted_and_our_own_is_shown() {
    let certificates = Certificates::make();
    let server = Server::encrypted(&certificates, always("200 OK", "{\"ok\": true}"));
    let stranger = access(&format!("https://localhost:{}/flink", server.port));
    // Nobody trusts that authority,
    let unknown =
        Rest::new(stranger.clone()).and_then(|rest| rest.get("/jobs")).expect_err("no trust");
    assert!(["UNREACHABLE", "SETUP"].contains(&unknown.code()), "{unknown}");
    // nobody is answered without a certificate of it,
    let nobody = Access { authorities: Some(certificates.file("ca.pem")), ..stranger };
    assert_eq!(error(nobody.clone()).code(), "UNREACHABLE");
    // and with both it is as without encryption.
    let identity = Some((certificates.file("client.pem"), certificates.file("client.key")));
    let known = Access { identity, ..nobody };
    assert_eq!(rest(known.clone()).get("/jobs").expect("an answer"), json!({ "ok": true }));
    // Another host's certificate is not that host's.
    let elsewhere = access(&format!("https://127.0.0.1:{}", server.port));
    let elsewhere = Access { address: elsewhere.address, ..known.clone() };
    assert_eq!(error(elsewhere).code(), "UNREACHABLE");
    let wrong = Access { authorities: Some(certificates.file("client.key")), ..known };
    assert_eq!(Rest::new(wrong).expect_err("no certificate").code(), "CREDENTIALS");
}

#[test]
fn no_more_are_asked_within_a_second_than_may_be() {
    let server = Server::plain(always("200 OK", "{}"));
    let rest = rest(Access { most_a_second: 4, ..to(&server) });
    let begin = Instant::now();
    for _ in 0..6 {
        rest.get("/jobs").expect("an answer");
    }
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn only_a_jobmanager_is_watched() {
    let other = Server::plain(always("200 OK", "{\"version\": 3}"));
    let found = Cluster::read(&rest(to(&other)), "there");
    assert_eq!(found.expect_err("no Flink").code(), "NOT_FLINK");
    let page = Server::plain(always("404 Not Found", "nothing"));
    assert_eq!(Cluster::read(&rest(to(&page)), "there").expect_err("no Flink").code(), "NOT_FLINK");
    let closed = Server::plain(always("401 Unauthorized", ""));
    assert_eq!(Cluster::read(&rest(to(&closed)), "there").expect_err("no").code(), "NOT_ALLOWED");
    let flink = Server::plain(Box::new(|asked| match asked[0].contains(" /config ") {
        true => answer("200 OK", "{\"flink-version\": \"1.18.1\"}"),
        false => answer("404 Not Found", "{}"),
    }));
    let found = Cluster::read(&rest(to(&flink)), "there").expect("a JobManager");
    assert_eq!((found.version.as_str(), found.reactive), ("1.18.1", false));
}

#[test]
fn a_job_that_ends_while_it_is_asked_for_is_not_there_and_others_are() {
    static ENDED: AtomicBool = AtomicBool::new(false);
    fn body(path: &str) -> Option<Value> {
        let bare = |id: &str| {
            json!({ "jid": id, "name": id, "state": "RUNNING", "vertices":
            [{ "id": "v", "name": "v", "maxParallelism": 4 }], "plan": { "nodes": [] } })
        };
        let ended = ENDED.load(Ordering::SeqCst);
        Some(match path {
            "/jobs" => {
                json!({ "jobs": [{ "id": "a", "status": "RUNNING" }, { "id": "b", "status": "RUNNING" }] })
            }
            "/jobs/a" if !ended => bare("a"),
            "/jobs/b" => bare("b"),
            "/jobs/a/vertices/v" => {
                ENDED.store(true, Ordering::SeqCst);
                return None;
            }
            "/jobs/b/vertices/v" => json!({ "subtasks": [] }),
            "/jobs/b/vertices/v/subtasks/metrics" => json!([]),
            "/taskmanagers" => json!({ "taskmanagers": [] }),
            _ => return None,
        })
    }
    let server = Server::plain(Box::new(|asked| {
        match body(asked[0].split(' ').nth(1).unwrap_or_default()) {
            Some(body) => answer("200 OK", &body.to_string()),
            None => answer("404 Not Found", "{\"errors\": [\"not found\"]}"),
        }
    }));
    let fetches_each = thalweg_core::units::Millis::from_secs(1);
    let cluster =
        Cluster { version: "2.3.0".to_owned(), reactive: false, fetches_each, has_thalweg: None };
    let look =
        Reader::new(&cluster).look(&rest(to(&server)), Timestamp::from_millis(1)).expect("a look");
    let seen: Vec<&str> = look.observation.topologies.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(seen, ["b"]);
}
