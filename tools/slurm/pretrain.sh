#!/bin/bash
# pretrain - one pre-training on several nodes, which saves before its time is up and is requeued until it is done
#
#   sbatch --nodes 4 tools/slurm/pretrain.sh --data /data/shards --model-size base --output /data/run
#
# The same arguments as electra pretrain.  ELECTRA_MPI: the program, else electra-mpi.  The number of nodes is a power of two
# up to --gradient-leaves, which is 8 unless you say otherwise.
#SBATCH --job-name=electra
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

# mpirun finds the nodes by itself.  `srun --mpi=pmi2 --kill-on-bad-exit=1` in its place needs an MPI that was built for it,
# and --cpus-per-task again, which srun does not take over.
mpirun --bind-to none "${ELECTRA_MPI:-electra-mpi}" pretrain "$@" &
job=$!
trap 'kill -USR1 $job' USR1
code=0
wait $job || code=$?
while kill -0 $job 2>/dev/null; do # the signal ended the wait, not the job
    code=0
    wait $job || code=$?
done
if [ $code = 75 ]; then
    echo "saved; requeued"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
