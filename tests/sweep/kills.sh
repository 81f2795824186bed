#!/usr/bin/env bash
# A hundred random kills: three workers share a sweep of points, a family and a chain while one
# after the other is sent KILL, TERM or USR1 at a random moment and started again. No point may be
# lost, no byte differ from an undisturbed run, nothing hang.
#
#   kills.sh all            a hundred (check-long)
#   KILLS=N SEED=S kills.sh all
set -u
[ "${1:-}" = all ] || { echo "1..0 # SKIP of check-long"; exit 0; }
kills=${KILLS:-100}
RANDOM=${SEED:=$$}
echo "# SEED=$SEED"
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-kills.XXXXXX")
cd "$work" || exit 1
unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID
export OMP_WAIT_POLICY=passive
declare -a pid=("" "" "")
end() {
    local p
    for p in "${pid[@]}"; do [ -z "$p" ] || kill -9 "$p" 2>/dev/null; done
    wait 2>/dev/null
    cd / && rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM HUP

base='lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
train: {steps: 60, batch: 64, eval_every: 30, eval_samples: 64, eval_final: 256, checkpoint_seconds: 0}
sample: [{name: mis, draws: 400}, {name: metropolis, draws: 200, chains: 8}]
sweep:
  grid: {seed: {repeat: 2}, action.temperature: [2.6, 2.4, 2.2]}'
echo "$base" >points.yaml
printf '%s\n  map: family\n  along: action.temperature\n' "$base" >family.yaml
printf '%s\n  map: chain\n  along: action.temperature\n' "$base" >chain.yaml
kinds=(points family chain)
for kind in "${kinds[@]}"; do
    kadanoff sweep run $kind.yaml -q -t 1 -o still-$kind || {
        echo "not ok 1 - kills: the undisturbed sweep of $kind"
        echo 1..1
        exit 1
    }
done

complete() { kadanoff sweep status "$1" >status.txt 2>/dev/null; }
bytes() {
    h5dump -A 0 -m '%.17g' -d /training/loss -d /samplers/mis/proposals/log_weight \
        -d /samplers/metropolis/action "$1/run.h5" | tail -n +2 | sha256sum
}
wrong=0 lost=0 odd=0 hit=0 round=0
check_round() {
    local kind path
    for kind in "${kinds[@]}"; do
        complete "$kind-$round" || lost=$((lost + 1))
        for path in still-"$kind"/seed=*; do
            [ "$(bytes "$path")" = "$(bytes "$kind-$round/${path##*/}")" ] || wrong=$((wrong + 1))
        done
        rm -rf "${kind:?}-$round"
    done
}
# A worker that ended: its code, if it was not killed, says why.
reap() { # reap I KILLED
    wait "${pid[$1]}" 2>/dev/null
    local rc=$?
    pid[$1]=""
    case $rc in
    0 | 69 | 75) ;;
    137 | 138 | 143) [ "$2" -eq 1 ] || odd=$((odd + 1)) ;; # before the program had its handlers
    *) odd=$((odd + 1)); echo "# a worker ended with $rc: $(tail -1 "worker.$1")" ;;
    esac
}
# The kinds whose turn it is: those of the round that are not complete.
start() { # start I
    local kind=${kinds[$((RANDOM % 3))]}
    kadanoff sweep run $kind.yaml -q -t 1 -o "$kind-$round" >"worker.$1" 2>&1 &
    pid[$1]=$!
}
all_complete() {
    local kind
    for kind in "${kinds[@]}"; do complete "$kind-$round" || return 1; done
}
bound=$((SECONDS + 120 * kills))
while [ $hit -lt "$kills" ]; do
    for i in 0 1 2; do
        [ -n "${pid[$i]}" ] && ! kill -0 "${pid[$i]}" 2>/dev/null && reap $i 0
        [ -n "${pid[$i]}" ] || start $i
    done
    sleep "$(printf '0.%03d' $((50 + RANDOM % 900)))"
    i=$((RANDOM % 3))
    signals=(KILL TERM USR1)
    if kill -s "${signals[$((RANDOM % 3))]}" "${pid[$i]}" 2>/dev/null; then
        hit=$((hit + 1))
        reap $i 1
    fi
    [ $SECONDS -lt $bound ] || break
    if all_complete; then
        for i in 0 1 2; do [ -z "${pid[$i]}" ] || reap $i 0; done
        check_round
        round=$((round + 1))
    fi
done
for i in 0 1 2; do [ -z "${pid[$i]}" ] || { kill -TERM "${pid[$i]}" 2>/dev/null; reap $i 1; }; done
for kind in "${kinds[@]}"; do
    timeout 1200 kadanoff sweep run $kind.yaml -q -t 1 -o "$kind-$round" || lost=$((lost + 1))
done
check_round
echo "# $hit kills in $((round + 1)) rounds, $SECONDS s"
n=0
result() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2 ($1)"; fi
}
result $((hit < kills)) "kills: $kills workers were killed, nothing hung"
result $lost "kills: no point is lost"
result $wrong "kills: no byte differs from an undisturbed run"
result $odd "kills: a worker ends with 0, 69 or 75"
echo "1..$n"
