//! The code is a house with floors: each module uses only what stands below it.
//!
//! This reads the imports of every crate and fails on one that leads upwards, and on modules that take
//! names from each other in a circle.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::{Arrow, Crate};

/// The crates of the workspace, the lowest first, with those that each may use.
const CRATES: [(&str, &[&str]); 22] = [
    ("rust-core/bounds", &[]),
    ("rust-core/place", &[]),
    ("rust-core/core", &["place"]),
    ("rust-core/codec", &["core"]),
    ("rust-core/store", &["core"]),
    ("rust-core/sim", &["bounds", "core"]),
    ("rust-core/learn", &["core"]),
    ("rust-core/workflow", &["bounds"]),
    ("rust-core/ledger", &[]),
    ("rust-core/control", &["bounds"]),
    ("rust-core/connect", &["bounds", "core", "codec"]),
    ("rust-core/engine", &["bounds", "core", "store", "ledger", "control"]),
    ("rust-core/shell", &["core", "control", "connect", "engine"]),
    ("rust-core/jni", &["core", "codec", "engine"]),
    ("rust-core/serve", &["core", "control", "engine", "sim"]),
    (
        "rust-core/cli",
        &[
            "core", "store", "ledger", "control", "connect", "engine", "shell", "serve", "sim",
            "learn", "workflow",
        ],
    ),
    ("tests/lab", &[]),
    ("tests/experiment", &["core", "control", "engine", "serve", "sim", "lab"]),
    ("tests/e2e", &["control", "connect", "lab"]),
    ("tests/policies", &["core", "engine", "sim", "learn"]),
    (
        "tests/parsers",
        &[
            "core", "codec", "store", "ledger", "control", "connect", "engine", "serve", "sim",
            "workflow",
        ],
    ),
    ("tests/scale", &["core", "codec", "control", "connect", "engine", "serve", "lab", "policies"]),
];

/// The floors of the core and the modules on them, the lowest first. A module may use those before it.
const FLOORS: [(&str, &[&str]); 9] = [
    (
        "vocabulary",
        &[
            "units",
            "pattern",
            "windows",
            "model",
            "namesakes",
            "reason",
            "settings",
            "operator",
            "context",
        ],
    ),
    ("measurement", &["learning", "signals", "capacity", "demand", "diagnose"]),
    ("placement and plans", &["place", "plan", "explain"]),
    ("policies", &["policy"]),
    ("memory", &["action", "state"]),
    ("one observation", &["node_capacity", "background", "assess"]),
    ("arrangement", &["arrange", "cluster"]),
    (
        "judgement",
        &[
            "permission",
            "allowed",
            "adoption",
            "budget",
            "ask",
            "guard",
            "outcome",
            "recovery",
            "rollback",
        ],
    ),
    ("entries", &["decide", "assign"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn core() -> Crate {
    Crate::read(&root().join("rust-core/core/src"))
}

/// Arrows to a module that stands no lower than its user, and modules that stand on no floor.
fn upward(house: &Crate, floors: &[&str]) -> Vec<String> {
    let floor = |module: &str| {
        let outermost = module.split("::").next().unwrap_or_default();
        floors.iter().position(|name| *name == outermost)
    };
    let homeless = house.outermost().into_iter().filter(|name| floor(name).is_none());
    let homeless = homeless.map(|name| format!("{name} stands on no floor")).collect::<Vec<_>>();
    let leads_up = |(user, used): &Arrow| {
        let same_room = user.split("::").next() == used.split("::").next();
        // The root only hands names on.
        !user.is_empty() && !same_room && floor(used) >= floor(user)
    };
    let arrows = house.arrows();
    let upward = arrows.iter().filter(|arrow| leads_up(arrow));
    homeless.into_iter().chain(upward.map(|(user, used)| format!("{user} uses {used}"))).collect()
}

/// The arrows from whose end arrows lead back to their beginning.
fn circles(arrows: &BTreeSet<Arrow>) -> BTreeSet<Arrow> {
    let leads_back = |(user, used): &&Arrow| reached_from(used, arrows).contains(user.as_str());
    arrows.iter().filter(leads_back).cloned().collect()
}

fn reached_from<'a>(start: &'a str, arrows: &'a BTreeSet<Arrow>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::from([start]);
    let mut next = vec![start];
    while let Some(at) = next.pop() {
        let ahead = arrows.iter().filter(|(user, _)| user == at).map(|(_, used)| used.as_str());
        next.extend(ahead.filter(|used| reached.insert(used)));
    }
    reached
}

/// The names of our crates among the dependencies of a manifest that are not for tests alone.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let (true, Some(rest)) =
            (section == "[dependencies]", line.strip_prefix("thalweg-"))
        {
            found.extend(rest.split(['.', ' ', '=']).next().map(str::to_owned));
        }
    }
    found
}

#[test]
fn the_core_uses_only_what_stands_below() {
    let modules: Vec<&str> = FLOORS.iter().flat_map(|(_, modules)| *modules).copied().collect();
    let upward = upward(&core(), &modules);
    assert!(upward.is_empty(), "leads upwards:\n{}", upward.join("\n"));
}

#[test]
fn no_modules_of_any_crate_take_names_from_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (folder, _) in &CRATES {
        let circles = circles(&Crate::read(&root().join(folder).join("src")).arrows());
        found.extend(circles.iter().map(|(user, used)| format!("{folder}: {user} uses {used}")));
    }
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

#[test]
fn crates_use_only_those_that_stand_below() {
    let mut wrong = Vec::new();
    for (folder, allowed) in CRATES {
        let manifest = root().join(folder).join("Cargo.toml");
        let manifest = fs::read_to_string(&manifest).expect("every crate has a manifest");
        let named = Crate::read(&root().join(folder).join("src")).crates();
        let named = named.iter().map(|name| name.trim_start_matches("thalweg_").to_owned());
        let own = folder.rsplit('/').next().unwrap_or_default();
        let used = dependencies(&manifest).into_iter().chain(named);
        let used = used.filter(|used| used != own && !allowed.contains(&used.as_str()));
        wrong.extend(used.map(|used| format!("{folder} uses {used}")));
    }
    assert!(wrong.is_empty(), "not allowed:\n{}", wrong.join("\n"));
}

#[test]
fn every_crate_of_the_workspace_is_looked_at() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("there is a workspace");
    let members = manifest.lines().find(|line| line.starts_with("members")).unwrap_or_default();
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(members, CRATES.iter().map(|(folder, _)| *folder).collect());
    // Each may only use those before it.
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, (folder, allowed)) in CRATES.iter().enumerate() {
        assert!(allowed.iter().all(|name| names.contains_key(name)), "{folder}");
        names.insert(folder.rsplit('/').next().unwrap_or_default(), place);
    }
}

/// A made-up crate.
fn house(modules: &[(&str, &str)]) -> Crate {
    Crate::of(modules.iter().copied())
}

#[test]
fn an_import_that_leads_upwards_is_found_however_it_is_written() {
    let texts = [
        "use crate::upper::Thing;",
        "pub use crate::upper::{\n    Other,\n    deeper::{self, Thing as Another},\n};",
        "fn f(thing: &crate::upper::Thing) {}",
        "use super::upper::*;",
    ];
    for text in texts {
        let found = upward(
            &house(&[("", ""), ("lower", text), ("upper", ""), ("upper::deeper", "")]),
            &["lower", "upper"],
        );
        assert!(found.iter().any(|arrow| arrow.starts_with("lower uses upper")), "{text}");
        let fine = upward(&house(&[("", ""), ("upper", text), ("lower", "")]), &["lower", "upper"]);
        assert!(fine.is_empty(), "{fine:?}");
    }
    assert_eq!(upward(&house(&[("new", "")]), &["old"]), ["new stands on no floor"]);
}

#[test]
fn comments_and_tests_may_name_what_they_like() {
    let text = "/// As [`Thing`](crate::upper::Thing).\n#[cfg(test)]\nmod testing;\n\n\
                #[cfg(test)]\nmod tests {\n    use crate::upper::Thing;\n}\n";
    let modules = [("lower", text), ("lower::testing", "use crate::upper::Thing;"), ("upper", "")];
    assert_eq!(house(&modules).arrows(), BTreeSet::new());
}

#[test]
fn a_circle_is_found_and_who_only_stands_beside_it_is_not() {
    let modules = [
        ("a", "use crate::b::B;\nuse crate::below::Below;"),
        ("b", "use crate::c::C;"),
        ("c", "use super::a::A;"),
        ("below", ""),
        ("above", "use crate::a::A;"),
    ];
    let arrows = house(&modules).arrows();
    let found = circles(&arrows);
    let arrow = |user: &str, used: &str| (user.to_owned(), used.to_owned());
    assert_eq!(found, BTreeSet::from([arrow("a", "b"), arrow("b", "c"), arrow("c", "a")]));
}

#[test]
fn a_name_that_is_handed_on_belongs_to_the_module_that_defines_it() {
    let modules = [
        ("room", "mod one;\nmod two;\npub use one::One;\npub use two::Two;"),
        ("room::one", ""),
        ("room::two", "use super::One;"),
    ];
    let arrows = house(&modules).arrows();
    assert!(arrows.contains(&("room::two".to_owned(), "room::one".to_owned())), "{arrows:?}");
    assert_eq!(circles(&arrows), BTreeSet::new());
}

#[test]
fn dependencies_for_tests_do_not_count() {
    let manifest = "[dependencies]\nserde.workspace = true\nthalweg-core.workspace = true\n\
                    [dev-dependencies]\nthalweg-sim.workspace = true\n";
    assert_eq!(dependencies(manifest), BTreeSet::from(["core".to_owned()]));
}
