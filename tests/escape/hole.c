/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hole: breaks the mount layer of the jail on purpose, for tests of what stands behind it. Linked into
 * holerun in front of root_build(): the host's whole tree, writable, appears at /var; and in front of ids_write(),
 * when the network is there: somebody who is not the program listens on the abstract UNIX socket "sluice-hole".
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void __real_root_build(struct jail_setup *s);
void __wrap_root_build(struct jail_setup *s);

int __real_ids_write(int fd, struct jail_id id, const struct jail_ranges *ranges);
int __wrap_ids_write(int fd, struct jail_id id, const struct jail_ranges *ranges);

/* Init's, as long as the jail lives. */
int __wrap_ids_write(int fd, struct jail_id id, const struct jail_ranges *ranges)
{
	static const struct sockaddr_un a = { AF_UNIX, "\0sluice-hole" };
	static int sock = -1;

	if (sock < 0) {
		sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sock < 0 || bind(sock, (const struct sockaddr *)&a, sizeof(a.sun_family) + 12) < 0 ||
		    listen(sock, 1) < 0)
			return -errno;
	}
	return __real_ids_write(fd, id, ranges);
}

void __wrap_root_build(struct jail_setup *s)
{
	int r, host = tree_clone(AT_FDCWD, "/", 0);

	__real_root_build(s);
	r = host < 0 ? host : tree_attach(host, AT_FDCWD, "/var");
	if (r < 0)
		jail_fail(s, r, "cannot make the hole: %s", strerror(-r));
}
