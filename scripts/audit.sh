#!/bin/bash
# Holds what is linked against known vulnerabilities, licences and sources, with cargo-deny and cargo-audit and the
# advisories that are committed. Says how old these are: what was found since then, nobody here can tell.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/dist/tools.sh

archive=$(printf '%s\n' data/advisories/rustsec-*.tar.gz | tail -n 1)
day=$(sed -nE 's/.*rustsec-([0-9-]+)\.tar\.gz$/\1/p' <<<"$archive")
age=$((($(date +%s) - $(date -d "$day" +%s)) / 86400))
echo "advisories of $day, $age days old"

work=$PWD/target/audit
# cargo-deny's name for what comes from the address in deny.toml.
database=$work/rustsec-db527f6439945446
rm -rf "$work"
mkdir -p "$database"
tar --extract --gzip --file "$archive" --directory "$database"
# It wants a repository, with a day.
git -C "$database" init --quiet --initial-branch main
git -C "$database" add --all
GIT_AUTHOR_DATE="${day}T00:00:00Z" GIT_COMMITTER_DATE="${day}T00:00:00Z" \
    git -C "$database" -c user.name=advisories -c user.email=advisories@localhost commit --quiet --message "$day"

# Does nothing once all crates are here.
cargo fetch --quiet --locked
status=0
cargo deny --all-features --frozen check --hide-inclusion-graph || status=1
cargo audit --quiet --no-fetch --stale --db "$database" || status=1
exit $status
