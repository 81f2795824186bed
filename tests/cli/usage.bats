#!/usr/bin/env bats
# What is typed, and what the program says of itself.

load util

@test "usage: no command prints the usage and exits 64" {
    run kadanoff
    [ "$status" -eq 64 ]
    [[ $output == *"usage: kadanoff"* ]]
}

@test "usage: --help and --version work everywhere" {
    kadanoff --help >/dev/null
    kadanoff --version | grep -q '^GSL .*libgsl'
    for c in run train sample analyse bulk report compare couplings infer generate inpaint sweep demo init list info \
        diagnose help; do
        kadanoff $c --help | grep -q "usage: kadanoff $c"
        kadanoff help $c | grep -q "usage: kadanoff $c"
    done
}

@test "usage: an unknown command or option is a usage error with a suggestion" {
    fails_with 64 kadanoff rnu tiny.yaml
    grep -q 'did you mean run?' err.txt
    fails_with 64 kadanoff run tiny.yaml --thread 2
    grep -q 'did you mean --threads?' err.txt
    fails_with 64 kadanoff run tiny.yaml --threads two
    fails_with 64 kadanoff run
    fails_with 64 kadanoff run a.yaml b.yaml
}

@test "usage: a missing config is 66, a missing run folder is 66" {
    fails_with 66 kadanoff run nothing.yaml
    mkfifo pipe
    fails_with 66 timeout 20 kadanoff run pipe
    for c in analyse report info diagnose; do
        fails_with 66 kadanoff $c nowhere
    done
    [ ! -e nowhere ]
}

@test "usage: completion knows keys and their values" {
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

@test "usage: init prints a config that runs" {
    for action in $(kadanoff list actions | awk '{print $1}'); do
        kadanoff init "$action" >"$action.yaml"
        [ "$(wc -l <"$action.yaml")" -gt 20 ]
        grep -q "^  name: $action$" "$action.yaml"
        kadanoff run "$action.yaml" -q lattice.shape='[4, 4]' train.steps=10 \
            train.eval_final=256 train.ladder=false
    done
    fails_with 64 kadanoff init on-dula
}

@test "usage: a full disk is 74 and loses no acknowledged result" {
    [ -w /dev/full ] || skip "no /dev/full"
    got=0
    kadanoff list keys >/dev/full 2>err.txt || got=$?
    [ "$got" -eq 74 ]
}

@test "usage: a narrow terminal keeps the step and the time left" {
    command -v script >/dev/null || skip "no script(1)"
    script -qec 'stty cols 40; kadanoff train tiny.yaml train.steps=500' log.txt >/dev/null
    tr '\r' '\n' <log.txt | sed 's/\x1b\[K//' | grep '^train .*/500' >lines.txt
    grep -q 'eta [0-9]*:[0-9][0-9]$' lines.txt
    [ "$(wc -L <lines.txt)" -lt 40 ]
}

@test "usage: with standard output and error closed nothing lands in files" {
    kadanoff run tiny.yaml <&- >&- 2>&-
    [ "$(grep -vc '^{.*}$' tiny/progress.jsonl)" -eq 0 ]
    [ -f tiny/checkpoint/lock ] && [ ! -s tiny/checkpoint/lock ]
    kadanoff info tiny | grep -q complete
    fails_with 66 bash -c 'kadanoff info nowhere >&-'
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

@test "usage: a reader that leaves early is no error, and stops no job" {
    unread kadanoff run tiny.yaml -o piped --threads 1
    [ "$(fingerprint piped/run.h5)" != "" ]
    for command in "info piped" "report piped" "compare piped" "list keys" "help run" \
        "init phi4" --help --version; do
        # shellcheck disable=SC2086
        unread kadanoff $command
    done
}

@test "usage: every demo runs a sampler that does not use its map" {
    for demo in $(kadanoff list demos | awk '{ print $1 }'); do
        grep -qE 'name: (cluster|hmc|metropolis)' "$KAD_SRCDIR/examples/$demo.yaml"
    done
}
