#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: sluice run as an ordinary user: the gateway lives in a user namespace.
set -eu
. "$(dirname "$0")/sluice.inc"

# Home, and the place of its running sandboxes.
home=${BYPASS_T:-}/user${BYPASS_SLOT:-}
as_owner() {
	HOME=$home XDG_RUNTIME_DIR=$home setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all "$@"
}
case $1 in
name) echo "sluice run, no root" ;;
version) "$SLUICE_BUILD/sluice" --version ;;
features) echo jail deny wildcard udp any crash decider budget lint $(sluice_features) ;;
prepare) ;;
crash) sluice_crash ;;
reload) sluice_reload as_owner ;;
lint) exec "$SLUICE_BUILD/sluice" policy check --strict "$2" ;;
run)
	shift
	sluice_policy
	for v in $(compgen -v BYPASS_); do options+=(--env "$v"); done
	mkdir -p "$home"
	chown 4242:4242 "$home"
	cd "$home"
	HOME=$home XDG_RUNTIME_DIR=$home exec setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all \
		"$BYPASS_T/bin/sluice" run "${options[@]}" --ro-bind "$BYPASS_DIR" -- "$@"
	;;
esac
