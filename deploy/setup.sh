#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, and nothing when nothing is: Debian packages of deploy/packages.txt as
# root or by sudo, and from npm what tests/package-lock.json pins.
#
#   setup.sh run     what building and running need (dbmate is the only npm package of these)
#   setup.sh test    the tools of the tests and of lint as well
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FOR=${1:-test}
NODE_AT_LEAST=18

say() {
    printf 'setup: %s\n' "$*" >&2
}

# A command that need not come from its Debian package: somebody's own Node will do, if new enough.
has_command() {
    local major
    command -v "$1" >/dev/null 2>&1 || return 1
    [[ $1 == node ]] || return 0
    major=$(node -p 'process.versions.node.split(".")[0]')
    ((major >= NODE_AT_LEAST))
}

wanted_packages() {
    local group package tool
    while read -r group package tool; do
        [[ -n $group && $group != \#* ]] || continue
        [[ $group != test || $FOR == test ]] || continue
        [[ -z $tool ]] || ! has_command "$tool" || continue
        echo "$package"
    done <"$TOP/deploy/packages.txt"
}

missing_packages() {
    local wanted installed
    wanted=$(wanted_packages | sort)
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
        sed -n 's/^installed //p' | sort -u)
    comm -23 <(echo "$wanted") <(echo "$installed") | tr '\n' ' '
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# The engines are started by us, privately. Their packages would start a server of their own, and
# again at every boot: not what somebody asked for who typed `make run`.
install_packages() {
    local policy=/usr/sbin/policy-rc.d ours="" unit
    if [[ ! -e $policy ]]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    local status=0
    as_root apt-get update -q || say "the package lists could not be refreshed; trying with the old ones"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" </dev/null || status=$?
    [[ -z $ours ]] || as_root rm -f "$policy"
    [[ $status == 0 ]] || exit "$status"
    if [[ -d /run/systemd/system ]]; then
        for unit in postgresql redis-server nats-server coturn; do
            [[ " $* " != *" ${unit/postgresql/postgresql-15} "* ]] ||
                as_root systemctl disable --quiet "$unit" || true
        done
    fi
}

ensure_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: the packages of deploy/packages.txt are yours to install"
        return
    fi
    missing=$(missing_packages)
    [[ -n ${missing// /} ]] || return 0
    say "installing Debian packages: $missing"
    # shellcheck disable=SC2086
    install_packages $missing
}

# The stamp holds what was installed; the lock file says what should be.
ensure_node_modules() {
    local stamp=$TOP/tests/node_modules/.parley wanted scope=()
    wanted="$FOR $(cksum <"$TOP/tests/package-lock.json")"
    # A tree with the test tools serves `run` too.
    if [[ -f $stamp && ($(<"$stamp") == "$wanted" || $(<"$stamp") == "test ${wanted#* }") ]]; then
        return
    fi
    [[ $FOR == test ]] || scope=(--omit=dev)
    say "installing npm packages into tests/node_modules"
    (cd "$TOP/tests" && npm ci --no-fund --no-audit --loglevel=error "${scope[@]}" </dev/null >&2)
    echo "$wanted" >"$stamp"
}

ensure_packages
ensure_node_modules
