# SPDX-License-Identifier: MIT
# Our own programs in a private stack (sourced by deploy/stack.sh). A process is NAME-NUMBER; its
# settings are run/NAME-NUMBER.env, so that it can be started again exactly as it was.
# shellcheck shell=bash

# In the order they start; the gateway opens the door last.
ALL_PROGRAMS="auth messaging media presence moderation voice-signaling integrations gateway"

programs() {
    local name
    for name in ${PROGRAMS:-$ALL_PROGRAMS}; do
        [[ ! -x $BIN/$name ]] || echo "$name"
    done
}

has_program() {
    programs | grep -qx "$1"
}

copies_of() {
    [[ $1 == gateway ]] && echo "$GATEWAYS" || echo "$COPIES"
}

# The short name: of the bus user, the database role and the variables in stack.env.
short() {
    echo "${1%-signaling}"
}

load_admin() {
    local file=$STACK_DIR/admin.env
    if [[ ! -f $file ]]; then
        (
            umask 077
            cat >"$file" <<END
ADMIN_USERNAME=admin
ADMIN_EMAIL=admin@parley.localhost
ADMIN_PASSWORD=$(random_secret | head -c 21)
END
        )
    fi
    # shellcheck disable=SC1090
    . "$file"
}

public_url() {
    local port=PUBLIC_PORT_$1
    echo "http://127.0.0.1:${!port}"
}

# What PROGRAM number N is told.
settings_of() {
    local program=$1 number=$2 ops=$3 public=PUBLIC_PORT_$2
    cat <<END
NATS_URL=$(nats_url "$(short "$program")")
OPS_LISTEN=127.0.0.1:$ops
REDIS_URL=$(redis_url)
END
    case $program in
    gateway)
        cat <<END
LISTEN=127.0.0.1:${!public}
PUBLIC_URL=$(public_url "$number")
WEB_ROOT=$TOP/gateway/clients/web
DOCUMENTS=${BIN%/bin}/share
END
        ;;
    presence | voice-signaling) ;; # no tables
    *) echo "DATABASE_URL=$(role_url "parley_$(short "$program")")" ;;
    esac
    case $program in
    auth) cat "$STACK_DIR/admin.env" ;;
    messaging) echo "MEDIA_SECRET=$MEDIA_SECRET" ;;
    media) printf 'MEDIA_SECRET=%s\nMEDIA_ROOT=%s\n' "$MEDIA_SECRET" "$STACK_DIR/media" ;;
    voice-signaling) printf 'TURN_SECRET=%s\nTURN_URLS=%s\n' "$TURN_SECRET" "$(turn_urls)" ;;
    esac
    # shellcheck disable=SC2086 # a list of words
    printf '%s\n' ${SETTINGS:-}
}

plan_programs() {
    local number ops program name
    load_admin
    mkdir -p "$STACK_DIR/media"
    [[ ${LISTEN_PORT:-8080} == 0 ]] || next_port_was=$next_port next_port=${LISTEN_PORT:-8080}
    take_port PUBLIC_PORT_1
    next_port=${next_port_was:-$next_port}
    for ((number = 2; number <= GATEWAYS; number++)); do
        take_port "PUBLIC_PORT_$number"
    done
    for ((number = 1; number <= GATEWAYS; number++)); do
        name=PUBLIC_PORT_$number
        echo "$name=${!name}" >>"$STACK_DIR/run/plan.env"
    done
    for program in $(programs); do
        for ((number = 1; number <= $(copies_of "$program"); number++)); do
            take_port ops
            (
                umask 077
                settings_of "$program" "$number" "$ops" >"$STACK_DIR/run/$program-$number.env"
            )
        done
    done
}

is_ready() {
    local address
    address=$(sed -n 's/^OPS_LISTEN=//p' "$STACK_DIR/run/$1.env")
    http_ok "${address##*:}" /ready
}

spawn_program() {
    local name=$1 settings
    [[ -f $STACK_DIR/run/$name.env ]] || die "there is no $name in this stack"
    mapfile -t settings < <(grep . "$STACK_DIR/run/$name.env")
    spawn "$name" env -i PATH="$PATH" LANG=C.UTF-8 \
        ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} \
        ${UBSAN_OPTIONS:+UBSAN_OPTIONS="$UBSAN_OPTIONS"} \
        ${TSAN_OPTIONS:+TSAN_OPTIONS="$TSAN_OPTIONS"} \
        "${settings[@]}" "$BIN/${name%-*}"
}

start_program() {
    spawn_program "$1"
    wait_for 30 "$1" is_ready "$1"
}

# All at once, then wait for each: a service may need another to become ready.
start_programs() {
    local file names=() name program number
    for program in $(programs); do
        for ((number = 1; number <= $(copies_of "$program"); number++)); do
            names+=("$program-$number")
        done
    done
    for name in "${names[@]}"; do
        spawn_program "$name"
    done
    for name in "${names[@]}"; do
        wait_for 30 "$name" is_ready "$name"
    done
}

# stack.env: what a test, a tool or a person needs to talk to this stack.
write_env() {
    local file=$STACK_DIR/stack.env program
    load_admin
    (
        umask 077
        {
            echo "STACK_DIR=$STACK_DIR"
            echo "STACK=$TOP/deploy/stack.sh"
            echo "BIN=$BIN"
            echo "REDIS_URL=$(redis_url)"
            echo "NATS_URL_OPERATOR=$(nats_url operator)"
            echo "DATABASE_URL_OWNER='$(owner_url)'"
            for program in $ALL_PROGRAMS; do
                program=$(short "$program")
                env_of "$program"
            done
            cat "$STACK_DIR/admin.env"
            [[ ! -f $STACK_DIR/run/gateway-1.env ]] || env_of_door
            env_of_ops
        } >"$file"
    )
}

env_of() {
    [[ " $NATS_USERS " != *" $1 "* ]] || echo "NATS_URL_${1^^}=$(nats_url "$1")"
    [[ $1 == gateway || $1 == presence || $1 == voice ]] ||
        echo "DATABASE_URL_${1^^}='$(role_url "parley_$1")'"
}

env_of_door() {
    local number urls=
    for ((number = 1; number <= GATEWAYS; number++)); do
        urls+=${urls:+,}$(public_url "$number")
    done
    echo "PARLEY_URL=$(public_url 1)"
    echo "PARLEY_URLS=$urls"
    echo "TURN_SECRET=$TURN_SECRET"
    echo "TURN_URLS='$(turn_urls)'"
}

# Where each process of ours shows its health and metrics: OPS_AUTH_1=http://...
env_of_ops() {
    local file name
    for file in "$STACK_DIR"/run/*-[0-9]*.env; do
        [[ -f $file ]] || continue
        name=$(basename "$file" .env)
        name=${name^^}
        echo "OPS_${name//-/_}=http://$(sed -n 's/^OPS_LISTEN=//p' "$file")"
    done
}
