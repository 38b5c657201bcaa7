#!/bin/bash
# Builds a release for this kind of machine into target/archives: archives, their parts list (CycloneDX) and their sums. The
# same commit gives the same bytes wherever it lies, with the tools that the archive's file BUILD names. DIST_NATIVE names
# a folder with native libraries that were built elsewhere, one folder for each platform; the jars take them along.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/dist/tools.sh
umask 022
export LC_ALL=C TZ=UTC

version=$(sed -nE '/^\[workspace\.package\]/,/^$/s/^version = "(.*)"$/\1/p' Cargo.toml)
commit=$(git rev-parse HEAD)
[ -z "$(git status --porcelain)" ] || commit+=+
epoch=$(git log -1 --format=%ct)
arch=$(uname -m)
target=$arch-unknown-linux-gnu
platform=linux-$arch-gnu
out=$PWD/target/archives
name=thalweg-$version-linux-$arch
root=$out/$name
platforms='^linux-(x86_64|aarch64|riscv64|ppc64le|s390x)-(gnu|musl)$'

say() { echo "dist: $*"; }
fail() { echo "dist: $*" >&2 && exit 1; }

# Packs what lies below a folder, so that only its contents decide.
pack() { # archive, folder, what...
    local archive=$1 folder=$2
    shift 2
    tar --create --directory "$folder" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
        --mode='u+rw,go+r,go-w,a+X' --format=gnu "$@" | gzip --no-name --best >"$archive"
}

# Files keep names of sources for what they say when something fails. These tell of no machine.
remapped() {
    local sysroot hash
    sysroot=$(rustc --print sysroot)
    hash=$(rustc -vV | sed -n 's/^commit-hash: //p')
    printf -- '--remap-path-prefix=%s=%s\037' "$PWD" /thalweg
    for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        printf -- '--remap-path-prefix=%s=%s\037' "$folder" /crates
    done
    printf -- '--remap-path-prefix=%s=%s' "$sysroot/lib/rustlib/src/rust" "/rustc/$hash"
}

build() {
    rm -rf "$out"
    mkdir -p "$root/bin" "$root/lib" "$out/native/$platform"
    say "the command and the native library for $platform, linked against glibc 2.17; this takes some minutes"
    # Nothing compiled has a date in it; with the commit's own, each commit would have C compiled and all linked anew.
    unset SOURCE_DATE_EPOCH
    CARGO_INCREMENTAL=0 CARGO_ENCODED_RUSTFLAGS=$(remapped) \
        cargo zigbuild --quiet --locked --profile dist --target "$target.2.17" -p thalweg-cli -p thalweg-jni
    install -m 755 "target/$target/dist/thalweg" "$root/bin/thalweg"
    install -m 644 "target/$target/dist/libthalweg_jni.so" "$out/native/$platform/libthalweg_jni.so"
    echo "$commit" >"$out/native/$platform/commit"
    ! grep -q "a planted panic" "$out/native/$platform/libthalweg_jni.so" || fail "the native library has faults for tests in it"
    scripts/dist/symbols.sh "$root/bin/thalweg" "$out/native/$platform/libthalweg_jni.so"
}

# The processor that an ELF file is for, by the name it has in a platform.
machine() {
    case $(readelf --file-header "$1" | sed -nE 's/^ *Machine: +(.*)$/\1/p') in
    *X86-64) echo x86_64 ;;
    AArch64) echo aarch64 ;;
    RISC-V) echo riscv64 ;;
    PowerPC64) echo ppc64le ;;
    IBM\ S/390) echo s390x ;;
    *) echo unknown ;;
    esac
}

merge() { # folder
    local library folder other
    for library in "$1"/*/libthalweg_jni.so; do
        [ -e "$library" ] || fail "$1 holds no <platform>/libthalweg_jni.so"
        folder=$(dirname "$library")
        other=$(basename "$folder")
        [[ $other =~ $platforms ]] || fail "$other is no name of a platform, such as linux-aarch64-gnu"
        [ "$(machine "$library")" = "${BASH_REMATCH[1]}" ] || fail "$library is for $(machine "$library"), not for $other"
        readelf --wide --dyn-syms "$library" | grep -q ' Java_io_thalweg_bridge_Native_open$' ||
            fail "$library is no native library of Thalweg's"
        # Shell and core talk in bytes that change from one commit to the next.
        cmp --silent "$folder/commit" "$out/native/$platform/commit" ||
            fail "$library was built from another commit: $(cat "$folder/commit" 2>/dev/null || echo "there is no $folder/commit")"
        [[ $other != *-gnu ]] || scripts/dist/symbols.sh "$library"
        [ "$other" != "$platform" ] || continue
        mkdir -p "$out/native/$other"
        install -m 644 "$library" "$folder/commit" "$out/native/$other"
        say "with the native library for $other"
    done
}

jars() {
    say "the jars"
    # Nothing of an earlier build may come along.
    rm -rf jvm-adapter/*/build
    scripts/gradle.sh --quiet "-PnativeLibraries=$out/native" :jvm-adapter:storm:jar :jvm-adapter:flink:jar
    for engine in storm flink; do
        install -m 644 "jvm-adapter/$engine/build/libs/thalweg-$engine-$version.jar" "$root/lib"
    done
}

# What the archive holds besides programs, all of it from the repository or made by what was just built.
files() {
    local share=$root/share/thalweg
    "$root/bin/thalweg" manual "$root/share"
    mkdir -p "$share"
    cp -R docs/operating/prometheus/. deploy/. "$share"
    cp LICENSE CHANGELOG.md SECURITY.md "$root"
    git archive --format=tar HEAD docs README.md | tar --extract --directory "$root"
    # The pages stay, as others name them; raw results are for those who have the sources.
    rm -f "$root"/docs/results/*.json
    {
        echo "commit $commit"
        echo "platforms $(ls "$out/native" | paste -sd ' ')"
        rustc -vV | sed -n 's/^release: /rustc /p'
        sed -nE 's/^(cargo-zigbuild|ziglang|hatchling)==([^ ]*).*/\1 \2/p' scripts/dist/tools.txt
        javac -version 2>&1
        echo "node $(node --version)"
    } >"$root/BUILD"
}

# The integrations with Airflow and Dagster, the client that both build on, and the agent for drivers of Spark.
wheels() {
    say "the wheels"
    scripts/integrations.sh wheels "$out" "$tools/bin/python"
}

build
[ -z "${DIST_NATIVE:-}" ] || merge "$DIST_NATIVE"
jars
files
wheels
say "licences and the list of parts"
SOURCE_DATE_EPOCH=$epoch node scripts/dist/parts.mjs "$root" "$out/native" "$tools"
cp "$root/thalweg.cdx.json" "$out/thalweg-$version-linux-$arch.cdx.json"
(cd "$root" && find . -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum >SHA256SUMS)
pack "$out/$name.tar.gz" "$out" "$name"
pack "$out/thalweg-$version-native-$platform.tar.gz" "$out/native" "$platform"
(cd "$out" && sha256sum ./*.tar.gz ./*.cdx.json ./*.whl | sed 's# \./# #' >SHA256SUMS)
say "done, in target/archives:"
(cd "$out" && cat SHA256SUMS)
