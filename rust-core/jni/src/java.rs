//! The calls of Java that have to work where memory has run out.
//!
//! They speak JNI itself. The crate `jni` tells exceptions apart by classes that it looks up when it needs them first: without
//! memory that lookup fails, to be told apart by a lookup, and so on until the stack is full and the process is gone. It also
//! takes the exception away that Java is to see. Here an exception that comes up stays where it is.

use std::ffi::CStr;

use jni::errors::{Error, Result};
use jni::objects::{JClass, JString};
use jni::strings::JNIString;
use jni::sys::{jint, jobject, jvalue};
use jni::{Env, sys};

/// Makes a string of Java's.
pub fn string<'l>(env: &mut Env<'l>, text: &str) -> Result<JString<'l>> {
    let text = JNIString::new(text);
    let raw = env.get_raw();
    // SAFETY: this thread's environment, and a text that ends with a zero and lives on until the call is over.
    let made = unsafe { ((**raw).v1_1.NewStringUTF)(raw, text.as_ptr()) };
    if made.is_null() {
        return Err(Error::JavaException);
    }
    // SAFETY: a new reference of this thread's topmost frame, to a string.
    Ok(unsafe { JString::from_raw(env, made) })
}

/// Throws a `ThalwegException` that the class `Native` makes.
pub fn throw(env: &mut Env<'_>, native: sys::jclass, code: &str, message: &str) -> Result<()> {
    let (code, message) = (string(env, code)?, string(env, message)?);
    let signature = c"(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/Throwable;";
    let arguments = [jvalue { l: code.as_raw() }, jvalue { l: message.as_raw() }];
    let exception = call(env, native, c"exception", signature, &arguments)?;
    let raw = env.get_raw();
    // SAFETY: this thread's environment, and the exception that it got just now.
    match unsafe { ((**raw).v1_1.Throw)(raw, exception) } {
        sys::JNI_OK => Ok(()),
        _ => Err(Error::NullPtr("an exception cannot be thrown")),
    }
}

/// Hands a line to `NativeLog.log`, which lets nothing out.
pub fn log(
    env: &mut Env<'_>,
    sink: &JClass<'_>,
    level: jint,
    logger: &str,
    line: &str,
) -> Result<()> {
    let told = tell(env, sink, level, logger, line);
    let raw = env.get_raw();
    // SAFETY: this thread's environment; it may be called with and without an exception.
    unsafe { ((**raw).v1_1.ExceptionClear)(raw) };
    told
}

fn tell(env: &mut Env<'_>, sink: &JClass<'_>, level: jint, logger: &str, line: &str) -> Result<()> {
    let (logger, line) = (string(env, logger)?, string(env, line)?);
    let signature = c"(ILjava/lang/String;Ljava/lang/String;)Ljava/lang/Object;";
    let arguments =
        [jvalue { i: level }, jvalue { l: logger.as_raw() }, jvalue { l: line.as_raw() }];
    call(env, sink.as_raw(), c"log", signature, &arguments).map(drop)
}

/// Calls a static method that returns an object.
fn call(
    env: &mut Env<'_>,
    class: sys::jclass,
    name: &CStr,
    signature: &CStr,
    arguments: &[jvalue],
) -> Result<jobject> {
    let raw = env.get_raw();
    // SAFETY: this thread's environment, a class that is alive, and texts that end with a zero. The arguments are those that
    // the signature names, and alive; no exception is pending, as whoever calls has looked.
    unsafe {
        let method =
            ((**raw).v1_1.GetStaticMethodID)(raw, class, name.as_ptr(), signature.as_ptr());
        if method.is_null() {
            return Err(Error::JavaException);
        }
        let answer = ((**raw).v1_1.CallStaticObjectMethodA)(raw, class, method, arguments.as_ptr());
        if ((**raw).v1_2.ExceptionCheck)(raw) {
            return Err(Error::JavaException);
        }
        Ok(answer)
    }
}
