# SPDX-License-Identifier: Apache-2.0
# What a sandbox gets while the one beside it floods. The flood itself keeps a processor busy, whatever the gateway
# does; so it is compared with a neighbour that only does that ("spins"). The far side is the same for both.

flood_rivals="kernel $(one_sluice)"

flood_up() {
	ip netns exec inet "$SLUICE_BUILD/bench/udp" echo 198.51.100.10 7000 &
	flood_echo=$!
}
flood_rows() {
	local c=c-$1 kind v what nuisance
	declare -A bulk p99
	start "$1" "$1-nuisance" || { leave_out "$1" "flood" "$why"; return; }
	for kind in alone spin syn udp tiny dns; do
		case $kind in
		alone) what=alone ;;
		spin) what="beside one that spins" ;;
		*) what="beside a flood, $kind" ;;
		esac
		nuisance=
		case $kind in
		alone) ;;
		spin) flood spin ;;
		syn) flood syn 198.51.100.10 80 ;;
		dns) flood dns "$([ "$1" = kernel ] && echo 198.51.100.10 || echo 100.96.0.1)" 53 ;;
		*) flood $kind 198.51.100.10 7000 ;;
		esac
		sleep 0.3
		bulk[$kind]=$(secs=1 iperf "$c" 198.51.100.10 1 -R)
		read -ra v <<<"$(secs=1 wrk_ "$c" http://198.51.100.10/small 1)"
		p99[$kind]=${v[2]:-null}
		[ -z "$nuisance" ] || { kill "$nuisance" && wait "$nuisance"; } 2>/dev/null || :
		note "$1" "bulk down, $what" Gb/s "${bulk[$kind]:-null}"
		note "$1" "request, 1 conn, p99, $what" us "${p99[$kind]}"
		case $kind in
		alone | spin) ;;
		*)
			note "$1" "bulk down, $what / that spins" of "$(jq -n "${bulk[$kind]:-null} / ${bulk[spin]:-null}" 2>/dev/null)"
			note "$1" "request, 1 conn, p99, $what / that spins" times \
				"$(jq -n "${p99[$kind]} / ${p99[spin]}" 2>/dev/null)"
			;;
		esac
		sleep 0.2
	done
	stop "$1-nuisance"
}
flood() {	# flood KIND...: from the namespace beside $c
	ip netns exec "$c-nuisance" "$SLUICE_BUILD/bench/flood" "$@" &
	nuisance=$!
}
flood_down() {
	kill $flood_echo
}
