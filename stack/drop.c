/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop: the one exit for what goes no further, and the mark of what does.
 *
 * Comes in: a frame or a packet and a reason. Goes out: a count per reason, the newest destination of
 * that reason for egress's report (ask_tick()), and a record in the packet log. The frame stays the
 * caller's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/clock.h"
#include "stack/path.h"

static void record_frame(struct stack *s, const struct frame *f, const char *verdict,
			 enum drop_reason reason, const struct flow *flow)
{
	if (s->rec)
		record_packet(s->rec, RECORD_FROM_SANDBOX, clock_wall_ns(), f->seg, f->n_segs, verdict,
			      reason, flow);
}

/* A reassembled datagram has no frame of its own: it is recorded as the one it could have been. */
static void record_whole(struct stack *s, const struct packet *p, const char *verdict,
			 enum drop_reason reason, const struct flow *flow)
{
	bool v4 = addr_is_v4(&p->dst);
	uint8_t eth[14];
	struct iovec iov[3] = {
		{ eth, sizeof(eth) },
		{ p->ip, p->ip_hlen },
		{ p->l4, p->l4_contig },
	};

	if (p->frame) {
		record_frame(s, p->frame, verdict, reason, flow);
		return;
	}
	if (!s->rec)
		return;
	memcpy(eth, s->cfg.gw_mac, 6);
	memcpy(eth + 6, s->cfg.sb_mac, 6);
	eth[12] = v4 ? 0x08 : 0x86;
	eth[13] = v4 ? 0x00 : 0xdd;
	record_packet(s->rec, RECORD_FROM_SANDBOX, clock_wall_ns(), iov, 3, verdict, reason, flow);
}

static bool has_ports(const struct packet *p)
{
	return (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP) && p->l4 && p->l4_contig >= 4;
}

void path_drop(struct stack *s, const struct packet *p, enum drop_reason reason)
{
	unsigned int dport = has_ports(p) ? (unsigned int)p->l4[2] << 8 | p->l4[3] : 0;

	path_count(s, reason, p->proto, &p->dst, (uint16_t)dport);
	record_whole(s, p, "drop", reason, NULL);
}

void path_drop_frame(struct stack *s, struct frame *f, enum drop_reason reason)
{
	s->drops[reason]++;
	s->drops_newest[reason] = (struct drop_newest){ 0 };
	intake_useless(s);
	record_frame(s, f, "drop", reason, NULL);
}

void path_count(struct stack *s, enum drop_reason reason, uint8_t proto, const struct addr *dst,
		uint16_t dport)
{
	s->drops[reason]++;
	/* What we had no room for is no nuisance: it comes again. */
	if (reason != DROP_NO_MEMORY)
		intake_useless(s);
	s->drops_newest[reason] = (struct drop_newest){ .dst = *dst, .dport = dport, .proto = proto };
}

void path_refuse(struct stack *s, const struct packet *p, enum drop_reason reason,
		 const struct flow *f)
{
	intake_useless(s);
	record_whole(s, p, "drop", reason, f);
}

void path_accept(struct stack *s, const struct packet *p, const struct flow *f)
{
	record_whole(s, p, f && f->state == FLOW_ASKED ? "held" : "accept", DROP_NONE, f);
}

void path_hold(struct stack *s, const struct packet *p, const struct flow *f)
{
	record_whole(s, p, "held", DROP_NONE, f);
}
