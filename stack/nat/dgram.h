/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dgram: what UDP conversations and ICMP echo conversations have in common.
 *
 * A flow's first datagrams are held while egress is asked. Allowed: they are sent on the connected
 * socket that came with the verdict, as soon as inspection, where the verdict wants it, lets them go.
 * Refused: each is answered with an ICMP error, and the flow stays in FLOW_CLOSING for a second to answer
 * what follows without asking again.
 */
#ifndef STACK_NAT_DGRAM_H
#define STACK_NAT_DGRAM_H

#include "stack/nat/hold.h"

struct inspect;

enum {
	DGRAM_ASK_S = 30,		/* egress must have answered by then */
	DGRAM_REFUSED_S = 1,
	DGRAM_BURST = 16,		/* datagrams per recvmmsg() */
	DGRAM_BUDGET = 64,		/* datagrams per wake-up and flow */
	DGRAM_BYTES_MAX = 65536,
};

/* Per flow, at the flow's index. Both protocols use it: the contract's name is udp_conn. */
struct udp_conn {
	struct hold hold;
	struct inspect *inspect;	/* reads what the sandbox sends; NULL: nothing does */
	uint64_t held_until_ns;		/* it holds, but not longer; 0: it holds nothing */
	struct quote last;		/* of the newest datagram that was sent on, for late errors */
	uint8_t refusal;		/* enum icmp_error, in FLOW_CLOSING */
	bool far_v4;			/* family of the host socket */
	bool replied;
	bool stalled;			/* in the list of those that wait for room in the port */
	uint32_t stall_next;		/* flow index + 1 */
};

/* Bounds of one protocol. */
struct dgram_kind {
	uint16_t hold_n;
	uint32_t hold_bytes;
	uint16_t skip;			/* bytes of the transport header that do not go to the socket */
	uint16_t idle_s;		/* while nothing came back */
	uint16_t idle_replied_s;
};

extern const struct dgram_kind udp_kind, ping_kind;

/* A checked datagram of the flow k: sends, holds, or refuses it. Ends its life. */
void dgram_input(struct stack *s, struct packet *p, const struct flow_key *k);
void dgram_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd);
void dgram_expired(struct stack *s, struct flow *f);
void dgram_cut(struct stack *s, struct flow *f, enum drop_reason reason);
/*
 * Reads at most DGRAM_BUDGET datagrams from the host socket and gives each to deliver(). Sees to
 * errors of the socket, to a full port and to the rest when the budget is used up.
 */
void dgram_event(struct stack *s, struct flow *f, uint32_t events,
		 bool (*deliver)(struct stack *s, struct flow *f, uint8_t *buf, size_t len));

/* ---- dgram_error.c --------------------------------------------------------------------------------- */

/*
 * Errors that the kernel queued (IP_RECVERR, IPV6_RECVERR: egress asks for them, since without them
 * a UDP socket hears of nothing but a closed port). Returns how many there were.
 */
int dgram_drain_errors(struct stack *s, struct flow *f);
/* A call on the socket failed with -r: the queue says more about it, if there is one. */
void dgram_host_error(struct stack *s, struct flow *f, int r);

#endif
