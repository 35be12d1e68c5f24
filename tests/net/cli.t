#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The command line and the process tree: a bad input is one line and status 125 and leaves nothing behind;
# statuses are a shell's; and whichever process is killed, nothing leaves from then on and nothing stays.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
# A /tmp of its own, so that what is left there is ours; the build may be below the real one.
exec 9<"$SLUICE_BUILD"
mount -t tmpfs -o mode=1777 none /tmp
SLUICE_BUILD=/proc/self/fd/9
internet_up
exec 9<&-
S=$T/bin/sluice
mkdir -m 777 "$T/work"
# The host's own neighbours never time out, so that silence is silence.
ip neigh replace 203.0.113.1 lladdr "$(ip netns exec inet cat /sys/class/net/down0/address)" dev up0
ip neigh replace 2001:db8:113::1 lladdr "$(ip netns exec inet cat /sys/class/net/down0/address)" dev up0

await() {	# await "what" command...: for 10 s; says what it waited for in vain
	local what=$1 end=$((SECONDS + 10))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for $what"; return 1; }
		read -rt 0.05 <> <(:) || :
	done
}

# A run that lives has its cgroups locked: what others on this machine run at the same time is not counted.
cgroups() { find /sys/fs/cgroup -type d -name "sluice-*" 2>/dev/null || :; }
cgroups_before=$(cgroups)
left_cgroups() {
	local d
	for d in $(cgroups); do
		[[ $'\n'$cgroups_before$'\n' != *$'\n'$d$'\n'* ]] || continue
		flock -n "$d" true 2>/dev/null || continue
		[ ! -d "$d" ] || echo "$d"
	done
}
# Everything a run could leave: links, namespaces, processes, files, cgroups, mounts.
state() {
	ip -o link | wc -l
	ls /run/netns
	pgrep -lx 'sluice.*' || :
	ls -A /tmp /dev/shm
	ls "$T/work"
	left_cgroups
	wc -l </proc/self/mountinfo
}
# The last run's netd may still be taking its link down.
rest() { await "the end of the last run" not pgrep -x 'sluice.*'; }
state_is() { [ "$(state)" = "$1" ]; }
clean() {	# clean BEFORE: within 10 s; the kernel ends network namespaces in the background
	await "the state before" state_is "$1" || { diff <(echo "$1") <(state); return 1; }
}

# ---- one line, 125, nothing left -------------------------------------------------------------------------
bad() {		# bad TEXT ARGUMENT...: fails as it must, and the line contains TEXT
	local text=$1 status=0 before
	shift
	before=$(state)
	(cd /tmp && "$AS" timeout 60 "$S" "$@") >"$T/bad.out" 2>"$T/bad.err" </dev/null || status=$?
	cat "$T/bad.out" "$T/bad.err"
	[ $status = 125 ] || { echo "status $status"; return 1; }
	[ ! -s "$T/bad.out" ] || { echo "it wrote to stdout"; return 1; }
	[ "$(wc -l <"$T/bad.err")" = 1 ] || { echo "not one line"; return 1; }
	grep -qE '^sluice: .+: .+; ' "$T/bad.err" || { echo "not 'place: what: why; what to do'"; return 1; }
	grep -qF -- "$text" "$T/bad.err" || { echo "does not say: $text"; return 1; }
	clean "$before"
}
as_root() { "$@"; }
: >"$T/work/unreadable" && chmod 0 "$T/work/unreadable"
printf 'version: 1\negress:\n  - allwo: web.test\n' >"$T/work/typo.yaml"
printf 'version: 1\negress:\n\t- allow: web.test\n' >"$T/work/tab.yaml"
printf 'version: 2\n' >"$T/work/version.yaml"
printf 'version: 1\n' >"$T/work/good.yaml"
chmod 644 "$T/work"/*.yaml

bad_lines() {
	ok "$AS: no command" bad "no command" run
	ok "$AS: no command after --" bad "no command" run --allow web.test --
	ok "$AS: an unknown option" bad "--bogus" run --bogus -- true
	ok "$AS: the beginning of an option is no option" bad "--allo" run --allo web.test -- true
	ok "$AS: a missing value" bad "value is missing" run --allow
	ok "$AS: a value where none belongs" bad "takes no value" run --quiet=yes -- true
	ok "$AS: port 0" bad '"0"' run --allow web.test:0 -- true
	ok "$AS: port 70000" bad '"70000"' run --allow web.test:70000 -- true
	ok "$AS: an address without a port" bad "198.51.100.10" run --allow 198.51.100.10 -- true
	ok "$AS: a range with host bits" bad "198.51.100.10/24" run --allow 198.51.100.10/24:80 -- true
	ok "$AS: an odd spelling of an address" bad "0x7f.1" run --allow 0x7f.1:80 -- true
	ok "$AS: a name that is none" bad "a..b" run --allow a..b -- true
	ok "$AS: an unknown protocol" bad "sctp://web.test" run --allow sctp://web.test:1 -- true
	ok "$AS: an empty rule" bad "--allow" run --allow '' -- true
	ok "$AS: a control byte in a rule is not printed" bad "--allow web?.test" run --allow $'web\e.test' -- true
	ok "$AS: an MTU below IPv6's" bad "--mtu 1279" run --mtu 1279 -- true
	ok "$AS: an MTU beyond 16 bits" bad "--mtu 65536" run --mtu 65536 -- true
	ok "$AS: a number that is none" bad "--mtu 0x600" run --mtu 0x600 -- true
	ok "$AS: a negative number" bad "--max-flows -1" run --max-flows -1 -- true
	ok "$AS: no flows" bad "--max-flows 0" run --max-flows 0 -- true
	ok "$AS: an unknown port" bad "--port dpdk" run --port dpdk -- true
	ok "$AS: an unknown XDP mode" bad "--xdp-mode fast" run --xdp-mode fast -- true
	ok "$AS: an XDP mode without XDP" bad "--xdp-mode" run --port tap --xdp-mode native -- true
	ok "$AS: a resolver that is no address" bad "--resolver" run --resolver dns.test -- true
	ok "$AS: a resolver's port 0" bad "--resolver" run --resolver 203.0.113.53:0 -- true
	ok "$AS: a resolver that is the unspecified address" bad "--resolver" run --resolver :: -- true
	ok "$AS: four resolvers" bad "--resolver 9.9.9.4" run --resolver 9.9.9.1 --resolver 9.9.9.2 --resolver 9.9.9.3 \
		--resolver 9.9.9.4 -- true
	ok "$AS: a resolver with half a bracket" bad "--resolver" run --resolver '[2001:db8::1:53' -- true
	ok "$AS: a name of a sandbox that is a path" bad "--name" run --name ../x -- true
	ok "$AS: a name that is a directory" bad "--name" run --name .. -- true
	ok "$AS: policy set for nobody" bad "nothing of this name" policy set nobody "$T/work/good.yaml"
	ok "$AS: policy set without a policy" bad "a name and a policy" policy set nobody
	ok "$AS: policy set to what is none, with its place" bad "typo.yaml:3:5" policy set nobody "$T/work/typo.yaml"
	ok "$AS: policy set to a path" bad "not a name" policy set ../x "$T/work/good.yaml"
	ok "$AS: policy set with a command" bad "takes no command" policy set nobody "$T/work/good.yaml" -- true
	ok "$AS: policy set with an option of run" bad "--port" policy set nobody "$T/work/good.yaml" --port tap
	ok "$AS: ps with an argument" bad "takes no argument" ps x
	ok "$AS: a policy that is not there" bad "$T/work/none.yaml" run --policy "$T/work/none.yaml" -- true
	ok "$AS: a policy that is a directory" bad "$T/work" run --policy "$T/work" -- true
	ok "$AS: a typing error in a policy, with its place" bad "typo.yaml:3:5" run --policy "$T/work/typo.yaml" -- true
	ok "$AS: a tab in a policy, with its place" bad "tab.yaml:3:1" run --policy "$T/work/tab.yaml" -- true
	ok "$AS: a policy of another version" bad "version.yaml:1" run --policy "$T/work/version.yaml" -- true
	ok "$AS: events into a directory" bad "--events $T/work" run --events "$T/work" -- true
	ok "$AS: packets into a directory that is not there" bad "--pcap" run --pcap "$T/none/x" -- true
	ok "$AS: a log of no network" bad "--net none" run --net none --events "$T/work/x" -- true
	ok "$AS: an unknown network" bad "--net host" run --net host -- true
	ok "$AS: a descriptor that is not open" bad "--status-fd 77" run --status-fd 77 -- true
	ok "$AS: a descriptor that is open for reading" bad "--status-fd 0" run --status-fd 0 -- true
	ok "$AS: a bind of what is not there" bad "--bind $T/none" run --bind "$T/none" -- true
	ok "$AS: a bind to no absolute place" bad "--ro-bind" run --ro-bind /etc:etc -- true
	ok "$AS: a directory that is not absolute" bad "--chdir" run --chdir x -- true
	ok "$AS: a variable without a name" bad "--env" run --env =x -- true
	ok "$AS: a host name that is none" bad "--hostname" run --hostname a_b -- true
	ok "$AS: attach without a namespace" bad "--netns" attach
	ok "$AS: attach to what is not there" bad "/run/netns/none" attach --netns /run/netns/none
	ok "$AS: attach with a command" bad "takes no command" attach --netns /run/netns/inet -- true
	ok "$AS: an option of run in attach" bad "--bind" attach --netns /run/netns/inet --bind /etc
	ok "$AS: an unknown command" bad "frobnicate" frobnicate
}
AS=as_root
bad_lines
ok "root: attach to the host's own namespace" bad "host's own" attach --netns /proc/self/ns/net
ok "root: attach to a file" bad "not a network namespace" attach --netns /etc/hosts
ok "root: attach to a namespace of another kind" bad "not a network namespace" attach --netns /proc/self/ns/mnt
ok "root: attach to a namespace that has a link" bad "down0" attach --netns /run/netns/inet
AS=as_user
bad_lines
ok "user: a policy that may not be read" bad "$T/work/unreadable" run --policy "$T/work/unreadable" -- true
ok "user: events where it may not write" bad "--events" run --events /root/events -- true
ok "user: port xdp needs root" bad "xdp" run --port xdp -- true
ok "user: another user's id" bad "uid" run --uid 0 -- true
# Root of a user namespace may forbid more of them; without capabilities it is an ordinary user in it.
as_nobody() {
	unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces
		exec setpriv --bounding-set=-all --inh-caps=-all "$@"' sh "$@"
}
AS=as_nobody
ok "user: no user namespaces: says which switch" bad "user.max_user_namespaces" run -- true

# ---- statuses ------------------------------------------------------------------------------------------------
export b=2 secret=1
closed_streams() { "$AS" "$S" run --allow web.test -- sh -c 'curl -s http://web.test/hello; exit 3' <&- >&- 2>&-; }
for AS in as_root as_user; do
	r() { "$AS" "$S" run --quiet "$@"; }
	ok "$AS: the program's status" exits 7 r -- sh -c 'exit 7'
	ok "$AS: a signal" exits 137 r -- sh -c 'kill -9 $$'
	ok "$AS: not found" exits 127 r -- no-such-program
	ok "$AS: not executable" exits 126 r -- /etc/passwd
	ok "$AS: --quiet says nothing" [ -z "$(r -- true 2>&1)" ]
	ok "$AS: standard streams are the program's own" [ "$(echo in | r -- sh -c 'cat; echo err >&2' 2>&1 | sort | tr '\n' ' ')" = "err in " ]
	ok "$AS: a port line, a summary line" [ "$("$AS" "$S" run -- true 2>&1 | grep -c '^sluice: ')" = 2 ]
	ok "$AS: --status-fd: started and exited" bash -c "$(declare -f as_root as_user); T=$T
		$AS $S run --quiet --status-fd 3 -- sh -c 'exit 3' 3>$T/status.json
		jq -es '.[0].event==\"step\" and any(.[]; .event==\"started\" and .port!=null) and .[-1].event==\"exited\" and .[-1].status==3' $T/status.json"
	ok "$AS: the program has no descriptor of ours" says "0 1 2 3 " r -- sh -c 'ls /proc/self/fd | tr "\n" " "'
	ok "$AS: --net none: only lo, no name server, a program's status" exits 4 r --net none -- \
		sh -c '[ "$(sed 1,2d /proc/net/dev | wc -l)" = 1 ] && ! grep -q nameserver /etc/resolv.conf && exit 4'
	ok "$AS: --net none: says so" says "sluice: no network" "$AS" "$S" run --net none -- true
	ok "$AS: --env sets and passes" says "a=1 b=2" r --env a=1 --env b -- sh -c 'echo a=$a b=$b'
	ok "$AS: the caller's environment stays out" says "secret=[]" r -- sh -c 'echo "secret=[$secret]"'
	ok "$AS: closed standard streams are no descriptors of ours" exits 3 closed_streams
	ok "$AS: doctor says that sandboxes can run" says "Sandboxes can run" "$AS" "$S" doctor
done
interrupted() {
	"$S" run --quiet --bind "$T/work" -- sh -c "trap 'exit 9' INT TERM; echo up >$T/work/up; while :; do sleep 0.1; done" &
	local pid=$!
	await "the program" test -s "$T/work/up" || return 1
	kill -TERM $pid
	exits 9 wait $pid || return 1
	rm "$T/work/up"
}
rm -f "$T/work/up"
ok "SIGTERM reaches the program, and its status is told" interrupted

# ---- sudden deaths ----------------------------------------------------------------------------------------------
# What the program sees is written to $T/work/seen: "up" when it reached web.test, then "dead" when it no longer can.
cat >"$T/work/talk" <<END
until curl -sS --max-time 5 http://web.test/hello >/dev/null 2>&1; do :; done
echo up >>$T/work/seen
while curl -sS --max-time 3 http://web.test/hello >/dev/null 2>&1 && $T/bin/peer udp web.test 100; do :; done
echo dead >>$T/work/seen
for i in 1 2 3 4 5 6 7 8; do
	curl -sS --max-time 1 http://198.51.100.10/ || :
	ping -c 1 -W 1 198.51.100.10 || :
	$T/bin/peer udp 198.51.100.10 100 || :
done >/dev/null 2>&1
exit 42
END
seen() { grep -qx "$1" "$T/work/seen"; }
no_such() { ! kill -0 "$1" 2>/dev/null; }
# Neighbour discovery and group membership (behind a hop-by-hop header) are the host kernel's own.
frames_in() {	# frames_in SECONDS: from the host; they are in $T/late
	timeout "$1" ip netns exec inet tcpdump -Q in -lnni down0 'not arp and not icmp6 and not ip6[6] = 0' >"$T/late" 2>"$T/late.err" || :
	grep -q "packets received by filter" "$T/late.err" || echo "no capture"
	grep -c . "$T/late" || :
}
# Connections of the host that were open are closed by its kernel; that is over at once.
quiet() { [ "$(frames_in 0.5)" = 0 ]; }

killed() {	# killed PROCESS STATUS: at run time; the sluice in front ends with STATUS
	local who=$1 want=$2 before front victim netd others status=0
	rm -f "$T/work/seen" "$T/work/seen.events"
	: >"$T/work/seen"
	chmod 666 "$T/work/seen"
	rest
	before=$(state)
	"$AS" "$S" run --port "$PORT" --allow web.test --allow udp://web.test:7001 --allow 198.51.100.10:80 \
		--allow udp://198.51.100.10:7001 --allow icmp://198.51.100.10 --ro-bind "$T/bin" --bind "$T/work" \
		--events "$T/work/seen.events" -- sh "$T/work/talk" 2>"$T/killed.err" &
	front=$!
	await "a connection" seen up || return 1
	netd=$(pgrep -x sluice-netd)
	case $who in
	sluice) victim=$(pgrep -x sluice) ;;
	*) victim=$(pgrep -x "$who") ;;
	esac
	kill -9 "$victim"
	await "its end" no_such "$victim" || return 1
	if [ "$who" = sluice ] || [ "$who" = sluice-netd ]; then
		await "netd's end" no_such "$netd" || return 1
		await "the end of egress and worker" not pgrep -x 'sluice-(egress|stack)' || return 1
	fi
	await "silence" quiet || { cat "$T/late"; return 1; }
	[ "$(frames_in 2)" = 0 ] || { echo "frames after the death:"; cat "$T/late"; return 1; }
	if [ "$who" != sluice ]; then
		await "the program to see it" seen dead || return 1
		grep -q "no network from here on" "$T/killed.err" || { cat "$T/killed.err"; return 1; }
	fi
	wait $front || status=$?
	echo "status $status"
	[ $status = "$want" ] || { cat "$T/killed.err"; return 1; }
	rm -f "$T/work/seen.events"
	clean "$before"
}
for AS in as_root as_user; do
	for PORT in auto tap; do
		ok "$AS, port $PORT: the worker is killed" killed sluice-stack 42
		ok "$AS, port $PORT: egress is killed" killed sluice-egress 42
		ok "$AS, port $PORT: netd is killed" killed sluice-netd 42
		ok "$AS, port $PORT: sluice itself is killed" killed sluice 137
	done
done
young_deaths() {	# killed at twenty moments of the start
	local before i sig
	rest
	before=$(state)
	for i in $(seq -w 0 19); do
		"$AS" "$S" run --quiet --allow web.test -- sleep 30 2>/dev/null &
		local pid=$!
		read -rt "0.0$i" <> <(:) || :
		read -rt "0.0$i" <> <(:) || :
		case $i in *[02468]) sig=KILL ;; *) sig=TERM ;; esac
		pkill -$sig -x sluice || kill -$sig $pid || :
		wait $pid || :
	done
	clean "$before"
}
for AS in as_root as_user; do
	ok "$AS: killed at any moment of the start: nothing stays" young_deaths
done
attach_killed() {	# attach_killed PROCESS
	local before
	ip netns add box
	rest
	before=$(state)
	rm -f "$T/attach.err"	# that of the last time says "ready", too
	"$S" attach --netns /run/netns/box --allow web.test >"$T/attach.out" 2>"$T/attach.err" &
	local pid=$!
	await "sluice attach" grep -q ready "$T/attach.err" || return 1
	kill -9 "$(pgrep -x "$1")"
	wait $pid || :
	clean "$before" || return 1
	[ "$(ip -n box -o link | grep -vc ' lo:')" = 0 ] || { ip -n box link; return 1; }
	ip netns del box
}
for who in sluice sluice-netd sluice-egress sluice-stack; do
	ok "attach: $who is killed: the link is gone" attach_killed $who
done
done_testing
