#!/usr/bin/env bats
# kadanoff-mpi: the bytes of kadanoff for any ranks and threads; whatever one rank meets, all
# of them end, with one code.

load util

has_ranks() {
    [ -x "$KAD_BUILDDIR/kadanoff-mpi" ] && command -v mpirun >/dev/null
}

setup() {
    has_ranks || skip "no kadanoff-mpi (configure --with-mpi), or no mpirun"
    cd "$BATS_TEST_TMPDIR"
}

setup_file() {
    has_ranks || return 0
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    # Open MPI counts cores and binds ranks to them
    export RANKS_OPTIONS="--oversubscribe --bind-to none"
    mpirun $RANKS_OPTIONS -n 2 true 2>/dev/null || RANKS_OPTIONS=
    cd "$BATS_FILE_TMPDIR"
    cat > ranks.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 60, batch: 320, eval_samples: 256, eval_final: 512, checkpoint_seconds: 0}
sample:
  - {name: mis, draws: 1000}
  - {name: hmc, draws: 30, chains: 128}
  - {name: cycle, steps: "metropolis 1, mis 1", draws: 20, chains: 40}
END
    kadanoff run ranks.yaml -q -t 1 -o alone
}

# ranks N ARGUMENTS...: kadanoff-mpi as N ranks of one thread.
ranks() {
    local n=$1
    shift
    OMP_NUM_THREADS=${threads-1} timeout 300 mpirun $RANKS_OPTIONS -n "$n" kadanoff-mpi "$@"
}

# Series, log and parameters of a run.
bytes() {
    h5dump -A 0 -m '%.17g' -g /samplers -d /training/loss -d /training/eval/ess \
        -g /flow/params "$1/run.h5" >"$BATS_TEST_TMPDIR/dump.txt"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/dump.txt")" -gt 1000 ]
    tail -n +2 "$BATS_TEST_TMPDIR/dump.txt" | sha256sum
}

same_as_alone() {
    [ "$(bytes "$1")" = "$(bytes "$BATS_FILE_TMPDIR/alone")" ]
}

# ends_with CODE COMMAND...: that code, within a time, and one line of ours.
ends_with() {
    local code=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    cat err.txt
    [ "$got" -eq "$code" ]
    [ "$(grep -c '^kadanoff: ' err.txt)" -eq 1 ]
}

# The processes of a launcher that are ranks, the first rank first.
ranks_of() {
    local child
    for child in $(pgrep -P "$1" | sort -n); do
        if [ "$(cat "/proc/$child/comm")" = kadanoff-mpi ]; then
            echo "$child"
        else
            ranks_of "$child"
        fi
    done
}

# begin N STAGE ARGUMENTS...: ranks in the background, as soon as they are at a stage.
begin() {
    local n=$1 stage=$2
    shift 2
    rm -f run/progress.jsonl
    OMP_NUM_THREADS=1 mpirun $RANKS_OPTIONS -n "$n" kadanoff-mpi run \
        "$BATS_FILE_TMPDIR/ranks.yaml" -q -o run "$@" >out.txt 2>err.txt &
    launcher=$!
    for _ in $(seq 1200); do
        grep -q "\"stage\": *\"$stage" run/progress.jsonl 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}

# finishes: what was begun ends soon: in a second, but for other users of the machine. Its
# exit code is in $code.
finishes() {
    code=0
    timeout 30 tail --pid="$launcher" -f /dev/null
    wait "$launcher" || code=$?
}

@test "mpi: the same bytes for any ranks and threads" {
    for how in "1 1" "2 2" "4 1"; do
        set -- $how
        threads=$2 ranks "$1" run "$BATS_FILE_TMPDIR/ranks.yaml" -q -o "run-$1-$2"
        same_as_alone "run-$1-$2"
        kadanoff info "run-$1-$2" | grep -q '^state *complete'
    done
    h5dump -a /ranks run-4-1/run.h5 | grep -q '(0): 4'
}

@test "mpi: one map for a range of couplings, the same curve" {
    cat > family.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
family: {along: temperature, range: [2.5, 3.5], values: 3, draws: 500}
train: {steps: 30, batch: 256, eval_samples: 192, eval_final: 192}
END
    kadanoff run family.yaml -q -t 1 -o one
    ranks 2 run family.yaml -q -o two
    for run in one two; do
        h5dump -A 0 -m '%.17g' -g /family -g /flow/params $run/run.h5 | tail -n +2 >$run.txt
    done
    [ "$(wc -l <one.txt)" -gt 100 ]
    cmp one.txt two.txt
}

@test "mpi: a signal to one rank stops all of them, which go on to the same bytes" {
    n=2
    for stage in train mis hmc; do
        begin $n "$stage"
        kill -USR1 "$(ranks_of "$launcher" | tail -n 1)"
        finishes
        [ "$code" -eq 75 ]
        [ "$(grep -c '^kadanoff: .*SIGUSR1' err.txt)" -eq 1 ]
        n=4
    done
    ranks 2 run run -q
    same_as_alone run
}

@test "mpi: a rank that is killed ends the others; the run goes on to the same bytes" {
    begin 2 train
    for stage in mis hmc; do
        kill -9 "$(ranks_of "$launcher" | tail -n 1)"
        finishes
        [ "$code" -ne 0 ]
        begin 4 "$stage"
    done
    kill -9 "$(ranks_of "$launcher" | head -n 1)"
    finishes
    [ "$code" -ne 0 ]
    kadanoff run run -q
    same_as_alone run
}

@test "mpi: the first rank alone cannot write: all end with its code" {
    shim=$KAD_BUILDDIR/tests/run/libfault.so
    [ -e "$shim" ] || skip "no preloading here"
    for k in 5 40 90; do
        rm -rf run
        code=0
        timeout 300 mpirun $RANKS_OPTIONS \
            -n 1 env LD_PRELOAD="$shim" KAD_FAULT_BELOW=run KAD_FAULT_CALL=$k \
            KAD_FAULT_STICKY=1 KAD_FAULT_ERRNO=5 \
            kadanoff-mpi run "$BATS_FILE_TMPDIR/ranks.yaml" -q -t 1 -o run : \
            -n 1 kadanoff-mpi run "$BATS_FILE_TMPDIR/ranks.yaml" -q -t 1 -o run || code=$?
        [ "$code" -eq 74 ]
    done
    ranks 2 run "$BATS_FILE_TMPDIR/ranks.yaml" -q -o run
    same_as_alone run
}

@test "mpi: a rank without memory ends all of them, and nothing is lost" {
    shim=$KAD_BUILDDIR/tests/run/libfault.so
    [ -e "$shim" ] || skip "no preloading here"
    cat > two.sh <<'END'
# two.sh FOLDER VARIABLE=VALUE...: two ranks, the second with a fault of its own code (what
# the launcher's libraries allocate differs from run to run)
folder=$1
shift
timeout 300 mpirun $RANKS_OPTIONS \
    -n 1 kadanoff-mpi train "$BATS_FILE_TMPDIR/ranks.yaml" -q -t 1 -o "$folder" : \
    -n 1 env LD_PRELOAD="$KAD_BUILDDIR/tests/run/libfault.so" KAD_FAULT_OWN=1 "$@" \
    kadanoff-mpi train "$BATS_FILE_TMPDIR/ranks.yaml" -q -t 1 -o "$folder"
END
    bash two.sh counted KAD_FAULT_MALLOCS="$PWD/number"
    all=$(cat number)
    for part in 40 60 80; do
        code=0
        bash two.sh run KAD_FAULT_MALLOC=$((all * part / 100)) >out.txt 2>err.txt || code=$?
        cat err.txt
        [ "$code" -ne 0 ]
        [ "$code" -ne 124 ] # it hung
    done
    kadanoff run "$BATS_FILE_TMPDIR/ranks.yaml" -q -t 1 -o run
    same_as_alone run
}

@test "mpi: what ranks cannot do is refused in one line" {
    ends_with 64 ranks 3 run "$BATS_FILE_TMPDIR/ranks.yaml" -q -o three
    ends_with 64 ranks 2 analyse "$BATS_FILE_TMPDIR/alone"
    ends_with 66 ranks 2 run nothing.yaml
    ends_with 64 ranks 2 run --no-such-option
    ends_with 78 ranks 2 run "$BATS_FILE_TMPDIR/ranks.yaml" train.nothing=1
    ends_with 64 env SLURM_STEP_NUM_TASKS=2 kadanoff-mpi run "$BATS_FILE_TMPDIR/ranks.yaml"
    [ ! -e three ]
    kadanoff-mpi --version | grep -q kadanoff
    ranks 2 --version | grep -c '^kadanoff ' | grep -qx 1
}
