//! Settings with which something happens within minutes.

use thalweg_core::settings::{Settings, WorkerLimit};
use thalweg_core::units::Millis;

/// The default policy with short times, and with as many workers as it wants.
pub fn settings() -> Settings {
    let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
    Settings {
        window: secs(20.0),
        settle: secs(10.0),
        interval: secs(10.0),
        cool_down: secs(20.0),
        blacklist: secs(60.0),
        worker_limit: WorkerLimit::Free,
        ..Settings::default()
    }
}
