/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_cut: the packets that a frame of AF_PACKET stands for.
 *
 * A frame begins with a virtio-net header. One that asks for TCP segmentation stands for many packets on a
 * real link; the wire must be able to lose, to double and to delay each of them.
 */
#ifndef BENCH_WIRE_CUT_H
#define BENCH_WIRE_CUT_H

#include <stddef.h>
#include <stdint.h>

enum {
	CUT_VNET = 10,			/* struct virtio_net_hdr, legacy form */
	CUT_FRAME_MAX = CUT_VNET + 14 + 65536 + 64,
};

struct cut {
	unsigned int packets;		/* at least 1 */
	uint32_t head;			/* bytes before the payload, virtio-net header included */
	uint32_t size;			/* payload bytes of each packet but the last */
	uint32_t payload;		/* of all */
	uint16_t l3, l4;		/* offsets in the frame */
};

/* How a frame is to be cut. What is no TCP super-frame is one packet, whatever it is. */
struct cut cut_plan(const uint8_t *frame, size_t len);

/* Bytes of n packets from `first` on, on the link (without virtio-net headers). */
uint64_t cut_link_bytes(const struct cut *c, unsigned int first, unsigned int n);

/* Makes the frame of n packets from `first` on, in out (as long as the frame); returns its length. */
size_t cut_make(const uint8_t *frame, const struct cut *c, unsigned int first, unsigned int n, uint8_t *out);

#endif
