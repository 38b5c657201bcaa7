#!/bin/bash
# Runs every check and test, and ends with what ran. Stops at the first step that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
# A failed test names its cause in its last lines; backtraces of errors would push it out of them.
export RUST_LIB_BACKTRACE=0

logs=target/test-logs
mkdir -p "$logs"
passed=0 failed=0 summary=()

# Adds up what cargo's and the JVM build's test runners print at their ends.
count() { # log, outcome
    local cargo junit
    cargo=$(grep -aoE "^test result: .* [0-9]+ $2" "$1" | grep -oE "[0-9]+ $2" | awk '{s += $1} END {print s + 0}')
    junit=$(grep -aoE "^:[^ ]+: [0-9]+ passed, [0-9]+ failed" "$1" | grep -oE "[0-9]+ $2" | awk '{s += $1} END {print s + 0}')
    echo $((cargo + junit))
}

finish() {
    printf '%s\n' '' "${summary[@]}" "$passed passed, $failed failed"
}

step() { # title, command...
    local title=$1 log start status=0
    shift
    log="$logs/${title// /-}.log"
    start=$SECONDS
    echo "== $title"
    "$@" >"$log" 2>&1 || status=$?
    passed=$((passed + $(count "$log" passed))) failed=$((failed + $(count "$log" failed)))
    if [ $status -ne 0 ]; then
        tail -n 60 "$log"
        summary+=("FAILED  $title after $((SECONDS - start)) s, log in $log")
        [ $failed -gt 0 ] || failed=1
        finish
        exit 1
    fi
    summary+=("ok      $title, $((SECONDS - start)) s")
}

step "set-up" scripts/setup.sh
step "format" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "core, store and engine" cargo test --locked -p thalweg-place -p thalweg-core -p thalweg-store -p thalweg-engine -p thalweg-jni
step "simulator and command" cargo test --locked -p thalweg-sim -p thalweg-cli -p thalweg-policies
step "jvm" gradle --quiet check assemble
# The same classes on the newest long-term JDK, where this machine has one.
newest=$(ls -d /usr/lib/jvm/*25* 2>/dev/null | head -n 1)
if [ -n "$newest" ]; then
    step "jvm on JDK 25" gradle --quiet "-PtestJdk=$newest" :jvm-adapter:bridge:junit :jvm-adapter:shell:junit \
        :jvm-adapter:storm:junit :jvm-adapter:flink:junit
fi
step "lab" cargo test --locked -p thalweg-lab -p thalweg-experiment --lib --bins
if [ "${1:-}" != "--quick" ]; then
    step "lab on real processes" cargo test --locked -p thalweg-lab --test smoke --test flink -- --test-threads 1
    # Each test has a cluster of its own, and this machine room for one.
    step "whole product" cargo test --locked -p thalweg-e2e -- --test-threads 1
fi
finish
