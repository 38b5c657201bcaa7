//! Tracing events of the core, as lines of the JVM's own log.
//!
//! One call of `NativeLog.log` per event, from whichever thread it happens on. A thread of our own
//! is attached as a daemon when it logs for the first time, so it never keeps the JVM from ending,
//! and detached when it ends.

use std::cell::Cell;
use std::fmt::{Debug, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use jni::objects::{JClass, JValue};
use jni::refs::Global;
use jni::{JavaVM, jni_sig, jni_str, sys};
use thalweg_engine::visible;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The class `NativeLog`. That it is held for ever also keeps this library from being unloaded
/// under the feet of its threads.
static SINK: OnceLock<Global<JClass<'static>>> = OnceLock::new();

/// The lowest level that Java wants to hear, in SLF4J's numbers.
static THRESHOLD: AtomicI32 = AtomicI32::new(20);

/// Sends the events of this library to `sink` from now on; the first call counts.
pub fn start(sink: Global<JClass<'static>>) {
    if SINK.set(sink).is_err() {
        return;
    }
    let subscriber = tracing_subscriber::registry().with(ToJava);
    // This library has its own copy of tracing, where nobody else can have been first.
    tracing::subscriber::set_global_default(subscriber).expect("set once, guarded by SINK");
    std::panic::set_hook(Box::new(crate::outcome::on_panic));
}

/// Lets pass what is at least as grave as `level`.
pub fn set_threshold(level: i32) {
    THRESHOLD.store(level, Ordering::Relaxed);
}

struct ToJava;

impl<S: Subscriber> Layer<S> for ToJava {
    /// Asks for every event anew, because the threshold moves while the JVM runs.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        slf4j_level(*metadata.level()) >= THRESHOLD.load(Ordering::Relaxed)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
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
    let Some(sink) = SINK.get() else { return Ok(()) };
    let vm = JavaVM::singleton()?;
    if !vm.is_thread_attached()? {
        Attachment::make(&vm)?;
    }
    // Puts a pending exception aside for the call and back after it, and swallows one of the call.
    vm.attach_current_thread(|env| {
        let (logger, line) = (env.new_string(logger)?, env.new_string(line)?);
        let arguments = [JValue::Int(level), JValue::Object(&logger), JValue::Object(&line)];
        let signature = jni_sig!("(ILjava/lang/String;Ljava/lang/String;)V");
        env.call_static_method(sink, jni_str!("log"), signature, &arguments)?;
        Ok(())
    })
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
