#!/usr/bin/env bats
# More draws for a finished run: appended, to the bytes of one long run.

load util

teardown() {
    [ -z "${pid:-}" ] || kill -9 "$pid" 2>/dev/null || true
}

chains() {
    cat >chains.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 20, batch: 64, eval_samples: 64, eval_final: 64}
sample:
  - {name: mis, draws: 500}
  - {name: metropolis, draws: 100, chains: 8}
  - {name: hmc, draws: 100, chains: 4, keep_first: 300}
END
}
more="sample[0].draws=3000 sample[1].draws=1700"

# Every series, weight, bin, configuration and first draw.
series() {
    h5dump -A 0 -m '%.17g' -g /samplers "$1/run.h5" | grep -v 'OBJECTID\|ATTRIBUTE' |
        sed -n '/GROUP/,$p' >dump.txt
    [ "$(wc -l <dump.txt)" -gt 5000 ]
    sha256sum <dump.txt
}

@test "append: raised draws follow, and the rest is that of one long run" {
    chains
    kadanoff run chains.yaml -q
    kadanoff run chains.yaml $more >out.txt
    grep -q '^sample\[0\]: 500 draws of a chain are there, 3000 are asked for' out.txt
    not grep -q '^sample\[2\]' out.txt
    kadanoff run chains.yaml -q -t 1 -o long $more 'sample[1].burn_in=200'
    [ "$(series chains)" = "$(series long)" ]
    kadanoff info chains | grep -q '^state *complete'
    # tables, correlators, page and config go with them
    for group in /analysis/mis /analysis/log_z /analysis/metropolis; do
        for folder in chains long; do
            h5dump -A 0 -m %.17g -d $group/mean $folder/run.h5 | tail -n +2 >$folder.txt
        done
        [ "$(wc -l <long.txt)" -gt 5 ]
        cmp chains.txt long.txt
    done
    grep -q 'draws: 3000' chains/config.yaml
    kadanoff run chains >out.txt
    grep -q 'nothing to do' out.txt
}

@test "append: killed again and again at any moment, no byte differs and none is lost" {
    chains
    kadanoff run chains.yaml -q
    kadanoff run chains.yaml -q -t 1 -o long $more 'sample[1].burn_in=200'
    for delay in 0.02 0.1 0.2 0.3 0.4 0.6 0.8; do
        kadanoff run chains.yaml -q $more 2>/dev/null &
        pid=$!
        sleep "$delay"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        [ "$(h5dump -a /samplers/hmc/n_draws chains/run.h5 | grep -c '(0): 100')" -eq 1 ]
    done
    kadanoff run chains.yaml -q $more
    [ "$(series chains)" = "$(series long)" ]
    ls chains/checkpoint >left.txt
    [ "$(grep -c 'end' left.txt)" -eq 3 ]
    not grep -q '^[a-z]*\.0' left.txt
}

@test "append: fewer draws, other keys beside them, unfinished ones are refused in a line" {
    chains
    kadanoff run chains.yaml -q
    cp chains/config.yaml before.yaml
    fails_with 78 kadanoff run chains.yaml -q 'sample[0].draws=400'
    fails_with 78 kadanoff run chains.yaml -q $more seed=7
    grep -q 'seed is 42' err.txt
    cmp chains/config.yaml before.yaml
    kadanoff train chains.yaml -q -t 1 -o part 'sample[0].draws=10000000'
    fails_with 75 kadanoff run chains.yaml -q -t 1 -o part 'sample[0].draws=10000000' \
        --max-hours 0.0005
    cp part/config.yaml before.yaml
    fails_with 78 kadanoff run chains.yaml -q -o part 'sample[0].draws=20000000'
    grep -q 'not finished: `kadanoff run part` first' err.txt
    cmp part/config.yaml before.yaml
}

@test "append: a run whose ends are not kept stays as it is" {
    chains
    kadanoff run chains.yaml -q
    cp chains/config.yaml before.yaml
    sha256sum chains/run.h5 >before.txt
    rm chains/checkpoint/metropolis.end.*
    fails_with 65 kadanoff run chains.yaml -q $more
    grep -q 'metropolis: of its 100 draws the end is not kept' err.txt
    cmp chains/config.yaml before.yaml
    sha256sum -c before.txt
    kadanoff run chains.yaml -q # complete as it was
    kadanoff run chains.yaml -q 'sample[0].draws=600'
}

@test "append: the bulk and the values of a family go on as well" {
    cat >at.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
family: {along: temperature, range: [2.0, 2.6], values: [2.3], draws: 100, sample_at: [2.1, 2.5]}
train: {steps: 5, batch: 256, eval_samples: 64, eval_final: 64}
sample: [{name: mis, draws: 200}, {name: cluster, draws: 200, chains: 4}]
END
    kadanoff run at.yaml -q
    kadanoff run at.yaml -q 'sample[1].draws=900'
    kadanoff run at.yaml -q -o long 'sample[1].draws=900' 'sample[1].burn_in=200'
    for T in 2.1 2.5; do
        [ "$(series at/temperature=$T)" = "$(series long/temperature=$T)" ]
    done
    kadanoff run at >out.txt
    grep -q 'nothing to do' out.txt
    kadanoff run tiny.yaml -q bulk.configs=64
    kadanoff run tiny.yaml -q bulk.configs=64 'sample[0].draws=5000'
    kadanoff run tiny.yaml -q -o long2 bulk.configs=64 'sample[0].draws=5000'
    for folder in tiny long2; do
        h5dump -A 0 -m %.17g -g /bulk $folder/run.h5 | tail -n +2 >$folder.txt
    done
    [ "$(wc -l <tiny.txt)" -gt 500 ]
    cmp tiny.txt long2.txt
}
