/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_world: lwIP's lists, its listeners, its timers and its initial sequence numbers.
 *
 * Theory of operation. tcp_active_pcbs and tcp_tw_pcbs are public. world_enter() points the right one
 * at the one pcb at hand; world_leave() empties both, clears what lwIP leaves behind (below) and
 * notes whether the pcb needs the timer. Needing it: data or a FIN in flight or waiting, an
 * acknowledgement owed, a state that must not last, out-of-order data. An idle connection costs
 * nothing, however many there are.
 *
 * One LISTEN pcb per family: its local_port is set to the SYN's before tcp_input(), and the new pcb
 * copies it, so it listens on every port of every address.
 *
 * What lwIP 2.2.1 leaves behind: persist_backoff stays set when a zero-window probe carries the whole of
 * the last unsent segment and is acknowledged; the next slow tick then asserts (tcp.c:1253).
 */
#include "stack/ip/tcp_world.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "hooks.h"
#include "lib/clock.h"
#include "stack/ip/tcp_rx.h"
#include "stack/ip/tcp_tx.h"

enum {
	WORLD_UP_MS = 1000,		/* after its last byte a full host socket is only waited for */
	WORLD_TICKS_MAX = 8,		/* caught up with at once; a longer pause did not happen */
};

TAILQ_HEAD(timer_list, tcp_conn);

static struct {
	struct stack *s;
	struct tcp_pcb *listener[2];	/* IPv4, IPv6 */
	struct timer_list timers;
	struct tcp_conn *conn;
	unsigned int depth;
	bool all;			/* the timer runs */
	uint64_t tick_ns;		/* of the newest tcp_tmr() */
	enum drop_reason why;
} world;

/* ---- callbacks of lwIP that concern the pcb's life ------------------------------------------------- */

static void destroyed(u8_t id, void *arg)
{
	struct tcp_conn *c = arg;

	(void)id;
	if (c)
		c->pcb = NULL;
}

static const struct tcp_ext_arg_callbacks conn_callbacks = { .destroy = destroyed };

static err_t passive_open(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *cpcb)
{
	(void)lpcb;
	tcp_ext_arg_set(cpcb, id, world.conn);
	tcp_ext_arg_set_callbacks(cpcb, id, &conn_callbacks);
	tcp_conn_opened_cb(world.conn, cpcb);
	return ERR_OK;
}

static const struct tcp_ext_arg_callbacks listen_callbacks = { .passive_open = passive_open };

/* Once per process: lwIP counts these and never takes one back. */
static u8_t ext_id(void)
{
	static int id = -1;

	if (id < 0)
		id = tcp_ext_arg_alloc_id();
	return (u8_t)id;
}

static struct tcp_pcb *listen_new(u8_t type)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(type);
	struct tcp_pcb *lis;

	if (!pcb)
		return NULL;
	/* Any port will do for now. The v4 and v6 pcbs do not meet: their types differ. */
	if (tcp_bind(pcb, type == IPADDR_TYPE_V6 ? IP6_ADDR_ANY : IP4_ADDR_ANY, 1) != ERR_OK) {
		tcp_abort(pcb);
		return NULL;
	}
	lis = tcp_listen(pcb);
	if (!lis) {
		tcp_abort(pcb);
		return NULL;
	}
	/* Set here and not before tcp_listen(), which would call destroy for them (tcp.c:910). */
	tcp_ext_arg_set_callbacks(lis, ext_id(), &listen_callbacks);
	tcp_accept(lis, tcp_conn_accept_cb);
	return lis;
}

int world_init(struct stack *s)
{
	memset(&world, 0, sizeof(world));
	world.s = s;
	TAILQ_INIT(&world.timers);
	world.tick_ns = s->now;
	world.listener[0] = listen_new(IPADDR_TYPE_V4);
	world.listener[1] = listen_new(IPADDR_TYPE_V6);
	if (!world.listener[0] || !world.listener[1]) {
		world_done();
		return -ENOMEM;
	}
	return 0;
}

void world_done(void)
{
	for (int i = 0; i < 2; i++) {
		if (world.listener[i])
			tcp_close(world.listener[i]);
		world.listener[i] = NULL;
	}
	world.s = NULL;
}

struct stack *world_stack(void)
{
	return world.s;
}

struct tcp_conn *world_conn(void)
{
	return world.conn;
}

enum drop_reason world_why(void)
{
	return world.why;
}

/* RFC 6528 s. 3: M + F(connection, secret), M counting 4 microseconds. */
u32_t lwip_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
	       u16_t remote_port)
{
	struct {
		struct addr local, remote;
		uint16_t ports[2];
	} t;

	lwip_ip_to_addr(local_ip, &t.local);
	lwip_ip_to_addr(remote_ip, &t.remote);
	t.ports[0] = local_port;
	t.ports[1] = remote_port;
	return (u32_t)(hash_sip(world.s->secret, &t, sizeof(t)) + world.s->now / 4000);
}

/* ---- one pcb at a time ------------------------------------------------------------------------------ */

static bool needs_timer(const struct tcp_conn *c)
{
	const struct tcp_pcb *p = c->pcb;

	if (!p || p->state == TIME_WAIT)
		return false;
	if (p->unsent || p->unacked || p->ooseq || p->refused_data || c->want_ack)
		return true;
	if (p->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR))
		return true;
	if (c->up_len && world.s->now - c->flow->active_ns < WORLD_UP_MS * NS_PER_MS)
		return true;
	return p->state != ESTABLISHED && p->state != CLOSE_WAIT && p->state != FIN_WAIT_2;
}

static void note_timer(struct tcp_conn *c)
{
	bool need = needs_timer(c);

	if (need == c->in_timers)
		return;
	/* The first one starts the clock again. */
	if (need && TAILQ_EMPTY(&world.timers))
		world.tick_ns = world.s->now;
	if (need)
		TAILQ_INSERT_TAIL(&world.timers, c, timers);
	else
		TAILQ_REMOVE(&world.timers, c, timers);
	c->in_timers = need;
}

static void tidy(struct tcp_conn *c)
{
	if (c->pcb) {
		c->pcb->next = NULL;
		if (!c->pcb->unsent)
			c->pcb->persist_backoff = 0;
	}
	note_timer(c);
}

void world_enter(struct tcp_conn *c)
{
	assert(world.depth == 0 || world.all || world.conn == c);
	if (world.depth++)
		return;
	world.conn = c;
	assert(!tcp_active_pcbs && !tcp_tw_pcbs);
	if (!c->pcb)
		return;
	if (c->pcb->state == TIME_WAIT)
		tcp_tw_pcbs = c->pcb;
	else
		tcp_active_pcbs = c->pcb;
}

void world_leave(void)
{
	struct tcp_conn *c = world.conn;

	if (--world.depth)
		return;
	tcp_active_pcbs = NULL;
	tcp_tw_pcbs = NULL;
	world.conn = NULL;
	tidy(c);
}

static void set_ip_data(const struct flow_key *k)
{
	memset(&ip_data, 0, sizeof(ip_data));
	ip_data.current_netif = &lwip_netif;
	ip_data.current_input_netif = &lwip_netif;
	lwip_ip_from_addr(&ip_data.current_iphdr_src, &k->src);
	lwip_ip_from_addr(&ip_data.current_iphdr_dest, &k->dst);
}

void world_input(struct tcp_conn *c, struct pbuf *p)
{
	struct tcp_pcb *pcb = c->pcb;
	bool owed = pcb->flags & TF_ACK_DELAY;

	world_enter(c);
	set_ip_data(&c->flow->key);
	/* lwIP acknowledges every second segment on the spot; we do so per batch (tcp_batch_end()). */
	if (pcb->state != TIME_WAIT)
		tcp_clear_flags(pcb, TF_ACK_DELAY);
	c->sent = false;
	tcp_input(p, &lwip_netif);
	if (owed && !c->sent && c->pcb && c->pcb->state != TIME_WAIT)
		tcp_set_flags(c->pcb, TF_ACK_DELAY);
	world_leave();
}

void world_open(struct tcp_conn *c)
{
	const struct flow_key *k = &c->flow->key;
	struct tcp_pcb *lis = world.listener[addr_is_v4(&k->dst) ? 0 : 1];
	struct pbuf *p = rxbuf_header(c->held + c->held_ip, c->held_tcp);

	if (!p)
		return;
	world_enter(c);
	set_ip_data(k);
	lis->local_port = k->dport;
	lis->callback_arg = c;		/* the new pcb inherits it */
	tcp_input(p, &lwip_netif);
	world_leave();
}

void world_abort(struct tcp_conn *c)
{
	if (!c->pcb)
		return;
	world_enter(c);
	tcp_abort(c->pcb);		/* in TIME-WAIT this only frees */
	world_leave();
}

void world_output(struct tcp_conn *c)
{
	if (!c->pcb)
		return;
	world_enter(c);
	tcp_output(c->pcb);
	world_leave();
}

void world_reset(const struct flow_key *k, const struct tcp_seen *seen, enum drop_reason why)
{
	uint32_t len = seen->payload + (seen->flags & (TH_SYN | TH_FIN) ? 1 : 0);
	ip_addr_t local, remote;

	if (seen->flags & TH_RST)
		return;
	lwip_ip_from_addr(&local, &k->dst);
	lwip_ip_from_addr(&remote, &k->src);
	world.why = why;
	tcp_rst_netif(&lwip_netif, seen->flags & TH_ACK ? seen->ack : 0, seen->seq + len, &local,
		      &remote, k->dport, k->sport);
	world.why = DROP_NONE;
}

/* ---- time -------------------------------------------------------------------------------------------- */

static void tick_all(void)
{
	struct tcp_conn *c;

	world.all = true;
	world.depth = 1;
	TAILQ_FOREACH(c, &world.timers, timers) {
		if (!c->pcb)
			continue;
		c->pcb->next = tcp_active_pcbs;
		tcp_active_pcbs = c->pcb;
	}
	tcp_tmr();
	tcp_active_pcbs = NULL;
	world.depth = 0;
	world.all = false;
}

bool world_is_busy(void)
{
	return !TAILQ_EMPTY(&world.timers);
}

void world_tick(struct stack *s)
{
	uint64_t interval = TCP_TMR_INTERVAL * NS_PER_MS;
	struct tcp_conn *c, *next;
	int n = 0;

	/* A full port stops the clock as well: all that timers do is send. */
	if (tcp_tx_blocked() || !world_is_busy()) {
		world.tick_ns = s->now;
		return;
	}
	for (; s->now - world.tick_ns >= interval && n < WORLD_TICKS_MAX; n++) {
		tick_all();
		world.tick_ns += interval;
	}
	if (s->now - world.tick_ns >= interval)
		world.tick_ns = s->now;
	if (!n)
		return;
	for (c = TAILQ_FIRST(&world.timers); c; c = next) {
		next = TAILQ_NEXT(c, timers);
		tidy(c);
		tcp_conn_tick(s, c);
	}
}

void world_retry(struct stack *s)
{
	struct timer_list todo = TAILQ_HEAD_INITIALIZER(todo);
	struct tcp_conn *c;

	(void)s;
	/* In turns: who was served goes to the end of the list. */
	TAILQ_CONCAT(&todo, &world.timers, timers);
	while ((c = TAILQ_FIRST(&todo)) && !tcp_tx_blocked()) {
		TAILQ_REMOVE(&todo, c, timers);
		TAILQ_INSERT_TAIL(&world.timers, c, timers);
		if (!c->pcb)
			continue;
		if (c->want_ack && c->pcb->state != TIME_WAIT)
			tcp_set_flags(c->pcb, TF_ACK_NOW);
		c->want_ack = false;
		world_output(c);
	}
	TAILQ_CONCAT(&todo, &world.timers, timers);
	TAILQ_CONCAT(&world.timers, &todo, timers);
}
