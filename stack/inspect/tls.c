/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: is the stream TLS, and do all its ClientHellos name what the flow was judged for?
 *
 * In: both directions of a TCP stream, any cut. Out: a verdict, and how much of the sandbox's stream may
 * go on. Runs in the worker.
 *
 * Theory of operation. The sandbox's stream is walked record by record. Up to the end of its first
 * ClientHello everything is held, and the message, which may lie in any number of records, is
 * collected. Once its name is cleared it goes on, and what it waits for is the far side's answer:
 *
 *	HELLO	the first ClientHello is not whole; nothing else may come
 *	WAIT	the far side has to say ServerHello; no handshake record may come until then, or a second
 *		ClientHello would be on its way before we knew that it must be read
 *	AGAIN	it was a HelloRetryRequest (RFC 8446 s. 4.1.4): the ClientHello that follows is held and
 *		read like the first one; then WAIT once more
 *
 * In WAIT and AGAIN, records that are no handshake pass unread, above all early data (0-RTT): a server
 * does not look for a ClientHello in them. The far side's ServerHello ends it all: what follows is
 * encrypted, or bound by the server to the hello that it has answered.
 *
 * Not seen: a renegotiation inside a TLS 1.2 session, which is encrypted, like the Host of a request.
 *
 * TLS_IF lets a stream go as soon as no TLS server could read a hello in it. Two bytes are not enough
 * for that: little-endian lengths begin with 22 and 3, too, so the first byte of the message decides.
 * Where servers differ it believes the one that reads on, and refuses what no client sends but would be
 * skipped: empty records (OpenSSL) are read past; before a hello an alert (Go) and a change_cipher_spec
 * (GnuTLS) are refused, and so is a hello in the form of SSL 2 (GnuTLS, Java, OpenSSL). Go takes a
 * first record of any version below 16.0.
 *
 * A record of no bytes is legal for application data only (RFC 8446 s. 5.1, RFC 5246 s. 6.2.1), so
 * a hello cannot be drawn out for ever; INSPECT_HELD_MAX bounds it with all its record heads.
 * A verdict depends on the bytes, never on how they were cut: each is reached at one byte's place.
 */
#include "stack/inspect/inspect_internal.h"

#include <string.h>

#include "lib/rd.h"
#include "stack/inspect/hello.h"

enum {
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_HEAD_LEN = 5,
	MAJOR = 3,			/* of SSL 3.0 and every TLS */
	MAJOR_ANY = 16,			/* Go, crypto/tls/conn.go: the first record's is less */
	RECORD_MAX = 1 << 14,		/* RFC 8446 s. 5.1 */
	RECORD_DATA_MAX = RECORD_MAX + 256,	/* s. 5.2; before a ServerHello there is no other protection */
	CCS_LEN = 1,
	CCS_ONLY = 1,
	ALERT_LEN = 2,
	ALERT_WARNING = 1,
	ALERT_FATAL = 2,
	/* The first byte of an SSL 2 record, RFC 5246 s. E.2, up to the length that readers take. */
	SSL2_FIRST = 0x80,
	SSL2_LAST = SSL2_FIRST | RECORD_DATA_MAX >> 8,
	SSL2_HELLO_MIN = 9,		/* type, version, three lengths */
	MSG_CLIENT_HELLO = 1,
	MSG_SERVER_HELLO = 2,
	RANDOM_AT = 6,			/* behind message head and version */
	RANDOM_LEN = 32,
	ANSWER_LEN = RANDOM_AT + RANDOM_LEN,	/* what decides of the far side's message */
	HELLOS_MAX = 2,
};

/* SHA-256 of "HelloRetryRequest": RFC 8446 s. 4.1.3. */
static const uint8_t retry_random[RANDOM_LEN] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

enum phase {
	PHASE_HELLO,
	PHASE_WAIT,
	PHASE_AGAIN,
};

/* One direction's place in its records. */
struct record {
	uint8_t head[RECORD_HEAD_LEN];
	uint8_t have;			/* bytes of head */
	uint16_t left;			/* bytes of the fragment still to come, once head is whole */
};

struct tls {
	enum phase phase;
	uint8_t hellos;			/* cleared */
	struct record up, down;
	uint64_t fed;			/* the sandbox's bytes that were walked */
	struct inspect_bytes hello;	/* the message being collected */
	uint8_t answer[ANSWER_LEN];	/* the first bytes of the far side's message */
	uint8_t answer_len;
	uint32_t answer_skip;		/* bytes of its message behind them */
};

static void refuse(struct inspect *i, enum drop_reason reason)
{
	struct tls *t = inspect_own(i);

	inspect_bytes_done(&t->hello);
	inspect_refuse(i, reason);
}

/* ---- records ---------------------------------------------------------------------------------------------- */

/* The head is whole: can a fragment of this type have this length? */
static bool record_begin(struct record *rec)
{
	unsigned int len = (unsigned int)rec->head[3] << 8 | rec->head[4];

	rec->left = (uint16_t)len;
	switch (rec->head[0]) {
	case RECORD_HANDSHAKE:
		return len && len <= RECORD_MAX;
	case RECORD_DATA:
		return len <= RECORD_DATA_MAX;
	case RECORD_CCS:
		return len == CCS_LEN;
	case RECORD_ALERT:
		return len == ALERT_LEN;
	default:
		return false;
	}
}

static void record_take(struct record *rec, size_t n)
{
	rec->left = (uint16_t)(rec->left - n);
	if (!rec->left)
		rec->have = 0;
}

static bool is_quiet(uint8_t type)
{
	return type == RECORD_CCS || type == RECORD_ALERT || type == RECORD_DATA;
}

/* ---- from the sandbox ------------------------------------------------------------------------------------- */

/* Nothing of a message has come: this may still be anything. */
static bool is_first(const struct tls *t)
{
	return t->phase == PHASE_HELLO && !t->hello.len;
}

/* A hello is being collected: more of it must come, and nothing else. */
static bool in_hello(const struct tls *t)
{
	return t->phase == PHASE_HELLO || t->hello.len > 0;
}

/*
 * SSL 2 has the type of the message behind a length of two bytes, then the version; there is no server name in
 * such a hello. GnuTLS takes it with every version from 3.1 on.
 */
static void ssl2_byte(struct inspect *i, const struct tls *t)
{
	const uint8_t *head = t->up.head;

	if (t->up.have == 2 && head[0] == SSL2_FIRST && head[1] < SSL2_HELLO_MIN) {
		inspect_pass(i);	/* so begins a short call of ONC RPC */
	} else if (t->up.have == 3 && head[2] != MSG_CLIENT_HELLO) {
		inspect_pass(i);
	} else if (t->up.have == RECORD_HEAD_LEN) {
		if (head[3] >= MAJOR || (head[3] == 0 && head[4] == 2))
			refuse(i, DROP_TLS_NO_NAME);
		else
			inspect_pass(i);
	}
}

/* TLS_IF, and no message has begun: the head so far. What is not passed or refused is read on. */
static void if_head(struct inspect *i, struct tls *t)
{
	const uint8_t *head = t->up.head;

	if (head[0] >= SSL2_FIRST && head[0] <= SSL2_LAST) {
		ssl2_byte(i, t);
	} else if (head[0] < RECORD_CCS || head[0] > RECORD_HANDSHAKE) {
		inspect_pass(i);
	} else if (t->up.have == 2 && head[1] >= MAJOR_ANY) {
		inspect_pass(i);
	} else if (t->up.have == RECORD_HEAD_LEN) {
		bool is_legal = record_begin(&t->up);

		if (!t->up.left)
			t->up.have = 0;
		else if (head[0] == RECORD_HANDSHAKE && head[1] == MAJOR && !is_legal)
			refuse(i, DROP_TLS_BAD);
		/* Alerts came in pieces once. */
		else if (!is_legal && !(head[0] == RECORD_ALERT && t->up.left < ALERT_LEN))
			inspect_pass(i);
	}
}

/* The first byte in an alert or a change_cipher_spec: is that what it is? */
static void if_quiet(struct inspect *i, const struct tls *t, uint8_t c)
{
	if (t->up.head[0] == RECORD_CCS ? c == CCS_ONLY : c == ALERT_WARNING || c == ALERT_FATAL)
		refuse(i, DROP_TLS_BAD);
	else
		inspect_pass(i);
}

static void up_head(struct inspect *i, struct tls *t, uint8_t c)
{
	t->up.head[t->up.have++] = c;
	t->fed++;
	if (i->kind == PROTO_INSPECT_TLS_IF && is_first(t)) {
		if_head(i, t);
	} else if (t->up.have == 1) {
		bool is_handshake = c == RECORD_HANDSHAKE;

		if (is_first(t) && !is_handshake)
			refuse(i, DROP_TLS_NOT);
		else if (in_hello(t) ? !is_handshake : is_handshake && t->phase == PHASE_WAIT)
			refuse(i, DROP_TLS_BAD);
		else if (!is_handshake && !is_quiet(c))
			refuse(i, DROP_TLS_BAD);
		else if (is_handshake)
			inspect_hold(i);
	} else if (t->up.have == 2 && c != MAJOR) {
		refuse(i, is_first(t) ? DROP_TLS_NOT : DROP_TLS_BAD);
	} else if (t->up.have == RECORD_HEAD_LEN) {
		if (!record_begin(&t->up))
			refuse(i, DROP_TLS_BAD);
		else if (!t->up.left)
			t->up.have = 0;
	}
}

static void hello_whole(struct inspect *i, struct tls *t)
{
	enum drop_reason reason;
	struct hello h;

	/* Two messages in one record: the second would be a hello too, or nothing that may come now. */
	if (t->up.left || hello_parse(t->hello.p, t->hello.len, &h) < 0) {
		refuse(i, DROP_TLS_BAD);
		return;
	}
	inspect_bytes_done(&t->hello);
	memcpy(i->host, h.name, sizeof(i->host));
	hello_describe(&h, i->detail, sizeof(i->detail));
	i->is_fresh |= t->hellos == 0;
	if (i->kind == PROTO_INSPECT_TLS_OPAQUE) {
		inspect_pass(i);	/* a second hello might hide as much as the first */
		return;
	}
	reason = hello_judge(&h, i->name);
	if (reason != DROP_NONE) {
		refuse(i, reason);
		return;
	}
	t->hellos++;
	t->phase = PHASE_WAIT;
	i->wants_down = true;
	inspect_watch(i);
}

/* Takes what belongs to the message and lies in this record. */
static void up_hello(struct inspect *i, struct tls *t, struct rd *r)
{
	size_t want = t->hello.len < HELLO_HEAD_LEN ? HELLO_HEAD_LEN : (size_t)hello_size(t->hello.p);
	size_t n = want - t->hello.len;

	if (i->kind == PROTO_INSPECT_TLS_IF && is_first(t) && *r->p != MSG_CLIENT_HELLO) {
		inspect_pass(i);
		return;
	}
	i->read = PROTO_INSPECT_TLS;
	if (n > t->up.left)
		n = t->up.left;
	if (n > rd_left(r))
		n = rd_left(r);
	if (inspect_bytes_add(&t->hello, rd_bytes(r, n), n, HELLO_MAX) < 0) {
		refuse(i, DROP_NO_MEMORY);
		return;
	}
	t->fed += n;
	record_take(&t->up, n);
	if (t->hello.len < want)
		return;
	if (want > HELLO_HEAD_LEN || hello_size(t->hello.p) == HELLO_HEAD_LEN)
		hello_whole(i, t);
	else if (hello_size(t->hello.p) < 0)
		refuse(i, DROP_TLS_BAD);
}

static void up_quiet(struct tls *t, struct rd *r)
{
	size_t n = t->up.left < rd_left(r) ? t->up.left : rd_left(r);

	rd_skip(r, n);
	t->fed += n;
	record_take(&t->up, n);
}

static void tls_up(struct inspect *i, const uint8_t *buf, size_t len)
{
	struct tls *t = inspect_own(i);
	struct rd all = rd_init(buf, len);

	while (rd_left(&all) && !inspect_is_final(i)) {
		uint64_t room = INSPECT_HELD_MAX - (t->fed - i->cleared);
		struct rd r = all;
		uint8_t c;

		if (!room) {
			refuse(i, DROP_TLS_BAD);
			return;
		}
		if (rd_left(&r) > room)
			r.end = r.p + room;
		if (t->up.have < RECORD_HEAD_LEN && rd_u8(&r, &c))
			up_head(i, t, c);
		else if (t->up.head[0] == RECORD_HANDSHAKE)
			up_hello(i, t, &r);
		else if (is_first(t))
			if_quiet(i, t, *r.p);
		else
			up_quiet(t, &r);
		all.p = r.p;
		if (i->state == INSPECT_WATCH || i->state == INSPECT_PASS)
			i->cleared = t->fed;
	}
	if (i->state == INSPECT_PASS)
		i->cleared += rd_left(&all);
}

/* ---- from the far side ------------------------------------------------------------------------------------ */

/* The first bytes of its message are there: this is where it decides. */
static void answer_whole(struct inspect *i, struct tls *t)
{
	bool is_retry = memcmp(t->answer + RANDOM_AT, retry_random, RANDOM_LEN) == 0;

	/*
	 * A ServerHello before the second ClientHello, or a second retry (RFC 8446 s. 4.1.4), is not TLS
	 * as we know it: what the server would take for its next hello cannot be told.
	 */
	if (t->phase == PHASE_AGAIN || (is_retry && t->hellos == HELLOS_MAX)) {
		refuse(i, DROP_TLS_BAD);
	} else if (is_retry) {
		t->phase = PHASE_AGAIN;
		t->answer_len = 0;
	} else {
		inspect_pass(i);
	}
}

static void down_message(struct inspect *i, struct tls *t, struct rd *r)
{
	size_t want = t->answer_len < HELLO_HEAD_LEN ? HELLO_HEAD_LEN : ANSWER_LEN;
	size_t n = t->answer_skip ? t->answer_skip : want - t->answer_len;

	if (n > t->down.left)
		n = t->down.left;
	if (n > rd_left(r))
		n = rd_left(r);
	record_take(&t->down, n);
	if (t->answer_skip) {
		t->answer_skip -= (uint32_t)n;
		rd_skip(r, n);
		return;
	}
	rd_copy(r, t->answer + t->answer_len, n);
	t->answer_len = (uint8_t)(t->answer_len + n);
	if (t->answer_len == HELLO_HEAD_LEN) {
		struct rd head = rd_init(t->answer, HELLO_HEAD_LEN);
		uint32_t len = 0;
		uint8_t type = 0;

		rd_u8(&head, &type);
		rd_be24(&head, &len);
		if (type != MSG_SERVER_HELLO || len < ANSWER_LEN - HELLO_HEAD_LEN)
			refuse(i, DROP_TLS_BAD);
	} else if (t->answer_len == ANSWER_LEN) {
		t->answer_skip = ((uint32_t)t->answer[1] << 16 | (uint32_t)t->answer[2] << 8 |
				  t->answer[3]) - (ANSWER_LEN - HELLO_HEAD_LEN);
		answer_whole(i, t);
	}
}

/*
 * Whatever is no TLS record is refused, although the far side may say what it likes: a server that does
 * not speak TLS may go on in any protocol, with any name in it, and the rule was promised TLS. A
 * warning (unrecognized_name, RFC 6066 s. 3) may stand before the ServerHello.
 */
static void down_head(struct inspect *i, struct tls *t, uint8_t c)
{
	t->down.head[t->down.have++] = c;
	if (t->down.have == 1 && c != RECORD_HANDSHAKE && c != RECORD_ALERT && c != RECORD_CCS)
		refuse(i, DROP_TLS_NOT);
	else if (t->down.have == 2 && c != MAJOR)
		refuse(i, DROP_TLS_NOT);
	else if (t->down.have == RECORD_HEAD_LEN && !record_begin(&t->down))
		refuse(i, DROP_TLS_BAD);
}

static void tls_down(struct inspect *i, const uint8_t *buf, size_t len)
{
	struct tls *t = inspect_own(i);
	struct rd r = rd_init(buf, len);
	uint8_t c;

	while (rd_left(&r) && !inspect_is_final(i)) {
		if (t->down.have < RECORD_HEAD_LEN) {
			if (rd_u8(&r, &c))
				down_head(i, t, c);
		} else if (t->down.head[0] == RECORD_HANDSHAKE) {
			down_message(i, t, &r);
		} else {
			size_t n = t->down.left < rd_left(&r) ? t->down.left : rd_left(&r);

			rd_skip(&r, n);
			record_take(&t->down, n);
		}
	}
}

static void tls_done(struct inspect *i)
{
	struct tls *t = inspect_own(i);

	inspect_bytes_done(&t->hello);
}

const struct inspect_ops inspect_tls_ops = {
	.own_size = sizeof(struct tls),
	.up = tls_up,
	.down = tls_down,
	.done = tls_done,
};
