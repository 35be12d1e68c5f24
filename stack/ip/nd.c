/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nd: neighbour discovery for the sandbox's link (RFC 4861), the gateway's side only.
 *
 * Comes in: router and neighbour solicitations. Goes out: a neighbour advertisement with the gateway's
 * MAC for every target but the sandbox's own, and a router advertisement that makes the gateway the
 * default router and resolver (RFC 8106) and offers no prefix: the sandbox's address is configured, not
 * made up. Advertisements from the sandbox are ignored, nothing is learnt from any message. A
 * solicitation without a source is duplicate address detection (RFC 4862 s. 5.4) and gets no answer.
 *
 * The router lifetime is the longest there is (RFC 8319): advertisements are sent on solicitation only.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/ip/output.h"

enum {
	ND_HOP_LIMIT = 255,
	ND_OPTIONS_MAX = 32,		/* more than any solicitation has */
	ND_OPT_RDNSS = 25,		/* RFC 8106 s. 5.1 */
	RA_ROUTER_LIFETIME = 0xffff,	/* seconds, RFC 8319 s. 4 */
};

/* fe80::1, the gateway's own on the link: RFC 4861 s. 4.2 wants a link-local source. */
static const struct addr gw_link_local = { .b = { 0xfe, 0x80, [15] = 1 } };
static const struct addr all_nodes = { .b = { 0xff, 0x02, [15] = 1 } };
static const struct addr unspecified;

/* Walks the options. 0 or -EBADMSG; says whether one is a source link-layer address. */
static int options_check(struct rd *r, bool *ret_has_source)
{
	bool has_source = false;
	int n = 0;

	while (rd_left(r)) {
		uint8_t type, len;

		if (++n > ND_OPTIONS_MAX || !rd_u8(r, &type) || !rd_u8(r, &len) || len == 0 ||
		    !rd_skip(r, (size_t)len * 8 - 2))
			return -EBADMSG;
		has_source |= type == ND_OPT_SOURCE_LINKADDR;
	}
	if (!rd_done(r))
		return -EBADMSG;
	*ret_has_source = has_source;
	return 0;
}

static bool is_solicited_node(const struct addr *a)
{
	static const uint8_t prefix[13] = { 0xff, 0x02, [11] = 1, [12] = 0xff };

	return memcmp(a->b, prefix, sizeof(prefix)) == 0;
}

static void neighbour_advert(struct stack *s, const struct packet *p, const struct addr *target)
{
	uint8_t m[32] = { ND_NEIGHBOR_ADVERT };

	m[4] = 0xe0;		/* router, solicited, override */
	memcpy(m + 8, target->b, 16);
	m[24] = ND_OPT_TARGET_LINKADDR;
	m[25] = 1;
	memcpy(m + 26, s->cfg.gw_mac, 6);
	output_icmp6(s, target, &p->src, m, sizeof(m), ND_HOP_LIMIT);
}

/* RFC 4861 s. 7.1.1. 0 or -EBADMSG. */
static int neighbour_solicit(struct stack *s, const struct packet *p, struct rd *r)
{
	bool dad = addr_eq(&p->src, &unspecified);
	bool has_source;
	struct addr target;

	if (!rd_skip(r, 4) || !rd_copy(r, target.b, 16) || options_check(r, &has_source) < 0)
		return -EBADMSG;
	if (target.b[0] == 0xff || addr_is_v4(&target) || addr_eq(&target, &unspecified))
		return -EBADMSG;
	if (dad && (has_source || !is_solicited_node(&p->dst)))
		return -EBADMSG;
	path_accept(s, p, NULL);
	if (!dad && !addr_eq(&target, &s->cfg.sb6) && !addr_eq(&target, &p->src))
		neighbour_advert(s, p, &target);
	return 0;
}

static void router_advert(struct stack *s, const struct packet *p)
{
	uint8_t m[56] = { ND_ROUTER_ADVERT };
	bool anyone = addr_eq(&p->src, &unspecified);

	m[4] = IP_TTL_DEFAULT;		/* hop limit; flags M and O stay 0 */
	put_be16(m + 6, RA_ROUTER_LIFETIME);
	m[16] = ND_OPT_SOURCE_LINKADDR;
	m[17] = 1;
	memcpy(m + 18, s->cfg.gw_mac, 6);
	m[24] = ND_OPT_MTU;
	m[25] = 1;
	put_be32(m + 28, s->cfg.mtu);
	m[32] = ND_OPT_RDNSS;
	m[33] = 3;
	put_be32(m + 36, 0xffffffff);
	memcpy(m + 40, s->cfg.gw6.b, 16);
	output_icmp6(s, &gw_link_local, anyone ? &all_nodes : &p->src, m, sizeof(m), ND_HOP_LIMIT);
}

/* RFC 4861 s. 6.1.1. */
static int router_solicit(struct stack *s, const struct packet *p, struct rd *r)
{
	bool has_source;

	if (!rd_skip(r, 4) || options_check(r, &has_source) < 0)
		return -EBADMSG;
	if (has_source && addr_eq(&p->src, &unspecified))
		return -EBADMSG;
	path_accept(s, p, NULL);
	router_advert(s, p);
	return 0;
}

void nd_input(struct stack *s, struct packet *p)
{
	struct rd r = rd_init(p->l4, p->l4_contig);
	uint8_t type = 0, code = 1;
	int err;

	/* RFC 6980: never in fragments, not even atomic ones. */
	if (p->reassembled || p->ip_hlen != IP6_HLEN || p->ttl != ND_HOP_LIMIT || !rd_u8(&r, &type) ||
	    !rd_u8(&r, &code) || code != 0 || !rd_skip(&r, 2)) {
		path_drop(s, p, DROP_ND_BAD);
		return;
	}
	switch (type) {
	case ND_ROUTER_SOLICIT:
		err = router_solicit(s, p, &r);
		break;
	case ND_NEIGHBOR_SOLICIT:
		err = neighbour_solicit(s, p, &r);
		break;
	case ND_NEIGHBOR_ADVERT:	/* how a kernel announces itself; nothing to learn */
		path_accept(s, p, NULL);
		return;
	default:			/* the sandbox is no router */
		path_drop(s, p, DROP_ICMP_TYPE);
		return;
	}
	if (err < 0)
		path_drop(s, p, DROP_ND_BAD);
}
