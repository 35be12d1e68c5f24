/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txq: frames on their way out through an AF_PACKET socket with a virtio-net header.
 * Frames wait, by reference, until they are flushed with as few sendmmsg() calls as possible.
 */
#ifndef STACK_PORT_TXQ_H
#define STACK_PORT_TXQ_H

#include "stack/port/port.h"

struct txq;

/* fd is borrowed: non-blocking, bound to the host end. NULL on -ENOMEM. */
struct txq *txq_new(int fd);
/* Calls the done callback of what is still queued. NULL is fine. */
void txq_free(struct txq *q);
/* As port_tx() and port_flush(). tx counters of ret_stats are updated. */
int txq_push(struct txq *q, const struct tx_frame *f, struct port_stats *stats);
int txq_flush(struct txq *q, struct port_stats *stats);

#endif
