#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What an idle Parley costs: memory of all processes of ours together (PSS: shared pages counted
# once), and how long each takes from exec to /ready.
set -euo pipefail

pss_kb() {
    awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"
}

total=0
detail=
for file in "$STACK_DIR"/run/*-[0-9]*.pid; do
    name=$(basename "$file" .pid)
    kb=$(pss_kb "$(head -n 1 "$file" | cut -d ' ' -f 1)")
    total=$((total + kb))
    detail+="${detail:+, }${name%-1} $((kb / 1024))"
done
printf 'FIGURE\tall own processes idle\t<= 64 MB PSS\t%d MB (%s)\t-\t-\n' $((total / 1024)) "$detail"

slowest=0
slowest_name=
for file in "$STACK_DIR"/run/*-[0-9]*.env; do
    name=$(basename "$file" .env)
    "$STACK" stop "$name" >/dev/null
    mapfile -t settings < <(grep . "$file")
    address=$(sed -n 's/^OPS_LISTEN=//p' "$file")
    began=$(date +%s%N)
    env -i PATH="$PATH" "${settings[@]}" "$BIN/${name%-*}" 2>/dev/null &
    pid=$!
    until curl -fs -o /dev/null "http://$address/ready"; do sleep 0.005; done
    took=$((($(date +%s%N) - began) / 1000000))
    kill "$pid"
    wait "$pid" || true
    "$STACK" start "$name" >/dev/null
    ((took <= slowest)) || { slowest=$took slowest_name=$name; }
done
printf 'FIGURE\texec to ready, slowest process\t<= 1 s\t%d ms (%s)\t-\t-\n' "$slowest" "${slowest_name%-1}"
