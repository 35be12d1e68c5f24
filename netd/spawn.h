/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn: starts sluice-egress and sluice-stack with exactly the descriptors they shall have.
 *
 * The child dies with netd, has a session-less, silent stdin and stdout, and a stderr that is a pipe to
 * netd (netd/relay.h): a process that meets hostile bytes never holds the caller's terminal.
 */
#ifndef NETD_SPAWN_H
#define NETD_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/proto.h"

struct spawn_fd {
	int fd;			/* ours, borrowed */
	int slot;		/* its number in the child, 3 or more */
};

struct spawn_plan {
	const char *path;
	const char *arg;	/* the one argument, or NULL */
	bool keep_stderr;	/* ours; else a pipe, child.log_fd */
	const struct spawn_fd *fds;
	size_t n_fds;
	int slots_end;		/* every unnamed slot from 3 to here gets /dev/null; above, nothing is open */
};

struct child {
	pid_t pid;		/* 0: none, or reaped */
	int pidfd;		/* readable when it has ended */
	int log_fd;		/* what it writes to stderr */
	int err_fd;		/* why it could not be exec'ed */
};

#define CHILD_NONE ((struct child){ 0, -1, -1, -1 })

/* 0 or -errno. Does not wait for the exec: of a program that cannot be started, spawn_reap() tells. */
int spawn_child(const struct spawn_plan *plan, struct child *ret_child);
/*
 * Reaps the child if it has ended, and then says how in text (PROTO_TEXT_CAP bytes, "" for exit
 * status 0). log_fd stays open for what is still in it.
 */
bool spawn_reap(struct child *c, char *text);
/* SIGKILL; safe when there is no child or it has ended. */
void spawn_kill(struct child *c);
/* Closes the descriptors. */
void spawn_forget(struct child *c);

#endif
