//! Java's direct buffers as slices: a snapshot read from one, an answer written into another.

use jni::Env;
use jni::objects::JByteBuffer;
use jni::sys::jint;
use thalweg_core::model::{Observation, SlotRef};
use thalweg_engine::Assigned;

use crate::error::BridgeError;
use crate::memory;
use thalweg_codec::decode;

/// An executor that is left to the engine's own scheduler.
const NOT_OURS: i32 = -1;
/// An executor that stays where it is.
const KEEP: i32 = -2;
/// What stands for an executor that no slot can take.
const NO_ROOM: i32 = -3;

/// Decodes the first `length` bytes of a direct buffer.
pub fn read(
    env: &Env<'_>,
    buffer: &JByteBuffer<'_>,
    length: jint,
) -> Result<Observation, BridgeError> {
    let (start, capacity) = area(env, "input", buffer)?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= capacity)
        .ok_or_else(|| wrong("input", format!("length {length} with a capacity of {capacity}")))?;
    memory::afford(length)?;
    // SAFETY: the JVM vouches for `capacity` bytes at `start`, `length` is not more, and the
    // caller's reference keeps them alive. Java writes to them only between calls.
    let bytes = unsafe { std::slice::from_raw_parts(start, length) };
    Ok(decode(bytes)?)
}

/// Writes where each executor belongs into a direct buffer, as indexes of the encoded slots.
pub fn write(
    env: &Env<'_>,
    buffer: &JByteBuffer<'_>,
    view: &Observation,
    answer: &[Assigned],
) -> Result<(), BridgeError> {
    let executors: usize = view.topologies.iter().map(|topology| topology.executors.len()).sum();
    if answer.len() != executors {
        let problem = format!("has {} rows for {executors} executors", answer.len());
        return Err(BridgeError::Answer(problem));
    }
    let (start, capacity) = area(env, "output", buffer)?;
    let needed = executors * size_of::<i32>();
    if capacity < needed {
        let problem = format!("{needed} bytes needed, capacity is {capacity}");
        return Err(wrong("output", problem));
    }
    let slots = SlotIndex::of(view);
    // Everything is known before the first byte is written, so an error leaves no half an answer.
    let rows = answer.iter().map(|row| slots.row(*row)).collect::<Result<Vec<_>, _>>()?;
    // SAFETY: the JVM vouches for `capacity` bytes at `start`, `needed` is not more, the caller's
    // reference keeps them alive, and nobody else touches them during the call.
    let bytes = unsafe { std::slice::from_raw_parts_mut(start, needed) };
    for (place, row) in bytes.chunks_exact_mut(size_of::<i32>()).zip(rows) {
        place.copy_from_slice(&row.to_le_bytes());
    }
    Ok(())
}

fn area(
    env: &Env<'_>,
    name: &'static str,
    buffer: &JByteBuffer<'_>,
) -> Result<(*mut u8, usize), BridgeError> {
    // The JVM answers for a heap buffer as it does for a failure: with no address.
    let start = env.get_direct_buffer_address(buffer);
    let start = start.map_err(|_| wrong(name, String::from("not a direct buffer")))?;
    Ok((start, env.get_direct_buffer_capacity(buffer)?))
}

fn wrong(buffer: &'static str, problem: String) -> BridgeError {
    BridgeError::Buffer { buffer, problem }
}

/// The index of each slot in the encoding, where slots ascend by node and port.
struct SlotIndex<'a> {
    view: &'a Observation,
    first_of_node: Vec<usize>,
}

impl<'a> SlotIndex<'a> {
    fn of(view: &'a Observation) -> Self {
        let first_of_node = view
            .nodes
            .iter()
            .scan(0, |next, node| {
                let first = *next;
                *next += node.ports.len();
                Some(first)
            })
            .collect();
        Self { view, first_of_node }
    }

    fn row(&self, assigned: Assigned) -> Result<i32, BridgeError> {
        match assigned {
            Assigned::NotOurs => Ok(NOT_OURS),
            Assigned::Keep => Ok(KEEP),
            Assigned::NoRoom => Ok(NO_ROOM),
            Assigned::To(slot) => self.index(slot).ok_or_else(|| {
                let SlotRef { node, port } = slot;
                BridgeError::Answer(format!("names port {port} of node {node}, which is no slot"))
            }),
        }
    }

    fn index(&self, slot: SlotRef) -> Option<i32> {
        let node = slot.node as usize;
        let port = self.view.nodes.get(node)?.ports.binary_search(&slot.port).ok()?;
        i32::try_from(self.first_of_node.get(node)? + port).ok()
    }
}
