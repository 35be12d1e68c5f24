/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: the worker's side of the socketpair to egress.
 *
 * Goes out: "may this flow leave?", "what does this name mean?", what inspection read, ends of flows,
 * counts of drops. Comes in: verdicts with connected sockets, answers, cuts. Messages are queued and sent
 * with one sendmmsg() per queue and wake-up.
 *
 * Theory of operation. The end of a flow must never be lost, or egress would keep it for ever; a
 * question may be refused. So the queue of flow messages has one slot for every live asked flow's end
 * beside what is queued already, and a question that would take one of those is refused (NO_MEMORY).
 * What inspection read is evidence: under pressure it is lost, counted, and first that of requests that
 * went on. Its queue is sent before the flows', so that it comes before the end of its flow.
 *
 * A question and a refusal are sent at the end of the wake-up. Reports of what went on and ends of
 * flows, for which nobody waits, wait for one another up to ASK_WAIT_MS, or for such company: to wake
 * egress for each costs more than the rest of a request.
 * Egress that closes the socket, or writes nonsense, is gone for good: every flow is reset, every new
 * one refused, no name means anything (promise 1). The descriptor itself stays open, unused: the
 * worker may not close numbers below PROTO_FD_FIRST_FREE.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/proto.h"
#include "stack/loop.h"
#include "stack/path.h"

enum {
	ASK_NAMES_MAX = 512,		/* questions about names queued at once */
	ASK_SPARE = 1024,		/* flow messages beyond one per flow */
	ASK_REPORTS_MAX = 512,		/* reports of inspection queued at once */
	ASK_REFUSALS_SPARE = 128,	/* of these, kept for refusals */
	ASK_WAIT_MAX = 64,		/* no more messages wait for others, */
	ASK_WAIT_MS = 3,		/* and no longer than this after those before them */
	ASK_BATCH = 16,			/* messages per system call */
	ASK_DROPS_S = 1,		/* at most one report per reason in this time */
};

/* Fixed slots in a circle; a message is at most as long as a slot. */
struct ring {
	uint8_t *mem;
	uint32_t slot, cap, head, n;
};

union ask_control {
	char b[CMSG_SPACE(sizeof(int) * MSG_MAX_FDS)];
	struct cmsghdr align;
};

static struct {
	struct ring reports;		/* inspected */
	struct ring flows;		/* ask_flow, flow_end, drops */
	struct ring names;
	uint32_t live;			/* flows whose end egress waits for */
	uint64_t sent_ns;		/* when reports and flow messages were sent last */
	bool urgent;			/* there is a question or a refusal among them */
	uint64_t drops_ns;		/* of the newest report */
	bool waiting;			/* EPOLLOUT is armed */
	_Alignas(8) uint8_t rx[ASK_BATCH][PROTO_MSG_MAX];
	union ask_control rx_control[ASK_BATCH];
} ask;

/* ---- queues ------------------------------------------------------------------------------------ */

static int ring_init(struct ring *r, uint32_t slot, uint32_t cap)
{
	*r = (struct ring){ .slot = slot, .cap = cap };
	r->mem = calloc(cap, slot);
	return r->mem ? 0 : -ENOMEM;
}

static uint8_t *ring_at(const struct ring *r, uint32_t i)
{
	return r->mem + (size_t)((r->head + i) % r->cap) * r->slot;
}

static bool ring_push(struct ring *r, const void *msg)
{
	const struct proto_head *h = msg;

	if (r->n == r->cap)
		return false;
	assert(h->size <= r->slot);
	memcpy(ring_at(r, r->n), msg, h->size);
	r->n++;
	return true;
}

int ask_init(struct stack *s)
{
	int err;

	memset(&ask, 0, sizeof(ask));
	static_assert(sizeof(struct proto_ask_flow) >= sizeof(struct proto_flow_end), "slot");
	static_assert(sizeof(struct proto_ask_flow) >= sizeof(struct proto_drops), "slot");
	err = ring_init(&ask.flows, sizeof(struct proto_ask_flow), s->flows.cap + ASK_SPARE);
	if (!err)
		err = ring_init(&ask.reports, sizeof(struct proto_inspected), ASK_REPORTS_MAX);
	if (!err)
		err = ring_init(&ask.names, sizeof(struct proto_ask_name), ASK_NAMES_MAX);
	if (err)
		ask_done();
	return err;
}

void ask_done(void)
{
	free(ask.reports.mem);
	free(ask.flows.mem);
	free(ask.names.mem);
	memset(&ask, 0, sizeof(ask));
}

/* ---- questions --------------------------------------------------------------------------------- */

/* Token bucket, one second deep. */
static bool rate_allows(struct stack *s)
{
	uint64_t rate = s->cfg.flows_per_s, elapsed = s->now - s->rate_ns, gain;

	if (!rate)
		return true;
	if (!s->rate_ns || elapsed >= NS_PER_S) {
		s->rate_ns = s->now;
		s->rate_tokens = (uint32_t)rate;
	} else {
		gain = elapsed * rate / NS_PER_S;
		s->rate_ns += gain * NS_PER_S / rate;
		gain += s->rate_tokens;
		s->rate_tokens = (uint32_t)(gain < rate ? gain : rate);
	}
	if (!s->rate_tokens)
		return false;
	s->rate_tokens--;
	return true;
}

static void refuse(struct stack *s, struct flow *f, enum drop_reason reason)
{
	struct proto_verdict_msg v;

	PROTO_INIT(&v, PROTO_VERDICT);
	v.id = flow_id_of(f);
	v.verdict = PROTO_DENY;
	v.reason = (uint16_t)reason;
	path_count(s, reason, f->key.proto, &f->key.dst, f->key.dport);
	flow_verdict(s, f, &v, -1);
}

void ask_flow(struct stack *s, struct flow *f)
{
	struct proto_ask_flow m;

	assert(f->state == FLOW_ASKED && !f->asked);
	if (s->ask_fd < 0) {
		refuse(s, f, DROP_EGRESS_GONE);
		return;
	}
	if (!rate_allows(s)) {
		refuse(s, f, DROP_FLOW_RATE);
		return;
	}
	if (ask.flows.n + ask.live + 2 > ask.flows.cap) {
		refuse(s, f, DROP_NO_MEMORY);
		return;
	}
	PROTO_INIT(&m, PROTO_ASK_FLOW);
	m.id = flow_id_of(f);
	m.src = f->key.src;
	m.dst = f->key.dst;
	m.sport = f->key.sport;
	m.dport = f->key.dport;
	m.proto = f->key.proto;
	ring_push(&ask.flows, &m);
	ask.urgent = true;
	ask.live++;
	s->counters.flows_asked++;
	f->asked = true;
}

int ask_name(struct stack *s, uint64_t id, uint16_t qtype, const char *name)
{
	struct proto_ask_name m;
	size_t len = strlen(name);

	if (s->ask_fd < 0)
		return -EPIPE;
	if (len >= sizeof(m.name))
		return -EINVAL;
	PROTO_INIT(&m, PROTO_ASK_NAME);
	m.id = id;
	m.qtype = qtype;
	memcpy(m.name, name, len);
	s->counters.names_asked++;
	return ring_push(&ask.names, &m) ? 0 : -ENOBUFS;
}

void ask_inspected(struct stack *s, const struct flow *f, struct proto_inspected *m)
{
	uint32_t most = m->reason ? ASK_REPORTS_MAX : ASK_REPORTS_MAX - ASK_REFUSALS_SPARE;

	if (!f->asked || s->ask_fd < 0 || (!m->reason && !(s->cfg.flags & PROTO_HAS_EVENTS)))
		return;
	m->head = (struct proto_head){ .type = PROTO_INSPECTED, .size = sizeof(*m) };
	m->id = flow_id_of(f);
	if (ask.reports.n >= most || !ring_push(&ask.reports, m))
		path_count(s, DROP_NO_MEMORY, f->key.proto, &f->key.dst, f->key.dport);
	else if (m->reason)
		ask.urgent = true;
}

void ask_end(struct stack *s, struct flow *f, enum drop_reason reason)
{
	struct proto_flow_end m;

	if (!f->asked)
		return;
	PROTO_INIT(&m, PROTO_FLOW_END);
	m.id = flow_id_of(f);
	m.up_bytes = f->up_bytes;
	m.down_bytes = f->down_bytes;
	m.up_pkts = f->up_pkts;
	m.down_pkts = f->down_pkts;
	m.reason = (uint16_t)reason;
	f->asked = false;
	ask.live--;
	s->counters.up_bytes += f->up_bytes;
	s->counters.down_bytes += f->down_bytes;
	if (!f->up_bytes && !f->down_bytes)
		intake_useless(s);
	if (s->ask_fd >= 0) {
		bool pushed = ring_push(&ask.flows, &m);

		assert(pushed);		/* ask_flow() keeps a slot for every end */
		(void)pushed;
	}
}

void flow_end(struct stack *s, struct flow *f, enum drop_reason reason)
{
	f->reason = (uint16_t)reason;
	ask_end(s, f, reason);
	stack_unwatch(s, f);
	flow_set_state(&s->flows, f, FLOW_DEAD);
}

bool ask_owes(const struct stack *s)
{
	return s->ask_fd >= 0 && memcmp(s->drops, s->drops_told, sizeof(s->drops)) != 0;
}

void ask_tick(struct stack *s)
{
	if (s->ask_fd < 0 || s->now - ask.drops_ns < ASK_DROPS_S * NS_PER_S)
		return;
	ask.drops_ns = s->now;
	for (unsigned int i = 1; i < DROP_REASON_MAX; i++) {
		struct proto_drops m;

		if (s->drops[i] == s->drops_told[i])
			continue;
		if (ask.flows.n + ask.live + 1 > ask.flows.cap)
			return;		/* the count is told next time */
		PROTO_INIT(&m, PROTO_DROPS);
		m.count = s->drops[i] - s->drops_told[i];
		m.reason = (uint16_t)i;
		m.proto = s->drops_newest[i].proto;
		m.dport = s->drops_newest[i].dport;
		m.dst = s->drops_newest[i].dst;
		ring_push(&ask.flows, &m);
		s->drops_told[i] = s->drops[i];
	}
}

/* ---- the socket -------------------------------------------------------------------------------- */

/* From here on nothing is allowed any more. */
static void egress_gone(struct stack *s, const char *why)
{
	if (s->ask_fd < 0)
		return;
	log_err("egress is gone (%s); resetting every flow and refusing new ones", why);
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->ask_fd, NULL);
	s->ask_fd = -1;
	ask.reports.n = ask.flows.n = ask.names.n = 0;
	for (uint32_t i = 0; i < s->flows.peak; i++) {
		struct flow *f = &s->flows.flows[i];

		if (f->state == FLOW_ASKED)
			refuse(s, f, DROP_EGRESS_GONE);
		else if (f->state == FLOW_OPEN || f->state == FLOW_CLOSING)
			flow_cut(s, f, DROP_EGRESS_GONE);
	}
}

/* Sends from the front of the ring. 0 when it is empty, or -errno. */
static int ring_flush(int fd, struct ring *r)
{
	while (r->n) {
		struct mmsghdr mm[ASK_BATCH];
		struct iovec iov[ASK_BATCH];
		unsigned int n = r->n < ASK_BATCH ? r->n : ASK_BATCH;
		int sent;

		memset(mm, 0, sizeof(mm));
		for (unsigned int i = 0; i < n; i++) {
			const struct proto_head *h = (const void *)ring_at(r, i);

			iov[i] = (struct iovec){ ring_at(r, i), h->size };
			mm[i].msg_hdr.msg_iov = &iov[i];
			mm[i].msg_hdr.msg_iovlen = 1;
		}
		sent = sendmmsg(fd, mm, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		r->head = (r->head + (uint32_t)sent) % r->cap;
		r->n -= (uint32_t)sent;
	}
	return 0;
}

static void wait_writable(struct stack *s, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLIN | EPOLLOUT : EPOLLIN,
				  .data.u64 = loop_cookie(LOOP_ASK, 0) };

	if (ask.waiting == on)
		return;
	ask.waiting = on;
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->ask_fd, &ev);
}

uint64_t ask_due(const struct stack *s)
{
	if (s->ask_fd < 0 || ask.waiting || !(ask.reports.n + ask.flows.n))
		return 0;
	return ask.sent_ns + ASK_WAIT_MS * NS_PER_MS;
}

void ask_hurry(void)
{
	ask.urgent = true;
}

static int flush_flows(struct stack *s)
{
	uint32_t n = ask.reports.n + ask.flows.n;
	int r;

	if (!n || (!ask.urgent && n < ASK_WAIT_MAX && s->now < ask_due(s)))
		return 0;
	r = ring_flush(s->ask_fd, &ask.reports);
	if (!r)
		r = ring_flush(s->ask_fd, &ask.flows);
	if (!r) {
		ask.sent_ns = s->now;
		ask.urgent = false;
	}
	return r;
}

void ask_flush(struct stack *s)
{
	int r;

	if (s->ask_fd < 0)
		return;
	r = flush_flows(s);
	if (!r)
		r = ring_flush(s->ask_fd, &ask.names);
	if (!r || r == -EAGAIN)
		wait_writable(s, r == -EAGAIN);
	else
		egress_gone(s, strerror(-r));
}

bool ask_blocked(void)
{
	return ask.reports.n || ask.flows.n || ask.names.n;
}

/* The descriptors of one message; at most one is ever right. Returns how many there were. */
static size_t take_fds(struct msghdr *m, int *ret_fd)
{
	size_t got = 0;

	*ret_fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (got++ == 0)
				*ret_fd = fd;
			else
				close(fd);
		}
	}
	return got;
}

/* fd is taken. 0 or -EBADMSG. */
static int verdict(struct stack *s, const struct proto_verdict_msg *v, int fd)
{
	struct flow *f = flow_by_id(&s->flows, v->id);

	if ((v->verdict == PROTO_ALLOW) != (fd >= 0) || v->reason >= DROP_REASON_MAX) {
		if (fd >= 0)
			close(fd);
		return -EBADMSG;
	}
	/* The sandbox may have given up meanwhile (a reset, a time-out): its flow is no longer there. */
	if (!f || f->state != FLOW_ASKED || !f->asked) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	f->rule = v->rule;
	s->counters.asked_us += (s->now - f->born_ns) / 1000;
	flow_verdict(s, f, v, fd);
	return 0;
}

/* 0 or -EBADMSG. */
static int cut(struct stack *s, const struct proto_cut *c)
{
	struct flow *f = flow_by_id(&s->flows, c->id);

	if (c->reason >= DROP_REASON_MAX)
		return -EBADMSG;
	/* One that is still asked about gets its verdict as well. */
	if (f && f->state != FLOW_ASKED)
		flow_cut(s, f, (enum drop_reason)c->reason);
	return 0;
}

/* fd is taken. 0 or -EBADMSG. */
static int dispatch(struct stack *s, const void *msg, size_t len, int fd)
{
	const struct proto_answer *a = msg;

	if (proto_check(msg, len) < 0)
		goto err_message;
	if (proto_type(msg) == PROTO_VERDICT)
		return verdict(s, msg, fd);
	if (fd >= 0)
		goto err_message;
	if (proto_type(msg) == PROTO_CUT)
		return cut(s, msg);
	if (proto_type(msg) != PROTO_ANSWER || a->reason >= DROP_REASON_MAX)
		goto err_message;
	dns_answer(s, a);
	return 0;

err_message:
	if (fd >= 0)
		close(fd);
	return -EBADMSG;
}

/* Takes up to max messages. Returns how many, 0 when there are none now, or -errno. */
static int receive(struct stack *s, unsigned int max)
{
	struct mmsghdr mm[ASK_BATCH];
	struct iovec iov[ASK_BATCH];
	int n, err = 0;

	memset(mm, 0, sizeof(mm));
	for (unsigned int i = 0; i < max; i++) {
		iov[i] = (struct iovec){ ask.rx[i], sizeof(ask.rx[i]) };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
		mm[i].msg_hdr.msg_control = ask.rx_control[i].b;
		mm[i].msg_hdr.msg_controllen = sizeof(ask.rx_control[i].b);
	}
	n = recvmmsg(s->ask_fd, mm, max, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		int fd;
		size_t n_fds = take_fds(&mm[i].msg_hdr, &fd);

		/* After the first bad one the rest is only emptied of descriptors. */
		if (!err && mm[i].msg_len == 0)
			err = -EPIPE;
		if (!err && (n_fds > 1 || mm[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
			err = -EBADMSG;
		if (!err)
			err = dispatch(s, ask.rx[i], mm[i].msg_len, fd);
		else if (fd >= 0)
			close(fd);
	}
	return err ? err : n;
}

void ask_input(struct stack *s, int budget)
{
	while (s->ask_fd >= 0 && budget > 0) {
		unsigned int max = budget < ASK_BATCH ? (unsigned int)budget : ASK_BATCH;
		int n = receive(s, max);

		if (n < 0) {
			egress_gone(s, n == -EPIPE ? "it closed its socket" :
				       n == -EBADMSG ? "it sent a malformed message" : strerror(-n));
			return;
		}
		/* Fewer than asked for: there are no more, and epoll tells of those to come. */
		if (n < (int)max)
			return;
		budget -= n;
	}
}
