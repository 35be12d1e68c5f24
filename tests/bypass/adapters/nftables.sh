#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: what people build by hand. A network namespace on a veth, masquerading, and an nftables set of the
# addresses that the allowed names have when it starts; questions to the resolver are open, since names have
# to work. The attacker is root in the namespace.
set -eu
slot=${BYPASS_SLOT:-0}
box=box$slot
t="inet bypass$slot"
case $1 in
name) echo "nftables by hand" ;;
version) nft --version ;;
features) echo udp any reload ;;
prepare) ;;
reload)
	case " ${BYPASS_ALLOW:-} " in *'*'*) exit 0 ;; esac
	nft flush set $t allowed4
	nft flush set $t allowed6
	for s in ${BYPASS_ALLOW:-}; do "$0" add "$s"; done
	;;
add)		# the addresses of a spec: NAME, NAME:PORT, PREFIX:PORT
	spec=${2#udp://} ports="80 443"
	case $spec in *:*) ports=${spec##*:} spec=${spec%:*} ;; esac
	case $spec in
	*/*)
		spec=${spec#[} spec=${spec%]}
		found=$spec
		;;
	*) found=$({ getent ahostsv4 "$spec"; getent ahostsv6 "$spec"; } | awk '$1 !~ /^::ffff:/ { print $1 }' | sort -u) ;;
	esac
	for a in $found; do
		for p in $ports; do
			case $a in
			*:*) nft add element $t allowed6 "{ $a . $p }" ;;
			*) nft add element $t allowed4 "{ $a . $p }" ;;
			esac
		done
	done
	;;
run)
	shift
	case " ${BYPASS_ALLOW:-} " in *'*'*) echo "a set of addresses cannot say a wildcard" >&2; exit 77 ;; esac
	[ -z "${BYPASS_DENY:-}${BYPASS_POLICY:-}" ] || { echo "a set of addresses cannot say this policy" >&2; exit 77; }
	n=$((slot + 1))
	exec 9>"$BYPASS_T/netns.lock"
	flock 9
	ip netns add "$box"
	trap 'set +e; { ip link del "nft$slot"; ip netns del "$box"; nft delete table $t; } 2>/dev/null; rm -f "$BYPASS_T/$box.resolv"' EXIT
	ip link add "nft$slot" type veth peer name eth0 netns "$box"
	ip addr add "10.88.$n.1/24" dev "nft$slot"
	ip addr add "fd88:$n::1/64" dev "nft$slot" nodad
	ip link set "nft$slot" up
	ip -n "$box" link set lo up
	ip -n "$box" addr add "10.88.$n.2/24" dev eth0
	ip -n "$box" addr add "fd88:$n::2/64" dev eth0 nodad
	ip -n "$box" link set eth0 up
	ip -n "$box" route add default via "10.88.$n.1"
	ip -n "$box" route add default via "fd88:$n::1"
	udp=
	case " ${BYPASS_ALLOW:-} " in *udp://*) udp='iifname "nft'$slot'" ip daddr . udp dport @allowed4 accept
		iifname "nft'$slot'" ip6 daddr . udp dport @allowed6 accept' ;; esac
	nft -f - <<-END
		table $t {
			set allowed4 { type ipv4_addr . inet_service; flags interval; }
			set allowed6 { type ipv6_addr . inet_service; flags interval; }
			chain forward {
				type filter hook forward priority 0;
				oifname "nft$slot" ct state established,related accept
				oifname "nft$slot" drop
				iifname != "nft$slot" return
				ct state established,related accept
				ip daddr 203.0.113.53 meta l4proto { tcp, udp } th dport 53 accept
				ip daddr . tcp dport @allowed4 accept
				ip6 daddr . tcp dport @allowed6 accept
				$udp
				drop
			}
			chain out {
				type nat hook postrouting priority 100;
				iifname "nft$slot" oifname "up0" masquerade
			}
		}
	END
	flock -u 9
	exec 9>&-
	for s in ${BYPASS_ALLOW:-}; do "$0" add "$s"; done
	echo 'nameserver 203.0.113.53' >"$BYPASS_T/$box.resolv"
	unshare --mount sh -c 'mount --bind "$1" /etc/resolv.conf; ns=$2; shift 2; exec nsenter --net="$ns" "$@"' \
		sh "$BYPASS_T/$box.resolv" "/run/netns/$box" "$@"
	;;
esac
