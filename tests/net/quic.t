#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# HTTP/3 behind the gateway: ngtcp2's client in the jail, its server in the Internet. The server on IPv6 asks for
# everything that takes another round: an address validation (Retry) and other key shares (HelloRetryRequest).
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
for p in gtlsclient gtlsserver; do
	command -v $p >/dev/null || { echo "1..0 # SKIP needs $p (packages ngtcp2-client and ngtcp2-server)"; exit 0; }
done
internet_enter "$0" "$@"
internet_up

server() {	# server ADDRESS [OPTION]...
	ip netns exec inet gtlsserver --no-quic-dump --no-http-dump -d "$T/web/root" "${@:2}" \
		"$1" 443 "$T/web/web.key" "$T/web/web.pem" >>"$T/gtlsserver.log" 2>&1 &
}
listens() { [ "$(ip netns exec inet ss -Hlun 'sport = :443' | wc -l)" -ge "$1" ]; }
server 198.51.100.10
server 2001:db8:100::10 --validate-addr --groups=-GROUP-ALL:+GROUP-SECP384R1
internet_wait "QUIC servers" listens 2
head -c 20000000 /dev/urandom >"$T/web/root/twenty"
chmod a+r "$T/web/root/twenty"
sum=$(sha <"$T/web/root/twenty")

install -d -o 4242 -g 4242 "$T/home"

client="gtlsclient --no-quic-dump --no-http-dump --exit-on-all-streams-close --timeout=8s --no-preferred-addr --download=/tmp"
# The script finds the name in $1.
jail() {	# jail NAME SCRIPT
	sluice_ --allow udp://web4.test:443 --allow udp://web6.test:443 --events "$T/home/events-$AS" -- sh -c "$2" sh "$1"
}
fetch() {	# fetch NAME [OPTION]...: the hash of what came
	jail "$1" "$client ${*:2} \$1 443 https://\$1/twenty >/tmp/log 2>&1; sha256sum </tmp/twenty || tail -n 5 /tmp/log"
}
# The client names "localhost" when it is given an address: here the one that belongs to the name.
fetch_unnamed() {
	jail "$1" "a=\$(getent ahosts \$1 | awk '{ print \$1; exit }')
		timeout 2 $client \$a 443 https://\$1/hello >/tmp/log 2>&1; cat /tmp/hello"
}
# This client does not listen to ICMP errors; what any program hears of a refusal:
hear() { jail "$1" "exec bash -c 'exec 3<>/dev/udp/\$1/443; echo hello >&3; read -rt 5 <&3' bash \$1"; }
# Two connections: the second sends early data with its first packet.
fetch_early() {
	jail "$1" "c='$client --session-file=/tmp/session --tp-file=/tmp/tp'
		\$c \$1 443 https://\$1/hello >/tmp/log 2>&1; rm /tmp/hello
		\$c \$1 443 https://\$1/hello >/tmp/log 2>&1; cat /tmp/hello; grep -c 'pkt tx.*type=0RTT' /tmp/log"
}
event() {	# event CONDITION FILTER: of the newest event that meets it
	jq -c "select($1)" <"$T/home/events-$AS" | tail -n 1 | jq -r "$2"
}
heard() { grep -c 'Received packet' "$T/gtlsserver.log" || :; }
unheard() {	# unheard COMMAND...: succeeds, and no packet of it comes to the servers
	local before
	before=$(heard)
	"$@" && [ "$(heard)" = "$before" ]
}

PORT=auto
for AS in root user; do
	for name in web4.test web6.test; do
		ok "$AS: $name over HTTP/3" says "$sum" fetch $name
		ok "$AS: $name over HTTP/3: an event with the server name" says $name event '.event_type == "quic"' .quic.sni
		ok "$AS: $name with another server name is refused" unheard says "seen: localhost" fetch_unnamed $name
		ok "$AS: $name with another server name: an event that says why" says "localhost" event '.reason == "tls-name" and .quic' .quic.sni
		ok "$AS: $name in a version that nobody reads is refused" unheard says "malformed QUIC" fetch $name --version=v2draft --timeout=1s
		ok "$AS: $name: a refusal looks like a closed port" unheard says "Connection refused" hear $name
	done
	ok "$AS: early data" says "hello from web.test" fetch_early web4.test
	ok "$AS: early data was sent" grep -qx '[1-9][0-9]*' "$T/says"
done
ok "the server on IPv6 sent Retry" grep -q "Sending Retry packet" "$T/gtlsserver.log"
ok "and had a second hello" grep -qE "frm rx .*Initial CRYPTO.*offset=[1-9]" "$T/gtlsserver.log"
done_testing
