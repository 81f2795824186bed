#!/usr/bin/env bash
# A hundred random kills: three workers share a sweep of points, a family and a chain, and a run of
# two ranks where kadanoff-mpi is built, while one after the other (of ranks one of the two) is
# sent KILL, TERM or USR1 at a random moment and started again. No point may be lost, no byte differ
# from an undisturbed run, nothing hang.
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
declare -a pid=("" "" "") of=("" "" "")
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
cat >ranks.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 60, batch: 128, eval_every: 30, eval_samples: 64, eval_final: 256, checkpoint_seconds: 0}
sample: [{name: mis, draws: 400}, {name: metropolis, draws: 200, chains: 128}]
END
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
if command -v kadanoff-mpi >/dev/null && command -v mpirun >/dev/null; then
    kinds+=(ranks)
    options="--oversubscribe --bind-to none"
    # shellcheck disable=SC2086
    mpirun $options -n 2 true 2>/dev/null || options=
else
    echo "# no kadanoff-mpi or no mpirun: no ranks are killed"
fi

# run_kind KIND FOLDER: to its end, by one worker.
run_kind() {
    if [ "$1" = ranks ]; then
        kadanoff run ranks.yaml -q -t 1 -o "$2"
    else
        kadanoff sweep run "$1.yaml" -q -t 1 -o "$2"
    fi
}
for kind in "${kinds[@]}"; do
    run_kind "$kind" "still-$kind" || {
        echo "not ok 1 - kills: the undisturbed $kind"
        echo 1..1
        exit 1
    }
done

complete() { # complete KIND FOLDER
    if [ "$1" = ranks ]; then
        kadanoff info "$2" 2>/dev/null | grep -q '^state *complete'
    else
        kadanoff sweep status "$2" >status.txt 2>/dev/null
    fi
}
bytes() {
    h5dump -A 0 -m '%.17g' -g /flow/params -d /samplers/mis/proposals/log_weight \
        -d /samplers/metropolis/action "$1/run.h5" >dump.txt 2>/dev/null
    [ "$(wc -l <dump.txt)" -gt 400 ] && tail -n +2 dump.txt | sha256sum
}
folders() { # folders KIND FOLDER: of its runs
    if [ "$1" = ranks ]; then echo "$2"; else ls -d "$2"/seed=*; fi
}
wrong=0 lost=0 odd=0 hit=0 round=0
check_round() {
    local kind path is was
    for kind in "${kinds[@]}"; do
        complete "$kind" "$kind-$round" || lost=$((lost + 1))
        for path in $(folders "$kind" "still-$kind"); do
            was=$(bytes "$path") && is=$(bytes "$kind-$round${path#still-"$kind"}") &&
                [ "$was" = "$is" ] || wrong=$((wrong + 1))
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
    124) odd=$((odd + 1)); echo "# ranks hung" ;;
    137 | 138 | 143) [ "$2" -eq 1 ] || odd=$((odd + 1)) ;; # before the program had its handlers
    *)
        [ "$2" -eq 1 ] && [ "${of[$1]}" = ranks ] && return # mpirun has codes of its own
        odd=$((odd + 1))
        echo "# a worker (${of[$1]}) ended with $rc:"
        grep -v '^-*$' "worker.$1" | sed 's/^/#     /'
        ;;
    esac
}
start() { # start I
    local kind=${kinds[$((RANDOM % ${#kinds[@]}))]}
    of[$1]=$kind
    if [ "$kind" = ranks ]; then
        # shellcheck disable=SC2086
        OMP_NUM_THREADS=1 timeout 300 mpirun $options -n 2 kadanoff-mpi run ranks.yaml -q \
            -o "$work/ranks-$round" >"worker.$1" 2>&1 &
    else
        kadanoff sweep run "$kind.yaml" -q -t 1 -o "$kind-$round" >"worker.$1" 2>&1 &
    fi
    pid[$1]=$!
}
# The process of worker I to be hit: of ranks any of them.
victim() { # victim I
    local all
    [ "${of[$1]}" = ranks ] || { echo "${pid[$1]}"; return; }
    mapfile -t all < <(pgrep -x kadanoff-mpi -P "$(pgrep -P "${pid[$1]}" | head -1)" 2>/dev/null)
    [ ${#all[@]} -eq 0 ] || echo "${all[$((RANDOM % ${#all[@]}))]}"
}
all_complete() {
    local kind
    for kind in "${kinds[@]}"; do complete "$kind" "$kind-$round" || return 1; done
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
    who=$(victim $i)
    if [ -n "$who" ] && kill -s "${signals[$((RANDOM % 3))]}" "$who" 2>/dev/null; then
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
for i in 0 1 2; do
    [ -z "${pid[$i]}" ] || { kill -TERM "${pid[$i]}" 2>/dev/null; reap $i 1; }
done
for kind in "${kinds[@]}"; do
    run_kind "$kind" "$kind-$round" || lost=$((lost + 1))
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
