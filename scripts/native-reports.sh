#!/bin/bash
# Reads what the sanitizers of scripts/native-test.sh have reported into a folder, and fails where that is ours: any wrong
# access, and memory that is lost if code of the library is on the stack of its allocation. The JVM loses memory as it ends,
# as it frees little of its own then; that is counted and no more.
# Lines of the library are named, where its file is still there: reports.sh FOLDER [LIBRARY]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
library=${2:-$(compgen -G 'target/native/library/native/*/libthalweg_jni.so' || true)}

# What the JVM allocates for good when it is called from our code, with the reason. Each is a part of a frame's text.
suppressed=(
)

# One line for each loss: "ours" or "others", its first line, and the places in the library from the innermost on.
losses() {
    awk -v suppressed="$(IFS='|'; echo "${suppressed[*]}")" '
        function finish() {
            if (head != "") print (ours && !known ? "ours" : "others") "\t" head "\t" places
            head = places = ""; ours = known = 0
        }
        /^(Direct|Indirect) leak of / {finish(); head = $0; next}
        /^ +#[0-9]+ / && head != "" {
            if (match($0, /(thalweg-[0-9]+\.so|libthalweg_jni\.so)[^+]*\+0x[0-9a-f]+/)) {
                ours = 1
                place = substr($0, RSTART, RLENGTH); sub(/.*\+/, "", place)
                places = places " " place
            }
            if (suppressed != "" && $0 ~ suppressed) known = 1
            next
        }
        /^SUMMARY|^$/ {finish()}
        END {finish()}' "$@"
}

mapfile -t reports < <(find "$folder" -type f -name 'report.*')
[ ${#reports[@]} -gt 0 ] || { echo "no report of the sanitizers: they did not look" && exit 1; }
wrong=$(cat "${reports[@]}" | grep -acE 'ERROR: AddressSanitizer' || true)
[ "$wrong" -eq 0 ] || grep -ahE -A 30 'ERROR: AddressSanitizer' "${reports[@]}" | head -n 80
ours=$(losses "${reports[@]}" | grep -c '^ours' || true)
others=$(losses "${reports[@]}" | grep -c '^others' || true)
if [ "$ours" -gt 0 ]; then
    losses "${reports[@]}" | grep '^ours' | cut -f 2- | sort | uniq -c | sort -rn | head -n 20 | while IFS=$'\t' read -r head places; do
        echo "$head"
        # shellcheck disable=SC2086
        [ -z "$library" ] || addr2line --exe "$library" --functions --demangle --pretty-print $places | head -n 8 | sed 's/^/        /'
    done
fi
echo "sanitizers: $wrong wrong accesses; $ours losses of ours, $others of the JVM's own, in ${#reports[@]} processes"
[ "$wrong" -eq 0 ] && [ "$ours" -eq 0 ]
