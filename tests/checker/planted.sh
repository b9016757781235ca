#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Proves the checker: against a gateway that loses an event now and then (PLANT_DROP_EVENT) it must
# report a violation. BIN says where that gateway is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
SEEDS=2 START=1 KEEP_LOGS='' ./run.sh >"$log" 2>&1 || status=$?
if [[ $status == 1 ]] && grep -q '^VIOLATED seed' "$log"; then
    echo "the planted loss was found: $(grep -m 1 -E '^seed [0-9]+: ' "$log" | cut -c 1-120)"
    echo "1 passed, 0 failed"
else
    tail -n 30 "$log"
    echo "the planted loss was not found"
    echo "0 passed, 1 failed"
    exit 1
fi
