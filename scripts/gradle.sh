#!/bin/bash
# Gradle, without the version of Java that Debian's start script prints at each call. It ends as Gradle does.
set -o pipefail
{ gradle "$@" 2>&1 >&3 | { grep -vE '^(openjdk version|OpenJDK )' >&2 || true; }; } 3>&1
