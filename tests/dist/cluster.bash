# cluster.bash - what tests with MPI share.  Source it with the paths of electra, electra-mpi and mpiexec in $electra, $mpi
# and $launcher; it has all of cli/run.bash too.
source "$(dirname "${BASH_SOURCE[0]}")/../cli/run.bash"

# Processes of one test, as many as there are; each of one thread, so that it does not matter where they run.  What they
# share lies where the test has room, as a container's /dev/shm may be small; and no other machine is asked, so that neither
# ssh nor a network need be there.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_plm_rsh_agent=false OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_btl_vader_backing_directory=$work
export OMPI_MCA_odls_base_sigkill_timeout=0 # a launcher whose rank has failed does not sleep before it ends
launch=("$launcher")
open_mpi=
if "$launcher" --version 2>&1 | grep -q 'Open MPI\|OpenRTE'; then
    open_mpi=1
    launch+=(--oversubscribe --bind-to none)
fi

# ranks N PROGRAM ARGUMENTS...: so many ranks; what they say is in log.
ranks() {
    local count=$1
    shift
    timeout 240 "${launch[@]}" -np "$count" "$@" > log 2>&1
}

# says WORDS: the log has this sentence, once.
says() {
    [ "$(grep -c -- "$1" log)" = 1 ] || fail "\"$1\" is not once in: $(cat log)"
}

# stopped CODE: the launcher ended as ranks do that have saved.  Hydra at times says 0 where all of them said 75.
stopped() { [ "$1" = 75 ] || { [ -z "$open_mpi" ] && [ "$1" = 0 ]; } || fail "stopped by USR1 with $1, not 75: $(cat log)"; }

# metrics.jsonl without what depends on how many ranks there were.
figures() { sed -E 's/, "(seconds|tokens_per_second|peak_share|ranks|waiting_share|network_share)": [^,}]*//g' "$1/metrics.jsonl"; }

# The processes of the ranks below that of a launcher.
rank_of() { ps -o pid= --ppid "$1" | while read -r p; do [ "$(cat "/proc/$p/comm")" = electra-mpi ] && echo "$p" || rank_of "$p"; done; }

# ended PID...: waits until none of these processes runs; 1 after ten seconds.
ended() {
    for _ in $(seq 100); do
        ps -o stat= -p "$(echo "$@" | tr ' ' ,)" | grep -qv '^Z' || return 0
        sleep 0.1
    done
    return 1
}

# lose_rank: kills the last rank of the launcher $job.  All others end; the launcher may end before them, and they hold the
# locks on their folders until they have.
lose_rank() {
    local pids
    pids=$(rank_of $job)
    kill -KILL "$(echo "$pids" | tail -1)"
    wait $job && fail "a killed rank ended well: $(cat log)"
    ended $pids || fail "ranks live on without the one that was killed"
}
