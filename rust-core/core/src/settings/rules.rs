//! Rules for some topologies and components, by patterns of their names: modes, windows of time, bounds.
//!
//! They come from the settings of the cluster, where each entry names the topologies that it is for, or from a topology's
//! own settings. Where several modes fit, the last one counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mode::{ActionKind, Mode};
use crate::pattern::{Pattern, Target};
use crate::units::Millis;
use crate::windows::{self, Window, duration, zone};

/// The keys of a topology's own settings that mean something, with what their entries look like.
pub const OWN_KEYS: [&str; 8] = [MODE, MODES, FREEZE, HOURS, FLOORS, BOUNDS, FIXED, ZONE];

/// How far Thalweg may go.
pub const MODE: &str = "thalweg.mode";
/// How far it may go with some topologies and kinds of action.
pub const MODES: &str = "thalweg.mode.rules";
/// When nothing is done.
pub const FREEZE: &str = "thalweg.windows.freeze";
/// When alone something is done.
pub const HOURS: &str = "thalweg.windows.hours";
/// Executors that are to be there when much is expected.
pub const FLOORS: &str = "thalweg.windows.floors";
/// The zone of windows that name none.
pub const ZONE: &str = "thalweg.windows.zone";
/// Executors that components may have.
pub const BOUNDS: &str = "thalweg.scaling.bounds";
/// Components whose executors no policy counts anew.
pub const FIXED: &str = "thalweg.scaling.fixed.components";

/// What holds for some topologies, and for a kind of action or for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule<T> {
    /// The topologies, by their names or ids.
    pub topology: Pattern,
    /// The kind of action; all if absent.
    #[serde(default)]
    pub kind: Option<ActionKind>,
    /// What holds.
    pub what: T,
}

impl<T> Rule<T> {
    /// Whether it is about a topology and a kind of action.
    pub fn is_for(&self, name: &str, id: &str, kind: Option<ActionKind>) -> bool {
        self.topology.fits_either(name, id) && (self.kind.is_none() || self.kind == kind)
    }
}

/// Executors that a component is to have by the time of a known event, and while it lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// The components.
    pub target: Target,
    /// At least so many executors.
    pub count: u32,
    /// The event.
    pub window: Window,
    /// How long before its beginning they are to be there.
    pub lead: Millis,
}

/// How many executors a component may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// From so many, to so many.
    Between(Option<u32>, Option<u32>),
    /// As many as another component of the topology has.
    As(String),
}

/// The bound of some components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundOf {
    /// The components.
    pub target: Target,
    /// How many executors they may have.
    pub bound: Bound,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// How far Thalweg may go with some topologies and kinds of action.
    pub modes: Vec<Rule<Mode>>,
    /// When nothing is done.
    pub freezes: Vec<Rule<Window>>,
    /// When alone something is done; always where there are none for a topology.
    pub hours: Vec<Rule<Window>>,
    /// Executors that are to be there when much is expected.
    pub floors: Vec<Floor>,
    /// Executors that components may have.
    pub bounds: Vec<BoundOf>,
    /// Components whose executors no policy counts anew.
    pub fixed: Vec<Target>,
}

/// Whose settings are read: in a topology's own, entries name no topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The cluster's.
    Cluster,
    /// A topology's.
    Topology,
}

impl Rules {
    /// Reads rules from the entries of each key; what cannot be read is left out and told, each with key, value and what
    /// is allowed.
    pub fn read<'a>(
        of: Of,
        entries: impl Fn(&str) -> Vec<&'a str>,
        usual_zone: &str,
    ) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let named = entries(ZONE).first().map_or(usual_zone, |name| name.trim());
        let usual = if let Err(error) = zone(named) {
            problems.push(format!("{ZONE}: {named:?} is not allowed, it must be a time zone such as Europe/Berlin: {error}"));
            "UTC"
        } else {
            named
        };
        let window = |text: &str| Window::read(text, usual).map_err(|error| error.to_string());
        let list = |key: &str| (entries(key), key.to_owned());
        let mode_of = |text: &str| Mode::named(text).ok_or_else(|| format!("{text:?} is no mode"));
        let rules = Self {
            modes: all(&mut problems, list(MODES), MODES_ALLOWED, |text| {
                let (scope, mode) = text.split_once('=').ok_or("there is no =")?;
                rule(of, Some(scope), mode_of(mode)?)
            }),
            freezes: all(&mut problems, list(FREEZE), WINDOWS_ALLOWED, |text| {
                let (scope, text) = scoped(text);
                rule(of, scope, window(text)?)
            }),
            hours: all(&mut problems, list(HOURS), WINDOWS_ALLOWED, |text| {
                let (scope, text) = scoped(text);
                rule(of, scope, window(text)?)
            }),
            floors: all(&mut problems, list(FLOORS), FLOORS_ALLOWED, |text| floor(text, usual)),
            bounds: all(&mut problems, list(BOUNDS), BOUNDS_ALLOWED, bound),
            fixed: entries(FIXED)
                .into_iter()
                .flat_map(|entry| entry.split(','))
                .map(|entry| Target::read(entry.trim()))
                .collect(),
        };
        (rules, problems)
    }

    /// Reads a topology's own settings: its mode, if it names one, and its rules.
    pub fn of_topology(
        own: &BTreeMap<String, Vec<String>>,
        usual_zone: &str,
    ) -> (Option<Mode>, Self, Vec<String>) {
        let entries = |key: &str| own.get(key).into_iter().flatten().map(String::as_str).collect();
        let (rules, mut problems) = Self::read(Of::Topology, entries, usual_zone);
        let written = own.get(MODE).and_then(|texts| texts.first());
        let mode = written.and_then(|text| Mode::named(text));
        if let (Some(text), None) = (written, mode) {
            problems.push(format!(
                "{MODE}: {text:?} is not allowed, it must be one of observe, advise, confirm, act"
            ));
        }
        (mode, rules, problems)
    }
}

const MODES_ALLOWED: &str =
    "TOPOLOGY=MODE or TOPOLOGY/KIND=MODE (KIND: scale-out, scale-in, move or memory)";
const WINDOWS_ALLOWED: &str = "WINDOW, TOPOLOGY=WINDOW or TOPOLOGY/KIND=WINDOW";
const FLOORS_ALLOWED: &str =
    "TOPOLOGY/COMPONENT=COUNT at WINDOW, with ` lead 30m` behind it if desired";
const BOUNDS_ALLOWED: &str =
    "TOPOLOGY/COMPONENT=4, =2..8, =2.., =..8 or =as OTHER (another component)";

/// Every entry that can be read; what cannot is told.
fn all<T>(
    problems: &mut Vec<String>,
    (entries, key): (Vec<&str>, String),
    allowed: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let mut found = Vec::new();
    for entry in entries {
        match read(entry) {
            Ok(one) => found.push(one),
            Err(why) => {
                let windows = if allowed.contains("WINDOW") {
                    format!("; WINDOW is {}", windows::ALLOWED)
                } else {
                    String::new()
                };
                problems.push(format!(
                    "{key}: {entry:?} is not allowed, it must be {allowed}{windows}: {why}"
                ));
            }
        }
    }
    found
}

/// What an entry is for, if it says so, and the rest of it.
fn scoped(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((scope, rest)) => (Some(scope), rest),
        None => (None, text),
    }
}

fn rule<T>(of: Of, scope: Option<&str>, what: T) -> Result<Rule<T>, String> {
    let kind_of = |name: &str| {
        let kind = ActionKind::named(name);
        kind.ok_or_else(|| format!("{:?} is no kind of action", name.trim()))
    };
    let (topology, kind) = match (of, scope.map(str::trim)) {
        (_, None) => (Pattern::any(), None),
        (_, Some("")) => return Err("nothing is named before the =".to_owned()),
        (Of::Topology, Some("*")) => (Pattern::any(), None),
        (Of::Topology, Some(kind)) => (Pattern::any(), Some(kind_of(kind)?)),
        (Of::Cluster, Some(scope)) => match scope.rsplit_once('/') {
            Some((topology, kind)) => (Pattern::new(topology), Some(kind_of(kind)?)),
            None => (Pattern::new(scope), None),
        },
    };
    Ok(Rule { topology, kind, what })
}

fn target(text: &str) -> Result<Target, String> {
    let target = Target::read(text.trim());
    let named = !target.topology.as_str().is_empty() && !target.component.as_str().is_empty();
    named.then_some(target).ok_or_else(|| "no component is named before the =".to_owned())
}

fn floor(text: &str, usual: &str) -> Result<Floor, String> {
    let (of, rest) = text.split_once('=').ok_or("there is no =")?;
    let (count, rest) = rest.split_once(" at ").ok_or("there is no ` at ` before a window")?;
    let (text, lead) = match rest.rsplit_once(" lead ") {
        // The zone may be written on either side.
        Some((text, lead)) => match lead.split_once(" in ") {
            Some((lead, zone)) => (format!("{text} in {zone}"), duration(lead)),
            None => (text.to_owned(), duration(lead)),
        },
        None => (rest.to_owned(), Ok(Millis::from_secs(600))),
    };
    Ok(Floor {
        target: target(of)?,
        count: whole(count)?,
        window: Window::read(&text, usual).map_err(|error| error.to_string())?,
        lead: lead.map_err(|error| error.to_string())?,
    })
}

fn bound(text: &str) -> Result<BoundOf, String> {
    let (of, spec) = text.split_once('=').ok_or("there is no =")?;
    let spec = spec.trim();
    let end = |text: &str| if text.trim().is_empty() { Ok(None) } else { whole(text).map(Some) };
    let bound = if let Some(other) = spec.strip_prefix("as ") {
        Bound::As(other.trim().to_owned())
    } else if let Some((low, high)) = spec.split_once("..") {
        let (low, high) = (end(low)?, end(high)?);
        if low.zip(high).is_some_and(|(low, high)| low > high) || low.or(high).is_none() {
            return Err(format!("{spec:?} leaves no number"));
        }
        Bound::Between(low, high)
    } else {
        let count = Some(whole(spec)?);
        Bound::Between(count, count)
    };
    Ok(BoundOf { target: target(of)?, bound })
}

fn whole(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let count = text.parse().ok().filter(|count| (1..=100_000).contains(count));
    count.ok_or_else(|| format!("{text:?} is no number of executors"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &'static str, entries: &[&'static str]) -> (Rules, Vec<String>) {
        let entries = entries.to_vec();
        Rules::read(
            Of::Cluster,
            move |asked| if asked == key { entries.clone() } else { Vec::new() },
            "UTC",
        )
    }

    #[test]
    fn modes_are_of_topologies_and_kinds() {
        let (rules, problems) = read(MODES, &["orders-*=confirm", "*/scale-in = Advise"]);
        assert_eq!(problems, Vec::<String>::new());
        assert!(rules.modes[0].is_for("orders-eu", "id", None));
        assert_eq!(rules.modes[1].kind, Some(ActionKind::ScaleIn));
        assert_eq!(rules.modes[1].what, Mode::Advise);
        assert!(!rules.modes[1].is_for("words", "id", Some(ActionKind::ScaleOut)));
    }

    #[test]
    fn windows_may_be_of_topologies_and_kinds_or_of_all() {
        let entries =
            ["0 18 * * FRI for 62h", "orders-*=22:00-06:00", "*/move=*/30 1 * * * for 5m"];
        let (rules, problems) = read(FREEZE, &entries);
        assert_eq!(problems, Vec::<String>::new());
        let scopes: Vec<_> =
            rules.freezes.iter().map(|rule| (rule.topology.as_str(), rule.kind)).collect();
        assert_eq!(scopes, [("*", None), ("orders-*", None), ("*", Some(ActionKind::Move))]);
    }

    #[test]
    fn floors_tell_count_event_and_lead() {
        let entries = [
            "orders/split=8 at 0 9 * * MON for 3h lead 30m in Europe/Berlin",
            "count=4 at 09:00-10:00",
        ];
        let (rules, problems) = read(FLOORS, &entries);
        assert_eq!(problems, Vec::<String>::new());
        let [first, second] = &rules.floors[..] else { panic!("two floors") };
        assert_eq!((first.count, first.lead), (8, Millis::from_secs(1800)));
        assert_eq!(first.window.as_str(), "0 9 * * MON for 3h in Europe/Berlin");
        assert_eq!((second.count, second.lead), (4, Millis::from_secs(600)));
        assert!(second.target.topology.is_any());
    }

    #[test]
    fn bounds_are_numbers_ranges_or_another_component() {
        let (rules, problems) =
            read(BOUNDS, &["a/x=2..8", "x=4", "x=..8", "x=2..", "sink-*=as split"]);
        assert_eq!(problems, Vec::<String>::new());
        let bounds: Vec<Bound> = rules.bounds.into_iter().map(|of| of.bound).collect();
        let between = Bound::Between;
        assert_eq!(
            bounds,
            [
                between(Some(2), Some(8)),
                between(Some(4), Some(4)),
                between(None, Some(8)),
                between(Some(2), None),
                Bound::As("split".to_owned()),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_names_key_value_and_what_is_allowed() {
        let cases = [
            (MODES, "orders", "there is no ="),
            (MODES, "orders=perhaps", "\"perhaps\" is no mode"),
            (MODES, "orders/split=act", "\"split\" is no kind of action"),
            (FREEZE, "=22:00-06:00", "nothing is named before the ="),
            (FREEZE, "orders=late", "tells no hours"),
            (FLOORS, "split=8", "there is no ` at `"),
            (FLOORS, "split=none at 09:00-10:00", "no number of executors"),
            (FLOORS, "split=8 at 09:00-10:00 lead now", "no length of time"),
            (BOUNDS, "split=8..2", "leaves no number"),
            (BOUNDS, "split=..", "leaves no number"),
            (BOUNDS, "=2..4", "no component is named"),
            (ZONE, "Atlantis", "no time zone"),
        ];
        for (key, entry, why) in cases {
            let (_, problems) = read(key, Box::leak(Box::new([entry])));
            assert_eq!(problems.len(), 1, "{key} {entry}");
            let told = &problems[0];
            assert!(
                told.starts_with(&format!("{key}: {entry:?} is not allowed, it must be")),
                "{told}"
            );
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_topologys_own_settings_name_no_topology() {
        let own = BTreeMap::from([
            (MODE.to_owned(), vec!["confirm".to_owned()]),
            (MODES.to_owned(), vec!["scale-in=observe".to_owned()]),
            (FREEZE.to_owned(), vec!["*=22:00-06:00".to_owned()]),
            (ZONE.to_owned(), vec!["Asia/Tokyo".to_owned()]),
        ]);
        let (mode, rules, problems) = Rules::of_topology(&own, "UTC");
        assert_eq!((mode, problems), (Some(Mode::Confirm), Vec::new()));
        assert_eq!(rules.modes[0].kind, Some(ActionKind::ScaleIn));
        assert_eq!(rules.freezes[0].what.as_str(), "22:00-06:00 in Asia/Tokyo");
        let wrong = BTreeMap::from([(MODE.to_owned(), vec!["perhaps".to_owned()])]);
        assert_eq!(Rules::of_topology(&wrong, "UTC").2.len(), 1);
    }
}
