//! Each seed of the fuzzers goes through its parser once, as do small pieces of it.

use std::fs;
use std::path::{Path, PathBuf};

use thalweg_parsers::{TARGETS, check};

/// The most bytes of all seeds: they are copied with the sources.
const MOST: u64 = 2 << 20;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds")
}

fn names(folder: &Path) -> Vec<String> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |file: std::io::Result<fs::DirEntry>| {
        file.expect("it can be listed").file_name().into_string().expect("names are plain")
    };
    let mut names: Vec<String> = read.map(name).collect();
    names.sort();
    names
}

/// One test, as memory is counted over the whole process.
#[test]
fn each_seed_is_read_as_it_has_to_be() {
    let mut whole = 0;
    for target in &TARGETS {
        let folder = seeds().join(target.name);
        let seeds = names(&folder);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        check(target.name, b"");
        for seed in seeds {
            println!("{}/{seed}", target.name);
            let bytes = fs::read(folder.join(seed)).expect("it is there");
            whole += bytes.len() as u64;
            check(target.name, &bytes);
            // What is cut off, and what is not what it was at one place.
            for part in 1..8 {
                let at = bytes.len() * part / 8;
                check(target.name, &bytes[..at]);
                let mut changed = bytes.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1 << (part % 8);
                }
                check(target.name, &changed);
            }
        }
    }
    assert!(whole < MOST, "{whole} bytes of seeds");
}

#[test]
fn each_parser_has_a_fuzzer_and_each_fuzzer_a_parser() {
    let mut targets: Vec<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    targets.sort();
    assert_eq!(names(&seeds()), targets);
    let fuzzers = names(&seeds().join("../fuzz_targets"));
    let files: Vec<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(fuzzers, files);
    let manifest = fs::read_to_string(seeds().join("../Cargo.toml")).expect("it is there");
    for name in targets {
        let path = format!("fuzz_targets/{name}.rs");
        assert!(manifest.contains(&path), "fuzz/Cargo.toml lacks {path}");
        let fuzzer = fs::read_to_string(seeds().join("..").join(path)).expect("it is there");
        assert!(fuzzer.contains(&format!("check(\"{name}\", bytes)")), "{fuzzer}");
    }
}
