#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the checker against a throw-away stack of two gateways and two copies of every service.
# SEEDS (default 20) and START (default 1) say which seeds; BIN which build.
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$TOP"
export BIN=${BIN:-build/debug/bin}
export SEEDS=${SEEDS:-20} START=${START:-1}

# What is limited elsewhere is no fault.
NO_LIMITS="LIMIT_GENERAL=0/0 LIMIT_MESSAGING=0/0 LIMIT_AUTH=0/0 LIMIT_UPLOAD=0/0 LIMIT_DOWNLOAD=0/0 LIMIT_SIGNAL=0/0 WS_EVENTS=0/0"
SETTINGS="$NO_LIMITS ${SETTINGS:-}" STACK_FSYNC=${STACK_FSYNC:-off} LISTEN_PORT=0 GATEWAYS=2 COPIES=2 \
    KEEP_LOGS=${KEEP_LOGS:-$(dirname "$BIN")/logs/checker} \
    exec deploy/stack.sh with node --no-warnings tests/checker/main.mjs
