#!/usr/bin/env bats
# The program from outside: exit codes, one-line errors, resumption, the whole job.

setup() {
    unset SLURM_JOB_ID
    cd "$BATS_TEST_TMPDIR"
    cat > tiny.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 60, batch: 64, eval_samples: 256, eval_final: 512, checkpoint_seconds: 0}
sample:
  - {name: mis, draws: 2000}
END
}

# fails_with CODE COMMAND...: that exit code, and exactly one line on stderr.
fails_with() {
    local code=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    cat err.txt
    [ "$got" -eq "$code" ]
    [ "$(wc -l <err.txt)" -eq 1 ]
}

# not COMMAND...: that it fails. (bats does not see the failure of a line that begins with
# an exclamation mark.)
not() {
    ! "$@"
}

# Up to a minute, for machines under load.
wait_for() {
    for _ in $(seq 600); do
        [ -s "$1" ] && return 0
        sleep 0.1
    done
    return 1
}

# Samples, weights, parameters and the log of a run, without attributes (which hold
# addresses within the file and wall times).
fingerprint() {
    h5dump -A 0 -m '%.17g' -d /samplers/mis/log_weight -d /samplers/mis/action \
        -d /samplers/mis/accepted -d /training/loss -g /flow/params "$1" >dump.txt
    [ "$(wc -l <dump.txt)" -gt 1000 ]
    tail -n +2 dump.txt | sha256sum
}

@test "cli: no command prints the usage and exits 64" {
    run kadanoff
    [ "$status" -eq 64 ]
    [[ $output == *"usage: kadanoff"* ]]
}

@test "cli: --help and --version work everywhere" {
    kadanoff --help >/dev/null
    kadanoff --version | grep -q '^GSL .*libgsl'
    for c in run train sample analyse bulk report compare couplings demo init list info \
        diagnose help; do
        kadanoff $c --help | grep -q "usage: kadanoff $c"
        kadanoff help $c | grep -q "usage: kadanoff $c"
    done
}

@test "cli: an unknown command or option is a usage error with a suggestion" {
    fails_with 64 kadanoff rnu tiny.yaml
    grep -q 'did you mean run?' err.txt
    fails_with 64 kadanoff run tiny.yaml --thread 2
    grep -q 'did you mean --threads?' err.txt
    fails_with 64 kadanoff run tiny.yaml --threads two
    fails_with 64 kadanoff run
    fails_with 64 kadanoff run a.yaml b.yaml
}

@test "cli: a missing config is 66, a missing run folder is 66" {
    fails_with 66 kadanoff run nothing.yaml
    mkfifo pipe
    fails_with 66 timeout 20 kadanoff run pipe
    for c in analyse report info diagnose; do
        fails_with 66 kadanoff $c nowhere
    done
    [ ! -e nowhere ]
}

@test "cli: a config may come by standard input, into a folder that is named" {
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

@test "cli: a report can be written elsewhere, without touching the run" {
    kadanoff run tiny.yaml -q
    rm tiny/report.html
    chmod -R a-w tiny
    kadanoff report tiny -q -o page.html
    grep -q '</html>' page.html
    [ ! -e tiny/report.html ]
}

@test "cli: what reads a run can be stopped, and leaves it as it was" {
    kadanoff run tiny.yaml -q bulk.configs=64 'sample[0].store_configs=64'
    sha256sum tiny/run.h5 tiny/report.html tiny/checkpoint/*.h5 >before.txt
    for c in analyse bulk report; do
        fails_with 75 kadanoff $c tiny --max-hours 1e-6
        grep -q 'stopped by time limit' err.txt
        sha256sum --quiet -c before.txt
    done
    kadanoff analyse tiny -q
}

@test "cli: with standard output and error closed nothing lands in files" {
    kadanoff run tiny.yaml <&- >&- 2>&-
    [ "$(grep -vc '^{.*}$' tiny/progress.jsonl)" -eq 0 ]
    grep -qx '[0-9]* .*' tiny/checkpoint/lock
    [ "$(wc -l <tiny/checkpoint/lock)" -eq 1 ]
    kadanoff info tiny | grep -q complete
    fails_with 66 bash -c 'kadanoff info nowhere >&-'
}

@test "cli: hmc in deep wells shows its tuning and stops at once" {
    cat >deep.yaml <<'END'
lattice: {shape: [8, 8]}
action: {name: phi4, m2: -1e6, lambda: 1e-3}
sample: [{name: hmc, draws: 100000}]
END
    kadanoff run deep.yaml -q &
    local pid=$! got=0 began
    for _ in $(seq 300); do
        grep -qs '"stage":"hmc tuning"' deep/progress.jsonl && break
        sleep 0.1
    done
    grep -q '"stage":"hmc tuning"' deep/progress.jsonl
    began=$SECONDS
    kill -TERM $pid
    wait $pid || got=$?
    [ "$got" -eq 75 ]
    [ $((SECONDS - began)) -le 10 ] # a second on a machine of its own
}

@test "cli: diagnose says that a run is not complete, and what goes on with it" {
    advice() {
        kadanoff diagnose tiny >said.txt
        grep -F "not complete ($1)" said.txt
        grep -q 'nothing is analysed yet' said.txt
    }
    kadanoff train tiny.yaml -q
    advice 'only trained'
    rm -r tiny
    fails_with 75 kadanoff run tiny.yaml -q --max-hours 1e-6
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

@test "cli: the advice of diagnose is taken by the run's own config" {
    follow() { # CONFIG OVERRIDES...: a poor run, and the command that diagnose names
        kadanoff run "$1" -q -o "a poor run/" "${@:2}"
        kadanoff diagnose "a poor run/" >said.txt || [ $? -eq 65 ]
        not grep -q "short for the 0 over" said.txt
        sed -n 's/^advice: //p' said.txt >advice.sh
        cat advice.sh
        fails_with 75 bash -c "$(cat advice.sh) -q --max-hours 1e-6"
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

@test "cli: info begins with what came out" {
    kadanoff run tiny.yaml -q
    kadanoff info tiny | sed '/^$/,$d' >summary.txt
    grep -q '^model .*Ising.* 4 x 4$' summary.txt
    grep -q '^state  *complete$' summary.txt
    grep -q '^log_z .*(exact 13.' summary.txt
    grep -q '^samplers  *mis: 2000 draws, acceptance 0' summary.txt
    kadanoff info tiny | grep -q '^commit '
    kadanoff info tiny | grep -q '/samplers/mis/log_weight \[1, 2000\]'
}

@test "cli: a narrow terminal keeps the step and the time left" {
    command -v script >/dev/null || skip "no script(1)"
    script -qec 'stty cols 40; kadanoff train tiny.yaml train.steps=500 \
        train.checkpoint_seconds=60' log.txt >/dev/null
    tr '\r' '\n' <log.txt | sed 's/\x1b\[K//' | grep '^train .*/500' >lines.txt
    grep -q 'eta [0-9]*:[0-9][0-9]$' lines.txt
    [ "$(wc -L <lines.txt)" -lt 40 ]
}

@test "cli: completion knows keys and their values" {
    kadanoff help --completion >complete.sh
    complete_words() { # WORDS...: what is offered for the last one
        bash -c '. ./complete.sh; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kadanoff;
            printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
    }
    complete_words kadanoff run tiny.yaml train.opt | grep -qx 'train.optimiser='
    complete_words kadanoff run tiny.yaml 'sample[0].na' | grep -qxF 'sample[0].name='
    complete_words kadanoff run tiny.yaml train.optimiser = | grep -qx soap
    complete_words kadanoff run tiny.yaml train.optimiser = ad | grep -qx adam
    complete_words kadanoff run tiny.yaml 'sample[0].name' = hm | grep -qx hmc
    complete_words kadanoff demo ising action.name = ph | grep -qx phi4
    complete_words kadanoff run ti | grep -qx tiny.yaml
    complete_words kadanoff tr | grep -qx train
    complete_words kadanoff help comp | grep -qx compare
    complete_words kadanoff run tiny.yaml --max | grep -qx -- --max-hours
}

@test "cli: every bad config is 78, names the key, and creates nothing" {
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

@test "cli: a key without effect is 78 and names what is used" {
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
    unused train.chain_rate train.chain_rate=2
    unused train.data_weight train.data_weight=0.1
    unused train.symmetrise_last train.symmetrise_last=0.1
    unused train.chain train.from=x train.chain=true
    unused action.kappa action.kappa=0.2
    unused 'sample[0].trajectory' 'sample[0].trajectory=2'
    grep -q 'mis, which uses: .*draws' err.txt
    unused 'sample[0].exact' 'sample[0].name=hmc' 'sample[0].exact=true'
}

@test "cli: config.yaml holds what is used, and runs again by itself" {
    for recipe in stencil wavelet neuralrg; do
        kadanoff run tiny.yaml -q -o "$recipe" flow.recipe=$recipe train.steps=5
        kadanoff run "$recipe" -q
        kadanoff run "$recipe/config.yaml" -q -o again
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

@test "cli: an empty list of samplers means no sampling" {
    kadanoff run tiny.yaml -q train.steps=5 sample=[] -o none
    not h5ls none/run.h5/samplers
    kadanoff run none -q
    kadanoff diagnose none
}

@test "cli: what cannot work is found before the folder is claimed" {
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

@test "cli: more memory than there is is refused with both numbers" {
    fails_with 78 kadanoff run tiny.yaml lattice.shape='[4096, 4096]' --threads 1024
    grep -Eq '[0-9].*[0-9]' err.txt
    fails_with 78 kadanoff run tiny.yaml -q lattice.shape='[1048576, 1048576]'
    fails_with 78 kadanoff run tiny.yaml -q sample='[{draws: 1000000000, chains: 4096}]'
    [ ! -e tiny ]
}

@test "cli: an output folder that cannot be made is 73" {
    : >file
    fails_with 73 kadanoff run tiny.yaml --out file/below -q
}

@test "cli: the whole job, twice, harmlessly; the second run changes no result" {
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

@test "cli: another config in the same folder is refused and names the key" {
    kadanoff train tiny.yaml -q train.steps=5
    fails_with 78 kadanoff run tiny.yaml -q train.steps=6
    grep -q 'train.steps' err.txt
}

@test "cli: one and two threads give the same bytes" {
    kadanoff run tiny.yaml -q -t 1 -o one
    kadanoff run tiny.yaml -q -t 2 -o two
    [ "$(fingerprint one/run.h5)" = "$(fingerprint two/run.h5)" ]
}

@test "cli: killed and repeated gives the same bytes" {
    kadanoff run tiny.yaml -q -o whole
    for delay in 0.05 0.1 0.2 0.3 0.45; do
        kadanoff run tiny.yaml -q -o pieces train.checkpoint_seconds=0 &
        pid=$!
        sleep "$delay"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    kadanoff run tiny.yaml -q -o pieces train.checkpoint_seconds=0
    [ "$(fingerprint whole/run.h5)" = "$(fingerprint pieces/run.h5)" ]
}

@test "cli: SIGTERM leaves a checkpoint and exits 75; the run then continues" {
    kadanoff run tiny.yaml -q -o stopped train.steps=100000 &
    pid=$!
    wait_for stopped/checkpoint/current.h5
    kill -TERM "$pid"
    got=0
    wait "$pid" || got=$?
    [ "$got" -eq 75 ]
    [ -s stopped/checkpoint/current.h5 ]
    kadanoff info stopped | grep -q '^state *stopped by SIGTERM'
}

@test "cli: --max-hours stops with 75" {
    fails_with 75 kadanoff run tiny.yaml -q train.steps=1000000 --max-hours 0.0003
}

@test "cli: --max-hours also as batch queues write a time" {
    fails_with 75 kadanoff run tiny.yaml -q -o slurm train.steps=1000000 --max-hours 00:00:01
    for bad in 1:99:00 1: 1-2 -1:00:00 1:2:3:4 1-1:1:1:1 a:0:0; do
        fails_with 64 kadanoff run tiny.yaml -q --max-hours="$bad"
    done
}

@test "cli: in a batch job's task, as many threads as it has cores" {
    local line
    unset OMP_NUM_THREADS
    line=$(SLURM_CPUS_PER_TASK=3 kadanoff run tiny.yaml -o cores | head -1)
    [[ "$line" == *', 3 threads,'* ]]
    line=$(OMP_NUM_THREADS=2 SLURM_CPUS_PER_TASK=3 kadanoff run tiny.yaml -o cores | head -1)
    [[ "$line" == *', 2 threads,'* ]]
}

@test "cli: a folder in use is 69 and the message says by whom" {
    kadanoff run tiny.yaml -q -o busy train.steps=1000000 &
    pid=$!
    wait_for busy/checkpoint/current.h5
    got=0
    kadanoff run tiny.yaml -q -o busy train.steps=1000000 2>err.txt || got=$?
    kill -9 "$pid"
    wait "$pid" || true
    [ "$got" -eq 69 ]
    grep -q "$pid" err.txt
}

@test "cli: a second SIGINT exits 130 at once" {
    trap - INT
    set -m # background jobs of a script would ignore SIGINT
    kadanoff run tiny.yaml -q -o twice train.steps=1000000 &
    pid=$!
    wait_for twice/checkpoint/current.h5
    kill -STOP "$pid"
    kill -INT "$pid"
    kill -CONT "$pid"
    kill -INT "$pid"
    got=0
    wait "$pid" || got=$?
    [ "$got" -eq 130 ] || [ "$got" -eq 75 ] # 75: it was gone before the second came
}

@test "cli: a stop during an evaluation or a step loses nothing" {
    cat >wide.yaml <<'END'
lattice: {shape: [32, 32]}
action: {name: on-dual, components: 1}
flow: {recipe: neuralrg}
train: {chain: false, steps: 3, eval_every: 2, eval_samples: 2048, eval_final: 2048}
sample: [{name: mis, draws: 500}]
END
    kadanoff run wide.yaml -q -o whole
    for _ in $(seq 20); do
        got=0
        kadanoff run wide.yaml -q -o pieces --max-hours 0.0006 || got=$?
        [ "$got" -eq 75 ] || break
    done
    [ "$got" -eq 0 ] || kadanoff run wide.yaml -q -o pieces
    [ "$(fingerprint whole/run.h5)" = "$(fingerprint pieces/run.h5)" ]
}

@test "cli: a damaged checkpoint falls back on the previous one, and says so" {
    kadanoff run tiny.yaml -q -o hurt train.steps=100000 &
    pid=$!
    wait_for hurt/checkpoint/previous.h5
    kill -TERM "$pid"
    wait "$pid" || true
    printf 'X' | dd of=hurt/checkpoint/current.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
    got=0
    kadanoff run hurt -q --max-hours 0.0002 2>err.txt || got=$?
    [ "$got" -eq 75 ]
    grep -q 'previous' err.txt
}

@test "cli: a damaged results file is 65" {
    kadanoff train tiny.yaml -q train.steps=5
    printf 'damage' >tiny/run.h5
    fails_with 65 kadanoff info tiny
}

@test "cli: a damaged results file is made again from the checkpoint" {
    kadanoff run tiny.yaml -q
    before=$(fingerprint tiny/run.h5)
    printf 'X' | dd of=tiny/run.h5 bs=1 seek=5000 conv=notrunc 2>/dev/null
    fails_with 65 kadanoff run tiny -q
    grep -q 'move it away and .kadanoff run tiny. makes it again' err.txt
    mv tiny/run.h5 damaged.h5
    kadanoff run tiny -q
    [ "$(fingerprint tiny/run.h5)" = "$before" ]
}

@test "cli: hostile files are refused in one line" {
    kadanoff run tiny.yaml -q train.steps=5
    # without its digest the file reaches the checks behind it
    head -c -64 tiny/run.h5 >plain.h5
    size=$(stat -c %s plain.h5)
    for i in $(seq 8); do
        cp plain.h5 bad.h5
        yes "noise $i" | head -c 96 |
            dd of=bad.h5 bs=1 seek=$((size * i / 9)) conv=notrunc 2>/dev/null
        head -c $((size - 50 * i * i)) bad.h5 >cut.h5
        for file in bad.h5 cut.h5; do
            cp $file tiny/run.h5
            for command in "info tiny" "report tiny" \
                "run tiny.yaml -q -o other action.couplings=$file" \
                "run tiny.yaml -q -o other train.steps=1 train.data=$file \
                    train.data_set=/samplers/mis/configs"; do
                got=0
                kadanoff $command >out.txt 2>err.txt || got=$?
                case $got in 0 | 65 | 66 | 78) ;; *) false ;; esac
                [ "$(wc -l <err.txt)" -le 1 ]
                rm -rf other
            done
        done
    done
}

@test "cli: links, cycles and escapes in a results file do no harm" {
    kadanoff run tiny.yaml -q train.steps=5
    cp -r tiny whole
    for trick in links cycle escapes names; do
        for command in info analyse report; do
            rm -rf tiny
            cp -r whole tiny
            "$KAD_BUILDDIR/tests/cli/h5_tricks" tiny/run.h5 $trick
            got=0
            timeout 60 kadanoff $command tiny >out.txt 2>err.txt || got=$?
            case $trick.$command.$got in
            links.*.0 | escapes.*.0) ;;
            cycle.*.65) grep -q 'several names' err.txt ;;
            names.*.65) grep -q 'cannot be printed' err.txt ;;
            *) echo "$trick $command: $got" && false ;;
            esac
            [ "$(grep -v 'link left out' err.txt | wc -l)" -le 1 ]
            # no control characters but newlines and tabs, no bytes that are not UTF-8
            [ -z "$(cat out.txt err.txt | tr -d '\n\t\040-\176\200-\377')" ]
            cat out.txt err.txt tiny/report.html | iconv -f UTF-8 -t UTF-8 >/dev/null
        done
    done
}

@test "cli: a folder that is no run stays as it is" {
    mkdir photos
    echo holiday >photos/beach
    for command in info analyse report diagnose compare couplings bulk sample; do
        fails_with 66 kadanoff $command photos
        [ "$(ls -A photos)" = beach ]
    done
    echo holiday >photos/run.h5
    for command in analyse report bulk; do
        fails_with 65 kadanoff $command photos
        [ "$(ls -A photos | wc -l)" -eq 2 ]
    done
    fails_with 66 kadanoff info photos/beach
}

@test "cli: a prepared folder empties no file elsewhere" {
    kadanoff run tiny.yaml -q train.steps=5
    seq 1000 >thesis
    cp thesis copy
    for name in checkpoint/lock progress.jsonl report.html report.html.tmp run.h5.tmp; do
        for how in -s ''; do
            rm -f "tiny/$name"
            ln $how "$PWD/thesis" "tiny/$name"
            kadanoff report tiny >/dev/null 2>err.txt || grep -q 'remove it' err.txt
            kadanoff run tiny >/dev/null 2>err.txt || grep -q 'remove it' err.txt
            cmp thesis copy
            rm -f "tiny/$name"
        done
    done
    rm -r tiny/checkpoint
    mkdir elsewhere
    ln -s "$PWD/elsewhere" tiny/checkpoint
    fails_with 73 kadanoff report tiny
    [ -z "$(ls -A elsewhere)" ]
}

@test "cli: the results of another run in a folder are refused, and stay" {
    kadanoff run tiny.yaml -q -o one train.steps=5
    kadanoff train tiny.yaml -q -o two seed=2 train.steps=5
    cp two/run.h5 one/run.h5
    for command in sample run train "bulk bulk.configs=4"; do
        set -- $command
        fails_with 65 kadanoff "$1" one "${@:2}"
        grep -q 'belongs to another run: seed is 2 in it, but 42' err.txt
        cmp one/run.h5 two/run.h5
    done
}

@test "cli: init prints a config that runs" {
    for action in $(kadanoff list actions | awk '{print $1}'); do
        kadanoff init "$action" >"$action.yaml"
        [ "$(wc -l <"$action.yaml")" -gt 20 ]
        grep -q "^  name: $action$" "$action.yaml"
        kadanoff run "$action.yaml" -q lattice.shape='[4, 4]' train.steps=10 \
            train.eval_final=256 train.chain=false
    done
    fails_with 64 kadanoff init on-dula
}

@test "cli: a full disk is 74 and loses no acknowledged result" {
    [ -w /dev/full ] || skip "no /dev/full"
    got=0
    kadanoff list keys >/dev/full 2>err.txt || got=$?
    [ "$got" -eq 74 ]
}

# Writes when nobody reads any more.
unread() {
    {
        sleep 0.2
        local got=0
        "$@" 2>err.txt || got=$?
        echo "$got" >code.txt
    } | true
    [ "$(cat code.txt)" -eq 0 ]
    [ "$(grep -c '^kadanoff: ' err.txt)" -eq 0 ]
}

@test "cli: a reader that leaves early is no error, and stops no job" {
    unread kadanoff run tiny.yaml -o piped
    [ "$(fingerprint piped/run.h5)" != "" ]
    for command in "info piped" "report piped" "compare piped" "list keys" "help run" \
        "init phi4" --help --version; do
        # shellcheck disable=SC2086
        unread kadanoff $command
    done
}

@test "cli: a limit on file sizes is 74; with more room the run continues" {
    kadanoff run tiny.yaml -q -o whole
    for limit in 20 60 200; do
        got=0
        (ulimit -f $limit && kadanoff run tiny.yaml -q -o small) 2>err.txt || got=$?
        [ "$got" -eq 74 ]
        [ "$(grep -vc 'continues at' err.txt)" -eq 1 ]
    done
    kadanoff run tiny.yaml -q -o small
    [ "$(fingerprint whole/run.h5)" = "$(fingerprint small/run.h5)" ]
}

@test "cli: a locale with a decimal comma changes nothing" {
    mkdir locale
    localedef -i de_DE -f UTF-8 locale/de_DE.UTF-8 2>/dev/null || skip "no localedef"
    kadanoff run tiny.yaml -q -o plain train.rate=0.008
    LOCPATH=$PWD/locale LC_ALL=de_DE.UTF-8 kadanoff run tiny.yaml -q -o comma \
        train.rate=0.008
    diff plain/config.yaml comma/config.yaml
    [ "$(fingerprint plain/run.h5)" = "$(fingerprint comma/run.h5)" ]
}

# A tree of bonds: Z is the product of its bonds' factors.
@test "cli: ln Z of couplings from a file is exact for one to three components" {
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

# beside_cluster FOLDER BETA COUPLINGS STEPS: a map, not annealed, is trained on spins of
# those couplings, and a sampler without it runs along. What it finds bounds the exact ln Z
# from above.
beside_cluster() {
    kadanoff run tiny.yaml -q -t 1 -o "$1" seed=3 action.temperature=auto action.beta="$2" \
        action.couplings="$3" train.steps="$4" train.checkpoint_seconds=600 \
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

@test "cli: the map of couplings with many states, annealed by default, has them all" {
    blocks >blocks.txt
    kadanoff run tiny.yaml -q -o all action.temperature=auto action.beta=2 \
        action.couplings=blocks.txt train.steps=600 train.batch=128 sample='[{draws: 8000}]'
    grep -q 'anneal_key: beta' all/config.yaml
    kadanoff analyse all | awk '/^mis$/ { here = 1 } here && $1 == "m2" { m2 = $2 + 0; here = 0 }
        END { exit !(m2 > 0.3 && m2 < 0.7) }' # exact 0.5; half of the states give 0 or 1
}

# Of the modes a map that is not annealed learns two.
@test "cli: a map that misses half of the distribution is an error of diagnose" {
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

@test "cli: ln Z of a glass is bounded by configurations that the map did not make" {
    printf '%s %s %s\n' 0 1 -1  0 4 -1  1 2 1  1 5 -1  2 3 1  2 6 1  3 0 1  3 7 -1 >glass.txt
    printf '%s %s %s\n' 4 5 -1  4 8 -1  5 6 -1  5 9 1  6 7 1  6 10 -1  7 4 1  7 11 -1 >>glass.txt
    printf '%s %s %s\n' 8 9 1  8 12 1  9 10 1  9 13 1  10 11 1  10 14 -1  11 8 -1  11 15 1 >>glass.txt
    printf '%s %s %s\n' 12 13 -1  12 0 1  13 14 1  13 1 -1  14 15 1  14 2 -1  15 12 -1  15 3 1 >>glass.txt
    beside_cluster glass 1.5 glass.txt 250
}

@test "cli: samplers that agree are said to, and diagnose is content" {
    kadanoff run tiny.yaml -q -t 1 -o good train.steps=150 \
        train.checkpoint_seconds=600 sample='[{draws: 3000},
        {name: cluster, draws: 200}, {name: metropolis, draws: 200}]'
    kadanoff diagnose good
    kadanoff analyse good | grep -q 'samplers against each other: 0 of 1[0-9] rows disagree'
}

@test "cli: the antiferromagnet, on two sublattices and frustrated, has exact averages" {
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

@test "cli: samplers that need no map run without training and are compared" {
    kadanoff run tiny.yaml -q -o plain \
        'sample=[{name: cluster, draws: 200, chains: 8}, {name: metropolis, draws: 200, chains: 8}]'
    run h5dump -d /training/loss plain/run.h5
    [ "$status" -ne 0 ]
    kadanoff compare plain | grep -q metropolis
    grep -q '<svg' plain/report.html
}

@test "cli: exact values are right far from the critical point, and what is not known is said" {
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

@test "cli: the model is named with its couplings wherever it stands" {
    local name='Ising, T = 3 (beta 0.33333), 4 x 4'
    kadanoff train tiny.yaml train.steps=5 >first.txt
    grep -qF "model: $name" first.txt
    kadanoff report tiny
    grep -qF "<title>$name - kadanoff</title>" tiny/report.html
    grep -qF "<h1>$name</h1>" tiny/report.html
    grep -qF '>temperature = 3, beta = 0.3333333333333333<' tiny/report.html
    kadanoff info tiny | grep -qF "$name"
    h5dump -a /model/name tiny/run.h5 | grep -qF "$name"
    h5dump -m '%.17g' -a temperature tiny/run.h5 | grep -q '(0): 3$'
    printf '0 1 0.7\n1 2 -1.1\n' >bonds.txt
    kadanoff train tiny.yaml train.steps=5 action.couplings=bonds.txt -o bonds |
        grep -qF "Ising, couplings $(sha256sum bonds.txt | cut -c 1-8), T = 3"
    kadanoff train tiny.yaml -q train.steps=5 title='cold & dry' -o titled
    kadanoff report titled
    grep -qF "<h1>cold &amp; dry: $name</h1>" titled/report.html
}

@test "cli: compare has a column for every coupling" {
    local sample='sample=[{name: cluster, draws: 200, chains: 8}]'
    kadanoff run tiny.yaml -q -o warm "$sample"
    kadanoff run tiny.yaml -q -o free "$sample" action.temperature=auto \
        action.name=phi4 action.kappa=0.1 action.lambda=0.5
    kadanoff compare warm | grep -qF 'Ising, T = 3 (beta 0.33333), 4 x 4'
    kadanoff compare warm free >table.txt
    cat table.txt
    grep -qE '^run +lattice +temperature +beta +kappa +lambda +sampler' table.txt
    grep -qE '^warm +4 x 4 +3 +0.33333333 +- +- +cluster' table.txt
    grep -qE '^free +4 x 4 +- +- +0.1 +0.5 +cluster' table.txt
}

# Figures of a page that draw or tabulate, and those of them with their numbers.
count_figures() {
    grep -o '<figure><h2>[^<]*' "$1" | grep -cvE '(This run|Warnings|Symbols)$'
}

@test "cli: the report of every kind of model is whole" {
    local small='train.steps=5 train.batch=64 train.eval_samples=64 train.eval_final=64'
    local sample='sample=[{name: mis, draws: 400},{name: hmc, chains: 4, draws: 200}]'
    # shellcheck disable=SC2086
    for kind in "xy [4,4] {name: on-dual, components: 2, beta: 1}" \
        "phi4 [4,4] {name: phi4, m2: -1, lambda: 0.5}" \
        "ring [8] {name: phi4, components: 3, kappa: 0.2, lambda: 1}"; do
        read -r name shape action <<<"$kind"
        printf 'lattice: {shape: %s}\naction: %s\n' "$shape" "$action" >"$name.yaml"
        kadanoff run "$name.yaml" -q $small "$sample" bulk.configs=200 bulk.null=100
        page=$name/report.html
        grep -q '<dt>' "$page" # symbols are explained
        grep -qF "<h1>$(h5dump -a model "$name/run.h5" | sed -n 's/.*(0): "\(.*\)"/\1/p')</h1>" \
            "$page"
        not grep -qiE '>(nan|inf|-)<|[^a-z]nan[^a-z]|aria-label="[^"]*"></svg>' "$page"
        [ "$(count_figures "$page")" -eq "$(grep -c 'download="[a-z0-9-]*.csv"' "$page")" ]
        [ "$(count_figures "$page")" -gt 15 ]
        [ "$(stat -c %s "$page")" -lt 1000000 ]
    done
    grep -q 'odd sites are integrated out exactly' phi4/report.html
    grep -q '<span>.*exact</span>' phi4/report.html
    not grep -q 'keeps one sign' xy/report.html ring/report.html
    # S = -2 sum phi.phi + (m2 + 2d) phi^2 + lambda phi^4
    h5dump -y -w 0 -d /bulk/couplings/exact phi4/run.h5 | grep -q '^ *-2, 0, 0, 3, 0.5, 0'
    h5dump -d /bulk/couplings/exact_unit phi4/run.h5 >unit.txt
    not grep -q nan unit.txt
    run h5dump -d /bulk/couplings/exact xy/run.h5 # no finite sum of operators
    [ "$status" -ne 0 ]
}

@test "cli: more than there is cannot be kept or read, and one line says so" {
    kadanoff sample tiny.yaml -o none 'sample[0].store_configs=64' 2>err.txt || true
    not grep -q 'asked for' err.txt
    kadanoff run tiny.yaml -o caps train.steps=1 'sample[0].draws=100' \
        'sample[0].store_configs=300' 'sample[0].keep_first=5000' 2>err.txt
    cat err.txt
    grep -q 'mis: 100 configurations are kept, one a draw, of 300 asked for' err.txt
    grep -q 'mis: keep_first: 200 draws are all there are, of 5000 asked for' err.txt
    kadanoff bulk caps bulk.configs=150 2>err.txt
    cat err.txt
    grep -q 'bulk: 100 configurations are read, of 150 that bulk.configs asks for: mis has 100 stored' err.txt
}

@test "cli: bulk reads the latents, again after a run, and draws pictures" {
    kadanoff run tiny.yaml -q -o deep bulk.configs=2000
    h5dump -n deep/run.h5 >names.txt
    grep -q '/correlators/bulk' names.txt
    grep -q '/bulk/couplings' names.txt
    kadanoff bulk deep -q --pictures pictures
    ls pictures/*.png
    kadanoff couplings deep -q
    grep -qF 'deep: Ising, T = 3 (beta 0.33333), 4 x 4' couplings.html
    grep -q 'download="flow-of-the-couplings.csv"' couplings.html
}

@test "cli: what the physics is by default is recorded" {
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

@test "cli: files are found beside the config, kept with the run, and known again" {
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

@test "cli: a training goes on with the samples and the map it began with" {
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

@test "cli: skipped steps are a warning with numbers" {
    printf 'lattice: {shape: [4, 4]}\naction: {name: phi4, m2: 1, lambda: 1}\n' >p.yaml
    kadanoff train p.yaml -q train.rate=1000 train.steps=8 train.batch=16 \
        train.eval_final=16
    kadanoff diagnose p | tee out.txt
    grep -q 'warning: training: [1-8] of 8 steps were skipped' out.txt
}

@test "cli: every demo runs a sampler that does not use its map" {
    for demo in $(kadanoff list demos | awk '{ print $1 }'); do
        grep -qE 'name: (cluster|hmc|metropolis)' "$KAD_SRCDIR/examples/$demo.yaml"
    done
}
