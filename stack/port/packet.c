/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: AF_PACKET both ways, on the host end of the sandbox's veth.
 *
 * In: recvmmsg() with a virtio-net header before each frame, which keeps TCP super-frames whole (up to
 * 64 KB at any MTU). Out: stack/port/txq.c on the same socket. netd made and bound the socket inside
 * the port namespace; here only recvmmsg() and sendmmsg() are used on it.
 */
#include "stack/port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/port/pool.h"
#include "stack/port/txq.h"
#include "stack/port/vnet.h"

enum { PACKET_SLOTS = 1024 };

union rx_control {
	char buf[CMSG_SPACE(sizeof(uint32_t))];
	struct cmsghdr align;
};

struct port_packet {
	struct port port;
	int fd;
	struct pool pool;
	struct txq *txq;
	struct port_stats stats;
	uint32_t overflows;		/* the socket's own counter, SO_RXQ_OVFL */
	uint32_t n_armed;		/* msgs[0..n_armed) have a slot */
	uint32_t slots[PORT_BURST];
	struct mmsghdr msgs[PORT_BURST];
	struct iovec iov[PORT_BURST][2];
	struct virtio_net_hdr hdr[PORT_BURST];
	union rx_control control[PORT_BURST];
};

static struct port_packet *packet_of(struct port *p)
{
	return (struct port_packet *)p;
}

/* Gives up to max messages a slot to be received into, the hottest slots first. */
static uint32_t arm(struct port_packet *k, uint32_t max)
{
	while (k->n_armed < max && pool_take(&k->pool, &k->slots[k->n_armed])) {
		uint32_t i = k->n_armed++;

		k->iov[i][1].iov_base = pool_data(&k->pool, k->slots[i]);
		k->msgs[i].msg_hdr.msg_controllen = sizeof(k->control[i]);
	}
	return k->n_armed < max ? k->n_armed : max;
}

/* After a full queue the kernel says how many frames it has dropped so far. */
static void count_overflow(struct port_packet *k, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		uint32_t total;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&total, CMSG_DATA(c), sizeof(total));
		k->stats.rx_dropped += total - k->overflows;
		k->overflows = total;
	}
}

/* The frame of message i, or NULL when it is none that we can take. */
static struct frame *take(struct port_packet *k, uint32_t i)
{
	struct msghdr *m = &k->msgs[i].msg_hdr;
	uint32_t len = k->msgs[i].msg_len;
	struct frame *f;
	int gso;

	if (m->msg_controllen > 0)
		count_overflow(k, m);
	if (len < VNET_LEN || m->msg_flags & MSG_TRUNC)
		return NULL;
	len -= VNET_LEN;
	gso = vnet_parse(&k->hdr[i], len);
	if (gso < 0)
		return NULL;
	f = pool_frame(&k->pool, k->slots[i], len);
	f->gso = (uint8_t)gso;
	return f;
}

/*
 * The first `got` messages used their slots up. The holes are filled from the end of the armed ones, so
 * that a slot that comes back soon is used again soon, while it is still in the cache.
 */
static void disarm(struct port_packet *k, uint32_t got)
{
	uint32_t moved = k->n_armed - got < got ? k->n_armed - got : got;

	for (uint32_t i = 0; i < moved; i++) {
		uint32_t from = k->n_armed - moved + i;

		k->slots[i] = k->slots[from];
		k->iov[i][1].iov_base = k->iov[from][1].iov_base;
		k->msgs[i].msg_hdr.msg_controllen = sizeof(k->control[i]);
	}
	k->n_armed -= got;
}

static int packet_rx(struct port *p, struct frame **ret_frames, int max)
{
	struct port_packet *k = packet_of(p);
	uint32_t want = arm(k, max < PORT_BURST ? (uint32_t)max : PORT_BURST), got;
	int n, n_frames = 0;

	if (want == 0)
		return 0;
	n = recvmmsg(k->fd, k->msgs, want, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM)
			return 0;
		if (errno != EINVAL)
			return -errno;
		/* A frame that no virtio-net header can describe; the kernel threw it away. */
		k->stats.rx_dropped++;
		return 0;
	}
	got = (uint32_t)n;
	for (uint32_t i = 0; i < got; i++) {
		struct frame *f = take(k, i);

		if (f) {
			k->stats.rx_frames++;
			k->stats.rx_bytes += f->len;
			ret_frames[n_frames++] = f;
		} else {
			k->stats.rx_dropped++;
			pool_give(&k->pool, k->slots[i]);
		}
	}
	disarm(k, got);
	return n_frames;
}

static void packet_frame_put(struct port *p, struct frame *f)
{
	pool_give(&packet_of(p)->pool, f->cookie);
}

static int packet_tx(struct port *p, const struct tx_frame *f)
{
	struct port_packet *k = packet_of(p);

	return txq_push(k->txq, f, &k->stats);
}

static int packet_flush(struct port *p)
{
	struct port_packet *k = packet_of(p);

	return txq_flush(k->txq, &k->stats);
}

static void packet_fds(const struct port *p, int *ret_rx_fd, int *ret_tx_fd)
{
	*ret_rx_fd = ((const struct port_packet *)p)->fd;
	*ret_tx_fd = *ret_rx_fd;
}

static uint32_t packet_rx_free(const struct port *p)
{
	const struct port_packet *k = (const struct port_packet *)p;

	return k->pool.n_free + k->n_armed;
}

static void packet_stats(struct port *p, struct port_stats *ret_stats)
{
	*ret_stats = packet_of(p)->stats;
}

static void packet_trim(struct port *p)
{
	struct port_packet *k = packet_of(p);

	for (uint32_t i = 0; i < k->n_armed; i++)
		pool_trim_slot(&k->pool, k->slots[i]);
	pool_trim(&k->pool);
}

static void packet_free(struct port *p)
{
	struct port_packet *k = packet_of(p);

	txq_free(k->txq);
	pool_done(&k->pool);
	free(k);
}

static const struct port_ops packet_ops = {
	.name = "packet",
	.rx = packet_rx,
	.frame_put = packet_frame_put,
	.tx = packet_tx,
	.flush = packet_flush,
	.fds = packet_fds,
	.rx_free = packet_rx_free,
	.stats = packet_stats,
	.trim = packet_trim,
	.free = packet_free,
};

int port_packet_open(const struct proto_stack_config *cfg, int fd, struct port **ret_port)
{
	struct port_packet *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->port = (struct port){ .ops = &packet_ops, .gso = true, .mtu = cfg->mtu };
	k->fd = fd;
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
		err = -errno;
		goto err_free;
	}
	err = pool_init(&k->pool, &k->port, PACKET_SLOTS);
	if (err)
		goto err_free;
	k->txq = txq_new(fd);
	if (!k->txq) {
		err = -ENOMEM;
		goto err_pool;
	}
	for (int i = 0; i < PORT_BURST; i++) {
		k->iov[i][0] = (struct iovec){ &k->hdr[i], VNET_LEN };
		k->iov[i][1].iov_len = FRAME_LEN_MAX;
		k->msgs[i].msg_hdr.msg_iov = k->iov[i];
		k->msgs[i].msg_hdr.msg_iovlen = 2;
		k->msgs[i].msg_hdr.msg_control = &k->control[i];
	}
	*ret_port = &k->port;
	return 0;

err_pool:
	pool_done(&k->pool);
err_free:
	free(k);
	return err;
}
