#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A worker, and an egress, that somebody has taken over: system calls are injected into the running
# process. Each must end it, and each is shown to be carried out in a process that is not confined.
#
#	AS=root|user	whose sandbox
set -eu
. "$(dirname "$0")/../net/internet.sh"
internet_enter "$0" "$@"
internet_up
H=$SLUICE_BUILD/tests/escape/hijack
[ "$(uname -m)" = x86_64 ] || { echo "1..0 # SKIP injection is written for x86-64"; exit 0; }
S=$T/bin/sluice
as_root() { "$@"; }

await() {	# await "what" command...: for 10 s
	local what=$1 end=$((SECONDS + 10))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for $what"; return 1; }
		read -rt 0.02 <> <(:) || :
	done
}
# A sandbox whose program holds one connection open, so that the worker holds a socket of a flow.
start() {
	rm -rf "$T/up"
	mkdir -m 777 "$T/up"
	"$AS" "$S" run --quiet --allow 198.51.100.10:80 --allow udp://198.51.100.10:7001 --bind "$T/up" -- \
		bash -c "exec 3<>/dev/$FLOW; echo x >&3; echo up >$T/up/up; read -r -t 30" <>"$T/fifo" 2>"$T/run.err" &
	front=$!
	await "the sandbox" test -s "$T/up/up" || { cat "$T/run.err"; return 1; }
}
no_sluice() { ! pgrep -x 'sluice.*' >"$T/pg"; }
stop() {
	pkill -TERM -x sluice || :
	wait $front || :
	await "its end" no_sluice
}
victim() {	# an unconfined process with a socket; what it mounts ends with it
	unshare --mount bash -c "exec 9<>/dev/udp/198.51.100.10/7001; exec sleep 30" &
	plain=$!
	await "a plain process" grep -q nanosleep "/proc/$plain/wchan"
}
mkfifo "$T/fifo"	# nobody writes: who reads it waits
chmod 666 "$T/fifo"

inject() {	# inject PROGRAM CALL WANT: what a running PROGRAM answers
	local got
	start || return 1
	got=$("$H" "$(pgrep -x "$1")" "$2") || got="hijack failed"
	stop || return 1
	echo "$1 $2: $got"
	case $got in $3*) ;; *) return 1 ;; esac
}
control() {	# control CALL: an unconfined process is not ended by it
	local got
	victim
	got=$("$H" $plain "$1") || got="hijack failed"
	kill -9 $plain 2>/dev/null || :
	wait $plain 2>/dev/null || :
	echo "plain $1: $got"
	case $got in killed | "hijack failed") return 1 ;; esac
}

calls=$("$H" list)
AS=as_root FLOW=tcp/198.51.100.10/80
for c in $calls; do
	ok "control: $c is carried out in an unconfined process" control "$c"
done
# FLOW: a TCP and a UDP flow differ only for the calls that send.
for AS in as_root as_user; do
	for c in $calls; do
		FLOW=tcp/198.51.100.10/80
		case $c in clock_gettime | mmap-data | sendto-peer) want=result ;; *) want=killed ;; esac
		ok "$AS: worker: $c: $want" inject sluice-stack "$c" "$want"
	done
	FLOW=udp/198.51.100.10/7001
	for c in sendto-peer sendto-evil sendmsg-evil sendmmsg-evil connect; do
		case $c in sendto-peer) want=result ;; *) want=killed ;; esac
		ok "$AS: worker, UDP flow: $c: $want" inject sluice-stack "$c" "$want"
	done
	# Egress dials, so it may make sockets towards the network; no more.
	for c in socket-unix socket-packet socket-netlink socket-raw socketpair bind listen accept4 dup dup2 dup3 \
		openat open openat2 chdir mkdir memfd_create mount chroot execve execveat fork clone clone3 \
		mmap-exec mprotect-exec kill-parent tgkill-parent ptrace-parent process_vm_readv pidfd_open ioctl \
		setuid capset prctl seccomp unshare setns bpf io_uring_setup userfaultfd perf_event_open keyctl \
		x32-socket x32-write int80-socket int80-getpid unknown; do
		ok "$AS: egress: $c: killed" inject sluice-egress "$c" killed
	done
done

# ---- what they are, besides what they may call --------------------------------------------------------------
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
bare() {	# bare PROGRAM: no rights, no files, no terminal
	local p caps
	start || return 1
	p=$(pgrep -x "$1")
	caps=$(for k in CapInh CapPrm CapEff CapBnd CapAmb; do status "$p" $k; done | sort -u)
	{
		[ "$caps" = 0000000000000000 ] && [ "$(status "$p" NoNewPrivs)" = 1 ] && [ "$(status "$p" Seccomp)" = 2 ] &&
			[ -z "$(ls -A "/proc/$p/root/")" ] && [ "$(readlink "/proc/$p/cwd")" = / ] &&
			[ "$(ls "/proc/$p/task" | wc -l)" = 1 ] &&
			[ "$(readlink "/proc/$p/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] &&
			! find "/proc/$p/fd" -lname '/dev/pts/*' -o -lname '/dev/tty*' -o -lname "$T*" | grep -q . &&
			! touch "/proc/$p/root/x" 2>/dev/null
	} || { cat "/proc/$p/status"; ls -l "/proc/$p/fd" "/proc/$p/root/"; stop; return 1; }
	if [ "$AS" = as_root ]; then
		[ "$(status "$p" Uid | tr -s '\t' ' ' | cut -d' ' -f1)" -gt 1879048191 ] && [ -z "$(status "$p" Groups | tr -d ' ')" ]
	else
		[ "$(readlink "/proc/$p/ns/user")" != "$(readlink "/proc/$(pgrep -x sluice-netd)/ns/user")" ]
	fi || { cat "/proc/$p/status"; stop; return 1; }
	stop
}
netd_is_bounded() {
	local p caps
	start || return 1
	p=$(pgrep -x sluice-netd)
	caps=$(status "$p" CapBnd)
	stop
	# No CAP_DAC_OVERRIDE (1), CAP_SYS_MODULE (16), CAP_SYS_PTRACE (19), CAP_SYS_BOOT (22), CAP_SYS_TIME (25).
	[ $((0x$caps & (1 << 1 | 1 << 16 | 1 << 19 | 1 << 22 | 1 << 25))) = 0 ]
}
FLOW=tcp/198.51.100.10/80
for AS in as_root as_user; do
	for p in sluice-stack sluice-egress; do
		ok "$AS: $p has no right, no file, no terminal, no other process's id" bare $p
	done
	ok "$AS: netd keeps only what its list needs" netd_is_bounded
done
done_testing
