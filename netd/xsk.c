/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xsk: packet memory (UMEM) in a memfd and one AF_XDP socket on it, through libxdp. Runs in netd, inside
 * the port namespace. Nothing here reads a frame: the worker maps the memory and the rings itself
 * (stack/port/xdp.c), and fills the fill ring. One memory per sandbox: who shares one reads along.
 *
 * The socket has no transmit ring: see stack/port/xdp.c.
 */
#include "netd/xsk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "lib/cleanup.h"

#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)		/* Linux 6.6 */
#endif

struct xsk {
	int memfd;
	void *mem;
	size_t len;
	struct xsk_umem *umem;
	struct xsk_socket *sock;
	struct xsk_ring_prod fill;	/* libxdp's mappings; not used from here */
	struct xsk_ring_cons comp, rx;
};

static int memory_open(struct xsk *x)
{
	/* Sealed in size: a worker that shrank it would turn the kernel's next access into a fault. */
	x->memfd = memfd_create("sluice-umem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (x->memfd < 0 || ftruncate(x->memfd, (off_t)x->len) < 0 ||
	    fcntl(x->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	x->mem = mmap(NULL, x->len, PROT_READ | PROT_WRITE, MAP_SHARED, x->memfd, 0);
	if (x->mem == MAP_FAILED) {
		x->mem = NULL;
		return -errno;
	}
	return 0;
}

int xsk_new(const struct xsk_shape *shape, struct xsk **ret_xsk)
{
	const struct xsk_umem_config umem = {
		.fill_size = shape->ring_size,
		.comp_size = 64,	/* must exist, though nothing is sent */
		.frame_size = shape->frame_size,
		.frame_headroom = XSK_HEADROOM,
	};
	struct xsk *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	x->memfd = -1;
	x->len = (size_t)shape->frames * shape->frame_size;
	err = memory_open(x);
	if (!err)
		err = xsk_umem__create(&x->umem, x->mem, x->len, &x->fill, &x->comp, &umem);
	if (err) {
		xsk_close(x);
		return err;
	}
	*ret_xsk = x;
	return 0;
}

int xsk_bind(struct xsk *x, const char *ifname, const struct xsk_shape *shape)
{
	const struct xsk_socket_config sock = {
		.rx_size = shape->ring_size,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(XDP_COPY | (shape->multibuf ? XDP_USE_SG : 0)),
	};

	return xsk_socket__create(&x->sock, ifname, 0, x->umem, &x->rx, NULL, &sock);
}

void xsk_close(struct xsk *x)
{
	if (!x)
		return;
	if (x->sock)
		xsk_socket__delete(x->sock);
	if (x->umem)
		xsk_umem__delete(x->umem);
	if (x->mem)
		munmap(x->mem, x->len);
	fd_close(&x->memfd);
	free(x);
}

int xsk_fd(const struct xsk *x)
{
	return xsk_socket__fd(x->sock);
}

int xsk_umem_fd(const struct xsk *x)
{
	return x->memfd;
}
