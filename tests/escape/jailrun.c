/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jailrun: the jail without the gateway, for tests: jail.h and nothing else, an empty network.
 *
 *	jailrun [-u UID[:GID]] [-b SRC:DST]... [-w SRC:DST]... [-d DIR] [-e NAME=VALUE]... [-E] [-S]
 *		[-h NAME] [-T] [-L require|off] [-p PROFILE] [-M trace|log] -- COMMAND [ARG...]
 *
 * -m --OPTION=VALUE is a limit or a mount as `sluice run` has it.
 * -b read-only bind, -w writable bind, -E keep the environment, -S without seccomp, -T print times,
 * -L what to do about Landlock, -p built-in seccomp profile, -M its mode.
 * As an ordinary user it makes the user namespace that `sluice run` makes. -J joins it by descriptor
 * instead of entering it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/limits.h"
#include "cli/mounts.h"
#include "cli/userns.h"
#include "cli/view.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "sandbox/filter.h"
#include "sandbox/jail.h"

enum { MAX = 16 };

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(path);
		exit(125);
	}
	close(fd);
}

static void enter_userns(void)
{
	unsigned int uid = getuid(), gid = getgid();
	char line[64];

	if (unshare(CLONE_NEWUSER) < 0) {
		perror("jailrun: unshare");
		exit(125);
	}
	put("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "0 %u 1", uid);
	put("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "0 %u 1", gid);
	put("/proc/self/gid_map", line);
}

/* A user namespace as enter_userns() makes it, held by a descriptor only. */
static int userns_fd(void)
{
	int ready[2], fd;
	char path[48], c;
	pid_t pid;

	if (pipe(ready) < 0)
		exit(125);
	pid = fork();
	if (pid == 0) {
		enter_userns();
		if (write(ready[1], "", 1) != 1)
			_exit(125);
		pause();
	}
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		exit(125);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	if (fd < 0)
		perror(path);
	return fd;
}

static void mount_arg(const char *name, const char *value, struct mounts *m)
{
	char why[MOUNTS_WHY_CAP] = "";

	if (mounts_add(m, name, value, why) < 0) {
		fprintf(stderr, "jailrun: %s %s: %s\n", name, value, why);
		exit(125);
	}
}

static void ids_arg(const char *arg, struct jail_plan *plan)
{
	char *end;

	plan->uid = (uid_t)strtoul(arg, &end, 10);
	plan->gid = *end == ':' ? (gid_t)strtoul(end + 1, NULL, 10) : plan->uid;
}

static void option_arg(char *arg, struct jail_view *view, struct jail_limits *l, struct mounts *m)
{
	char *value = strchr(arg, '=');
	char why[LIMITS_WHY_CAP] = "no value";

	if (value)
		*value++ = '\0';
	if (value && mounts_is_option(arg)) {
		mount_arg(arg, value, m);
	} else if (value && view_is_option(arg) && view_set(view, arg, value, why) == 0) {
		return;
	} else if (!value || view_is_option(arg) || limits_set(l, arg, value, why) < 0) {
		fprintf(stderr, "jailrun: %s: %s\n", arg, why);
		exit(125);
	}
}

static int run(const struct jail_plan *plan, bool times)
{
	uint64_t t0 = clock_mono_ns(), t1, t2;
	char why[512];
	struct jail j;
	int r = jail_start(plan, &j, why);

	if (r < 0) {
		fprintf(stderr, "jailrun: %s\n", why);
		return 125;
	}
	t1 = clock_mono_ns();
	r = jail_built(&j, why);
	if (r == 0)
		r = jail_go(&j, why);
	t2 = clock_mono_ns();
	if (r != 0) {
		fprintf(stderr, "jailrun: %s\n", why);
		jail_kill(&j);
		return r < 0 ? 125 : r;
	}
	r = jail_wait(&j, -1, NULL, NULL);
	limits_tell(&j);
	if (times)
		fprintf(stderr, "start %llu exec %llu run %llu us\n",
			(unsigned long long)(t1 - t0) / 1000, (unsigned long long)(t2 - t1) / 1000,
			(unsigned long long)(clock_mono_ns() - t2) / 1000);
	return r;
}

int main(int argc, char **argv)
{
	struct mounts mounts = { NULL, 0 };
	const char *env[MAX];
	static struct jail_limits limits;	/* large, as is the next */
	static struct jail_view view;
	static struct jail_plan plan;
	bool times = false, join = false;
	char why[512];
	int c;

	plan = (struct jail_plan){
		.limits = &limits, .view = &view,
		.env = env, .uid = (uid_t)-1, .gid = (gid_t)-1, .userns = -1,
		.dns4 = "100.96.0.1", .dns6 = "fd73:6c75:6963:6500::1",
	};
	log_init("jailrun", LOG_LEVEL_INFO);

	while ((c = getopt(argc, argv, "+m:u:b:w:d:e:h:L:p:M:ESTJP")) != -1) {
		switch (c) {
		case 'm':
			option_arg(optarg, &view, &limits, &mounts);
			break;
		case 'u':
			ids_arg(optarg, &plan);
			break;
		case 'b':
		case 'w':
			mount_arg(c == 'w' ? "--bind" : "--ro-bind", optarg, &mounts);
			break;
		case 'd':
			plan.chdir = optarg;
			break;
		case 'e':
			if (plan.n_env == MAX)
				return 125;
			env[plan.n_env++] = optarg;
			break;
		case 'h':
			plan.hostname = optarg;
			break;
		case 'E':
			plan.keep_env = true;
			break;
		case 'S':
			plan.seccomp_off = true;
			break;
		case 'L':
			plan.landlock = strcmp(optarg, "off") == 0 ? JAIL_LANDLOCK_OFF :
				JAIL_LANDLOCK_REQUIRE;
			break;
		case 'M':
			plan.seccomp = strcmp(optarg, "log") ? JAIL_SECCOMP_TRACE : JAIL_SECCOMP_LOG;
			break;
		case 'p':
			plan.filter = filter_builtin(optarg);
			if (!plan.filter)
				return 125;
			break;
		case 'P':
			plan.pty = true;
			break;
		case 'T':
			times = true;
			break;
		case 'J':
			join = true;
			break;
		default:
			return 125;
		}
	}
	if (optind == argc)
		return 125;
	plan.argv = argv + optind;
	view_complete(&view);
	plan.mounts = mounts.list;
	plan.n_mounts = mounts.n;
	if (geteuid() != 0 && join) {
		plan.userns = userns_fd();
		if (plan.userns < 0)
			return 125;
	} else if (geteuid() != 0 && userns_enter(&view, why) < 0) {
		fprintf(stderr, "jailrun: %s\n", why);
		return 125;
	}
	return run(&plan, times);
}
