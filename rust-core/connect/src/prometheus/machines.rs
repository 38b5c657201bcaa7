//! Which targets are on which machine, by the names that they give it.
//!
//! A machine has the host name or address of its targets' `instance`, what their labels `node`, `nodename` and `host` say, and
//! what `node_uname_info` says. Targets that have a name in common are on one machine. Names are not looked up anywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use super::series::{Series, Span};

/// Labels that name the machine, beside `instance`.
const LABELS: [&str; 3] = ["node", "nodename", "host"];

/// Who exposes metrics, as a Prometheus names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetName {
    /// Where.
    pub instance: String,
    /// For what it is scraped; empty where it is scraped from here.
    pub job: String,
}

impl std::fmt::Display for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.job.as_str() {
            "" => f.write_str(&self.instance),
            job => write!(f, "{} ({job})", self.instance),
        }
    }
}

/// The series of a target.
#[derive(Debug, Clone, Default)]
struct Exposed<'a> {
    series: Vec<&'a Series>,
    /// What each label says: of one target it should be one name.
    told: BTreeMap<&'static str, BTreeSet<String>>,
}

/// A machine, and what is told of it.
#[derive(Debug, Default)]
pub struct Machine<'a> {
    /// All its names, in lower case.
    pub names: BTreeSet<String>,
    /// What it calls itself; more than one are of more than one.
    pub own_names: BTreeSet<String>,
    /// Who tells of it.
    pub targets: Vec<(TargetName, Vec<&'a Series>)>,
}

/// All machines, and the targets that name more than one, with these names.
#[derive(Debug, Default)]
pub struct Machines<'a> {
    /// Machines.
    pub found: Vec<Machine<'a>>,
    /// Targets without a machine, with the names that they give.
    pub many_names: Vec<(TargetName, BTreeSet<String>)>,
}

/// Sorts all series that have a value within the span.
pub fn machines(all: &[Series], span: Span) -> Machines<'_> {
    let mut targets: BTreeMap<TargetName, Exposed<'_>> = BTreeMap::new();
    for series in all.iter().filter(|series| !series.within(span).is_empty()) {
        let [instance, job] = ["instance", "job"].map(|label| series.label(label).to_owned());
        let target = targets.entry(TargetName { instance, job }).or_default();
        for label in LABELS {
            let name = series.label(label).to_lowercase();
            // What a machine calls itself is no label of the target's, though it looks like one.
            let label = if series.name == names::UNAME && label == "nodename" {
                names::UNAME
            } else {
                label
            };
            if !name.is_empty() {
                target.told.entry(label).or_default().insert(name);
            }
        }
        target.series.push(series);
    }
    let mut together = Together::default();
    let mut machines = Machines::default();
    for (name, exposed) in targets {
        let many = exposed.told.values().find(|names| names.len() > 1);
        match many.cloned() {
            Some(names) => machines.many_names.push((name, names)),
            None => together.take(name, exposed),
        }
    }
    machines.found = together.machines.into_iter().flatten().collect();
    machines.part();
    machines
}

/// Machines while targets are put on them.
#[derive(Debug, Default)]
struct Together<'a> {
    /// One that has become part of another is gone.
    machines: Vec<Option<Machine<'a>>>,
    by_name: BTreeMap<String, usize>,
}

impl<'a> Together<'a> {
    /// Puts a target on its machine, which may bring together what seemed to be several.
    fn take(&mut self, target: TargetName, exposed: Exposed<'a>) {
        let host = host_of(&target.instance);
        let own_names = exposed.told.get(names::UNAME).cloned().unwrap_or_default();
        let told = exposed.told.into_values().flatten();
        let mut machine = Machine {
            names: told.chain((!host.is_empty()).then_some(host)).collect(),
            own_names,
            targets: vec![(target, exposed.series)],
        };
        let same: BTreeSet<usize> =
            machine.names.iter().filter_map(|name| self.by_name.get(name).copied()).collect();
        for at in same {
            let Some(mut known) = self.machines.get_mut(at).and_then(Option::take) else {
                continue;
            };
            machine.names.append(&mut known.names);
            machine.own_names.append(&mut known.own_names);
            machine.targets.append(&mut known.targets);
        }
        let at = self.machines.len();
        self.by_name.extend(machine.names.iter().map(|name| (name.clone(), at)));
        self.machines.push(Some(machine));
    }
}

impl Machines<'_> {
    /// Takes out what calls itself by several names: that is more than one machine.
    fn part(&mut self) {
        let (one, several): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.found).into_iter().partition(|m| m.own_names.len() <= 1);
        self.found = one;
        for machine in several {
            let names = machine.own_names;
            self.many_names
                .extend(machine.targets.into_iter().map(|(name, _)| (name, names.clone())));
        }
        self.many_names.sort();
        self.found.iter_mut().for_each(|machine| machine.targets.sort_by(|a, b| a.0.cmp(&b.0)));
        self.found.sort_by(|one, other| one.names.cmp(&other.names));
    }
}

/// The host of an instance: without scheme, path and port, in lower case.
fn host_of(instance: &str) -> String {
    let bare = instance.split_once("://").map_or(instance, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    let host = match bare.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => match bare.rsplit_once(':') {
            // More than one colon and no bracket: an address without a port.
            Some((host, _)) if !host.contains(':') => host,
            _ => bare,
        },
    };
    host.to_lowercase()
}

/// Whether a host is the machine's, by one of its names.
pub fn is_exactly(machine: &Machine<'_>, host: &str) -> bool {
    machine.names.contains(&host.to_lowercase())
}

/// Whether a host is the machine's where one of both is written with its domain and the other without.
pub fn is_nearly(machine: &Machine<'_>, host: &str) -> bool {
    let host = host.to_lowercase();
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let is_name = |name: &str| name.parse::<std::net::IpAddr>().is_err() && !name.is_empty();
    is_name(&host)
        && machine.names.iter().any(|name| {
            let one_is_short = name.contains('.') != host.contains('.');
            is_name(name) && one_is_short && short(name) == short(&host)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_what_instances_are_called() {
        let table = [
            ("worker1:9100", "worker1"),
            ("Worker1.DC.example:9100", "worker1.dc.example"),
            ("10.0.0.5:9100", "10.0.0.5"),
            ("10.0.0.5", "10.0.0.5"),
            ("[fd00::1]:9100", "fd00::1"),
            ("fd00::1", "fd00::1"),
            ("https://worker1:9100/metrics", "worker1"),
            ("", ""),
        ];
        for (instance, host) in table {
            assert_eq!(host_of(instance), host, "{instance}");
        }
    }

    #[test]
    fn a_domain_may_be_missing_on_one_side_and_addresses_are_never_cut() {
        let of = |name: &str| Machine { names: [name.to_owned()].into(), ..Machine::default() };
        assert!(is_exactly(&of("worker1"), "Worker1"));
        assert!(is_nearly(&of("worker1"), "worker1.dc.example"));
        assert!(is_nearly(&of("worker1.dc.example"), "worker1"));
        assert!(!is_nearly(&of("worker1.a"), "worker1.b"));
        assert!(!is_nearly(&of("10"), "10.0.0.5") && !is_nearly(&of("10.0.0.5"), "10"));
    }
}
