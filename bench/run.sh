#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures sluice beside its peers, all in one run, and prints a table and raw JSON.
#
#	bench/run.sh [-n RUNS] [-t SECONDS] [-r "RIVAL..."] [-o DIR]
#
#   client namespace          this shell's namespaces          namespace inet
#   ┌──────────────┐  link    ┌────────────────────┐   veth    ┌────────────────────────┐
#   │ iperf3, wrk  ├──────────┤ rival: kernel NAT, ├───────────┤ nginx, iperf3          │
#   │              │          │ slirp4netns, pasta,│           │ 198.51.100.10          │
#   └──────────────┘          │ sluice             │           └────────────────────────┘
#                             └────────────────────┘
# Each rival gets a fresh client namespace of its own. Runs are interleaved (run 1 of every rival, then
# run 2 ...), so drift of the machine hits all alike. sluice runs with a policy and its event log on.
# Everything is in private namespaces; addresses are of this script's own Internet. Timings never fail.
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
[ "$(id -u)" = 0 ] || { echo "bench: needs root: it makes network namespaces" >&2; exit 1; }
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
out=${out:-$top/bench/results}
if [ -z "${BENCH_INSIDE:-}" ]; then
	BENCH_INSIDE=1 SLUICE_BUILD=$SLUICE_BUILD exec unshare --mount --net --pid --fork --kill-child \
		--mount-proc --propagation private bash "$0" -n "$runs" -t "$secs" -r "$rivals" -o "$out"
fi

T=$(mktemp -d /tmp/sluice-bench.XXXXXX)
trap 'rm -rf "$T"' EXIT
chmod 755 "$T"
mkdir -p /run/netns "$out"
mount -t tmpfs none /run/netns
: >"$T/raw"

quiet_tcp() {	# without these about 55,000 dials a minute to one destination use up the source ports
	sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=2000 \
		net.ipv4.ip_local_port_range="10000 65000"
}
wait_for() {
	local end=$((SECONDS + 15))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

quiet_tcp
sysctl -qw net.ipv4.ip_forward=1
ip link set lo up
ip netns add inet
ip link add up0 type veth peer name down0 netns inet
ip addr add 203.0.113.2/24 dev up0
ip link set up0 up
ip -n inet link set lo up
ip -n inet addr add 203.0.113.1/24 dev down0
ip -n inet link set down0 up
ip -n inet addr add 198.51.100.10/32 dev lo
ip route add default via 203.0.113.1
ip netns exec inet sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=2000
mkdir "$T/root"
head -c 1024 /dev/zero | tr '\0' x >"$T/root/small"
chmod -R a+rX "$T"
cat >"$T/nginx.conf" <<END
daemon off; worker_processes 1; pid $T/nginx.pid; error_log $T/nginx.log; user root;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path $T; proxy_temp_path $T;
  fastcgi_temp_path $T; uwsgi_temp_path $T; scgi_temp_path $T;
  server { listen 198.51.100.10:80 backlog=4096; root $T/root; } }
END
ip netns exec inet nginx -c "$T/nginx.conf" 2>"$T/nginx.err" &
ip netns exec inet iperf3 -s >/dev/null 2>&1 &
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
	ip netns add "$c"
	ip -n "$c" link set lo up
	ip netns exec "$c" sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=2000 \
		net.ipv4.ip_local_port_range="10000 65000"
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

iperf() {	# iperf NS SECONDS STREAMS [-R]: Gb/s received
	ip netns exec "$1" timeout $((secs + 20)) iperf3 -J -c 198.51.100.10 -t "$secs" -P "$2" ${3:-} 2>/dev/null |
		jq '.end.sum_received.bits_per_second / 1e9'
}
wrk_() {	# wrk NS CONNECTIONS [header]: requests/s p50us p99us
	ip netns exec "$1" wrk -t1 -c "$2" -d "${secs}s" --latency ${3:+-H "$3"} http://198.51.100.10/small |
		awk 'function us(v) { return v ~ /us$/ ? v + 0 : v ~ /ms$/ ? v * 1000 : v * 1000000 }
		/50%/ { a = us($2) } /99%/ { b = us($2) } /Requests\/sec/ { r = $2 } END { print r, a, b }'
}
note() {	# note RIVAL ROW UNIT VALUE
	printf '{"rival":"%s","row":"%s","unit":"%s","run":%d,"value":%s}\n' "$1" "$2" "$3" "$run" "${4:-null}" >>"$T/raw"
}
measure() {
	local c=c-$1 v
	note "$1" "bulk up, 1 stream" Gb/s "$(iperf "$c" 1)"
	note "$1" "bulk down, 1 stream" Gb/s "$(iperf "$c" 1 -R)"
	note "$1" "bulk up, 8 streams" Gb/s "$(iperf "$c" 8)"
	note "$1" "bulk down, 8 streams" Gb/s "$(iperf "$c" 8 -R)"
	read -ra v <<<"$(wrk_ "$c" 16)"
	note "$1" "keep-alive, 16 conns" req/s "${v[0]:-null}"
	note "$1" "keep-alive, 16 conns, p99" us "${v[2]:-null}"
	read -ra v <<<"$(wrk_ "$c" 16 'Connection: close')"
	note "$1" "connection per request, 16" req/s "${v[0]:-null}"
	note "$1" "connection per request, 16, p99" us "${v[2]:-null}"
	read -ra v <<<"$(wrk_ "$c" 1)"
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

json=$out/$(date -u +%Y-%m-%dT%H%M%SZ).json
jq -s --arg date "$(date -u +%F)" --arg kernel "$(uname -r)" --arg cpus "$(nproc)" \
	--arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
	--arg commit "$(git -C "$top" describe --always --dirty 2>/dev/null || echo unknown)" \
	--arg command "bench/run.sh -n $runs -t $secs" \
	'{date: $date, kernel: $kernel, cpus: ($cpus|tonumber), cpu: $cpu, commit: $commit, command: $command, results: .}' \
	"$T/raw" >"$json"
"$top/bench/table.sh" "$json"
echo "raw: $json"
