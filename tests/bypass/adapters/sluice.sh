#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: sluice run, jail and gateway, as root.
set -eu
. "$(dirname "$0")/sluice.inc"
case $1 in
name) echo "sluice run" ;;
version) "$SLUICE_BUILD/sluice" --version ;;
features) echo jail deny wildcard udp any crash decider budget lint $(sluice_features) ;;
prepare) ;;
crash) sluice_crash ;;
reload) sluice_reload ;;
lint) exec "$SLUICE_BUILD/sluice" policy check --strict "$2" ;;
run)
	shift
	sluice_policy
	for v in $(compgen -v BYPASS_); do options+=(--env "$v"); done
	exec "$SLUICE_BUILD/sluice" run "${options[@]}" --ro-bind "$BYPASS_DIR" -- "$@"
	;;
esac
