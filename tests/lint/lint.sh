#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The gates that read text (clang-tidy runs from the Makefile, file by file, only what changed).
# Every gate prints "file:line: why" and fails; all of them run, so that one run shows everything.
set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$TOP" || exit 1

failed=0
gate() {
    local name=$1
    shift
    if "$@"; then
        printf 'lint: %-10s ok\n' "$name"
    else
        printf 'lint: %-10s FAILED\n' "$name"
        failed=1
    fi
}

format() {
    tracked '*.c' '*.h' | xargs -r clang-format --dry-run --Werror
}

# What git knows or would add: a stray file in build/ or var/ is nobody's code.
tracked() {
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        [[ ! -f $file ]] || echo "$file"
    done
}

scripts() {
    tracked '*.sh' .ci/run | xargs -r shellcheck -x -s bash -S warning
}

gate layers tests/lint/layers.sh
gate banned tests/lint/banned.sh
gate sizes tests/lint/sizes.sh
gate format format
gate scripts scripts
gate settings node tests/lint/settings.mjs
exit "$failed"
