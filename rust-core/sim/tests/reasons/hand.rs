//! Small clusters that can be worked out by hand.

use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{Grouping, Observation, Obstacle, SlotRef, TopologyStatus};
use thalweg_core::operator::{Direction, Pause, Word};
use thalweg_core::pattern::Pattern;
use thalweg_core::settings::rules::Of;
use thalweg_core::settings::{Adopt, Mode, PolicyName, Rules, WorkerLimit};
use thalweg_core::state::{FailedChange, Order};
use thalweg_core::units::{Millis, Share, Timestamp};

use super::Seen;
use super::support::Model;

/// Decides on all of them.
pub fn decide(seen: &mut Seen) {
    of_me_stream(seen);
    of_evidence(seen);
    of_actions(seen);
    of_harm(seen);
    of_users(seen);
    of_orders(seen);
    of_sources(seen);
    of_time(seen);
    of_words(seen);
}

fn steps(seen: &mut Seen, model: &mut Model, steps: usize) {
    for _ in 0..steps {
        seen.take(&model.step().decisions);
    }
}

fn spoiled(seen: &mut Seen, model: &mut Model, steps: usize, spoil: impl Fn(&mut Observation)) {
    for _ in 0..steps {
        seen.take(&model.step_seen_through(&spoil).decisions);
    }
}

fn short_of_executors() -> Model {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    model
}

/// Steps until something is done, and does it.
fn act(seen: &mut Seen, model: &mut Model) -> Decision {
    for _ in 0..60 {
        let decided = model.step();
        seen.take(&decided.decisions);
        let acts = decided.decisions.into_iter().find(|d| d.verdict == Verdict::Act);
        if let Some(decision) = acts {
            model.carry_out(decision.plan.as_ref().expect("what is done"));
            return decision;
        }
    }
    panic!("nothing is done within sixty steps");
}

fn rules(entries: &[(&str, &str)]) -> Rules {
    let of = |key: &str| entries.iter().filter(|(k, _)| *k == key).map(|(_, e)| *e).collect();
    let (rules, problems) = Rules::read(Of::Cluster, of, "UTC");
    assert_eq!(problems, Vec::<String>::new());
    rules
}

fn of_me_stream(seen: &mut Seen) {
    steps(seen, &mut short_of_executors(), 40);
    steps(seen, &mut Model::new(3, 4, 4), 100);
    let mut full = Model::new(3, 8, 8);
    full.rate = 1590.0;
    steps(seen, &mut full, 40);
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let mut slow = Model::new(3, 3, 3);
        slow.settings.policy = policy;
        (slow.rate, slow.abilities[2]) = (300.0, 0.25);
        steps(seen, &mut slow, 40);
    }
    let mut far = Model::new(3, 3, 3);
    far.observation.nodes[1].round_trip = Millis::new(400.0).ok();
    steps(seen, &mut far, 40);
    let mut failing = Model::new(3, 3, 3);
    spoiled(seen, &mut failing, 60, |observation| {
        for executor in &mut observation.topologies[0].executors {
            if let Some(counters) = executor.counters.as_mut().filter(|_| executor.component == 0) {
                counters.failed = counters.emitted / 10;
            }
        }
    });
    // Latency comes to rest, and then rises again and again, though nobody is busy for long.
    let mut rising = Model::new(3, 3, 3);
    (rising.rate, rising.work_ms) = (60.0, [5.0, 5.0]);
    steps(seen, &mut rising, 80);
    for step in 0..40 {
        rising.work_ms = if step % 8 < 4 { [20.0, 20.0] } else { [5.0, 5.0] };
        steps(seen, &mut rising, 1);
    }
    // No slot is left for another worker.
    let mut crowded = short_of_executors();
    for node in &mut crowded.observation.nodes {
        node.ports.retain(|port| *port <= 2);
    }
    crowded.observation.nodes[1].ports = vec![2];
    crowded.observation.nodes[2].ports = vec![2];
    crowded.observation.nodes.truncate(2);
    crowded.abilities.truncate(2);
    for executor in &mut crowded.observation.topologies[0].executors {
        executor.slot = executor.slot.map(|slot| SlotRef { node: slot.node % 2, ..slot });
    }
    crowded.rate = 780.0;
    steps(seen, &mut crowded, 60);
    // All run in one worker with the source, which nobody may stop for the sake of a node that idles.
    let mut alone = Model::new(2, 3, 3);
    alone.settings.adopt = Adopt::Never;
    alone.settings.min_gain = Share::ZERO;
    alone.rate = 400.0;
    for executor in &mut alone.observation.topologies[0].executors {
        executor.slot = Some(SlotRef { node: 0, port: 1 });
    }
    steps(seen, &mut alone, 60);
}

fn of_evidence(seen: &mut Seen) {
    spoiled(seen, &mut short_of_executors(), 10, |observation| {
        observation.topologies[0].executors.iter_mut().for_each(|e| e.counters = None);
    });
    spoiled(seen, &mut short_of_executors(), 2, |observation| {
        observation.topologies[0].status = TopologyStatus::Rebalancing;
    });
    spoiled(seen, &mut short_of_executors(), 2, |observation| {
        observation.topologies[0].executors[1].slot = None;
    });
    spoiled(seen, &mut short_of_executors(), 2, |observation| {
        observation.topologies[0].obstacle = Some(Obstacle::Batch);
    });
    // Of one component alone it is told how busy it is.
    spoiled(seen, &mut short_of_executors(), 40, |observation| {
        for executor in &mut observation.topologies[0].executors {
            if let Some(counters) = executor.counters.as_mut().filter(|_| executor.component == 2) {
                counters.busy_ms = Some(counters.execute_ms);
            }
        }
    });
    // Each executor of `split` gets all that `words` sends, and one cannot do that.
    let mut copies = short_of_executors();
    copies.settings.policy = PolicyName::Thalweg;
    spoiled(seen, &mut copies, 60, |observation| {
        let topology = &mut observation.topologies[0];
        topology.edges[0].grouping = Grouping::Broadcast;
        for executor in topology.executors.iter_mut().filter(|e| e.component == 0) {
            if let Some(counters) = &mut executor.counters {
                counters.emitted /= 2;
                counters.transferred /= 2;
                counters.completed /= 2;
            }
        }
    });
}

fn of_actions(seen: &mut Seen) {
    let mut two = Model::new(4, 2, 2);
    two.add_topology("wc-2", 2, 2);
    two.rate = 390.0;
    steps(seen, &mut two, 40);
    let mut in_vain = short_of_executors();
    act(seen, &mut in_vain);
    in_vain.work_ms[0] = 10.0;
    steps(seen, &mut in_vain, 60);
    let mut often = short_of_executors();
    often.settings.daily_actions = 0;
    steps(seen, &mut often, 40);
    let mut long = short_of_executors();
    long.settings.daily_stop = Millis::from_secs(20);
    steps(seen, &mut long, 40);
    let mut budget = short_of_executors();
    budget.settings.executor_budget = 5;
    steps(seen, &mut budget, 40);
    // Of two that are short one waits; then one executor more may be had, which is kept for it.
    let mut shares = short_of_executors();
    shares.add_topology("wc-2", 2, 2);
    shares.settings.executor_budget = 11;
    act(seen, &mut shares);
    shares.rate = 600.0;
    steps(seen, &mut shares, 40);
    shares.settings.executor_budget = 12;
    steps(seen, &mut shares, 20);
}

/// `split` grew from two executors to four, and now all of them together do less than the two did.
fn harmed(seen: &mut Seen) -> Model {
    let mut model = short_of_executors();
    act(seen, &mut model);
    (model.rate, model.work_ms[0]) = (250.0, 25.0);
    model
}

fn of_harm(seen: &mut Seen) {
    let mut undone = harmed(seen);
    steps(seen, &mut undone, 30);
    let mut lost = harmed(seen);
    for _ in 0..40 {
        // Where it was is no longer to be had.
        lost.observation.nodes.iter_mut().for_each(|node| node.draining = true);
        steps(seen, &mut lost, 1);
    }
}

fn of_users(seen: &mut Seen) {
    for obstacle in [Obstacle::CheckpointsOff, Obstacle::KeptApart] {
        let mut model = short_of_executors();
        model.observation.topologies[0].obstacle = Some(obstacle);
        steps(seen, &mut model, 40);
    }
    let mut kept = short_of_executors();
    kept.settings.scaling_enabled = false;
    steps(seen, &mut kept, 40);
    let mut fixed = short_of_executors();
    fixed.settings.fixed_components.insert("split".to_owned());
    steps(seen, &mut fixed, 40);
    let mut failed = short_of_executors();
    steps(seen, &mut failed, 1);
    let others = ["split".to_owned()].into();
    let change = FailedChange { others, ..FailedChange::default() };
    let now = failed.now();
    failed.state.cannot_rescale("wc-1", &change, now, &failed.settings);
    steps(seen, &mut failed, 40);
    let mut bound = short_of_executors();
    bound.settings.rules = rules(&[("thalweg.scaling.bounds", "split=..3")]);
    steps(seen, &mut bound, 40);
    let mut equal = short_of_executors();
    equal.settings.rules = rules(&[("thalweg.scaling.bounds", "count=as split")]);
    steps(seen, &mut equal, 40);
    let mut leaves = short_of_executors();
    leaves.settings.policy = PolicyName::Static;
    steps(seen, &mut leaves, 10);
    for mode in [Mode::Observe, Mode::Advise] {
        let mut model = short_of_executors();
        model.settings.mode = mode;
        steps(seen, &mut model, 40);
    }
}

fn of_orders(seen: &mut Seen) {
    let order = |counts: &[(&str, u32)]| {
        let counts = counts.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect();
        Some(Order { topology: "wc-1".to_owned(), counts, ..Order::default() })
    };
    for counts in [[("split", 4)], [("nobody", 4)]] {
        let mut model = Model::new(3, 2, 2);
        model.rate = 50.0;
        steps(seen, &mut model, 20);
        model.state.order = order(&counts);
        steps(seen, &mut model, 2);
    }
    // Nodes hold three executors each: eight find room, but not beside the two that they replace.
    let mut tight = Model::new(3, 2, 2);
    tight.rate = 50.0;
    tight.observation.nodes.iter_mut().for_each(|node| node.memory_mib = Some(400.0));
    let topology = &mut tight.observation.topologies[0];
    topology.components.iter_mut().for_each(|component| component.memory_mib = Some(128.0));
    steps(seen, &mut tight, 20);
    tight.state.order = order(&[("split", 4)]);
    steps(seen, &mut tight, 2);
    // `split` is to leave its node. Only the node of `count` can hold it, once `count` has gone to the fourth.
    let mut staged = Model::new(4, 1, 1);
    staged.rate = 50.0;
    let mib = [200.0, 1000.0, 800.0, 400.0];
    for (node, mib) in staged.observation.nodes.iter_mut().zip(mib) {
        node.memory_mib = Some(mib);
    }
    let topology = &mut staged.observation.topologies[0];
    for (component, mib) in topology.components.iter_mut().zip([100.0, 600.0, 300.0]) {
        component.memory_mib = Some(mib);
    }
    for (executor, node) in topology.executors.iter_mut().zip([0, 1, 2]) {
        executor.slot = Some(SlotRef { node, port: 1 + u32::from(node > 0) });
    }
    steps(seen, &mut staged, 20);
    let leave = vec![staged.observation.nodes[1].host.clone()];
    staged.state.order = Some(Order { topology: "wc-1".to_owned(), leave, ..Order::default() });
    steps(seen, &mut staged, 2);
}

/// The source together with executors of `split` in one worker.
fn of_sources(seen: &mut Seen) {
    for (desired, adopt) in [(3, Adopt::Never), (1, Adopt::OnNextAction)] {
        let mut model = Model::new(3, 3, 3);
        model.settings.adopt = adopt;
        let topology = &mut model.observation.topologies[0];
        topology.desired_workers = desired;
        let shared = topology.executors[0].slot;
        for executor in &mut topology.executors {
            let first = executor.slot.is_some_and(|slot| slot.node == 0);
            if first || desired == 1 {
                executor.slot = shared;
            }
        }
        if desired == 1 {
            model.settings.worker_limit = WorkerLimit::Asked;
        }
        steps(seen, &mut model, 10);
    }
    let mut one = Model::new(4, 4, 2);
    one.settings.worker_limit = WorkerLimit::Asked;
    one.settings.scaling_enabled = false;
    let topology = &mut one.observation.topologies[0];
    topology.desired_workers = 1;
    for executor in &mut topology.executors {
        executor.slot = Some(SlotRef { node: 0, port: 1 });
    }
    one.rate = 560.0;
    steps(seen, &mut one, 60);
}

fn of_time(seen: &mut Seen) {
    for entry in [
        ("thalweg.windows.freeze", "1970-01-01T00:00 for 9h"),
        ("thalweg.windows.hours", "12:00-13:00"),
        ("thalweg.windows.floors", "count=5 at 1970-01-01T00:05 for 9h"),
    ] {
        let mut model = short_of_executors();
        model.settings.rules = rules(&[entry]);
        steps(seen, &mut model, 40);
    }
    let mut unreadable = short_of_executors();
    let own = &mut unreadable.observation.topologies[0].settings;
    own.insert("thalweg.windows.freeze".to_owned(), vec!["now and then".to_owned()]);
    steps(seen, &mut unreadable, 10);
}

fn of_words(seen: &mut Seen) {
    let mut paused = short_of_executors();
    paused.operator.pause(Pause {
        scope: Pattern::any(),
        direction: Direction::Out,
        paused: true,
        until: Some(Timestamp::from_millis(900_000)),
        at: Timestamp::from_millis(0),
        who: "ann".to_owned(),
    });
    steps(seen, &mut paused, 40);
    for approves in [true, false] {
        let mut model = short_of_executors();
        model.settings.mode = Mode::Confirm;
        steps(seen, &mut model, 40);
        let proposed = model.state.topologies["wc-1"].proposed.clone().expect("a proposal");
        let (plan, at, who) = (proposed.plan.id, model.now(), "ann".to_owned());
        model.operator.say(Word { plan, who, at, approves });
        steps(seen, &mut model, 40);
    }
    let mut stale = short_of_executors();
    stale.settings.mode = Mode::Confirm;
    stale.settings.confirm.expiry = Millis::from_secs(30);
    steps(seen, &mut stale, 60);
}
