//! Who tells what waits before which source, and from when to when: that is recorded, and not each count.
//!
//! Who pauses for less than [`LONGEST_BACKLOG_SECS`] goes on, and of each source only [`MOST`] are told apart at once; so
//! whatever anybody tells, a source adds few records to the ledger within that time.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg_control::LONGEST_BACKLOG_SECS;
use thalweg_core::model::Topology;
use thalweg_core::units::Timestamp;

/// The most who tell of one source that are told apart at once.
const MOST: usize = 4;

/// From when until when what somebody told counts.
#[derive(Debug)]
struct Span {
    name: String,
    from: Timestamp,
    until: Timestamp,
}

/// Who tells of each source, by topology id and component.
#[derive(Debug, Default)]
pub struct Tellers(BTreeMap<(String, String), BTreeMap<String, Span>>);

/// Somebody began to tell, or ceased to.
#[derive(Debug, PartialEq)]
pub struct Telling {
    /// The topology's id.
    pub topology: String,
    /// Its name.
    pub name: String,
    /// The source.
    pub source: String,
    /// Who.
    pub who: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when what was told last counts, where nothing came any more.
    pub until: Option<Timestamp>,
}

impl Tellers {
    /// Somebody tells of a source; what is to be recorded if it is news.
    pub fn tells(
        &mut self,
        (topology, source): (&Topology, &str),
        who: &str,
        (now, until): (Timestamp, Timestamp),
    ) -> Option<Telling> {
        let of = self.0.entry((topology.id.clone(), source.to_owned())).or_default();
        if let Some(span) = of.get_mut(who) {
            span.until = until;
            return None;
        }
        if of.len() >= MOST {
            return None;
        }
        let name = topology.name.clone();
        of.insert(who.to_owned(), Span { name: name.clone(), from: now, until });
        let (topology, source) = (topology.id.clone(), source.to_owned());
        Some(Telling { topology, name, source, who: who.to_owned(), from: now, until: None })
    }

    /// Those who have told nothing for long, or whose topology is gone; they are forgotten.
    pub fn over(&mut self, present: impl Fn(&str) -> bool, now: Timestamp) -> Vec<Telling> {
        let mut over = Vec::new();
        self.0.retain(|(topology, source), tellers| {
            let here = present(topology);
            tellers.retain(|who, span| {
                let goes_on = here && now < span.until.plus_secs(LONGEST_BACKLOG_SECS.into());
                if !goes_on {
                    over.push(Telling {
                        topology: topology.clone(),
                        name: span.name.clone(),
                        source: source.clone(),
                        who: who.clone(),
                        from: span.from,
                        until: Some(span.until),
                    });
                }
                goes_on
            });
            !tellers.is_empty()
        });
        over
    }
}

impl Telling {
    /// What the ledger keeps of it.
    pub fn content(&self) -> Value {
        let Self { source, who, .. } = self;
        let said = match self.until {
            None => format!("{who} tells what waits before {source}"),
            Some(_) => format!("{who} does not tell any more what waits before {source}"),
        };
        json!({ "source": source, "from": self.from, "until": self.until, "said": said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(0).plus_secs(secs)
    }

    fn words() -> Topology {
        Topology { id: "words-1".to_owned(), name: "words".to_owned(), ..Topology::default() }
    }

    #[test]
    fn who_tells_is_recorded_once_and_again_when_it_is_over() {
        let (words, mut tellers) = (words(), Tellers::default());
        let begun = tellers.tells((&words, "spout"), "ann", (at(10), at(40)));
        assert!(begun.is_some_and(|begun| begun.from == at(10) && begun.until.is_none()));
        for secs in (20..2_000).step_by(10) {
            assert_eq!(tellers.tells((&words, "spout"), "ann", (at(secs), at(secs + 30))), None);
            assert_eq!(tellers.over(|_| true, at(secs)), []);
        }
        assert_eq!(tellers.over(|_| true, at(2_619)), [], "a pause");
        let over = tellers.over(|_| true, at(2_620));
        assert_eq!(over.len(), 1);
        assert_eq!((over[0].from, over[0].until), (at(10), Some(at(2_020))));
        assert_eq!(tellers.over(|_| true, at(9_000)), []);
    }

    #[test]
    fn whatever_is_told_few_records_come_of_it() {
        let (words, mut tellers) = (words(), Tellers::default());
        let mut records = 0;
        for secs in 0..3_600 {
            let who = format!("somebody {}", secs % 50);
            let begun = tellers.tells((&words, "spout"), &who, (at(secs), at(secs + 1)));
            records += usize::from(begun.is_some()) + tellers.over(|_| true, at(secs)).len();
        }
        assert!(records <= 2 * MOST * 7, "{records}");
    }

    #[test]
    fn it_is_over_with_its_topology() {
        let (words, mut tellers) = (words(), Tellers::default());
        tellers.tells((&words, "spout"), "ann", (at(10), at(40)));
        assert_eq!(tellers.over(|id| id != "words-1", at(11)).len(), 1);
    }
}
