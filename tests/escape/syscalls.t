#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# System calls that must not work: by their 64-bit number, as x32, by int 0x80, by a far jump into 32-bit
# code, and from a 32-bit program. Outside, as root, the same calls get past their permission checks.
set -eu
. "$(dirname "$0")/lib.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
escape_enter "$0" "$@"

# name, x86-64 and i386 number (- for none), arguments that do no harm outside. All EPERM inside, and
# something else outside; "!" where the call must not be tried outside.
table() {
	cat <<-'END'
	mount 165 21 0 0 0 0 0
	umount2 166 52 0 0
	pivot_root 155 217 0 0
	chroot 161 61 0
	open_tree 428 428 -1 0 0xffff
	move_mount 429 429 -1 0 -1 0 0xffff
	fsopen 430 430 0 0
	fsconfig 431 431 -1 0 0 0 0
	fsmount 432 432 -1 0 0
	fspick 433 433 -1 0 0
	mount_setattr 442 442 -1 0 0 0 0
	setns 308 346 -1 0
	unshare-user 272 310 0x10000000
	unshare-mount 272 310 0x20000
	unshare-net 272 310 0x40000000
	unshare-time 272 310 0x80
	clone-mount 56 120 0x00020011 0
	clone-cgroup 56 120 0x02000011 0
	clone-uts 56 120 0x04000011 0
	clone-ipc 56 120 0x08000011 0
	clone-user 56 120 0x10000011 0
	clone-pid 56 120 0x20000011 0
	clone-net 56 120 0x40000011 0
	ptrace 101 26 16 999999 0 0
	process_vm_readv 310 347 1 0 0 0 0 0
	process_vm_writev 311 348 1 0 0 0 0 0
	kcmp 312 349 1 1 99 0 0
	pidfd_getfd 438 438 -1 0 0
	process_madvise 440 440 -1 0 0 0 0xffff
	open_by_handle_at 304 342 -1 0 0
	name_to_handle_at 303 341 -1 0 0 0 0xffff
	bpf 321 357 999 0 0
	perf_event_open 298 336 0 0 0 0 0
	io_uring_setup 425 425 1 0
	io_uring_enter 426 426 -1 0 0 0 0 0
	io_uring_register 427 427 -1 0 0 0
	userfaultfd 323 374 0xffff
	add_key 248 286 0 0 0 0 0
	request_key 249 287 0 0 0 0
	keyctl 250 288 999
	fanotify_init 300 338 0xffffffff 0
	init_module 175 128 0 0 0
	finit_module 313 350 -1 0 0
	delete_module 176 129 0 0
	kexec_load 246 283 0 99999 0 0
	kexec_file_load 320 - -1 -1 0 0 0xffff
	reboot 169 88 0 0 0 0
	swapon 167 87 0 0
	swapoff 168 115 0
	acct 163 51 1
	quotactl 179 131 0xffff 0 0 0
	syslog 103 103 999 0 0
	sethostname 170 74 0 0xffffffff
	setdomainname 171 121 0 0xffffffff
	settimeofday 164 79 0 0
	adjtimex 159 124 0
	clock_settime 227 264 999 0
	clock_adjtime 305 343 999 0
	iopl 172 110 0
	ioperm 173 101 0 0 0
	modify_ldt 154 123 99 0 0
	vhangup 153 111 !
	get_mempolicy 239 275 0 0 0 0 0xffff
	set_mempolicy 238 276 99 0 0
	mbind 237 274 0 0 99 0 0 0
	migrate_pages 256 294 1 0xffffffff 0 0
	move_pages 279 317 1 0 0 0 0 0xffff
	personality-norandom 135 136 0x40000
	personality-readexec 135 136 0x400000
	seccomp-listener 317 354 1 8 0
	raw-socket 41 359 2 3 1
	raw6-socket 41 359 10 3 58
	packet-socket 41 359 17 3 0
	vsock-socket 41 359 40 1 0
	alg-socket 41 359 38 5 0
	key-socket 41 359 15 3 2
	rds-socket 41 359 21 5 0
	xdp-socket 41 359 44 3 0
	nfc-socket 41 359 39 3 0
	tipc-socket 41 359 30 1 0
	bluetooth-socket 41 359 31 3 0
	can-socket 41 359 29 3 1
	uevent-netlink 41 359 16 3 15
	netfilter-netlink 41 359 16 3 12
	audit-netlink 41 359 16 3 9
	diag-netlink 41 359 16 3 4
	tipc-socketpair 53 360 30 1 0 0
	END
}
unknown() {	# numbers that no kernel knows, and clone3, whose arguments no filter sees
	printf '%s %s\n' native 500 native 1000 native -1 native 0x7fffffff native 435 int80 435 int80 9999 \
		far 9999 int80 '102 1 0' int80 '102 3 0' x32 39 x32 512 x32 535 x32 0x3fffffff
}
calls() {	# calls MODE COLUMN: the table as input of the probe
	table | awk -v mode="$1" -v col="$2" '$col != "-" {
		s = mode " " $col; for (i = 4; i <= NF; i++) if ($i != "!") s = s " " $i; print s }'
}
wanted() {	# what the probe must say for each line of the table
	table | awk -v col="$1" -v all="$2" '$col != "-" { print all != "" ? all : ($1 ~ /netlink/ ? "EPROTONOSUPPORT" : "EPERM") }'
}
same() {	# same WANT GOT: equal, and otherwise which call
	paste -d ' ' "$T/names" "$1" "$2" | awk '$2 != $3 { print "call " $1 ": wanted " $2 ", got " $3; bad = 1 } END { exit bad }'
}
judge() {	# judge MODE COLUMN WANT-ALL PROGRAM
	table | awk -v col="$2" '$col != "-" { print $1 }' >"$T/names"
	calls "$1" "$2" | jail ${TRACED:+-M trace} -- "$T/bin/$4" calls >"$T/got"
	wanted "$2" "$3" >"$T/want"
	[ "$(wc -l <"$T/got")" = "$(wc -l <"$T/want")" ] || { echo "the probe ended early"; cat "$T/got"; return 1; }
	same "$T/want" "$T/got"
}
judge_traced() { TRACED=1 judge "$@"; }
control() {	# outside, as root: not one of them is EPERM (but for kernels without the feature)
	table | grep -v '!$' | awk '{ print $1 }' >"$T/names"
	table | grep -v '!$' | awk '{ s = "native " $2; for (i = 4; i <= NF; i++) s = s " " $i; print s }' |
		"$P" calls >"$T/got"
	cat "$T/got"
	[ "$(wc -l <"$T/got")" = "$(wc -l <"$T/names")" ] || return 1
	paste -d ' ' "$T/names" "$T/got" | awk '$2 == "EPERM" { print; bad = 1 } END { exit bad }'
}

# The calls that the built-in profile allows whatever their arguments, and a few with theirs, as a container runtime has them.
awk '$2 == "allow" { n = n sep "\"" $1 "\""; sep = "," } END { print "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" \
	"{\"names\": [" n ", \"ioctl\", \"clone\"], \"action\": \"SCMP_ACT_ALLOW\"}, {\"names\": [\"clone3\"], \"action\":" \
	"\"SCMP_ACT_ERRNO\", \"errnoRet\": 38}]}" }' "$HERE/../unit/seccomp.table" >"$T/docker.json"
# A profile of our own form.
cat >"$T/trap.seccomp" <<-'END'
	include default
	forget time kill mount
	errno EPERM time
	trap mount
	kill kill
END
if "$P" vsyscall >"$T/vsyscall" 2>&1; then
	ok "control: the vsyscall page works outside" grep -qx ok "$T/vsyscall"
else
	skip "control: the vsyscall page works outside" "the kernel has none"
fi
ok "control: outside, root is told something else than EPERM" control
for AS in root user; do
	ok "every call is EPERM by its own number" judge native 2 "" probe
	ok "every call is EPERM by int 0x80" judge int80 3 "" probe
	ok "every call is EPERM by a far jump to 32-bit code" judge far 3 "" probe
	ok "every call is ENOSYS as x32" judge x32 2 ENOSYS probe
	if [ -x "$T/bin/probe32" ]; then
		ok "every call is EPERM from a 32-bit program" judge native 3 "" probe32
	else
		skip "every call is EPERM from a 32-bit program" "no 32-bit compiler"
	fi
	ok "upper halves of arguments change nothing" prints "$(printf 'EPERM\nEPERM\nEPERM\nEPERM')" in_ sh -c "printf '%s\n' \
		'native 56 0xffffffff10000011' 'native 272 0x100000010000000' 'native 41 0x100000002 0x500000003 1' \
		'native 16 0 0x100005412' | $P calls"
	ok "unknown numbers are ENOSYS" prints "$(unknown | sed 's/.*/ENOSYS/')" in_ sh -c "echo '$(unknown)' | $P calls"
	ok "threads work though clone3 does not exist" prints 50 in_ "$P" threads
	if [ -x "$T/bin/threads-musl" ]; then
		ok "musl's threads, too" prints 50 in_ "$T/bin/threads-musl"
	else
		skip "musl's threads, too" "no musl-gcc"
	fi
	ok "traced, every call is EPERM by its own number" judge_traced native 2 "" probe
	ok "traced, every call is EPERM by int 0x80" judge_traced int80 3 "" probe
	ok "traced, every call is ENOSYS as x32" judge_traced x32 2 ENOSYS probe
	ok "traced, unknown numbers are ENOSYS" prints "$(unknown | sed 's/.*/ENOSYS/')" \
		jail -M trace -- sh -c "echo '$(unknown)' | $P calls"
	ok "traced, threads and children: 200 refused at once" prints "$(for i in {1..200}; do echo EPERM; done)" \
		jail -M trace -- sh -c "for i in \$(seq 200); do echo native 165 0 0 0 0 0 | $P calls & done; wait"
	ok "log: what would be refused gets past the filter, but for the terminal and a second listener" \
		prints "$(printf 'EFAULT\nEFAULT\nEPERM\nEPERM')" jail -M log -- sh -c "printf '%s\n' 'native 165 0 0 0 0 0' \
		'int80 102 1 0' 'native 16 0 0x100005412' 'int80 54 0 0x5412' | $P calls"
	ok "log: no second listener" prints EBUSY jail -M log -- "$P" listener
	ok "the filter holds in threads, children and after exec" \
		prints "thread EPERM child EPERM" in_ sh -c "exec $P inherit"
	ok "ordinary sockets exist" prints "$(printf 'ok\nok\nok\nok\nok')" in_ sh -c "printf '%s\n' \
		'native 41 1 1 0' 'native 41 2 1 0' 'native 41 10 2 17' 'native 41 16 3 0' 'int80 359 2 1 6' | $P calls"
	ok "unshare of what is one's own is allowed" prints ok sh_ "echo native 272 0x200 | $P calls"
	ok "a filter of the program's own is allowed" prints EFAULT sh_ "echo native 317 1 0 0 | $P calls"
	ok "strict: no netlink, no ping socket, no message queue, no executable memory file, no 32-bit call" \
		prints "$(printf 'EPERM\nEPERM\nEPERM\nEPERM\nENOSYS')" jail -p strict -- sh -c "printf '%s\n' 'native 41 16 3 0' \
		'native 41 2 2 1' 'native 68 1 0' 'native 319 0 0' 'int80 20' | $P calls"
	ok "strict: programs work all the same" says "200 7" jail -p strict -- bash -c 'cd; python3 -m http.server 8080 >log 2>&1 &
		until curl -so /dev/null http://localhost:8080/; do sleep 0.1; done
		curl -so /dev/null -w "%{http_code} " http://127.0.0.1:8080/; python3 -c "print(3 + 4)"'
	ok "compute: no socket, no file opened for writing, none made or removed" \
		prints "$(printf 'EPERM\nEPERM\nEPERM\nEPERM\nEPERM\nEPERM')" jail -p compute -- sh -c "printf '%s\n' 'native 41 1 1 0' \
		'native 53 1 1 0 0' 'native 257 -100 0 1' 'native 257 -100 0 0x100000041' 'native 263 -100 0' 'native 2 0 0x200' | $P calls"
	ok "compute: a program calculates" prints 499999500000 jail -p compute -- python3 -c 'print(sum(range(10**6)))'
	if ! alone; then
		ok "SIGSYS: the handler that goes back to the call is called again, by both ways in" prints "$(printf '11 ENOSYS\n11 ENOSYS')" \
			jail -p "$T/trap.seccomp" -- sh -c "$P sigsys native 165; $P sigsys int80 21"
		ok "the vsyscall page: the filter looks at it as at any call" says EPERM jail -p "$T/trap.seccomp" -- "$P" vsyscall
		ok "kill: the program ends with SIGSYS" exits 159 jail -p "$T/trap.seccomp" -- sh -c "exec $P kill 0 -1; echo alive"
		ok "a profile in Docker's form: programs work, what it does not allow is refused" prints "$(printf '7\nEPERM\nEPERM')" \
			jail -p "$T/docker.json" -- sh -c "python3 -c 'print(3 + 4)'; printf '%s\n' 'native 165 0 0 0 0 0' 'native 16 0 0x5412' | $P calls"
	fi
	ok "no user namespace even without the filter" says "No space left" jail -S -- unshare --user true
done
AS=
ok "control: unshare works outside" unshare --user true
done_testing
