#!/usr/bin/env bash
# How a run scales: what threads share, and that results do not depend on their number.
# Runs a config with 1, 2, 3, 4, 8 and 16 threads, asks for the same bytes (same_bytes.sh), and
# prints for each stage with tiles what part of its work the busiest thread has: cores beyond
# those of this machine are counted, not timed. doc/manual.md has such a table.
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
        sed -nE 's/^ *(tiles )?of ([a-z0-9_-]+): ([0-9]+).*$/\2 \3/p'
}

# "SHARE ..." of training: of the busiest of 1, 2, 4, ... threads (/training/busiest).
busiest() {
    h5dump -d /training/busiest -y -w 0 "$1" | awk '/DATA {/ { getline; print; exit }' |
        tr -d ,
}

for threads in 1 2 3 4 8 16; do
    KEEP=$work THREADS_A=1 THREADS_B=$threads "$tools/same_bytes.sh" "$build" "$build" \
        "$config" >"$work/out" || {
        cat "$work/out"
        exit 1
    }
    [ "$threads" -gt 1 ] || {
        tiles "$work"/a-*/ >"$work/tiles"
        training=$(busiest "$work"/a-*/run.h5)
    }
done
printf '%-18s %5s   %% of its work that the busiest of 1, 2, 4, 8, 16 threads has\n' \
    stage tiles
awk -v training="$training" '
    { printf "%-18s %5d  ", $1, $2
      split(training, share)
      for (t = k = 1; t <= 16; t *= 2) { # awk counts from 1
          own = int(($2 + t - 1) / t) / $2
          printf " %5.1f", 100 * ($1 == "training" ? share[k++] : own)
      }
      print "" }' "$work/tiles"
echo 'the same bytes with each of them'
