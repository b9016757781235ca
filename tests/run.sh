#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs tests against throw-away stacks and ends with one line: "N passed, N failed".
#
#   run.sh fast             C tests of every area, migrations, tables, fuzz seeds (make check)
#   run.sh all              these, then the suite, the browser, the checker      (make test)
#   run.sh unit-auth ...    only these areas; a second word filters: run.sh "unit-auth session"
#   run.sh suite [FILE...]  only the suite, or some files of it
#   run.sh fuzz [NAME...]   the binaries of `make fuzz`, each for FUZZ_SECONDS (default 20)
#
# BIN says which build (default build/debug/bin). The suite runs against two gateways and two copies
# of every service unless GATEWAYS and COPIES say otherwise, with the rate limits off unless SETTINGS
# says otherwise; a test of limits starts a stack of its own (deploy/stack.sh with ...).
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$TOP"
[[ ${1:-} != fuzz ]] || BIN=${BIN:-build/fuzz/bin}
BIN=${BIN:-build/debug/bin}
export BIN TSAN_OPTIONS="suppressions=$TOP/tests/tsan.supp ${TSAN_OPTIONS:-}"

# The sum is a file, because the tests run inside the stack's own process.
TALLY=${TALLY:-}
tally() {
    echo "$1 $2 $3" >>"$TALLY"
}

# count STATUS LOG: adds what a C test binary said last; one that ended otherwise has failed.
count() {
    local last
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$2" | tail -n 1) || true
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
        local failed=${BASH_REMATCH[2]}
        [[ $1 == 0 || $failed != 0 ]] || failed=1
        tally "${BASH_REMATCH[1]}" "$failed" "${BASH_REMATCH[4]:-0}"
    else
        tally 0 1 0
    fi
}

# The settings an area's tests get: its own role and bus user, as the service itself would.
with_settings() {
    local area=${1%-signaling}
    shift
    area=${area^^}
    local database=DATABASE_URL_$area nats=NATS_URL_$area
    DATABASE_URL=${!database:-$DATABASE_URL_OWNER} NATS_URL=${!nats:-$NATS_URL_OPERATOR} "$@"
}

# run_area BINARY [FILTER]
run_area() {
    local name=$1 log status=0
    shift
    log=$(mktemp)
    echo "== $name $*"
    set +e
    with_settings "${name#unit-}" timeout 300 "$BIN/$name" "$@" 2>&1 | tee "$log" |
        grep -vE '^ok '
    status=${PIPESTATUS[0]}
    set -e
    [[ $status == 0 ]] || echo "$name ended with status $status"
    count "$status" "$log"
    rm -f "$log"
}

# What the programs of this stack said, for whoever looks into a failure.
keep_logs() {
    [[ -n ${KEEP_LOGS:-} && -d ${STACK_DIR:-}/log ]] || return 0
    mkdir -p "$KEEP_LOGS"
    cp "$STACK_DIR"/log/* "$KEEP_LOGS"/
    echo "the logs of the stack are kept in $KEEP_LOGS"
}

# node_tests CONCURRENCY FILE...
node_tests() {
    local log status=0 concurrency=$1
    shift
    log=$(mktemp)
    timeout 1800 node --test --test-concurrency="$concurrency" \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$log" "$@" || status=$?
    local passed failed cancelled skipped
    passed=$(sed -n 's/^# pass //p' "$log")
    failed=$(sed -n 's/^# fail //p' "$log")
    cancelled=$(sed -n 's/^# cancelled //p' "$log")
    skipped=$(sed -n 's/^# skipped //p' "$log")
    failed=$((${failed:-0} + ${cancelled:-0}))
    [[ $status == 0 || $failed != 0 ]] || failed=1
    tally "${passed:-0}" "$failed" "${skipped:-0}"
    [[ $failed == 0 ]] || keep_logs
    rm -f "$log"
}

# Inside a stack of engines only.
units() {
    local area
    if [[ $# -eq 0 ]]; then
        for area in "$BIN"/unit-*; do
            [[ ! -x $area ]] || run_area "$(basename "$area")"
        done
    fi
    for area in "$@"; do
        # shellcheck disable=SC2086
        run_area $area
    done
}

seeds() {
    local fuzzer name status
    for fuzzer in "$BIN"/fuzz-*; do
        [[ -x $fuzzer ]] || continue
        name=$(basename "$fuzzer")
        status=0
        timeout 300 "$fuzzer" tests/fuzz/seeds/"${name#fuzz-}"/* >/dev/null || status=$?
        tally $((status == 0)) $((status != 0)) 0
        echo "== $name: status $status"
    done
}

# What a run learns stays in corpus/ for the next one; the input that broke something is in found/.
fuzz_one() {
    local name=$1 log status=0 corpus found
    log=$(mktemp)
    corpus=$(dirname "$BIN")/corpus/$name
    found=$(dirname "$BIN")/found
    mkdir -p "$corpus" "$found"
    "$BIN/fuzz-$name" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=25 -rss_limit_mb=2048 \
        -artifact_prefix="$found/$name-" "$corpus" "tests/fuzz/seeds/$name" >"$log" 2>&1 || status=$?
    tally $((status == 0)) $((status != 0)) 0
    echo "== fuzz-$name: status $status, $(grep -E 'DONE|SUMMARY' "$log" | tail -n 1)"
    [[ $status == 0 ]] || tail -n 60 "$log"
    rm -f "$log"
}

# One on each processor.
fuzz() {
    local name
    [[ $# -gt 0 ]] || set -- "$BIN"/fuzz-*
    for name in "$@"; do
        while (($(jobs -rp | wc -l) >= $(nproc))); do
            wait -n || true
        done
        fuzz_one "${name##*/fuzz-}" &
    done
    wait
}

# In a stack of their own: they take the schema away under everybody's feet.
migrations() {
    local log status=0
    log=$(mktemp)
    echo "== migrations"
    tests/migrations.sh >"$log" 2>&1 || status=$?
    grep -vE '^ok ' "$log"
    count "$status" "$log"
    rm -f "$log"
}

table_tests() {
    local files=(tests/tables/*.test.mjs)
    [[ ! -e ${files[0]} ]] || node_tests 2 "${files[@]}"
}

suite() {
    [[ $# -gt 0 ]] || set -- tests/suite/*.test.mjs tests/suite/browser/*.test.mjs
    local files=() file
    for file in "$@"; do
        [[ ! -e $file ]] || files+=("$file")
    done
    [[ ${#files[@]} -eq 0 ]] || node_tests 1 "${files[@]}"
}

in_stack() {
    TALLY=$TALLY "$TOP/deploy/stack.sh" with "$@" || tally 0 1 0
}

run_units() {
    STACK_FSYNC=off in_stack engines "$TOP/tests/run.sh" inside units "$@"
}

run_migrations() {
    STACK_FSYNC=off in_stack engines "$TOP/tests/run.sh" inside migrations
}

run_suite() {
    local no_limits="LIMIT_GENERAL=0/0 LIMIT_MESSAGING=0/0 LIMIT_AUTH=0/0 LIMIT_UPLOAD=0/0 LIMIT_DOWNLOAD=0/0 LIMIT_SIGNAL=0/0"
    STACK_FSYNC=${STACK_FSYNC:-off} SETTINGS=${SETTINGS-$no_limits} LISTEN_PORT=0 GATEWAYS=${GATEWAYS:-2} COPIES=${COPIES:-2} \
        KEEP_LOGS=$(dirname "$BIN")/logs in_stack "$TOP/tests/run.sh" inside suite "$@"
}

# checker FOLDER SCRIPT: has a stack of its own.
checker() {
    local log status=0
    log=$(mktemp)
    echo "== $2"
    BIN=$(dirname "$BIN")/$1 "tests/checker/$2" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
    count "$status" "$log"
    rm -f "$log"
}

faults() {
    checker bin run.sh
    checker planted/bin planted.sh
}

fast() {
    run_units
    run_migrations
    table_tests
    seeds
}

closing_line() {
    awk '{ passed += $1; failed += $2; skipped += $3 }
         END {
             if (skipped > 0) printf "%d skipped\n", skipped
             printf "%d passed, %d failed\n", passed, failed
             exit failed > 0 || passed == 0
         }' "$TALLY"
}

main() {
    local command=${1:-fast}
    if [[ $command == inside ]]; then
        shift
        "$@"
        return
    fi
    TALLY=$(mktemp)
    trap 'rm -f "$TALLY"' EXIT
    case $command in
    fast) fast ;;
    all) fast && run_suite && faults ;;
    suite) run_suite "${@:2}" ;;
    fuzz) fuzz "${@:2}" ;;
    *) run_units "$@" ;;
    esac
    closing_line
}

main "$@"
