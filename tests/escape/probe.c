/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: attacks on the jail, one per subcommand, each a few lines. It prints what the kernel said and
 * judges nothing: the *.t files run it inside, where it must be refused, and outside, where it must work.
 *
 *	probe calls		raw system calls from stdin, one per line: MODE NR [ARG...]; MODE is
 *				native, x32, int80 or far; prints "ok" or the errno's name for each
 *	probe COMMAND [ARG...]	see `commands` at the end
 */
#include "tests/escape/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/ucontext.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int cmd_calls(char **argv)
{
	char line[256], mode[16];
	long nr, a[CALL_ARGS];
	pid_t first;

	(void)argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int at = 0, n = 0;
		char *p, *end;

		if (sscanf(line, "%15s %li%n", mode, &nr, &at) != 2)
			return 2;
		memset(a, 0, sizeof(a));
		for (p = line + at; n < CALL_ARGS; n++, p = end) {
			a[n] = (long)strtoull(p, &end, 0);
			if (end == p)
				break;
		}
		/* A process of its own each: some calls change their caller, clone() makes another. */
		first = fork();
		if (first == 0) {
			pid_t self = getpid();
			long r = call_one(mode, nr, a);

			if (r != 0 || (getpid() == self && syscall(SYS_gettid) == self))
				say_raw(r);
			_exit(0);
		}
		waitpid(first, NULL, 0);
	}
	return 0;
}

/* ---- descriptors and files ------------------------------------------------------------------- */

static int cmd_fds(char **argv)
{
	(void)argv;
	for (int fd = 3; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("fd %d\n", fd);
	}
	puts("end");
	return 0;
}

/* Opens directories and O_PATH descriptors without close-on-exec, then runs the rest. */
static int cmd_hold(char **argv)
{
	for (int i = 0; i < 100; i++) {
		if (open("/", (i & 1 ? O_PATH : O_RDONLY) | O_DIRECTORY) < 0)
			return say(-1);
	}
	execvp(argv[0], argv);
	return say(-1);
}

/* The classic: a descriptor above the new root, then up. */
static int cmd_chroot(char **argv)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	(void)argv;
	mkdir("/tmp/c", 0755);
	if (chroot("/tmp/c") < 0)
		return say(-1);
	for (int i = 0; i < 64; i++) {
		if (openat(fd, "..", O_RDONLY) < 0)
			break;
	}
	return say(fchdir(fd));
}

static int cmd_handle(char **argv)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + 128];
	} u = { .h = { .handle_bytes = 128 } };
	int mount_id;

	/* ext4's handle of inode 2, the root directory of the file system */
	if (name_to_handle_at(AT_FDCWD, argv[0], &u.h, &mount_id, 0) < 0)
		return say(-1);
	return say(open_by_handle_at(open(argv[0], O_RDONLY), &u.h, O_RDONLY));
}

static int cmd_remount(char **argv)
{
	return say(mount(NULL, argv[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int cmd_umount(char **argv)
{
	return say(umount2(argv[0], MNT_DETACH));
}

static int cmd_userns(char **argv)
{
	long r = unshare(CLONE_NEWUSER);

	(void)argv;
	/* The limit of 0 is ENOSPC, which says the same. */
	if (r < 0 && errno == ENOSPC)
		errno = EPERM;
	return say(r);
}

static int cmd_mknod(char **argv)
{
	(void)argv;
	return say(mknod("/tmp/node", S_IFCHR | 0666, 0x103));
}

/* A node by its number: made, and opened. */
static int cmd_node(char **argv)
{
	dev_t dev = makedev((unsigned int)atoi(argv[1]), (unsigned int)atoi(argv[2]));

	if (mknod(argv[0], S_IFCHR | 0666, dev) < 0)
		return say(-1);
	return say(open(argv[0], O_RDWR));
}

/* PATH|socket COMMAND [ARGUMENT]; without one it is a buffer. All 64 bits of the register are the command's. */
static int cmd_ioctl(char **argv)
{
	static char buf[4096] = "lo";
	int fd = strcmp(argv[0], "socket") ? open(argv[0], O_RDWR) : socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long arg = argv[2] ? strtoul(argv[2], NULL, 0) : (unsigned long)buf;

	return fd < 0 ? say(-1) : say((int)syscall(SYS_ioctl, fd, strtoul(argv[1], NULL, 0), arg));
}

static int cmd_open(char **argv)
{
	return say(open(argv[0], (int)strtol(argv[1], NULL, 0)));
}

static int cmd_link(char **argv)
{
	return say(link(argv[0], argv[1]));
}

static int cmd_truncate(char **argv)
{
	return say(truncate(argv[0], 0));
}

/* ---- processes ------------------------------------------------------------------------------- */

static int cmd_ids(char **argv)
{
	uid_t r, e, s;

	(void)argv;
	getresuid(&r, &e, &s);
	printf("uid %u %u %u\n", r, e, s);
	return 0;
}

static int cmd_setuid(char **argv)
{
	return say(setuid((uid_t)strtoul(argv[0], NULL, 10)));
}

static int cmd_kill(char **argv)
{
	return say(kill((pid_t)strtol(argv[0], NULL, 10), (int)strtol(argv[1], NULL, 10)));
}

/* n orphans, each dead at once; then how many processes there are. */
static int cmd_orphans(char **argv)
{
	long n = strtol(argv[0], NULL, 10), seen = 0, last = -1;
	struct dirent *e;

	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return say(-1);
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	/* Until it stays the same: the reaper needs its turn. */
	for (int i = 0; i < 100 && seen != last; i++) {
		DIR *d = opendir("/proc");

		last = seen;
		seen = 0;
		while (d && (e = readdir(d)))
			seen += e->d_name[0] >= '0' && e->d_name[0] <= '9';
		closedir(d);
		usleep(50000);
	}
	printf("%ld\n", seen);
	return 0;
}

/* A program without handlers: a shell that prints and then waits may lose a signal in between. */
static int cmd_ready(char **argv)
{
	(void)argv;
	puts("ready");
	fflush(stdout);
	while (pause() < 0)
		;
	return 0;
}

/* Prints "ready", sleeps as many milliseconds, reads a line from the file (-: stdin), says what it was. */
static int cmd_ask(char **argv)
{
	char line[64] = "";
	FILE *f;

	puts("ready");
	fflush(stdout);
	usleep((useconds_t)strtoul(argv[0], NULL, 10) * 1000);
	f = strcmp(argv[1], "-") ? fopen(argv[1], "r") : stdin;
	if (!f || !fgets(line, sizeof(line), f))
		return say(-1);
	printf("was %s", line);
	return 0;
}

static void *thread(void *arg)
{
	*(int *)arg += 1;
	return NULL;
}

static int cmd_threads(char **argv)
{
	int n = 0;

	(void)argv;
	for (int i = 0; i < 50; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread, &n) || pthread_join(t, NULL))
			return 1;
	}
	printf("%d\n", n);
	return 0;
}

static void *thread_stay(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

/* N threads that stay. */
static int cmd_crowd(char **argv)
{
	for (int i = 0; i < atoi(argv[0]); i++) {
		pthread_t t;
		int err = pthread_create(&t, NULL, thread_stay, NULL);

		if (err)
			return puts(strerrorname_np(err)) < 0;
	}
	puts("ok");
	return 0;
}

/* Is the filter still there in a thread, a child and after exec? */
static void *thread_mount(void *arg)
{
	*(int *)arg = syscall(SYS_mount, NULL, NULL, NULL, 0, NULL) < 0 ? errno : 0;
	return NULL;
}

static int cmd_inherit(char **argv)
{
	int err = 0;
	pthread_t t;

	(void)argv;
	if (pthread_create(&t, NULL, thread_mount, &err) || pthread_join(t, NULL))
		return 1;
	printf("thread %s ", strerrorname_np(err));
	fflush(stdout);
	if (fork() == 0) {
		thread_mount(&err);
		printf("child %s\n", strerrorname_np(err));
		return 0;
	}
	wait(NULL);
	return 0;
}

#if defined(__x86_64__) || defined(__i386__)
static int rewinds;

/* Back onto the instruction that trapped, as the call that was refused; at last by the other way in. */
static void again(int sig, siginfo_t *si, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
#ifdef __x86_64__
	const int ip = REG_RIP, ax = REG_RAX;
#else
	const int ip = REG_EIP, ax = REG_EAX;
#endif

	(void)sig;
	if (++rewinds > 10) {
		r[ax] = -ENOSYS;
		return;
	}
	r[ax] = si->si_syscall;
	r[ip] -= 2;
}

/* A call that the filter answers with SIGSYS: how often did it trap, and what did it say in the end? */
static int cmd_sigsys(char **argv)
{
	struct sigaction sa = { .sa_sigaction = again, .sa_flags = SA_SIGINFO | SA_NODEFER };
	const long a[CALL_ARGS] = { 0 };

	sigaction(SIGSYS, &sa, NULL);
	errno = (int)-call_one(argv[0], strtol(argv[1], NULL, 0), a);
	printf("%d %s\n", rewinds, errno ? strerrorname_np(errno) : "ok");
	return 0;
}
#else
static int cmd_sigsys(char **argv)
{
	(void)argv;
	return puts("no way to rewind here") < 0;
}
#endif

/* A filter of one's own that notifies: the program would answer for the jail. */
static int cmd_listener(char **argv)
{
	enum { FILTER = 1, NEW_LISTENER = 8 };
	static uint64_t allow = 0x7fff000000000006;	/* return SECCOMP_RET_ALLOW */
	struct {
		unsigned short len;
		void *insns;
	} prog = { 1, &allow };

	(void)argv;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return say(syscall(SYS_seccomp, FILTER, NEW_LISTENER, &prog));
}

/* time(2) by the page at a fixed address: a call that no instruction of the program makes. */
static int cmd_vsyscall(char **argv)
{
	(void)argv;
#ifdef __x86_64__
	long (*call)(void *) = (long (*)(void *))0xffffffffff600400;

	return say_raw(call(NULL));
#else
	return puts("ok") < 0;
#endif
}

/* Leaves session, group and terminal, ignores everything, and sleeps with argv[0] as its name. */
static int cmd_daemon(char **argv)
{
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid > 0)
			return 0;
		setsid();
	}
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	execlp("sleep", argv[0], "1000", (char *)NULL);
	return 1;
}

static int cmd_nice(char **argv)
{
	const __priority_which_t which = (__priority_which_t)strtol(argv[0], NULL, 10);
	const id_t id = (id_t)strtol(argv[1], NULL, 10);
	const int now = getpriority(which, id);

	return say(setpriority(which, id, now < 19 ? now + 1 : 19));
}

/* ---- terminals, sockets, keys ---------------------------------------------------------------- */

/* Types "x\n" into the terminal on stdin, with the request given (upper half and all). */
static int cmd_type(char **argv)
{
	unsigned long request = strtoul(argv[0], NULL, 0);
	long r = 0;

	for (const char *p = "typed\n"; *p && r >= 0; p++)
		r = syscall(SYS_ioctl, 0, request, p);
	return say(r);
}

/* Selects nothing and pastes it: TIOCLINUX with subcode 3. A terminal that is no console says ENOTTY. */
static int cmd_paste(char **argv)
{
	char sub = 3;

	return say(syscall(SYS_ioctl, 0, strtoul(argv[0], NULL, 0), &sub));
}

static int cmd_ctty(char **argv)
{
	(void)argv;
	if (fork() == 0) {
		setsid();
		return say(ioctl(0, TIOCSCTTY, 1));
	}
	wait(NULL);
	return 0;
}

static int unix_socket(const char *name, bool abstract, bool listening)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len;

	strncpy(sa.sun_path + abstract, name, sizeof(sa.sun_path) - 2);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
	if (listening) {
		if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 8) < 0)
			return -1;
		puts("ready");
		fflush(stdout);
		pause();
	}
	return connect(fd, (struct sockaddr *)&sa, len);
}

static int cmd_abstract(char **argv)
{
	return say(unix_socket(argv[0], true, argv[1] != NULL));
}

static int cmd_unix(char **argv)
{
	return say(unix_socket(argv[0], false, argv[1] != NULL));
}

/* A key in the session keyring, then the rest runs; without a command: is it there? */
static int cmd_key(char **argv)
{
	enum { SESSION = -3, SEARCH = 10, JOIN = 1 };

	if (!argv[0])
		return say(syscall(SYS_keyctl, SEARCH, SESSION, "user", "sluice-probe", 0));
	if (syscall(SYS_keyctl, JOIN, NULL) < 0 ||
	    syscall(SYS_add_key, "user", "sluice-probe", "secret", 6, SESSION) < 0)
		return say(-1);
	execvp(argv[0], argv);
	return say(-1);
}

static int cmd_limit(char **argv)
{
	struct rlimit r;

	(void)argv;
	getrlimit(RLIMIT_CORE, &r);
	printf("%ld %ld\n", (long)r.rlim_cur, (long)r.rlim_max);
	r.rlim_max = r.rlim_cur = RLIM_INFINITY;
	return say(setrlimit(RLIMIT_CORE, &r));
}

/* Runs the rest with descriptor argv[0] being the directory argv[1]. */
static int cmd_dirfd(char **argv)
{
	int fd = (int)strtol(argv[0], NULL, 10), dir = open(argv[1], O_RDONLY | O_DIRECTORY);

	if (dup2(dir, fd) < 0)
		return say(-1);
	execvp(argv[2], argv + 2);
	return say(-1);
}

/* Runs the rest with descriptors 0, 1 and 2 closed. */
static int cmd_closed(char **argv)
{
	close(0);
	close(1);
	close(2);
	execvp(argv[0], argv);
	return 1;
}

/* Swaps argv[0] between a directory and a symlink to argv[1], until killed. */
static int cmd_swap(char **argv)
{
	char dir[256], link_[256];

	snprintf(dir, sizeof(dir), "%s.dir", argv[0]);
	snprintf(link_, sizeof(link_), "%s.link", argv[0]);
	mkdir(dir, 0755);
	if (symlink(argv[1], link_) < 0)
		return say(-1);
	mkdir(argv[0], 0755);
	puts("ready");
	fflush(stdout);
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, link_, AT_FDCWD, argv[0], 2 /* RENAME_EXCHANGE */);
}

static const struct command commands[] = {
	{ "calls", cmd_calls, 0 }, { "fds", cmd_fds, 0 }, { "hold", cmd_hold, 1 },
	{ "chroot", cmd_chroot, 0 }, { "handle", cmd_handle, 1 }, { "mknod", cmd_mknod, 0 }, { "node", cmd_node, 3 }, { "ioctl", cmd_ioctl, 2 },
	{ "remount", cmd_remount, 1 }, { "umount", cmd_umount, 1 },
	{ "open", cmd_open, 2 }, { "userns", cmd_userns, 0 }, { "setuid", cmd_setuid, 1 }, { "link", cmd_link, 2 }, { "truncate", cmd_truncate, 1 },
	{ "ids", cmd_ids, 0 }, { "kill", cmd_kill, 2 }, { "orphans", cmd_orphans, 1 },
	{ "threads", cmd_threads, 0 }, { "crowd", cmd_crowd, 1 }, { "inherit", cmd_inherit, 0 }, { "daemon", cmd_daemon, 1 },
	{ "sigsys", cmd_sigsys, 2 }, { "listener", cmd_listener, 0 }, { "vsyscall", cmd_vsyscall, 0 }, { "nice", cmd_nice, 2 }, { "type", cmd_type, 1 }, { "paste", cmd_paste, 1 },
	{ "ctty", cmd_ctty, 0 }, { "abstract", cmd_abstract, 1 }, { "unix", cmd_unix, 1 },
	{ "key", cmd_key, 0 }, { "limit", cmd_limit, 0 }, { "dirfd", cmd_dirfd, 3 },
	{ "ready", cmd_ready, 0 }, { "ask", cmd_ask, 2 }, { "closed", cmd_closed, 1 }, { "swap", cmd_swap, 2 },
	{ NULL, NULL, 0 },
};

static const struct command *find(const struct command *c, const char *name, int args)
{
	for (; c->name; c++) {
		if (!strcmp(name, c->name) && args >= c->args)
			return c;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *c = argc > 1 ? find(commands, argv[1], argc - 2) : NULL;

	if (!c && argc > 1)
		c = find(attack_commands, argv[1], argc - 2);
	if (c)
		return c->run(argv + 2);
	fprintf(stderr, "probe: no such command\n");
	return 2;
}
