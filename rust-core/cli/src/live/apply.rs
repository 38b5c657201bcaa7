//! `thalweg apply`: has a plan carried out as it was shown.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::Value;
use thalweg_control::{Apply as Wanted, Command};

use super::ask::Live;
use super::orders::{Bounds, Given, send};
use super::show::{list, text};
use crate::exit::Failure;

/// Has a plan carried out as `thalweg plan` showed it, unless anything has changed of what it was made for
#[derive(Debug, Args)]
pub struct Apply {
    /// The plan's id, or a file with what `thalweg plan --json` printed (`-` reads it from the input)
    #[arg(value_name = "PLAN|FILE")]
    plan: String,
    /// Of a file with several plans, the one of this topology, by name or id
    #[arg(long, value_name = "TOPOLOGY")]
    topology: Option<String>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    live: Live,
}

impl Apply {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { plan, topology, bounds: Bounds { adopt, expires }, given, live } = self;
        let file = PathBuf::from(&plan);
        let wanted = if plan == "-" || file.is_file() {
            let name = if plan == "-" { Path::new("/dev/stdin") } else { &file };
            let (plan, shown) = saved(name, topology.as_deref())?;
            Wanted { plan, shown: Some(shown), adopt, expires_secs: expires }
        } else {
            Wanted { plan, shown: None, adopt, expires_secs: expires }
        };
        send(&live, Command::Apply(wanted), &given)
    }
}

/// The id of the plan in a file, and the plan with what it was made for.
fn saved(file: &Path, topology: Option<&str>) -> anyhow::Result<(String, Value)> {
    let place = || file.display().to_string();
    let read = std::fs::read_to_string(file).with_context(place)?;
    let told: Value = serde_json::from_str(&read).with_context(place)?;
    chosen(&told, topology).with_context(place)
}

fn chosen(told: &Value, topology: Option<&str>) -> anyhow::Result<(String, Value)> {
    if !told.is_array() {
        bail!("expected what thalweg plan --json prints: a list, one of each topology");
    }
    let meant = |one: &&Value| {
        topology.is_none_or(|name| text(one, "/name") == name || text(one, "/topology") == name)
    };
    let plans: Vec<&Value> =
        list(told, "").filter(meant).filter(|one| one["shown"].is_object()).collect();
    match plans[..] {
        [one] => Ok((text(one, "/plan").to_owned(), one["shown"].clone())),
        [] => Err(anyhow!(
            "there is no plan in it{}",
            topology.map_or(String::new(), |name| format!(" of {name}"))
        )),
        _ => {
            let names: Vec<&str> = plans.iter().map(|one| text(one, "/name")).collect();
            bail!("it has plans of {}: name one with --topology", names.join(", "))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_several_plans_one_has_to_be_named() {
        let of = |name: &str, plan: Value| json!({ "name": name, "topology": format!("{name}-1"), "plan": format!("{name}-p"), "shown": plan });
        let told = json!([
            of("a", json!({ "plan": 1 })),
            of("b", json!({ "plan": 2 })),
            of("c", Value::Null)
        ]);
        assert!(chosen(&told, None).unwrap_err().to_string().contains("plans of a, b"));
        assert_eq!(chosen(&told, Some("b-1")).unwrap(), ("b-p".to_owned(), json!({ "plan": 2 })));
        assert!(chosen(&told, Some("c")).unwrap_err().to_string().contains("no plan"));
        assert!(chosen(&json!({}), None).is_err());
    }
}
