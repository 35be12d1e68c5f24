#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What opens the jail wider than was meant is refused without its word, told with it, and what it opens is
# shown to be open then: sockets, keys, what runs outside, the host's processes, the rules of the run itself.
set -eu
ESCAPE_RUN=sluice
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

mount -t tmpfs -o mode=755 none /run
mkdir -p /run/netns /run/user/4242
chown 4242:4242 /run/user/4242
ip link set lo up
S=$T/bin/sluice
mkdir "$T/work" "$T/sock" "$T/home/.ssh" "$T/home/project" "$T/rules" "$T/safe" "$T/share/sub"
echo key >"$T/home/.ssh/id"
printf 'version: 1\negress: []\n' >"$T/rules/policy.yaml"
printf 'version: 1\nhostname: rules\n' >"$T/rules/profile.yaml"
printf 'version: 1\ninclude: ../rules/profile.yaml\n' >"$T/safe/includes.yaml"
printf 'version: 1\n' >"$T/safe/profile.yaml"
printf 'version: 1\nlet: sockets\n' >"$T/safe/let.yaml"
echo 'include default' >"$T/rules/calls.seccomp"
echo 'include ../rules/calls.seccomp' >"$T/safe/calls.seccomp"
mknod "$T/disk" b 7 0
ln -s "$T/rules/link.yaml" "$T/safe/link.yaml"
ln -s "$T/safe/profile.yaml" "$T/rules/link.yaml"
chmod 777 "$T/work" "$T/sock" "$T/rules" "$T/safe"
chown -R 4242:4242 "$T/home"
chmod 755 "$T/home/.ssh"
"$P" unix "$T/sock/s" listen >"$T/unix.out" &
wait_for test -S "$T/sock/s"
chmod 777 "$T/sock/s"

run() { as "$AS" env HOME="$T/home" XDG_RUNTIME_DIR=/run/user/4242 "$S" run --ro-bind "$T/bin" "$@"; }
needs() {	# needs WORD "what" option... -- command...: refused by name without it, with one line; told with it
	local word=$1 what=$2
	shift 2
	ok "$what needs a word" exits 125 run "$@"
	ok "$what: one line names it" prints "or say --let $word" refusal "$@"
	ok "$what: no other word will do" exits 125 run $(others "$word") "$@"
	ok "$what: with it a line tells what is open" says "sluice: --let $word: " run --let "$word" "$@"
	ok "$what: but nothing is told quietly" not says "--let" run --quiet --let "$word" "$@"
}
refusal() { run "$@" 2>&1 | grep -v "as asked, going on" | sed "s/.*, or say/or say/"; }
others() {
	local w
	for w in sockets secrets host-write host-proc config-write power raw-devices; do
		[ $w = "$1" ] || echo "--let $w"
	done
}

for AS in root user; do
	needs sockets "a directory with a socket" --ro-bind "$T/sock" -- true
	needs sockets "the socket itself" --bind "$T/sock/s:/s" -- true
	ok "which is open then" prints ok run --quiet --let sockets --ro-bind "$T/sock" -- "$P" unix "$T/sock/s"
	ln -sfn "$T/sock" "$T/alias"
	needs sockets "a symlink to it" --ro-bind "$T/alias:/srv" -- true
	needs secrets "the home directory" --ro-bind "$T/home" -- true
	needs secrets "a directory of keys" --ro-bind "$T/home/.ssh" -- true
	needs secrets "a single key" --ro-bind "$T/home/.ssh/id:/id" -- true
	ok "which is open then" prints key run --quiet --let secrets --ro-bind "$T/home/.ssh/id:/id" -- cat /id
	ok "a project below home does not" run --bind "$T/home/project" -- true
	needs host-write "/etc, writable" --bind /etc -- true
	needs host-write "/usr/local, writable" --bind /usr/local -- true
	needs host-write "what runs at the next log-in" --bind /usr/local/bin:/srv -- true
	ok "home, writable, needs one as well" exits 125 run --let secrets --bind "$T/home" -- true
	ok "and with both it runs" run --let secrets --let host-write --bind "$T/home" -- true
	needs host-proc "the host's /proc" --ro-bind /proc:/srv -- true
	needs raw-devices "a disk" --device "$T/disk" -- true
	needs raw-devices "a terminal of somebody else's" --device /dev/tty0 -- true

	needs config-write "its own policy" --policy "$T/rules/policy.yaml" --bind "$T/rules" -- true
	needs config-write "its own profile" --profile "$T/rules/profile.yaml" --bind "$T/rules" -- true
	needs config-write "what that includes" --profile "$T/safe/includes.yaml" --bind "$T/rules" -- true
	needs config-write "what its system call filter includes" --seccomp "$T/safe/calls.seccomp" --bind "$T/rules" -- true
	needs config-write "a link on the way to it" --profile "$T/safe/link.yaml" --bind "$T/rules" -- true
	needs config-write "the directory above" --profile "$T/rules/profile.yaml" --bind "$T" --let sockets --let secrets \
		--let host-write -- true
	needs config-write "changes that are kept over it" --profile "$T/rules/profile.yaml" \
		--overlay "$T/safe:/o:upper=$T/rules,work=$T/work" -- true
	needs sockets "an overlay that holds a socket" --overlay "$T/sock:/o" -- true
	needs host-proc "the host's / in an overlay" --overlay /:/o --let secrets --let sockets -- true
	needs power "CAP_SYS_ADMIN" --cap-add sys_admin -- true
	needs power "CAP_NET_RAW" --cap-add chown --cap-add net_raw -- true
	ok "what containers have needs none, and is told" says "--cap-add: the program has it" run --cap-add chown -- true
	ok "read-only it may be seen" run --profile "$T/rules/profile.yaml" --ro-bind "$T/rules" -- true
	ok "elsewhere it is none" run --profile "$T/safe/profile.yaml" --bind "$T/rules" -- true
	ok "an unknown word" says "run: --let all: not known; use sockets" run --let all -- true
	ok "a profile can say the word" says "sluice: --let sockets: " run --profile "$T/safe/let.yaml" \
		--ro-bind "$T/sock" -- true
	ok "no system call filter is told" says "no system call filter around the program, as asked" run --no-seccomp -- true
	ok "no Landlock is told" says "no Landlock around the program, as asked" run --landlock off -- true
	ok "the caller's whole environment is told" says "the whole environment is passed on, secrets included, as asked" \
		run --keep-env -- true
done
AS=root
ok "the host's own root is told" says "--uid 0: the program is the host's root where a bind shows root's files, as asked" \
	run --uid 0 -- true
AS=
done_testing
