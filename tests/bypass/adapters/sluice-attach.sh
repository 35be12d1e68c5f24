#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: sluice attach. The gateway alone: the attacker is root in a network namespace and may send any
# packet he likes. No jail is around him.
set -eu
. "$(dirname "$0")/sluice.inc"
box=box${BYPASS_SLOT:-}
case $1 in
name) echo "sluice attach" ;;
version) "$SLUICE_BUILD/sluice" --version ;;
features) echo deny wildcard udp any crash decider budget lint $(sluice_features) ;;
prepare) ;;
crash) sluice_crash ;;
reload) sluice_reload ;;
lint) exec "$SLUICE_BUILD/sluice" policy check --strict "$2" ;;
run)
	shift
	sluice_policy
	d=$BYPASS_T/$box
	mkdir -p "$d"
	flock "$BYPASS_T/netns.lock" ip netns add "$box"
	"$SLUICE_BUILD/sluice" attach --netns "/run/netns/$box" "${options[@]}" --status-fd 3 \
		3>"$d/status" 2>"$d/err" &
	pid=$!
	trap 'set +e; kill -INT $pid 2>/dev/null; wait $pid; ip netns del "$box"; cat "$d/err" >&2; rm -rf "$d"' EXIT
	until grep -qs ready "$d/status"; do
		kill -0 $pid 2>/dev/null || exit 125
		read -rt 0.01 <> <(:) || :
	done
	printf 'nameserver 100.96.0.1\nnameserver fd73:6c75:6963:6500::1\n' >"$d/resolv.conf"
	unshare --mount sh -c 'mount --bind "$1" /etc/resolv.conf; ns=$2; shift 2; exec nsenter --net="$ns" "$@"' \
		sh "$d/resolv.conf" "/run/netns/$box" "$@"
	;;
esac
