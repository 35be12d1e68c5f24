/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp_error: what the sandbox hears when a packet of its goes no further.
 *
 * Rules of RFC 792, RFC 1122 s. 3.2.2, RFC 1812 s. 4.3.2 and RFC 4443 s. 2.4: never about an ICMP
 * error, a non-first fragment, a multicast or broadcast, or a packet without a source; as much of the
 * packet is quoted as fits into 576 or 1,280 bytes; a token bucket bounds the rate. Messages that a
 * host would send (port, protocol, reassembly) come from the address that was asked, messages of a
 * router (unreachable, prohibited, too big, TTL) from the gateway's.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/rd.h"
#include "stack/ip/output.h"

enum {
	ICMP_RATE = 200,		/* errors per second */
	ICMP_BURST = 50,
	ICMP_HLEN = 8,
	ICMP4_SIZE_MAX = 576,		/* RFC 1812 s. 4.3.2.3 */
	ICMP6_SIZE_MAX = 1280,		/* RFC 4443 s. 2.4 (c) */
};

static struct {
	uint64_t last_ns;
	uint32_t tokens;
} bucket;

void icmp_init(struct stack *s)
{
	bucket.last_ns = s->now;
	bucket.tokens = ICMP_BURST;
}

static bool rate_ok(struct stack *s)
{
	uint64_t step = NS_PER_S / ICMP_RATE;
	uint64_t n = s->now > bucket.last_ns ? (s->now - bucket.last_ns) / step : 0;

	if (n) {
		bucket.last_ns += n * step;
		bucket.tokens = n >= ICMP_BURST - bucket.tokens ? ICMP_BURST :
								  bucket.tokens + (uint32_t)n;
	}
	if (bucket.tokens == 0) {
		s->drops[DROP_RATE_ICMP]++;
		return false;
	}
	bucket.tokens--;
	return true;
}

static void type_code4(enum icmp_error kind, uint8_t *ret_type, uint8_t *ret_code)
{
	*ret_type = ICMP_DEST_UNREACH;
	switch (kind) {
	case ICMP_ERR_NET_UNREACH: *ret_code = ICMP_NET_UNREACH; break;
	case ICMP_ERR_HOST_UNREACH: *ret_code = ICMP_HOST_UNREACH; break;
	case ICMP_ERR_PROTO_UNREACH: *ret_code = ICMP_PROT_UNREACH; break;
	case ICMP_ERR_PORT_UNREACH: *ret_code = ICMP_PORT_UNREACH; break;
	case ICMP_ERR_ADMIN: *ret_code = ICMP_PKT_FILTERED; break;
	case ICMP_ERR_TOO_BIG: *ret_code = ICMP_FRAG_NEEDED; break;
	case ICMP_ERR_TTL:
		*ret_type = ICMP_TIME_EXCEEDED;
		*ret_code = ICMP_EXC_TTL;
		break;
	case ICMP_ERR_REASSEMBLY:
		*ret_type = ICMP_TIME_EXCEEDED;
		*ret_code = ICMP_EXC_FRAGTIME;
		break;
	}
}

static void type_code6(enum icmp_error kind, uint8_t *ret_type, uint8_t *ret_code)
{
	*ret_type = ICMP6_DST_UNREACH;
	switch (kind) {
	case ICMP_ERR_NET_UNREACH: *ret_code = ICMP6_DST_UNREACH_NOROUTE; break;
	case ICMP_ERR_HOST_UNREACH: *ret_code = ICMP6_DST_UNREACH_ADDR; break;
	case ICMP_ERR_PORT_UNREACH: *ret_code = ICMP6_DST_UNREACH_NOPORT; break;
	case ICMP_ERR_ADMIN: *ret_code = ICMP6_DST_UNREACH_ADMIN; break;
	case ICMP_ERR_PROTO_UNREACH:
		*ret_type = ICMP6_PARAM_PROB;
		*ret_code = ICMP6_PARAMPROB_NEXTHEADER;
		break;
	case ICMP_ERR_TOO_BIG:
		*ret_type = ICMP6_PACKET_TOO_BIG;
		*ret_code = 0;
		break;
	case ICMP_ERR_TTL:
		*ret_type = ICMP6_TIME_EXCEEDED;
		*ret_code = ICMP6_TIME_EXCEED_TRANSIT;
		break;
	case ICMP_ERR_REASSEMBLY:
		*ret_type = ICMP6_TIME_EXCEEDED;
		*ret_code = ICMP6_TIME_EXCEED_REASSEMBLY;
		break;
	}
}

/* What the rules need to know of the quoted packet. */
struct quote {
	struct addr src, dst;
	uint8_t proto;
	uint8_t icmp_type;		/* when proto is ICMP */
	bool has_icmp_type;
	uint32_t frag_off;
};

static bool quote_parse4(struct rd *r, const uint8_t *h, struct quote *ret_q)
{
	struct quote q = { .proto = h[9], .frag_off = get_be16(h + 6) & 0x1fffu };
	size_t hlen = (h[0] & 0xfu) * 4;

	if (hlen < IP4_HLEN || !rd_skip(r, hlen - IP4_HLEN))
		return false;
	q.src = addr_from_v4(h + 12);
	q.dst = addr_from_v4(h + 16);
	q.has_icmp_type = rd_u8(r, &q.icmp_type);
	*ret_q = q;
	return true;
}

static bool quote_parse6(struct rd *r, const uint8_t *h, struct quote *ret_q)
{
	struct quote q = { .proto = h[6] };
	const uint8_t *frag;

	q.src = addr_from_v6(h + 8);
	q.dst = addr_from_v6(h + 24);
	if (addr_is_v4(&q.src) || addr_is_v4(&q.dst))
		return false;
	if (q.proto == IPPROTO_FRAGMENT) {
		frag = rd_bytes(r, IP6_FRAG_HLEN);
		if (!frag)
			return false;
		q.proto = frag[0];
		q.frag_off = get_be16(frag + 2) >> 3;
	}
	q.has_icmp_type = rd_u8(r, &q.icmp_type);
	*ret_q = q;
	return true;
}

static bool quote_parse(const uint8_t *ip, size_t len, struct quote *ret_q)
{
	struct rd r = rd_init(ip, len);
	const uint8_t *h = rd_bytes(&r, IP4_HLEN);

	if (!h)
		return false;
	if (h[0] >> 4 == 4)
		return quote_parse4(&r, h, ret_q);
	if (h[0] >> 4 != 6 || !rd_skip(&r, IP6_HLEN - IP4_HLEN))
		return false;
	return quote_parse6(&r, h, ret_q);
}

static bool is_icmp_error(const struct quote *q)
{
	if (q->proto == IPPROTO_ICMP && addr_is_v4(&q->dst)) {
		return !q->has_icmp_type ||
		       !(q->icmp_type == ICMP_ECHO || q->icmp_type == ICMP_ECHOREPLY ||
			 (q->icmp_type >= ICMP_TIMESTAMP && q->icmp_type <= ICMP_ADDRESSREPLY));
	}
	if (q->proto == IPPROTO_ICMPV6 && !addr_is_v4(&q->dst))
		return !q->has_icmp_type || q->icmp_type < 128;
	return false;
}

static bool may_answer(const struct stack *s, const struct quote *q)
{
	bool v4 = addr_is_v4(&q->dst);

	if (q->frag_off || is_icmp_error(q))
		return false;
	if (v4 ? q->dst.b[12] >= 224 && q->dst.b[12] < 240 : q->dst.b[0] == 0xff)
		return false;
	if (v4 && get_be32(q->dst.b + 12) == 0xffffffffu)
		return false;
	/* Also keeps an error from ever going to an address that is not the sandbox's. */
	return addr_eq(&q->src, v4 ? &s->cfg.sb4 : &s->cfg.sb6);
}

static bool host_says(enum icmp_error kind)
{
	return kind == ICMP_ERR_PORT_UNREACH || kind == ICMP_ERR_PROTO_UNREACH ||
	       kind == ICMP_ERR_REASSEMBLY;
}

/* ip: the IP header and what follows it directly, rest: more of it (may be empty). */
static bool send_error(struct stack *s, const struct iovec ip[2], enum icmp_error kind, uint32_t mtu,
		       enum drop_reason why)
{
	uint8_t head[ICMP_HLEN] = { 0 };
	struct iovec iov[3] = { { head, sizeof(head) }, ip[0], ip[1] };
	struct quote q;
	bool v4;
	size_t room;

	if (!quote_parse(ip[0].iov_base, ip[0].iov_len, &q) || !may_answer(s, &q) || !rate_ok(s))
		return false;
	v4 = addr_is_v4(&q.dst);
	if (v4)
		type_code4(kind, &head[0], &head[1]);
	else
		type_code6(kind, &head[0], &head[1]);
	if (kind == ICMP_ERR_TOO_BIG) {
		if (v4)
			put_be16(head + 6, mtu > 0xffff ? 0xffff : mtu);
		else
			put_be32(head + 4, mtu);
	} else if (kind == ICMP_ERR_PROTO_UNREACH && !v4) {
		put_be32(head + 4, 6);	/* pointer: the next header field */
	}
	room = (v4 ? ICMP4_SIZE_MAX - IP4_HLEN : ICMP6_SIZE_MAX - IP6_HLEN) - ICMP_HLEN;
	for (int i = 1; i < 3; i++) {
		if (iov[i].iov_len > room)
			iov[i].iov_len = room;
		room -= iov[i].iov_len;
	}
	return ip_output(s, host_says(kind) ? &q.dst : v4 ? &s->cfg.gw4 : &s->cfg.gw6, &q.src,
			 v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, iov, 3, NULL, why) == 0;
}

bool icmp_error_output(struct stack *s, const struct packet *p, enum icmp_error kind, uint32_t mtu,
		       enum drop_reason why)
{
	/* Header and payload lie apart in a flattened or reassembled packet, so join their beginnings. */
	uint8_t start[IP6_HLEN + IP6_FRAG_HLEN + 8];
	size_t n = p->l4_contig < 8 ? p->l4_contig : 8;
	struct iovec ip[2];

	if (p->ip_hlen > sizeof(start) - 8)
		return false;
	memcpy(start, p->ip, p->ip_hlen);
	memcpy(start + p->ip_hlen, p->l4, n);
	ip[0] = (struct iovec){ start, p->ip_hlen + n };
	ip[1] = (struct iovec){ p->l4 + n, p->l4_contig - n };
	return send_error(s, ip, kind, mtu, why);
}

bool icmp_error_output_raw(struct stack *s, const uint8_t *ip, size_t len, enum icmp_error kind,
			   uint32_t mtu, enum drop_reason why)
{
	struct iovec iov[2] = { { (uint8_t *)(uintptr_t)ip, len }, { NULL, 0 } };

	return send_error(s, iov, kind, mtu, why);
}

enum icmp_error icmp_error_of_errno(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return ICMP_ERR_PORT_UNREACH;
	case ENOPROTOOPT:
		return ICMP_ERR_PROTO_UNREACH;
	case EACCES:
	case EPERM:
		return ICMP_ERR_ADMIN;
	case EMSGSIZE:
		return ICMP_ERR_TOO_BIG;
	case ENETUNREACH:
	case ENETDOWN:
	case ENONET:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		return ICMP_ERR_NET_UNREACH;
	default:	/* EHOSTUNREACH, ETIMEDOUT, EHOSTDOWN and what we know no word for */
		return ICMP_ERR_HOST_UNREACH;
	}
}
