#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Words that must not stand in code (comments and strings do not count), each with the place that
# may use it and the reason. The table is below; the rest only applies it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

git ls-files --cached --others --exclude-standard -- '*.c' '*.h' '*.def' |
    while read -r file; do [[ ! -f $file ]] || echo "$file"; done |
    xargs -r perl -e '
use strict;
use warnings;

# pattern, where it counts, where it is allowed all the same, why
my $ours = qr{^(shared|services|gateway)/};
my $none = qr{^$};
# What outlives a request in a service: its own start and stop, threads of its own, and caches with
# their lock beside.
my $lasting = qr{^services/[a-z-]+/(main|service|lanes|\w+_cache)\.c$};
my @rules = (
    [qr/\b(strcpy|strcat|v?sprintf|strtok|gets|v?asprintf|[sf]?scanf|alloca|strn(cpy|cat))\s*\(/,
        $ours, $none, "has no length or a wrong one: arena_printf, struct buf or a parser of shared/base"],
    [qr/\b(ato[ifl]|atoll)\s*\(/, $ours, $none, "does not report errors: str_parse_u64"],
    [qr/\bgoto\b/, qr/./, $none, "early return with TRY, cleanup by scope"],
    [qr/\b(secure_)?getenv\s*\(/, qr/./, qr{^(shared/base/conf\.c$|tests/)}, "settings are a table of conf.h"],
    [qr/\bjson_(object_get|object_foreach|array_foreach|unpack|unpack_ex)\b/, $ours, qr{^shared/(wire|crypto)/|^gateway/(contracts|openapi|asyncapi)\.c$},
        "JSON is read by shapes"],
    [qr/\b(natsConnection_(Publish|Request)\w*|js_Publish\w*)\s*\(/, $ours, qr{^shared/wire/},
        "handlers emit; the dispatcher publishes"],
    [qr/\b(m|c|re)alloc\s*\(|\bfree\s*\(|\bstrn?dup\s*\(/, qr{^services/}, $lasting,
        "the request owns its memory: arena"],
    [qr/\bpthread_(mutex|rwlock|cond)_/, qr{^services/}, $lasting, "a feature has no lock"],
    [qr/\b(u|nano)?sleep\s*\(/, $ours, qr{^shared/base/}, "wait for the event, with a deadline"],
    [qr/\btypedef\s+struct\b[^;]*\{/, $ours, $none, "structs keep their tag"],
    [qr/\bPQ(exec|escape)\w*\s*\(/, $ours, qr{^shared/store/}, "SQL is a STMT with parameters"],
);

my $bad = 0;
sub complain {
    my ($file, $line, $why) = @_;
    print "$file:$line: $why\n";
    $bad = 1;
}

# Comments and the inside of strings become blanks; lines stay where they are.
sub code_of {
    my ($text) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27)}
              { defined $1 ? ($1 =~ s/[^\n]//gr) : "\"\"" }gse;
    return $text;
}

for my $file (@ARGV) {
    open my $in, "<", $file or die "$file: $!";
    my $text = do { local $/; <$in> };
    complain($file, 1, "the first line is not the SPDX line")
        unless $text =~ m{^/\* SPDX-License-Identifier: MIT\b} || $file =~ /\.def$/;
    my $line = 0;
    for (split /\n/, $text) {
        $line++;
        complain($file, $line, "a TODO is an issue, not a comment") if /\b(TODO|FIXME|XXX)\b/;
        complain($file, $line, "// is for lines that go away before the commit") if m{(^|\s)//\s};
    }
    my $macro = "";
    $line = 0;
    for my $code (split /\n/, code_of($text)) {
        $line++;
        $macro .= $code if $macro ne "" || $code =~ /^\s*#\s*define\b/;
        if ($macro ne "" && $code !~ /\\$/) {
            # A macro that defines a whole function may return from that.
            complain($file, $line, "only TRY returns from inside a macro")
                if $macro =~ /\breturn\b/ && $macro !~ /\)[\s\\]*\{[^{}]*\breturn\b/
                    && $file ne "shared/base/macros.h";
            $macro = "";
        }
        for my $rule (@rules) {
            my ($pattern, $where, $allowed, $why) = @$rule;
            complain($file, $line, "\"$&\": $why")
                if $file =~ $where && $file !~ $allowed && $code =~ $pattern;
        }
    }
}
exit $bad;
'
