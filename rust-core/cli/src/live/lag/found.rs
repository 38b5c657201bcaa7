//! Counts for all sources that tell themselves where they read.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use serde_json::{Value, json};
use thalweg_connect::kafka::{Begin, Group, KafkaError, Lag, LagReader, Topics};
use thalweg_control::{Command, Refusal, visible};

use super::said::{Saying, partitions_of, tell, words};
use super::speaking::Speaking;
use crate::exit::Failure;
use crate::live::ask::Live;
use crate::live::show::{list, text};

/// The most sources that are counted: each has a client of its own.
const MOST: usize = 200;

/// A source, by its topology's id and its own.
type Key = (String, String);

/// A source that is counted.
struct Counted {
    /// Its topology's name.
    name: String,
    feed: BTreeMap<String, String>,
    group: String,
    reader: LagReader,
    /// What was counted last.
    last: Result<Lag, KafkaError>,
}

/// All sources that are counted.
pub struct Found {
    speaking: Speaking,
    sources: BTreeMap<Key, Counted>,
}

/// What is said of one source.
struct Said {
    /// Its topology's id, which others of that name have not.
    id: String,
    topology: String,
    source: String,
    line: String,
    /// As JSON.
    value: Value,
    fault: bool,
}

impl Said {
    /// What is said of it goes by this.
    fn name(&self) -> String {
        format!("{}={}", self.id, self.source)
    }

    /// Of a source that is not counted here.
    fn without(source: &Value, line: String) -> Self {
        let value = json!({ "topology": source["name"], "source": source["source"], "why": line });
        let of = |path: &str| text(source, path).to_owned();
        let (id, topology, source) = (of("/topology"), of("/name"), of("/source"));
        Self { id, topology, source, line, value, fault: false }
    }
}

impl Found {
    /// Nothing is known yet of any.
    pub fn new(speaking: Speaking) -> Self {
        Self { speaking, sources: BTreeMap::new() }
    }

    /// Asks the scheduler for its sources, counts, tells it what waits if `secs` says how long that counts, and says all of
    /// it; tells whether every source that could be asked for was counted.
    pub fn look(
        &mut self,
        (live, topology): (&Live, Option<&str>),
        secs: Option<u32>,
        saying: &mut Saying,
    ) -> Result<bool, Failure> {
        let answer = live.ask(Command::Sources { topology: topology.map(str::to_owned) })?;
        let mut said = self.follow(&answer);
        self.count();
        for ((topology, source), counted) in &self.sources {
            let told = match (&counted.last, secs) {
                (Ok(lag), Some(secs)) => tell(live, (topology, source), lag, secs),
                _ => Ok(()),
            };
            match told {
                Ok(()) => said.push(counted.said((topology, source))),
                // One that is gone meanwhile keeps nobody from the others.
                Err(Failure::Refused(refusal)) => {
                    said.push(counted.refused((topology, source), &refusal))
                }
                Err(failure) => return Err(failure),
            }
        }
        said.sort_by(|a, b| (&a.topology, &a.id, &a.source).cmp(&(&b.topology, &b.id, &b.source)));
        if live.json {
            let sources: Vec<&Value> = said.iter().map(|one| &one.value).collect();
            saying.say("", &json!({ "sources": sources }).to_string(), false);
        } else if said.is_empty() {
            saying.say("", "there is no source", false);
        } else {
            let names: BTreeSet<String> = said.iter().map(Said::name).collect();
            saying.keep(|about| about.is_empty() || names.contains(about));
            for one in &said {
                let line = format!("{}={}: {}", one.topology, one.source, one.line);
                saying.say(&one.name(), &visible(&line), one.fault);
            }
        }
        Ok(self.sources.values().all(|counted| counted.last.is_ok()))
    }

    /// Readers of those that were counted, to look for commits meanwhile.
    pub fn readers(&mut self) -> impl Iterator<Item = &mut LagReader> {
        let fine = self.sources.values_mut().filter(|counted| counted.last.is_ok());
        fine.map(|counted| &mut counted.reader)
    }

    /// Takes up new sources, forgets those that are gone or read elsewhere now, and says of the others why they are not
    /// counted.
    fn follow(&mut self, answer: &Value) -> Vec<Said> {
        let mut before = std::mem::take(&mut self.sources);
        let mut said = Vec::new();
        for source in list(answer, "/sources") {
            let key = (text(source, "/topology").to_owned(), text(source, "/source").to_owned());
            let feed = feed(source);
            let known = before.remove(&key).filter(|counted| counted.feed == feed);
            let counted = match known {
                Some(counted) => Ok(counted),
                None if source["backlog"].is_u64() && source["told_until"].is_null() => Err(
                    format!("{} records wait; the engine counts them itself", source["backlog"]),
                ),
                None if self.sources.len() >= MOST => Err(not(&format!("{MOST} others are"))),
                None => self.counted(source, feed).map_err(|why| not(&why)),
            };
            match counted {
                Ok(counted) => drop(self.sources.insert(key, counted)),
                Err(line) => said.push(Said::without(source, line)),
            }
        }
        said
    }

    fn counted(&self, source: &Value, feed: BTreeMap<String, String>) -> Result<Counted, String> {
        let group = group(&feed)?;
        let properties = self.speaking.with_source(&feed)?;
        let name = group.id.clone();
        let reader = LagReader::new(&properties, group).map_err(|error| error.to_string())?;
        let (topology, last) = (text(source, "/name").to_owned(), Ok(Lag::default()));
        Ok(Counted { name: topology, feed, group: name, reader, last })
    }

    /// All at once: a broker that does not answer keeps nobody else waiting for longer than that takes.
    fn count(&mut self) {
        thread::scope(|scope| {
            for counted in self.sources.values_mut() {
                scope.spawn(move || counted.last = counted.reader.read());
            }
        });
    }
}

impl Counted {
    fn said(&self, (id, source): (&str, &str)) -> Said {
        let about = json!({ "topology": self.name, "source": source, "group": self.group });
        let (line, more, fault) = match &self.last {
            Ok(lag) => (
                words(lag, &self.group),
                json!({ "records": lag.records(), "at_most": lag.at_most(), "partitions": partitions_of(lag) }),
                false,
            ),
            Err(error) => (not(&error.to_string()), json!({ "error": error.code() }), true),
        };
        let mut value = about;
        if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
            value.extend(more);
        }
        let (id, topology, source) = (id.to_owned(), self.name.clone(), source.to_owned());
        Said { id, topology, source, line, value, fault }
    }

    /// Of a source whose count the scheduler does not take.
    fn refused(&self, (id, source): (&str, &str), refusal: &Refusal) -> Said {
        let line = format!("counted, and refused: {refusal}");
        let value = json!({ "topology": self.name, "source": source, "refused": refusal });
        let (id, topology, source) = (id.to_owned(), self.name.clone(), source.to_owned());
        Said { id, topology, source, line, value, fault: true }
    }
}

fn not(why: &str) -> String {
    format!("not counted: {why}")
}

fn feed(source: &Value) -> BTreeMap<String, String> {
    let pairs = source["feed"].as_object().into_iter().flatten();
    let texts = pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    texts.collect()
}

/// The group of a source, by what its configuration tells.
fn group(feed: &BTreeMap<String, String>) -> Result<Group, String> {
    let Some(topics) = feed.get("topics") else {
        return Err("its configuration does not tell where it reads; where that is Kafka, give --group, --topic and --tell".to_owned());
    };
    let id = feed.get("groupid").ok_or("its configuration tells topics, and no group")?;
    Ok(Group { id: id.clone(), topics: Topics::told(topics)?, begin: Begin::Earliest })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_followed_as_long_as_it_reads_the_same_and_others_are_named_with_the_reason() {
        let mut found = Found::new(Speaking::default());
        let source = |source: &str, feed: Value, backlog: Value| {
            json!({ "topology": "words-1", "name": "words", "source": source, "feed": feed,
                "backlog": backlog, "told_until": null })
        };
        let kafka =
            json!({ "topics": "lines", "groupid": "g", "bootstrap.servers": "127.0.0.1:1" });
        let answer = json!({ "sources": [
            source("kafka", kafka.clone(), Value::Null),
            source("own", json!({}), json!(7)),
            source("timer", json!({}), Value::Null),
            source("old", json!({ "topics": "lines" }), Value::Null),
            source("java", json!({ "topics": "(?!x)y", "groupid": "g" }), Value::Null),
            source("sasl", json!({ "topics": "lines", "groupid": "g", "bootstrap.servers": "a:1",
                "security.protocol": "SASL_SSL" }), Value::Null),
        ] });
        let said = found.follow(&answer);
        let lines: BTreeMap<&str, &str> = said.iter().map(|s| (&*s.source, &*s.line)).collect();
        for (of, part) in [
            ("own", "7 records wait; the engine"),
            ("timer", "does not tell where it reads"),
            ("old", "no group"),
            ("java", "Java only"),
            ("sasl", "--properties"),
        ] {
            assert!(lines[of].contains(part), "{of}: {}", lines[of]);
        }
        let keys = |found: &Found| found.sources.keys().map(|(_, s)| s.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&found), ["kafka"]);
        // What was told of it is no count of the engine's.
        let mut told = source("kafka", kafka, json!(5));
        told["told_until"] = json!(1);
        assert!(found.follow(&json!({ "sources": [told] })).is_empty());
        assert_eq!(keys(&found), ["kafka"]);
        found.follow(&json!({ "sources": [] }));
        assert!(found.sources.is_empty());
    }
}
