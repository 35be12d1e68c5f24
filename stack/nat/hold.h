/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: datagrams that wait until egress and inspection have judged their flow, and the first bytes of
 * packets that an ICMP error may have to quote later.
 *
 * All flows share one pool of fixed size; a queue is bounded by its owner. Payload is copied in once.
 */
#ifndef STACK_NAT_HOLD_H
#define STACK_NAT_HOLD_H

#include "stack/path.h"

enum {
	QUOTE_MAX = 72,			/* IPv6 and fragment header, UDP or ICMP header, 16 bytes more */
	HOLD_IOV_MAX = 40,		/* pieces of the largest datagram */
};

struct quote {
	uint8_t len;
	uint8_t ip_hlen;
	uint8_t b[QUOTE_MAX];
};

/* A queue of held datagrams. All zero is an empty one. */
struct hold {
	uint16_t first, last;		/* chunk + 1 of the oldest and newest datagram */
	uint16_t n;
	uint32_t bytes;
};

void hold_init(void);
/* Copies the packet's bytes behind the first `skip` of l4. 0 or -ENOBUFS (pool full). */
int hold_put(struct hold *h, const struct packet *p, size_t skip);
/* The oldest datagram: its payload in pieces (returns how many, 0 when empty) and its quote. */
int hold_first(struct hold *h, struct iovec iov[HOLD_IOV_MAX], const struct quote **ret_q);
/*
 * The oldest datagram as the packet it was, whole, in memory that lasts until the next call. False
 * when there is none. skip: as it was held.
 */
bool hold_packet(struct hold *h, const struct flow_key *k, size_t skip, struct packet *ret_p);
/*
 * The same for each datagram in turn, from the oldest on: *at is 0 before the first call. Nothing is
 * forgotten by it.
 */
bool hold_walk(const struct hold *h, uint16_t *at, const struct flow_key *k, size_t skip,
	       struct packet *ret_p);
/* Forgets the oldest datagram. */
void hold_pop(struct hold *h);
void hold_clear(struct hold *h);

void quote_take(struct quote *q, const struct packet *p);

#endif
