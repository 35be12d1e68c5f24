#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice-netd --listen: the same sandboxes through one daemon. Whose namespaces it acts on, whom it refuses, what
# is left when any of it is killed.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
here=$(cd "$(dirname "$0")" && pwd)
internet_enter "$0" "$@"
internet_up
S=$T/bin/sluice
cp "$here/netd_client.py" "$T/bin/client"
chmod -R a+rX "$T/bin"
mkdir -m 755 "$T/netd" && mkdir -m 777 "$T/work" "$T/open"
N=$T/netd/sock
as_root() { "$@"; }
export XDG_RUNTIME_DIR=$T/home		# an ordinary user's doors
await() {	# await "what" command...: for 10 s
	local what=$1 end=$((SECONDS + 10))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for $what"; return 1; }
		read -rt 0.05 <> <(:) || :
	done
}
listen() {	# listen [OPTION]...: in the background
	"$T/bin/sluice-netd" --listen "$@" "$N" 2>>"$T/netd.err" &
	netd=$!
	await "the socket" test -S "$N"
}
r() { "$AS" "$S" run --netd "$N" "$@"; }
ours() { pgrep -x 'sluice.*' | sort; }
none() { ! pgrep -x 'sluice.*'; }
pool_only() { [ "$(pgrep -xc 'sluice-(netd|egress|stack)')" = 13 ]; }	# the listener, and four of three each
behind() { [ "$(pgrep -xc 'sluice-(netd|egress|stack)')" = 16 ]; }	# the same, and one that serves
client() { "$AS" python3 "$T/bin/client" "$N" "$@"; }

ok "no daemon: a path that is not there is an error" exits 125 "$S" run --netd "$N" -- true
ok "no daemon: auto starts its own" says "MTU 1500" "$S" run -- true
ok "--netd with a word that is none" exits 125 "$S" run --netd maybe -- true
listen --group 4242
ok "a second one on the same socket is refused" exits 125 "$T/bin/sluice-netd" --listen "$N"
ok "the pool fills" await "the pool" pool_only
for AS in as_root as_user; do
	for port in auto packet tap; do
		[ $AS$port != as_usertap ] || [ -w /dev/net/tun ] || continue
		ok "$AS, port $port: an allowed name" says "hello from" r --port $port --allow web.test -- \
			curl -sS --max-time 20 http://web.test/hello
	done
	ok "$AS: says through which" says "through the listening netd" r -- true
	ok "$AS: --netd embedded starts its own" not says "through" "$AS" "$S" run --netd embedded -- true
	ok "$AS: the program's status" exits 7 r -- sh -c 'exit 7'
	: >"$T/sinkhole.log"
	ok "$AS: a denied name, and the summary of it" says "--allow evil.test" r --allow web.test -- \
		curl -sS --max-time 10 http://evil.test/
	ok "$AS: the sinkhole saw nothing" untouched
	rm -f "$T/work/up"
	"$AS" "$S" run --quiet --netd "$N" --name box --bind "$T/work" -- \
		sh -c "echo >$T/work/up; until curl -sS -f --max-time 5 http://web.test/hello; do sleep 0.1; done" >"$T/box.out" 2>&1 &
	box=$!
	await "the program" test -e "$T/work/up"
	ok "$AS: sluice ps" says box "$AS" "$S" ps
	ok "$AS: sluice policy set" "$AS" "$S" policy set box --allow web.test
	ok "$AS: it is in force" exits 0 wait $box
	ok "$AS: the pool is whole again, and no more" await "the pool" pool_only
done

# ---- whom it serves ---------------------------------------------------------------------------------------
own() { as_user unshare -Urn sh -c "ip link set lo up; exec python3 $T/bin/client $N $*"; }
ip netns add box
AS=as_user
ok "user: a namespace of its own" says created own create
ok "user: a second sandbox on one connection" says "one connection serves one sandbox" own twice
ok "user: root's namespace" says "not yours" client create /run/netns/box
ok "user: the host's namespace" says "host's own" client create
ok "user: what is no namespace" says "not a network namespace" client create /etc/hosts
ok "user: a namespace that has a link" says "another way out" as_user unshare -Urn sh -c \
	"ip link add x0 type veth peer name x1; exec python3 $T/bin/client $N create"
ok "user: garbage: the connection ends" says gone client garbage
ok "user: a message of the pool's: the connection ends" says gone client adopt
ok "user: more than 64 at a time" says "64 sandboxes here already" client many
ok "and the pool is whole again, and no more" await "the pool" pool_only
AS=as_root
ok "root: any namespace" says created client create /run/netns/box
ok "and its link is gone afterwards" await "the end of the link" sh -c '[ $(ip -n box -o link | grep -vc " lo:") = 0 ]'
ok "sluice run from another pid namespace is refused, and says why" says "inside of a container or jail" \
	unshare --pid --fork --mount-proc "$S" run --netd "$N" -- true
ok "another user is refused by the socket's mode" exits 125 setpriv --reuid 4243 --regid 4243 --clear-groups --inh-caps=-all \
	"$S" run --netd "$N" -- true
ok "a jailed program that has the socket is refused" says "inside of a container or jail" as_user "$S" run --quiet \
	--let sockets --bind "$T/netd" --ro-bind "$T/bin" -- python3 "$T/bin/client" "$N" create

# ---- whom sluice trusts -------------------------------------------------------------------------------------
ln -s "$N" "$T/open/link"
ok "a symbolic link is no socket" exits 125 "$S" run --netd "$T/open/link" -- true
rm "$T/open/link"
as_user python3 -c "
import socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind('$T/open/sock'); s.listen(5); time.sleep(60)" &
fake=$!
await "another user's socket" test -S "$T/open/sock"
ok "another user's socket" says "must be root's" "$S" run --netd "$T/open/sock" -- true
chown 0:0 "$T/open/sock"
ok "root's socket in a directory of all, and not root behind it" says "must be root's" "$S" run --netd "$T/open/sock" -- true
kill $fake

# ---- sudden deaths ------------------------------------------------------------------------------------------
cat >"$T/work/talk" <<'END'
until curl -sS --max-time 5 http://web.test/hello; do :; done >/dev/null 2>&1
echo up >>"$1/seen"
while curl -sS --max-time 2 http://web.test/hello; do :; done >/dev/null 2>&1
echo dead >>"$1/seen"
sleep 1
exit 42
END
seen() { grep -qx "$1" "$T/work/seen"; }
killed() {	# killed SIGNAL WHO: the program sees it, one line tells, nothing leaves, nothing stays
	local front status=0 victim
	: >"$T/work/seen"
	chmod 666 "$T/work/seen"
	"$AS" "$S" run --netd "$N" --allow web.test --bind "$T/work" -- sh "$T/work/talk" "$T/work" 2>"$T/killed.err" &
	front=$!
	await "a connection" seen up || return 1
	await "the pool behind it" behind || return 1
	victim=$netd
	[ "$2" = listener ] || victim=$(serving "$2")
	kill -"$1" "$victim"
	await "the program to see it" seen dead || return 1
	wait $front || status=$?
	grep -q "no network from here on" "$T/killed.err" || { cat "$T/killed.err"; return 1; }
	[ "$(grep -c "no network from here on" "$T/killed.err")" = 1 ] && [ $status = 42 ]
}
# Of the netd that has no connection to the listener any more: the one that serves.
serving() {
	local p q
	for p in $(pgrep -P "$netd" -x sluice-netd); do
		[ "$(ls /proc/"$p"/fd | wc -l)" != "$(idle_fds)" ] || continue
		[ "$1" != sluice-netd ] || { echo "$p"; return; }
		for q in $(pgrep -P "$p" -x "$1"); do echo "$q"; return; done
	done
}
idle_fds() { for p in $(pgrep -P "$netd" -x sluice-netd); do ls /proc/"$p"/fd | wc -l; done | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'; }
for AS in as_root as_user; do
	for who in sluice-stack sluice-egress sluice-netd; do
		ok "$AS: the $who that serves is killed" killed KILL $who
		ok "$AS: and the pool is whole again" await "the pool" pool_only
	done
	ok "$AS: the listener is killed" killed KILL listener
	ok "$AS: nothing of it is left" await "the end of all" none
	listen --group 4242
	await "the pool" pool_only
	ok "$AS: the listener is told to stop" killed TERM listener
	ok "$AS: nothing of it is left, nor the socket" await "the end of all" sh -c "! pgrep -x 'sluice.*' && ! test -e $N"
	listen --group 4242
	await "the pool" pool_only
done
burst() {	# starts by two, then as many descriptors and processes as before
	local i before after
	await "the pool" pool_only || return 1
	before=$(ls /proc/$netd/fd | wc -l)
	for i in $(seq 20); do
		"$S" run --quiet --netd "$N" -- true & "$S" run --quiet --netd "$N" -- true || return 1
		wait $! || return 1
	done
	await "the pool" pool_only || return 1
	after=$(ls /proc/$netd/fd | wc -l)
	echo "descriptors $before, $after"
	[ "$before" = "$after" ]
}
ok "forty starts leave nothing" burst
kill $netd
done_testing
