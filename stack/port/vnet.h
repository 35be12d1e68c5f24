/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vnet: the virtio-net header that AF_PACKET and TAP put before each frame, the 10-byte legacy form in
 * host byte order (Linux: include/linux/virtio_net.h, PACKET_VNET_HDR and IFF_VNET_HDR).
 */
#ifndef STACK_PORT_VNET_H
#define STACK_PORT_VNET_H

#include <linux/virtio_net.h>

#include "stack/port/port.h"

enum { VNET_LEN = sizeof(struct virtio_net_hdr) };
static_assert(VNET_LEN == 10, "legacy header");

/*
 * Is this the header of a frame of `len` bytes that we can take? Returns the enum frame_gso that it
 * announces, or -EBADMSG: unknown flags, a GSO type that was never offered (UDP), sums outside the frame.
 */
int vnet_parse(const struct virtio_net_hdr *h, size_t len);

/* The header for a frame towards the sandbox. */
void vnet_fill(const struct tx_frame *f, struct virtio_net_hdr *ret_hdr);

#endif
