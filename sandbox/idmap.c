/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap: makes the user namespace that says who owns the files of a mount (mount_setattr(2), "ID-mapped
 * mounts"). A namespace needs a process to be made by: one is started, mapped from here, and ended; only the
 * descriptor stays. The process hands out its own directory of /proc, because the host's /proc, which is the only one
 * there is at this point, does not know it by the number that init knows.
 */
#include "sandbox/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/msg.h"

static void __attribute__((noreturn)) hold(int sock)
{
	static const struct jail_msg m = { .type = JAIL_MSG_MAPPED };
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (self < 0 || msg_send(sock, &m, sizeof(m), &self, 1) < 0)
		_exit(JAIL_EXIT_FAILED);
	for (;;)
		pause();
}

static int put(int self, const char *name, struct jail_id id, const struct jail_ranges *ranges)
{
	cleanup_close int fd = openat(self, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : ids_write(fd, id, ranges);
}

int idmap_new(const struct jail_setup *s, const struct stat *st)
{
	const struct jail_view *v = s->view;
	cleanup_close int self = -1;
	struct jail_msg m;
	int pair[2], fd = -1, r = msg_pair(pair);
	pid_t pid;

	if (r < 0)
		return r;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0ul);
	if (pid == 0) {
		close(pair[0]);
		hold(pair[1]);
	}
	r = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (r == 0)
		r = jail_msg_recv(pair[0], &m, &self);
	if (r == 0)
		r = put(self, "uid_map", (struct jail_id){ st->st_uid, s->uid.outside }, &v->uids);
	if (r == 0)
		r = put(self, "gid_map", (struct jail_id){ st->st_gid, s->gid.outside }, &v->gids);
	if (r == 0) {
		fd = openat(self, "ns/user", O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
	}
	close(pair[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return r < 0 ? r : fd;
}
