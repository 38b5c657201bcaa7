#!/bin/bash
# Checks the units, the container file and the manifests of deploy/, without a network once `setup.sh checks` has run.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/dist/tools.sh

exec "$tools/bin/python" scripts/dist/deploy_test.py "$tools/flinkdeployments.yml"
