#!/bin/bash
# Keeps what was measured, a JSON object on standard input, as target/bench/NAME.json, with the commit and the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

out=target/bench/$1.json
mkdir -p target/bench
jq --arg commit "$(git rev-parse --short HEAD)$([ -z "$(git status --porcelain)" ] || echo +)" \
    --arg machine "$(nproc) cores, $(uname -srm)" '{commit: $commit, machine: $machine} + .' >"$out"
echo "written to $out"
