/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far: a far side for tests of UDP and ping conversations: a UDP socket of the test on the host's
 * loopback, and sockets connected to it as egress would hand them over.
 */
#ifndef TESTS_UNIT_FAR_H
#define TESTS_UNIT_FAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

extern int far_fd;
/* What far_recv() got; bytes to send, none like its neighbour. */
extern uint8_t far_got[65536], far_big[65536];

void far_open(void);
void far_close(void);
/* The far side learns the new socket's port and talks to it from now on. */
int far_connected(bool recverr);
ssize_t far_recv(void);
/* Takes the worker's question from egress's socket, checks it, returns its id. */
uint64_t far_expect_ask(const char *dst, uint16_t sport, uint16_t dport, uint8_t proto);
const char *far_dst(int v6);

#endif
