//! What a policy that knew everything would do; the measure of over- and under-provisioning.

use thalweg_core::demand::Demand;
use thalweg_core::model::TaskRange;
use thalweg_core::model::{ComponentKind, Grouping};
use thalweg_core::plan::partition::partition;

use crate::hidden::Hidden;
use crate::scenario::{EngineKind, Scenario};

/// What each component can do with any number of executors on nodes of mean ability.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacities {
    /// Per component and executor count, from one on: records per second.
    by_count: Vec<Vec<f64>>,
    /// Per component: whether its executors are counted.
    counted: Vec<bool>,
    gains: Vec<Demand>,
}

impl Capacities {
    /// The capacities of a run.
    pub fn of(scenario: &Scenario, hidden: &Hidden) -> Self {
        let ability =
            hidden.nodes.iter().map(|n| n.ability).sum::<f64>() / hidden.nodes.len() as f64;
        let by_count = hidden.components.iter().enumerate().map(|(index, component)| {
            let keyed = scenario
                .edges
                .iter()
                .any(|e| e.to == scenario.components[index].id && e.grouping == Grouping::Fields);
            let tasks = scenario.components[index].tasks;
            let possible = |count: u32| {
                let cpu = component.cpu_share / ability + 1.0 - component.cpu_share;
                let one = 1.0 / (component.work(count) * cpu).max(1e-12);
                let largest = largest_share(&component.key_weights, count, keyed, scenario.engine);
                (one / largest).min(component.limit.unwrap_or(f64::MAX))
            };
            (1..=tasks).map(possible).collect()
        });
        let counted = scenario.components.iter().map(|c| c.kind == ComponentKind::Operator);
        Self {
            by_count: by_count.collect(),
            counted: counted.collect(),
            gains: hidden.gains.clone(),
        }
    }

    /// Executors that each component needs at least for a rate of source records; nothing where no
    /// number is enough.
    pub fn needed(&self, component: usize, rate: f64) -> Option<u32> {
        let demand = self.gains[component].times(rate);
        let enough =
            |(count, capacity): (u32, &f64)| (*capacity >= demand.of(count)).then_some(count);
        (1..).zip(&self.by_count[component]).find_map(enough)
    }

    /// What a component can do with so many executors.
    pub fn of_count(&self, component: usize, executors: u32) -> f64 {
        let own = &self.by_count[component];
        own.get(executors.saturating_sub(1) as usize).or(own.last()).copied().unwrap_or(0.0)
    }

    /// The components whose executors are counted, in order.
    pub fn counted(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.counted.len()).filter(|&component| self.counted[component])
    }

    /// Executors that the whole job needs for a rate; where no number is enough, the best number.
    pub fn needed_in_all(&self, rate: f64) -> u32 {
        self.counted().map(|c| self.needed(c, rate).unwrap_or_else(|| self.best(c))).sum()
    }

    /// Records of a component with so many executors for each source record of the job.
    pub fn gain(&self, component: usize, executors: usize) -> f64 {
        self.gains[component].of(u32::try_from(executors).unwrap_or(u32::MAX))
    }

    fn best(&self, component: usize) -> u32 {
        let own = &self.by_count[component];
        let best = (0..own.len()).max_by(|&a, &b| own[a].total_cmp(&own[b]).then(b.cmp(&a)));
        u32::try_from(best.map_or(1, |index| index + 1)).unwrap_or(1)
    }
}

/// Share of a component's records that its busiest executor gets.
fn largest_share(weights: &[f64], count: u32, keyed: bool, engine: EngineKind) -> f64 {
    let tasks = u32::try_from(weights.len()).unwrap_or(u32::MAX);
    let ranges = partition(TaskRange::new(0, tasks - 1), count);
    let share = |range: &TaskRange| {
        if keyed {
            weights[range.first as usize..=range.last as usize].iter().sum()
        } else if engine == EngineKind::Flink {
            1.0 / ranges.len() as f64
        } else {
            f64::from(range.count()) / f64::from(tasks)
        }
    };
    ranges.iter().map(share).fold(0.0, f64::max)
}
