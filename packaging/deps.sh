#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing, and says nothing when none is.
#
#	deps.sh [build] [test] [bench] [demo] [lint] [bypass] [escape]
#
# Works on Debian 12 and its relatives, as root; else it says in a line what to install. A service that
# comes with a package (nginx, knot) is neither started nor left enabled: tests run their own instance.
set -eu

# What the four programs are built with.
build="gcc libc6-dev linux-libc-dev binutils patch xz-utils debian-archive-keyring
	clang bpftool libbpf-dev libxdp-dev libmnl-dev libcap-dev libseccomp-dev libjansson-dev
	libyaml-dev libidn2-dev libunistring-dev libpsl-dev nettle-dev node-llhttp"
# What plays the Internet, the containers and the peers around them.
lab="iproute2 iputils-ping ethtool procps util-linux nginx knot bind9-dnsutils iperf3 curl socat openssl
	python3 jq tshark nftables ca-certificates"
test="$build $lab perl git pkg-config wget gron tcpdump python3-pip libcmocka-dev gcc-multilib libclang-rt-14-dev runc crun wrk nodejs
	slirp4netns passt ngtcp2-client ngtcp2-server musl-tools squashfs-tools erofs-utils busybox uidmap"
bench="$build $lab wrk slirp4netns passt bubblewrap firejail crun runc"
demo="$build $lab"
# The other gateways of the corpus of attacks.
bypass="$build $lab nodejs npm bubblewrap ripgrep"
# The other jails of the battery.
escape="$build $lab bubblewrap firejail"
lint="$build libcmocka-dev cppcheck clang-tidy"
services="nginx knot"

fail() { echo "deps: $*" >&2; exit 1; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

wanted=
for list in "$@"; do
	case $list in
	build | test | bench | demo | lint | bypass | escape) eval "wanted=\"\$wanted \$$list\"" ;;
	*) fail "no list is called $list" ;;
	esac
done
# Packages under another name elsewhere, or of another architecture.
# llhttp's sources come without Node.js in node-llhttp; the library, where there is one, is preferred.
! pkg-config --exists libllhttp 2>/dev/null || wanted=$(echo "$wanted" | sed 's/node-llhttp//g')
[ "$(uname -m)" = x86_64 ] || wanted=$(echo "$wanted" | sed 's/gcc-multilib//g')

# Node's own packages bring npm along.
! command -v npm >/dev/null || wanted=$(echo "$wanted" | sed 's/\<npm\>//g')

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
	fail "not a Debian system: install the like of" $(echo $wanted | tr ' ' '\n' | sort -u) \
		"by hand, then run make with DEPS=0"
missing=
for p in $(echo $wanted | tr ' ' '\n' | sort -u); do
	is_installed "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || fail "not root, and these packages are missing:$missing (run: sudo make deps)"

echo "deps: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
new=
for s in $services; do
	case " $missing " in *" $s "*) new="$new $s" ;; esac
done

# Packages start their services through these two programs. In a mount namespace of our own they are
# replaced by one that does nothing; unlike a policy-rc.d file this cannot be left behind.
quietly() {
	unshare --mount --propagation private true 2>/dev/null || { RUNLEVEL=1 "$@"; return; }
	unshare --mount --propagation private sh -c '
		for p in /usr/sbin/invoke-rc.d /usr/bin/deb-systemd-invoke; do
			[ ! -e $p ] || mount --bind /bin/true $p
		done
		exec "$@"' sh "$@"
}
apt() {
	DEBIAN_FRONTEND=noninteractive quietly apt-get -q -y -o DPkg::Lock::Timeout=300 \
		-o Acquire::Retries=3 -o APT::Install-Recommends=false "$@" </dev/null >"$log" 2>&1
}
apt update || { tail -n 5 "$log" >&2; fail "cannot read the package lists"; }
apt install -o Dpkg::Options::=--force-confold -- $missing ||
	{ tail -n 20 "$log" >&2; fail "cannot install$missing"; }
for s in $new; do
	update-rc.d "$s" disable >/dev/null 2>&1 || :
	systemctl -q disable --now "$s" >/dev/null 2>&1 || :
done
