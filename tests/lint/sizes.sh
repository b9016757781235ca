#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sizes a reader can hold: function <= 60 lines, file <= 900 (a service's feature 600), header
# <= 150, nesting <= 3, parameters <= 6. clang-format fixes where braces and indents stand, so
# counting lines and columns is exact: a function's body opens with "{" alone in column 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

git ls-files --cached --others --exclude-standard -- '*.c' '*.h' |
    while read -r file; do [[ ! -f $file ]] || echo "$file"; done |
    xargs -r awk '
function complain(line, why) {
    printf "%s:%d: %s\n", FILENAME, line, why
    bad = 1
}

function limit(path) {
    return path ~ /\.h$/ ? 150 : path ~ /^services\// ? 600 : 900
}

# Commas between the outermost parentheses of a declaration, plus one.
function parameters(text,    i, c, depth, count) {
    gsub(/__attribute__ *\(\([^()]*(\([^()]*\))?[^()]*\)\)|(PRINTF_LIKE|_Static_assert)\([^()]*\)/, "", text)
    depth = 0
    count = 1
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(")
            depth++
        else if (c == ")" && --depth == 0)
            return count
        else if (c == "," && depth == 1)
            count++
    }
    return 0
}

# The parameters of a callback are what its library passes.
function finish_declaration() {
    if (declaration !~ /MHD_Result|struct lws \*/ && declaration ~ /^[a-z].*[a-z0-9_]\(/ && declaration !~ /=/ && parameters(declaration) > 6)
        complain(declared, "more than 6 parameters: make it a struct")
    declaration = ""
}

FNR == 1 {
    if (lines > limit(previous))
        printf "%s:%d: longer than %d lines\n", previous, lines, limit(previous)
    if (lines > limit(previous))
        bad = 1
    previous = FILENAME
    body = 0
    declaration = ""
}
{ lines = FNR }

# Declarations start in column 0 with a type.
!body && /^[a-zA-Z_]/ && declaration == "" { declared = FNR }
!body && (/^[a-zA-Z_]/ || declaration != "") && !/^#/ {
    declaration = declaration $0
    if (/[;{]$/ || /;[ \t]*\/\*/)
        finish_declaration()
}

/^\{$/ { body = FNR; finish_declaration(); next }
/^\}/ {
    if (body && FNR - body + 1 > 60)
        complain(declared, "function longer than 60 lines: " FNR - body + 1)
    body = 0
    declaration = ""
}
body && /^                +(} )?(if|else|for|while|switch|do)( |$)/ {
    match($0, /^ +/)
    if (RLENGTH % 4 == 0 && RLENGTH >= 16)
        complain(FNR, "nested deeper than 3: name the inner part")
}

END {
    if (lines > limit(previous)) {
        printf "%s:%d: longer than %d lines\n", previous, lines, limit(previous)
        bad = 1
    }
    exit bad
}'
