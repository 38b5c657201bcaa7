//! Jobs made from a few numbers: small ones for tests, and shapes drawn at random.

use thalweg_core::model::{ComponentKind, Grouping};

use super::{
    ComponentSpec, EdgeSpec, EngineKind, Flink, Load, Metrics, NodeGroup, Scenario, Storm,
};
use crate::random::Random;

/// The shape of a job that is drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One operator after the other.
    Linear,
    /// A stream that is split and joined again.
    Diamond,
    /// Two sources that are joined.
    Join,
}

/// A source that costs nothing to speak of and one operator of 1 ms, on one node of 64 cores.
pub fn tiny() -> Scenario {
    let mut scenario = empty("tiny", EngineKind::Storm);
    scenario.nodes = vec![NodeGroup { cores: 64.0, slots: 16, ..node() }];
    scenario.components = vec![source("in", 1.0), operator("out", 1000.0)];
    scenario.edges = vec![edge("in", "out")];
    scenario.metrics = Metrics { sample_rate: 1.0, noise: 0.0, ..Metrics::default() };
    scenario
}

/// A job of a shape with one to four operators on each of its paths, everything else drawn.
///
/// The rate is such that the busiest operator needs between two and eight executors at load 1.
pub fn draw(shape: Shape, engine: EngineKind, seed: u64) -> Scenario {
    let mut random = Random::of(seed, "template");
    let mut scenario = empty(&format!("{shape:?}-{seed}").to_lowercase(), engine);
    scenario.about = format!("a {shape:?} job drawn with seed {seed}").to_lowercase();
    let nodes = random.whole(3, 6);
    scenario.nodes = vec![
        NodeGroup { count: nodes, cores: 8.0, slots: 8, ..node() },
        NodeGroup { count: 1, cores: 8.0, slots: 8, ability: random.between(0.5, 1.0), ..node() },
    ];
    match shape {
        Shape::Linear => {
            scenario.components.push(source("source", 5.0));
            chain(&mut scenario, &["source"], "step", random.whole(1, 4), &mut random);
        }
        Shape::Diamond => {
            scenario.components.push(source("source", 5.0));
            let left = chain(&mut scenario, &["source"], "left", random.whole(1, 2), &mut random);
            let right = chain(&mut scenario, &["source"], "right", random.whole(1, 2), &mut random);
            chain(&mut scenario, &[&left, &right], "merged", random.whole(1, 2), &mut random);
        }
        Shape::Join => {
            scenario.components.push(source("orders", 5.0));
            scenario
                .components
                .push(ComponentSpec { share: random.between(0.1, 1.0), ..source("people", 5.0) });
            chain(&mut scenario, &["orders", "people"], "joined", random.whole(1, 3), &mut random);
        }
    }
    let gains = super::gains::gains(&scenario);
    let heaviest = scenario
        .components
        .iter()
        .zip(&gains)
        .map(|(component, gain)| component.work_micros * 1e-6 * gain.of(component.executors))
        .fold(1e-9, f64::max);
    scenario.rate = random.between(2.0, 8.0) / heaviest;
    scenario
}

/// Adds operators one after the other behind `from`, and gives the id of the last.
fn chain(
    scenario: &mut Scenario,
    from: &[&str],
    name: &str,
    count: u32,
    random: &mut Random,
) -> String {
    let mut senders: Vec<String> = from.iter().map(|id| (*id).to_owned()).collect();
    for index in 1..=count.max(1) {
        let id = format!("{name}-{index}");
        scenario.components.push(ComponentSpec {
            tasks: 32,
            executors: random.whole(1, 3),
            contention: random.between(0.0, 0.06),
            coherency: random.between(0.0, 0.0006),
            variability: random.between(0.2, 1.5),
            skew: if random.unit() < 0.3 { random.between(0.1, 0.6) } else { 0.0 },
            ..operator(&id, random.between(100.0, 2000.0))
        });
        let grouping = if random.unit() < 0.5 { Grouping::Shuffle } else { Grouping::Fields };
        for sender in &senders {
            let selectivity = [0.5, 1.0, 1.0, 2.0][random.whole(0, 3) as usize];
            scenario.edges.push(EdgeSpec { grouping, selectivity, ..edge(sender, &id) });
        }
        senders = vec![id];
    }
    senders.swap_remove(0)
}

/// Ten minutes of constant load, of a job without nodes and components.
pub fn empty(name: &str, engine: EngineKind) -> Scenario {
    Scenario {
        name: name.to_owned(),
        about: String::new(),
        engine,
        duration_secs: 600.0,
        step_millis: 500.0,
        point_secs: 60.0,
        rate: 100.0,
        jitter: 0.0,
        workers: 2,
        nodes: Vec::new(),
        components: Vec::new(),
        edges: Vec::new(),
        load: Load::default(),
        storm: Storm::default(),
        flink: Flink::default(),
        metrics: Metrics::default(),
        faults: Vec::new(),
        script: Vec::new(),
        settings: Default::default(),
    }
}

/// One node of four cores and four slots.
pub fn node() -> NodeGroup {
    NodeGroup {
        count: 1,
        cores: 4.0,
        declared_cores: None,
        ability: 1.0,
        slots: 4,
        round_trip_millis: 0.5,
        link_mib: 119.0,
        interference: 0.0,
    }
}

/// An operator of one executor and 16 tasks.
pub fn operator(id: &str, work_micros: f64) -> ComponentSpec {
    ComponentSpec {
        id: id.to_owned(),
        kind: ComponentKind::Operator,
        executors: 1,
        tasks: 16,
        work_micros,
        cpu_share: 1.0,
        contention: 0.0,
        coherency: 0.0,
        delay_millis: 0.0,
        unseen_share: 0.0,
        acknowledged_after_millis: 0.0,
        tick_secs: None,
        from_secs: 0.0,
        until_secs: None,
        variability: 1.0,
        skew: 0.0,
        hot_key: 0.0,
        limit: None,
        partitions: None,
        share: 1.0,
        state: None,
        memory_mib: 128.0,
        queue: 32_768.0,
    }
}

/// A source of one executor.
pub fn source(id: &str, work_micros: f64) -> ComponentSpec {
    ComponentSpec { kind: ComponentKind::Source, tasks: 1, ..operator(id, work_micros) }
}

/// A shuffled stream that sends one record for each.
pub fn edge(from: &str, to: &str) -> EdgeSpec {
    EdgeSpec {
        from: from.to_owned(),
        to: to.to_owned(),
        grouping: Grouping::Shuffle,
        selectivity: 1.0,
        bytes: 100.0,
        stream: None,
    }
}
