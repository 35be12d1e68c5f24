/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: a port without a kernel, for path tests, fuzzing and replay.
 *
 * Behaves like the strictest of the real ones: a sent frame is only read when it is flushed (so memory
 * given back too early shows), popping flushes first, and with cfg->xdp_multibuf a pushed frame comes
 * in segments of a UMEM frame each, with a gap that must not be read between them. Its descriptors are
 * eventfds that are readable and writable exactly when the port is.
 */
#include "stack/port/port.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "stack/port/pool.h"

enum {
	MEM_SLOTS = 256,
	MEM_SEG_GAP = 64,
	MEM_SEG_ROOM = 258,	/* what AF_XDP keeps free in each UMEM frame, as port/xdp.c lays it out */
};

struct mem_sent {
	struct mem_sent *next;
	struct tx_frame meta;	/* iov, done and arg valid until flushed */
	struct iovec iov[PORT_TX_IOV_MAX];
	uint8_t *copy;		/* meta.len bytes, once flushed */
};

struct port_mem {
	struct port port;
	struct pool pool;
	uint32_t queue[MEM_SLOTS];	/* pushed frames, a ring of slots */
	uint32_t head, n_queued;
	uint32_t seg_size;		/* 0: one segment */
	struct mem_sent *sent, **sent_tail;
	uint32_t room;
	int rx_fd, tx_fd;
	struct port_stats stats;
};

static struct port_mem *mem_of(struct port *p)
{
	return (struct port_mem *)p;
}

static void event_set(int fd, uint64_t value)
{
	uint64_t old;

	(void)!read(fd, &old, sizeof(old));
	if (value)
		(void)!write(fd, &value, sizeof(value));
}

/* Counter at its maximum: not writable, so no EPOLLOUT. */
static void show_room(struct port_mem *m)
{
	event_set(m->tx_fd, m->room ? 0 : UINT64_MAX - 1);
}

static void split(struct port_mem *m, struct frame *f)
{
	uint8_t *mem = f->seg[0].iov_base;
	uint32_t left = f->len, n = (f->len + m->seg_size - 1) / m->seg_size;

	pool_unpoison(mem, POOL_STRIDE - POOL_ALIGN);
	/* From the last segment down: each moves up by its number of gaps. */
	for (uint32_t i = n; i-- > 0;) {
		uint32_t at = i * m->seg_size, len = left - at;

		memmove(mem + at + i * MEM_SEG_GAP, mem + at, len);
		f->seg[i] = (struct iovec){ mem + at + i * MEM_SEG_GAP, len };
		left = at;
	}
	f->n_segs = (uint8_t)n;
	for (uint32_t i = 0; i < n; i++)
		pool_poison((uint8_t *)f->seg[i].iov_base + f->seg[i].iov_len, MEM_SEG_GAP);
}

static int mem_rx(struct port *p, struct frame **ret_frames, int max)
{
	struct port_mem *m = mem_of(p);
	int n = 0;

	while (n < max && m->n_queued > 0) {
		struct frame *f = &m->pool.frames[m->queue[m->head]];

		m->head = (m->head + 1) % MEM_SLOTS;
		m->n_queued--;
		m->stats.rx_frames++;
		m->stats.rx_bytes += f->len;
		ret_frames[n++] = f;
	}
	if (m->n_queued == 0)
		event_set(m->rx_fd, 0);
	return n;
}

static void mem_frame_put(struct port *p, struct frame *f)
{
	pool_give(&mem_of(p)->pool, f->cookie);
}

static int mem_flush(struct port *p)
{
	struct port_mem *m = mem_of(p);

	for (struct mem_sent *s = m->sent; s; s = s->next) {
		uint32_t at = 0;

		if (s->copy)
			continue;
		s->copy = malloc(s->meta.len);
		assert(s->copy);
		for (int i = 0; i < s->meta.n_iov; i++) {
			memcpy(s->copy + at, s->iov[i].iov_base, s->iov[i].iov_len);
			at += (uint32_t)s->iov[i].iov_len;
		}
		if (s->meta.done)
			s->meta.done(s->meta.arg);
		s->meta.iov = NULL;
		s->meta.done = NULL;
		s->meta.arg = NULL;
	}
	return 0;
}

static int mem_tx(struct port *p, const struct tx_frame *f)
{
	struct port_mem *m = mem_of(p);
	struct mem_sent *s;
	size_t sum = 0;

	if (m->room == 0) {
		m->stats.tx_again++;
		return -EAGAIN;
	}
	assert(f->n_iov >= 1 && f->n_iov <= PORT_TX_IOV_MAX && f->len <= FRAME_LEN_MAX);
	assert(f->len <= (f->gso == FRAME_GSO_NONE ? p->mtu + 14 : FRAME_GSO_LEN_MAX));
	for (int i = 0; i < f->n_iov; i++)
		sum += f->iov[i].iov_len;
	assert(sum == f->len && f->len >= 14);
	s = calloc(1, sizeof(*s));
	assert(s);
	s->meta = *f;
	memcpy(s->iov, f->iov, (size_t)f->n_iov * sizeof(*f->iov));
	*m->sent_tail = s;
	m->sent_tail = &s->next;
	m->stats.tx_frames++;
	m->stats.tx_bytes += f->len;
	if (m->room != UINT32_MAX && --m->room == 0)
		show_room(m);
	if (!f->done)
		mem_flush(p);
	return 0;
}

static void mem_fds(const struct port *p, int *ret_rx_fd, int *ret_tx_fd)
{
	const struct port_mem *m = (const struct port_mem *)p;

	*ret_rx_fd = m->rx_fd;
	*ret_tx_fd = m->tx_fd;
}

static uint32_t mem_rx_free(const struct port *p)
{
	return ((const struct port_mem *)p)->pool.n_free;
}

static void mem_stats(struct port *p, struct port_stats *ret_stats)
{
	*ret_stats = mem_of(p)->stats;
}

static void mem_free(struct port *p)
{
	struct port_mem *m = mem_of(p);

	mem_flush(p);
	while (port_mem_pop(p, NULL, 0, NULL) > 0)
		;
	pool_done(&m->pool);
	fd_close(&m->rx_fd);
	fd_close(&m->tx_fd);
	free(m);
}

static const struct port_ops mem_ops = {
	.name = "mem",
	.rx = mem_rx,
	.frame_put = mem_frame_put,
	.tx = mem_tx,
	.flush = mem_flush,
	.fds = mem_fds,
	.rx_free = mem_rx_free,
	.stats = mem_stats,
	.free = mem_free,
};

int port_mem_open(const struct proto_stack_config *cfg, struct port **ret_port)
{
	struct port_mem *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->port = (struct port){ .ops = &mem_ops, .gso = true, .mtu = cfg->mtu };
	m->sent_tail = &m->sent;
	m->room = UINT32_MAX;
	if (cfg->xdp_multibuf)
		m->seg_size = (cfg->umem_frame_size ? cfg->umem_frame_size : 4096) - MEM_SEG_ROOM;
	m->rx_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	m->tx_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = m->rx_fd < 0 || m->tx_fd < 0 ? -errno : pool_init(&m->pool, &m->port, MEM_SLOTS);
	if (err) {
		fd_close(&m->rx_fd);
		fd_close(&m->tx_fd);
		free(m);
		return err;
	}
	*ret_port = &m->port;
	return 0;
}

int port_mem_push(struct port *p, const void *frame, size_t len)
{
	struct port_mem *m = mem_of(p);
	struct frame *f;
	uint32_t slot;

	if (len > FRAME_LEN_MAX || !pool_take(&m->pool, &slot))
		return -ENOBUFS;
	if (len)
		memcpy(pool_data(&m->pool, slot), frame, len);
	f = pool_frame(&m->pool, slot, (uint32_t)len);
	if (m->seg_size && len > m->seg_size)
		split(m, f);
	m->queue[(m->head + m->n_queued++) % MEM_SLOTS] = slot;
	event_set(m->rx_fd, 1);
	return 0;
}

size_t port_mem_pop(struct port *p, void *buf, size_t cap, struct tx_frame *ret_meta)
{
	struct port_mem *m = mem_of(p);
	struct mem_sent *s;
	size_t len;

	mem_flush(p);
	s = m->sent;
	if (!s)
		return 0;
	len = s->meta.len;
	if (cap)
		memcpy(buf, s->copy, cap < len ? cap : len);
	if (ret_meta)
		*ret_meta = s->meta;
	m->sent = s->next;
	if (!m->sent)
		m->sent_tail = &m->sent;
	free(s->copy);
	free(s);
	return len;
}

void port_mem_set_room(struct port *p, uint32_t frames)
{
	struct port_mem *m = mem_of(p);

	m->room = frames;
	show_room(m);
}
