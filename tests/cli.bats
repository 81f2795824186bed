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
    kadanoff --version | grep -q '^BLAS .*openblas'
    for c in run train sample analyse report demo init list info diagnose help; do
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
    for c in analyse report info diagnose; do
        fails_with 66 kadanoff $c nowhere
    done
    [ ! -e nowhere ]
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
    bad tiny.yaml action.temperature=-1
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

@test "cli: more memory than there is is refused with both numbers" {
    fails_with 78 kadanoff run tiny.yaml lattice.shape='[4096, 4096]' --threads 1024
    grep -Eq '[0-9].*[0-9]' err.txt
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
    ! grep -Eq 'src="http|href="http|<script' tiny/report.html
    before=$(sha256sum tiny/run.h5)
    kadanoff run tiny.yaml >second.txt
    [ "$(sha256sum tiny/run.h5)" = "$before" ]
    kadanoff run tiny -q
    [ "$(sha256sum tiny/run.h5)" = "$before" ]
    kadanoff info tiny | grep -q '^status *complete'
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
    kadanoff info stopped | grep -q '^status *SIGTERM'
}

@test "cli: --max-hours stops with 75" {
    fails_with 75 kadanoff run tiny.yaml -q train.steps=1000000 --max-hours 0.0003
}

@test "cli: a folder in use is 75 and the message says by whom" {
    kadanoff run tiny.yaml -q -o busy train.steps=1000000 &
    pid=$!
    wait_for busy/checkpoint/current.h5
    got=0
    kadanoff run tiny.yaml -q -o busy train.steps=1000000 2>err.txt || got=$?
    kill -9 "$pid"
    wait "$pid" || true
    [ "$got" -eq 75 ]
    grep -q "$pid" err.txt
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

@test "cli: init prints a config that runs" {
    for action in $(kadanoff list actions | awk '{print $1}'); do
        kadanoff init "$action" >"$action.yaml"
        [ "$(wc -l <"$action.yaml")" -gt 20 ]
    done
    kadanoff init on-dual >on-dual.yaml
    kadanoff run on-dual.yaml -q lattice.shape='[4, 4]' train.steps=10 \
        train.eval_final=256 train.chain=false
    fails_with 64 kadanoff init on-dula
}

@test "cli: a full disk is 74 and loses no acknowledged result" {
    [ -w /dev/full ] || skip "no /dev/full"
    got=0
    kadanoff list keys >/dev/full 2>err.txt || got=$?
    [ "$got" -eq 74 ]
}
