//! What is reported to the engine.

use std::sync::Arc;

use serde_json::Value;
use thalweg_control::now_millis;
use thalweg_core::action::Fault;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Engine, Reported, Request};

/// The engine, as who carries plans out speaks to it.
#[derive(Clone)]
pub struct Reports(Arc<Engine>);

impl Reports {
    /// Reports to this engine.
    pub fn to(engine: Arc<Engine>) -> Self {
        Self(engine)
    }

    /// Asks or reports something that has to be taken in before anything else is done.
    pub fn send(&self, request: Request) -> Result<Value, Fault> {
        let now = Timestamp::from_millis(now_millis());
        self.0.request(request, now).map_err(|error| Fault {
            code: "ENGINE_REFUSED".to_owned(),
            text: format!("the engine of Thalweg does not take it in: {error}"),
        })
    }

    /// Reports something that changes nothing if it is not taken in: the engine finds out by itself.
    pub fn tell(&self, request: Request) {
        if let Err(fault) = self.send(request) {
            tracing::warn!(code = fault.code, text = fault.text, "not taken in");
        }
    }

    /// Counts something that happened.
    pub fn event(&self, code: &str, text: String) {
        self.tell(Request::Event { code: code.to_owned(), text });
    }
}

/// A fault as it is reported.
pub fn reported(fault: &Fault) -> Reported {
    Reported { code: fault.code.clone(), text: fault.text.clone() }
}
