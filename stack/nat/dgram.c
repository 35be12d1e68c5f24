/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dgram: the life of a UDP or ICMP echo conversation.
 *
 * Comes in: datagrams of the sandbox, verdicts with connected sockets, events of those sockets. Goes
 * out: payload on the sockets (connected: nothing here names an address), datagrams and ICMP errors
 * towards the sandbox. Memory is one record per slot of the flow table and the pool of hold.c.
 *
 * Theory of operation. ASKED: datagrams are held, up to the kind's bounds. OPEN: both ways; a flow that
 * is inspected keeps on holding while inspection wants to see more, for INSPECT_FIRST_S; a reply
 * prolongs the idle time (RFC 4787 s. 4.3: only the sandbox's own datagrams and answers to them count,
 * since a connected socket receives from its peer alone). CLOSING: refused; answered from memory.
 * Sockets are edge-triggered: whoever stops reading early either asks for another turn
 * (stack_watch()) or, when the port is full, puts the flow on the list of the stalled, which
 * udp_port_writable() wakes.
 */
#include "stack/nat/dgram.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/clock.h"
#include "stack/inspect/inspect.h"

enum { PORT_HTTPS = 443 };

static struct udp_conn *conns;
static uint32_t n_conns;
static uint32_t stall_head;		/* flow index + 1 */
static uint8_t burst[DGRAM_BURST][DGRAM_BYTES_MAX];

int udp_init(struct stack *s)
{
	udp_done();
	conns = calloc(s->flows.cap, sizeof(*conns));
	if (!conns)
		return -ENOMEM;
	n_conns = s->flows.cap;
	hold_init();
	return 0;
}

void udp_done(void)
{
	for (uint32_t i = 0; i < n_conns; i++)
		inspect_free(conns[i].inspect);
	free(conns);
	conns = NULL;
	n_conns = 0;
	stall_head = 0;
}

static const struct dgram_kind *kind_of(const struct flow *f)
{
	return f->key.proto == IPPROTO_UDP ? &udp_kind : &ping_kind;
}

static void unstall(struct udp_conn *c)
{
	uint32_t *link = &stall_head;

	if (!c->stalled)
		return;
	while (*link && &conns[*link - 1] != c)
		link = &conns[*link - 1].stall_next;
	if (*link)
		*link = c->stall_next;
	c->stalled = false;
}

static void stall(struct flow *f)
{
	if (f->udp->stalled)
		return;
	f->udp->stalled = true;
	f->udp->stall_next = stall_head;
	stall_head = f->index + 1;
}

void udp_port_writable(struct stack *s)
{
	while (stall_head) {
		struct flow *f = &s->flows.flows[stall_head - 1];
		struct udp_conn *c = &conns[stall_head - 1];

		stall_head = c->stall_next;
		c->stalled = false;
		if (f->state == FLOW_OPEN && f->udp == c)
			stack_watch(s, f);
	}
}

static void inspect_end(struct udp_conn *c)
{
	inspect_free(c->inspect);
	c->inspect = NULL;
	c->held_until_ns = 0;
}

static void end(struct stack *s, struct flow *f, enum drop_reason reason)
{
	hold_clear(&f->udp->hold);
	inspect_end(f->udp);
	unstall(f->udp);
	flow_end(s, f, reason);
}

static void touch(struct stack *s, struct flow *f)
{
	const struct dgram_kind *k = kind_of(f);

	f->active_ns = s->now;
	f->expires_ns = f->udp->held_until_ns ? f->udp->held_until_ns :
		s->now + (f->udp->replied ? k->idle_replied_s : k->idle_s) * NS_PER_S;
}

/* ---- refusal ---------------------------------------------------------------------------------- */

static void refuse_held(struct stack *s, struct flow *f, enum drop_reason reason,
			enum icmp_error kind)
{
	struct packet p;

	while (hold_packet(&f->udp->hold, &f->key, kind_of(f)->skip, &p)) {
		path_refuse(s, &p, reason, f);
		icmp_error_output(s, &p, kind, 0, reason);
		hold_pop(&f->udp->hold);
	}
}

static void refuse(struct stack *s, struct flow *f, enum drop_reason reason, enum icmp_error kind)
{
	f->reason = (uint16_t)reason;
	f->udp->refusal = (uint8_t)kind;
	refuse_held(s, f, reason, kind);
	inspect_end(f->udp);
	stack_unwatch(s, f);
	flow_set_state(&s->flows, f, FLOW_CLOSING);
	f->expires_ns = s->now + DGRAM_REFUSED_S * NS_PER_S;
}

/* ---- from the sandbox ------------------------------------------------------------------------- */

static ssize_t send_pieces(int fd, const struct iovec *iov, int n)
{
	ssize_t r = n == 1 ? send(fd, iov[0].iov_base, iov[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL) :
			     writev(fd, iov, n);

	return r < 0 ? -errno : r;
}

/*
 * One datagram to the host socket. An error may belong to an earlier one (RFC 1122 s. 4.1.3.3 lets
 * the socket report it now): it is told, and the datagram gets a second chance. Payload bytes or -errno.
 */
static ssize_t send_on(struct stack *s, struct flow *f, const struct iovec *iov, int n)
{
	ssize_t r = send_pieces(f->fd, iov, n);

	if (r >= 0 || r == -EAGAIN || r == -ENOBUFS || r == -EINTR)
		return r;
	if (r != -EMSGSIZE)
		dgram_host_error(s, f, (int)r);
	else if (dgram_drain_errors(s, f) == 0)
		return r;		/* this very datagram is too large */
	return send_pieces(f->fd, iov, n);
}

/* The kernel insists on the echo type of the socket's own family. */
static ssize_t send_datagram(struct stack *s, struct flow *f, const struct iovec *iov, int n)
{
	uint8_t *type = iov[0].iov_base;
	uint8_t was;
	ssize_t r;

	if (f->key.proto == IPPROTO_UDP)
		return send_on(s, f, iov, n);
	was = *type;
	*type = f->udp->far_v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	r = send_on(s, f, iov, n);
	*type = was;
	return r < 0 ? r : r - 8;
}

static void count_up(struct stack *s, struct flow *f, ssize_t bytes)
{
	f->up_bytes += (uint64_t)bytes;
	f->up_pkts++;
	touch(s, f);
}

static enum drop_reason reason_of_send(ssize_t r)
{
	return r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM || r == -EINTR ? DROP_NO_MEMORY :
									      DROP_DIAL_ERROR;
}

/* The host's socket did not take it: told and dropped. Its flow lives on. */
static void send_failed(struct stack *s, const struct packet *p, ssize_t r)
{
	enum drop_reason why = reason_of_send(r);

	if (why == DROP_DIAL_ERROR)
		icmp_error_output(s, p, icmp_error_of_errno((int)-r), 1280, why);
	path_drop(s, p, why);
}

static void hold_input(struct stack *s, struct flow *f, struct packet *p)
{
	const struct dgram_kind *k = kind_of(f);
	struct hold *h = &f->udp->hold;

	if (h->n >= k->hold_n || h->bytes + p->l4_contig > k->hold_bytes ||
	    hold_put(h, p, k->skip) < 0) {
		path_drop(s, p, DROP_NO_MEMORY);
		return;
	}
	path_hold(s, p, f);
}

static void send_held(struct stack *s, struct flow *f)
{
	struct iovec iov[HOLD_IOV_MAX];
	const struct quote *q;
	struct packet p;
	int n;

	while ((n = hold_first(&f->udp->hold, iov, &q)) > 0) {
		ssize_t r = send_datagram(s, f, iov, n);

		if (r >= 0) {
			f->udp->last = *q;
			count_up(s, f, r);
		} else if (hold_packet(&f->udp->hold, &f->key, kind_of(f)->skip, &p)) {
			send_failed(s, &p, r);
		}
		hold_pop(&f->udp->hold);
	}
}

/* Tells egress what inspection has read, if there is news. */
static void inspect_tell(struct stack *s, struct flow *f)
{
	struct proto_inspected m;

	memset(&m, 0, sizeof(m));
	if (inspect_report(f->udp->inspect, &m))
		ask_inspected(s, f, &m);
}

/* Shows it the datagram. */
static enum inspect_state inspect_next(struct stack *s, struct flow *f, const struct packet *p)
{
	struct udp_conn *c = f->udp;
	uint16_t skip = kind_of(f)->skip;
	enum inspect_state state = inspect_datagram(c->inspect, p->l4 + skip, p->l4_contig - skip);

	inspect_tell(s, f);
	if (state != INSPECT_HOLD)
		c->held_until_ns = 0;
	else if (!c->held_until_ns)
		c->held_until_ns = s->now + INSPECT_FIRST_S * NS_PER_S;
	touch(s, f);
	return state;
}

/*
 * A closed port, as a server without QUIC has it, is what makes clients fall back to TCP at once: it is
 * ECONNREFUSED in both families, for which curl and others have a branch of their own. Administratively
 * prohibited would be EHOSTUNREACH over IPv4 and EACCES over IPv6: errors nobody expects, or a
 * destination that seems to be gone as a whole.
 */
static void refuse_quic(struct stack *s, struct flow *f, enum drop_reason reason)
{
	refuse(s, f, reason, ICMP_ERR_PORT_UNREACH);
}

/* True when the datagram may go on; else it is held, or refused with its flow. */
static bool is_cleared(struct stack *s, struct flow *f, struct packet *p)
{
	enum drop_reason why;

	switch (inspect_next(s, f, p)) {
	case INSPECT_WATCH:
		send_held(s, f);
		return true;
	case INSPECT_HOLD:
		hold_input(s, f, p);
		return false;
	case INSPECT_PASS:		/* not said of datagrams */
	case INSPECT_REFUSE:
		break;
	}
	why = inspect_reason(f->udp->inspect);
	refuse_quic(s, f, why);
	path_refuse(s, p, why, f);
	icmp_error_output(s, p, ICMP_ERR_PORT_UNREACH, 0, why);
	return false;
}

/* Those that were held for the verdict, all at once. */
static void inspect_held(struct stack *s, struct flow *f)
{
	enum inspect_state state = INSPECT_HOLD;
	struct packet p;
	uint16_t at = 0;

	while (hold_walk(&f->udp->hold, &at, &f->key, kind_of(f)->skip, &p)) {
		state = inspect_next(s, f, &p);
		if (state != INSPECT_HOLD && state != INSPECT_WATCH) {
			refuse_quic(s, f, inspect_reason(f->udp->inspect));
			return;
		}
	}
	if (state == INSPECT_WATCH)
		send_held(s, f);
}

static void input_open(struct stack *s, struct flow *f, struct packet *p)
{
	uint16_t skip = kind_of(f)->skip;
	struct iovec iov = { p->l4 + skip, p->l4_contig - skip };
	ssize_t r;

	if (f->udp->inspect && !is_cleared(s, f, p))
		return;
	r = send_datagram(s, f, &iov, 1);
	if (r < 0) {
		send_failed(s, p, r);
		return;
	}
	quote_take(&f->udp->last, p);
	count_up(s, f, r);
	path_accept(s, p, f);
}

static struct flow *flow_start(struct stack *s, const struct flow_key *k)
{
	struct flow *f = flow_new(&s->flows, k, s->now);
	struct udp_conn *c;

	if (!f)
		return NULL;
	c = &conns[f->index];
	hold_clear(&c->hold);
	unstall(c);
	memset(c, 0, sizeof(*c));
	f->udp = c;
	f->expires_ns = s->now + DGRAM_ASK_S * NS_PER_S;
	return f;
}

void dgram_input(struct stack *s, struct packet *p, const struct flow_key *k)
{
	struct flow *f = flow_find(&s->flows, k);

	if (!f) {
		f = flow_start(s, k);
		if (!f) {
			path_drop(s, p, DROP_FLOW_FULL);
			return;
		}
		hold_input(s, f, p);
		ask_flow(s, f);		/* may refuse at once: f is not looked at again */
		return;
	}
	switch ((enum flow_state)f->state) {
	case FLOW_ASKED:
		hold_input(s, f, p);
		return;
	case FLOW_OPEN:
		input_open(s, f, p);
		return;
	case FLOW_CLOSING:
		path_drop(s, p, (enum drop_reason)f->reason);
		icmp_error_output(s, p, (enum icmp_error)f->udp->refusal, 0,
				  (enum drop_reason)f->reason);
		return;
	case FLOW_FREE:
	case FLOW_DEAD:
		path_drop(s, p, DROP_NO_MEMORY);
		return;
	}
}

/* ---- verdicts and ends ------------------------------------------------------------------------ */

static enum drop_reason reason_of_dial(const struct proto_verdict_msg *v)
{
	if (v->reason > DROP_NONE && v->reason < DROP_REASON_MAX)
		return (enum drop_reason)v->reason;
	switch (v->err) {
	case ECONNREFUSED:
		return DROP_DIAL_REFUSED;
	case ETIMEDOUT:
		return DROP_DIAL_TIMEOUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
		return DROP_DIAL_UNREACH;
	default:
		return DROP_DIAL_ERROR;
	}
}

static bool has_peer(const struct proto_verdict_msg *v)
{
	static const struct addr none;

	return !addr_eq(&v->peer, &none);
}

static bool is_quic(enum proto_inspect kind)
{
	return kind == PROTO_INSPECT_QUIC || kind == PROTO_INSPECT_QUIC_OPAQUE;
}

/* 0, or -errno: what the verdict wants to be read cannot be read, so the flow must not begin. */
static int inspect_begin(struct flow *f, const struct proto_verdict_msg *v)
{
	struct inspect_spec spec = {
		.kind = (enum proto_inspect)v->inspect, .name = v->name, .port = f->key.dport, .note = v->note,
	};

	if (v->inspect == PROTO_INSPECT_NONE)
		return 0;
	if (f->key.proto != IPPROTO_UDP || !is_quic(spec.kind))
		return -EPROTONOSUPPORT;
	f->udp->inspect = inspect_new(&spec);
	return f->udp->inspect ? 0 : -ENOMEM;
}

static void refuse_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v)
{
	bool quic = f->key.proto == IPPROTO_UDP && (f->key.dport == PORT_HTTPS || is_quic(v->inspect));

	if (v->verdict != PROTO_DENY)
		refuse(s, f, reason_of_dial(v), icmp_error_of_errno(v->err));
	else if (quic)
		refuse_quic(s, f, reason_of_dial(v));
	else
		refuse(s, f, reason_of_dial(v), ICMP_ERR_ADMIN);
}

void dgram_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd)
{
	f->rule = v->rule;
	if (v->verdict != PROTO_ALLOW || fd < 0 || f->state != FLOW_ASKED) {
		if (fd >= 0)
			close(fd);
		if (f->state == FLOW_ASKED)
			refuse_verdict(s, f, v);
		return;
	}
	if (inspect_begin(f, v) < 0) {
		close(fd);
		refuse(s, f, DROP_NO_MEMORY, ICMP_ERR_HOST_UNREACH);
		return;
	}
	f->fd = fd;
	f->udp->far_v4 = addr_is_v4(has_peer(v) ? &v->peer : &f->key.dst);
	flow_set_state(&s->flows, f, FLOW_OPEN);
	touch(s, f);
	if (stack_watch(s, f) < 0) {
		refuse_held(s, f, DROP_NO_MEMORY, ICMP_ERR_HOST_UNREACH);
		end(s, f, DROP_NO_MEMORY);
		return;
	}
	if (f->udp->inspect)
		inspect_held(s, f);
	else
		send_held(s, f);
}

/* The rest of the first message does not come. */
static void refuse_late(struct stack *s, struct flow *f)
{
	inspect_give_up(f->udp->inspect, DROP_INSPECT_TIMEOUT);
	inspect_tell(s, f);
	refuse_quic(s, f, DROP_INSPECT_TIMEOUT);
}

void dgram_expired(struct stack *s, struct flow *f)
{
	switch ((enum flow_state)f->state) {
	case FLOW_ASKED:
		refuse_held(s, f, DROP_DIAL_TIMEOUT, ICMP_ERR_HOST_UNREACH);
		end(s, f, DROP_DIAL_TIMEOUT);
		return;
	case FLOW_CLOSING:
		end(s, f, (enum drop_reason)f->reason);
		return;
	case FLOW_OPEN:
		if (f->udp->held_until_ns)
			refuse_late(s, f);
		else
			end(s, f, DROP_END_IDLE);
		return;
	case FLOW_FREE:
	case FLOW_DEAD:
		end(s, f, DROP_END_IDLE);
		return;
	}
}

void dgram_cut(struct stack *s, struct flow *f, enum drop_reason reason)
{
	const struct quote *q = &f->udp->last;

	refuse_held(s, f, reason, ICMP_ERR_ADMIN);
	if (q->len)
		icmp_error_output_raw(s, q->b, q->len, ICMP_ERR_ADMIN, 0, reason);
	end(s, f, reason);
}

/* ---- from the host ------------------------------------------------------------------------------ */

/* One recvmmsg(). Datagrams given on, or -errno. */
static int read_burst(struct stack *s, struct flow *f,
		      bool (*deliver)(struct stack *s, struct flow *f, uint8_t *buf, size_t len))
{
	struct mmsghdr m[DGRAM_BURST];
	struct iovec iov[DGRAM_BURST];
	int n;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < DGRAM_BURST; i++) {
		iov[i] = (struct iovec){ burst[i], DGRAM_BYTES_MAX };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(f->fd, m, DGRAM_BURST, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!deliver(s, f, burst[i], m[i].msg_len))
			continue;
		f->down_pkts++;
		f->udp->replied = true;
		touch(s, f);
	}
	return n;
}

void dgram_event(struct stack *s, struct flow *f, uint32_t events,
		 bool (*deliver)(struct stack *s, struct flow *f, uint8_t *buf, size_t len))
{
	int left = DGRAM_BUDGET;

	if (f->state != FLOW_OPEN || f->fd < 0)
		return;
	if (events & EPOLLERR)
		dgram_drain_errors(s, f);
	if (!(events & (EPOLLIN | EPOLLERR)))
		return;
	while (left > 0) {
		int n;

		if (ip_output_blocked()) {
			stall(f);
			return;
		}
		n = read_burst(s, f, deliver);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			if (n != -EINTR)
				dgram_host_error(s, f, n);
			left--;
			continue;
		}
		left -= n;
		/* Fewer than asked for: the socket is empty, the next arrival is a new edge. */
		if (n < DGRAM_BURST)
			return;
	}
	stack_watch(s, f);
}
