//! A workflow with its names, and what its past runs say.

use crate::problem::{Mode, Problem, ProblemError, Task};
use crate::units::{Alpha, Amount, Money, Time};

/// A resource of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// How much there is.
    pub capacity: Amount,
}

/// Where the cost of a configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostFrom {
    /// Its runs say it.
    Runs,
    /// What it holds, for as long as it takes, at the file's prices.
    Prices,
}

/// What past runs of a configuration say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How many there were.
    pub runs: usize,
    /// Their median length.
    pub length: Time,
    /// Their median cost.
    pub cost: Money,
    /// Where that comes from.
    pub cost_from: CostFrom,
}

/// A configuration of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Its name.
    pub name: String,
    /// What it holds of each resource.
    pub needs: Vec<Amount>,
    /// What it runs, where that is not what the task says.
    pub run: Option<String>,
    /// What its runs say; nothing where there was none.
    pub measured: Option<Measured>,
}

/// A task with its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTask {
    /// The DAG that it belongs to.
    pub dag: String,
    /// Its name there.
    pub name: String,
    /// What it runs.
    pub run: Option<String>,
    /// The tasks that have to have ended, by their ordinals.
    pub after: Vec<usize>,
    /// The ordinal of its default.
    pub default: usize,
    /// Its configurations.
    pub configurations: Vec<Configuration>,
}

impl NamedTask {
    /// Its name with that of its DAG.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.dag, self.name)
    }

    /// What it runs in a configuration.
    pub fn command(&self, configuration: usize) -> Option<&str> {
        self.configurations[configuration].run.as_deref().or(self.run.as_deref())
    }
}

/// One or several DAGs on a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// How much of the objective is time.
    pub alpha: Alpha,
    /// What costs are counted in.
    pub currency: String,
    /// The resources of the cluster.
    pub resources: Vec<Resource>,
    /// The tasks of all DAGs, in the order of the file.
    pub tasks: Vec<NamedTask>,
}

/// Why a configuration of a task is never used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unused {
    /// It never ran.
    NeverRan,
    /// It needs more of a resource than there is.
    TooLarge {
        /// The ordinal of the resource.
        resource: usize,
    },
}

impl Workflow {
    /// Why a configuration is never used, if so.
    pub fn unused(&self, configuration: &Configuration) -> Option<Unused> {
        if configuration.measured.is_none() {
            return Some(Unused::NeverRan);
        }
        let needs = configuration.needs.iter().zip(&self.resources);
        let too_large = needs.into_iter().position(|(need, there)| *need > there.capacity);
        too_large.map(|resource| Unused::TooLarge { resource })
    }

    /// The configurations of a task that can be used, by their ordinals.
    pub fn usable(&self, task: &NamedTask) -> Vec<usize> {
        let count = 0..task.configurations.len();
        count.filter(|at| self.unused(&task.configurations[*at]).is_none()).collect()
    }

    /// What is to be planned: way `n` of a task is its `n`th configuration that can be used.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub fn problem(&self) -> Result<Problem, ProblemError> {
        let capacity = self.resources.iter().map(|resource| resource.capacity).collect();
        let mut tasks = Vec::new();
        for (at, task) in self.tasks.iter().enumerate() {
            let usable = self.usable(task);
            let default = usable.iter().position(|one| *one == task.default);
            let default = default.ok_or(ProblemError::FitsNowhere(at))?;
            let mode = |one: &usize| {
                let configuration = &task.configurations[*one];
                let measured = configuration.measured?;
                let needs = configuration.needs.clone();
                Some(Mode { length: measured.length, cost: measured.cost, needs })
            };
            let modes = usable.iter().filter_map(mode).collect();
            tasks.push(Task { after: task.after.clone(), modes, default });
        }
        Problem::new(capacity, tasks, self.alpha)
    }
}
