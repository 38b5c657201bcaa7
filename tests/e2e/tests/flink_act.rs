//! Plans carried out on a real Flink cluster: out, in, elsewhere, and every word counted once.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_e2e::FlinkProduct;
use thalweg_e2e::flink::ORDERS_ONLY;
use thalweg_e2e::orders::{SLOT_MIB, orders_are_carried_out};
use thalweg_e2e::product::WORDS_PER_LINE;
use thalweg_lab::flink::FlinkLine;
use thalweg_lab::load::Rate;

const LINES: f64 = 100.0;
/// State in managed memory, with its lookups counted.
const ROCKS: [(&str, &str); 3] = [
    ("state.backend.type", "rocksdb"),
    ("state.backend.rocksdb.metrics.block-cache-hit", "true"),
    ("state.backend.rocksdb.metrics.block-cache-miss", "true"),
];

#[test]
fn orders_are_carried_out_and_every_word_is_counted_once() -> Result<()> {
    orders_are_carried_out(FlinkLine::V2_3, |builder| builder)
}

#[test]
fn a_vertex_with_slots_of_its_own_gets_other_memory_while_it_runs() -> Result<()> {
    let settings: Vec<_> = ORDERS_ONLY.map(|(key, value)| (key, json!(value))).into();
    let mut product = FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| {
        ROCKS.iter().fold(builder, |builder, (key, value)| builder.set(key, *value))
    })?;
    let words = product.word_count("words").set("countGroup", "counting").set("count", 2);
    let job = product.submit(&words)?;
    product.load(Rate::Constant(LINES))?;
    product.table_is_the_truth(&job.id)?;
    product.slots_have(&[SLOT_MIB; 3])?;
    product.recorded("lookups of state, and those that memory answered", |job| {
        let answered = |executor: &Value| {
            let [lookups, hits] = ["state_accesses", "state_hits"]
                .map(|counter| executor["counters"][counter].as_u64().unwrap_or_default());
            0 < hits && hits <= lookups
        };
        job["executors"].as_array().into_iter().flatten().filter(|e| answered(e)).count() == 2
    })?;
    let steps = [(48, [SLOT_MIB, 48, 48]), (24, [24, 24, SLOT_MIB]), (SLOT_MIB, [SLOT_MIB; 3])];
    for (desired, slots) in steps {
        let last = product.last_plan()?;
        product.order_memory("words", &[("count", desired)])?;
        let plan = product.plan_after(last.as_deref())?;
        ensure!(plan.how == "own_trigger", "{plan:?}\n{}", product.evidence());
        product.slots_have(&slots)?;
        product.table_is_the_truth(&job.id)?;
    }
    product.counts_exactly_once("words")?;
    product.stop()
}

/// What three subtasks can do and one cannot.
const WAIT_MS: f64 = 12.0;
const LOAD: f64 = 120.0;

#[test]
fn a_bottleneck_is_relieved_by_the_policy_ds2() -> Result<()> {
    let settings = [("thalweg.policy", json!("ds2")), ("thalweg.ds2.headroom", json!(0.25))];
    let mut product = FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| builder)?;
    let job = product.submit(&product.word_count("words").set("splitWait", WAIT_MS))?;
    product.load(Rate::Constant(LOAD))?;
    product.wait("the whole load's words", || {
        Ok((product.rate("words")? >= 0.95 * LOAD * WORDS_PER_LINE).then_some(()))
    })?;
    product.wait("two to four subtasks by a plan for split", || {
        let split = product.flink.rest().job(&job.id)?.vertex("split")?.parallelism;
        ensure!((2..=4).contains(&split), "{split} subtasks");
        let ended = product.status()?.ended;
        let first = ended.last().context("no plan has ended")?;
        ensure!(first.plan.counts.contains_key("split"), "{first:?}");
        Ok(Some(()))
    })?;
    flinks_registry_shows_it(&product, &job.id)?;
    product.counts_exactly_once("words")?;
    product.stop()
}

/// Flink's REST interface shows the same groups that its reporters see.
fn flinks_registry_shows_it(product: &FlinkProduct, job: &str) -> Result<()> {
    let of_job = (format!("jobs/{job}"), "thalweg.executors");
    let gauges = [("jobmanager".to_owned(), "thalweg.engine_leads"), of_job];
    product.wait("gauges in Flink's registry", || {
        for (of, name) in &gauges {
            let shown = product.flink.rest().get(&format!("/{of}/metrics?get={name}"))?;
            let value: f64 =
                shown[0]["value"].as_str().with_context(|| shown.to_string())?.parse()?;
            ensure!(value >= 1.0, "{name} is {value}");
        }
        Ok(Some(()))
    })
}
