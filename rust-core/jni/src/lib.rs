//! The native library loaded by the JVM: it converts, calls the engine and converts back.
//!
//! This is the only crate with unsafe code, because the JVM hands over raw pointers. Every entry
//! goes through one wrapper, [`outcome::call`]: an error or a panic becomes a `ThalwegException`,
//! never an abort and never a silent default. What is owned by whom is in `docs/reference/ffi.md`.
#![allow(unsafe_code)]

mod buffers;
mod engines;
mod entries;
mod error;
mod exports;
mod java;
mod log;
mod memory;
mod outcome;
