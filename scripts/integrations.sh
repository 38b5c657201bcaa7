#!/bin/bash
# The integrations in Python: builds their wheels, checks their sources, or tests them: integrations.sh wheels FOLDER|check|test.
# Tests are run with what is built: the wheels are installed beside the real Airflow, Dagster and Spark.
set -euo pipefail
cd "$(dirname "$0")/.."
place=$PWD/target/integrations
packages=(client airflow dagster spark)

# One wheel of each package; the time of the last commit is the only one that stands in them.
wheels() { # folder, python
    local package python=$2
    mkdir -p "$1"
    for package in "${packages[@]}"; do
        (cd "integrations/$package" &&
            SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$python" -m hatchling build -t wheel -d "$1" >/dev/null)
    done
}

installed() {
    rm -rf "$place/wheels"
    wheels "$place/wheels" "$place/airflow3/bin/python"
    local name
    for name in airflow3 airflow2; do
        "$place/$name/bin/pip" install --quiet --no-deps --force-reinstall --no-index \
            "$place"/wheels/thalweg_client-*.whl "$place"/wheels/airflow_providers_thalweg-*.whl
    done
    "$place/dagster/bin/pip" install --quiet --no-deps --force-reinstall --no-index \
        "$place"/wheels/thalweg_client-*.whl "$place"/wheels/dagster_thalweg-*.whl
    # What tests share asks by the client.
    "$place/spark/bin/pip" install --quiet --no-deps --force-reinstall --no-index \
        "$place"/wheels/thalweg_client-*.whl "$place"/wheels/thalweg_spark-*.whl
}

check() {
    "$place/airflow3/bin/ruff" check integrations
    "$place/airflow3/bin/ruff" format --check integrations
    # Samples follow the same rules.
    "$place/airflow3/bin/ruff" check --config integrations/pyproject.toml topologies/spark
    "$place/airflow3/bin/ruff" format --config integrations/pyproject.toml --check topologies/spark
    (cd integrations/spark && "$place/spark/bin/mypy" --config-file ../pyproject.toml ../../topologies/spark)
    local package name environment
    # The types of Airflow 3 are whole; those of 2.11 are not.
    for package in client:thalweg_client:airflow3 airflow:airflow_providers_thalweg:airflow3 dagster:dagster_thalweg:dagster \
        spark:thalweg_spark:spark; do
        IFS=: read -r package name environment <<<"$package"
        (cd "integrations/$package" && "$place/$environment/bin/mypy" --config-file ../pyproject.toml "$name" "${name}_tests")
    done
}

# Runs the tests of a package and ends with the same line as other runners. Where they are not even collected, or Python
# dies, there is nothing to count: then the status alone says that they have failed.
tests() { # environment, package, names...
    local environment=$1 package=$2 log=$place/$1-$2.log status=0
    shift 2
    # A folder of a package's name would stand before what is installed.
    (cd "integrations/$package" &&
        "$place/$environment/bin/python" -m pytest --quiet -c ../pyproject.toml --rootdir .. --tb=short \
            -p no:cacheprovider "$@") >"$log" 2>&1 || status=$?
    cat "$log"
    sed -nE "s/^FAILED ([^ ]*).*/test $environment \1 ... FAILED/p" "$log"
    awk -v of="$environment" -v status="$status" '{for (i = 2; i <= NF; i++) {if ($i ~ /^passed/) p = $(i - 1); if ($i ~ /^(failed|error)/) f += $(i - 1)}}
        END {if (status != 0 && !f) f = 1; printf "test result: %s. %d passed; %d failed (%s)\n", f ? "FAILED" : "ok", p, f, of}' \
        <(tail -n 1 "$log")
    return $status
}

case ${1:-} in
wheels) wheels "${2:?a folder}" "${3:-python3}" ;;
check)
    installed
    check
    ;;
test)
    shift
    installed
    status=0
    # Most of the time they wait, so two of them run side by side.
    {
        tests airflow2 airflow airflow_providers_thalweg_tests && other=0 || other=1
        tests dagster dagster dagster_thalweg_tests || other=1
        tests spark spark thalweg_spark_tests || other=1
        exit $other
    } >"$place/beside.log" 2>&1 &
    beside=$!
    tests airflow3 client thalweg_client_tests || status=1
    tests airflow3 airflow airflow_providers_thalweg_tests || status=1
    wait $beside || status=1
    cat "$place/beside.log"
    exit $status
    ;;
*)
    echo "$0: wheels FOLDER, check or test" >&2
    exit 2
    ;;
esac
