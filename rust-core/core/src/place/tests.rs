use proptest::prelude::*;

use super::*;

fn node(power_milli: u32, ports: &[u32]) -> PlaceNode {
    let slots = ports.iter().map(|&port| PlaceSlot { port, taken: false }).collect();
    PlaceNode { power_milli, usable: true, slots, ..PlaceNode::default() }
}

fn executor(role: Role, component: u32, demand: u64) -> PlaceExecutor {
    PlaceExecutor { role, component, demand, ..PlaceExecutor::default() }
}

fn problem(abilities: &[u32], work: &[(u32, u64)]) -> Problem {
    let mut executors = vec![executor(Role::Pinned, 0, 0), executor(Role::Pinned, 1, 0)];
    executors
        .extend(work.iter().map(|&(component, demand)| executor(Role::Work, component, demand)));
    Problem {
        nodes: abilities.iter().map(|&a| node(a, &[1, 2, 3, 4])).collect(),
        executors,
        desired_workers: 1,
        pinned_per_worker: 16,
        ..Problem::default()
    }
}

fn settled(mut problem: Problem, placement: &[SlotRef]) -> Problem {
    for (executor, slot) in problem.executors.iter_mut().zip(placement) {
        executor.current = Some(*slot);
        *problem.held.entry(*slot).or_default() += 1;
    }
    problem
}

fn placed(problem: &Problem) -> Vec<SlotRef> {
    place(problem).expect("there is room")
}

#[test]
fn anchors_get_a_worker_of_their_own_on_the_fastest_node() {
    let problem = problem(&[500, 1000, 1000], &[(2, 10), (2, 10), (2, 10)]);
    let placement = placed(&problem);
    assert_eq!(placement[0], placement[1]);
    assert_eq!(placement[0].node, 1);
    assert!(placement[2..].iter().all(|slot| *slot != placement[0]));
}

#[test]
fn load_follows_ability() {
    let problem = problem(&[1000, 500, 250], &[(2, 100); 7]);
    let mut per_node = [0; 3];
    for slot in &placed(&problem)[2..] {
        per_node[slot.node as usize] += 1;
    }
    assert_eq!(per_node, [4, 2, 1]);
}

#[test]
fn components_are_spread_when_loads_are_equal() {
    let problem = problem(&[1000, 1000], &[(2, 100), (2, 100), (3, 100), (3, 100)]);
    let placement = placed(&problem);
    assert_ne!(placement[2].node, placement[3].node);
    assert_ne!(placement[4].node, placement[5].node);
}

#[test]
fn a_slow_node_is_left_and_untouched_workers_keep_their_slots() {
    let even = problem(&[1000, 1000, 1000], &[(2, 100); 6]);
    let mut slow = settled(even.clone(), &placed(&even));
    slow.nodes[2].power_milli = 100;
    let before: Vec<SlotRef> = slow.executors.iter().filter_map(|e| e.current).collect();
    let after = placed(&slow);
    assert_eq!(before[..2], after[..2], "anchors stay");
    assert!(after[2..].iter().all(|slot| slot.node != 2));
    for (was, is) in before[2..].iter().zip(&after[2..]) {
        assert!(was.node == 2 || was == is, "only executors of the slow node move");
    }
}

/// As Storm would have it: on each node one worker with two executors that work and one that hardly does, the
/// pinned executors on `home`; the last two nodes turn out to have half and a fifth of the first one's speed.
fn unequal(home: u32, slow_work: u64) -> Problem {
    let work: Vec<(u32, u64)> =
        (0..3).flat_map(|_| [(2, 100_000), (2, 100_000), (3, 2_000)]).collect();
    let mut even = problem(&[1000, 500, 200], &work);
    for executor in even.executors[8..10].iter_mut() {
        executor.demand = slow_work;
    }
    let pinned = [SlotRef { node: home, port: 1 }; 2];
    let work = (0..9).map(|index| SlotRef { node: index / 3, port: 2 });
    let slots: Vec<SlotRef> = pinned.into_iter().chain(work).collect();
    settled(even, &slots)
}

#[test]
fn no_worker_is_started_for_next_to_nothing() {
    let slots = placed(&unequal(0, 100_000));
    assert!(slots.iter().all(|slot| slot.node != 2), "{slots:?}");
    let split = |node| [2, 3, 5, 6, 8, 9].iter().filter(|&&e| slots[e].node == node).count();
    assert_eq!((split(0), split(1)), (4, 2));
}

#[test]
fn anchors_leave_a_node_that_is_far_slower_unless_its_work_explains_that() {
    assert_eq!(placed(&unequal(2, 100_000))[..2], [SlotRef { node: 0, port: 1 }; 2]);
    assert_eq!(placed(&unequal(1, 100_000))[0].node, 1, "half the speed is bearable");
    assert_eq!(placed(&unequal(2, 300_000))[0].node, 2, "it has more to do than the others");
}

#[test]
fn anchors_stay_on_a_far_slower_node_where_they_are_told_to() {
    let problem = Problem { pinned_stay: true, ..unequal(2, 100_000) };
    assert_eq!(placed(&problem)[..2], [SlotRef { node: 2, port: 1 }; 2]);
}

/// Four executors that split become two, beside others with this demand, on nodes of four slots; all of the
/// first node's are in use.
fn shrunk(beside: u64) -> Problem {
    let work = [(2, 50), (2, 50), (2, 50), (2, 50), (3, beside), (3, beside), (3, beside)];
    let slot = |(node, port)| SlotRef { node, port };
    let slots = [(0, 1), (0, 1), (0, 4), (1, 1), (1, 2), (1, 2), (0, 2), (0, 3), (1, 2)].map(slot);
    let mut shrunk = settled(problem(&[1000; 3], &work), &slots);
    shrunk.executors.drain(2..6);
    for node in [0, 1] {
        shrunk.executors.push(PlaceExecutor { near: Some(node), ..executor(Role::Work, 2, 100) });
    }
    shrunk
}

/// How many executors would have to wait for the slot of a worker that ends.
fn waiting(problem: &Problem) -> usize {
    let desired = problem.executors.iter().zip(placed(problem));
    desired.filter(|(e, slot)| e.current != Some(*slot) && problem.held.contains_key(slot)).count()
}

#[test]
fn a_new_worker_does_not_wait_for_the_slot_of_an_old_one() {
    assert_eq!(waiting(&shrunk(20)), 0);
}

#[test]
fn a_balance_that_needs_a_stop_is_not_worth_it_while_nodes_have_room_to_spare() {
    assert_ne!(waiting(&shrunk(30)), 0, "130 instead of 100");
    assert_eq!(waiting(&Problem { comfort: 130, ..shrunk(30) }), 0);
}

#[test]
fn a_new_worker_starts_on_a_fresh_port() {
    let one = problem(&[1000], &[(2, 100)]);
    let mut grown = settled(one.clone(), &placed(&one));
    let old = grown.executors.pop().and_then(|e| e.current).expect("settled");
    for _ in 0..2 {
        grown.executors.push(PlaceExecutor { near: Some(0), ..executor(Role::Work, 2, 50) });
    }
    for slot in &placed(&grown)[2..] {
        assert_eq!(slot.node, 0);
        assert_ne!(*slot, old);
    }
}

#[test]
fn a_worker_that_loses_an_executor_is_replaced_and_not_restarted() {
    let mixed = problem(&[1000], &[(2, 100), (3, 100)]);
    let mut shrunk = settled(mixed.clone(), &placed(&mixed));
    let gone = shrunk.executors.pop().expect("two work executors");
    let rest = placed(&shrunk)[2];
    assert_ne!(Some(rest), gone.current, "the old worker also ran the executor that is gone");
}

#[test]
fn an_executor_is_never_in_an_ending_and_a_beginning_worker_of_one_node() {
    let mixed = problem(&[1000, 1000], &[(2, 400), (3, 10), (3, 10)]);
    let mut grown = settled(mixed.clone(), &placed(&mixed));
    grown.executors.remove(2);
    for _ in 0..4 {
        grown.executors.push(PlaceExecutor { near: Some(0), ..executor(Role::Work, 2, 100) });
    }
    for (executor, slot) in grown.executors.iter().zip(&placed(&grown)) {
        if let Some(now) = executor.current {
            assert!(now == *slot || now.node != slot.node, "{now:?} and {slot:?}");
        }
    }
}

#[test]
fn a_worker_whose_node_slowed_down_leaves_it_whole() {
    let even =
        problem(&[1000, 1000, 1000], &[(2, 300), (2, 300), (2, 300), (3, 10), (3, 10), (3, 10)]);
    let mut slow = settled(even.clone(), &placed(&even));
    slow.nodes[2].power_milli = 250;
    for (executor, slot) in slow.executors.iter().zip(&placed(&slow)) {
        let now = executor.current.expect("settled");
        assert!((now.node == 2) != (now == *slot), "{now:?} and {slot:?}");
    }
}

#[test]
fn one_slot_takes_everything_and_none_is_a_shortage() {
    let mut tight = problem(&[1000], &[(2, 100)]);
    tight.nodes[0].slots.truncate(1);
    assert!(placed(&tight).iter().all(|slot| slot.port == 1));
    tight.nodes[0].slots[0].taken = true;
    assert_eq!(place(&tight), Err(Shortage::Slots { needed: 1, usable_nodes: 1 }));
}

#[test]
fn declared_memory_is_honoured_and_guessed_memory_refuses_nothing() {
    let mut problem = problem(&[1000, 250], &[(2, 100); 4]);
    for executor in &mut problem.executors[2..] {
        executor.off_heap_mib = 300;
    }
    let with = |problem: &Problem, memory| {
        let mut problem = problem.clone();
        problem.nodes.iter_mut().for_each(|node| node.memory_mib = Some(memory));
        problem
    };
    problem.memory_declared = true;
    let on = |placement: &[SlotRef], node| {
        placement[2..].iter().filter(|slot| slot.node == node).count()
    };
    let roomy = placed(&with(&problem, 4_000));
    assert_eq!((on(&roomy, 0), on(&roomy, 1)), (4, 0), "a quarter of the speed takes nothing");
    let tight = placed(&with(&problem, 700));
    assert_eq!((on(&tight, 0), on(&tight, 1)), (2, 2));
    let too_tight = with(&problem, 400);
    let refused = place(&too_tight).expect_err("two executors of 300 MiB on 400");
    assert_eq!(
        refused.to_string(),
        "2 executors find no room: 200 MiB of memory on a node would let the next one in"
    );
    problem.memory_declared = false;
    assert_eq!(placed(&with(&problem, 400)).len(), problem.executors.len());
}

#[test]
fn no_node_gets_more_executors_of_a_component_than_it_may_hold() {
    // By power alone all four would run on the first node.
    let mut problem = problem(&[1000, 100, 100], &[(2, 100); 4]);
    problem.most_per_node.insert(2, 2);
    let per_node = |node| placed(&problem)[2..].iter().filter(|slot| slot.node == node).count();
    assert!((0..3).all(|node| per_node(node) <= 2));
    problem.most_per_node.insert(2, 1);
    let refused = place(&problem).expect_err("four executors on three nodes");
    assert!(refused.to_string().contains("1 executors"), "{refused}");
}

#[test]
fn no_rack_gets_more_executors_of_a_component_than_it_may_hold() {
    // By power alone all would run on the first rack; executors of one and of two tasks count together.
    let mut problem = problem(&[1000, 1000, 100], &[(2, 200), (2, 200), (2, 100), (2, 100)]);
    problem.nodes[2].rack = 1;
    let on_second =
        |problem: &Problem| placed(problem)[2..].iter().filter(|slot| slot.node == 2).count();
    assert_eq!(on_second(&problem), 0);
    problem.most_per_rack.insert(2, 2);
    assert_eq!(on_second(&problem), 2);
}

#[test]
fn what_exchanges_tuples_is_put_side_by_side() {
    let mut problem = problem(&[1000, 1000], &[(2, 100), (3, 100), (4, 100), (5, 100)]);
    let edge = |from, to| PlaceEdge { from, to, traffic: 1_000 };
    problem.edges = vec![edge(2, 5), edge(3, 4)];
    let nodes: Vec<u32> = placed(&problem)[2..].iter().map(|slot| slot.node).collect();
    assert_eq!((nodes[0], nodes[1]), (nodes[3], nodes[2]));
    assert_ne!(nodes[0], nodes[1], "loads come first");
}

fn any_problem() -> impl Strategy<Value = Problem> {
    let nodes =
        proptest::collection::vec((50u32..2000, 1usize..5, any::<bool>(), 0u64..500_000), 1..6);
    let work = proptest::collection::vec((2u32..5, 0u64..1_000_000), 0..14);
    (nodes, work, 1u32..9, 1u32..4).prop_map(|(nodes, work, desired_workers, pinned_per_worker)| {
        let mut problem = problem(&[], &work);
        problem.desired_workers = desired_workers;
        problem.pinned_per_worker = pinned_per_worker;
        problem.nodes = nodes
            .into_iter()
            .map(|(ability, slots, usable, base_load)| PlaceNode {
                usable,
                base_load,
                ..node(ability, &(1..=slots as u32).collect::<Vec<_>>())
            })
            .collect();
        problem
    })
}

proptest! {
    #[test]
    fn every_executor_gets_one_usable_slot_and_the_result_is_at_rest(problem in any_problem()) {
        let Ok(placement) = place(&problem) else {
            prop_assert_eq!(problem.usable_nodes(), 0);
            return Ok(());
        };
        prop_assert_eq!(placement.len(), problem.executors.len());
        for slot in &placement {
            let node = &problem.nodes[slot.node as usize];
            prop_assert!(node.usable && node.slots.iter().any(|s| s.port == slot.port && !s.taken));
        }
        let again = place(&settled(problem, &placement)).expect("it fitted before");
        prop_assert_eq!(again, placement);
    }
}
