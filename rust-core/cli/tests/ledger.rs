//! `thalweg ledger` on ledgers of schedulers that are gone.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::{Value, json};
use thalweg_ledger::{Entry, Files, Limits, Settings, Writer};

/// A ledger of records about `words` and `clicks` in turn, each an hour after the one before.
fn ledger(folder: &Path, begins: i64, records: i64) {
    let settings = Settings {
        folder: folder.join("ledger"),
        key_file: None,
        version: "test".to_owned(),
        limits: Limits { bytes: 1 << 30, age_ms: 0 },
    };
    let mut writer = Writer::open(settings, Box::new(Files)).unwrap();
    for n in 0..records {
        let name = ["words", "clicks"][usize::try_from(n % 2).unwrap()];
        let entry = Entry {
            at: begins + n * 3_600_000,
            topology: format!("{name}-1"),
            name: name.to_owned(),
            who: "ann".to_owned(),
            why: "more \"are\" coming".to_owned(),
            ..Entry::of("order", &json!({ "n": n }))
        };
        writer.append(&[entry]).unwrap();
    }
}

fn thalweg(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.arg("ledger").args(arguments).output().unwrap()
}

/// The exit code, and what was said.
fn says(arguments: &[&str]) -> (i32, String) {
    let output = thalweg(arguments);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// All that is printed, as JSON, where the command ends with this code.
fn json(arguments: &[&str], code: i32) -> Value {
    let output = thalweg(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn segment(folder: &Path) -> PathBuf {
    folder.join("ledger/00000000000000000001.jsonl")
}

#[test]
fn verify_tells_whole_ledgers_from_others_by_its_exit_code_and_names_the_place() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ledger(one.path(), 0, 20);
    ledger(other.path(), 0, 5);
    let (code, said) = says(&["verify", text(one.path()), text(&other.path().join("ledger"))]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("whole, 23 records, 1 to 23"), "{said}");
    let told = json(&["verify", text(one.path()), text(other.path()), "--json"], 0);
    let [first, second] = [0, 1].map(|at| &told["ledgers"][at]);
    assert_eq!((&first["whole"], &first["records"]), (&json!(true), &json!(23)), "{told}");
    assert_eq!((&second["first"], &second["last"]["seq"]), (&json!(1), &json!(8)), "{told}");
    assert_eq!((&first["key"]["given"], &told["missing"]), (&json!(false), &json!([])), "{told}");

    let key = says(&["key", text(one.path())]).1;
    let (code, said) = says(&["verify", text(one.path()), "--key", key.trim()]);
    assert!(code == 0 && !said.contains("to be sure"), "{said}");
    let noted = said.lines().find_map(|line| line.split("elsewhere: ").nth(1)).unwrap().to_owned();
    assert_eq!(says(&["verify", text(one.path()), "--noted", &noted]).0, 0);
    let (code, said) = says(&["verify", text(other.path()), "--key", key.trim()]);
    assert!(code == 7 && said.contains("another key"), "{said}");
    let (code, said) = says(&["verify", text(other.path()), "--noted", &noted]);
    assert!(code == 7 && said.contains("cut off"), "{said}");

    let path = segment(one.path());
    let changed = fs::read_to_string(&path).unwrap().replacen("ann", "bob", 1);
    fs::write(&path, changed).unwrap();
    let (code, said) = says(&["verify", text(one.path()), text(other.path())]);
    assert_eq!(code, 7, "{said}");
    assert!(
        said.contains("00000000000000000001.jsonl:3: the record after 2 was changed"),
        "{said}"
    );
    assert!(said.contains("1 of 2 ledgers"), "{said}");
    let told = json(&["verify", text(one.path()), text(other.path()), "--json"], 7);
    assert_eq!(told["ledgers"][1]["whole"], true, "{told}");
    let finding = &told["ledgers"][0]["findings"][0];
    let place = json!({ "file": "00000000000000000001.jsonl", "line": 3 });
    assert_eq!(finding["place"], place, "{told}");
    assert!(finding["fault"].as_str().unwrap().contains("was changed"), "{told}");

    assert_eq!(says(&["verify", "/nowhere"]).0, 1);
    assert_eq!(says(&["verify", text(other.path()), "--noted", "5"]).0, 2);
}

#[test]
fn export_brings_several_ledgers_together_by_time() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Later than when the test runs, which is what the ledgers' own first records have.
    let day = 4_099_593_600_000;
    ledger(one.path(), day, 24);
    ledger(other.path(), day + 1_800_000, 24);
    let out = one.path().join("all.jsonl");
    let both = [text(one.path()), text(other.path())];
    let (code, said) =
        says(&[&["export"], &both[..], &["--out", text(&out), "--topology", "words"]].concat());
    assert_eq!(code, 0, "{said}");
    let read = fs::read_to_string(&out).unwrap();
    let records: Vec<Value> =
        read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 24);
    let times: Vec<i64> = records.iter().map(|record| record["at"].as_i64().unwrap()).collect();
    assert!(times.is_sorted());
    assert!(records.iter().all(|record| record["name"] == "words"));
    // The lines are the ledgers' own.
    let own = fs::read_to_string(segment(one.path())).unwrap();
    assert!(own.contains(read.lines().next().unwrap()));

    let out = one.path().join("all.parquet");
    let more =
        ["--format", "parquet", "--since", "2099-11-29T02:00", "--until", "2099-11-29T04:00Z"];
    let (code, said) = says(&[&["export"], &both[..], &more[..], &["--out", text(&out)]].concat());
    assert!(code == 0 && said.contains("4 records"), "{said}");
    let table = SerializedFileReader::new(File::open(&out).unwrap()).unwrap();
    let rows: Vec<_> = table.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    let hour = 3_600_000;
    let at: Vec<i64> = rows.iter().map(|row| row.get_timestamp_millis(1).unwrap() - day).collect();
    assert_eq!(at, [2 * hour, 5 * hour / 2, 3 * hour, 7 * hour / 2]);
    assert_eq!(rows[0].get_string(7).unwrap(), "ann");
    assert_eq!(rows[0].get_string(8).unwrap(), "more \"are\" coming");
    assert_eq!(rows[0].get_string(9).unwrap(), r#"{"n":2}"#);
    assert_eq!(rows[0].get_long(0).unwrap(), 5);
}

#[test]
fn export_leaves_out_what_is_no_record_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 0, 3);
    let path = segment(folder.path());
    let changed = fs::read_to_string(&path).unwrap().replacen("ann", "bob", 1);
    fs::write(&path, changed).unwrap();
    let out = folder.path().join("all.jsonl");
    let (code, said) = says(&["export", text(folder.path()), "--out", text(&out)]);
    assert!(code == 7 && said.contains("1 lines are no records"), "{said}");
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 5);
}
