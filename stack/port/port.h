/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port: where frames enter and leave the worker. One interface over AF_XDP, AF_PACKET, TAP and memory.
 *
 * A frame from the sandbox is lent to the path until port_frame_put(); a frame towards the sandbox
 * is borrowed by the port until its done callback. A frame towards the sandbox is never dropped by a
 * port: port_tx() says -EAGAIN and takes nothing, and the caller tries again when the port is writable
 * (lwIP recovers from loss with a time-out of 1.5 s; see stack/ip/tcp.c).
 */
#ifndef STACK_PORT_PORT_H
#define STACK_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/proto.h"

enum {
	FRAME_SEGS_MAX = 20,		/* MAX_SKB_FRAGS 17 and the linear part, rounded up */
	FRAME_HEADROOM_MIN = 12,	/* virtio-net header */
	FRAME_LEN_MAX = 65535 + 14,	/* an Ethernet header and the largest IP packet */
	/* With gso; one byte more and the kernel wants to cut it up before the interface (gso_max_size),
	 * which a direct transmit answers by dropping it. */
	FRAME_GSO_LEN_MAX = 65535,
	PORT_BURST = 32,
};

enum frame_gso {
	FRAME_GSO_NONE = 0,
	FRAME_GSO_TCP4,
	FRAME_GSO_TCP6,
};

/*
 * A frame from the sandbox: Ethernet header first. seg[0] holds at least min(len, 256) bytes, so every
 * header chain we accept is contiguous. Memory is writable (lwIP rewrites TCP headers in place).
 * Its checksums may be partial: the link is memory, nobody checks or needs them.
 */
struct frame {
	struct port *port;
	uint32_t cookie;		/* the port's own */
	uint32_t len;			/* of all segments */
	uint16_t refs;			/* 1 when delivered */
	uint8_t n_segs;
	uint8_t gso;			/* enum frame_gso as the sender's kernel said; a hint only */
	struct iovec seg[FRAME_SEGS_MAX];
};

/* A frame towards the sandbox. iov[0] starts with the Ethernet header and holds all headers. */
struct tx_frame {
	const struct iovec *iov;
	int n_iov;			/* 1..PORT_TX_IOV_MAX */
	uint32_t len;			/* sum of iov, up to FRAME_LEN_MAX, with gso FRAME_GSO_LEN_MAX */
	uint8_t gso;			/* enum frame_gso: len may exceed the MTU, the kernel cuts it up */
	uint16_t gso_size;		/* payload bytes per segment, with gso */
	uint16_t hdr_len;		/* Ethernet + IP + TCP header bytes, with gso */
	/*
	 * csum_start != 0: the transport checksum field holds the pseudo-header sum only and the
	 * receiver shall take it as verified (virtio-net NEEDS_CSUM). Ports that cannot say so
	 * complete the checksum themselves.
	 */
	uint16_t csum_start;		/* offset of the transport header in the frame */
	uint16_t csum_offset;		/* offset of the checksum field in the transport header */
	/* Called exactly once after port_tx() returned 0, when iov's memory is no longer read; may be
	 * called from inside port_tx(), port_flush() or port_rx(). NULL: the port must copy or send now. */
	void (*done)(void *arg);
	void *arg;
};

enum { PORT_TX_IOV_MAX = 64 };

struct port_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t rx_dropped;		/* by the kernel, for want of room */
	uint64_t tx_again;		/* port_tx() said -EAGAIN */
	uint64_t tx_errors;
};

struct port;

struct port_ops {
	const char *name;
	/* 0..max frames, or -errno when the link is gone. Never blocks. */
	int (*rx)(struct port *p, struct frame **ret_frames, int max);
	void (*frame_put)(struct port *p, struct frame *f);
	/* 0, -EAGAIN (nothing taken; wait for EPOLLOUT on port_fd() or call again after port_rx()), or -errno. */
	int (*tx)(struct port *p, const struct tx_frame *f);
	/* Hands everything queued to the kernel. 0, -EAGAIN (some is still queued), or -errno. */
	int (*flush)(struct port *p);
	/* Descriptors to poll: rx_fd for EPOLLIN, tx_fd for EPOLLOUT (may be the same, or -1). */
	void (*fds)(const struct port *p, int *ret_rx_fd, int *ret_tx_fd);
	/* Frames still free for reception, to decide whether to copy small payloads that would pin one. */
	uint32_t (*rx_free)(const struct port *p);
	void (*stats)(struct port *p, struct port_stats *ret_stats);
	/* The sandbox is quiet: gives memory back that holds nothing. NULL: there is none. */
	void (*trim)(struct port *p);
	void (*free)(struct port *p);
};

/* Embedded as first member by every implementation. */
struct port {
	const struct port_ops *ops;
	bool gso;			/* frames larger than the MTU may be sent with gso set */
	uint32_t mtu;
};

/*
 * From descriptors that netd made (PROTO_FD_PORT...), as cfg says. Maps rings, sets O_NONBLOCK,
 * allocates buffers: everything that needs a system call outside the worker's seccomp list happens
 * here, before the worker confines itself. 0 or -errno; *ret_port is freed with port_free().
 */
int port_open(const struct proto_stack_config *cfg, struct port **ret_port);

/* The implementations behind port_open(). */
int port_packet_open(const struct proto_stack_config *cfg, int fd, struct port **ret_port);
int port_tap_open(const struct proto_stack_config *cfg, int fd, struct port **ret_port);
int port_xdp_open(const struct proto_stack_config *cfg, int xsk_fd, int umem_fd, int tx_fd,
		  struct port **ret_port);
/* Memory: a test pushes frames in with port_mem_push() and takes sent ones with port_mem_pop(). */
int port_mem_open(const struct proto_stack_config *cfg, struct port **ret_port);
/* Copies the frame in. 0 or -ENOBUFS. */
int port_mem_push(struct port *p, const void *frame, size_t len);
/* Length of the oldest sent frame, copied to buf (cut at cap), with its meta if ret_meta; 0 when none. */
size_t port_mem_pop(struct port *p, void *buf, size_t cap, struct tx_frame *ret_meta);
/* From now on port_tx() takes this many more frames, then says -EAGAIN; UINT32_MAX: no limit. */
void port_mem_set_room(struct port *p, uint32_t frames);

static inline int port_rx(struct port *p, struct frame **ret_frames, int max)
{
	return p->ops->rx(p, ret_frames, max);
}

static inline int port_tx(struct port *p, const struct tx_frame *f)
{
	return p->ops->tx(p, f);
}

static inline void port_fds(const struct port *p, int *ret_rx_fd, int *ret_tx_fd)
{
	p->ops->fds(p, ret_rx_fd, ret_tx_fd);
}

static inline int port_flush(struct port *p)
{
	return p->ops->flush(p);
}

static inline void port_stats(struct port *p, struct port_stats *ret_stats)
{
	p->ops->stats(p, ret_stats);
}

static inline void port_trim(struct port *p)
{
	if (p->ops->trim)
		p->ops->trim(p);
}

static inline void frame_get(struct frame *f)
{
	f->refs++;
}

static inline void frame_put(struct frame *f)
{
	if (--f->refs == 0)
		f->port->ops->frame_put(f->port, f);
}

static inline void port_free(struct port *p)
{
	if (p)
		p->ops->free(p);
}

#endif
