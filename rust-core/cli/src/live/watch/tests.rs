//! Screens as they are drawn. `UPDATE_GOLDEN=1 cargo test` writes those in `cli/tests/screens` anew.

use std::io::Read;
use std::num::NonZero;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};
use thalweg_control::Command;

use super::draw::draw;
use super::looker::Told;
use super::screen::{Over, Reach, Screen};

/// The time of all screens, in ms since 1970.
const NOW: i64 = 1_800_000_000_000;

fn component(id: &str, kind: &str, counts: (u32, u32), rate: f64, busy: f64) -> Value {
    json!({ "id": id, "kind": kind, "executors": counts.0, "tasks": counts.1, "measured": counts.0,
        "rate": rate, "capacity": busy, "mean_capacity": 0.9 * busy, "process_latency": 4.48,
        "execute_latency": 4.5, "failed": 0, "level": u32::from(busy > 0.5) })
}

fn reason(code: &str, text: &str, numbers: (f64, f64), setting: &str) -> Value {
    json!({ "code": code, "text": text, "measured": numbers.0, "limit": numbers.1, "setting": setting })
}

fn words() -> Value {
    let limit = "thalweg.me-stream.capacity.limit";
    json!({ "topology": "words-1", "name": "words", "verdict": "hold", "policy": "me-stream",
        "mode": "confirm", "at": NOW - 3_000,
        "reasons": [reason("CAPACITY_HIGH", "executors of split are busy 97 % of the time", (0.97, 0.8), limit)],
        "chain": { "checks": [
            { "guard": "cool_down", "passed": true, "text": "seconds since the last action", "measured": 900, "limit": 300, "setting": "thalweg.guard.cooldown.secs" },
            { "guard": "mode", "passed": false, "text": "people who have to approve of the plan", "limit": 2, "setting": "thalweg.confirm.people" } ],
            "signals": [{ "of": "split", "what": "busy share of the busiest executor", "measured": 0.97, "limit": 0.8, "setting": limit }] },
        "view": { "components": [
            component("lines", "source", (2, 4), 612.5, 0.031),
            component("split", "operator", (3, 16), 612.0, 0.97),
            component("count", "operator", (4, 16), 4284.0, 0.42) ] } })
}

/// The plan of `words`, with some rows that move.
fn plan() -> Value {
    let row = |port: u32, to: &str| json!({ "before": { "node": "node-00", "port": port }, "after": { "node": to, "port": port } });
    json!({ "id": "words-1-p1799999900000-7", "topology": "words-1", "name": "words",
        "counts": { "split": 5 }, "memory_mib": {}, "stages_left": 0,
        "rows": [row(6700, "node-00"), row(6701, "node-01"), row(6702, "node-02")] })
}

fn status(decisions: &[Value]) -> Value {
    json!({ "version": "1.2.3", "at": NOW - 2_000, "mode": "confirm", "leads": true,
        "store": { "kind": "redis", "up": true }, "problems": [], "decisions": decisions,
        "plan": null, "ended": [], "outcomes": [], "orders": [], "drained": {}, "operator": {},
        "nodes": [{ "id": "node-00" }] })
}

/// Several topologies, the plan of one waits for the second of two people.
fn waiting() -> Value {
    let mut first = words();
    (first["verdict"], first["plan"]) = (json!("propose"), plan());
    first["offer"] = json!({ "plan": plan()["id"], "approved_by": ["ann"], "people": 2,
        "expires": NOW + 720_000, "takes_secs": 20, "stops": false, "diff": [], "at": NOW });
    let mut second = words();
    (second["topology"], second["name"]) = (json!("ads-2"), json!("ad-events"));
    let text = "seconds for which the sign below has held";
    let setting = "thalweg.me-stream.interval.secs";
    second["reasons"] = json!([reason("NOT_YET_PERSISTENT", text, (12.0, 60.0), setting)]);
    let mut status = status(&[first, second]);
    status["drained"] = json!({ "host-07": { "at": NOW - 60_000 } });
    status["operator"] = json!({ "pauses": [{ "scope": "ad-*", "direction": "in", "paused": true,
        "until": null, "at": NOW - 60_000, "who": "ann" }] });
    status
}

/// A plan that has switched.
fn acting() -> Value {
    let mut status = status(&[words()]);
    status["plan"] = json!({ "plan": plan(), "state": "switched", "since": NOW - 7_000,
        "strategy": "make-before-break", "done": [],
        "steps": [{ "step": "workers", "text": "2 of 2 new workers are up", "at": NOW - 9_000 },
                  { "step": "routes", "text": "", "at": NOW - 8_000 }] });
    status["orders"] = json!([{ "id": "o3-1", "state": "acting", "at": NOW - 30_000, "plan": plan()["id"],
        "by": { "person": { "name": "ann", "through": "dashboard" } }, "why": "sale at eight",
        "order": { "topology": "words", "counts": { "split": 5 } }, "stages_left": 0 }]);
    status
}

fn records() -> Vec<Value> {
    let decided = json!({ "at": NOW - 120_000, "name": "words", "topology": "words-1", "verdict": "act",
        "plan": { "counts": { "split": 3 } }, "reasons": words()["reasons"] });
    let done =
        json!({ "at": NOW - 90_000, "plan": { "id": "words-1-p6" }, "how": "make-before-break" });
    let judged = json!({ "at": NOW - 30_000, "plan": "words-1-p6", "helped": true,
        "text": "complete latency 4320.3 to 1738.3 ms, throughput 236 to 617/s" });
    let said =
        json!({ "at": NOW - 20_000, "said": "pause ad-*, only what takes executors, by ann" });
    let kinds = [("operator", said), ("outcome", judged), ("action", done), ("decision", decided)];
    kinds.into_iter().map(|(kind, content)| json!({ "kind": kind, "content": content })).collect()
}

fn screen(status: Value) -> Screen {
    let mut screen = Screen::new("/var/lib/storm/thalweg/control.sock".to_owned(), true);
    screen.take(Told::Seen { status, records: records() }, NOW);
    screen
}

fn drawn(screen: &Screen, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, screen, NOW)).unwrap();
    let buffer = terminal.backend().buffer();
    let lines = buffer.content.chunks(usize::from(width)).map(|line| {
        line.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
    });
    lines.map(|line| line + "\n").collect()
}

fn same_as_golden(name: &str, screen: &Screen, size: (u16, u16)) {
    let file = format!("{name}-{}x{}.txt", size.0, size.1);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(file);
    let drawn = drawn(screen, size);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &drawn).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(golden, drawn, "{} is not what is drawn:\n{drawn}", file.display());
}

fn press(screen: &mut Screen, keys: &[KeyCode]) -> Option<Command> {
    let mut orders =
        keys.iter().map(|&key| screen.key(KeyEvent::new(key, KeyModifiers::NONE), NOW));
    orders.by_ref().fold(None, |last, order| order.or(last))
}

#[test]
fn screens_look_as_they_did() {
    let mut gone = screen(acting());
    gone.take(
        Told::Gone("control.sock: nobody answers: the scheduler is gone".to_owned()),
        NOW - 12_000,
    );
    let mut details = screen(waiting());
    press(&mut details, &[KeyCode::Enter]);
    let mut asks = screen(waiting());
    press(&mut asks, &[KeyCode::Char('r')]);
    let mut help = screen(waiting());
    press(&mut help, &[KeyCode::Char('?')]);
    let states = [
        ("none", screen(status(&[]))),
        ("acting", screen(acting())),
        ("waiting", screen(waiting())),
        ("gone", gone),
        ("details", details),
        ("asks", asks),
        ("help", help),
    ];
    for (name, screen) in &states {
        same_as_golden(name, screen, (80, 24));
        same_as_golden(name, screen, (120, 40));
    }
    same_as_golden("waiting", &states[2].1, (200, 50));
}

#[test]
fn it_draws_whatever_the_size_and_whatever_is_known() {
    let mut long = screen(waiting());
    long.status["decisions"] = (0..300)
        .map(|at| {
            let mut one = words();
            one["topology"] = json!(format!("t-{at}"));
            one
        })
        .collect();
    press(&mut long, &[KeyCode::End]);
    assert!(long.chosen().is_some_and(|(at, _)| at == 299));
    let strange = screen(json!({ "decisions": [{}], "plan": { "state": 7 }, "orders": "none" }));
    let nothing = Screen::new("somewhere".to_owned(), false);
    for screen in [long, strange, nothing, screen(Value::Null)] {
        for size in [(1, 1), (20, 5), (60, 16), (80, 24), (119, 16), (120, 16), (400, 100)] {
            drawn(&screen, size);
        }
    }
}

#[test]
fn an_order_is_given_once_it_is_confirmed_and_is_about_the_plan_that_was_shown() {
    let mut it = screen(waiting());
    let id = plan()["id"].as_str().unwrap().to_owned();
    assert_eq!(press(&mut it, &[KeyCode::Char('a'), KeyCode::Char('n')]), None, "no is no");
    assert_eq!(press(&mut it, &[KeyCode::Char('r')]), None);
    // Another plan takes its place while the question is open.
    let mut other = waiting();
    other["decisions"][0]["offer"]["plan"] = json!("another");
    it.take(Told::Seen { status: other, records: Vec::new() }, NOW);
    assert_eq!(press(&mut it, &[KeyCode::Char('y')]), Some(Command::Reject { plan: id.clone() }));
    let refused = "plan: is not one that waits".to_owned();
    it.take(Told::Ordered(Command::Reject { plan: id }, Err(refused)), NOW);
    assert!(drawn(&it, (80, 24)).contains("is not one that waits"));
    press(&mut it, &[KeyCode::Down, KeyCode::Char('a')]);
    assert_eq!(it.over, None, "the other topology has no plan that waits");
    let paused = press(&mut it, &[KeyCode::Char('p'), KeyCode::Char('y')]);
    let scope = "ads-2".to_owned();
    assert_eq!(
        paused,
        Some(Command::Resume { scope, direction: None }),
        "it is paused by a pattern"
    );
}

#[test]
fn an_engine_that_is_gone_is_told_and_what_is_shown_stays_until_it_answers_again() {
    let mut it = screen(acting());
    for at in [0, 5_000] {
        it.take(Told::Gone("nobody answers".to_owned()), NOW + at);
    }
    assert_eq!(it.reach, Reach::Gone { since: NOW, why: "nobody answers".to_owned() });
    assert!(drawn(&it, (80, 24)).contains("words"));
    it.take(Told::Seen { status: acting(), records: Vec::new() }, NOW + 6_000);
    assert!(drawn(&it, (80, 24)).contains("it answers again"));
}

#[test]
fn keys_lead_through_panes_and_out() {
    let mut it = screen(waiting());
    press(&mut it, &[KeyCode::Tab, KeyCode::Char('j'), KeyCode::Enter]);
    assert_eq!(it.over, Some(Over::Details(0)));
    assert!(drawn(&it, (80, 24)).contains("split of words"), "{}", drawn(&it, (80, 24)));
    press(&mut it, &[KeyCode::Esc, KeyCode::Char('?'), KeyCode::Char('q')]);
    assert!(!it.is_over(), "a key closes the help first");
    press(&mut it, &[KeyCode::Char('q')]);
    assert!(it.is_over());
    let mut it = screen(waiting());
    it.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), NOW);
    assert!(it.is_over());
}

#[test]
fn without_colours_nothing_has_one() {
    let mut plain = screen(waiting());
    plain.colours = false;
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &plain, NOW)).unwrap();
    let cells = &terminal.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
}

/// In the process that [`a_panic_gives_the_terminal_back`] starts in a terminal of its own, this is set.
const IN_A_TERMINAL: &str = "THALWEG_TEST_IN_A_TERMINAL";

#[test]
fn a_panic_gives_the_terminal_back() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    if std::env::var_os(IN_A_TERMINAL).is_some() {
        let _terminal = super::TakenTerminal::take().unwrap();
        panic!("planted for the test");
    }
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    let name = "live::watch::tests::a_panic_gives_the_terminal_back";
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(IN_A_TERMINAL, "1");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut output = Vec::new();
    let mut bytes = [0; 4096];
    let mut reader = pair.master.try_clone_reader().unwrap();
    while let Ok(length @ 1..) = reader.read(&mut bytes) {
        output.extend_from_slice(&bytes[..length]);
    }
    assert!(!child.wait().unwrap().success());
    let mut parser = vt100::Parser::new(NonZero::new(24).unwrap(), NonZero::new(80).unwrap(), 100);
    parser.process(&output);
    let seen = parser.screen();
    assert!(!seen.alternate_screen() && !seen.hide_cursor());
    assert!(seen.contents().contains("planted for the test"), "{}", seen.contents());
}
