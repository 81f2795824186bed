#!/usr/bin/env bash
# How a run scales: what threads share, and that results do not depend on their number.
# Runs a config with 1, 2, 4, 8 and 16 threads, asks for the same bytes (same_bytes.sh), and
# prints for each stage with tiles the tiles of the busiest thread: cores beyond those of
# this machine are counted, not timed. doc/manual.md has such a table.
#
#   scaling.sh BUILD CONFIG
set -eu
[ $# -eq 2 ] || {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 64
}
tools=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1") config=$(realpath "$2")
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-scaling.XXXXXX")
trap 'rm -rf "$work"' EXIT

# "STAGE TILES" a line, of a run.
tiles() {
    "$build/kadanoff" info "$1" | grep '^threads ' | tr ';' '\n' |
        sed -nE 's/^ *(tiles )?of ([a-z0-9_-]+): ([0-9]+)$/\2 \3/p'
}

for threads in 1 2 4 8 16; do
    KEEP=$work THREADS_A=1 THREADS_B=$threads "$tools/same_bytes.sh" "$build" "$build" \
        "$config" >"$work/out" || {
        cat "$work/out"
        exit 1
    }
    [ "$threads" -gt 1 ] || {
        tiles "$work"/a-*/ >"$work/tiles"
        printf '%-18s %5s   tiles of the busiest of 1, 2, 4, 8, 16 threads\n' stage tiles
    }
done
awk '{ printf "%-18s %5d  ", $1, $2
       # training deals at most 16 groups of tiles
       groups = $1 == "training" && $2 > 16 ? 16 : $2
       for (t = 1; t <= 16; t *= 2) {
           own = int((groups + t - 1) / t)
           printf " %4d", own * int(($2 + groups - 1) / groups)
       }
       print "" }' "$work/tiles"
echo 'the same bytes with each of them'
