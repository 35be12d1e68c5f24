#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real programs work inside: a jail that breaks them would be switched off.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

try() {		# try PROGRAM "what" TEXT SCRIPT: SCRIPT's output contains TEXT
	local need=$1
	shift
	if command -v "$need" >/dev/null && [ "$(readlink -f "$(command -v "$need")" | cut -d/ -f2)" = usr ]; then
		ok "$need: $1" says "$2" jail -- bash -c "cd; $3"
	else
		echo "# $need is not below /usr: $1 not tried (no part of the tests' packages)"
	fi
}
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for AS in root user; do
	try bash "pipes, substitution, job control" "3 done" 'sleep 1 & x=$(seq 3 | tail -n 1); wait; echo $x done'
	try python3 "threads, processes, temporary files" "ok 3" 'python3 -c "
import multiprocessing, os, subprocess, tempfile, threading
t = threading.Thread(target=print, args=(\"thread\",)); t.start(); t.join()
with multiprocessing.Pool(2) as p: n = sum(p.map(abs, [-1, -2]))
tempfile.TemporaryFile().write(b\"x\"); subprocess.check_output([\"true\"]); print(\"ok\", n)"'
	try node "worker threads, child processes, timers" "worker 42" 'node -e "
const { Worker } = require(\"worker_threads\");
require(\"child_process\").execSync(\"true\");
new Worker(\"console.log(\\\"worker\\\", 42)\", { eval: true });"'
	try npm "a package of its own" "jail-test" 'mkdir jail-test && cd jail-test && npm init -y && npm pack'
	try gcc "compile, link, run" "compiled" 'echo "#include <stdio.h>
int main(void) { puts(\"compiled\"); }" >a.c && gcc -O2 a.c && ./a.out'
	try git "init, commit, clone" "second" 'git init -q a && cd a && git config user.email a@b.test && git config user.name a &&
		echo 1 >f && git add f && git commit -qm first && echo 2 >f && git commit -qam second && git clone -q . ../b &&
		git -C ../b log --oneline && git fsck && git gc -q'
	try curl "a server inside, by name and over both families" "200 200" 'python3 -m http.server --bind :: 8080 >/dev/null 2>&1 &
		until curl -so /dev/null http://localhost:8080/; do sleep 0.1; done
		echo $(curl -so /dev/null -w "%{http_code} " http://127.0.0.1:8080/ http://[::1]:8080/ -o /dev/null)'
	try nginx "serves port 80" "200" 'printf "daemon off; pid /tmp/pid; error_log stderr; events {} http { access_log off;
		client_body_temp_path /tmp/1; proxy_temp_path /tmp/2; fastcgi_temp_path /tmp/3; uwsgi_temp_path /tmp/4;
		scgi_temp_path /tmp/5; server { listen 80; root /usr/share/doc; autoindex on; } }" >c
		nginx -c ~/c & until curl -so /dev/null http://127.0.0.1/; do sleep 0.1; done
		curl -so /dev/null -w "%{http_code}\n" http://127.0.0.1/'
	try java "starts and says its version" "Runtime" 'java -version'
	try perl "signals and pipes" "caught" 'perl -e "\$SIG{USR1} = sub { print qq(caught\n) }; kill USR1 => \$\$; sleep 1 for 1..1"'
	try tar "an archive" "a/b" 'mkdir a && touch a/b && tar czf - a | tar tzf -'
	try make "parallel" "two" 'printf "all: one two\none two:\n\t@echo \$@\n" >Makefile && make -j2'
	try socat "UNIX sockets" "over" 'socat -u UNIX-LISTEN:/tmp/s STDOUT & until [ -S /tmp/s ]; do sleep 0.05; done
		echo over | socat -u - UNIX-CONNECT:/tmp/s; wait'
	try dd "/dev/shm and /dev/full" "No space" 'dd if=/dev/zero of=/dev/shm/x bs=1M count=5 2>&1; echo >/dev/full'
	ok "a 32-bit program runs" says "uid" sh_ "[ ! -x $T/bin/probe32 ] && echo uid || $T/bin/probe32 ids"
done
AS=
done_testing
