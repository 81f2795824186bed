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

@test "angles: transforms of angles are refused elsewhere in one line" {
    fails_with 78 kadanoff run tiny.yaml -o no action.name=phi4 action.m2=-1 action.lambda=1 \
        flow.generator=vm
    fails_with 78 kadanoff run tiny.yaml -o no action.name=xy flow.hierarchy=mera \
        flow.transform=circ
    # an odd clock has no sign, of which nets without directions know nothing
    fails_with 78 kadanoff run tiny.yaml -o no action.name=xy action.components=2 action.clock=0.3 \
        action.clock_states=3 flow.generator=lfa flow.refinement=lfa
}
