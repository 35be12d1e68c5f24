#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Roots and trees from elsewhere: overlays, directories and images, hostile ones included.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

mkdir -p "$T/low/sub" "$T/keep/upper" "$T/keep/work" "$T/outside"
echo below >"$T/low/file"
echo planted >"$T/outside/file"
chmod 777 "$T/low" "$T/low/sub" "$T/outside" "$T/keep/upper" "$T/keep/work"
chmod 666 "$T/low/file"
chown -R 4242:4242 "$T/low" "$T/keep"

# An overlay on a file system that can hold what it needs, as a disk does.
for AS in root user; do
	own=()
	[ $AS = user ] || own=(-u 4242)
	ok "overlay: what is below is seen" prints below jail -m "--overlay=$T/low:/srv" -- cat /srv/file
	ok "and written to, inside" prints changed jail "${own[@]}" -m "--overlay=$T/low:/srv" -- sh -c 'echo changed >/srv/file; : >/srv/new; cat /srv/file'
	ok "and removed, directories too" jail "${own[@]}" -m "--overlay=$T/low:/srv" -- sh -c 'rmdir /srv/sub && mkdir /srv/sub && mv /srv/file /srv/sub/x && [ -s /srv/sub/x ]'
	ok "and nothing of it is outside" prints "$(printf 'below\nfile\nsub')" sh -c "cat $T/low/file; ls $T/low"
	ok "control: through a writable bind it would be" jail "${own[@]}" -w "$T/low:/srv" -- sh -c ': >/srv/other'
	rm "$T/low/other"
	ok "what it takes counts as that of /tmp" says "No space left" jail "${own[@]}" -m --tmpfs-size=1M -m "--overlay=$T/low:/srv" -- \
		sh -c 'head -c 2M /dev/zero >/srv/big'
	ok "it is nosuid and nodev" says "nosuid,nodev" jail -m "--overlay=$T/low:/srv" -- grep " /srv overlay" /proc/self/mounts
	ok "the caller's paths are not named" not says "$T" jail -m "--overlay=$T/low:/srv" -- grep " /srv overlay" /proc/self/mounts
	ok "a file cannot be one" says "not a directory" jail -m "--overlay=$T/low/file:/srv" -- true
	ok "upper without work is refused" says "go together" jail -m "--overlay=$T/low:/srv:upper=$T/keep/upper" -- true
	if as "$AS" "$T/bin/jailrun" "${own[@]}" -m "--overlay=$T/low:/srv:upper=$T/keep/upper,work=$T/keep/work" -- true 2>/dev/null; then
		ok "upper keeps the changes" jail "${own[@]}" -m "--overlay=$T/low:/srv:upper=$T/keep/upper,work=$T/keep/work" -- \
			sh -c 'echo kept >/srv/file; rm -r /srv/sub'
		ok "they are there" prints "kept" cat "$T/keep/upper/file"
		ok "and seen the next time" prints "$(printf 'kept\nfile')" jail "${own[@]}" \
			-m "--overlay=$T/low:/srv:upper=$T/keep/upper,work=$T/keep/work" -- sh -c 'cat /srv/file; ls /srv'
		ok "but not below" prints below cat "$T/low/file"
	else
		skip "upper keeps the changes" "this file system cannot be one"
	fi
	umount "$T/keep" 2>/dev/null || :
	rm -rf "$T/keep/upper" "$T/keep/work"
	mkdir "$T/keep/upper" "$T/keep/work"
	chmod 777 "$T/keep/upper"
	chown -R 4242:4242 "$T/keep"
done

# A root with a shell, and with traps wherever the jail puts something of its own.
command -v busybox >/dev/null || { AS=; skip "roots" "no busybox"; done_testing; exit; }
tree() {	# tree DIR
	mkdir -p "$1/bin" "$1/usr" "$1/var/lib" "$1/etc/deep" "$1/opt"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for n in $(ldd "$1/bin/busybox" | grep -o '/[^ ]*'); do
		mkdir -p "$1$(dirname "$n")"
		cp -L "$n" "$1$n"
	done
	for n in sh true cat ls id echo mount grep readlink test sleep touch; do ln -s busybox "$1/bin/$n"; done
	echo image >"$1/etc/os-release"
	echo image >"$1/etc/passwd"
	echo state >"$1/var/lib/state"
	chmod -R a+rX "$1"
}
tree "$T/root"
# What only the mount's flags keep from working.
cp "$P" "$T/root/opt/suid"
chmod 4755 "$T/root/opt/suid"
mknod "$T/root/opt/null" c 1 3
chmod 666 "$T/root/opt/null"
tree "$T/trap"
tree "$T/own"
chown -R 4242:4242 "$T/own"
for n in dev proc sys tmp run home root; do ln -s "$T/outside" "$T/trap/$n"; done
rm -r "$T/trap/var"
ln -s "$T/outside" "$T/trap/var"
for n in hosts hostname resolv.conf group nsswitch.conf chromium opt firefox mtab; do ln -s "$T/outside/$n" "$T/trap/etc/$n"; done
ln -s "$T/outside" "$T/trap/etc/link"
mkdir "$T/trap/link.d"
ln -s "$T/outside" "$T/trap/link"
before=$(find "$T/outside" | sort)
ok "control: outside, the set-user-ID program works" says "uid 4242 0 0" as user "$T/root/opt/suid" ids
ok "control: outside, the device works" as user sh -c "echo x >$T/root/opt/null"
flags() {	# flags OPTION what: nothing of it can be had back, as whoever, without the filter
	local id
	for id in 4242 ${AS#user}; do
		[ "$id" != root ] || id=0
		ok "$2, uid $id: a set-user-ID program stays what it is" says "uid $id $id $id" jail -S -L off -u $id -m "$1" -- /opt/suid ids
		ok "$2, uid $id: a device does not open" says "Permission denied" jail -S -L off -u $id -m "$1" -- sh -c 'echo x >/opt/null'
		ok "$2, uid $id: it is not remounted" prints EPERM jail -S -L off -u $id -m "$1" -- "$P" remount /opt
		ok "$2, uid $id: nor taken away" prints EPERM jail -S -L off -u $id -m "$1" -- "$P" umount /opt
	done
}
with() {	# with OPTION what: a root is what it says
	ok "$2: it is the root" prints "image" jail -m "$1" -- cat /etc/os-release
	ok "$2: with programs of its own" says "uid=" jail -m "$1" -- id
	ok "$2: of the host nothing" not jail -m "$1" -- test -e /usr/bin/env
	ok "$2: the names are the jail's" says "sandbox" jail -m "$1" -- cat /etc/hosts /etc/passwd
	ok "$2: /var is its own, /tmp the jail's" prints state jail -m "$1" -- sh -c 'touch /tmp/x; cat /var/lib/state'
	ok "$2: it is read-only" says "Read-only" jail -L off -m "$1" -- sh -c 'echo x >/opt/x; echo x >/etc/os-release; echo x >/x'
	ok "$2: with devices and /proc" prints "ok" jail -m "$1" -- sh -c 'cat /proc/self/status >/dev/null && echo ok'
	ok "$2: nothing is left of how it was made" not jail -m "$1" -- sh -c 'ls -A / | grep -q base || grep -q base /proc/self/mounts'
	ok "$2: binds go into it" prints below jail -m "$1" -b "$T/low:/srv/x" -- cat /srv/x/file
	ok "$2: not where it has no place" says "not made in a directory" jail -m "$1" -b "$T/low:/opt/x" -- true
}
trap_() {	# trap_ OPTION what: the hostile one leads nowhere
	ok "$2, hostile: starts, with its own /dev, /proc, /tmp" prints ok jail -m "$1" -- sh -c \
		'echo >/dev/null && cat /proc/self/status >/dev/null && [ ! -L /tmp ] && [ ! -L /dev ] && [ ! -L /var ] && touch /tmp/x /run 2>/dev/null; echo ok'
	ok "$2, hostile: /etc is not the link's" says sandbox jail -m "$1" -- cat /etc/hosts
	ok "$2, hostile: a destination through its link is refused" says "symbolic link" jail -m "$1" -b "$T/low:/etc/link/x" -- true
	ok "$2, hostile: from the top it stays inside" prints below jail -m "$1" -b "$T/low:/link/x" -- cat "$T/outside/x/file"
	ok "$2, hostile: nothing was made outside" prints "$before" sh -c "find $T/outside | sort"
}
for AS in root user; do
	with "--ro-bind=$T/root:/" directory
	flags "--ro-bind=$T/root:/" directory
	flags "--overlay=$T/root:/" overlay
	trap_ "--ro-bind=$T/trap:/" directory
	own=()
	[ $AS = user ] || own=(-u 4242)
	ok "overlay as root: it can be written to" prints y jail "${own[@]}" -m "--overlay=$T/own:/" -- sh -c 'echo y >/opt/new && cat /opt/new'
	ok "and what was written is gone" test ! -e "$T/own/opt/new"
	trap_ "--overlay=$T/trap:/" overlay
done

loops() { grep -c . <(losetup -a) || :; }
for kind in squashfs erofs; do
	AS=
	command -v mk$kind mkfs.$kind mksquashfs >/dev/null || { skip "$kind" "no program to make one"; continue; }
	grep -q "$kind" /proc/filesystems || { skip "$kind" "not in this kernel"; continue; }
	case $kind in
	squashfs) make() { mksquashfs "$1" "$2" -quiet -no-progress -no-xattrs; } ;;
	erofs) make() { mkfs.erofs -x-1 "$2" "$1"; } ;;
	esac
	make "$T/root" "$T/$kind.img" >/dev/null 2>&1
	make "$T/trap" "$T/$kind.trap" >/dev/null 2>&1
	for AS in root; do
		with "--image=$T/$kind.img" "$kind"
		flags "--image=$T/$kind.img" "$kind"
		trap_ "--image=$T/$kind.trap" "$kind"
		ok "$kind: as a tree of tools" prints "state" jail -m "--image=$T/$kind.img:/srv/tools" -- cat /srv/tools/var/lib/state
		ok "$kind: noexec" says "ermission denied" jail -m "--image=$T/$kind.img:/srv/tools:noexec" -- /srv/tools/bin/id
		ok "$kind: nosuid, nodev, read-only" says "ro,nosuid,nodev" jail -m "--image=$T/$kind.img:/srv/tools" -- grep /srv/tools /proc/self/mounts
		n=$(loops)
		jail -m "--image=$T/$kind.img:/srv/tools" -- bash -c "exec -a hold-$kind sleep 1000" >/dev/null 2>&1 &
		job=$!
		more() { losetup -a; [ "$(loops)" -gt "$n" ]; }
		running() { pgrep -f "^hold-$kind" >/dev/null; }
		wait_for running
		[ $kind = erofs ] || ok "control: $kind: while it runs there is one" more
		kill -9 "$(launcher "hold-$kind")"
		wait $job 2>/dev/null || :
		same() { [ "$(loops)" = "$n" ]; }
		mkdir -p "$T/memory"
		mount -t tmpfs none "$T/memory"
		cp "$T/$kind.img" "$T/memory/img"
		ok "$kind: from a file in memory" prints state jail -m "--image=$T/memory/img:/srv/tools" -- cat /srv/tools/var/lib/state
		umount "$T/memory"
		ok "$kind: no loop device is left when all is killed" wait_for same
	done
	AS=user
	ok "$kind: an ordinary user is told why not" says "lets root alone mount images" jail -m "--image=$T/$kind.img" -- true
done
AS=root
head -c 65536 /dev/zero >"$T/zero.img"
{ printf 'hsqs'; head -c 65532 /dev/urandom; } >"$T/bad.img"
ok "what is no image is refused" says "neither squashfs nor erofs" jail -m "--image=$T/zero.img" -- true
ok "a damaged one is refused" exits 125 jail -m "--image=$T/bad.img" -- true
ok "and leaves no loop device" same
ok "a directory is refused" says "not a file" jail -m "--image=$T/root" -- true
AS=
done_testing
