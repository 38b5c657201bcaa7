#!/bin/bash
# Measures decisions, the crossing into the core, and what a scheduling round adds. Leaves what was measured as
# target/bench/core.json: criterion's medians with their intervals in ms, and the tables of the JVM line by line.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A benchmark of an earlier run that is no more leaves its estimates behind.
touch "$work/begin"
cargo bench --quiet --locked -p thalweg-core -p thalweg-codec
find target/criterion -path '*/new/estimates.json' -newer "$work/begin" | sort | while IFS= read -r estimates; do
    jq --null-input --slurpfile of "${estimates%estimates.json}benchmark.json" --slurpfile is "$estimates" '
        ($is[0].median | {median_ms: .point_estimate, low_ms: .confidence_interval.lower_bound,
                          high_ms: .confidence_interval.upper_bound} | map_values(. / 1e6))
        | {name: $of[0].full_id} + .'
done >"$work/decisions.json"

scripts/gradle.sh --quiet :jvm-adapter:bridge:crossing | tee "$work/crossing.txt"
scripts/gradle.sh --quiet :jvm-adapter:storm:overhead | { grep -v " INFO " || true; } | tee "$work/overhead.txt"

jq --null-input --slurpfile decisions "$work/decisions.json" \
    --rawfile crossing "$work/crossing.txt" --rawfile overhead "$work/overhead.txt" '
    def lines: split("\n") | map(select(. != ""));
    {decisions: $decisions, crossing: ($crossing | lines), overhead: ($overhead | lines)}' | scripts/measured.sh core
