use std::cell::RefCell;

use proptest::prelude::*;
use serde_json::json;
use thalweg_core::model::{ComponentKind, Grouping, TopologyStatus};
use thalweg_core::units::Millis;

use super::*;

/// Answers from memory; what it has none for is not found.
#[derive(Default)]
struct Prepared {
    answers: RefCell<BTreeMap<String, Result<Value, HttpError>>>,
    asked: RefCell<Vec<String>>,
    /// The job `a` ends once this is asked for.
    ends_at: RefCell<String>,
}

impl Ask for Prepared {
    fn get(&self, path: &str) -> Result<Value, HttpError> {
        self.asked.borrow_mut().push(path.to_owned());
        if *self.ends_at.borrow() == path {
            self.answers.borrow_mut().retain(|path, _| !path.starts_with("/jobs/a"));
        }
        let plain = path.split('?').next().unwrap_or_default();
        let answers = self.answers.borrow();
        let answer = answers.get(path).or_else(|| answers.get(plain)).cloned();
        answer.unwrap_or_else(|| Err(refused(path, 404)))
    }
}

fn refused(path: &str, status: u16) -> HttpError {
    HttpError::Refused { path: path.to_owned(), status, text: "for a test".to_owned() }
}

fn subtask(index: u32, node: &str, (read, written): (u64, u64), busy: u64, idle: u64) -> Value {
    json!({ "subtask": index, "attempt": 0, "status": "RUNNING", "taskmanager-id": node, "metrics": {
        "read-records-complete": true, "write-records-complete": true, "read-records": read,
        "write-records": written, "accumulated-busy-time": busy,
        "accumulated-backpressured-time": 0, "accumulated-idle-time": idle } })
}

impl Prepared {
    fn on(&self, path: &str, answer: Value) -> &Self {
        self.answers.borrow_mut().insert(path.to_owned(), Ok(answer));
        self
    }

    fn fails(&self, path: &str, error: HttpError) {
        self.answers.borrow_mut().insert(path.to_owned(), Err(error));
    }

    fn off(&self, path: &str) {
        self.answers.borrow_mut().remove(path);
    }

    fn jobs(&self, states: &[(&str, &str)]) {
        let jobs = states.iter().map(|(id, state)| json!({ "id": id, "status": state }));
        self.on("/jobs", json!({ "jobs": jobs.collect::<Vec<_>>() }));
    }

    /// A job `a` named `words`: a source on n1 that feeds two subtasks, which are full, for so many seconds.
    fn cluster(&self, secs: u64) -> &Self {
        self.jobs(&[("a", "RUNNING")]);
        self.words("a", "words", secs);
        self.on("/taskmanagers", json!({ "taskmanagers": [
            { "id": "n1", "path": "pekko.tcp://flink@10.0.0.1:1/x", "slotsNumber": 4, "freeSlots": 2,
              "totalResource": { "cpuCores": 4.0 }, "hardware": { "physicalMemory": 1_073_741_824u64 } },
        ]}));
        self.on("/taskmanagers/n1/metrics", json!([{ "id": "x", "value": "120" }]))
    }

    fn words(&self, id: &str, name: &str, secs: u64) {
        let job = format!("/jobs/{id}");
        self.on(
            &job,
            json!({ "jid": id, "name": name, "state": "RUNNING", "job-type": "STREAMING",
                "vertices": [
                    { "id": "s", "name": "Source: lines", "maxParallelism": 128 },
                    { "id": "t", "name": "split", "maxParallelism": 128 },
                ],
                "plan": { "nodes": [
                    { "id": "s" },
                    { "id": "t", "inputs": [{ "id": "s", "ship_strategy": "HASH" }] },
                ]},
            }),
        );
        self.on(&format!("{job}/checkpoints/config"), json!({ "interval": 5000 }));
        self.on(
            &format!("{job}/checkpoints"),
            json!({ "latest": { "completed":
            { "id": 1, "end_to_end_duration": 10, "checkpointed_size": 100 } }, "history": [] }),
        );
        let sizes = json!({ "subtasks": [{ "state_size": 30 }, { "state_size": 70 }] });
        self.on(&format!("{job}/checkpoints/details/1/subtasks/t"), sizes);
        self.on(&format!("{job}/checkpoints/details/1/subtasks/s"), json!({ "subtasks": [] }));
        let (s, t) = (format!("{job}/vertices/s"), format!("{job}/vertices/t"));
        let source = subtask(0, "n1", (0, 100 * secs), 10 * secs, 990 * secs);
        self.on(&s, json!({ "subtasks": [source] }));
        let full = |index| subtask(index, "n1", (40 * secs, 0), 1000 * secs, 0);
        self.on(&t, json!({ "subtasks": [full(1), full(0)] }));
        self.on(
            &format!("{s}/subtasks/metrics"),
            json!([
                { "id": "Source__lines.numRecordsIn" },
                { "id": "Source__lines.pendingRecords", "sum": 7.0 },
            ]),
        );
        self.on(
            &format!("{s}/subtasks/metrics?agg=sum&get=Source__lines.pendingRecords"),
            json!([{ "id": "Source__lines.pendingRecords", "sum": 7.0 }]),
        );
        let brought = (90 * secs).to_string();
        let counted = json!([{ "id": "0.Source__lines.numRecordsIn", "value": brought }]);
        self.on(&format!("{s}/metrics"), counted);
        self.on(&format!("{t}/subtasks/metrics"), json!([]));
        self.on(
            &format!("{job}/resource-requirements"),
            json!({
                "s": { "parallelism": { "lowerBound": 1, "upperBound": 1 } },
                "t": { "parallelism": { "lowerBound": 1, "upperBound": 2 } },
            }),
        );
    }
}

fn reader() -> Reader {
    let fetches_each = thalweg_core::units::Millis::saturating(500.0);
    Reader::new(&Cluster {
        version: "2.3.0".to_owned(),
        reactive: false,
        fetches_each,
        has_thalweg: None,
    })
}

fn look(reader: &mut Reader, flink: &Prepared, secs: i64) -> Look {
    reader.look(flink, Timestamp::from_millis(1000 * secs)).expect("a look")
}

fn obstacles(look: &Look) -> Vec<(&str, Option<Obstacle>)> {
    let topologies = look.observation.topologies.iter();
    topologies.map(|topology| (topology.name.as_str(), topology.obstacle)).collect()
}

#[test]
fn a_job_is_seen_with_its_steps_streams_and_counters() {
    let flink = Prepared::default();
    let mut reader = reader();
    look(&mut reader, flink.cluster(10), 100);
    let seen = look(&mut reader, flink.cluster(12), 102);
    let words = &seen.observation.topologies[0];
    assert_eq!((words.status, words.desired_workers), (TopologyStatus::Active, 2));
    let checkpoint = words.checkpoint.expect("one was completed");
    assert_eq!((checkpoint.duration.get(), checkpoint.bytes), (10.0, Some(100)));
    assert_eq!(words.checkpoint_interval, Some(Millis::from_secs(5)));
    let [source, split] = &words.components[..] else { panic!("{words:?}") };
    assert_eq!((source.id.as_str(), source.kind), ("Source: lines", ComponentKind::Source));
    assert_eq!((source.backlog, source.tasks.count()), (Some(7), 128));
    // 100 a second were sent and 80 taken in, for two seconds.
    assert_eq!((split.tasks.first, split.backlog), (128, Some(240)));
    assert_eq!(words.edges.len(), 1);
    assert_eq!((words.edges[0].from, words.edges[0].to), (0, 1));
    assert_eq!(words.edges[0].grouping, Grouping::Fields);
    let counters: Vec<_> = words.executors.iter().map(|e| e.counters.expect("counted")).collect();
    assert_eq!((counters[0].executed, counters[0].emitted), (1080, 1200));
    assert_eq!((counters[1].executed, counters[1].uptime_secs), (480, 12));
    assert_eq!((counters[1].busy_ms, counters[1].gc_ms), (Some(12_000.0), Some(120.0)));
    assert_eq!((counters[1].state_bytes, counters[2].state_bytes), (Some(30), Some(70)));
    assert_eq!(seen.observation.nodes[0].ports, [0, 1, 2, 3], "two in use and two free");
    assert!(seen.findings.is_empty());
}

#[test]
fn what_cannot_be_read_of_one_job_is_an_obstacle_of_that_job() {
    let flink = Prepared::default();
    let mut reader = reader();
    flink.cluster(10).words("b", "broken", 10);
    flink.jobs(&[("a", "RUNNING"), ("b", "RUNNING")]);
    assert_eq!(obstacles(&look(&mut reader, &flink, 100)), [("words", None), ("broken", None)]);
    let nonsense = HttpError::NoJson { path: "x".to_owned(), reason: "for a test".to_owned() };
    for error in
        [refused("x", 500), nonsense, HttpError::TooLarge { path: "x".to_owned(), limit: 1 }]
    {
        flink.fails("/jobs/b/vertices/t", error);
        let seen = look(&mut reader, &flink, 101);
        assert_eq!(obstacles(&seen), [("words", None), ("broken", Some(Obstacle::Unreadable))]);
        assert_eq!(seen.observation.topologies[1].components.len(), 2, "as it was last seen");
        assert_eq!(seen.findings[0].about, "b");
    }
    flink.words("b", "broken", 13);
    assert_eq!(obstacles(&look(&mut reader, &flink, 102)), [("words", None), ("broken", None)]);
    // One that was never read has nothing but its id.
    flink.jobs(&[("a", "RUNNING"), ("c", "RUNNING")]);
    flink.fails("/jobs/c", refused("x", 500));
    let seen = look(&mut reader, &flink, 103);
    assert_eq!(seen.observation.topologies.last().map(|job| job.name.as_str()), Some("c"));
}

#[test]
fn nobody_there_is_no_look_at_all() {
    let flink = Prepared::default();
    flink.cluster(10);
    let gone = HttpError::Unreachable { place: "x".to_owned(), reason: "for a test".to_owned() };
    for path in ["/jobs", "/jobs/a", "/jobs/a/vertices/t", "/jobs/a/checkpoints", "/taskmanagers"] {
        flink.fails(path, gone.clone());
        let seen = reader().look(&flink, Timestamp::from_millis(1));
        assert_eq!(seen.err(), Some(gone.clone()), "{path}");
        flink.cluster(10);
    }
}

#[test]
fn a_job_that_ends_between_two_questions_is_not_there() {
    let flink = Prepared::default();
    let mut reader = reader();
    flink.cluster(10);
    look(&mut reader, &flink, 100);
    // Gone while its vertices were asked for,
    "/jobs/a/vertices/t".clone_into(&mut flink.ends_at.borrow_mut());
    assert!(obstacles(&look(&mut reader, &flink, 101)).is_empty());
    flink.ends_at.borrow_mut().clear();
    // or still listed,
    assert!(obstacles(&look(&mut reader, &flink, 102)).is_empty());
    // or listed as ended while REST still shows it as it ran.
    flink.cluster(10);
    look(&mut reader, &flink, 103);
    flink.jobs(&[("a", "CANCELED")]);
    assert!(obstacles(&look(&mut reader, &flink, 104)).is_empty());
}

#[test]
fn a_job_that_is_not_listed_for_a_moment_is_still_there() {
    let flink = Prepared::default();
    let mut reader = reader();
    flink.cluster(10);
    look(&mut reader, &flink, 100);
    flink.jobs(&[]);
    assert_eq!(obstacles(&look(&mut reader, &flink, 101)), [("words", None)]);
}

#[test]
fn jobs_that_are_not_to_be_judged_say_so() {
    let flink = Prepared::default();
    flink.cluster(10);
    flink.on("/jobs/a/checkpoints/config", json!({ "interval": i64::MAX }));
    let mut reader = reader();
    let off = Some(Obstacle::CheckpointsOff);
    assert_eq!(obstacles(&look(&mut reader, &flink, 100)), [("words", off)]);
    let batch = json!({ "jid": "b", "name": "nightly", "state": "RUNNING", "job-type": "BATCH" });
    flink.on("/jobs/b", batch);
    flink.jobs(&[("b", "RUNNING")]);
    flink.off("/jobs/a");
    assert_eq!(obstacles(&look(&mut reader, &flink, 101)), [("nightly", Some(Obstacle::Batch))]);
    flink.cluster(10).jobs(&[("a", "RUNNING"), ("b", "RUNNING")]);
    reader.reactive = true;
    let seen = look(&mut reader, &flink, 102);
    let other = Some(Obstacle::OtherScheduler);
    assert_eq!(obstacles(&seen), [("words", other), ("nightly", Some(Obstacle::Batch))]);
}

#[test]
fn bounds_that_a_user_sets_hold_and_those_that_cannot_be_read_stay() {
    let flink = Prepared::default();
    let mut reader = reader();
    flink.cluster(10);
    let most = |look: &Look| look.observation.topologies[0].components[1].most_executors;
    assert_eq!(most(&look(&mut reader, &flink, 100)), None);
    let path = "/jobs/a/resource-requirements";
    flink.on(path, json!({ "t": { "parallelism": { "lowerBound": 1, "upperBound": 5 } } }));
    assert_eq!(most(&look(&mut reader, &flink, 101)), Some(5));
    flink.fails(path, refused(path, 500));
    let seen = look(&mut reader, &flink, 102);
    assert_eq!((most(&seen), obstacles(&seen)), (Some(5), vec![("words", None)]));
    assert!(seen.findings[0].text.contains("bounds"), "{:?}", seen.findings);
    let text = "java.lang.UnsupportedOperationException: The DefaultScheduler …".to_owned();
    flink.fails(path, HttpError::Refused { path: path.to_owned(), status: 500, text });
    let seen = look(&mut reader, &flink, 103);
    assert!(seen.findings[0].text.contains("savepoint"), "{:?}", seen.findings);
}

/// Whatever a number may be: of the kind that is expected, far too large, or no number at all.
fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0u32..9).prop_map(Value::from),
        Just(Value::Null),
        Just(json!("NaN")),
        Just(json!("1e300")),
        Just(json!([{}])),
    ]
}

proptest! {
    #[test]
    fn whatever_is_answered_a_look_is_made_and_decided_upon(
        looks in prop::collection::vec(prop::collection::vec(any_number(), 12), 1..4),
    ) {
        let flink = Prepared::default();
        let mut reader = reader();
        let settings = thalweg_core::settings::Settings::default();
        let mut state = thalweg_core::state::State::default();
        for (secs, odd) in (0..).zip(looks) {
            flink.cluster(10 + secs);
            let mut subtask = subtask(0, "n1", (0, 0), 0, 0);
            for (field, number) in ["subtask", "attempt", "duration"].iter().zip(&odd) {
                subtask[*field] = number.clone();
            }
            let counters = ["read-records", "write-records", "accumulated-busy-time", "accumulated-idle-time"];
            for (field, number) in counters.iter().zip(&odd[3..]) {
                subtask["metrics"][*field] = number.clone();
            }
            flink.on("/jobs/a/vertices/t", json!({ "subtasks": [subtask, odd[7]] }));
            flink.on("/taskmanagers", json!({ "taskmanagers": [
                { "id": "n1", "slotsNumber": odd[8], "freeSlots": odd[9], "path": odd[7] }, odd[7] ] }));
            let mut job = flink.get("/jobs/a").expect("it is there");
            job["vertices"][1]["maxParallelism"] = odd[10].clone();
            flink.on("/jobs/a", job);
            let range = json!({ "lowerBound": odd[11], "upperBound": odd[10] });
            flink.on("/jobs/a/resource-requirements", json!({ "t": { "parallelism": range } }));
            let at = Timestamp::from_millis(1000 * secs.cast_signed());
            let seen = reader.look(&flink, at).expect("a look");
            let silent = thalweg_core::operator::Operator::SILENT;
            state = thalweg_core::decide(&seen.observation, state, &settings, silent, at).state;
        }
    }
}

#[test]
fn counters_that_were_not_told_stay_unknown() {
    let flink = Prepared::default();
    let mut reader = reader();
    look(&mut reader, flink.cluster(10), 100);
    flink.cluster(12);
    let mut dark = subtask(0, "n1", (0, 0), 0, 0);
    dark["metrics"]["read-records-complete"] = false.into();
    flink.on("/jobs/a/vertices/t", json!({ "subtasks": [dark] }));
    let seen = look(&mut reader, &flink, 102);
    let words = &seen.observation.topologies[0];
    assert_eq!((words.executors[1].counters, words.components[1].backlog), (None, None));
}

#[test]
fn names_of_metrics_are_read_seldom() {
    let flink = Prepared::default();
    let mut reader = reader();
    for secs in 0..5 {
        look(&mut reader, flink.cluster(10 + secs), 100 + secs.cast_signed());
    }
    let names = "/jobs/a/vertices/s/subtasks/metrics";
    assert_eq!(flink.asked.borrow().iter().filter(|path| *path == names).count(), 1);
}
