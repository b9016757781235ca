#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A private Parley on this machine: PostgreSQL, Redis, nats-server and coturn of its own on free
# loopback ports, and our programs on top, everything below one data folder. Any number of stacks
# may run side by side; each process is known by its pid and start time, never by its name.
#
#   stack.sh run                    up, stay, down on Ctrl-C                       (make run)
#   stack.sh up [engines]           start everything (or only the engines), migrated; returns
#   stack.sh down                   stop everything, last started first; data stays
#   stack.sh with [engines] CMD...  throw-away stack in a temporary folder around one command
#   stack.sh start|stop|kill|restart NAME...   one process: auth-1 gateway-2 ... postgres redis nats
#                                   (stop drains, kill is kill -9; start waits until it is ready)
#   stack.sh env                    what a test needs, as NAME=value lines
#   stack.sh status                 what is up
#   stack.sh migrate-up | migrate-down | migrate-status | psql [ARGS...]     on a stack that is up
#
# Environment: STACK_DIR (data, default var), BIN (programs, default build/release/bin),
# COPIES (of each service, default 1), GATEWAYS (default 1), PROGRAMS (default: those in BIN),
# LISTEN_PORT (of gateway-1, default 8080 or the next free one; 0 chooses), STACK_FSYNC (on|off),
# SETTINGS ("NAME=value ..." handed to every program of ours).
# `with` gives CMD the lines of `env` as environment; a failing CMD leaves its logs in KEEP_LOGS.
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
STACK_DIR=${STACK_DIR:-$TOP/var}
BIN=$(realpath -m "${BIN:-$TOP/build/release/bin}")
COPIES=${COPIES:-1}
GATEWAYS=${GATEWAYS:-1}
STACK_FSYNC=${STACK_FSYNC:-on}

# shellcheck source=deploy/stack/process.sh
. "$TOP/deploy/stack/process.sh"
# shellcheck source=deploy/stack/engines.sh
. "$TOP/deploy/stack/engines.sh"
# shellcheck source=deploy/stack/programs.sh
. "$TOP/deploy/stack/programs.sh"

ENGINES="postgres redis nats coturn"

is_engine() {
    [[ " $ENGINES " == *" $1 "* ]]
}

start_one() {
    if is_alive "$1"; then
        return 0
    fi
    if is_engine "$1"; then
        "start_$1"
    else
        start_program "$1"
    fi
}

open_stack() {
    mkdir -p "$STACK_DIR"/{run,log}
    STACK_DIR=$(cd "$STACK_DIR" && pwd)
    # The database's user must be able to pass through when we are root.
    chmod 711 "$STACK_DIR"
    make_secrets
}

refuse_second() {
    ! is_alive postgres || die "a stack is already up in $STACK_DIR (deploy/stack.sh down stops it)"
}

up() {
    open_stack
    refuse_second
    rm -f "$STACK_DIR"/run/*
    plan_engines
    start_postgres
    start_redis
    start_nats
    migrate up >>"$STACK_DIR/log/migrate.log" 2>&1 ||
        die "the migration failed" "$STACK_DIR/log/migrate.log"
    if [[ ${1:-} != engines ]]; then
        has_program voice-signaling && start_coturn
        plan_programs
        start_programs
    fi
    write_env
}

down() {
    local name
    for name in $(started_last_first); do
        stop_process "$name" || true
    done
    [[ ! -f $STACK_DIR/run/socket_dir ]] || rm -rf "$(<"$STACK_DIR/run/socket_dir")"
    rm -f "$STACK_DIR"/run/*
}

greet() {
    [[ -n ${PUBLIC_PORT_1:-} ]] || return 0
    load_admin
    printf '\n  Parley is up:    %s\n' "$(public_url 1)"
    printf '  administrator:   %s  (password %s)\n' "$ADMIN_USERNAME" "$ADMIN_PASSWORD"
    printf '  logs:            %s\n  Ctrl-C stops everything; the data stays in %s\n\n' \
        "$STACK_DIR/log" "$STACK_DIR"
}

# In the foreground until a signal. A program that ends by itself is reported, not hidden.
run() {
    refuse_second
    trap 'exit 0' INT TERM HUP
    trap 'trap "" INT TERM HUP; down' EXIT
    local WATCHING=yes name pid status
    up
    greet
    while :; do
        status=0 pid=
        wait -n -p pid || status=$?
        [[ -n ${pid:-} ]] || die "nothing is left of the stack"
        name=$(name_of "$pid")
        [[ -z $name ]] || say "$name ended with status $status: see $STACK_DIR/log/$name.log"
    done
}

with() {
    local what=all status=0
    if [[ $1 == engines ]]; then
        what=engines
        shift
    fi
    STACK_DIR=$(mktemp -d "${TMPDIR:-/tmp}/parley-stack.XXXXXX")
    trap 'exit 130' INT TERM HUP
    trap 'trap "" INT TERM HUP; down; rm -rf "$STACK_DIR"' EXIT
    up "$what"
    set -a
    # shellcheck disable=SC1091
    . "$STACK_DIR/stack.env"
    set +a
    "$@" || status=$?
    if [[ $status != 0 && -n ${KEEP_LOGS:-} ]]; then
        mkdir -p "$KEEP_LOGS"
        cp "$STACK_DIR"/log/* "$KEEP_LOGS"/
        say "the logs of the stack are kept in $KEEP_LOGS"
    fi
    exit "$status"
}

# The commands that talk to a stack already there.
attach() {
    [[ -d $STACK_DIR/run ]] || die "no stack in $STACK_DIR"
    STACK_DIR=$(cd "$STACK_DIR" && pwd)
    make_secrets
    load_plan
}

each() {
    local verb=$1 name
    shift
    attach
    for name in "$@"; do
        "$verb" "$name"
    done
}

restart_one() {
    stop_process "$1"
    start_one "$1"
}

status() {
    local name
    attach
    for name in $(started_last_first | tac); do
        printf '%-20s %s\n' "$name" "$(is_alive "$name" && echo up || echo down)"
    done
}

main() {
    local command=${1:-}
    [[ $# -eq 0 ]] || shift
    ulimit -n "$(ulimit -Hn)"
    case $command in
    run | with) "$command" "$@" ;;
    up) up "$@" && greet ;;
    down) attach && down ;;
    start) each start_one "$@" ;;
    stop) each stop_process "$@" ;;
    kill) each kill_process "$@" ;;
    restart) each restart_one "$@" ;;
    env) attach && cat "$STACK_DIR/stack.env" ;;
    status) status ;;
    migrate-up | migrate-down | migrate-status) attach && migrate "${command#migrate-}" ;;
    psql) attach && exec psql "$(owner_url)" "$@" ;;
    *)
        sed -n '3,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
}

main "$@"
