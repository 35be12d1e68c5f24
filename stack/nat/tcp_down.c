/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_down: the host socket's bytes to the sandbox.
 *
 * Comes in: what read() gives, straight into a chunk. Goes out: tcp_write() by reference; the chunk is
 * given back when the sandbox has acknowledged all of it (and the port has sent it: stack/ip/tcp_tx.c
 * holds references of its own). Reading stops where lwIP's queue or the budget of chunks ends, and goes
 * on when acknowledgements come: back-pressure reaches the far side as its own window.
 *
 * A chunk is filled to a multiple of the wire's segment size, so that in bulk one chunk is one
 * super-frame of full segments.
 */
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "stack/inspect/inspect.h"
#include "stack/ip/tcp_world.h"
#include "stack/nat/tcp_inspect.h"

enum {
	DOWN_TAIL_MIN = 2048,		/* less room than this behind the last bytes is left unused */
	DOWN_HOT = 32,			/* 2 MB: chunks in use that a processor's own cache may still hold */
	DOWN_EACH = 4,			/* of one flow, once there are so many */
};

static struct tcp_piece *last_piece(struct tcp_conn *c)
{
	return &c->down[(c->down_head + c->down_n - 1u) % CHUNK_FLOW_MAX];
}

void tcp_down_acked(struct tcp_conn *c, uint32_t n)
{
	c->down_acked += n;
	while (c->down_n && c->down_acked >= c->down[c->down_head].fill) {
		c->down_acked -= c->down[c->down_head].fill;
		chunk_put(c->down[c->down_head].chunk);
		c->down_head = (uint8_t)((c->down_head + 1) % CHUNK_FLOW_MAX);
		c->down_n--;
	}
}

void tcp_down_clear(struct tcp_conn *c)
{
	for (; c->down_n; c->down_n--) {
		chunk_put(c->down[c->down_head].chunk);
		c->down_head = (uint8_t)((c->down_head + 1) % CHUNK_FLOW_MAX);
	}
	c->down_acked = c->down_unwritten = 0;
}

/*
 * lwIP cuts segments of half the largest window it ever saw (tcp_out.c:420) and, while that is less than
 * one byte, of a full MSS; when the window grows from there its arithmetic wraps. So nothing is written
 * before a window of 2 bytes was seen; from then on the segment size only grows. Receivers with tiny
 * windows get a bounded number of tiny segments.
 */
uint32_t tcp_down_may(const struct tcp_conn *c)
{
	const struct tcp_pcb *pcb = c->pcb;
	uint32_t half = pcb->snd_wnd_max / 2;
	uint32_t mss = half < pcb->mss ? half : pcb->mss;
	uint32_t queued = TCP_SND_BUF - pcb->snd_buf;
	uint64_t most = (uint64_t)mss * TCP_WRITE_SEGS;

	if (most > TCP_SND_BUF)
		most = TCP_SND_BUF;
	if (pcb->snd_queuelen >= 4 * TCP_WRITE_SEGS)
		return 0;
	return queued < most ? (uint32_t)most - queued : 0;
}

/* The bytes that lwIP had no room for. */
static void write_rest(struct tcp_conn *c)
{
	while (c->down_unwritten) {
		const struct tcp_piece *t = last_piece(c);
		uint32_t may = tcp_down_may(c);
		u16_t n = (u16_t)(c->down_unwritten < may ? c->down_unwritten : may);
		const uint8_t *at = chunk_mem(t->chunk) + t->fill - c->down_unwritten;

		if (!n || tcp_write(c->pcb, at, n, 0) != ERR_OK)
			break;
		c->down_unwritten = (uint16_t)(c->down_unwritten - n);
	}
	/* Out of memory with nothing in flight: no acknowledgement will remind us. */
	if (c->down_unwritten && !c->pcb->unacked && !c->pcb->unsent && tcp_down_may(c))
		tcp_conn_run(c, false);
}

/* The most payload bytes of one chunk. */
static uint32_t chunk_fill_max(const struct tcp_conn *c)
{
	uint32_t mss = c->mss;

	return UINT16_MAX / mss * mss;
}

/* A piece to read into, its last one or a new one; NULL when there is no room now. */
static struct tcp_piece *piece_to_fill(struct tcp_conn *c)
{
	struct tcp_piece *t;
	int i;

	if (c->down_n && chunk_fill_max(c) - last_piece(c)->fill >= DOWN_TAIL_MIN)
		return last_piece(c);
	/* The sandbox is next door: many flows gain nothing by much that is on its way. */
	if (c->down_n >= DOWN_EACH && chunk_used() >= DOWN_HOT)
		return NULL;
	i = c->down_n < CHUNK_FLOW_MAX ? chunk_take(c->down_n) : -1;
	if (i < 0) {
		if (!c->down_n)
			tcp_conn_run(c, false);
		return NULL;
	}
	c->down_n++;
	t = last_piece(c);
	t->chunk = (uint16_t)i;
	t->fill = 0;
	return t;
}

static void drop_empty_piece(struct tcp_conn *c, const struct tcp_piece *t)
{
	if (t->fill == 0) {
		chunk_put(t->chunk);
		c->down_n--;
	}
}

/* One read(). False when there is no point in another one now. */
static bool read_some(struct tcp_conn *c)
{
	struct tcp_piece *t = piece_to_fill(c);
	size_t room;
	ssize_t n;

	if (!t)
		return false;
	room = chunk_fill_max(c) - t->fill;
	do {
		n = read(c->flow->fd, chunk_mem(t->chunk) + t->fill, room);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		drop_empty_piece(c, t);
		c->readable = false;
		/* An error is reported once: behind one that a write has met comes 0, which is no end then. */
		if (n == 0 && !c->far_reset)
			c->far_fin = true;
		else if (n == 0 || errno != EAGAIN)
			c->far_broken = true;
		return false;
	}
	/* A short read has emptied the socket, unless its end came with it: then 0 has yet to be read. */
	if ((size_t)n < room && !c->rdhup)
		c->readable = false;
	if (c->inspect && !tcp_inspect_down(c, chunk_mem(t->chunk) + t->fill, (size_t)n)) {
		drop_empty_piece(c, t);
		return false;
	}
	t->fill = (uint16_t)(t->fill + n);
	c->down_unwritten = (uint16_t)n;
	c->flow->active_ns = world_stack()->now;
	write_rest(c);
	return true;
}

/* The words of a refusal, behind everything; then there is no more to come. */
static void say_refusal(struct tcp_conn *c)
{
	int i = c->down_n < CHUNK_FLOW_MAX && !c->down_unwritten ? chunk_take(c->down_n) : -1;
	struct tcp_piece *t;
	size_t n;

	if (i < 0)
		return;			/* room comes with acknowledgements, or c->deadline_ns */
	n = tcp_refuse_words(c, chunk_mem(i), INSPECT_REFUSAL_MAX);
	c->far_fin = true;
	if (!n) {
		chunk_put(i);
		c->doom = c->refused;
		tcp_conn_run(c, false);
		return;
	}
	c->down_n++;
	t = last_piece(c);
	t->chunk = (uint16_t)i;
	t->fill = c->down_unwritten = (uint16_t)n;
	write_rest(c);
}

static bool can_write(const struct tcp_conn *c)
{
	return c->established && c->pcb && !c->far_fin_told &&
	       (c->pcb->state == ESTABLISHED || c->pcb->state == CLOSE_WAIT);
}

void tcp_down_pump(struct tcp_conn *c)
{
	int turns = 0;

	if (!can_write(c) || c->local)
		return;
	write_rest(c);
	if (c->refusal_due)
		say_refusal(c);
	while (c->readable && !c->far_fin && !c->far_broken && !c->down_unwritten && tcp_down_may(c)) {
		if (turns++ == TCP_TURN_CHUNKS) {
			tcp_conn_run(c, true);
			break;
		}
		if (!read_some(c))
			break;
	}
	if (c->far_fin && !c->down_unwritten && !c->refusal_due && !c->doom) {
		c->far_fin_told = true;
		tcp_shutdown(c->pcb, 0, 1);
	}
	tcp_output(c->pcb);
}
