#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real programs behind the gateway: git over HTTPS, a 1 GB file both ways, over each port, as root and
# as an ordinary user.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
# Full-size transfers are the release build's job; the sanitized one has the suite.
SLUICE_BUILD=${SLUICE_RELEASE:-$SLUICE_BUILD}
internet_up

# A repository for git's dumb HTTP protocol.
(
	export HOME=$T GIT_CONFIG_GLOBAL=/dev/null
	git init -q "$T/repo"
	cd "$T/repo"
	for i in $(seq 1 200); do head -c 20000 /dev/urandom | base64 >"file$i"; done
	git add .
	git -c user.name=t -c user.email=t@example.test commit -qm "two hundred files"
	git clone -q --bare "$T/repo" "$T/web/root/git/repo.git"
	git -C "$T/web/root/git/repo.git" update-server-info
	chmod -R a+rX "$T/web/root/git"
) >"$T/git.log" 2>&1
head -c 1000000000 /dev/urandom >"$T/web/root/gigabyte"
chmod a+r "$T/web/root/gigabyte"
sum=$(sha <"$T/web/root/gigabyte")

for v in "xdp root" "packet root" "tap user" "packet user"; do
	PORT=${v% *} AS=${v#* }
	ok "$v: git clone over HTTPS" says "two hundred files" sluice_ --allow web.test --env GIT_SSL_CAINFO="$T/web/ca.pem" -- \
		sh -c 'cd /tmp && git clone -q https://web.test/git/repo.git && git -C repo log'
	ok "$v: 1 GB down, hash" says "$sum" sluice_ --allow web.test -- sh -c \
		"curl -sS --cacert $T/web/ca.pem https://web.test/gigabyte | sha256sum"
	rm -f "$T/web/root/upload/x"
	ok "$v: 1 GB up" sluice_ --allow web.test -- \
		curl -sS --cacert "$T/web/ca.pem" -T "$T/web/root/gigabyte" https://web.test/upload/x
	ok "$v: 1 GB up, hash" [ "$(sha <"$T/web/root/upload/x")" = "$sum" ]
	rm -f "$T/web/root/upload/x"
	ok "$v: a second host is refused, with the flag that permits it" says "--allow evil.test" sluice_ --allow web.test -- \
		curl -sS --max-time 10 http://evil.test/
done
# A browser's hidden server name is turned off inside, so that it is served and not refused. Tried where there is one.
PORT=packet AS=root
if command -v chromium >/dev/null; then
	ok "chromium reads an allowed page" says "hello from web.test" sluice_ --allow web.test -- timeout 60 chromium --headless \
		--no-sandbox --disable-gpu --ignore-certificate-errors --dump-dom https://web.test/hello
fi
done_testing
