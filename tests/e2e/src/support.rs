//! The support matrix: what each test on a real cluster shows, and the page that is made of their results.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What is done for what a row names.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It is measured, decided on and acted upon.
    Works,
    /// It is seen, named and not touched.
    LeftAlone,
}

/// One line of the matrix.
#[derive(Debug)]
pub struct Row {
    engine: &'static str,
    version: &'static str,
    mode: &'static str,
    feature: &'static str,
    answer: Answer,
    /// The test that shows it; empty for what no test tries.
    pub test: &'static str,
}

use Answer::{LeftAlone, Works};

const fn row(
    on: [&'static str; 3],
    feature: &'static str,
    answer: Answer,
    test: &'static str,
) -> Row {
    let [engine, version, mode] = on;
    Row { engine, version, mode, feature, answer, test }
}

const STORM: [&str; 3] = ["Storm", "2.8.3", "act"];
const FLINK: [&str; 3] = ["Flink", "2.3.0", "act"];

/// In the order of the page.
pub const ROWS: &[Row] = &[
    row(STORM, "a bottleneck is relieved while the topology runs, tables in Redis", Works, ACT),
    row(STORM, "placement constraints (`topology.ras.constraints`)", Works, ACT),
    row(
        STORM,
        "topologies that Storm placed: held until `thalweg.adopt` or an order allows",
        Works,
        LADDER,
    ),
    row(STORM, "native library missing", LeftAlone, LADDER),
    row(["Storm", "2.8.3", "observe"], "measures and explains, changes nothing", Works, LADDER),
    row(
        STORM,
        "others submit, kill and rebalance beside an action; one-worker topologies",
        Works,
        "topologies_come_and_go_beside_an_action",
    ),
    row(
        STORM,
        "Nimbus, supervisors, Redis fail in the middle of a plan",
        Works,
        "faults_leave_nothing_unassigned",
    ),
    row(
        STORM,
        "a stopped topology runs again whatever becomes of Nimbus",
        Works,
        "nothing_stays_stopped",
    ),
    row(
        STORM,
        "two Nimbuses, a store each: the leader ends, stands still or is cut off while a topology is drained",
        Works,
        "a_topology_that_is_drained_runs_on_under_another_leader",
    ),
    row(
        STORM,
        "the same while new workers start beside the old",
        Works,
        "a_topology_that_gets_new_workers_runs_on_under_another_leader",
    ),
    row(
        STORM,
        "the same with one Redis",
        Works,
        "with_a_shared_store_a_topology_runs_on_under_another_leader",
    ),
    row(
        STORM,
        "declared resources, multilang, windows, ticks on one cluster: each as it asks while another grows",
        Works,
        "topologies_of_several_kinds_run_on_while_one_grows",
    ),
    row(
        STORM,
        "the same with Flux, state, Trident, loops, own groupings, no ackers, asynchronous and failing bolts",
        Works,
        "topologies_of_all_kinds_run_on_while_one_grows",
    ),
    row(["Storm", "2.7.1", "act"], "an order for another executor", Works, LINES),
    row(["Storm", "2.6.4", "act"], "an order for another executor", Works, LINES),
    row(
        ["Storm", "2.5.0", "act"],
        "Nimbus lives and is measured; no topology was run",
        Works,
        "nimbus_lives_on_a_line_before_those",
    ),
    row(
        ["Storm", "2.8.3", "act, from beside"],
        "executor counts follow the load; killed in the midst of a change, it takes that back",
        Works,
        LADDER,
    ),
    row(["Storm", "2.8.3", "advise, from beside"], ADVISED, Works, LADDER),
    row(["Storm", "3.x", "act"], "any", Works, ""),
    row(STORM, "Kerberos, TLS and authorizers", Works, ""),
    row(
        FLINK,
        "orders are carried out, every record counted once",
        Works,
        "orders_are_carried_out_and_every_word_is_counted_once",
    ),
    row(
        FLINK,
        "managed memory of one vertex",
        Works,
        "a_vertex_with_slots_of_its_own_gets_other_memory_while_it_runs",
    ),
    row(
        FLINK,
        "a bottleneck is relieved (policy `ds2`)",
        Works,
        "a_bottleneck_is_relieved_by_the_policy_ds2",
    ),
    row(
        FLINK,
        "TaskManager, JobManager, Redis fail in the middle of a plan",
        Works,
        "faults_lose_nothing_and_count_nothing_twice",
    ),
    row(
        FLINK,
        "two JobManagers: the leading one ends or stands still at each step of a plan",
        Works,
        "whoever_leads_next_goes_on_with_what_the_other_restarted_itself",
    ),
    row(
        ["Flink", "2.3.0", "act, level 1"],
        "the same",
        Works,
        "whoever_leads_next_goes_on_with_what_the_other_asked_of_flink",
    ),
    row(
        FLINK,
        "broadcast rules, bounded beside unbounded, sources of the old kind: each is left as it is while a job of two slot \
         sharing groups grows",
        Works,
        "jobs_of_several_kinds_run_on_while_one_grows",
    ),
    row(
        FLINK,
        "the same with SQL, side outputs, asynchronous I/O, windows, timers, joins, silent and restarting jobs",
        Works,
        "jobs_of_all_kinds_run_on_while_two_grow",
    ),
    row(
        FLINK,
        "Nexmark in SQL (q4, q5, q8, q9) under the policy `thalweg`: each grows and comes to the same as left alone",
        Works,
        "queries_in_sql_grow_and_come_to_the_same",
    ),
    row(
        FLINK,
        "a job ends while a plan for it is carried out",
        Works,
        "a_plan_for_a_job_that_ends_holds_nobody_up",
    ),
    row(FLINK, "batch jobs", LeftAlone, ALONE),
    row(FLINK, "jobs without checkpoints", LeftAlone, ALONE),
    row(FLINK, "vertices that cannot be rescaled; bounds that users set", LeftAlone, ALONE),
    row(
        FLINK,
        "native library missing, wrong settings, jar taken out",
        LeftAlone,
        "flinks_own_scheduler_takes_over",
    ),
    row(
        ["Flink", "2.2.1", "act"],
        "orders are carried out, every record counted once",
        Works,
        "orders_are_carried_out_on_the_line_before_where_task_managers_have_names",
    ),
    row(["Flink", "1.20.5", "act, from beside"], "parallelism follows the load", Works, BESIDE),
    row(["Flink", "1.20.5", "advise, from beside"], ADVISED, Works, BESIDE),
    row(
        ["Flink", "2.1.3, 2.0.0", "act, level 1"],
        "an order for other parallelism, every record counted once",
        Works,
        "lines_before_those_whose_slots_are_known_are_led_at_level_one",
    ),
    row(
        ["Flink", "1.19.3, 1.18.1", "act, from beside"],
        "parallelism follows the load",
        Works,
        BESIDE_OLDER,
    ),
    row(["Flink", "1.19.3, 1.18.1", "advise, from beside"], ADVISED, Works, BESIDE_OLDER),
    row(
        ["Flink", "1.20.5, 1.19.3, 1.18.1", "the jar in `lib/`"],
        "jobs run and rescale as without it, and the log says so",
        LeftAlone,
        "a_line_that_is_led_from_beside_only_runs_its_jobs_whatever_lies_in_its_lib",
    ),
    row(FLINK, "Kubernetes and YARN", Works, ""),
];

const ACT: &str = "a_bottleneck_is_relieved_once_and_the_store_follows";
const LADDER: &str = "storms_own_scheduler_takes_over";
const LINES: &str = "older_lines_are_led_as_the_newest_is";
const BESIDE: &str = "parallelism_follows_the_load_of_a_cluster_in_which_nothing_is_installed";
const BESIDE_OLDER: &str = "parallelism_follows_on_the_lines_before_the_one_that_is_kept";
const ADVISED: &str = "what would be changed is told, and nothing is touched";
const ALONE: &str = "jobs_that_must_not_be_changed_are_named_and_others_go_on";

/// How a test ended last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Whether it passed.
    pub passed: bool,
    /// The commit that was tested.
    pub commit: String,
    /// The day.
    pub date: String,
}

/// How each test ended, by the name of its function.
pub type Results = BTreeMap<String, Seen>;

/// What a log of Cargo's test runner tells of the tests that the matrix names.
pub fn results(log: &str) -> BTreeMap<String, bool> {
    let named = |test: &str| ROWS.iter().any(|row| row.test == test);
    log.lines()
        .filter_map(|line| {
            let (name, end) = line.strip_prefix("test ")?.split_once(" ... ")?;
            let function = name.rsplit("::").next()?;
            let passed = match end {
                "ok" => true,
                "FAILED" => false,
                _ => return None,
            };
            named(function).then(|| (function.to_owned(), passed))
        })
        .collect()
}

/// Reads the results that were kept.
///
/// # Errors
/// Names the file when it holds something else.
pub fn read(file: &Path) -> Result<Results> {
    if !file.exists() {
        return Ok(Results::new());
    }
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

/// The page.
pub fn page(results: &Results) -> String {
    let mut page = String::from(
        "# Support matrix\n\n\
         Made from the results of the tests on real clusters (`make test`, `make thorough-test`, `make zoo`, then\n\
         `make support`), as they lie in [support.json](../results/support.json). *Works*: measured, decided on, acted upon. *Left alone*: seen, named\n\
         and not touched. What no test tried on a real cluster says so, whatever unit tests say of it.\n\n\
         | engine | version | mode | what | answer | last seen |\n|---|---|---|---|---|---|\n",
    );
    for Row { engine, version, mode, feature, answer, test } in ROWS {
        let seen = results.get(*test);
        let answer = match (seen.map(|seen| seen.passed), answer) {
            (None, _) => "not tried",
            (Some(false), _) => "**fails**",
            (Some(true), Works) => "works",
            (Some(true), LeftAlone) => "left alone",
        };
        let last = seen.map_or(String::new(), |seen| format!("{}, {}", seen.date, seen.commit));
        writeln!(page, "| {engine} | {version} | {mode} | {feature} | {answer} | {last} |")
            .expect("a string takes whatever is written");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    #[test]
    fn the_page_is_what_the_results_say() -> Result<()> {
        let results = read(&Path::new(ROOT).join("docs/results/support.json"))?;
        let kept = fs::read_to_string(Path::new(ROOT).join("docs/reference/support.md"))?;
        assert_eq!(kept, page(&results), "run make support");
        Ok(())
    }

    #[test]
    fn every_row_names_a_test_that_there_is() -> Result<()> {
        let mut sources = String::new();
        for folder in ["", "/thorough", "/whole_zoo"].map(|of| format!("tests/e2e/tests{of}")) {
            for entry in fs::read_dir(Path::new(ROOT).join(folder))? {
                let path = entry?.path();
                if path.extension().is_some_and(|end| end == "rs") {
                    sources += &fs::read_to_string(path)?;
                }
            }
        }
        for row in ROWS.iter().filter(|row| !row.test.is_empty()) {
            assert!(sources.contains(&format!("fn {}(", row.test)), "no test {}", row.test);
        }
        Ok(())
    }

    #[test]
    fn logs_are_read_as_cargo_writes_them() {
        let log = "running 2 tests\ntest two::nothing_stays_stopped ... ok\n\
                   test storms_own_scheduler_takes_over ... FAILED\ntest another ... ok\n";
        let expected = [(LADDER, false), ("nothing_stays_stopped", true)];
        assert_eq!(results(log), expected.map(|(name, passed)| (name.to_owned(), passed)).into());
    }

    #[test]
    fn what_was_not_seen_is_not_claimed() {
        assert!(!page(&Results::new()).contains("| works |"));
        let seen =
            |passed| Seen { passed, commit: "abc".to_owned(), date: "2026-01-02".to_owned() };
        let failed = page(&[(LADDER.to_owned(), seen(false))].into());
        assert!(failed.contains("**fails** | 2026-01-02, abc"), "{failed}");
        assert!(page(&[(LADDER.to_owned(), seen(true))].into()).contains("| left alone |"));
    }
}
