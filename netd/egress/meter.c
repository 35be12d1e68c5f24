/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter: counts what sandboxes with a byte budget send and receive. Runs in egress.
 *
 * Theory of operation. The worker may be hostile, so its counts decide nothing where the kernel counts
 * itself: of a sandbox with a budget TCP_INFO of each connection (eflow.sock_fd) is read five times a second,
 * when the flow ends, and when another one is about to be let through; flows are cut without asking the worker.
 * UDP and echo sockets keep no count: there the worker's word at the end of the flow is all there is.
 * What passes between two looks is beyond the budget. Sandboxes without one cost nothing here.
 */
#include "netd/egress/meter.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "netd/egress/eflow.h"
#include "netd/egress/egress.h"
#include "netd/egress/sandbox.h"

enum {
	LOOK_MS = 200,
	FRESH_MS = 5,			/* younger counts are as good as new: a look is a call for each flow */
};

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static bool has_budget(const struct meter *m)
{
	return m->up_max || m->down_max;
}

void meter_init(struct meter *m, const struct policy_limits *limits)
{
	memset(m, 0, sizeof(*m));
	meter_set_limits(m, limits);
}

void meter_set_limits(struct meter *m, const struct policy_limits *limits)
{
	m->up_max = limits->up_bytes;
	m->down_max = limits->down_bytes;
	m->over = DROP_NONE;
	m->cut = false;
	m->next_ns = 0;
}

static void judge_total(struct meter *m)
{
	if (m->over)
		return;
	if (m->up_max && add_capped(m->up, m->live_up) >= m->up_max)
		m->over = DROP_BYTES_UP;
	else if (m->down_max && add_capped(m->down, m->live_down) >= m->down_max)
		m->over = DROP_BYTES_DOWN;
}

void meter_flow(struct eflow *f)
{
	if (has_budget(&f->sb->meter))
		sandbox_touch(f->sb);
}

/* Payload that this socket has carried. False: the kernel would not say. */
static bool read_counts(const struct eflow *f, uint64_t *ret_up, uint64_t *ret_down)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	memset(&i, 0, sizeof(i));
	if (f->sock_fd < 0 || f->port.proto != IPPROTO_TCP || f->state != EFLOW_OPEN ||
	    getsockopt(f->sock_fd, IPPROTO_TCP, TCP_INFO, &i, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_segs_out))
		return false;
	*ret_up = i.tcpi_bytes_acked;
	/* What is on its way has left as well: a connection may be reset before an acknowledgement is back. */
	if (len >= offsetof(struct tcp_info, tcpi_dsack_dups) &&
	    i.tcpi_bytes_sent - i.tcpi_bytes_retrans > *ret_up)
		*ret_up = i.tcpi_bytes_sent - i.tcpi_bytes_retrans;
	*ret_down = i.tcpi_bytes_received;
	return true;
}

void meter_flow_cut(struct eflow *f)
{
	struct meter *m = &f->sb->meter;
	uint64_t up, down;

	if (!has_budget(m) || !read_counts(f, &up, &down))
		return;
	f->metered = true;
	m->up = add_capped(m->up, up);
	m->down = add_capped(m->down, down);
}

void meter_flow_end(struct eflow *f, uint64_t up, uint64_t down)
{
	struct meter *m = &f->sb->meter;

	if (f->metered)
		return;
	if (has_budget(m))
		read_counts(f, &up, &down);
	m->up = add_capped(m->up, up);
	m->down = add_capped(m->down, down);
	if (!has_budget(m))
		return;
	/* It may be among the live ones still as of the last look: not to be counted twice. */
	m->live_up = m->live_down = 0;
	judge_total(m);
	if (m->next_ns > m->looked_ns + FRESH_MS * NS_PER_MS)
		m->next_ns = m->looked_ns + FRESH_MS * NS_PER_MS;
	sandbox_touch(f->sb);
}

/* True when there are connections to look at. */
static bool look(struct sandbox *s)
{
	struct meter *m = &s->meter;
	bool any = false;

	m->looked_ns = s->eg->now;
	m->live_up = m->live_down = 0;
	for (uint32_t i = 0; i < s->flows.high; i++) {
		uint64_t up, down;

		if (!read_counts(&s->flows.flows[i], &up, &down))
			continue;
		any = true;
		m->live_up = add_capped(m->live_up, up);
		m->live_down = add_capped(m->live_down, down);
	}
	judge_total(m);
	return any;
}

enum drop_reason meter_over(struct sandbox *s)
{
	struct meter *m = &s->meter;

	if (has_budget(m) && !m->over && s->eg->now - m->looked_ns >= FRESH_MS * NS_PER_MS) {
		look(s);
		if (m->over)
			sandbox_touch(s);
	}
	return (enum drop_reason)m->over;
}

static void cut_all(struct sandbox *s)
{
	for (uint32_t i = 0; i < s->flows.high; i++) {
		if (s->flows.flows[i].state == EFLOW_OPEN)
			eflow_cut(&s->flows.flows[i], (enum drop_reason)s->meter.over);
	}
}

int meter_check(struct sandbox *s)
{
	struct meter *m = &s->meter;
	bool any;

	if (!has_budget(m) || m->cut)
		return -1;
	if (!m->over && s->eg->now < m->next_ns)
		return (int)((m->next_ns - s->eg->now) / NS_PER_MS) + 1;
	m->next_ns = s->eg->now + LOOK_MS * NS_PER_MS;
	any = look(s);
	if (m->over) {
		cut_all(s);
		m->cut = true;
	}
	return any && !m->over ? LOOK_MS : -1;
}
