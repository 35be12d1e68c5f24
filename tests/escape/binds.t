#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Binds: sources and destinations that are symlinks, that change while the jail is made, that do not exist.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

mkdir -p "$T/dir/sub" "$T/outside"
echo inside >"$T/dir/file"
chmod 777 "$T/dir" "$T/outside"
ln -s "$T/outside" "$T/dir/link"
ln -s /etc "$T/dir/etc"
tree() { find "$1" | sort; }

for AS in root user; do
	ok "a missing source is named" says "$T/nope: No such file" jail -b "$T/nope" -- true
	ok "its status is 125" exits 125 jail -b "$T/nope" -- true
	ok "a file can be bound" prints inside jail -b "$T/dir/file:/srv/a/b" -- cat /srv/a/b
	ok "over a file of the jail's own" prints inside jail -b "$T/dir/file:/etc/hosts" -- cat /etc/hosts
	ok "below the jail's own link /lib" prints inside jail -b "$T/dir/file:/lib/os-release" -- cat /lib/os-release
	ok "a file is not bound over a directory" exits 125 jail -b "$T/dir/file:/etc" -- true
	ok "nothing is made in a directory of the host" says "not made in a directory of the host" \
		jail -w "$T/dir" -b "$T/dir/file:$T/dir/new/file" -- true
	ok "and nothing was" test ! -e "$T/dir/new"
	ok "nothing is made below the read-only /usr" says "not made in a directory of the host" \
		jail -b "$T/dir/file:/usr/new" -- true
	ok "a symlink as destination is refused" says "symbolic link" jail -w "$T/dir" -b "$T/dir/sub:$T/dir/link" -- true
	ok "a symlink on the way is refused" says "symbolic link" jail -w "$T/dir" -b "$T/dir/file:$T/dir/etc/hosts" -- true
	ok "dots in the destination are refused" says '"."' jail -b "$T/dir:/srv/../etc" -- true
	ok "nothing is bound over /proc" says "over / or /proc" jail -b "$T/dir:/proc/sys" -- true
	ok "nothing but a tree is put over /" says "over / or /proc" jail -m --tmpfs=/ -- true
	ok "the caller's directory is kept when it is bound" prints "$T/dir/sub" bash -c \
		"cd $T/dir/sub && $(declare -f as jail); T=$T AS=$AS; jail -b $T/dir -- pwd"
	ok "and is / when it is not" prints / bash -c "cd $T/outside && $(declare -f as jail); T=$T AS=$AS; jail -- pwd"
	ok "a directory that does not exist inside is named" says "cannot change to /nope inside" jail -d /nope -- true
	ok "it can be chosen" prints /usr/bin jail -d /usr/bin -- pwd
done

# A source that flips between a directory and a symlink: what is bound is one or the other, whole.
before=$(tree "$T/outside")
mkdir "$T/race"
"$P" swap "$T/race/flip" "$T/outside" >"$T/swap.out" 2>&1 &
swap=$!
wait_for grep -q ready "$T/swap.out"
flips() {
	local i out
	for i in $(seq 40); do
		# The destination lies below a writable bind whose parts change all the time.
		out=$("$T/bin/jailrun" -w "$T/race" -b "$T/dir/file:$T/race/flip/made" -- true 2>&1) && return 1
		case $out in
		*"not made in a directory of the host"* | *"symbolic link"*) ;;
		*) echo "$out"; return 1 ;;
		esac
	done
}
AS=root
ok "a destination that is swapped for a symlink leads nowhere" flips
ok "a source that is swapped is bound as it was found, or refused" sh -c "for i in \$(seq 20); do
	$T/bin/jailrun -b $T/race/flip:/srv/x -- sh -c '[ -d /srv/x ] && [ ! -L /srv/x ]' >$T/flip 2>&1 ||
		grep -q 'became a symbolic link' $T/flip || exit 1; done"
kill "$swap"
ok "nothing was made outside" prints "$before" tree "$T/outside"
done_testing
