#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bubblewrap by an ordinary user, with the options that its README and most of its users take for a whole jail.
set -eu
. "$(dirname "$0")/jail.inc"
options=(--unshare-all --die-with-parent --new-session --cap-drop ALL --ro-bind /usr /usr --symlink usr/bin /bin
	--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp
	--ro-bind "$T/bin" "$T/bin" --ro-bind "$T/ro" "$T/ro" --bind "$T/share" "$T/share")
[ -z "${BATTERY_BIND:-}" ] || options+=(--ro-bind "$bind_from" "$bind_to")
case $1 in
name) echo "bwrap" ;;
version) bwrap --version ;;
options) shown bwrap "${options[@]}" ;;
prepare) command -v bwrap >/dev/null || { echo "no bwrap (package bubblewrap)"; exit 1; } ;;
run) shift; as_user bwrap "${options[@]}" -- "$@" ;;
esac
