/* SPDX-License-Identifier: Apache-2.0 */
/* egress_internet: the far side of test_egress, in a process and a network namespace of its own. */
#ifndef TESTS_NET_EGRESS_INTERNET_H
#define TESTS_NET_EGRESS_INTERNET_H

#include <sys/socket.h>

void internet_run(void) __attribute__((noreturn));

/* The control data holds the address that was asked: the reply comes from there, by any route. */
void reply_from_same(struct msghdr *m);

/* egress_dns: the name server. */
void serve_dns_udp(int fd);
void serve_dns_tcp(int lfd);
/* Sends what is late by now. ms until the next call is due, or -1. */
int dns_tick(void);

#endif
