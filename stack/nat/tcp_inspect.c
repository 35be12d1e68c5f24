/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_inspect: holds the sandbox's bytes until stack/inspect has cleared them, and ends what it refuses.
 *
 * Comes in: pbuf chains on their way to the queue of tcp_up.c, the far side's bytes before tcp_down.c
 * hands them on, time. Goes out: how much of the queue may be written, reports to egress, the words
 * of a refusal.
 *
 * Theory of operation. The queue starts at byte f->up_bytes of the sandbox's stream, so what may be written
 * is inspect_cleared() less that. What is held has been acknowledged, and the window opened by it: a
 * hello of 64 KB comes through a window without scaling. INSPECT_HELD_MAX bounds it, here as well as in
 * the readers. The clock runs from the first byte that is held (c->held_at); a client that says nothing
 * has all the time, and nothing of the far side waits for it.
 *
 * An end inside a message, and a reader that refuses, only mark (c->refused, c->refusal_due), as lwIP may be
 * on the stack; tcp_conn_settle() comes here before anything else. From then on:
 *
 *	up	what was held is dropped, what comes is swallowed; the host socket is reset, so the far side
 *		never takes what it has got for the whole of something
 *	down	behind what is queued: the refusal, a FIN
 *	end	the sandbox closes, or after TCP_REFUSED_S gets a RST; the flow's reason is the refusal's
 *
 * A denied flow whose client can be told so starts in that state: no host socket, and the words are due
 * when denied.c has seen what it speaks.
 */
#include "stack/nat/tcp_inspect.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "stack/inspect/denied.h"
#include "stack/inspect/inspect.h"
#include "stack/ip/tcp_world.h"

int tcp_inspect_begin(struct tcp_conn *c, const struct proto_verdict_msg *v)
{
	const struct inspect_spec spec = {
		.kind = (enum proto_inspect)v->inspect,
		.name = v->name,
		.port = c->flow->key.dport,
		.note = v->note,
	};

	switch (spec.kind) {
	case PROTO_INSPECT_NONE:
		return 0;
	case PROTO_INSPECT_TLS:
	case PROTO_INSPECT_TLS_OPAQUE:
	case PROTO_INSPECT_TLS_IF:
	case PROTO_INSPECT_HTTP:
		c->inspect = inspect_new(&spec);
		return c->inspect ? 0 : -ENOMEM;
	case PROTO_INSPECT_QUIC:
	case PROTO_INSPECT_QUIC_OPAQUE:
		break;
	}
	return -EBADMSG;		/* nothing on TCP can be that */
}

int tcp_denied_begin(struct stack *s, struct tcp_conn *c, const struct proto_verdict_msg *v)
{
	const struct denied_spec spec = {
		.reason = (enum drop_reason)v->reason,
		.name = v->name,
		.note = v->note,
		.port = c->flow->key.dport,
	};

	c->denied = denied_new(&spec);
	if (!c->denied)
		return -ENOMEM;
	c->refused = v->reason;
	c->deadline_ns = s->now + TCP_REFUSED_S * NS_PER_S;
	return 0;
}

void tcp_inspect_done(struct tcp_conn *c)
{
	inspect_free(c->inspect);
	c->inspect = NULL;
	denied_free(c->denied);
	c->denied = NULL;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

uint32_t tcp_inspect_held(const struct tcp_conn *c)
{
	uint64_t end = c->flow->up_bytes + c->up_len;
	uint64_t cleared = inspect_cleared(c->inspect);

	return cleared < end ? (uint32_t)(end - cleared) : 0;
}

void tcp_inspect_clock(struct tcp_conn *c)
{
	uint64_t cleared = inspect_cleared(c->inspect);

	if (!tcp_inspect_held(c)) {
		c->deadline_ns = 0;
	} else if (!c->deadline_ns || c->held_at != cleared) {
		c->held_at = cleared;
		c->deadline_ns = world_stack()->now + INSPECT_FIRST_S * NS_PER_S;
	}
}

/* From here on nothing goes out. */
static void refuse(struct tcp_conn *c)
{
	uint32_t n = c->up_len - c->up_credit;

	c->refused = (uint16_t)inspect_reason(c->inspect);
	c->refusal_due = true;
	tcp_up_clear(c);
	tcp_up_recved(c, n);
}

/* Something was read: tells egress, and draws the conclusion. False: refused. */
static bool conclude(struct tcp_conn *c, enum inspect_state state)
{
	struct proto_inspected m;

	PROTO_INIT(&m, PROTO_INSPECTED);
	while (inspect_report(c->inspect, &m)) {
		ask_inspected(world_stack(), c->flow, &m);
		PROTO_INIT(&m, PROTO_INSPECTED);
	}
	if (state == INSPECT_REFUSE) {
		refuse(c);
		return false;
	}
	if (state == INSPECT_PASS) {
		tcp_inspect_done(c);
		c->deadline_ns = 0;
	}
	return true;
}

bool tcp_inspect_up(struct tcp_conn *c, const struct pbuf *p)
{
	uint64_t end = c->flow->up_bytes + c->up_len + p->tot_len;
	enum inspect_state state;

	for (const struct pbuf *q = p; q && c->inspect; q = q->next) {
		if (!q->len)
			continue;
		state = inspect_up(c->inspect, q->payload, q->len);
		if (!conclude(c, state))
			return false;
	}
	/* The readers' own bound; were one to forget it, this is the end of it. */
	if (c->inspect && end - inspect_cleared(c->inspect) > INSPECT_HELD_MAX &&
	    inspect_cleared(c->inspect) < end) {
		inspect_give_up(c->inspect, DROP_NONE);
		return conclude(c, INSPECT_REFUSE);
	}
	return true;
}

bool tcp_inspect_down(struct tcp_conn *c, const uint8_t *buf, size_t len)
{
	if (!inspect_wants_down(c->inspect))
		return true;
	if (!conclude(c, inspect_down(c->inspect, buf, len)))
		return false;
	tcp_up_flush(c);		/* what it has released */
	return true;
}

void tcp_inspect_expired(struct tcp_conn *c)
{
	inspect_give_up(c->inspect, DROP_INSPECT_TIMEOUT);
	conclude(c, INSPECT_REFUSE);
}

void tcp_denied_input(struct tcp_conn *c, const struct pbuf *p)
{
	for (const struct pbuf *q = p; q && c->denied && !c->refusal_due; q = q->next)
		c->refusal_due = denied_input(c->denied, q->payload, q->len);
}

/* ---- refusing -------------------------------------------------------------------------------------------- */

/* The sandbox has finished, and what it said last is not the whole of anything. */
static bool is_cut_short(const struct tcp_conn *c)
{
	if (!c->inspect || c->refused || !c->near_fin || !tcp_inspect_held(c))
		return false;
	/* Held until the far side has answered: that may still come. */
	return !inspect_wants_down(c->inspect) || c->far_fin || c->up_dead;
}

static void reset_host(struct stack *s, struct tcp_conn *c)
{
	static const struct linger now = { .l_onoff = 1 };

	(void)setsockopt(c->flow->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	stack_unwatch(s, c->flow);
	c->readable = c->rdhup = c->far_broken = c->far_reset = c->up_dead = false;
	c->deadline_ns = s->now + TCP_REFUSED_S * NS_PER_S;
}

void tcp_refuse_settle(struct stack *s, struct tcp_conn *c)
{
	if (is_cut_short(c)) {
		inspect_give_up(c->inspect, DROP_NONE);
		conclude(c, INSPECT_REFUSE);
	}
	if (tcp_refuse_is_due(c))
		reset_host(s, c);
	/* It leaves without having said what it speaks. */
	if (c->denied && c->near_fin)
		c->refusal_due = true;
}

size_t tcp_refuse_words(struct tcp_conn *c, uint8_t *buf, size_t cap)
{
	size_t n = c->denied ? denied_refusal(c->denied, buf, cap) : inspect_refusal(c->inspect, buf, cap);

	tcp_inspect_done(c);
	c->refusal_due = false;
	return n;
}
