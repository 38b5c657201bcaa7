#!/bin/bash
# Tests of a release: two folders give the same bytes, what is installed runs, and what must not be in it is not. Builds
# the last commit here and in a clone, which takes its time.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/dist/tools.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
good=0 bad=0

check() { # name, condition...
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        good=$((good + 1))
        echo "test $name ... ok"
    else
        bad=$((bad + 1))
        echo "test $name ... FAILED"
        tail -n 12 "$work/said"
    fi
}
not() { if "$@"; then return 1; fi; }
fails_with() { # text, command...
    local text=$1
    shift
    not "$@" >"$work/refused" 2>&1 && grep -qF -- "$text" "$work/refused" || { cat "$work/refused" && false; }
}

[ -z "$(git status --porcelain)" ] || { echo "a release is of a commit: commit what has changed, or put it aside" && exit 1; }

# Here, and in a clone of another name and depth with other files of Zig's own.
clone=$work/another/place
git clone --quiet --no-hardlinks . "$clone"
for place in . "$clone"; do
    [ "$place" = . ] || export ZIG_GLOBAL_CACHE_DIR=$work/zig
    if ! make --no-print-directory -C "$place" dist >"$work/log" 2>&1; then
        tail -n 30 "$work/log"
        echo "test a_release_is_built ... FAILED"
        echo "test result: FAILED. 0 passed; 1 failed"
        exit 1
    fi
done
here=$PWD/target/archives there=$clone/target/archives
version=$(sed -nE '/^\[workspace\.package\]/,/^$/s/^version = "(.*)"$/\1/p' Cargo.toml)
arch=$(uname -m)
name=thalweg-$version-linux-$arch
release=$work/$name
tar --extract --gzip --file "$here/$name.tar.gz" --directory "$work"
library=$here/native/linux-$arch-gnu/libthalweg_jni.so

check two_folders_give_the_same_bytes cmp "$here/SHA256SUMS" "$there/SHA256SUMS"
check sums_are_those_of_the_archives bash -c "cd $here && sha256sum --check --strict --quiet SHA256SUMS"
check sums_are_those_of_the_files bash -c "cd $release && sha256sum --check --strict --quiet SHA256SUMS"
check every_file_has_a_sum bash -c "cd $release && diff <(find . -type f ! -name SHA256SUMS -printf '%P\n' | sort) <(cut -c67- SHA256SUMS | sort)"
check old_glibc_is_enough scripts/dist/symbols.sh "$release/bin/thalweg" "$library"
# This machine's own programs want its own glibc, and other libraries.
check a_newer_glibc_is_found fails_with "and may need 2.17 at most" scripts/dist/symbols.sh "$(command -v bash)"
check nothing_but_glibc_is_needed fails_with "which is no part of glibc" scripts/dist/symbols.sh "$(command -v bash)"
check libraries_are_stripped not grep -q . <(readelf --wide --symbols "$library" "$release/bin/thalweg" | grep "Symbol table '.symtab'")
check the_library_is_small test "$(stat -c %s "$library")" -lt 15000000
check no_file_tells_where_it_was_built not grep -rlaF -e "$work" -e "$PWD" -e "$HOME/" "$release"
check the_command_runs "$release/bin/thalweg" --version
check it_serves_its_dashboard bash -c "
    mkdir $work/engine
    $release/bin/thalweg serve --engine a=$work/engine --listen 127.0.0.1:0 >$work/serve.log & pid=\$!
    for _ in \$(seq 50); do grep -q listening $work/serve.log && break; sleep 0.1; done
    page=\$(curl --silent --fail --compressed \$(sed 's/listening at //' $work/serve.log)/)
    kill -TERM \$pid; wait \$pid && grep -q '<script' <<<\"\$page\""
check manual_pages_and_completions_are_there test -s "$release/share/man/man1/thalweg.1" -a -s "$release/share/bash-completion/completions/thalweg" \
    -a -s "$release/share/zsh/site-functions/_thalweg" -a -s "$release/share/fish/vendor_completions.d/thalweg.fish"
check manual_pages_can_be_read bash -c "! command -v man >/dev/null || man --warnings --local-file $release/share/man/man1/thalweg.1 >/dev/null"
check dashboards_rules_units_and_manifests_are_there test -s "$release/share/thalweg/grafana.json" -a -s "$release/share/thalweg/alerts.yml" \
    -a -s "$release/share/thalweg/systemd/thalweg-serve.service" -a -s "$release/share/thalweg/container/Containerfile" \
    -a -s "$release/share/thalweg/kubernetes/storm-nimbus.yaml"
cargo tree --locked -p thalweg-cli -p thalweg-jni --prefix none --edges normal,no-proc-macro --format '{p}' |
    sed -nE '/ \(\//d; s/^([^ ]+) v([^ ]+).*/\1 \2/p' | sort -u >"$work/linked"
check every_crate_that_is_linked_has_its_licence bash -c "
    diff $work/linked <(sed -nE 's/^([^ ]+ [^ ]+): .*/\1/p' $release/licences/THIRD-PARTY.txt | sort -u) | grep '^<' && exit 1; exit 0"
check every_crate_that_is_linked_is_a_part bash -c "
    diff $work/linked <(sed -nE 's|^ *\"purl\": \"pkg:cargo/(.*)@(.*)\",?$|\1 \2|p' $release/thalweg.cdx.json | sort -u)"
check the_list_of_parts_is_cyclonedx "$tools/bin/python" -c "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(fault)[:500] if fault else 0)" "$release/thalweg.cdx.json"

check the_wheels_hold_packages_types_and_licences "$tools/bin/python" -c "
import sys, zipfile
for path in sys.argv[1:]:
    names = zipfile.ZipFile(path).namelist()
    assert any(name.endswith('/py.typed') for name in names) and any(name.endswith('/LICENSE') for name in names), path
    assert not any('test' in name for name in names), path
assert len(sys.argv) == 5, sys.argv" "$here"/*.whl

# A library of another machine: nobody can build one here, so it is of the right kind only.
other=$work/other/linux-aarch64-gnu
mkdir -p "$other"
echo 'int getpid(void); int Java_io_thalweg_bridge_Native_open(void) { return getpid(); }' >"$work/other.c"
python_zig=("$tools/bin/python" -m ziglang cc -shared -s)
"${python_zig[@]}" -target aarch64-linux-gnu.2.17 -o "$other/libthalweg_jni.so" "$work/other.c"
git -C "$clone" rev-parse HEAD >"$other/commit"
# Without the dashboard, which is built: a new one would have everything linked again.
merged() { (cd "$clone" && DIST_NATIVE=$work/other scripts/dist.sh); }
cp -r "$work/other" "$work/good"
echo 0 >"$other/commit"
check a_library_of_another_commit_is_refused fails_with "was built from another commit" merged
cp "$work/good/linux-aarch64-gnu/commit" "$other"
cp "$library" "$other/libthalweg_jni.so"
check a_library_for_another_processor_is_refused fails_with "not for linux-aarch64-gnu" merged
"${python_zig[@]}" -target aarch64-linux-gnu.2.34 -x c -o "$other/libthalweg_jni.so" - <<'C'
int pthread_create(void);
int Java_io_thalweg_bridge_Native_open(void) { return pthread_create(); }
C
check a_library_for_a_newer_glibc_is_refused fails_with "and may need 2.17 at most" merged
cp "$work/good/linux-aarch64-gnu/libthalweg_jni.so" "$other"
mv "$other" "$work/other/solaris-sparc"
check a_platform_of_no_known_name_is_refused fails_with "is no name of a platform" merged
mv "$work/other/solaris-sparc" "$other"
check libraries_of_two_platforms_are_merged merged
for engine in storm flink; do
    check "the_jar_for_${engine}_holds_both" bash -c "
        held=\$(jar --list --file $there/$name/lib/thalweg-$engine-$version.jar | grep '\.so$' | sort | paste -sd ' ')
        [ \"\$held\" = 'native/linux-aarch64-gnu/libthalweg_jni.so native/linux-$arch-gnu/libthalweg_jni.so' ] || { echo \$held; false; }"
done

[ $bad -eq 0 ] && verdict=ok || verdict=FAILED
echo "test result: $verdict. $good passed; $bad failed"
[ $bad -eq 0 ]
