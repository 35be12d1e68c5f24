/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack: the rest of probe's commands, those that the battery runs in any jail. Each prints "ok", with what it
 * got where there may be more than one thing, or why it was refused: errno's name.
 */
#include "tests/escape/probe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT_CAP (1 << 20)

static int fail(int err)
{
	errno = err;
	return say(-1);
}

/* How many bytes of the file are in out, closed with a zero; -1 with errno. */
static ssize_t slurp(int dir, const char *path, char *out)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n, len = 0;

	if (fd < 0)
		return -1;
	while (len < TEXT_CAP - 1 && (n = read(fd, out + len, (size_t)(TEXT_CAP - 1 - len))) > 0)
		len += n;
	out[len] = '\0';
	close(fd);
	return len;
}

static char text[TEXT_CAP];

/* ---- files ------------------------------------------------------------------------------------ */

static int cmd_read(char **argv)
{
	int err = ENOENT;

	for (; *argv; argv++) {
		ssize_t n = slurp(AT_FDCWD, *argv, text);

		if (n < 0)
			err = errno;
		else if (memmem(text, (size_t)n, "planted", 7))
			return say(0);
	}
	return fail(err);
}

/* The file "secret" by each descriptor that is open. */
static int cmd_fdread(char **argv)
{
	(void)argv;
	for (int fd = 0; fd < 4096; fd++) {
		if (slurp(fd, "secret", text) > 0)
			return say(0);
	}
	return fail(EBADF);
}

/* Which of the files open for writing? Nothing is written. */
static int cmd_writable(char **argv)
{
	int err = ENOENT, n = 0;

	for (; *argv; argv++) {
		int fd = open(*argv, O_WRONLY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			err = errno;
		else
			printf("%s %s", n++ ? "" : "ok", *argv);
		close(fd);
	}
	return n ? puts("") < 0 : fail(err);
}

static int cmd_readable(char **argv)
{
	int err = ENOENT, n = 0;

	for (; *argv; argv++) {
		ssize_t len = slurp(AT_FDCWD, *argv, text);

		if (len > 0)
			printf("%s %s", n++ ? "" : "ok", *argv);
		else
			err = len < 0 ? errno : ENODATA;
	}
	return n ? puts("") < 0 : fail(err);
}

/* The same of those who started us: the first process, the parent. */
static int cmd_launcher(char **argv)
{
	const pid_t pids[] = { 1, getppid() == 1 ? 0 : getppid() };
	static char paths[16][64];
	char *list[17];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		for (char **f = argv; *f && n < 16 && pids[i] > 0 && pids[i] != getpid(); f++) {
			snprintf(paths[n], sizeof(paths[n]), "/proc/%d/%s", pids[i], *f);
			list[n] = paths[n];
			n++;
		}
	}
	list[n] = NULL;
	return cmd_readable(list);
}

static int cmd_grep(char **argv)
{
	ssize_t n = slurp(AT_FDCWD, argv[0], text);

	return n < 0 ? say(-1) : memmem(text, (size_t)n, argv[1], strlen(argv[1])) ? say(0) : fail(ENODATA);
}

/* An empty file of that name in each of the directories. Whether it was outside, the host knows. */
static int cmd_litter(char **argv)
{
	char path[512];

	for (char **dir = argv + 1; *dir; dir++) {
		snprintf(path, sizeof(path), "%s/%s", *dir, argv[0]);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	}
	return puts("tried") < 0;
}

static int cmd_symlink(char **argv)
{
	return say(symlink(argv[0], argv[1]));
}

/* ---- namespaces ------------------------------------------------------------------------------- */

static int cmd_nsmount(char **argv)
{
	(void)argv;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return say(-1);
	return say(mount("none", "/proc", "tmpfs", 0, NULL));
}

static int cmd_newmount(char **argv)
{
	enum { CREATE = 6 /* FSCONFIG_CMD_CREATE */ };
	long fs;

	(void)argv;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return say(-1);
	fs = syscall(SYS_fsopen, "tmpfs", 0);
	if (fs < 0 || syscall(SYS_fsconfig, fs, CREATE, NULL, NULL, 0) < 0)
		return say(-1);
	return say(syscall(SYS_fsmount, fs, 0, 0));
}

/* As for a release_agent: a cgroup hierarchy, mounted in namespaces of one's own. */
static int cmd_cgroup(char **argv)
{
	(void)argv;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) < 0)
		return say(-1);
	if (mount("none", "/proc", "cgroup2", 0, NULL) == 0)
		return say(0);
	return say(mount("none", "/proc", "cgroup", 0, "none,name=systemd"));
}

static int cmd_clone3(char **argv)
{
	struct clone_args a = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	(void)argv;
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return say(pid);
}

/* ---- processes -------------------------------------------------------------------------------- */

/* The process whose command line begins with the two words put together: so no launcher's does. */
static pid_t find(const char *first, const char *second)
{
	char want[128], path[300];
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t pid = 0;

	snprintf(want, sizeof(want), "%s%s", first, second);
	while (!pid && d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		if (isdigit((unsigned char)e->d_name[0]) && slurp(AT_FDCWD, path, text) > 0 && strcmp(text, want) == 0)
			pid = (pid_t)atol(e->d_name);
	}
	if (d)
		closedir(d);
	errno = ESRCH;
	return pid;
}

static int cmd_signal(char **argv)
{
	pid_t pid = find(argv[0], argv[1]);

	return say(pid ? kill(pid, 0) : -1);
}

static int cmd_seize(char **argv)
{
	pid_t pid = find(argv[0], argv[1]);

	return say(pid ? ptrace(PTRACE_SEIZE, pid, NULL, NULL) : -1);
}

/* Orphans, each dead at once: do they stay as zombies? */
static int cmd_zombies(char **argv)
{
	long n = strtol(argv[0], NULL, 10), left = 0;

	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return say(-1);
		if (pid == 0)
			_exit(fork() < 0);
		waitpid(pid, NULL, 0);
	}
	/* The reaper has a second to do it. */
	for (int i = 0; i < 10; i++) {
		DIR *d = opendir("/proc");
		struct dirent *e;
		char path[300];

		usleep(100000);
		left = 0;
		while (d && (e = readdir(d))) {
			snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
			if (isdigit((unsigned char)e->d_name[0]) && slurp(AT_FDCWD, path, text) > 0)
				left += strstr(text, " (probe) Z") != NULL;
		}
		if (d)
			closedir(d);
	}
	return left > n / 2 ? say(0) : puts("REAPED") < 0;
}

/* ---- network ---------------------------------------------------------------------------------- */

static int cmd_connect(char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[0])),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	return say(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)));
}

static int cmd_interface(char **argv)
{
	return say(if_nametoindex(argv[0]) ? 0 : -1);
}

/* ---- calls ------------------------------------------------------------------------------------ */

/* NAME,MODE,NR[,ARG...] each: which get past all permission checks, so that kernel code behind them runs? */
static int cmd_reach(char **argv)
{
	int n = 0, last = ENOSYS;

	for (; *argv; argv++) {
		long a[CALL_ARGS] = { 0 }, r, nr;
		char *save, *name = strtok_r(*argv, ",", &save), *mode = strtok_r(NULL, ",", &save), *word;

		nr = strtol(strtok_r(NULL, ",", &save), NULL, 0);
		for (int i = 0; i < CALL_ARGS && (word = strtok_r(NULL, ",", &save)); i++)
			a[i] = (long)strtoull(word, NULL, 0);
		r = call_one(mode, nr, a);
		/* How some filters refuse a family. */
		if (r == -EOPNOTSUPP && nr == SYS_socket)
			r = -EAFNOSUPPORT;
		switch (-r) {
		case EPERM:
		case EACCES:
		case ENOSYS:
		case EAFNOSUPPORT:
		case ESOCKTNOSUPPORT:
		case EPROTONOSUPPORT:
		case EBUSY:		/* a second listener of seccomp */
			last = (int)-r;
			break;
		default:
			printf("%s %s", n++ ? "" : "ok", name);
		}
	}
	return n ? puts("") < 0 : fail(last);
}

/* ---- what is told ----------------------------------------------------------------------------- */

static int cmd_env(char **argv)
{
	int n = 0;

	for (; *argv; argv++) {
		if (getenv(*argv))
			printf("%s %s", n++ ? "" : "ok", *argv);
	}
	return n ? puts("") < 0 : fail(ENOENT);
}

static int cmd_hostname(char **argv)
{
	struct utsname u;

	uname(&u);
	return strcmp(u.nodename, argv[0]) ? fail(ENODATA) : say(0);
}

static int cmd_klog(char **argv)
{
	enum { READ_ALL = 3 };

	(void)argv;
	if (klogctl(READ_ALL, text, sizeof(text)) >= 0)
		return say(0);
	return say(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
}

/* Which of the five sets of capabilities hold any? */
static int cmd_caps(char **argv)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	int n = 0;

	(void)argv;
	if (slurp(AT_FDCWD, "/proc/self/status", text) < 0)
		return say(-1);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const char *line = strstr(text, sets[i]);

		if (line && strtoull(line + 7, NULL, 16))
			printf("%s %s", n++ ? "" : "ok", sets[i]);
	}
	return n ? puts("") < 0 : fail(EPERM);
}

static int cmd_euid(char **argv)
{
	return geteuid() == strtoul(argv[0], NULL, 10) ? say(0) : fail(EPERM);
}

/* Is the machine up for about as many seconds? */
static int cmd_uptime(char **argv)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return labs(ts.tv_sec - strtol(argv[0], NULL, 10)) < 600 ? say(0) : fail(ENODATA);
}

const struct command attack_commands[] = {
	{ "read", cmd_read, 1 }, { "fdread", cmd_fdread, 0 }, { "writable", cmd_writable, 1 },
	{ "readable", cmd_readable, 1 }, { "launcher", cmd_launcher, 1 }, { "grep", cmd_grep, 2 }, { "litter", cmd_litter, 2 },
	{ "symlink", cmd_symlink, 2 }, { "nsmount", cmd_nsmount, 0 }, { "newmount", cmd_newmount, 0 },
	{ "cgroup", cmd_cgroup, 0 }, { "clone3", cmd_clone3, 0 }, { "signal", cmd_signal, 2 },
	{ "seize", cmd_seize, 2 }, { "zombies", cmd_zombies, 1 }, { "connect", cmd_connect, 1 },
	{ "interface", cmd_interface, 1 }, { "reach", cmd_reach, 1 }, { "env", cmd_env, 1 },
	{ "hostname", cmd_hostname, 1 }, { "klog", cmd_klog, 0 }, { "caps", cmd_caps, 0 },
	{ "euid", cmd_euid, 1 }, { "uptime", cmd_uptime, 1 },
	{ NULL, NULL, 0 },
};
