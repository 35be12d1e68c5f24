/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msg: one datagram on a SOCK_SEQPACKET socket, with descriptors.
 *
 * Senders zero a struct before they fill it. Receivers get descriptors with O_CLOEXEC set and own
 * them. A message that was cut, or carries more descriptors than the caller has room for, is -EBADMSG
 * and every descriptor in it has been closed.
 */
#ifndef LIB_MSG_H
#define LIB_MSG_H

#include <stddef.h>
#include <sys/types.h>

enum { MSG_MAX_FDS = 8 };

/* A connected SOCK_SEQPACKET pair, close-on-exec. 0 or -errno. */
int msg_pair(int ret_fds[2]);

/* Sends whole or not at all; the descriptors stay the caller's. 0 or -errno (-EAGAIN when full). */
int msg_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds);

/*
 * Returns the length (>= 1), 0 when the peer closed, or -errno. *n_fds says how many descriptors
 * fit into fds when called, and how many came when it returns.
 */
ssize_t msg_recv(int sock, void *buf, size_t cap, int *fds, size_t *n_fds);

#endif
