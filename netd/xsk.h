/* SPDX-License-Identifier: Apache-2.0 */
/* xsk: an AF_XDP socket whose packet memory is a memfd, made here for a worker that may not. */
#ifndef NETD_XSK_H
#define NETD_XSK_H

#include <stdbool.h>
#include <stdint.h>

struct xsk;

struct xsk_shape {
	uint32_t frames, frame_size;	/* of the packet memory; powers of two */
	uint32_t ring_size;		/* descriptors in the fill and the receive ring */
	bool multibuf;			/* a packet may span frames (Linux 6.6) */
};

enum { XSK_HEADROOM = 2 };		/* puts the IP header on a 4-byte boundary */

/* Memory and a socket of the namespace that we are in. 0 or -errno. */
int xsk_new(const struct xsk_shape *shape, struct xsk **ret_xsk);
/* To queue 0 of this interface, which is in the namespace that xsk_new() was called in; once. 0 or -errno. */
int xsk_bind(struct xsk *x, const char *ifname, const struct xsk_shape *shape);
/* NULL is fine. */
void xsk_close(struct xsk *x);
/* Borrowed. */
int xsk_fd(const struct xsk *x);
int xsk_umem_fd(const struct xsk *x);

#endif
