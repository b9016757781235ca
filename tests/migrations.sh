#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Inside a stack of its own: migrations apply from empty, a second run does nothing, every one of
# them undone leaves an empty database, and they apply again to the same schema. Prints the closing
# line of a C test binary.
set -uo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

passed=0
failed=0
check() {
    local sentence=$1
    shift
    if "$@"; then
        echo "ok $sentence"
        passed=$((passed + 1))
    else
        echo "FAILED $sentence"
        failed=$((failed + 1))
    fi
}

query() {
    psql -qAt "$DATABASE_URL_OWNER" -c "$1"
}

# Everything anybody could have left behind, as sorted text.
shape() {
    pg_dump --schema-only --exclude-table=schema_migrations "$DATABASE_URL_OWNER" |
        grep -vE '^(--|SET |SELECT pg_catalog|\\(un)?restrict|$)'
}

objects() {
    query "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relname !~ '^schema_migrations'"
    query "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname !~ '^(pg_|information_schema)'"
    query "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'"
    query "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'parley\_%'"
}

applied() {
    query "SELECT count(*) FROM schema_migrations"
}

undo_all() {
    while [[ $(applied) != 0 ]]; do
        "$TOP/deploy/stack.sh" migrate-down >/dev/null || return 1
    done
}

is_empty() {
    [[ $(objects | tr '\n' ' ') == '0 0 0 0 ' ]]
}

files=$(find "$TOP/migrations" -name '*.sql' | wc -l)
first=$(shape)
check "every migration is applied to an empty database" [ "$(applied)" = "$files" ]
check "a second run does nothing" [ -z "$("$TOP/deploy/stack.sh" migrate-up)" ]
check "every migration can be undone" undo_all
check "nothing is left when all are undone" is_empty
check "they apply again" eval '"$TOP/deploy/stack.sh" migrate-up >/dev/null'
check "and make the same schema" [ "$(shape)" = "$first" ]
echo "$passed passed, $failed failed"
exit "$failed"
