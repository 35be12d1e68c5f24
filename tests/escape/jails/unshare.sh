#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Namespaces and nothing else, by an ordinary user: what unshare(1) alone gives.
set -eu
. "$(dirname "$0")/jail.inc"
options=(--user --map-root-user --mount --pid --fork --kill-child --mount-proc --net --ipc --uts --cgroup)
case $1 in
name) echo "unshare" ;;
version) unshare --version ;;
options) shown unshare "${options[@]}" ;;
prepare) ;;
run) shift; [ -z "${BATTERY_BIND:-}" ] || exit 77; as_user unshare "${options[@]}" -- "$@" ;;
esac
