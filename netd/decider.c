/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decider: netd's side of sluice-egress: start, command socket, death. Runs in netd.
 *
 * One egress serves every sandbox, so its death ends them all: without a decider no flow may be judged,
 * and a worker that nobody answers is of no use. What egress says is a state, a number and a line of text;
 * a malformed message counts as its death.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "netd/netd.h"
#include "netd/priv.h"

int decider_start(struct netd *n, char *why)
{
	struct decider *d = &n->decider;
	char path[SIBLING_PATH_CAP];
	int pair[2];
	int r = sibling_find("sluice-egress", path);

	if (r < 0) {
		snprintf(why, PROTO_TEXT_CAP, "cannot find sluice-egress: %s; "
			 "install it beside sluice", strerror(-r));
		return r;
	}
	r = msg_pair(pair);
	if (r < 0) {
		snprintf(why, PROTO_TEXT_CAP, "cannot make a socket pair: %s", strerror(-r));
		return r;
	}
	r = priv_start_egress(path, pair[1], &d->child);
	close(pair[1]);
	if (r < 0) {
		snprintf(why, PROTO_TEXT_CAP, "cannot start %.300s: %s", path, strerror(-r));
		close(pair[0]);
		return r;
	}
	d->fd = pair[0];
	relay_init(&d->relay, "sluice-egress");
	if (fcntl(d->fd, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r == 0)
		r = netd_watch(n, d->fd, SOURCE_EGRESS, 0);
	if (r == 0)
		r = netd_watch(n, d->child.pidfd, SOURCE_EGRESS_END, 0);
	if (r == 0)
		r = netd_watch(n, d->child.log_fd, SOURCE_EGRESS_LOG, 0);
	if (r < 0)
		snprintf(why, PROTO_TEXT_CAP, "cannot watch egress: %s", strerror(-r));
	return r;
}

/* Once: later calls find the socket closed already. */
static void lost(struct netd *n, const char *why)
{
	struct decider *d = &n->decider;

	if (d->fd < 0)
		return;
	netd_unwatch(n, d->fd);
	fd_close(&d->fd);
	priv_kill(&d->child);
	snprintf(d->why, sizeof(d->why), "the decider (sluice-egress) is gone%s%.300s",
		 *why ? ": " : "", why);
	for (size_t i = 0; i < NETD_SANDBOXES_MAX; i++) {
		if (n->sandboxes[i].state != SANDBOX_FREE)
			sandbox_egress_gone(n, &n->sandboxes[i]);
	}
}

/* False: not a message of egress to us. */
static bool dispatch(struct netd *n, const void *buf)
{
	const struct proto_sandbox_state *state = buf;
	const struct proto_policy_state *policy = buf;
	struct sandbox *sb;

	/* A sandbox that ended by time-out meanwhile is no fault of egress. */
	switch ((int)proto_type(buf)) {
	case PROTO_SANDBOX_STATE:
		sb = sandbox_find(n, state->sandbox);
		if (sb)
			sandbox_egress_state(n, sb, state);
		return true;
	case PROTO_POLICY_STATE:
		sb = sandbox_find(n, policy->sandbox);
		if (sb)
			sandbox_policy_state(n, sb, policy);
		return true;
	default:
		return false;
	}
}

void decider_input(struct netd *n)
{
	struct decider *d = &n->decider;
	_Alignas(8) char buf[PROTO_MSG_MAX];
	ssize_t len;

	if (d->fd < 0)
		return;
	len = msg_recv(d->fd, buf, sizeof(buf), NULL, NULL);
	if (len == -EAGAIN)
		return;
	if (len == 0) {
		/* It is ending, or else must; how it ended, its pidfd tells in a moment. */
		netd_unwatch(n, d->fd);
		priv_kill(&d->child);
		return;
	}
	if (len < 0 || proto_check(buf, (size_t)len) < 0 || !dispatch(n, buf))
		lost(n, "it sent a malformed message");
}

void decider_log(struct netd *n)
{
	struct decider *d = &n->decider;

	if (d->child.log_fd < 0 || relay_input(&d->relay, d->child.log_fd))
		return;
	netd_unwatch(n, d->child.log_fd);
	fd_close(&d->child.log_fd);
}

void decider_ended(struct netd *n)
{
	char how[PROTO_TEXT_CAP];

	if (!spawn_reap(&n->decider.child, how))
		return;
	netd_unwatch(n, n->decider.child.pidfd);
	fd_close(&n->decider.child.pidfd);
	relay_drain(&n->decider.relay, n->decider.child.log_fd);
	lost(n, how);
}

void decider_settle(struct netd *n)
{
	struct pollfd p = { .fd = n->decider.child.pidfd, .events = POLLIN };

	priv_kill(&n->decider.child);
	if (p.fd >= 0 && poll(&p, 1, NETD_STOP_MS) == 1)
		decider_ended(n);
}

int decider_add(struct netd *n, const struct sandbox *sb, const int *fds, size_t n_fds)
{
	struct proto_sandbox_add m;

	PROTO_INIT(&m, PROTO_SANDBOX_ADD);
	m.sandbox = sb->number;
	m.flags = sb->want.flags;
	memcpy(m.label, sb->want.label, sizeof(m.label));
	if (addr_parse(LINK_GW4, &m.gw4) < 0 || addr_parse(LINK_GW6, &m.gw6) < 0)
		return -EINVAL;
	memcpy(m.resolvers, sb->want.resolvers, sizeof(m.resolvers));
	m.flows_max = sb->want.flows_max;
	return n->decider.fd < 0 ? -EPIPE : msg_send(n->decider.fd, &m, sizeof(m), fds, n_fds);
}

int decider_end(struct netd *n, uint32_t number)
{
	struct proto_sandbox_end m;

	PROTO_INIT(&m, PROTO_SANDBOX_END);
	m.sandbox = number;
	return n->decider.fd < 0 ? -EPIPE : msg_send(n->decider.fd, &m, sizeof(m), NULL, 0);
}

int decider_set(struct netd *n, uint32_t number, int policy)
{
	struct proto_policy_set m;

	PROTO_INIT(&m, PROTO_POLICY_SET);
	m.sandbox = number;
	return n->decider.fd < 0 ? -EPIPE : msg_send(n->decider.fd, &m, sizeof(m), &policy, 1);
}

void decider_stop(struct netd *n)
{
	struct decider *d = &n->decider;

	fd_close(&d->fd);
	priv_kill(&d->child);
	if (d->child.pid > 0)
		waitpid(d->child.pid, NULL, 0);
	relay_drain(&d->relay, d->child.log_fd);
	spawn_forget(&d->child);
}
