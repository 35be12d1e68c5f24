/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_down: the host socket's bytes to the sandbox.
 *
 * Comes in: what readv() gives, straight into chunks. Goes out: tcp_write() by reference; a chunk is
 * given back when the sandbox has acknowledged all of it (and the port has sent it: stack/ip/tcp_tx.c
 * holds references of its own). Reading stops where lwIP's queue or the budget of chunks ends, and goes
 * on when acknowledgements come: back-pressure reaches the far side as its own window.
 *
 * A chunk is filled to a multiple of the wire's segment size, so that in bulk one chunk is one
 * super-frame of full segments. In bulk, that is when the last read brought a whole chunk, several are
 * read at once: each read makes the kernel acknowledge and so works off the far side's next burst, and
 * many small ones cost a third more than few large ones.
 */
#include <assert.h>
#include <errno.h>
#include <sys/uio.h>

#include "stack/inspect/inspect.h"
#include "stack/ip/tcp_world.h"
#include "stack/nat/tcp_inspect.h"

enum {
	DOWN_TAIL_MIN = 2048,		/* less room than this behind the last bytes is left unused */
	DOWN_HOT = 64,			/* 4 MB: chunks in use, from which on a flow is held to its share */
	DOWN_EACH = TCP_TURN_CHUNKS,	/* which still fills one large read */
};

/* The i-th oldest. */
static struct tcp_piece *piece_at(struct tcp_conn *c, unsigned int i)
{
	return &c->down[(c->down_head + i) % CHUNK_FLOW_MAX];
}

static struct tcp_piece *last_piece(struct tcp_conn *c)
{
	return piece_at(c, c->down_n - 1u);
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

/* The piece with the first byte that lwIP had no room for, and how many of its bytes wait. */
static const struct tcp_piece *first_unwritten(struct tcp_conn *c, uint32_t *ret_n)
{
	uint32_t n = c->down_unwritten;
	unsigned int i = c->down_n - 1u;

	for (; n > piece_at(c, i)->fill; i--)
		n -= piece_at(c, i)->fill;
	*ret_n = n;
	return piece_at(c, i);
}

static void write_rest(struct tcp_conn *c)
{
	while (c->down_unwritten) {
		uint32_t may = tcp_down_may(c), left;
		const struct tcp_piece *t = first_unwritten(c, &left);
		u16_t n = (u16_t)(left < may ? left : may);

		if (!n || tcp_write(c->pcb, chunk_mem(t->chunk) + t->fill - left, n, 0) != ERR_OK)
			break;
		c->down_unwritten -= n;
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

/* One more piece, empty; false when there is no room now. */
static bool push_piece(struct tcp_conn *c)
{
	int i;

	/* The sandbox is next door: many flows gain nothing by much that is on its way. */
	if (c->down_n >= DOWN_EACH && chunk_used() >= DOWN_HOT)
		return false;
	i = c->down_n < CHUNK_FLOW_MAX ? chunk_take(c->down_n) : -1;
	if (i < 0) {
		if (!c->down_n)
			tcp_conn_run(c, false);
		return false;
	}
	c->down_n++;
	*last_piece(c) = (struct tcp_piece){ .chunk = (uint16_t)i };
	return true;
}

/* What to read into: the room of the last piece, then of new ones. Returns their number. */
static int arm(struct tcp_conn *c, struct iovec *iov, size_t *ret_room)
{
	uint32_t most = chunk_fill_max(c), may = tcp_down_may(c);
	bool is_read = c->inspect && inspect_wants_down(c->inspect);	/* that wants one piece of memory */
	int max = c->down_bulk && !is_read ? TCP_TURN_CHUNKS : 1, n = 0;

	*ret_room = 0;
	if (c->down_n && most - last_piece(c)->fill >= DOWN_TAIL_MIN) {
		const struct tcp_piece *t = last_piece(c);

		iov[n++] = (struct iovec){ chunk_mem(t->chunk) + t->fill, most - t->fill };
		*ret_room = most - t->fill;
	}
	while (n < max && *ret_room < may && push_piece(c)) {
		iov[n++] = (struct iovec){ chunk_mem(last_piece(c)->chunk), most };
		*ret_room += most;
	}
	return n;
}

/* n bytes came into what arm() found: the pieces from the first-th on. Gives back those left empty. */
static void disarm(struct tcp_conn *c, unsigned int first, size_t n)
{
	uint32_t most = chunk_fill_max(c);

	for (unsigned int i = first; n; i++) {
		struct tcp_piece *t = piece_at(c, i);
		size_t part = most - t->fill < n ? most - t->fill : n;

		t->fill = (uint16_t)(t->fill + part);
		n -= part;
	}
	for (; c->down_n && last_piece(c)->fill == 0; c->down_n--)
		chunk_put(last_piece(c)->chunk);
}

/* One readv(). The number of chunks it went to, or 0 when there is no point in another one now. */
static int read_some(struct tcp_conn *c)
{
	unsigned int first = c->down_n;
	struct iovec iov[TCP_TURN_CHUNKS];
	size_t room;
	ssize_t n;
	int n_iov = arm(c, iov, &room);

	if (!n_iov)
		return 0;
	if (iov[0].iov_len < chunk_fill_max(c))
		first--;		/* begins in a piece that was there */
	do {
		n = readv(c->flow->fd, iov, n_iov);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		disarm(c, first, 0);
		c->readable = false;
		/* An error is reported once: behind one that a write has met comes 0, which is no end then. */
		if (n == 0 && !c->far_reset)
			c->far_fin = true;
		else if (n == 0 || errno != EAGAIN)
			c->far_broken = true;
		return 0;
	}
	c->down_bulk = (size_t)n >= chunk_fill_max(c);
	/* A short read has emptied the socket, unless its end came with it: then 0 has yet to be read. */
	if ((size_t)n < room && !c->rdhup)
		c->readable = false;
	if (c->inspect && !tcp_inspect_down(c, iov[0].iov_base, (size_t)n)) {
		disarm(c, first, 0);
		return 0;
	}
	disarm(c, first, (size_t)n);
	c->down_unwritten = (uint32_t)n;
	c->flow->active_ns = world_stack()->now;
	write_rest(c);
	return n_iov;
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
	t->fill = (uint16_t)n;
	c->down_unwritten = (uint32_t)n;
	write_rest(c);
}

static bool can_write(const struct tcp_conn *c)
{
	return c->established && c->pcb && !c->far_fin_told &&
	       (c->pcb->state == ESTABLISHED || c->pcb->state == CLOSE_WAIT);
}

void tcp_down_pump(struct tcp_conn *c)
{
	int chunks = 0;

	if (!can_write(c) || c->local)
		return;
	write_rest(c);
	if (c->refusal_due)
		say_refusal(c);
	while (c->readable && !c->far_fin && !c->far_broken && !c->down_unwritten && tcp_down_may(c)) {
		int n;

		if (chunks >= TCP_TURN_CHUNKS) {
			tcp_conn_run(c, true);
			break;
		}
		n = read_some(c);
		if (!n)
			break;
		chunks += n;
	}
	if (c->readable && !c->far_fin && (c->down_unwritten || !tcp_down_may(c)))
		world_stack()->counters.down_stalls++;
	if (c->far_fin && !c->down_unwritten && !c->refusal_due && !c->doom) {
		c->far_fin_told = true;
		tcp_shutdown(c->pcb, 0, 1);
	}
	tcp_output(c->pcb);
}
