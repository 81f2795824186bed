#!/usr/bin/env bats
# The whole job, and what it says of the model.

load util

@test "run: the whole job, twice, harmlessly; the second run changes no result" {
    kadanoff run tiny.yaml >first.txt
    grep -q 'ln Z is known exactly' first.txt
    grep -q 'self-check' first.txt
    grep -q 'log_z' first.txt
    [ -s tiny/config.yaml ]
    [ -s tiny/progress.jsonl ]
    grep -q '<svg' tiny/report.html
    not grep -Eq 'src="http|href="http|<script' tiny/report.html
    before=$(sha256sum tiny/run.h5)
    kadanoff run tiny.yaml >second.txt
    [ "$(sha256sum tiny/run.h5)" = "$before" ]
    kadanoff run tiny -q
    [ "$(sha256sum tiny/run.h5)" = "$before" ]
    kadanoff info tiny | grep -q '^state *complete'
    kadanoff diagnose tiny
    rm tiny/report.html
    kadanoff report tiny
    [ -s tiny/report.html ]
}

@test "run: an empty list of samplers means no sampling" {
    kadanoff run tiny.yaml -q train.steps=5 sample=[] -o none
    not h5ls none/run.h5/samplers
    kadanoff run none -q
    kadanoff diagnose none
}

@test "run: one and two threads give the same bytes" {
    kadanoff run tiny.yaml -q -t 1 -o one
    kadanoff run tiny.yaml -q -t 2 -o two
    [ "$(fingerprint one/run.h5)" = "$(fingerprint two/run.h5)" ]
}

trained() {
    h5dump -A 0 -m '%.17g' -g /flow/params -d /training/loss "$1/run.h5" | tail -n +2
}

@test "run: threads that find no work in a training are counted, and what part the busiest has" {
    printf 'lattice: {shape: [16, 16]}\naction: {name: on-dual, beta: 0.4}\n' >wide.yaml
    kadanoff train wide.yaml train.steps=3 -t 16 -o sixteen >first.txt 2>&1
    grep -q 'training: 8 of 16 threads have work: a batch of 128 is 2 tiles of 64, up to 4 threads each$' first.txt
    kadanoff info sixteen | grep -q '^threads *16; tiles of training: 2 (up to 4 threads each)$'
    h5dump -d /training/busiest -y -w 0 sixteen/run.h5 | grep -q '^ *1, 0.5, 0.3.*, 0.2.*, 0.2'
    kadanoff train wide.yaml train.steps=3 -t 8 -o eight >second.txt 2>&1
    not grep -q 'have work' second.txt
    trained eight >third.txt
    trained sixteen | diff third.txt -
}

@test "run: in a batch job's task, as many threads as it has cores" {
    local line
    unset OMP_NUM_THREADS
    line=$(SLURM_CPUS_PER_TASK=3 kadanoff run tiny.yaml -o cores | head -1)
    [[ "$line" == *', 3 threads,'* ]]
    line=$(OMP_NUM_THREADS=2 SLURM_CPUS_PER_TASK=3 kadanoff run tiny.yaml -o cores | head -1)
    [[ "$line" == *', 2 threads,'* ]]
}

@test "run: samplers that need no map run without training and are compared" {
    kadanoff run tiny.yaml -q -o plain \
        'sample=[{name: cluster, draws: 200, chains: 8}, {name: metropolis, draws: 200, chains: 8}]'
    run h5dump -d /training/loss plain/run.h5
    [ "$status" -ne 0 ]
    kadanoff compare plain | grep -q metropolis
    grep -q '<svg' plain/report.html
}

@test "run: exact values are right far from the critical point, and what is not known is said" {
    local few='sample=[{name: metropolis, draws: 4, chains: 1, burn_in: 0, tuning: 0}]'
    printf 'lattice: {shape: [4, 6]}\naction: {name: on-dual, beta: 356}\n' >cold.yaml
    kadanoff run cold.yaml "$few" >first.txt
    grep -q 'ln Z is known exactly: 17088.69314718.* (Kaufman, .* digits are certain)' first.txt
    h5dump -A -d /exact/log_z cold/run.h5 | grep -q '"error"'
    printf 'lattice: {shape: [8]}\naction: {name: phi4, m2: 0.001, lambda: 1.0e-7}\n' >ring.yaml
    kadanoff run ring.yaml "$few" >first.txt
    grep -q 'ln Z is known exactly: 5.94168874' first.txt
    printf 'lattice: {shape: [4, 4]}\naction: {name: on-dual, temperature: 1.0e12}\n' >hot.yaml
    kadanoff run hot.yaml "$few" -q
    h5dump -m %.17g -d /exact/energy hot/run.h5 | grep -Eq ' -(2e-12|1.9999999999999|2.0000000000000)'
    printf 'lattice: {shape: [8]}\naction: {name: phi4, components: 2, t: 1, mu: -1.0e6, lambda: 1.0e-3}\n' \
        >deep.yaml
    kadanoff run deep.yaml "$few" >first.txt
    grep -q 'ln Z is not stated exactly: its transfer matrix needs too many' first.txt
}

@test "run: the antiferromagnet, on two sublattices and frustrated, has exact averages" {
    for shape in '[4, 4]' '[3, 3]'; do
        kadanoff run tiny.yaml -q -o "af$shape" lattice.shape="$shape" action.coupling=-1 \
            sample='[{name: cluster, draws: 1000}, {name: metropolis, draws: 500}]'
        kadanoff info "af$shape" | grep -q '^model .*Ising antiferromagnet, coupling = -1'
        kadanoff analyse "af$shape" >tables.txt
        # the energy, its fluctuation and m2 of both samplers within 5 errors
        awk '$1 ~ /^(energy|specific_heat|m2)$/ { n++; if ($4 * $4 > 25) exit 1 }
            END { exit n != 6 }' tables.txt
    done
}

# A tree of bonds: Z is the product of its bonds' factors.
@test "run: ln Z of couplings from a file is exact for one to three components" {
    printf '0 1 0.7\n1 2 -1.1\n2 3 0.4\n' >tree.txt
    exact=(0 4.0616612886 0.7213672159 0.4992672246) # cosh; I0; sinh(x)/x of beta J
    for n in 1 2 3; do
        kadanoff run tiny.yaml -q -o "o$n" lattice.shape='[2, 2]' action.components=$n \
            action.couplings=tree.txt action.temperature=auto action.beta=1.3 \
            train.steps=150 sample='[{draws: 20000, store_configs: 0}]'
        kadanoff analyse "o$n" | grep -E '^ *log_z ' >line.txt
        # "0.7215(3)": the error counts in units of the last digit; 5 of them allowed
        awk -v exact="${exact[$n]}" '{
            split($2, part, /[()]/); digits = length(part[1]) - index(part[1], ".")
            err = part[2] * 10 ^ -digits; d = part[1] - exact
            exit !(err > 0 && err < 0.01 && d * d < 25 * err * err) }' line.txt
    done
}

@test "run: a map learns from stored configurations, with an action or without" {
    local phi4='action: {name: phi4, m2: 1, lambda: 1}\n'
    printf "lattice: {shape: [4, 4]}\n$phi4" >p.yaml
    kadanoff run p.yaml -q -o from \
        'sample=[{name: metropolis, draws: 100, chains: 4, burn_in: 2, store_configs: 300}]'
    printf 'lattice: {shape: [4, 4]}\ndata: {source: from/run.h5, %s}\n' \
        'dataset: /samplers/metropolis/configs' >d.yaml
    local few=(train.steps=5 train.eval_final=64)
    kadanoff run d.yaml -o alone "${few[@]}" >out.txt
    grep -q 'model: a field learnt from data, 4 x 4, of .*from/run.h5' out.txt
    h5dump -a /training/held_out alone/run.h5 | grep -q '(0): [0-9.-]*$'
    h5dump -a /model/action alone/run.h5 | grep -q '"none"'
    grep -q 'a field learnt from data' alone/report.html
    grep -q 'held out' alone/report.html
    # the same folder, the same bytes; config.yaml alone repeats the run
    kadanoff run alone -q
    kadanoff run alone/config.yaml -q -o again
    cmp alone/config.yaml again/config.yaml
    for set in /training/eval/held_out /training/nll /flow/params/level_0/generate_00/w1; do
        h5dump -A 0 -m %.17g -y -d $set alone/run.h5 | tail -n +2 >a.txt
        h5dump -A 0 -m %.17g -y -d $set again/run.h5 | tail -n +2 | cmp - a.txt
    done
    # what needs an action says so in a line, before anything is made
    local word
    for word in 'sample=[{name: direct}]' 'sample=[{name: hmc}]' train.ladder=true; do
        fails_with 78 kadanoff run d.yaml -q -o none "$word"
        grep -q 'needs an action' err.txt
        [ "$(wc -l <err.txt)" -eq 1 ]
    done
    fails_with 78 kadanoff run d.yaml -q -o none action.beta=1
    grep -q 'no effect with action.name none' err.txt
    fails_with 78 kadanoff run d.yaml -q -o none bulk.configs=10 bulk.sampler=hmc
    grep -q 'bulk.sampler needs an action' err.txt
    # what does not: draws beside the samples held out, latents and back, the bulk
    kadanoff run d.yaml -q -o alone2 "${few[@]}" bulk.configs=100 data.draws=50
    grep -q 'Data: samples held out and draws of the map' alone2/report.html
    h5dump -H -d /data/draws/configs alone2/run.h5 | grep -q '( 50, 1, 4, 4 )'
    h5dump -d /data/name alone/run.h5 | grep -q '"nll"'
    h5dump -n alone2/run.h5 | grep -q /bulk/mutual/gaussian
    kadanoff bulk alone2 -q bulk.configs=20
    h5dump -a /bulk/configurations/sampler alone2/run.h5 | grep -q '"data"'
    kadanoff infer alone from/run.h5:/samplers/metropolis/configs -q -o z.h5
    kadanoff generate alone z.h5 -q -o x.h5
    h5dump -m %.4f -y -w 1 -d /samplers/metropolis/configs from/run.h5 | grep -E '^ *-?[0-9]' |
        tr -d ', ' >a.txt
    h5dump -m %.4f -y -w 1 -d /configs x.h5 | grep -E '^ *-?[0-9]' | tr -d ', ' >b.txt
    [ "$(wc -l <a.txt)" -ge 4800 ]
    paste a.txt b.txt | awk '{ d = $1 - $2; if (d * d > 1e-6) exit 1 }'
    # spins get noise, splines, and come back
    {
        head="{'descr': '|i1', 'fortran_order': False, 'shape': (60, 4, 4), }"
        printf '\223NUMPY\1\0'
        # shellcheck disable=SC2059
        printf "\\$(printf %o ${#head})\\0%s" "$head"
        for i in $(seq 960); do
            if [ $((i * i * i / 7 % 3)) -eq 0 ]; then printf '\377'; else printf '\1'; fi
        done
    } >spins.npy
    kadanoff run d.yaml -q -o spins "${few[@]}" data.source=spins.npy data.dequantise=2
    grep -q 'generator: rqs' spins/config.yaml
    kadanoff info spins | grep -q '^held out .*-ln q a site .*-ln P at most [0-9.]*$'
    h5dump -a /training/held_out_discrete spins/run.h5 | grep -q '(0): [0-9.-]*$'
    kadanoff infer spins spins.npy -q -o z.h5
    kadanoff generate spins z.h5 -q -o x.h5
    h5dump -m %.6f -y -w 1 -d /values x.h5 | grep -E '^ *-?[0-9]' | tr -d ', ' >b.txt
    [ "$(wc -l <b.txt)" -eq 960 ]
    for i in $(seq 960); do
        if [ $((i * i * i / 7 % 3)) -eq 0 ]; then echo -1.000000; else echo 1.000000; fi
    done | cmp - b.txt
    # a mean that a symmetric map cannot have is noted
    kadanoff run p.yaml -q -o tilted action.field=3 \
        'sample=[{name: metropolis, draws: 100, chains: 4, burn_in: 2, store_configs: 300}]'
    kadanoff run d.yaml -q -o sign "${few[@]}" data.source=tilted/run.h5 2>err.txt
    grep -q "data: the mean of the samples' field is .* flow.symmetry=none" err.txt
    kadanoff run d.yaml -q -o none2 "${few[@]}" data.source=tilted/run.h5 flow.symmetry=none \
        2>err.txt
    not grep -q "data: the mean" err.txt
    # beside an action the map it taught is weighed by it
    printf "$phi4" | cat d.yaml - >both.yaml
    kadanoff run both.yaml -q -o both "${few[@]}" 'sample=[{name: mis, draws: 64}]'
    h5dump -n both/run.h5 | grep -q /samplers/mis/proposals/log_weight
    h5dump -n both/run.h5 | grep -q /training/eval/ess
    h5dump -n both/run.h5 | grep -q /training/eval/held_out
    # files that are none
    head -c 2000 from/run.h5 >cut.h5
    for word in cut.h5 p.yaml; do
        fails_with 65 kadanoff run d.yaml -q -o none data.source=$word
        grep -q "data.source: .*$word" err.txt
        [ "$(wc -l <err.txt)" -eq 1 ]
    done
    fails_with 66 kadanoff run d.yaml -q -o none data.source=missing.h5
    fails_with 65 kadanoff run d.yaml -q -o none data.dataset=/missing
    [ ! -e none ]
}
