#!/usr/bin/env bash
# Runs every test on other versions of Node, each got from the npm package `node`: scripts/test-on-node.sh 22 24
set -euo pipefail
cd "$(dirname "$0")/.."
for version in "$@"; do
  echo "== Node $version: $(npx -y -p "node@$version" node --version)"
  npx -y -p "node@$version" node scripts/test.mjs --only-tests
done
