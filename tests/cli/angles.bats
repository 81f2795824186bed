#!/usr/bin/env bats
# Spins as angles: maps with a field, with a clock term, with both, against exact values.

load util

# NAME's value, exact value and pull on the screen of a run
row() { awk -v name="$1" '$1 == name { print $2, $3, $4; exit }' "$2"; }

@test "angles: ln Z is exact, and the map good, with and without what breaks the rotations" {
    cat >angles.yaml <<'END'
lattice: {shape: [2, 2]}
action: {name: xy, beta: 0.8}
train: {steps: 400, eval_final: 512}
sample: [{name: mis, draws: 20000}]
END
    for keys in "" "action.field=0.7" "action.clock=0.9" \
        "action.clock=0.6 action.clock_states=3 action.field=-0.3"; do
        rm -rf angles
        # shellcheck disable=SC2086 # a list of overrides
        kadanoff run angles.yaml $keys >screen.txt
        row log_z screen.txt | awk '{ exit !($3 * $3 < 20) }' # exact: rings
        row ess screen.txt | awk '{ exit !($1 + 0 > 0.7) }'
    done
}

@test "angles: a strong clock term is learned" {
    cat >clock.yaml <<'END'
lattice: {shape: [2, 2]}
action: {name: xy, beta: 0.8, clock: 2}
train: {steps: 400, eval_final: 512}
sample: [{name: mis, draws: 20000}]
END
    kadanoff run clock.yaml >screen.txt
    row log_z screen.txt | awk '{ exit !($3 * $3 < 20) }'
    row ess screen.txt | awk '{ exit !($1 + 0 > 0.8) }' # 0.15 to 0.28 without folds
}

@test "angles: transforms of angles are refused elsewhere in one line" {
    fails_with 78 kadanoff run tiny.yaml -o no action.name=phi4 action.m2=-1 action.lambda=1 \
        flow.generator=vm
    fails_with 78 kadanoff run tiny.yaml -o no action.name=xy flow.hierarchy=mera \
        flow.transform=circ
    # an odd clock has no sign, of which nets without directions know nothing
    fails_with 78 kadanoff run tiny.yaml -o no action.name=xy action.components=2 action.clock=0.3 \
        action.clock_states=3 flow.generator=lfa flow.refinement=lfa
}

@test "angles: keys that do nothing are refused, and a clock term's draws can be" {
    xy="action.name=xy action.components=2 action.temperature=1"
    # shellcheck disable=SC2086 # a list of overrides
    fails_with 78 kadanoff run tiny.yaml -o no $xy action.clock_states=6
    grep -q clock_states err.txt
    # shellcheck disable=SC2086
    fails_with 78 kadanoff run tiny.yaml -o no $xy action.clock=0.5 \
        "sample=[{name: metropolis, draws: 10, overrelaxation: 1}]"
    grep -q overrelaxation err.txt
    # shellcheck disable=SC2086
    fails_with 78 kadanoff run tiny.yaml -o no $xy "sample=[{name: metropolis, draws: 10, width: 2}]"
    grep -q width err.txt
    fails_with 78 kadanoff run tiny.yaml -o no "sample=[{name: metropolis, draws: 10, cluster_moves: 2}]"
    kadanoff run tiny.yaml -o clusters "sample=[{name: cluster, draws: 10, cluster_moves: 2}]"
    fails_with 78 kadanoff run tiny.yaml -o no flow.top=raster
    grep -q raster err.txt
    # shellcheck disable=SC2086
    kadanoff run tiny.yaml -o clock $xy action.clock=2 \
        "sample=[{name: metropolis, draws: 50, chains: 4}]"
    h5dump -a /samplers/metropolis/acceptance clock/run.h5 |
        awk '$1 == "(0):" { seen = $2 > 0.1 && $2 < 0.9 } END { exit !seen }'
}

@test "fields: recipes know that there is no sign, and ln Z is exact" {
    phi4="{name: phi4, m2: -4, lambda: 6.975, field: 0.5}"
    ising="{name: on-dual, temperature: 2.5, field: 0.3}"
    cat >field.yaml <<'END'
lattice: {shape: [2, 2]}
train: {steps: 300, eval_final: 512}
sample: [{name: mis, draws: 20000}]
END
    for action in "$phi4" "$ising"; do
        rm -rf field
        kadanoff run field.yaml "action=$action" >screen.txt
        row log_z screen.txt | awk '{ exit !($3 * $3 < 20) }'
        row ess screen.txt | awk '{ exit !($1 + 0 > 0.9) }'
        for recipe in wavelet neuralrg; do
            kadanoff train field.yaml -o "$recipe" "action=$action" flow.recipe=$recipe train.steps=5
            grep -q 'symmetry: none' "$recipe/config.yaml"
            rm -rf "$recipe"
        done
        fails_with 78 kadanoff train field.yaml -o no "action=$action" flow.recipe=neuralrg \
            flow.symmetry=mixture
    done
    # the free field is shifted, which a spectrum alone cannot
    kadanoff train field.yaml -o free "action={name: phi4, m2: 0.5, lambda: 0, field: 0.5}"
    grep -q 'hierarchy: conditional' free/config.yaml
}

@test "angles: a flux, and couplings with phases from a file" {
    xy="action={name: xy, beta: 0.8, flux: 0.25}"
    cat >flux.yaml <<'END'
lattice: {shape: [2, 2]}
train: {steps: 300, eval_final: 512}
sample: [{name: mis, draws: 20000}, {name: metropolis, draws: 500, chains: 32}]
END
    kadanoff run flux.yaml "$xy" >screen.txt
    row log_z screen.txt | awk '{ exit !($3 * $3 < 20) }'
    row ess screen.txt | awk '{ exit !($1 + 0 > 0.95) }'
    not grep -q 'disagree: [a-z]' screen.txt
    fails_with 78 kadanoff run flux.yaml -o no "action={name: xy, beta: 1, flux: 0.3}"
    grep -q quantised err.txt
    fails_with 78 kadanoff run flux.yaml -o no "$xy" \
        "sample=[{name: cluster, draws: 10, chains: 4}]"
    grep -q phases err.txt
    printf '0 1 1.2 0.7\n1 3 -0.8\n0 2 0.5 -1.1\n2 3 1\n' >bonds.txt
    kadanoff run flux.yaml -o file "action={name: xy, beta: 0.8, couplings: bonds.txt}" >screen.txt
    row log_z screen.txt | awk '{ exit !($3 * $3 < 20) }'
    row ess screen.txt | awk '{ exit !($1 + 0 > 0.95) }'
    grep -q 'shared: false' file/config.yaml
    # again from what the results hold, and not from another file
    kadanoff train flux.yaml -o again "action={name: xy, beta: 0.8, couplings: file/run.h5}" >/dev/null
    echo '0 1 1' >file/couplings.txt
    not kadanoff run file/config.yaml -o other
    [ ! -e other ]
}
