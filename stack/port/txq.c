/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txq: the way towards the sandbox through AF_PACKET. In: frames whose memory the caller keeps until
 * done(). Out: sendmmsg() with a virtio-net header each, so that super-frames and partial checksums pass.
 *
 * A frame leaves the queue only when the kernel took it. The socket's send buffer is what bounds the
 * frames under way inside the kernel: netd sets it so small that the receive backlog of the
 * sandbox's end, where the kernel would drop without a word, cannot overflow (netd/psock.c).
 */
#include "stack/port/txq.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "stack/port/vnet.h"

enum {
	TXQ_LEN = 64,
	TXQ_COPY = 17 * 4096,		/* room for a frame without a done callback */
	/* Refusals of one frame before it is given up: the interface says "no room" at once and for as
	 * long as it has no carrier, and a worker must not spin on that for ever. */
	TXQ_NOBUFS_MAX = 4096,
	TXQ_ERRORS_MAX = 2,
};
static_assert((int)TXQ_COPY >= (int)FRAME_LEN_MAX, "copy slot");

struct txq_entry {
	struct virtio_net_hdr hdr;
	void (*done)(void *arg);
	void *arg;
	uint32_t len;
	struct iovec iov[PORT_TX_IOV_MAX + 1];
};

struct txq {
	int fd;
	uint32_t head, n;		/* ring over entries and msgs */
	uint32_t nobufs, errors;	/* refusals of the frame at the head */
	bool is_flushing;		/* a done callback may push, but not flush */
	uint8_t *copy;			/* TXQ_LEN slots, untouched until used */
	struct mmsghdr msgs[TXQ_LEN];	/* msgs[i] sends entries[i] */
	struct txq_entry entries[TXQ_LEN];
};

struct txq *txq_new(int fd)
{
	struct txq *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->fd = fd;
	q->copy = mmap(NULL, (size_t)TXQ_LEN * TXQ_COPY, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (q->copy == MAP_FAILED) {
		free(q);
		return NULL;
	}
	return q;
}

/* The frame at the head leaves the queue: sent, or given up. */
static void pop(struct txq *q)
{
	struct txq_entry *e = &q->entries[q->head];

	q->head = (q->head + 1) % TXQ_LEN;
	q->n--;
	q->nobufs = 0;
	q->errors = 0;
	if (e->done)
		e->done(e->arg);
}

void txq_free(struct txq *q)
{
	if (!q)
		return;
	while (q->n > 0)
		pop(q);
	munmap(q->copy, (size_t)TXQ_LEN * TXQ_COPY);
	free(q);
}

/* What a refusal of the frame at the head means. 0: go on, -EAGAIN: later, else the link is gone. */
static int refused(struct txq *q, int err, struct port_stats *stats)
{
	switch (err) {
	case EINTR:
		return 0;
	case EAGAIN:
		return -EAGAIN;
	case ENOBUFS:
	case ENOMEM:
		if (++q->nobufs <= TXQ_NOBUFS_MAX)
			return -EAGAIN;
		break;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
	case EBADF:
		return -err;
	default:
		/* The first time it may be a pending error of reception, which any call reports. */
		if (++q->errors < TXQ_ERRORS_MAX)
			return 0;
		break;
	}
	stats->tx_errors++;
	pop(q);
	return 0;
}

static int flush(struct txq *q, struct port_stats *stats)
{
	while (q->n > 0) {
		uint32_t run = q->head + q->n <= TXQ_LEN ? q->n : TXQ_LEN - q->head;
		int sent = sendmmsg(q->fd, &q->msgs[q->head], run, MSG_DONTWAIT);
		int err = sent < 0 ? refused(q, errno, stats) : 0;

		if (err)
			return err;
		for (int i = 0; i < sent; i++) {
			stats->tx_frames++;
			stats->tx_bytes += q->entries[q->head].len;
			pop(q);
		}
	}
	return 0;
}

int txq_flush(struct txq *q, struct port_stats *stats)
{
	int err;

	if (q->is_flushing)
		return q->n > 0 ? -EAGAIN : 0;
	q->is_flushing = true;
	err = flush(q, stats);
	q->is_flushing = false;
	return err;
}

static void gather(uint8_t *to, const struct tx_frame *f)
{
	for (int i = 0; i < f->n_iov; i++) {
		memcpy(to, f->iov[i].iov_base, f->iov[i].iov_len);
		to += f->iov[i].iov_len;
	}
}

int txq_push(struct txq *q, const struct tx_frame *f, struct port_stats *stats)
{
	struct txq_entry *e;
	uint32_t i;
	int err;

	assert(f->n_iov >= 1 && f->n_iov <= PORT_TX_IOV_MAX && f->len <= FRAME_LEN_MAX);
	if (q->n == TXQ_LEN) {
		err = txq_flush(q, stats);
		if (err && err != -EAGAIN)
			return err;
		if (q->n == TXQ_LEN) {
			stats->tx_again++;
			return -EAGAIN;
		}
	}
	i = (q->head + q->n++) % TXQ_LEN;
	e = &q->entries[i];
	vnet_fill(f, &e->hdr);
	e->iov[0] = (struct iovec){ &e->hdr, VNET_LEN };
	q->msgs[i].msg_hdr.msg_iov = e->iov;
	e->done = f->done;
	e->arg = f->arg;
	e->len = f->len;
	if (f->done) {
		memcpy(&e->iov[1], f->iov, (size_t)f->n_iov * sizeof(*f->iov));
		q->msgs[i].msg_hdr.msg_iovlen = (size_t)f->n_iov + 1;
	} else {
		gather(q->copy + (size_t)i * TXQ_COPY, f);
		e->iov[1] = (struct iovec){ q->copy + (size_t)i * TXQ_COPY, f->len };
		q->msgs[i].msg_hdr.msg_iovlen = 2;
	}
	return 0;
}
