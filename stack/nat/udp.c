/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp: UDP from the sandbox, and what comes back.
 *
 * Comes in: a whole UDP datagram. Port 53 of any address is the gateway's DNS, port 67 of the gateway
 * or of everybody is its DHCP server; everything else is a conversation with one destination
 * (dgram.c), at most 65,507 bytes a datagram, empty ones included. The checksum is not looked at:
 * see stack/ip/csum.c.
 */
#include <netinet/in.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/nat/dgram.h"

enum {
	UDP_HLEN = 8,
	PORT_DNS = 53,
	PORT_DHCP = 67,
	UDP_IDLE_S = 30,		/* as Linux's conntrack and passt */
	UDP_IDLE_REPLIED_S = 180,	/* RFC 4787 REQ-5 asks for at least 120 */
	UDP_HOLD_N = 8,
	UDP_HOLD_BYTES = 128 << 10,
};

const struct dgram_kind udp_kind = {
	.hold_n = UDP_HOLD_N,
	.hold_bytes = UDP_HOLD_BYTES,
	.skip = UDP_HLEN,
	.idle_s = UDP_IDLE_S,
	.idle_replied_s = UDP_IDLE_REPLIED_S,
};

/* Fills ports; cuts what lies behind the datagram's own length. */
static enum drop_reason udp_parse(struct packet *p, struct flow_key *k)
{
	struct rd r = rd_init(p->l4, p->l4_contig);
	uint16_t len = 0;

	rd_be16(&r, &k->sport);
	rd_be16(&r, &k->dport);
	rd_be16(&r, &len);
	if (!rd_skip(&r, 2) || len < UDP_HLEN || len > p->l4_contig)
		return DROP_UDP_SHORT;
	if (k->sport == 0 || k->dport == 0)
		return DROP_PORT_ZERO;
	p->l4_len = p->l4_contig = len;
	return DROP_NONE;
}

void udp_input(struct stack *s, struct packet *p)
{
	struct flow_key k;
	enum drop_reason why;

	memset(&k, 0, sizeof(k));
	k.src = p->src;
	k.dst = p->dst;
	k.proto = IPPROTO_UDP;
	why = udp_parse(p, &k);
	if (why != DROP_NONE) {
		path_drop(s, p, why);
		return;
	}
	if (k.dport == PORT_DNS) {
		dns_udp_input(s, p);
		return;
	}
	if (k.dport == PORT_DHCP && addr_is_v4(&p->dst) &&
	    (addr_eq(&p->dst, &s->cfg.gw4) || p->dst.b[12] == 255)) {
		dhcp_input(s, p);
		return;
	}
	dgram_input(s, p, &k);
}

static bool deliver(struct stack *s, struct flow *f, uint8_t *buf, size_t len)
{
	uint8_t h[UDP_HLEN] = {
		(uint8_t)(f->key.dport >> 8), (uint8_t)f->key.dport,
		(uint8_t)(f->key.sport >> 8), (uint8_t)f->key.sport,
		(uint8_t)((len + UDP_HLEN) >> 8), (uint8_t)(len + UDP_HLEN), 0, 0,
	};
	struct iovec iov[2] = { { h, sizeof(h) }, { buf, len } };

	if (ip_output(s, &f->key.dst, &f->key.src, IPPROTO_UDP, iov, 2, f, DROP_NONE) < 0)
		return false;
	f->down_bytes += len;
	return true;
}

void udp_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd)
{
	dgram_verdict(s, f, v, fd);
}

void udp_event(struct stack *s, struct flow *f, uint32_t epoll_events)
{
	dgram_event(s, f, epoll_events, deliver);
}

void udp_expired(struct stack *s, struct flow *f)
{
	dgram_expired(s, f);
}

void udp_cut(struct stack *s, struct flow *f, enum drop_reason reason)
{
	dgram_cut(s, f, reason);
}
