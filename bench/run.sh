#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures sluice beside its peers, all in one run, and prints a table and raw JSON.
#
#	bench/run.sh [-n RUNS] [-t SECONDS] [-r "RIVAL..."] [-o DIR]
#
# bench/lab.sh draws the net. Each rival gets a fresh client namespace of its own. Runs are interleaved
# (run 1 of every rival, then run 2 ...), so drift of the machine hits all alike. sluice runs with a
# policy and its event log on. Timings never fail.
set -eu

runs=3 secs=3 out= rivals="kernel slirp4netns pasta sluice-xdp sluice-packet sluice-tap"
while getopts n:t:r:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	t) secs=$OPTARG ;;
	r) rivals=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n '4,6p' "$0"; exit 2 ;;
	esac
done
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
export SLUICE_BUILD
out=${out:-$top/bench/results}
. "$top/bench/lab.sh"
lab_enter "$0" "$@"
lab_up
nft -f - <<END
table ip nat {
	chain post {
		type nat hook postrouting priority 100
		ip saddr 10.77.0.0/16 masquerade
	}
}
END

declare -A pid_of
start() {	# start RIVAL: gives namespace c-RIVAL its way out
	local c=c-$1
	lab_client "$c"
	case $1 in
	kernel)
		ip link add k0 type veth peer name eth0 netns "$c"
		ip addr add 10.77.0.1/24 dev k0
		ip link set k0 up
		ip -n "$c" addr add 10.77.0.2/24 dev eth0
		ip -n "$c" link set eth0 up
		ip -n "$c" route add default via 10.77.0.1
		;;
	slirp4netns)
		slirp4netns --netns-type=path --configure --mtu=65520 "/run/netns/$c" tap0 >"$T/$1.log" 2>&1 &
		pid_of[$1]=$!
		;;
	pasta)
		pasta --foreground --config-net --runas 0 -t none -u none -T none -U none \
			--netns "/run/netns/$c" >"$T/$1.log" 2>&1 &
		pid_of[$1]=$!
		;;
	sluice-*)
		"$SLUICE_BUILD/sluice" attach --netns "/run/netns/$c" --port "${1#sluice-}" --events "$T/$1.events" \
			--allow 198.51.100.10:80,5201 --allow example.test --deny evil.test >"$T/$1.log" 2>&1 &
		pid_of[$1]=$!
		;;
	esac
	wait_for ip netns exec "$c" curl -s -o /dev/null --max-time 2 http://198.51.100.10/small
}

measure() {
	local c=c-$1 v url=http://198.51.100.10/small
	note "$1" "bulk up, 1 stream" Gb/s "$(iperf "$c" 198.51.100.10 1)"
	note "$1" "bulk down, 1 stream" Gb/s "$(iperf "$c" 198.51.100.10 1 -R)"
	note "$1" "bulk up, 8 streams" Gb/s "$(iperf "$c" 198.51.100.10 8)"
	note "$1" "bulk down, 8 streams" Gb/s "$(iperf "$c" 198.51.100.10 8 -R)"
	read -ra v <<<"$(wrk_ "$c" "$url" 16)"
	note "$1" "keep-alive, 16 conns" req/s "${v[0]:-null}"
	note "$1" "keep-alive, 16 conns, p99" us "${v[2]:-null}"
	read -ra v <<<"$(wrk_ "$c" "$url" 16 'Connection: close')"
	note "$1" "connection per request, 16" req/s "${v[0]:-null}"
	note "$1" "connection per request, 16, p99" us "${v[2]:-null}"
	read -ra v <<<"$(wrk_ "$c" "$url" 1)"
	note "$1" "keep-alive, 1 conn, p50" us "${v[1]:-null}"
}

live=
for r in $rivals; do
	if start "$r"; then
		live="$live $r"
	else
		echo "bench: $r did not come up, leaving it out: $(tail -n 1 "$T/$r.log" 2>/dev/null)" >&2
	fi
done
for run in $(seq 1 "$runs"); do
	for r in $live; do
		echo "bench: run $run of $runs, $r" >&2
		measure "$r"
	done
done
for r in "${!pid_of[@]}"; do kill "${pid_of[$r]}" 2>/dev/null || :; done

lab_write "$out/$(date -u +%Y-%m-%dT%H%M%SZ).json" "bench/run.sh -n $runs -t $secs"
