#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Processes: none of the host's can be seen or signalled, all of the jail's end with it.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

# A shell in whose process group the jail runs, as in a script or a pipeline.
group() { setsid bash -c "$(declare -f as jail); T=$T AS=$AS; trap 'echo caller was signalled' TERM USR1; $1; echo caller lives"; }
named() { pgrep -cf "^$1 1000" || :; }
ends() { [ "$(named "$1")" = 0 ]; }
runs() { [ "$(named "$1")" != 0 ]; }

ok "control: outside, kill(0, ...) reaches the caller's group" says "caller was signalled" \
	setsid bash -c "trap 'echo caller was signalled' TERM; $P kill 0 15"
setpriv --reuid 4242 --regid 4242 --clear-groups sleep 1000 &
victim=$!
ok "control: outside, a process of the same user is signalled" wait_for as user "$P" kill "$victim" 0
for AS in root user; do
	ok "only the jail's processes are seen" sh_ 'set -- /proc/[0-9]*; [ $# -le 4 ]'
	ok "the first process is pid 1, the program is pid 2" prints 2 sh_ 'echo $$'
	ok "a process of the host is not there" prints ESRCH in_ "$P" kill "$victim" 0
	ok "the first process cannot be killed" prints "$(printf 'ok\nalive')" \
		sh_ "$P kill 1 9 2>/dev/null | sed 's/EPERM/ok/'; echo alive"
	ok "kill(-1, ...) stays inside" prints ESRCH in_ "$P" kill -1 0
	ok "kill(0, ...) stays inside" says "caller lives" group "jail -- $P kill 0 15"
	ok "nor does it reach a caller that is its own group's leader" not says "caller was signalled" \
		group "jail -- $P kill 0 10"
	ok "the caller's priority is not touched" prints "$(printf 'ok\n%s' "$(ps -o ni= -p $$ | tr -d ' ')")" bash -c \
		"$(declare -f as jail); T=$T AS=$AS P=$P; jail -- \$P nice 1 0; ps -o ni= -p \$\$ | tr -d ' '"
	ok "the first process cannot be looked into" says "Permission denied" sh_ "cat /proc/1/environ /proc/1/maps /proc/1/mem"
	ok "its name tells nothing of the caller" prints sluice-init sh_ "tr -d '\\0' </proc/1/cmdline"
	ok "exit status 0" exits 0 in_ true
	ok "exit status 3" exits 3 sh_ "exit 3"
	ok "exit status of a signal" exits 137 sh_ 'kill -9 $$'
	ok "exit status of a signal that a shell passes on" exits 143 sh_ 'kill $$'
	ok "exit status though the caller ignores SIGCHLD" exits 5 as "$AS" env --ignore-signal=CHLD "$T/bin/jailrun" -- sh -c "exit 5"
	ok "the umask is the caller's" prints 0027 bash -c "$(declare -f as jail); T=$T AS=$AS ESCAPE_RUN=${ESCAPE_RUN:-}; umask 027; jail -- sh -c umask"
	ok "an ignored signal stays ignored" exits 0 as "$AS" env --ignore-signal=HUP "$T/bin/jailrun" -- sh -c 'kill -HUP $$; exit 0'
	ok "a missing command is 127" exits 127 in_ no-such-command
	ok "and is named" says "cannot run no-such-command" in_ no-such-command
	ok "a file that is no program is 126" exits 126 in_ /etc/passwd
	ok "a program without its interpreter is 127" exits 127 \
		sh_ "printf '#!/no/such\n' >/tmp/x; chmod +x /tmp/x; exec /tmp/x"
	ok "2000 orphans are reaped" prints 3 sh_ "$P orphans 2000; :"
	ok "a daemon ends with the program" bash -c "$(declare -f as jail ends named runs); T=$T AS=$AS; jail -- $P daemon d1-$AS && ends d1-$AS"
	# The launcher is killed: nothing is left.
	jail -- sh -c "$P daemon d2-$AS; exec sleep 1000" >/dev/null 2>&1 &
	job=$!
	wait_for runs "d2-$AS" || echo "# the daemon did not start"
	kill -9 "$(launcher "d2-$AS")"
	ok "the launcher is killed: nothing is left of the jail" wait_for ends "d2-$AS"
	wait "$job" 2>/dev/null || :
	# Signals for the launcher reach the program.
	for sig in TERM INT HUP QUIT USR1 USR2; do
		: >"$T/sig.out"
		jail -- sh -c "trap 'echo got $sig; exit 40' $sig; echo ready; while :; do sleep 0.05; done" >"$T/sig.out" 2>&1 &
		job=$!
		wait_for grep -q ready "$T/sig.out"
		kill -"$sig" "$(launcher "got $sig")"
		status=0
		wait "$job" || status=$?
		ok "SIG$sig is passed on, and the program's own status comes back" \
			sh -c "cat $T/sig.out; grep -q 'got $sig' $T/sig.out && [ $status = 40 ]"
	done
	ok "no core dump, and no way to ask for one" sh_ "$P limit | grep -qx EPERM && ! $P limit | grep -q unlimited"
	ok "no capability in any set" prints "$(printf '0000000000000000\n%.0s' 1 2 3 4 5)" sh_ "awk '/^Cap/ { print \$2 }' /proc/self/status"
	ok "no new privileges" says "NoNewPrivs:	1" sh_ "cat /proc/self/status"
	ok "the limit on user namespaces is 0" prints 0 sh_ "cat /proc/sys/user/max_user_namespaces"
done
AS=root
ok "supplementary groups are dropped" prints "" setpriv --groups 4,5,27 "$T/bin/jailrun" -u 1000 -- \
	sh -c 'awk "/^Groups/ { print \$2 \$3 }" /proc/self/status'
ok "uid 0 asked for: no capability either" prints 0000000000000000 "$T/bin/jailrun" -u 0 -- \
	sh -c "awk '/^CapEff/ { print \$2 }' /proc/self/status"
ok "plain root runs it as nobody" prints "65534 65534" "$T/bin/jailrun" -- sh -c 'echo $(id -u) $(id -g)'
ok "under sudo it is the invoking user" prints "1234 1235" env SUDO_UID=1234 SUDO_GID=1235 "$T/bin/jailrun" -- \
	sh -c 'echo $(id -u) $(id -g)'
for bad in 0 -1 12x 4294967295 99999999999 ' 5' ''; do
	ok "SUDO_UID='$bad' is not believed" prints 65534 env SUDO_UID="$bad" SUDO_GID=5 "$T/bin/jailrun" -- id -u
done
AS=user
ok "an ordinary user cannot ask for another id" says "only run a program under its own uid" jail -u 0 -- true
ok "nor by SUDO_UID" prints 4242 as user env SUDO_UID=0 SUDO_GID=0 "$T/bin/jailrun" -- id -u
ok "a namespace joined by descriptor gives the same" prints 4242 as user "$T/bin/jailrun" -J -- id -u
ok "without user namespaces it says so" says "max_user_namespaces" unshare --user --map-root-user sh -c \
	"echo 0 >/proc/sys/user/max_user_namespaces; $T/bin/jailrun -- true"
done_testing
