#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sockets as standard streams: one that could be connected elsewhere keeps the host's network namespace,
# and would be a way round the link. The stream sockets that process managers use instead of pipes work.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"
ip link set lo up

socat TCP-LISTEN:9000,fork,reuseaddr /dev/null &
wait_for bash -c ': <>/dev/tcp/127.0.0.1/9000'
exec {tcp}<>/dev/tcp/127.0.0.1/9000
exec {udp}<>/dev/udp/127.0.0.1/9
{ echo '#!/bin/bash'; declare -f jail as; echo 'jail -- echo ran 2>"$T/child.err"'; } >"$T/child"
chmod +x "$T/child"
export T ESCAPE_RUN=${ESCAPE_RUN:-}
child() {	# child SOCAT-OPTIONS: the jail with one end of a socket pair as its standard streams
	socat -u "EXEC:$T/child$1" - || :
	cat "$T/child.err"
}
for AS in root user; do
	export AS
	ok "a TCP socket as standard input is refused" says "descriptor 0 is a socket" sh_ true <&"$tcp"
	ok "and the program does not run" not says "ran" sh_ "echo ran" <&"$tcp"
	ok "a UDP socket as standard input is refused" says "descriptor 0 is a socket" sh_ true <&"$udp"
	ok "a TCP socket as standard output is refused" bash -c "'$T/child' >&$tcp; grep 'descriptor 1 is a socket' '$T/child.err'"
	ok "a UNIX datagram socket is refused" says "is a socket" child ,socktype=2
	ok "a UNIX stream socket works" says "ran" child ""
done
done_testing
