#!/usr/bin/env bats
# What is found wrong with a run, and what to do about it.

load util

@test "diagnose: diagnose says that a run is not complete, and what goes on with it" {
    advice() {
        kadanoff diagnose tiny >said.txt
        grep -F "not complete ($1)" said.txt
        grep -q 'nothing is analysed yet' said.txt
    }
    kadanoff train tiny.yaml -q
    advice 'only trained'
    rm -r tiny
    fails_with 75 kadanoff run tiny.yaml -q -t 1 --max-hours 1e-6
    advice 'stopped by time limit'
    kadanoff run tiny.yaml -q -o tiny2 train.steps=1000000 &
    local pid=$!
    wait_for tiny2/progress.jsonl
    kadanoff diagnose tiny2 | grep -F 'not complete (running now)'
    kill -9 $pid
    wait $pid || true
    kadanoff diagnose tiny2 | grep -F 'killed): go on with: kadanoff run tiny2'
    $(sed -n 's/.*go on with: //p' said.txt) -q
    kadanoff diagnose tiny >said.txt
    not grep -q 'not complete' said.txt
}

@test "diagnose: the advice of diagnose is taken by the run's own config" {
    follow() { # CONFIG OVERRIDES...: a poor run, and the command that diagnose names
        kadanoff run "$1" -q -o "a poor run/" "${@:2}"
        kadanoff diagnose "a poor run/" >said.txt || [ $? -eq 65 ]
        not grep -q "short for the 0 over" said.txt
        sed -n 's/^advice: //p' said.txt >advice.sh
        cat advice.sh
        fails_with 75 bash -c "$(cat advice.sh) -q -t 1 --max-hours 1e-6"
        rm -r "a poor run" "a poor run-2"
    }
    sed '/^action/d' tiny.yaml >bare.yaml
    follow tiny.yaml train.steps=5 sample='[{name: mis, draws: 100}, {name: metropolis, draws: 40,
        burn_in: 1, chains: 4}, {name: hmc, draws: 40, burn_in: 0, step_size: 1.5, chains: 4}]'
    grep -q ' train.steps=10' advice.sh
    grep -q "'sample\[1\].draws=160'" advice.sh
    grep -q "'sample\[2\]" advice.sh
    not grep -q tuning advice.sh # a step size that is given is not tuned
    follow bare.yaml action='{name: phi4, m2: -4, lambda: 1}' train.steps=3 sample='[{name: latent-hmc,
        draws: 60, chains: 8, burn_in: 2}, {name: hmc, draws: 40, chains: 4, burn_in: 0}]'
    follow bare.yaml action='{name: phi4, kappa: 0.3, lambda: 2}' \
        sample='[{name: metropolis, draws: 100, burn_in: 2, chains: 64}]'
    grep -q "burn_in=" advice.sh
    not grep -q train advice.sh
    # couplings lie in the run's folder
    printf '%s\n' '0 1 1' '2 3 -1' '1 5 1' >bonds.txt
    follow bare.yaml action='{name: on-dual, beta: 0.4, couplings: bonds.txt}' train.steps=3 \
        sample='[{name: mis, draws: 100}]'
    grep -q 'train.steps=6' advice.sh
    not grep -q "xi_2nd, xi_2nd" said.txt
}

@test "diagnose: skipped steps are a warning with numbers" {
    printf 'lattice: {shape: [4, 4]}\naction: {name: phi4, m2: 1, lambda: 1}\n' >p.yaml
    kadanoff train p.yaml -q train.rate=1000 train.steps=8 train.batch=16 \
        train.eval_final=16
    kadanoff diagnose p | tee out.txt
    grep -q 'warning: training: [1-8] of 8 steps were skipped' out.txt
}

# beside_cluster FOLDER BETA COUPLINGS STEPS: a map, not annealed, is trained on spins of
# those couplings, and a sampler without it runs along. What it finds bounds the exact ln Z
# from above.
beside_cluster() {
    kadanoff run tiny.yaml -q -t 1 -o "$1" seed=3 action.temperature=auto action.beta="$2" \
        action.couplings="$3" train.steps="$4" \
        train.anneal_fraction=0 train.rate=4e-3 \
        sample='[{name: mis, draws: 3000}, {name: cluster, draws: 200, burn_in: 200}]'
    kadanoff analyse "$1" >tables.txt
    # "69.4(7)"; the exact value stands behind log_z
    awk '$1 == "log_z" && NF > 3 { exact = $3 }
        $1 == "log_z_cluster" { here = 1 }
        here && $1 == "log_z_upper" { split($2, part, "("); upper = part[1] }
        END { exit !(exact > 30 && upper > exact) }' tables.txt
}

# Two decoupled Ising blocks: four modes.
blocks() {
    printf '%s %s %s\n' 0 1 1  4 5 1  0 4 1  1 2 1  5 6 1  1 5 1  2 3 1  6 7 1
    printf '%s %s %s\n' 2 6 1  3 0 1  7 4 1  3 7 1  8 9 1  12 13 1  8 12 1  9 10 1
    printf '%s %s %s\n' 13 14 1  9 13 1  10 11 1  14 15 1  10 14 1  11 8 1  15 12 1  11 15 1
}

@test "diagnose: the map of couplings with many states, annealed by default, has them all" {
    blocks >blocks.txt
    kadanoff run tiny.yaml -q -o all action.temperature=auto action.beta=2 \
        action.couplings=blocks.txt train.steps=600 train.batch=128 sample='[{draws: 8000}]'
    grep -q 'anneal_key: beta' all/config.yaml
    kadanoff analyse all | awk '/^mis$/ { here = 1 } here && $1 == "m2" { m2 = $2 + 0; here = 0 }
        END { exit !(m2 > 0.3 && m2 < 0.7) }' # exact 0.5; half of the states give 0 or 1
}

# Of the modes a map that is not annealed learns two.
@test "diagnose: a map that misses half of the distribution is an error of diagnose" {
    blocks >blocks.txt
    beside_cluster lost 2 blocks.txt 150
    fails_with 65 kadanoff diagnose lost
    grep -q '^error: cluster finds what the map gives too little weight' out.txt
    grep -q "^warning: cluster: .* nats that the map's own bound of ln Z does not see" out.txt
    grep -q '^error: log_z: log_z is .* standard errors off its exact value' out.txt
    grep -q '^error: .*cluster.*: one of them misses part of the distribution' out.txt
    grep -q '^  m2: .*cluster 0\.[45]' tables.txt
    grep -q 'Samplers against each other' lost/report.html
    grep -q '<td class="n bad">&lt; 1e-99</td>' lost/report.html
}

@test "diagnose: ln Z of a glass is bounded by configurations that the map did not make" {
    printf '%s %s %s\n' 0 1 -1  0 4 -1  1 2 1  1 5 -1  2 3 1  2 6 1  3 0 1  3 7 -1 >glass.txt
    printf '%s %s %s\n' 4 5 -1  4 8 -1  5 6 -1  5 9 1  6 7 1  6 10 -1  7 4 1  7 11 -1 >>glass.txt
    printf '%s %s %s\n' 8 9 1  8 12 1  9 10 1  9 13 1  10 11 1  10 14 -1  11 8 -1  11 15 1 >>glass.txt
    printf '%s %s %s\n' 12 13 -1  12 0 1  13 14 1  13 1 -1  14 15 1  14 2 -1  15 12 -1  15 3 1 >>glass.txt
    beside_cluster glass 1.5 glass.txt 250
}

@test "diagnose: samplers that agree are said to, and diagnose is content" {
    kadanoff run tiny.yaml -q -t 1 -o good train.steps=150 sample='[{draws: 3000},
        {name: cluster, draws: 200}, {name: metropolis, draws: 200}]'
    kadanoff diagnose good
    kadanoff analyse good | grep -q 'samplers against each other: 0 of 1[0-9] rows disagree'
}

# Its weights are those of the work on the way, not the map's at the draw.
@test "diagnose: annealed draws of a poor map lose no modes" {
    printf '%s\n' 'lattice: {shape: [4, 4]}' \
        'action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}' >poor.yaml
    kadanoff run poor.yaml -q -t 1 train.steps=20 train.batch=64 \
        sample='[{name: annealed, draws: 10000, updates: 16}, {name: cluster, draws: 2000, chains: 16}]'
    kadanoff diagnose poor >out.txt
    not grep -q '^error:' out.txt
    not grep -q 'nats that the map' out.txt
    # ln Z is 3.2184(5)
    kadanoff analyse poor >tables.txt
    awk '$1 == "log_z" && NF > 3 { split($2, p, "("); ok = p[1] > 2.9 && p[1] < 3.5 }
        END { exit !ok }' tables.txt
    not grep -q '^  overlap' tables.txt
    # beside the map's own draws the witness still speaks
    kadanoff run poor.yaml -q -t 1 -o both train.steps=400 train.batch=64 \
        sample='[{draws: 3000}, {name: annealed, draws: 6000, updates: 2}, {name: metropolis, draws: 1000}]'
    kadanoff analyse both >tables.txt
    grep -q '^  overlap' tables.txt
    kadanoff diagnose both >out.txt
}
