# SPDX-License-Identifier: Apache-2.0
# Sourced by rows/wan.sh and soak.sh after lab.sh: far sides at a distance, each behind a wire (bench/wire.c) of
# its own.
#
#   the caller's namespaces    namespace mid      namespace inet
#   ┌────────────────────┐     ┌──────────┐     ┌──────────────────────────┐
#   │ far0 203.0.113.66  ├─────┤   wire   ├─────┤ 203.0.113.65 far0        │
#   │ far1 203.0.113.70  ├─────┤   wire   ├─────┤ 203.0.113.69 far1        │
#   └────────────────────┘     └──────────┘     │ 198.51.100.20, 21, ...   │
#                                               └──────────────────────────┘
# Segmentation offload stays on: the wire cuts what it must, so that what is measured is the rivals and not
# the wire. Its own drops are told: then the machine was too busy.

declare -A wire_pid
far_up() {	# far_up N KEY=VALUE...: 198.51.100.(20 + N) is behind such a wire
	local n=$1 net=$((64 + 4 * $1))
	shift
	[ -e /run/netns/mid ] || {
		ip netns add mid
		ip netns exec mid sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	}
	ip link add "far$n" type veth peer name "near$n" netns mid
	ip -n inet link add "far$n" type veth peer name "far$n" netns mid
	ethtool -K "far$n" tx-udp-segmentation off
	ip netns exec inet ethtool -K "far$n" tx-udp-segmentation off
	ip addr add "203.0.113.$((net + 2))/30" dev "far$n"
	ip link set "far$n" up
	ip -n inet addr add "203.0.113.$((net + 1))/30" dev "far$n"
	ip -n inet link set "far$n" up
	ip -n mid link set "near$n" arp off up
	ip -n mid link set "far$n" arp off up
	ip -n inet addr add "198.51.100.$((20 + n))/32" dev lo
	ip route add "198.51.100.$((20 + n))" via "203.0.113.$((net + 1))"
	ip netns exec mid "$SLUICE_BUILD/bench/wire" "near$n" "far$n" "$@" >"$T/wire$n" 2>"$T/wire$n.err" &
	wire_pid[$n]=$!
	wait_for grep -q ready "$T/wire$n"
}
far_down() {	# ends the wires; says what they could not carry
	local n drops
	for n in "${!wire_pid[@]}"; do
		kill "${wire_pid[$n]}"
		wait "${wire_pid[$n]}" || :
		drops=$(tail -n +2 "$T/wire$n" | jq -s 'map(.own_drops) | add')
		[ "$drops" = 0 ] || echo "bench: wire $n itself dropped $drops packets: the machine is too busy" >&2
	done
}
