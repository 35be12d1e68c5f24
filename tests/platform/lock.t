#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libsluice-lock as its users have it: installed, found by pkg-config, linked statically and shared; and the example.
: "${SLUICE_RELEASE:?is set by make test}"
top=$(cd "$(dirname "$0")/../.." && pwd)
d=$(mktemp -d /tmp/sluice-lock.XXXXXX)
trap 'rm -rf "$d"' EXIT
chmod 755 "$d"
n=0
ok() {		# ok WHAT COMMAND...
	what=$1
	shift
	n=$((n + 1))
	if "$@" >"$d/out" 2>&1; then echo "ok $n - $what"; else echo "not ok $n - $what"; sed 's/^/#   /' "$d/out"; fi
}
nobody() { if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; else "$@"; fi; }
refused() {	# refused COMMAND...: proves it, in both threads, and does its work
	nobody "$@" --prove "$d/numbers" >"$d/said" || return 1
	cat "$d/said"
	[ "$(grep -c ': Operation not permitted$' "$d/said")" = 10 ] && [ "$(tail -n 1 "$d/said")" = 5050 ]
}
build() {	# build NAME FLAG...: with what was installed, and nothing else
	name=$1
	shift
	# shellcheck disable=SC2046 # the words of pkg-config
	cc -Wall -Werror "$@" -o "$d/$name" "$top/examples/locked-sum.c" \
		$(PKG_CONFIG_PATH=$d/usr/lib/pkgconfig pkg-config --define-variable=prefix="$d/usr" --cflags --libs sluice-lock) -lpthread
}
install_lib() { MAKEFLAGS= make -s -C "$top" SAN= BUILD="$SLUICE_RELEASE" DESTDIR= PREFIX="$d/usr" install-lock; }

seq 100 >"$d/numbers"
ok "the example is refused all of it and adds up" refused "$SLUICE_RELEASE/examples/locked-sum"
ok "root with threads is told what is in the way" sh -c \
	"[ \$(id -u) != 0 ] || '$SLUICE_RELEASE/examples/locked-sum' --prove '$d/numbers' 2>&1 | grep -q 'capabilities would stay'"
ok "without threads root is locked as well" sh -c "[ \$('$SLUICE_RELEASE/examples/locked-sum' '$d/numbers') = 5050 ]"
ok "it is installed" install_lib
ok "it links shared" build shared
ok "and works" refused env LD_LIBRARY_PATH="$d/usr/lib" "$d/shared"
ok "it links statically" build static -static
ok "and works" refused "$d/static"
ok "the header is C++, too" sh -c "echo '#include <sluice_lock.h>' | c++ -Wall -Werror -I'$d/usr/include' -x c++ -fsyntax-only - || ! command -v c++"
ok "one symbol is exported" sh -c "[ \"\$(nm -D --defined-only '$d/usr/lib/libsluice-lock.so.1' | awk '{ print \$3 }')\" = sluice_lock ]"
echo "1..$n"
