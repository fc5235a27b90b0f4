# machines.bash - two machines in one, for tests with MPI: network namespaces with a link between them, and of their own each
# has a host name and all folders but one.  Source it behind cluster.bash with the script's own name and arguments; it runs
# the script anew in namespaces that are gone when it ends.  77 where that is not allowed.
#
#   $two         a process on the second machine; on_two COMMAND...: runs there
#   $here        a folder of each machine's own, at the same path; $shared: the one that both see
#   machines     mpirun with a rank on each
#   link_rate RATE, link_down

if [ -z "${ELECTRA_MACHINES:-}" ]; then
    [ -n "$open_mpi" ] || { echo "two machines are tried with Open MPI alone, whose launcher takes any program for ssh"; exit 77; }
    apart=(unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc)
    [ "$(id -u)" = 0 ] || apart=(unshare --user --map-root-user "${apart[@]:1}")
    "${apart[@]}" ip link add one type veth peer name two 2> /dev/null ||
        { echo "there is no leave for network namespaces here, or no ip (iproute2)"; exit 77; }
    ELECTRA_MACHINES=$work "${apart[@]}" bash "$0" "$@"
    exit $?
fi
trap - EXIT # the folder is the outer script's
rmdir "$work"
work=$ELECTRA_MACHINES
cd "$work"

here=$work/here shared=$work/shared
mkdir "$here" "$shared"
hostname one
unshare --net --mount --uts bash -c 'hostname two; exec sleep 100000' &
two=$!
until [ "$(nsenter -t $two -u hostname)" = two ]; do sleep 0.05; done
on_two() { nsenter -t "$two" --net --mount --uts -- "$@"; }
ip link set lo up
ip link add one type veth peer name two netns "$two"
ip address add 10.77.0.1/24 dev one
on_two ip address add 10.77.0.2/24 dev two
ip link set one up
on_two ip link set two up
on_two ip link set lo up
for run in "" on_two; do
    $run mount -t tmpfs none "$here"
    $run mkdir "$here/tmp"
done
printf '#!/bin/bash\nwhile [[ $1 = -* ]]; do shift; done\nshift\nexec nsenter -t %s --net --mount --uts -- bash -c "$*"\n' "$two" > ssh
chmod +x ssh
export TMPDIR=$here/tmp OMPI_MCA_plm_rsh_agent=$work/ssh OMPI_MCA_plm_rsh_no_tree_spawn=1
export OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 OMPI_MCA_oob_tcp_if_include=10.77.0.0/24
unset OMPI_MCA_btl_vader_backing_directory
machines=("$launcher" --host 10.77.0.1:1,10.77.0.2:1 -np 2 --bind-to none -x TMPDIR)

link_rate() {
    tc qdisc replace dev one root tbf rate "$1" burst 256kb latency 50ms
    on_two tc qdisc replace dev two root tbf rate "$1" burst 256kb latency 50ms
}
link_down() { ip link set one down; }
