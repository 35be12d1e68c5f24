/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netd: the connection to a sluice-netd that listens. Runs as the caller.
 *
 * Who answers there decides what leaves the sandbox, so it must be root: the socket, the directory that it is
 * in, and the process that listens. Without a path given, one that is not so, or not there, or not for us, is as
 * good as none: then sluice starts its own.
 */
#include "cli/netd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/proto.h"

/* 0, or -errno: only root could have put this socket there. */
static int check_place(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;
	char *slash;

	if (strlen(path) >= sizeof(dir))
		return -ENAMETOOLONG;
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (st.st_uid != 0 || lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

static int connect_to(const char *path, int *ret_fd)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t len = sizeof(peer);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	if (peer.uid != 0)
		return -EPERM;
	*ret_fd = fd_steal(&fd);
	return 0;
}

int netd_connect(const char *path, int *ret_fd)
{
	const char *at = path ? path : PROTO_NETD_SOCKET;
	int r;

	if (!*at)
		return 0;
	r = check_place(at);
	if (r == 0)
		r = connect_to(at, ret_fd);
	if (r == 0)
		return 0;
	if (!path) {
		log_debug("%s: %s, starting a netd", at, strerror(-r));
		return 0;
	}
	log_err("--netd %s: %s; %s", at, strerror(-r), r == -EPERM ?
		"the socket, its directory and who listens there must be root's" : "is sluice-netd --listen running?");
	return r;
}
