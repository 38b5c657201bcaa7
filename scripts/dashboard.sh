#!/bin/bash
# Builds the dashboard, checks its sources, or tests it in a browser: dashboard.sh build|check|test.
set -euo pipefail
cd "$(dirname "$0")/../dashboard"

# What is there already is left, unless the lock has changed.
if ! cmp -s package-lock.json node_modules/.lock; then
    npm ci --loglevel=error --no-audit --no-fund >/dev/null
    cp package-lock.json node_modules/.lock
fi

# Runs tests and ends with the same line as other runners.
run() {
    local status=0 told
    told=$(mktemp)
    node --test --test-concurrency=1 --test-reporter=tap "$@" | tee /dev/stderr >"$told" || status=$?
    awk '/^# pass/ {p = $3} /^# fail/ {f = $3} END {printf "test result: %s. %d passed; %d failed\n", f ? "FAILED" : "ok", p, f}' "$told"
    rm -f "$told"
    return $status
}

case ${1:-build} in
build) npm run --silent build ;;
check) npm run --silent check ;;
test) run test/dashboard.test.mjs test/prometheus.test.mjs ;;
*)
    echo "$0: build, check or test" >&2
    exit 2
    ;;
esac
