/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dhcp: gives the sandbox the one address it has (RFC 2131), for endpoints that configure themselves.
 *
 * Comes in: BOOTREQUESTs from the sandbox's MAC. Goes out: OFFER, ACK or NAK with the configured
 * address, the gateway as router and resolver, the MTU. There is one client and one address, so there
 * is no lease table: the answer is always the same, RELEASE and DECLINE change nothing.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/ip/output.h"

enum {
	DHCP_SERVER_PORT = 67,
	DHCP_CLIENT_PORT = 68,
	UDP_HLEN = 8,
	BOOTREQUEST = 1,
	BOOTREPLY = 2,
	DHCP_FLAG_BROADCAST = 0x8000,
	DHCP_LEASE_S = 86400,
	DHCP_OPTIONS_MAX = 1024,	/* padding included; more than any client sends */
	DHCP_REPLY_LEN = 300,		/* RFC 1542 s. 2.1: clients may expect at least this */
};

enum {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_MTU = 26,
	OPT_REQUESTED = 50,
	OPT_LEASE = 51,
	OPT_OVERLOAD = 52,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_RENEWAL = 58,
	OPT_REBINDING = 59,
	OPT_END = 255,
};

enum {
	DHCPDISCOVER = 1,
	DHCPOFFER = 2,
	DHCPREQUEST = 3,
	DHCPDECLINE = 4,
	DHCPACK = 5,
	DHCPNAK = 6,
	DHCPRELEASE = 7,
	DHCPINFORM = 8,
};

struct dhcp {
	uint8_t xid[4];
	uint16_t flags;
	uint8_t ciaddr[4], giaddr[4];
	uint8_t chaddr[16];
	uint8_t type;			/* 0: none */
	bool has_requested, has_server;
	uint8_t requested[4], server[4];
};

/* One option's value; lengths that do not fit the option are malformed. */
static bool parse_option(struct rd *v, uint8_t code, struct dhcp *d)
{
	switch (code) {
	case OPT_TYPE:
		return rd_u8(v, &d->type) && rd_done(v);
	case OPT_REQUESTED:
		d->has_requested = true;
		return rd_copy(v, d->requested, 4) && rd_done(v);
	case OPT_SERVER:
		d->has_server = true;
		return rd_copy(v, d->server, 4) && rd_done(v);
	case OPT_OVERLOAD:		/* options in sname and file: nobody needs them here */
		return false;
	default:
		return true;
	}
}

static int parse_options(struct rd *r, struct dhcp *d)
{
	for (int n = 0; rd_left(r); n++) {
		uint8_t code, len;
		struct rd v;

		if (n == DHCP_OPTIONS_MAX || !rd_u8(r, &code))
			return -EBADMSG;
		if (code == OPT_PAD)
			continue;
		if (code == OPT_END)
			return 0;
		if (!rd_u8(r, &len))
			return -EBADMSG;
		v = rd_sub(r, len);
		if (v.bad || !parse_option(&v, code, d))
			return -EBADMSG;
	}
	return -EBADMSG;		/* no end option: cut short */
}

static int dhcp_parse(const void *buf, size_t len, struct dhcp *ret_d)
{
	static const uint8_t cookie[4] = { 99, 130, 83, 99 };
	struct rd r = rd_init(buf, len);
	struct dhcp d = { 0 };
	uint8_t op = 0, htype = 0, hlen = 0, got[4] = { 0 };

	rd_u8(&r, &op);
	rd_u8(&r, &htype);
	rd_u8(&r, &hlen);
	rd_skip(&r, 1);			/* hops */
	rd_copy(&r, d.xid, 4);
	rd_skip(&r, 2);			/* secs */
	rd_be16(&r, &d.flags);
	rd_copy(&r, d.ciaddr, 4);
	rd_skip(&r, 8);			/* yiaddr, siaddr */
	rd_copy(&r, d.giaddr, 4);
	rd_copy(&r, d.chaddr, 16);
	rd_skip(&r, 64 + 128);		/* sname, file */
	if (!rd_copy(&r, got, 4) || op != BOOTREQUEST || htype != 1 || hlen != 6 ||
	    memcmp(got, cookie, 4) != 0)
		return -EBADMSG;
	if (parse_options(&r, &d) < 0)
		return -EBADMSG;
	*ret_d = d;
	return 0;
}

/* The longest prefix, at most 30 bits, that holds client and router: then the router is on the link. */
static uint32_t netmask(const struct stack *s)
{
	uint32_t diff = get_be32(s->cfg.sb4.b + 12) ^ get_be32(s->cfg.gw4.b + 12);
	uint32_t mask = 0xfffffffc;

	while (diff & mask)
		mask <<= 1;
	return mask;
}

static uint8_t *put_option(uint8_t *p, uint8_t code, const void *value, uint8_t len)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, value, len);
	return p + len;
}

static uint8_t *put_option32(uint8_t *p, uint8_t code, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	return put_option(p, code, b, 4);
}

static uint8_t *put_lease(uint8_t *p)
{
	p = put_option32(p, OPT_LEASE, DHCP_LEASE_S);
	p = put_option32(p, OPT_RENEWAL, DHCP_LEASE_S / 2);
	return put_option32(p, OPT_REBINDING, DHCP_LEASE_S / 8 * 7);
}

static uint8_t *put_config(const struct stack *s, uint8_t *p)
{
	uint8_t mtu[2];

	put_be16(mtu, s->cfg.mtu > 0xffff ? 0xffff : s->cfg.mtu);
	p = put_option32(p, OPT_MASK, netmask(s));
	p = put_option(p, OPT_ROUTER, s->cfg.gw4.b + 12, 4);
	p = put_option(p, OPT_DNS, s->cfg.gw4.b + 12, 4);
	return put_option(p, OPT_MTU, mtu, 2);
}

/* Where a reply goes: RFC 2131 s. 4.1; there is no relay on this link. */
static struct addr reply_to(const struct stack *s, const struct dhcp *d, uint8_t type)
{
	static const uint8_t everybody[4] = { 255, 255, 255, 255 };
	static const uint8_t zero[4];

	if (type != DHCPNAK && memcmp(d->ciaddr, zero, 4) != 0)
		return s->cfg.sb4;
	if (type == DHCPNAK || (d->flags & DHCP_FLAG_BROADCAST))
		return addr_from_v4(everybody);
	return s->cfg.sb4;
}

static void reply(struct stack *s, const struct dhcp *d, uint8_t type, bool inform)
{
	uint8_t m[UDP_HLEN + DHCP_REPLY_LEN + 64] = { 0 };
	uint8_t *b = m + UDP_HLEN, *p = b + 240;
	struct addr to = reply_to(s, d, type);
	struct iovec iov = { m, 0 };
	size_t len;

	b[0] = BOOTREPLY;
	b[1] = 1;
	b[2] = 6;
	memcpy(b + 4, d->xid, 4);
	put_be16(b + 10, d->flags);
	if (type != DHCPNAK) {
		memcpy(b + 12, d->ciaddr, 4);
		if (!inform)
			memcpy(b + 16, s->cfg.sb4.b + 12, 4);
	}
	memcpy(b + 24, d->giaddr, 4);
	memcpy(b + 28, d->chaddr, 16);
	memcpy(b + 236, "\x63\x82\x53\x63", 4);
	p = put_option(p, OPT_TYPE, &type, 1);
	p = put_option(p, OPT_SERVER, s->cfg.gw4.b + 12, 4);
	if (type != DHCPNAK && !inform)
		p = put_lease(p);
	if (type != DHCPNAK)
		p = put_config(s, p);
	*p++ = OPT_END;
	len = (size_t)(p - b) < DHCP_REPLY_LEN ? DHCP_REPLY_LEN : (size_t)(p - b);
	put_be16(m, DHCP_SERVER_PORT);
	put_be16(m + 2, DHCP_CLIENT_PORT);
	put_be16(m + 4, (uint32_t)(UDP_HLEN + len));
	iov.iov_len = UDP_HLEN + len;
	ip_output(s, &s->cfg.gw4, &to, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE);
}

/* RFC 2131 s. 4.3.2: the address is named in option 50 (selecting, init-reboot) or in ciaddr. */
static void request(struct stack *s, const struct dhcp *d)
{
	const uint8_t *want = d->has_requested ? d->requested : d->ciaddr;
	bool ours = memcmp(want, s->cfg.sb4.b + 12, 4) == 0;

	if (d->has_server && memcmp(d->server, s->cfg.gw4.b + 12, 4) != 0)
		return;			/* another server was chosen */
	reply(s, d, ours ? DHCPACK : DHCPNAK, false);
}

void dhcp_input(struct stack *s, struct packet *p)
{
	static const uint8_t no_relay[4];
	struct dhcp d;

	if (p->l4_contig < UDP_HLEN ||
	    dhcp_parse(p->l4 + UDP_HLEN, p->l4_contig - UDP_HLEN, &d) < 0 ||
	    memcmp(d.chaddr, s->cfg.sb_mac, 6) != 0 || memcmp(d.giaddr, no_relay, 4) != 0 ||
	    d.type < DHCPDISCOVER || d.type > DHCPINFORM || d.type == DHCPOFFER ||
	    d.type == DHCPACK || d.type == DHCPNAK) {
		path_drop(s, p, DROP_DHCP_BAD);
		return;
	}
	path_accept(s, p, NULL);
	switch (d.type) {
	case DHCPDISCOVER:
		reply(s, &d, DHCPOFFER, false);
		break;
	case DHCPREQUEST:
		request(s, &d);
		break;
	case DHCPINFORM:
		reply(s, &d, DHCPACK, true);
		break;
	default:			/* DECLINE, RELEASE: there is nothing to give back */
		break;
	}
}
