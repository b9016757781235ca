#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes .env from .env.example with a fresh random value for every empty secret. Never overwrites.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -e .env ]]; then
    echo "new-env: .env exists and stays as it is" >&2
    exit 1
fi

umask 077
while IFS= read -r line; do
    if [[ $line =~ ^[A-Z_]+=$ ]]; then
        line+=s$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    fi
    printf '%s\n' "$line"
done <.env.example >.env
echo "new-env: wrote .env; set PUBLIC_URL, ADMIN_EMAIL and TURN_URLS in it" >&2
