#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same attacks once more, through all of `sluice run`: what the launcher and the gateway add to the
# jail must not take anything of it away.
set -eu
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
T=$(mktemp -d /tmp/sluice-escape.XXXXXX)
trap 'rm -rf "$T"' EXIT
suite() {
	ESCAPE_RUN=sluice "$1" >"$T/tap" 2>&1 || { grep -v '^ok' "$T/tap"; return 1; }
}
for t in syscalls files binds mounts view images ids processes sockets tty stdio; do
	ok "$t.t holds through sluice run" suite "$(dirname "$0")/$t.t"
done
done_testing
