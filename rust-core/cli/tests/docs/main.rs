//! Every command and every configuration that the documentation shows is run, or says for readers why it is not.
#![allow(clippy::unwrap_used)]

mod blocks;
#[path = "../../../engine/tests/support/redis.rs"]
mod redis;
mod security;
#[path = "../../../core/tests/support/mod.rs"]
mod support;
mod world;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use blocks::{Block, root};
use serde_json::{Value, json};
use thalweg_core::settings::Rules;
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;
use world::World;
use yaml_rust2::{Yaml, YamlLoader};

/// Blocks that say that they are not run. Another one is a decision: raise this only with a reason that holds.
const NOT_RUN: usize = 24;

/// Pages whose Python, and whose files for others, the tests of the integrations run.
const INTEGRATIONS: [&str; 3] =
    ["docs/operating/airflow.md", "docs/operating/dagster.md", "docs/operating/spark.md"];

#[test]
fn each_block_says_what_it_is_and_few_are_not_run() {
    let blocks = blocks::blocks();
    for block in &blocks {
        let known = ["sh", "yaml", "toml", "json", "rust", "python", "text"];
        let known = known.contains(&&*block.language);
        assert!(known, "{}: ```{} is nothing that is checked", block.place(), block.language);
        // The documentation tests of the core take these pages in.
        let in_core = ["docs/concepts/own-policy.md"].contains(&&*block.page);
        assert!(block.language != "rust" || in_core, "{} is not compiled", block.place());
        // The tests of the integrations run what these pages show.
        let in_integrations = INTEGRATIONS.contains(&&*block.page);
        assert!(block.language != "python" || in_integrations, "{} is not run", block.place());
    }
    let not_run: Vec<String> = blocks
        .iter()
        .filter_map(|block| Some(format!("{}: {}", block.place(), block.not_run.as_ref()?)))
        .collect();
    println!("{} blocks, not run:\n{}", blocks.len(), not_run.join("\n"));
    assert_eq!(not_run.len(), NOT_RUN, "{}", not_run.join("\n"));
}

#[test]
fn commands_are_run() {
    let shown = blocks::blocks();
    let shells = shown.iter().filter(|block| block.language == "sh" && block.not_run.is_none());
    let shells: Vec<&Block> = shells.collect();
    let mut run = 0;
    for page in shells.chunk_by(|one, other| one.page == other.page) {
        // One machine for a page, as its blocks go on from one another.
        let mut world = None;
        for block in page {
            for command in block.commands() {
                println!("{}: {command}", block.place());
                match command.split(' ').next().unwrap() {
                    "make" => make(&command),
                    "thalweg" if command.starts_with("thalweg serve --") => {
                        world.get_or_insert_with(World::new).serve(&command);
                    }
                    "thalweg" | "cat" | "export" => {
                        world.get_or_insert_with(World::new).run(&command);
                    }
                    other => panic!("{}: nothing runs {other}", block.place()),
                }
                run += 1;
            }
        }
    }
    assert!(run > 20, "{run} commands");
}

#[test]
fn what_is_named_within_lines_is_there() {
    let root = root();
    let mut seen = 0;
    for span in blocks::spans() {
        let words: Vec<&str> = span.text.split_whitespace().collect();
        match words[..] {
            ["make", _, ..] => make(&span.text),
            ["cargo", _, "-p", package, ..] => {
                let member = package.strip_prefix("thalweg-").unwrap();
                let folder = ["rust-core", "tests"].map(|part| root.join(part).join(member));
                let folder = folder.iter().find(|folder| folder.is_dir()).expect(package);
                let named = words.windows(2).find_map(|pair| match pair[0] {
                    "--bench" => Some(("benches", pair[1])),
                    "--test" => Some(("tests", pair[1])),
                    _ => None,
                });
                if let Some((kind, name)) = named {
                    let file = folder.join(kind).join(name);
                    let there = file.is_dir() || file.with_extension("rs").is_file();
                    assert!(there, "{}: {}", span.place(), span.text);
                }
            }
            _ => continue,
        }
        seen += 1;
    }
    assert!(seen > 15, "{seen} commands");
}

#[test]
fn pictures_are_there_and_say_what_they_show_to_who_cannot_see_them() {
    let root = root();
    let mut shown = std::collections::BTreeSet::new();
    for (page, text) in blocks::pages() {
        let folder = root.join(&page);
        for picture in text.lines().filter_map(|line| line.strip_prefix("![")) {
            let (said, rest) = picture.split_once("](").expect("a picture has an address");
            let path = folder.with_file_name(rest.split(')').next().unwrap());
            assert!(!said.is_empty(), "{page}: {}", path.display());
            shown.insert(path.canonicalize().unwrap_or_else(|_| panic!("{page}: {path:?}")));
        }
    }
    let drawn = fs::read_dir(root.join("docs/images")).unwrap().map(|file| file.unwrap().path());
    let drawn: Vec<_> = drawn.filter(|path| path.extension().is_some_and(|e| e == "svg")).collect();
    for path in &drawn {
        assert!(shown.contains(path), "no page shows {}", path.display());
        let text = fs::read_to_string(path).unwrap();
        for part in ["role=\"img\"", "aria-labelledby", "<title id=", "<desc id="] {
            assert!(text.contains(part), "{}: {part}", path.display());
        }
    }
    assert!(drawn.len() >= 3);
}

#[test]
fn configurations_are_what_the_product_takes() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = 0;
    let blocks = blocks::blocks();
    let yaml = blocks.iter().filter(|block| block.language == "yaml");
    for block in yaml.filter(|block| !INTEGRATIONS.contains(&&*block.page)) {
        let documents = YamlLoader::load_from_str(&block.text).unwrap();
        let keys: Vec<&str> =
            documents[0].as_hash().unwrap().keys().map(|k| k.as_str().unwrap()).collect();
        if keys.contains(&"scrape_configs") {
            prometheus(&documents[0]);
        } else if keys.contains(&"dags") {
            planned(&folder.path().join("workflow.yaml"), block);
        } else if keys.iter().all(|key| key.starts_with("topology.thalweg.")) {
            of_a_topology(block, &documents[0]);
        } else {
            checked(&folder.path().join("checked.yaml"), &block.text, &block.place());
        }
        seen += 1;
    }
    assert!(seen >= 8, "{seen} configurations");
    let mut within = 0;
    for span in blocks::spans() {
        if span.text.starts_with("thalweg.") && span.text.contains(": ") {
            checked(&folder.path().join("checked.yaml"), &span.text, &span.place());
            within += 1;
        }
    }
    assert!(within > 10, "{within} settings within lines");
}

#[test]
fn requests_are_what_an_engine_takes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({ "thalweg.mode": "confirm", "thalweg.store.dir": folder.path() });
    let engine = Engine::open(&settings.to_string()).unwrap();
    let now = Timestamp::from_millis(1_790_000_000_000);
    engine.command(r#"{"op": "lead"}"#, now).unwrap();
    let mut seen = 0;
    for span in blocks::spans() {
        if span.text.starts_with("{\"op\"") {
            // There is no plan to say anything about.
            match engine.command(&span.text, now) {
                Err(error) => {
                    assert!(error.to_string().contains("no plan"), "{}: {error}", span.place())
                }
                Ok(_) => seen += 1,
            }
        }
    }
    assert!(seen >= 4, "{seen} requests");
}

#[test]
fn json_is_json_and_a_record_has_what_records_have() {
    for block in blocks::blocks().iter().filter(|block| block.language == "json") {
        let shown: Value = serde_json::from_str(&block.text)
            .unwrap_or_else(|error| panic!("{}: {error}", block.place()));
        if shown.get("seq").is_some() {
            let mut world = World::new();
            let lines = world.run("head -n 1 /var/lib/storm/thalweg/ledger/*.jsonl");
            let written: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
            let keys =
                |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            for key in keys(&written) {
                assert!(keys(&shown).contains(&key), "{}: {key} is missing", block.place());
            }
        }
    }
}

/// The product finds nothing wrong with it.
fn checked(file: &Path, text: &str, place: &str) {
    fs::write(file, text).unwrap();
    let check = ["config", "check"];
    let check = Command::new(env!("CARGO_BIN_EXE_thalweg")).args(check).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(said.contains("nothing is wrong"), "{place}: {text}\n{said}");
}

/// A workflow is planned.
fn planned(file: &Path, block: &Block) {
    fs::write(file, &block.text).unwrap();
    let plan = ["workflow", "plan"];
    let plan = Command::new(env!("CARGO_BIN_EXE_thalweg")).args(plan).arg(file).output().unwrap();
    assert!(plan.status.success(), "{}: {}", block.place(), String::from_utf8_lossy(&plan.stderr));
}

/// Target and variables are the Makefile's.
fn make(command: &str) {
    let words = blocks::words(command);
    let text = fs::read_to_string(root().join("Makefile")).unwrap();
    for word in &words[1..] {
        if let Some((variable, _)) = word.split_once('=') {
            assert!(text.contains(&format!("$({variable})")), "{command}: no {variable} is used");
        }
    }
    let tried =
        Command::new("make").arg("-n").args(&words[1..]).current_dir(root()).output().unwrap();
    assert!(tried.status.success(), "{command}: {}", String::from_utf8_lossy(&tried.stderr));
}

/// The server is scraped where it listens unless it is told otherwise, and the rules are there.
fn prometheus(document: &Yaml) {
    let target = document["scrape_configs"][0]["static_configs"][0]["targets"][0].as_str().unwrap();
    let help =
        Command::new(env!("CARGO_BIN_EXE_thalweg")).args(["serve", "--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains(target), "{target}");
    let rules =
        Path::new("docs/operating/prometheus").join(document["rule_files"][0].as_str().unwrap());
    assert!(root().join(&rules).is_file(), "{}", rules.display());
}

/// Settings that come with a topology are read as the core reads them.
fn of_a_topology(block: &Block, document: &Yaml) {
    let texts = |value: &Yaml| match value.as_vec() {
        Some(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        None => vec![value.as_str().unwrap().to_owned()],
    };
    let own: BTreeMap<String, Vec<String>> = document
        .as_hash()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.as_str().unwrap().replacen("topology.", "", 1), texts(value)))
        .collect();
    let (mode, rules, problems) = Rules::of_topology(&own, "UTC");
    assert!(problems.is_empty(), "{}: {problems:?}", block.place());
    assert!(mode.is_some() && !rules.modes.is_empty() && !rules.freezes.is_empty());
}

#[test]
fn every_code_of_a_step_that_failed_is_explained_where_operators_look() {
    let root = root();
    let shell = root.join("jvm-adapter/shell/src/main/java/io/thalweg/shell/StepFailed.java");
    let shell = fs::read_to_string(shell).unwrap();
    let (_, body) = shell.split_once("public enum Code {").unwrap();
    let (body, _) = body.split_once('}').unwrap();
    let names = body.lines().map(|line| line.trim().trim_end_matches(','));
    let codes: Vec<&str> = names.filter(|name| is_code(name)).collect();
    assert!(codes.len() > 5, "{codes:?}");
    // Who ends plans besides: the actuator of both shells, and the engine.
    let others = ["BUSY", "NO_WAY", "UNREACHED", "INTERNAL", "LEADER_CHANGED", "ACTION_SILENT"];
    for (engine, page) in
        [("storm", "docs/operating/storm.md"), ("flink", "docs/operating/flink.md")]
    {
        let page = fs::read_to_string(root.join(page)).unwrap();
        let used = sources(&root.join(format!("jvm-adapter/{engine}/src/main")))
            + &sources(&root.join("jvm-adapter/shell/src/main"));
        let own = codes.iter().filter(|code| used.contains(&format!("Code.{code}")));
        for code in own.chain(&others) {
            assert!(page.contains(&format!("| `{code}` |")), "{engine}: {code} is not explained");
        }
    }
}

#[test]
fn every_code_of_a_step_from_beside_is_explained_where_operators_look() {
    let root = root();
    let page = fs::read_to_string(root.join("docs/operating/run.md")).unwrap();
    let shell = sources(&root.join("rust-core/shell/src"));
    let client = fs::read_to_string(root.join("rust-core/connect/src/flink/rescale.rs")).unwrap();
    // Phases, states of jobs, and what is counted without ending a plan.
    let others = [
        "PREPARE",
        "STARTED",
        "SWITCHED",
        "BACK",
        "START",
        "RUNNING",
        "FINISHED",
        "ACTUATOR_ERROR",
        "MONITOR_ERROR",
    ];
    let quoted = format!("{shell}{client}");
    let codes: BTreeSet<&str> = quoted.split('"').filter(|text| is_code(text)).collect();
    let codes = codes.into_iter().filter(|code| code.len() > 2 && !others.contains(code));
    let missing: Vec<&str> = codes.filter(|code| !page.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not explained: {missing:?}");
}

fn is_code(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The text of all files below a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text += &match path.is_dir() {
            true => sources(&path),
            false => fs::read_to_string(&path).unwrap_or_default(),
        };
    }
    text
}
