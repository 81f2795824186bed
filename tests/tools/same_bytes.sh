#!/usr/bin/env bash
# Two builds write the same numbers: every data set of the map's parameters, the training,
# the samplers, their analysis and the bulk, to the byte. For changes of the code's form,
# which may move no number. Prints TAP.
#
#   same_bytes.sh BUILD_A BUILD_B             all examples (the demos are among them), and
#                                             a config of every sampler
#   same_bytes.sh BUILD_A BUILD_B CONFIG...   these
#
# BUILD: folders that hold a `kadanoff`. Runs are shortened: few training steps and draws.
# THREADS_A, THREADS_B (2): one build with itself must agree on any number of threads.
# KEEP: a folder that keeps BUILD_A's runs, for another BUILD_B.
set -u
[ $# -ge 2 ] || {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 64
}
source=$(cd "$(dirname "$0")/../.." && pwd)
a=$(realpath "$1/kadanoff") b=$(realpath "$2/kadanoff")
shift 2
work=${KEEP:-}
[ -n "$work" ] || {
    work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-same.XXXXXX")
    trap 'rm -rf "$work"' EXIT
}
mkdir -p "$work"
unset SLURM_JOB_ID
export OMP_WAIT_POLICY=passive

# Not compared: what depends on the clock. Wall times, seconds per draw, tau_int in seconds,
# and all of /comparison, which is made of them.
groups='^/(flow|training|samplers|correlators|analysis|bulk|exact)/'
clock='/(wall_s|[a-z_]*seconds[a-z_]*)$'

# Nor dimensions without values, where the upper group has a scale of the name by now.
shared='^/bulk/[a-z]+/series/(operator|component|radius)$'

# Tiles that are full and not, sites that are drawn afterwards.
every_sampler() {
    cat <<'END'
lattice: {shape: [4, 6]}
action: {name: phi4, form: hopping, components: 2, kappa: 0.3, lambda: 1}
flow: {recipe: neuralrg, symmetry: mixture}
sample:
  - {name: mis, chains: 3}
  - {name: direct}
  - {name: hmc, chains: 40}
  - {name: latent-hmc, chains: 40, store_latents: true}
  - {name: latent-metropolis, chains: 40, store_latents: true}
  - {name: metropolis, chains: 40}
  - {name: cluster, chains: 40}
  - {name: tempering, chains: 40, replicas: 3, base: hmc}
  - {name: annealed, updates: 3}
bulk: {}
END
}

# Few draws: some tiles of independent ones, some batches of chains.
overrides() { # overrides CONFIG
    local i=0 name draws
    printf '%s\n' train.steps=6 train.eval_samples=96 train.eval_final=160
    ! grep -q '^bulk:' "$1" || echo bulk.configs=320
    ! grep -q '^family:' "$1" || printf '%s\n' family.values=2 family.draws=400
    while read -r name; do
        draws=32
        case $name in mis | direct | annealed) draws=400 ;; esac
        printf "sample[$i].%s\n" "draws=$draws" store_configs=40
        [ "$name" = direct ] || echo "sample[$i].burn_in=4"
        i=$((i + 1))
    done < <(sed -nE 's/^ *- *\{ *name: *([a-z-]+).*/\1/p' "$1")
}

run_one() { # run_one KADANOFF THREADS CONFIG FOLDER
    local keys
    [ ! -e "$4/done" ] || return 0
    rm -rf "$4"
    mapfile -t keys < <(overrides "$3")
    "$1" run "$3" -q -t "$2" -o "$4" "${keys[@]}" >"$4.log" 2>&1 || return 1
    if grep -q '^bulk:' "$3"; then
        "$1" bulk "$4" -q -t "$2" >>"$4.log" 2>&1 || return 1
    fi
    touch "$4/done"
}

# Where data sets of earlier builds lie by now (format_version 3: what belongs to proposals).
dropped='^/samplers/direct(_[0-9]+)?/observables/action$' # the same twice
by_now() {
    sed -E -e 's#^(/samplers/(mis|direct)(_[0-9]+)?)/(log_weight|action)$#\1/proposals/\4#' \
        -e 's#^(/samplers/direct(_[0-9]+)?)/observables/#\1/proposals/#'
}

# Data sets that are compared: their names by now, and in the file.
names() { # names FILE
    h5dump -n 1 "$1" | awk '$1 == "dataset" { print $2 }' | grep -E "$groups" |
        grep -vE "$clock|$shared|$dropped" >"$work/own"
    paste <(by_now <"$work/own") "$work/own" | LC_ALL=C sort
}

# Numbers of the data sets in $work/common, whatever type holds them.
numbers() { # numbers FILE NAMES
    local sets
    mapfile -t sets < <(LC_ALL=C join "$work/common" "$2" | sed 's/.* /--dataset=/')
    h5dump -A 0 -m %.17g "${sets[@]}" "$1" | tail -n +2 | grep -v DATATYPE |
        awk -F '"' '
            NR == FNR { split($0, name, "\t"); now[name[2]] = name[1]; next }
            /^DATASET/ { print "DATASET", now[$2]; next }
            { print }' "$2" -
}

# All that A has, B has to the byte. What only B has is counted: others' new data sets.
compare() { # compare A B
    local f rc=0 a_file=$1/run.h5 b_file=$2/run.h5
    for f in a b; do
        names "$1/run.h5" >"$work/$f.both"
        cut -f 1 "$work/$f.both" >"$work/$f.names"
        shift
    done
    LC_ALL=C comm -12 "$work/a.names" "$work/b.names" >"$work/common"
    LC_ALL=C comm -23 "$work/a.names" "$work/b.names" >"$work/lost"
    sed 's/^/# missing: /' "$work/lost"
    [ ! -s "$work/lost" ] && [ "$(wc -l <"$work/common")" -gt 20 ] || rc=1
    cmp -s "$work/common" "$work/b.names" ||
        echo "# $(LC_ALL=C comm -13 "$work/a.names" "$work/b.names" | wc -l) data sets are new"
    numbers "$a_file" "$work/a.both" >"$work/a.txt" || return 1
    numbers "$b_file" "$work/b.both" >"$work/b.txt" || return 1
    cmp -s "$work/a.txt" "$work/b.txt" && return $rc
    for f in a b; do
        awk '/^DATASET/ { name = $2 } { print name, $0 }' "$work/$f.txt" |
            LC_ALL=C sort >"$work/$f.named"
    done
    LC_ALL=C comm -3 "$work/a.named" "$work/b.named" | awk '{ print "# differs: " $1 }' |
        sort -u
    return 1
}

[ $# -gt 0 ] || {
    every_sampler >"$work/every-sampler.yaml"
    mapfile -t examples < <(grep -L '^sweep:' "$source"/examples/*.yaml "$source"/examples/*/*.yaml)
    set -- "$work/every-sampler.yaml" "${examples[@]}"
}
echo "1..$#"
number=0 failed=0
for config; do
    number=$((number + 1))
    name=$(basename "$config" .yaml)
    if run_one "$a" "${THREADS_A:-2}" "$config" "$work/a-$name" &&
        run_one "$b" "${THREADS_B:-2}" "$config" "$work/b-$name"; then
        compare "$work/a-$name" "$work/b-$name"
        rc=$?
    else
        sed 's/^/# /' "$work"/[ab]-"$name".log
        rc=1
    fi
    [ $rc -eq 0 ] || { echo -n "not " && failed=1; }
    echo "ok $number - same bytes: $name"
    rm -rf "$work/b-$name"
    [ -n "${KEEP:-}" ] || rm -rf "$work/a-$name"
done
exit $failed
