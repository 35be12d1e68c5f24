#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No jail at all, as root: the control. Every attack must work here.
set -eu
. "$(dirname "$0")/jail.inc"
case $1 in
name) echo "no jail" ;;
version) uname -r ;;
options) echo "root, no jail" ;;
prepare) ;;
run)
	shift
	[ -z "${BATTERY_BIND:-}" ] || exec unshare --mount sh -c ': >"$2"; mount --bind "$1" "$2"; shift 2; exec "$@"' sh \
		"$bind_from" "$bind_to" "$@"
	exec "$@"
	;;
esac
