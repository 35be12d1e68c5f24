#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures how long `true` takes in a sandbox, from its start to its end, beside other launchers.
#
#	bench/start.sh [-n RUNS] [-t SECONDS] [-r "RIVAL..."] [-o DIR]
#
# Starts are interleaved: one of every rival, then the next, so drift of the machine hits all alike. Rivals:
#
#	exec			nothing around it: what the others are compared with
#	unshare, bwrap, firejail, crun, runc	an empty network, and what each does by default for such a case
#	sluice-none		the jail alone: --net none
#	sluice-packet, -tap, -xdp	with its network, netd and all
#	sluice-user		the same, as an ordinary user
#	sluice-netd-packet, -xdp	through a netd that listens
#
# Then from a parent of 512 MiB, and for SECONDS as many as there is time for, four at a time; after which nothing may
# be left of them. Timings never fail; what is left over does.
set -eu

runs=30 secs=3 out= rivals="exec unshare bwrap firejail crun runc sluice-none sluice-packet sluice-tap sluice-xdp sluice-user
	sluice-netd-packet sluice-netd-xdp"
args=("$@")
while getopts n:t:r:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	t) secs=$OPTARG ;;
	r) rivals=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n '5p' "$0"; exit 2 ;;
	esac
done
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
out=${out:-$top/bench/results}
. "$top/bench/lab.sh"
lab_enter "$0" "${args[@]}"
lab_needs "jq ip setpriv"
ip link set lo up
S=$SLUICE_BUILD/sluice start=$SLUICE_BUILD/bench/start

oci() {		# a bundle for crun and runc: the host's programs, no terminal, no cgroup limits
	mkdir -p "$T/bundle/rootfs"
	(cd "$T/bundle" && "$1" spec && for d in usr bin sbin lib lib64 proc dev sys; do mkdir -p "rootfs/$d"; done
	jq '.process.terminal = false | .process.args = ["true"] | del(.linux.resources)
		| .mounts += [("/usr", "/bin", "/sbin", "/lib", "/lib64") | {destination: ., source: ., type: "bind", options: ["rbind", "ro"]}]' \
		config.json >new && mv new config.json)
}
declare -a cmd
declare -A command	# of each rival that is here
command_of() {	# command_of RIVAL: in $cmd; not 0: not here, and $why
	why="not installed"
	case $1 in
	exec) cmd=(true) ;;
	unshare) cmd=(unshare -muinpCf --kill-child true) ;;
	bwrap) cmd=(bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp true) ;;
	firejail) cmd=(firejail --quiet --noprofile --net=none --seccomp --private-dev true) ;;
	crun | runc)
		! type "$1" >/dev/null 2>&1 || [ -e "$T/bundle/config.json" ] || oci "$1"
		cmd=("$1" --root "$T/$1" run --bundle "$T/bundle" "b$$") ;;
	sluice-user) cmd=(setpriv --reuid 65534 --regid 65534 --clear-groups "$S" run --quiet --netd embedded -- true) ;;
	sluice-netd-*) cmd=("$S" run --quiet --netd "$T/netd/sock" --port "${1#sluice-netd-}" -- true) ;;
	sluice-none) cmd=("$S" run --quiet --net none -- true) ;;
	sluice-*) cmd=("$S" run --quiet --netd embedded --port "${1#sluice-}" -- true) ;;
	esac
	type "${cmd[0]}" >/dev/null 2>&1 || return 1
	why="does not start here"
	if [ "$1" = firejail ] && firejail --noprofile true 2>&1 </dev/null | grep -q "existing sandbox"; then
		why="takes the process namespace of this bench for a sandbox, and would add nothing"
		return 1
	fi
	"${cmd[@]}" >"$T/$1.log" 2>&1 </dev/null || { why="$why: $(head -c 200 "$T/$1.log" | head -1)"; return 1; }
	command[$1]=${cmd[*]}
}
leftovers() {	# processes, namespaces and links that the starts could leave
	pgrep -xc 'sluice.*' || :
	lsns -n -t net -o NS | wc -l
	ip -o link | wc -l
	find /sys/fs/cgroup -maxdepth 4 -type d -name '*sluice*' 2>/dev/null | wc -l
}

mkdir -m 755 "$T/netd"
"$SLUICE_BUILD/sluice-netd" --listen "$T/netd/sock" 2>"$T/netd.log" &
quiet() { [ "$(pgrep -xc 'sluice.*')" = 13 ]; }	# the listener, and its four with egress and worker each
wait_for quiet || echo "bench: netd does not listen: $(cat "$T/netd.log")" >&2

live=
for r in $rivals; do
	if command_of "$r"; then
		live="$live $r"
	else
		echo "bench: $r: $why, leaving it out" >&2
	fi
done
for size in 0 512; do
	row="true, start to end"
	[ $size = 0 ] || row="$row, from a parent of $size MiB"
	for run in $(seq 1 "$runs"); do
		for r in $live; do
			note "$r" "$row" us "$("$start" -m $size -- ${command[$r]} || echo null)"
		done
	done
done
run=1
for r in $live; do
	note "$r" "true, p95" us "$(jq -s --arg r "$r" '[.[] | select(.rival == $r and .row == "true, start to end") | .value] | sort
		| .[length * 95 / 100 | floor]' "$T/raw")"
done
wait_for quiet || :
before=$(leftovers)
status=0
for r in $live; do
	case $r in crun | runc) continue ;; esac	# a name for each would be needed
	note "$r" "starts, 4 at a time" starts/s "$("$start" -c 4 -t "$secs" -- ${command[$r]} || echo null)"
	wait_for quiet || :
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(leftovers)" != "$before" ] || break
		sleep 0.5
	done
	[ "$(leftovers)" = "$before" ] || { echo "bench: $r left something behind:" $before "->" $(leftovers) >&2; status=1; }
done
lab_write "$out/start-$(date -u +%Y-%m-%dT%H%M%SZ).json" "bench/start.sh -n $runs -t $secs"
exit $status
