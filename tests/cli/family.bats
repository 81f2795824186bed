#!/usr/bin/env bats
# Maps for a range of a coupling.

load util

@test "family: a family's curve agrees with exact values, and a stopped one with the whole" {
    cat > range.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
family: {along: temperature, range: [2.0, 2.6], values: 9, draws: 2000}
train: {steps: 150, batch: 256, eval_samples: 256, eval_final: 512}
sample: []
END
    kadanoff run range.yaml >screen.txt
    grep -q '^family of maps, temperature' screen.txt
    values() { # FILE NAME
        h5dump -d "/family/$2" -m %.17g -y -w 1 "$1" |
            awk '/ATTRIBUTE/ { exit } /^ *[-0-9]/ { print $1 }' | tr -d ,
    }
    [ "$(values range/run.h5 value | head -n 2 | tr '\n' ' ')" = "2 2.0750000000000002 " ]
    [ "$(values range/run.h5 done | tr '\n' ' ')" = "1 1 1 1 1 1 1 1 1 " ]
    # pulls, among them energy and specific heat by the derivatives of ln Z
    for name in log_z energy energy_from_log_z specific_heat_from_log_z; do
        paste <(values range/run.h5 $name) <(values range/run.h5 ${name}_exact) \
            <(values range/run.h5 ${name}_err) |
            awk '{ d = ($1 - $2) / $3; if (d * d > 20) exit 1 } END { exit NR != 9 }'
    done
    got=75 pieces=0
    for limit in 1e-6 5e-4 1e-3 1e-3 2; do
        got=0
        kadanoff run range.yaml -q -o pieces --max-hours $limit 2>err.txt || got=$?
        pieces=$((pieces + 1))
        [ "$got" -eq 75 ] || break
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

@test "family: what is known exactly of a value alone is known along the family" {
    printf '%s\n' 'lattice: {shape: [2, 3]}' 'action: {name: on-dual, field: 0.2}' \
        'family: {along: temperature, range: [1.5, 4.0], values: 3, draws: 500}' \
        'train: {steps: 20, batch: 64}' 'sample: []' >field.yaml
    kadanoff run field.yaml -q
    h5dump -d /family/log_z_exact -m %.17g -y -w 1 field/run.h5 |
        awk '/ATTRIBUTE/ { exit } /^ *[-0-9]/ { n += $1 + 0 > 4 && $1 + 0 < 10 } END { exit n != 3 }'
    # three values know no derivative
    h5dump -d /family/energy_from_log_z -A 0 -y -w 1 field/run.h5 >out.txt
    [ "$(grep -c '^ *nan' out.txt)" -eq 3 ]
}

@test "family: values without error bars are an error of diagnose" {
    printf '%s\n' 'lattice: {shape: [8, 8]}' 'action: {name: on-dual, components: 1}' \
        'family: {along: temperature, range: [2, 2.6], values: 2, draws: 200}' \
        'train: {steps: 2, batch: 64}' 'sample: []' >poor.yaml
    kadanoff run poor.yaml -q
    fails_with 65 kadanoff diagnose poor
    grep -q '^error: family: at 2 of 2 values the weights are worth fewer than 50 draws' out.txt
}

@test "family: its map is trained though no sampler of the config needs one" {
    printf '%s\n' 'lattice: {shape: [2, 4]}' 'action: {name: on-dual, components: 1}' \
        'family: {along: temperature, range: [2, 3], values: 2, draws: 200, sample_at: [2.5]}' \
        'train: {steps: 20, batch: 64}' 'sample: [{name: cluster, draws: 50, chains: 8}]' >local.yaml
    kadanoff run local.yaml -q
    h5dump -d /family/log_z local/run.h5 >out.txt
    [ -e local/temperature=2.5/run.h5 ]
}

@test "family: infer and generate take the map of the value that is named, and say which" {
    cat > range.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
family: {along: temperature, range: [2.0, 2.6], values: [2.3], draws: 100}
train: {steps: 20, batch: 256, eval_samples: 64, eval_final: 64}
sample: [{name: mis, draws: 64, store_configs: 64}]
END
    kadanoff run range.yaml -q
    # a run at 2.1 with the same map knows the same of the same configurations
    cat > one.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 2.1}
train: {from: range, steps: 0}
sample: []
END
    kadanoff run one.yaml -q
    kadanoff infer range range/run.h5:/samplers/mis/configs -o named.h5 action.temperature=2.1 \
        >screen.txt
    grep -q '^of the family of maps the one at temperature=2.1$' screen.txt
    kadanoff infer one range/run.h5:/samplers/mis/configs -o one.h5 -q
    kadanoff infer range range/run.h5:/samplers/mis/configs -o middle.h5 >screen.txt
    grep -q 'the one at temperature=2.3; action.temperature=VALUE chooses another, from 2 to 2.6$' \
        screen.txt
    for path in log_q log_weight latents; do
        for file in named one middle; do
            h5dump -A 0 -m %.17g -y -d "/$path" $file.h5 | tail -n +2 >$file.txt
        done
        [ "$(wc -l <one.txt)" -gt 15 ]
        cmp one.txt named.txt
        not cmp -s one.txt middle.txt
    done
    h5dump -a /temperature named.h5 | grep -q '(0): 2.1'
    kadanoff generate range named.h5 -o there.h5 action.temperature=2.1 >screen.txt
    grep -q 'the one at temperature=2.1$' screen.txt
    kadanoff generate one named.h5 -q -o back.h5
    for file in there back; do
        h5dump -A 0 -m %.17g -y -d /configs $file.h5 | tail -n +2 >$file.txt
    done
    cmp there.txt back.txt
    fails_with 78 kadanoff generate range named.h5 action.temperature=2.7
    grep -q 'action.temperature: 2.7, but the family of maps is trained from 2 to 2.6' err.txt
    fails_with 64 kadanoff infer range named.h5 action.temperature=hot
    fails_with 64 kadanoff infer range named.h5 seed=7
    grep -q 'of this family of maps action.temperature can be chosen' err.txt
    fails_with 64 kadanoff infer one named.h5 action.temperature=2.1
    grep -q 'one has one map' err.txt
    fails_with 66 kadanoff infer range nowhere.h5 action.temperature=2.1
}

@test "family: samplers run at its values, in folders of their own, with the value's map" {
    cat > at.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
family: {along: temperature, range: [2.0, 2.6], values: [2.3], draws: 100, sample_at: [2.1, 2.5]}
train: {steps: 20, batch: 256, eval_samples: 64, eval_final: 64}
sample: [{name: mis, draws: 200}, {name: cluster, draws: 200}]
END
    kadanoff run at.yaml -q
    not h5dump -g /samplers at/run.h5
    for T in 2.1 2.5; do
        [ -f "at/temperature=$T/report.html" ]
        grep -q "temperature: $T\$" "at/temperature=$T/config.yaml"
        not grep -q '^family' "at/temperature=$T/config.yaml"
    done
    # the same as a run from the family by hand, with its own seed
    seed=$(sed -n 's/^seed: //p' at/temperature=2.5/config.yaml)
    [ "$seed" != 42 ]
    [ "$seed" != "$(sed -n 's/^seed: //p' at/temperature=2.1/config.yaml)" ]
    cat > one.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 2.5}
train: {from: at, steps: 0}
sample: [{name: mis, draws: 200}, {name: cluster, draws: 200}]
END
    kadanoff run one.yaml -q "seed=$seed"
    for path in mis/proposals/log_weight mis/observables/energy cluster/observables/energy; do
        for folder in one at/temperature=2.5; do
            h5dump -A 0 -m %.17g -y -d "/samplers/$path" "$folder/run.h5" | tail -n +2 >"${folder%%/*}.txt"
        done
        [ "$(wc -l <one.txt)" -gt 30 ]
        cmp one.txt at.txt
    done
    kadanoff run at -q # complete: nothing is done again
    fails_with 78 kadanoff run at.yaml -q -o outside 'family.sample_at=[2.1, 3]'
    grep -q 'action.temperature: 3, but the family' err.txt
}

@test "family: two couplings together, sampled at pairs of them" {
    cat > two.yaml <<'END'
lattice: {shape: [2, 4]}
action: {name: phi4, form: hopping}
family: {along: [kappa, lambda], range: [[0.2, 0.3], [0.5, 1.5]], values: 4, draws: 100, sample_at: [[0.25, 1.5]]}
train: {steps: 20, batch: 256, eval_samples: 100, eval_final: 100}
sample: [{name: mis, draws: 100}]
END
    kadanoff run two.yaml >screen.txt
    grep -q '^family of maps, kappa, lambda$' screen.txt
    grep -q '^model: phi^4, kappa = 0.25, lambda = 1,' screen.txt # the middle
    column() { h5dump -A 0 -m %g -y -w 1 -d "/family/$1" two/run.h5 | awk '/^ *[0-9]/ { print $1 }' | tr -d '\n'; }
    [ "$(column kappa)" = "0.2,0.2,0.3,0.3" ]
    [ "$(column lambda)" = "0.5,1.5,0.5,1.5" ]
    grep -q 'kappa: 0.25$' two/kappa=0.25_lambda=1.5/config.yaml
    [ -f two/kappa=0.25_lambda=1.5/report.html ]
    kadanoff run two -q # complete
}

@test "family: of two couplings both are named" {
    cat >two.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: phi4, form: hopping}
family: {along: [kappa, lambda], range: [[0.1, 0.2], [0.5, 1]], values: 2, draws: 100}
train: {steps: 20, batch: 64, eval_final: 128}
sample: [{name: mis, draws: 100, store_configs: 64}]
END
    kadanoff run two.yaml -q
    kadanoff infer two two/run.h5:/samplers/mis/configs >out.txt
    grep -q 'the one at kappa=0.15.*_lambda=0.75; action.kappa=VALUE chooses another, from 0.1 to 0.2, action.lambda=VALUE from 0.5 to 1$' \
        out.txt
    kadanoff infer two two/run.h5:/samplers/mis/configs action.lambda=0.6 >out.txt
    grep -q 'the one at kappa=0.15.*_lambda=0.6$' out.txt
}

@test "family: keys of the section without its coupling are refused, and stand in no config" {
    for key in range='[2, 3]' order=3 scale=inverse strata=2 values=3 draws=200 \
        sample_at='[2.1]'; do
        fails_with 78 kadanoff run tiny.yaml -q "family.$key"
        grep -q 'no effect with family.along unset' err.txt
    done
    kadanoff train tiny.yaml -q train.steps=2
    not grep -q '^family' tiny/config.yaml
}
