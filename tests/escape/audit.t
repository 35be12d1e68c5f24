#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice audit: what it says of a jail is so. Each wall that an option takes away is told as absent, with what
# is open then, and no other; outside of any jail the same probe finds everything open.
set -eu
ESCAPE_RUN=sluice
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"
ip link set lo up
S=$T/bin/sluice
A=$T/audit.json
chmod 777 "$T"
printf "version: 1\nbind: share\n" >"$T/profile.yaml"

audit() { as "$AS" env -u SSH_AUTH_SOCK "$S" audit "$@"; }
json() {	# json FILTER option...: the filter is true of the report
	local filter=$1
	shift
	audit --json "$@" >"$A"
	jq -r '.exposure, (.layers[] | select(.state != "active") | .layer + ": " + .evidence)' "$A"
	jq -e "$filter" "$A"
}
# Layers that are not whole, but for those that need options; and what an older kernel has not.
opens() {	# opens "LAYER..." option...
	local want
	want=$(printf '"%s",' $1)
	shift
	json "[.layers[] | select(.state != \"active\" and (.layer | IN(\"time-namespace\", \"memory-limit\", \"cpu-limit\", \"time-limit\") | not)) |
		.layer] | sort == ([${want%,}] - [\"\"] | sort)" "$@"
}
evidence() {	# evidence LAYER TEXT option...
	local layer=$1 text=$2
	shift 2
	json ".layers[] | select(.layer == \"$layer\") | .evidence | contains(\"$text\")" "$@"
}
exposure() { audit --json "$@" | jq -r '.exposure'; }
more() { [ "$(printf '%s\n' "$1" "$2" | sort -g | tail -n 1)" = "$2" ] && [ "$1" != "$2" ]; }

probe() { as "$AS" "$T/bin/sluice-probe" 1 none; }
for AS in root user; do
	ok "control: outside there is no filter" says "status	Seccomp	0" probe
	ok "control: outside namespaces can be made" says "call	unshare user	ok" probe
	ok "control: outside there is no Landlock" says "landlock	layers	0" probe
	ok "control: outside privileges can be gained" says "status	NoNewPrivs	0" probe

	ok "by default every wall is there" opens ""
	ok "and the exposure is low" more "$(exposure)" 1.0
	ok "it says so in lines" says "active   0.0  seccomp" audit
	ok "and in a sum" says "of 10: good" audit
	ok "no filter" opens "seccomp dangerous-calls socket-families" --no-seccomp
	ok "and what is open then" evidence dangerous-calls "io_uring_setup" --no-seccomp
	ok "a filter that only reports" opens "seccomp dangerous-calls socket-families" --seccomp-mode log
	ok "one that tells what it refuses" opens "" --seccomp-mode trace
	ok "capabilities" opens "capabilities" --cap-add chown
	ok "no network at all" opens "" --net none
	ok "no Landlock" opens landlock --landlock off
	ok "a strict filter is one" opens "" --seccomp strict
	ok "so is one that lets nothing but calculating" opens "" --seccomp compute
	ok "a writable bind" opens host-files --bind "$T/share"
	ok "is named" evidence host-files "$T/share" --bind "$T/share"
	ok "a read-only one is none" opens "" --ro-bind "$T/share"
	ok "a secret in the environment" opens environment --env MY_API_TOKEN=x
	ok "is named, not told" evidence environment MY_API_TOKEN --env MY_API_TOKEN=x
	ok "what may leave" opens policy --allow web.test
	ok "anything may leave" evidence policy "any host" --allow 0.0.0.0/0:1-65535
	ok "the network is a namespace with one link" evidence links "lo and the gateway's"
	ok "limits on time are seen" json '.layers[] | select(.layer == "time-limit") | .state == "active"' --time 60
	ok "more is open with more" more "$(exposure --landlock off)" "$(exposure --landlock off --no-seccomp)"
	ok "a profile is audited" opens host-files --profile "$T/profile.yaml"
	ok "a command is found" json '.command == "/usr/bin/env" and .command_found' -- env
	ok "and not run" not says walrus audit -- sh -c 'echo walrus >&2'
	ok "or not found" json '.command == "nosuchprogram" and (.command_found | not)' -- nosuchprogram
	ok "below --max-score" audit --max-score 1
	ok "above it" exits 1 audit --max-score=2.0 --no-seccomp --landlock off --allow 0.0.0.0/0:443 --bind "$T/share"
	ok "a score that is none" exits 125 audit --max-score 11
	ok "an option that is none" exits 125 audit --nosuch
	ok "what is refused without its word is not audited" exits 125 audit --bind /etc
	ok "no time for the probe is a failure" says "audit: the probe did not get to its end" audit --time 0.001
	ok "of sluice" exits 125 audit --time 0.001
done
AS=root
ok "the host's root" opens "user" --uid 0
ok "is told" evidence user "user 0 of the host" --uid 0
mv "$T/bin/sluice-probe" "$T/gone"
ok "no probe" says "audit: sluice-probe is not beside sluice" audit
AS=
done_testing
