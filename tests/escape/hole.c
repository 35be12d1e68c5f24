/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hole: breaks the mount layer of the jail on purpose, for tests of what stands behind it. Linked into
 * holerun in front of root_build(): the host's whole tree, writable, appears at /var, and somebody who is
 * not the program listens on the abstract UNIX socket "sluice-hole".
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void __real_root_build(struct jail_setup *s);
void __wrap_root_build(struct jail_setup *s);

/* Init's, as long as the jail lives. */
static void listen_abstract(const struct jail_setup *s)
{
	static const struct sockaddr_un a = { AF_UNIX, "\0sluice-hole" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a.sun_family) + 12) < 0 ||
	    listen(fd, 1) < 0)
		jail_fail(s, -errno, "cannot listen: %s", strerror(errno));
}

void __wrap_root_build(struct jail_setup *s)
{
	int r, host = tree_clone(AT_FDCWD, "/", 0);

	__real_root_build(s);
	r = host < 0 ? host : tree_attach(host, AT_FDCWD, "/var");
	if (r < 0)
		jail_fail(s, r, "cannot make the hole: %s", strerror(-r));
	listen_abstract(s);
}
