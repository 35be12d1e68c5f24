#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demonstration behind `make demo`: an agent-like program behind the gateway, with both logs.
# Everything it talks to is a hermetic Internet in private namespaces; nothing of the machine is touched.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "demo: needs root, to make the network it plays in: run 'sudo make demo'" >&2; exit 1; }
: "${SLUICE_BUILD:=$top/build}"
export SLUICE_BUILD
. "$top/tests/net/internet.sh"
internet_enter "$0" "$@"
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; }

say "Making a small Internet in private namespaces: DNS, web.test (TLS), evil.test"
internet_up
cp "$top/demo/agent.py" "$T/bin"
chmod a+rx "$T/bin/agent.py"
mkdir -m 777 "$T/log"
python=$(PATH=/usr/bin:/bin command -v python3)

say "1. An agent may read web.test and nothing else"
show "sluice run --allow web.test --events events.json --pcap packets.pcapng -- ./agent.py"
SSL_CERT_FILE=$T/web/ca.pem "$T/bin/sluice" run --allow web.test --ro-bind "$T/bin" --ro-bind "$T/web/ca.pem" \
	--env SSL_CERT_FILE --events "$T/log/events.json" --pcap "$T/log/packets.pcapng" -- "$python" "$T/bin/agent.py"

say "2. What evil.test and the metadata service saw of it"
if [ -s "$T/sinkhole.log" ]; then cat "$T/sinkhole.log"; exit 1; else echo "nothing: their access log is empty"; fi

say "3. The event log (JSON lines, written by the decider)"
show "jq -c '...' events.json"
jq -c '{event_type, proto, dest: (.dest_name // .dns.rrname // .dest_ip), port: .dest_port, verdict, reason,
	bytes: (.flow.bytes_toclient // null)} | with_entries(select(.value != null))' "$T/log/events.json" | head -n 24

say "4. The packet log (pcapng; verdict and reason on every packet)"
show "tshark -r packets.pcapng"
tshark -r "$T/log/packets.pcapng" -T fields -e frame.number -e _ws.col.Source -e _ws.col.Destination \
	-e _ws.col.Protocol -e frame.comment 2>/dev/null | awk -F'\t' '$5 ~ /drop/ || NR <= 12' | head -n 28

say "5. The same as an ordinary user, without root"
show "sluice run --allow web.test -- curl https://web.test/hello   (uid 4242)"
as_user "$T/bin/sluice" run --allow web.test --ro-bind "$T/web/ca.pem" -- \
	curl -sS --cacert "$T/web/ca.pem" https://web.test/hello

say "Done. Next: man sluice, README.md, make test"
