/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: makes questions for name servers and reads their replies (RFC 1035, 2308, 6891, 8914). Runs in
 * egress; replies are hostile bytes, from the server as much as from who pretends to be it.
 *
 * A reply is believed when it brings back a random id of 16 bits and the question as it was asked, byte by
 * byte, the letters of its name in random case among them (0x20; draft-vixie-dnsext-dns0x20-00). With the
 * random port of lookup.c that is what someone off the path has to guess.
 *
 * Of a reply two things are read: the addresses that the asked name has by way of aliases, at most
 * CNAME_MAX of them, and for how long the answer holds. What the aliases are called does not matter: the
 * name that was judged is the asked one.
 */
#include "netd/egress/query.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/rd.h"

enum {
	HEAD_LEN = 12,
	FLAG_QR = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	CLASS_IN = 1,
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
	OPTION_EDE = 15,
	RCODE_FORMERR = 1,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	WIRE_NAME_MAX = 255,
	CNAME_MAX = 16,
	RECORDS_MAX = 512,		/* more than fit over UDP; a reply with more is no answer */
};

static void put_be16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Text to labels, each letter in random case. Its length. */
static size_t put_name(uint8_t *p, const char *name)
{
	uint8_t coins[PROTO_NAME_CAP / 8], *label = p, *at = p + 1;

	hash_random(coins, sizeof(coins));
	for (unsigned int i = 0; name[i]; i++) {
		char c = name[i];

		if (c == '.') {
			*label = (uint8_t)(at - label - 1);
			label = at++;
			continue;
		}
		if (c >= 'a' && c <= 'z' && (coins[i / 8] >> (i % 8) & 1))
			c = (char)(c - ('a' - 'A'));
		*at++ = (uint8_t)c;
	}
	*label = (uint8_t)(at - label - 1);
	*at++ = 0;
	return (size_t)(at - p);
}

void query_make(struct query *q, const char *name, bool v6, bool edns)
{
	static const uint8_t opt[11] = { 0, 0, TYPE_OPT, QUERY_EDNS_SIZE >> 8, QUERY_EDNS_SIZE & 0xff };
	uint8_t *msg = q->buf + QUERY_FRAME;
	size_t n;

	memset(q, 0, sizeof(*q));
	q->v6 = v6;
	q->edns = edns;
	hash_random(msg, 2);
	put_be16(msg + 2, FLAG_RD);
	msg[5] = 1;
	n = put_name(msg + HEAD_LEN, name);
	put_be16(msg + HEAD_LEN + n, v6 ? TYPE_AAAA : TYPE_A);
	put_be16(msg + HEAD_LEN + n + 2, CLASS_IN);
	q->question_len = (uint16_t)(n + 4);
	q->len = (uint16_t)(HEAD_LEN + q->question_len);
	if (edns) {
		msg[11] = 1;
		memcpy(msg + q->len, opt, sizeof(opt));
		q->len = (uint16_t)(q->len + sizeof(opt));
	}
	put_be16(q->buf, q->len);
}

/* ---- names in replies ------------------------------------------------------------------------------- */

struct wire_name {
	uint8_t len;
	uint8_t b[WIRE_NAME_MAX];	/* uncompressed, lower case, root label included */
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/*
 * The name at the reader, which is left behind it. A pointer leads to an earlier place than every one
 * before, so there is no loop.
 */
static bool read_name(struct rd *r, const uint8_t *msg, struct wire_name *ret_name)
{
	struct rd at = *r;
	size_t limit = (size_t)(r->p - msg), n = 0;
	bool jumped = false;
	uint8_t len, low;
	const uint8_t *label;

	for (;;) {
		if (!rd_u8(&at, &len))
			break;
		if ((len & 0xc0) == 0xc0) {
			size_t to;

			if (!rd_u8(&at, &low))
				break;
			if (!jumped)
				*r = at;
			jumped = true;
			to = (size_t)(len & 0x3f) << 8 | low;
			if (to >= limit)
				break;
			limit = to;
			at.p = msg + to;
			continue;
		}
		label = len & 0xc0 ? NULL : rd_bytes(&at, len);
		if (!label || n + 1 + len > WIRE_NAME_MAX)
			break;
		ret_name->b[n++] = len;
		for (uint8_t i = 0; i < len; i++)
			ret_name->b[n++] = lower(label[i]);
		if (len)
			continue;
		ret_name->len = (uint8_t)n;
		if (!jumped)
			*r = at;
		return true;
	}
	r->bad = true;
	return false;
}

static bool is_same_name(const struct wire_name *a, const struct wire_name *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

/* ---- records ---------------------------------------------------------------------------------------- */

struct record {
	const uint8_t *owner, *data;	/* in the message */
	uint32_t ttl;
	uint16_t type, class, len;
};

struct reply {
	const uint8_t *msg, *end;
	uint16_t flags;
	uint16_t counts[4];		/* questions, answers, authority, additional */
	uint16_t ext_rcode;		/* the upper bits, from OPT */
	uint16_t ede;
	struct record *records;		/* those of the last three sections, in order */
};

static bool read_record(struct rd *r, const uint8_t *msg, struct record *ret_record)
{
	struct wire_name owner;

	ret_record->owner = r->p;
	if (!read_name(r, msg, &owner) || !rd_be16(r, &ret_record->type) ||
	    !rd_be16(r, &ret_record->class) || !rd_be32(r, &ret_record->ttl) ||
	    !rd_be16(r, &ret_record->len))
		return false;
	/* RFC 2181 s. 8 */
	if (ret_record->type != TYPE_OPT && ret_record->ttl > INT32_MAX)
		ret_record->ttl = 0;
	ret_record->data = rd_bytes(r, ret_record->len);
	return ret_record->data;
}

static void read_opt(struct reply *m, const struct record *opt)
{
	struct rd r = rd_init(opt->data, opt->len);
	uint16_t code, len, info;

	m->ext_rcode = (uint16_t)(opt->ttl >> 24);
	while (rd_be16(&r, &code) && rd_be16(&r, &len)) {
		struct rd option = rd_sub(&r, len);

		if (code == OPTION_EDE && rd_be16(&option, &info) && m->ede == QUERY_EDE_NONE)
			m->ede = info;
	}
}

/* Everything behind the question. False when a record is cut short or there are too many. */
static bool read_records(struct reply *m, struct rd *r)
{
	unsigned int n = (unsigned int)m->counts[1] + m->counts[2] + m->counts[3];

	if (n > RECORDS_MAX)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		if (!read_record(r, m->msg, &m->records[i]))
			return false;
		if (m->records[i].type == TYPE_OPT && i >= (unsigned int)m->counts[1] + m->counts[2])
			read_opt(m, &m->records[i]);
	}
	return true;
}

static bool is_owner(const struct reply *m, const struct record *rec, const struct wire_name *name)
{
	struct rd r = rd_init(rec->owner, (size_t)(m->end - rec->owner));
	struct wire_name owner;

	return read_name(&r, m->msg, &owner) && is_same_name(&owner, name);
}

static void add_addr(const struct record *rec, struct resolved *a)
{
	struct addr addr = rec->len == 4 ? addr_from_v4(rec->data) : addr_from_v6(rec->data);

	/* A mapped address in AAAA would silently become an IPv4 one. */
	if (a->n == PROTO_ADDRS_MAX || (rec->len == 16 && addr_is_v4(&addr)))
		return;
	for (uint8_t i = 0; i < a->n; i++) {
		if (addr_eq(&a->addrs[i], &addr))
			return;
	}
	a->addrs[a->n++] = addr;
}

static void keep_least(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

/*
 * The records of one name: its addresses, or the name it is an alias of. True when it is one, which is
 * in *name then.
 */
static bool read_answers(const struct reply *m, bool v6, struct wire_name *name, struct resolved *a)
{
	struct wire_name target = { 0 };
	bool any = false;

	for (unsigned int i = 0; i < m->counts[1]; i++) {
		const struct record *rec = &m->records[i];
		struct rd data = rd_init(rec->data, (size_t)(m->end - rec->data));
		bool is_addr = rec->type == (v6 ? TYPE_AAAA : TYPE_A) && rec->len == (v6 ? 16 : 4);

		if (rec->class != CLASS_IN || (!is_addr && rec->type != TYPE_CNAME) || !is_owner(m, rec, name))
			continue;
		keep_least(&a->ttl, rec->ttl);
		any |= is_addr;
		if (is_addr)
			add_addr(rec, a);
		else if (!target.len && !read_name(&data, m->msg, &target))
			target.len = 0;
	}
	if (any || !target.len)
		return false;
	*name = target;
	return true;
}

/* RFC 2308 s. 5: for how long "no" holds. Without an SOA nobody said so. */
static uint32_t negative_ttl(const struct reply *m)
{
	for (unsigned int i = m->counts[1]; i < (unsigned int)m->counts[1] + m->counts[2]; i++) {
		const struct record *rec = &m->records[i];
		struct rd r = rd_init(rec->data, rec->len);
		struct wire_name name;
		uint32_t minimum;

		if (rec->type == TYPE_SOA && read_name(&r, m->msg, &name) && read_name(&r, m->msg, &name) &&
		    rd_skip(&r, 16) && rd_be32(&r, &minimum)) {
			keep_least(&minimum, rec->ttl);
			return minimum;
		}
	}
	return 0;
}

/* Fills a, to no purpose when it fails. */
static enum query_verdict read_body(const struct query *q, const struct reply *m, struct resolved *a)
{
	struct rd question = rd_init(q->buf + QUERY_FRAME + HEAD_LEN, q->question_len);
	struct wire_name name;
	int aliases = 0;

	a->status = (m->flags & 15) == RCODE_NXDOMAIN ? ANSWER_NXDOMAIN : ANSWER_OK;
	a->ttl = UINT32_MAX;
	if (!read_name(&question, q->buf + QUERY_FRAME, &name))
		return QUERY_FAILED;
	while (a->status == ANSWER_OK && read_answers(m, q->v6, &name, a)) {
		if (++aliases > CNAME_MAX)
			return QUERY_FAILED;
	}
	if (!a->n)
		keep_least(&a->ttl, negative_ttl(m));
	return QUERY_ANSWERED;
}

/* ---- replies ---------------------------------------------------------------------------------------- */

/* Is the question ours? The reader is left behind it. */
static enum query_verdict read_question(const struct query *q, struct rd *r)
{
	const uint8_t *ours = q->buf + QUERY_FRAME + HEAD_LEN;
	const uint8_t *theirs = rd_bytes(r, q->question_len);

	if (!theirs)
		return QUERY_FOREIGN;
	if (memcmp(ours, theirs, q->question_len) == 0)
		return QUERY_ANSWERED;
	/* Lengths, type and class are no letters of either case, so they are compared as they are. */
	for (size_t i = 0; i < q->question_len; i++) {
		if (lower(ours[i]) != lower(theirs[i]))
			return QUERY_FOREIGN;
	}
	return QUERY_CASE;
}

/* What the rcode says when it is neither "here you are" nor "no such name". */
static enum query_verdict read_rcode(const struct query *q, const struct reply *m)
{
	unsigned int rcode = (m->flags & 15u) | (unsigned int)m->ext_rcode << 4;

	if (rcode == 0 || rcode == RCODE_NXDOMAIN)
		return QUERY_ANSWERED;
	/* RFC 6891 s. 7, and BADVERS */
	if (q->edns && (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP || rcode == 16))
		return QUERY_NO_EDNS;
	return QUERY_FAILED;
}

enum query_verdict query_read(const struct query *q, const uint8_t *msg, size_t len, bool fold,
			      struct resolved *ret_a)
{
	static struct record records[RECORDS_MAX];	/* one reply is read at a time */
	struct reply m = { .msg = msg, .end = msg + len, .ede = QUERY_EDE_NONE, .records = records };
	struct rd r = rd_init(msg, len);
	enum query_verdict v;
	uint16_t id;
	bool whole;

	*ret_a = (struct resolved){ .status = ANSWER_FAILED, .ede = QUERY_EDE_NONE };
	if (!rd_be16(&r, &id) || !rd_be16(&r, &m.flags) ||
	    id != (uint16_t)(q->buf[QUERY_FRAME] << 8 | q->buf[QUERY_FRAME + 1]) || !(m.flags & FLAG_QR) ||
	    (m.flags & FLAG_OPCODE))
		return QUERY_FOREIGN;
	for (int i = 0; i < 4; i++) {
		if (!rd_be16(&r, &m.counts[i]))
			return QUERY_FOREIGN;
	}
	/* Some servers refuse with nothing but the head. That proves less, and says less. */
	if (m.counts[0] == 0 && (m.flags & 15) != 0 && (m.flags & 15) != RCODE_NXDOMAIN)
		return read_rcode(q, &m);
	if (m.counts[0] != 1)
		return QUERY_FOREIGN;
	v = read_question(q, &r);
	ret_a->folded = v == QUERY_CASE;
	if (v == QUERY_FOREIGN || (v == QUERY_CASE && !fold))
		return v;
	if (m.flags & FLAG_TC)
		return QUERY_TRUNCATED;
	whole = read_records(&m, &r);
	ret_a->ede = m.ede;
	v = read_rcode(q, &m);
	if (v != QUERY_ANSWERED)
		return v;
	return whole ? read_body(q, &m, ret_a) : QUERY_FAILED;
}
