/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow: the one table of flows, and the only writer of a flow's state.
 *
 * A flow is a TCP connection, a UDP conversation (one source and destination socket), or an ICMP echo
 * conversation (one identifier and destination). The table is fixed in size; a full table is a counted
 * refusal (DROP_FLOW_FULL), never an error. Storage of a dead flow is reused only after the current
 * batch of events is over (flow_reap()), so an event may still name it safely.
 */
#ifndef STACK_FLOW_H
#define STACK_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/hash.h"

struct stack;
struct tcp_conn;		/* stack/nat/tcp_conn.h */
struct udp_conn;
struct proto_verdict_msg;

enum flow_state {
	/* Free slot. Operations: flow_new(). */
	FLOW_FREE = 0,
	/* Egress was asked; the first packet is held by the flow's protocol. No host socket yet.
	 * Next: OPEN on PROTO_ALLOW; CLOSING (UDP and ICMP echo remember a refusal for a second, so
	 * that a flood is not asked about datagram by datagram) or DEAD otherwise. Caveat:
	 * duplicates of the first packet are dropped. */
	FLOW_ASKED,
	/* Judged and dialled; fd is the host socket (or -1: served by the gateway itself, DNS over TCP). */
	FLOW_OPEN,
	/* Both sides have finished or one was reset; TCP may linger here for TIME-WAIT. fd is closed. */
	FLOW_CLOSING,
	/* Over and reported to egress; the slot is freed by flow_reap(). */
	FLOW_DEAD,
};

struct flow_key {
	struct addr src, dst;	/* src: the sandbox's */
	uint16_t sport, dport;	/* ICMP echo: sport = identifier, dport = 0 */
	uint8_t proto;		/* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP for echo of both families */
	uint8_t zero[3];	/* keys are compared and hashed as bytes */
};

typedef uint64_t flow_id;	/* generation << 32 | index; 0 is no flow */

struct flow {
	struct flow_key key;
	uint32_t gen;
	uint32_t index;
	uint32_t hash_next;	/* index + 1 of the next flow in the bucket, 0 = end */
	uint8_t state;		/* enum flow_state; written by flow_set_state() only */
	bool asked;		/* egress knows this flow and must hear its end */
	bool watched;		/* fd is registered with epoll; stack_watch() only */
	bool wants_out;		/* fd was full once: its room is an event as well; stack_watch_out() only */
	uint16_t reason;	/* enum drop_reason: why it ended, or why it was refused */
	int fd;			/* host socket, or -1 */
	uint32_t rule;		/* line of the policy rule, for the packet log */
	uint64_t born_ns;
	uint64_t active_ns;	/* last packet or byte */
	uint64_t expires_ns;	/* flow_expire() calls the protocol's expire then; 0 = never */
	uint64_t up_bytes, down_bytes, up_pkts, down_pkts;
	union {
		struct tcp_conn *tcp;
		struct udp_conn *udp;
		void *conn;
	};
};

struct flow_table {
	struct flow *flows;	/* cap of them */
	uint32_t *buckets;	/* index + 1, power of two of them */
	uint32_t n_buckets;
	uint32_t cap, used, peak;
	uint32_t free_head;	/* index + 1; chained through hash_next */
	uint32_t dead_head;	/* index + 1; chained through hash_next after unhashing */
	uint8_t key[HASH_KEY_LEN];
};

/* cap 1..1048576. 0 or -ENOMEM. */
int flow_table_init(struct flow_table *t, uint32_t cap);
void flow_table_done(struct flow_table *t);

struct flow *flow_find(struct flow_table *t, const struct flow_key *k);
/* NULL when the id is stale. */
struct flow *flow_by_id(struct flow_table *t, flow_id id);
/* A new flow in FLOW_ASKED, or NULL when the table is full. The key must not be in the table. */
struct flow *flow_new(struct flow_table *t, const struct flow_key *k, uint64_t now);
static inline flow_id flow_id_of(const struct flow *f)
{
	return (uint64_t)f->gen << 32 | f->index;
}

/* Asserts that the step is legal and logs it at debug level. FLOW_DEAD unhashes the flow at once. */
void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state state);
/* Frees the slots of dead flows. Call after a batch of events, never inside one. */
void flow_reap(struct flow_table *t);
/* Calls expired() for each live flow whose expires_ns is not 0 and <= now. */
void flow_expire(struct flow_table *t, uint64_t now, void (*expired)(struct stack *s, struct flow *f),
		 struct stack *s);

const char *flow_state_text(enum flow_state state);

#endif
