# SPDX-License-Identifier: Apache-2.0
# Sourced by run.sh and pair.sh: the far side, the clients' tools, the result file. The caller is root, in
# private mount, network and process namespaces, with $T, $secs and $run; see lab_enter.
#
#   client namespaces         the caller's namespaces         namespace inet
#   ┌──────────────┐  link    ┌────────────────────┐   veth    ┌────────────────────────┐
#   │ iperf3, wrk  ├──────────┤ what is measured   ├───────────┤ nginx, iperf3          │
#   └──────────────┘          └────────────────────┘           │ 198.51.100.10 to 12    │
#                                                              └────────────────────────┘
# Addresses are of this Internet alone. Nothing of the host is touched.

lab_enter() {	# lab_enter SCRIPT ARGS...: comes back inside
	[ "$(id -u)" = 0 ] || { echo "bench: needs root: it makes network namespaces" >&2; exit 1; }
	[ -n "${BENCH_INSIDE:-}" ] || BENCH_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child \
		--mount-proc --propagation private bash "$@"
	T=$(mktemp -d /tmp/sluice-bench.XXXXXX)
	trap 'rm -rf "$T"' EXIT
	chmod 755 "$T"
	mkdir -p /run/netns "$out"
	mount -t tmpfs none /run/netns
	: >"$T/raw"
}
lab_needs() {	# lab_needs "TOOL...": nothing is installed here
	local t
	for t in $1; do
		type "$t" >/dev/null 2>&1 || { echo "bench: $t is missing: make deps" >&2; exit 1; }
	done
}

quiet_tcp() {	# without these about 55,000 dials a minute to one destination use up the source ports
	sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=2000 \
		net.ipv4.ip_local_port_range="10000 65000"
}
wait_for() {
	local end=$((SECONDS + 30))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

lab_up() {	# lab_up [nginx's server lines]
	local i
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
	for i in 10 11 12; do ip -n inet addr add 198.51.100.$i/32 dev lo; done
	ip route add default via 203.0.113.1
	ip netns exec inet sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=2000
	mkdir "$T/root"
	head -c 1024 /dev/zero | tr '\0' x >"$T/root/small"
	chmod -R a+rX "$T"
	cat >"$T/nginx.conf" <<-END
	daemon off; worker_processes 1; pid $T/nginx.pid; error_log $T/nginx.log; user root;
	events { worker_connections 8192; }
	http { access_log off; keepalive_requests 100000000; client_body_temp_path $T; proxy_temp_path $T;
	  fastcgi_temp_path $T; uwsgi_temp_path $T; scgi_temp_path $T;
	  server { listen 198.51.100.10:80 backlog=4096; ${1:-} root $T/root; } }
	END
	ip netns exec inet nginx -c "$T/nginx.conf" 2>"$T/nginx.err" &
	ip netns exec inet iperf3 -s >/dev/null 2>&1 &
}
lab_client() {	# lab_client NS
	ip netns add "$1"
	ip -n "$1" link set lo up
	ip netns exec "$1" sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=2000 \
		net.ipv4.ip_local_port_range="10000 65000"
}

iperf() {	# iperf NS ADDRESS STREAMS [-R]: Gb/s received
	ip netns exec "$1" timeout $((secs + 20)) iperf3 -J -c "$2" -t "$secs" -P "$3" ${4:-} 2>/dev/null |
		jq '.end.sum_received.bits_per_second / 1e9'
}
wrk_() {	# wrk_ NS URL CONNECTIONS [header]: requests/s p50us p99us
	ip netns exec "$1" wrk -t1 -c "$3" -d "${secs}s" --latency ${4:+-H "$4"} "$2" |
		awk 'function us(v) { return v ~ /us$/ ? v + 0 : v ~ /ms$/ ? v * 1000 : v * 1000000 }
		/50%/ { a = us($2) } /99%/ { b = us($2) } /Requests\/sec/ { r = $2 }
		/Non-2xx|Socket errors: connect [1-9]/ { bad = 1 } END { if (!bad) print r, a, b }'
}
family() {	# family PID: it and its descendants
	local more=$1 now pid
	while [ -n "$more" ]; do
		now=$more more=
		for pid in $now; do
			echo "$pid"
			more="$more $(cat "/proc/$pid/task/$pid/children" 2>/dev/null || :)"
		done
		more=$(echo $more)
	done
}
note() {	# note RIVAL ROW UNIT VALUE
	printf '{"rival":"%s","row":"%s","unit":"%s","run":%d,"value":%s}\n' "$1" "$2" "$3" "$run" "${4:-null}" >>"$T/raw"
}
versions() {	# of the programs measured and of those that measure, as JSON
	local t
	for t in slirp4netns passt wrk iperf3 nginx; do
		printf '%s\n%s\n' "$t" "$(case $t in
			passt) dpkg-query -W passt 2>/dev/null || pasta --version 2>/dev/null ;;
			wrk) wrk -v 2>&1 ;;
			nginx) nginx -v 2>&1 ;;
			*) $t --version 2>/dev/null ;;
		esac | head -1 | tr -cd ' -~')"
	done | jq -Rn '[inputs] as $l | [range(0; $l | length; 2) | {key: $l[.], value: $l[. + 1]}] | from_entries'
}
lab_write() {	# lab_write FILE COMMAND [jq-object]: the raw results, where they come from, which goals are met
	jq -s --arg date "$(date -u +%F)" --arg kernel "$(uname -r)" --arg cpus "$(nproc)" \
		--arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
		--arg commit "$(git -C "$top" describe --always --dirty 2>/dev/null || echo unknown)" \
		--arg command "$2" --argjson versions "$(versions)" \
		"{date: \$date, kernel: \$kernel, cpus: (\$cpus|tonumber), cpu: \$cpu, commit: \$commit, command: \$command, versions: \$versions} + ${3:-{\}} +
		{results: map(select(has(\"value\"))), left_out: map(select(has(\"left_out\")))}" \
		"$T/raw" >"$T/json"
	jq --slurpfile goals <("$top/bench/table.sh" -g "$T/json") '. + {goals: $goals[0]}' "$T/json" >"$1"
	"$top/bench/table.sh" "$1"
	echo "raw: $1"
}
