use proptest::prelude::*;

use super::*;
use crate::model::TaskRange;
use crate::plan::PlanKind;
use crate::plan::{MigrationRow, Slot};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

fn plan() -> Plan {
    let slot = |port| Slot { node: "n".to_owned(), port };
    Plan {
        id: "words-1-p1".to_owned(),
        epoch: 0,
        topology: "words-1".to_owned(),
        name: "words".to_owned(),
        kind: PlanKind::Move,
        counts: BTreeMap::new(),
        memory_mib: BTreeMap::new(),
        desired_tasks: BTreeMap::new(),
        workers: 1,
        stages_left: 0,
        no_room_beside: false,
        limited: None,
        rows: vec![MigrationRow {
            component: "split".to_owned(),
            executor: TaskRange::new(1, 1),
            before: Some(slot(1)),
            after: slot(2),
        }],
    }
}

fn decided() -> Action {
    Action::decided(plan(), None, Term(3), at(0))
}

fn began() -> Event {
    Event::Began { strategy: "drain_and_restart".to_owned() }
}

fn intends(done: Done) -> Event {
    Event::Intends { done }
}

fn undone(done: Done) -> Event {
    Event::Undone { done }
}

fn late() -> Fault {
    fault("STEP_DEADLINE", "waited in vain")
}

/// What becomes of an action by several events, and what the last of them makes due.
fn after(events: &[Event]) -> (Action, Vec<Effect>) {
    let mut action = decided();
    let mut effects = Vec::new();
    for (secs, event) in (1..).zip(events) {
        (action, effects) = step(&action, event.clone(), at(secs)).expect("the events go together");
    }
    (action, effects)
}

#[test]
fn a_drain_that_works_ends_settled_and_judged() {
    use Effect::{Forget, Route, Settle, Store, Unroute};
    let mut events = Vec::new();
    for (event, phase, due) in [
        (Event::Published, Phase::Published, vec![Store]),
        (began(), Phase::Preparing, vec![Store]),
        (intends(Done::Deactivated), Phase::Preparing, vec![Store]),
        (Event::Switched, Phase::Switched, vec![Store]),
        (Event::Commits, Phase::Committed, vec![Store, Route]),
        (undone(Done::Deactivated), Phase::Committed, vec![Store]),
        (Event::Reached, Phase::Settled, vec![Unroute, Settle, Store]),
        (Event::Judged, Phase::Judged, vec![Forget]),
    ] {
        events.push(event);
        let (action, effects) = after(&events);
        assert_eq!((action.phase, effects), (phase, due), "after {events:?}");
        assert_eq!(action.since, at(entered(&events, phase)), "since when it is {phase:?}");
    }
}

/// It was decided in second 0 and committed in second 5; its leader went then, for two hours.
#[test]
fn the_time_without_a_leader_is_not_charged_to_an_action() {
    let flight = InFlight::found("words-1-p1".to_owned(), at(0));
    let action =
        Action { phase: Phase::Committed, since: at(5), flight: Some(flight), ..decided() };
    let since = |action: &Action| action.flight.as_ref().map(|flight| flight.since);
    let found = action.clone().taken_over(at(7_205));
    assert_eq!(since(&found), Some(at(7_200)), "five seconds of it are known of");
    assert_eq!(since(&found.taken_over(at(9_005))), Some(at(9_000)), "and still are");
    // The clock of whoever took it over is behind.
    assert_eq!(since(&action.taken_over(at(3))), Some(at(0)));
}

/// At which second a phase began.
fn entered(events: &[Event], phase: Phase) -> i64 {
    let first = (1..=events.len()).find(|n| after(&events[..*n]).0.phase == phase);
    first.map_or(0, |n| n as i64)
}

#[test]
fn sources_that_were_stopped_run_again_before_the_action_settles() {
    let events =
        [Event::Published, began(), intends(Done::Deactivated), Event::Commits, Event::Reached];
    let (action, effects) = after(&events);
    assert_eq!(action.phase, Phase::Committed);
    assert_eq!(effects, [Effect::Store, Effect::Tell(Due::CarryOn)]);
}

#[test]
fn a_way_that_left_nothing_behind_makes_room_for_the_next() {
    let started = Done::WorkersStarted { nodes: vec!["n".to_owned()] };
    let events = [
        Event::Published,
        began(),
        intends(started.clone()),
        undone(started.clone()),
        Event::Failed(late()),
        began(),
    ];
    assert_eq!(after(&events).0.phase, Phase::Preparing);
    let events = [Event::Published, began(), intends(started), Event::Failed(late())];
    let (action, effects) = after(&events);
    assert_eq!(action.phase, Phase::Reversing);
    assert_eq!(effects, [Effect::Store, Effect::Tell(Due::Reverse)]);
    assert!(step(&action, began(), at(9)).is_err(), "first everything is taken back");
}

#[test]
fn what_is_being_taken_back_stays_so_when_no_way_is_left() {
    let started = Done::WorkersStarted { nodes: vec!["n".to_owned()] };
    let events = [
        Event::Published,
        began(),
        intends(started.clone()),
        Event::Failed(late()),
        Event::GaveUp(late()),
    ];
    let (action, _) = after(&events);
    assert_eq!((action.phase, action.done), (Phase::Reversing, vec![started]));
}

#[test]
fn a_successor_takes_back_what_was_prepared_and_carries_on_what_was_committed() {
    let taken = |events: &[Event]| {
        let (left, _) = after(events);
        step(&left, Event::TookOver { term: Term(4) }, at(60)).expect("a successor may")
    };
    let (action, effects) = taken(&[]);
    assert_eq!((action.phase, action.term), (Phase::GivenUp, Term(4)), "nothing was done yet");
    assert_eq!(effects, [Effect::Unroute, Effect::Release, Effect::Forget]);

    let stopped = [Event::Published, began(), intends(Done::Deactivated)];
    let (action, effects) = taken(&stopped);
    assert_eq!(action.due(), Some(Due::Reverse));
    assert_eq!(effects, [Effect::Store, Effect::Tell(Due::Reverse)]);
    let (action, effects) = step(&action, undone(Done::Deactivated), at(61)).expect("it is undone");
    assert_eq!(action.phase, Phase::GivenUp);
    assert_eq!(action.fault.expect("a reason").code, "LEADER_CHANGED");
    assert_eq!(effects, [Effect::Unroute, Effect::Release, Effect::Forget]);

    let committed = [&stopped[..], &[Event::Commits]].concat();
    let (action, effects) = taken(&committed);
    assert_eq!(action.phase, Phase::Committed);
    assert_eq!(effects, [Effect::Store, Effect::Route, Effect::Tell(Due::CarryOn)]);
    // It walks the rest of a way of its own, which begins before the commit.
    let again =
        [Event::Began { strategy: "rebalance".to_owned() }, Event::Switched, Event::Commits];
    let action = again.into_iter().fold(action, |action, event| {
        step(&action, event, at(61)).expect("what is done already may be done again").0
    });
    assert_eq!((action.phase, action.since), (Phase::Committed, at(4)));
}

#[test]
fn what_is_known_from_its_mark_alone_is_ended_with_sources_running() {
    let events = [Event::Published, began(), intends(Done::Deactivated), Event::Commits];
    let (mut left, _) = after(&events);
    left.plan.rows.clear();
    let (action, effects) =
        step(&left, Event::TookOver { term: Term(4) }, at(60)).expect("a successor may");
    assert_eq!((action.phase, &action.done[..]), (Phase::Reversing, &[Done::Deactivated][..]));
    assert_eq!(effects, [Effect::Store, Effect::Tell(Due::Reverse)]);
}

#[test]
fn an_older_leader_takes_nothing_over() {
    let refused = step(&decided(), Event::TookOver { term: Term(2) }, at(1));
    assert_eq!(refused.expect_err("its term is older").phase, Phase::Decided);
}

#[test]
fn an_action_outlives_whoever_wrote_it() {
    let started = Done::WorkersStarted { nodes: vec!["n".to_owned(), "m".to_owned()] };
    let before = BTreeMap::from([("split".to_owned(), (1, 4))]);
    let bounds = Done::BoundsChanged { before };
    let (mut action, _) = after(&[Event::Published, began(), intends(started), intends(bounds)]);
    let mut flight = InFlight::found(action.plan.id.clone(), at(0));
    let place = Slot { node: "n".to_owned(), port: 6700 };
    flight.way_back = Some(crate::action::WayBack {
        counts: BTreeMap::from([("split".to_owned(), 2)]),
        memory_mib: BTreeMap::new(),
        former: BTreeMap::from([(TaskRange::new(1, 2), place.clone())]),
        planned: BTreeMap::from([(TaskRange::new(1, 1), place)]),
    });
    action.flight = Some(flight);
    let text = serde_json::to_string(&action).expect("it has a JSON form");
    assert_eq!(serde_json::from_str::<Action>(&text).expect("it was written so"), action);
}

fn any_done() -> impl Strategy<Value = Done> {
    prop_oneof![
        Just(Done::Deactivated),
        Just(Done::SlotsAsked),
        Just(Done::WorkersStarted { nodes: vec!["n".to_owned()] }),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Published),
        Just(began()),
        any_done().prop_map(intends),
        any_done().prop_map(undone),
        Just(Event::Switched),
        Just(Event::Commits),
        Just(Event::Reached),
        Just(Event::Failed(late())),
        Just(Event::GaveUp(late())),
        Just(Event::TopologyGone),
        (1u64..6).prop_map(|term| Event::TookOver { term: Term(term) }),
        Just(Event::Judged),
    ]
}

proptest! {
    /// Whatever happens in whatever order: terms never fall, nothing changes once it is over, and nothing ends
    /// with sources stopped unless the topology is gone.
    #[test]
    fn no_order_of_events_breaks_the_rules(events in prop::collection::vec(any_event(), 0..40)) {
        let mut action = decided();
        for event in events {
            let gone = event == Event::TopologyGone;
            let Ok((next, effects)) = step(&action, event.clone(), at(1)) else { continue };
            prop_assert!(next.term >= action.term);
            if action.phase.is_over() && !gone {
                prop_assert!(next.phase == action.phase, "{:?} after {:?}", next.phase, event);
            }
            if next.phase.is_over() || next.phase == Phase::Settled {
                prop_assert!(next.done.is_empty(), "{:?} leaves {:?} by {:?}", next.phase, next.done, event);
            }
            let stored = effects.contains(&Effect::Store) || effects.contains(&Effect::Forget);
            prop_assert!(stored, "{event:?} is not stored: {effects:?}");
            action = next;
        }
    }

    /// From wherever an action is left, a successor brings it to an end by doing what is due.
    #[test]
    fn every_action_ends(events in prop::collection::vec(any_event(), 0..40)) {
        let mut action = decided();
        for event in events {
            if let Ok((next, _)) = step(&action, event, at(1)) {
                action = next;
            }
        }
        let taken = step(&action, Event::TookOver { term: Term(9) }, at(2));
        let (mut action, _) = taken.expect("a newer leader may");
        for _ in 0..50 {
            let event = match (action.due(), action.done.last().cloned()) {
                (Some(Due::Reverse), Some(done)) => undone(done),
                (Some(Due::CarryOn), Some(done)) => undone(done),
                (Some(Due::CarryOn), None) => Event::Reached,
                _ if action.phase == Phase::Settled => Event::Judged,
                _ => break,
            };
            action = step(&action, event, at(3)).expect("it is what is due").0;
        }
        prop_assert!(action.phase.is_over(), "{action:?}");
    }
}
