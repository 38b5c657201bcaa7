#!/bin/bash
# Reads what the sanitizers of scripts/native-test.sh have reported into a folder, and fails where that is ours: any wrong
# access, and memory that is lost if code of the library is on the stack of its allocation. The JVM loses memory as it ends,
# as it frees little of its own then; that is counted and no more.
# Lines of the library are named, where its file is there: native-reports.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
library=$(compgen -G 'target/native/library/native/*/libthalweg_jni.so' || true)

# What the JVM keeps of its own when our code calls it, each as a part of a frame.
known=(
    InstanceKlass::get_jmethod_id # the number of a method, made once, which goes with the method's class
)

# One line for each loss: "ours" or "others", its first line, and the places in the library from the innermost on.
losses() {
    awk -v known="$(IFS='|' && echo "${known[*]}")" '
        function finish() {
            if (head != "") print (ours && !left ? "ours" : "others") "\t" head "\t" places
            head = places = ""; ours = left = 0
        }
        /^(Direct|Indirect) leak of / {finish(); head = $0; next}
        /^ +#[0-9]+ / && head != "" {
            if (match($0, /(thalweg-[0-9]+\.so|libthalweg_jni\.so)[^+]*\+0x[0-9a-f]+/)) {
                ours = 1
                place = substr($0, RSTART, RLENGTH); sub(/.*\+/, "", place)
                places = places " " place
            }
            if ($0 ~ known) left = 1
            next
        }
        /^SUMMARY|^$/ {finish()}
        END {finish()}' "$@"
}

mapfile -t reports < <(find "$folder" -type f -name 'report.*')
# The JVM loses something in each process, so a search for losses without a report did not take place.
[ ${#reports[@]} -gt 0 ] || { echo "sanitizers: nothing is reported, so they did not look" && exit 1; }
! grep -ah "fatal error" "${reports[@]}" || { echo "the search for losses ended early" && exit 1; }
wrong=$(cat "${reports[@]}" | grep -acE 'ERROR: AddressSanitizer' || true)
[ "$wrong" -eq 0 ] || grep -ahE -A 30 'ERROR: AddressSanitizer' "${reports[@]}" | head -n 80
ours=$(losses "${reports[@]}" | grep -c '^ours' || true)
others=$(losses "${reports[@]}" | grep -c '^others' || true)
if [ "$ours" -gt 0 ]; then
    losses "${reports[@]}" | grep '^ours' | cut -f 2- | sort | uniq -c | sort -rn | head -n 20 | while IFS=$'\t' read -r head places; do
        echo "$head"
        # shellcheck disable=SC2086
        [ -z "$library" ] || [ -z "$places" ] || addr2line --exe "$library" --functions --demangle --pretty-print $places | sed -n '1,8s/^/        /p'
    done
fi
echo "sanitizers: $wrong wrong accesses; $ours losses of ours, $others of the JVM's own, in ${#reports[@]} processes"
[ "$wrong" -eq 0 ] && [ "$ours" -eq 0 ]
