/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap: a TAP device whose network side is inside the sandbox and whose file side is here.
 *
 * One readv() or writev() per frame, a virtio-net header before each; TCP super-frames pass whole both
 * ways. A written frame is received by the sandbox's kernel within the call, so nothing is ever
 * queued here and every frame is done with when port_tx() returns.
 */
#include "stack/port/port.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack/port/pool.h"
#include "stack/port/vnet.h"

enum { TAP_SLOTS = 1024 };

struct port_tap {
	struct port port;
	int fd;
	struct pool pool;
	struct port_stats stats;
};

static struct port_tap *tap_of(struct port *p)
{
	return (struct port_tap *)p;
}

/* 1: a frame; 0: one that we cannot take; -EAGAIN: nothing there; -errno: the device is gone. */
static int read_one(struct port_tap *t, struct frame **ret_frame)
{
	struct virtio_net_hdr hdr;
	struct iovec iov[2] = { { &hdr, VNET_LEN }, { NULL, FRAME_LEN_MAX } };
	uint32_t slot;
	ssize_t n;
	int gso;

	if (!pool_take(&t->pool, &slot))
		return -EAGAIN;
	iov[1].iov_base = pool_data(&t->pool, slot);
	n = readv(t->fd, iov, 2);
	if (n < 0) {
		int err = -errno;

		pool_give(&t->pool, slot);
		/* EINVAL: no virtio-net header can describe the frame; the kernel threw it away. */
		return err == -EINVAL ? 0 : err;
	}
	gso = n < VNET_LEN ? -EBADMSG : vnet_parse(&hdr, (size_t)n - VNET_LEN);
	if (gso < 0) {
		pool_give(&t->pool, slot);
		return 0;
	}
	*ret_frame = pool_frame(&t->pool, slot, (uint32_t)n - VNET_LEN);
	(*ret_frame)->gso = (uint8_t)gso;
	return 1;
}

static int tap_rx(struct port *p, struct frame **ret_frames, int max)
{
	struct port_tap *t = tap_of(p);
	int n = 0;

	/* Each turn counts, also for a frame that is thrown away: a burst of those ends as well. */
	for (int turn = 0; turn < max; turn++) {
		int r = read_one(t, &ret_frames[n]);

		if (r == -EAGAIN || r == -EINTR || r == -ENOMEM)
			break;
		if (r < 0)
			return n ? n : r;
		if (r == 0) {
			t->stats.rx_dropped++;
			continue;
		}
		t->stats.rx_frames++;
		t->stats.rx_bytes += ret_frames[n]->len;
		n++;
	}
	return n;
}

static void tap_frame_put(struct port *p, struct frame *f)
{
	pool_give(&tap_of(p)->pool, f->cookie);
}

static int tap_tx(struct port *p, const struct tx_frame *f)
{
	struct port_tap *t = tap_of(p);
	struct virtio_net_hdr hdr;
	struct iovec iov[PORT_TX_IOV_MAX + 1] = { { &hdr, VNET_LEN } };
	ssize_t n;

	assert(f->n_iov >= 1 && f->n_iov <= PORT_TX_IOV_MAX && f->len <= FRAME_LEN_MAX);
	vnet_fill(f, &hdr);
	memcpy(&iov[1], f->iov, (size_t)f->n_iov * sizeof(*f->iov));
	do
		n = writev(t->fd, iov, f->n_iov + 1);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
		t->stats.tx_again++;
		return -EAGAIN;
	}
	if (n < 0 && errno == EBADFD)
		return -errno;
	/* Whatever else is wrong (EIO: the sandbox took its end down) will not get better by trying. */
	if (n < 0) {
		t->stats.tx_errors++;
	} else {
		t->stats.tx_frames++;
		t->stats.tx_bytes += f->len;
	}
	if (f->done)
		f->done(f->arg);
	return 0;
}

static int tap_flush(struct port *p)
{
	(void)p;
	return 0;
}

static void tap_fds(const struct port *p, int *ret_rx_fd, int *ret_tx_fd)
{
	*ret_rx_fd = ((const struct port_tap *)p)->fd;
	*ret_tx_fd = *ret_rx_fd;
}

static uint32_t tap_rx_free(const struct port *p)
{
	return ((const struct port_tap *)p)->pool.n_free;
}

static void tap_stats(struct port *p, struct port_stats *ret_stats)
{
	*ret_stats = tap_of(p)->stats;
}

static void tap_trim(struct port *p)
{
	pool_trim(&tap_of(p)->pool);
}

static void tap_free(struct port *p)
{
	struct port_tap *t = tap_of(p);

	pool_done(&t->pool);
	free(t);
}

static const struct port_ops tap_ops = {
	.name = "tap",
	.rx = tap_rx,
	.frame_put = tap_frame_put,
	.tx = tap_tx,
	.flush = tap_flush,
	.fds = tap_fds,
	.rx_free = tap_rx_free,
	.stats = tap_stats,
	.trim = tap_trim,
	.free = tap_free,
};

int port_tap_open(const struct proto_stack_config *cfg, int fd, struct port **ret_port)
{
	struct port_tap *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->port = (struct port){ .ops = &tap_ops, .gso = true, .mtu = cfg->mtu };
	t->fd = fd;
	err = fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? -errno : pool_init(&t->pool, &t->port, TAP_SLOTS);
	if (err) {
		free(t);
		return err;
	}
	*ret_port = &t->port;
	return 0;
}
