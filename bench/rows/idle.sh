# SPDX-License-Identifier: Apache-2.0
# A sandbox that has used its network and does no more: memory, and how often its gateway wakes up.
# Memory is PSS: what is shared with others counts by share. All rivals are watched at the same time.

idle_rivals=$(for r in $rivals; do [ "$r" = kernel ] || echo "$r"; done)
idle_s=5

switches() {	# switches PID: of all its family
	local p
	for p in $(family "$1"); do sed -n 's/^voluntary_ctxt_switches:\s*//p' "/proc/$p/status"; done | jq -s add
}
pss() {		# pss PID [PROGRAMS]: KiB
	local p
	for p in $(family "$1"); do
		[[ $(cat "/proc/$p/comm") == ${2:-*} ]] || continue
		sed -n 's/^Pss:\s*\([0-9]*\) kB/\1/p' "/proc/$p/smaps_rollup"
	done | jq -s add
}
idle_run() {
	local r p
	declare -A before
	[ "$run" != 1 ] || sleep 5
	for r; do before[$r]=$(switches "${pid_of[$r]}"); done
	sleep $idle_s
	for r; do
		note "$r" "idle, wake-ups" 1/s "$(jq -n "($(switches "${pid_of[$r]}") - ${before[$r]}) / $idle_s")"
		note "$r" "idle, PSS" KiB "$(pss "${pid_of[$r]}")"
		case $r in
		sluice-*)
			for p in sluice "sluice-*" sluice-netd sluice-egress sluice-stack; do
				note "$r" "idle, PSS of ${p/sluice-\*/the gateway}" KiB "$(pss "${pid_of[$r]}" "$p")"
			done
			;;
		esac
	done
}
