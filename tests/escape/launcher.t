#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a caller, a file or a program hands to the launcher: environment, long and odd arguments, an interpreter that is the
# launcher itself; and every kind of memory that a program can take, under one limit.
set -eu
ESCAPE_RUN=sluice
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"
ip link set lo up
S=$T/bin/sluice
lib=libBrokenLocale.so.1
printf '#!/proc/self/exe\n' >"$T/share/self"
chmod 755 "$T/share/self"

run() { as "$AS" "$S" run --quiet "$@"; }
loaded() { grep -q "$lib" "/proc/$1/maps"; }
told() { tr '\0' '\n' <"/proc/$1/environ" | grep -q -e walrus -e LD_; }
# Those that the launcher started for its gateway: netd, and what that started.
helpers() { pgrep -x 'sluice-netd|sluice-egress|sluice-stack'; }
each() {	# each TEST: not one of the helpers passes it
	local pid n=0
	for pid in $(helpers); do
		n=$((n + 1))
		! "$1" "$pid" || { tr '\0' ' ' <"/proc/$pid/cmdline"; return 1; }
	done
	echo "$n helpers"
	[ $n -ge 3 ]
}
refuses() {	# refuses NAME... : each is refused as what sluice cannot do, and nothing runs
	local r
	for r in "$@"; do
		says 'sluice: ' run --name "$r" -- sh -c 'echo ran' && ! grep -q ran "$T/says" || return 1
	done
}

for AS in root user; do
	as "$AS" env LD_PRELOAD=$lib WALRUS=walrus "$S" run --quiet -- sleep 1301 &
	wait_for pgrep -x -f 'sleep 1301'
	me=$(pgrep -f 'sluice run --quiet -- sleep 1301' | head -n 1)
	ok "control: LD_PRELOAD is loaded by what the caller starts" loaded "$me"
	ok "control: and its environment is the caller's" told "$me"
	ok "no helper of the gateway has loaded it" each loaded
	ok "nor has anything of the caller's environment" each told
	ok "nor has the program" not loaded "$(pgrep -x -f 'sleep 1301')"
	kill "$me"
	wait_for not helpers
	wait

	ok "control: without Landlock a script is interpreted by the launcher" says "sluice" \
		run --landlock off --bind "$T/share" -- "$T/share/self"
	ok "with it that is no program" exits 126 run --landlock require --bind "$T/share" -- "$T/share/self"

	ok "control: nobody runs this copy, and it can be written to" sh -c "cp $S $T/copy && : >>$T/copy"
	as "$AS" "$S" run --quiet --net none -- sleep 1302 &
	wait_for pgrep -x -f 'sleep 1302'
	ok "the launcher's file is not written to while it lives" says "Text file busy" sh -c ": >>$S"
	kill "$(pgrep -f 'sluice run --quiet --net none -- sleep 1302' | head -n 1)"
	wait

	ok "an argument of 100 kB arrives" prints 100000 run -- sh -c 'echo ${#1}' sh "$(printf '%100000s')"
	ok "an environment of a megabyte stays outside" prints small bash -c "
		for i in \$(seq 10); do export V\$i=\$(printf '%100000s'); done
		$(declare -f as run); AS=$AS T=$T S=$S; run -- sh -c '[ \$(env | wc -c) -lt 4096 ] && echo small'"
	ok "names with line ends, blanks, slashes and dots are refused" refuses "$(printf 'a\nb')" 'a b' a/b ../a . '' "$(printf 'a\033[2J')"
	mkdir -p "$T/odd
line \"x\"	y"
	ok "a directory with a line end, quotes and a tab is bound as it is called" run --ro-bind "$T/odd
line \"x\"	y:/srv/odd" -- test -d /srv/odd
	ok "and nothing of it reaches the terminal as it is" says '?[2J' run --ro-bind "$(printf '/no\033[2J')" -- true
done

# Memory that is no process's own counts as well.
AS=root
if grep -q 'cgroup.*\bmemory\b' /proc/self/mountinfo || grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
	takes() {	# takes "what" PYTHON: with 400 MB it gets to its end, with 48 MB it is ended by the limit
		ok "control: $1: with enough memory" prints taken run --memory 600M -- python3 -c "import os, socket
$2
print('taken')"
		ok "$1: ended by the limit" says "out of memory, limit of 48 MiB" as root "$S" run --memory 48M -- python3 -c "import os, socket
$2
print('taken')"
	}
	takes "a memory file" 'f = os.memfd_create("x")
for i in range(150): os.write(f, bytes(1 << 20))'
	takes "pipes" 'p = [os.pipe() for i in range(2400)]
for r, w in p:
    os.set_blocking(w, False)
    os.write(w, bytes(65536))'
	takes "socket buffers" 'p = [socket.socketpair() for i in range(800)]
for a, b in p:
    a.setblocking(False)
    try:
        while True: a.send(bytes(65536))
    except BlockingIOError: pass'
	takes "shared memory" 'import mmap
m = mmap.mmap(-1, 150 << 20)
for i in range(0, 150 << 20, 4096): m[i] = 1'
	takes "files in /tmp" 'f = open("/tmp/x", "wb")
for i in range(150): f.write(bytes(1 << 20))
f.flush()'
else
	skip "memory of all kinds" "no memory controller here"
fi
AS=
done_testing
