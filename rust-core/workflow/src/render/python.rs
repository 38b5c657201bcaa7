//! What files in Python share.

use crate::plan::Plan;
use crate::workflow::Workflow;

/// A task as a file has it.
pub(super) struct Step {
    /// Its name, which is one in Python too.
    pub name: String,
    pub command: String,
    pub configuration: String,
    /// The names of those that it is after.
    pub after: Vec<String>,
    /// The names of those whose room it takes over.
    pub room: Vec<String>,
    /// The first to start has the highest.
    pub priority: usize,
}

/// What a file says of itself.
pub(super) fn head(workflow: &Workflow, plan: &Plan) -> String {
    let currency = if workflow.currency.is_empty() {
        String::new()
    } else {
        format!(" {}", workflow.currency)
    };
    format!(
        "\"\"\"A planned workflow, written by `thalweg workflow render`: change the workflow's file and render it anew.\n\n\
         Run as they ran before, all ends after {:.0} s and costs {:.4}{currency}; with each task's default after {:.0} s and {:.4}.\n\
         A task also waits for those whose room in the cluster it takes over, so that no more is held at once than there is.\n\"\"\"\n",
        plan.makespan_secs.planned.units(),
        plan.cost.planned.units(),
        plan.makespan_secs.default.units(),
        plan.cost.default.units(),
    )
}

/// A name of a file's as one in Python: what is no letter or digit is `_`, and the dot between DAG and task is two.
pub(super) fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let parts = name.split('.').map(|part| part.chars().map(plain).collect::<String>());
    parts.collect::<Vec<_>>().join("__")
}

/// A text as Python reads it: JSON's quotes and escapes are Python's too.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
