#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice run by an ordinary user.
set -eu
. "$(dirname "$0")/jail.inc"
. "$(dirname "$0")/sluice.inc"
case $1 in
name) echo "sluice, user" ;;
run) shift; as_user "$T/sluice/sluice" "${options[@]}" -- "$@" ;;
*) sluice_verb "$1" ;;
esac
