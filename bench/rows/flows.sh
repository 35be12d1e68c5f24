# SPDX-License-Identifier: Apache-2.0
# What a question (a segment each way) and a new connection cost when 10,000 other connections are open, against 10: worker and decider
# together. User time is counted in ticks and coarse; processor time is exact and mostly the kernel's.

flows_rivals=$(one_sluice)

flows_up() {
	sluice_options=(--max-flows 16384)
	ip netns exec inet "$SLUICE_BUILD/bench/flows" serve 198.51.100.10 7001 &
	flows_server=$!
}
flows_rows() {
	local n what rate user all row
	declare -A was
	for n in 10 10000; do
		while read -r rate user all what; do
			row="per $what, $n open"
			note "$1" "user time $row" us "$user"
			note "$1" "processor time $row" us "$all"
			[ $n != 10 ] || { was[$what]=$user was[$what-all]=$all; continue; }
			row="per $what, 10000 to 10 open"
			note "$1" "user time $row" times "$(jq -n "$user / ${was[$what]}")"
			note "$1" "processor time $row" times "$(jq -n "$all / ${was[$what-all]}")"
		done < <(ip netns exec "c-$1" "$SLUICE_BUILD/bench/flows" open 198.51.100.10 7001 $n $((secs * 3)) \
			$(family "${pid_of[$1]}"))
		sleep 1
	done
}
flows_down() {
	kill $flows_server
	sluice_options=()
}
