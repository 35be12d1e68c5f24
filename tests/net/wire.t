#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The wire of bench/: what was asked of it and what the ends see are the same. Counts are compared exactly
# with the wire's own, and these with chance (5 standard deviations); that nothing is early is checked,
# that nothing is late is only told: it is the machine's affair.
set -eu
. "$(dirname "$0")/internet.sh"
internet_enter "$0" "$@"
T=$(mktemp -d /tmp/sluice-wire.XXXXXX)
trap 'rm -rf "$T"' EXIT
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip netns add mid
ip netns add far
ip netns exec mid sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link add up0 type veth peer name wa netns mid
ip -n far link add down0 type veth peer name wb netns mid
ip addr add 203.0.113.2/24 dev up0
ip -n far addr add 203.0.113.1/24 dev down0
ip link set up0 up
ip -n far link set down0 up
ip -n mid link set wa arp off up
ip -n mid link set wb arp off up

wire_up() {
	ip netns exec mid "$SLUICE_BUILD/bench/wire" wa wb "$@" >"$T/wire" &
	wire=$!
	internet_wait "the wire" grep -q ready "$T/wire"
}
wire_down() {
	kill $wire
	wait $wire
	sed -n 's/^{/# {/p' "$T/wire"
}
counted() {	# counted a|b KEY
	sed -n "$([ "$1" = a ] && echo 2 || echo 3)p" "$T/wire" | jq ".$2"
}
pings() {	# pings WORD: "transmitted", "received", "duplicates" of the last ping
	grep -o "[0-9]* \(packets \)\?$1" "$T/ping" | grep -o '^[0-9]*' || echo 0
}
by_chance() {	# by_chance COUNT OF PERCENT
	awk -v k="$1" -v n="$2" -v p="$3" 'BEGIN { m = n * p / 100; d = 5 * sqrt(m * (1 - p / 100)) + 1
		print k " of " n ", expected " m " +- " d; exit !(k >= m - d && k <= m + d) }'
}
# The neighbours know each other before anything is lost.
wire_up
ping -c 1 -W 5 203.0.113.1 >"$T/ping"
wire_down

wire_up delay=10 seed=7
ping -q -c 1000 -i 0.002 203.0.113.1 >"$T/ping"
wire_down
rtt=$(sed -n 's/.*= \([0-9.]*\)\/\([0-9.]*\)\/.*/\1 \2/p' "$T/ping")
echo "# asked for 20 ms; least and mean: $rtt"
ok "10 ms each way: no answer is early" awk -v rtt="${rtt% *}" 'BEGIN { exit !(rtt >= 20) }'
ok "nothing is lost that was not to be" [ "$(pings received)" = 1000 ]

wire_up loss=2 b.loss=3
ping -q -c 5000 -i 0.001 -W 1 203.0.113.1 >"$T/ping" || :
wire_down
ok "what ping misses is what the wire lost" [ $(($(pings transmitted) - $(pings received))) = \
	$(($(counted a lost) + $(counted b lost))) ]
ok "a loses 2 %" by_chance "$(counted a lost)" "$(counted a packets)" 2
ok "b loses 3 %" by_chance "$(counted b lost)" "$(counted b packets)" 3

wire_up a.dup=2
ping -q -c 2000 -i 0.001 203.0.113.1 >"$T/ping"
wire_down
ok "what ping has twice is what the wire doubled" [ "$(pings duplicates)" = "$(counted a duplicated)" ]
ok "a doubles 2 %, b nothing" by_chance "$(counted a duplicated)" "$(counted a packets)" 2
ok "b doubles nothing" [ "$(counted b duplicated)" = 0 ]

wire_up rate=10 queue=64
ping -q -c 200 -l 200 -s 1400 -W 2 203.0.113.1 >"$T/ping" || :
wire_down
ok "a queue of 64 KiB holds 45 of 200 packets at once" [ "$(counted a queue_full)" -ge 100 ]
ok "what ping misses is what found the queue full" [ $((200 - $(pings received))) = "$(counted a queue_full)" ]

# Super-frames: every packet has its own fate, and the bytes arrive whole. 20 MB, both ways.
head -c 20000000 /dev/urandom >"$T/blob"
carry() {	# carry to|from the far side
	local listen=(ip netns exec far) send=()
	[ "$1" = to ] || { listen=() send=(ip netns exec far); }
	local at=203.0.113.$([ "$1" = to ] && echo 1 || echo 2)
	timeout 60 "${listen[@]}" socat -u tcp-listen:7000,reuseaddr "create:$T/got" &
	local server=$!
	internet_wait "socat" bash -c "${listen[*]} ss -Hltn 'sport = :7000' | grep -q ."
	timeout 60 "${send[@]}" socat -u "open:$T/blob" "tcp:$at:7000"
	wait $server
	cmp "$T/blob" "$T/got" && rm "$T/got"
}
wire_up delay=2 loss=0.5 reorder=1 dup=0.5 rate=500
start=$(date +%s%N)
ok "20 MB arrive whole through loss, disorder and doubles" carry to
took=$(($(date +%s%N) - start))
ok "and back" carry from
wire_down
ok "no faster than the rate" [ $took -ge 320000000 ]
for i in a b; do
	ok "$i: frames stand for more packets" [ "$(counted $i packets)" -ge 13000 ]
	ok "$i: 0.5 % of the packets are lost" by_chance "$(counted $i lost)" "$(counted $i packets)" 0.5
	ok "$i: 1 % are late" by_chance "$(counted $i reordered)" "$(counted $i packets)" 1
done

for bad in delay=-1 delay=x delay= loss colour=1 c.loss=1; do
	ok "$bad is refused" not ip netns exec mid timeout 5 "$SLUICE_BUILD/bench/wire" wa wb "$bad"
done
done_testing
