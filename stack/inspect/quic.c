/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quic: does every QUIC connection of a flow ask for the name that the flow was judged for?
 *
 * Comes in: the sandbox's datagrams of one flow. Goes out: hold, let go, or refuse. Runs in the worker.
 *
 * Theory of operation. What a QUIC server learns of a name is in the ClientHello, which is in the CRYPTO
 * stream of Initial packets. For a server a connection begins with an Initial whose keys follow from the
 * connection id in its header; later Initials keep those keys, whatever their headers say then
 * (RFC 9001 s. 5.2). So a struct conn is one id from which keys were made. Until every byte of CRYPTO
 * that came for a conn is part of a whole, judged ClientHello, everything is held. A second ClientHello
 * may follow, as HelloRetryRequest asks for it; nothing else of a client's belongs into this stream.
 *
 * Judged bytes are kept as long as the flow lives: what was judged may get lost behind us, so whatever
 * comes for the same place again must be the same. A new id is a new conn, judged by itself: a Retry, or
 * a second connection of the same socket. Conns are never forgotten, since we do not see when the
 * server does; a flow has few.
 *
 * Keys of Initials are public, so a packet can be made that opens with two keys and reads as one thing
 * here and as another there (tests/unit/test_quic_keys.c makes one). Therefore each Initial is tried with
 * the keys of every conn and with those of its own header, and exactly one may fit. With one key it has
 * one reading: the packet number is part of the nonce, and a server that takes it for another number
 * cannot open it.
 *
 * Not looked at: 0-RTT and Handshake packets, which mean nothing without their Initial, and everything
 * with a short header, which is the rest of its datagram (RFC 9000 s. 12.2). A flow that begins with one
 * of these is refused, so a connection that outlives its flow's idle time begins anew.
 *
 * A short header tells a client's bits from nothing else: servers that have another protocol on the same port
 * tell the two apart by the QUIC bit, which clients may clear as well (RFC 9287). So the first messages of
 * those that carry a name in clear are known by sight and refused wherever they stand: Google QUIC up to
 * version 43 (LiteSpeed has it still), and DTLS.
 */
#include "stack/inspect/inspect_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/inspect/hello.h"
#include "stack/inspect/quic_packet.h"

enum {
	CONNS_MAX = 8,			/* connections of one flow; each Retry counts as another */
	HELLOS_MAX = 2,			/* RFC 8446 s. 4.1.4: at most one HelloRetryRequest */
	PACKETS_MAX = 16,		/* with long headers in one datagram */
	DATAGRAM_MIN = 1200,		/* RFC 9000 s. 14.1, for datagrams with Initial packets */
	CRYPTO_MAX = 65536,
	CRYPTO_FIRST = 2048,		/* most hellos fit */
	CRYPTO_ALL_MAX = 16 << 20,	/* of all flows together */
	/* Google QUIC: flags, connection id, version in text */
	GOOGLE_ID = 0x08,
	GOOGLE_VERSION = 0x01,
	GOOGLE_VERSION_AT = 9,
	GOOGLE_LEN = 13,
	/* DTLS: type, version, epoch, sequence number, length; the message's type. RFC 6347 s. 4.1 */
	DTLS_HANDSHAKE = 22,
	DTLS_MAJOR = 0xfe,
	DTLS_MESSAGE_AT = 13,
	DTLS_CLIENT_HELLO = 1,
};

enum frame_type {			/* the ones that Initial packets may have: RFC 9000 s. 12.4 */
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
	FRAME_CONNECTION_CLOSE = 0x1c,
};

struct conn {
	struct quic_cid dcid;		/* the keys' origin */
	uint8_t hellos;			/* judged ones */
	struct quic_keys keys[QUIC_VERSIONS];	/* both: RFC 9369 s. 4 lets a connection change */
	uint64_t next_pn;
	/* The CRYPTO stream: cap bytes and, behind them, one bit per byte: is it there? */
	uint8_t *crypto;
	uint32_t cap;
	uint32_t have;			/* bytes that are there */
	uint32_t whole;			/* bytes without a gap from the start */
	uint32_t judged;		/* bytes of whole ClientHellos that may go on */
};

struct quic {
	bool told;			/* the first hello is reported */
	uint8_t n;
	struct conn conns[CONNS_MAX];
};

static size_t crypto_all;		/* capacity of all streams */
static uint8_t plain[QUIC_PACKET_MAX], other[QUIC_PACKET_MAX];

/* ---- the CRYPTO stream ------------------------------------------------------------------------- */

static size_t map_size(size_t cap)
{
	return (cap + 7) / 8;
}

static uint8_t *map_of(const struct conn *c)
{
	return c->crypto + c->cap;
}

static bool is_there(const struct conn *c, uint32_t at)
{
	return map_of(c)[at / 8] & 1 << at % 8;
}

/* Changes the size; bytes and their bits below the smaller of both sizes are kept. */
static enum drop_reason stream_resize(struct conn *c, uint32_t cap)
{
	uint8_t *p;

	if (cap > c->cap && cap - c->cap > CRYPTO_ALL_MAX - crypto_all)
		return DROP_NO_MEMORY;
	p = calloc(1, cap + map_size(cap));
	if (!p)
		return DROP_NO_MEMORY;
	if (c->crypto) {
		uint32_t least = cap < c->cap ? cap : c->cap;

		memcpy(p, c->crypto, least);
		memcpy(p + cap, map_of(c), map_size(least));
	}
	free(c->crypto);
	crypto_all = crypto_all - c->cap + cap;
	c->crypto = p;
	c->cap = cap;
	return DROP_NONE;
}

static enum drop_reason stream_reserve(struct conn *c, uint32_t end)
{
	uint32_t cap = c->cap ? c->cap : CRYPTO_FIRST;

	while (cap < end)
		cap *= 2;
	if (cap > CRYPTO_MAX)
		cap = CRYPTO_MAX;
	return cap > c->cap ? stream_resize(c, cap) : DROP_NONE;
}

static void stream_done(struct conn *c)
{
	free(c->crypto);
	crypto_all -= c->cap;
	c->crypto = NULL;
	c->cap = 0;
}

/* Any order, twice over as long as it is the same. */
static enum drop_reason stream_add(struct conn *c, uint64_t offset, const uint8_t *p, uint64_t len)
{
	enum drop_reason why;
	uint32_t at, end;

	/* A server buffers at least 4,096 bytes beyond what it has read (RFC 9000 s. 7.5), few do more. */
	if (offset > CRYPTO_MAX || len > CRYPTO_MAX - offset)
		return DROP_TLS_BAD;
	at = (uint32_t)offset;
	end = (uint32_t)(offset + len);
	why = stream_reserve(c, end);
	if (why != DROP_NONE)
		return why;
	for (; at < end; at++, p++) {
		if (is_there(c, at)) {
			if (c->crypto[at] != *p)
				return DROP_QUIC_BAD;
			continue;
		}
		c->crypto[at] = *p;
		map_of(c)[at / 8] |= (uint8_t)(1 << at % 8);
		c->have++;
	}
	while (c->whole < c->cap && is_there(c, c->whole))
		c->whole++;
	return DROP_NONE;
}

/* ---- ClientHellos ------------------------------------------------------------------------------ */

static enum drop_reason hello_read(struct inspect *i, const uint8_t *msg, size_t len)
{
	struct quic *q = inspect_own(i);
	struct hello h;

	if (hello_parse(msg, len, &h) < 0)
		return DROP_TLS_BAD;
	snprintf(i->host, sizeof(i->host), "%s", h.name);
	hello_describe(&h, i->detail, sizeof(i->detail));
	i->is_fresh |= !q->told;
	q->told = true;
	return i->kind == PROTO_INSPECT_QUIC ? hello_judge(&h, i->name) : DROP_NONE;
}

/* Reads the ClientHellos that have become whole. */
static enum drop_reason stream_judge(struct inspect *i, struct conn *c)
{
	while (c->have > c->judged && c->whole - c->judged >= HELLO_HEAD_LEN) {
		int size = hello_size(c->crypto + c->judged);
		enum drop_reason why;

		if (size < 0 || (uint32_t)size > CRYPTO_MAX - c->judged)
			return DROP_TLS_BAD;
		if (c->hellos == HELLOS_MAX)
			return DROP_QUIC_BAD;
		if ((uint32_t)size > c->whole - c->judged)
			break;
		why = hello_read(i, c->crypto + c->judged, (size_t)size);
		if (why != DROP_NONE)
			return why;
		c->judged += (uint32_t)size;
		c->hellos++;
	}
	/* Most flows never have another byte to add. */
	return c->judged && c->have == c->judged && c->cap > c->judged ?
		       stream_resize(c, c->judged) : DROP_NONE;
}

static bool is_judged(const struct conn *c)
{
	return c->judged && c->have == c->judged;
}

/* ---- frames ------------------------------------------------------------------------------------ */

static void skip_varints(struct rd *r, uint64_t n)
{
	uint64_t v;

	while (n-- > 0 && quic_varint(r, &v))
		;
}

/* RFC 9000 s. 19.3. */
static void skip_ack(struct rd *r, uint8_t type)
{
	uint64_t ranges = 0;

	skip_varints(r, 2);		/* largest, delay */
	quic_varint(r, &ranges);
	skip_varints(r, 1);		/* first range */
	if (ranges > rd_left(r) / 2)
		r->bad = true;
	else
		skip_varints(r, 2 * ranges);
	if (type == FRAME_ACK_ECN)
		skip_varints(r, 3);
}

/* RFC 9000 s. 19.19. */
static void skip_close(struct rd *r)
{
	uint64_t len = 0;

	skip_varints(r, 2);		/* error, frame type */
	quic_varint(r, &len);
	if (len > rd_left(r))
		r->bad = true;
	else
		rd_skip(r, (size_t)len);
}

/* RFC 9000 s. 19.6. */
static enum drop_reason read_crypto(struct conn *c, struct rd *r)
{
	uint64_t offset = 0, len = 0;
	const uint8_t *p;

	quic_varint(r, &offset);
	quic_varint(r, &len);
	if (r->bad || len > rd_left(r))
		return DROP_QUIC_BAD;
	p = rd_bytes(r, (size_t)len);
	return stream_add(c, offset, p, len);
}

/* The payload of an Initial packet: what a client may send in it, and nothing else. */
static enum drop_reason read_frames(struct conn *c, const uint8_t *p, size_t len)
{
	struct rd r = rd_init(p, len);
	enum drop_reason why = DROP_NONE;
	uint8_t type;

	if (!len)
		return DROP_QUIC_BAD;	/* RFC 9000 s. 12.4 */
	while (why == DROP_NONE && rd_left(&r) && rd_u8(&r, &type)) {
		switch (type) {
		case FRAME_PADDING:
		case FRAME_PING:
			break;
		case FRAME_ACK:
		case FRAME_ACK_ECN:
			skip_ack(&r, type);
			break;
		case FRAME_CRYPTO:
			why = read_crypto(c, &r);
			break;
		case FRAME_CONNECTION_CLOSE:
			skip_close(&r);
			break;
		default:
			return DROP_QUIC_BAD;
		}
	}
	return why == DROP_NONE && r.bad ? DROP_QUIC_BAD : why;
}

/* ---- packets ----------------------------------------------------------------------------------- */

static bool is_known(const struct quic *q, const struct quic_cid *dcid)
{
	for (unsigned int n = 0; n < q->n; n++) {
		if (memcmp(&q->conns[n].dcid, dcid, sizeof(*dcid)) == 0)
			return true;
	}
	return false;
}

struct opened {
	struct conn *by;		/* whose keys fit */
	uint64_t pn;
	size_t len;			/* bytes in `plain` */
};

/* Tries the keys of one conn. False when nothing more needs to be tried: the packet is refused. */
static bool open_with(struct conn *c, const struct quic_long *l, struct opened *o)
{
	uint64_t pn = 0;
	ssize_t n = quic_initial_open(&c->keys[l->version], l, c->next_pn, o->by ? other : plain, &pn);

	if (n == -EBADMSG)
		return true;
	if (n < 0 || o->by)
		return false;
	*o = (struct opened){ c, pn, (size_t)n };
	return true;
}

static enum drop_reason read_initial(struct inspect *i, struct quic *q, const struct quic_long *l,
				     size_t datagram)
{
	struct conn fresh = { .dcid = l->dcid };
	struct opened o = { 0 };
	enum drop_reason why;

	for (unsigned int n = 0; n < q->n; n++) {
		if (!open_with(&q->conns[n], l, &o))
			return DROP_QUIC_BAD;
	}
	if (!is_known(q, &l->dcid)) {
		for (enum quic_version v = 0; v < QUIC_VERSIONS; v++)
			quic_initial_keys(v, &l->dcid, &fresh.keys[v]);
		if (!open_with(&fresh, l, &o))
			return DROP_QUIC_BAD;
	}
	if (o.by == &fresh) {
		/* A server must not open a connection for a smaller one. */
		if (datagram < DATAGRAM_MIN)
			return DROP_QUIC_BAD;
		if (q->n == CONNS_MAX)
			return DROP_NO_MEMORY;
		o.by = &q->conns[q->n++];
		*o.by = fresh;
	}
	if (!o.by)
		return DROP_QUIC_BAD;
	if (o.pn >= o.by->next_pn)
		o.by->next_pn = o.pn + 1;
	why = read_frames(o.by, plain, o.len);
	return why == DROP_NONE ? stream_judge(i, o.by) : why;
}

/* p[0] has no QUIC_LONG_FORM. */
static bool is_google(const uint8_t *p, size_t len)
{
	static const uint8_t flags = GOOGLE_ID | GOOGLE_VERSION;

	return len >= GOOGLE_LEN && (p[0] & (QUIC_BIT | flags)) == flags && p[GOOGLE_VERSION_AT] == 'Q' &&
	       p[GOOGLE_VERSION_AT + 1] == '0' && p[GOOGLE_VERSION_AT + 2] <= '4';
}

/* Epoch 0 is in clear. */
static bool is_dtls(const uint8_t *p, size_t len)
{
	return len > DTLS_MESSAGE_AT && p[0] == DTLS_HANDSHAKE && p[1] == DTLS_MAJOR && !p[3] && !p[4] &&
	       p[DTLS_MESSAGE_AT] == DTLS_CLIENT_HELLO;
}

static enum drop_reason read_packets(struct inspect *i, struct quic *q, const uint8_t *buf, size_t len)
{
	struct rd r = rd_init(buf, len);

	for (int n = 0; rd_left(&r) && *r.p & QUIC_LONG_FORM; n++) {
		struct quic_long l;
		enum drop_reason why;

		/* No client sends Retry; and the flow's first packet is an Initial. */
		if (n == PACKETS_MAX || quic_long_read(&r, &l) < 0 || l.kind == QUIC_RETRY)
			return DROP_QUIC_BAD;
		i->read = PROTO_INSPECT_QUIC;
		if (l.kind == QUIC_INITIAL) {
			why = read_initial(i, q, &l, len);
			if (why != DROP_NONE)
				return why;
		} else if (!q->n) {
			return DROP_QUIC_BAD;
		}
	}
	return q->n && !is_google(r.p, rd_left(&r)) && !is_dtls(r.p, rd_left(&r)) ? DROP_NONE : DROP_QUIC_BAD;
}

static void quic_datagram(struct inspect *i, const uint8_t *buf, size_t len)
{
	struct quic *q = inspect_own(i);
	enum drop_reason why;

	why = read_packets(i, q, buf, len);
	if (why != DROP_NONE) {
		inspect_refuse(i, why);
		return;
	}
	for (unsigned int n = 0; n < q->n; n++) {
		if (!is_judged(&q->conns[n])) {
			inspect_hold(i);
			return;
		}
	}
	inspect_watch(i);
}

static void quic_done(struct inspect *i)
{
	struct quic *q = inspect_own(i);

	for (unsigned int n = 0; n < q->n; n++)
		stream_done(&q->conns[n]);
}

const struct inspect_ops inspect_quic_ops = {
	.own_size = sizeof(struct quic),
	.datagram = quic_datagram,
	.done = quic_done,
};
