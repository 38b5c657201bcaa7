//! The functions behind the native methods of `io.thalweg.bridge.Native`.

use jni::objects::{JByteBuffer, JClass, JString};
use jni::sys::{JNI_VERSION_1_8, jint, jlong};
use jni::{EnvUnowned, JavaVM};
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

use crate::entries::{self, Entry};
use crate::error::BridgeError;
use crate::outcome::{call, on_panic};
use crate::{buffers, engines, java, log, memory};

/// Called by the JVM as it loads the library, and again for a class loader that takes over what another has left.
///
/// # Safety
/// Only the JVM may call it, with itself.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_OnLoad(
    vm: *mut jni::sys::JavaVM,
    _: *mut std::ffi::c_void,
) -> jint {
    // SAFETY: the JVM passes itself.
    unsafe { JavaVM::from_raw(vm) };
    std::panic::set_hook(Box::new(on_panic));
    entries::forget();
    JNI_VERSION_1_8
}

/// Called by the JVM as it lets go of the library: its class loader is gone, and all its engines were closed. The
/// library stays mapped, and the next class loader takes it over.
///
/// # Safety
/// Only the JVM may call it.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_OnUnload(_: *mut jni::sys::JavaVM, _: *mut std::ffi::c_void) {
    // Nothing may unwind into the JVM, and nobody is left to be told.
    let _ = std::panic::catch_unwind(log::stop);
}

/// `void start(Class<?> log)`: sends log lines there.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_start<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    sink: JClass<'l>,
) {
    call(Entry::Start, &mut env, &native, |env| {
        log::start(env, &sink)?;
        Ok(())
    })
}

/// `void logThreshold(int level)`: the lowest level that is wanted.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_logThreshold<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    level: jint,
) {
    call(Entry::LogThreshold, &mut env, &native, |_| {
        log::set_threshold(level);
        Ok(())
    })
}

/// `String version()`: of this library.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_version<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
) -> JString<'l> {
    call(Entry::Version, &mut env, &native, |env| Ok(java::string(env, env!("CARGO_PKG_VERSION"))?))
}

/// `long open(String config)`: a handle, which Java must close.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_open<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    config: JString<'l>,
) -> jlong {
    call(Entry::Open, &mut env, &native, |env| {
        let config = config.try_to_string(env)?;
        memory::afford(config.len())?;
        let pin = log::pin(env)?;
        Ok(engines::insert(Engine::open(&config)?.serve(), pin))
    })
}

/// `void close(long handle)`: closing twice is allowed.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_close<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    handle: jlong,
) {
    call(Entry::Close, &mut env, &native, |_| {
        engines::remove(handle);
        Ok(())
    })
}

/// `String observe(long handle, ByteBuffer in, int length, long now)`: decisions as JSON.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_observe<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    handle: jlong,
    input: JByteBuffer<'l>,
    length: jint,
    now: jlong,
) -> JString<'l> {
    call(Entry::Observe, &mut env, &native, |env| {
        let engine = engines::get(handle)?;
        let observation = buffers::read(env, &input, length)?;
        let executors =
            observation.topologies.iter().map(|topology| topology.executors.len()).sum();
        let answer = engine.observe(observation, Timestamp::from_millis(now))?;
        let answer = java::string(env, &answer)?;
        memory::give_back(executors);
        Ok(answer)
    })
}

/// `void assign(long handle, ByteBuffer in, int length, ByteBuffer out, long now)`: a slot each.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_assign<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    handle: jlong,
    input: JByteBuffer<'l>,
    length: jint,
    output: JByteBuffer<'l>,
    now: jlong,
) {
    call(Entry::Assign, &mut env, &native, |env| {
        let engine = engines::get(handle)?;
        let view = buffers::read(env, &input, length)?;
        let answer = engine.assign(&view, Timestamp::from_millis(now))?;
        buffers::write(env, &output, &view, &answer)
    })
}

/// `String command(long handle, String request, long now)`: JSON in, JSON out.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_command<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    handle: jlong,
    request: JString<'l>,
    now: jlong,
) -> JString<'l> {
    call(Entry::Command, &mut env, &native, |env| {
        let request = request.try_to_string(env)?;
        memory::afford(request.len())?;
        let answer = engines::get(handle)?.command(&request, Timestamp::from_millis(now))?;
        Ok(java::string(env, &answer)?)
    })
}

/// `int inspect(ByteBuffer in, int length)`: the executors in a snapshot, for tests of the way in.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_inspect<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    input: JByteBuffer<'l>,
    length: jint,
) -> jint {
    call(Entry::Inspect, &mut env, &native, |env| {
        let view = buffers::read(env, &input, length)?;
        let executors: usize = view.topologies.iter().map(|t| t.executors.len()).sum();
        // At 96 bytes each, more than i32::MAX of them do not fit a length of i32::MAX.
        Ok(executors as jint)
    })
}

/// `int selfTest(int what)`: misbehaves as asked, for tests of the way back.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_selfTest<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    what: jint,
) -> jint {
    call(Entry::SelfTest, &mut env, &native, |_| match what {
        1 => Err(BridgeError::Answer(String::from("is a test"))),
        2 => panic!("a test of panics"),
        3 => {
            let thread =
                std::thread::spawn(|| tracing::warn!(answer = 42, "from a thread of ours"));
            Ok(jint::from(thread.join().is_ok()))
        }
        4 => {
            let thread = std::thread::spawn(|| panic!("a thread's panic"));
            Ok(jint::from(thread.join().is_ok()))
        }
        5 => Ok(memory::given_out().unwrap_or(-1)),
        6 => {
            entries::lose()?;
            Ok(what)
        }
        _ => {
            tracing::debug!("quiet");
            tracing::info!(what, "loud");
            Ok(what)
        }
    })
}

/// `void plant(String entry, int fault)`: has an entry fail from now on, for tests of what its callers do then.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_thalweg_bridge_Native_plant<'l>(
    mut env: EnvUnowned<'l>,
    native: JClass<'l>,
    entry: JString<'l>,
    fault: jint,
) {
    call(Entry::Plant, &mut env, &native, |env| entries::plant(&entry.try_to_string(env)?, fault))
}
