#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ids and capabilities: ranges, mapped by root itself or by newuidmap; files whose ids are mapped; what --cap-add gives.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

# The user's ranges, in files of this test's own.
echo "4242:300000:65536" >"$T/sub"
chmod 644 "$T/sub"
touch /etc/subuid /etc/subgid
mount --bind "$T/sub" /etc/subuid
mount --bind "$T/sub" /etc/subgid
grep -q '^[^:]*:[^:]*:4242:' /etc/passwd || {
	{ cat /etc/passwd; echo "escape:x:4242:4242::/:/bin/sh"; } >"$T/passwd"
	chmod 644 "$T/passwd"
	mount --bind "$T/passwd" /etc/passwd
}
mkdir "$T/dir" "$T/idmap" "$T/roots"
chmod 777 "$T/dir"
echo own >"$T/idmap/file"
echo roots >"$T/roots/file"
chmod 600 "$T/idmap/file" "$T/roots/file"
chown -R 1717:1717 "$T/idmap"
chmod 700 "$T/idmap"
map() { sed 's/  */ /g; s/^ //' "/proc/self/$1"; }
caps() { echo "awk '/^Cap(Eff|Bnd|Amb)/ { print \$2 }' /proc/self/status | sort -u"; }

ok "control: outside, root changes its user" prints "1 1 1" sh -c "setpriv --reuid 1 --clear-groups $P ids | cut -d' ' -f2-"
for AS in root user; do
	case $AS in
	root) R=(-m --uid-map=0:300000:1000 -m --uid-map=5000:400000:10 -m --gid-map=0:300000:1000) want="0 300000 1000|5000 400000 10|" ;;
	user) command -v newuidmap >/dev/null || { skip "ranges" "no newuidmap"; continue; }
		R=(-m --uid-map=0:4242:1 -m --uid-map=1:300000:999 -m --gid-map=0:4242:1 -m --gid-map=1:300000:999) want="0 0 1|1 1 999|" ;;
	esac
	ok "ranges: the program is the first of them" prints "uid 0 0 0" jail "${R[@]}" -- "$P" ids
	ok "ranges: it sees them" prints "$want" jail "${R[@]}" -- sh -c "sed 's/  */ /g; s/^ //; s/\$/ /' /proc/self/uid_map | tr '\\n' '|' | sed 's/ |/|/g'"
	ok "ranges: --uid chooses another" prints "uid 33 33 33" jail "${R[@]}" -u 33 -- "$P" ids
	ok "ranges: one that is in none is refused" says "in none of the ranges" jail "${R[@]}" -u 2000 -- true
	ok "ranges: without a capability it stays who it is" prints EPERM jail "${R[@]}" -S -- "$P" setuid 5
	ok "--cap-add setuid: it takes one of its ids" prints ok jail "${R[@]}" -m --cap-add=setuid -- "$P" setuid 5
	ok "--cap-add setuid: no other" prints EINVAL jail "${R[@]}" -m --cap-add=setuid -- "$P" setuid 3000
	ok "--cap-add: this one and no other, over an exec too" prints "0000000000000080" jail "${R[@]}" -m --cap-add=setuid -- sh -c "$(caps)"
	ok "--cap-add: no set-user-ID program gains more" prints "0000000000000080" jail "${R[@]}" -m --cap-add=setuid -- sh -c "setpriv --no-new-privs true 2>/dev/null; $(caps)"
	ok "--cap-add chown: the ids of the ranges" prints "7" jail "${R[@]}" -m --cap-add=chown -w "$T/dir" -- sh -c \
		": >/tmp/f && chown 7 /tmp/f && stat -c %u /tmp/f"
	ok "--cap-add chown: not a file of somebody else's" says "not permitted" jail "${R[@]}" -m --cap-add=chown -m --cap-add=dac_override \
		-w "$T/dir" -w "$T/roots" -- sh -c "chown 7 $T/roots $T/roots/file"
	ok "--cap-add dac_override: nor read one" says "Permission denied" jail "${R[@]}" -m --cap-add=dac_override -b "$T/roots/file:/srv/f" -- cat /srv/f
	ok "--cap-add sys_admin: mounts nothing" prints EPERM jail "${R[@]}" -S -L off -m --cap-add=sys_admin -- "$P" umount /proc/sys
	ok "--cap-add sys_admin: makes no user namespace" prints EPERM jail "${R[@]}" -S -m --cap-add=sys_admin -- "$P" userns
	ok "--cap-add sys_admin, sys_ptrace: the first process stays closed" says "Permission denied" \
		jail "${R[@]}" -S -L off -m --cap-add=sys_admin -m --cap-add=sys_ptrace -- sh -c "ls /proc/1/fd"
	ok "--cap-add net_admin: not over the network" says "not permitted" jail -S -m --cap-add=net_admin -- ip link add x type dummy
	ok "--cap-add mknod: makes no device" prints EPERM jail "${R[@]}" -S -L off -m --cap-add=mknod -- "$P" mknod
	ok "a capability that there is none of is refused" says "no such capability" jail -m --cap-add=everything -- true
	ok "ranges that overlap are refused" exits 125 jail -m --uid-map=0:4242:1 -m --uid-map=0:300000:5 -- true
	ok "what is no range is refused" says "INSIDE:OUTSIDE:COUNT" jail -m --uid-map=0:1 -- true
done
grouped() {	# grouped jailrun-options: a file that is open to one of the caller's supplementary groups alone
	setpriv --reuid 4242 --regid 4242 --groups 4343 --inh-caps=-all "$T/bin/jailrun" "$@" -b "$T/group:/srv" -- cat /srv/file
}
mkdir "$T/group"
echo groups >"$T/group/file"
chown 1:4343 "$T/group/file"
chmod 040 "$T/group/file"
if command -v newgidmap >/dev/null; then
	ok "control: without ranges an ordinary user keeps the caller's groups" prints groups grouped
	ok "with ranges they are given up" says "Permission denied" grouped "${R[@]}"
else
	skip "groups" "no newgidmap"
fi
AS=user
ok "an ordinary user gets no ids but his own" says "newuidmap" jail -m --uid-map=0:0:1 -- true
ok "that is a failure of sluice" exits 125 jail -m --uid-map=0:0:1 -- true
AS=root
if "$T/bin/jailrun" -m "--bind=$T/idmap:/srv:idmap" -- true 2>/dev/null; then
	ok "control: somebody's directory is closed to the program" says "Permission denied" jail -w "$T/idmap:/srv" -- cat /srv/file
	ok "idmap: what is its owner's is the program's" prints own jail -m "--bind=$T/idmap:/srv:idmap" -- cat /srv/file
	ok "idmap: it sees itself as the owner" prints "65534 65534" jail -m "--bind=$T/idmap:/srv:idmap" -- stat -c '%u %g' /srv/file
	ok "idmap: what it makes is the owner's outside" prints "1717 1717" sh -c \
		"$T/bin/jailrun -m '--bind=$T/idmap:/srv:idmap' -- touch /srv/new && stat -c '%u %g' $T/idmap/new"
	chown 0:0 "$T/idmap/new"
	ok "idmap: what is another's is not" says "Permission denied" jail -m "--bind=$T/idmap:/srv:idmap" -- sh -c 'echo x >/srv/new'
	chown -R 5:5 "$T/idmap"
	ok "idmap with ranges: ids on disk are those inside" prints "uid 5 5 5 5 5" jail -m --uid-map=0:300000:100 -m --gid-map=0:300000:100 -u 5 \
		-m "--bind=$T/idmap:/srv:idmap" -b "$T/bin" -- sh -c "echo \$($P ids) \$(stat -c %u /srv/file) \$(cat /srv/file >/dev/null && echo 5) | cut -d' ' -f1-6"
else
	skip "idmap" "this file system has none"
fi
AS=user
ok "idmap is refused to an ordinary user" says "power over the file system" jail -m "--bind=$T/dir:/srv:idmap" -- true
done_testing
