//! What the library brings into somebody else's Nimbus or JobManager.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::Command;

/// Runtimes with threads of their own, and what listens at TCP ports.
const NOT_THERE: [&str; 10] = [
    "async-std",
    "axum",
    "hyper",
    "mio",
    "reqwest",
    "smol",
    "thalweg-connect",
    "thalweg-serve",
    "tokio",
    "tower",
];

/// The names of all crates that it is linked with.
fn linked() -> BTreeSet<String> {
    let arguments = ["tree", "--package", "thalweg-jni", "--edges", "normal", "--prefix", "none"];
    let told = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--format", "{p}", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn no_asynchronous_runtime_and_no_server_comes_with_the_library() {
    let linked = linked();
    for there in ["thalweg-engine", "thalweg-store", "redis", "serde"] {
        assert!(linked.contains(there), "{there} is missing, so others may be too: {linked:?}");
    }
    let found: Vec<&str> = NOT_THERE.into_iter().filter(|name| linked.contains(*name)).collect();
    assert_eq!(found, Vec::<&str>::new());
}
