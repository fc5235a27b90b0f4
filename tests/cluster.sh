#!/bin/bash
# cluster - runs a test that needs MPI, where it is wanted; 77 tells CTest that it was skipped
#
#   cluster.sh LAUNCHER SCRIPT ELECTRA ELECTRA-MPI     the launcher and electra-mpi may be missing
[ -n "${ELECTRA_CLUSTER:-}" ] || { echo "a test of several processes: ./test --cluster runs it"; exit 77; }
launcher=$1 script=$2
[ -x "$launcher" ] && [ -n "${4:-}" ] || { echo "no MPI was found when this was built: tools/setup --cluster installs one"; exit 1; }
exec bash "$script" "$3" "$4" "$launcher"
