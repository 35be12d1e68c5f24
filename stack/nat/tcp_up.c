/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_up: the sandbox's bytes to the host socket.
 *
 * Comes in: pbuf chains from lwIP's receive callback. Goes out: writev() straight from the frames they
 * lie in. The window follows what the host socket took and nothing else, so back-pressure is the
 * window. What it did not take is kept: a large leftover as it lies, while the port has frames to spare;
 * else copied into chunks, close together, so that its frame goes back. tcp_up_has_room() is asked
 * before lwIP accepts a segment: one that could not be kept is dropped in front of it, and the
 * sandbox's kernel sends it again.
 *
 * A full socket says EPOLLOUT when a third of its buffer is free (sk_stream_write_space()). On a long path
 * that is much of what could be on its way, so while bytes move it is tried at each tick as well.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "stack/ip/tcp_rx.h"
#include "stack/ip/tcp_world.h"
#include "stack/nat/tcp_inspect.h"

enum { UP_IOV_MAX = 64 };

static uint32_t frames_total;		/* the port's, when none is in use */

int tcp_up_init(struct stack *s)
{
	frames_total = s->port->ops->rx_free(s->port);
	return 0;
}

static bool may_pin(uint32_t len)
{
	struct port *port = world_stack()->port;

	return len >= TCP_PIN_MIN && port->ops->rx_free(port) > frames_total / 2;
}

bool tcp_up_has_room(const struct tcp_conn *c, uint32_t len)
{
	return chunk_may(c->up_chunks) || may_pin(len);
}

/* ---- the queue ---------------------------------------------------------------------------------- */

static void push(struct tcp_conn *c, struct rxbuf *r)
{
	r->next = NULL;
	if (c->up_tail)
		c->up_tail->next = r;
	else
		c->up_head = r;
	c->up_tail = r;
	c->up_len += rxbuf_pbuf(r)->tot_len;
	if (r->chunk >= 0)
		c->up_chunks++;
}

static void pop(struct tcp_conn *c)
{
	struct rxbuf *r = c->up_head;

	c->up_head = r->next;
	if (!c->up_head)
		c->up_tail = NULL;
	if (r->chunk >= 0)
		c->up_chunks--;
	pbuf_free(rxbuf_pbuf(r));
}

/* n bytes at the front are written. */
static void consume(struct tcp_conn *c, size_t n)
{
	c->up_len -= (uint32_t)n;
	c->up_off += (uint32_t)n;
	while (c->up_head && c->up_off >= rxbuf_pbuf(c->up_head)->tot_len) {
		c->up_off -= rxbuf_pbuf(c->up_head)->tot_len;
		pop(c);
	}
	assert(c->up_head || (!c->up_off && !c->up_len));
}

void tcp_up_clear(struct tcp_conn *c)
{
	while (c->up_head)
		pop(c);
	c->up_off = c->up_len = c->up_credit = 0;
}

/* Room behind the last chunk of the queue. */
static uint16_t tail_room(const struct tcp_conn *c)
{
	struct rxbuf *r = c->up_tail;
	struct pbuf *p;
	size_t end, room;

	if (!r || r->chunk < 0)
		return 0;
	p = rxbuf_pbuf(r);
	end = (size_t)((uint8_t *)p->payload + p->len - chunk_mem(r->chunk));
	room = CHUNK_SIZE - end;
	return (uint16_t)(room < UINT16_MAX - (size_t)p->len ? room : UINT16_MAX - (size_t)p->len);
}

/*
 * Copies p from off on to the end of the queue and frees p. False, and nothing done, when there is no
 * chunk. One new chunk at most: a pbuf holds less than a chunk.
 */
static bool copy_in(struct tcp_conn *c, struct pbuf *p, uint16_t off)
{
	uint16_t len = (uint16_t)(p->tot_len - off), room = tail_room(c);
	struct pbuf *tail;
	struct rxbuf *r;
	int i = -1;

	if (room > len)
		room = len;
	if (room < len) {
		i = chunk_take(c->up_chunks);
		r = i >= 0 ? rxbuf_chunk(i, chunk_mem(i), (uint16_t)(len - room)) : NULL;
		if (!r) {
			if (i >= 0)
				chunk_put(i);
			return false;
		}
	}
	if (room) {
		tail = rxbuf_pbuf(c->up_tail);
		pbuf_copy_partial(p, (uint8_t *)tail->payload + tail->len, room, off);
		tail->len = tail->tot_len = (uint16_t)(tail->len + room);
		c->up_len += room;
	}
	if (i >= 0) {
		pbuf_copy_partial(p, chunk_mem(i), (uint16_t)(len - room), (uint16_t)(off + room));
		push(c, r);
	}
	pbuf_free(p);
	return true;
}

static void keep(struct tcp_conn *c, struct pbuf *p)
{
	if (may_pin(p->tot_len) || !copy_in(c, p, 0))
		push(c, rxbuf_of(p));
}

/* The one chain in the queue was begun but not finished: its rest need not hold its frame. */
static void keep_rest(struct tcp_conn *c)
{
	struct rxbuf *r = c->up_head;
	struct pbuf *p = rxbuf_pbuf(r);
	uint32_t off = c->up_off, len = c->up_len;

	assert(r == c->up_tail && r->chunk < 0);
	if (may_pin(len))
		return;
	c->up_head = c->up_tail = NULL;
	c->up_off = c->up_len = 0;
	if (!copy_in(c, p, (uint16_t)off)) {
		c->up_head = c->up_tail = r;
		c->up_off = off;
		c->up_len = len;
	}
}

/* ---- the socket ----------------------------------------------------------------------------------- */

void tcp_up_recved(struct tcp_conn *c, uint32_t n)
{
	struct tcp_pcb *pcb = c->pcb;
	uint32_t open;

	if (!pcb || pcb->state == TIME_WAIT)
		return;
	open = pcb->rcv_ann_right_edge - pcb->rcv_nxt;
	while (n) {
		u16_t step = (u16_t)(n < UINT16_MAX ? n : UINT16_MAX);

		tcp_recved(pcb, step);
		n -= step;
	}
	/* lwIP sends a window update after 256 KB only (opt.h, TCP_WND_UPDATE_THRESHOLD): without
	 * window scaling, never. */
	if (pcb->rcv_ann_right_edge - pcb->rcv_nxt == open &&
	    pcb->rcv_ann_wnd >= open + TCP_WND_MAX(pcb) / 4)
		tcp_ack_now(pcb);
}

static int gather(const struct tcp_conn *c, struct iovec *iov)
{
	uint32_t skip = c->up_off;
	int n = 0;

	for (struct rxbuf *r = c->up_head; r; r = r->next) {
		for (struct pbuf *p = rxbuf_pbuf(r); p; p = p->next) {
			if (skip >= p->len) {
				skip -= p->len;
				continue;
			}
			if (n == UP_IOV_MAX)
				return n;
			iov[n++] = (struct iovec){ (uint8_t *)p->payload + skip, p->len - (size_t)skip };
			skip = 0;
		}
	}
	return n;
}

/*
 * The host socket takes nothing more. What it has received before may still be read (a server that
 * answers early and resets), so only this direction ends here; see tcp_conn_settle().
 */
static void socket_dead(struct tcp_conn *c)
{
	uint32_t n = c->up_len - c->up_credit;

	c->up_dead = true;
	c->readable = c->rdhup = true;
	tcp_up_clear(c);
	tcp_up_recved(c, n);
}

/* Only the first len bytes. */
static int clip(struct iovec *iov, int n, size_t len)
{
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len >= len) {
			iov[i].iov_len = len;
			return i + 1;
		}
		len -= iov[i].iov_len;
	}
	return n;
}

/* n bytes of the queue are gone: what the window has yet to be opened by. */
static uint32_t uncredited(struct tcp_conn *c, uint32_t n)
{
	uint32_t paid = c->up_credit > c->up_len ? c->up_credit - c->up_len : 0;

	c->up_credit -= paid;
	return n - paid;
}

static void write_queue(struct tcp_conn *c)
{
	struct flow *f = c->flow;

	while (c->up_len) {
		struct iovec iov[UP_IOV_MAX];
		int n_iov = gather(c, iov);
		ssize_t n;

		if (c->inspect) {
			uint32_t may = c->up_len - tcp_inspect_held(c);

			if (!may)
				return;
			n_iov = clip(iov, n_iov, may);
		}
		n = writev(f->fd, iov, n_iov);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			bool full = errno == EAGAIN;

			if (full)
				world_stack()->counters.up_stalls++;
			if (!full && errno != EPIPE)	/* that is how it ends behind a FIN */
				c->far_reset = true;
			/* Without the event that its room is, nothing would ever be written again. */
			if (!full || stack_watch_out(world_stack(), f) < 0)
				socket_dead(c);
			return;
		}
		f->up_bytes += (uint64_t)n;
		f->active_ns = world_stack()->now;
		consume(c, (size_t)n);
		tcp_up_recved(c, uncredited(c, (uint32_t)n));
	}
}

/* The same for bytes that are read first. */
static void input_inspected(struct tcp_conn *c, struct pbuf *p)
{
	bool alone = !c->up_len;
	uint32_t held;

	if (!tcp_inspect_up(c, p)) {
		tcp_up_recved(c, p->tot_len);
		pbuf_free(p);
		return;
	}
	if (alone)
		push(c, rxbuf_of(p));
	else
		keep(c, p);
	write_queue(c);
	if (alone && c->up_len)
		keep_rest(c);
	if (!c->inspect)
		return;
	tcp_inspect_clock(c);
	held = tcp_inspect_held(c);
	if (held > c->up_credit) {
		tcp_up_recved(c, held - c->up_credit);
		c->up_credit = held;
	}
}

void tcp_up_input(struct tcp_conn *c, struct pbuf *p)
{
	if (c->up_dead || c->flow->fd < 0 || c->refused) {
		if (c->denied)
			tcp_denied_input(c, p);
		tcp_up_recved(c, p->tot_len);
		pbuf_free(p);
		return;
	}
	if (c->inspect) {
		input_inspected(c, p);
		return;
	}
	if (c->up_len) {		/* EPOLLOUT will tell */
		keep(c, p);
		return;
	}
	push(c, rxbuf_of(p));
	write_queue(c);
	if (c->up_len)
		keep_rest(c);
}

void tcp_up_flush(struct tcp_conn *c)
{
	if (c->flow->fd < 0 || c->refused)
		return;
	write_queue(c);
	if (c->inspect)
		tcp_inspect_clock(c);
	if (c->near_fin && !c->near_fin_told && !c->up_len) {
		(void)shutdown(c->flow->fd, SHUT_WR);
		c->near_fin_told = true;
	}
}
