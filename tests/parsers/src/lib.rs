//! What every parser of outside data has to keep, whatever bytes it is given.
//!
//! **In**: the name of a [`Target`] and any bytes. **Out**: nothing, or a panic that says what was not kept: that it
//! ends without one, that it needs no more than [`FACTOR`] times the memory of its input and what the target is allowed
//! besides, and that what was read and is written is read as the same again.
//!
//! The fuzzers in `fuzz/` call [`check`] with what they think of, and the test `seeds` with each seed there. This knows
//! nothing of fuzzing, so that it is built and run with everything else.

mod cluster;
mod engine;
mod files;
mod http;
mod memory;
mod settings;

/// How much memory a parser may need at once, as a multiple of its input.
pub const FACTOR: usize = 64;
/// What it may need besides, in bytes: buffers of one size for every input.
const BUFFERS: usize = 80 << 10;

/// What is to be looked at once something was read, and holds no memory of the parser's own. Nothing where nothing was.
type Then<'a> = Option<Box<dyn FnOnce() + 'a>>;

/// A parser.
pub struct Target {
    /// Its name, that of its fuzzer and of the folder of its seeds.
    pub name: &'static str,
    read: for<'a> fn(&'a [u8]) -> Then<'a>,
    /// What it may need besides, in bytes.
    besides: usize,
}

impl Target {
    const fn of(name: &'static str, read: for<'a> fn(&'a [u8]) -> Then<'a>) -> Self {
        Self { name, read, besides: BUFFERS }
    }
}

/// All of them.
pub const TARGETS: [Target; 25] = [
    Target::of("snapshot", engine::snapshot),
    Target::of("table", engine::table),
    Target::of("stamped", engine::stamped),
    Target::of("stored", engine::stored),
    Target::of("request", engine::request),
    Target::of("envelope", engine::envelope),
    Target::of("answer", engine::answer),
    Target::of("command", engine::command),
    Target::of("settings", settings::engine),
    Target::of("windows", settings::windows),
    Target::of("yaml", settings::yaml),
    Target::of("workflow", settings::workflow),
    Target { besides: 128 << 10, ..Target::of("scenario", settings::scenario) },
    Target::of("series", settings::series),
    Target::of("run", settings::run),
    Target::of("recording", files::recording),
    Target { besides: 512 << 10, ..Target::of("ledger", files::ledger) },
    Target { besides: 512 << 10, ..Target::of("parquet", files::parquet) },
    Target::of("exposition", cluster::exposition),
    Target::of("prometheus", cluster::prometheus),
    Target::of("flink", cluster::flink),
    Target::of("spark", cluster::spark),
    Target::of("storm", cluster::storm),
    Target::of("properties", cluster::properties),
    Target { besides: 1 << 20, ..Target::of("http", http::request) },
];

/// Gives bytes to a parser.
///
/// # Panics
/// Where it does not keep what it has to.
pub fn check(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|target| target.name == name);
    let target = found.unwrap_or_else(|| panic!("there is no target {name}"));
    let allowed = FACTOR * bytes.len() + target.besides;
    let (mut most, mut then) = memory::most(|| (target.read)(bytes));
    if most > allowed {
        // What is made once for all, at the first use, is no input's.
        drop(then);
        (most, then) = memory::most(|| (target.read)(bytes));
    }
    assert!(most <= allowed, "{name} took {most} bytes for {} of input", bytes.len());
    if let Some(then) = then {
        then();
    }
}
