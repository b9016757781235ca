#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docker-compose.yml is clean with the example's variables filled in, and refuses to start with a
# secret missing. Without docker on this machine there is nobody to ask; then it says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
else
    echo "compose: no docker here, not checked"
    exit 0
fi

filled=$(mktemp)
trap 'rm -f "$filled"' EXIT
sed -E 's/^([A-Z_]+)=$/\1=filled/' .env.example >"$filled"
"${compose[@]}" --env-file "$filled" config --quiet
if "${compose[@]}" --env-file /dev/null config --quiet 2>/dev/null; then
    echo "docker-compose.yml:1: starts with no secret set"
    exit 1
fi
echo "compose: ok"
