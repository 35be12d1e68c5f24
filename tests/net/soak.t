#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fifty connections per second for minutes: memory and descriptors of worker and egress stay level.
# SOAK_SECONDS (default 120) says how long.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=packet AS=root
half=$((${SOAK_SECONDS:-120} / 2))

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
fds() { ls "/proc/$1/fd" | wc -l; }
measure() {
	local p
	for p in sluice-stack sluice-egress; do
		pid=$(pgrep -nx "$p")
		echo "$p $(rss "$pid") $(fds "$pid")"
	done
}
mkfifo "$T/go" "$T/done"
chmod 666 "$T/go" "$T/done"
# The program in the sandbox works in two halves and waits in between, so that what is measured is at rest.
sluice_ --bind "$T/go" --bind "$T/done" --allow web.test:7007 -- sh -c "
	$T/bin/peer rate web.test 50,5; echo warm >$T/done; read x <$T/go
	$T/bin/peer rate web.test 50,$half; echo half >$T/done; read x <$T/go
	$T/bin/peer rate web.test 50,$half; echo full >$T/done; read x <$T/go" >"$T/run.log" 2>&1 &
run=$!
read -r step <"$T/done"
measure >"$T/warm"
echo go >"$T/go"
read -r step <"$T/done"
measure >"$T/half"
echo go >"$T/go"
read -r step <"$T/done"
measure >"$T/full"
echo go >"$T/go"
wait $run
paste -d' ' "$T/warm" "$T/half" "$T/full" | sed 's/^/# warm, half, full: /'
level() {	# second half adds less than 10 % memory and no descriptor over the first
	paste -d' ' "$T/half" "$T/full" | awk '{ if ($5 > $2 * 1.10 + 512 || $6 > $3 + 8) { print; bad = 1 } } END { exit bad }'
}
ok "the run reached its end" [ "$step" = full ]
ok "memory and descriptors are level" level
done_testing
