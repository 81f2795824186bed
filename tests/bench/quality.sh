#!/usr/bin/env bash
# The quality of the maps, as a table in Markdown: every case is trained by the program from
# its default recipe and evaluated on fresh draws; over several seeds the median and the
# range are given. doc/results.md holds the output of this script.
#
#   quality.sh PROGRAM cases [SEEDS]      the cases (SEEDS: "1 2 3 4 5")
#   quality.sh PROGRAM large [SEEDS]      larger lattices (minutes to an hour a row)
#   quality.sh PROGRAM ablation           what each ingredient is worth, on Ising 16 x 16
#   quality.sh PROGRAM states [SEEDS]     couplings with many states, annealed and not
#   ONLY=TEXT quality.sh ...              rows whose name contains TEXT
#   COSTS=yes quality.sh ...              in their place, of the first seed: milliseconds of an
#                                         independent configuration, beside cluster and hmc
set -euo pipefail
program=$1
what=${2-cases}
seeds=${3-1}
folder=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-quality.XXXXXX")
trap 'rm -rf "$folder"' EXIT

critical='action.name=on-dual action.temperature=2.269185314213022'
albergo='action.name=phi4 action.form=albergo action.m2=-4'
complex='action.name=phi4 action.form=hopping action.components=2 action.lambda=1'
xy='action.name=on-dual action.components=2'
glass="action.name=on-dual action.beta=0.5 action.couplings=$folder/bonds.txt"

# bonds L: couplings +-1 on the L x L torus, from a Lehmer generator
bonds() {
    awk -v L="$1" 'function bond(i, j) {
        seed = seed * 48271 % 2147483647
        print i, j, seed < 1073741824 ? -1 : 1 }
    BEGIN { seed = 1; for (i = 0; i < L * L; i++) {
        bond(i, i - i % L + (i + 1) % L)
        bond(i, (i + L) % (L * L)) } }'
}

# value KEY of the last finished training line
field() {
    grep '"finished":true' "$1/progress.jsonl" | grep '"stage":"train' | tail -n 1 |
        grep -o "\"$2\":[-+0-9.eE]*" | head -n 1 | cut -d: -f2
}

median() {
    tr ' ' '\n' | sed '/^$/d' | sort -g | awk -v form="$1" '{v[NR] = $1}
        END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2;
              if (NR > 1) printf form " (" form " to " form ")", m, v[1], v[NR];
              else printf form, m }'
}

# costs NAME OVERRIDES...: the line of a run with all three samplers
costs() {
    local name=$1 run=$folder/run sampler line=''
    shift
    rm -rf "$run"
    "$program" run "$folder/empty.yaml" "$@" seed="${seeds%% *}" -o "$run" \
        'sample=[{name: mis, draws: 20000}, {name: cluster, draws: 5000}, {name: hmc, draws: 4000}]' \
        >"$folder/log" 2>&1 || { tail -n 3 "$folder/log" >&2; return 1; }
    "$program" compare "$run" >"$folder/compared"
    for sampler in mis cluster hmc; do
        line="$line $(awk -v s="$sampler" '$1 == s { print $6 }' "$folder/compared") |"
    done
    echo "| $name |$line"
}

# row NAME OVERRIDES...: train with every seed, print one line
row() {
    local name=$1 ess='' gap='' time='' acceptance='' seed run
    shift
    case $name in *"${ONLY-}"*) ;; *) return 0 ;; esac
    if [ -n "${COSTS-}" ]; then
        costs "$name" "$@"
        return
    fi
    for seed in $seeds; do
        run=$folder/run
        rm -rf "$run"
        "$program" train "$folder/empty.yaml" "$@" seed="$seed" -o "$run" \
            >"$folder/log" 2>&1 || { tail -n 3 "$folder/log" >&2; return 1; }
        ess="$ess $(field "$run" ESS)"
        gap="$gap $(field "$run" 'KL gap' || true)"
        acceptance="$acceptance $(field "$run" acceptance)"
        time="$time $(field "$run" wall_s)"
    done
    [ -n "$(echo "$gap" | tr -d ' ')" ] && gap=$(echo "$gap" | median %.3f) || gap='not known'
    echo "| $name | \`${*//$folder\//}\` | $(echo "$ess" | median %.3f) | $gap |" \
        "$(echo "$acceptance" | median %.3f) | $(echo "$time" | median %.0f) |"
}

head_line() {
    if [ -n "${COSTS-}" ]; then
        printf '| %s, ms | `mis` | `cluster` | `hmc` |\n|---|---|---|---|\n' "$1"
        return
    fi
    echo "| $1 | keys | ESS | KL gap (nats) | acceptance | seconds |"
    echo "|---|---|---|---|---|---|"
}

cases() {
    head_line case
    row 'Ising T_c, 8 x 8' lattice.shape='[8,8]' $critical
    row 'Ising T_c, 16 x 16' lattice.shape='[16,16]' $critical
    row 'phi^4 E1, 6 x 6' lattice.shape='[6,6]' $albergo action.lambda=6.975
    row 'phi^4, 8 x 8' lattice.shape='[8,8]' $albergo action.lambda=6.008
    row 'phi^4, 12 x 12' lattice.shape='[12,12]' $albergo action.lambda=5.276
    row 'phi^4 E5, 14 x 14' lattice.shape='[14,14]' $albergo action.lambda=5.113
    row 'phi^4, 16 x 16' lattice.shape='[16,16]' $albergo action.lambda=4.95
    local kappa
    for kappa in 0.4 0.45 0.5 0.55; do
        row "complex phi^4, kappa $kappa, 8 x 8" lattice.shape='[8,8]' $complex \
            action.kappa=$kappa
    done
    row 'XY beta 1, 8 x 8' lattice.shape='[8,8]' $xy action.beta=1
    row 'XY beta 1, 16 x 16' lattice.shape='[16,16]' $xy action.beta=1
    row 'complex phi^4, kappa 0.5, 16 x 16' lattice.shape='[16,16]' $complex \
        action.kappa=0.5
    local extents
    for extents in 5,5 6,6 7,7 9,9 10,10 12,12 14,14 8,12; do
        row "Ising T_c, ${extents/,/ x }" lattice.shape="[$extents]" $critical
    done
    row 'XY beta 1, 7 x 7' lattice.shape='[7,7]' $xy action.beta=1
    row 'Ising T_c, 3 x 3 x 3' lattice.shape='[3,3,3]' action.name=on-dual \
        action.temperature=4.511528
    bonds 8 >"$folder/bonds.txt"
    row '+-J glass beta 0.5, 8 x 8' lattice.shape='[8,8]' $glass
}

# Lattices at or near criticality, those of arXiv:2207.00283 for phi^4.
large() {
    head_line 'large lattices'
    row 'phi^4, 20 x 20' lattice.shape='[20,20]' $albergo action.lambda=4.807
    row 'phi^4, 32 x 32' lattice.shape='[32,32]' $albergo action.lambda=4.572
    row 'phi^4, 64 x 64' lattice.shape='[64,64]' $albergo action.lambda=4.398
    row 'Ising T_c, 32 x 32' lattice.shape='[32,32]' $critical
    row 'complex phi^4, kappa 0.5, 32 x 32' lattice.shape='[32,32]' $complex \
        action.kappa=0.5
    row 'XY beta 1, 32 x 32' lattice.shape='[32,32]' $xy action.beta=1
    row 'Ising T_c, 64 x 64' lattice.shape='[64,64]' $critical
}

# blocks: two Ising blocks of 2 x 4 sites that do not know of each other
blocks() {
    awk 'BEGIN { for (b = 0; b < 16; b += 8) for (i = 0; i < 4; i++) {
        print b + i, b + (i + 1) % 4, 1; print b + 4 + i, b + 4 + (i + 1) % 4, 1
        print b + i, b + 4 + i, 1 } }'
}

# Many states that no symmetry relates: with a map that misses some, the KL gap is the
# logarithm of the share that it has while ESS is near 1.
states() {
    local old='train.anneal_fraction=0 train.rate=4e-3' at='action.name=on-dual'
    head_line 'many states'
    blocks >"$folder/blocks.txt"
    bonds 4 >"$folder/bonds4.txt"
    bonds 8 >"$folder/bonds8.txt"
    local two="lattice.shape=[4,4] $at action.beta=2 action.couplings=$folder/blocks.txt"
    local few="lattice.shape=[4,4] $at action.beta=1.5 action.couplings=$folder/bonds4.txt"
    local more="lattice.shape=[8,8] $at action.beta=1 action.couplings=$folder/bonds8.txt"
    row 'two blocks, beta 2' $two
    row 'not annealed' $two $old
    row '+-J glass beta 1.5, 4 x 4' $few
    row 'not annealed' $few $old
    row '+-J glass beta 1, 8 x 8' $more
    row 'not annealed' $more $old
}

ablation() {
    local base="lattice.shape=[16,16] $critical flow.average=1 train.steps=3000"
    head_line 'Ising 16 x 16, 3000 steps'
    row 'default' $base
    row 'averaged over 4 images' ${base/average=1/average=4}
    row 'affine transforms' $base flow.generator=affine flow.refinement=affine
    row 'affine refinements' $base flow.refinement=affine
    row 'no transform of the top site' $base flow.ring=false
    row 'no learned spectrum' $base flow.spectrum=none
    row 'spectrum first' $base flow.spectrum=first
    row 'wavelet details' $base flow.details=wavelet
    row '2 refinements' $base flow.refinements=2 flow.refinements_finest=2
    row 'no refinements' $base flow.refinements=0 flow.refinements_finest=0
    row 'four sources' $base flow.sources=4
    row 'field, not whitened' $base action.representation=field
    row 'plain gradient' $base train.gradient=plain
    row 'Adam' $base train.optimiser=adam train.rate=2e-3
    row 'ladder from 4 x 4' $base train.ladder=true
    row 'wavelet recipe' $base flow.recipe=wavelet
    row 'neuralrg recipe' $base flow.recipe=neuralrg
}

: >"$folder/empty.yaml"
case $what in
cases | large | ablation | states) $what ;;
*) sed -n '2,13s/^# //p' "$0" >&2; exit 64 ;;
esac
