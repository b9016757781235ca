#!/bin/bash
# SPDX-License-Identifier: MIT
# A container's health: does the ops port answer /ready with 200? Needs nothing but bash.
exec 3<>"/dev/tcp/127.0.0.1/${OPS_LISTEN##*:}" || exit 1
printf 'GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 line <&3
[[ $line == *' 200 '* ]]
