#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mixed load over a far side with delay, loss, disorder and doubles: every byte is compared, nobody waits for long,
# memory and descriptors stay level, nothing is left behind. SOAK_SECONDS (30; make soak: 600) says how long,
# SOAK_PORT (packet) over what.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
WIRE="delay=10 loss=0.3 reorder=1 dup=0.3 rate=1000 queue=4096"
internet_enter "$0" "$@"
internet_up
PORT=${SOAK_PORT:-packet} AS=root

ip netns exec inet "$T/bin/soak" serve >"$T/soak.out" 2>"$T/soak.err" &
internet_wait "far side's soak" grep -q ready "$T/soak.out"
head -c 5000000 /dev/urandom >"$T/web/root/blob"
sum=$(sha256sum <"$T/web/root/blob")
command="curl -sS --max-time 60 --cacert $T/web/ca.pem https://web.test/blob | sha256sum | grep -q '^${sum% *}'"

pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
fds() { ls "/proc/$1/fd" | wc -l; }
# At rest the worker gives its frames' memory back.
measure() {	# measure FILE
	local p end=$((SECONDS + 10))
	until [ "$(pss "$(pgrep -nx sluice-stack)")" -lt 4096 ] || [ $SECONDS -ge $end ]; do
		read -rt 0.2 <> <(:) || :
	done
	for p in sluice-stack sluice-egress; do
		echo "$p $(pss "$(pgrep -nx "$p")") $(fds "$(pgrep -nx "$p")")"
	done >"$1"
	sed "s/^/# ${1##*\/}: PSS in KiB, descriptors: /" "$1"
}
mkfifo "$T/go" "$T/say"
sluice_ --allow web.test --allow "*.wild.test" --allow web4.test:7200 --allow web6.test:7200 \
	--allow udp://web4.test:7200 --allow udp://web6.test:7200 -- \
	"$T/bin/soak" run web4.test web6.test "${SOAK_SECONDS:-30}" "$command" <"$T/go" >"$T/say" 2>"$T/run.log" &
run=$!
exec 7>"$T/go" 8<"$T/say"
read -r step <&8
measure "$T/quarter"
echo go >&7
read -r step <&8 || step="ended early"
ok "the load reached its end" [ "$step" = end ]
measure "$T/end" || :
echo go >&7
sed 's/^/# /' <&8
status=0
wait $run || status=$?
kill $wire
wait $wire || :
sed -n 's/^{/# wire: {/p' "$T/wire.out"

level() {	# three quarters of the load add less than 10 % memory and few descriptors to one
	paste -d' ' "$T/quarter" "$T/end" | awk '{ print; n++; if ($5 > $2 * 1.10 + 512 || $6 > $3 + 8) bad = 1 }
		END { exit bad || n != 2 }'
}
grep packets "$T/run.log" | sed 's/^/# /' || :
no_complaint() { ! grep '^soak:' "$T/soak.err"; }
load_went_well() { cat "$T/run.log"; [ $status = 0 ]; }
faults() { tail -n +2 "$T/wire.out" | jq -se 'length == 2 and all(.[]; .lost > 0 and .reordered > 0 and .duplicated > 0)'; }
nothing_left() {
	! pgrep -l '^sluice' && [ -z "$(ls /run/sluice)" ] && [ -z "$(ss -Htan state established dst 198.51.100.10)" ] &&
		[ "$(ls /run/netns | sort | tr '\n' ' ')" = "inet mid " ]
}
ok "every byte arrived where it belongs, and nobody waited for 15 s" load_went_well
ok "the far side saw no wrong byte, no missing end" no_complaint
ok "the wire lost, disordered and doubled" faults
ok "memory and descriptors are level" level
[ "$PORT" = xdp ] ||	# the kernel holds the pages of a UMEM
	ok "a worker at rest has given its frames' memory back, though flows are open" \
		awk '$1 == "sluice-stack" && $2 >= 4096 { print; bad = 1 } END { exit bad }' "$T/quarter" "$T/end"
ok "nothing is left behind" nothing_left
done_testing
