/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp: frames from the sandbox through AF_XDP, frames towards it through AF_PACKET, on one veth.
 *
 * In: netd made the socket and its packet memory (a memfd); here both are mapped and from then on a
 * frame costs no system call. A frame larger than one UMEM frame comes as several segments. Out:
 * stack/port/txq.c, all of it.
 *
 * Theory of operation. A UMEM frame is in exactly one place: on the stack of spares, in the fill ring
 * (the kernel's to write), in the receive ring, or in a struct frame that somebody holds. The fill ring
 * is first in, first out; so only half of the memory is kept in it and the rest waits on the stack, and
 * a busy link goes round in what is still in the cache (super-frames: 33 instead of 27 Gb/s).
 *
 * Why nothing is sent through AF_XDP. It cannot send super-frames, which need AF_PACKET, and two ways out
 * would have to be kept in order. Measured on Linux 6.18, a frame of 80 bytes takes 2.5-3.8 us through
 * AF_XDP and 2.7-4.0 us through AF_PACKET, one of 1514 bytes 2.6-4.4 and 2.8-4.0 us: the cost
 * is the sandbox's half, which is the same. In exchange AF_XDP would want every checksum completed here
 * and checked there, and it reports a frame as sent that veth had no room for; AF_PACKET says ENOBUFS.
 */
#include "stack/port/port.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#include "stack/port/txq.h"

#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)		/* Linux 6.6 */
#endif

struct port_xdp {
	struct port port;
	int fd, tx_fd;
	struct txq *txq;
	struct port_stats stats;
	uint8_t *mem;
	size_t mem_len;
	uint32_t frame_size, n_frames;
	uint32_t fill_max;		/* UMEM frames to keep in the fill ring */
	uint32_t n_fill;		/* how many were there after the last refill */
	uint32_t *spare, n_spare;	/* stack of UMEM frame numbers */
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	void *rx_map, *fill_map;
	size_t rx_map_len, fill_map_len;
	struct frame *frames;		/* n_frames: each frame takes at least one UMEM frame */
	uint32_t *free, n_free;		/* stack of indices into frames */
	struct frame *partial;		/* its further segments are not in the ring yet */
	bool is_skipping;		/* the rest of a frame with more segments than we take */
};

static struct port_xdp *xdp_of(struct port *p)
{
	return (struct port_xdp *)p;
}

/* ---- UMEM frames ----------------------------------------------------------------------------------- */

static void spare(struct port_xdp *x, const void *at)
{
	size_t off = (size_t)((const uint8_t *)at - x->mem);

	assert(off < x->mem_len && x->n_spare < x->n_frames);
	x->spare[x->n_spare++] = (uint32_t)(off / x->frame_size);
}

/* Hands spares, the most recently used first, to the kernel. */
static void refill(struct port_xdp *x)
{
	uint32_t in_ring = x->fill.size - xsk_prod_nb_free(&x->fill, x->fill.size);
	uint32_t n = x->fill_max > in_ring ? x->fill_max - in_ring : 0, at;

	if (n > x->n_spare)
		n = x->n_spare;
	x->n_fill = in_ring;
	if (n == 0 || xsk_ring_prod__reserve(&x->fill, n, &at) != n)
		return;
	x->n_fill += n;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&x->fill, at + i) = (uint64_t)x->spare[--x->n_spare] * x->frame_size;
	xsk_ring_prod__submit(&x->fill, n);
}

/* ---- from the sandbox -------------------------------------------------------------------------------- */

static void xdp_frame_put(struct port *p, struct frame *f)
{
	struct port_xdp *x = xdp_of(p);

	for (int i = f->n_segs; i-- > 0;)
		spare(x, f->seg[i].iov_base);
	x->free[x->n_free++] = f->cookie;
}

/* Adds one descriptor to the frame under way. Returns the frame when that was its last. */
static struct frame *take(struct port_xdp *x, const struct xdp_desc *d)
{
	const bool more = d->options & XDP_PKT_CONTD;
	struct frame *f = x->partial;
	uint8_t *at = x->mem + d->addr;

	assert(d->addr < x->mem_len && d->len <= x->frame_size);
	if (x->is_skipping) {
		spare(x, at);
		x->is_skipping = more;
		return NULL;
	}
	if (!f) {
		f = &x->frames[x->free[--x->n_free]];
		f->len = 0;
		f->n_segs = 0;
		f->refs = 1;
		f->gso = FRAME_GSO_NONE;
	}
	x->partial = NULL;
	if (f->n_segs == FRAME_SEGS_MAX || f->len + d->len > FRAME_LEN_MAX) {
		x->stats.rx_dropped++;
		x->is_skipping = more;
		spare(x, at);
		xdp_frame_put(&x->port, f);
		return NULL;
	}
	f->seg[f->n_segs++] = (struct iovec){ at, d->len };
	f->len += d->len;
	if (!more)
		return f;
	x->partial = f;
	return NULL;
}

static int xdp_rx(struct port *p, struct frame **ret_frames, int max)
{
	struct port_xdp *x = xdp_of(p);
	uint32_t avail, at;
	int n = 0;

	while (n < max && (avail = xsk_ring_cons__peek(&x->rx, 64, &at)) > 0) {
		uint32_t used = 0;

		while (used < avail && n < max) {
			struct frame *f = take(x, xsk_ring_cons__rx_desc(&x->rx, at + used++));

			if (!f)
				continue;
			x->stats.rx_frames++;
			x->stats.rx_bytes += f->len;
			ret_frames[n++] = f;
		}
		xsk_ring_cons__cancel(&x->rx, avail - used);
		xsk_ring_cons__release(&x->rx, used);
	}
	refill(x);
	return n;
}

static uint32_t xdp_rx_free(const struct port *p)
{
	const struct port_xdp *x = (const struct port_xdp *)p;

	return x->n_spare + x->n_fill;
}

/* ---- towards it -------------------------------------------------------------------------------------- */

static int xdp_tx(struct port *p, const struct tx_frame *f)
{
	struct port_xdp *x = xdp_of(p);

	return txq_push(x->txq, f, &x->stats);
}

static int xdp_flush(struct port *p)
{
	struct port_xdp *x = xdp_of(p);

	return txq_flush(x->txq, &x->stats);
}

static void xdp_fds(const struct port *p, int *ret_rx_fd, int *ret_tx_fd)
{
	const struct port_xdp *x = (const struct port_xdp *)p;

	*ret_rx_fd = x->fd;
	*ret_tx_fd = x->tx_fd;
}

static void xdp_stats(struct port *p, struct port_stats *ret_stats)
{
	*ret_stats = xdp_of(p)->stats;
}

/* ---- life --------------------------------------------------------------------------------------------- */

static void xdp_free(struct port *p)
{
	struct port_xdp *x = xdp_of(p);

	txq_free(x->txq);
	if (x->rx_map)
		munmap(x->rx_map, x->rx_map_len);
	if (x->fill_map)
		munmap(x->fill_map, x->fill_map_len);
	if (x->mem)
		munmap(x->mem, x->mem_len);
	free(x->frames);
	free(x->free);
	free(x->spare);
	free(x);
}

static const struct port_ops xdp_ops = {
	.name = "xdp",
	.rx = xdp_rx,
	.frame_put = xdp_frame_put,
	.tx = xdp_tx,
	.flush = xdp_flush,
	.fds = xdp_fds,
	.rx_free = xdp_rx_free,
	.stats = xdp_stats,
	.free = xdp_free,
};

static void *map(int fd, size_t len, off_t at)
{
	void *m = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);

	return m == MAP_FAILED ? NULL : m;
}

/* The rings as the kernel laid them out, in the shape that xsk.h's inline functions work on. */
static int map_rings(struct port_xdp *x, uint32_t ring_size)
{
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	uint8_t *m;

	if (getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) < 0)
		return -errno;
	if (len != sizeof(off))
		return -EOPNOTSUPP;		/* Linux before 5.4 */
	x->rx_map_len = off.rx.desc + (size_t)ring_size * sizeof(struct xdp_desc);
	x->rx_map = m = map(x->fd, x->rx_map_len, XDP_PGOFF_RX_RING);
	if (!m)
		return -errno;
	x->rx = (struct xsk_ring_cons){
		.mask = ring_size - 1, .size = ring_size, .ring = m + off.rx.desc,
		.producer = (uint32_t *)(void *)(m + off.rx.producer),
		.consumer = (uint32_t *)(void *)(m + off.rx.consumer),
		.flags = (uint32_t *)(void *)(m + off.rx.flags),
	};
	x->rx.cached_prod = *x->rx.producer;
	x->rx.cached_cons = *x->rx.consumer;
	x->fill_map_len = off.fr.desc + (size_t)ring_size * sizeof(uint64_t);
	x->fill_map = m = map(x->fd, x->fill_map_len, (off_t)XDP_UMEM_PGOFF_FILL_RING);
	if (!m)
		return -errno;
	x->fill = (struct xsk_ring_prod){
		.mask = ring_size - 1, .size = ring_size, .ring = m + off.fr.desc,
		.producer = (uint32_t *)(void *)(m + off.fr.producer),
		.consumer = (uint32_t *)(void *)(m + off.fr.consumer),
		.flags = (uint32_t *)(void *)(m + off.fr.flags),
	};
	x->fill.cached_prod = *x->fill.producer;
	x->fill.cached_cons = *x->fill.consumer + ring_size;
	return 0;
}

static int make_tables(struct port_xdp *x)
{
	x->frames = calloc(x->n_frames, sizeof(*x->frames));
	x->free = calloc(x->n_frames, sizeof(*x->free));
	x->spare = calloc(x->n_frames, sizeof(*x->spare));
	if (!x->frames || !x->free || !x->spare)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->n_frames; i++) {
		x->frames[i].port = &x->port;
		x->frames[i].cookie = i;
		x->free[i] = x->spare[i] = x->n_frames - 1 - i;
	}
	x->n_free = x->n_spare = x->n_frames;
	return 0;
}

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

int port_xdp_open(const struct proto_stack_config *cfg, int xsk_fd, int umem_fd, int tx_fd,
		  struct port **ret_port)
{
	struct port_xdp *x;
	int err;

	if (!is_power_of_two(cfg->ring_size) || !is_power_of_two(cfg->umem_frame_size) ||
	    cfg->umem_frame_size < 2048 || cfg->umem_frames == 0 || cfg->umem_frames > cfg->ring_size)
		return -EINVAL;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->port = (struct port){ .ops = &xdp_ops, .gso = true, .mtu = cfg->mtu };
	x->fd = xsk_fd;
	x->tx_fd = tx_fd;
	x->n_frames = cfg->umem_frames;
	x->frame_size = cfg->umem_frame_size;
	x->mem_len = (size_t)x->n_frames * x->frame_size;
	x->fill_max = (x->n_frames + 1) / 2;
	x->txq = txq_new(tx_fd);
	err = x->txq ? make_tables(x) : -ENOMEM;
	if (!err && fcntl(tx_fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		err = -errno;
	if (!err) {
		x->mem = map(umem_fd, x->mem_len, 0);
		err = x->mem ? map_rings(x, cfg->ring_size) : -errno;
	}
	if (err) {
		xdp_free(&x->port);
		return err;
	}
	refill(x);
	*ret_port = &x->port;
	return 0;
}
