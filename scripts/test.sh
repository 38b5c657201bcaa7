#!/bin/bash
# Runs every check and test whatever fails, and ends with what ran. Only a failed set-up ends it early.
set -euo pipefail
cd "$(dirname "$0")/.."
# A failed test names its cause in its last lines; backtraces of errors would push it out of them.
export RUST_LIB_BACKTRACE=0

logs=target/test-logs
mkdir -p "$logs"
. scripts/steps.sh

# No failed test binary hides the later ones.
tests() { cargo test --locked --no-fail-fast "$@"; }

step "set-up" scripts/setup.sh
if [ "$failed" -gt 0 ]; then
    finish
    exit 1
fi
step "these steps" scripts/steps-test.sh
step "format" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "core, store and engine" tests -p thalweg-place -p thalweg-core -p thalweg-store -p thalweg-engine -p thalweg-jni
step "simulator and command" tests -p thalweg-sim -p thalweg-cli -p thalweg-policies
step "jvm" gradle --quiet --continue check assemble
# The same classes on the newest long-term JDK, where this machine has one.
newest=$(ls -d /usr/lib/jvm/*25* 2>/dev/null | head -n 1)
if [ -n "$newest" ]; then
    step "jvm on JDK 25" gradle --quiet --continue "-PtestJdk=$newest" :jvm-adapter:bridge:junit :jvm-adapter:shell:junit \
        :jvm-adapter:storm:junit :jvm-adapter:flink:junit
fi
step "lab" tests -p thalweg-lab -p thalweg-experiment --lib --bins
if [ "${1:-}" != "--quick" ]; then
    # Each test has a cluster of its own, and this machine room for one.
    step "lab on real processes" tests -p thalweg-lab --test smoke --test flink --test faults -- --test-threads 1
    step "whole product" tests -p thalweg-e2e -- --test-threads 1
fi
finish
