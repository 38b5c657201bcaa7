#!/bin/bash
# Tests of scripts/steps.sh: nothing that fails hides what comes later, and the last line is the whole tally.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
good=0 bad=0

# A script of these steps, as test.sh is one: $out is what it says, $code how it ends.
run() { # script
    code=0
    out=$(bash -c "set -euo pipefail; logs=$work; . ./steps.sh; $1" 2>&1) || code=$?
}

check() { # name, condition...
    local name=$1
    shift
    if "$@"; then
        good=$((good + 1))
    else
        bad=$((bad + 1))
        echo "test $name ... FAILED"
        printf '%s\n' "exit code $code" "$out"
    fi
}

says() { grep -qF -- "$1" <<<"$out"; }
ends_with() { [ "$(tail -n 1 <<<"$out")" = "$1" ]; }
exits() { [ "$code" -eq "$1" ]; }

cargo_ok='echo "test result: ok. 3 passed; 0 failed; 0 ignored"'
cargo_bad='echo "test a::b ... FAILED"; echo; echo "---- a::b stdout ----"; echo "1 s for it"; echo "Error: too late"; echo "test result: FAILED. 2 passed; 4 failed; 0 ignored"; exit 101'
gradle_bad='echo ":jvm:storm: 5 passed, 2 failed, 1 skipped"; exit 1'

run "step one bash -c '$cargo_ok'; step two true; finish"
check all_is_well exits 0
check the_tally_is_the_last_line ends_with "3 passed, 0 failed"

run "step one bash -c '$cargo_bad'; step two bash -c '$gradle_bad'; step three bash -c '$cargo_ok'; finish"
check a_failure_is_the_exit_code exits 1
check later_steps_run_after_a_failure says "ok      three"
check passed_and_failed_of_all_steps_are_added ends_with "10 passed, 6 failed"
check a_failed_test_is_named_at_the_end says "        test a::b ... FAILED"
check with_its_error says "            Error: too late"
check with_the_line_before_it says "            1 s for it"

run "step format false; step lints bash -c 'echo error: x; exit 101'; step tests bash -c '$cargo_ok'; finish"
check a_step_without_tests_counts_as_one_failure ends_with "3 passed, 2 failed"
check what_it_said_is_shown says "error: x"

run "step odd bash -c 'echo \"test result: FAILED. 0 passed; 1 failed; 0 ignored\"'; finish"
check a_failed_test_counts_whatever_the_exit_code exits 1

run "step cgroups bash -c 'echo \"SKIPPED shares of the processor: no cgroups\"; $cargo_ok'; finish"
check what_was_skipped_is_told_at_the_end says "SKIPPED shares of the processor: no cgroups"
check what_was_skipped_is_no_failure ends_with "3 passed, 0 failed"

# What is run with another test runner ends with such a line as well, however that runner ends.
runner=$(sed -n '/^tests() {/,/^}/p' integrations.sh)
mkdir -p "$work/integrations/none" "$work/some/bin"
pytest() { # what it says, how it ends
    printf '#!/bin/bash\necho "%s"\nexit %s\n' "$1" "$2" >"$work/some/bin/python"
    chmod +x "$work/some/bin/python"
    run "$runner; cd $work; place=$work; tests some none"
}

pytest "3 passed in 1.00s" 0
check a_runner_that_passes says "test result: ok. 3 passed; 0 failed (some)"
pytest "1 failed, 3 passed in 1.00s" 1
check a_runner_that_fails says "test result: FAILED. 3 passed; 1 failed (some)"
pytest "1 error in 1.00s" 2
check a_runner_that_collects_nothing says "test result: FAILED. 0 passed; 1 failed (some)"
pytest "Segmentation fault" 139
check a_runner_that_dies says "test result: FAILED. 0 passed; 1 failed (some)"
check a_runner_that_dies_fails exits 139

run "step alone true; echo unreachable | grep -q nothing; finish"
check what_fails_outside_of_steps_still_ends_the_script exits 1

result=ok
[ $bad -eq 0 ] || result=FAILED
echo "test result: $result. $good passed; $bad failed"
[ $bad -eq 0 ]
