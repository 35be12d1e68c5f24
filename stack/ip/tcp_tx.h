/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_tx: segments of lwIP to the port. The function lwIP calls is tcp_segment_output(), in stack/lwip/glue.h. */
#ifndef STACK_IP_TCP_TX_H
#define STACK_IP_TCP_TX_H

#include <stdbool.h>

/* The port had no room for a segment, and nobody has called tcp_tx_retry() since. */
bool tcp_tx_blocked(void);
void tcp_tx_retry(void);

#endif
