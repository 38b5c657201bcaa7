//! What a scenario must hold beyond its types.

use thalweg_core::model::ComponentKind;

use super::gains::settled;
use super::{EdgeSpec, FaultKind, Scenario};

/// Where a scenario is wrong, and what was expected.
pub(super) struct Wrong {
    pub(super) table: &'static str,
    pub(super) index: usize,
    pub(super) key: &'static str,
    pub(super) expected: String,
}

fn wrong(
    table: &'static str,
    index: usize,
    key: &'static str,
    expected: impl Into<String>,
) -> Wrong {
    Wrong { table, index, key, expected: expected.into() }
}

/// Finds the first thing that is wrong.
pub(super) fn check(scenario: &Scenario) -> Result<(), Wrong> {
    for (key, value) in [
        ("duration_secs", scenario.duration_secs),
        ("step_millis", scenario.step_millis),
        ("rate", scenario.rate),
    ] {
        if !(value.is_finite() && value > 0.0) {
            return Err(wrong("", 0, key, format!("expected a number above 0, got {value}")));
        }
    }
    nodes(scenario)?;
    components(scenario)?;
    faults(scenario)?;
    for (index, step) in scenario.script.iter().enumerate() {
        if let Some(id) = step.counts.keys().find(|id| scenario.component(id).is_none()) {
            let expected = format!("expected components, and there is no {id}");
            return Err(wrong("script", index, "counts", expected));
        }
    }
    edges(scenario)
}

fn faults(scenario: &Scenario) -> Result<(), Wrong> {
    for (index, fault) in scenario.faults.iter().enumerate() {
        let node = match fault.kind {
            FaultKind::NodeDeath { node }
            | FaultKind::SlowNode { node, .. }
            | FaultKind::SlowLink { node, .. } => node,
            FaultKind::Restarts { component, period_secs, .. } => {
                if component >= scenario.components.len() || period_secs <= 0.0 {
                    let expected = "expected a component's ordinal, and more than 0 seconds";
                    return Err(wrong("fault", index, "component", expected));
                }
                continue;
            }
            _ => continue,
        };
        let last = scenario.node_count() - 1;
        if node > last as usize {
            let expected = format!("expected a node from 0 to {last}, got {node}");
            return Err(wrong("fault", index, "node", expected));
        }
    }
    Ok(())
}

fn nodes(scenario: &Scenario) -> Result<(), Wrong> {
    if scenario.node_count() == 0 {
        return Err(wrong("node", 0, "count", "expected at least one node"));
    }
    for (index, group) in scenario.nodes.iter().enumerate() {
        for (key, value) in [
            ("cores", group.cores),
            ("declared_cores", group.declared_cores.unwrap_or(group.cores)),
            ("ability", group.ability),
            ("link_mib", group.link_mib),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(wrong(
                    "node",
                    index,
                    key,
                    format!("expected a number above 0, got {value}"),
                ));
            }
        }
        if group.slots == 0 {
            return Err(wrong("node", index, "slots", "expected at least one slot"));
        }
    }
    Ok(())
}

fn components(scenario: &Scenario) -> Result<(), Wrong> {
    for (index, component) in scenario.components.iter().enumerate() {
        let at = |key, expected: String| Err(wrong("component", index, key, expected));
        if scenario.component(&component.id) != Some(index) {
            return at("id", format!("expected another id: {} is there already", component.id));
        }
        let numbers = [
            ("work_micros", component.work_micros),
            ("contention", component.contention),
            ("coherency", component.coherency),
            ("delay_millis", component.delay_millis),
            ("acknowledged_after_millis", component.acknowledged_after_millis),
            ("from_secs", component.from_secs),
            ("variability", component.variability),
            ("skew", component.skew),
            ("share", component.share),
        ];
        for (key, value) in numbers {
            if !(value.is_finite() && value >= 0.0) {
                return at(key, format!("expected a number of at least 0, got {value}"));
            }
        }
        let cold = component.state.map_or(0.0, |state| state.cold);
        let shares = [
            ("cpu_share", component.cpu_share),
            ("unseen_share", component.unseen_share),
            ("hot_key", component.hot_key),
            ("cold", cold),
        ];
        for (key, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return at(key, format!("expected a share from 0 to 1, got {value}"));
            }
        }
        if component.tasks == 0 || component.executors == 0 || component.executors > component.tasks
        {
            return at(
                "executors",
                format!(
                    "expected 1 to {} executors, as many as tasks at most, got {}",
                    component.tasks, component.executors
                ),
            );
        }
        if component.queue < 1.0 {
            return at(
                "queue",
                format!("expected room for at least one record, got {}", component.queue),
            );
        }
    }
    if !scenario.components.iter().any(|c| c.kind == ComponentKind::Source) {
        return Err(wrong("component", 0, "kind", "expected a source among the components"));
    }
    Ok(())
}

fn edges(scenario: &Scenario) -> Result<(), Wrong> {
    for (index, edge) in scenario.edges.iter().enumerate() {
        let at = |key, expected: String| Err(wrong("edge", index, key, expected));
        if scenario.component(&edge.from).is_none() {
            return at("from", format!("expected a component, and there is no {}", edge.from));
        }
        let Some(to) = scenario.component(&edge.to) else {
            return at("to", format!("expected a component, and there is no {}", edge.to));
        };
        if scenario.components[to].kind == ComponentKind::Source {
            return at("to", format!("expected an operator, and {} is a source", edge.to));
        }
        if !(edge.selectivity.is_finite() && edge.selectivity >= 0.0) {
            return at(
                "selectivity",
                format!("expected a number of at least 0, got {}", edge.selectivity),
            );
        }
    }
    for (index, edge) in scenario.edges.iter().enumerate().filter(|(_, edge)| edge.stream.is_some())
    {
        let same = |e: &&EdgeSpec| e.from == edge.from && e.stream == edge.stream;
        let other = scenario.edges[..index].iter().find(same);
        if let Some(other) = other.filter(|other| other.selectivity != edge.selectivity) {
            let expected =
                format!("expected {} as of the other edge of its stream", other.selectivity);
            return Err(wrong("edge", index, "selectivity", expected));
        }
    }
    if settled(scenario).is_none() {
        let expected = "expected less to come back to a component than it takes in";
        return Err(wrong("edge", 0, "selectivity", expected));
    }
    for (index, component) in scenario.components.iter().enumerate() {
        let fed = scenario.edges.iter().any(|edge| edge.to == component.id);
        if component.kind == ComponentKind::Operator && !fed {
            return Err(wrong(
                "component",
                index,
                "id",
                format!("expected an edge to {}", component.id),
            ));
        }
    }
    Ok(())
}
