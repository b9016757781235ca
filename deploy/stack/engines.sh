# SPDX-License-Identifier: MIT
# The engines of a private stack (sourced by deploy/stack.sh): PostgreSQL on a unix socket only,
# the rest on loopback ports. Ports and secrets live in run/plan.env and secrets.env.
# shellcheck shell=bash

NATS_USERS="operator gateway auth messaging media presence moderation voice"

random_secret() {
    # Begins with a letter: nats-server reads a bare number in its environment as a number.
    printf 's%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
}

# Made once per data folder; links, tokens and passwords of a stack survive its restart.
make_secrets() {
    local file=$STACK_DIR/secrets.env user
    if [[ ! -f $file ]]; then
        (
            umask 077
            for user in $NATS_USERS; do
                echo "NATS_${user^^}_PASSWORD=$(random_secret)"
            done >"$file.new"
            for user in REDIS_PASSWORD TURN_SECRET MEDIA_SECRET; do
                echo "$user=$(random_secret)"
            done >>"$file.new"
            mv "$file.new" "$file"
        )
    fi
    # shellcheck disable=SC1090
    . "$file"
}

# A relay takes a port for each way to each participant, so coturn gets a block of UDP ports, and it
# binds them only while it needs them. The port it listens on is what tells other stacks that its
# block is taken: between the slices of take_port and the kernel's range for outgoing connections.
RELAY_PORTS=512
RELAY_BLOCKS=42
plan_relay() {
    local tried block
    for ((tried = 0; tried < RELAY_BLOCKS; tried++)); do
        block=$((($$ + tried) % RELAY_BLOCKS))
        TURN_PORT=$((32000 + block))
        TURN_MIN_PORT=$((10000 + block * RELAY_PORTS))
        is_listening "$TURN_PORT" || return 0
    done
    die "each of the $RELAY_BLOCKS blocks of relay ports is taken"
}

plan_engines() {
    local socket_dir
    take_port NATS_PORT
    take_port REDIS_PORT
    plan_relay
    # A unix socket's path has at most 107 bytes, the data folder's may be longer.
    socket_dir=$(mktemp -d /tmp/parley.XXXXXX)
    echo "$socket_dir" >"$STACK_DIR/run/socket_dir"
    cat >"$STACK_DIR/run/plan.env" <<END
NATS_PORT=$NATS_PORT
REDIS_PORT=$REDIS_PORT
TURN_PORT=$TURN_PORT
TURN_MIN_PORT=$TURN_MIN_PORT
SOCKET_DIR=$socket_dir
END
    load_plan
}

load_plan() {
    # shellcheck disable=SC1091
    [[ ! -f $STACK_DIR/run/plan.env ]] || . "$STACK_DIR/run/plan.env"
}

# --- PostgreSQL ---

pg_bin() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    [[ -d $found ]] || found=$(dirname "$(command -v initdb)")
    echo "$found"
}

# PostgreSQL refuses root: then it runs as the user its package made.
pg_user() {
    id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody
}

# The prefix that makes a command PostgreSQL's own, in a folder its user may stand in.
AS_PG=(env -C /)
if [[ $EUID -eq 0 ]]; then
    AS_PG+=(setpriv "--reuid=$(pg_user)" "--regid=$(id -g "$(pg_user)")" --clear-groups --)
fi

# Where the cluster lies. A clone below /root cannot be reached by another user; then the data is
# in /var/lib and var/postgres points there.
pg_home() {
    local home=$STACK_DIR/postgres far
    if [[ ! -e $home ]]; then
        if "${AS_PG[@]}" test -x "$STACK_DIR"; then
            mkdir -m 700 "$home"
        else
            far=/var/lib/parley-$(cksum <<<"$STACK_DIR" | cut -d' ' -f1)
            mkdir -p "$far"
            chmod 700 "$far"
            ln -s "$far" "$home"
        fi
        [[ $EUID -ne 0 ]] || chown "$(pg_user):" "$home/."
    fi
    readlink -f "$home"
}

# libpq's form for our programs, with a role; Go's for dbmate.
role_url() {
    echo "postgresql://$1@/parley?host=$SOCKET_DIR"
}
owner_url() {
    role_url parley
}

pg_answers() {
    "$(pg_bin)/pg_isready" -q -h "$SOCKET_DIR" -U parley -d postgres
}

start_postgres() {
    local home
    home=$(pg_home)
    if [[ ! -f $home/PG_VERSION ]]; then
        "${AS_PG[@]}" "$(pg_bin)/initdb" -D "$home" -U parley -A trust -E UTF8 \
            --locale=C.UTF-8 --no-instructions >>"$STACK_DIR/log/postgres.log" 2>&1 ||
            die "initdb failed" "$STACK_DIR/log/postgres.log"
    fi
    # The socket's folder is closed to everybody else: that is what makes `trust` right.
    [[ $EUID -ne 0 ]] || chown "$(pg_user):" "$SOCKET_DIR"
    spawn postgres "${AS_PG[@]}" "$(pg_bin)/postgres" -D "$home" -k "$SOCKET_DIR" \
        -c listen_addresses= -c max_connections=300 -c fsync="$STACK_FSYNC" \
        -c log_min_messages=warning
    wait_for 60 postgres pg_answers
    create_database
}

create_database() {
    local maintenance="postgresql://parley@/postgres?host=$SOCKET_DIR"
    if [[ -z $(psql -qAt "$maintenance" -c "SELECT 1 FROM pg_database WHERE datname = 'parley'") ]]; then
        psql -q "$maintenance" -c 'CREATE DATABASE parley'
    fi
}

# migrate up|down|status
migrate() {
    local dbmate=$TOP/tests/node_modules/.bin/dbmate
    [[ -x $dbmate ]] || dbmate=dbmate
    "$dbmate" --url "postgres://parley@/parley?socket=$SOCKET_DIR" --no-dump-schema \
        --migrations-dir "$TOP/migrations" "$1"
}

# --- Redis, nats-server, coturn ---

redis_url() {
    echo "redis://:$REDIS_PASSWORD@127.0.0.1:$REDIS_PORT/0"
}

# The password goes in by standard input: a command line is for everybody to read.
start_redis() {
    local conf=$STACK_DIR/run/redis.conf
    (
        umask 077
        cat >"$conf" <<END
bind 127.0.0.1
port $REDIS_PORT
requirepass $REDIS_PASSWORD
dir $STACK_DIR/redis
appendonly no
save 300 1
END
    )
    mkdir -p "$STACK_DIR/redis"
    spawn redis redis-server "$conf"
    wait_for 10 redis is_listening "$REDIS_PORT"
}

# nats_url USER
nats_url() {
    local password=NATS_${1^^}_PASSWORD
    echo "nats://$1:${!password}@127.0.0.1:$NATS_PORT"
}

start_nats() {
    local user passwords=()
    for user in $NATS_USERS; do
        user=NATS_${user^^}_PASSWORD
        passwords+=("$user=${!user}")
    done
    spawn nats env "${passwords[@]}" nats-server -c "$TOP/deploy/nats.conf" \
        -a 127.0.0.1 -p "$NATS_PORT" -sd "$STACK_DIR/nats"
    wait_for 10 nats is_listening "$NATS_PORT"
}

turn_urls() {
    echo "turn:127.0.0.1:$TURN_PORT?transport=udp,turn:127.0.0.1:$TURN_PORT?transport=tcp"
}

# Loopback peers are for a stack on one machine only; deploy/turnserver.conf forbids them.
start_coturn() {
    local conf=$STACK_DIR/run/coturn.conf
    (
        umask 077
        grep -vE '^(#|listening-|relay-|m(in|ax)-port|denied-peer)' "$TOP/deploy/turnserver.conf" >"$conf"
        cat >>"$conf" <<END
static-auth-secret=$TURN_SECRET
listening-ip=127.0.0.1
listening-port=$TURN_PORT
relay-ip=127.0.0.1
min-port=$TURN_MIN_PORT
max-port=$((TURN_MIN_PORT + RELAY_PORTS - 1))
allow-loopback-peers
pidfile=$STACK_DIR/run/coturn.turn
userdb=$STACK_DIR/run/coturn.db
END
    )
    spawn coturn turnserver -c "$conf"
    wait_for 10 coturn is_listening "$TURN_PORT"
}
