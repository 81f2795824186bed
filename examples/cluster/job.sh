#!/bin/bash
# Workers of a sweep, for any cluster with Slurm:
#
#   sbatch job.sh ising-sweep.yaml
#
# Eight workers share the sweep's points; each takes the costliest that nobody holds, until nothing
# is left. Adapt the next lines and the modules. `kadanoff sweep plan FILE` says which time and
# memory a point needs, `kadanoff sweep slurm FILE` writes a script with a task for every point.
#SBATCH --array=1-8
#SBATCH --time=04:00:00
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=500M
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@90
#SBATCH --output=%x-%A_%a.out

# module load gcc gsl fftw hdf5
export PATH="$HOME/.local/bin:$PATH"
export OMP_WAIT_POLICY=passive OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"

# The signal before the end goes to the program, which saves and ends in 75: go on.
trap 'kill -USR1 "$pid" 2>/dev/null' USR1 TERM
kadanoff sweep run "${1:?a config with a section sweep}" --points 1-100000 --wait 130 &
pid=$!
while kill -0 "$pid" 2>/dev/null; do wait "$pid"; done
wait "$pid"
rc=$?
if [ $rc -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 200 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit $rc
