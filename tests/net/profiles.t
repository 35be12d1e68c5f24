#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Profiles: those that come with sluice, each with a real program of its kind at work and what it refuses; and
# how files, includes and the command line add up.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=packet

cat >"$T/main.c" <<'C'
#include <stdio.h>
int main(void) { puts("compiled"); return 0; }
C
cat >"$T/lab.yaml" <<YAML
version: 1
include: base.yaml
policy:
  version: 1
  egress:
    - {allow: web.test, ports: 443}
ro-bind: web/ca.pem
hostname: lab
YAML
printf 'version: 1\nhostname: base\nenv: [A=1]\npids: 64\n' >"$T/base.yaml"
printf 'version: 1\nhostnme: base\n' >"$T/typo.yaml"
as_user() {	# in the directory we are in
	setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all env HOME="$T/home" "$@"
}
with() {	# with NAME=VALUE... -- command...: a function, too
	(while [ "$1" != -- ]; do export "$1"; shift; done; shift; "$@")
}
rules_() {	# rules_ PROFILE SPEC: what its presets say
	(echo "version: 1"; "$T/bin/sluice" profile print "$1" | sed -n '/^preset:/,/^[^p ]/p' | grep -e ^preset -e '^  -') \
		>"$T/rules.yaml"
	"$T/bin/sluice" policy explain "$T/rules.yaml" "$2"
}
profile_() { sluice_ --quiet --profile "$@"; }	# profile_ NAME [option...] -- command...
script_() {	# script_ "NAME [option...]" script
	local opts=$1
	shift
	# shellcheck disable=SC2086
	profile_ $opts -- sh -c "$@" 2>&1
}
# The gateway says no to this one, whatever the profile allows.
refused() { script_ "$1" 'curl -sS --max-time 20 https://evil.test/ || exit 77'; }

for AS in root user; do
	mkdir "$T/work-$AS"
	chmod 777 "$T/work-$AS"
	cd "$T/work-$AS"
	mkdir "$T/outside-$AS"
	chmod 777 "$T/outside-$AS"
	for p in shell python node git compiler agent; do
		ok "$AS: $p: is sound" "$T/bin/sluice" profile check --strict $p
		ok "$AS: $p: works on the current directory" says "$PWD" script_ $p 'echo kept >kept; pwd; cat kept'
		ok "$AS: $p: and what it writes there stays" grep -qx kept kept
		rm -f kept
		ok "$AS: $p: what lies beside it is not there" says "No such file" script_ $p "ls $T/outside-$AS"
		ok "$AS: $p: a host that it has not is refused" exits 77 refused $p
		ok "$AS: $p: no further namespaces" says "not permitted" script_ $p 'unshare --user true'
	done

	ok "$AS: shell: a pipeline" says 3 script_ shell 'seq 9 | grep -c "[2468]" | sed s/4/3/'
	ok "$AS: shell: the network's settings are not told, as strict has it" says "Cannot open netlink" script_ shell 'ip link'
	ok "$AS: python: a virtual environment" says "$PWD/venv" \
		script_ python 'python3 -m venv --without-pip venv && venv/bin/python -c "import sys; print(sys.prefix)"'
	ok "$AS: python: its variables" says PIP_NO_INPUT=1 script_ python env
	ok "$AS: python: PyPI is allowed" says "allowed: files.pythonhosted.org tcp 443" rules_ python files.pythonhosted.org:443
	ok "$AS: node: a program" says "v is 42" script_ node 'node -e "console.log(\"v is\", 6 * 7)"'
	ok "$AS: node: npm's registry is allowed" says "allowed: registry.npmjs.org tcp 443" rules_ node registry.npmjs.org:443
	ok "$AS: git: a commit, and by whom" says "Ada <ada@example.test>" with GIT_AUTHOR_NAME=Ada \
		GIT_AUTHOR_EMAIL=ada@example.test GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.test -- \
		profile_ git -- sh -c 'git init -q r && cd r && git commit -q --allow-empty -m x && git log'
	ok "$AS: git: GitHub is allowed" says "allowed: github.com tcp 443" rules_ git github.com:443
	ok "$AS: git: ssh to it is not" says "denied: github.com tcp 22" rules_ git github.com:22
	ok "$AS: compiler: compiles, and runs it" says compiled script_ "compiler --ro-bind $T/main.c:/src/main.c" \
		'gcc -O2 -o out /src/main.c && ./out'
	ok "$AS: agent: a model's API is allowed" says "allowed: api.anthropic.com tcp 443" rules_ agent api.anthropic.com:443
	ok "$AS: agent: the caller's keys are not told" not says sk-secret with ANTHROPIC_API_KEY=sk-secret -- profile_ agent -- env
	ok "$AS: agent: unless named" says sk-secret with ANTHROPIC_API_KEY=sk-secret -- \
		profile_ agent --env ANTHROPIC_API_KEY -- env
	ok "$AS: agent: bash, python, git and curl are there" says "git version" \
		script_ agent 'bash -c : && python3 -c "" && curl --version && git --version'

	ok "$AS: includes, places and a policy within" says "hello from web.test" \
		profile_ "$T/lab.yaml" -- curl -sS --max-time 20 --cacert "$T/web/ca.pem" https://web.test/hello
	ok "$AS: and nothing else" not profile_ "$T/lab.yaml" -- curl -sSf --max-time 20 http://web.test/hello
	ok "$AS: a file goes over what it includes" says "lab A=1" script_ "$T/lab.yaml" 'echo $(hostname) A=$A'
	ok "$AS: the command line goes over the file" says "line A=1 B=2" script_ "$T/lab.yaml --hostname line --env B=2" \
		'echo $(hostname) A=$A B=$B'
	ok "$AS: wherever it stands" says line sluice_ --quiet --hostname line --profile "$T/lab.yaml" -- hostname
	ok "$AS: what --allow says adds up" says "hello from web.test" script_ "$T/lab.yaml --allow web.test:80" \
		'curl -sS --max-time 20 http://web.test/hello'
	ok "$AS: a typing error stops it, with its place" says "sluice: $T/typo.yaml:2:1: unknown key \"hostnme\"; did you mean \"hostname\"?" \
		exits 125 profile_ "$T/typo.yaml" -- true
done

# Limits need a cgroup: root has one here, the ordinary user does not, and then nothing runs.
AS=root
cd /
job() { script_ "compile-job --ro-bind $T/main.c:/job/main.c $1" "$2"; }
ok "compile-job: is sound" "$T/bin/sluice" profile check --strict compile-job
if sluice_ --quiet --memory 64M -- true 2>/dev/null; then
	ok "compile-job: compiles, and runs it" says compiled job "" 'gcc -O2 -o out /job/main.c && ./out'
	ok "compile-job: nothing outside of /tmp is written" says "Read-only file system" job "" 'echo x >/usr/x'
	ok "compile-job: a full disk is full" says "No space left" job "" \
		'for i in 1 2 3; do head -c 60000000 /dev/zero >f$i; done'
	ok "compile-job: a large file is cut" exits 153 job "" 'head -c 90000000 /dev/zero >f; exit $?'
	ok "compile-job: so many files are too many" says "No space left" job "" 'i=0; while [ $i -lt 1100 ]; do : >$i || exit 1; i=$((i+1)); done'
	ok "compile-job: processes are counted" says "Cannot fork" job "" 'for i in $(seq 200); do sleep 9 & done'
	ok "compile-job: no time is left for a loop" says "processor-time limit of 1 s" job "--cpu-time 1" 'while :; do :; done'
	ok "compile-job: nor for a sleep" says "wall-clock limit of 0.5 s" job "--time 0.5" 'sleep 60'
	ok "compile-job: memory ends" says "out of memory, limit of 64 MiB" job "--memory 64M" 'head -c 90M /dev/zero | tail | wc -c'
	ok "compile-job: no network" exits 77 refused compile-job
else
	ok "compile-job: without a cgroup it is refused" says "cgroup" exits 125 job "" true
fi
AS=user
ok "compile-job: an ordinary user without a cgroup is refused, and nothing runs" not says ran job "" 'echo ran'

done_testing
