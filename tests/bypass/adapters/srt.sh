#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Adapter: @anthropic-ai/sandbox-runtime as it is by default: bubblewrap without a network, and a proxy that
# filters by host name. SRT_STRICT=1 (srt-strict.sh): its TLS interception and host checks as well.
set -eu
release=0.0.83
cache=${BYPASS_CACHE:-/var/cache/sluice-bypass}/srt-$release
node=$cache/node_modules/.bin/node
slot=${BYPASS_SLOT:-0}

settings() {	# the case's policy as its settings file
	local s a d
	a=$(set -f; for s in ${BYPASS_ALLOW:-}; do
		case $s in
		udp://* | */*) echo "only names can be allowed, tcp only: $s" >&2; exit 77 ;;
		*:*) printf '%s\n' "$s" ;;
		*) printf '%s:80\n%s:443\n' "$s" "$s" ;;
		esac; done) || exit 77
	d=$(set -f; for s in ${BYPASS_DENY:-}; do
		case $s in *:*) printf '[%s]\n' "$s" ;; *) printf '%s\n' "$s" ;; esac; done)
	jq -nc --arg a "$a" --arg d "$d" --argjson strict "${SRT_STRICT:-0}" --arg home "$BYPASS_T/srt$slot" '
		{network: ({allowedDomains: ($a | split("\n") | map(select(. != ""))),
			deniedDomains: ($d | split("\n") | map(select(. != "")))}
			+ if $strict == 1 then {requireHostMatch: true, refuseOpaqueTunnels: true, tlsTerminate: {},
				deniedResolvedAddresses: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]} else {} end),
		 filesystem: {denyRead: [], allowWrite: [$home], denyWrite: []}}'
}

case $1 in
name) [ "${SRT_STRICT:-0}" = 0 ] && echo "sandbox-runtime" || echo "sandbox-runtime, strict" ;;
version) echo "@anthropic-ai/sandbox-runtime $release, node $("$node" --version)" ;;
features) echo jail deny wildcard crash reload proxy ;;
prepare)
	command -v npm >/dev/null || { echo "npm is missing: packaging/deps.sh bypass"; exit 1; }
	command -v bwrap >/dev/null || { echo "bubblewrap is missing: packaging/deps.sh bypass"; exit 1; }
	if [ ! -e "$cache/done" ]; then
		rm -rf "$cache"
		mkdir -p "$cache"
		# It asks for a newer node than Debian 12 has.
		(cd "$cache" && npm install --no-audit --no-fund --loglevel=error \
			"@anthropic-ai/sandbox-runtime@$release" node@22) >"$cache/log" 2>&1 ||
			{ echo "cannot install it: $(tail -n 1 "$cache/log")"; exit 1; }
		chmod -R a+rX "$cache"
		touch "$cache/done"
	fi
	"$node" --version >/dev/null
	;;

crash) kill -9 "$(cat "$BYPASS_T/srt$slot/pid")" ;;
reload) settings >"$BYPASS_T/srt$slot/control" ;;
run)
	shift
	[ -z "${BYPASS_POLICY:-}" ] || { echo "its settings cannot say this policy" >&2; exit 77; }
	d=$BYPASS_T/srt$slot
	rm -rf "$d"
	mkdir -m 755 "$d"
	settings >"$d/settings.json" || exit 77
	mkfifo "$d/control"
	chown -R 4242:4242 "$d"
	trap 'rm -rf "$d"' EXIT
	exec 4<>"$d/control"
	export HOME=$d NODE_EXTRA_CA_CERTS=$BYPASS_T/sinkhole.pem.crt TMPDIR=$d
	# The attack learns of the proxies from what the gateway put into the environment.
	cat >"$d/inside" <<-'END'
		#!/bin/sh
		export BYPASS_HTTP_PROXY="$HTTP_PROXY" BYPASS_SOCKS_PROXY="$FTP_PROXY"
		exec "$@"
	END
	chmod 755 "$d/inside"
	cd "$d"
	setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all sh -c 'echo $$ >pid; exec "$@"' sh \
		"$node" "$cache/node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js" --settings "$d/settings.json" \
		--control-fd 3 -- "$d/inside" "$@" 3<"$d/control" 4>&-
	;;
esac
