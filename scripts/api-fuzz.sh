#!/bin/bash
# Fuzzes the HTTP interface by its own document: api-fuzz.sh [EXAMPLES [SEED]], so many examples for each operation. A real
# server over a real engine is asked with the token of each role in turn. Fails if any check does, and says with which seed.
set -euo pipefail
cd "$(dirname "$0")/.."

exec "${API_FUZZ_PYTHON:-target/integrations/api-fuzz/bin/python}" integrations/api-fuzz/fuzz.py "$@"
