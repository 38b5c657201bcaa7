//! How long the garbage collectors of TaskManagers have run.

use std::collections::BTreeMap;

use super::super::ask::Ask;
use super::super::json::{amount, elements};
use super::super::view::NodeView;
use crate::http::{HttpError, encoded};

const TIME: &str = "Status.JVM.GarbageCollector.All.Time";
/// Each TaskManager takes a request of its own, so a few are asked at a time, in turn.
const AT_ONCE: usize = 8;

/// What TaskManagers told last.
#[derive(Debug, Default)]
pub struct Collectors {
    known: BTreeMap<String, f64>,
    next: usize,
}

impl Collectors {
    /// Asks the next ones, and adds to all what they told last.
    pub fn read(&mut self, ask: &impl Ask, nodes: &mut [NodeView]) -> Result<(), HttpError> {
        self.known.retain(|id, _| nodes.iter().any(|node| node.id == *id));
        for _ in 0..AT_ONCE.min(nodes.len()) {
            let id = &nodes[self.next % nodes.len()].id;
            self.next = self.next.wrapping_add(1);
            if let Some(ms) = one(ask, id)? {
                self.known.insert(id.clone(), ms);
            }
        }
        for node in nodes {
            node.gc_ms = self.known.get(&node.id).copied();
        }
        Ok(())
    }
}

fn one(ask: &impl Ask, node: &str) -> Result<Option<f64>, HttpError> {
    match ask.get(&format!("/taskmanagers/{}/metrics?get={TIME}", encoded(node))) {
        Ok(answer) => Ok(elements(&answer).next().and_then(|metric| amount(metric, "value"))),
        // It left between two requests, or is not yet known to whoever answers.
        Err(error) if error.is_of_one_answer() => Ok(None),
        Err(error) => Err(error),
    }
}
