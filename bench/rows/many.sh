# SPDX-License-Identifier: Apache-2.0
# 500 sandboxes on one host, one connection each, all asking for as much as they can get. Fair: what the least and
# the most favoured of them got, of the mean. Memory: PSS of all gateways' processes together, per sandbox.

many_rivals=
many_n=500 many_secs=15 many_runs=2

many_up() {
	local i
	if [ "$(awk '/MemAvailable/ { print $2 }' /proc/meminfo)" -lt $((many_n * 8192)) ]; then
		why="fewer than $((many_n * 8)) MiB of memory are free"
		return 1
	fi
	ip netns exec inet "$SLUICE_BUILD/bench/flows" serve 198.51.100.10 7001 &
	many_server=$!
	many_began=$(date +%s%N)
	for i in $(seq $many_n); do
		lab_client "m$i"
		"$SLUICE_BUILD/sluice" attach --netns "/run/netns/m$i" --port packet --quiet \
			--events "$T/many.events" --allow 198.51.100.10:7001 >"$T/many.log" 2>&1 &
		pid_of[m$i]=$!
	done
	for i in $(seq $many_n); do
		wait_for ip -n "m$i" route get 198.51.100.10 ||
			{ why="sandbox $i did not come up: $(tail -n 1 "$T/many.log")"; many_down; return 1; }
	done
	many_s=$(jq -n "($(date +%s%N) - $many_began) / 1e9")
}
many_run() {
	local got i
	[ "$run" -le $many_runs ] || return 0
	got=$("$SLUICE_BUILD/bench/flows" pull 198.51.100.10 7001 $many_secs \
		$(for i in $(seq $many_n); do echo "/run/netns/m$i"; done) | jq -s .)
	[ -n "$got" ] || return 0
	[ "$run" != 1 ] || note sluice-packet "$many_n sandboxes, until all are up" s "$many_s"
	note sluice-packet "$many_n sandboxes, bulk down together" Gb/s "$(jq "add * 8 / 1e9 / $many_secs" <<<"$got")"
	note sluice-packet "$many_n sandboxes, least / mean" of "$(jq 'min / (add / length)' <<<"$got")"
	note sluice-packet "$many_n sandboxes, most / mean" of "$(jq 'max / (add / length)' <<<"$got")"
	note sluice-packet "$many_n sandboxes, within 20 % of the mean" of \
		"$(jq '(add / length) as $m | map(select(. > 0.8 * $m and . < 1.2 * $m)) | length / '$many_n <<<"$got")"
	note sluice-packet "$many_n sandboxes, PSS of each" KiB "$(for i in $(seq $many_n); do
		for p in $(family "${pid_of[m$i]}"); do sed -n 's/^Pss:\s*\([0-9]*\) kB/\1/p' "/proc/$p/smaps_rollup"; done
	done | jq -s "add / $many_n")"
}
many_down() {
	local i
	kill $many_server
	for i in $(seq $many_n); do kill "${pid_of[m$i]}" || :; done 2>/dev/null
	for i in $(seq $many_n); do wait "${pid_of[m$i]}" || :; unset "pid_of[m$i]"; ip netns del "m$i"; done 2>/dev/null
}
