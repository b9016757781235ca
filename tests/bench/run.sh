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

# world USERS SHARED: the file of users a load needs.
world() {
    node "$TOP/tests/bench/world.mjs" "$1" "$2" >"$STACK_DIR/world-$1-$2"
    echo "$STACK_DIR/world-$1-$2"
}

bench_idle() {
    "$TOP/tests/bench/idle.sh"
}

bench_send() {
    WORLD=$(world 64 own) WINDOW=16 "$BIN/bench-send"
}

bench_latency() {
    WORLD=$(world 64 own) "$BIN/bench-latency"
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

bench_ready() {
    "$BIN/bench-ready"
}

bench_overload() {
    OVERLOAD_SECONDS=${OVERLOAD_SECONDS:-30} "$BIN/bench-overload"
}

bench_history() {
    MESSAGES=${MESSAGES:-10000000} "$BIN/bench-history"
}

# Each kills gateway-1.
bench_storm() {
    export CLIENTS=${CLIENTS:-10000}
    "$BIN/bench-storm" 1
    "$STACK" start gateway-1
    "$BIN/bench-storm" 2
}

# Last what leaves a large table behind.
ALL=(idle rest ready send latency fanout bus_ask overload history storm)

inside() {
    local name status=0
    export GATEWAY_PORT=${PARLEY_URL##*:} STATEMENTS=$STACK_DIR/statements.json
    "$BIN/messaging" --statements >"$STATEMENTS"
    for name in "$@"; do
        "bench_$name" || {
            echo "bench $name failed" >&2
            status=1
        }
    done
    return "$status"
}

# stack GATEWAYS NAME...: these benchmarks on a stack of their own with so many gateways.
stack() {
    local gateways=$1
    shift
    [[ $# -gt 0 ]] || return 0
    GATEWAYS=$gateways SETTINGS="$NO_LIMITS ${SETTINGS:-}" LISTEN_PORT=0 STACK_FSYNC=on \
        "$TOP/deploy/stack.sh" with "$TOP/tests/bench/run.sh" inside "$@"
}

table() {
    echo "| what | target | figure | bare limit of the same run | ratio |"
    echo "|---|---|---|---|---|"
    sed -n 's/^FIGURE\t\(.*\)/| \1 |/p' "$1" | sed 's/\t/ | /g'
    echo
    echo "Where the time went, in percent of one core (this machine has $(nproc)) and for each operation:"
    echo
    sed -n 's/^CPU\t\(.*\)\t/- \1: /p' "$1"
}

main() {
    if [[ ${1:-} == inside ]]; then
        shift
        inside "$@"
        return
    fi
    local log name alone=() together=() status=0
    log=$(mktemp)
    [[ $# -gt 0 ]] || set -- "${ALL[@]}"
    for name in "$@"; do
        [[ $name == storm ]] && together+=("$name") || alone+=("$name")
    done
    stack 1 "${alone[@]}" | tee -a "$log" || status=1
    stack 2 "${together[@]}" | tee -a "$log" || status=1
    mkdir -p "$(dirname "$BENCH_TABLE")"
    table "$log" | tee "$BENCH_TABLE"
    rm -f "$log"
    return "$status"
}

main "$@"
