//! From which shares of time on measurements mean something else.

/// Executors this busy do all they can.
pub const SATURATED: f64 = 0.97;
/// Executors whose receivers hold them up for more than this share of time do less than they could.
pub const HELD_UP: f64 = 0.1;
