/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip: the bounded parser that stands in front of everything, both families.
 *
 * Comes in: the Ethernet payload of a frame. Goes out: a struct packet whose lengths are true and whose
 * addresses make sense, to the fragment table or to its protocol. Padding behind the packet is cut.
 * IPv4 options and IPv6 extension headers other than the fragment header are refused: the gateway
 * makes every header anew, so they could only be used against it.
 *
 * The gateway is a router to the sandbox: a packet for somewhere else with TTL 1 gets "time exceeded"
 * from the gateway's address, as the first hop of a traceroute expects; TTL 0 is dropped (RFC 1812
 * s. 5.3.1). Larger values end here all the same: what the host sends has a TTL of its own. Checksums
 * are not verified (stack/ip/csum.c).
 *
 * A packet that is not TCP and spans several segments is made contiguous in one static buffer, which
 * holds any packet and is free again when ip_input() returns.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/ip/output.h"

enum {
	IP4_MF = 0x2000,
	IP4_RESERVED = 0x8000,
	IP4_OFFSET = 0x1fff,
	DHCP_SERVER_PORT = 67,
	PROTO_ESP = 50,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

struct fragment {
	bool is;			/* part of a larger datagram */
	bool more;
	uint16_t off;			/* bytes */
	uint32_t id;
};

static uint8_t flat[65536];

static bool is_multicast(const struct addr *dst)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	const uint8_t *d = dst->b + 12;

	if (!addr_is_v4(dst))
		return dst->b[0] == 0xff;
	return (d[0] & 0xf0) == 0xe0 || memcmp(d, broadcast, 4) == 0;
}

static bool is_link_local6(const struct addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

static bool is_unspecified6(const struct addr *a)
{
	static const struct addr zero;

	return addr_eq(a, &zero);
}

static bool is_nowhere(const struct stack *s, const struct addr *dst)
{
	static const struct addr loopback6 = { .b = { [15] = 1 } };
	const uint8_t *d = dst->b + 12;

	if (addr_is_v4(dst))
		return d[0] == 0 || d[0] == 127 || addr_eq(dst, &s->cfg.sb4);
	return is_unspecified6(dst) || addr_eq(dst, &loopback6) || addr_eq(dst, &s->cfg.sb6);
}

/* The one thing that is broadcast to us, and whose sender may have no address yet. */
static bool is_dhcp(const struct packet *p, const struct fragment *fr)
{
	return p->proto == IPPROTO_UDP && !fr->is && p->l4_contig >= 8 &&
	       get_be16(p->l4 + 2) == DHCP_SERVER_PORT && p->dst.b[12] == 255;
}

static enum drop_reason check_addrs4(const struct stack *s, const struct packet *p,
				     const struct fragment *fr)
{
	static const uint8_t zero[4];

	if (is_multicast(&p->dst)) {
		if (!is_dhcp(p, fr))
			return DROP_MULTICAST;
		if (memcmp(p->src.b + 12, zero, 4) == 0)
			return DROP_NONE;
	} else if (is_nowhere(s, &p->dst)) {
		return DROP_IP_DEST;
	}
	return addr_eq(&p->src, &s->cfg.sb4) ? DROP_NONE : DROP_IP_SOURCE;
}

static enum drop_reason check_addrs6(const struct stack *s, const struct packet *p)
{
	/* Neighbour discovery alone speaks to multicast groups and from link-local addresses. */
	bool icmp = p->proto == IPPROTO_ICMPV6;

	if (is_multicast(&p->dst)) {
		if (!icmp)
			return DROP_MULTICAST;
	} else if (is_nowhere(s, &p->dst)) {
		return DROP_IP_DEST;
	}
	if (addr_eq(&p->src, &s->cfg.sb6))
		return DROP_NONE;
	return icmp && (is_link_local6(&p->src) || is_unspecified6(&p->src)) ? DROP_NONE :
									       DROP_IP_SOURCE;
}

/* True when the packet may go on; else it has been dropped. */
static bool check_packet(struct stack *s, const struct packet *p, const struct fragment *fr)
{
	bool v4 = addr_is_v4(&p->dst);
	enum drop_reason why = v4 ? check_addrs4(s, p, fr) : check_addrs6(s, p);

	if (why == DROP_NONE && p->ttl == 0)
		why = DROP_IP_TTL;
	if (why == DROP_NONE && p->ttl == 1 && !is_multicast(&p->dst) &&
	    !addr_eq(&p->dst, v4 ? &s->cfg.gw4 : &s->cfg.gw6)) {
		why = DROP_IP_TTL;
		icmp_error_output(s, p, ICMP_ERR_TTL, 0, why);
	}
	if (why == DROP_NONE)
		return true;
	path_drop(s, p, why);
	return false;
}

/* Makes all of l4 contiguous. The IP header stays where it is. */
static void flatten(struct packet *p)
{
	const struct frame *f = p->frame;
	size_t skip = p->l4_off;
	size_t n = 0;

	if (p->l4_contig == p->l4_len)
		return;
	for (int i = 0; i < f->n_segs && n < p->l4_len; i++) {
		const uint8_t *base = f->seg[i].iov_base;
		size_t len = f->seg[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		base += skip;
		len -= skip;
		skip = 0;
		if (len > p->l4_len - n)
			len = p->l4_len - n;
		memcpy(flat + n, base, len);
		n += len;
	}
	p->l4 = flat;
	p->l4_len = p->l4_contig = (uint32_t)n;
}

void ip_deliver(struct stack *s, struct packet *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
		tcp_input_frame(s, p);
		return;
	case IPPROTO_UDP:
		udp_input(s, p);
		return;
	case IPPROTO_ICMP:
		if (!addr_is_v4(&p->dst))
			break;
		icmp_input(s, p);
		return;
	case IPPROTO_ICMPV6:
		if (addr_is_v4(&p->dst))
			break;
		icmp_input(s, p);
		return;
	default:
		break;
	}
	path_drop(s, p, DROP_IP_PROTO);
	icmp_error_output(s, p, ICMP_ERR_PROTO_UNREACH, 0, DROP_IP_PROTO);
}

static void ip_checked(struct stack *s, struct packet *p, const struct fragment *fr)
{
	if (!check_packet(s, p, fr))
		return;
	if (p->proto != IPPROTO_TCP || fr->is)
		flatten(p);
	if (fr->is)
		frag_input(s, p, fr->id, fr->off, fr->more);
	else
		ip_deliver(s, p);
}

static void packet_set_l4(struct packet *p, const struct frame *f, size_t hlen, size_t l4_len)
{
	size_t contig = f->seg[0].iov_len - ETH_HEAD - hlen;

	p->ip_hlen = (uint16_t)hlen;
	p->l4_off = (uint16_t)(ETH_HEAD + hlen);
	p->l4 = (uint8_t *)f->seg[0].iov_base + p->l4_off;
	p->l4_len = (uint32_t)l4_len;
	p->l4_contig = (uint32_t)(contig < l4_len ? contig : l4_len);
}

static enum drop_reason ip4_parse(struct packet *p, struct fragment *fr)
{
	const struct frame *f = p->frame;
	struct rd r = rd_init(f->seg[0].iov_base, f->seg[0].iov_len);
	const uint8_t *h;
	uint32_t total, off;

	rd_skip(&r, ETH_HEAD);
	h = rd_bytes(&r, IP4_HLEN);
	if (!h)
		return DROP_IP_SHORT;
	total = get_be16(h + 2);
	off = get_be16(h + 6);
	if (h[0] >> 4 != 4 || (h[0] & 0xf) < 5 || total < (uint32_t)(h[0] & 0xf) * 4 ||
	    (off & IP4_RESERVED))
		return DROP_IP_BAD_HEADER;
	if (total > f->len - ETH_HEAD)
		return DROP_IP_SHORT;
	p->src = addr_from_v4(h + 12);
	p->dst = addr_from_v4(h + 16);
	p->proto = h[9];
	p->ttl = h[8];
	p->tos = h[1];
	packet_set_l4(p, f, IP4_HLEN, total - IP4_HLEN);
	/* IGMP reports carry a router alert; they are no attack, so the address is judged first. */
	if ((h[0] & 0xf) > 5)
		return (h[16] & 0xf0) == 0xe0 ? DROP_MULTICAST : DROP_IP_OPTIONS;
	fr->is = (off & (IP4_MF | IP4_OFFSET)) != 0;
	fr->more = off & IP4_MF;
	fr->off = (uint16_t)((off & IP4_OFFSET) * 8);
	fr->id = get_be16(h + 4);
	return DROP_NONE;
}

static bool is_ext_header(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT || next == IPPROTO_AH || next == PROTO_ESP ||
	       next == PROTO_MOBILITY || next == PROTO_HIP || next == PROTO_SHIM6;
}

/* The fragment header, if it is the first and only one. An atomic one (RFC 6946) simply goes away. */
static enum drop_reason ip6_fragment_header(struct packet *p, struct rd *r, struct fragment *fr,
					    size_t plen)
{
	const uint8_t *h = rd_bytes(r, IP6_FRAG_HLEN);
	uint16_t off;

	if (!h || plen < IP6_FRAG_HLEN)
		return DROP_IP_SHORT;
	off = get_be16(h + 2);
	p->proto = h[0];
	fr->off = off & 0xfff8;
	fr->more = off & 1;
	fr->is = fr->off || fr->more;
	fr->id = get_be32(h + 4);
	packet_set_l4(p, p->frame, IP6_HLEN + IP6_FRAG_HLEN, plen - IP6_FRAG_HLEN);
	return is_ext_header(p->proto) ? DROP_IP_EXT_HEADER : DROP_NONE;
}

static bool is_mapped6(const uint8_t b[16])
{
	struct addr a = addr_from_v6(b);

	return addr_is_v4(&a);
}

static enum drop_reason ip6_parse(struct packet *p, struct fragment *fr)
{
	const struct frame *f = p->frame;
	struct rd r = rd_init(f->seg[0].iov_base, f->seg[0].iov_len);
	const uint8_t *h;
	size_t plen;

	rd_skip(&r, ETH_HEAD);
	h = rd_bytes(&r, IP6_HLEN);
	if (!h)
		return DROP_IP_SHORT;
	plen = get_be16(h + 4);
	/* A payload length of 0 means a jumbogram (RFC 2675) or nothing at all: neither is served. */
	if (h[0] >> 4 != 6 || plen == 0)
		return DROP_IP_BAD_HEADER;
	if (plen > f->len - ETH_HEAD - IP6_HLEN)
		return DROP_IP_SHORT;
	/* A mapped address would become an IPv4 address in struct addr (lib/addr.h). */
	if (is_mapped6(h + 8) || is_mapped6(h + 24))
		return DROP_BAD_ADDR;
	p->src = addr_from_v6(h + 8);
	p->dst = addr_from_v6(h + 24);
	p->proto = h[6];
	p->ttl = h[7];
	p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
	packet_set_l4(p, f, IP6_HLEN, plen);
	if (p->proto == IPPROTO_FRAGMENT)
		return ip6_fragment_header(p, &r, fr, plen);
	/* MLD reports carry a router alert; they are no attack, so the address is judged first. */
	if (is_ext_header(p->proto))
		return is_multicast(&p->dst) ? DROP_MULTICAST : DROP_IP_EXT_HEADER;
	return DROP_NONE;
}

void ip_input(struct stack *s, struct frame *f, uint16_t ethertype)
{
	struct packet p = { .frame = f };
	struct fragment fr = { 0 };
	enum drop_reason why;

	p.ip = (uint8_t *)f->seg[0].iov_base + ETH_HEAD;
	why = ethertype == ETH_TYPE_IP4 ? ip4_parse(&p, &fr) : ip6_parse(&p, &fr);
	if (why != DROP_NONE) {
		path_drop(s, &p, why);
		return;
	}
	ip_checked(s, &p, &fr);
}
