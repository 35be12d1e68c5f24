/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of facts about HTTP inspection. Each stream is fed whole, byte by byte, and in two pieces with the
 * cut at every place: the outcome must be the same.
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

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define S(s) s, sizeof(s) - 1
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"
#define HOST "Host: ok.test\r\n"
#define END "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define WS GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n" END

struct outcome {
	enum inspect_state state;
	enum drop_reason reason;
	uint64_t cleared;
	bool wants_down;
	unsigned int n_reports;
	struct proto_inspected last;
};

static struct inspect *make(uint16_t port)
{
	const struct inspect_spec spec = {
		.kind = PROTO_INSPECT_HTTP, .name = "ok.test", .port = port, .note = "" };
	struct inspect *i = inspect_new(&spec);

	assert_non_null(i);
	return i;
}

static void take_reports(struct inspect *i, struct outcome *o)
{
	struct proto_inspected m;

	memset(&m, 0, sizeof(m));
	while (inspect_report(i, &m)) {
		o->n_reports++;
		o->last = m;
		memset(&m, 0, sizeof(m));
	}
}

/* step: 0 for all at once, SIZE_MAX for cut only. */
static struct outcome run(const char *text, size_t len, size_t cut, size_t step, uint16_t port)
{
	struct inspect *i = make(port);
	struct outcome o = { .state = INSPECT_HOLD };

	for (size_t at = 0; at < len;) {
		size_t n = at < cut ? cut - at : len - at;
		uint8_t *copy;

		if (step && n > step)
			n = step;
		/* In memory of its own, so that reading beyond it is seen. */
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, text + at, n);
		o.state = inspect_up(i, copy, n);
		free(copy);
		assert_true(inspect_cleared(i) <= at + n);
		assert_true(o.state != INSPECT_WATCH || inspect_cleared(i) == at + n);
		take_reports(i, &o);
		if (o.state == INSPECT_REFUSE || o.state == INSPECT_PASS)
			break;
		at += n;
	}
	o.reason = inspect_reason(i);
	o.cleared = inspect_cleared(i);
	o.wants_down = inspect_wants_down(i);
	inspect_free(i);
	return o;
}

static void assert_same(const struct outcome *a, const struct outcome *b, const char *title, size_t cut)
{
	bool same = a->state == b->state && a->reason == b->reason && a->cleared == b->cleared &&
		    a->wants_down == b->wants_down && a->last.reason == b->last.reason &&
		    a->last.inspect == b->last.inspect && strcmp(a->last.host, b->last.host) == 0 &&
		    strcmp(a->last.detail, b->last.detail) == 0 && a->n_reports == b->n_reports;

	if (!same)
		fail_msg("%s: cut at %zu: state %d/%d reason %d/%d cleared %llu/%llu host '%s'/'%s' '%s'/'%s'",
			 title, cut, a->state, b->state, a->reason, b->reason,
			 (unsigned long long)a->cleared, (unsigned long long)b->cleared, a->last.host,
			 b->last.host, a->last.detail, b->last.detail);
}

static struct outcome run_all_ways(const char *title, const char *text, size_t len, uint16_t port)
{
	struct outcome whole = run(text, len, 0, 0, port), o;

	o = run(text, len, 0, 1, port);
	assert_same(&whole, &o, title, 0);
	for (size_t cut = 1; cut < len; cut++) {
		o = run(text, len, cut, 0, port);
		assert_same(&whole, &o, title, cut);
	}
	return whole;
}

/* What is cleared, and what is not. */
struct row {
	const char *title;
	const char *good;
	size_t good_len;
	const char *bad;
	size_t bad_len;
	enum drop_reason reason;	/* NONE: HOLD or WATCH */
	const char *host;
};

static void check_row(const struct row *r, uint16_t port)
{
	size_t len = r->good_len + r->bad_len;
	char *text = malloc(len + 1);
	struct outcome o;

	assert_non_null(text);
	memcpy(text, r->good, r->good_len);
	memcpy(text + r->good_len, r->bad, r->bad_len);
	o = run_all_ways(r->title, text, len, port);
	free(text);
	if (o.reason != r->reason || o.cleared != r->good_len)
		fail_msg("%s: state %d reason %d cleared %llu", r->title, o.state, o.reason,
			 (unsigned long long)o.cleared);
	if (r->reason != DROP_NONE)
		assert_int_equal(o.state, INSPECT_REFUSE);
	else
		assert_int_equal(o.state, r->bad_len ? INSPECT_HOLD : INSPECT_WATCH);
	if (r->host && strcmp(o.last.host, r->host) != 0)
		fail_msg("%s: host '%s', want '%s'", r->title, o.last.host, r->host);
}

static void check_rows(const struct row *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(&r[i], 80);
}

/* ---- whose request is it -------------------------------------------------------------------------------- */

static void test_host(void **state)
{
#define OK(title, head) { title, S(head END), S(""), DROP_NONE, "ok.test" }
#define BAD(title, head) { title, S(""), S(head END), DROP_HTTP_BAD, NULL }
#define OTHER(title, head, host) { title, S(""), S(head END), DROP_HTTP_HOST, host }
	static const struct row t[] = {
		OK("plain", GET HOST),
		OK("case", GET "hOsT: Ok.TeSt\r\n"),
		OK("trailing dot", GET "Host: ok.test.\r\n"),
		OK("port", GET "Host: ok.test:80\r\n"),
		OK("dot and port", GET "Host: ok.test.:80\r\n"),
		OK("no space", GET "Host:ok.test\r\n"),
		OK("space around", GET "Host:   ok.test  \r\n"),
		OK("other fields first", GET "Accept: */*\r\nX: y\r\n" HOST),
		OK("empty field", GET "X:\r\n" HOST),
		OK("a field with bytes beyond ASCII", GET HOST "X: \xc3\xa4\r\n"),
		OK("1.0", "GET / HTTP/1.0\r\n" HOST),
		OK("absolute", "GET http://ok.test/x HTTP/1.1\r\n" HOST),
		OK("absolute, no path", "GET HTTP://OK.test HTTP/1.1\r\n" HOST),
		OK("absolute, query", "GET http://ok.test:80?q HTTP/1.1\r\n" HOST),
		OK("absolute, 1.0, no Host", "GET http://ok.test/ HTTP/1.0\r\n"),
		OK("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST),
		OK("a name in the path is none", "GET //evil.test/@evil.test:80 HTTP/1.1\r\n" HOST),
		OK("HEAD", "HEAD / HTTP/1.1\r\n" HOST),
		OK("M-SEARCH", "M-SEARCH / HTTP/1.1\r\n" HOST),
		OK("forwarded for another", GET HOST "X-Forwarded-Host: evil.test\r\n"),
		OTHER("another", GET "Host: evil.test\r\n", "evil.test"),
		OTHER("another port", GET "Host: ok.test:8080\r\n", "ok.test:8080"),
		OTHER("below", GET "Host: a.ok.test\r\n", "a.ok.test"),
		OTHER("prefix", GET "Host: evilok.test\r\n", "evilok.test"),
		OTHER("suffix", GET "Host: ok.test.evil.test\r\n", "ok.test.evil.test"),
		OTHER("shorter", GET "Host: ok.tes\r\n", "ok.tes"),
		OTHER("two dots", GET "Host: ok.test..\r\n", "ok.test.."),
		OTHER("a dot", GET "Host: .\r\n", "."),
		OTHER("IPv4", GET "Host: 198.51.100.1\r\n", "198.51.100.1"),
		OTHER("IPv6", GET "Host: [2001:db8::1]:80\r\n", "[2001:db8::1]:80"),
		OTHER("number", GET "Host: 2130706433\r\n", "2130706433"),
		OTHER("absolute, another", "GET http://evil.test/ HTTP/1.1\r\n" HOST, "ok.test"),
		OTHER("absolute ok, Host another", "GET http://ok.test/ HTTP/1.1\r\nHost: evil.test\r\n",
		      "evil.test"),
		OTHER("absolute, port", "GET http://ok.test:81/ HTTP/1.1\r\n" HOST, "ok.test"),
		OTHER("absolute, 1.0, no Host", "GET http://evil.test/ HTTP/1.0\r\n", ""),
		BAD("no Host", GET "Accept: */*\r\n"),
		BAD("no Host, absolute", "GET http://ok.test/ HTTP/1.1\r\n"),
		BAD("no Host, 1.0", "GET / HTTP/1.0\r\n"),
		BAD("no Host, 1.0, asterisk", "OPTIONS * HTTP/1.0\r\n"),
		BAD("two Hosts", GET "Host: ok.test\r\nHost: evil.test\r\n"),
		BAD("two Hosts, the other way", GET "Host: evil.test\r\nHost: ok.test\r\n"),
		BAD("the same twice", GET HOST HOST),
		BAD("two Hosts, 1.0", "GET / HTTP/1.0\r\n" HOST HOST),
		BAD("empty Host", GET "Host:\r\n"),
		BAD("port only", GET "Host: :80\r\n"),
		BAD("empty port", GET "Host: ok.test:\r\n"),
		BAD("port 0", GET "Host: ok.test:0\r\n"),
		BAD("port 080", GET "Host: ok.test:080\r\n"),
		BAD("port 65616", GET "Host: ok.test:65616\r\n"),
		BAD("port 2^64 + 80", GET "Host: ok.test:18446744073709551696\r\n"),
		BAD("port and more", GET "Host: ok.test:80@evil.test\r\n"),
		BAD("userinfo", GET "Host: ok.test@evil.test\r\n"),
		BAD("userinfo, ours", GET "Host: evil.test@ok.test\r\n"),
		BAD("path", GET "Host: ok.test/evil\r\n"),
		BAD("fragment", GET "Host: ok.test#evil.test\r\n"),
		BAD("query", GET "Host: ok.test?evil.test\r\n"),
		BAD("list", GET "Host: ok.test,evil.test\r\n"),
		BAD("space", GET "Host: ok.test evil.test\r\n"),
		BAD("tab", GET "Host: ok.test\tevil.test\r\n"),
		BAD("tab before", GET "Host:\tok.test\r\n"),
		BAD("tab behind", GET "Host: ok.test\t\r\n"),
		BAD("tab in Connection", GET HOST "Connection: close\t\r\n"),
		OK("tabs elsewhere", GET HOST "X:\ta\tb\t\r\n"),
		BAD("percent", GET "Host: ok.test%00.evil.test\r\n"),
		BAD("percent dot", GET "Host: ok%2etest\r\n"),
		BAD("backslash", GET "Host: ok.test\\evil.test\r\n"),
		BAD("semicolon", GET "Host: ok.test;evil\r\n"),
		BAD("quotes", GET "Host: \"ok.test\"\r\n"),
		BAD("beyond ASCII", GET "Host: ok\xe3\x80\x82test\r\n"),
		BAD("homoglyph", GET "Host: \xd0\xbek.test\r\n"),
		BAD("bracket open", GET "Host: [::1\r\n"),
		BAD("bracket, name", GET "Host: [ok.test]\r\n"),
		BAD("zone", GET "Host: [fe80::1%25eth0]\r\n"),
		BAD("absolute, userinfo", "GET http://ok.test@evil.test/ HTTP/1.1\r\n" HOST),
		BAD("absolute, userinfo, ours", "GET http://evil.test@ok.test/ HTTP/1.1\r\n" HOST),
		BAD("absolute, fragment", "GET http://evil.test#@ok.test/ HTTP/1.1\r\n" HOST),
		BAD("absolute, backslash", "GET http://evil.test\\@ok.test/ HTTP/1.1\r\n" HOST),
		BAD("absolute, empty", "GET http:///x HTTP/1.1\r\n" HOST),
		BAD("absolute, slashes", "GET http:////evil.test/ HTTP/1.1\r\n" HOST),
		BAD("https", "GET https://ok.test/ HTTP/1.1\r\n" HOST),
		BAD("file", "GET file:///etc/passwd HTTP/1.1\r\n" HOST),
		BAD("no slash", "GET evil.test HTTP/1.1\r\n" HOST),
		BAD("authority", "GET evil.test:443 HTTP/1.1\r\n" HOST),
		BAD("asterisk for GET", "GET * HTTP/1.1\r\n" HOST),
		BAD("asterisk and more", "OPTIONS *x HTTP/1.1\r\n" HOST),
		BAD("Connection takes Host away", GET HOST "Connection: close, Host\r\n"),
		BAD("Connection takes the framing away", POST HOST "Connection: content-length\r\n"),
	};

	(void)state;
	check_rows(t, N(t));
}

static void test_port(void **state)
{
	static const struct row t[] = {
		OK("none", GET HOST),
		OK("ours", GET "Host: ok.test:8080\r\n"),
		OTHER("80", GET "Host: ok.test:80\r\n", "ok.test:80"),
		OK("mixed", "GET http://ok.test:8080/ HTTP/1.1\r\n" HOST),
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++)
		check_row(&t[i], 8080);
}

/* ---- one way to write a request --------------------------------------------------------------------------- */

#define RAW(title, text) { title, S(""), S(text), DROP_HTTP_BAD, NULL }

static void test_shape(void **state)
{
	static const struct row t[] = {
		RAW("SSH", "SSH-2.0-OpenSSH_9.2\r\n"),
		RAW("TLS", "\x16\x03\x01\x02\x00\x01"),
		RAW("SMTP", "EHLO x\r\n"),
		RAW("a letter that begins no method", "z"),
		RAW("NUL", "\0"),
		RAW("an empty line first", "\r\n" GET HOST END),
		RAW("bare LF first", "\n" GET HOST END),
		RAW("a space first", " " GET HOST END),
		RAW("0.9", "GET /\r\n"),
		RAW("0.9, LF", "GET /\n"),
		RAW("two spaces before the target", "GET  / HTTP/1.1\r\n" HOST END),
		RAW("two spaces behind it", "GET /  HTTP/1.1\r\n" HOST END),
		RAW("tab", "GET\t/ HTTP/1.1\r\n" HOST END),
		RAW("tab behind it", "GET /\tHTTP/1.1\r\n" HOST END),
		RAW("space at the end", "GET / HTTP/1.1 \r\n" HOST END),
		RAW("a space in the target", "GET /a b HTTP/1.1\r\n" HOST END),
		RAW("NUL in the target", "GET /a\0b HTTP/1.1\r\n" HOST END),
		RAW("DEL in the target", "GET /a\177b HTTP/1.1\r\n" HOST END),
		RAW("CR in the target", "GET /a\rb HTTP/1.1\r\n" HOST END),
		RAW("beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST END),
		RAW("fragment", "GET /a#b HTTP/1.1\r\n" HOST END),
		RAW("1.2", "GET / HTTP/1.2\r\n" HOST END),
		RAW("1.10", "GET / HTTP/1.10\r\n" HOST END),
		RAW("01.1", "GET / HTTP/01.1\r\n" HOST END),
		RAW("2.0", "GET / HTTP/2.0\r\n" HOST END),
		RAW("lower case", "GET / http/1.1\r\n" HOST END),
		RAW("RTSP", "GET / RTSP/1.0\r\n" HOST END),
		RAW("method, lower case", "get / HTTP/1.1\r\n" HOST END),
		RAW("no such method", "BREW / HTTP/1.1\r\n" HOST END),
		RAW("method and a colon", "GET: / HTTP/1.1\r\n" HOST END),
		RAW("bare LF behind the request line", "GET / HTTP/1.1\n" HOST END),
		RAW("bare CR behind the request line", "GET / HTTP/1.1\r" HOST END),
		RAW("bare LF behind a field", GET "Host: ok.test\n" END),
		RAW("bare CR behind a field", GET "Host: ok.test\rX: y\r\n" END),
		RAW("CVE-2023-30589", POST HOST "X-Abc: \rxTransfer-Encoding: chunked\r\n" END),
		RAW("CR CR LF", GET "Host: ok.test\r\r\n" END),
		RAW("LF CR", GET "Host: ok.test\n\r" END),
		RAW("bare LF at the end", GET HOST "\n"),
		RAW("CR and something at the end", GET HOST "\rX"),
		RAW("obs-fold", GET HOST "X: a\r\n b\r\n" END),
		RAW("obs-fold, tab", GET HOST "X: a\r\n\tb\r\n" END),
		RAW("obs-fold of Host", GET "Host:\r\n ok.test\r\n" END),
		RAW("obs-fold behind Host", GET "Host: ok.test\r\n .evil.test\r\n" END),
		RAW("CVE-2024-27982", POST HOST "Content-Length:\r\n 5\r\n" END),
		RAW("a space at the start of the first field", GET " Host: ok.test\r\n" END),
		RAW("space before the colon", GET "Host : ok.test\r\n" END),
		RAW("tab before the colon", GET "Host\t: ok.test\r\n" END),
		RAW("space in a name", GET HOST "X Y: z\r\n" END),
		RAW("no colon", GET HOST "Host\r\n" END),
		RAW("no name", GET HOST ": x\r\n" END),
		RAW("NUL in a name", GET HOST "X\0: x\r\n" END),
		RAW("beyond ASCII in a name", GET HOST "\xc3\xa4: x\r\n" END),
		RAW("brackets in a name", GET HOST "X[]: x\r\n" END),
		RAW("NUL in a value", GET HOST "X: a\0b\r\n" END),
		RAW("escape in a value", GET HOST "X: \033[1m\r\n" END),
		RAW("DEL in a value", GET HOST "X: \177\r\n" END),
		RAW("vertical tab in a value", POST HOST "Transfer-Encoding:\vchunked\r\n" END),
		RAW("Expect, obscured", POST HOST "Expect: y 100-continue\r\nContent-Length: 1\r\n" END),
		{ "an unfinished head", S(""), S(GET HOST), DROP_NONE, "" },
		{ "the last LF is missing", S(""), S(GET HOST "\r"), DROP_NONE, "" },
		{ "one byte", S(""), S("G"), DROP_NONE, "" },
	};

	(void)state;
	check_rows(t, N(t));
}

/* ---- where does it end -------------------------------------------------------------------------------------- */

#define CL(title, value) RAW("Content-Length " title, POST HOST "Content-Length:" value "\r\n" END "12345")
#define TE(title, field) RAW("Transfer-Encoding " title, POST HOST field "\r\n" END "0\r\n\r\n")

static void test_framing(void **state)
{
	static const struct row t[] = {
		{ "length", S(POST HOST "Content-Length: 5\r\n" END "12345"), S(""), DROP_NONE, "ok.test" },
		{ "length, part", S(POST HOST "Content-Length: 5\r\n" END "123"), S(""), DROP_NONE, "ok.test" },
		{ "length 0", S(POST HOST "Content-Length: 0\r\n" END), S(""), DROP_NONE, NULL },
		{ "the largest", S(POST HOST "Content-Length: 999999999999999999\r\n" END "x"), S(""),
		  DROP_NONE, NULL },
		{ "GET with a body", S(GET HOST "Content-Length: 2\r\n" END "ab" GET HOST END), S(""),
		  DROP_NONE, NULL },
		{ "the body is no request", S(POST HOST "Content-Length: 37\r\n" END
					      "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n\r\n"), S(""),
		  DROP_NONE, "ok.test" },
		{ "what follows the body is one", S(POST HOST "Content-Length: 2\r\n" END "ab"),
		  S(GET "Host: evil.test\r\n" END), DROP_HTTP_HOST, "evil.test" },
		{ "chunks", S(POST HOST CHUNKED END "5\r\n12345\r\na\r\n0123456789\r\n0\r\n\r\n"), S(""),
		  DROP_NONE, "ok.test" },
		{ "chunked, case", S(POST HOST "TRANSFER-ENCODING: ChunKed \r\n" END "0\r\n\r\n"), S(""),
		  DROP_NONE, "ok.test" },
		{ "chunks, zeros", S(POST HOST CHUNKED END "00000005\r\n12345\r\n000\r\n\r\n"), S(""),
		  DROP_NONE, NULL },
		{ "no chunk", S(POST HOST CHUNKED END "0\r\n\r\n" GET HOST END), S(""), DROP_NONE, NULL },
		{ "a size, part", S(POST HOST CHUNKED END), S("5\r"), DROP_NONE, NULL },
		{ "a chunk, part", S(POST HOST CHUNKED END "5\r\n123"), S(""), DROP_NONE, NULL },
		{ "a chunk's end, part", S(POST HOST CHUNKED END "2\r\n12"), S("\r"), DROP_NONE, NULL },
		{ "trailers", S(POST HOST CHUNKED END "1\r\na\r\n0\r\nX-Sum: 1\r\nHost: evil.test\r\n\r\n"),
		  S(""), DROP_NONE, "ok.test" },
		{ "a trailer, part", S(POST HOST CHUNKED END "0\r\n"), S("X-Sum: 1\r\n"), DROP_NONE, NULL },
		{ "the next request behind trailers", S(POST HOST CHUNKED END "0\r\nHost: ok.test\r\n\r\n"),
		  S(GET "Host: evil.test\r\n" END), DROP_HTTP_HOST, "evil.test" },
		CL("empty", ""), CL("plus", " +5"), CL("minus", " -5"), CL("list", " 5, 5"),
		CL("space inside", " 5 5"), CL("hex", " 0x5"), CL("leading zero", " 05"),
		CL("fraction", " 5.0"), CL("exponent", " 5e0"), CL("tab behind", " 5\t"),
		CL("quoted", " \"5\""), CL("2^64 + 5", " 18446744073709551621"),
		CL("10^18", " 1000000000000000000"), CL("semicolon", " 5;"), CL("NUL", " 5\0"),
		RAW("two lengths", POST HOST "Content-Length: 5\r\nContent-Length: 6\r\n" END),
		RAW("the same length twice", POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END),
		RAW("CL.TE", POST HOST "Content-Length: 6\r\n" CHUNKED END "0\r\n\r\nG"),
		RAW("TE.CL", POST HOST CHUNKED "Content-Length: 4\r\n" END "5c\r\n"),
		RAW("length with an underscore", POST HOST "Content_Length: 5\r\n" CHUNKED END),
		RAW("coding with an underscore", POST HOST "Content-Length: 5\r\nTransfer_Encoding: chunked\r\n" END),
		TE("xchunked", "Transfer-Encoding: xchunked"),
		TE("identity", "Transfer-Encoding: identity"),
		TE("gzip", "Transfer-Encoding: gzip"),
		TE("gzip, chunked", "Transfer-Encoding: gzip, chunked"),
		TE("chunked, identity", "Transfer-Encoding: chunked, identity"),
		TE("chunked, chunked", "Transfer-Encoding: chunked, chunked"),
		TE("comma", "Transfer-Encoding: ,chunked"),
		TE("comma behind", "Transfer-Encoding: chunked,"),
		TE("quoted", "Transfer-Encoding: \"chunked\""),
		TE("parameter", "Transfer-Encoding: chunked;q=1"),
		TE("tab behind", "Transfer-Encoding: chunked\t"),
		TE("space before the colon", "Transfer-Encoding : chunked"),
		TE("space before", " Transfer-Encoding: chunked"),
		TE("vertical tab", "Transfer-Encoding: \vchunked"),
		TE("fold", "Transfer-Encoding:\r\n chunked"),
		TE("CR", "X: y\rTransfer-Encoding: chunked"),
		TE("LF", "X: y\nTransfer-Encoding: chunked"),
		TE("empty", "Transfer-Encoding:"),
		TE("twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
		TE("twice, the second odd", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow"),
		TE("twice, the first odd", "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked"),
		TE("full-width", "Transfer-Encoding: chun\xe2\x84\xaa" "ed"),
		RAW("chunked, 1.0", "POST / HTTP/1.0\r\n" HOST CHUNKED END "0\r\n\r\n"),
	};

	(void)state;
	check_rows(t, N(t));
}

#define CHUNKS(title, good, bad) { "chunk " title, S(POST HOST CHUNKED END good), S(bad), DROP_HTTP_BAD, NULL }

static void test_chunks(void **state)
{
	static const struct row t[] = {
		CHUNKS("extension", "", "5;a=b\r\n12345\r\n0\r\n\r\n"),
		CHUNKS("extension, empty", "", "5;\r\n12345\r\n0\r\n\r\n"),
		CHUNKS("extension with LF", "", "5;\n12345\r\n0\r\n\r\n"),
		CHUNKS("space behind the size", "", "5 \r\n12345\r\n"),
		CHUNKS("space before it", "", " 5\r\n12345\r\n"),
		CHUNKS("no size", "", "\r\n12345\r\n"),
		CHUNKS("plus", "", "+5\r\n"),
		CHUNKS("minus", "", "-1\r\n"),
		CHUNKS("0x", "", "0x5\r\n"),
		CHUNKS("underscore", "", "1_0\r\n"),
		CHUNKS("2^31", "", "80000000\r\n"),
		CHUNKS("2^32", "", "100000000\r\n"),
		CHUNKS("2^64", "", "10000000000000000\r\n"),
		CHUNKS("2^64 + 5", "", "10000000000000005\r\n"),
		CHUNKS("nine digits", "", "000000005\r\n"),
		CHUNKS("bare LF", "", "5\n12345\r\n"),
		CHUNKS("bare CR", "", "5\r12345\r\n"),
		CHUNKS("too long", "5\r\n12345", "6\r\n0\r\n\r\n"),
		CHUNKS("too short", "5\r\n1234\r", "\n0\r\n\r\n"),
		CHUNKS("LF behind the data", "5\r\n12345", "\n0\r\n\r\n"),
		CHUNKS("CR X behind the data", "5\r\n12345", "\rX0\r\n\r\n"),
		CHUNKS("no CR LF behind the data", "5\r\n12345", "0\r\n\r\n"),
		CHUNKS("LF at the end", "0\r\n", "\n"),
		CHUNKS("trailer that frames", "0\r\n", "Content-Length: 5\r\n\r\n"),
		CHUNKS("trailer that codes", "0\r\n", "Transfer-Encoding: chunked\r\n\r\n"),
		CHUNKS("trailer that upgrades", "0\r\n", "Upgrade: h2c\r\n\r\n"),
		CHUNKS("trailer that closes", "0\r\n", "Connection: close\r\n\r\n"),
		CHUNKS("trailer, obs-fold", "0\r\n", "X: a\r\n b\r\n\r\n"),
		CHUNKS("trailer, space before the colon", "0\r\n", "X : a\r\n\r\n"),
		CHUNKS("trailer, LF", "0\r\n", "X: a\n\r\n"),
	};

	(void)state;
	check_rows(t, N(t));
}

/* ---- several, and other protocols --------------------------------------------------------------------------- */

static void test_connection(void **state)
{
#define TUNNEL(title, text) { title, S(""), S(text END), DROP_HTTP_TUNNEL, NULL }
	static const struct row t[] = {
		{ "pipeline", S(GET HOST END GET HOST END GET HOST END), S(""), DROP_NONE, "ok.test" },
		{ "pipeline, the last for another", S(GET HOST END GET HOST END),
		  S(GET "Host: evil.test\r\n" END), DROP_HTTP_HOST, "evil.test" },
		{ "pipeline, an unfinished one", S(GET HOST END), S("GE"), DROP_NONE, NULL },
		{ "an empty line between", S(GET HOST END), S("\r\n" GET HOST END), DROP_HTTP_BAD, NULL },
		{ "behind the last", S(GET HOST "Connection: close\r\n" END), S("G"), DROP_HTTP_BAD, NULL },
		{ "behind the last, CR LF", S(GET HOST "Connection: close\r\n" END), S("\r\n"), DROP_HTTP_BAD,
		  NULL },
		{ "behind a 1.0", S("GET / HTTP/1.0\r\n" HOST END), S("G"), DROP_HTTP_BAD, NULL },
		{ "1.0, kept", S("GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n" END GET HOST END), S(""),
		  DROP_NONE, NULL },
		{ "Expect", S(POST HOST "Expect: 100-continue\r\nContent-Length: 2\r\n" END "ab"), S(""), DROP_NONE,
		  NULL },
		{ "Expect, head only", S(POST HOST "Expect: 100-Continue\r\n" CHUNKED END), S(""), DROP_NONE,
		  NULL },
		TUNNEL("CONNECT", "CONNECT evil.test:443 HTTP/1.1\r\n" HOST),
		TUNNEL("CONNECT to ourselves", "CONNECT ok.test:80 HTTP/1.1\r\nHost: ok.test:80\r\n"),
		{ "CONNECT later", S(GET HOST END), S("CONNECT ok.test:80 HTTP/1.1\r\n" HOST END),
		  DROP_HTTP_TUNNEL, NULL },
		{ "HTTP/2", S(""), S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), DROP_HTTP_TUNNEL, NULL },
		TUNNEL("h2c", GET HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		       "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
		TUNNEL("h2c without Connection", GET HOST "Upgrade: h2c\r\n"),
		TUNNEL("h2c with a body", POST HOST "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n"),
		TUNNEL("TLS", GET HOST "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n"),
		TUNNEL("websocket and h2c", GET HOST "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"),
		TUNNEL("websocket, then h2c", GET HOST "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"),
		TUNNEL("h2c, then websocket", GET HOST "Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n"),
		TUNNEL("websocket without Connection", GET HOST "Upgrade: websocket\r\n"),
		TUNNEL("websocket by POST", POST HOST "Connection: upgrade\r\nUpgrade: websocket\r\n"),
		TUNNEL("websocket with a body", GET HOST "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"),
		TUNNEL("websocket, 1.0", "GET / HTTP/1.0\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n"),
		{ "websocket later", S(GET HOST END), S(WS), DROP_HTTP_TUNNEL, NULL },
		{ "websocket for another", S(""), S(GET "Host: evil.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" END),
		  DROP_HTTP_HOST, "evil.test" },
		{ "websocket", S(WS), S(""), DROP_NONE, "ok.test" },
		{ "websocket, in a hurry", S(WS), S("\x81\x00"), DROP_NONE, "ok.test" },
		{ "upgrade of nothing", S(GET HOST "Connection: upgrade\r\n" END), S(""), DROP_NONE, NULL },
		{ "insecure requests", S(GET HOST "Upgrade-Insecure-Requests: 1\r\n" END), S(""), DROP_NONE, NULL },
	};

	(void)state;
	check_rows(t, N(t));
}

static enum inspect_state up(struct inspect *i, const char *s)
{
	return inspect_up(i, (const uint8_t *)s, strlen(s));
}

/* The answer to a WebSocket request, byte by byte and whole. */
static void test_answer(void **state)
{
#define H101 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	static const struct {
		const char *answer;
		const char *early;	/* sent before the answer came */
		enum inspect_state want;
		const char *late;
		enum inspect_state then;
	} t[] = {
		/*  1 */ { H101, "", INSPECT_PASS, NULL, 0 },
		/*  2 */ { H101, "\x81\x05hello", INSPECT_PASS, NULL, 0 },
		/*  3 interim ones are no answer */
		{ "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" H101, "", INSPECT_PASS,
		  NULL, 0 },
		/*  4 not yet */ { "HTTP/1.1 100 Continue\r\n\r\n", "", INSPECT_WATCH, NULL, 0 },
		/*  5 */ { "HTTP/1.1 10", "x", INSPECT_HOLD, NULL, 0 },
		/*  6 no WebSocket here: the next request is read as ever */
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", INSPECT_WATCH, GET HOST END,
		  INSPECT_WATCH },
		/*  7 */
		{ "HTTP/1.1 200 OK\r\n\r\n", "", INSPECT_WATCH, GET "Host: evil.test\r\n" END, INSPECT_REFUSE },
		/*  8 not again on this connection */
		{ "HTTP/1.1 401 Unauthorized\r\n\r\n", "", INSPECT_WATCH, WS, INSPECT_REFUSE },
		/*  9 too late to read what was held */
		{ "HTTP/1.1 404 Not Found\r\n\r\n", GET HOST END, INSPECT_REFUSE, NULL, 0 },
		/* 10 not HTTP at all */ { "SSH-2.0-x\r\n", "", INSPECT_REFUSE, NULL, 0 },
	};

	(void)state;
	for (size_t n = 0; n < N(t); n++) {
		for (size_t step = 1; step <= 1000; step += 999) {
			struct inspect *i = make(80);
			enum inspect_state s = up(i, WS);
			size_t len = strlen(t[n].answer);

			assert_int_equal(s, INSPECT_WATCH);
			assert_true(inspect_wants_down(i));
			if (*t[n].early)
				s = up(i, t[n].early);
			assert_int_equal(inspect_cleared(i), strlen(WS));
			for (size_t at = 0; at < len && inspect_wants_down(i); at += step)
				s = inspect_down(i, (const uint8_t *)t[n].answer + at,
						 len - at < step ? len - at : step);
			if (s != t[n].want)
				fail_msg("answer %zu, step %zu: state %d", n + 1, step, s);
			if (t[n].late)
				assert_int_equal(up(i, t[n].late), t[n].then);
			assert_true(s != INSPECT_REFUSE || inspect_reason(i) == DROP_HTTP_TUNNEL);
			inspect_free(i);
		}
	}
}

/* While it is not known whether it is WebSocket, only so much is kept. */
static void test_held(void **state)
{
	static uint8_t frame[INSPECT_HELD_MAX + 1];
	struct inspect *i = make(80);

	(void)state;
	up(i, WS);
	assert_int_equal(inspect_up(i, frame, INSPECT_HELD_MAX), INSPECT_HOLD);
	assert_int_equal(inspect_up(i, frame, 1), INSPECT_REFUSE);
	assert_int_equal(inspect_reason(i), DROP_HTTP_TUNNEL);
	assert_int_equal(inspect_cleared(i), strlen(WS));
	inspect_free(i);
}

/* ---- bounds ------------------------------------------------------------------------------------------------- */

/* A request whose head has that many bytes: one field is as long as it takes. */
static char *head_of(size_t size)
{
	static const char before[] = GET HOST "X: ";
	char *s = malloc(size + 1);

	assert_non_null(s);
	memset(s, 'a', size);
	memcpy(s, before, sizeof(before) - 1);
	memcpy(s + size - 4, "\r\n\r\n", 5);
	return s;
}

static void test_sizes(void **state)
{
	char *s = head_of(65536), fields[16 * 300];
	struct outcome o = run(s, 65536, 0, 0, 80);
	size_t len;

	(void)state;
	assert_int_equal(o.state, INSPECT_WATCH);
	o = run(s, 65536, 0, 1, 80);
	assert_int_equal(o.state, INSPECT_WATCH);
	free(s);
	s = head_of(65537);
	o = run(s, 65537, 0, 0, 80);
	assert_int_equal(o.reason, DROP_HTTP_BAD);
	assert_int_equal(o.cleared, 0);
	o = run(s, 65537, 0, 1, 80);
	assert_int_equal(o.reason, DROP_HTTP_BAD);
	free(s);

	for (size_t n = 254; n <= 256; n++) {
		len = (size_t)snprintf(fields, sizeof(fields), "%s%s", GET, HOST);
		for (size_t f = 0; f < n; f++)
			len += (size_t)snprintf(fields + len, sizeof(fields) - len, "X%zu: y\r\n", f);
		len += (size_t)snprintf(fields + len, sizeof(fields) - len, "\r\n");
		o = run(fields, len, 0, 0, 80);
		assert_int_equal(o.state, n < 256 ? INSPECT_WATCH : INSPECT_REFUSE);
	}
}

/* Fields that are looked at have bounds of their own. */
static void test_field_sizes(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		bool ok;
	} t[] = {
		/*  1 */ { "Connection", 511, true },
		/*  2 */ { "Connection", 512, false },
		/*  3 */ { "Host", 263, false },
		/*  4 */ { "Host", 3000, false },
		/*  5 */ { "Accept", 3000, true },
		/*  6 */ { "Transfer-Encoding", 3000, false },
		/*  7 */ { "X-A-Name-That-Is-Longer-Than-Any-Other", 3000, true },
	};
	char s[4096];

	(void)state;
	for (size_t n = 0; n < N(t); n++) {
		int at = snprintf(s, sizeof(s), GET HOST "%s: ", t[n].name);
		struct outcome o;

		memset(s + at, 'a', t[n].len);
		strcpy(s + at + t[n].len, "\r\n\r\n");
		o = run_all_ways(t[n].name, s, strlen(s), 80);
		if ((o.state == INSPECT_WATCH) != t[n].ok)
			fail_msg("row %zu: state %d", n + 1, o.state);
	}
}

static void test_long_target(void **state)
{
	char s[8192];
	struct outcome o;
	int n;

	(void)state;
	n = snprintf(s, sizeof(s), "GET /%04000d HTTP/1.1\r\n" HOST END, 0);
	o = run_all_ways("long path", s, (size_t)n, 80);
	assert_int_equal(o.state, INSPECT_WATCH);
	assert_int_equal(strlen(o.last.detail), PROTO_DETAIL_CAP - 1);
	n = snprintf(s, sizeof(s), "GET http://ok.test/%04000d HTTP/1.1\r\n" HOST END, 0);
	o = run_all_ways("long path, absolute", s, (size_t)n, 80);
	assert_int_equal(o.state, INSPECT_WATCH);
	n = snprintf(s, sizeof(s), "GET http://%04000d.ok.test/ HTTP/1.1\r\n" HOST END, 0);
	o = run_all_ways("long authority", s, (size_t)n, 80);
	assert_int_equal(o.reason, DROP_HTTP_BAD);
}

static void test_pipeline(void **state)
{
	static const char one[] = POST HOST "Content-Length: 3\r\n" END "abc" GET HOST END
				  POST HOST CHUNKED END "3\r\nabc\r\n0\r\n\r\n" "HEAD /x HTTP/1.1\r\n" HOST END;
	static char all[25 * sizeof(one) + 200];
	size_t len = 0, good;
	struct outcome o;

	(void)state;
	for (int n = 0; n < 25; n++) {
		memcpy(all + len, one, sizeof(one) - 1);
		len += sizeof(one) - 1;
	}
	o = run(all, len, 0, 0, 80);
	assert_int_equal(o.state, INSPECT_WATCH);
	assert_int_equal(o.cleared, len);
	/* The first few one by one, the others as a number. */
	assert_int_equal(o.n_reports, 9);
	assert_string_equal(o.last.detail, "92 more requests at once");
	o = run(all, len, 0, 7, 80);
	assert_int_equal(o.n_reports, 100);
	assert_string_equal(o.last.detail, "HEAD /x");
	good = len;
	len += (size_t)sprintf(all + len, "%s", GET "Host: evil.test\r\n" END);
	o = run(all, len, 0, 0, 80);
	assert_int_equal(o.reason, DROP_HTTP_HOST);
	assert_int_equal(o.cleared, good);
	assert_int_equal(o.n_reports, 10);
	assert_string_equal(o.last.host, "evil.test");
	for (size_t cut = 1; cut < len; cut++) {
		o = run(all, len, cut, 0, 80);
		assert_int_equal(o.reason, DROP_HTTP_HOST);
		assert_int_equal(o.cleared, good);
	}
}

static void test_report(void **state)
{
	struct outcome o;

	(void)state;
	o = run(S("DELETE /a?b=c HTTP/1.1\r\nHost: OK.test:80\r\n\r\n"), 0, 0, 80);
	assert_int_equal(o.n_reports, 1);
	assert_int_equal(o.last.inspect, PROTO_INSPECT_HTTP);
	assert_int_equal(o.last.reason, DROP_NONE);
	assert_string_equal(o.last.host, "ok.test");
	assert_string_equal(o.last.detail, "DELETE /a?b=c");
	o = run(S(GET "Host: e\xffvil.t\x80st\r\n\r\n"), 0, 0, 80);
	assert_int_equal(o.last.reason, DROP_HTTP_BAD);
	assert_string_equal(o.last.host, "e?vil.t?st");
	assert_string_equal(o.last.detail, "GET /");
	/* What is not HTTP is not called so. */
	o = run(S("\x16\x03\x01"), 0, 0, 80);
	assert_int_equal(o.last.inspect, PROTO_INSPECT_NONE);
	assert_string_equal(o.last.host, "");
}

/* A time-out says what it was that did not come to its end. */
static void test_give_up(void **state)
{
	struct inspect *i = make(80);
	struct proto_inspected m;

	(void)state;
	up(i, "GET /slow HTTP/1.1\r\nHost: ok.test\r\nX");
	inspect_give_up(i, DROP_INSPECT_TIMEOUT);
	memset(&m, 0, sizeof(m));
	assert_true(inspect_report(i, &m));
	assert_int_equal(m.reason, DROP_INSPECT_TIMEOUT);
	assert_string_equal(m.detail, "GET /slow");
	assert_string_equal(m.host, "ok.test");
	assert_false(inspect_report(i, &m));
	inspect_free(i);
}

/* What the refused client gets depends on what it asked with. */
static void test_page(void **state)
{
	static const struct {
		const char *request;
		const char *has, *has_not;
	} t[] = {
		/* 1 */ { GET "Host: evil.test\r\n" END, "421 Misdirected Request", "{" },
		/* 2 */ { GET "Accept: text/html;q=0.9, application/json ; q=1\r\nHost: evil.test\r\n" END, "\"seen\":\"evil.test\"", "Sluice refused" },
		/* 3 */ { "HEAD / HTTP/1.1\r\nHost: evil.test\r\n" END, "421", "Sluice refused" },
		/* 4 */ { GET END, "400 Bad Request", "421" },
		/* 5 */ { "CONNECT a:1 HTTP/1.1\r\n" END, "403 Forbidden", "421" },
	};

	(void)state;
	for (size_t n = 0; n < N(t); n++) {
		struct inspect *i = make(80);
		char page[INSPECT_REFUSAL_MAX + 1];
		size_t len;

		assert_int_equal(up(i, t[n].request), INSPECT_REFUSE);
		len = inspect_refusal(i, (uint8_t *)page, INSPECT_REFUSAL_MAX);
		page[len] = '\0';
		if (!strstr(page, t[n].has) || strstr(page, t[n].has_not))
			fail_msg("page %zu: %s", n + 1, page);
		inspect_free(i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_field_sizes),
		cmocka_unit_test(test_long_target),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_page),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
