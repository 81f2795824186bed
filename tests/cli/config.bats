#!/usr/bin/env bats
# Configurations: what is refused, what is recorded, which files belong to them.

load util

@test "config: a config may come by standard input, into a folder that is named" {
    fails_with 64 kadanoff run - <tiny.yaml
    grep -q -- '--out' err.txt
    sed 's/3\.0/6.975/' tiny.yaml | kadanoff train - -q -o piped
    grep -q 'temperature: 6.975$' piped/config.yaml
    kadanoff train piped -q
    head -c 2000000 /dev/zero | tr '\0' '#' >long.txt
    fails_with 65 kadanoff run - -o other <long.txt
    fails_with 78 kadanoff run - -o other <<<'lattice: {shape: [4'
    grep -q 'standard input:2' err.txt
    [ ! -e other ]
}

@test "config: every bad config is 78, names the key, and creates nothing" {
    bad() {
        fails_with 78 kadanoff run "$@"
        [ ! -e tiny ]
    }
    bad tiny.yaml action.temprature=2
    grep -q 'action.temperature' err.txt
    bad tiny.yaml action.temperature=0,44
    bad tiny.yaml action.temperature=nan
    bad tiny.yaml action.temperature=
    bad tiny.yaml action.temperature=-1
    bad tiny.yaml sample.name=hmc
    grep -qF '"sample[0].name"' err.txt
    bad tiny.yaml train.steps=1.5
    bad tiny.yaml train.optimiser=sgd
    bad tiny.yaml lattice.shape='[4, 1]'
    bad tiny.yaml action.name=on-dula
    grep -q 'on-dual' err.txt
    printf 'lattice: {shape: [4, 4]\n' >broken.yaml
    bad broken.yaml
    printf 'lattice: {shape: [4, 4]}\n' >noaction.yaml
    bad noaction.yaml
    printf 'action: {name: on-dual, beta: 0.3}\n' >noshape.yaml
    bad noshape.yaml
    : >empty.yaml
    bad empty.yaml
}

@test "config: a key without effect is 78 and names what is used" {
    unused() {
        local key=$1
        shift
        fails_with 78 kadanoff run tiny.yaml -q "$@"
        grep -qF "$key" err.txt
        [ ! -e tiny ]
    }
    unused flow.widths flow.widths='[8]'
    grep -q 'flow.hierarchy conditional.*refinements' err.txt
    unused flow.kernel flow.kernel=2
    unused flow.symmetry flow.symmetry=mixture
    unused flow.symmetry flow.symmetry=none
    unused flow.quartic flow.quartic=2
    unused flow.hidden flow.hierarchy=none flow.decimation=false flow.hidden=8
    unused train.precondition_every train.optimiser=adam train.precondition_every=9
    unused train.rate_final train.schedule=constant train.rate_final=1e-4
    unused train.ladder_rate train.ladder_rate=2
    unused train.data_weight train.data_weight=0.1
    unused train.symmetrise_last train.symmetrise_last=0.1
    unused train.ladder train.from=x train.ladder=true
    unused action.kappa action.kappa=0.2
    unused 'sample[0].trajectory' 'sample[0].trajectory=2'
    grep -q 'mis, which uses: .*draws' err.txt
    unused 'sample[0].exact' 'sample[0].name=hmc' 'sample[0].exact=true'
}

@test "config: config.yaml holds what is used, and runs again by itself" {
    for recipe in stencil wavelet neuralrg; do
        kadanoff train tiny.yaml -q -o "$recipe" flow.recipe=$recipe train.steps=5
        kadanoff train "$recipe" -q
        kadanoff train "$recipe/config.yaml" -q -o again
        diff "$recipe/config.yaml" again/config.yaml
        rm -r again
    done
    not grep -q widths stencil/config.yaml
    grep -q widths neuralrg/config.yaml
    printf 'lattice: {shape: [4, 4]}\naction: {name: phi4, m2: 1, lambda: 0}\n' >free.yaml
    kadanoff run free.yaml -q train.steps=5 sample='[{draws: 500}]'
    kadanoff run free -q
    grep -q 'hierarchy: none' free/config.yaml
}

@test "config: what cannot work is found before the folder is claimed" {
    rejects() {
        local code=$1
        shift
        fails_with "$code" kadanoff run tiny.yaml -q "$@"
        [ ! -e tiny ]
    }
    mkdir folder
    rejects 66 action.couplings=folder
    grep -q 'not a regular file' err.txt
    rejects 66 train.data=folder
    rejects 66 train.data=missing.h5
    rejects 66 train.from=missing
    rejects 78 train.anneal_key=nothing train.anneal_start=1
    fails_with 66 kadanoff sample tiny.yaml -q
    [ ! -e tiny ]
    kadanoff run tiny.yaml -q train.steps=5
}

@test "config: too few steps of a solver are refused, naming the key" {
    fails_with 78 kadanoff run tiny.yaml -q flow.hierarchy=ode flow.steps=1
    grep -q 'flow.steps: too few' err.txt
    kadanoff run tiny.yaml -q flow.hierarchy=ode flow.steps=6 train.steps=5 --out more
    fails_with 78 kadanoff run tiny.yaml -q flow.recipe=ode action.field=0.1 --out field
    grep -q 'the global sign; the action is not' err.txt
}

@test "config: more memory than there is is refused with both numbers" {
    fails_with 78 kadanoff run tiny.yaml lattice.shape='[4096, 4096]' --threads 1024
    grep -Eq '[0-9].*[0-9]' err.txt
    fails_with 78 kadanoff run tiny.yaml -q lattice.shape='[1048576, 1048576]'
    fails_with 78 kadanoff run tiny.yaml -q sample='[{draws: 1000000000, chains: 4096}]'
    [ ! -e tiny ]
}

@test "config: an output folder that cannot be made is 73" {
    : >file
    fails_with 73 kadanoff run tiny.yaml --out file/below -q
}

@test "config: another config in the same folder is refused and names the key" {
    kadanoff train tiny.yaml -q train.steps=5
    fails_with 78 kadanoff run tiny.yaml -q train.steps=6
    grep -q 'train.steps' err.txt
}

@test "config: what the physics is by default is recorded" {
    printf 'lattice: {shape: [4, 4]}\naction: {name: phi4}\n' >phi4.yaml
    printf 'lattice: {shape: [4, 4]}\naction: {name: on-dual}\n' >ising.yaml
    kadanoff train phi4.yaml -q train.steps=0 train.eval_final=16
    for line in 'form: albergo' 'm2: -4' 'lambda: 6.975'; do
        grep -q "^  $line$" phi4/config.yaml
    done
    h5dump -m '%.17g' -a m2 phi4/run.h5 | grep -q '(0): -4$'
    h5dump -d /config/resolved phi4/run.h5 | grep -q '"m2": -4.0'
    kadanoff train ising.yaml -q train.steps=0 train.eval_final=16
    grep -q '^  temperature: 2.269185314213022$' ising/config.yaml
    grep -q '^  epsilon: 0.01$' ising/config.yaml
    h5dump -d /config/resolved ising/run.h5 | grep -q '"temperature": 2.26918'
}

@test "config: files are found beside the config, kept with the run, and known again" {
    mkdir -p project/in elsewhere
    printf '0 1 0.7\n1 2 -1.1\n' >project/in/bonds.txt
    sed 's/temperature: 3.0/beta: 0.5, couplings: in\/bonds.txt/' tiny.yaml \
        >project/glass.yaml
    cd elsewhere
    kadanoff train ../project/glass.yaml -q train.steps=5 sample='[{draws: 50}]'
    cmp glass/couplings.txt ../project/in/bonds.txt
    digest=$(sha256sum ../project/in/bonds.txt | cut -c 1-64)
    grep -q "couplings_sha256: .*$digest" glass/config.yaml
    h5dump -m '%.17g' -d '/couplings[1,2;1,1]' glass/run.h5 | grep -q -- '-1.1'
    # other couplings are refused with both digests; the run has its own
    printf '0 1 0.7\n1 2 -1.2\n' >../project/in/bonds.txt
    fails_with 78 kadanoff run ../project/glass.yaml -q train.steps=5 \
        sample='[{draws: 50}]'
    grep "$digest" err.txt | grep -q "$(sha256sum ../project/in/bonds.txt | cut -c 1-64)"
    rm ../project/in/bonds.txt
    fails_with 66 kadanoff run ../project/glass.yaml -q train.steps=5 \
        sample='[{draws: 50}]'
    grep -q '.kadanoff run glass. goes on' err.txt
    kadanoff run glass -q
    kadanoff train glass/config.yaml -q -o again
    cmp glass/config.yaml again/config.yaml
    # the matrix in the results is a file of couplings
    kadanoff train glass/config.yaml -q -o third action.couplings=again/run.h5
    [ -e third/couplings.h5 ]
    printf '0 1 9\n' >again/couplings.txt
    fails_with 65 kadanoff run again -q
    grep -q "couplings.txt: the file has SHA-256 .*, but .*$digest" err.txt
    : >empty.txt
    fails_with 65 kadanoff train glass/config.yaml -q -o fourth action.couplings=empty.txt
    [ ! -e fourth ]
}

@test "config: a training goes on with the samples and the map it began with" {
    printf 'lattice: {shape: [4, 4]}\naction: {name: phi4, m2: 1, lambda: 1}\n' >p.yaml
    local few='sample=[{name: metropolis, draws: 20, chains: 2, burn_in: 2}]'
    local small='train.eval_final=64'
    for seed in 1 2; do
        kadanoff run p.yaml -q "$few" seed=$seed -o data$seed
        kadanoff train p.yaml -q train.steps=1 "$small" seed=$seed -o map$seed
    done
    cp data1/run.h5 x.h5
    cp -r map1 map
    # the digest is known before a step is taken
    local from=(train.data=x.h5 train.data_set=/samplers/metropolis/configs
        train.from=map train.steps=100000 "$small")
    got=0
    kadanoff train p.yaml -q "${from[@]}" --max-hours 0.0001 || got=$?
    [ "$got" -eq 75 ]
    cp data2/run.h5 x.h5
    fails_with 78 kadanoff train p.yaml -q "${from[@]}"
    grep -q "train.data: another file: .*$(sha256sum data1/run.h5 | cut -c 1-64)" err.txt
    grep -q "$(sha256sum data2/run.h5 | cut -c 1-64)" err.txt
    fails_with 65 kadanoff train p -q
    cp data1/run.h5 x.h5
    rm -r map
    cp -r map2 map
    fails_with 78 kadanoff train p.yaml -q "${from[@]}"
    grep -q 'train.from: another file' err.txt
    # the map is in the checkpoint, the samples are still read
    got=0
    kadanoff train p -q --max-hours 0.0001 || got=$?
    [ "$got" -eq 75 ]
}

@test "config: a locale with a decimal comma changes nothing" {
    mkdir locale
    localedef -i de_DE -f UTF-8 locale/de_DE.UTF-8 2>/dev/null || skip "no localedef"
    kadanoff run tiny.yaml -q -o plain train.rate=0.008
    LOCPATH=$PWD/locale LC_ALL=de_DE.UTF-8 kadanoff run tiny.yaml -q -o comma \
        train.rate=0.008
    diff plain/config.yaml comma/config.yaml
    [ "$(fingerprint plain/run.h5)" = "$(fingerprint comma/run.h5)" ]
}
