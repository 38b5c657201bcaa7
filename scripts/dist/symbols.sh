#!/bin/bash
# Tells which glibc ELF files need, and fails where that is a newer one than 2.17, or another library than glibc's own:
# symbols.sh FILE... What is read are the versions of the symbols that a file takes from others.
set -euo pipefail

oldest=2.17
own='^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|libutil\.so\.1|ld-linux[-a-z0-9_]*\.so\.[0-9])$'
status=0
for file in "$@"; do
    # Of what it needs alone: a library that defines versions has a section for these too.
    versions=$(readelf --wide --version-info "$file" | grep -oE 'Name: GLIBC_[0-9.]+ ' | grep -oE '[0-9][0-9.]*' | sort -uV || true)
    newest=$(tail -n 1 <<<"$versions")
    if [ -z "$newest" ]; then
        echo "$file: needs no symbol of glibc, which cannot be" >&2
        status=1
        continue
    fi
    if [ "$(printf '%s\n' "$oldest" "$newest" | sort -V | tail -n 1)" != "$oldest" ]; then
        echo "$file: needs glibc $newest, and may need $oldest at most" >&2
        status=1
    fi
    others=$(readelf --wide --dynamic "$file" | sed -nE 's/.*\(NEEDED\).*\[(.*)\].*/\1/p' | grep -vE "$own" || true)
    if [ -n "$others" ]; then
        echo "$file: needs ${others//$'\n'/, }, which is no part of glibc" >&2
        status=1
    fi
    echo "$(basename "$file"): glibc $newest"
done
exit $status
