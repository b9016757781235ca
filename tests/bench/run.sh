#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The figures (make bench): a throw-away stack with full durability and no rate limits, a load
# generator of ours beside it, and the bare limit of the same run next to each figure. Prints a
# Markdown table and writes it to BENCH_TABLE (default build/bench.md).
#
#   run.sh                    everything
#   run.sh send latency ...   only these
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=$(cd "${BIN:-$TOP/build/release/bin}" && pwd)
BENCH_TABLE=${BENCH_TABLE:-$TOP/build/bench.md}
export BIN SECONDS_EACH=${SECONDS_EACH:-5}

# Limits would measure themselves; everything else is as an operator gets it.
NO_LIMITS="LIMIT_GENERAL=0/0 LIMIT_MESSAGING=0/0 LIMIT_AUTH=0/0 LIMIT_UPLOAD=0/0 LIMIT_DOWNLOAD=0/0 LIMIT_SIGNAL=0/0 WS_EVENTS=0/0
MAX_CONNECTIONS=19500"

process_pid() {
    head -n 1 "$STACK_DIR/run/$1.pid" | cut -d ' ' -f 1
}

# world USERS SHARED: the file of users a load needs.
world() {
    node "$TOP/tests/bench/world.mjs" "$1" "$2" >"$STACK_DIR/world-$1-$2"
    echo "$STACK_DIR/world-$1-$2"
}

bench_idle() {
    "$TOP/tests/bench/idle.sh"
}

bench_send() {
    WORLD=$(world 64 own) WINDOW=16 BENCH_DATABASE_URL=$DATABASE_URL_OWNER "$BIN/bench-send"
}

bench_latency() {
    WORLD=$(world 32 own) "$BIN/bench-latency"
}

bench_fanout() {
    WORLD=$(world 50 shared) NATS_URL=$NATS_URL_OPERATOR "$BIN/bench-fanout" 1000 5000 19000
}

bench_rest() {
    WORLD=$(world 1 own) NATS_URL=$NATS_URL_OPERATOR "$BIN/bench-rest"
}

bench_bus_ask() {
    NATS_URL=$NATS_URL_OPERATOR "$BIN/bench-bus_ask"
}

ALL=(idle rest send latency fanout bus_ask)

inside() {
    local name status=0
    GATEWAY_PORT=${PARLEY_URL##*:} GATEWAY_PID=$(process_pid gateway-1)
    export GATEWAY_PORT GATEWAY_PID
    for name in "$@"; do
        "bench_$name" || {
            echo "bench $name failed" >&2
            status=1
        }
    done
    return "$status"
}

table() {
    echo "| what | target | figure | bare limit of the same run | ratio |"
    echo "|---|---|---|---|---|"
    sed -n 's/^FIGURE\t\(.*\)/| \1 |/p' "$1" | sed 's/\t/ | /g'
}

main() {
    if [[ ${1:-} == inside ]]; then
        shift
        inside "$@"
        return
    fi
    local log status=0
    log=$(mktemp)
    [[ $# -gt 0 ]] || set -- "${ALL[@]}"
    SETTINGS=$NO_LIMITS LISTEN_PORT=0 STACK_FSYNC=on \
        "$TOP/deploy/stack.sh" with "$TOP/tests/bench/run.sh" inside "$@" | tee "$log" || status=1
    mkdir -p "$(dirname "$BENCH_TABLE")"
    table "$log" | tee "$BENCH_TABLE"
    rm -f "$log"
    return "$status"
}

main "$@"
