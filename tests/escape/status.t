#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --status-fd: each line is JSON and has the members that sluice(1) gives its event, all that are not in brackets,
# and no others; what happened is told, the program cannot write there, and the end is always the last line.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ESCAPE_RUN=sluice
. "$HERE/lib.sh"
escape_enter "$0" "$@"
ip link set lo up

# The table of the page as JSON: {"EVENT": {"needs": [...], "may": [...]}}
sed -n '/^\.Sh STATUS/,/^\.El/p' "$HERE/../../man/sluice.1" | grep '^\.It ' | sed 's/^\.It //; s/ Ta /\t/' | jq -nR '
	[inputs | split("\t") | {key: .[0], value: (.[1] | split(", ") | {
		needs: (map(select(startswith("[") | not)) + ["event", "at_us"]), may: map(select(startswith("[")) | .[1:-1])})}] |
	from_entries' >"$T/schema"
sound() {	# every line is one object of the schema, the times do not go back, the last one is the end
	cat "$T/status"
	jq -se --slurpfile schema "$T/schema" '
		all(.[]; . as $line | $schema[0][.event] as $s | $s != null and
			all($s.needs[]; . as $k | $line | has($k)) and
			all($line | keys[]; . as $k | any(($s.needs + $s.may)[]; . == $k))) and
		([.[].at_us] | . == sort) and .[-1].event == "exited" and ([.[] | select(.event == "exited")] | length) == 1' "$T/status"
}
tells() {	# tells FILTER STATUS option... -- command...: the status, sound lines, and FILTER is true of the array of them
	local filter=$1 want=$2 got=0
	shift 2
	as "$AS" "$T/bin/sluice" run --quiet --status-fd 9 "$@" 9>"$T/status" 2>"$T/err" || got=$?
	cat "$T/err"
	[ "$got" = "$want" ] || { echo "status $got"; return 1; }
	sound && jq -se "$filter" "$T/status"
}
last() { echo ".[-1] | ($1)"; }
fails() { echo ".[-2].event == \"error\" and .[-2].code == \"$1\" and (.[-2].text | contains(\"$2\")) and (map(.event) | index(\"started\")) == null"; }

ok "the page has the events" jq -e 'keys | length == 7' "$T/schema"
for AS in root user; do
	ok "the steps, then the start, then the end" tells \
		'[.[] | .step // .event] | (.[:3] | sort) == ["gateway", "jail", "namespaces"] and .[3:] == ["started", "exited"]' 0 -- true
	ok "without a gateway" tells '[.[] | .step // .event] == ["namespaces", "jail", "started", "exited"] and .[2].port == "none"' 0 \
		--net none -- true
	ok "a status" tells "$(last '.status == 7 and (has("signal") | not) and (has("limit") | not)')" 7 -- sh -c 'exit 7'
	ok "a signal" tells "$(last '.status == 139 and .signal == 11')" 139 -- sh -c 'kill -SEGV $$'
	ok "what was used" tells "$(last '.wall_us >= 300000 and .user_us >= 100000 and .rss_peak > 100000')" 0 -- \
		bash -c 'i=0; while [ $SECONDS -lt 1 ] || [ $i -lt 99999 ]; do i=$((i + 1)); done; sleep 0.3'
	ok "the limit that struck" tells "$(last '.limit == "wall" and .signal == 9 and .status == 137')" 137 --time 0.3 -- sleep 1000
	ok "what the filter refuses, by number and name" tells \
		'any(.[]; .event == "seccomp" and .call == "mount" and .number == 165 and (.args | length) == 6 and .abi == "x86-64" and (.let_through | not)) and
		.[-1].seccomp_violations >= 1' 0 --seccomp-mode trace --ro-bind "$T/bin" -- sh -c "echo native 165 0 0 0 0 0 | $P calls"
	ok "no such command" tells "$(fails command "cannot run no-such")" 127 -- no-such
	ok "one that is no program" tells "$(fails command "cannot run /etc/passwd")" 126 -- /etc/passwd
	ok "a bind that there is not" tells "$(fails options "/nope")" 125 --bind /nope -- true
	ok "a value that is none" tells "$(fails options "--time 1x")" 125 --time 1x -- true
	ok "a directory that there is not inside" tells "$(fails jail "cannot change to /nope")" 125 --chdir /nope -- true
	ok "a destination in a directory of the host" tells "$(fails jail "not made in a directory of the host")" 125 \
		--ro-bind "$T/share" --ro-bind "$T/bin:$T/share/new" -- true
	chmod 755 "$T/bin"
	mv "$T/bin/sluice-netd" "$T/gone"
	ok "no netd" tells "$(fails gateway "sluice-netd")" 125 --netd embedded -- true
	mv "$T/gone" "$T/bin/sluice-netd"
	ok "quotes and line ends in a name" tells 'true' 125 --bind "$(printf '/no"\\\n\001such')" -- true
	ok "the program does not have the descriptor" tells true 0 -- sh -c '! echo "{}" >&9' 2>/dev/null
	ok "a reader that went away is none of the program's business" exits 5 sh -c "
		{ '$T/bin/sluice' run --quiet --status-fd 9 -- sh -c 'sleep 0.3; exit 5'; echo \$? >'$T/code'; } 9>&1 | true; exit \$(cat '$T/code')"
done
AS=user
ok "no user namespaces" says '"code":"userns"' as user unshare --user --map-root-user sh -c "echo 0 >/proc/sys/user/max_user_namespaces
	exec setpriv --bounding-set=-all --inh-caps=-all $T/bin/sluice run --status-fd 1 -- true"
AS=
done_testing
