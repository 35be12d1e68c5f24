/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_conn: the life of a connection between the verdict and its end, both directions' sum.
 *
 * Comes in: lwIP's callbacks, events of the host socket, time. Goes out: orders to tcp_up.c and
 * tcp_down.c, FIN and RST to the side that must hear of them, the flow's end.
 *
 * Theory of operation. lwIP's callbacks only mark; nothing is aborted, closed or freed while lwIP is on
 * the stack. tcp_conn_settle() follows every call into lwIP and does what was marked:
 *
 *	sandbox FIN	all its bytes to the host socket, then shutdown(SHUT_WR)
 *	host EOF	all its bytes to lwIP, then its FIN (never tcp_close(): that resets, tcp.c:352)
 *	both		lwIP frees the pcb (LAST-ACK), or it enters TIME-WAIT; the host socket is
 *			closed once it took everything
 *	sandbox RST	SO_LINGER 0 and close: the far side sees a RST
 *	host error	what was received is delivered first, then the sandbox gets a RST
 *	refused		by what was read of it, or denied from the start: tcp_inspect.c
 *
 * TIME-WAIT lasts a second: the link is memory, nothing old is under way (TCP_MSL must stay long, as
 * lwIP ends LAST-ACK by it too, and silently). A SYN ends it at once, and so does want of room.
 *
 * Acknowledgements go out once per batch and flow: for bulk, and for connections that are not in a
 * request-response rhythm. In that rhythm they wait up to 25 ms for the response to carry them; a
 * wait in vain (the sandbox's Nagle algorithm waits for us) turns that off for a while.
 */
#include "stack/nat/tcp_conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "stack/ip/tcp_rx.h"
#include "stack/ip/tcp_tx.h"
#include "stack/ip/tcp_world.h"
#include "stack/nat/tcp_inspect.h"

enum {
	GSO_SEGS = 44,			/* of 1,460 bytes: the largest whole super-frame */
	UNSCALED_MAX = 32767,		/* half of what a window without scaling can be */
	PINGPONG_MS = 25,		/* an answer within lwIP's delay of acknowledgements */
	QUICK_AFTER_STALL = 64,		/* segments */
	SPARE_SLOTS = 512,		/* kept free of TIME-WAIT for the SYNs of one batch */
};

TAILQ_HEAD(conn_list, tcp_conn);

static struct tcp_conn *conns;
static struct conn_list run_list, wait_list;
static struct tcp_conn *ack_head;
static uint32_t run_n;
static bool run_soon;

int tcp_conn_init(struct stack *s)
{
	conns = calloc(s->flows.cap, sizeof(*conns));
	if (!conns)
		return -ENOMEM;
	TAILQ_INIT(&run_list);
	TAILQ_INIT(&wait_list);
	ack_head = NULL;
	run_n = 0;
	return tcp_up_init(s);
}

void tcp_conn_done(void)
{
	free(conns);
	conns = NULL;
}

void tcp_conn_release(struct stack *s)
{
	for (uint32_t i = 0; conns && i < s->flows.peak; i++) {
		struct tcp_conn *c = &conns[i];

		if (!c->flow || c->flow->tcp != c)
			continue;
		world_abort(c);
		tcp_up_clear(c);
		tcp_down_clear(c);
		tcp_inspect_done(c);
	}
}

struct tcp_conn *tcp_conn_new(struct flow *f)
{
	struct tcp_conn *c = &conns[f->index];

	memset(c, 0, sizeof(*c));
	c->flow = f;
	f->tcp = c;
	return c;
}

void tcp_conn_run(struct tcp_conn *c, bool soon)
{
	run_soon |= soon;
	if (c->in_run)
		return;
	c->in_run = true;
	TAILQ_INSERT_TAIL(&run_list, c, run);
	run_n++;
}

static void unrun(struct tcp_conn *c)
{
	if (!c->in_run)
		return;
	c->in_run = false;
	TAILQ_REMOVE(&run_list, c, run);
	run_n--;
}

/* ---- callbacks of lwIP ------------------------------------------------------------------------------ */

static void local_input(struct stack *s, struct tcp_conn *c, struct pbuf *p)
{
	uint32_t len = p->tot_len;

	for (struct pbuf *q = p; q && !c->doom; q = q->next) {
		if (q->len && !dns_tcp_input(s, c->flow, q->payload, q->len))
			c->doom = DROP_DNS_BAD;
	}
	c->flow->up_bytes += len;
	pbuf_free(p);
	tcp_up_recved(c, len);
}

static err_t recv_cb(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct tcp_conn *c = arg;
	struct stack *s = world_stack();

	(void)pcb;
	(void)err;
	if (!p) {
		c->near_fin = true;
		return ERR_OK;
	}
	c->rx_bytes += p->tot_len;
	c->rx_segs++;
	c->rx_ns = s->now;
	if (c->local)
		local_input(s, c, p);
	else
		tcp_up_input(c, p);
	return ERR_OK;
}

static err_t sent_cb(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct tcp_conn *c = arg;

	(void)pcb;
	c->flow->down_bytes += len;
	if (!c->local)
		tcp_down_acked(c, len);
	return ERR_OK;
}

/* The pcb is freed, or will be in a moment. */
static void err_cb(void *arg, err_t err)
{
	struct tcp_conn *c = arg;

	switch (err) {
	case ERR_CLSD:
		c->gone = DROP_END_CLOSED;
		break;
	case ERR_RST:
		c->gone = DROP_END_RESET_SANDBOX;
		break;
	default:
		c->gone = DROP_END_IDLE;	/* the sandbox does not answer */
		break;
	}
}

/* What one packet on the link can carry to this peer. */
static uint16_t wire_mss(const struct stack *s, const struct tcp_conn *c, uint16_t offered)
{
	uint32_t link = s->port->mtu - (addr_is_v4(&c->flow->key.dst) ? 40 : 60);

	return (uint16_t)(offered < link ? offered : link);
}

/* What lwIP may put into one segment: full packets that the port has the kernel cut up. */
static uint16_t segment_mss(const struct stack *s, const struct tcp_conn *c)
{
	uint32_t most = 65535 - (addr_is_v4(&c->flow->key.dst) ? 40 : 60);
	uint32_t n;

	if (!s->port->gso)
		return c->mss;
	/* lwIP opens the window in steps of an MSS: without scaling, leave it two. */
	if (!(c->pcb->flags & TF_WND_SCALE))
		most = UNSCALED_MAX;
	n = most / c->mss;
	n = n < 1 ? 1 : n > GSO_SEGS ? GSO_SEGS : n;
	return (uint16_t)(n * c->mss);
}

void tcp_conn_opened_cb(struct tcp_conn *c, struct tcp_pcb *pcb)
{
	c->pcb = pcb;
	c->mss = wire_mss(world_stack(), c, pcb->mss);
	tcp_arg(pcb, c);
	tcp_recv(pcb, recv_cb);
	tcp_sent(pcb, sent_cb);
	tcp_err(pcb, err_cb);
	tcp_nagle_disable(pcb);		/* the far side's TCP has done that already */
}

err_t tcp_conn_accept_cb(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct tcp_conn *c = arg;

	if (!pcb || err != ERR_OK)
		return ERR_VAL;		/* out of memory: tcp.c sees that there is no pcb */
	c->established = true;
	pcb->mss = segment_mss(world_stack(), c);
	if (c->local)
		dns_tcp_open(world_stack(), c->flow);
	return ERR_OK;
}

/* ---- acknowledgements ------------------------------------------------------------------------------- */

void tcp_conn_sent(struct tcp_conn *c, size_t payload, bool by_timer)
{
	c->sent = true;
	c->want_ack = false;
	c->flow->down_pkts++;
	if (payload && world_stack()->now - c->rx_ns < PINGPONG_MS * NS_PER_MS)
		c->pingpong = true;
	if (!payload && by_timer && c->rx_segs) {
		c->pingpong = false;
		c->quick = QUICK_AFTER_STALL;
	}
	c->rx_bytes = 0;
	c->rx_segs = 0;
}

static void plan_ack(struct tcp_conn *c)
{
	if (c->in_ack || !c->pcb || !(c->pcb->flags & TF_ACK_DELAY))
		return;
	if (c->pingpong && !c->quick && c->rx_segs < 2 && c->rx_bytes <= TCP_DELACK_BYTES)
		return;
	if (c->quick)
		c->quick--;
	c->in_ack = true;
	c->ack_next = ack_head;
	ack_head = c;
}

static void send_acks(void)
{
	while (ack_head) {
		struct tcp_conn *c = ack_head;

		ack_head = c->ack_next;
		c->in_ack = false;
		if (!c->pcb || c->pcb->state == TIME_WAIT || !(c->pcb->flags & TF_ACK_DELAY))
			continue;
		tcp_set_flags(c->pcb, TF_ACK_NOW);
		world_output(c);
	}
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

static enum drop_reason end_reason(const struct tcp_conn *c, enum drop_reason reason)
{
	return c->refused ? (enum drop_reason)c->refused : reason;
}

void tcp_conn_end(struct stack *s, struct tcp_conn *c, enum drop_reason reason)
{
	assert(!c->pcb && !c->in_timers);
	tcp_up_clear(c);
	tcp_down_clear(c);
	tcp_inspect_done(c);
	unrun(c);
	if (c->in_wait)
		TAILQ_REMOVE(&wait_list, c, wait);
	c->in_wait = false;
	if (c->local && c->established)
		dns_tcp_closed(s, c->flow);
	flow_end(s, c->flow, end_reason(c, reason));
}

void tcp_conn_abort(struct stack *s, struct tcp_conn *c, enum drop_reason reason)
{
	static const struct linger now = { .l_onoff = 1 };

	if (c->flow->fd >= 0)
		(void)setsockopt(c->flow->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	world_abort(c);
	tcp_conn_end(s, c, reason);
}

/* Nothing is left to hand to the host socket, or nobody to take it. */
static bool up_is_through(const struct tcp_conn *c)
{
	return c->flow->fd < 0 || !c->up_len;
}

/* lwIP is done with it. */
static void settle_gone(struct stack *s, struct tcp_conn *c)
{
	enum drop_reason why = c->gone ? (enum drop_reason)c->gone : DROP_NO_MEMORY;

	if (why != DROP_END_CLOSED)
		tcp_conn_abort(s, c, why);
	else if (up_is_through(c))
		tcp_conn_end(s, c, c->up_dead ? DROP_END_RESET_FAR : why);
}

static void settle_time_wait(struct stack *s, struct tcp_conn *c)
{
	if (!c->in_wait) {
		c->in_wait = true;
		c->tw_until_ns = s->now + TCP_TIME_WAIT_MS * NS_PER_MS;
		TAILQ_INSERT_TAIL(&wait_list, c, wait);
		tcp_down_clear(c);
	}
	if (up_is_through(c) && c->flow->state == FLOW_OPEN) {
		stack_unwatch(s, c->flow);
		flow_set_state(&s->flows, c->flow, FLOW_CLOSING);
		/* Egress closes its own descriptor of the socket, and only then does the far side see the end. */
		ask_end(s, c->flow, end_reason(c, DROP_END_CLOSED));
	}
}

/* Its time is over, or its place is needed. */
static void wait_end(struct stack *s, struct tcp_conn *c)
{
	TAILQ_REMOVE(&wait_list, c, wait);
	c->in_wait = false;
	world_abort(c);
	c->gone = DROP_END_CLOSED;
	settle_gone(s, c);
}

static void time_wait_tick(struct stack *s)
{
	uint32_t spare = s->flows.cap / 4 < SPARE_SLOTS ? s->flows.cap / 4 : SPARE_SLOTS;
	uint32_t left = s->flows.cap - s->flows.used;
	struct tcp_conn *c;

	while ((c = TAILQ_FIRST(&wait_list)) && (c->tw_until_ns <= s->now || left < spare)) {
		left++;
		wait_end(s, c);
	}
}

bool tcp_conn_recycle(struct stack *s, struct tcp_conn *c)
{
	if (c->flow->state != FLOW_CLOSING || !c->in_wait)
		return false;
	wait_end(s, c);
	return true;
}

/* ---- the sum -------------------------------------------------------------------------------------------- */

static uint64_t limit_s(const struct tcp_conn *c)
{
	if (!c->established)
		return TCP_OPENING_S;
	if (c->local)
		return TCP_LOCAL_S;
	if (c->far_broken || c->up_dead)
		return TCP_DRAIN_S;
	return c->near_fin || c->far_fin ? TCP_HALF_S : TCP_IDLE_S;
}

/* The host side is dead, and everything that it sent has arrived. */
static bool far_is_over(const struct tcp_conn *c)
{
	bool dead = c->far_broken || (c->up_dead && c->far_fin);

	return dead && !c->down_n && !c->down_unwritten;
}

static void settle_local(struct tcp_conn *c)
{
	if (c->near_fin && !c->far_fin_told && !dns_tcp_busy(c->flow)) {
		c->far_fin = c->far_fin_told = true;
		world_enter(c);
		tcp_shutdown(c->pcb, 0, 1);
		world_leave();
	}
}

static void settle_live(struct stack *s, struct tcp_conn *c)
{
	if (c->local) {
		settle_local(c);
	} else {
		world_enter(c);
		if (c->near_fin)
			tcp_up_flush(c);
		tcp_down_pump(c);
		if (tcp_refuse_is_due(c)) {	/* by what the far side said */
			tcp_refuse_settle(s, c);
			tcp_down_pump(c);
		}
		world_leave();
	}
	if (c->pcb && far_is_over(c))
		tcp_conn_abort(s, c, DROP_END_RESET_FAR);
	else
		plan_ack(c);
}

void tcp_conn_settle(struct stack *s, struct tcp_conn *c)
{
	struct flow *f = c->flow;

	if (f->state != FLOW_OPEN)
		return;
	if (c->doom) {
		tcp_conn_abort(s, c, (enum drop_reason)c->doom);
		return;
	}
	tcp_refuse_settle(s, c);
	if (c->pcb && c->pcb->state != TIME_WAIT)
		settle_live(s, c);
	if (f->state != FLOW_OPEN)
		return;
	f->expires_ns = c->deadline_ns ? c->deadline_ns : f->active_ns + limit_s(c) * NS_PER_S;
	if (!c->pcb)
		settle_gone(s, c);
	else if (c->pcb->state == TIME_WAIT)
		settle_time_wait(s, c);
}

static void write_up(struct tcp_conn *c)
{
	world_enter(c);
	tcp_up_flush(c);
	if (c->pcb && c->pcb->state != TIME_WAIT && c->pcb->flags & TF_ACK_NOW)
		tcp_output(c->pcb);
	world_leave();
}

void tcp_conn_tick(struct stack *s, struct tcp_conn *c)
{
	if (c->up_len)
		write_up(c);
	tcp_conn_settle(s, c);
}

void tcp_event(struct stack *s, struct flow *f, uint32_t epoll_events)
{
	struct tcp_conn *c = f->tcp;

	if (f->fd < 0)
		return;			/* an event of this batch, older than the refusal */
	if (epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if (epoll_events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->rdhup = true;
	if (epoll_events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		write_up(c);
	tcp_conn_settle(s, c);
}

void tcp_expired(struct stack *s, struct flow *f)
{
	struct tcp_conn *c = f->tcp;

	if (f->state == FLOW_ASKED) {
		tcp_ask_expired(s, f);
	} else if (c->inspect && !c->refused && c->deadline_ns) {
		tcp_inspect_expired(c);
		tcp_conn_settle(s, c);
	} else {
		tcp_conn_abort(s, c, c->far_broken || c->up_dead ? DROP_END_RESET_FAR : DROP_END_IDLE);
	}
}

void tcp_cut(struct stack *s, struct flow *f, enum drop_reason reason)
{
	tcp_conn_abort(s, f->tcp, reason);
}

bool tcp_batch_end(struct stack *s)
{
	send_acks();
	run_soon = false;
	/* Who puts itself there again comes to the end, and has its next turn in the next batch. */
	for (uint32_t n = run_n; n > 0; n--) {
		struct tcp_conn *c = TAILQ_FIRST(&run_list);

		unrun(c);
		tcp_conn_settle(s, c);
	}
	time_wait_tick(s);
	return run_soon;
}

void tcp_tick(struct stack *s)
{
	world_tick(s);
	time_wait_tick(s);
	chunk_trim();
}

bool tcp_busy(void)
{
	return world_is_busy();
}

bool tcp_port_blocked(void)
{
	return tcp_tx_blocked();
}

void tcp_port_writable(struct stack *s)
{
	tcp_tx_retry();
	world_retry(s);
}

int tcp_local_send(struct stack *s, struct flow *f, const void *buf, size_t len)
{
	struct tcp_conn *c = f->tcp;
	err_t err;

	(void)s;
	if (!c->pcb || !c->established || c->far_fin_told || len > UINT16_MAX || len > c->pcb->snd_buf ||
	    len > tcp_down_may(c))
		return -ENOBUFS;
	world_enter(c);
	err = tcp_write(c->pcb, buf, (u16_t)len, TCP_WRITE_FLAG_COPY);
	if (err == ERR_OK)
		tcp_output(c->pcb);
	world_leave();
	tcp_conn_run(c, false);		/* it may have been the last answer that was waited for */
	return err == ERR_OK ? 0 : -ENOBUFS;
}
