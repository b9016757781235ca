# SPDX-License-Identifier: MIT
# Processes of a stack (sourced by deploy/stack.sh). run/NAME.pid holds "pid start-time": a pid
# alone may belong to a stranger after a reboot, the pair may not.
# shellcheck shell=bash

say() {
    printf 'stack: %s\n' "$*" >&2
}

# die TEXT [LOG]: with the end of the log that says why.
die() {
    say "$1"
    [[ -z ${2:-} || ! -f $2 ]] || tail -n 20 "$2" >&2
    exit 1
}

start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) } # the command's name may hold blanks
    # shellcheck disable=SC2086
    set -- $stat
    [[ $1 != Z ]] && echo "${20}"
}

is_alive() {
    local pid since
    [[ -f $STACK_DIR/run/$1.pid ]] && read -r pid since <"$STACK_DIR/run/$1.pid" &&
        [[ $(start_time "$pid") == "$since" ]]
}

pid_of() {
    local pid since
    read -r pid since <"$STACK_DIR/run/$1.pid" && echo "$pid"
}

name_of() {
    local file
    file=$(grep -l "^$1 " "$STACK_DIR"/run/*.pid 2>/dev/null | head -n 1)
    basename "${file:-}" .pid
}

# spawn NAME COMMAND...: in a session of its own, so that Ctrl-C reaches only the stack.
spawn() {
    local name=$1 pid
    shift
    setsid "$@" </dev/null >>"$STACK_DIR/log/$name.log" 2>&1 &
    pid=$!
    # Only `run` wants to hear of an end; the others would print bash's notices among their output.
    [[ -n ${WATCHING:-} ]] || disown "$pid"
    echo "$pid $(start_time "$pid")" >"$STACK_DIR/run/$name.pid"
    if ! grep -qx "$name" "$STACK_DIR/run/order" 2>/dev/null; then
        echo "$name" >>"$STACK_DIR/run/order"
    fi
}

started_last_first() {
    tac "$STACK_DIR/run/order" 2>/dev/null || true
}

# wait_for SECONDS NAME COMMAND...: until COMMAND succeeds; fails at once when NAME has died.
wait_for() {
    local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000)) name=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        is_alive "$name" || die "$name ended at its start" "$STACK_DIR/log/$name.log"
        ((${EPOCHREALTIME/./} < deadline)) ||
            die "$name did not become ready in time" "$STACK_DIR/log/$name.log"
        sleep 0.05
    done
}

await_end() {
    local deadline=$((${EPOCHREALTIME/./} + $2 * 1000000))
    while is_alive "$1"; do
        ((${EPOCHREALTIME/./} < deadline)) || return 1
        sleep 0.02
    done
}

# The polite way. PostgreSQL takes SIGINT for "do not wait for clients".
stop_process() {
    local signal=TERM
    is_alive "$1" || return 0
    [[ $1 != postgres ]] || signal=INT
    kill "-$signal" "$(pid_of "$1")"
    if ! await_end "$1" 20; then
        say "$1 did not stop within 20 s and is killed"
        kill_process "$1"
        return 1
    fi
}

kill_process() {
    is_alive "$1" || return 0
    kill -KILL "$(pid_of "$1")"
    await_end "$1" 10
}

is_listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# http_ok PORT PATH: does it answer 200?
http_ok() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
    read -r -t 2 line <&3
    exec 3>&-
    [[ $line == *' 200 '* ]]
}

# Ports come from a slice of 64 that this process's pid chooses, so that two stacks that start in
# the same moment do not race for one; below the kernel's range for outgoing connections.
next_port=$((10000 + $$ % 340 * 64))
take_port() {
    while is_listening "$next_port"; do
        next_port=$((next_port + 1))
    done
    printf -v "$1" %s "$next_port"
    next_port=$((next_port + 1))
}
