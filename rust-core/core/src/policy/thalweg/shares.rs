//! How unevenly a component's records and work are spread over its executors: what its fullest
//! executor cannot do is not done by the others.

use crate::demand::ComponentFlow;

/// An executor with so many times its siblings' records is hot.
const HOT: f64 = 2.0;
/// With fewer executors than this, uneven keys look like a hot one.
const ENOUGH_TO_TELL: usize = 4;
/// Executors that hardly work say nothing about balance.
const AT_WORK: f64 = 0.1;

/// How records are dealt out to however many executors there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Records are dealt to tasks, and an executor has as many of them as its siblings, or one more.
    tasks: u32,
    /// The part of all records that belongs to one key.
    pub hot: f64,
}

impl Shares {
    /// The shares of a component as measured.
    pub fn of(component: &ComponentFlow) -> Self {
        // A source's executors share partitions, of which nothing is known here.
        let tasks = if component.source { 0 } else { component.tasks };
        Self { tasks, hot: hot_key(component) }
    }

    /// Mean share of `executors` over the fullest one's: 1 where all have the same. Twelve tasks on
    /// five executors are 3, 3, 2, 2, 2, so that it is 2.4 / 3 = 0.8.
    pub fn evenness(self, executors: u32) -> f64 {
        let fair = 1.0 / f64::from(executors.max(1));
        let by_tasks = match self.tasks {
            0 => fair,
            tasks => f64::from(tasks.div_ceil(executors.max(1))) / f64::from(tasks),
        };
        fair / (self.hot + (1.0 - self.hot) * by_tasks.max(fair))
    }
}

/// Mean busy share of a component's executors over the busiest one's, beyond what its shares explain:
/// below 1 on nodes of unequal speed and with keys of unequal weight, above 1 where the engine deals
/// records more evenly than tasks. Nothing where it hardly works.
pub fn balance(component: &ComponentFlow) -> Option<f64> {
    let busiest = component.busiest().filter(|busy| *busy >= AT_WORK)?;
    let ability: f64 = component.measured.iter().map(|e| e.ability).sum();
    let work: f64 = component.measured.iter().map(|e| e.busy * e.ability).sum();
    let explained = Shares::of(component).evenness(component.executors);
    Some((work / ability / busiest).clamp(0.1, 1.0) / explained)
}

/// The part of a component's records that belongs to one key, as far as it can be told.
fn hot_key(component: &ComponentFlow) -> f64 {
    let count = component.measured.len();
    let mut inputs: Vec<f64> = component.measured.iter().map(|e| e.input).collect();
    inputs.sort_by(f64::total_cmp);
    let (usual, most) = (inputs.get(count / 2), inputs.last());
    let hot = match (usual, most) {
        (Some(usual), Some(most)) => *usual > 0.0 && *most > HOT * usual,
        _ => false,
    };
    if !component.keyed || count < ENOUGH_TO_TELL || !hot {
        return 0.0;
    }
    let fair = 1.0 / count as f64;
    ((component.hottest().unwrap_or(fair) - fair) / (1.0 - fair)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_cannot_be_dealt_evenly_cost_capacity() {
        let shares = Shares { tasks: 12, hot: 0.0 };
        assert!((shares.evenness(5) - 0.8).abs() < 1e-12);
        assert!((shares.evenness(6) - 1.0).abs() < 1e-12);
        assert!((Shares { tasks: 0, hot: 0.0 }.evenness(5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_hot_key_bounds_what_executors_bring() {
        // Half of all records are one key's: four executors do no more than 1 / 0.625 of one.
        let shares = Shares { tasks: 64, hot: 0.5 };
        assert!((shares.evenness(4) - 0.25 / 0.625).abs() < 1e-12);
    }
}
