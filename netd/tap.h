/* SPDX-License-Identifier: Apache-2.0 */
/* tap: a TAP device with virtio-net headers. */
#ifndef NETD_TAP_H
#define NETD_TAP_H

/*
 * Makes device `name` in the network namespace that we are in. It lives as long as the descriptor and
 * its copies. The descriptor or -errno.
 */
int tap_open(const char *name);

#endif
