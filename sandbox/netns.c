/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns: the jail's network namespace. The kernel takes longer for it than for all the other kinds together, so it
 * is made beside init, which builds the root meanwhile. Who makes it is not to enter it, and may not be able to
 * come back: a child that shares its memory and its descriptors does, and is gone when this returns.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"

enum { STACK_SIZE = 64 << 10 };

struct made {
	int netns;		/* or -errno */
	const char *what;	/* that failed */
};

static int loopback_up(void)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return -errno;
	req.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &req) < 0 ? -errno : 0;
}

static int inside(void *arg)
{
	struct made *m = arg;
	int r = loopback_up();

	m->what = "start the loopback device";
	m->netns = r;
	if (r < 0)
		return 0;
	m->what = "open /proc/self/ns/net";
	m->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (m->netns < 0)
		m->netns = -errno;
	return 0;
}

int netns_new(const char **ret_what)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	struct made m = { -ECHILD, "make a network namespace" };
	pid_t pid = clone(inside, stack + sizeof(stack), CLONE_NEWNET | CLONE_VM | CLONE_VFORK | CLONE_FILES, &m);

	if (pid < 0)
		m.netns = -errno;
	else
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	*ret_what = m.what;
	return m.netns;
}
