/* SPDX-License-Identifier: Apache-2.0 */
/* own: is an address one of this host's own? */
#ifndef EGRESS_OWN_H
#define EGRESS_OWN_H

#include <stdbool.h>

#include "lib/addr.h"

/* A netlink socket for own_is(); opened before confinement. The descriptor or -errno. */
int own_open(void);
/*
 * Local, broadcast, anycast or multicast by the host's routing tables as they are in this wake-up, which
 * its time names. True when in doubt.
 */
bool own_is(int route_fd, const struct addr *a, uint64_t now);

#endif
