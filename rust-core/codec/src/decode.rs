use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use thalweg_core::model::{
    Checkpoint, Component, Counters, Edge, Executor, Node, Observation, Obstacle, SlotRef,
    TaskRange, Topology,
};
use thalweg_core::units::{Millis, Timestamp};

use crate::error::{CodecError, Problem};
use crate::layout::{self, Section, aligned, header};

/// About what an entry of a map takes besides its texts.
const ENTRY: usize = 64;

/// Reads an observation. It takes no more memory than some times the length of its encoding.
///
/// # Errors
/// When `bytes` is not exactly one well-formed encoding of this layout; the error names the place.
pub fn decode(bytes: &[u8]) -> Result<Observation, CodecError> {
    let sections = Sections::find(bytes)?;
    let strings = Strings::read(&sections, bytes.len())?;
    let mut nodes = read(sections.records(Section::Nodes), |record| node(record, &strings))?;
    let slots = slots(&sections, &mut nodes)?;
    Ok(Observation {
        at: Timestamp::from_millis(i64::from_le_bytes(array(bytes, header::AT))),
        topologies: topologies(&sections, &strings, &slots)?,
        nodes,
    })
}

/// The bytes of each section, every one within the encoding.
struct Sections<'a>([&'a [u8]; Section::ALL.len()]);

impl<'a> Sections<'a> {
    fn find(bytes: &'a [u8]) -> Result<Self, CodecError> {
        if bytes.len() < header::SIZE {
            return Err(CodecError::NoHeader { length: bytes.len() });
        }
        for (field, at, expected) in [
            ("magic", header::MAGIC, u64::from(layout::MAGIC)),
            ("version", header::VERSION, u64::from(layout::VERSION)),
            ("length", header::LENGTH, bytes.len() as u64),
            ("section count", header::SECTIONS, Section::ALL.len() as u64),
        ] {
            let got = u64::from(u32_at(bytes, at));
            if got != expected {
                return Err(CodecError::Header { field, got, expected });
            }
        }
        let mut found = [&bytes[..0]; Section::ALL.len()];
        let mut cursor = header::SIZE;
        for section in Section::ALL {
            let entry = header::TABLE + 8 * section as usize;
            let (offset, count) =
                (u32_at(bytes, entry) as usize, u32_at(bytes, entry + 4) as usize);
            let content = count
                .checked_mul(section.record_size())
                .and_then(|size| offset.checked_add(size))
                .filter(|_| offset == cursor)
                .and_then(|end| bytes.get(offset..end))
                .ok_or(CodecError::Section { section, offset, count })?;
            found[section as usize] = content;
            cursor = aligned(offset + content.len());
        }
        if cursor != bytes.len() {
            let (got, expected) = (bytes.len() as u64, cursor as u64);
            return Err(CodecError::Header { field: "length", got, expected });
        }
        Ok(Self(found))
    }

    fn records(&self, section: Section) -> impl ExactSizeIterator<Item = Record<'a>> + use<'a> {
        self.0[section as usize]
            .chunks_exact(section.record_size())
            .enumerate()
            .map(move |(index, bytes)| Record { section, index, bytes })
    }
}

/// One record, which knows where it is.
struct Record<'a> {
    section: Section,
    index: usize,
    bytes: &'a [u8],
}

impl Record<'_> {
    #[cold]
    fn wrong(&self, field: &'static str, problem: Problem) -> CodecError {
        CodecError::Field { section: self.section, index: self.index, field, problem }
    }

    fn at_most(&self, field: &'static str, at: usize, limit: u32) -> Result<u32, CodecError> {
        let got = u32_at(self.bytes, at);
        if got <= limit {
            return Ok(got);
        }
        Err(self.wrong(field, Problem::Above { got: got.into(), limit: limit.into() }))
    }

    fn int(&self, field: &'static str, at: usize) -> Result<u32, CodecError> {
        self.at_most(field, at, layout::MAX_INT)
    }

    fn long(&self, field: &'static str, at: usize) -> Result<u64, CodecError> {
        let got = u64::from_le_bytes(array(self.bytes, at));
        if got <= layout::MAX_LONG {
            return Ok(got);
        }
        Err(self.wrong(field, Problem::Above { got, limit: layout::MAX_LONG }))
    }

    fn optional_int(&self, field: &'static str, at: usize) -> Result<Option<u32>, CodecError> {
        if u32_at(self.bytes, at) == layout::NO_INT {
            return Ok(None);
        }
        self.int(field, at).map(Some)
    }

    fn optional_long(&self, field: &'static str, at: usize) -> Result<Option<u64>, CodecError> {
        if u64::from_le_bytes(array(self.bytes, at)) == layout::NO_LONG {
            return Ok(None);
        }
        self.long(field, at).map(Some)
    }

    /// What an index points to.
    fn look_up<'t, T>(
        &self,
        field: &'static str,
        at: usize,
        table: &'t [T],
    ) -> Result<&'t T, CodecError> {
        let got = u32_at(self.bytes, at);
        table.get(got as usize).ok_or_else(|| {
            // An empty table allows no index at all; 0 is then the honest limit to name.
            let limit = table.len().saturating_sub(1) as u64;
            self.wrong(field, Problem::Above { got: got.into(), limit })
        })
    }

    fn text(
        &self,
        field: &'static str,
        at: usize,
        strings: &Strings<'_>,
    ) -> Result<String, CodecError> {
        let text = *self.look_up(field, at, &strings.texts)?;
        strings.take(self, field, text.len())?;
        Ok(text.to_owned())
    }

    fn amount(&self, field: &'static str, at: usize) -> Result<f64, CodecError> {
        let got = f64::from_le_bytes(array(self.bytes, at));
        if got.is_finite() && got >= 0.0 {
            return Ok(got);
        }
        Err(self.wrong(field, Problem::NotAQuantity(got.to_string())))
    }

    fn optional_amount(&self, field: &'static str, at: usize) -> Result<Option<f64>, CodecError> {
        if f64::from_le_bytes(array(self.bytes, at)).is_nan() {
            return Ok(None);
        }
        self.amount(field, at).map(Some)
    }

    /// A quantity that may be below zero.
    fn optional_difference(
        &self,
        field: &'static str,
        at: usize,
    ) -> Result<Option<f64>, CodecError> {
        let value = f64::from_le_bytes(array(self.bytes, at));
        if value.is_infinite() {
            return Err(self.wrong(field, Problem::NotAQuantity(value.to_string())));
        }
        Ok(Some(value).filter(|value| !value.is_nan()))
    }

    fn tasks(&self, at: usize) -> Result<TaskRange, CodecError> {
        let (first, last) = (self.int("first task", at)?, self.int("last task", at + 4)?);
        if last < first {
            let problem = Problem::Below { got: last.into(), limit: first.into() };
            return Err(self.wrong("last task", problem));
        }
        Ok(TaskRange { first, last })
    }
}

/// The texts, which records name by their index.
struct Strings<'a> {
    texts: Vec<&'a str>,
    /// How many more bytes records may take for texts.
    left: Cell<usize>,
}

impl<'a> Strings<'a> {
    fn read(sections: &Sections<'a>, length: usize) -> Result<Self, CodecError> {
        let bytes = sections.0[Section::StringBytes as usize];
        let mut start = 0;
        let mut texts = Vec::with_capacity(sections.records(Section::StringEnds).len());
        for record in sections.records(Section::StringEnds) {
            let end = u32_at(record.bytes, 0) as usize;
            let text = bytes.get(start..end).ok_or_else(|| {
                let problem = match end < start {
                    true => Problem::Below { got: end as u64, limit: start as u64 },
                    false => Problem::Above { got: end as u64, limit: bytes.len() as u64 },
                };
                record.wrong("offset", problem)
            })?;
            let text = str::from_utf8(text).map_err(|_| record.wrong("text", Problem::NotText))?;
            texts.push(text);
            start = end;
        }
        if start != bytes.len() {
            let section = Section::StringBytes;
            return Err(CodecError::Unclaimed { section, named: start, count: bytes.len() });
        }
        Ok(Self { texts, left: Cell::new(length.saturating_mul(layout::MAX_REPEATED)) })
    }

    /// Has a record take memory for texts.
    fn take(
        &self,
        record: &Record<'_>,
        field: &'static str,
        bytes: usize,
    ) -> Result<(), CodecError> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(|| record.wrong(field, Problem::Repeated))?);
        Ok(())
    }
}

fn node(record: &Record<'_>, strings: &Strings<'_>) -> Result<Node, CodecError> {
    let flags = record.at_most("flags", 12, layout::NODE_FLAGS)?;
    Ok(Node {
        id: record.text("id", 0, strings)?,
        host: record.text("host", 4, strings)?,
        rack: record.text("rack", 8, strings)?,
        blacklisted: flags & layout::BLACKLISTED != 0,
        draining: flags & layout::DRAINING != 0,
        ports: Vec::new(),
        cpu_points: record.optional_amount("cpu points", 16)?,
        memory_mib: record.optional_amount("memory", 24)?,
        round_trip: record.optional_amount("round trip", 32)?.map(Millis::saturating),
        clock_ahead_ms: record.optional_difference("clock", 40)?,
    })
}

/// Gives each node its ports, and returns all slots in their order.
fn slots(sections: &Sections<'_>, nodes: &mut [Node]) -> Result<Vec<SlotRef>, CodecError> {
    let mut slots: Vec<SlotRef> = Vec::with_capacity(sections.records(Section::Slots).len());
    for record in sections.records(Section::Slots) {
        record.look_up("node", 0, nodes)?;
        let slot = SlotRef { node: u32_at(record.bytes, 0), port: record.int("port", 4)? };
        if let Some(previous) = slots.last().filter(|previous| **previous >= slot) {
            let (field, got, limit) = match previous.node == slot.node {
                true => ("port", slot.port, previous.port + 1),
                false => ("node", slot.node, previous.node),
            };
            return Err(
                record.wrong(field, Problem::Below { got: got.into(), limit: limit.into() })
            );
        }
        nodes[slot.node as usize].ports.push(slot.port);
        slots.push(slot);
    }
    Ok(slots)
}

fn topologies(
    sections: &Sections<'_>,
    strings: &Strings<'_>,
    slots: &[SlotRef],
) -> Result<Vec<Topology>, CodecError> {
    let mut components = sections.records(Section::Components);
    let mut edges = sections.records(Section::Edges);
    let mut executors = sections.records(Section::Executors);
    let mut topologies = Vec::with_capacity(sections.records(Section::Topologies).len());
    for record in sections.records(Section::Topologies) {
        let components = share(&record, "components", 24, &mut components)?;
        let components = read(components, |component| self::component(component, strings))?;
        topologies.push(Topology {
            id: record.text("id", 0, strings)?,
            name: record.text("name", 4, strings)?,
            status: *record.look_up("status", 8, &layout::STATUSES)?,
            desired_workers: record.int("desired workers", 12)?,
            apart: Vec::new(),
            message_timeout: Millis::saturating(record.amount("message timeout", 16)?),
            worker_heap_mib: record.optional_amount("worker heap", 40)?,
            worker_millipoints: record.int("worker compute", 36)?,
            checkpoint: checkpoint(&record)?,
            checkpoint_interval: record
                .optional_amount("checkpoint interval", 72)?
                .map(Millis::saturating),
            obstacle: obstacle(&record)?,
            settings: own_settings(&record, strings)?,
            edges: read(share(&record, "edges", 28, &mut edges)?, |edge| {
                self::edge(edge, &components)
            })?,
            executors: read(share(&record, "executors", 32, &mut executors)?, |executor| {
                self::executor(executor, &components, slots)
            })?,
            components,
        });
    }
    all_claimed(Section::Components, sections, components.len())?;
    all_claimed(Section::Edges, sections, edges.len())?;
    all_claimed(Section::Executors, sections, executors.len())?;
    pairs_apart(sections, &mut topologies)?;
    Ok(topologies)
}

/// The last checkpoint; how much was written is told only of one that is known.
fn checkpoint(record: &Record<'_>) -> Result<Option<Checkpoint>, CodecError> {
    let duration = record.optional_amount("checkpoint duration", 48)?.map(Millis::saturating);
    let bytes = record.optional_long("checkpoint bytes", 56)?;
    match (duration, bytes) {
        (None, Some(got)) => {
            Err(record.wrong("checkpoint bytes", Problem::Above { got, limit: 0 }))
        }
        (duration, bytes) => Ok(duration.map(|duration| Checkpoint { duration, bytes })),
    }
}

fn obstacle(record: &Record<'_>) -> Result<Option<Obstacle>, CodecError> {
    if u32_at(record.bytes, 64) == layout::NO_INT {
        return Ok(None);
    }
    record.look_up("obstacle", 64, &layout::OBSTACLES).map(|obstacle| Some(*obstacle))
}

/// What a topology's user set about Thalweg.
///
/// What is no such object is handed on as a mode that there is not, so that the topology is observed and it is told why:
/// what cannot be read may have been a freeze.
fn own_settings(
    record: &Record<'_>,
    strings: &Strings<'_>,
) -> Result<BTreeMap<String, Vec<String>>, CodecError> {
    const FIELD: &str = "own settings";
    let text = optional_text(record, FIELD, 68, strings)?;
    let Some(text) = text else { return Ok(BTreeMap::new()) };
    let read: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(text);
    let settings = match read {
        Ok(object) => object.into_iter().map(|(key, value)| (key, entries(value.get()))).collect(),
        Err(_) => BTreeMap::from([("thalweg.mode".to_owned(), vec![text.to_owned()])]),
    };
    for (key, values) in &settings {
        let values = values.iter().map(|value| size_of::<String>() + value.len());
        strings.take(record, FIELD, ENTRY + key.len() + values.sum::<usize>())?;
    }
    Ok(settings)
}

/// The entries of a value in JSON: those of a list, or of a text with semicolons between them.
fn entries(value: &str) -> Vec<String> {
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(value) {
        return list.into_iter().map(|entry| plain(entry.get())).collect();
    }
    match serde_json::from_str::<String>(value) {
        Ok(text) => {
            let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
            entries.map(str::to_owned).collect()
        }
        Err(_) => vec![value.to_owned()],
    }
}

/// A text as it is, and of everything else its JSON.
fn plain(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

/// Gives each topology the pairs of components that are to be apart.
fn pairs_apart(sections: &Sections<'_>, topologies: &mut [Topology]) -> Result<(), CodecError> {
    let mut last = 0;
    for record in sections.records(Section::Apart) {
        let components = &record.look_up("topology", 0, topologies)?.components;
        record.look_up("component", 4, components)?;
        record.look_up("other component", 8, components)?;
        record.at_most("reserved", 12, 0)?;
        let topology = u32_at(record.bytes, 0);
        if topology < last {
            let problem = Problem::Below { got: topology.into(), limit: last.into() };
            return Err(record.wrong("topology", problem));
        }
        last = topology;
        let pair = (u32_at(record.bytes, 4), u32_at(record.bytes, 8));
        topologies[topology as usize].apart.push(pair);
    }
    Ok(())
}

/// Reads records into memory that is asked for once: collecting results would not know how much.
fn read<'a, T>(
    records: impl ExactSizeIterator<Item = Record<'a>>,
    one: impl Fn(&Record<'a>) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let mut all = Vec::with_capacity(records.len());
    for record in records {
        all.push(one(&record)?);
    }
    Ok(all)
}

/// The next records, as many as the topology's record says.
fn share<'i, I: ExactSizeIterator>(
    topology: &Record<'_>,
    field: &'static str,
    at: usize,
    records: &'i mut I,
) -> Result<std::iter::Take<&'i mut I>, CodecError> {
    let left = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let count = topology.at_most(field, at, left)?;
    Ok(records.take(count as usize))
}

fn all_claimed(section: Section, sections: &Sections<'_>, left: usize) -> Result<(), CodecError> {
    if left == 0 {
        return Ok(());
    }
    let count = sections.records(section).len();
    Err(CodecError::Unclaimed { section, named: count - left, count })
}

fn component(record: &Record<'_>, strings: &Strings<'_>) -> Result<Component, CodecError> {
    let most_per_node = record.int("most per node", 44)?;
    Ok(Component {
        id: record.text("id", 0, strings)?,
        kind: *record.look_up("kind", 4, &layout::KINDS)?,
        tasks: record.tasks(8)?,
        cpu_points: record.optional_amount("cpu points", 16)?,
        memory_mib: record.optional_amount("memory", 24)?,
        backlog: record.optional_long("backlog", 32)?,
        partitions: record.optional_int("partitions", 40)?,
        heap_mib: record.optional_amount("heap", 48)?,
        most_per_node: (most_per_node > 0).then_some(most_per_node),
        least_executors: record.optional_int("fewest executors", 56)?,
        most_executors: record.optional_int("most executors", 60)?,
        slot_group: record.int("slot group", 64)?,
        feed: feed(record, strings)?,
    })
}

/// Where a source reads from. What is no object of texts tells nothing.
fn feed(
    record: &Record<'_>,
    strings: &Strings<'_>,
) -> Result<BTreeMap<String, String>, CodecError> {
    const FIELD: &str = "feed";
    let text = optional_text(record, FIELD, 68, strings)?;
    let read = text.and_then(|text| serde_json::from_str(text).ok());
    let feed: BTreeMap<String, String> = read.unwrap_or_default();
    let taken = feed.iter().map(|(key, value)| ENTRY + key.len() + value.len());
    strings.take(record, FIELD, taken.sum())?;
    Ok(feed)
}

/// A text that may be missing: its index and 1, or 0.
fn optional_text<'s>(
    record: &Record<'_>,
    field: &'static str,
    at: usize,
    strings: &Strings<'s>,
) -> Result<Option<&'s str>, CodecError> {
    let Some(index) = u32_at(record.bytes, at).checked_sub(1) else { return Ok(None) };
    let Some(text) = strings.texts.get(index as usize) else {
        let problem = Problem::Above { got: index.into(), limit: strings.texts.len() as u64 };
        return Err(record.wrong(field, problem));
    };
    Ok(Some(text))
}

fn edge(record: &Record<'_>, components: &[Component]) -> Result<Edge, CodecError> {
    record.look_up("from", 0, components)?;
    record.look_up("to", 4, components)?;
    record.at_most("reserved", 12, 0)?;
    Ok(Edge {
        from: u32_at(record.bytes, 0),
        to: u32_at(record.bytes, 4),
        grouping: *record.look_up("grouping", 8, &layout::GROUPINGS)?,
        sent: record.optional_long("sent", 16)?,
    })
}

fn executor(
    record: &Record<'_>,
    components: &[Component],
    slots: &[SlotRef],
) -> Result<Executor, CodecError> {
    let of = record.look_up("component", 0, components)?.tasks;
    let tasks = record.tasks(4)?;
    if tasks.first < of.first {
        let problem = Problem::Below { got: tasks.first.into(), limit: of.first.into() };
        return Err(record.wrong("first task", problem));
    }
    record.at_most("last task", 8, of.last)?;
    let slot = match u32_at(record.bytes, 12) {
        layout::NO_SLOT => None,
        _ => Some(*record.look_up("slot", 12, slots)?),
    };
    let counters = match record.at_most("flags", 16, layout::HAS_COUNTERS)? {
        layout::HAS_COUNTERS => Some(counters(record)?),
        _ => None,
    };
    Ok(Executor { component: u32_at(record.bytes, 0), tasks, slot, counters })
}

fn counters(record: &Record<'_>) -> Result<Counters, CodecError> {
    Ok(Counters {
        uptime_secs: record.int("uptime", 20)?,
        executed: record.long("executed", 24)?,
        execute_ms: record.amount("execute ms", 32)?,
        acked: record.long("acked", 40)?,
        process_ms: record.amount("process ms", 48)?,
        failed: record.long("failed", 56)?,
        emitted: record.long("emitted", 64)?,
        transferred: record.long("transferred", 72)?,
        completed: record.long("completed", 80)?,
        complete_ms: record.amount("complete ms", 88)?,
        busy_ms: record.optional_amount("busy ms", 96)?,
        backpressured_ms: record.optional_amount("back-pressured ms", 104)?,
        idle_ms: record.optional_amount("idle ms", 112)?,
        gc_ms: record.optional_amount("gc ms", 120)?,
        state_bytes: record.optional_long("state bytes", 128)?,
        state_accesses: record.optional_long("state accesses", 136)?,
        state_hits: record.optional_long("state hits", 144)?,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

/// The `N` bytes at an offset of the layout, which is inside of any header or record.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("fields end within their record")
}
