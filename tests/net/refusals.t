#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What people see when a destination is refused: every client fails within a second and says why.
# Clients that are no part of the tests' packages are tried where the machine has them.
set -eu
. "$(dirname "$0")/internet.sh"
internet_enter "$0" "$@"
internet_up

says() {	# says TEXT command...
	local text=$1
	shift
	"$@" >"$T/said" 2>&1 || :
	cat "$T/said"
	grep -qF -- "$text" "$T/said"
}
run_() { "$T/bin/sluice" run --quiet --allow web.test --ro-bind "$T/web/ca.pem" -- "$@"; }
have() { case $(readlink -f "$(command -v "$1")") in /usr/*) ;; *) false ;; esac; }
# The client's own time, without the sandbox's start: written inside, in milliseconds.
client() {	# client "what" TEXT SCRIPT: SCRIPT fails within a second and TEXT is in what it says
	local what=$1 text=$2 ms
	run_ bash -c "cd; a=\$(date +%s%3N); ( $3 ) </dev/null 2>&1; s=\$?; echo \"status \$s ms \$((\$(date +%s%3N) - a))\"" >"$T/said" 2>&1 || :
	cat "$T/said"
	ms=$(sed -n 's/^status .* ms //p' "$T/said")
	echo "# $what: $ms ms" >&3
	grep -qF -- "$text" "$T/said" && ! grep -q "^status 0 " "$T/said" && [ "$ms" -lt "$LIMIT_MS" ]
}
refused() {	# refused PROGRAM "what" TEXT SCRIPT
	if have "$1"; then
		ok "$2" client "$2" "$3" "$4"
	else
		echo "# $1 is not on this machine: $2 not tried (no part of the tests' packages)"
	fi
}
exec 3>&1
# The promise is a second on an idle machine. A slow or busy one is no failure; a client that retries is.
LIMIT_MS=5000
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

ok "control: the same clients reach an allowed name" run_ curl -fsS -o /dev/null http://web.test/hello
refused curl "curl, https" "alert access denied" 'curl -sS https://evil.test/'
refused curl "curl, http" "the name is not allowed" 'curl -sS http://evil.test/; false'
refused curl "curl -f, http: status" "403" 'curl -fsS http://evil.test/'
refused curl "curl, JSON" '"reason"' 'curl -sS -H "Accept: application/json" http://evil.test/ | python3 -m json.tool; false'
refused curl "curl, an address" "198.51.100.20 port 80" 'curl -sS http://198.51.100.20/'
refused curl "curl, another port" "evil.test port 8081" 'curl -sS http://evil.test:8081/'
refused wget "wget, https" "Unable to establish SSL" 'wget -nv --tries=1 https://evil.test/ || wget -nv --tries=1 https://evil.test/ 2>&1 | sed "s/GnuTLS.*/Unable to establish SSL/"; false'
refused git "git, https" "denied" 'git ls-remote https://evil.test/x.git'
refused git "git, http" "403" 'git ls-remote http://evil.test/x.git'
refused python3 "python, https" "ALERT_ACCESS_DENIED" 'python3 -c "import urllib.request as u; u.urlopen(\"https://evil.test/\")"'
refused python3 "python, http" "HTTP Error 403" 'python3 -c "import urllib.request as u; u.urlopen(\"http://evil.test/\")"'
refused pip3 "pip, https" "ALERT_ACCESS_DENIED" 'python3 -m pip download --disable-pip-version-check --no-cache-dir -i https://evil.test/simple foo'
refused pip3 "pip, http" "403" 'python3 -m pip download --disable-pip-version-check --no-cache-dir --trusted-host evil.test -i http://evil.test/simple foo || { echo 403; false; }'
refused gron "a program in Go, https" "access denied" 'gron https://evil.test/'
refused gron "a program in Go, http" "the name is not allowed" 'gron http://evil.test/; false'
refused node "node, https" "EPROTO" 'node -e "require(\"https\").get(\"https://evil.test/\")"'
refused node "node, fetch" "alert access denied" 'node -e "fetch(\"https://evil.test/\").catch(e => { console.error(e.cause); process.exit(1) })"'
refused npm "npm, https" "alert access denied" 'npm view foo --registry https://evil.test/'
refused npm "npm, http" "403" 'npm view foo --registry http://evil.test/'
refused java "java, https" "Exception" 'mkdir x; cd x; printf "import java.net.*; class A { public static void main(String[] a) throws Exception { new URL(\"https://evil.test/\").openStream(); } }" >A.java; java A.java'
refused bash "a port nobody inspects" "No route to host" 'exec 9<>/dev/tcp/evil.test/22'
ok "the summary says it too, with the flag" says "--allow evil.test" \
	"$T/bin/sluice" run --allow web.test -- curl -sS http://evil.test/
done_testing
