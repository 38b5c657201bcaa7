//! What waits before sources, told by somebody outside who can count it: Storm's sources do not tell it themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use thalweg_control::{Backlog, ErrorCode, LONGEST_BACKLOG_SECS, Refusal, Waiting};
use thalweg_core::model::{ComponentKind, Observation};
use thalweg_core::units::Timestamp;

use super::check;
use super::tellers::{Tellers, Telling};
use crate::locked::lock;
use crate::records::{Records, Told as Said};

/// What was told last, and until when it counts.
#[derive(Debug, Clone, Copy)]
struct Told {
    waiting: Waiting,
    until: Timestamp,
}

/// What is told of sources, and by whom.
#[derive(Default)]
pub struct Backlogs {
    /// By topology id and component.
    told: Mutex<BTreeMap<String, BTreeMap<String, Told>>>,
    tellers: Mutex<Tellers>,
    records: Arc<Records>,
}

impl Backlogs {
    /// Nothing is told yet; who tells is recorded there.
    pub fn new(records: Arc<Records>) -> Self {
        Self { records, ..Self::default() }
    }

    /// Until when what was told of a source counts, if anybody tells of it.
    pub fn until(&self, topology: &str, source: &str) -> Option<Timestamp> {
        lock(&self.told).get(topology)?.get(source).map(|told| told.until)
    }

    /// Takes in what waits before sources of one topology.
    ///
    /// # Errors
    /// The first field that cannot be; then nothing of it counts.
    pub fn tell(
        &self,
        backlog: &Backlog,
        seen: &Observation,
        who: &str,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let secs = backlog.secs;
        if secs == 0 || secs > LONGEST_BACKLOG_SECS {
            let text = format!("{secs} s is not from 1 to {LONGEST_BACKLOG_SECS}");
            return Err(Refusal::of(ErrorCode::Invalid, "secs", text));
        }
        let topology = check::topology(&backlog.topology, seen)?;
        for id in backlog.sources.keys() {
            let field = format!("sources.{id}");
            if check::component(&field, id, topology)?.kind != ComponentKind::Source {
                let text = format!("{id} is no source, so nothing waits before it from outside");
                return Err(Refusal::of(ErrorCode::Invalid, &field, text));
            }
        }
        let until = now.plus_secs(u64::from(secs));
        let told = backlog.sources.iter();
        let told = told.map(|(id, &waiting)| (id.clone(), Told { waiting, until }));
        lock(&self.told).entry(topology.id.clone()).or_default().extend(told);
        for source in backlog.sources.keys() {
            let begun = lock(&self.tellers).tells((topology, source), who, (now, until));
            self.record(begun);
        }
        Ok(json!({ "topology": topology.id, "until": until }))
    }

    /// Puts it where the engine did not count itself; what is too old is not there any more, as if it had never been told.
    pub fn fill(&self, observation: &mut Observation, now: Timestamp) {
        let present = |id: &str| observation.topologies.iter().any(|t| t.id == id);
        let over = lock(&self.tellers).over(present, now);
        self.record(over);
        let mut all = lock(&self.told);
        if all.is_empty() {
            return;
        }
        all.retain(|id, sources| {
            sources.retain(|_, told| now < told.until);
            !sources.is_empty() && present(id)
        });
        for topology in &mut observation.topologies {
            let Some(sources) = all.get(&topology.id) else { continue };
            for component in &mut topology.components {
                let Some(told) = sources.get(&component.id) else { continue };
                if component.backlog.is_none() {
                    component.backlog = Some(told.waiting.records);
                    component.partitions = component.partitions.or(told.waiting.partitions);
                }
            }
        }
    }

    fn record(&self, tellings: impl IntoIterator<Item = Telling>) {
        for telling in tellings {
            let Telling { topology, name, who, .. } = &telling;
            let told = Said { kind: "backlog", topology, name, who, why: "" };
            self.records.tell(&told, &telling.content());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use thalweg_core::model::{Component, Topology};

    fn seen() -> Observation {
        let component = |id: &str, kind, backlog| Component {
            id: id.to_owned(),
            kind,
            backlog,
            ..Component::default()
        };
        let components = vec![
            component("spout", ComponentKind::Source, None),
            component("counted", ComponentKind::Source, Some(7)),
            component("split", ComponentKind::Operator, None),
        ];
        let words = Topology {
            id: "words-1".to_owned(),
            name: "words".to_owned(),
            components,
            ..Topology::default()
        };
        Observation { topologies: vec![words], ..Observation::default() }
    }

    fn told(source: &str, records: u64, secs: u32) -> Backlog {
        let waiting = Waiting { records, partitions: Some(2) };
        let sources = BTreeMap::from([(source.to_owned(), waiting)]);
        Backlog { topology: "words".to_owned(), sources, secs }
    }

    fn after(backlogs: &Backlogs, secs: u64) -> Vec<(Option<u64>, Option<u32>)> {
        let mut looked = seen();
        backlogs.fill(&mut looked, Timestamp::from_millis(0).plus_secs(secs));
        looked.topologies[0].components.iter().map(|c| (c.backlog, c.partitions)).collect()
    }

    #[test]
    fn what_is_told_counts_until_it_is_too_old_and_never_over_what_the_engine_counts() {
        let backlogs = Backlogs::default();
        let nothing = vec![(None, None), (Some(7), None), (None, None)];
        assert_eq!(after(&backlogs, 0), nothing);
        let now = Timestamp::from_millis(0);
        backlogs.tell(&told("spout", 500, 10), &seen(), "ann", now).unwrap();
        backlogs.tell(&told("counted", 900, 10), &seen(), "ann", now).unwrap();
        assert_eq!(after(&backlogs, 9), vec![(Some(500), Some(2)), (Some(7), None), (None, None)]);
        backlogs.tell(&told("spout", 20, 10), &seen(), "ann", now.plus_secs(5)).unwrap();
        assert_eq!(after(&backlogs, 14)[0], (Some(20), Some(2)));
        assert_eq!(after(&backlogs, 15), nothing);
        assert_eq!(after(&backlogs, 9), nothing, "what was too old is forgotten");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_field() {
        let backlogs = Backlogs::default();
        let refused = |backlog: Backlog| {
            backlogs.tell(&backlog, &seen(), "ann", Timestamp::from_millis(0)).unwrap_err().field
        };
        assert_eq!(refused(told("spout", 1, 0)), "secs");
        assert_eq!(refused(told("spout", 1, LONGEST_BACKLOG_SECS + 1)), "secs");
        assert_eq!(refused(told("split", 1, 10)), "sources.split");
        assert_eq!(refused(told("none", 1, 10)), "sources.none");
        assert_eq!(
            refused(Backlog { topology: "x".to_owned(), ..told("spout", 1, 10) }),
            "topology"
        );
        assert_eq!(after(&backlogs, 1)[0], (None, None), "nothing of it counts");
    }
}
