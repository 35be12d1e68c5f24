#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures sluice beside its peers, all in one run, and prints a table and raw JSON.
#
#	bench/run.sh [-n RUNS] [-t SECONDS] [-r "RIVAL..."] [-g "GROUP..."] [-o DIR]
#
# bench/lab.sh draws the net. A group of rows is bench/rows/GROUP.sh, sourced when its turn comes. It defines
#
#	GROUP_rivals=...		if not those of -r; start() says which there are
#	GROUP_up			once, before the rivals are started; not 0: left out, with the reason in $why
#	GROUP_run			once per run, before the rivals' turns: what is measured for all at once
#	GROUP_rows RIVAL		one run of one rival, whose client namespace is c-RIVAL: calls note
#	GROUP_down			once
#
# each of them only if needed. Each rival gets a fresh client namespace per group. Runs are interleaved (run 1
# of every rival, then run 2 ...), so drift of the machine hits all alike. sluice runs with a policy and its
# event log on. What cannot be measured here is left out with a reason. Timings never fail.
set -eu

runs=5 secs=2 out= rivals="kernel slirp4netns pasta sluice-xdp sluice-packet sluice-tap"
groups="tcp mtu1500 udp dns flows idle many flood wan"
args=("$@")
while getopts n:t:r:g:o: o; do
	case $o in
	n) runs=$OPTARG ;;
	t) secs=$OPTARG ;;
	r) rivals=$OPTARG ;;
	g) groups=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n '4,6p' "$0"; exit 2 ;;
	esac
done
top=$(cd "$(dirname "$0")/.." && pwd)
: "${SLUICE_BUILD:=$top/build}"
export SLUICE_BUILD
out=${out:-$top/bench/results}
. "$top/bench/lab.sh"
lab_enter "$0" "${args[@]}"
lab_needs "ip nft iperf3 jq curl nginx wrk"
printf 'nameserver 198.51.100.10\n' >"$T/resolv.conf"
mount --bind "$T/resolv.conf" /etc/resolv.conf
lab_up
nft -f - <<END
table ip nat {
	chain post {
		type nat hook postrouting priority 100
		ip saddr 10.77.0.0/16 masquerade
	}
}
END

declare -A pid_of
kernels=0
sluice_options=()
start() {	# start RIVAL [NAME]: gives namespace c-NAME (NAME is RIVAL if not said) its way out
	local n=${2:-$1} c=c-${2:-$1} mtu=65520
	local log=$T/$n.log
	case $1 in *-1500) mtu=1500 ;; esac
	why=
	case $1 in
	slirp4netns* | pasta*) type "${1%-1500}" >"$log" 2>&1 || { why="${1%-1500} is not installed"; return 1; } ;;
	esac
	lab_client "$c"
	case $1 in
	kernel)
		kernels=$((kernels + 1))
		ip link add k$kernels type veth peer name eth0 netns "$c"
		ip addr add 10.77.$kernels.1/24 dev k$kernels
		ip link set k$kernels up
		ip -n "$c" addr add 10.77.$kernels.2/24 dev eth0
		ip -n "$c" link set eth0 up
		ip -n "$c" route add default via 10.77.$kernels.1
		;;
	slirp4netns*)
		slirp4netns --netns-type=path --configure --mtu=$mtu "/run/netns/$c" tap0 >"$log" 2>&1 &
		pid_of[$n]=$!
		;;
	pasta*)
		pasta --foreground --config-net --runas 0 -t none -u none -T none -U none --mtu $mtu \
			--dns-forward 192.0.2.53 --netns "/run/netns/$c" >"$log" 2>&1 &
		pid_of[$n]=$!
		;;
	sluice-*)
		"$SLUICE_BUILD/sluice" attach --netns "/run/netns/$c" --port "${1#sluice-}" --events "$T/$n.events" \
			--allow 198.51.100.10:80,5201,7000-7100 --allow udp://198.51.100.10:7000-7100 \
			--allow example.test --deny evil.test "${sluice_options[@]}" >"$log" 2>&1 &
		pid_of[$n]=$!
		;;
	esac
	wait_for ip netns exec "$c" curl -s -o /dev/null --max-time 2 http://198.51.100.10/small && return
	why="did not come up: $(tail -n 1 "$log" 2>/dev/null || :)"
	stop "$n"
	return 1
}
stop() {	# stop NAME
	[ -z "${pid_of[$1]:-}" ] || { kill "${pid_of[$1]}" && wait "${pid_of[$1]}"; } 2>/dev/null || :
	unset "pid_of[$1]"
	ip netns del "c-$1"
}
one_sluice() {	# of -r's rivals only this: sluice-packet, or else the first Sluice
	local r one=
	for r in $rivals; do
		case $r in
		sluice-packet) one=$r ;;
		sluice-*) one=${one:-$r} ;;
		esac
	done
	echo "$one"
}
leave_out() {	# leave_out RIVAL WHAT REASON
	echo "bench: $1: $2 left out: $3" >&2
	jq -cn --arg rival "$1" --arg row "$2" --arg why "$3" '{rival: $rival, row: $row, left_out: $why}' >>"$T/raw"
}
is_defined() {
	declare -F "$1" >/dev/null
}
group() {	# group GROUP
	local r mine live=
	[ -r "$top/bench/rows/$1.sh" ] || { echo "bench: there is no group $1" >&2; exit 2; }
	. "$top/bench/rows/$1.sh"
	mine=$1_rivals
	if is_defined "$1_up" && ! "$1_up"; then
		leave_out all "group $1" "$why"
		return
	fi
	for r in ${!mine-$rivals}; do
		if start "$r"; then live="$live $r"; else leave_out "$r" "group $1" "$why"; fi
	done
	for run in $(seq 1 "$runs"); do
		echo "bench: $1, run $run of $runs" >&2
		! is_defined "$1_run" || "$1_run" $live
		! is_defined "$1_rows" || for r in $live; do "$1_rows" "$r"; done
	done
	for r in $live; do stop "$r"; done
	! is_defined "$1_down" || "$1_down"
}

for g in $groups; do group "$g"; done
file=$out/$(date -u +%Y-%m-%dT%H%M%SZ)
lab_write "$file.json" "bench/run.sh -n $runs -t $secs -g '$groups'"
if "$top/bench/picture.py" "$file.json" >"$file.svg" 2>"$T/picture"; then
	echo "picture: $file.svg"
else
	rm -f "$file.svg"
	cat "$T/picture" >&2
fi
