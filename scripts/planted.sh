#!/bin/bash
# Plants each known defect into a copy of the sources, and tells by which rules it is caught (and in how many histories),
# after how many histories first, and in how many of all. Each is a line of rust-core/engine/tests/planted.patch, which
# holds them all. Fails if one is not caught, or the patch does not fit. A pattern as a second argument picks some by name.
set -euo pipefail
cd "$(dirname "$0")/.."

each=${1:-1000}
only=${2:-}
defects=rust-core/engine/tests/planted.patch
copy=$PWD/target/planted/sources
logs=$PWD/target/planted/logs
# Cargo would take what is built from the copy for what is built from these sources.
export CARGO_TARGET_DIR=$PWD/target/planted/target
mkdir -p "$copy" "$logs"
# Only what differs is copied, and as new, so that exactly that is built again.
git ls-files -z | while IFS= read -r -d '' file; do
    cmp --silent "$file" "$copy/$file" || install -D "$file" "$copy/$file"
done
cd "$copy"
patch --quiet --strip=1 --no-backup-if-mismatch <$defects

# What the defects are in, and what finds them.
tests() { cargo test --release --locked -p thalweg-core -p thalweg-store -p thalweg-engine "$@"; }

missed=0
while IFS='|' read -r name what test; do
    read -r name <<<"$name"
    [[ "$name" =~ $only ]] || continue
    read -r test <<<"$test"
    log=$logs/$name.log
    histories=no
    [ "$test" != histories ] || { histories=yes && test="--test histories"; }
    # shellcheck disable=SC2086
    tests --quiet $test --no-run
    caught=yes by='' first=
    # shellcheck disable=SC2086
    THALWEG_PLANTED=$name THALWEG_HISTORIES=$each tests $test -- --nocapture >"$log" 2>&1 && caught=no
    if [ $histories = yes ]; then
        broken=$(sed -nE 's/^[0-9]+ histories in .*, ([0-9]+) of them broke a rule$/\1/p' "$log")
        [ "$caught" = no ] || caught="${broken:?no count in $log} of $each"
        first=$(sed -nE 's/^the first after ([0-9]+) histories$/\1/p' "$log")
        by=$(sed -nE 's/^([0-9]+) broke rule ([0-9]+),.*/\2 (\1)/p; s/^([0-9]+) broke none.*/a panic (\1)/p' "$log" | paste -sd ' ')
    else
        by=$(sed -nE 's/^test (.*) \.\.\. FAILED$/\1/p' "$log" | head -n 1)
    fi
    [ "$caught" != no ] || missed=$((missed + 1))
    echo "|$what| $by | $first | $caught |"
done < <(sed -n '/^$/d; /^--- /q; /|.*|/p' $defects)
[ $missed -eq 0 ] || { echo "$missed not caught" && exit 1; }
