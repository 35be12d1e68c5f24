/* SPDX-License-Identifier: Apache-2.0 */
/* dns: what dns.c and dns_tcp.c share; the rest of the worker sees stack/path.h only. */
#ifndef STACK_DNS_DNS_H
#define STACK_DNS_DNS_H

#include "stack/dns/dns_msg.h"
#include "stack/path.h"

/* Whom an answer goes to. */
struct dns_client {
	flow_id flow;			/* TCP: the connection; 0: UDP */
	struct addr addr, server;	/* UDP: the sandbox's, and the one it asked */
	uint16_t port;			/* UDP: the sandbox's */
};

/*
 * Answers the question, or asks egress and answers later. 0, or -errno when an answer over TCP found
 * no room: the connection should then be reset.
 */
int dns_ask(struct stack *s, const struct dns_client *c, const struct dns_question *q);
int dns_reply(struct stack *s, const struct dns_client *c, const struct dns_question *q,
	      const struct dns_reply *r);
/* Sends one message on its connection if that still exists. 0 or -ENOBUFS. */
int dns_tcp_reply(struct stack *s, flow_id flow, const uint8_t *msg, size_t len);
void dns_tcp_init(void);

#endif
