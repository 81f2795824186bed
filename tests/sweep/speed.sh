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
seconds() { # COMMAND: its processor seconds and exit code
    local used status
    TIMEFORMAT='%U %S'
    used=$({ time "$@" >out.txt 2>err.txt; } 2>&1)
    status=$?
    awk -v s=$status '{printf "%.2f %d", $1 + $2, s}' <<<"$used"
}
costs() { # SECONDS WHAT ...: the command's
    local most=$1 what=$2 used status
    shift 2
    read -r used status <<<"$(seconds kadanoff "$@")"
    n=$((n + 1))
    if [ "$status" -eq 0 ] && awk -v u="$used" -v m="$most" 'BEGIN {exit !(u <= m)}'; then
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
# The same twenty runs by a worker, and each by its own program.
alone() {
    local i
    for i in $(seq 42 61); do kadanoff run some.yaml -q -o "alone/$i" "seed=$i" || return; done
}
head -3 thousand.yaml >some.yaml
cat some.yaml - >twenty.yaml <<'YAML'
sweep: {grid: {seed: {repeat: 20}}}
YAML
mkdir alone
read -r runs status <<<"$(seconds alone)"
[ "$status" -eq 0 ] || runs=0
costs "$(awk -v r="$runs" 'BEGIN {print r + 20 * 0.1}')" \
    "a worker's twenty points, 0.1 s each beside $runs s of runs" sweep run -q twenty.yaml
# (a million draws at 24 points, reweighted: tests/analysis/long_mbar)
echo 1..$n
