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

# Names the tests that failed, each with its error and the line before it: the end of a log is all that some readers see.
failed_tests() { # log
    awk '/^---- .* stdout ----$/ {test = $2; before = ""; lines = 0; next}
         /^failures:$/ {test = ""}
         test != "" && lines == 0 && /^Error: |^thread .* panicked at / {said[test] = indented(before); lines = 1}
         test != "" && lines > 0 && lines <= 8 && $0 != "" {said[test] = said[test] indented($0); lines++}
         {before = $0}
         /^test .* FAILED$/ {failed[++n] = $0}
         function indented(line) {return line == "" ? "" : "\n            " substr(line, 1, 240)}
         END {for (i = 1; i <= n; i++) {split(failed[i], word, " "); print "        " failed[i] said[word[2]]}}' "$1"
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
        mapfile -t -O ${#summary[@]} summary < <(failed_tests "$log")
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
