/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: adds, cuts and ends sandboxes. Runs in egress; netd's commands come in, netd is answered.
 *
 * netd adds a sandbox with its worker's socket and policy; from then on the worker is served until one
 * of three things ends that: netd says so (report, last events, PROTO_GONE), the worker closes its socket
 * (quietly: netd watches the process), or it sends what no honest worker sends (PROTO_FAILED).
 */
#include "netd/egress/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "netd/egress/dial.h"
#include "netd/egress/egress.h"
#include "netd/egress/evlog.h"
#include "netd/egress/reload.h"
#include "netd/egress/resolve.h"

enum {
	REPORT_LIMIT_MS = 2000,
	RETRY_MS = 20,
	DRAIN_BATCHES = 256,
};

static void tell_netd(struct egress *eg, uint32_t number, enum proto_state state, const char *text)
{
	struct proto_sandbox_state m;

	PROTO_INIT(&m, PROTO_SANDBOX_STATE);
	m.sandbox = number;
	m.state = (uint8_t)state;
	snprintf(m.text, sizeof(m.text), "%s", text);
	/* Without netd there is nobody left to serve. */
	if (msg_send(eg->up_fd, &m, sizeof(m), NULL, 0) < 0)
		eg->stopping = true;
}

static void set_state(struct sandbox *s, enum sandbox_state state)
{
	static const bool legal[5][5] = {
		[0] = { [SANDBOX_RUNNING] = true },
		[SANDBOX_RUNNING] = { [SANDBOX_CUT] = true, [SANDBOX_ENDING] = true },
		[SANDBOX_CUT] = { [SANDBOX_ENDING] = true },
		[SANDBOX_ENDING] = { [SANDBOX_GONE] = true },
	};

	assert(legal[s->state][state]);
	log_debug("sandbox %s: state %u -> %u", s->label, s->state, (unsigned int)state);
	s->state = (uint8_t)state;
}

struct sandbox *sandbox_by_cookie(struct egress *eg, uint64_t cookie)
{
	uint32_t slot = (uint32_t)cookie;
	struct sandbox *s = slot < EGRESS_SANDBOXES_MAX ? eg->sandboxes[slot] : NULL;

	return s && (s->gen & 0xffffff) == ((uint32_t)(cookie >> 32) & 0xffffff) ? s : NULL;
}

struct sandbox *sandbox_by_number(struct egress *eg, uint32_t number)
{
	for (uint32_t i = 0; i < EGRESS_SANDBOXES_MAX; i++) {
		if (eg->sandboxes[i] && eg->sandboxes[i]->number == number)
			return eg->sandboxes[i];
	}
	return NULL;
}

uint32_t sandbox_dials_max(const struct sandbox *s)
{
	uint32_t share = dialer_capacity(s->eg->dialer) / s->eg->n_sandboxes;

	if (share > DIALS_MAX)
		share = DIALS_MAX;
	return share < EFLOW_RACERS ? EFLOW_RACERS : share;
}

void sandbox_touch(struct sandbox *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	TAILQ_INSERT_TAIL(&s->eg->dirty, s, dirty_link);
}

/* ---- birth ------------------------------------------------------------------------------------------ */

static int make_tables(struct sandbox *s, uint64_t flows)
{
	const struct policy_limits *limits = policy_get_limits(s->policy);
	int r;

	if (!flows)
		flows = limits->flows ? limits->flows : EFLOW_DEFAULT_MAX;
	if (flows > EFLOW_LIMIT_MAX)
		flows = EFLOW_LIMIT_MAX;
	meter_init(&s->meter, limits);
	bucket_init(&s->flow_rate, limits->new_flows_per_s, limits->new_flows_per_s, s->eg->now);
	r = eflow_table_init(&s->flows, (uint32_t)flows);
	if (r == 0)
		r = outbox_init(&s->out, 2 * (uint32_t)flows + QUESTIONS_MAX);
	if (r == 0)
		r = lease_table_init(&s->leases);
	if (r == 0)
		r = names_init(&s->names, limits, s->eg->now);
	if (r == 0)
		r = report_init(&s->report);
	return r;
}

static int get_resolver(struct sandbox *s, const struct proto_sandbox_add *m, char *why)
{
	int r = resolver_get(s->eg->resolve, m->resolvers, &s->resolver);

	if (r == -ENOSPC)
		snprintf(why, PROTO_TEXT_CAP, "more than %d different lists of resolvers are in use; name those that "
			 "another sandbox uses", RESOLVERS_MAX - 1);
	return r;
}

static int watch_asks(struct sandbox *s)
{
	struct epoll_event ev = {
		.events = EPOLLIN,
		.data.u64 = watch_cookie(WATCH_ASK, s->gen, s->slot),
	};

	if (fcntl(s->ask_fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(s->report_fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	s->ask_events = ev.events;
	return epoll_ctl(s->eg->epoll_fd, EPOLL_CTL_ADD, s->ask_fd, &ev) < 0 ? -errno : 0;
}

static void sandbox_free(struct sandbox *s)
{
	if (s->dirty)
		TAILQ_REMOVE(&s->eg->dirty, s, dirty_link);
	outbox_done(&s->out);
	eflow_table_done(&s->flows);
	names_done(&s->names);
	lease_table_done(&s->leases);
	report_done(&s->report);
	evlog_free(s->evlog);
	if (s->resolver)
		resolver_put(s->resolver);
	policy_free(s->policy);
	fd_close(&s->ask_fd);
	fd_close(&s->report_fd);
	free(s);
}

/* Fills s from the message; what it took is freed by sandbox_free(). */
static int sandbox_init(struct sandbox *s, const struct proto_sandbox_add *m, int *fds, char *why)
{
	int r;

	s->number = m->sandbox;
	memcpy(s->label, m->label, sizeof(s->label));
	s->ask_fd = fd_steal(&fds[0]);
	s->report_fd = fd_steal(&fds[2]);
	TAILQ_INIT(&s->dial_queue);
	if (m->flags & PROTO_HAS_EVENTS) {
		s->evlog = evlog_new(fd_steal(&fds[3]), s->label, s->eg->now);
		if (!s->evlog)
			return -ENOMEM;
	}
	r = policy_load(fds[1], &s->policy, why);
	if (r == 0)
		r = make_tables(s, m->flows_max);
	if (r == 0)
		r = get_resolver(s, m, why);
	if (r == 0)
		r = watch_asks(s);
	s->judge = (struct judge){ s->policy, &s->leases, m->gw4, m->gw6 };
	return r;
}

static int free_slot(const struct egress *eg)
{
	for (int i = 0; i < EGRESS_SANDBOXES_MAX; i++) {
		if (!eg->sandboxes[i])
			return i;
	}
	return -1;
}

void sandbox_add(struct egress *eg, const struct proto_sandbox_add *m, int *fds, size_t n_fds)
{
	size_t want = m->flags & PROTO_HAS_EVENTS ? 4 : 3;
	char why[PROTO_TEXT_CAP] = "out of memory";
	int slot = free_slot(eg);
	struct sandbox *s = NULL;
	int r = -EINVAL;

	if (n_fds != want || m->sandbox == 0 || sandbox_by_number(eg, m->sandbox)) {
		snprintf(why, sizeof(why), "netd asked for an impossible sandbox; this is a bug in Sluice");
	} else if (slot < 0) {
		snprintf(why, sizeof(why), "%d sandboxes are running, the most one egress serves; end one",
			 EGRESS_SANDBOXES_MAX);
	} else {
		s = calloc(1, sizeof(*s));
		r = -ENOMEM;
	}
	if (s) {
		s->eg = eg;
		s->slot = (uint32_t)slot;
		s->gen = ++eg->gen;
		s->ask_fd = s->report_fd = -1;
		r = sandbox_init(s, m, fds, why);
	}
	for (size_t i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	if (r < 0) {
		if (s)
			sandbox_free(s);
		tell_netd(eg, m->sandbox, PROTO_FAILED, why);
		return;
	}
	set_state(s, SANDBOX_RUNNING);
	eg->sandboxes[slot] = s;
	eg->n_sandboxes++;
	tell_netd(eg, m->sandbox, PROTO_READY, "");
}

/* ---- end -------------------------------------------------------------------------------------------- */

void sandbox_fail(struct sandbox *s, const char *what)
{
	char text[PROTO_TEXT_CAP];

	if (s->failing)
		return;
	s->failing = true;
	sandbox_touch(s);
	if (!what)
		return;
	snprintf(text, sizeof(text), "the stack worker of sandbox %s %s; cutting it off", s->label, what);
	log_warn("%s", text);
	if (s->state == SANDBOX_RUNNING)
		tell_netd(s->eg, s->number, PROTO_FAILED, text);
}

/* Nothing is dialled any more, and the worker is not heard any more. */
static void cut(struct sandbox *s)
{
	eflow_end_all(s, DROP_END_SHUTDOWN);
	fd_close(&s->ask_fd);
	outbox_done(&s->out);
	s->fds_out = 0;
}

void sandbox_end(struct egress *eg, const struct proto_sandbox_end *m)
{
	struct sandbox *s = sandbox_by_number(eg, m->sandbox);

	if (!s) {
		tell_netd(eg, m->sandbox, PROTO_GONE, "");
		return;
	}
	if (s->state == SANDBOX_ENDING)
		return;
	/* The worker's last counts are still in its socket. */
	s->draining = true;
	if (s->state == SANDBOX_RUNNING) {
		for (int i = 0; i < DRAIN_BATCHES && !s->failing && ask_is_readable(s); i++)
			ask_input(s);
		cut(s);
	}
	set_state(s, SANDBOX_ENDING);
	s->end_deadline_ns = eg->now + REPORT_LIMIT_MS * NS_PER_MS;
	sandbox_touch(s);
}

/* True when netd has its answer and nothing is left to do. */
static bool settle_ending(struct sandbox *s)
{
	int r = report_write(&s->report, s->report_fd, s->meter.up, s->meter.down);

	if (r == 0 && s->eg->now < s->end_deadline_ns)
		return false;
	evlog_free(s->evlog);
	s->evlog = NULL;
	set_state(s, SANDBOX_GONE);
	tell_netd(s->eg, s->number, PROTO_GONE, "");
	return true;
}

/* ---- between wake-ups ------------------------------------------------------------------------------- */

static int earlier(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Reads on only while there is room for answers; wakes up when a full socket drains. */
static void watch_again(struct sandbox *s)
{
	uint32_t events = (s->out.used < OUT_PAUSE ? EPOLLIN : 0u) | (s->out_blocked ? EPOLLOUT : 0u);
	struct epoll_event ev = {
		.events = events,
		.data.u64 = watch_cookie(WATCH_ASK, s->gen, s->slot),
	};

	if (events == s->ask_events)
		return;
	if (epoll_ctl(s->eg->epoll_fd, EPOLL_CTL_MOD, s->ask_fd, &ev) < 0)
		sandbox_fail(s, "cannot be watched");
	s->ask_events = events;
}

static int settle_running(struct sandbox *s)
{
	int again = -1;
	int r;

	if (s->failing) {
		cut(s);
		set_state(s, SANDBOX_CUT);
		return -1;
	}
	dial_next(s);
	again = meter_check(s);
	r = ask_flush(s);
	s->out_blocked = r == -EAGAIN;
	/* Too many descriptors in flight: until the worker reads, time is all there is to wait for. */
	if (r == -ETOOMANYREFS || r == -ENOBUFS || r == -ENOMEM)
		again = earlier(again, RETRY_MS);
	else if (r < 0 && r != -EAGAIN)
		sandbox_fail(s, NULL);
	watch_again(s);
	/* Failed just now: looked at once more, and cut then. */
	return s->failing ? 0 : again;
}

static int settle(struct sandbox *s)
{
	int again = -1;

	if (s->state == SANDBOX_RUNNING)
		again = settle_running(s);
	if (s->state == SANDBOX_ENDING && !settle_ending(s))
		again = RETRY_MS;
	if (s->evlog)
		again = earlier(again, evlog_settle(s->evlog, s->eg->now));
	return again;
}

int sandbox_settle(struct egress *eg)
{
	struct sandbox *s, *next;
	int least = -1;

	for (s = TAILQ_FIRST(&eg->dirty); s; s = next) {
		int again = settle(s);

		next = TAILQ_NEXT(s, dirty_link);
		least = earlier(least, again);
		if (s->state == SANDBOX_GONE) {
			eg->sandboxes[s->slot] = NULL;
			eg->n_sandboxes--;
			sandbox_free(s);
		} else if (again < 0) {
			TAILQ_REMOVE(&eg->dirty, s, dirty_link);
			s->dirty = false;
		}
	}
	return least;
}
