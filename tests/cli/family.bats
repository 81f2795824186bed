#!/usr/bin/env bats
# Maps for a range of a coupling.

load util

@test "family: a family's curve agrees with exact values, and a stopped one with the whole" {
    cat > range.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
family: {along: temperature, range: [2.0, 2.6], values: 3, draws: 3000}
train: {steps: 150, batch: 256, eval_samples: 256, eval_final: 512}
sample: []
END
    kadanoff run range.yaml >screen.txt
    grep -q '^family of maps, temperature' screen.txt
    values() { # FILE NAME
        h5dump -d "/family/$2" -m %.17g -y -w 1 "$1" |
            awk '/ATTRIBUTE/ { exit } /^ *[-0-9]/ { print $1 }' | tr -d ,
    }
    [ "$(values range/run.h5 value | tr '\n' ' ')" = "2 2.2999999999999998 2.6000000000000001 " ]
    [ "$(values range/run.h5 done | tr '\n' ' ')" = "1 1 1 " ]
    for name in log_z energy; do
        paste <(values range/run.h5 $name) <(values range/run.h5 ${name}_exact) \
            <(values range/run.h5 ${name}_err) |
            awk '{ d = ($1 - $2) / $3; if (d * d > 20) exit 1 } END { exit NR != 3 }'
    done
    got=75 pieces=0 limit=1e-6 # then long enough for a step of a busy machine
    while [ "$got" -eq 75 ] && [ $pieces -lt 100 ]; do
        got=0
        kadanoff run range.yaml -q -o pieces --max-hours $limit 2>err.txt || got=$?
        limit=5e-4
        pieces=$((pieces + 1))
    done
    [ "$got" -eq 0 ]
    [ "$pieces" -gt 1 ]
    for name in log_z log_z_err energy chi ess; do
        [ "$(values range/run.h5 $name)" = "$(values pieces/run.h5 $name)" ]
    done
    find range pieces -name 'family-*' >left.txt
    cat left.txt
    [ ! -s left.txt ]
}

@test "family: keys of the section without its coupling are refused, and stand in no config" {
    for key in range='[2, 3]' order=3 scale=inverse strata=2 values=3 draws=200; do
        fails_with 78 kadanoff run tiny.yaml -q "family.$key"
        grep -q 'no effect with family.along unset' err.txt
    done
    kadanoff train tiny.yaml -q train.steps=2
    not grep -q '^family' tiny/config.yaml
}
