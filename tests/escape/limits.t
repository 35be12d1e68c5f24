#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Limits: each one strikes, with a control that shows the program runs without it; stopped processes,
# daemons and fork bombs do not get past one; nothing of the jail is left, whoever is killed.
set -eu
. "$(dirname "$0")/lib.sh"
ESCAPE_RUN=sluice escape_enter "$0" "$@"
ESCAPE_RUN=sluice
escape_up() { :; }
cp "$SLUICE_BUILD"/sluice "$SLUICE_BUILD"/sluice-* "$T/bin"
chmod -R a+rX "$T"

run() { as "$AS" "$T/bin/sluice" run --quiet --status-fd 9 "$@" 9>"$T/status"; }	# options -- command
member() { tail -n 1 "$T/status" | grep -oP "\"$1\":\"?\K[^,\"}]*"; }
struck() {	# struck LIMIT TEXT run-arguments...: it does, says so, and the status is 137
	local limit=$1 text=$2
	shift 2
	exits 137 run "$@" 2>"$T/err" || { cat "$T/err" "$T/status"; return 1; }
	cat "$T/err" "$T/status"
	[ "$(member limit)" = "$limit" ] && grep -q "^sluice: .*$text" "$T/err"
}
between() {	# between MEMBER LOW HIGH
	local n
	n=$(member "$1")
	cat "$T/status"
	[ "$n" -ge "$2" ] && [ "$n" -le "$3" ]
}
cgroups() { find /sys/fs/cgroup -type d -name 'sluice-*' 2>/dev/null | sort; }
# Those that nobody holds any more: other jails on this machine are none of our business.
stale() {
	local d
	for d in $(cgroups); do
		! flock -n "$d" true 2>/dev/null || echo "$d"
	done
}
before=$(cgroups)
clean() { stale; [ -z "$(stale)" ] && ! pgrep -f "^sleep 12[0-9][0-9]$" && ! pgrep -x sluice-init; }
# The cgroup of a v1 or v2 hierarchy can be made here?
have() { grep -q "cgroup2\? .*\b$1\b" /proc/self/mountinfo || grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null; }
spin='while :; do :; done'
bomb='f() { f | f & }; f; sleep 1201'

for AS in root user; do
	ok "control: without limits the program ends by itself" exits 7 run -- sh -c 'sleep 0.6; exit 7'
	ok "what was used is told" between wall_us 600000 5000000
	ok "--time" struck wall "wall-clock limit of 0.4 s" --time 0.4 -- sleep 1201
	ok "  in time" between wall_us 400000 3000000
	ok "--time not reached" exits 7 run --time 20 -- sh -c 'exit 7'
	ok "--time: a stopped program" struck wall "wall-clock" --time 0.4 -- sh -c 'kill -STOP $$'
	ok "  with children that run" struck wall "wall-clock" --time 0.4 -- \
		sh -c "(setsid sleep 1202 &); (setsid sleep 1203 &) ; kill -STOP \$\$"
	ok "  nothing is left of it" clean
	ok "--time: TERM, INT and HUP ignored" struck wall "wall-clock" --time 0.4 -- sh -c "trap '' TERM INT HUP; $spin"
	ok "--time: a program that stops and continues itself all the time" struck wall "wall-clock" --time 0.4 -- \
		sh -c '(while :; do kill -CONT $$; done) & while :; do kill -STOP $$; done'
	# As ^Z does it to the launcher, and as a program with a terminal can bring it about.
	as "$AS" "$T/bin/sluice" run --quiet --time 0.8 -- sh -c 'setsid sleep 1207 & sleep 1208' 2>"$T/err" &
	job=$!
	ok "control: it runs" wait_for pgrep -f "^sleep 1207$"
	kill -STOP "$job"
	ok "--time: the launcher is stopped" wait_for not pgrep -f "^sleep 120[78]$"
	kill -CONT "$job"
	status=0
	wait "$job" || status=$?
	ok "  and says so when it goes on" sh -c "cat $T/err; [ $status = 137 ] && grep -q wall-clock $T/err"
	ok "--grace: SIGTERM first" says "got it" run --time 0.3 --grace 5 -- \
		sh -c 'trap "echo got it; exit 3" TERM; while :; do sleep 0.05; done'
	ok "  but it was the limit" between status 137 137
	ok "--grace: a stopped program gets it as well" says "got it" run --time 0.3 --grace 5 -- \
		sh -c 'trap "echo got it; exit 3" TERM; kill -STOP $$; sleep 5'
	ok "--grace: SIGKILL then" struck wall "wall-clock" --time 0.3 --grace 0.3 -- sh -c "trap '' TERM; $spin"
	ok "  not before" between wall_us 600000 3000000
	ok "a daemon ends with the program" exits 0 run -- sh -c '(setsid sleep 1204 >/dev/null 2>&1 &); exit 0'
	ok "  nothing is left of it" clean
	ok "--pids" says "annot fork" run --pids 12 -- sh -c 'for i in $(seq 40); do sleep 0.5 & done; wait'
	ok "  control: without it" not says "annot fork" run -- sh -c 'for i in $(seq 40); do sleep 0.5 & done; wait'
	ok "  threads count" says "EAGAIN" run --pids 12 --ro-bind "$T/bin" -- "$P" crowd 40
	ok "a fork bomb meets the default" struck wall "wall-clock" --time 2 -- bash -c "$bomb"
	ok "  and is gone" clean
	ok "--tmpfs-size" says "No space left" run --tmpfs-size 1M -- dd if=/dev/zero of=/tmp/x bs=64k count=20
	ok "  together with /dev/shm" says "No space left" run --tmpfs-size 1M -- \
		sh -c 'head -c 800k /dev/zero >/tmp/x && head -c 800k /dev/zero >/dev/shm/x'
	ok "  control" exits 0 run --tmpfs-size 8M -- sh -c 'head -c 800k /dev/zero >/tmp/x && head -c 800k /dev/zero >/dev/shm/x'
	ok "--tmpfs-inodes" says "No space left" run --tmpfs-inodes 64 -- sh -c 'for i in $(seq 100); do : >/tmp/$i || exit; done'
	ok "--rlimit" prints "$(printf '50\n60')" run --rlimit nofile=50:60 -- sh -c 'ulimit -n; ulimit -Hn'
	ok "  may not be raised inside" says "ulimit" run --rlimit nofile=50:60 -- sh -c 'ulimit -n 61'
	ok "  nor beyond the caller's, for root as well" says "hard limit" \
		bash -c "ulimit -n 900; $(declare -f run as); AS=$AS T=$T; run --rlimit nofile=50:901 -- true"
	ok "  the default bounds files" sh -c "[ $(run -- sh -c 'ulimit -Hn') -le 65536 ]"
	ok "no limit is taken half" exits 125 run --time 1x -- true
	ok "--grace alone is refused" exits 125 run --grace 1 -- true
done

AS=root
if have memory; then
	hog="head -c 200M /dev/zero | tail -c 190M | tail -c 1"
	ok "--memory" struck memory "out of memory, limit of 48 MiB" --memory 48M -- \
		dd if=/dev/zero of=/dev/null bs=150M count=1
	ok "  control: without it" exits 0 run -- dd if=/dev/zero of=/dev/null bs=150M count=1
	ok "  control: with more" exits 0 run --memory 400M -- dd if=/dev/zero of=/dev/null bs=150M count=1
	ok "  the peak is told" between memory_peak 100000000 410000000
	ok "  files in memory count" struck memory "out of memory" --memory 48M -- dd if=/dev/zero of=/tmp/x bs=1M count=150
	ok "  a child's end is told as well" says "out of memory" run --memory 48M -- sh -c "$hog | wc -c; exit 0"
	ok "  nothing is left of it" clean
else
	skip "--memory" "no memory controller here"
fi
if have cpu && have cpuacct; then
	ok "--cpu" struck wall "wall-clock" --cpu 0.2 --time 1.5 -- sh -c "($spin) & $spin"
	ok "  is a share of the time" between user_us 100000 600000
	ok "--cpu-time" struck cpu "processor-time limit of 0.4 s" --cpu-time 0.4 -- sh -c "($spin) & $spin"
	ok "  of all processes together" between user_us 250000 1000000
	ok "  children that end count" struck cpu "processor-time" --cpu-time 0.4 -- \
		sh -c 'trap "" CHLD; while :; do (i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done); done'
	ok "  control: sleeping costs nothing" exits 0 run --cpu-time 0.4 -- sleep 0.8
	ok "--time with hardly any processor" struck wall "wall-clock" --cpu 0.01 --time 1 -- \
		bash -c "for i in \$(seq 50); do ($spin) & done; $spin"
	ok "  in time" between wall_us 1000000 4000000
	ok "  nothing is left of it" clean
else
	skip "--cpu and --cpu-time" "no cpu controllers here"
fi
if have pids; then
	run --pids 12 -- sh -c 'for i in $(seq 40); do sleep 0.3 & done; wait' >/dev/null 2>&1 || :
	ok "--pids: refusals are told" between pids_refused 1 100
	ok "uid 0 has the limit as well" says "annot fork" run --uid 0 --pids 12 -- \
		sh -c 'for i in $(seq 40); do sleep 0.3 & done; wait'
	ok "all of the jail is in the cgroup before the program runs" says "sluice-" run --pids 12 -- cat /proc/self/cgroup
	ok "the program cannot see or mount a cgroup file system" not says "cgroup.procs" run --pids 12 -- \
		sh -c 'mount -t cgroup2 none /tmp; find / -name cgroup.procs 2>/dev/null'
	# The launcher is killed: the jail ends, the next launcher removes the cgroup.
	"$T/bin/sluice" run --quiet --pids 12 --memory 64M -- sh -c 'setsid sleep 1205 & sleep 1206' &
	job=$!
	wait_for pgrep -f "^sleep 1205$"
	held=$(cgroups)
	ok "control: there is a cgroup" test "$held" != "$before"
	ok "another launcher leaves it alone" bash -c "'$T/bin/sluice' run --quiet --pids 12 -- true && pgrep -f '^sleep 1205$'"
	kill -9 "$job"
	wait "$job" 2>/dev/null || :
	ok "the launcher is killed: no process is left" wait_for not pgrep -f "^sleep 120[56]$"
	run --pids 12 --memory 64M -- true
	ok "and the next launcher removes its cgroup" clean
else
	skip "--pids in a cgroup" "no pids controller here"
fi

AS=user
for o in "--memory 64M" "--cpu 0.5" "--io-weight 10"; do
	# shellcheck disable=SC2086
	ok "${o%% *} without a cgroup is refused, with what to do" says "systemd-run --user --scope" run $o -- true
done
ok "--cpu-time without a cgroup: each process" struck cpu "processor-time" --cpu-time 1 -- sh -c "$spin"
ok "  and that is said" grep -q "for each process alone" "$T/err"

# v2 as far as it goes where v1 has the controllers: without cpuacct the processor time is v2's to count.
v2_only() {
	unshare --mount --propagation private bash -c "$(declare -f as run member struck exits); AS=root T=$T
		mountpoint -q /sys/fs/cgroup/cpuacct && umount /sys/fs/cgroup/cpuacct
		struck cpu processor-time --cpu-time 0.4 -- sh -c 'cat /proc/self/cgroup; ($spin) & $spin'"
}
if grep -q "cgroup2" /proc/self/mountinfo && AS=root have cpuacct; then
	AS=root
	ok "--cpu-time by a v2 cgroup" says "0::/sluice-" v2_only
	ok "  it strikes" v2_only
	ok "  nothing is left of it" clean
else
	skip "--cpu-time by a v2 cgroup" "no v1 and v2 side by side here"
fi
done_testing
