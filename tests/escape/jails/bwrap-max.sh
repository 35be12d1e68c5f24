#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bubblewrap with everything for hardening that its manual has, but for a filter: it comes with none.
set -eu
. "$(dirname "$0")/jail.inc"
more=(--unshare-user --disable-userns --clearenv --hostname sandbox --size 67108864 --tmpfs /dev/shm --chdir /)
. "$(dirname "$0")/bwrap.inc"
case $1 in
name) echo "bwrap, all options" ;;
*) bwrap_verb "$@" ;;
esac
