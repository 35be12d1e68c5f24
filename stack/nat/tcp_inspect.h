/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_inspect: what the sandbox's stream must say before it may go on, and the end of one that says
 * something else. Theory of operation: tcp_inspect.c.
 */
#ifndef STACK_NAT_TCP_INSPECT_H
#define STACK_NAT_TCP_INSPECT_H

#include "stack/nat/tcp_conn.h"

enum {
	TCP_REFUSED_S = 5,		/* a refused connection is there to be told so, and no longer */
};

/* The flow is allowed: reads it as the verdict says. 0, or -errno: it must not be opened. */
int tcp_inspect_begin(struct tcp_conn *c, const struct proto_verdict_msg *v);
/* The flow is denied: accepts it here to say so. 0, or -errno: it is to be refused without words. */
int tcp_denied_begin(struct stack *s, struct tcp_conn *c, const struct proto_verdict_msg *v);
/* Forgets both. */
void tcp_inspect_done(struct tcp_conn *c);

/* ---- while c->inspect ----------------------------------------------------------------------------------- */

/* Reads what the sandbox sent, before it joins the queue. False: refused, and the queue is empty. */
bool tcp_inspect_up(struct tcp_conn *c, const struct pbuf *p);
/* Reads what the far side sent, before the sandbox gets it. False: refused. */
bool tcp_inspect_down(struct tcp_conn *c, const uint8_t *buf, size_t len);
/* Bytes of the queue, from its end, that may not be written yet. */
uint32_t tcp_inspect_held(const struct tcp_conn *c);
/* The queue has changed: the clock of what is held. */
void tcp_inspect_clock(struct tcp_conn *c);
/* c->deadline_ns is over. */
void tcp_inspect_expired(struct tcp_conn *c);

/* ---- the refusal ---------------------------------------------------------------------------------------- */

/* A denied client's words; they go nowhere. */
void tcp_denied_input(struct tcp_conn *c, const struct pbuf *p);
/* Before anything else at a settling: notices an end inside a message; lets go of the host socket. */
void tcp_refuse_settle(struct stack *s, struct tcp_conn *c);
/* Is the host socket of a refused connection still open? */
static inline bool tcp_refuse_is_due(const struct tcp_conn *c)
{
	return c->refused && c->flow->fd >= 0;
}
/* What the sandbox is told, 0..cap bytes, once; what was read is forgotten then. */
size_t tcp_refuse_words(struct tcp_conn *c, uint8_t *buf, size_t cap);

#endif
