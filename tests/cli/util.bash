# shellcheck shell=bash
# Loaded by every file of this folder: a folder of its own for each test, with tiny.yaml.

setup() {
    unset SLURM_JOB_ID
    cd "$BATS_TEST_TMPDIR"
    cat > tiny.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 60, batch: 64, eval_samples: 256, eval_final: 512}
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
    h5dump -A 0 -m '%.17g' -d /samplers/mis/proposals/log_weight -d /samplers/mis/proposals/action \
        -d /samplers/mis/accepted -d /training/loss -g /flow/params "$1" >dump.txt
    [ "$(wc -l <dump.txt)" -gt 1000 ]
    tail -n +2 dump.txt | sha256sum
}
