#!/bin/bash
# Fuzzes every parser of outside data, so many seconds each: fuzz.sh SECONDS_EACH [TARGET...]. Ends with a table, which
# also lies in target/bench/fuzz.json, and fails on any finding: its input lies in target/fuzz/found/TARGET.
# What the fuzzers have learned is kept in target/fuzz/corpus, so that the next run goes on from there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/dist/tools.sh

each=$1
shift
work=$PWD/target/fuzz
mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs)
[ $# -eq 0 ] || targets=("$@")
# An input is more than 10 s for nobody, and memory beyond what a parser may take is counted by the target itself.
limits=(-timeout=10 -rss_limit_mb=2048 -max_len=32768)
# Without a sanitizer: all but one crate are safe Rust, and that one reads nothing.
build() { nice -n 19 cargo +nightly fuzz build --fuzz-dir fuzz --sanitizer none --target-dir "$work"; }
# Started as they are built: `cargo fuzz run` looks each time whether all of it has to be built again.
built=$work/$(rustc +nightly -vV | sed -n 's/^host: //p')/release

mkdir -p "$work/logs"
echo "fuzz: builds the fuzzers; the first time this takes minutes"
build >"$work/logs/build.log" 2>&1 || { tail -n 40 "$work/logs/build.log" && exit 1; }

rows=() failed=0
for target in "${targets[@]}"; do
    log=$work/logs/$target.log
    corpus=$work/corpus/$target
    found=$work/found/$target
    mkdir -p "$corpus" "$found"
    echo "== $target"
    status=0
    TIMEFORMAT='%U %S'
    cpu=$({ time nice -n 19 "$built/$target" "$corpus" "fuzz/seeds/$target" "${limits[@]}" -max_total_time="$each" \
        -artifact_prefix="$found/" -print_final_stats=1 >"$log" 2>&1; } 2>&1) || status=$?
    executed=$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)$/\1/p' "$log")
    # Where it ends with a finding, the last line that counts is an earlier one.
    executed=${executed:-$(sed -nE 's/^#([0-9]+).*/\1/p' "$log" | tail -n 1)}
    if [ $status -ne 0 ]; then
        failed=$((failed + 1))
        grep -aE "panicked at|^thread|ERROR: libFuzzer|Test unit written|took [0-9]+ bytes" -A 1 "$log" | tail -n 12 || tail -n 20 "$log"
    fi
    cpu=$(tail -n 1 <<<"$cpu" | awk '{printf "%d", $1 + $2}')
    rows+=("$target ${cpu:-0} ${executed:-0} $(find "$corpus" -type f | wc -l) $([ $status -eq 0 ] && echo nothing || echo a-finding)")
done

printf '%s\n' "target CPU-seconds executions inputs-kept found" "${rows[@]}" | column -t
printf '%s\n' "${rows[@]}" | jq -Rn --argjson each "$each" '{seconds_each: $each, targets: [inputs | split(" ") |
    {target: .[0], cpu_seconds: (.[1] | tonumber), executions: (.[2] | tonumber), inputs_kept: (.[3] | tonumber), found: .[4]}]}' |
    scripts/measured.sh fuzz
[ $failed -eq 0 ] || { echo "$failed of ${#targets[@]} with a finding: see target/fuzz/found" && exit 1; }
