//! The one way from Rust back into Java: a value, or an exception with a code.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use jni::errors::ErrorPolicy;
use jni::objects::JClass;
use jni::sys::jclass;
use jni::{Env, EnvUnowned};

use crate::entries::{Entry, strike};
use crate::error::BridgeError;
use crate::java;

/// Runs the body of an entry; its error or panic is thrown in Java when this returns.
pub fn call<'local, T: Default>(
    entry: Entry,
    env: &mut EnvUnowned<'local>,
    native: &JClass<'local>,
    body: impl FnOnce(&mut Env<'local>) -> Result<T, BridgeError>,
) -> T {
    env.with_env(|env| {
        strike(entry)?;
        body(env)
    })
    .resolve_with::<Throw, _>(|| native.as_raw())
}

/// Turns errors and panics into exceptions.
enum Throw {}

impl<T: Default> ErrorPolicy<T, BridgeError> for Throw {
    /// The class `Native`, which makes the exception.
    type Captures<'local: 'native_method, 'native_method> = jclass;

    fn on_error<'local: 'native_method, 'native_method>(
        env: &mut Env<'local>,
        native: &mut jclass,
        error: BridgeError,
    ) -> jni::errors::Result<T> {
        throw(env, *native, error.code(), &error.to_string())
    }

    fn on_panic<'local: 'native_method, 'native_method>(
        env: &mut Env<'local>,
        native: &mut jclass,
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        // Dropping a payload can panic anew; then a leak of some bytes is the lesser evil.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        let panic = LAST_PANIC.take().unwrap_or_else(|| String::from("panic without a message"));
        throw(env, *native, "PANIC", &panic)
    }
}

/// Throws, unless Java has thrown already: the first exception is the true one. Where there is no memory for one of ours, an
/// `OutOfMemoryError` is what is left pending.
fn throw<T: Default>(
    env: &mut Env<'_>,
    native: jclass,
    code: &str,
    message: &str,
) -> jni::errors::Result<T> {
    if env.exception_check() {
        return Ok(T::default());
    }
    match java::throw(env, native, code, message) {
        Ok(()) | Err(jni::errors::Error::JavaException) => Ok(T::default()),
        Err(error) => Err(error),
    }
}

thread_local! {
    /// Message and place of this thread's last panic: the payload alone does not know the place.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The panic hook: keeps the message for the exception, and logs it, as threads of our own have no
/// caller to throw at.
pub fn on_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = info.payload_as_str().unwrap_or("no message");
    tracing::error!(place, "panic: {message}");
    // A thread that is going away may have lost its locals; the log has the message then.
    let _ = LAST_PANIC.try_with(|last| last.replace(Some(format!("{message} at {place}"))));
}
