#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices: what was not granted is not there and cannot be made; what was is opened, and told what its list says and nothing
# else. The nodes are the machine's, made anew in a private place so that an ordinary user may open them.
set -eu
ESCAPE_RUN=sluice
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

cp -r "$SLUICE_BUILD/devices" "$T/bin"
mkdir "$T/dev"
for n in kvm fuse net/tun null; do
	node=$T/dev/${n#*/}
	[ -c /dev/$n ] || continue
	mknod "$node" c $((0x$(stat -c %t /dev/$n))) $((0x$(stat -c %T /dev/$n)))
	chmod 666 "$node"
	mount --bind "$node" /dev/$n
done
mknod "$T/dev/disk" b 7 0
mknod "$T/dev/mem" c 1 1
chmod 666 "$T/dev"/*
mknod "$T/share/fuse" c 10 229
chmod 666 "$T/share/fuse"
printf '0x8004e500 FUSE_DEV_IOC_CLONE\n' >"$T/own.list"
printf 'FIONREAD # known by its name\n0x800400cf/0xffff00ff\n' >"$T/tun.list"
printf '0xzz\n' >"$T/bad.list"
printf 'node /dev/kvm\n' >"$T/node.list"
printf 'version: 1\ndevice: [tun, "/dev/fuse:%s"]\n' "$T/own.list" >"$T/p.yaml"
printf 'version: 1\ndevice: "/dev/fuse:./own.list"\n' >"$T/q.yaml"
ln -s /dev/fuse "$T/home/link"
chown -h 4242:4242 "$T/home/link"
chmod 644 "$T"/*.yaml
chmod 644 "$T"/*.list

d() { jail -m --net=none "$@"; }
aloud() { as "$AS" "$T/bin/sluice" run --net none "$@"; }
# Root's second wall, from the outside: what a process that is put into the jail's cgroup can open.
joined() {	# joined DIR NODE
	bash -c 'echo $$ >"$0/cgroup.procs" && : <>"$1"' "$@"
}
cgroup_test() {	# cgroup_test v1|v2 MOUNT CONTROLLER
	local what=$1 dir pid
	d -m --device=/dev/fuse -- sleep "60.${1#v}" &
	wait_for pgrep -xf "sleep 60.${1#v}"
	pid=$(pgrep -xf "sleep 60.${1#v}")
	dir=$2$(sed -n "s/^[0-9]*:$3://p" "/proc/$pid/cgroup")
	ok "$what: the jail has a cgroup of its own" test "$dir" != "$2/"
	ok "$what: which opens what was granted" joined "$dir" /dev/fuse
	ok "$what: and what harms nobody" joined "$dir" /dev/null
	ok "$what: control: the other node opens" bash -c ': <>/dev/net/tun'
	ok "$what: not from there" says "Operation not permitted" joined "$dir" /dev/net/tun
	ok "$what: nor is a node made from there" says "Operation not permitted" bash -c 'echo $$ >"$0/cgroup.procs"
		exec mknod "$1" c 10 229' "$dir" "$T/made.$what"
	kill "$(pgrep -f "sluice run .*sleep 60.${1#v}" | head -n 1)"
	wait || :
	ok "$what: and it is gone with the jail" test ! -e "$dir"
}
told() { d "$@" -- true; }
FEATURES=0x800454cf	# TUNGETFEATURES

for AS in root user; do
	ok "control: a node opens outside" prints ok as "$AS" "$P" open /dev/fuse 2
	ok "one that was not granted is not there" prints ENOENT d -- "$P" open /dev/fuse 2
	ok "nor with another that was" prints ENOENT d -m --device=/dev/net/tun -- "$P" open /dev/fuse 2
	ok "there is nothing in /dev but what harms nobody" prints \
		"fd full null ptmx pts random shm stderr stdin stdout tty urandom zero" d -- sh -c 'echo $(ls /dev)'
	[ "$AS" = user ] || ok "control: a node can be made outside" mknod "$T/made$AS" c 10 229
	ok "none can be made inside" prints EACCES d -- "$P" node /tmp/node 10 229
	ok "nor without the filter" prints EPERM d -S -L off -- "$P" node /tmp/node 10 229
	ok "nor with the capability" prints EPERM d -S -L off -m --cap-add=mknod -- "$P" node /tmp/node 10 229
	ok "control: by its number in a directory it opens outside" prints ok as "$AS" "$P" open "$T/share/fuse" 2
	ok "in a bind it does not" prints EACCES d -S -L off -w "$T/share:/srv" -- "$P" open /srv/fuse 2
	ok "nor beside one that was granted" prints EACCES d -S -L off -m --device=/dev/fuse -w "$T/share:/srv" -- "$P" open /srv/fuse 2

	ok "a granted node opens" prints ok d -m --device=/dev/fuse -- "$P" open /dev/fuse 2
	ok "also behind Landlock" prints ok d -L require -m --device=/dev/fuse -- "$P" open /dev/fuse 2
	ok "and is the one" prints "a:e5" d -m --device=/dev/fuse -- stat -c %t:%T /dev/fuse
	ok "its mode stays" says "Read-only" d -L off -m --device=/dev/fuse -- chmod 777 /dev/fuse
	ok "it is not taken away" prints EPERM d -S -L off -m --device=/dev/fuse -- "$P" umount /dev/fuse
	ok "null, given once more, is null" prints "1:3" d -m --device=/dev/null -- stat -c %t:%T /dev/null

	ok "control: tun answers outside" prints ok as "$AS" "$P" ioctl /dev/net/tun $FEATURES
	ok "without a list it answers inside" prints ok d -m --device=/dev/net/tun -- "$P" ioctl /dev/net/tun $FEATURES
	ok "and is asked anything" not prints EPERM d -m --device=/dev/net/tun -- "$P" ioctl /dev/net/tun 0xae00
	ok "tun: what is on its list works" prints ok d -m --device=tun -- "$P" ioctl /dev/net/tun $FEATURES
	ok "tun: what is off it does not" prints EPERM d -m --device=tun -- "$P" ioctl /dev/net/tun 0xae00
	ok "tun: the upper half of the register does not count" prints ok \
		d -m --device=tun -- "$P" ioctl /dev/net/tun 0x1$(printf %08x $FEATURES)
	ok "tun: it lets nothing else in" prints EPERM d -m --device=tun -- "$P" ioctl /dev/net/tun 0x10000ae00
	ok "fuse: a list of one's own" prints EPERM d -m --device=/dev/fuse:"$T/own.list" -- "$P" ioctl /dev/fuse $FEATURES
	ok "fuse: what is on it reaches the device" not prints EPERM d -m --device=/dev/fuse:"$T/own.list" -- "$P" ioctl /dev/fuse 0x8004e500
	ok "a preset is a list for a node elsewhere" prints ok \
		d -m --device="$T/dev/tun:tun" -- "$P" ioctl "$T/dev/tun" $FEATURES
	ok "a mask leaves bits out" prints ok d -m --device=/dev/net/tun:"$T/tun.list" -- "$P" ioctl /dev/net/tun $FEATURES
	ok "and no others" prints EPERM d -m --device=/dev/net/tun:"$T/tun.list" -- "$P" ioctl /dev/net/tun 0x800554cf
	ok "lists of two add up" prints ok d -m --device=tun -m --device=/dev/fuse:"$T/own.list" -- "$P" ioctl /dev/net/tun $FEATURES

	if [ -c /dev/kvm ]; then
		ok "control: kvm works outside" prints ok as "$AS" "$P" ioctl /dev/kvm 0xae00 0
		ok "kvm: it does inside" prints ok d -m --device=kvm -- "$P" ioctl /dev/kvm 0xae00 0
		ok "kvm: a machine is made" prints ok d -m --device=kvm -- "$P" ioctl /dev/kvm 0xae01 0
		ok "kvm: what no list has is refused" prints EPERM d -m --device=kvm -- "$P" ioctl /dev/kvm 0xaeff 0
		ok "kvm: by the list" prints EINVAL d -m --device=/dev/kvm -- "$P" ioctl /dev/kvm 0xaeff 0
	else
		skip "kvm" "no /dev/kvm"
	fi

	# SIOCGIFTXQLEN and TIOCEXCL are on no list, SIOCGIFFLAGS and TIOCGWINSZ on the basic one.
	ok "control: a socket is asked without a list" prints ok d -m --device=/dev/net/tun -- "$P" ioctl socket 0x8942
	ok "a list holds for sockets, too" prints EPERM d -m --device=tun -- "$P" ioctl socket 0x8942
	ok "which keep what every program needs" prints ok d -m --device=tun -- "$P" ioctl socket 0x8913
	ok "control: a terminal is asked without a list" says ok d -P -m --device=/dev/net/tun -- "$P" ioctl /dev/tty 0x540c
	ok "and for terminals" says EPERM d -P -m --device=tun -- "$P" ioctl /dev/tty 0x540c
	ok "which do, too" says ok d -P -m --device=tun -- "$P" ioctl /dev/tty 0x5413
	ok "what the profile refuses no list gives back" prints EPERM d -m --device=tun -- "$P" ioctl /dev/net/tun 0x5412

	log=$T/share/log.$AS
	ok "a log does not change the answer" prints ok d -m --device=tun -m --device-log="$log" -- "$P" ioctl /dev/net/tun 0x1$(printf %08x $FEATURES)
	ok "it tells the command" says '"command":"0x800454cf"' cat "$log"
	ok "and the file" says '"file":"/dev/net/tun"' cat "$log"
	ok "once" prints 1 sh -c "wc -l <$log"
	ok "it is appended to" d -m --device=/dev/net/tun -m --device-log="$log" -- "$P" ioctl socket 0x8942
	ok "without a list, and for all that is no basic command" says '"command":"0x00008942"' tail -n 1 "$log"
	ok "what is refused is refused" prints EPERM d -m --device=tun -m --device-log="$log" -- "$P" ioctl /dev/net/tun 0xae00
	ok "also what the profile refuses" prints EPERM d -m --device-log="$log" -- "$P" ioctl socket 0x5412
	ok "nobody else has the listener" prints EPERM d -m --device-log="$log" -- "$P" listener
	ok "and neither is told, nor what is basic" prints 2 sh -c "wc -l <$log"
	ok "the filter tells one of log and trace" says "leave one out" told -M trace -m --device-log="$log"
	ok "one line tells what holds them" says "sluice: 1 device, held by mounts, Landlock, " aloud --device tun -- true
	ok "also what does not" says "no Landlock" aloud --landlock off --device tun -- true
	ok "without a device there is none" not says "held by" aloud -- true
	ok "a disk needs a word" says "or say --let raw-devices" told -m --device="$T/dev/disk"
	ok "so does the machine's memory" says "or say --let raw-devices" told -m --device="$T/dev/mem"
	ok "with it it is there" prints "1:1" d -m --let=raw-devices -m --device="$T/dev/mem" -- stat -c %t:%T "$T/dev/mem"
	ok "a terminal of the host needs it, too" says "or say --let raw-devices" told -m --device=/dev/ttyS0
	ok "a symlink that a user could have put there is not followed" says "is not the system's" told -m --device="$T/home/link"
	ok "a profile has devices as well" prints ok d -m --profile="$T/p.yaml" -- "$P" ioctl /dev/net/tun $FEATURES
	ok "and their lists" prints EPERM d -m --profile="$T/p.yaml" -- "$P" ioctl /dev/net/tun 0xae00
	ok "which it names by their whole path" says "not absolute" told -m --profile="$T/q.yaml"
	ok "no device, no grant" says "not a device" told -m --device=/etc/passwd
	ok "a device that is missing is named" says "there is no /dev/nvidia" told -m --device=gpu-nvidia:0
	ok "which of several must be said" says "say which" told -m --device=gpu-nvidia
	ok "a wrong list is told by its line" says "line 1: 0xzz" told -m --device=/dev/fuse:"$T/bad.list"
	ok "it grants no nodes" says "names commands only" told -m --device=/dev/fuse:"$T/node.list"
	ok "a preset that there is none of" says "no such preset" told -m --device=floppy
	ok "nor a way out of their directory" says "not a preset" told -m --device=../../etc/passwd
	ok "a list without the filter is none" says "the filter is what holds the list" told -S -m --device=tun
done

AS=root
v2=$(findmnt -nro TARGET -t cgroup2 | head -n 1)
if [ -w /sys/fs/cgroup/devices/devices.deny ] || [ -e /sys/fs/cgroup/devices/devices.list ]; then
	cgroup_test v1 /sys/fs/cgroup/devices devices
	umount /sys/fs/cgroup/devices
else
	skip "cgroup v1" "its device controller is not mounted"
fi
if [ -n "$v2" ] && [ -w "$v2/cgroup.procs" ]; then
	cgroup_test v2 "$v2" ""
	umount "$v2"
else
	skip "cgroup v2" "it is not mounted"
fi
ok "without cgroups the mounts hold them all the same" says "no device cgroup" aloud --device tun -- true
ok "and what is granted opens" prints ok d -m --device=/dev/fuse -- "$P" open /dev/fuse 2
done_testing
