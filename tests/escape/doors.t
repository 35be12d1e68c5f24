#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sockets by which policies are replaced: no bind shows them to a program, and a program that sees one
# nevertheless is refused there. Each with its control outside.
set -eu
ESCAPE_RUN=sluice
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

# The machine's /run with a few things of the test's own.
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/netns /run/user/4242 /run/plain "$T/alias"
echo seen >/run/plain/file
chmod 755 "$T/alias"
chown 4242:4242 /run/user/4242
chmod 700 /run/user/4242
ip link set lo up
printf 'version: 1\negress: []\n' >"$T/none.yaml"
chmod 644 "$T/none.yaml"
S=$T/bin/sluice

for AS in root user; do
	case $AS in
	root) dir=/run/sluice own=(env) uid=(--uid 0) ;;
	user) dir=/run/user/4242/sluice own=(env XDG_RUNTIME_DIR=/run/user/4242) uid=() ;;
	esac
	door() { as "$AS" "${own[@]}" "$S" "$@"; }
	door run --quiet --name box -- sleep 1000 2>"$T/box.err" &
	box=$!
	wait_for test -S "$dir/box"
	knock() { door policy set box "$T/none.yaml"; }
	wait_for knock
	run() { door run --quiet --let sockets --let host-proc --let secrets "${uid[@]}" --ro-bind "$T/bin" --ro-bind "$T/none.yaml" "$@"; }

	ok "control: outside, its own user changes the policy" says "policy of box replaced" knock
	ok "control: outside, the socket is there" test -S "$dir/box"
	ok "control: a bind of /run shows what is there" prints seen run --ro-bind /run:/srv -- cat /srv/plain/file
	ok "but an empty directory of sockets" prints "" run --ro-bind /run:/srv -- ls -A "/srv${dir#/run}"
	ok "writable or not" prints "" run --bind /run:/srv -- ls -A "/srv${dir#/run}"
	ok "and nothing can be put there" says "Read-only file system" run --bind /run:/srv -- touch "/srv${dir#/run}/x"
	ok "nor the cover taken off" prints "" run --no-seccomp --bind /run:/srv -- \
		sh -c "umount /srv${dir#/run} 2>/dev/null; ls -A /srv${dir#/run}"
	ok "through /" prints "" run --ro-bind /:/srv -- ls -A "/srv$dir"
	ok "by its own place" prints "" run --bind /run -- ls -A "$dir"
	ln -sfn /run "$T/link"
	ok "through a symlink" prints "" run --ro-bind "$T/link:/srv" -- ls -A "/srv${dir#/run}"
	ok "the directory itself is never bound" says "never shown to a program" run --ro-bind "$dir:/srv" -- true
	ok "nor a socket in it" says "never shown to a program" run --ro-bind "$dir/box:/srv/box" -- true
	ok "that is a failure of sluice" exits 125 run --ro-bind "$dir:/srv" -- true

	# As if the cover failed: the directory under another name, at its place inside.
	mount --bind "$dir" "$T/alias"
	inside() { run --bind "$T/alias:$dir" --env XDG_RUNTIME_DIR=/run/user/4242 -- "$@"; }
	ok "control: under another name the socket is seen inside" prints "$dir/box" inside ls "$dir/box"
	ok "but refuses a program in a jail" says "a sandbox cannot change its own policy" \
		inside "$S" policy set box "$T/none.yaml"
	ok "also without the filter" says "a sandbox cannot change its own policy" \
		run --no-seccomp --bind "$T/alias:$dir" --env XDG_RUNTIME_DIR=/run/user/4242 -- \
		"$S" policy set box "$T/none.yaml"
	umount "$T/alias"
	ok "control: outside it still works" says "policy of box replaced" knock
	kill "$(pgrep -f "sluice run --quiet --name box")"
	wait $box || :
done
AS=
done_testing
