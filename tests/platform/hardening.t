#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The programs carry the hardening that they are built for, and nothing of the machine that built them.
: "${SLUICE_RELEASE:?is set by make test}"
top=$(cd "$(dirname "$0")/../.." && pwd)
n=0
check() {	# check WHAT COMMAND...
	what=$1
	shift
	n=$((n + 1))
	if "$@" >/dev/null 2>&1; then echo "ok $n - $p: $what"; else echo "not ok $n - $p: $what"; fi
}
has() { printf '%s\n' "$elf" | grep -Eq -- "$1"; }
lacks() { ! has "$1"; }

for p in sluice sluice-netd sluice-egress sluice-stack; do
	f=$SLUICE_RELEASE/$p
	elf=$(readelf -W -h -l -d -n -s "$f" 2>&1)
	check "position independent" has 'FLAGS_1.*PIE'
	check "relocations read-only before main" has 'GNU_RELRO'
	check "all symbols bound before main" has 'FLAGS_1.*NOW'
	check "stack not executable" has 'GNU_STACK +[^E]* RW +'
	check "no segment both writable and executable" lacks '(LOAD|GNU_STACK).* RWE '
	check "no text relocations" lacks 'TEXTREL'
	check "no library path of its own" lacks 'R(UN)?PATH'
	check "stack protector" has '__stack_chk_fail'
	check "fortified string functions" has '__[a-z]+_chk(@|$)'
	check "free of the folder it was built in" sh -c '! grep -qaE "$1/(lib|netd|stack|sandbox|cli|bpf|build)/" "$2"' sh "$top" "$f"
done
echo "1..$n"
