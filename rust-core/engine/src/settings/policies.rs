//! What the keys of policies say, beside what is recommended for the one that was chosen.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use thalweg_core::settings::{PolicyName, Settings};
use thalweg_core::units::Millis;

use super::parse::Values;

/// The settings to start from: what is recommended for the policy that was chosen, with what was
/// written about policies.
pub(super) fn read(values: &Values, problems: &mut Vec<String>) -> Settings {
    let policy = PolicyName::named(values.text("thalweg.policy")).unwrap_or_default();
    let mut settings = Settings::recommended(policy);
    let threshold = &mut settings.threshold;
    threshold.target = values.share("thalweg.threshold.target");
    threshold.tolerance = values.share("thalweg.threshold.tolerance");
    threshold.down_window = values.secs("thalweg.threshold.down.window.secs");
    let dhalion = &mut settings.dhalion;
    dhalion.interval = values.secs("thalweg.dhalion.interval.secs");
    dhalion.scale_down = values.share("thalweg.dhalion.scale.down");
    dhalion.blacklist_ratio = values.share("thalweg.dhalion.blacklist.ratio");
    let ds2 = &mut settings.ds2;
    ds2.activation = values.count("thalweg.ds2.activation") as usize;
    ds2.target_rate_ratio = values.number("thalweg.ds2.target.rate.ratio");
    ds2.headroom = values.number("thalweg.ds2.headroom");
    let autoscaler = &mut settings.autoscaler;
    autoscaler.target = values.share("thalweg.flink-autoscaler.target.utilization");
    autoscaler.boundary = values.share("thalweg.flink-autoscaler.utilization.boundary");
    autoscaler.catch_up = values.secs("thalweg.flink-autoscaler.catch.up.secs");
    autoscaler.restart = values.secs("thalweg.flink-autoscaler.restart.secs");
    autoscaler.down_delay = values.secs("thalweg.flink-autoscaler.scale.down.interval.secs");
    autoscaler.observed_scalability = values.flag("thalweg.flink-autoscaler.observed.scalability");
    autoscaler.detect_ineffective = values.flag("thalweg.flink-autoscaler.effectiveness.detection");
    let own = &mut settings.thalweg;
    own.target = values.share("thalweg.scaling.target");
    own.limit = values.share("thalweg.scaling.limit");
    own.forecast = values.flag("thalweg.scaling.forecast");
    own.quantile = values.share("thalweg.scaling.quantile");
    own.ahead = values.secs("thalweg.scaling.ahead.secs");
    own.catch_up = values.secs("thalweg.scaling.catch.up.secs");
    own.restart = values.secs("thalweg.scaling.restart.secs");
    own.confidence = values.number("thalweg.scaling.confidence");
    own.alpha = values.count("thalweg.scaling.alpha");
    own.up_delay = values.secs("thalweg.scaling.up.delay.secs");
    own.down_window = values.secs("thalweg.scaling.down.window.secs");
    own.horizon = values.secs("thalweg.scaling.horizon.secs");
    own.disruption = values.number("thalweg.scaling.disruption");
    own.latency = Millis::saturating(values.number("thalweg.scaling.latency.millis"));
    own.memory_max_mib = values.count("thalweg.memory.max.mib");
    own.memory_per_executor_mib = values.number("thalweg.memory.per.executor.mib");
    settings.conttune.alpha = values.count("thalweg.conttune.alpha");
    settings.conttune.pressure = values.share("thalweg.conttune.pressure");
    settings.executor_budget = values.count("thalweg.scaling.executor.budget");
    settings.priorities = named_numbers(values, "thalweg.scaling.priorities", problems);
    let budget = &mut settings.budget;
    budget.cores = values.number("thalweg.scaling.budget.cores");
    budget.memory_mib = values.number("thalweg.scaling.budget.memory.mib");
    budget.money_per_hour = values.number("thalweg.scaling.budget.money.per.hour");
    budget.core_hour = values.number("thalweg.price.core.hour");
    budget.gib_hour = values.number("thalweg.price.gib.hour");
    budget.shares = shares(values, problems);
    if budget.money_per_hour > 0.0 && budget.core_hour + budget.gib_hour == 0.0 {
        budget.money_per_hour = 0.0;
        problems.push(
            "thalweg.scaling.budget.money.per.hour limits nothing without thalweg.price.core.hour or thalweg.price.gib.hour"
                .to_owned(),
        );
    }
    settings
}

/// Shares within bounds: who is owed nothing would wait for ever.
fn shares(values: &Values, problems: &mut Vec<String>) -> BTreeMap<String, f64> {
    const KEY: &str = "thalweg.scaling.shares";
    const ALLOWED: RangeInclusive<f64> = 0.001..=1_000_000.0;
    let mut shares: BTreeMap<String, f64> = named_numbers(values, KEY, problems);
    shares.retain(|name, share| {
        let allowed = ALLOWED.contains(share);
        if !allowed {
            let (least, most) = (ALLOWED.start(), ALLOWED.end());
            problems.push(format!(
                "{KEY}: {name}={share} is not allowed, it must be from {least} to {most}"
            ));
        }
        allowed
    });
    shares
}

/// What a list of `name=number` says; the last one of a name holds.
fn named_numbers<T: FromStr>(
    values: &Values,
    key: &str,
    problems: &mut Vec<String>,
) -> BTreeMap<String, T> {
    let mut numbers = BTreeMap::new();
    for entry in values.texts(key) {
        let parts =
            entry.rsplit_once('=').map(|(name, number)| (name.trim(), number.trim().parse()));
        match parts {
            Some((name, Ok(number))) => _ = numbers.insert(name.to_owned(), number),
            _ => problems.push(format!("{key}: {entry:?} is not allowed, it must be name=number")),
        }
    }
    numbers
}
