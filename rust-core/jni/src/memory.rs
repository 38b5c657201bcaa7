//! Memory that a large look leaves free.

/// Executors from which a look leaves enough memory free to be worth the milliseconds of giving it back.
#[cfg(target_env = "gnu")]
const MANY: usize = 5_000;

/// After a look at so many executors, returns what it freed to the system. The allocator of glibc would keep it for the
/// next look, which is a minute or more away at this size.
#[cfg(target_env = "gnu")]
pub fn give_back(executors: usize) {
    if executors >= MANY {
        // SAFETY: it may be called at any time, from any thread.
        unsafe { libc::malloc_trim(0) };
    }
}

/// Other allocators give back by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_back(_: usize) {}
