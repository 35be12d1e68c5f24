/* SPDX-License-Identifier: Apache-2.0 */
/* userns: unshare, map the one id or the ranges, and explain a refusal in terms of this system's switches. */
#include "cli/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/proto.h"
#include "lib/sibling.h"

bool userns_needless(void)
{
	static const cap_value_t needed[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SETUID, CAP_SETGID };
	cap_t now = cap_get_proc();
	bool all = now != NULL && geteuid() == 0;

	for (size_t i = 0; all && i < sizeof(needed) / sizeof(needed[0]); i++) {
		cap_flag_value_t v = CAP_CLEAR;

		all = cap_get_flag(now, needed[i], CAP_EFFECTIVE, &v) == 0 && v == CAP_SET;
	}
	if (now)
		cap_free(now);
	return all;
}

/* The number in a file of /proc/sys, or -1 when there is none. */
static long read_number(const char *path)
{
	char buf[32];
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	return strtol(buf, NULL, 10);
}

const char *userns_obstacle(void)
{
	static char apparmor[440];
	char dir[SIBLING_PATH_CAP];

	if (read_number("/proc/sys/user/max_user_namespaces") == 0)
		return "user.max_user_namespaces is 0; an administrator can set it: "
		       "sysctl user.max_user_namespaces=10000";
	if (read_number("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return "kernel.unprivileged_userns_clone is 0; an administrator can allow it: "
		       "sysctl kernel.unprivileged_userns_clone=1";
	if (read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != 1)
		return NULL;
	if (sibling_dir("apparmor", dir) < 0)
		snprintf(dir, sizeof(dir), "/usr/share/sluice/apparmor");
	snprintf(apparmor, sizeof(apparmor), "AppArmor restricts them "
		 "(kernel.apparmor_restrict_unprivileged_userns is 1); an administrator can let sluice make them: install "
		 "-m 644 %.180s/sluice /etc/apparmor.d/sluice && apparmor_parser -r /etc/apparmor.d/sluice", dir);
	return apparmor;
}

static int refused(char *why, int err)
{
	const char *obstacle = userns_obstacle();

	if (!obstacle)
		obstacle = err == EPERM ? "the system forbids it (in a chroot or a container?); "
					  "run as root, or outside of it" :
			   err == ENOSPC || err == EUSERS ? "too many are in use; end some" :
			   err == EINVAL ? "the kernel was built without them; run as root" :
					   strerror(err);
	snprintf(why, PROTO_TEXT_CAP, "an ordinary user needs a user namespace: %s", obstacle);
	return -err;
}

static int put(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* ---- ranges: newuidmap(1) and newgidmap(1), which have the privilege that we lack ------------------------------ */

enum { ARGS_MAX = 2 + 3 * (JAIL_RANGES_MAX + 1) + 1 };

struct tool {
	char *argv[ARGS_MAX];
	char text[ARGS_MAX][12];
};

/* Our own id is 0 there, the ranges follow; what was outside becomes what it is in between. */
static void tool_make(struct tool *t, char *name, uint32_t own, struct jail_ranges *ranges)
{
	uint32_t next = 1;
	size_t n = 2;

	t->argv[0] = name;
	snprintf(t->text[1], sizeof(t->text[1]), "%d", (int)getpid());
	for (size_t i = 0; i <= ranges->n; i++) {
		struct jail_range *r = i ? &ranges->list[i - 1] : NULL;

		if (r && r->outside == own && r->count == 1) {
			r->outside = 0;
			continue;
		}
		snprintf(t->text[n++], 12, "%u", r ? next : 0);
		snprintf(t->text[n++], 12, "%u", r ? r->outside : own);
		snprintf(t->text[n++], 12, "%u", r ? r->count : 1);
		if (!r)
			continue;
		r->outside = next;
		next += r->count;
	}
	for (size_t i = 1; i < n; i++)
		t->argv[i] = t->text[i];
	t->argv[n] = NULL;
}

static int tool_run(struct tool *t)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(t->argv[0], t->argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Waits outside until we are inside, maps, and ends: 0, 127 without the programs, or another status. */
static void __attribute__((noreturn)) map_from_outside(const int gate[2], struct tool *uids, struct tool *gids)
{
	char c;
	int status;

	close(gate[1]);
	if (read(gate[0], &c, 1) != 1)
		_exit(1);
	status = tool_run(uids);
	_exit(status ? status : tool_run(gids));
}

static int enter_ranges(struct jail_view *v, char *why)
{
	static struct tool uids, gids;
	int gate[2], status = 1, r = 0;
	pid_t pid;

	tool_make(&uids, (char[]){ "newuidmap" }, geteuid(), &v->uids);
	tool_make(&gids, (char[]){ "newgidmap" }, getegid(), &v->gids);
	if (pipe2(gate, O_CLOEXEC) < 0)
		return refused(why, errno);
	pid = fork();
	if (pid == 0)
		map_from_outside(gate, &uids, &gids);
	if (pid < 0 || unshare(CLONE_NEWUSER) < 0)
		r = refused(why, errno);
	else if (write(gate[1], "", 1) != 1)
		r = refused(why, errno);
	close(gate[0]);
	close(gate[1]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (r < 0 || status == 0)
		return r;
	snprintf(why, PROTO_TEXT_CAP, "%s", WIFEXITED(status) && WEXITSTATUS(status) == 127 ?
		 "ranges of ids need newuidmap and newgidmap: install the package uidmap (shadow-utils)" :
		 "newuidmap or newgidmap refused the ranges (see above); an administrator can give them in /etc/subuid and "
		 "/etc/subgid, or with: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER");
	return -EPERM;
}

int userns_enter(struct jail_view *v, char *why)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];
	int r;

	if (v && v->uids.n)
		return enter_ranges(v, why);
	if (unshare(CLONE_NEWUSER) < 0)
		return refused(why, errno);
	r = put("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT)
		return refused(why, -r);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	r = put("/proc/self/uid_map", map);
	if (r < 0)
		return refused(why, -r);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	r = put("/proc/self/gid_map", map);
	return r < 0 ? refused(why, -r) : 0;
}
