#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is put into the jail: options of binds, tmpfs, files and links made for it. Each protection with a control that
# shows what happens without it.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

mkdir -p "$T/dir/sub" "$T/outside" "$T/user/real"
echo inside >"$T/dir/file"
echo planted >"$T/outside/file"
mount -t tmpfs none "$T/dir/sub"
echo below >"$T/dir/sub/file"
cp "$P" "$T/dir/probe"
ln -s file "$T/dir/link"
ln -s "$T/outside" "$T/system"
ln -s "$T/outside" "$T/user/link"
chown -h 4242:4242 "$T/user" "$T/user/link"
chmod 777 "$T/dir" "$T/dir/sub" "$T/user/real" "$T/outside"
chmod 666 "$T/dir/sub/file" "$T/dir/file"

for AS in root user; do
	ok "a bind is nosuid and nodev" says "nosuid,nodev" jail -m "--bind=$T/dir:/srv" -- grep " /srv " /proc/self/mounts
	ok "control: a bind runs programs" says "uid" jail -b "$T/dir:/srv" -- /srv/probe ids
	ok "noexec: it does not" says "Permission denied" jail -m "--bind=$T/dir:/srv:noexec" -- sh -c "/srv/probe ids"
	ok "control: a symlink in a bind is followed" prints inside jail -b "$T/dir:/srv" -- cat /srv/link
	ok "nosymfollow: it is not" says "Too many levels" jail -m "--bind=$T/dir:/srv:nosymfollow" -- cat /srv/link
	ok "control: a mount below a writable bind is writable" jail -w "$T/dir:/srv" -- sh -c "echo below >/srv/sub/file"
	ok "ro: not below either" says "Read-only" jail -L off -m "--bind=$T/dir:/srv:ro" -- sh -c "echo x >/srv/sub/file"
	ok "rw turns a read-only one" jail -m "--ro-bind=$T/dir:/srv:rw" -- sh -c "echo inside >/srv/file"
	ok "the place may be left out" prints inside jail -m "--bind=$T/dir::ro,noexec" -- cat "$T/dir/file"
	ok "options that there are none of are named" says "there is ro, rw, noexec" jail -m "--bind=$T/dir:/srv:suid" -- true
	ok "nor those of another kind" says "no option 'size=1M'" jail -m "--bind=$T/dir:/srv:size=1M" -- true

	ok "a symlink of the system in a source is followed" prints planted jail -b "$T/system:/srv" -- cat /srv/file
	ok "one that a user could have put there is not" says "is not the system's" jail -b "$T/user/link:/srv" -- cat /srv/file
	ok "nor on the way" says "is not the system's" jail -b "$T/user/link/file:/srv/file" -- cat /srv/file
	ok "nor by way of dots" says "is not the system's" jail -b "$T/user/real/../link:/srv" -- cat /srv/file
	ok "that is a failure of sluice" exits 125 jail -b "$T/user/link:/srv" -- true
	ok "control: follow: it is" prints planted jail -m "--ro-bind=$T/user/link:/srv:follow" -- cat /srv/file

	ok "a tmpfs is the program's to write" jail -m --tmpfs=/srv/t -- sh -c 'echo x >/srv/t/x && [ -O /srv/t ]'
	ok "with a mode" prints "1777" jail -m --tmpfs=/srv/t:mode=1777 -- stat -c %a /srv/t
	ok "control: without a size it takes a megabyte" jail -m --tmpfs=/srv/t -- sh -c 'head -c 1M /dev/zero >/srv/t/x'
	ok "with a size it does not" says "No space left" jail -m --tmpfs=/srv/t:size=64K -- sh -c 'head -c 1M /dev/zero >/srv/t/x'
	ok "with a number of inodes no more files" says "No space left" jail -m --tmpfs=/srv/t:inodes=10 -- \
		sh -c 'for i in $(seq 20); do : >/srv/t/$i || exit; done'
	ok "a sparse file of a terabyte takes nothing" jail -m --tmpfs=/srv/t:size=1M -- sh -c 'truncate -s 1T /srv/t/x; [ $(du -k /srv/t/x | cut -f1) = 0 ]'
	ok "without a size it shares that of /tmp" says "No space left" jail -m --tmpfs-size=1M -m --tmpfs=/srv/t -- \
		sh -c 'head -c 2M /dev/zero >/srv/t/x'
	ok "noexec holds there" says "Permission denied" jail -m --tmpfs=/srv/t:noexec -- sh -c "cp $P /srv/t/p; /srv/t/p ids"
	ok "a directory in the home is the program's" jail -m --dir=/home/cache -- sh -c ': >/home/cache/x'
	ok "in a directory of the host none is made" says "not made in a directory of the host" \
		jail -w "$T/dir:/srv" -m --dir=/srv/new -- true
	ok "and none was" test ! -e "$T/dir/new"

	for m in --tmpfs=/srv/t:noexec --dir=/srv/t --file=/srv/t=x "--bind=$T/dir:/srv/t:noexec,nosymfollow"; do
		ok "${m%%=*}: it is not remounted" prints EPERM jail -S -L off -m "$m" -- "$P" remount /srv/t
		ok "${m%%=*}: nor taken away" prints EPERM jail -S -L off -m "$m" -- "$P" umount /srv/t
	done

	ok "a symlink is made" prints "usr/bin" jail -m --symlink=usr/bin:/srv/bin -- readlink /srv/bin
	ok "not in a directory of the host" says "not made in a directory of the host" \
		jail -w "$T/dir:/srv" -m --symlink=x:/srv/y -- true
	ok "a symlink that was made leads no mount elsewhere" says "symbolic link" \
		jail -m --symlink=/etc:/srv/etc -b "$T/dir/file:/srv/etc/hosts" -- true
	ok "not over what is there" says "File exists" jail -m --symlink=x:/etc/hosts -- true

	ok "a file holds its text" prints "a:b=c,d" jail -m "--file=/srv/x=a:b=c,d" -- cat /srv/x
	ok "in the place of one that is there" prints "10.0.0.1 x" jail -m "--file=/etc/hosts=10.0.0.1 x" -- cat /etc/hosts
	ok "the program cannot change it" says "Read-only" jail -L off -m "--file=/home/x=1" -- sh -c 'chmod 666 /home/x; echo y >/home/x'
	ok "nor remove it" prints 1 jail -L off -m "--file=/tmp/x=1" -- sh -c 'rm -f /tmp/x 2>/dev/null; mv /tmp/x /tmp/y 2>/dev/null; cat /tmp/x'
	ok "a file from a descriptor, with a mode" prints "hello 700" bash -c \
		"$(declare -f as jail); T=$T AS=$AS ESCAPE_RUN=${ESCAPE_RUN:-}; jail -m --file-fd=7:/srv/x:mode=0700 -- sh -c '/srv/x; stat -c %a /srv/x' \
		7< <(printf '#!/bin/sh\nprintf \"hello \"\n')"
	ok "and the descriptor does not come along" prints end bash -c \
		"$(declare -f as jail); T=$T AS=$AS ESCAPE_RUN=${ESCAPE_RUN:-}; jail -m --file-fd=7:/srv/x -- $P fds 7</etc/passwd"
	ok "a descriptor that is not open is named" says "cannot read descriptor 9" jail -m --file-fd=9:/srv/x -- true
done

# Mounts that the host makes later: seen only where that was asked for, and read-only all the same.
appears() {	# appears OPTIONS: what the program sees of a mount made below its bind meanwhile
	mkdir -p "$T/share/m"
	mount --make-shared "$T/share"
	: >"$T/started"
	jail -m "--bind=$T/share:/srv:$1" -- sh -c 'echo started >&2; read x; cat /srv/m/late 2>&1; (echo x >/srv/m/late) 2>&1' \
		2>"$T/started" < <(wait_for grep -q started "$T/started"; mount -t tmpfs -o mode=777 none "$T/share/m"
			echo late >"$T/share/m/late"; chmod 666 "$T/share/m/late"; echo)
	umount "$T/share/m" || cat "$T/started"
}
mount --bind "$T/share" "$T/share"
chmod 777 "$T/share"
for AS in root user; do
	ok "what the host mounts later is not seen" says "No such file" appears ro
	ok "slave: it is seen" says late appears slave,ro
	ok "slave: what was bound read-only stays so by Landlock" says "Permission denied" appears slave,ro
done
umount "$T/share"

# Races: a component of the source flips between a directory and a symlink that the attacker owns.
mkdir "$T/race"
chown 4242:4242 "$T/race"
as user "$P" swap "$T/race/flip" "$T/outside" >"$T/swap.out" 2>&1 &
swap=$!
wait_for grep -q ready "$T/swap.out"
races() {
	local i out seen=0
	for i in $(seq 60); do
		out=$(as "$AS" "$T/bin/jailrun" -b "$T/race/flip:/srv" -- ls /srv 2>&1) && seen=1
		case $out in
		'' | *"is not the system's"* | *"became a symbolic link"*) ;;
		*) echo "$out"; return 1 ;;
		esac
	done
	[ $seen = 1 ]
}
ok "control: through the flipping path the file outside is read" wait_for cat "$T/race/flip/file"
for AS in root user; do
	ok "a source that flips to a symlink of somebody's is never bound where that leads" races
done
AS=
pkill -P "$swap" || kill "$swap"	# the swapper itself, which a shell has started
wait "$swap" 2>/dev/null || :
done_testing
