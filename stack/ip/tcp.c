/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp: from a TCP packet of the sandbox to lwIP, by way of egress's verdict.
 *
 * Comes in: packets from ip_deliver(), verdicts. Goes out: segments to lwIP (tcp_world.c), questions to
 * egress, RST and ICMP errors for what may not or cannot be reached.
 *
 * Theory of operation. A SYN for a new flow is kept (its headers, not its frame) and egress is asked.
 * Nothing goes back to the sandbox before the host connection stands, so it sees the truth:
 *
 *	allowed, connected	the SYN is replayed into lwIP; the SYN-ACK leaves
 *	allowed, refused	RST
 *	allowed, unreachable	ICMP unreachable
 *	denied			ICMP administratively prohibited; to a name on a port of the web, the SYN is
 *				replayed as well, and the client told in its language (tcp_inspect.c)
 *	over a limit, or egress is gone, or no ICMP error may be sent now	RST
 *
 * A retransmitted SYN meanwhile changes nothing; a RST, or a SYN with another sequence number, means
 * that the sandbox has given the old attempt up. Port 53 of any address is answered by the worker
 * itself: such a flow is open at once and has no host socket. Payload of a SYN is not taken; the
 * sandbox sends it again (RFC 7413 s. 4.2.1 makes that the sender's duty).
 *
 * lwIP 2.2.1 is unmodified. What it gets wrong, or does not expect of a hostile peer and one that sits in
 * the same memory, is met here; numbers are lines of its src/core:
 *
 *	short TCP_MSL cuts off half-closed flows (tcp.c:1376)	left at 60 s; tcp_conn.c ends TIME-WAIT
 *	TIME-WAIT refuses a new SYN (tcp_in.c:742)		tcp_conn_recycle()
 *	linear search of all connections (tcp_in.c:250)		tcp_world.c
 *	a lost segment costs 1.5 s, or the connection's rate	never lost: tcp_tx.c; 25 ms ticks
 *	PBUF_POOL_BUFSIZE overflows, MSS checks			lwipopts.h
 *	tcp_sndbuf() and friends are of 16 bits			pcb->snd_buf, steps: tcp_up.c, tcp_down.c
 *	pbuf lengths are of 16 bits				headers by hand (tcp_tx.c), queues of our own
 *	MSS option honoured on any segment (tcp_in.c:1948)	tcp_scrub()
 *	tcp_write() walks all unsent segments			large segments, TCP_WRITE_SEGS
 *	tcp_close() resets when data is unread (tcp.c:352)	only tcp_shutdown(): tcp_down.c
 *	header rewritten in place (tcp_in.c)			recorded before it is fed
 *	predictable ISN (tcp.c:2231)				lwip_isn()
 *	destroy callbacks at tcp_listen() (tcp.c:910)		set afterwards: tcp_world.c
 *	a short read taken for an empty socket loses the end	rdhup: tcp_down.c
 *	dead flows named by later events of the batch		flow_reap(), marks in tcp_conn.c
 *	frames pinned by segments that wait			tcp_rx.c and tcp_up.c copy
 *	options read past their end (tcp_in.c:1925)		tcp_check()
 *	segment size grows under unsent data (tcp_out.c:489)	tcp_down_may()
 *	out-of-order data beyond the window is queued whole and
 *	later wraps the window (tcp_in.c:1659, :1578)		is_beyond_window()
 *	a probe that empties the queue leaves the persist timer
 *	on, and an assertion follows (tcp.c:1253)		tcp_world.c, tidy()
 *	the fast timer forgets an ACK it could not send		want_ack: tcp_tx.c
 *	window updates only after 256 KB			tcp_up_recved()
 *
 * Memory of one worker is bounded: payload in chunk.h (64 MB), lwIP's blocks and headers in glue.h (64 MB),
 * out-of-order copies in tcp_rx.h (16 MB), frames by the port, one struct tcp_conn per flow.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/clock.h"
#include "stack/ip/output.h"
#include "stack/ip/tcp_rx.h"
#include "stack/ip/tcp_tx.h"
#include "stack/ip/tcp_world.h"
#include "stack/nat/tcp_inspect.h"

enum { PORT_DNS = 53 };

int tcp_init(struct stack *s)
{
	int err = chunk_init();

	if (!err)
		err = rxbuf_init();
	if (!err)
		err = tcp_conn_init(s);
	if (!err)
		err = world_init(s);
	tcp_tx_retry();
	return err;
}

void tcp_release(struct stack *s)
{
	tcp_conn_release(s);
	world_done();
}

void tcp_done(void)
{
	tcp_conn_done();
	rxbuf_done();
	chunk_done();
}

/* ---- the held SYN ---------------------------------------------------------------------------------- */

static void hold_ip(struct tcp_conn *c, const struct packet *p)
{
	c->held_ip = (uint8_t)(p->ip_hlen < TCP_HELD_IP_MAX ? p->ip_hlen : TCP_HELD_IP_MAX);
	memcpy(c->held, p->ip, c->held_ip);
	if (p->ip_hlen <= TCP_HELD_IP_MAX)
		return;
	/* A fragment header is left out, and the header told so. */
	c->held[6] = IPPROTO_TCP;
	put_be16(c->held + 4, p->l4_len);
}

static void hold(struct tcp_conn *c, const struct packet *p, const struct tcp_seen *seen)
{
	hold_ip(c, p);
	c->held_tcp = seen->hlen;
	memcpy(c->held + c->held_ip, p->l4, c->held_tcp);
	c->iss = seen->seq;
}

static void reset_held(struct tcp_conn *c, enum drop_reason why)
{
	struct tcp_seen seen = { .seq = c->iss, .flags = TH_SYN };

	world_reset(&c->flow->key, &seen, why);
}

/* The held SYN once more for the packet log, now with what became of it. */
static void record_refused(struct stack *s, struct tcp_conn *c, enum drop_reason why)
{
	const struct flow_key *k = &c->flow->key;
	const struct packet p = {
		.src = k->src,
		.dst = k->dst,
		.proto = IPPROTO_TCP,
		.ip = c->held,
		.ip_hlen = c->held_ip,
		.l4 = c->held + c->held_ip,
		.l4_len = c->held_tcp,
		.l4_contig = c->held_tcp,
	};

	path_refuse(s, &p, why, c->flow);
}

/* The sandbox shall know at once that this goes nowhere, and as far as possible why. */
static void refuse(struct stack *s, struct tcp_conn *c, enum drop_reason why, enum icmp_error kind)
{
	record_refused(s, c, why);
	if (!icmp_error_output_raw(s, c->held, (size_t)c->held_ip + c->held_tcp, kind, 0, why))
		reset_held(c, why);
	tcp_conn_end(s, c, why);
}

static void reset(struct stack *s, struct tcp_conn *c, enum drop_reason why)
{
	record_refused(s, c, why);
	reset_held(c, why);
	tcp_conn_end(s, c, why);
}

/* The flow is OPEN: lets lwIP have the SYN. */
static void open_flow(struct stack *s, struct tcp_conn *c)
{
	uint8_t *tcp = c->held + c->held_ip;
	struct tcp_seen seen;

	if (tcp_check(tcp, c->held_tcp, c->held_tcp, &seen) == DROP_NONE) {
		tcp_scrub(tcp, &seen, true);
		world_open(c);
	}
	if (!c->pcb) {
		path_count(s, DROP_NO_MEMORY, IPPROTO_TCP, &c->flow->key.dst, c->flow->key.dport);
		reset_held(c, DROP_NO_MEMORY);
	}
	tcp_conn_settle(s, c);
}

/* Is there a language to say it in, and a place in the table that others do not need more? */
static bool may_tell(const struct stack *s, const struct proto_verdict_msg *v)
{
	return v->inspect != PROTO_INSPECT_NONE && s->flows.used <= s->flows.cap - s->flows.cap / 4;
}

/* Denied, and its client shall read why: the connection is accepted, and ends here. */
static void tell(struct stack *s, struct tcp_conn *c)
{
	record_refused(s, c, (enum drop_reason)c->refused);
	flow_set_state(&s->flows, c->flow, FLOW_OPEN);
	open_flow(s, c);
}

void tcp_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd)
{
	enum drop_reason why = (enum drop_reason)v->reason;
	struct tcp_conn *c = f->tcp;

	f->active_ns = s->now;
	if (v->verdict == PROTO_ALLOW) {
		f->fd = fd;
		flow_set_state(&s->flows, f, FLOW_OPEN);
		if (tcp_inspect_begin(c, v) < 0 || stack_watch(s, f) < 0)
			reset(s, c, DROP_NO_MEMORY);
		else
			open_flow(s, c);
		return;
	}
	if (v->verdict == PROTO_DENY) {
		bool limit = why == DROP_FLOW_RATE || why == DROP_FLOW_FULL || why == DROP_NO_MEMORY ||
			     why == DROP_EGRESS_GONE;

		if (limit)
			reset(s, c, why);
		else if (may_tell(s, v) && tcp_denied_begin(s, c, v) == 0)
			tell(s, c);
		else
			refuse(s, c, why, ICMP_ERR_ADMIN);
		return;
	}
	if (why == DROP_NONE)
		why = DROP_DIAL_ERROR;
	if (v->err == ECONNREFUSED)
		reset(s, c, why);
	else
		refuse(s, c, why, icmp_error_of_errno(v->err));
}

void tcp_ask_expired(struct stack *s, struct flow *f)
{
	refuse(s, f->tcp, DROP_DIAL_TIMEOUT, ICMP_ERR_HOST_UNREACH);
}

/* ---- from the sandbox -------------------------------------------------------------------------------- */

static void input_new(struct stack *s, struct packet *p, const struct flow_key *k,
		      const struct tcp_seen *seen)
{
	struct flow *f = flow_new(&s->flows, k, s->now);
	struct tcp_conn *c;

	if (!f) {
		path_drop(s, p, DROP_FLOW_FULL);
		world_reset(k, seen, DROP_FLOW_FULL);
		return;
	}
	c = tcp_conn_new(f);
	f->up_pkts = 1;
	hold(c, p, seen);
	if (k->dport == PORT_DNS) {
		c->local = true;
		flow_set_state(&s->flows, f, FLOW_OPEN);
		path_accept(s, p, f);
		open_flow(s, c);
		return;
	}
	f->expires_ns = s->now + TCP_ASK_S * NS_PER_S;
	path_accept(s, p, f);
	ask_flow(s, f);			/* may refuse at once: f is not looked at again */
}

/* To a flow that egress has not judged yet. */
static void input_asked(struct stack *s, struct flow *f, struct packet *p,
			const struct tcp_seen *seen)
{
	struct tcp_conn *c = f->tcp;

	if (tcp_is_initial(seen)) {
		if (seen->seq != c->iss)
			hold(c, p, seen);
		path_accept(s, p, f);
		return;
	}
	if (seen->flags & TH_RST && (seen->seq == c->iss || seen->seq == c->iss + 1)) {
		path_accept(s, p, f);
		tcp_conn_end(s, c, DROP_END_RESET_SANDBOX);
		return;
	}
	path_drop(s, p, DROP_TCP_NO_FLOW);
}

static void input_stray(struct stack *s, struct packet *p, const struct flow_key *k,
			const struct tcp_seen *seen)
{
	path_drop(s, p, DROP_TCP_NO_FLOW);
	world_reset(k, seen, DROP_TCP_NO_FLOW);
}

static bool is_out_of_order(const struct tcp_pcb *pcb, const struct tcp_seen *seen)
{
	return (seen->payload || seen->flags & TH_FIN) && TCP_SEQ_GT(seen->seq, pcb->rcv_nxt);
}

/* lwIP trims the first segment that it queues out of order by nothing at all. */
static bool is_beyond_window(const struct tcp_pcb *pcb, const struct tcp_seen *seen)
{
	return seen->seq - pcb->rcv_nxt + seen->payload > pcb->rcv_wnd;
}

/* To a flow with a pcb. */
static void input_open(struct stack *s, struct flow *f, struct packet *p,
		       const struct tcp_seen *seen)
{
	struct tcp_conn *c = f->tcp;
	bool ooo = is_out_of_order(c->pcb, seen);
	struct pbuf *b;

	if (ooo && is_beyond_window(c->pcb, seen)) {
		path_drop(s, p, DROP_TCP_WINDOW);
		return;
	}
	if (seen->payload && !c->local && !tcp_up_has_room(c, seen->payload)) {
		path_drop(s, p, DROP_NO_MEMORY);
		return;
	}
	b = rxbuf_segment(p, ooo);
	if (!b) {
		path_drop(s, p, DROP_NO_MEMORY);
		return;
	}
	path_accept(s, p, f);
	tcp_scrub(b->payload, seen, false);
	/* A FIN that comes too early comes again; lwIP's queue is simpler without (tcp_in.c:790). */
	if (ooo)
		((uint8_t *)b->payload)[13] &= (uint8_t)~TH_FIN;
	f->up_pkts++;
	f->active_ns = s->now;
	world_input(c, b);
	if (c->pcb && c->readable && !seen->payload && c->pcb->state == ESTABLISHED)
		tcp_conn_run(c, false);		/* room for more: once for all frames of the batch */
	else
		tcp_conn_settle(s, c);
}

static void input_flow(struct stack *s, struct flow *f, struct packet *p, const struct flow_key *k,
		       const struct tcp_seen *seen)
{
	struct tcp_conn *c = f->tcp;

	if (f->state == FLOW_ASKED)
		input_asked(s, f, p, seen);
	else if (tcp_is_initial(seen) && tcp_conn_recycle(s, c))
		input_new(s, p, k, seen);
	else if (c->pcb)
		input_open(s, f, p, seen);
	else if (tcp_is_initial(seen))
		path_drop(s, p, DROP_TCP_NO_FLOW);	/* its bytes are still on their way; it asks again */
	else
		input_stray(s, p, k, seen);
}

void tcp_input_frame(struct stack *s, struct packet *p)
{
	struct flow_key k = { .src = p->src, .dst = p->dst, .proto = IPPROTO_TCP };
	struct tcp_seen seen;
	enum drop_reason why = tcp_check(p->l4, p->l4_len, p->l4_contig, &seen);
	struct flow *f;

	if (why != DROP_NONE) {
		path_drop(s, p, why);
		return;
	}
	k.sport = seen.sport;
	k.dport = seen.dport;
	f = flow_find(&s->flows, &k);
	if (f)
		input_flow(s, f, p, &k, &seen);
	else if (tcp_is_initial(&seen))
		input_new(s, p, &k, &seen);
	else
		input_stray(s, p, &k, &seen);
}
