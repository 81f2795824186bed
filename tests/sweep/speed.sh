#!/usr/bin/env bash
# What a sweep of a thousand points costs beside its runs: one small run is made and copied into
# all folders. Processor seconds against what is aimed at, on a quiet machine.
#
# Environment, set by make: KAD_BUILDDIR.
#   speed.sh all            (check-long)
set -u
[ "${1:-}" = all ] || { echo "1..0 # SKIP of check-long"; exit 0; }
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-speed.XXXXXX")
trap 'cd /; rm -rf "$work"' EXIT
cd "$work" || exit 1
unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID
cat >thousand.yaml <<'YAML'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
sample: [{name: cluster, draws: 500, chains: 16, store_configs: 0}]
sweep:
  grid: {action.temperature: {from: 2, to: 2.6, points: 1000}}
YAML
sed 's/points: 1000/points: 10000/' thousand.yaml >many.yaml
kadanoff sweep run --point 1 thousand.yaml -q || { echo "Bail out! no point"; exit 1; }
"$KAD_BUILDDIR/tests/sweep/copies" thousand.yaml || { echo "Bail out! no copies"; exit 1; }
n=0
costs() { # SECONDS WHAT ...: the command's processor seconds
    local most=$1 what=$2 used status
    shift 2
    TIMEFORMAT='%U %S'
    used=$({ time kadanoff "$@" >out.txt 2>err.txt; } 2>&1)
    status=$?
    used=$(awk '{printf "%.2f", $1 + $2}' <<<"$used")
    n=$((n + 1))
    if [ $status -eq 0 ] && awk -v u="$used" -v m="$most" 'BEGIN {exit !(u <= m)}'; then
        echo "ok $n - $what: $used s of $most"
    else
        echo "not ok $n - $what: $used s of $most"
        sed 's/^/# /' err.txt
    fi
}
costs 2 "plan of 10000 points" sweep plan --no-timing many.yaml
costs 2 "status of 1000 complete points" sweep status thousand.yaml
costs 2 "a worker finds 1000 points complete" sweep run thousand.yaml
costs 10 "table of 1000 points" sweep table thousand.yaml
echo 1..$n
