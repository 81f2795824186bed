#!/usr/bin/env bats
# Stops, kills and limits: what continues, to the same bytes.

load util

# A checkpoint after every step.
often=train.checkpoint_seconds=0

@test "resume: killed and repeated gives the same bytes" {
    kadanoff run tiny.yaml -q -o whole
    for delay in 0.05 0.1 0.2 0.3 0.45; do
        kadanoff run tiny.yaml -q -o pieces $often &
        pid=$!
        sleep "$delay"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    kadanoff run tiny.yaml -q -o pieces $often
    [ "$(fingerprint whole/run.h5)" = "$(fingerprint pieces/run.h5)" ]
}

@test "resume: SIGTERM leaves a checkpoint and exits 75; the run then continues" {
    kadanoff run tiny.yaml -q -o stopped $often train.steps=100000 &
    pid=$!
    wait_for stopped/checkpoint/current.h5
    kill -TERM "$pid"
    got=0
    wait "$pid" || got=$?
    [ "$got" -eq 75 ]
    [ -s stopped/checkpoint/current.h5 ]
    kadanoff info stopped | grep -q '^state *stopped by SIGTERM'
}

@test "resume: --max-hours stops with 75" {
    fails_with 75 kadanoff run tiny.yaml -q -t 1 train.steps=1000000 --max-hours 0.0003
}

@test "resume: --max-hours also as batch queues write a time" {
    fails_with 75 kadanoff run tiny.yaml -q -t 1 -o slurm train.steps=1000000 --max-hours 00:00:01
    for bad in 1:99:00 1: 1-2 -1:00:00 1:2:3:4 1-1:1:1:1 a:0:0; do
        fails_with 64 kadanoff run tiny.yaml -q --max-hours="$bad"
    done
}

@test "resume: a folder in use is 69 and the message says by whom" {
    kadanoff run tiny.yaml -q -o busy $often train.steps=1000000 &
    pid=$!
    wait_for busy/checkpoint/current.h5
    got=0
    kadanoff run tiny.yaml -q -o busy $often train.steps=1000000 2>err.txt || got=$?
    kill -9 "$pid"
    wait "$pid" || true
    [ "$got" -eq 69 ]
    grep -q "$pid" err.txt
}

@test "resume: a folder of another machine whose progress is young is 69, --wait waits for it" {
    kadanoff train tiny.yaml -q train.steps=5
    echo '4711 elsewhere' >tiny/checkpoint/lock
    fails_with 69 kadanoff run tiny -q
    grep -q '4711 on host elsewhere' err.txt
    fails_with 69 kadanoff run tiny -q --wait 0.2
    fails_with 75 kadanoff run tiny -q --wait 100 --max-hours 1e-5
    touch -d '-118 seconds' tiny/progress.jsonl
    kadanoff run tiny -q --wait 60
    [ ! -s tiny/checkpoint/lock ]
}

@test "resume: every attempt is recorded, those that were killed too" {
    fails_with 75 kadanoff run tiny.yaml -q -t 1 train.steps=2000 --max-hours 1e-5
    SLURM_JOB_ID=17 kadanoff run tiny.yaml -q -t 1 train.steps=2000 &
    pid=$!
    for _ in $(seq 600); do
        h5dump -d /attempts/job tiny/run.h5 2>/dev/null | grep -q '"17"' &&
            break
        sleep 0.05
    done
    kill -9 "$pid"
    wait "$pid" || true
    kadanoff run tiny -q
    h5dump -d /attempts/status tiny/run.h5 | grep -F '"time limit", "killed", "complete"'
    h5dump -d /attempts/job tiny/run.h5 | grep -F '"", "17", ""'
    h5dump -d /attempts/seconds tiny/run.h5 | grep -E '\(0\): [0-9.e-]+, nan, [0-9.]+$'
    h5dump -d /attempts/stage tiny/run.h5 | grep -E '\(0\): "train[^"]*", "train[^"]*", "[a-z]*"'
    h5dump -d /attempts/started tiny/run.h5 | grep -qE '"20[0-9T:-]*Z"'
}

@test "resume: what a run starts from is recorded" {
    kadanoff train tiny.yaml -q train.steps=5 -o first
    kadanoff train tiny.yaml -q train.steps=5 train.from=first
    attribute() { h5dump -a "$1" "$2/run.h5" | sed -n 's/^ *(0): //p'; }
    row() { h5dump -A 0 -d "/inputs/$1" tiny/run.h5 | sed -n 's/^ *(0): //p'; }
    [ "$(row key)" = '"train.from"' ]
    [ "$(row uuid)" = "$(attribute /uuid first)" ]
    [ "$(row sha256)" = "$(attribute /flow/sha256 first)" ]
}

@test "resume: a second SIGINT exits 130 at once" {
    trap - INT
    set -m # background jobs of a script would ignore SIGINT
    kadanoff run tiny.yaml -q -o twice $often train.steps=1000000 &
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

@test "resume: a stop during an evaluation or a step loses nothing" {
    cat >wide.yaml <<'END'
lattice: {shape: [16, 16]}
action: {name: on-dual, components: 1}
train: {chain: false, steps: 3, batch: 4096, eval_every: 2, eval_samples: 8192, eval_final: 8192}
sample: [{name: mis, draws: 500}]
END
    kadanoff run wide.yaml -q -o whole
    for hours in 0.00005 0.0001 0.00015 0.0002 0.00025 0.0003; do
        got=0
        kadanoff run wide.yaml -q -o pieces --max-hours $hours || got=$?
        [ "$got" -eq 75 ] || break
    done
    [ "$got" -eq 0 ] || kadanoff run wide.yaml -q -o pieces
    [ "$(fingerprint whole/run.h5)" = "$(fingerprint pieces/run.h5)" ]
}

@test "resume: a limit on file sizes is 74; with more room the run continues" {
    kadanoff run tiny.yaml -q -o whole
    for limit in 20 60 200; do
        got=0
        (ulimit -f $limit && kadanoff run tiny.yaml -q -t 1 -o small $often) 2>err.txt || got=$?
        [ "$got" -eq 74 ]
        [ "$(grep -vc 'continues at' err.txt)" -eq 1 ]
    done
    kadanoff run tiny.yaml -q -o small $often
    [ "$(fingerprint whole/run.h5)" = "$(fingerprint small/run.h5)" ]
}

@test "resume: hmc in deep wells shows its tuning and stops at once" {
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

@test "resume: what reads a run can be stopped, and leaves it as it was" {
    kadanoff run tiny.yaml -q bulk.configs=64 'sample[0].store_configs=64'
    sha256sum tiny/run.h5 tiny/report.html tiny/checkpoint/*.h5 >before.txt
    for c in analyse bulk report; do
        fails_with 75 kadanoff $c tiny --max-hours 1e-6
        grep -q 'stopped by time limit' err.txt
        sha256sum --quiet -c before.txt
    done
    kadanoff analyse tiny -q
}

@test "resume: a damaged checkpoint falls back on the previous one, and says so" {
    kadanoff run tiny.yaml -q -o hurt $often train.steps=100000 &
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

@test "resume: a damaged results file is made again from the checkpoint" {
    kadanoff run tiny.yaml -q
    before=$(fingerprint tiny/run.h5)
    printf 'X' | dd of=tiny/run.h5 bs=1 seek=5000 conv=notrunc 2>/dev/null
    fails_with 65 kadanoff run tiny -q
    grep -q 'move it away and .kadanoff run tiny. makes it again' err.txt
    mv tiny/run.h5 damaged.h5
    kadanoff run tiny -q
    [ "$(fingerprint tiny/run.h5)" = "$before" ]
}

@test "resume: what the program would choose itself may be written down, also on the way" {
    stop() { # stop OVERRIDE...: 1 s of a training of a day
        local got=0
        kadanoff run tiny.yaml -q -t 1 train.steps=10000000 --max-hours 0.0003 "$@" || got=$?
        [ "$got" -eq 75 ]
    }
    stop -o way
    stop -o way train.beta1=0.9 "sample[0].thin=1"
    stop -o way
    grep -v train tiny.yaml >list.yaml
    small='train={steps: 20, batch: 64, eval_samples: 256, eval_final: 512}'
    sampler='{name: metropolis, draws: 100, chains: 4'
    kadanoff run list.yaml -q "$small" "sample=[{name: mis}, $sampler}]" -o list
    sha256sum list/run.h5 >before.txt
    kadanoff run list.yaml -q -o list "$small" train.beta2=0.95 \
        "sample=[{name: mis, draws: 20000, thin: 1, exact: true, burn_in: 100},
            $sampler, burn_in: 200, start: hot, tuning: 200}]"
    sed -i '/^sample/,$d' list.yaml
    kadanoff run list.yaml -q "$small" -o auto
    kadanoff run list.yaml -q "$small" -o auto 'sample=[{name: mis, draws: 20000}]'
    sha256sum -c --quiet before.txt
    for other in thin=2 burn_in=199 start=cold tuning=199 chains=64; do
        fails_with 78 kadanoff run list.yaml -q -o list "$small" \
            "sample=[{name: mis}, $sampler}]" "sample[1].$other"
        grep -q "sample\[1\].${other%=*} is [a-z0-9]* in this run folder, .* is asked for" err.txt
    done
    fails_with 78 kadanoff run list.yaml -q -o auto "$small" 'sample=[{name: mis, thin: 2}]'
    fails_with 78 kadanoff run list.yaml -q -o list "$small" train.beta2=0.99 \
        "sample=[{name: mis}, $sampler}]"
}
