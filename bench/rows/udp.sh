# SPDX-License-Identifier: Apache-2.0
# UDP: a question and an answer of 64 bytes, the next question when the answer is there.

udp_up() {
	ip netns exec inet "$SLUICE_BUILD/bench/udp" echo 198.51.100.10 7000 &
	udp_echo=$!
}
udp_rows() {
	local n v
	for n in 1 16; do
		read -ra v <<<"$(ip netns exec "c-$1" "$SLUICE_BUILD/bench/udp" load 198.51.100.10 7000 $n "$secs")"
		note "$1" "UDP, $n sockets" req/s "${v[0]:-null}"
		note "$1" "UDP, $n sockets, p50" us "${v[1]:-null}"
		note "$1" "UDP, $n sockets, p99" us "${v[2]:-null}"
	done
}
udp_down() {
	kill $udp_echo
}
