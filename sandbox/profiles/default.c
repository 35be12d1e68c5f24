/* SPDX-License-Identifier: Apache-2.0 */
/*
 * default: the jail's seccomp profiles, and the build-time program that turns them into filters:
 * `default`, `strict` (less of the kernel: one ABI, no netlink, none of the rarely used interfaces) and
 * `compute` (no sockets, files for reading only).
 *
 * An allowlist. A call that is not in it does not exist (ENOSYS, on which libraries fall back); a
 * known dangerous one is refused (EPERM), so that a person sees why. It runs at build time, so that
 * starting pays for loading only; the output is a C header with the instructions. libseccomp knows the numbers.
 *
 * A profile has two filters, and a call must pass both: one that lists what exists, and one that takes
 * single uses of it away again ("every ioctl but these" cannot be said in the first).
 *
 * Arguments are compared in their low 32 bits only: the kernel ignores the upper half of an int, and
 * a filter that does not is walked round by setting it (CVE-2019-10063).
 *
 * x86-64 and i386 calls are judged alike (on ARM: both widths). i386's socketcall(2) hides its arguments behind a pointer,
 * where no filter sees them, and does not exist here: programs that were built for i386 since 2015 (glibc
 * 2.23, musl 1.1.13) use the direct calls. The x32 numbers do not exist at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "sandbox/filter_make.h"

#define EQ(n, v) { .arg = (n), .op = FILTER_EQ, .value = (v) }
#define MASK(n, m, v) { .arg = (n), .op = FILTER_MASKED_EQ, .value = (v), .mask = (m) }
#define ERRNO(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))
#define RULE(f, action, name, ...)                                                                  \
	rule(f, action, name, sizeof((struct filter_cond[]){ __VA_ARGS__ }) /                       \
	     sizeof(struct filter_cond), (struct filter_cond[]){ __VA_ARGS__ })
#define RANGE(n, from, to)                                                                          \
	{ .arg = (n), .op = FILTER_GE, .value = (from) }, { .arg = (n), .op = FILTER_LE, .value = (to) }
#define ALLOW(f, name, ...) RULE(f, SECCOMP_RET_ALLOW, name, __VA_ARGS__)
#define REFUSE(f, name, ...) RULE(f, ERRNO(EPERM), name, __VA_ARGS__)

enum {
	SOCK_TYPE_BITS = 0xf,		/* include/linux/net.h; the rest of the argument is flags */
	FAMILY_LAST = 45,		/* below AF_MAX of Linux 6.18 */
	PROTO_MPTCP = 262,
	NOEXEC_SEAL = 8,		/* MFD_NOEXEC_SEAL, Linux 6.3; newer than glibc's header */
	TMPFILE = 020000000,		/* __O_TMPFILE of include/uapi/asm-generic/fcntl.h, without O_DIRECTORY */
};

/* Each takes away from the one before it. */
enum flavour { DEFAULT, STRICT, COMPUTE };

/* CLONE_NEW*: NS, CGROUP, UTS, IPC, USER, PID, NET. TIME is a flag of unshare(2) and clone3(2) alone. */
static const uint32_t new_flags[] = { 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000,
	0x20000000, 0x40000000 };
static const uint32_t new_time = 0x80;

/* Always, with whatever arguments. */
static const char *const allowed[] = {
	"_llseek", "_newselect", "accept", "accept4", "access", "alarm", "arch_prctl",
	"arm_fadvise64_64", "arm_sync_file_range", "bind", "breakpoint", "brk", "cacheflush",
	"capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_getres",
	"clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
	"clock_nanosleep_time64", "close", "close_range", "connect", "copy_file_range", "creat", "dup",
	"dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat",
	"exit", "exit_group", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate",
	"fchdir", "fchmod", "fchmodat", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64",
	"fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat",
	"fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex",
	"futex_time64", "futex_waitv", "futimesat", "get_robust_list", "get_thread_area", "getcpu",
	"getcwd", "getdents", "getdents64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid",
	"getgid32", "getgroups", "getgroups32", "getitimer", "getpeername", "getpgid", "getpgrp",
	"getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid",
	"getresuid32", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid",
	"gettimeofday", "getuid", "getuid32", "getxattr", "inotify_add_watch", "inotify_init",
	"inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents",
	"io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "ioprio_get", "ioprio_set",
	"ipc", "kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
	"lchown", "lchown32", "lgetxattr", "link", "linkat", "listen", "listxattr", "llistxattr",
	"lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "madvise", "membarrier",
	"memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock",
	"mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mq_getsetattr", "mq_notify", "mq_open",
	"mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64",
	"mq_unlink", "mremap", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock",
	"munlockall", "munmap", "nanosleep", "newfstatat", "open", "openat", "openat2", "pause",
	"pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free",
	"pkey_mprotect", "poll", "ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2",
	"prlimit64", "pselect6", "pselect6_time64", "pwrite64", "pwritev", "pwritev2", "read",
	"readahead", "readlink", "readlinkat", "readv", "recv", "recvfrom", "recvmmsg",
	"recvmmsg_time64", "recvmsg", "remap_file_pages", "removexattr", "rename", "renameat",
	"renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
	"sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64",
	"sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
	"select", "semctl", "semget", "semop", "semtimedop", "semtimedop_time64", "send", "sendfile",
	"sendfile64", "sendmmsg", "sendmsg", "sendto", "set_robust_list", "set_thread_area", "set_tls",
	"set_tid_address", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32",
	"setgroups", "setgroups32", "setitimer", "setpgid", "setpriority", "setregid", "setregid32",
	"setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit",
	"setsid", "setsockopt", "setuid", "setuid32", "setxattr", "shmat", "shmctl", "shmdt",
	"shmget", "shutdown", "sigaction", "sigaltstack", "signal", "signalfd", "signalfd4",
	"sigpending", "sigprocmask", "sigreturn", "sigsuspend", "socketpair", "splice", "stat",
	"stat64", "statfs", "statfs64", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
	"syncfs", "sysinfo", "tee", "tgkill", "time", "timer_create", "timer_delete",
	"timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64",
	"timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
	"timerfd_settime64", "times", "tkill", "truncate", "truncate64", "ugetrlimit", "umask",
	"uname", "unlink", "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes", "vfork",
	"vmsplice", "wait4", "waitid", "waitpid", "write", "writev",
};

/* Never, and said so. */
static const char *const refused[] = {
	/* mounts and roots, old and new interface */
	"chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
	"open_tree", "pivot_root", "umount", "umount2",
	/* namespaces */
	"setns",
	/* files by handle, round every mount */
	"name_to_handle_at", "open_by_handle_at",
	/* other processes' memory and descriptors */
	"kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
	/* kernel interfaces that filters cannot see into, or with a history */
	"bpf", "fanotify_init", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"lookup_dcookie", "perf_event_open", "userfaultfd",
	/* keys of the user and the session */
	"add_key", "keyctl", "request_key",
	/* memory policy and page movement */
	"get_mempolicy", "mbind", "migrate_pages", "move_pages", "set_mempolicy",
	"set_mempolicy_home_node",
	/* the machine */
	"acct", "adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64",
	"create_module", "delete_module", "finit_module", "get_kernel_syms", "init_module", "ioperm",
	"iopl", "kexec_file_load", "kexec_load", "query_module", "quotactl", "quotactl_fd", "reboot",
	"sethostname", "setdomainname", "settimeofday", "stime", "swapoff", "swapon", "syslog",
	"vhangup",
	/* odd processor modes and relics */
	"_sysctl", "modify_ldt", "nfsservctl", "sysfs", "uselib", "ustat", "vm86", "vm86old",
};

/* Allowed by default, refused by `strict`: what few programs use, and kernel holes were found in. */
static const char *const strict_refused[] = {
	"epoll_ctl_old", "epoll_wait_old", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
	"io_setup", "io_submit", "memfd_secret", "mq_getsetattr", "mq_notify", "mq_open",
	"mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd",
	"remap_file_pages", "semctl", "semget", "semop", "semtimedop", "set_thread_area", "shmat",
	"shmctl", "shmdt", "shmget", "vmsplice",
};

/* Refused by `compute` as well: every way to a new socket, and to a changed or a new file. */
static const char *const compute_refused[] = {
	"accept", "accept4", "bind", "chmod", "chown", "connect", "creat", "fchmod", "fchmodat",
	"fchown", "fchownat", "fremovexattr", "fsetxattr", "futimesat", "inotify_init",
	"inotify_init1", "lchown", "link", "linkat", "listen", "lremovexattr", "lsetxattr",
	"memfd_create", "mkdir", "mkdirat", "mknod", "mknodat", "openat2", "pidfd_open",
	"removexattr", "rename", "renameat", "renameat2", "rmdir", "setxattr", "socket",
	"socketpair", "symlink", "symlinkat", "truncate", "unlink", "unlinkat", "utime",
	"utimensat", "utimes",
};

static void __attribute__((noreturn)) fail(const char *what, int err)
{
	fprintf(stderr, "seccomp profile: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void rule(struct filter_set *f, uint32_t action, const char *name, size_t n,
		 const struct filter_cond *conds)
{
	struct filter_rule r = { .action = action, .n_conds = n };

	for (size_t i = 0; i < n; i++)
		r.conds[i] = conds[i];
	for (r.abi = 0; r.abi < f->n_abis; r.abi++) {
		int err = filter_call_number(&f->abis[r.abi], name, &r.nr);

		if (err == -ENOSYS)
			continue;	/* the ABI has it not */
		if (err == 0)
			err = filter_set_add(f, &r);
		/* A misspelt name would be a hole in `refused` and a riddle in `allowed`. */
		if (err < 0)
			fail(name, err);
	}
}

static bool is_in(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_taken_away(const char *name, enum flavour flavour)
{
	return (flavour >= STRICT &&
		is_in(name, strict_refused, sizeof(strict_refused) / sizeof(strict_refused[0]))) ||
	       (flavour >= COMPUTE &&
		is_in(name, compute_refused, sizeof(compute_refused) / sizeof(compute_refused[0])));
}

static struct filter_set *new_filter(uint32_t otherwise, enum flavour flavour)
{
	static const struct filter_abi abis[] = {
		/* x32 is not there: its numbers count as another ABI's. */
#if defined(__x86_64__)
		{ AUDIT_ARCH_X86_64, false, SCMP_ARCH_X86_64 }, { AUDIT_ARCH_I386, false, SCMP_ARCH_X86 },
#elif defined(__aarch64__)
		{ AUDIT_ARCH_AARCH64, false, SCMP_ARCH_AARCH64 }, { AUDIT_ARCH_ARM, false, SCMP_ARCH_ARM },
#elif defined(__riscv) && __riscv_xlen == 64
		{ AUDIT_ARCH_RISCV64, false, SCMP_ARCH_RISCV64 },
#else
#error "this architecture has no profile yet"
#endif
	};
	struct filter_set *f = calloc(1, sizeof(*f));

	if (!f)
		fail("filter", -ENOMEM);
	f->otherwise = otherwise;
	f->beyond = otherwise;
	f->bad_abi = ERRNO(ENOSYS);
	f->n_abis = flavour >= STRICT ? 1 : sizeof(abis) / sizeof(abis[0]);
	memcpy(f->abis, abis, f->n_abis * sizeof(abis[0]));
	return f;
}

/* What exists. Every protocol that the sandbox may speak to its own namespace is named. */
static void allow_sockets(struct filter_set *f, enum flavour flavour)
{
	static const struct {
		uint32_t family, type, protocol;
	} t[] = {
		{ AF_INET, SOCK_STREAM, 0 }, { AF_INET, SOCK_STREAM, IPPROTO_TCP },
		{ AF_INET, SOCK_DGRAM, 0 }, { AF_INET, SOCK_DGRAM, IPPROTO_UDP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_INET6, SOCK_STREAM, 0 }, { AF_INET6, SOCK_STREAM, IPPROTO_TCP },
		{ AF_INET6, SOCK_DGRAM, 0 }, { AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
		/* getifaddrs(3) and getaddrinfo(3) ask it which addresses there are. */
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE }, { AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE },
	};

	ALLOW(f, "socket", EQ(0, AF_UNIX));
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (flavour >= STRICT && (t[i].family == AF_NETLINK || t[i].protocol == IPPROTO_ICMP ||
					  t[i].protocol == IPPROTO_ICMPV6))
			continue;
		ALLOW(f, "socket", EQ(0, t[i].family), MASK(1, SOCK_TYPE_BITS, t[i].type),
		      EQ(2, t[i].protocol));
	}
}

static struct filter_set *make_first(enum flavour flavour)
{
	static const uint32_t personalities[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
	struct filter_set *f = new_filter(ERRNO(ENOSYS), flavour);

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (flavour != STRICT || strcmp(allowed[i], "memfd_create") != 0)
			rule(f, is_taken_away(allowed[i], flavour) ? ERRNO(EPERM) :
			     SECCOMP_RET_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		rule(f, ERRNO(EPERM), refused[i], 0, NULL);
	for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++)
		ALLOW(f, "personality", EQ(0, personalities[i]));
	if (flavour < COMPUTE)
		allow_sockets(f, flavour);
	else
		rule(f, ERRNO(EPERM), "socket", 0, NULL);
	/* In `strict`, anonymous files are not made to be executed. */
	if (flavour == STRICT) {
		ALLOW(f, "memfd_create", MASK(1, NOEXEC_SEAL, NOEXEC_SEAL));
		REFUSE(f, "memfd_create", MASK(1, NOEXEC_SEAL, 0));
	}
	/* Judged by the second filter alone. clone3(2) hides its flags: it does not exist. */
	rule(f, SECCOMP_RET_ALLOW, "clone", 0, NULL);
	rule(f, SECCOMP_RET_ALLOW, "ioctl", 0, NULL);
	rule(f, SECCOMP_RET_ALLOW, "seccomp", 0, NULL);
	rule(f, SECCOMP_RET_ALLOW, "unshare", 0, NULL);
	return f;
}

/* The errno is for people; without these rules the first filter would answer ENOSYS. */
static void refuse_sockets(struct filter_set *f, enum flavour flavour)
{
	static const uint32_t inet[] = { AF_INET, AF_INET6 };
	static const uint32_t other[] = { 33 /* DCCP */, 132 /* SCTP */, 136 /* UDP-Lite */,
		PROTO_MPTCP };

	/* All but UNIX, IPv4, IPv6 and netlink. */
	REFUSE(f, "socket", EQ(0, AF_UNSPEC));
	REFUSE(f, "socket", RANGE(0, AF_INET + 1, AF_INET6 - 1));
	REFUSE(f, "socket", RANGE(0, AF_INET6 + 1, AF_NETLINK - 1));
	REFUSE(f, "socket", RANGE(0, AF_NETLINK + 1, FAMILY_LAST));
	if (flavour >= STRICT) {
		REFUSE(f, "socket", EQ(0, AF_NETLINK));
		REFUSE(f, "socket", EQ(0, AF_INET), EQ(2, IPPROTO_ICMP));
		REFUSE(f, "socket", EQ(0, AF_INET6), EQ(2, IPPROTO_ICMPV6));
	}
	for (size_t i = 0; i < sizeof(inet) / sizeof(inet[0]); i++) {
		for (uint32_t type = 0; type <= SOCK_TYPE_BITS; type++) {
			if (type != SOCK_STREAM && type != SOCK_DGRAM)
				REFUSE(f, "socket", EQ(0, inet[i]), MASK(1, SOCK_TYPE_BITS, type));
		}
		for (size_t k = 0; k < sizeof(other) / sizeof(other[0]); k++)
			RULE(f, ERRNO(EPROTONOSUPPORT), "socket", EQ(0, inet[i]),
			     MASK(1, SOCK_TYPE_BITS, SOCK_STREAM), EQ(2, other[k]));
	}
	if (flavour < STRICT)
		RULE(f, ERRNO(EPROTONOSUPPORT), "socket", EQ(0, AF_NETLINK), RANGE(2, 1, 31));
	REFUSE(f, "socketpair", EQ(0, AF_UNSPEC));
	REFUSE(f, "socketpair", RANGE(0, AF_UNIX + 1, FAMILY_LAST));
}

static void refuse_terminal(struct filter_set *f)
{
	/* Typing for the user, in three ways; line disciplines; the console's output; hang-up. */
	static const uint32_t requests[] = { TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS, TIOCVHANGUP };

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		REFUSE(f, "ioctl", EQ(1, requests[i]));
	/* KD* and VT_*: keyboard tables and modes of a virtual console. */
	REFUSE(f, "ioctl", MASK(1, 0xffffff00, 0x4b00));
	REFUSE(f, "ioctl", MASK(1, 0xffffff00, 0x5600));
}

/* Files are opened for reading: the loader could not do without. */
static void refuse_writing(struct filter_set *f)
{
	static const uint32_t flags[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, TMPFILE };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		REFUSE(f, "open", MASK(1, flags[i], flags[i]));
		REFUSE(f, "openat", MASK(2, flags[i], flags[i]));
	}
}

static struct filter_set *make_second(enum flavour flavour)
{
	static const uint32_t personalities[] = { ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC,
		MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT };
	struct filter_set *f = new_filter(SECCOMP_RET_ALLOW, flavour);

	for (size_t i = 0; i < sizeof(new_flags) / sizeof(new_flags[0]); i++) {
		REFUSE(f, "clone", MASK(0, new_flags[i], new_flags[i]));
		REFUSE(f, "unshare", MASK(0, new_flags[i], new_flags[i]));
	}
	REFUSE(f, "unshare", MASK(0, new_time, new_time));
	/* A listener's word would count more than a refusal of ours. */
	REFUSE(f, "seccomp", MASK(1, SECCOMP_FILTER_FLAG_NEW_LISTENER,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER));
	for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++)
		REFUSE(f, "personality", EQ(0, personalities[i]));
	if (flavour < COMPUTE)
		refuse_sockets(f, flavour);
	else
		refuse_writing(f);
	refuse_terminal(f);
	return f;
}

/* For profiles that come from a file: whatever they allow, nobody types for the user. */
static struct filter_set *make_terminal(void)
{
	struct filter_set *f = new_filter(SECCOMP_RET_ALLOW, DEFAULT);

	f->bad_abi = SECCOMP_RET_ALLOW;
#ifdef __x86_64__
	f->abis[f->n_abis++] = (struct filter_abi){ AUDIT_ARCH_X86_64, true, SCMP_ARCH_X32 };
#endif
	refuse_terminal(f);
	return f;
}

/* Prints the filter as an array of struct sock_filter. */
static void print(struct filter_set *f, const char *name)
{
	struct sock_fprog prog;
	int r = filter_make(f, &prog);

	if (r < 0)
		fail(name, r);
	printf("static const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < prog.len; i++)
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", prog.filter[i].code, prog.filter[i].jt,
		       prog.filter[i].jf, prog.filter[i].k);
	printf("};\n");
	free(prog.filter);
	filter_set_done(f);
	free(f);
}

int main(void)
{
	printf("/* Made by sandbox/profiles/default.c. */\n");
	print(make_first(DEFAULT), "default_exists");
	print(make_second(DEFAULT), "default_uses");
	print(make_first(STRICT), "strict_exists");
	print(make_second(STRICT), "strict_uses");
	print(make_first(COMPUTE), "compute_exists");
	print(make_second(COMPUTE), "compute_uses");
	print(make_terminal(), "terminal");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
