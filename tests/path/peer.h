/* SPDX-License-Identifier: Apache-2.0 */
/* peer: what lab.c needs of peer.c. */
#ifndef TESTS_PATH_PEER_H
#define TESTS_PATH_PEER_H

#include "tests/path/lab.h"

/* Checks a frame of the worker and gives it to the peer it is for. */
void peer_frame(const uint8_t *frame, size_t len, const struct tx_frame *meta);
/* Sends the acknowledgements that are due. True when there were any. */
bool peer_acks(void);

#endif
