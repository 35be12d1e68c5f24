#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The namespaces of a jail, its clocks and its /proc.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

spaces="cgroup ipc mnt net pid time user uts"
links() { for n in $spaces; do readlink /proc/self/ns/$n; done; }
differ() {	# every namespace of the program is another one than ours
	local i=0 theirs mine=($(links))
	for theirs in $(sh_ "for n in $spaces; do readlink /proc/self/ns/\$n; done"); do
		echo "$theirs ${mine[$i]}"
		[ "$theirs" != "${mine[$i]}" ] || return 1
		i=$((i + 1))
	done
	[ $i = 8 ]
}
now() { date +%s; }
near() {	# near SECONDS command...: prints a number that is at most 5 more
	local want=$1 got
	shift
	got=$("$@" 2>&1) || :
	echo "$got, wanted $want"
	[ "${got%.*}" -ge "$want" ] && [ "${got%.*}" -le $((want + 5)) ]
}
up() { local s; read -r s _ </proc/uptime; echo "${s%.*}"; }
mono='import time; print(int(time.clock_gettime(time.CLOCK_MONOTONIC)))'
py() { [ -x /usr/bin/python3 ]; }

for AS in root user; do
	ok "all eight namespaces are the program's own" differ
	ok "the time of day is the host's" near "$(now)" sh_ "date +%s"
	ok "the local time is the host's" prints "$(date +%z)" sh_ "date +%z"
	ok "TZ is passed on" prints "+0545" env TZ=Asia/Kathmandu bash -c "$(declare -f as jail); T=$T AS=$AS ESCAPE_RUN=${ESCAPE_RUN:-}; jail -- date +%z"
	ok "uptime is the host's" near "$(up)" sh_ "cut -d. -f1 /proc/uptime"
	ok "boottime moved: /proc/uptime says so" near $(($(up) + 1000000)) jail -m --time-offset=boottime=1000000 -- cut -d. -f1 /proc/uptime
	! py || ok "monotonic moved, with a fraction" near $(($(up) + 5000000)) \
		jail -m --time-offset=monotonic=5000000.25 -- python3 -c "$mono"
	! py || ok "and back" near 0 jail -m "--time-offset=monotonic=-$(up)" -- python3 -c "$mono"
	ok "the time of day does not move" near "$(now)" jail -m --time-offset=monotonic=77,boottime=77 -- date +%s
	ok "sleeping takes as long as ever" exits 0 timeout 8 bash -c \
		"$(declare -f as jail); T=$T AS=$AS ESCAPE_RUN=${ESCAPE_RUN:-}; jail -m --time-offset=monotonic=1000000 -- sleep 0.2"
	ok "a clock below zero is refused" says "less than 0" jail -m --time-offset=boottime=-4000000000 -- true
	ok "a clock that there is none of is refused" says "give monotonic=SECONDS" jail -m --time-offset=realtime=5 -- true
	ok "the program cannot move its clocks" not jail -S -L off -- sh -c "echo 'monotonic 5 0' >/proc/self/timens_offsets"
	! alone || ok "a limit on time is not fooled" says "wall-clock limit" jail -m --time-offset=monotonic=-1,boottime=4000000 -m --time=0.3 -- sleep 30
	! alone || ok "nor ended early" exits 0 jail -m --time-offset=monotonic=4000000 -m --time=20 -- true

	ok "control: the first process is seen in /proc" sh_ "ls -d /proc/1"
	ok "hidepid=invisible: it is not" says "No such file" jail -m --proc=hidepid=invisible -- ls -d /proc/1
	ok "its own processes are" prints ok jail -m --proc=hidepid=invisible -- sh -c '[ -d /proc/$$ ] && echo ok'
	ok "subset=pid: processes and nothing else" prints 0 jail -m --proc=subset=pid -- \
		sh -c 'ls /proc | grep -Evxc "[0-9]+|self|thread-self|mounts|net"'
	ok "user namespaces are forbidden there, too" prints EPERM jail -S -m --proc=subset=pid -- "$P" userns
	ok "both" prints ok jail -m --proc=hidepid=noaccess,subset=pid -- sh -c '[ ! -e /proc/meminfo ] && ! ls /proc/1/fd 2>/dev/null && echo ok'
	ok "others are refused" says "give hidepid=" jail -m --proc=rw -- true
done
ok "control: outside, a user namespace is made" prints ok "$P" userns
done_testing
