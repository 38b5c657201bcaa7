//! Recordings as tables, by the command as a process of its own.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;

fn thalweg(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    )
}

/// The recording of a simulated run.
fn recording(folder: &Path) -> std::path::PathBuf {
    let record = folder.join("run.jsonl");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios/wordcount.toml");
    let simulated =
        thalweg(&["simulate", text(&scenario), "--seed", "4", "--record", text(&record)]);
    assert!(simulated.status.success(), "{}", said(&simulated));
    record
}

fn rows(path: &Path) -> Vec<Row> {
    let table = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    table.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(column, _)| *column == name).unwrap_or_else(|| panic!("{name}")).1
}

fn at(row: &Row) -> i64 {
    match field(row, "at") {
        Field::TimestampMillis(at) => *at,
        other => panic!("{other}"),
    }
}

#[test]
fn a_recording_becomes_tables_and_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let record = recording(folder.path());
    let tables = folder.path().join("tables");
    let exported = thalweg(&["recording", "export", text(&record), "--out", text(&tables)]);
    assert!(exported.status.success(), "{}", said(&exported));
    let again = folder.path().join("again.jsonl");
    let imported = thalweg(&["recording", "import", text(&tables), "--out", text(&again)]);
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(fs::read(&record).unwrap() == fs::read(&again).unwrap(), "other bytes came back");
    let replayed = thalweg(&["replay", text(&again), "--json"]);
    assert!(replayed.status.success(), "{}", said(&replayed));
}

#[test]
fn rows_say_what_was_observed_and_what_was_not_is_null() {
    let folder = tempfile::tempdir().unwrap();
    let record = recording(folder.path());
    let tables = folder.path().join("tables");
    let exported = thalweg(&["recording", "export", text(&record), "--out", text(&tables)]);
    assert!(exported.status.success(), "{}", said(&exported));
    let lines = fs::read_to_string(&record).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let observed: Vec<&Value> = lines.iter().filter_map(|line| line.get("observed")).collect();
    let components = rows(&tables.join("components.parquet"));
    let mut next = components.iter();
    let mut nulls = 0;
    for one in &observed {
        let observation = &one["observation"];
        for topology in observation["topologies"].as_array().unwrap() {
            for (index, component) in topology["components"].as_array().unwrap().iter().enumerate()
            {
                let row = next.next().expect("a row for each");
                assert_eq!(at(row), observation["at"].as_i64().unwrap());
                assert_eq!(
                    field(row, "component"),
                    &Field::Str(component["id"].as_str().unwrap().into())
                );
                let own = topology["executors"].as_array().unwrap().iter();
                let own: Vec<&Value> =
                    own.filter(|executor| executor["component"] == index).collect();
                assert_eq!(field(row, "executors"), &Field::Long(own.len() as i64));
                let counted = own.iter().map(|executor| executor["counters"]["executed"].as_i64());
                match counted.sum::<Option<i64>>().filter(|_| !own.is_empty()) {
                    Some(sum) => assert_eq!(field(row, "executed"), &Field::Long(sum)),
                    None => {
                        assert_eq!(field(row, "executed"), &Field::Null);
                        nulls += 1;
                    }
                }
            }
        }
    }
    assert!(next.next().is_none() && !observed.is_empty());
    assert!(nulls > 0, "after an action some have reported nothing yet");
    let nodes: usize =
        observed.iter().map(|one| one["observation"]["nodes"].as_array().unwrap().len()).sum();
    assert_eq!(rows(&tables.join("nodes.parquet")).len(), nodes);
    assert_eq!(rows(&tables.join("lines.parquet")).len(), lines.len());
}

#[test]
fn what_is_no_recording_is_named_by_its_line_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let record = recording(folder.path());
    let mut broken = fs::read_to_string(&record).unwrap();
    let second = broken.find('\n').unwrap() + 1;
    broken.insert_str(second, "{\"observed\": 3}\n");
    fs::write(&record, broken).unwrap();
    let tables = folder.path().join("tables");
    let exported = thalweg(&["recording", "export", text(&record), "--out", text(&tables)]);
    assert_eq!(exported.status.code(), Some(1));
    assert!(said(&exported).contains("run.jsonl:2"), "{}", said(&exported));
    assert_eq!(fs::read_dir(&tables).unwrap().count(), 0);
    let imported = thalweg(&["recording", "import", text(&tables), "--out", text(&record)]);
    assert!(said(&imported).contains("lines.parquet"), "{}", said(&imported));
}
