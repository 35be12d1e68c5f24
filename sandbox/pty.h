/* SPDX-License-Identifier: Apache-2.0 */
/* pty: a terminal of the jail's own, and the caller between it and his. */
#ifndef SANDBOX_PTY_H
#define SANDBOX_PTY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

enum { PTY_BUF = 4096, PTY_POLL = 3 };

/* One way of the relay: what was read and not yet written. */
struct pty_way {
	char buf[PTY_BUF];
	size_t at, len;
};

/* The caller's side. */
struct pty {
	int master;		/* -1: gone */
	bool raw;		/* the caller's terminal was changed: saved is what it was */
	bool in_over;		/* standard input has ended */
	struct termios saved;
	struct pty_way in, out;
};

/* In init, with the new root in force: master and slave, which is uid's. 0 or -errno. */
int pty_new(uid_t uid, gid_t gid, int *ret_master, int *ret_slave);
/* Without a master yet. Heap, or NULL. */
struct pty *pty_alloc(void);
/* With the master, before the program starts. */
void pty_attach(struct pty *p);
/* The caller may have come into the foreground, or its window may have changed. */
void pty_refresh(struct pty *p);
void pty_poll(const struct pty *p, struct pollfd set[PTY_POLL]);
void pty_relay(struct pty *p, const struct pollfd set[PTY_POLL]);
/* Everybody inside is gone: the rest of the output, and the caller's terminal as it was. */
void pty_detach(struct pty *p);

#endif
