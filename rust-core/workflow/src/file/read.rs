//! What a workflow file has to have.

use std::collections::BTreeMap;

use super::error::{At, Fault, WorkflowError};
use super::fields::{Fields, NAME, below, filled, is_name, list, number, text, wrong};
use super::yaml::{self, Node, Value};
use crate::problem::ProblemError;
use crate::units::{Alpha, Amount, Money, Time};
use crate::workflow::{Configuration, CostFrom, Measured, NamedTask, Resource, Workflow};

const MOST_RESOURCES: usize = 8;
const MOST_DAGS: usize = 64;
const MOST_TASKS: usize = 1_000;
const MOST_CONFIGURATIONS: usize = 64;
const MOST_RUNS: usize = 10_000;
const LONGEST_COMMAND: usize = 8 << 10;

/// Reads a workflow.
///
/// # Errors
/// When the text is none, or cannot be planned, naming file, line and what was expected.
pub fn read(file: &str, content: &str) -> Result<Workflow, WorkflowError> {
    let located = yaml::read(content).and_then(|root| workflow(&root));
    located.map_err(|At { line, fault }| WorkflowError { file: file.to_owned(), line, fault })
}

fn workflow(root: &Node) -> Result<Workflow, At> {
    let known = ["alpha", "currency", "resources", "price_per_hour", "dags"];
    let fields = Fields::of(root, "", &known)?;
    let alpha = match fields.get("alpha") {
        Some(node) => {
            number(node, "alpha", "a number from 0 (cost alone) to 1 (time alone)", Alpha::new)?
        }
        None => Alpha::BALANCED,
    };
    let currency = match fields.get("currency") {
        Some(node) => name(node, "currency")?,
        None => String::new(),
    };
    let cluster = Cluster::of(&fields)?;
    let dags = filled(fields.need("dags")?, "dags", MOST_DAGS)?;
    let (mut tasks, mut lines) = (Vec::new(), Vec::new());
    for (dag, line, node) in dags {
        check_name(dag, *line, "dags")?;
        dag_tasks(dag, node, &cluster, &mut tasks, &mut lines)?;
    }
    let workflow = Workflow { alpha, currency, resources: cluster.resources, tasks };
    check_sizes(&workflow, &lines)?;
    if let Err(error) = workflow.problem() {
        return Err(named(&workflow, &lines, &error));
    }
    Ok(workflow)
}

/// What there is, and what it costs.
struct Cluster {
    resources: Vec<Resource>,
    /// The price of one for an hour, of each resource; nothing where the file has none.
    prices: Option<Vec<f64>>,
}

impl Cluster {
    fn of(fields: &Fields<'_>) -> Result<Self, At> {
        let mut resources = Vec::new();
        for (name, line, node) in filled(fields.need("resources")?, "resources", MOST_RESOURCES)? {
            check_name(name, *line, "resources")?;
            let capacity = amount(node, &below("resources", name))?;
            resources.push(Resource { name: name.to_string(), capacity });
        }
        let mut cluster = Self { resources, prices: None };
        if let Some(node) = fields.get("price_per_hour") {
            let mut prices = vec![0.0; cluster.resources.len()];
            for (resource, line, node) in filled(node, "price_per_hour", MOST_RESOURCES)? {
                let place = below("price_per_hour", resource);
                let at = cluster.ordinal("price_per_hour", resource, *line)?;
                let price = number(node, &place, "a price of at least 0", Money::from_units)?;
                prices[at] = price.units();
            }
            cluster.prices = Some(prices);
        }
        Ok(cluster)
    }

    fn ordinal(&self, place: &str, name: &str, line: usize) -> Result<usize, At> {
        let known = self.resources.iter().position(|resource| resource.name == name);
        known.ok_or_else(|| {
            let names: Vec<&str> = self.resources.iter().map(|r| r.name.as_str()).collect();
            let fault = Fault::Key {
                place: place.to_owned(),
                key: name.to_owned(),
                expected: names.join(", "),
            };
            At { line, fault }
        })
    }

    fn needs(&self, node: &Node, place: &str) -> Result<Vec<Amount>, At> {
        let mut needs = vec![Amount::ZERO; self.resources.len()];
        for (resource, line, node) in filled(node, place, MOST_RESOURCES)? {
            let at = self.ordinal(place, resource, *line)?;
            needs[at] = amount(node, &below(place, resource))?;
        }
        Ok(needs)
    }

    /// What so much costs for so long.
    fn cost(&self, needs: &[Amount], length: Time) -> Option<Money> {
        let prices = self.prices.as_ref()?;
        let an_hour: f64 = needs.iter().zip(prices).map(|(need, price)| need.units() * price).sum();
        Money::from_units(an_hour * length.units() / 3600.0)
    }
}

fn dag_tasks(
    dag: &str,
    node: &Node,
    cluster: &Cluster,
    tasks: &mut Vec<NamedTask>,
    lines: &mut Vec<usize>,
) -> Result<(), At> {
    let place = below("dags", dag);
    let entries = filled(node, &place, MOST_TASKS)?;
    if tasks.len() + entries.len() > MOST_TASKS {
        return Err(wrong(node, "dags", &format!("at most {MOST_TASKS} tasks in all")));
    }
    let first = tasks.len();
    let ordinals: BTreeMap<&str, usize> =
        entries.iter().enumerate().map(|(at, (name, ..))| (&**name, first + at)).collect();
    for (name, line, node) in entries {
        check_name(name, *line, &place)?;
        let place = below(&place, name);
        let fields = Fields::of(node, &place, &["run", "after", "default", "configurations"])?;
        let mut task = NamedTask {
            dag: dag.to_owned(),
            name: name.to_string(),
            run: command(&fields)?,
            after: Vec::new(),
            default: 0,
            configurations: configurations(&fields, cluster)?,
        };
        task.after = after(&fields, &task, &ordinals)?;
        task.default = default(&fields, &task)?;
        tasks.push(task);
        lines.push(*line);
    }
    Ok(())
}

fn after(
    fields: &Fields<'_>,
    task: &NamedTask,
    ordinals: &BTreeMap<&str, usize>,
) -> Result<Vec<usize>, At> {
    let Some(node) = fields.get("after") else { return Ok(Vec::new()) };
    let place = fields.at("after");
    let mut after = Vec::new();
    for node in list(node, &place, MOST_TASKS)? {
        let name = text(node, &place)?;
        let at = ordinals.get(name).copied().ok_or_else(|| {
            let (task, dag) = (task.full_name(), task.dag.clone());
            At { line: node.line, fault: Fault::Dependency { task, after: shown(name), dag } }
        })?;
        if name == task.name {
            let said = format!("{} waits for itself", task.full_name());
            return Err(At { line: node.line, fault: Fault::Circle(said) });
        }
        if after.contains(&at) {
            return Err(wrong(node, &place, &format!("each task once, and {name} is there twice")));
        }
        after.push(at);
    }
    Ok(after)
}

/// The default that is named; with one configuration it need not be.
fn default(fields: &Fields<'_>, task: &NamedTask) -> Result<usize, At> {
    let Some(node) = fields.get("default") else {
        return match task.configurations.len() {
            1 => Ok(0),
            _ => fields.need("default").map(|_| 0),
        };
    };
    let place = fields.at("default");
    let name = text(node, &place)?;
    task.configurations.iter().position(|one| one.name == name).ok_or_else(|| {
        let names: Vec<&str> = task.configurations.iter().map(|one| one.name.as_str()).collect();
        wrong(node, &place, &format!("one of {}", names.join(", ")))
    })
}

fn configurations(fields: &Fields<'_>, cluster: &Cluster) -> Result<Vec<Configuration>, At> {
    let place = fields.at("configurations");
    let mut found = Vec::new();
    for (name, line, node) in filled(fields.need("configurations")?, &place, MOST_CONFIGURATIONS)? {
        check_name(name, *line, &place)?;
        let place = below(&place, name);
        let fields = Fields::of(node, &place, &["uses", "run", "runs"])?;
        let needs = cluster.needs(fields.need("uses")?, &fields.at("uses"))?;
        let measured = measured(&fields, &needs, cluster)?;
        found.push(Configuration {
            name: name.to_string(),
            needs,
            run: command(&fields)?,
            measured,
        });
    }
    Ok(found)
}

/// The medians of the runs of a configuration. Runs without a cost count at the prices, and only for time where there are none.
fn measured(
    fields: &Fields<'_>,
    needs: &[Amount],
    cluster: &Cluster,
) -> Result<Option<Measured>, At> {
    let Some(node) = fields.get("runs") else { return Ok(None) };
    let place = fields.at("runs");
    let (mut lengths, mut costs) = (Vec::new(), Vec::new());
    let mut cost_from = CostFrom::Prices;
    for node in list(node, &place, MOST_RUNS)? {
        let (length, cost) = run(node, &place)?;
        if cost.is_some() {
            cost_from = CostFrom::Runs;
        }
        lengths.push(length.get());
        costs.extend(cost.or_else(|| cluster.cost(needs, length)).map(Money::get));
    }
    let Some(length) = median(&mut lengths) else { return Ok(None) };
    let Some(cost) = median(&mut costs) else {
        let said = format!(
            "{place}: what these runs cost is not known; expected a cost of a run, or price_per_hour in the file"
        );
        return Err(At { line: node.line, fault: Fault::Cost(said) });
    };
    let (length, cost) = (Time::of(length), Money::of(cost));
    Ok(Some(Measured { runs: lengths.len(), length, cost, cost_from }))
}

/// A run is its seconds, or a map of seconds and cost.
fn run(node: &Node, place: &str) -> Result<(Time, Option<Money>), At> {
    let lasting = |number: f64| Time::from_units(number).filter(|time| *time > Time::ZERO);
    let seconds = "seconds of at least 0.001, or a map of seconds and cost";
    if !matches!(node.value, Value::Map(_)) {
        return Ok((number(node, place, seconds, lasting)?, None));
    }
    let fields = Fields::of(node, place, &["seconds", "cost"])?;
    let length = number(fields.need("seconds")?, &fields.at("seconds"), "at least 0.001", lasting)?;
    let cost = fields.get("cost").map(|node| {
        number(
            node,
            &fields.at("cost"),
            "a cost of at least 0 and at most a million",
            Money::from_units,
        )
    });
    Ok((length, cost.transpose()?))
}

/// The middle one; between two of them, what lies half-way.
fn median(values: &mut [u64]) -> Option<u64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(values[middle - 1].midpoint(upper)) }
}

fn command(fields: &Fields<'_>) -> Result<Option<String>, At> {
    let Some(node) = fields.get("run") else { return Ok(None) };
    let place = fields.at("run");
    let command = text(node, &place)?;
    if command.len() > LONGEST_COMMAND {
        return Err(wrong(node, &place, &format!("at most {LONGEST_COMMAND} bytes")));
    }
    if command.contains('\0') {
        return Err(wrong(node, &place, "no sign of number 0, which no program can be given"));
    }
    Ok(Some(command.to_owned()))
}

fn amount(node: &Node, place: &str) -> Result<Amount, At> {
    number(node, place, "a number of at least 0 and at most a billion", Amount::from_units)
}

fn name(node: &Node, place: &str) -> Result<String, At> {
    let name = text(node, place)?;
    if is_name(name) { Ok(name.to_owned()) } else { Err(wrong(node, place, NAME)) }
}

fn check_name(name: &str, line: usize, place: &str) -> Result<(), At> {
    if is_name(name) {
        return Ok(());
    }
    let expected = format!("{NAME}; not {}", shown(name));
    Err(At { line, fault: Fault::Value { place: place.to_owned(), expected } })
}

/// The beginning of a text that may be anything.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

/// Each task needs a default that ran and fits.
fn check_sizes(workflow: &Workflow, lines: &[usize]) -> Result<(), At> {
    for (task, line) in workflow.tasks.iter().zip(lines) {
        let default = &task.configurations[task.default];
        if task.configurations.iter().all(|one| one.measured.is_none())
            || default.measured.is_none()
        {
            let is_default = task.configurations.iter().any(|one| one.measured.is_some());
            let configuration =
                if is_default { default.name.as_str() } else { "every configuration" };
            let (task, configuration) = (task.full_name(), configuration.to_owned());
            return Err(At { line: *line, fault: Fault::NoRuns { task, configuration } });
        }
        let needs = default.needs.iter().zip(&workflow.resources);
        if let Some((need, there)) = needs.into_iter().find(|(need, there)| **need > there.capacity)
        {
            let fault = Fault::FitsNowhere {
                task: task.full_name(),
                configuration: default.name.clone(),
                lacks: format!(
                    "{} {}, and there are {}",
                    need.units(),
                    there.name,
                    there.capacity.units()
                ),
            };
            return Err(At { line: *line, fault });
        }
    }
    Ok(())
}

/// What cannot be planned, with the names and a line of the file.
fn named(workflow: &Workflow, lines: &[usize], error: &ProblemError) -> At {
    match error {
        ProblemError::Circle(tasks) => {
            let names: Vec<String> =
                tasks.iter().map(|at| workflow.tasks[*at].full_name()).collect();
            let said = format!("{}, which is after {}", names.join(", which is after "), names[0]);
            At { line: lines[tasks[0]], fault: Fault::Circle(said) }
        }
        ProblemError::NothingCosts => {
            let said = "the defaults cost nothing, so that cost cannot be compared; expected costs, or alpha: 1";
            At { line: 1, fault: Fault::Cost(said.to_owned()) }
        }
        other => At { line: 1, fault: Fault::Yaml(other.to_string()) },
    }
}
