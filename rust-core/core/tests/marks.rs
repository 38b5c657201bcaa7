//! What is remembered of nodes that are not always seen.

#![allow(missing_docs)]

mod support;

use support::Model;
use thalweg_core::units::Timestamp;

/// The ability that is believed of the last of three nodes.
fn believed(model: &Model, now: Timestamp) -> f64 {
    model.state.learned.nodes.get("n2").map_or(1.0, |memory| memory.ability(now, &model.settings))
}

#[test]
fn a_node_that_is_missing_from_one_look_comes_back_as_slow_as_it_was() {
    let mut model = Model::new(3, 3, 3);
    model.settings.imbalance_limit = 100.0;
    model.rate = 300.0;
    model.abilities[2] = 0.25;
    while believed(&model, model.now()) > 0.3 {
        assert!(model.seconds < 300, "it is four times slower than the others");
        model.step();
    }
    model.step_seen_through(|seen| {
        seen.nodes.pop();
        for executor in &mut seen.topologies[0].executors {
            executor.slot = executor.slot.filter(|slot| slot.node < 2);
        }
    });
    assert!(believed(&model, model.now()) < 0.3, "the mark is kept");
    // Idle, it shows nothing of its speed; what is remembered ends half an hour after it was seen.
    let (since, minutes) = (model.now(), |minutes: i64| minutes * 60_000);
    let later = |by: i64| Timestamp::from_millis(since.millis() + by);
    assert!(believed(&model, later(minutes(29))) < 0.3);
    assert!(believed(&model, later(minutes(31))) > 0.99);
    model.seconds += 31 * 60;
    model.step_seen_through(|seen| {
        seen.nodes.pop();
        seen.topologies.clear();
    });
    assert!(!model.state.learned.nodes.contains_key("n2"), "nobody needs it any more");
}
