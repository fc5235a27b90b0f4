#!/bin/bash
# study - an array of pre-trainings that differ in their seeds, one a task, each by itself
#
#   sbatch --array 1-12 tools/slurm/study.sh STUDY --data /data/shards --model-size small
#
# Run n is STUDY/seed-n.  ELECTRA: the program, else electra.
#SBATCH --job-name=electra-study
#SBATCH --ntasks=1
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
study=$1
shift
"${ELECTRA:-electra}" pretrain --output "$study/seed-$SLURM_ARRAY_TASK_ID" --seed "$SLURM_ARRAY_TASK_ID" "$@" &
job=$!
trap 'kill -USR1 $job' USR1
code=0
wait $job || code=$?
while kill -0 $job 2>/dev/null; do
    code=0
    wait $job || code=$?
done
[ $code != 75 ] || scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
exit $code
