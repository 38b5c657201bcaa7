# Named steps with a tally, for scripts that run all of them whatever fails. To be sourced.
# `logs` names the folder of the steps' logs.

passed=0 failed=0 summary=()

# Adds up what cargo's and the JVM build's test runners print at their ends.
count() { # log, outcome
    local cargo junit
    cargo=$(grep -aoE "^test result: .* [0-9]+ $2" "$1" | grep -oE "[0-9]+ $2" | awk '{s += $1} END {print s + 0}')
    junit=$(grep -aoE "^:[^ ]+: [0-9]+ passed, [0-9]+ failed" "$1" | grep -oE "[0-9]+ $2" | awk '{s += $1} END {print s + 0}')
    echo $((cargo + junit))
}

# Runs a command into a log of its own and counts its tests. Where it fails without a failed test, as format and lints
# do, that is one failure.
step() { # title, command...
    local title=$1 log start status=0 failures
    shift
    log="$logs/${title// /-}.log"
    start=$SECONDS
    echo "== $title"
    "$@" >"$log" 2>&1 || status=$?
    failures=$(count "$log" failed)
    [ $status -eq 0 ] || [ "$failures" -gt 0 ] || failures=1
    passed=$((passed + $(count "$log" passed))) failed=$((failed + failures))
    if [ "$failures" -gt 0 ]; then
        tail -n 60 "$log"
        summary+=("FAILED  $title after $((SECONDS - start)) s, log in $log")
        mapfile -t -O ${#summary[@]} summary < <(grep -aE '^test .* FAILED$' "$log" | sed 's/^/        /')
    else
        summary+=("ok      $title, $((SECONDS - start)) s")
    fi
    # What this machine does not let a test do is told at the end, where it is read.
    mapfile -t -O ${#summary[@]} summary < <(grep -a '^SKIPPED ' "$log" | sort -u)
}

# Ends with the tally as the last line; fails if anything did.
finish() {
    printf '%s\n' '' "${summary[@]}" "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
