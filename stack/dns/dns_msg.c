/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_msg: parses a question, makes an answer (RFC 1035, RFC 6891, RFC 8914).
 *
 * Nothing of the question's bytes goes further than its name, type and a few flags: no message is ever
 * forwarded. Only one question is taken, in class IN, its name uncompressed and made of letters,
 * digits, '-' and '_'; other bytes are legal DNS (RFC 2181 s. 11) but no host's name, so such a name
 * does not exist. EDNS options are checked for their lengths and otherwise ignored: client subnet,
 * cookies and padding end here.
 */
#include "stack/dns/dns_msg.h"

#include <netinet/in.h>
#include <string.h>

#include "lib/rd.h"

enum {
	FLAG_QR = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_CD = 0x0010,
	CLASS_IN = 1,
	TYPE_META_FIRST = 128,		/* RFC 6895 s. 3.1: 128..255 are for questions only */
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
	TYPE_MAILB = 253,
	TYPE_MAILA = 254,
	TYPE_META_LAST = 255,
	LABEL_MAX = 63,
	OPTION_EDE = 15,
	EDNS_UDP_SIZE = 1232,		/* what we say we take; questions are small */
	EDNS_OPTIONS_MAX = 64,
	EDNS_DO = 0x8000,
	EDE_TEXT_MAX = 128,
};

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/*
 * The question's name. False when it is malformed (compression included: there is nothing in front it
 * could point to). *ret_odd: well formed, but holds bytes no host name has.
 */
static bool parse_name(struct rd *r, struct dns_question *q, bool *ret_odd)
{
	uint8_t wire[DNS_QNAME_MAX];
	char text[PROTO_NAME_CAP];
	size_t n = 0, t = 0;
	uint8_t len;
	const uint8_t *label;

	*ret_odd = false;
	for (;;) {
		if (!rd_u8(r, &len) || len > LABEL_MAX || n + 1 + len > sizeof(wire))
			return false;
		wire[n++] = len;
		if (len == 0)
			break;
		label = rd_bytes(r, len);
		if (!label || n + len >= sizeof(wire))	/* room for the root label */
			return false;
		memcpy(wire + n, label, len);
		n += len;
		if (t)
			text[t++] = '.';
		for (size_t i = 0; i < len; i++) {
			uint8_t c = label[i];

			*ret_odd |= !is_name_byte(c);
			text[t++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
		}
	}
	text[t] = '\0';
	memcpy(q->qname, wire, n);
	q->qname_len = (uint16_t)n;
	memcpy(q->name, text, t + 1);
	return true;
}

/* The OPT record (RFC 6891 s. 6.1.2), the only one a question may bring. */
static bool parse_opt(struct rd *r, struct dns_question *q, enum dns_rcode *ret_rcode)
{
	uint8_t root = 1, ext_rcode, version;
	uint16_t type = 0, size = 0, flags = 0, len = 0;
	struct rd opts;

	if (!rd_u8(r, &root) || root != 0 || !rd_be16(r, &type) || type != DNS_TYPE_OPT ||
	    !rd_be16(r, &size) || !rd_u8(r, &ext_rcode) || !rd_u8(r, &version) ||
	    !rd_be16(r, &flags) || !rd_be16(r, &len))
		return false;
	opts = rd_sub(r, len);
	for (int n = 0; rd_left(&opts); n++) {
		uint16_t code = 0, olen = 0;

		if (n == EDNS_OPTIONS_MAX || !rd_be16(&opts, &code) || !rd_be16(&opts, &olen) ||
		    !rd_skip(&opts, olen))
			return false;
	}
	if (!rd_done(&opts))
		return false;
	q->edns = true;
	q->dnssec_ok = flags & EDNS_DO;
	q->udp_size = size < DNS_UDP_MIN ? DNS_UDP_MIN : size > DNS_UDP_MAX ? DNS_UDP_MAX : size;
	if (version != 0)
		*ret_rcode = DNS_BADVERS;
	return true;
}

/* Types that are not data: transfers are refused, the rest is not implemented (RFC 8482 for ANY). */
static enum dns_rcode rcode_of_type(uint16_t type)
{
	if (type == 0 || type == DNS_TYPE_OPT)
		return DNS_FORMERR;
	if (type == TYPE_IXFR || type == TYPE_AXFR || type == TYPE_MAILA || type == TYPE_MAILB)
		return DNS_REFUSED;
	if (type >= TYPE_META_FIRST && type <= TYPE_META_LAST)
		return DNS_NOTIMP;
	return DNS_NOERROR;
}

static enum dns_rcode parse_body(struct rd *r, struct dns_question *q, const uint16_t counts[4])
{
	enum dns_rcode rcode = DNS_NOERROR;
	bool odd;

	if (counts[0] != 1 || counts[1] || counts[2] || counts[3] > 1)
		return DNS_FORMERR;
	if (!parse_name(r, q, &odd) || !rd_be16(r, &q->qtype) || !rd_be16(r, &q->qclass)) {
		q->qname_len = 0;
		return DNS_FORMERR;
	}
	if (counts[3] && !parse_opt(r, q, &rcode))
		return DNS_FORMERR;
	if (!rd_done(r))
		return DNS_FORMERR;
	if (rcode == DNS_NOERROR && q->qclass != CLASS_IN)
		rcode = DNS_REFUSED;
	if (rcode == DNS_NOERROR)
		rcode = rcode_of_type(q->qtype);
	/* The root has no address, and its records are nobody's business here. */
	if (rcode == DNS_NOERROR && q->name[0] == '\0')
		rcode = DNS_REFUSED;
	if (rcode == DNS_NOERROR && odd)
		rcode = DNS_NXDOMAIN;
	return rcode;
}

enum dns_verdict dns_parse(const void *buf, size_t len, struct dns_question *ret_q,
			   enum dns_rcode *ret_rcode)
{
	struct rd r = rd_init(buf, len);
	struct dns_question *q = ret_q;
	uint16_t counts[4];

	memset(q, 0, sizeof(*q));
	q->udp_size = DNS_UDP_MIN;
	if (!rd_be16(&r, &q->id) || !rd_be16(&r, &q->flags))
		return DNS_DROP;
	for (int i = 0; i < 4; i++) {
		if (!rd_be16(&r, &counts[i]))
			return DNS_DROP;
	}
	/* A response is never answered, or two resolvers could talk to each other for ever. */
	if (q->flags & FLAG_QR)
		return DNS_DROP;
	if (q->flags & FLAG_OPCODE) {
		*ret_rcode = DNS_NOTIMP;
		return DNS_REPLY;
	}
	*ret_rcode = parse_body(&r, q, counts);
	return *ret_rcode == DNS_NOERROR ? DNS_ASK : DNS_REPLY;
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* A writer that refuses what does not fit. */
struct wr {
	uint8_t *p, *end;
	bool full;
};

static void wr_bytes(struct wr *w, const void *b, size_t n)
{
	if (w->full || (size_t)(w->end - w->p) < n) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->p, b, n);
	w->p += n;
}

static void wr_be16(struct wr *w, uint32_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	wr_bytes(w, b, 2);
}

static void wr_be32(struct wr *w, uint32_t v)
{
	wr_be16(w, v >> 16);
	wr_be16(w, v & 0xffff);
}

/* One address record; the name is a pointer to the question's (RFC 1035 s. 4.1.4). */
static void wr_address(struct wr *w, const struct addr *a, uint32_t ttl)
{
	bool v4 = addr_is_v4(a);

	wr_be16(w, 0xc000 | DNS_HEAD_LEN);
	wr_be16(w, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
	wr_be16(w, CLASS_IN);
	wr_be32(w, ttl);
	wr_be16(w, v4 ? 4 : 16);
	wr_bytes(w, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);
}

static size_t ede_text_len(const struct dns_reply *r)
{
	return r->ede_text ? strnlen(r->ede_text, EDE_TEXT_MAX) : 0;
}

static size_t opt_len(const struct dns_question *q, const struct dns_reply *r)
{
	if (!q->edns)
		return 0;
	if (r->ede == DNS_EDE_NONE)
		return 11;
	return 11 + 6 + ede_text_len(r);
}

static void wr_opt(struct wr *w, const struct dns_question *q, const struct dns_reply *r)
{
	size_t text = ede_text_len(r);

	if (!q->edns)
		return;
	wr_bytes(w, "", 1);
	wr_be16(w, DNS_TYPE_OPT);
	wr_be16(w, EDNS_UDP_SIZE);
	wr_be16(w, (uint32_t)r->rcode >> 4 << 8);	/* upper bits of the rcode; version 0 */
	wr_be16(w, q->dnssec_ok ? EDNS_DO : 0);		/* RFC 3225 s. 3 */
	if (r->ede == DNS_EDE_NONE) {
		wr_be16(w, 0);
		return;
	}
	wr_be16(w, (uint32_t)(6 + text));
	wr_be16(w, OPTION_EDE);
	wr_be16(w, (uint32_t)(2 + text));
	wr_be16(w, r->ede);
	wr_bytes(w, r->ede_text, text);
}

static bool is_asked_family(const struct dns_question *q, const struct addr *a)
{
	return q->qtype == (addr_is_v4(a) ? DNS_TYPE_A : DNS_TYPE_AAAA);
}

size_t dns_build(const struct dns_question *q, const struct dns_reply *r, uint8_t *buf, size_t cap)
{
	struct wr w = { buf + DNS_HEAD_LEN, buf + cap, false };
	uint32_t flags = FLAG_QR | FLAG_RA | (q->flags & (FLAG_OPCODE | FLAG_RD | FLAG_CD)) |
			 ((uint32_t)r->rcode & 0xf);
	struct wr head = { buf, buf + DNS_HEAD_LEN, false };
	uint32_t answers = 0;

	if (q->qname_len) {
		wr_bytes(&w, q->qname, q->qname_len);
		wr_be16(&w, q->qtype);
		wr_be16(&w, q->qclass);
	}
	/* The OPT record always fits: keep its room free while the answers are written. */
	w.end -= opt_len(q, r);
	for (size_t i = 0; i < r->n_addrs && q->qname_len; i++) {
		struct wr before = w;

		if (!is_asked_family(q, &r->addrs[i]))
			continue;
		wr_address(&w, &r->addrs[i], r->ttl);
		if (w.full) {
			w = before;
			flags |= FLAG_TC;
			break;
		}
		answers++;
	}
	w.end += opt_len(q, r);
	wr_opt(&w, q, r);
	wr_be16(&head, q->id);
	wr_be16(&head, flags);
	wr_be16(&head, q->qname_len ? 1 : 0);
	wr_be16(&head, answers);
	wr_be16(&head, 0);
	wr_be16(&head, q->edns ? 1 : 0);
	return (size_t)(w.p - buf);
}
