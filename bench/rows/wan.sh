# SPDX-License-Identifier: Apache-2.0
# Bulk TCP to and from far sides at 20 and 100 ms: a gigabit per second with a buffer of 33 ms, as it is and with
# faults. Little of it is computing, so these rows scatter less than others: every third run has them.
. "$top/bench/far.sh"

# What carries the frames to the sandbox is not asked here: one Sluice.
wan_rivals=$rivals
case " $rivals " in *" sluice-packet "*)
	wan_rivals=$(for r in $rivals; do case $r in sluice-xdp | sluice-tap) ;; *) echo "$r" ;; esac; done) ;;
esac
wan_faults="loss=0.1 reorder=0.1 dup=0.1"
wan_rtt=(20 20 100 100)
wan_what=("20 ms" "20 ms, faults" "100 ms" "100 ms, faults")

wan_up() {
	local n faults
	sluice_options=(--allow 198.51.100.20/30:5202)
	why="bench/wire is not built"
	[ -x "$SLUICE_BUILD/bench/wire" ] || return 1
	why="ethtool is not installed"
	type ethtool >/dev/null 2>&1 || return 1
	why="the wire did not come up"
	for n in 0 1 2 3; do
		faults=
		[ $((n % 2)) = 0 ] || faults=$wan_faults
		far_up $n "delay=$((wan_rtt[n] / 2))" rate=1000 queue=4096 "seed=$((n + 1))" $faults || return 1
	done
	ip netns exec inet iperf3 -s -p 5202 -J -i 0.1 >/dev/null 2>&1 &
}
# Mb/s, and the longest time in ms in which the receiver got nothing, not counting how it began.
far_iperf() {	# far_iperf NS N STREAMS up|down
	local way=() from=.server_output_json try
	[ "$4" = up ] || { way=(-R) from=; }
	for try in 1 2 3 4 5 6 7 8; do	# the server may still be busy with the end of the last one
		[ $try = 1 ] || read -rt 1 <> <(:) || :
		ip netns exec "$1" timeout $((secs + 20)) iperf3 -J -i 0.1 --get-server-output \
			-c "198.51.100.$((20 + $2))" -p 5202 -t "$secs" -P "$3" "${way[@]}" >"$T/far.json" 2>&1 && break
	done
	jq -r "
		(.end.sum_received.bits_per_second / 1e6),
		(reduce ($from.intervals[].sum | select(.seconds > 0.05) | .bytes) as \$b ({begun: false, now: 0, max: 0};
			if \$b > 0 then .begun = true | .now = 0
			elif .begun then .now += 100 | .max = ([.max, .now] | max) else . end) | .max)" "$T/far.json" ||
		tail -n 3 "$T/far.json" >&2
}
wan_rows() {	# wan_rows RIVAL
	local n streams way v silence=0 secs=3
	[ $((run % 3)) = 1 ] || return 0
	for n in 0 1 2 3; do
		for streams in 1 8; do
			[ $streams = 1 ] || [ $((n % 2)) = 1 ] || continue	# without faults many fill it anyway
			for way in up down; do
				v=($(far_iperf "c-$1" $n $streams $way))
				note "$1" "${wan_what[n]}: $way, $streams stream$([ $streams = 1 ] || echo s)" Mb/s "${v[0]:-null}"
				[ "${v[1]:-0}" -le $silence ] || silence=${v[1]}
			done
		done
	done
	note "$1" "far sides: longest silence" ms $silence
}
wan_down() {
	far_down
	sluice_options=()
}
