#!/bin/bash
# Runs every check and test whatever fails, and ends with what ran. Only a failed set-up ends it early.
# With --quick nothing starts a cluster; with --product only what does; with --thorough that with the tests that take long;
# with --zoo topologies and jobs of all kinds alone; with --kafka-tls what speaks TLS to Kafka alone; with --integrations
# those with Airflow and Dagster alone; with --api-fuzz what the interface is asked by its own document alone; with --native
# what the native library keeps, leaves and survives alone.
set -euo pipefail
cd "$(dirname "$0")/.."
# A failed test names its cause in its last lines; backtraces of errors would push it out of them.
export RUST_LIB_BACKTRACE=0

part=${1:-}
logs=target/test-logs
mkdir -p "$logs"
. scripts/steps.sh

# Always of the whole workspace: Cargo builds dependencies anew for each other choice of packages, as the features that
# these need differ. No failed test binary hides the later ones.
tests() { cargo test --workspace --locked --no-fail-fast "$@"; }

# Names the tests of these files for Cargo; one of several files is a folder with a main.rs.
named() { for file in "$@"; do echo "--test=$(basename "${file%/main.rs}" .rs)"; done | sort -u; }
mapfile -t clusters < <(named tests/lab/tests/*.rs tests/e2e/tests/*.rs)
# Those of Kafka alone and the lab's smoke test go with Flink's, which take less time than Storm's.
with_flink=(-e flink -e kafka_lag -e smoke)
mapfile -t flink < <(printf '%s\n' "${clusters[@]}" | grep "${with_flink[@]}")
mapfile -t storm < <(printf '%s\n' "${clusters[@]}" | grep -v "${with_flink[@]}")
mapfile -t others < <(named rust-core/*/tests/*.rs rust-core/*/tests/*/main.rs tests/policies/tests/*.rs tests/parsers/tests/*.rs tests/scale/tests/*.rs)
both=$(comm -12 <(printf '%s\n' "${clusters[@]}") <(printf '%s\n' "${others[@]}"))

# Each test has a cluster of its own, which waits most of its time: one of Storm and one of Flink run side by side, and
# histories of the control plane in what they leave of the processors. The log of the side that failed comes last, where
# it is shown.
on_clusters() {
    local side status=0 failed_sides=() good_sides=()
    declare -A sides=()
    tests "${flink[@]}" -- --test-threads 1 >"$logs/on-Flink.log" 2>&1 &
    sides[on-Flink]=$!
    tests "${storm[@]}" -- --test-threads 1 >"$logs/on-Storm.log" 2>&1 &
    sides[on-Storm]=$!
    # A session of its own, as the kernel shares processors out among sessions before it looks at anybody's priority.
    setsid sh -c 'echo 19 >/proc/self/autogroup; exec nice -n 19 "$@"' histories env THALWEG_HISTORIES=100000 \
        cargo test --workspace --locked --test=histories -- --nocapture >"$logs/histories.log" 2>&1 &
    sides[histories]=$!
    trap 'kill -- -"${sides[histories]}"; exit 130' INT TERM
    for side in "${!sides[@]}"; do
        if wait "${sides[$side]}"; then
            good_sides+=("$logs/$side.log")
        else
            failed_sides+=("$logs/$side.log") status=1
        fi
    done
    trap - INT TERM
    cat "${good_sides[@]}" "${failed_sides[@]}"
    return $status
}

step "set-up" scripts/setup.sh
if [ "$failed" -gt 0 ]; then
    finish
    exit 1
fi
if [ "$part" = "--zoo" ]; then
    step "jvm" gradle --quiet assemble
    step "zoo" tests --features=thalweg-e2e/zoo --test=whole_zoo -- --test-threads 1
    finish
    exit
fi
# It compiles OpenSSL, which takes minutes, so it is part of a whole run only where something of it has changed.
kafka_tls() {
    step "set-up for TLS to Kafka" scripts/setup.sh tls
    step "TLS to Kafka" tests --features=thalweg-e2e/kafka-tls --test=kafka_tls
}
# Since the branch left the shared one; there, with the last commit. What cannot be told counts as changed.
touched() { # path...
    local since
    since=$(git merge-base HEAD origin/main 2>/dev/null) || since=
    [ -n "$since" ] && [ "$since" != "$(git rev-parse HEAD)" ] || since=HEAD~1
    ! git diff --quiet "$since" -- "$@" 2>/dev/null
}
if [ "$part" = "--kafka-tls" ]; then
    kafka_tls
    finish
    exit
fi
# The native library that the build of tests leaves, which checks its sums, saves minutes; where there is time for it, the
# one that is shipped, with the faults that tests plant.
native=(-PcargoProfile=tests)
[ "$part" != "--thorough" ] || native=(-PcargoProfile=release -PcargoFaults)
# They install two Airflows, a Dagster and a Spark, so they are part of a whole run only where something of them has changed.
integrations() {
    step "set-up for the integrations" scripts/setup.sh integrations
    step "lints and types of the integrations" scripts/integrations.sh check
    step "integrations" scripts/integrations.sh test
}
if [ "$part" = "--integrations" ]; then
    # In a whole run the build of tests leaves it.
    step "server and command for the integrations" cargo build --workspace --locked --example stand --bin thalweg
    integrations
    finish
    exit
fi
# What it asks is thought of anew each time, so a whole run does it where the server has changed.
api_fuzz() {
    step "set-up for fuzzing the interface" scripts/setup.sh api-fuzz
    step "the interface, fuzzed by its own document" scripts/api-fuzz.sh
}
if [ "$part" = "--api-fuzz" ]; then
    # In a whole run the build of tests leaves it.
    step "server to be fuzzed" cargo build --workspace --locked --example stand
    api_fuzz
    finish
    exit
fi
# A million crossings, another JDK and a build of its own with sanitizers take minutes, so a whole run does it where the
# boundary has changed.
native_library() {
    step "set-up for the native library" scripts/setup.sh native
    for part_of_it in crossings jdk-17 jdk-21 jdk-25 sanitizers; do
        step "native library, $part_of_it" scripts/native-test.sh "$part_of_it"
    done
}
if [ "$part" = "--native" ]; then
    # In a whole run the build of tests leaves it.
    step "native library" tests --no-run
    native_library
    finish
    exit
fi
# It takes minutes, so a whole run does it where something of it has changed.
hybrid() {
    step "set-up for Spark at the edge" scripts/setup.sh hybrid
    # With an example, so that Cargo builds no dependency anew: those of tests have other features.
    step "command and pipeline" cargo build --workspace --locked --example stand --bin thalweg --bin hybrid
    step "Spark at the edge, Flink in the cloud" target/debug/hybrid --secs 120
}
step "these steps" scripts/steps-test.sh
step "no test that needs a cluster has the name of another" test -z "$both"
# It is packed into what Rust builds below.
step "set-up for the dashboard" scripts/setup.sh dashboard browser checks audit
step "dashboard" scripts/dashboard.sh build
if [ "$part" != "--product" ] && [ "$part" != "--thorough" ]; then
    step "lints of the dashboard" scripts/dashboard.sh check
    step "format" cargo fmt --all --check
    step "lints" cargo clippy --workspace --all-targets --features thalweg-e2e/thorough,thalweg-e2e/zoo,thalweg-e2e/upgrade --locked -- -D warnings
    step "build of tests" tests --no-run
    step "modules" tests --lib --bins
    step "crates" tests "${others[@]}"
    step "examples in documentation" tests --doc
    step "known vulnerabilities, licences and sources" scripts/audit.sh
    step "units, container file and manifests" scripts/deploy-test.sh
    step "dashboard in a browser" scripts/dashboard.sh test
    step "jvm" scripts/gradle.sh --quiet --continue "${native[@]}" check assemble
    # The same classes on the newest long-term JDK, where this machine has one.
    newest=$(compgen -G '/usr/lib/jvm/*25*' | head -n 1 || true)
    if [ -n "$newest" ]; then
        step "jvm on JDK 25" scripts/gradle.sh --quiet --continue "${native[@]}" "-PtestJdk=$newest" :jvm-adapter:bridge:junit \
            :jvm-adapter:shell:junit :jvm-adapter:storm:junit :jvm-adapter:flink:junit
    fi
else
    step "build of tests" tests --no-run
    step "jvm" scripts/gradle.sh --quiet "${native[@]}" assemble
fi
if [ "$part" != "--quick" ]; then
    step "real clusters" on_clusters
    if [ "$part" = "--thorough" ] || touched rust-core/connect/Cargo.toml rust-core/connect/src/kafka tests/e2e/tests/kafka_tls; then
        kafka_tls
    fi
    if [ "$part" = "--thorough" ] || touched integrations scripts/integrations.sh docs/operating/airflow.md docs/operating/dagster.md \
        docs/operating/spark.md rust-core/connect/src/spark rust-core/shell/src/spark.rs \
        rust-core/serve/src/api rust-core/serve/src/view rust-core/serve/examples/stand rust-core/workflow/src/render \
        rust-core/workflow/tests/golden; then
        integrations
    fi
    if [ "$part" = "--thorough" ] || touched topologies/spark tests/experiment/src/hybrid tests/lab/src/spark.rs \
        integrations/spark/thalweg_spark; then
        hybrid
    fi
    if [ "$part" = "--thorough" ] || touched rust-core/serve integrations/api-fuzz integrations/lock/api-fuzz.txt scripts/api-fuzz.sh; then
        api_fuzz
    fi
    if [ "$part" = "--thorough" ] || touched rust-core/jni rust-core/codec rust-core/engine jvm-adapter/bridge scripts/native-test.sh \
        gradle/junit.gradle; then
        native_library
    fi
    if [ "$part" = "--thorough" ]; then
        step "set-up for wrong clocks" scripts/setup.sh thorough
        step "thorough" tests --features=thalweg-e2e/thorough --test=thorough -- --test-threads 1
    fi
fi
finish
