//! The native entries by name, and the faults that tests plant at them.
//!
//! Faults are in debug builds and where the feature `faults` is on: the library that is shipped has none.
//! Java has the same list: its tests hold each native method against [`Entry::ALL`], so an entry that is not here fails.

use crate::error::BridgeError;

#[cfg(any(debug_assertions, feature = "faults"))]
pub use planted::{forget, lose, plant, strike};
#[cfg(not(any(debug_assertions, feature = "faults")))]
pub use unplanted::{forget, lose, plant, strike};

/// Makes the list, so that nothing can be in it twice or be forgotten.
macro_rules! entries {
    ($($entry:ident $name:literal),+ $(,)?) => {
        /// A native method of `io.thalweg.bridge.Native`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Entry { $($entry),+ }

        #[cfg(any(debug_assertions, feature = "faults"))]
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

#[cfg(any(debug_assertions, feature = "faults"))]
mod planted {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::{BridgeError, Entry};
    use crate::memory;

    const ERROR: u8 = 1;
    const PANIC: u8 = 2;
    const MEMORY: u8 = 3;

    static PLANTED: [AtomicU8; Entry::ALL.len()] = [const { AtomicU8::new(0) }; Entry::ALL.len()];

    /// Has an entry fail from now on, at each call and on every thread: 1 by an error, 2 by a panic, 3 for want of memory,
    /// else no more.
    pub fn plant(name: &str, fault: i32) -> Result<(), BridgeError> {
        // The entry that plants could not take its own fault back.
        let entry = Entry::ALL.iter().find(|entry| entry.name() == name && **entry != Entry::Plant);
        let Some(entry) = entry else {
            return Err(BridgeError::Plant(format!("there is no entry {name}")));
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

    /// Takes all faults back: a class loader that takes this copy of the library over has planted none.
    pub fn forget() {
        for planted in &PLANTED {
            planted.store(0, Ordering::Relaxed);
        }
    }

    /// For tests that have to find a leak.
    #[allow(clippy::unnecessary_wraps)]
    pub fn lose() -> Result<(), BridgeError> {
        std::mem::forget(std::hint::black_box(Box::new([0_u8; 64])));
        Ok(())
    }
}

#[cfg(not(any(debug_assertions, feature = "faults")))]
#[allow(clippy::unnecessary_wraps)]
mod unplanted {
    use super::{BridgeError, Entry};

    /// Refuses: a test that goes on without its fault would prove nothing.
    pub fn plant(_: &str, _: i32) -> Result<(), BridgeError> {
        refused()
    }

    fn refused() -> Result<(), BridgeError> {
        let why = "this library is a release build without the feature `faults` (-PcargoFaults)";
        Err(BridgeError::Plant(String::from(why)))
    }

    pub fn strike(_: Entry) -> Result<(), BridgeError> {
        Ok(())
    }

    pub fn forget() {}

    pub fn lose() -> Result<(), BridgeError> {
        refused()
    }
}
