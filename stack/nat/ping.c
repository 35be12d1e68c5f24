/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ping: echo requests to other hosts, over the host's unprivileged ping sockets.
 *
 * Comes in: an echo request that icmp_input() checked. A conversation is one identifier and one
 * destination; its socket (SOCK_DGRAM, IPPROTO_ICMP or IPPROTO_ICMPV6, connected) gets an identifier
 * from the host's kernel, which also makes the checksum. The reply goes back with the sandbox's
 * identifier and the sequence number it chose. Only the payload reaches the far side.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/nat/dgram.h"

enum {
	ECHO_HLEN = 8,
	PING_IDLE_S = 30,		/* RFC 5508 REQ-2 asks for 60 of a NAT's own mapping; */
	PING_IDLE_REPLIED_S = 60,	/* a ping that was answered gets them */
	PING_HOLD_N = 4,
	PING_HOLD_BYTES = 66 << 10,
};

const struct dgram_kind ping_kind = {
	.hold_n = PING_HOLD_N,
	.hold_bytes = PING_HOLD_BYTES,
	.skip = 0,
	.idle_s = PING_IDLE_S,
	.idle_replied_s = PING_IDLE_REPLIED_S,
};

void ping_input(struct stack *s, struct packet *p)
{
	struct rd r = rd_init(p->l4, p->l4_contig);
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.src = p->src;
	k.dst = p->dst;
	k.proto = IPPROTO_ICMP;
	rd_skip(&r, 4);
	if (!rd_be16(&r, &k.sport) || !rd_skip(&r, 2)) {
		path_drop(s, p, DROP_ICMP_BAD);
		return;
	}
	dgram_input(s, p, &k);
}

/* A reply as the kernel hands it out: ICMP header and payload, no IP header. */
static bool deliver(struct stack *s, struct flow *f, uint8_t *buf, size_t len)
{
	bool v4 = addr_is_v4(&f->key.dst);
	struct rd r = rd_init(buf, len);
	struct iovec iov = { buf, len };
	uint8_t type = 0, code = 0;

	rd_u8(&r, &type);
	rd_u8(&r, &code);
	if (!rd_skip(&r, 6) || code != 0 ||
	    type != (f->udp->far_v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY))
		return false;
	buf[0] = v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	buf[4] = (uint8_t)(f->key.sport >> 8);
	buf[5] = (uint8_t)f->key.sport;
	if (ip_output(s, &f->key.dst, &f->key.src, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, &iov, 1, f,
		      DROP_NONE) < 0)
		return false;
	f->down_bytes += len - ECHO_HLEN;
	return true;
}

void ping_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd)
{
	dgram_verdict(s, f, v, fd);
}

void ping_event(struct stack *s, struct flow *f, uint32_t epoll_events)
{
	dgram_event(s, f, epoll_events, deliver);
}

void ping_expired(struct stack *s, struct flow *f)
{
	dgram_expired(s, f);
}

void ping_cut(struct stack *s, struct flow *f, enum drop_reason reason)
{
	dgram_cut(s, f, reason);
}
