#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Includes go down only: base <- domain <- crypto <- wire <- store <- service <- services/*, gateway.
# A service never includes another one; the gateway sees only their api.def; a foreign library is
# included where it is wrapped and nowhere else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

git ls-files --cached --others --exclude-standard -- 'shared/*.[ch]' 'shared/*.def' \
    'services/*.[ch]' 'services/*.def' 'gateway/*.[ch]' 'gateway/*.def' |
    while read -r file; do [[ ! -f $file ]] || echo "$file"; done |
    xargs -r awk '
BEGIN {
    rank["shared/base"] = 0
    rank["shared/domain"] = 1
    rank["shared/crypto"] = 2
    rank["shared/wire"] = 3
    rank["shared/store"] = 4
    rank["shared/service"] = 5

    # header (by its first word) -> who may include it
    owner["nats"] = "^(shared/(wire|service)|gateway)/"
    owner["jansson"] = "^(shared/(wire|crypto|service)|gateway)/"
    owner["libpq-fe"] = "^shared/store/"
    owner["hiredis"] = "^shared/store/"
    owner["microhttpd"] = "^(shared/service|gateway)/"
    owner["libwebsockets"] = "^gateway/"
    owner["ev"] = "^(shared/store|gateway)/"
    owner["jwt"] = "^shared/crypto/"
    owner["openssl"] = "^shared/(crypto|store)/"
    owner["sodium"] = "^shared/crypto/"
    owner["magic"] = "^services/media/"
}

function folder(path,    part) {
    split(path, part, "/")
    return part[1] == "gateway" ? "gateway" : part[1] "/" part[2]
}

function complain(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    bad = 1
}

function check_ours(path,    from, to) {
    from = folder(FILENAME)
    to = folder(path)
    if (from == to || (from !~ /^shared/ && to in rank))
        return
    if (from == "gateway" && path ~ /^services\/[a-z-]+\/api\.def$/)
        return
    if (from in rank && to in rank && rank[to] < rank[from])
        return
    complain(from " must not include " path)
}

/^#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    if (quoted[2] !~ /^(shared|services|gateway)\//)
        complain("include from the root of the tree, not \"" quoted[2] "\"")
    else
        check_ours(quoted[2])
}

/^#[ \t]*include[ \t]*</ {
    split($0, angled, /[<>]/)
    split(angled[2], word, /[\/.]/)
    if (word[1] in owner && FILENAME !~ owner[word[1]])
        complain("<" angled[2] "> is wrapped elsewhere: " owner[word[1]])
}

END { exit bad }'
