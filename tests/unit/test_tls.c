/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of facts about TLS streams: what is held, what goes on, what is refused; the second hello after
 * a HelloRetryRequest; and that no cut of the bytes changes any of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/inspect/inspect.h"
#include "tests/unit/hello_make.h"
#include "tests/unit/hello_real.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define R(x) x, sizeof(x)

static struct make m, stream, other;

static struct inspect *start(enum proto_inspect kind)
{
	struct inspect_spec spec = { .kind = kind, .name = "ok.test", .port = 443, .note = "" };
	struct inspect *i = inspect_new(&spec);

	assert_non_null(i);
	return i;
}

/* A copy of each piece, so that the sanitizer sees one byte too many, or a pointer that was kept. */
static enum inspect_state feed(struct inspect *i, bool up, const uint8_t *p, size_t len, size_t piece)
{
	enum inspect_state s = INSPECT_HOLD;
	uint64_t cleared = inspect_cleared(i);

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, p + at, n);
		s = up ? inspect_up(i, copy, n) : inspect_down(i, copy, n);
		free(copy);
		assert_true(inspect_cleared(i) >= cleared);
		cleared = inspect_cleared(i);
		if (s == INSPECT_PASS || s == INSPECT_REFUSE)
			break;
	}
	return s;
}

struct outcome {
	enum inspect_state state;
	enum drop_reason reason;
	uint64_t cleared;
};

static void outcome_is(size_t row, size_t piece, const struct outcome *is, const struct outcome *want)
{
	if (is->state != want->state || is->reason != want->reason ||
	    (is->state != INSPECT_PASS && is->cleared != want->cleared))
		fail_msg("row %zu, pieces of %zu: state %d, reason %d, cleared %llu; not %d, %d, %llu", row,
			 piece, is->state, is->reason, (unsigned long long)is->cleared, want->state,
			 want->reason, (unsigned long long)want->cleared);
}

/* A stream from the sandbox alone: whole, byte by byte, and cut in two at every byte. */
static void check(size_t row, enum proto_inspect kind, const uint8_t *p, size_t len,
		  const struct outcome *want)
{
	size_t step = len > 4096 ? 997 : 1;

	for (size_t first = 0; first <= len; first += step) {
		struct inspect *i = start(kind);
		struct outcome is = { .state = INSPECT_HOLD };

		if (first)
			is.state = feed(i, true, p, first, first);
		if (first < len && is.state != INSPECT_PASS && is.state != INSPECT_REFUSE)
			is.state = feed(i, true, p + first, len - first, first ? len : 1);
		is.reason = inspect_reason(i);
		is.cleared = inspect_cleared(i);
		inspect_free(i);
		outcome_is(row, first, &is, want);
		if (first == len && is.state == INSPECT_PASS)
			assert_int_equal(is.cleared, len);
	}
}

/* ---- the first flight -------------------------------------------------------------------------------------- */

#define TLS PROTO_INSPECT_TLS
#define OPAQUE PROTO_INSPECT_TLS_OPAQUE
#define IF PROTO_INSPECT_TLS_IF

static void test_first_bytes(void **state)
{
	static const struct {
		enum proto_inspect kind;
		const char *p;
		size_t len;
		enum inspect_state state;
		enum drop_reason reason;
	} t[] = {
#define S(s) s, sizeof(s) - 1
		/*  1 HTTP, SSH, an SSL 2 hello */ { TLS, S("GET / HTTP/1.1\r\n"), INSPECT_REFUSE, DROP_TLS_NOT },
		/*  2 */ { TLS, S("SSH-2.0-x\r\n"), INSPECT_REFUSE, DROP_TLS_NOT },
		/*  3 */ { TLS, S("\x80\x2e\1\3\1"), INSPECT_REFUSE, DROP_TLS_NOT },
		/*  4 one byte is enough */ { TLS, S("G"), INSPECT_REFUSE, DROP_TLS_NOT },
		/*  5 a record, not of TLS */ { TLS, S("\x16\2"), INSPECT_REFUSE, DROP_TLS_NOT },
		/*  6 */ { TLS, S("\x16"), INSPECT_HOLD, 0 },
		/*  7 */ { TLS, S("\x16\3\1\2"), INSPECT_HOLD, 0 },
		/*  8 other records first */ { TLS, S("\x14\3\3\0\1\1"), INSPECT_REFUSE, DROP_TLS_NOT },
		/*  9 */ { TLS, S("\x15\3\3\0\2\2\0"), INSPECT_REFUSE, DROP_TLS_NOT },
		/* 10 */ { TLS, S("\x17\3\3\0\1x"), INSPECT_REFUSE, DROP_TLS_NOT },
		/* 11 an empty record */ { TLS, S("\x16\3\1\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 12 an empty one in the hello */ { TLS, S("\x16\3\1\0\1\1\x16\3\1\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 13 the largest record */ { TLS, S("\x16\3\1\x40\0\1\0\xff\xfc"), INSPECT_HOLD, 0 },
		/* 14 one more */ { TLS, S("\x16\3\1\x40\1"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 15 the largest hello is 13; one more */ { TLS, S("\x16\3\1\x40\0\1\0\xff\xfd"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 16 another message */ { TLS, S("\x16\3\1\0\4\2\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 17 a hello of nothing */ { TLS, S("\x16\3\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 18 another record inside of it */ { TLS, S("\x16\3\1\0\1\1\x17"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 19 */ { TLS, S("\x16\3\1\0\1\1\x14"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 20 */ { TLS, S("\x16\3\1\0\1\1\x15"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 21 another version inside of it */ { TLS, S("\x16\3\1\0\1\1\x16\2"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 22 opaque means TLS all the same */ { OPAQUE, S("GET / "), INSPECT_REFUSE, DROP_TLS_NOT },
		/* 23 */ { OPAQUE, S("\x16\3\1\0\4\2\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 24 any protocol, if not TLS */ { IF, S("SSH-2.0-x\r\n"), INSPECT_PASS, 0 },
		/* 25 Go takes it for TLS, but not from version 16.0 on */ { IF, S("\x16\2"), INSPECT_HOLD, 0 },
		/* 26 one byte says nothing yet */ { IF, S("\x16"), INSPECT_HOLD, 0 },
		/* 27 two do */ { IF, S("\x16\3"), INSPECT_HOLD, 0 },
		/* 28 no server takes this for a hello */ { IF, S("\x16\3\1\0\4\2"), INSPECT_PASS, 0 },
		/* 29 MySQL: 790 bytes, sequence 1 */ { IF, S("\x16\3\0\1\x85\xa6\xff\1"), INSPECT_PASS, 0 },
		/* 30 this one any server does */ { IF, S("\x16\3\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 31 */ { IF, S("\x16\3\1\x40\1\1"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 32 790 in 64 bits, little-endian: an empty record, then none */
		{ IF, S("\x16\3\0\0\0\0\0\0"), INSPECT_PASS, 0 },
		/* 33 an empty record, then what some servers read */ { IF, S("\x16\3\1\0\0"), INSPECT_HOLD, 0 },
		/* 34 */ { IF, S("\x16\3\1\0\0\x16\3\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 35 not inside of a message */ { IF, S("\x16\3\1\0\1\1\x16\3\1\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 36 nor where it must be TLS */ { OPAQUE, S("\x16\3\1\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 37 */ { IF, S("\x16\x10"), INSPECT_PASS, 0 },
		/* 38 */ { IF, S("\x16\2\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 39 */ { IF, S("\x16\x0f\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 40 Minecraft: 22 bytes, packet 0, version 760, "play..." */
		{ IF, S("\x16\0\xf8\5\x0fplay.example"), INSPECT_PASS, 0 },
		/* 41 what some servers skip: OpenSSL an empty record, GnuTLS a change_cipher_spec */
		{ IF, S("\x14\3\1\0\0"), INSPECT_HOLD, 0 },
		/* 42 */ { IF, S("\x14\3\1\0\0\x16\3\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 43 */ { IF, S("\x15\3\1\0\0\x16\3\1\0\4\1\0\0\0"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 44 */ { IF, S("\x14\3\1\0\1\1"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 45 Go an alert, which came in pieces once */ { IF, S("\x15\3\1\0\2\1"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 46 */ { IF, S("\x15\2\1\0\1\2"), INSPECT_REFUSE, DROP_TLS_BAD },
		/* 47 MongoDB: 788, 789 and 790 bytes, request 1, 2 and 1 */
		{ IF, S("\x14\3\0\0\1\0"), INSPECT_PASS, 0 },
		/* 48 */ { IF, S("\x15\3\0\0\2\0"), INSPECT_PASS, 0 },
		/* 49 */ { IF, S("\x16\3\0\0\1\0"), INSPECT_PASS, 0 },
		/* 50 not of their size */ { IF, S("\x14\3\1\0\2"), INSPECT_PASS, 0 },
		/* 51 */ { IF, S("\x15\3\1\0\3"), INSPECT_PASS, 0 },
		/* 52 data is no beginning */ { IF, S("\x17"), INSPECT_PASS, 0 },
		/* 53 the hello of SSL 2, which has no name */ { IF, S("\x80\x2e\1\3\1"), INSPECT_REFUSE, DROP_TLS_NO_NAME },
		/* 54 */ { IF, S("\x80\x2e\1\0\2"), INSPECT_REFUSE, DROP_TLS_NO_NAME },
		/* 55 */ { IF, S("\x80\x2e\1\3"), INSPECT_HOLD, 0 },
		/* 56 not quite */ { IF, S("\x80\x2e\2"), INSPECT_PASS, 0 },
		/* 57 */ { IF, S("\x80\x2e\1\2\0"), INSPECT_PASS, 0 },
		/* 58 Telnet: IAC DO ECHO */ { IF, S("\xff\xfd\1"), INSPECT_PASS, 0 },
		/* 59 any version will do */ { IF, S("\x80\x2e\1\x7f\x1c"), INSPECT_REFUSE, DROP_TLS_NO_NAME },
		/* 60 ONC RPC: a call of 300 bytes */ { IF, S("\x80\0\1\x2c"), INSPECT_PASS, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct outcome want = { t[i].state, t[i].reason, 0 };

		check(i + 1, t[i].kind, (const uint8_t *)t[i].p, t[i].len, &want);
	}
}

/* Real hellos under each kind; each is one record. A cleared one is cleared to its last byte. */
static void test_real(void **state)
{
	static const struct {
		enum proto_inspect kind;
		const uint8_t *p;
		size_t len;
		enum inspect_state state;
		enum drop_reason reason;
	} t[] = {
		/*  1 */ { TLS, R(hello_openssl), INSPECT_WATCH, 0 },
		/*  2 */ { TLS, R(hello_openssl12), INSPECT_WATCH, 0 },
		/*  3 */ { TLS, R(hello_no_name), INSPECT_REFUSE, DROP_TLS_NO_NAME },
		/*  4 */ { TLS, R(hello_gnutls), INSPECT_WATCH, 0 },
		/*  5 */ { TLS, R(hello_node), INSPECT_WATCH, 0 },
		/*  6 */ { TLS, R(hello_chromium), INSPECT_REFUSE, DROP_TLS_ECH },
		/*  7 */ { IF, R(hello_node), INSPECT_WATCH, 0 },
		/*  8 */ { IF, R(hello_no_name), INSPECT_REFUSE, DROP_TLS_NO_NAME },
		/*  9 */ { OPAQUE, R(hello_no_name), INSPECT_PASS, 0 },
		/* 10 */ { OPAQUE, R(hello_chromium), INSPECT_PASS, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct outcome want = { t[i].state, t[i].reason, t[i].state == INSPECT_WATCH ? t[i].len : 0 };

		check(i + 1, t[i].kind, t[i].p, t[i].len, &want);
		/* Nothing but the whole is ever let go. */
		for (size_t n = 1; n < t[i].len; n++) {
			struct inspect *in = start(t[i].kind);

			assert_int_equal(feed(in, true, t[i].p, n, n), INSPECT_HOLD);
			assert_int_equal(inspect_cleared(in), 0);
			assert_false(inspect_wants_down(in));
			inspect_free(in);
		}
	}
}

/* Hellos of any size in records of any size. */
static void test_sizes(void **state)
{
	static const struct {
		const char *name;
		size_t size, fragment;
		enum inspect_state state;
		enum drop_reason reason;
	} t[] = {
		/*  1 records of one byte */ { "ok.test", 0, 1, INSPECT_WATCH, 0 },
		/*  2 the name across records */ { "ok.test", 0, 7, INSPECT_WATCH, 0 },
		/*  3 */ { "no.test", 0, 1, INSPECT_REFUSE, DROP_TLS_NAME },
		/*  4 */ { NULL, 0, 1, INSPECT_REFUSE, DROP_TLS_NO_NAME },
		/*  5 padded as against a bug of 2014 */ { "ok.test", 516, 16384, INSPECT_WATCH, 0 },
		/*  6 two key shares after quantum */ { "ok.test", 3000, 1200, INSPECT_WATCH, 0 },
		/*  7 16 KiB: one full record */ { "ok.test", 16384, 16384, INSPECT_WATCH, 0 },
		/*  8 a byte more */ { "ok.test", 16385, 16384, INSPECT_WATCH, 0 },
		/*  9 */ { "no.test", 16385, 16384, INSPECT_REFUSE, DROP_TLS_NAME },
		/* 10 what we hold at most */ { "ok.test", 65536, 16384, INSPECT_WATCH, 0 },
		/* 11 */ { "no.test", 65536, 16384, INSPECT_REFUSE, DROP_TLS_NAME },
		/* 12 a byte more */ { "ok.test", 65537, 16384, INSPECT_REFUSE, DROP_TLS_BAD },
		/* 13 so small records that their heads do not fit */ { "ok.test", 65536, 64, INSPECT_REFUSE, DROP_TLS_BAD },
		/* 14 */ { "ok.test", 16384, 1, INSPECT_REFUSE, DROP_TLS_BAD },
		/* 15 the smallest that do: 65536 + 782 * 5 */ { "ok.test", 65536, 84, INSPECT_WATCH, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct outcome want = { t[i].state, t[i].reason, 0 };

		make_hello(&m, t[i].name, t[i].size);
		stream.len = 0;
		make_records(&stream, &m, t[i].fragment);
		if (t[i].state == INSPECT_WATCH)
			want.cleared = stream.len;
		check(i + 1, TLS, stream.p, stream.len, &want);
	}
}

/* What the sandbox sends behind its first hello, before the far side has answered. */
static void test_behind(void **state)
{
	static const struct {
		const char *p;
		size_t len;
		enum inspect_state state;
		size_t cleared;			/* of these */
	} t[] = {
		/*  1 change_cipher_spec, as 0-RTT begins */ { S("\x14\3\3\0\1\1"), INSPECT_WATCH, 6 },
		/*  2 early data */ { S("\x14\3\3\0\1\1\x17\3\3\0\3abc"), INSPECT_WATCH, 14 },
		/*  3 records of no data */ { S("\x17\3\3\0\0\x17\3\3\0\0"), INSPECT_WATCH, 10 },
		/*  4 the largest; half of it */ { S("\x17\3\3\x41\0abc"), INSPECT_WATCH, 8 },
		/*  5 one more */ { S("\x17\3\3\x41\1"), INSPECT_REFUSE, 4 },
		/*  6 an alert */ { S("\x15\3\3\0\2\1\0"), INSPECT_WATCH, 7 },
		/*  7 not of its size */ { S("\x15\3\3\0\3\1\0\0"), INSPECT_REFUSE, 4 },
		/*  8 */ { S("\x14\3\3\0\2\1\1"), INSPECT_REFUSE, 4 },
		/*  9 any handshake */ { S("\x16"), INSPECT_REFUSE, 0 },
		/* 10 behind something else */ { S("\x14\3\3\0\1\1\x16"), INSPECT_REFUSE, 6 },
		/* 11 */ { S("\x17\3\3\0\0\x16"), INSPECT_REFUSE, 5 },
		/* 12 no record at all */ { S("GET"), INSPECT_REFUSE, 0 },
		/* 13 a heartbeat */ { S("\x18"), INSPECT_REFUSE, 0 },
		/* 14 another version */ { S("\x17\2"), INSPECT_REFUSE, 1 },
		/* 15 half a head is on its way already; it can do no harm */ { S("\x17\3\3"), INSPECT_WATCH, 3 },
	};

	(void)state;
	make_hello(&m, "ok.test", 0);
	for (size_t i = 0; i < N(t); i++) {
		enum drop_reason reason = t[i].state == INSPECT_REFUSE ? DROP_TLS_BAD : DROP_NONE;
		struct outcome want = { t[i].state, reason, 0 };

		stream.len = 0;
		make_records(&stream, &m, 16384);
		want.cleared = stream.len + t[i].cleared;
		make_bytes(&stream, t[i].p, t[i].len);
		check(i + 1, TLS, stream.p, stream.len, &want);
	}
}

/* Two hellos: in one record, the second begun in the first one's record, in two records. */
static void test_two_hellos(void **state)
{
	struct outcome want = { INSPECT_REFUSE, DROP_TLS_BAD, 0 };

	(void)state;
	make_hello(&m, "ok.test", 0);
	make_hello(&other, "no.test", 0);
	make_bytes(&m, other.p, other.len);
	stream.len = 0;
	make_records(&stream, &m, 16384);
	check(1, TLS, stream.p, stream.len, &want);
	check(2, OPAQUE, stream.p, stream.len, &want);
	m.len -= other.len - 1;
	stream.len = 0;
	make_records(&stream, &m, 16384);
	check(3, TLS, stream.p, stream.len, &want);
	m.len -= 1;
	stream.len = 0;
	make_records(&stream, &m, 16384);
	want.cleared = stream.len;
	make_records(&stream, &other, 16384);
	check(4, TLS, stream.p, stream.len, &want);
}

/* ---- with the far side ------------------------------------------------------------------------------------- */

enum { STEPS_MAX = 8 };

struct step {
	char who;			/* c: the sandbox, s: the far side */
	const uint8_t *p;
	size_t len;
	enum inspect_state state;	/* behind it */
};

/* Each step whole, in small pieces, and byte by byte. */
static void walk(size_t row, const struct step *steps, enum drop_reason reason)
{
	static const size_t pieces[] = { 1 << 20, 1, 2, 7, 40, 300 };

	for (size_t k = 0; k < N(pieces); k++) {
		struct inspect *i = start(TLS);
		uint64_t fed = 0;

		for (size_t n = 0; n < STEPS_MAX && steps[n].len; n++) {
			enum inspect_state s;

			if (steps[n].who == 's')
				assert_true(inspect_wants_down(i));
			else
				fed += steps[n].len;
			s = feed(i, steps[n].who == 'c', steps[n].p, steps[n].len, pieces[k]);
			if (s != steps[n].state)
				fail_msg("row %zu, step %zu, pieces of %zu: %d, reason %d", row, n + 1,
					 pieces[k], s, inspect_reason(i));
			if (s == INSPECT_WATCH)
				assert_int_equal(inspect_cleared(i), fed);
			assert_true(s == INSPECT_WATCH || s == INSPECT_HOLD || !inspect_wants_down(i));
		}
		if (inspect_reason(i) != reason)
			fail_msg("row %zu, pieces of %zu: reason %d", row, pieces[k], inspect_reason(i));
		inspect_free(i);
	}
}

#define WATCH INSPECT_WATCH
#define HOLD INSPECT_HOLD
#define PASS INSPECT_PASS
#define REFUSE INSPECT_REFUSE
#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static void test_answers(void **state)
{
	static const struct {
		struct step steps[STEPS_MAX];
		enum drop_reason reason;
	} t[] = {
		/*  1 TLS 1.3 */ { { { 'c', R(plain_hello), WATCH }, { 's', R(plain_answer), PASS } }, 0 },
		/*  2 with a retry */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', R(retry_again), WATCH }, { 's', R(retry_answer), PASS } }, 0 },
		/*  3 early data before the retry */
		{ { { 'c', R(retry_hello), WATCH }, { 'c', BYTES("\x14\3\3\0\1\1\x17\3\3\0\1x"), WATCH },
		    { 's', R(retry_request), WATCH }, { 'c', BYTES("\x17\3\3\0\1x"), WATCH },
		    { 'c', R(retry_again), WATCH }, { 's', R(retry_answer), PASS } }, 0 },
		/*  4 the second hello without a name */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', R(hello_no_name), REFUSE } }, DROP_TLS_NO_NAME },
		/*  5 with ECH */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', R(hello_chromium), REFUSE } }, DROP_TLS_ECH },
		/*  6 another message instead of it */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', BYTES("\x16\3\3\0\4\x0b\0\0\0"), REFUSE } }, DROP_TLS_BAD },
		/*  7 part of it is held */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', retry_again, 100, HOLD } }, 0 },
		/*  8 something between its records */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', BYTES("\x16\3\3\0\1\1"), HOLD }, { 'c', BYTES("\x17"), REFUSE } }, DROP_TLS_BAD },
		/*  9 a third hello */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', R(retry_again), WATCH }, { 'c', R(retry_hello), REFUSE } }, DROP_TLS_BAD },
		/* 10 a second retry */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 'c', R(retry_again), WATCH }, { 's', R(retry_request), REFUSE } }, DROP_TLS_BAD },
		/* 11 a ServerHello, and no second hello was read */
		{ { { 'c', R(retry_hello), WATCH }, { 's', R(retry_request), WATCH },
		    { 's', R(retry_answer), REFUSE } }, DROP_TLS_BAD },
		/* 12 the second hello begun before the answer */
		{ { { 'c', R(retry_hello), WATCH }, { 's', retry_request, 42, WATCH },
		    { 'c', BYTES("\x16"), REFUSE } }, DROP_TLS_BAD },
		/* 13 a warning first */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x15\3\3\0\2\1\x70"), WATCH },
		    { 's', R(plain_answer), PASS } }, 0 },
		/* 14 the server refuses: the alert goes on, the rest is the connection's end */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x15\3\3\0\2\2\x28"), WATCH } }, 0 },
		/* 15 no TLS */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("HTTP/1.1 400 Bad Request\r\n"), REFUSE } },
		  DROP_TLS_NOT },
		/* 16 */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x16\2"), REFUSE } }, DROP_TLS_NOT },
		/* 17 data before a ServerHello */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x17\3\3\0\1x"), REFUSE } }, DROP_TLS_NOT },
		/* 18 another message; an old draft's HelloRetryRequest was one */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x16\3\3\0\4\6\0\0\x40"), REFUSE } },
		  DROP_TLS_BAD },
		/* 19 too short to say what it is */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x16\3\3\0\4\2\0\0\x21"), REFUSE } },
		  DROP_TLS_BAD },
		/* 20 a record of nothing */
		{ { { 'c', R(plain_hello), WATCH }, { 's', BYTES("\x16\3\3\0\0"), REFUSE } }, DROP_TLS_BAD },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++)
		walk(i + 1, t[i].steps, t[i].reason);
}

/* The second hello in records of one byte, and for another name. */
static void test_again(void **state)
{
	static const uint8_t ccs[] = "\x14\3\3\0\1\1";

	(void)state;
	make_hello(&m, "ok.test", 0);
	stream.len = 0;
	make_bytes(&stream, ccs, 6);
	make_records(&stream, &m, 1);
	for (int other_name = 0; other_name < 2; other_name++) {
		struct step steps[STEPS_MAX] = {
			{ 'c', R(retry_hello), WATCH },
			{ 's', R(retry_request), WATCH },
			{ 'c', stream.p, stream.len, other_name ? REFUSE : WATCH },
		};

		walk(1 + (size_t)other_name, steps, other_name ? DROP_TLS_NAME : DROP_NONE);
		make_hello(&m, "no.test", 0);
		stream.len = 0;
		make_bytes(&stream, ccs, 6);
		make_records(&stream, &m, 1);
	}
}

/* The retry in records of a few bytes each: its magic across them. */
static void test_retry_in_records(void **state)
{
	for (size_t fragment = 1; fragment < 40; fragment++) {
		m.len = stream.len = 0;
		make_bytes(&m, retry_request + 5, 88);	/* its one handshake record */
		make_records(&stream, &m, fragment);

		struct step steps[STEPS_MAX] = {
			{ 'c', R(retry_hello), WATCH },
			{ 's', stream.p, stream.len, WATCH },
			{ 'c', R(hello_no_name), REFUSE },
		};

		walk(fragment, steps, DROP_TLS_NO_NAME);
	}
	(void)state;
}

/* ---- what is told, and what it costs ------------------------------------------------------------------------- */

static void test_report(void **state)
{
	static const struct {
		const uint8_t *p;
		size_t len;
		bool told;
		enum proto_inspect inspect;
		enum drop_reason reason;
		const char *host, *detail;
	} t[] = {
		/* 1 */ { R(hello_openssl), true, TLS, 0, "ok.test", "TLS1.3 h2,http/1.1" },
		/* 2 */ { R(hello_no_name), true, TLS, DROP_TLS_NO_NAME, "", "TLS1.3" },
		/* 3 */ { BYTES("GET / HTTP"), true, PROTO_INSPECT_NONE, DROP_TLS_NOT, "", "" },
		/* 4 */ { BYTES("\x16\3\3\0\4\2\0\0\0"), true, TLS, DROP_TLS_BAD, "", "" },
		/* 5 */ { hello_openssl, 100, false, 0, 0, "", "" },
	};

	(void)state;
	for (size_t k = 0; k < N(t); k++) {
		struct inspect *i = start(TLS);
		struct proto_inspected msg = { 0 };

		feed(i, true, t[k].p, t[k].len, t[k].len);
		assert_int_equal(inspect_report(i, &msg), t[k].told);
		assert_int_equal(msg.inspect, t[k].inspect);
		assert_int_equal(msg.reason, t[k].reason);
		assert_string_equal(msg.host, t[k].host);
		assert_string_equal(msg.detail, t[k].detail);
		assert_false(inspect_report(i, &msg));
		inspect_free(i);
	}
}

/* Once per flow, and once more when the second hello is refused. */
static void test_report_again(void **state)
{
	struct proto_inspected msg = { 0 };
	struct inspect *i = start(TLS);

	(void)state;
	feed(i, true, R(retry_hello), 1000);
	assert_true(inspect_report(i, &msg));
	feed(i, false, R(retry_request), 1000);
	feed(i, true, R(retry_again), 1000);
	assert_false(inspect_report(i, &msg));
	feed(i, true, R(retry_again), 1);
	assert_int_equal(inspect_reason(i), DROP_TLS_BAD);
	assert_true(inspect_report(i, &msg));
	assert_string_equal(msg.host, "ok.test");
	inspect_free(i);
	/* Asked for late, it is still there. */
	i = start(TLS);
	feed(i, true, R(retry_hello), 1000);
	feed(i, false, R(retry_request), 1000);
	feed(i, true, R(retry_again), 1000);
	assert_true(inspect_report(i, &msg));
	inspect_free(i);
}

/* All flows of a worker share one bound; what is over gives its memory back. */
static void test_memory(void **state)
{
	enum { FLOWS = 600 };
	static struct inspect *flows[FLOWS];
	size_t held = 0;

	(void)state;
	make_hello(&m, "ok.test", 65536);
	stream.len = 0;
	make_records(&stream, &m, 16384);
	for (int round = 0; round < 2; round++) {
		for (held = 0; held < FLOWS; held++) {
			flows[held] = start(TLS);
			if (inspect_up(flows[held], stream.p, stream.len - 1) != INSPECT_HOLD)
				break;
		}
		assert_true(held > 400 && held < FLOWS);
		assert_int_equal(inspect_reason(flows[held]), DROP_NO_MEMORY);
		/* One is done, another has room. */
		assert_int_equal(inspect_up(flows[0], stream.p + stream.len - 1, 1), INSPECT_WATCH);
		inspect_free(flows[held]);
		flows[held] = start(TLS);
		assert_int_equal(inspect_up(flows[held], stream.p, stream.len), INSPECT_WATCH);
		for (size_t k = 0; k <= held; k++)
			inspect_free(flows[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_bytes),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_two_hellos),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_retry_in_records),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_again),
		cmocka_unit_test(test_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
