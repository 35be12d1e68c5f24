#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# firejail, set-user-ID root, by an ordinary user: its default profile (caps.drop all, nonewprivs, noroot, protocol,
# seccomp among others) and what else its manual has for hardening any program. It has no binds: what is to be seen at another place cannot be said.
set -eu
. "$(dirname "$0")/jail.inc"
options=(--quiet --profile=default --nogroups --net=none --ipc-namespace
	--private-dev --private-tmp --restrict-namespaces --whitelist="$T/bin" --whitelist="$T/ro" --whitelist="$T/share"
	--read-only="$T/bin" --read-only="$T/ro")
case $1 in
name) echo "firejail" ;;
version) firejail --version | head -n 1 ;;
options) shown firejail "${options[@]}" ;;
prepare) [ -u "$(command -v firejail || echo /)" ] || { echo "no set-user-ID firejail (package firejail)"; exit 1; } ;;
run)
	shift
	[ -z "${BATTERY_BIND:-}" ] || exit 77
	as_user firejail "${options[@]}" -- "$@"
	;;
esac
