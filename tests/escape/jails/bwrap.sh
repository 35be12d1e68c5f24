#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bubblewrap with the options commonly taken for a whole jail.
set -eu
. "$(dirname "$0")/jail.inc"
more=()
. "$(dirname "$0")/bwrap.inc"
case $1 in
name) echo "bwrap" ;;
*) bwrap_verb "$@" ;;
esac
