# SPDX-License-Identifier: Apache-2.0
# The network suite: what a program in the sandbox sees, over one port, in both families.
# Sourced by the *.t files, which set PORT (and XDP_MODE, AS) first.
#
#	PORT	xdp | packet | tap		AS	root | user

sluice_() {	# sluice run with this suite's port, as this suite's user
	local opts=(--port "$PORT" --ro-bind "$T/bin" --ro-bind "$T/web/ca.pem" --ro-bind "$T/web/root")
	[ -z "${XDP_MODE:-}" ] || opts+=(--xdp-mode "$XDP_MODE")
	if [ "$AS" = user ]; then
		as_user "$T/bin/sluice" run "${opts[@]}" "$@"
	else
		"$T/bin/sluice" run "${opts[@]}" "$@"
	fi
}
peer_() { sluice_ --allow web.test:7001-7010 --allow udp://web.test:7001-7010 -- "$T/bin/peer" "$@"; }
curl_() {	# curl_ "sluice options" curl arguments...
	local opts=$1
	shift
	# shellcheck disable=SC2086
	sluice_ $opts -- curl -sS --fail-with-body --max-time 20 --cacert "$T/web/ca.pem" "$@"
}
says() {	# says TEXT command...: output (both streams) contains TEXT; status is not judged
	local text=$1
	shift
	"$@" >"$T/says" 2>&1 || :
	cat "$T/says"
	grep -qF -- "$text" "$T/says"
}
exits() {	# exits STATUS command...
	local want=$1 got=0
	shift
	"$@" || got=$?
	echo "status $got, wanted $want"
	[ "$got" = "$want" ]
}
silent() {	# silent command...: the Internet receives not one new frame; the command may fail
	local before after
	before=$(internet_frames)
	"$@" || :
	after=$(internet_frames)
	echo "frames before $before, after $after"
	[ "$before" = "$after" ]
}
untouched() {	# the sinkhole has seen no request
	cat "$T/sinkhole.log"
	[ ! -s "$T/sinkhole.log" ]
}
sha() { sha256sum | cut -d' ' -f1; }

suite_names() {
	ok "https to an allowed name" says "hello from web.test" curl_ "--allow web.test" https://web.test/hello
	ok "http to an allowed name" says "hello from web.test" curl_ "--allow web.test" http://web.test/hello
	ok "a name with only A" says "hello from" curl_ "--allow web4.test" https://web4.test/hello
	ok "a name with only AAAA" says "hello from" curl_ "--allow web6.test" https://web6.test/hello
	ok "a CNAME is followed, judged by the asked name" says "hello from" curl_ "--allow alias.test" https://alias.test/hello
	ok "a wildcard allows below" says "hello from" curl_ "--allow *.wild.test" https://a.wild.test/hello
	ok "a wildcard does not allow the apex" not curl_ "--allow *.web.test" https://web.test/hello
	ok "a name from the host's hosts file" says "hello from" curl_ "--allow hosted.test" https://hosted.test/hello
	ok "a dead --resolver is passed over" says "hello from" curl_ \
		"--resolver 203.0.113.99 --resolver 203.0.113.53 --allow web.test" https://web.test/hello
	ok "dig says why a name is refused" says "EDE: 15 (Blocked): (the name is not allowed)" \
		sluice_ --allow web.test -- dig A evil.test
	ok "dig says why nobody answers" says "EDE: 22 (No Reachable Authority)" sluice_ --resolver 203.0.113.99 --allow web.test -- \
		dig +timeout=9 +tries=1 A web.test
	ok "--resolver is asked" says "hello from" curl_ "--resolver 203.0.113.53:53 --allow web.test" https://web.test/hello
	ok "two names on one address are kept apart" says "hello from" \
		sluice_ --allow web.test --allow shared.test -- sh -c \
		"curl -sS --cacert $T/web/ca.pem https://web.test/hello && curl -sS --cacert $T/web/ca.pem https://shared.test/hello"
	ok "a denied name on an allowed name's address is refused" not \
		sluice_ --allow web.test -- sh -c \
		"curl -sS --cacert $T/web/ca.pem https://web.test/hello && curl -sS --max-time 5 --cacert $T/web/ca.pem https://shared.test/hello"
	ok "dig A over UDP" says 198.51.100 sluice_ --allow web.test -- dig +short +notcp A web.test
	ok "dig AAAA over TCP" says 2001:db8:100::10 sluice_ --allow web.test -- dig +short +tcp AAAA web.test
	ok "any server address is answered" says 198.51.100 sluice_ --allow web.test -- dig +short @9.9.9.9 A web.test
	ok "any IPv6 server address is answered" says 198.51.100 \
		sluice_ --allow web.test -- dig +short @2620:fe::fe A web.test
	ok "other types get a clean empty answer" says "status: NOERROR" sluice_ --allow text.test -- dig TXT text.test
	ok "an unknown name is NXDOMAIN" says "status: NXDOMAIN" sluice_ --allow nothere.test -- dig A nothere.test
	ok "a large answer fits TCP or is bounded" says 198.51.100. sluice_ --allow many.test -- dig +short A many.test
	ok "control: an allowed name does make packets upstream" not silent curl_ "--allow web.test" http://web.test/hello
	ok "a denied name makes no query upstream" silent curl_ "--allow web.test" --max-time 5 http://secret-bits.evil.test/
}

suite_deny() {
	: >"$T/sinkhole.log"
	ok "nothing allowed: not one frame leaves" silent sluice_ -- sh -c "curl -sS --max-time 5 http://web.test/; \
		curl -sS --max-time 5 http://198.51.100.10/; curl -sS --max-time 5 'http://[2001:db8:100::10]/'; \
		ping -c1 -W2 198.51.100.10; $T/bin/peer udp 198.51.100.10 10"
	ok "a second host is refused" not curl_ "--allow web.test" http://evil.test/
	ok "the summary names it and the flag that permits it" says "--allow evil.test" curl_ "--allow web.test" http://evil.test/
	ok "a refused host fails fast" timeout 5 bash -c "$(declare -f); T=$T PORT=$PORT AS=$AS XDP_MODE=${XDP_MODE:-}; not curl_ '--allow web.test' http://evil.test/"
	ok "a literal address without a rule is refused" not curl_ "--allow web.test" http://198.51.100.20/
	ok "the sinkhole saw nothing" untouched
	ok "control: with the suggested flag it is reached" says sinkhole curl_ "--allow evil.test" http://evil.test/
	: >"$T/sinkhole.log"
	ok "deny wins over allow" not curl_ "--allow *.test --deny evil.test" http://evil.test/
	ok "another port of an allowed name is refused" not peer_ tcp-errno web.test 8080,OK
	ok "a name that resolves to private addresses is refused" not curl_ "--allow rebind.test" http://rebind.test/
	ok "a name that resolves to the metadata address is refused" not curl_ "--allow meta.test" http://meta.test/
	ok "the sinkhole saw none of them" untouched
	ok "an address rule" says "hello from" curl_ "--allow 198.51.100.10:80" http://198.51.100.10/hello
	ok "an IPv6 address rule" says "hello from" curl_ "--allow [2001:db8:100::10]:80" "http://[2001:db8:100::10]/hello"
	ok "a CIDR rule" says "hello from" curl_ "--allow 198.51.100.0/24:80" http://198.51.100.10/hello
	ok "outside the CIDR is refused" not curl_ "--allow 198.51.100.0/28:80" http://198.51.100.20/
	printf 'version: 1\negress:\n  - allow: "*.wild.test"\n    ports: [443]\n  - deny: b.wild.test\n' >"$T/p.yaml"
	ok "a policy file allows" says "hello from" curl_ "--policy $T/p.yaml" https://a.wild.test/hello
	ok "a policy file denies" not curl_ "--policy $T/p.yaml" https://b.wild.test/hello
}

# What is read of an allowed flow, and how a refusal looks from inside. The bypasses are in tests/bypass.
suite_inspect() {
	local ca=$T/web/ca.pem e=$T/home/inspect.json
	mkdir -p "$T/home"
	[ "$AS" = root ] || chown 4242:4242 "$T/home"
	rm -f "$e"
	: >"$T/sinkhole.log"
	ok "an allowed name's address with another server name: an alert" says "access denied" \
		curl_ "--allow web.test" --connect-to shared.test:443:web.test:443 https://shared.test/hello
	ok "the summary says what was seen, and how to allow it" says \
		"web.test tcp/443, 1 time: the TLS server name is not the name that was judged (seen: shared.test); to allow it: --allow shared.test" \
		curl_ "--allow web.test" --connect-to shared.test:443:web.test:443 https://shared.test/hello
	ok "TLS without a server name is refused" says "access denied" sluice_ --allow web.test -- \
		sh -c "openssl s_client -connect web.test:443 -noservername </dev/null"
	ok "and the summary knows the key that lets it pass" says 'to allow it: `tls: opaque`' sluice_ --allow web.test -- \
		sh -c "openssl s_client -connect web.test:443 -noservername </dev/null"
	ok "control: the same with one" says "Verification: OK" sluice_ --allow web.test -- \
		sh -c "openssl s_client -connect web.test:443 -servername web.test -CAfile $ca </dev/null"
	ok "another protocol on 443 is refused" not sluice_ --allow web.test -- timeout 20 \
		bash -c "exec 3<>/dev/tcp/web.test/443; echo SSH-2.0-x >&3; grep -a SSH <&3"
	ok "a Host header of another name is 421" says " 421 " \
		curl_ "--allow web.test" -i -H "Host: shared.test" http://web.test/hello
	ok "the second request of a connection is read as well" says "421" \
		curl_ "--allow web.test" -w '%{http_code}' http://web.test/hello --next -sS -H "Host: shared.test" -w '%{http_code}' http://web.test/hello
	ok "and the first one was answered" says "hello from" \
		curl_ "--allow web.test" http://web.test/hello --next -sS -H "Host: shared.test" http://web.test/hello
	ok "a proxy's CONNECT is refused" says " 403 " curl_ "--allow web.test" -i -x http://web.test:80 https://shared.test/hello
	ok "a denied name on 80 is told on a page which rule would do" says "--allow evil.test" \
		curl_ "--allow web.test --quiet" http://evil.test/
	ok "as JSON to who asks for it" says '"reason":"policy-name"' \
		curl_ "--allow web.test --quiet" -H "Accept: application/json" http://evil.test/
	ok "a denied name on 443 gets an alert" says "access denied" curl_ "--allow web.test --quiet" https://evil.test/
	ok "at once" timeout 5 bash -c "$(declare -f); T=$T PORT=$PORT AS=$AS XDP_MODE=${XDP_MODE:-}; not curl_ '--allow web.test' https://evil.test/"
	ok "other ports: TLS is read" says "access denied" \
		curl_ "--allow web.test:8443" --connect-to shared.test:8443:web.test:8443 https://shared.test:8443/hello
	ok "other ports: TLS for the name passes" says "hello from" curl_ "--allow web.test:8443" https://web.test:8443/hello
	ok "a server that asks for a second hello gets it" says "hello from" curl_ "--allow web.test:8444" https://web.test:8444/hello
	ok "control: it does ask" says "hellos: 2" sluice_ --allow web.test:8444 -- sh -c \
		"echo hellos: \$(openssl s_client -connect web.test:8444 -servername web.test -msg </dev/null | grep -c 'Handshake.*ClientHello')"
	ok "other ports: what is no TLS passes" says "hello from" curl_ "--allow web.test:8080" http://web.test:8080/hello
	ok "an address rule is not read" says "hello from" curl_ "--allow 198.51.100.10:443" \
		--resolve web.test:443:198.51.100.10 https://web.test/hello
	printf 'version: 1\negress:\n  - allow: web.test\n    tls: opaque\n  - deny: evil.test\n    reason: "ask the build team"\n' >"$T/i.yaml"
	ok "tls: opaque lets another server name through" says "hello from" \
		curl_ "--policy $T/i.yaml" --connect-to shared.test:443:web.test:443 https://shared.test/hello
	ok "the rule's own reason is on the page" says "ask the build team" curl_ "--policy $T/i.yaml --quiet" http://evil.test/
	ok "a run with an event log" says "421" sluice_ --policy "$T/i.yaml" --allow web4.test --events "$e" -- sh -c \
		"curl -sS --cacert $ca https://web.test/hello; curl -sS http://web4.test/hello; curl -sS -w '%{http_code}' -H 'Host: x.test' http://web4.test/hello; curl -sS http://evil.test/"
	ok "events: tls with its name" jq -es 'map(select(.event_type=="tls" and .tls.sni=="web.test" and .tls.version=="TLS1.3")) | length == 1' "$e"
	ok "events: http with its request" jq -es 'map(select(.event_type=="http" and .http.hostname=="web4.test" and .http.http_method=="GET" and .http.url=="/hello")) | length == 1' "$e"
	ok "events: the refusal, with what was seen" jq -es 'map(select(.event_type=="alert" and .reason=="http-host" and .seen=="x.test" and .name=="web4.test" and .alert.action=="blocked")) | length == 1' "$e"
	ok "events: the flow's end says it too" jq -es 'map(select(.event_type=="flow" and .flow.state=="closed" and .reason=="http-host")) | length == 1' "$e"
	ok "events: a denial carries the rule's reason" jq -es 'map(select(.event_type=="alert" and .rule_reason=="ask the build team" and .dest_port==80)) | length == 1' "$e"
	ok "nothing of all this reached the sinkhole" untouched
}

suite_truth() {	# suite_truth FAMILY DENIED-ADDRESS
	local n=${1#v}
	ok "$1: refused looks refused" sluice_ --allow closed$n.test -- "$T/bin/peer" tcp-errno closed$n.test 80,ECONNREFUSED
	ok "$1: unreachable looks unreachable" sluice_ --allow gone$n.test -- \
		"$T/bin/peer" tcp-errno gone$n.test 80,EHOSTUNREACH,ENETUNREACH
	ok "$1: UDP refused looks refused" sluice_ --allow udp://closed$n.test:99 -- \
		"$T/bin/peer" udp-errno closed$n.test 99,ECONNREFUSED
	ok "$1: denied looks prohibited, not refused" sluice_ -- "$T/bin/peer" tcp-errno "$2" 80,EHOSTUNREACH,EACCES
	ok "$1: denied UDP looks prohibited" sluice_ -- "$T/bin/peer" udp-errno "$2" 99,EHOSTUNREACH,EACCES
}

suite_tcp() {	# suite_tcp FAMILY HOST
	local h=$2 f=$1
	local allow=(--allow "$h:7001-7010" --allow "udp://$h:7001-7010")
	local c
	for c in halfclose-up halfclose-down download bytes reset reset-ours zero-window slow-reader urgent; do
		ok "$f: tcp $c" sluice_ "${allow[@]}" -- "$T/bin/peer" "$c" "$h"
	done
	ok "$f: 4096 flows at once" sluice_ --max-flows 5000 "${allow[@]}" -- "$T/bin/peer" many "$h" 4096
	for c in 1 1400 1473 8000 65507; do
		[ "$f$c" = v665507 ] && c=65487
		ok "$f: udp datagram of $c bytes" sluice_ "${allow[@]}" -- "$T/bin/peer" udp "$h" "$c"
	done
}

suite_bulk() {
	local sum
	head -c 64M /dev/urandom >"$T/web/root/big"
	chmod a+r "$T/web/root/big"
	sum=$(sha <"$T/web/root/big")
	for h in web4.test web6.test; do
		ok "64 MiB down from $h, hash" says "$sum" sluice_ --allow $h -- sh -c \
			"curl -sS --cacert $T/web/ca.pem https://$h/big | sha256sum"
		ok "64 MiB up to $h, hash" bulk_up "$h" "$sum"
	done
	ok "iperf3 both directions" sluice_ --allow web.test:5201 -- sh -c \
		"iperf3 -c web.test -t 2 && iperf3 -c web.test -t 2 -R"
}
bulk_up() {
	rm -f "$T/web/root/upload/x"
	sluice_ --allow "$1" -- curl -sS --cacert "$T/web/ca.pem" -T "$T/web/root/big" "https://$1/upload/x"
	[ "$(sha <"$T/web/root/upload/x")" = "$2" ]
}

suite_ping() {
	ok "ping v4" sluice_ --allow icmp://198.51.100.10 -- ping -c 2 -i 0.2 -W 5 198.51.100.10
	ok "ping v6" sluice_ --allow icmp://2001:db8:100::10 -- ping -c 2 -i 0.2 -W 5 2001:db8:100::10
	ok "ping by name" sluice_ --allow icmp://web4.test -- ping -c 1 -W 5 web4.test
	ok "ping of 60,000 bytes" sluice_ --allow icmp://198.51.100.10 -- ping -c 1 -s 60000 -W 5 198.51.100.10
	ok "ping to elsewhere is refused" not sluice_ --allow icmp://198.51.100.10 -- ping -c 1 -W 2 198.51.100.11
}

suite_logs() {
	local e=$T/home/events.json p=$T/home/packets.pcapng
	mkdir -p "$T/home"
	[ "$AS" = root ] || chown 4242:4242 "$T/home"
	rm -f "$e" "$p"
	ok "a run with both logs" says "hello from" sluice_ --allow web.test --events "$e" --pcap "$p" -- sh -c \
		"curl -sS http://web.test/hello; curl -sS --max-time 5 http://evil.test/; true"
	ok "events: every line is JSON" jq -e . "$e"
	ok "events: the flow ends with its bytes" jq -es 'map(select(.event_type=="flow" and .flow.state=="closed" and (.flow.bytes_toclient > 0))) | length > 0' "$e"
	ok "events: the question" jq -es 'map(select(.event_type=="dns")) | length > 0' "$e"
	ok "events: the denial, with reason" jq -es 'map(select(.event_type=="alert" and .alert.action=="blocked" and (.reason|length > 0))) | length > 0' "$e"
	ok "pcap: tshark reads the allowed flow, both directions" bash -c \
		"tshark -r $p -Y 'tcp.flags.syn==1 && tcp.flags.ack==1' | grep -q . && tshark -r $p -Y 'http.response.code==200' | grep -q ."
	ok "pcap: verdict and reason on the refused packet" bash -c \
		"tshark -r $p -T fields -e frame.comment | grep -q 'verdict=drop.*reason=policy'"
}

suite_isolation() {
	"$T/bin/peer" serve-abstract sluice-net-test >"$T/abs.out" 2>&1 &
	internet_wait "abstract listener" grep -q ready "$T/abs.out"
	socat TCP6-LISTEN:9999,fork,reuseaddr,ipv6only=0 /dev/null & 
	internet_wait "host listener" bash -c "ss -Hltn 'sport = :9999' | grep -q ."
	ok "control: the host's abstract socket answers the host" "$T/bin/peer" abstract sluice-net-test
	ok "the host's abstract socket cannot be reached" not sluice_ -- "$T/bin/peer" abstract sluice-net-test
	ok "control: the host's TCP socket answers the host" "$T/bin/peer" tcp-errno 127.0.0.1 9999,OK
	ok "loopback is the sandbox's own" sluice_ -- "$T/bin/peer" tcp-errno 127.0.0.1 9999,ECONNREFUSED
	ok "the host's own address cannot be reached" not sluice_ -- "$T/bin/peer" tcp-errno 203.0.113.2 9999,OK
	ok "the host's own IPv6 address cannot be reached" not sluice_ -- "$T/bin/peer" tcp-errno 2001:db8:113::2 9999,OK
	ok "the gateway address serves names only" not sluice_ --allow '*.test' -- "$T/bin/peer" tcp-errno 100.96.0.1 9999,OK
}

suite_all() {
	suite_names
	suite_deny
	suite_inspect
	suite_truth v4 198.51.100.20
	suite_truth v6 2001:db8:100::20
	suite_tcp v4 web4.test
	suite_tcp v6 web6.test
	suite_bulk
	suite_ping
	suite_logs
	suite_isolation
}
