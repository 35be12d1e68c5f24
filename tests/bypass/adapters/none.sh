#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: no gateway at all. The attack runs on the host; it is the control, and must succeed.
set -eu
case $1 in
name) echo "no gateway" ;;
version) uname -r ;;
features) echo jail deny wildcard udp any crash decider reload budget ;;
prepare | crash | reload) ;;
run) shift && exec "$@" ;;
esac
