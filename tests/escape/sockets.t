#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sockets, keys and what a program could learn: nothing of the host's, nothing of the caller's.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

ip link set lo up
"$P" abstract sluice-escape listen >"$T/abs.out" &
mkdir -p "$T/sock"
chmod 777 "$T/sock"
"$P" unix "$T/sock/s" listen >"$T/unix.out" &
wait_for test -S "$T/sock/s"
wait_for grep -q ready "$T/abs.out"
chmod 777 "$T/sock/s"
socat TCP4-LISTEN:7777,fork,reuseaddr /dev/null &
wait_for sh -c "ss -Hltn | grep -q :7777"
connects() { sh_ "exec 3<>/dev/tcp/127.0.0.1/7777"; }

ok "control: outside, the abstract socket answers" prints ok as user "$P" abstract sluice-escape
ok "control: outside, the pathname socket answers" prints ok as user "$P" unix "$T/sock/s"
ok "control: outside, the listener on loopback answers" bash -c "exec 3<>/dev/tcp/127.0.0.1/7777"
ok "control: outside, the caller's session key is seen" prints ok "$P" key "$P" key
for AS in root user; do
	ok "the host's abstract socket does not answer" prints ECONNREFUSED in_ "$P" abstract sluice-escape
	ok "nor without the filter" prints ECONNREFUSED jail -S -- "$P" abstract sluice-escape
	ok "a pathname socket is not there unless it is bound" prints ENOENT in_ "$P" unix "$T/sock/s"
	ok "the host's loopback does not answer" says "refused" in_ bash -c "exec 3<>/dev/tcp/127.0.0.1/7777"
	link=$(alone || echo eth0)
	ok "the only devices are lo and the link" prints "$(printf '%s\n' $link lo)" sh_ "ls /proc/sys/net/ipv4/conf | grep -vx -e all -e default"
	ok "lo is up" prints "LOOPBACK,UP,LOWER_UP" sh_ "ip -o link show lo | sed 's/.*<\\(.*\\)>.*/\\1/'"
	! alone || ok "there is no route" prints "" in_ ip route
	ok "routes and addresses are not changed" says "Operation not permitted" sh_ "ip addr add 10.0.0.1/24 dev lo; ip route add default dev lo"
	ok "nor without the filter" says "Operation not permitted" jail -S -- ip link set lo down
	ok "a raw socket is refused without the filter" prints EPERM jail -S -- sh -c "echo native 41 2 3 1 | $P calls"
	ok "a packet socket is refused without the filter" prints EPERM jail -S -- sh -c "echo native 41 17 3 0 | $P calls"
	ok "loopback works inside" prints hello in_ bash -c "socat -u TCP4-LISTEN:80 STDOUT & while ! echo hello 2>/dev/null >/dev/tcp/127.0.0.1/80; do :; done; wait"
	ok "the caller's session key is not seen" says "EPERM" as "$AS" "$P" key "$T/bin/jailrun" -b "$T/bin" -- "$P" key
	ok "nor without the filter" prints ENOKEY as "$AS" "$P" key "$T/bin/jailrun" -S -b "$T/bin" -- "$P" key
	ok "the caller's environment stays outside" prints "" \
		as "$AS" env SECRET=x LD_PRELOAD= AWS_SECRET_ACCESS_KEY=y SSH_AUTH_SOCK=/z "$T/bin/jailrun" -- \
		sh -c "env | grep -e SECRET -e LD_ -e SSH_"
	ok "only the safe names are there" prints "HOME LANG LOGNAME PATH PIP_RETRIES PWD TERM USER npm_config_fetch_retry_maxtimeout npm_config_fetch_retry_mintimeout " \
		as "$AS" env -i TERM=dumb LANG=C FOO=1 "$T/bin/jailrun" -- sh -c "env | cut -d= -f1 | grep -v '^_' | sort | tr '\\n' ' '"
	ok "it can be kept" prints x as "$AS" env FOO=x "$T/bin/jailrun" -E -- printenv FOO
	ok "a name can be set" prints y as "$AS" env FOO=x "$T/bin/jailrun" -E -e FOO=y -- printenv FOO
	! alone || ok "a name without value is an error" exits 125 jail -e FOO -- true
	ok "the host's name is not told" prints sandbox in_ hostname
	ok "another can be given" prints box.test jail -h box.test -- hostname
	ok "but not one with a newline" exits 125 jail -h "$(printf 'a\n1.2.3.4 pypi.org')" -- true
	ok "the caller's arguments are not told" not says jailrun sh_ "cat /proc/*/cmdline"
	ok "other users' names are not told" not sh_ "grep -e daemon -e www-data -e 4242:4242:.*home/[^u] /etc/passwd"
	ok "resolver and names are the jail's own" prints "100.96.0.1 fd73:6c75:6963:6500::1 " \
		sh_ "awk '/^nameserver/ { printf \"%s \", \$2 }' /etc/resolv.conf"
	ok "the kernel log is closed" says "not permitted" in_ dmesg
	ok "System V shared memory of the host is not seen" prints 0 sh_ "ipcs -m | grep -c 0x; :"
done
AS=
done_testing
