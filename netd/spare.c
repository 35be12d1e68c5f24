/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spare: a worker that is started before its sandbox is asked for, so that its exec, its loading and the
 * first half of its confinement are over when the link stands. Runs in netd.
 *
 * It has met nobody's bytes: it holds a socket to netd and nothing else, and sits in recvmsg(2). Whether it
 * still lives nobody watches; who takes one that has died sees it by the socket and starts another.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/msg.h"
#include "netd/netd.h"
#include "netd/priv.h"

static int start(struct netd *n, struct spare *ret)
{
	struct spare s = { .child = CHILD_NONE };
	int pair[2];
	int r = msg_pair(pair);

	if (r < 0)
		return r;
	r = priv_start_worker(n->stack_path, pair[1], &s.child);
	close(pair[1]);
	s.supervise_fd = pair[0];
	if (r == 0 && fcntl(s.supervise_fd, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0)
		spare_drop(&s);
	else
		*ret = s;
	return r;
}

void spare_drop(struct spare *s)
{
	priv_kill(&s->child);
	if (s->child.pid > 0)
		waitpid(s->child.pid, NULL, 0);
	spawn_forget(&s->child);
	fd_close(&s->supervise_fd);
	s->child = CHILD_NONE;
}

int spare_fill(struct netd *n)
{
	return n->spare.child.pid ? 0 : start(n, &n->spare);
}

int spare_take(struct netd *n, struct spare *ret)
{
	int r = spare_fill(n);

	if (r < 0)
		return r;
	*ret = n->spare;
	n->spare = (struct spare){ .child = CHILD_NONE, .supervise_fd = -1 };
	return 0;
}
