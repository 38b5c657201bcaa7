#!/bin/bash
# Builds the jar of a former version beside the sources, and runs the tests that go from it to this one and back.
# The version is a tag or a commit; without one it is the last release.
set -euo pipefail
cd "$(dirname "$0")/.."

former=${1:-$(git describe --tags --abbrev=0 2>/dev/null || true)}
[ -n "$former" ] || { echo "no release has a tag yet: name the commit to come from, as in make upgrade-test FROM=HEAD~20" >&2; exit 2; }
commit=$(git rev-parse --verify --short=12 "$former^{commit}")
sources=$PWD/target/upgrade/$commit
# Where a shell's jar of those sources lies, if it was built.
jar_of() { compgen -G "$sources/jvm-adapter/$1/build/libs/thalweg-$1-*.jar" | grep -vE -e '-(sources|javadoc)\.jar$'; }
if ! jar_of storm >/dev/null || ! jar_of flink >/dev/null; then
    echo "upgrade-test: the jars of $former ($commit); this takes some minutes"
    rm -rf "$sources"
    mkdir -p "$sources"
    git archive "$commit" | tar -x -C "$sources"
    (cd "$sources" && scripts/gradle.sh --quiet -PcargoProfile=dev :jvm-adapter:storm:jar :jvm-adapter:flink:jar)
fi
storm=$(jar_of storm)
flink=$(jar_of flink)
scripts/gradle.sh --quiet -PcargoProfile=tests assemble
# The whole workspace, as that leaves the command beside the tests.
cargo test --workspace --locked --no-run --features=thalweg-e2e/upgrade
THALWEG_FORMER_STORM_JAR=$storm THALWEG_FORMER_FLINK_JAR=$flink \
    cargo test --workspace --locked --features=thalweg-e2e/upgrade --test=upgrade -- --test-threads 1 --nocapture
