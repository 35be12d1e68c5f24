#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches lwIP's source package from the Debian archive into DIR and unpacks it to DIR/src-tree.
#
#	fetch.sh DIR
#
# Everything apt needs (source list, lists, cache, state) is private to DIR, so nothing in the
# system's configuration changes. The archive's address is whatever the system already uses. Two
# independent checks: apt verifies the archive's signature, and the files must have the pinned sums.
set -eu

dir=$(mkdir -p "$1" && cd "$1" && pwd)
suite=trixie
version=2.2.1+dfsg1-1+deb13u1
sums="$(cd "$(dirname "$0")" && pwd)/SHA256SUMS"
stamp="$dir/stamp-$(cksum <"$sums" | cut -d' ' -f1)"

[ -f "$stamp" ] && exit 0
fail() { echo "vendor/lwip/fetch.sh: $*" >&2; exit 1; }

uri=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' 2>/dev/null |
	grep -v -e security | head -n 1)
[ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 2>/dev/null |
	grep '/debian/*$' | head -n 1)
[ -n "$uri" ] || fail "no Debian archive in apt's sources; run 'apt-get update', then try again"

rm -rf "$dir/apt" "$dir/dl" "$dir/src-tree"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/apt/parts" "$dir/dl"
: >"$dir/apt/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
cat >"$dir/apt/src.sources" <<-END
	Types: deb-src
	URIs: $uri
	Suites: $suite
	Components: main
	Signed-By: $keyring
END
cat >"$dir/apt/apt.conf" <<-END
	Dir::Etc::SourceList "$dir/apt/src.sources";
	Dir::Etc::SourceParts "$dir/apt/parts";
	Dir::State "$dir/apt";
	Dir::State::Lists "$dir/apt/lists";
	Dir::State::Status "$dir/apt/status";
	Dir::Cache "$dir/apt/cache";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
END
apt_private() { APT_CONFIG="$dir/apt/apt.conf" apt-get -q "$@" >"$dir/apt.log" 2>&1; }
apt_private update || { cat "$dir/apt.log" >&2; fail "cannot read the archive's index"; }
(cd "$dir/dl" && apt_private --download-only source "lwip=$version") ||
	{ cat "$dir/apt.log" >&2; fail "cannot download lwip $version from $suite"; }
(cd "$dir/dl" && sha256sum --quiet -c "$sums") || fail "checksum mismatch: not using these files"

# Unpacked by hand instead of with dpkg-source, which a machine with only a compiler does not have.
mkdir "$dir/src-tree"
tar -xf "$dir"/dl/lwip_*.orig.tar.* -C "$dir/src-tree" --strip-components=1
tar -xf "$dir"/dl/lwip_*.debian.tar.* -C "$dir/src-tree"
while read -r p; do
	case $p in ''|'#'*) continue ;; esac
	patch -d "$dir/src-tree" -p1 --quiet --no-backup-if-mismatch <"$dir/src-tree/debian/patches/${p%% *}" ||
		fail "Debian's patch $p does not apply"
done <"$dir/src-tree/debian/patches/series"
: >"$stamp"
echo "lwip $version: fetched and verified in $dir"
