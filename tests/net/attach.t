#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice attach: a container of an OCI runtime, whose namespace has no other network, gets the link,
# the resolver and the policy; it cannot reach a host socket by loopback, abstract name or address.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
AS=root

bundle() {	# bundle DIR NETNS-PATH: the host's programs, read-only, in a container with that namespace
	local d
	for d in usr bin sbin lib lib64 etc proc dev sys tmp t; do mkdir -p "$1/rootfs/$d"; done
	printf 'nameserver 100.96.0.1\nnameserver fd73:6c75:6963:6500::1\n' >"$1/rootfs/etc/resolv.conf"
	(cd "$1" && runc spec)
	jq --arg t "$T" --arg ns "$2" '
		.process.terminal = false
		| .mounts += [("/usr", "/bin", "/sbin", "/lib", "/lib64", $t)
			| {destination: (if . == $t then "/t" else . end), source: ., type: "bind", options: ["rbind", "ro"]}]
		| (.linux.namespaces[] | select(.type == "network")).path = $ns
		| del(.linux.resources)' "$1/config.json" >"$1/new"
	mv "$1/new" "$1/config.json"
}
box() {		# box COMMAND: run it in a fresh container in the attached namespace
	box_n=$((${box_n:-0} + 1))
	jq --arg c "$1" '.process.args = ["sh", "-c", $c]' "$T/bundle/config.json" >"$T/bundle/new"
	mv "$T/bundle/new" "$T/bundle/config.json"
	timeout 60 runc --root "$T/runc" run --bundle "$T/bundle" "box$$-$box_n"
}
attach() {	# attach OPTIONS...: in the background; returns when it says ready
	rm -f "$T/attach.err"
	"$T/bin/sluice" attach --netns /run/netns/box "$@" >"$T/attach.out" 2>"$T/attach.err" &
	attach_pid=$!
	internet_wait "sluice attach" grep -q ready "$T/attach.err"
}
false_source() {	# a frame whose source MAC is another's
	ip netns exec box python3 -c '
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
s.send(bytes([2, 0, 0, 0, 0, 1]) + bytes([14] * 6) + bytes([8, 0]) + bytes(60))'
}
links() { ip -n box -o link | grep -vc ' lo:'; }

"$T/bin/peer" serve-abstract sluice-attach-test >"$T/abs.out" 2>&1 &
internet_wait "abstract listener" grep -q ready "$T/abs.out"
socat TCP6-LISTEN:9999,fork,reuseaddr,ipv6only=0 /dev/null &
internet_wait "host listener" bash -c "ss -Hltn 'sport = :9999' | grep -q ."

for port in xdp packet tap; do
	ip netns add box
	mkdir -p "$T/bundle"
	bundle "$T/bundle" /run/netns/box
	ok "$port: before: the container has no link" not links
	attach --port $port --name box --allow web.test --allow udp://web.test:7001
	ok "$port: one link" [ "$(links)" = 1 ]
	ok "$port: https to an allowed name" says "hello from" box \
		"curl -sS --max-time 20 --cacert /t/web/ca.pem https://web.test/hello"
	ok "$port: IPv6" says "hello from" box "curl -6 -sS --max-time 20 --cacert /t/web/ca.pem https://web.test/hello"
	ok "$port: UDP" box "/t/bin/peer udp web.test 1000"
	: >"$T/sinkhole.log"
	ok "$port: a denied name" not box "curl -sS -f --max-time 10 http://evil.test/"
	ok "$port: the sinkhole saw nothing" untouched
	ok "$port: loopback is the container's own" box "/t/bin/peer tcp-errno 127.0.0.1 9999,ECONNREFUSED"
	ok "$port: no host socket by abstract name" not box "/t/bin/peer abstract sluice-attach-test"
	ok "$port: no host socket by address" not box "/t/bin/peer tcp-errno 203.0.113.2 9999,OK"
	ok "$port: no host socket by IPv6 address" not box "/t/bin/peer tcp-errno 2001:db8:113::2 9999,OK"
	false_source
	ok "$port: stats counts a frame with a false source" says "source MAC is not the sandbox's" "$T/bin/sluice" stats box
	kill -INT $attach_pid
	wait $attach_pid || :
	ok "$port: the summary names the denied site" grep -q -- "--allow evil.test" "$T/attach.err"
	ok "$port: after the interrupt the link is gone" not links
	ok "$port: and no process is left" not pgrep -x 'sluice.*'
	ip netns del box
	rm -rf "$T/bundle"
done
ok "control: the host's abstract socket answers the host" "$T/bin/peer" abstract sluice-attach-test
ok "control: the host's TCP socket answers the host" "$T/bin/peer" tcp-errno 203.0.113.2 9999,OK
ok "the host's own namespace is refused" exits 125 "$T/bin/sluice" attach --netns /proc/self/ns/net --allow web.test
ok "a path that is no namespace is refused" exits 125 "$T/bin/sluice" attach --netns /etc/hosts --allow web.test
done_testing
