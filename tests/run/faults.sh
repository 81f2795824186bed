#!/usr/bin/env bash
# Every system call on files of a run folder fails once, every allocation too: each command
# then ends with the right exit code and one line, what was stored is still there, and the
# command typed again does what it would have done. tests/run/fault.c is preloaded to that end.
#
#   faults.sh           a selection (make check); COMMANDS, STEP, MALLOCS change it
#   faults.sh all       all system calls with every errno, allocations (make check-long)
#
# Environment, set by make: KAD_BUILDDIR.
set -u
all=${1-}
shim=$KAD_BUILDDIR/tests/run/libfault.so
program=${KAD_PROGRAM-$KAD_BUILDDIR/kadanoff}
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-faults.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
export OMP_NUM_THREADS=1
n=0

result() { # result RC TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# A C library other than glibc, or a sanitizer that must come first.
KAD_FAULT_MALLOCS=$work/number LD_PRELOAD=$shim "$program" --version >/dev/null 2>&1
if [ ! -e number ]; then
    echo "1..0 # SKIP no preloading here"
    exit 0
fi

cat >tiny.yaml <<'YAML'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 3, batch: 16, eval_samples: 32, eval_final: 32}
sample:
  - {name: mis, draws: 200, store_configs: 8}
  - {name: metropolis, draws: 100, chains: 2}
bulk: {configs: 8}
YAML

declare -A number=([EINTR]=4 [EIO]=5 [ENOMEM]=12 [EACCES]=13 [ENFILE]=23 [EMFILE]=24
    [ENOSPC]=28 [EDQUOT]=122)
errnos=(EIO EACCES EMFILE EINTR ENFILE ENOMEM ENOSPC EDQUOT)

# The exit codes that an errno may end in, but for the usual one, where the call does not
# matter.
codes() {
    case $1 in
    EINTR) echo ' ' ;;
    ENOMEM) echo ' 71 ' ;;
    EACCES) echo ' 66 69 73 74 ' ;; # 69: how fcntl says "locked by another"
    *) echo ' 74 ' ;;
    esac
}

# fresh COMMAND: run/ as it is before the command
fresh() {
    rm -rf run
    [ "$1" = new ] || cp -a start run
}

arguments() { # arguments COMMAND: what to type
    case $1 in
    new) echo "run tiny.yaml -q -o run" ;;
    append) echo "run tiny.yaml -q -o run sample[0].draws=600 sample[1].draws=300" ;;
    continue) echo "run run -q" ;;
    bulk | analyse | report) echo "$1 run -q" ;;
    *) echo "$1 run" ;;
    esac
}

# Series, parameters and analysis: all that does not depend on the clock.
fingerprint() {
    h5dump -A 0 -m '%.17g' -d /samplers/mis/proposals/log_weight -d /samplers/metropolis/action \
        -d /training/loss -g /flow/params -d /analysis/mis/err -d /analysis/metropolis/err \
        -d /bulk/correlators/mean "$1" 2>&1 | tail -n +2 | sha256sum
}

# The draws that start/ has, of a run that may have more.
old_draws() {
    h5dump -A 0 -m '%.17g' -d /samplers/mis/proposals/log_weight -s 0,0 -c 1,200 \
        -d /samplers/metropolis/action -s 0,0 -c 2,100 "$1" 2>&1 |
        sed -n 's/^ *([0-9,]*): //p' | tr -d ' \n' | sha256sum
}

# Lines of complaint; that the failure could not be recorded, and that there is no live
# view, are notes beside it.
lines() {
    grep -cv 'its status could not be written\|live view' err
}

# problem COMMAND CODES CODE: what is wrong after a command under fault, which ended with
# CODE and left run/ and err; nothing when all is well.
problem() {
    local command=$1 allowed=$2 code=$3
    case ${usual[$command]}$allowed in
    "$code "* | *" $code "*) ;;
    *) echo "exit $code"; return ;;
    esac
    if [ "$code" -ne "${usual[$command]}" ] && [ "$(lines)" -ne 1 ]; then
        echo "$(lines) lines on standard error"
        return
    fi
    case $command in
    info | diagnose | compare)
        diff -rq start run >/dev/null || echo "the folder has changed"
        return
        ;;
    esac
    if [ -e start/run.h5 ] && [ "$command" != new ] && [ ! -e run/run.h5 ]; then
        echo "run.h5 is gone"
        return
    fi
    if [ "$command" = append ] && [ "$(old_draws run/run.h5)" != "$draws" ]; then
        echo "the draws that were there are not"
        return
    fi
    # shellcheck disable=SC2046 # a list of words
    "$program" $(arguments "$command") >again 2>&1 || { echo "again: $(tail -n 1 again)"; return; }
    [ "$(fingerprint run/run.h5)" = "${reference[$command]}" ] || echo "other results"
}

declare -A reference calls mallocs usual

# count COMMAND: its system calls and allocations, and its results, undisturbed
count() {
    fresh "$1"
    rm -f log number
    # shellcheck disable=SC2046
    KAD_FAULT_BELOW=run KAD_FAULT_LOG=$work/log KAD_FAULT_MALLOCS=$work/number \
        LD_PRELOAD=$shim "$program" $(arguments "$1") >out 2>err
    usual[$1]=$?
    calls[$1]=$(grep -c '' log)
    mallocs[$1]=$(cat number)
    cp log "log.$1"
    [ "${calls[$1]}" -ge 7 ] && [ "${mallocs[$1]}" -ge 100 ] || return 1
    reference[$1]=$(fingerprint run/run.h5)
}

# openings COMMAND: in the selection, the calls that find out whether there are results
openings() {
    [ -n "$all" ] || [ "$1" != analyse ] ||
        sed -n 's/^\([0-9]*\) [a-z]* run.run.h5$/\1/p' "log.$1"
}

# call_fails COMMAND K ERRNO
call_fails() {
    local code=0 why
    fresh "$1"
    # shellcheck disable=SC2046
    KAD_FAULT_BELOW=run KAD_FAULT_CALL=$2 KAD_FAULT_ERRNO=${number[$3]} \
        LD_PRELOAD=$shim timeout 60 "$program" $(arguments "$1") >out 2>err || code=$?
    why=$(problem "$1" "$(codes "$3")" $code)
    [ -z "$why" ] && return 0
    echo "# $1: $3 at $(sed -n "$2p" "log.$1"): $why: $(head -c 200 err | head -n 2 | tr '\n' '|')"
    return 1
}

# malloc_fails COMMAND K
malloc_fails() {
    local code=0 why
    fresh "$1"
    # shellcheck disable=SC2046
    KAD_FAULT_MALLOC=$2 \
        LD_PRELOAD=$shim timeout 60 "$program" $(arguments "$1") >out 2>err || code=$?
    if [ $code -eq 222 ]; then # HDF5 does not survive some; what is stored must
        crashes=$((crashes + 1))
        echo "crash" >err
        why=$(problem "$1" ' 222 ' 222)
    else
        why=$(problem "$1" ' 71 ' $code)
    fi
    [ -z "$why" ] && return 0
    echo "# $1: allocation $2 of ${mallocs[$1]}: $why: $(head -c 200 err | head -n 2 | tr '\n' '|')"
    return 1
}

# --- the runs ----------------------------------------------------------------------------

"$program" run tiny.yaml -q -o start || exit 99
draws=$(old_draws start/run.h5)
[ "$draws" != "$(sha256sum </dev/null)" ] || exit 99
commands="info diagnose compare report analyse bulk append new"
[ -n "$all" ] || commands="info analyse append"
commands=${COMMANDS-$commands}
for command in $commands; do
    count "$command"
    result $? "faults: $command undisturbed"
done

# A file system with room for a megabyte, which thirty thousand draws fill.
code=0
KAD_FAULT_FREE=1000000 LD_PRELOAD=$shim "$program" run tiny.yaml -o full sample[0].draws=30000 \
    >out 2>err || code=$?
[ $code -eq 78 ] && [ ! -e full ] && [ "$(grep -c '' err)" -eq 1 ] &&
    grep -q 'needs about [0-9.]* MiB of disk, but only [01].[0-9] MiB are free' err
result $? "faults: a job that needs more disk than is free is refused with both numbers"

# In the selection every so many calls, with one errno after the other.
step=${STEP-1}
[ -n "$all" ] || step=${STEP-11}
turn=0
for command in $commands; do
    failed=0 every=$step
    # it is made of the calls of many stages, and each try takes two runs
    [ "$command" != append ] || every=${STEP-$((step * (step > 1 ? 5 : 1)))}
    for k in $(seq 1 "$every" "${calls[$command]}") $(openings "$command"); do
        if [ -n "$all" ]; then tried=("${errnos[@]}"); else tried=("${errnos[turn++ % 8]}"); fi
        for errno in "${tried[@]}"; do
            call_fails "$command" "$k" "$errno" || failed=1
        done
    done
    result $failed "faults: $command: a failing system call is said and loses nothing"
done

crashes=0 tries=0
many=${MALLOCS-3}
[ -z "$all" ] || many=${MALLOCS-107}
for command in $commands; do
    failed=0
    for ((i = 0; i < many; i++)); do
        tries=$((tries + 1))
        # spread over the whole run, its beginning included
        malloc_fails "$command" $((1 + i * (mallocs[$command] - 1) / (many > 1 ? many - 1 : 1))) ||
            failed=1
    done
    result $failed "faults: $command: a failing allocation is 71 and loses nothing"
done
# A disk that has died, memory that is used up: nothing works any more.
if [ -n "$all" ]; then
    export KAD_FAULT_STICKY=1
    for command in $commands; do
        failed=0
        for ((i = 0; i < 10; i++)); do
            for errno in EIO ENOSPC; do
                call_fails "$command" $((1 + i * (calls[$command] - 1) / 9)) $errno || failed=1
            done
            tries=$((tries + 1))
            malloc_fails "$command" $((1 + i * (mallocs[$command] - 1) / 9)) || failed=1
        done
        result $failed "faults: $command: what fails for good is said and loses nothing"
    done
    unset KAD_FAULT_STICKY
fi

echo "# $crashes crashes within HDF5 in $tries failing allocations"
[ $((crashes * 10)) -le $((tries + 9)) ]
result $? "faults: HDF5 survives nine in ten failing allocations"
echo "1..$n"
