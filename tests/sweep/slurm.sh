#!/usr/bin/env bash
# A sweep by a real Slurm: the array that `sweep slurm` writes goes through its time limit, a
# preemption, a node daemon killed with -9 and programs killed with -9, and in the end every point
# is complete, with the bytes of a plain loop. munged, slurmctld and slurmd are started here, with
# a configuration, ports, keys and folders of their own, and nothing of them is left.
#
#   slurm.sh all       (check-long)
#
# Needs munge, slurmctld, slurmd and slurm-client; skipped without.
set -u
[ "${1:-}" = all ] || { echo "1..0 # SKIP of check-long"; exit 0; }
for tool in munged slurmctld slurmd sbatch scontrol squeue; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || {
        echo "1..0 # SKIP no $tool"
        exit 0
    }
done
PATH=$PATH:/usr/sbin
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-slurm.XXXXXX")
chmod 755 "$work"
cd "$work" || exit 1
unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID
export OMP_WAIT_POLICY=passive
n=0
result() { # result RC TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# --- daemons ------------------------------------------------------------------------------

# Processes that have the work folder in their command line or as their own.
ours() {
    local p
    for p in /proc/[0-9]*; do
        [ "${p#/proc/}" != $$ ] && [ "${p#/proc/}" != "$BASHPID" ] || continue
        { tr '\0' ' ' <"$p/cmdline" && readlink "$p/cwd"; } 2>/dev/null |
            grep -qF "$work" && echo "${p#/proc/}"
    done
}
end() {
    local p
    command -v scancel >/dev/null && [ -e slurm.conf ] && timeout 20 scancel --user="$(id -un)" 2>/dev/null
    for _ in 1 2 3; do
        for p in $(ours); do kill -9 "$p" 2>/dev/null; done
    done
    cd / && rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM HUP

head -c 1024 /dev/urandom >munge.key
chmod 400 munge.key
munged --force --key-file="$work/munge.key" --socket="$work/munge.socket" \
    --pid-file="$work/munged.pid" --log-file="$work/munged.log" \
    --seed-file="$work/munge.seed" || {
    echo "1..0 # SKIP munged does not start here"
    exit 0
}
host=$(hostname -s)
port=$((20000 + $$ % 20000))
nodes() { # nodes COUNT
    local k
    for k in $(seq "$1"); do
        echo "NodeName=n$k NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + k)) CPUs=1 RealMemory=1000"
    done
}
configure() { # configure COUNT
    cat >slurm.conf <<END
ClusterName=test$$
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/munge.socket
SlurmctldPort=$port
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool.%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
SlurmdTimeout=30
JobRequeue=1
MpiDefault=none
SchedulerType=sched/backfill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
$(nodes "$1")
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE State=UP
PartitionName=high Nodes=ALL PriorityTier=2 PreemptMode=OFF MaxTime=INFINITE State=UP
END
    mkdir -p state spool.n1 spool.n2
}
export SLURM_CONF=$work/slurm.conf
start_node() { # start_node K
    slurmd -f "$SLURM_CONF" -N "n$1" >/dev/null 2>>start.log
}
up() { # up COUNT: all of the nodes are there
    for _ in $(seq 120); do
        [ "$(sinfo -h -N -p low -t idle,mixed,allocated -o %N 2>/dev/null | sort -u | wc -l)" -eq "$1" ] && return 0
        sleep 0.5
    done
    return 1
}
# Two nodes where slurmd can have a name (multiple-slurmd), else one.
count=2
configure 2
start_node 1 && start_node 2 && sleep 1 && [ -s slurmd.n1.pid ] && [ -s slurmd.n2.pid ] || {
    for p in slurmd.*.pid; do [ -s "$p" ] && kill -9 "$(cat "$p")"; done
    count=1
    configure 1
    sed -i "s/NodeName=n1 NodeHostname=$host/NodeName=$host/" slurm.conf
    start_node() { slurmd -f "$SLURM_CONF" >/dev/null 2>>start.log; }
    start_node 1
}
slurmctld -f "$SLURM_CONF" -c
up $count || {
    tail -5 slurmctld.log slurmd.*.log start.log | sed 's/^/# /'
    result 1 "slurm: $count nodes are up"
    echo 1..1
    exit 1
}
result 0 "slurm: $count node(s) are up"

# --- the sweep ------------------------------------------------------------------------------

config() { # config STEPS: the part of a config that all points share
    cat <<END
lattice: {shape: [8, 8]}
action: {name: on-dual, components: 1}
train: {steps: $1, batch: 64, eval_samples: 256, eval_final: 512}
END
}
# A point must still be at work when the signal comes: some fifteen seconds, on any machine.
config 600 >probe.yaml
started=${EPOCHREALTIME/./}
kadanoff train probe.yaml -q -t 1 || result 1 "a probe of the speed"
took=$((${EPOCHREALTIME/./} - started)) # microseconds
steps=$((600 * 15000000 / took))
{ config $((steps > 1200 ? steps : 1200)); cat <<'END'; } >s.yaml
sample: [{name: mis, draws: 2000}, {name: metropolis, draws: 300}]
sweep:
  grid: {action.temperature: [2.2, 2.3, 2.4, 2.5]}
  slurm: {time: "00:01:00", cpus: 1, memory: 100M}
END
kadanoff sweep run s.yaml -q -t 1 -o loop || result 1 "the plain loop"
kadanoff sweep slurm s.yaml -q
# A point of this sweep is short: the signal comes 58 s before the end, that is at once.
sed -i 's/USR1@90/USR1@58/' s/job.sh
submitted=$(sbatch --parsable s/job.sh) || result 1 "sbatch takes job.sh"

attempts() { # attempts STATUS: how many of them, over all points
    local k=0 f
    for f in s/*/run.h5; do
        k=$((k + $(h5dump -d /attempts/status "$f" 2>/dev/null | grep -o "\"$1\"" | wc -l)))
    done
    echo $k
}
programs() { # of points that are at work
    local p
    for p in $(ours); do
        { tr '\0' ' ' <"/proc/$p/cmdline"; } 2>/dev/null |
            grep -q '^[^ ]*kadanoff sweep run' && echo "$p"
    done
}
# Requeued jobs wait two minutes for nothing here.
hurry() {
    local j
    for j in $(squeue -h -t PD -o %i -r 2>/dev/null); do
        timeout 10 scontrol update JobId="$j" StartTime=now >/dev/null 2>&1
    done
}
all_complete() { kadanoff sweep status s >status.txt 2>/dev/null; }
wait_until() { # wait_until SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        hurry
        sleep 1
    done
}
working() { [ -n "$(programs)" ]; }
killed=0
kill_programs() {
    local p
    for p in $(programs); do kill -9 "$p" 2>/dev/null && killed=$((killed + 1)); done
    [ $killed -gt 0 ]
}
stopped_by_limit() { [ "$(attempts SIGUSR1)" -ge 1 ]; }
wait_until 300 stopped_by_limit
result $? "slurm: the signal before the time limit reaches the program, the task comes back"
# from now on there is time
scontrol update JobId="$submitted" TimeLimit=00:30:00 >/dev/null 2>&1
wait_until 300 kill_programs
result $? "slurm: $killed program(s) killed with -9"
wait_until 120 working
sbatch --parsable -p high -N $count -n $count --time=1 --wrap 'sleep 5' >/dev/null
wait_until 120 eval '[ -n "$(squeue -h -p high -t R,CG -o %i)" ] || ! squeue -h -p high -o %i | grep -q .'
result $? "slurm: a job of a higher partition takes the nodes"
wait_until 120 working
kill -9 "$(cat "$(ls slurmd.*.pid | head -1)")"
sleep 3
start_node 1
up $count
result $? "slurm: a node daemon killed with -9 comes back"
wait_until 900 all_complete
result $? "slurm: every point is complete ($(tail -1 status.txt))"
echo "# attempts: $(for s in SIGUSR1 SIGTERM killed complete; do printf '%s %s, ' "$(attempts $s)" "$s"; done)"
bytes() {
    h5dump -A 0 -m '%.17g' -d /training/loss -g /flow/params -d /samplers/mis/proposals/log_weight \
        -d /samplers/metropolis/action "$1/run.h5" | tail -n +2 | sha256sum
}
same=0
for point in loop/temperature=*; do
    [ "$(bytes "$point")" = "$(bytes "s/${point#loop/}")" ] || same=1
done
result $same "slurm: the bytes are those of a plain loop"
end
trap - EXIT
[ -z "$(ours)" ]
result $? "slurm: no process is left"
echo "1..$n"
