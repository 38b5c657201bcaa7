//! Windows of time, bounds and exclusions on a cluster that can be worked out by hand.

mod support;

use proptest::prelude::*;
use support::steps::{codes, holds, planned};
use support::{Model, STEP_SECS};
use thalweg_core::explain::{Decision, Guard, ReasonCode, Verdict};
use thalweg_core::operator::{Direction, Expected, Pause, Peak};
use thalweg_core::pattern::{Pattern, Target};
use thalweg_core::settings::rules::{Bound, BoundOf, Floor, Of, Rule};
use thalweg_core::settings::{Mode, PolicyName, Rules};
use thalweg_core::state::Order;
use thalweg_core::units::{Millis, Timestamp};
use thalweg_core::windows::Window;

/// Rules as users write them.
fn rules(entries: &[(&str, &str)]) -> Rules {
    let of = |key: &str| entries.iter().filter(|(k, _)| *k == key).map(|(_, e)| *e).collect();
    let (rules, problems) = Rules::read(Of::Cluster, of, "UTC");
    assert_eq!(problems, Vec::<String>::new());
    rules
}

/// A window from one second since 1970 to another.
fn seconds(from: u32, to: u32) -> Window {
    let told = |secs: u32| {
        let (hours, minutes) = (secs / 3600, secs / 60 % 60);
        format!("1970-01-01T{hours:02}:{minutes:02}:{:02}", secs % 60)
    };
    format!("{} until {}", told(from), told(to)).parse().expect("a window")
}

fn frozen(from: u32, to: u32) -> Rule<Window> {
    Rule { topology: Pattern::any(), kind: None, what: seconds(from, to) }
}

/// Steps until a decision acts, at most for so many seconds.
fn acts(model: &mut Model, secs: u32) -> Option<Decision> {
    (0..secs / STEP_SECS)
        .map(|_| model.step().decisions.remove(0))
        .find(|decision| decision.verdict == Verdict::Act)
}

fn present(model: &Model, component: u32) -> u32 {
    let executors = &model.observation.topologies[0].executors;
    executors.iter().filter(|executor| executor.component == component).count() as u32
}

fn short_of_executors() -> Model {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    model
}

#[test]
fn nothing_is_done_in_a_freeze_and_it_is_as_soon_as_that_is_over() {
    let mut model = short_of_executors();
    model.settings.rules = rules(&[("thalweg.windows.freeze", "wc-*=1970-01-01T00:00 for 5m")]);
    let (decision, _) = planned(&mut model);
    assert_eq!(decision.verdict, Verdict::Hold);
    assert_eq!(codes(&decision)[0], ReasonCode::Frozen);
    let reason = &decision.reasons[0];
    let left = 300.0 - f64::from(model.seconds);
    assert_eq!((reason.measured, reason.limit), (Some(left), None));
    assert!(reason.text.contains("until 1970-01-01 00:05 UTC"), "{}", reason.text);
    assert_eq!(reason.setting.as_deref(), Some("thalweg.windows.freeze"));
    acts(&mut model, 400).expect("it acts once the freeze is over");
    assert_eq!(model.seconds, 300);
}

#[test]
fn what_would_not_be_done_before_a_freeze_is_not_begun() {
    let mut model = short_of_executors();
    // An action takes half a minute by assumption.
    model.settings.rules.freezes = vec![frozen(130, 400)];
    let held = (0..10).map(|_| model.step().decisions.remove(0)).find(|d| d.plan.is_some());
    let held = held.expect("a plan");
    let ahead = held.reasons.iter().find(|reason| reason.code == ReasonCode::Frozen);
    let ahead = ahead.unwrap_or_else(|| panic!("{:?} at {}", held.reasons, model.seconds));
    assert_eq!(ahead.limit, Some(30.0));
    assert!(ahead.measured < Some(30.0));
}

#[test]
fn an_order_waits_for_the_end_of_a_freeze() {
    let mut model = Model::new(3, 2, 2);
    model.settings.rules.freezes = vec![frozen(0, 300)];
    let counts = [("split".to_owned(), 3)].into();
    let order = Order { topology: "wc-1".to_owned(), counts, ..Order::default() };
    model.state.order = Some(order);
    assert_eq!(acts(&mut model, 198), None);
    assert!(model.state.order.is_some());
    let decision = acts(&mut model, 10).expect("then it is carried out");
    assert_eq!(codes(&decision)[0], ReasonCode::Ordered);
}

#[test]
fn one_kind_of_action_may_be_frozen_alone() {
    let freeze = ("thalweg.windows.freeze", "*/move=1970-01-01T00:00 for 9h");
    let mut model = short_of_executors();
    model.settings.rules = rules(&[freeze]);
    acts(&mut model, 100).expect("counts may change");
    let mut model = Model::new(3, 3, 3);
    model.settings.rules = rules(&[freeze]);
    (model.rate, model.abilities[2]) = (300.0, 0.25);
    let (decision, plan) = planned(&mut model);
    assert!(plan.counts.is_empty());
    assert_eq!(codes(&decision)[0], ReasonCode::Frozen);
}

#[test]
fn something_is_done_in_allowed_hours_only() {
    let mut model = short_of_executors();
    model.settings.rules = rules(&[("thalweg.windows.hours", "wc-1=00:05-01:00")]);
    let (decision, _) = planned(&mut model);
    assert_eq!(codes(&decision)[0], ReasonCode::OutsideHours);
    let left = 300.0 - f64::from(model.seconds);
    assert_eq!(decision.reasons[0].measured, Some(left));
    acts(&mut model, 400).expect("it acts once the hours have come");
    assert_eq!(model.seconds, 300);
    let mut other = short_of_executors();
    other.settings.rules = rules(&[("thalweg.windows.hours", "other-*=00:05-01:00")]);
    acts(&mut other, 100).expect("no hours are set for this one");
}

#[test]
fn a_topologys_own_freeze_counts_and_what_cannot_be_read_is_never_none() {
    let mut model = short_of_executors();
    let own = |model: &mut Model, key: &str, text: &str| {
        let settings = &mut model.observation.topologies[0].settings;
        settings.insert(key.to_owned(), vec![text.to_owned()]);
    };
    own(&mut model, "thalweg.windows.freeze", "1970-01-01T00:00 for 5m");
    let (decision, _) = planned(&mut model);
    assert_eq!(codes(&decision)[0], ReasonCode::Frozen);
    own(&mut model, "thalweg.windows.freeze", "now and then");
    let decision = model.step().decisions.remove(0);
    assert_eq!((decision.mode, decision.plan.is_none()), (Mode::Observe, true));
    let reason = &decision.reasons[0];
    assert_eq!(reason.code, ReasonCode::SettingsUnreadable);
    assert!(reason.text.contains("thalweg.windows.freeze: \"now and then\" is not allowed"));
    assert_eq!(acts(&mut model, 600), None);
}

#[test]
fn a_floor_is_reached_before_its_event_minus_the_lead_and_kept_until_the_event_is_over() {
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let mut model = Model::new(3, 2, 2);
        model.settings.policy = policy;
        let floor = "wc-1/split=6 at 1970-01-01T00:30 for 10m lead 5m";
        model.settings.rules = rules(&[("thalweg.windows.floors", floor)]);
        // Two actions of half a minute, five minutes to spare, cool-down, settling and a look: 388 seconds.
        let begins = 1800 - 300 - 388;
        let decision = acts(&mut model, 1500).unwrap_or_else(|| panic!("{policy:?}"));
        assert_eq!(model.seconds, begins, "{policy:?}");
        let reason = &decision.reasons[0];
        assert_eq!(reason.code, ReasonCode::EventAhead);
        assert_eq!((reason.measured, reason.limit), (Some(2.0), Some(6.0)));
        assert!(reason.text.contains("from 1970-01-01 00:25 UTC on"), "{}", reason.text);
        let plan = decision.plan.expect("what it does");
        model.carry_out(&plan);
        while model.seconds < 2398 {
            let decision = model.step().decisions.remove(0);
            if let (Verdict::Act, Some(plan)) = (decision.verdict, &decision.plan) {
                model.carry_out(plan);
            }
            assert_eq!(present(&model, 1), 6);
        }
    }
}

#[test]
fn a_peak_that_an_operator_expects_is_a_floor_as_well() {
    let at = |secs: i64| Timestamp::from_millis(secs * 1000);
    let mut model = Model::new(3, 2, 2);
    let floor = Floor {
        target: Target { topology: Pattern::new("wc-1"), component: Pattern::new("split") },
        count: 6,
        window: Window::stretch(at(1800), at(2400)).expect("it begins before it ends"),
        lead: Millis::from_secs(300),
    };
    model.operator.expect(Expected {
        name: "airflow/dag".to_owned(),
        scope: Pattern::new("wc-1"),
        peaks: vec![Peak { from: at(1800), until: at(2400), floors: vec![floor] }],
        at: at(0),
        who: "ann".to_owned(),
    });
    let decision = acts(&mut model, 1500).expect("it acts");
    assert_eq!(model.seconds, 1800 - 300 - 388);
    assert_eq!(decision.reasons[0].code, ReasonCode::EventAhead);
    assert_eq!(decision.plan.expect("what it does").counts["split"], 6);
    assert!(Window::stretch(at(60), at(60)).is_err(), "it is over before it begins");
    assert!(Window::stretch(at(0), Timestamp::from_millis(i64::MAX)).is_err());
}

#[test]
fn a_floor_is_reached_before_a_freeze_that_would_keep_it_from_being_reached() {
    let mut model = Model::new(3, 2, 2);
    model.settings.rules = rules(&[
        ("thalweg.windows.floors", "split=6 at 1970-01-01T01:00 for 10m lead 5m"),
        ("thalweg.windows.freeze", "1970-01-01T00:30 for 20m"),
        ("thalweg.windows.freeze", "1970-01-01T00:52 until 1970-01-01T03:00"),
    ]);
    acts(&mut model, 3600).expect("it acts");
    assert_eq!(model.seconds, 1800 - 388);
}

#[test]
fn a_floor_is_reached_in_the_last_hours_in_which_something_may_be_done() {
    let mut model = Model::new(3, 2, 2);
    model.settings.rules = rules(&[
        ("thalweg.windows.floors", "split=6 at 1970-01-01T03:00 for 10m"),
        ("thalweg.windows.hours", "00:20-01:00"),
    ]);
    acts(&mut model, 3600).expect("it acts");
    assert_eq!(model.seconds, 3600 - 388);
}

#[test]
fn bounds_hold_for_policies_and_orders_and_what_is_below_them_grows() {
    let mut model = short_of_executors();
    model.settings.rules = rules(&[("thalweg.scaling.bounds", "wc-*/split=..3")]);
    let (decision, plan) = planned(&mut model);
    assert_eq!(plan.counts["split"], 3);
    assert!(codes(&decision).contains(&ReasonCode::BoundsLimited));

    let mut model = Model::new(3, 2, 2);
    model.settings.rules = rules(&[("thalweg.scaling.bounds", "count=4")]);
    let (decision, plan) = planned(&mut model);
    assert_eq!((decision.verdict, plan.counts["count"]), (Verdict::Act, 4));
    assert_eq!(codes(&decision)[0], ReasonCode::BoundsLimited);
    model.carry_out(&plan);
    holds(&mut model, 60);
    let counts = [("count".to_owned(), 6)].into();
    model.state.order = Some(Order { topology: "wc-1".to_owned(), counts, ..Order::default() });
    let refused = model.step().decisions.remove(0);
    assert_eq!(refused.verdict, Verdict::Hold);
    assert_eq!(codes(&refused)[0], ReasonCode::BoundsLimited);
}

#[test]
fn a_component_may_have_to_have_as_many_executors_as_another() {
    let mut model = short_of_executors();
    model.settings.rules = rules(&[("thalweg.scaling.bounds", "count=as split")]);
    let (decision, plan) = planned(&mut model);
    assert_eq!((plan.counts["split"], plan.counts["count"]), (4, 4));
    assert!(codes(&decision).contains(&ReasonCode::KeptEqual));
}

#[test]
fn an_order_brings_along_what_has_to_have_as_many_executors() {
    let ordered = |counts: &[(&str, u32)]| {
        let mut model = Model::new(3, 2, 2);
        model.settings.rules = rules(&[("thalweg.scaling.bounds", "count=as split")]);
        holds(&mut model, 60);
        let counts = counts.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect();
        model.state.order = Some(Order { topology: "wc-1".to_owned(), counts, ..Order::default() });
        model.step().decisions.remove(0)
    };
    let decision = ordered(&[("split", 4)]);
    let plan = decision.plan.expect("it can be had");
    assert_eq!(
        (decision.verdict, plan.counts["split"], plan.counts["count"]),
        (Verdict::Act, 4, 4)
    );
    // As the way back from a plan that made them equal: the other one counts.
    let decision = ordered(&[("split", 4), ("count", 5)]);
    assert_eq!(decision.plan.as_ref().expect("it can be had").counts["count"], 4);
    assert!(codes(&decision).contains(&ReasonCode::KeptEqual));
    // Neither is there a way around it by naming it alone.
    let refused = ordered(&[("count", 5)]);
    assert_eq!(refused.verdict, Verdict::Hold, "{:?}", refused.reasons);
    let text = &refused.reasons[0].text;
    assert!(text.contains("as many executors as split"), "{text}");
}

#[test]
fn an_order_waits_also_where_what_it_brings_along_is_frozen() {
    let mut model = Model::new(3, 2, 4);
    let bounds = ("thalweg.scaling.bounds", "count=as split");
    let freeze = ("thalweg.windows.freeze", "*/scale-in=1970-01-01T00:00 for 9h");
    model.settings.rules = rules(&[bounds, freeze]);
    holds(&mut model, 60);
    // One more of `split`, and so one less of `count`.
    let counts = [("split".to_owned(), 3)].into();
    model.state.order = Some(Order { topology: "wc-1".to_owned(), counts, ..Order::default() });
    let waits = model.step().decisions.remove(0);
    assert_eq!(codes(&waits)[0], ReasonCode::Frozen, "{:?}", waits.reasons);
    assert!(model.state.order.is_some(), "it is kept");
}

#[test]
fn components_are_excluded_by_patterns() {
    let mut model = short_of_executors();
    model.settings.rules.fixed = vec![Target::read("wc-*/spl?t")];
    holds(&mut model, 40);
    let decision = model.step().decisions.remove(0);
    assert_eq!(codes(&decision)[0], ReasonCode::CountFixed);
    model.settings.rules.fixed = vec![Target::read("other/*")];
    acts(&mut model, 100).expect("this one is not meant");
}

#[test]
fn actions_take_no_more_time_a_day_than_they_may() {
    let mut model = short_of_executors();
    model.settings.daily_stop = Millis::from_secs(20);
    let (decision, _) = planned(&mut model);
    assert_eq!(codes(&decision)[0], ReasonCode::DisruptionLimited);
    // An action takes half a minute by assumption.
    let reason = &decision.reasons[0];
    assert_eq!((reason.measured, reason.limit), (Some(30.0), Some(20.0)));
    model.settings.daily_stop = Millis::from_secs(30);
    acts(&mut model, 10).expect("there is as much left");
}

#[test]
fn the_time_of_an_action_that_was_given_up_counts_as_well() {
    let mut model = short_of_executors();
    model.settings.daily_stop = Millis::from_secs(60);
    let plan = acts(&mut model, 100).and_then(|decision| decision.plan).expect("it is short");
    let begun = model.now();
    // Nobody carries it out.
    while model.now().since(begun) < Millis::from_secs(40) {
        model.step();
    }
    model.state.abort(&plan.id, model.now(), &model.settings);
    let (decision, _) = planned(&mut model);
    let reason = &decision.reasons[0];
    assert_eq!(reason.code, ReasonCode::DisruptionLimited, "{:?}", decision.reasons);
    // Forty seconds, and half a minute by assumption.
    assert!(reason.measured >= Some(70.0), "{reason:?}");
}

#[test]
fn every_guard_says_why_it_lets_a_plan_pass_or_does_not() {
    let mut model = short_of_executors();
    model.settings.daily_stop = Millis::from_secs(20);
    let (decision, _) = planned(&mut model);
    let checks = &decision.chain.checks;
    let guards: Vec<(Guard, bool)> =
        checks.iter().map(|check| (check.guard, check.passed)).collect();
    let expected = [
        Guard::OneAtATime,
        Guard::Pools,
        Guard::Restorable,
        Guard::Bounds,
        Guard::CoolDown,
        Guard::DailyActions,
        Guard::DailyDisruption,
        Guard::InVain,
        Guard::Pause,
        Guard::Freeze,
        Guard::Hours,
        Guard::Mode,
        Guard::Adoption,
    ];
    assert_eq!(guards, expected.map(|guard| (guard, guard != Guard::DailyDisruption)));
    assert!(checks.iter().all(|check| !check.text.is_empty()));
    let desired = decision.chain.desired.expect("what the policy wanted");
    assert_eq!(desired.counts["split"], 4);
    assert_eq!(decision.chain.diagnosis[0].code, ReasonCode::CapacityHigh);
    let busy =
        decision.chain.signals.iter().find(|s| s.of == "split" && s.what.starts_with("busy"));
    let busy = busy.expect("how busy it is");
    assert_eq!(busy.limit, Some(0.8));
    assert!(busy.measured > 0.9);
}

/// How many scripts are run: each takes a while.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

/// Something that may happen while a cluster runs.
#[derive(Debug, Clone)]
struct Script {
    policy: PolicyName,
    /// Tuples a second, each for a minute.
    rates: Vec<f64>,
    /// Freezes, by the seconds at which they begin and their lengths.
    freezes: Vec<(u32, u32)>,
    /// Seconds at which an order for so many executors of `split` comes.
    orders: Vec<(u32, u32)>,
    /// Seconds at which all is paused, and for how long.
    pauses: Vec<(u32, u32)>,
    event: (u32, u32, u32),
}

fn script() -> impl Strategy<Value = Script> {
    let policy =
        prop::sample::select(vec![PolicyName::MeStream, PolicyName::Thalweg, PolicyName::Ds2]);
    let rates = prop::collection::vec(20.0..700.0f64, 25);
    let freezes = prop::collection::vec((0u32..1500, 20u32..400), 0..4);
    let orders = prop::collection::vec((150u32..1500, 1u32..8), 0..4);
    let pauses = prop::collection::vec((150u32..1500, 10u32..200), 0..2);
    let event = (700u32..1500, 0u32..120, 3u32..8);
    (policy, rates, freezes, orders, pauses, event).prop_map(
        |(policy, rates, freezes, orders, pauses, event)| Script {
            policy,
            rates,
            freezes,
            orders,
            pauses,
            event,
        },
    )
}

/// Runs a script; every decision to act with its second, and the executors of `split` at each second of a step.
fn run(script: &Script, floors: bool) -> (Vec<u32>, Vec<(u32, u32)>) {
    let mut model = Model::new(3, 3, 3);
    model.settings.policy = script.policy;
    let rules = &mut model.settings.rules;
    rules.freezes = script.freezes.iter().map(|(at, long)| frozen(*at, at + long)).collect();
    let (begins, lead, count) = script.event;
    if floors {
        rules.floors = vec![Floor {
            target: Target::read("split"),
            count,
            window: seconds(begins, begins + 120),
            lead: Millis::from_secs(lead),
        }];
        rules.bounds = vec![BoundOf {
            target: Target::read("count"),
            bound: Bound::Between(Some(2), Some(8)),
        }];
    }
    let (mut acted, mut counts) = (Vec::new(), Vec::new());
    while model.seconds < 1600 {
        let now = model.seconds + STEP_SECS;
        model.rate = script.rates[(now / 64) as usize % script.rates.len()];
        for (at, count) in script.orders.iter().filter(|(at, _)| at / 2 == now / 2) {
            let counts = [("split".to_owned(), *count)].into();
            let order = Order { topology: "wc-1".to_owned(), counts, ..Order::default() };
            model.state.order = Some(order).filter(|_| *at > 0);
        }
        for (at, long) in script.pauses.iter().filter(|(at, _)| at / 2 == now / 2) {
            let until = Some(Timestamp::from_millis(i64::from(at + long) * 1000));
            let (scope, direction, who) = (Pattern::any(), Direction::Both, String::new());
            let at = Timestamp::from_millis(i64::from(*at) * 1000);
            model.operator.pause(Pause { scope, direction, paused: true, until, at, who });
        }
        let decided = model.step();
        let plan = decided.decisions.iter().find(|d| d.verdict == Verdict::Act);
        if let Some(plan) = plan.and_then(|decision| decision.plan.clone()) {
            acted.push(model.seconds);
            model.carry_out(&plan);
        }
        counts.push((model.seconds, present(&model, 1)));
    }
    (acted, counts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn never_is_anything_done_in_a_freeze_or_while_all_is_paused(script in script()) {
        let (acted, _) = run(&script, true);
        for at in acted {
            for (from, long) in &script.freezes {
                let inside = *from <= at && at < from + long;
                prop_assert!(!inside, "acted at {at}, in the freeze from {from} for {long}");
            }
            for (from, long) in &script.pauses {
                // A later pause takes the place of an earlier one.
                let alone = script.pauses.len() == 1;
                let inside = *from + 2 <= at && at < from + long;
                prop_assert!(!(inside && alone), "acted at {at}, paused from {from} for {long}");
            }
        }
    }

    #[test]
    fn a_floor_is_reached_by_its_event_minus_the_lead_wherever_there_is_time_for_it(script in script()) {
        let script = Script { orders: Vec::new(), pauses: Vec::new(), ..script };
        let (begins, lead, count) = script.event;
        let by = begins - lead;
        // From when on measurements count, some stretch without any freeze long enough to be sure of an action in it.
        let open = |from: u32| {
            let to = from + 388;
            to <= by && script.freezes.iter().all(|(f, long)| f + long <= from || *f >= to)
        };
        prop_assume!((140..by).any(open));
        let (_, counts) = run(&script, true);
        for (at, present) in counts.iter().filter(|(at, _)| (by..begins + 120).contains(at)) {
            prop_assert!(*present >= count, "{present} executors at {at}, {count} by {by}");
        }
    }
}
