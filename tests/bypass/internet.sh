# SPDX-License-Identifier: Apache-2.0
# The hermetic Internet of tests/net, with one difference: everything beyond the link is one sinkhole, which
# owns every IPv4 and IPv6 address and every port, answers all of them, and writes down what it got.
# Sourced by tests/bypass/run; needs root.
#
#   this shell's namespaces ("the host")                 namespace inet ("the Internet")
#   ┌───────────────────────────────┐                    ┌──────────────────────────────────────────┐
#   │ the gateways under test       │ up0         down0  │ sinkhole.py: TCP, TLS, HTTP, UDP, DNS    │
#   │ 203.0.113.2   2001:db8:113::2 ├────────────────────┤ at 0.0.0.0/0 and ::/0 (TPROXY), and each │
#   │ hostsink: 127.0.0.1 and LAN,  │                    │ frame that arrives (AF_PACKET)           │
#   │ UNIX sockets                  │                    │ record: $T/record, JSON lines            │
#   └───────────────────────────────┘                    └──────────────────────────────────────────┘
. "$BYPASS_TOP/tests/net/internet.sh"

internet_dns() {	# instead of a name server: the sinkhole is that as well
	local tls=$T/sinkhole.pem
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=sinkhole" \
		-addext "subjectAltName=DNS:ok.test,DNS:*.test,DNS:*.ok.test" \
		-keyout "$tls" -out "$tls.crt" 2>"$T/openssl.log"
	cat "$tls.crt" >>"$tls"
	: >"$T/record"
	# What arrives is delivered here, whatever its address; answers go out by the main table.
	ip -n inet rule add iif down0 lookup 100
	ip -n inet route add local default dev lo table 100
	ip -n inet -6 rule add iif down0 lookup 100
	ip -n inet -6 route add local default dev lo table 100
	ip netns exec inet sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.down0.rp_filter=0 \
		net.ipv4.tcp_fastopen=1027 net.ipv6.conf.down0.accept_ra=0 net.ipv4.icmp_echo_ignore_broadcasts=0
	ip netns exec inet nft -f - <<-'END'
		table inet sinkhole {
			chain arriving {
				type filter hook prerouting priority mangle;
				iifname != "down0" return
				meta nfproto ipv4 meta l4proto { tcp, udp } tproxy ip to :1 accept
				meta nfproto ipv6 meta l4proto { tcp, udp } tproxy ip6 to :1 accept
			}
		}
	END
	ip netns exec inet python3 "$BYPASS_DIR/lib/sinkhole.py" inet "$T/record" "$tls" down0 \
		>"$T/sinkhole.out" 2>"$T/sinkhole.err" &
	internet_wait "sinkhole" grep -q ready "$T/sinkhole.out"
}

internet_web() {	# services of the host that no sandbox may reach
	sysctl -qw net.ipv4.tcp_fastopen=1027 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	python3 "$BYPASS_DIR/lib/sinkhole.py" host "$T/record" "$T/sinkhole.pem" "$T/host.sock" \
		>"$T/hostsink.out" 2>"$T/hostsink.err" &
	internet_wait "the host's services" grep -q ready "$T/hostsink.out"
}
