//! Windows of time that recur, as users write them: when nothing may be done, or only then, or when much is expected.
//!
//! **Input**: a text, and an instant. **Output**: the span of time around or after that instant. Time zones come from a
//! database that is part of the program, so that the machine needs none, and clocks that go forward or back are
//! allowed for: see [`Edge`].
//!
//! A window is one of
//!
//! - a cron expression of five fields and how long it lasts from each time on: `0 18 * * FRI for 62h`;
//! - hours of all days, or of some: `22:00-06:00`, `mon-fri 09:00-17:00`;
//! - one stretch of time: `2026-12-24T00:00 until 2026-12-27T06:00`, or `2026-12-24T00:00 for 3d`;
//!
//! each with ` in ZONE` behind it where its zone is not the one of the settings.

mod hours;
mod read;
mod span;
mod window;
mod words;

pub use span::{Edge, Span};
pub use window::Window;
pub use words::{ALLOWED, Unreadable, duration, utc, zone};

#[cfg(test)]
mod tests;
