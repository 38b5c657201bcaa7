//! Tracing events of the core, as lines of the JVM's own log.
//!
//! One call of `NativeLog.log` per event, from whichever thread it happens on. A thread of our own
//! is attached as a daemon when it logs for the first time, so it never keeps the JVM from ending,
//! and detached when it ends.

use std::cell::Cell;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{PoisonError, RwLock};

use jni::objects::JClass;
use jni::refs::{Global, Weak};
use jni::{Env, JavaVM, sys};
use thalweg_engine::visible;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::java;

/// The class `NativeLog`. Held weakly, as a class loader that nobody uses any more has to be free to go. This
/// library stays mapped then, for the next one; open engines hold the class by a [`Pin`].
static SINK: RwLock<Option<Weak<JClass<'static>>>> = RwLock::new(None);

/// The lowest level that Java wants to hear, in SLF4J's numbers.
static THRESHOLD: AtomicI32 = AtomicI32::new(20);

/// Keeps the class `NativeLog`, and with it the class loader that has this library, for as long as something of ours may log:
/// until then no other takes the library over.
pub type Pin = Global<JClass<'static>>;

/// Sends the events of this library to `sink` from now on; the first call counts.
pub fn start(env: &Env<'_>, sink: &JClass<'_>) -> jni::errors::Result<()> {
    let mut place = SINK.write().unwrap_or_else(PoisonError::into_inner);
    if place.is_some() {
        return Ok(());
    }
    *place = Some(env.new_weak_ref(sink)?);
    // This library has its own copy of tracing, where only an earlier class loader can have been first, with the same.
    let _ = tracing::subscriber::set_global_default(ToJava);
    Ok(())
}

/// Ends the log: the class loader is gone. Another may begin anew.
pub fn stop() {
    let sink = SINK.write().unwrap_or_else(PoisonError::into_inner).take();
    drop(sink);
}

/// What an engine holds until it has ended.
pub fn pin(env: &Env<'_>) -> jni::errors::Result<Option<Pin>> {
    let sink = SINK.read().unwrap_or_else(PoisonError::into_inner);
    sink.as_ref().map_or(Ok(None), |sink| sink.upgrade_global(env))
}

/// Lets pass what is at least as grave as `level`.
pub fn set_threshold(level: i32) {
    THRESHOLD.store(level, Ordering::Relaxed);
}

/// Sends every event that is grave enough. Nothing here has spans, so there is nothing else to be remembered.
struct ToJava;

impl Subscriber for ToJava {
    /// Asks for every event anew, because the threshold moves while the JVM runs.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && slf4j_level(*metadata.level()) >= THRESHOLD.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        once_at_a_time(|| {
            // A log line that cannot be delivered has nowhere else to go.
            let _ = deliver(
                slf4j_level(*metadata.level()),
                &logger(metadata.target()),
                &visible(&line.0),
            );
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn slf4j_level(level: Level) -> i32 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 0,
    }
}

/// `thalweg_engine::fleet` is logged as `io.thalweg.engine.fleet`, so one setting rules them all.
fn logger(target: &str) -> String {
    format!("io.thalweg.{}", target.trim_start_matches("thalweg_").replace("::", "."))
}

/// The message, then the fields as `name=value`.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => {
                let fields = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{fields}")
            }
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

thread_local! {
    static BUSY: Cell<bool> = const { Cell::new(false) };
    static ATTACHMENT: Cell<Option<Attachment>> = const { Cell::new(None) };
}

/// Drops what is logged while logging, and what is logged by a thread that is almost gone.
fn once_at_a_time(body: impl FnOnce()) {
    let free = BUSY.try_with(|busy| !busy.replace(true)).unwrap_or(false);
    if free {
        body();
        BUSY.set(false);
    }
}

fn deliver(level: i32, logger: &str, line: &str) -> jni::errors::Result<()> {
    let vm = JavaVM::singleton()?;
    if !vm.is_thread_attached()? {
        Attachment::make(&vm)?;
    }
    // Puts a pending exception aside for the call and back after it, and swallows one of the call.
    vm.attach_current_thread(|env| {
        let Some(sink) = sink(env)? else { return Ok(()) };
        java::log(env, &sink, level, logger, line)
    })
}

/// The class, unless it is gone with its loader.
fn sink<'l>(env: &mut Env<'l>) -> jni::errors::Result<Option<JClass<'l>>> {
    let sink = SINK.read().unwrap_or_else(PoisonError::into_inner);
    sink.as_ref().map_or(Ok(None), |sink| sink.upgrade_local(env))
}

/// This thread's place among the JVM's daemon threads, given up when the thread ends.
struct Attachment(*mut sys::JavaVM);

impl Attachment {
    fn make(vm: &JavaVM) -> jni::errors::Result<()> {
        let raw = vm.get_raw();
        let mut env = std::ptr::null_mut();
        // SAFETY: `raw` is the running JVM, `env` is ours to be filled in, and no name or group
        // need be given.
        let code = unsafe {
            ((**raw).v1_4.AttachCurrentThreadAsDaemon)(raw, &mut env, std::ptr::null_mut())
        };
        jni::errors::jni_error_code_to_result(code)?;
        ATTACHMENT.set(Some(Self(raw)));
        Ok(())
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // SAFETY: runs at the end of the thread that was attached, with no Java frame on it.
        unsafe { ((**self.0).v1_4.DetachCurrentThread)(self.0) };
    }
}
