//! What a workflow file may say, and what is said of one that is wrong.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use thalweg_workflow::{Budget, CostFrom, Money, Plan, Time, Workflow, WorkflowError, plan, read};

const GOOD: &str = "\
alpha: 0.5
currency: EUR
resources: {cores: 8, memory_gib: 32}
price_per_hour: {cores: 0.36}
dags:
  nightly:
    extract:
      run: python extract.py
      default: small
      configurations:
        small: {uses: {cores: 2}, runs: [100, 300, 110]}
        large:
          uses: {cores: 8, memory_gib: 8}
          run: python extract.py --threads 8
          runs: [{seconds: 40, cost: 0.5}, {seconds: 60, cost: 0.7}]
        huge: {uses: {cores: 16}, runs: [30]}
        untried: {uses: {cores: 4}}
    load:
      after: [extract]
      configurations:
        only: {uses: {cores: 1}, runs: [20]}
";

fn good() -> Workflow {
    read("w.yaml", GOOD).unwrap()
}

/// What is said of the good file with one text in it replaced.
fn wrong(from: &str, to: &str) -> WorkflowError {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    read("w.yaml", &GOOD.replace(from, to)).unwrap_err()
}

fn planned(workflow: &Workflow) -> Plan {
    plan(workflow, &mut Budget::new(10_000, &mut || false)).unwrap()
}

#[test]
fn medians_of_past_runs_are_what_is_planned_with() {
    let workflow = good();
    let [extract, load] = &workflow.tasks[..] else { panic!("two tasks") };
    let small = extract.configurations[0].measured.unwrap();
    // Two cores at 0.36 an hour, for 110 s: 2 · 0.36 · 110 / 3600 = 0.022.
    assert_eq!((small.runs, small.length), (3, Time::of(110_000)));
    assert_eq!(
        (small.cost, small.cost_from),
        (Money::from_units(0.022).unwrap(), CostFrom::Prices)
    );
    let large = extract.configurations[1].measured.unwrap();
    assert_eq!((large.length, large.cost.units()), (Time::of(50_000), 0.6));
    assert_eq!(large.cost_from, CostFrom::Runs);
    assert_eq!(extract.command(0), Some("python extract.py"));
    assert_eq!(extract.command(1), Some("python extract.py --threads 8"));
    assert_eq!((load.after.as_slice(), load.default, load.command(0)), (&[0][..], 0, None));
}

#[test]
fn what_never_ran_or_is_too_large_is_not_used_and_named() {
    let plan = planned(&good());
    let json = serde_json::to_value(&plan).unwrap();
    let others = json["tasks"][0]["others"].as_array().unwrap();
    let code = |name: &str| {
        let other = others.iter().find(|other| other["configuration"] == name).unwrap();
        other["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(plan.tasks[0].configuration, "small");
    assert_eq!(
        [code("large"), code("huge"), code("untried")],
        ["WOULD_BE", "TOO_LARGE", "NEVER_RAN"]
    );
    assert_eq!(json["tasks"][1]["starts_because"]["task"], "nightly.extract");
    assert_eq!(json["makespan_secs"]["planned"], 130.0);
}

#[test]
fn each_fault_names_its_line_and_what_was_expected() {
    let runs = "runs: [100, 300, 110]";
    let cases = [
        (
            "alpha: 0.5",
            "alpha: 1.5",
            1,
            "WORKFLOW_VALUE",
            "alpha: expected a number from 0 (cost alone) to 1",
        ),
        ("alpha: 0.5", "alpha: '0.5'", 1, "WORKFLOW_VALUE", "alpha: expected a number"),
        (
            "alpha: 0.5",
            "alhpa: 0.5",
            1,
            "WORKFLOW_KEY",
            "the file has no key alhpa; expected alpha, currency",
        ),
        (
            "cores: 8, memory_gib: 32",
            "cores: many",
            3,
            "WORKFLOW_VALUE",
            "resources.cores: expected a number",
        ),
        (
            "price_per_hour: {cores",
            "price_per_hour: {gpus",
            4,
            "WORKFLOW_KEY",
            "no key gpus; expected cores, memory_gib",
        ),
        (
            "price_per_hour: {cores: 0.36}\n",
            "",
            10,
            "WORKFLOW_COST",
            "small.runs: what these runs cost is not known",
        ),
        (
            "price_per_hour: {cores: 0.36}",
            "price_per_hour: {cores: 0}",
            1,
            "WORKFLOW_COST",
            "the defaults cost nothing",
        ),
        (
            "    extract:\n",
            "    1st:\n",
            7,
            "WORKFLOW_VALUE",
            "dags.nightly: expected a name: a letter",
        ),
        (
            "default: small",
            "default: tiny",
            9,
            "WORKFLOW_VALUE",
            "dags.nightly.extract.default: expected one of small, large",
        ),
        (
            "      default: small\n",
            "",
            8,
            "WORKFLOW_MISSING",
            "dags.nightly.extract: default is missing",
        ),
        (
            "default: small",
            "default: untried",
            7,
            "WORKFLOW_NO_RUNS",
            "nightly.extract: untried has no past runs",
        ),
        (
            "default: small",
            "default: huge",
            7,
            "WORKFLOW_FITS_NOWHERE",
            "huge, its default, needs 16 cores, and there are 8",
        ),
        (
            "only: {uses: {cores: 1}, runs: [20]}",
            "only: {uses: {cores: 1}}",
            18,
            "WORKFLOW_NO_RUNS",
            "every configuration has no past runs",
        ),
        (
            runs,
            "runs: [100, 0]",
            11,
            "WORKFLOW_VALUE",
            "small.runs: expected seconds of at least 0.001",
        ),
        (runs, "runs: [{cost: 1}]", 11, "WORKFLOW_MISSING", "small.runs: seconds is missing"),
        (
            runs,
            "runs: [1, {seconds: 1, price: 1}]",
            11,
            "WORKFLOW_KEY",
            "small.runs has no key price; expected seconds, cost",
        ),
        (
            "after: [extract]",
            "after: [extrct]",
            19,
            "WORKFLOW_DEPENDENCY",
            "nightly.load is after \"extrct\", and nightly has no such task",
        ),
        (
            "after: [extract]",
            "after: [load]",
            19,
            "WORKFLOW_CIRCLE",
            "nightly.load waits for itself",
        ),
        (
            "after: [extract]",
            "after: extract",
            19,
            "WORKFLOW_VALUE",
            "nightly.load.after: expected a list, as [first, second]",
        ),
        (
            "      run: python extract.py\n",
            "      after: [load]\n",
            7,
            "WORKFLOW_CIRCLE",
            "tasks wait for each other: nightly.extract, which is after nightly.load",
        ),
        ("currency: EUR", "alpha: 0.4", 2, "WORKFLOW_YAML", "alpha is there twice"),
        (
            "currency: EUR",
            "currency: &a EUR",
            2,
            "WORKFLOW_YAML",
            "anchors, aliases and tags are not taken",
        ),
        ("currency: EUR", "currency: [", 3, "WORKFLOW_YAML", ""),
    ];
    for (from, to, line, code, said) in cases {
        let error = wrong(from, to);
        assert_eq!((error.line, error.code()), (line, code), "{to}: {error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().starts_with(&format!("w.yaml:{line}: ")), "{error}");
    }
}

#[test]
fn what_is_too_large_or_too_dense_is_not_read() {
    let code = |text: &str| read("w.yaml", text).unwrap_err().code();
    assert_eq!(code(&"# comment\n".repeat(500_000)), "WORKFLOW_LIMIT");
    assert_eq!(code(&"[".repeat(100_000)), "WORKFLOW_LIMIT");
    assert_eq!(code(&"- ".repeat(100_000)), "WORKFLOW_LIMIT");
    assert_eq!(code(""), "WORKFLOW_YAML");
    assert_eq!(code("dags: {}\n---\ndags: {}\n"), "WORKFLOW_YAML");
    let many: String =
        (0..1_001).map(|at| format!("    t{at}: {{}} # {:60}\n", "so long")).collect();
    assert_eq!(code(&format!("resources: {{cores: 1}}\ndags:\n  d:\n{many}")), "WORKFLOW_VALUE");
}

proptest! {
    #[test]
    fn no_file_whatever_is_in_it_ends_with_a_panic(at in 0..GOOD.len(), length in 0usize..40, put in "[-a-z0-9:,&*!{}\\[\\]'\" \n|>]{0,12}") {
        let end = (at + length).min(GOOD.len());
        let text = format!("{}{put}{}", &GOOD[..at], &GOOD[end..]);
        if let Ok(workflow) = read("w.yaml", &text) {
            let plan = planned(&workflow);
            prop_assert!(plan.objective <= 1.0 + 1e-9);
        }
    }
}
