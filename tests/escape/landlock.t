#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Landlock, the wall behind the mounts: holerun is the jail with a hole in its mounts (the host's whole tree,
# writable, at /var). Each attack works through the hole without Landlock, and not with it.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"
[ -z "${ESCAPE_RUN:-}" ] || { echo "1..0 # SKIP the jail alone is tested"; exit 0; }
"$T/bin/jailrun" -L require -- true 2>/dev/null || {
	ok "a kernel without Landlock is told apart" says "offers no Landlock" "$T/bin/jailrun" -L require -- true
	done_testing
	exit
}

mount -t tmpfs -o mode=755 none /srv
mkdir /srv/open
chmod 777 /srv/open
echo planted >/srv/secret
cp "$P" /srv/probe
chmod 666 /srv/secret
mkdir "$T/a" "$T/b" "$T/b/sub"
chmod 777 "$T/a" "$T/b" "$T/b/sub"
echo old >"$T/a/file"
chmod 666 "$T/a/file"
hole() {	# hole OPTIONS... -- command...
	as "$AS" "$T/bin/holerun" -b "$T/bin" "$@"
}
to_file() { local f=$1; shift; "$@" >>"$f"; }
nothing_changed() { [ "$(cat /srv/secret)" = planted ] && [ -z "$(ls /srv/open)" ]; }

for AS in root user; do
	export AS
	AS_ROOT=${AS#user}
	ok "control: without Landlock, the hole shows the file" prints planted hole -L off -- cat /var/srv/secret
	ok "control: and lets it be written" hole -L off -- sh -c 'echo planted >/var/srv/secret'
	ok "control: and files be made, renamed and removed" hole -L off -- sh -c 'cd /var/srv/open && : >a && mv a b && rm b'
	ok "control: and programs of the host be run" prints "/var/srv/probe" hole -L off -- sh -c '/var/srv/probe ids >/dev/null; echo /var/srv/probe'
	ok "control: and devices be opened" prints ok hole -L off -S -- "$P" open /var/dev/zero 0
	ok "reading through the hole is refused" prints EACCES hole -- "$P" open /var/srv/secret 0
	ok "so is writing" prints EACCES hole -- "$P" open /var/srv/secret 1
	ok "and truncating" prints EACCES hole -- "$P" truncate /var/srv/secret
	ok "and making a file" says "Permission denied" hole -- sh -c ': >/var/srv/open/a'
	ok "and a directory, a link, a pipe" prints "$(printf 'no\nno\nno')" hole -- sh -c \
		'for c in "mkdir a" "ln -s x a" "mkfifo a"; do cd /var/srv/open && $c 2>/dev/null || echo no; done'
	ok "and moving a file in" says "Permission denied" hole -- sh -c 'cd; echo x >a; mv a /var/srv/open'
	ok "and running a program" says "Permission denied" hole -- /var/srv/probe ids
	ok "and without the filter" prints EACCES hole -S -- "$P" open /var/srv/secret 0
	ok "nothing was changed outside" nothing_changed
	ok "a device that the jail has not is refused" prints EACCES hole -S -- "$P" open /var/dev/kmsg 0

	ok "control: without Landlock, the first process takes signals" prints ok hole -L off -- "$P" kill 1 0
	ok "the first process is out of signals' reach" prints EPERM hole -- "$P" kill 1 0
	ok "and without the filter" prints EPERM hole -S -- "$P" kill 1 0
	ok "one's own processes are not" says ended hole -- sh -c 'sleep 100 & kill $! && ! wait $! && echo ended'
	ok "control: without Landlock, an abstract socket answers" prints ok hole -L off -- "$P" abstract sluice-hole
	ok "an abstract socket of a process outside does not" prints EPERM hole -- "$P" abstract sluice-hole

	ok "control: without Landlock, a file on standard input opens for writing" prints ok \
		jail -L off -- "$P" open /proc/self/fd/0 1 <"$T/a/file"
	ok "standard input opens for reading again" prints old in_ cat /dev/stdin <"$T/a/file"
	ok "and not for writing" prints EACCES in_ "$P" open /proc/self/fd/0 1 <"$T/a/file"
	: >"$T/a/out"
	chown 4242 "$T/a/out"
	ok "a file on standard output opens for writing again" to_file "$T/a/out" jail ${AS_ROOT:+-u 4242} -L require -- \
		sh -c 'echo one >/dev/stdout; echo two >>/dev/stdout'
	ok "and holds what was written" grep -q two "$T/a/out"

	ok "files move between directories of a writable bind" jail -L require -w "$T/b" -- sh -c \
		"echo x >$T/b/f && mv $T/b/f $T/b/sub/g && ln $T/b/sub/g $T/b/h && rm $T/b/h $T/b/sub/g"
	ok "programs run from a writable bind, and from /tmp" jail -L require -w "$T/b" -- sh -c \
		"cp /bin/true $T/b/t && $T/b/t && cp $T/b/t /tmp/t && /tmp/t && rm $T/b/t"
	ok "a file is bound as itself" prints old jail -L require -b "$T/a/file:/srv/one" -- cat /srv/one
	ok "a writable file is written and cut" jail -L require -w "$T/a/file:/srv/one" -- sh -c "echo old >/srv/one && $P truncate /srv/one && echo old >/srv/one"
	ok "the devices work, terminals too" jail -L require -- sh -c \
		'head -c 1 /dev/urandom | wc -c && echo >/dev/null && script -qc "stty size" /dev/null </dev/null'
	ok "one's own /proc is read and written" jail -L require -- sh -c 'echo 500 >/proc/self/oom_score_adj && grep -q 500 /proc/self/oom_score_adj'
done
AS=
done_testing
