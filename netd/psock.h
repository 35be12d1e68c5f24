/* SPDX-License-Identifier: Apache-2.0 */
/* psock: AF_PACKET sockets on the host end of a sandbox's veth. */
#ifndef NETD_PSOCK_H
#define NETD_PSOCK_H

#include <stdbool.h>

/*
 * A non-blocking raw socket with virtio-net headers, bound to the interface (which must be up) of the
 * namespace we are in; receives frames only with rx. The descriptor or -errno.
 */
int psock_open(int ifindex, bool rx);

enum { PSOCK_ROOM_ENOUGH = 4 << 20 };	/* two full TCP windows and what the kernel charges on top */

/* Bytes of frames that such a socket could hold for a busy worker, as this kernel lets us set it. */
int psock_room(void);

#endif
