//! Memory that a call will need, and memory that a large look leaves free.

use crate::error::BridgeError;

/// Executors from which a look leaves enough memory free to be worth the milliseconds of giving it back.
#[cfg(target_env = "gnu")]
const MANY: usize = 5_000;

/// What any call may take, whatever comes in.
const LEAST: usize = 4 << 20;
/// How many bytes a call takes at most for each that comes in: what a snapshot may be in memory, as the codec has it.
const TIMES: usize = 32;

/// Makes sure that there is memory for a call with so many bytes of input. In the midst of it Rust could only end the
/// process, which is somebody else's.
pub fn afford(input: usize) -> Result<(), BridgeError> {
    require(input.saturating_mul(TIMES).saturating_add(LEAST))
}

/// Asks the system for so many bytes, and gives them back at once. Not by the allocator: it would keep them, and grow what
/// it takes for small.
pub fn require(bytes: usize) -> Result<(), BridgeError> {
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping wherever the system likes, which nothing is in and nobody else knows.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(BridgeError::Memory { bytes });
    }
    // SAFETY: the mapping of just now, as long as it was made.
    unsafe { libc::munmap(start, bytes) };
    Ok(())
}

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

/// How many KiB the C library has given out to whoever is in this process, where it counts them, and up to 2 GiB. Old
/// versions have no wider count.
#[cfg(target_env = "gnu")]
pub fn given_out() -> Option<i32> {
    // SAFETY: it may be called at any time, from any thread.
    let info = unsafe { libc::mallinfo() };
    info.uordblks.checked_add(info.hblkhd).map(|bytes| bytes / 1024)
}

/// Other libraries do not tell.
#[cfg(not(target_env = "gnu"))]
pub fn given_out() -> Option<i32> {
    None
}
