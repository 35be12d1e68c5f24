/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: what open() and close() of a file cost under five ways of keeping a program from other files.
 *
 *	open WAY TREE FILE [N]		prints nanoseconds per pair, the mean of N; needs root
 *
 * TREE is a directory, FILE a path below it without a leading slash. Ways: plain; nosymfollow, a bind mount of the
 * tree with that flag; landlock, one ruleset with ten rules; broker, where each open is a notification to another
 * process that resolves the path itself and gives the descriptor back; ptrace, where a tracer adds O_NOFOLLOW.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	/* Linux 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { RULES = 10, PATH_CAP = 1024 };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "open: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int r, const char *what)
{
	if (r < 0)
		die(what);
	return r;
}

static void measure(const char *path, long n)
{
	uint64_t start = clock_mono_ns();

	for (long i = 0; i < n; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			die(path);
		close(fd);
	}
	printf("%.1f\n", (double)(clock_mono_ns() - start) / (double)n);
}

static void no_new_privs(void)
{
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void way_nosymfollow(const char *tree)
{
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	check(mount(tree, tree, NULL, MS_BIND, NULL), "bind");
	check(mount(NULL, tree, NULL, MS_REMOUNT | MS_BIND | MS_NOSYMFOLLOW, NULL), "nosymfollow");
}

static void way_landlock(const char *tree)
{
	static const char *const others[RULES - 1] = { "/usr", "/etc", "/dev", "/proc", "/tmp", "/bin", "/lib", "/var", "/run" };
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_READ_DIR,
	};
	int set = check((int)syscall(__NR_landlock_create_ruleset, &attr, sizeof(attr), 0), "landlock");

	for (int i = 0; i < RULES; i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
			.parent_fd = check(open(i ? others[i - 1] : tree, O_PATH | O_CLOEXEC), "a rule's directory"),
		};

		check((int)syscall(__NR_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), "a rule");
		close(rule.parent_fd);
	}
	no_new_privs();
	check((int)syscall(__NR_landlock_restrict_self, set, 0), "landlock_restrict_self");
}

/* A filter that does this to openat() and lets everything else through. */
static int filter_openat(uint32_t action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	no_new_privs();
	return check((int)syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog), "seccomp");
}

static void answer(int listener, int root, const char *tree)
{
	struct seccomp_notif ask = { 0 };
	struct seccomp_notif_addfd add = { .flags = SECCOMP_ADDFD_FLAG_SEND, .newfd_flags = O_CLOEXEC };
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	char path[PATH_CAP] = "";
	struct iovec to = { path, sizeof(path) - 1 }, from = { NULL, sizeof(path) - 1 };
	size_t len = strlen(tree);
	uint64_t id;
	int fd;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
		_exit(0);
	id = ask.id;
	from.iov_base = (void *)(uintptr_t)ask.data.args[1];
	if (process_vm_readv((pid_t)ask.pid, &to, 1, &from, 1, 0) <= 0 ||
	    ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 || strncmp(path, tree, len) != 0)
		die("the broker cannot read the path");
	fd = check((int)syscall(__NR_openat2, root, path + len + 1, &how, sizeof(how)), "the broker's open");
	add.id = id;
	add.srcfd = (uint32_t)fd;
	check(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), "the broker's answer");
	close(fd);
}

static void send_fd(int sock, int fd)
{
	union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c = { 0 };
	struct iovec iov = { "", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof(c.b) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	check((int)sendmsg(sock, &m, 0), "sending the listener");
}

static int recv_fd(int sock)
{
	union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof(c.b) };
	int fd = -1;

	check((int)recvmsg(sock, &m, MSG_CMSG_CLOEXEC), "the listener");
	if (CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

static void way_broker(const char *tree)
{
	int pair[2], root = check(open(tree, O_PATH | O_CLOEXEC), tree);
	pid_t me = getpid(), broker;

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
	broker = check(fork(), "fork");
	if (broker == 0) {
		int listener = recv_fd(pair[1]);

		/* Older kernels do without. */
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == me)
			answer(listener, root, tree);
		_exit(0);
	}
	send_fd(pair[0], filter_openat(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

/* Returns in the child, which is traced. */
static void way_ptrace(void)
{
	pid_t child = check(fork(), "fork");
	struct user_regs_struct regs;
	int status;

	if (child == 0) {
		check((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL), "ptrace");
		raise(SIGSTOP);
		filter_openat(SECCOMP_RET_TRACE, 0);
		return;
	}
	check(waitpid(child, &status, 0), "wait");
	check((int)ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL), "ptrace");
	for (;;) {
		check((int)ptrace(PTRACE_CONT, child, NULL, NULL), "ptrace");
		check(waitpid(child, &status, 0), "wait");
		if (WIFEXITED(status) || WIFSIGNALED(status))
			exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			continue;
		check((int)ptrace(PTRACE_GETREGS, child, NULL, &regs), "registers");
		regs.rdx |= O_NOFOLLOW;
		check((int)ptrace(PTRACE_SETREGS, child, NULL, &regs), "registers");
	}
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	static _Alignas(4096) char path[PATH_CAP];
	long n = argc > 4 ? atol(argv[4]) : 100000;

	if (argc < 4 || n < 1) {
		fprintf(stderr, "usage: open WAY TREE FILE [N]\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/%s", argv[2], argv[3]);
	if (strcmp(way, "nosymfollow") == 0)
		way_nosymfollow(argv[2]);
	else if (strcmp(way, "landlock") == 0)
		way_landlock(argv[2]);
	else if (strcmp(way, "broker") == 0)
		way_broker(argv[2]);
	else if (strcmp(way, "ptrace") == 0)
		way_ptrace();
	else if (strcmp(way, "plain") != 0) {
		fprintf(stderr, "open: no way is called %s\n", way);
		return 2;
	}
	measure(path, n);
	return 0;
}
