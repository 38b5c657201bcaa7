//! The native entries by name, and the faults that tests plant at them.
//!
//! Java has the same list: its tests hold each native method against [`Entry::ALL`], so an entry that is not here fails.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::BridgeError;
use crate::memory;

/// Makes the list, so that nothing can be in it twice or be forgotten.
macro_rules! entries {
    ($($entry:ident $name:literal),+ $(,)?) => {
        /// A native method of `io.thalweg.bridge.Native`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Entry { $($entry),+ }

        impl Entry {
            /// All of them, in the order of their numbers.
            const ALL: &'static [Self] = &[$(Self::$entry),+];

            /// Its name in Java.
            fn name(self) -> &'static str {
                match self { $(Self::$entry => $name),+ }
            }
        }
    };
}

entries! {
    Start "start",
    LogThreshold "logThreshold",
    Version "version",
    Open "open",
    Close "close",
    Observe "observe",
    Assign "assign",
    Command "command",
    Inspect "inspect",
    SelfTest "selfTest",
    Plant "plant",
}

const ERROR: u8 = 1;
const PANIC: u8 = 2;
const MEMORY: u8 = 3;

static PLANTED: [AtomicU8; Entry::ALL.len()] = [const { AtomicU8::new(0) }; Entry::ALL.len()];

/// Has an entry fail from now on, at each call and on every thread: 1 by an error, 2 by a panic, 3 for want of memory, else
/// no more.
pub fn plant(name: &str, fault: i32) -> Result<(), BridgeError> {
    // The entry that plants could not take its own fault back.
    let entry = Entry::ALL.iter().find(|entry| entry.name() == name && **entry != Entry::Plant);
    let Some(entry) = entry else {
        return Err(BridgeError::NoEntry { name: name.to_owned() });
    };
    let fault = u8::try_from(fault).unwrap_or_default();
    PLANTED[*entry as usize].store(fault, Ordering::Relaxed);
    Ok(())
}

/// Fails as it was planted.
pub fn strike(entry: Entry) -> Result<(), BridgeError> {
    match PLANTED[entry as usize].load(Ordering::Relaxed) {
        ERROR => Err(BridgeError::Answer(String::from("is a planted error"))),
        PANIC => panic!("a planted panic"),
        // More than any machine has, asked for as what is needed is.
        MEMORY => memory::require(isize::MAX as usize),
        _ => Ok(()),
    }
}
