/* SPDX-License-Identifier: Apache-2.0 */
/* inside: everything about a link that is set up within the sandbox's own namespace. */
#ifndef NETD_INSIDE_H
#define NETD_INSIDE_H

#include <stdbool.h>

#include "netd/link.h"

#define INSIDE_NAME "eth0"

/* Each of these enters l->netns and comes back. 0 or -errno; `what` then says what failed. */

/* The name (IF_NAMESIZE bytes) of an interface besides lo, "" when there is none. */
int inside_foreign(int netns, char *ret_name);
/* TAP: makes the device; its descriptor becomes l->port_fd. */
int inside_tap(struct link *l, const char **what);
/* Offloads, MTU, MAC, sysctls, lo and eth0 up, addresses, neighbours, routes. Sets l->sb_ifindex. */
int inside_configure(struct link *l, bool attach, const char **what);
/* Deletes the device if it is still there. */
void inside_delete(struct link *l);

#endif
