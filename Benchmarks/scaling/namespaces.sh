#!/bin/bash
# The step of workloads by two processes, each in a network namespace of its own, joined by a link whose speed the kernel
# limits: measured, and predicted from the speed.
#
#     namespaces.sh [WORKLOAD…]            conv where none is named; as root
#
# ZOO names the command (vae-zoo), MPIEXEC that of MPICH (mpiexec, as of PyPI's package mpich), SPEED the speed for bench
# (1Gb), RATE the same for tc (1gbit), THREADS those of each process (1). Namespaces and link are removed at the end. The
# kernel needs network namespaces, veth and the queue tbf.
set -euo pipefail

zoo=$(realpath "$(command -v "${ZOO:-vae-zoo}")")
mpiexec=$(realpath -s "$(command -v "${MPIEXEC:-mpiexec}")")
speed=${SPEED:-1Gb} rate=${RATE:-1gbit} threads=${THREADS:-1}
(($#)) || set -- conv
readonly first=vae-zoo-a second=vae-zoo-b net=10.77.0

# A package of PyPI has the library beside its launcher, where no loader looks for it.
library=$(dirname "$(dirname "$mpiexec")")/lib/libmpi.so.12
if [[ -z ${VAE_MPI_LIBRARY-} && -e $library ]]; then export VAE_MPI_LIBRARY=$library; fi

work=$(mktemp -d)
remove() {
  ip netns del $first 2>/dev/null || true
  ip netns del $second 2>/dev/null || true
  rm -rf "$work"
}
trap remove EXIT

ip netns add $first
ip netns add $second
# The same name on both sides, since libraries are told it.
ip link add vz0 netns $first type veth peer name vz0 netns $second
number=1
for space in $first $second; do
  ip -n $space link set lo up
  ip -n $space addr add $net.$number/24 dev vz0
  ip -n $space link set vz0 up
  tc -n $space qdisc add dev vz0 root tbf rate "$rate" burst 256kb latency 50ms
  number=$((number + 1))
done

# What the launcher calls in place of ssh: HOST COMMAND….
cat >"$work/enter" <<TEXT
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
case \$1 in $net.1) space=$first ;; *) space=$second ;; esac
shift
exec ip netns exec \$space sh -c "\$*"
TEXT
chmod +x "$work/enter"

echo "one process, $threads threads, by itself:"
"$zoo" bench "$@" --threads "$threads"
echo
echo "two processes on a link of $rate, predicted for $speed:"
# Both ways in which MPICH uses TCP are told the link.
UCX_TLS=tcp,self UCX_NET_DEVICES=vz0 FI_PROVIDER=tcp FI_TCP_IFACE=vz0 \
  timeout 600 ip netns exec $first "$mpiexec" -launcher rsh -launcher-exec "$work/enter" -iface vz0 \
  -hosts $net.1,$net.2 -ppn 1 -np 2 "$zoo" bench "$@" --threads "$threads" --network "$speed"
