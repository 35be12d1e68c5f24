#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files and mounts: nothing of the host but what was bound, nothing writable but what was meant to be.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

up=$(printf '../%.0s' $(seq 40))
mkdir -p "$T/ro/sub" "$T/rw" "$T/host"
echo old >"$T/ro/file"
echo old >"$T/host/file"
mount -t tmpfs none "$T/ro/sub"
echo old >"$T/ro/sub/file"
cp "$T/bin/probe" "$T/ro/suidprobe"
cp "$T/bin/probe" "$T/ro/probe"
chmod 777 "$T/ro/probe"
chmod 4755 "$T/ro/suidprobe"
cp "$T/bin/probe" "$T/ro/capprobe"
setcap cap_sys_admin,cap_sys_chroot,cap_mknod+ep "$T/ro/capprobe" 2>/dev/null || rm "$T/ro/capprobe"
mknod "$T/ro/null" c 1 3
chmod 666 "$T/ro/null"
chmod 666 "$T/ro/file" "$T/ro/sub/file"
chmod 777 "$T/ro" "$T/ro/sub" "$T/rw" "$T/host"

ok "control: outside, the planted file is read by each way" sh -c "cat $T/secret /$up$T/secret /proc/1/root$T/secret"
ok "control: outside, root leaves a chroot" prints ok "$P" chroot
ok "control: outside, the set-user-ID program works" says "uid 4242 0 0" as user "$T/ro/suidprobe" ids
ok "control: outside, the tree is writable" sh -c "echo x >$T/ro/sub/file && echo x >$T/ro/file"
ok "control: outside, root remounts and unmounts" sh -c "mkdir $T/host/m; mount --bind $T/host $T/host/m &&
	mount -o remount,bind,ro $T/host/m && $P remount $T/host/m && $P umount $T/host/m; rmdir $T/host/m"
ok "control: outside, root makes device nodes" sh -c "$P mknod && rm /tmp/node"
for AS in root user; do
	export AS
	ok "the planted file is not there" says "No such file" sh_ "cat $T/secret"
	ok "nor above the root" says "No such file" sh_ "cat /$up$T/secret"
	ok "nor through the first process's root" says "Permission denied" sh_ "cat /proc/1/root$T/secret"
	ok "nor through its working directory" says "Permission denied" sh_ "ls /proc/1/cwd/"
	ok "nor through one's own root" says "No such file" sh_ "cat /proc/self/root/$up$T/secret"
	ok "nor through one's own working directory" says "No such file" sh_ "cat /proc/self/cwd/$up$T/secret"
	ok "nor through the first process's maps and descriptors" says "Permission denied" sh_ "ls /proc/1/fd /proc/1/map_files"
	ok "chroot is refused" prints EPERM in_ "$P" chroot
	ok "chroot is refused without the filter" prints EPERM jail -S -- "$P" chroot
	for n in 3 7 20; do
		ok "working directory /proc/self/fd/$n does not exist" says "cannot change to /proc/self/fd/$n" \
			as "$AS" "$P" dirfd $n / "$T/bin/jailrun" -d /proc/self/fd/$n -- pwd
	done
	ok "a directory as standard input is refused" says "descriptor 0 is a directory" \
		as "$AS" "$P" dirfd 0 / "$T/bin/jailrun" -- true
	ok "control: a hundred descriptors reach a plain child" says "fd 102" as "$AS" "$P" hold "$P" fds
	ok "not one of them reaches the program" prints end as "$AS" "$P" hold "$T/bin/jailrun" -b "$T/bin" -- "$P" fds
	ok "closed standard streams come as /dev/null" exits 0 as "$AS" "$P" closed "$T/bin/jailrun" -- \
		sh -c 'for n in 0 1 2; do [ /proc/self/fd/$n -ef /dev/null ] || exit 9; done'
	ok "the root is read-only" says "Read-only file system" sh_ "mkdir /new"
	ok "so is /etc" says "Read-only file system" sh_ "echo x >>/etc/hosts; rm /etc/passwd"
	ok "so is /usr" says "Read-only file system" sh_ "echo x >/usr/bin/new"
	ok "so are the device nodes themselves" says "Read-only file system" sh_ "chmod 777 /dev/null"
	ok "a device can still be written to" sh_ "echo x >/dev/null"
	ok "a read-only bind is read-only" says "Read-only file system" jail -b "$T/ro" -- sh -c "echo x >$T/ro/file"
	ok "so is a mount below it" says "Read-only file system" jail -b "$T/ro" -- sh -c "echo x >$T/ro/sub/file"
	ok "truncating it is refused" prints EROFS jail -b "$T/ro" -- "$P" truncate "$T/ro/file"
	ok "remounting it is refused" prints EPERM jail -b "$T/ro" -- "$P" remount "$T/ro"
	ok "and without the filter" prints EPERM jail -S -b "$T/ro" -- "$P" remount "$T/ro"
	ok "unmounting a cover is refused without the filter" prints EPERM jail -S -- "$P" umount /proc/sys
	ok "a device on a bind does not open" says "Permission denied" jail -b "$T/ro" -- sh -c "echo x >$T/ro/null"
	ok "a set-user-ID program stays what it is" says "0 0" jail -S -b "$T/ro" -- sh -c \
		"[ \"\$($T/ro/suidprobe ids)\" = \"\$($P ids)\" ] && echo 0 0"
	[ ! -f "$T/ro/capprobe" ] ||
		ok "so does one with file capabilities" prints EPERM jail -S -b "$T/ro" -- "$T/ro/capprobe" chroot
	ok "device nodes are not made" not prints ok in_ "$P" mknod
	ok "nor without Landlock" prints EPERM jail -L off -- "$P" mknod
	ok "a hard link out of the writable place is refused" prints EXDEV \
		jail -b "$T/ro" -w "$T/rw" -- "$P" link "$T/ro/file" "$T/rw/link"
	ok "files by handle are refused" prints EPERM in_ "$P" handle /usr
	ok "and without the filter" prints EPERM jail -S -- "$P" handle /usr
	ok "sysctls are read-only" says "Read-only file system" sh_ "echo 1 >/proc/sys/kernel/core_pattern; echo 1 >/proc/sys/net/ipv4/ip_forward"
	ok "sysrq is closed" not in_ "$P" open /proc/sysrq-trigger 1
	ok "there is no /sys" says "No such file" sh_ "ls /sys/kernel"
	ok "kernel memory, keys, timers and symbols are covered" prints "$(printf '0 %s\n' kcore keys timer_list kallsyms)" \
		sh_ 'for f in kcore keys timer_list kallsyms; do echo "$(cat /proc/$f 2>/dev/null | wc -c) $f"; done'
	ok "the program cannot open the launcher through /proc/1/exe" prints EACCES in_ "$P" open /proc/1/exe 0
	ok "a full /tmp is an error, not the machine's end" says "No space left" sh_ "for i in \$(seq 500000); do : >/tmp/\$i || exit; done"
	ok "what is written inside is gone, and was never outside" sh -c "
		'$T/bin/jailrun' -- sh -c 'echo x >/tmp/left-behind; echo x >~/left-behind' && [ ! -e /tmp/left-behind ]"
	ok "a writable bind is writable" jail -w "$T/rw" -- sh -c "echo x >$T/rw/new-$AS"
	ok "and what was written is there" test -s "$T/rw/new-$AS"
done
AS=
ok "uid 0 reads none of the host's private keys" says "No such file" "$T/bin/jailrun" -u 0 -- ls /etc/ssl/private
ok "uid 0 cannot change the host's nodes" says "Read-only" "$T/bin/jailrun" -u 0 -S -- chmod 600 /dev/null
ok "uid 0 writes no sysctl" says "Read-only" "$T/bin/jailrun" -u 0 -S -- sh -c "echo x >/proc/sys/kernel/hostname"
ok "uid 0 makes no device nodes" prints EPERM "$T/bin/jailrun" -u 0 -S -L off -b "$T/bin" -- "$P" mknod
ok "uid 0 uncovers nothing" prints EPERM "$T/bin/jailrun" -u 0 -S -b "$T/bin" -- "$P" umount /proc/sys
done_testing
