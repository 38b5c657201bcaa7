use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use thalweg_core::model::{Counters, Executor, Node, Observation, SlotRef, Topology};
use thalweg_core::units::Millis;

use crate::error::{CodecError, Problem};
use crate::layout::{self, Section, aligned, header};

/// Writes an observation; what [`decode`](super::decode) takes back to an equal one.
///
/// # Errors
/// When an executor's slot is not among its node's ports, or something exceeds 32 bits. Other
/// nonsense, such as indexes beyond their tables, is left for the decoder to find.
pub fn encode(observation: &Observation) -> Result<Vec<u8>, CodecError> {
    let mut writer = Writer::default();
    for node in &observation.nodes {
        writer.node(node);
    }
    for (index, node) in (0u32..).zip(&observation.nodes) {
        for port in &node.ports {
            writer.slot(SlotRef { node: index, port: *port });
        }
    }
    for (index, topology) in (0u32..).zip(&observation.topologies) {
        writer.topology(topology)?;
        for &(one, other) in &topology.apart {
            for field in [index, one, other, 0] {
                writer.u32(Section::Apart, field);
            }
        }
    }
    writer.finish(observation.at.millis())
}

#[derive(Default)]
struct Writer<'a> {
    sections: [Vec<u8>; Section::ALL.len()],
    strings: HashMap<Cow<'a, str>, u32>,
    slots: HashMap<SlotRef, u32>,
}

impl<'a> Writer<'a> {
    fn node(&mut self, node: &'a Node) {
        let flags = (u32::from(node.blacklisted) * layout::BLACKLISTED)
            | (u32::from(node.draining) * layout::DRAINING);
        for text in [&node.id, &node.host, &node.rack] {
            self.text(Section::Nodes, text);
        }
        self.u32(Section::Nodes, flags);
        let round_trip = node.round_trip.map(|millis| millis.get());
        for amount in [node.cpu_points, node.memory_mib, round_trip, node.clock_ahead_ms] {
            self.optional_f64(Section::Nodes, amount);
        }
    }

    fn slot(&mut self, slot: SlotRef) {
        let index = self.slots.len() as u32;
        self.slots.insert(slot, index);
        self.u32(Section::Slots, slot.node);
        self.u32(Section::Slots, slot.port);
    }

    fn topology(&mut self, topology: &'a Topology) -> Result<(), CodecError> {
        let to = Section::Topologies;
        self.text(to, &topology.id);
        self.text(to, &topology.name);
        self.u32(to, place(&layout::STATUSES, topology.status));
        self.u32(to, topology.desired_workers);
        self.f64(to, topology.message_timeout.get());
        self.count(to, topology.components.len())?;
        self.count(to, topology.edges.len())?;
        self.count(to, topology.executors.len())?;
        self.u32(to, topology.worker_millipoints);
        self.optional_f64(to, topology.worker_heap_mib);
        self.optional_f64(to, topology.checkpoint.map(|checkpoint| checkpoint.duration.get()));
        self.optional_u64(to, topology.checkpoint.and_then(|checkpoint| checkpoint.bytes));
        let obstacle = topology.obstacle.map(|obstacle| place(&layout::OBSTACLES, obstacle));
        self.optional_u32(to, obstacle);
        self.optional_json(to, &topology.settings)?;
        self.optional_f64(to, topology.checkpoint_interval.map(Millis::get));
        for component in &topology.components {
            let to = Section::Components;
            self.text(to, &component.id);
            self.u32(to, place(&layout::KINDS, component.kind));
            self.u32(to, component.tasks.first);
            self.u32(to, component.tasks.last);
            self.optional_f64(to, component.cpu_points);
            self.optional_f64(to, component.memory_mib);
            self.optional_u64(to, component.backlog);
            self.optional_u32(to, component.partitions);
            self.u32(to, component.most_per_node.unwrap_or(0));
            self.optional_f64(to, component.heap_mib);
            self.optional_u32(to, component.least_executors);
            self.optional_u32(to, component.most_executors);
            self.u32(to, component.slot_group);
            self.optional_json(to, &component.feed)?;
        }
        for edge in &topology.edges {
            let grouping = place(&layout::GROUPINGS, edge.grouping);
            for field in [edge.from, edge.to, grouping, 0] {
                self.u32(Section::Edges, field);
            }
            self.optional_u64(Section::Edges, edge.sent);
        }
        topology.executors.iter().try_for_each(|executor| self.executor(executor))
    }

    fn executor(&mut self, executor: &Executor) -> Result<(), CodecError> {
        let to = Section::Executors;
        let slot = match executor.slot {
            None => layout::NO_SLOT,
            Some(slot) => *self.slots.get(&slot).ok_or(CodecError::Field {
                section: to,
                index: self.sections[to as usize].len() / to.record_size(),
                field: "slot",
                problem: Problem::NoSuchSlot { node: slot.node, port: slot.port },
            })?,
        };
        self.u32(to, executor.component);
        self.u32(to, executor.tasks.first);
        self.u32(to, executor.tasks.last);
        self.u32(to, slot);
        self.u32(to, u32::from(executor.counters.is_some()) * layout::HAS_COUNTERS);
        self.counters(&executor.counters.unwrap_or_default());
        Ok(())
    }

    fn counters(&mut self, counters: &Counters) {
        let to = Section::Executors;
        self.u32(to, counters.uptime_secs);
        self.u64(to, counters.executed);
        self.f64(to, counters.execute_ms);
        self.u64(to, counters.acked);
        self.f64(to, counters.process_ms);
        self.u64(to, counters.failed);
        self.u64(to, counters.emitted);
        self.u64(to, counters.transferred);
        self.u64(to, counters.completed);
        self.f64(to, counters.complete_ms);
        let times = [counters.busy_ms, counters.backpressured_ms, counters.idle_ms, counters.gc_ms];
        for time in times {
            self.optional_f64(to, time);
        }
        for count in [counters.state_bytes, counters.state_accesses, counters.state_hits] {
            self.optional_u64(to, count);
        }
    }

    fn text(&mut self, to: Section, text: &'a str) {
        let index = self.interned(Cow::Borrowed(text));
        self.u32(to, index);
    }

    /// A map as a text that may be missing: its index and 1, or 0 where it is empty.
    fn optional_json<V: Serialize>(
        &mut self,
        to: Section,
        map: &BTreeMap<String, V>,
    ) -> Result<(), CodecError> {
        let index = if map.is_empty() {
            0
        } else {
            let text = serde_json::to_string(map);
            let text = text.map_err(|_| CodecError::TooLarge { section: to })?;
            self.interned(Cow::Owned(text)) + 1
        };
        self.u32(to, index);
        Ok(())
    }

    fn interned(&mut self, text: Cow<'a, str>) -> u32 {
        let next = self.strings.len() as u32;
        if let Some(index) = self.strings.get(&text) {
            return *index;
        }
        self.put(Section::StringBytes, text.as_bytes());
        let end = self.sections[Section::StringBytes as usize].len() as u32;
        self.u32(Section::StringEnds, end);
        self.strings.insert(text, next);
        next
    }

    fn count(&mut self, to: Section, count: usize) -> Result<(), CodecError> {
        let count = u32::try_from(count).map_err(|_| CodecError::TooLarge { section: to })?;
        self.u32(to, count);
        Ok(())
    }

    fn u32(&mut self, to: Section, value: u32) {
        self.put(to, &value.to_le_bytes());
    }

    fn u64(&mut self, to: Section, value: u64) {
        self.put(to, &value.to_le_bytes());
    }

    fn f64(&mut self, to: Section, value: f64) {
        self.put(to, &value.to_le_bytes());
    }

    fn optional_u32(&mut self, to: Section, value: Option<u32>) {
        self.u32(to, value.unwrap_or(layout::NO_INT));
    }

    fn optional_u64(&mut self, to: Section, value: Option<u64>) {
        self.u64(to, value.unwrap_or(layout::NO_LONG));
    }

    fn optional_f64(&mut self, to: Section, value: Option<f64>) {
        self.f64(to, value.unwrap_or(f64::NAN));
    }

    fn put(&mut self, to: Section, bytes: &[u8]) {
        self.sections[to as usize].extend_from_slice(bytes);
    }

    /// Puts the header before the sections; lengths within 32 bits make every index fit as well.
    fn finish(self, at: i64) -> Result<Vec<u8>, CodecError> {
        let mut table = Vec::with_capacity(8 * Section::ALL.len());
        let mut cursor = header::SIZE;
        for (section, content) in Section::ALL.iter().zip(&self.sections) {
            for number in [cursor, content.len() / section.record_size()] {
                let number = u32::try_from(number)
                    .map_err(|_| CodecError::TooLarge { section: *section })?;
                table.extend_from_slice(&number.to_le_bytes());
            }
            cursor = aligned(cursor + content.len());
        }
        let length = u32::try_from(cursor)
            .map_err(|_| CodecError::TooLarge { section: Section::StringBytes })?;
        let mut bytes = Vec::with_capacity(cursor);
        for field in [layout::MAGIC, layout::VERSION, length, Section::ALL.len() as u32] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&at.to_le_bytes());
        bytes.extend_from_slice(&table);
        for content in &self.sections {
            bytes.extend_from_slice(content);
            bytes.resize(aligned(bytes.len()), 0);
        }
        Ok(bytes)
    }
}

/// The place of a value in the table that lists all values of its type.
fn place<T: PartialEq>(table: &[T], value: T) -> u32 {
    let place = table.iter().position(|entry| *entry == value);
    place.expect("the table lists every value") as u32
}
