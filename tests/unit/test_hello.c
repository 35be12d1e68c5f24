/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about the ClientHello: names, shapes, every length that is wrong, what real clients send. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stack/inspect/hello.h"
#include "tests/unit/hello_make.h"
#include "tests/unit/hello_real.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct make m;

/* A copy of the exact size, so that the sanitizer sees one byte too many. */
static int parse(const uint8_t *p, size_t len, struct hello *h)
{
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, p, len);
	r = hello_parse(copy, len, h);
	free(copy);
	return r;
}

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define L61 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"

static void test_names(void **state)
{
#define S(s) s, sizeof(s) - 1
	static const struct {
		const char *sni;
		size_t len;
		int r;
		enum drop_reason reason;	/* when the flow is for ok.test */
		const char *name;
	} t[] = {
		/*  1 */ { S("ok.test"), 0, DROP_NONE, "ok.test" },
		/*  2 case */ { S("OK.Test"), 0, DROP_NONE, "ok.test" },
		/*  3 trailing dot */ { S("ok.test."), 0, DROP_NONE, "ok.test" },
		/*  4 two of them */ { S("ok.test.."), -EBADMSG, 0, NULL },
		/*  5 another name */ { S("sib.test"), 0, DROP_TLS_NAME, "sib.test" },
		/*  6 below it */ { S("a.ok.test"), 0, DROP_TLS_NAME, "a.ok.test" },
		/*  7 above it */ { S("test"), 0, DROP_TLS_NAME, "test" },
		/*  8 before and behind it */ { S("evilok.test"), 0, DROP_TLS_NAME, "evilok.test" },
		/*  9 */ { S("ok.test.evil.test"), 0, DROP_TLS_NAME, "ok.test.evil.test" },
		/* 10 A-label */ { S("XN--Bcher-kva.test"), 0, DROP_TLS_NAME, "xn--bcher-kva.test" },
		/* 11 NUL (threat list 5.1, 1) */ { S("ok.test\0.evil.test"), -EBADMSG, 0, NULL },
		/* 12 */ { S("ok.test\0"), -EBADMSG, 0, NULL },
		/* 13 */ { S("\0ok.test"), -EBADMSG, 0, NULL },
		/* 14 space */ { S("ok.test "), -EBADMSG, 0, NULL },
		/* 15 */ { S(" ok.test"), -EBADMSG, 0, NULL },
		/* 16 other white space */ { S("ok.test\t"), -EBADMSG, 0, NULL },
		/* 17 */ { S("ok.test\r\n"), -EBADMSG, 0, NULL },
		/* 18 port */ { S("ok.test:443"), -EBADMSG, 0, NULL },
		/* 19 star, slash, percent, at */ { S("*.test"), -EBADMSG, 0, NULL },
		/* 20 */ { S("ok.test/x"), -EBADMSG, 0, NULL },
		/* 21 */ { S("ok%2etest"), -EBADMSG, 0, NULL },
		/* 22 */ { S("ok.test@evil.test"), -EBADMSG, 0, NULL },
		/* 23 UTF-8: Cyrillic o */ { S("\xd0\xbek.test"), -EBADMSG, 0, NULL },
		/* 24 UTF-8: ideographic full stop */ { S("ok\xe3\x80\x82test"), -EBADMSG, 0, NULL },
		/* 25 empty */ { S(""), -EBADMSG, 0, NULL },
		/* 26 */ { S("."), -EBADMSG, 0, NULL },
		/* 27 empty label */ { S("ok..test"), -EBADMSG, 0, NULL },
		/* 28 */ { S(".ok.test"), -EBADMSG, 0, NULL },
		/* 29 IPv4 */ { S("192.0.2.1"), 0, DROP_TLS_NAME, "192.0.2.1" },
		/* 30 IPv6 */ { S("2001:DB8::1"), 0, DROP_TLS_NAME, "2001:db8::1" },
		/* 31 in brackets it is nothing */ { S("[2001:db8::1]"), -EBADMSG, 0, NULL },
		/* 32 underscore */ { S("_a.ok.test"), 0, DROP_TLS_NAME, "_a.ok.test" },
		/* 33 the longest label */ { S(L63 ".test"), 0, DROP_TLS_NAME, L63 ".test" },
		/* 34 one more */ { S("x" L63 ".test"), -EBADMSG, 0, NULL },
		/* 35 the longest name */ { S(L63 "." L63 "." L63 "." L61), 0, DROP_TLS_NAME,
					    L63 "." L63 "." L63 "." L61 },
		/* 36 the dot does not count */ { S(L63 "." L63 "." L63 "." L61 "."), 0, DROP_TLS_NAME,
						  L63 "." L63 "." L63 "." L61 },
		/* 37 one more */ { S(L63 "." L63 "." L63 "." L61 "x"), -EBADMSG, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t exts = make_hello_open(&m);
		struct hello h;
		int r;

		make_server_name(&m, t[i].sni, t[i].len);
		make_hello_close(&m, exts);
		r = parse(m.p, m.len, &h);
		if (r != t[i].r)
			fail_msg("name %zu: %d", i + 1, r);
		if (r == 0 && (!h.has_name || strcmp(h.name, t[i].name) != 0 ||
			       hello_judge(&h, "ok.test") != t[i].reason))
			fail_msg("name %zu: %s, %d", i + 1, h.name, hello_judge(&h, "ok.test"));
	}
}

/* What stands in the place of the extensions, their length included. */
static void test_shapes(void **state)
{
#define OK "\0\0\0\14\0\12\0\0\7ok.test"	/* 16 bytes */
#define OTHER "\0\0\0\14\0\12\0\0\7no.test"
	static const struct {
		const char *exts;
		size_t len;
		int r;
		enum drop_reason reason;
	} t[] = {
		/*  1 none at all: TLS 1.2 and before */ { S(""), 0, DROP_TLS_NO_NAME },
		/*  2 an empty list */ { S("\0\0"), 0, DROP_TLS_NO_NAME },
		/*  3 half a length */ { S("\0"), -EBADMSG, 0 },
		/*  4 a name */ { S("\0\20" OK), 0, DROP_NONE },
		/*  5 a byte behind */ { S("\0\20" OK "x"), -EBADMSG, 0 },
		/*  6 a byte missing */ { S("\0\21" OK), -EBADMSG, 0 },
		/*  7 the extension twice */ { S("\0\40" OK OK), -EBADMSG, 0 },
		/*  8 the other name first, or last */ { S("\0\40" OTHER OK), -EBADMSG, 0 },
		/*  9 */ { S("\0\40" OK OTHER), -EBADMSG, 0 },
		/* 10 twice, with something between */ { S("\0\44" OK "\0\27\0\0" OTHER), -EBADMSG, 0 },
		/* 11 any other twice */ { S("\0\30" OK "\0\27\0\0\0\27\0\0"), -EBADMSG, 0 },
		/* 12 two names in one list */
		{ S("\0\32\0\0\0\26\0\24\0\0\7ok.test\0\0\7no.test"), -EBADMSG, 0 },
		/* 13 a name of another type */ { S("\0\20\0\0\0\14\0\12\1\0\7ok.test"), -EBADMSG, 0 },
		/* 14 first of another type, then ours */
		{ S("\0\32\0\0\0\26\0\24\1\0\7no.test\0\0\7ok.test"), -EBADMSG, 0 },
		/* 15 an empty list of names */ { S("\0\6\0\0\0\2\0\0"), -EBADMSG, 0 },
		/* 16 no list: what a server answers */ { S("\0\4\0\0\0\0"), -EBADMSG, 0 },
		/* 17 bytes behind the list */ { S("\0\21\0\0\0\15\0\12\0\0\7ok.testx"), -EBADMSG, 0 },
		/* 18 bytes in the list behind the name */ { S("\0\21\0\0\0\15\0\13\0\0\7ok.testx"), -EBADMSG, 0 },
		/* 19 ECH beside the name (RFC 9849) */ { S("\0\26" OK "\xfe\x0d\0\2xx"), 0, DROP_TLS_ECH },
		/* 20 ECH alone */ { S("\0\6\xfe\x0d\0\2xx"), 0, DROP_TLS_ECH },
		/* 21 of drafts */ { S("\0\26" OK "\xfe\x0a\0\2xx"), 0, DROP_TLS_ECH },
		/* 22 */ { S("\0\26" OK "\xff\x02\0\2xx"), 0, DROP_TLS_ECH },
		/* 23 encrypted_server_name */ { S("\0\26" OK "\xff\xce\0\2xx"), 0, DROP_TLS_ECH },
		/* 24 renegotiation_info is none of these */ { S("\0\25" OK "\xff\1\0\1\0"), 0, DROP_NONE },
		/* 25 reserved values */ { S("\0\24" OK "\x0a\x0a\0\0"), 0, DROP_NONE },
		/* 26 supported_versions: odd, empty, too long */ { S("\0\27" OK "\0\53\0\3\3\3\4"), -EBADMSG, 0 },
		/* 27 */ { S("\0\25" OK "\0\53\0\1\0"), -EBADMSG, 0 },
		/* 28 */ { S("\0\27" OK "\0\53\0\3\4\3\4"), -EBADMSG, 0 },
		/* 29 ALPN: empty list, empty name, name too long */ { S("\0\26" OK "\0\20\0\2\0\0"), -EBADMSG, 0 },
		/* 30 */ { S("\0\27" OK "\0\20\0\3\0\1\0"), -EBADMSG, 0 },
		/* 31 */ { S("\0\31" OK "\0\20\0\5\0\3\3h2"), -EBADMSG, 0 },
		/* 32 half a head */ { S("\0\22" OK "\0\27"), -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct hello h;
		int r;

		m.len = make_hello_open(&m);
		make_bytes(&m, t[i].exts, t[i].len);
		make_close(&m, 1, 3);
		r = parse(m.p, m.len, &h);
		if (r != t[i].r || (r == 0 && hello_judge(&h, "ok.test") != t[i].reason))
			fail_msg("shape %zu: %d", i + 1, r);
	}
}

static void test_fixed_part(void **state)
{
	static const struct {
		size_t at;
		uint8_t v;
	} t[] = {
		/*  1 ServerHello */ { 0, 2 },
		/*  2 HelloRequest */ { 0, 0 },
		/*  3 larger than any we take */ { 1, 1 },
		/*  4 DTLS, SSL 2, TLS 4 */ { 4, 0xfe },
		/*  5 */ { 4, 0 },
		/*  6 */ { 4, 4 },
		/*  7 a session id of 33 */ { 38, 33 },
		/*  8 cipher suites: odd, none */ { 42, 3 },
		/*  9 */ { 42, 0 },
		/* 10 compression: none */ { 47, 0 },
		/* 11 */ { 47, 255 },
	};
	struct hello h;

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		make_hello(&m, "ok.test", 0);
		assert_int_equal(parse(m.p, m.len, &h), 0);
		m.p[t[i].at] = t[i].v;
		if (parse(m.p, m.len, &h) != -EBADMSG)
			fail_msg("fixed part %zu", i + 1);
	}
}

static void test_session_id(void **state)
{
	struct hello h;

	(void)state;
	for (size_t n = 31; n <= 33; n++) {
		m.len = 0;
		make_bytes(&m, "\1\0\0\0\3\3", 6);
		memset(m.p + m.len, 0x5a, 32);
		m.len += 32;
		make_int(&m, n, 1);
		memset(m.p + m.len, 0, n);
		m.len += n;
		make_bytes(&m, "\0\2\x13\1\1\0", 6);
		make_close(&m, 1, 3);
		assert_int_equal(parse(m.p, m.len, &h), n <= 32 ? 0 : -EBADMSG);
	}
}

/* The result of a failure is not written to. */
static void test_failure_writes_nothing(void **state)
{
	struct hello h, before;

	(void)state;
	memset(&h, 0x7e, sizeof(h));
	before = h;
	make_hello(&m, "ok.test", 0);
	assert_int_equal(parse(m.p, m.len - 1, &h), -EBADMSG);
	assert_memory_equal(&h, &before, sizeof(h));
}

static void test_many_extensions(void **state)
{
	struct hello h;

	(void)state;
	for (unsigned int n = HELLO_EXTS_MAX - 1; n <= HELLO_EXTS_MAX; n++) {
		size_t exts = make_hello_open(&m);

		for (unsigned int i = 0; i < n; i++)
			make_ext(&m, 0x4000 + i, "", 0);
		make_server_name(&m, "ok.test", 7);
		make_hello_close(&m, exts);
		assert_int_equal(parse(m.p, m.len, &h), n < HELLO_EXTS_MAX ? 0 : -EBADMSG);
	}
}

static const struct real {
	const uint8_t *p;
	size_t len;
	enum drop_reason reason;
	const char *detail;
} real[] = {
#define R(x) x, sizeof(x)
	/* 1 */ { R(hello_openssl), DROP_NONE, "TLS1.3 h2,http/1.1" },
	/* 2 */ { R(hello_openssl12), DROP_NONE, "TLS1.2" },
	/* 3 */ { R(hello_no_name), DROP_TLS_NO_NAME, "TLS1.3" },
	/* 4 */ { R(hello_gnutls), DROP_NONE, "TLS1.3" },
	/* 5 */ { R(hello_node), DROP_NONE, "TLS1.3 h2,http/1.1" },
	/* 6 */ { R(hello_chromium), DROP_TLS_ECH, "TLS1.3 h2,http/1.1" },
	/* 7 */ { R(retry_hello), DROP_NONE, "TLS1.3" },
	/* 8 */ { R(plain_hello), DROP_NONE, "TLS1.3" },
};

enum { RECORD_HEAD = 5 };		/* each of them is one record */

static void test_real(void **state)
{
	char detail[PROTO_DETAIL_CAP];
	struct hello h;

	(void)state;
	for (size_t i = 0; i < N(real); i++) {
		const uint8_t *p = real[i].p + RECORD_HEAD;
		size_t len = real[i].len - RECORD_HEAD;

		assert_int_equal(hello_size(p), len);
		assert_int_equal(parse(p, len, &h), 0);
		hello_describe(&h, detail, sizeof(detail));
		if (hello_judge(&h, "ok.test") != real[i].reason || strcmp(detail, real[i].detail) != 0)
			fail_msg("client %zu: %d, %s", i + 1, hello_judge(&h, "ok.test"), detail);
		for (size_t n = 0; n < len; n++) {
			if (parse(p, n, &h) != -EBADMSG)
				fail_msg("client %zu, cut to %zu", i + 1, n);
		}
	}
}

static void add(uint8_t *p, int bytes, int d)
{
	unsigned int v = 0;

	for (int k = 0; k < bytes; k++)
		v = v << 8 | p[k];
	v += (unsigned int)d;
	for (int k = bytes; k--; v >>= 8)
		p[k] = (uint8_t)v;
}

/* Every length field that we read, one more and one less, in what real clients sent. */
static void test_lengths(void **state)
{
	static const int by[] = { 1, -1 };
	static uint8_t copy[4096];
	struct hello h;

	(void)state;
	for (size_t i = 0; i < N(real); i++) {
		const uint8_t *p = real[i].p + RECORD_HEAD;
		size_t len = real[i].len - RECORD_HEAD, n = 0, at = 38;
		struct { size_t at; int bytes; } f[64];

		f[n].at = 1, f[n++].bytes = 3;
		f[n].at = at, f[n++].bytes = 1;
		at += 1u + p[at];
		f[n].at = at, f[n++].bytes = 2;
		at += 2u + (size_t)(p[at] << 8 | p[at + 1]);
		f[n].at = at, f[n++].bytes = 1;
		at += 1u + p[at];
		f[n].at = at, f[n++].bytes = 2;
		for (at += 2; at < len; at += 4u + (size_t)(p[at + 2] << 8 | p[at + 3])) {
			unsigned int type = (unsigned int)(p[at] << 8 | p[at + 1]);

			f[n].at = at + 2, f[n++].bytes = 2;
			if (type == 0 || type == 16)
				f[n].at = at + 4, f[n++].bytes = 2;
			if (type == 0)
				f[n].at = at + 7, f[n++].bytes = 2;
			if (type == 43)
				f[n].at = at + 4, f[n++].bytes = 1;
		}
		assert_true(at == len && n < N(f));
		for (size_t k = 0; k < n * N(by); k++) {
			memcpy(copy, p, len);
			add(copy + f[k % n].at, f[k % n].bytes, by[k / n]);
			if (parse(copy, len, &h) != -EBADMSG)
				fail_msg("client %zu: the length at %zu, %+d", i + 1, f[k % n].at, by[k / n]);
		}
	}
}

/* Whatever byte is flipped: it is refused, or it is still for the same name, or it is judged. */
static void test_flips(void **state)
{
	static uint8_t copy[4096];
	struct hello h;

	(void)state;
	for (size_t at = 0; at < sizeof(hello_openssl) - RECORD_HEAD; at++) {
		for (unsigned int v = 1; v < 256; v++) {
			memcpy(copy, hello_openssl + RECORD_HEAD, sizeof(hello_openssl) - RECORD_HEAD);
			copy[at] ^= (uint8_t)v;
			if (hello_parse(copy, sizeof(hello_openssl) - RECORD_HEAD, &h) == 0 &&
			    hello_judge(&h, "ok.test") == DROP_NONE)
				assert_true(h.has_name && !h.has_ech && strcmp(h.name, "ok.test") == 0);
		}
	}
}

static void test_alpn(void **state)
{
	static const char p[] = "\0\40" "\2\x0a\x0a" "\3a,b" "\6spdy 3" "\2h2" "\3\xc3\xa4x" "\10http/1.1" "\1~";
	size_t exts = make_hello_open(&m);
	char line[24];
	struct hello h;

	(void)state;
	make_ext(&m, 16, p, sizeof(p) - 1);
	make_hello_close(&m, exts);
	assert_int_equal(parse(m.p, m.len, &h), 0);
	assert_string_equal(h.alpn, "h2,http/1.1,~");
	hello_describe(&h, line, sizeof(line));
	assert_string_equal(line, "TLS1.2 h2,http/1.1,~");
	hello_describe(&h, line, 10);
	assert_string_equal(line, "TLS1.2 h2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_fixed_part),
		cmocka_unit_test(test_session_id),
		cmocka_unit_test(test_failure_writes_nothing),
		cmocka_unit_test(test_many_extensions),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_alpn),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
