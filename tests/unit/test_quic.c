/* SPDX-License-Identifier: Apache-2.0 */
/* QUIC: packets of the RFCs, and what a flow may and may not do with its connections. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stack/inspect/inspect.h"
#include "tests/unit/quic_make.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define NAME "example.com"

static struct inspect *flow;
static uint8_t dg[65536], hello[65536], frames[70000];

static void flow_open(enum proto_inspect kind)
{
	struct inspect_spec spec = { .kind = kind, .name = NAME, .port = 443, .note = "" };

	inspect_free(flow);
	flow = inspect_new(&spec);
	assert_non_null(flow);
}

static int setup(void **state)
{
	(void)state;
	flow_open(PROTO_INSPECT_QUIC);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	inspect_free(flow);
	flow = NULL;
	return 0;
}

#define FEED(len) inspect_datagram(flow, dg, (len))

static void expect_refused(size_t len, enum drop_reason why)
{
	assert_int_equal(FEED(len), INSPECT_REFUSE);
	assert_int_equal(inspect_reason(flow), why);
}

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	unsigned int v;

	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

/* ---- vectors ------------------------------------------------------------------------------------- */

/* RFC 9001 A.1, A.2 and RFC 9369 A.1, A.2. The tag covers all of a packet. */
static const struct {
	const char *key, *iv, *hp, *head, *tag;
} rfc[QUIC_VERSIONS] = {
	[QUIC_V1] = {
		"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
		"9f50449e04a0e810283a1e9933adedd2",
		"c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
		"e221af44860018ab0856972e194cd934",
	},
	[QUIC_V2] = {
		"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
		"45b95e15235d6f45a6b19cbcb0294ba9",
		"d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
		"a18b2faa745b6fe189cf772a9f84cbfc",
	},
};

static const char rfc_frame[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000"
	"0413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017"
	"001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559f"
	"edba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408"
	"050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff080110"
	"0104800075300901100f088394c8f03e51570806048000ffff";

static struct make rfc_make(enum quic_version v)
{
	struct make m = make_of(v, "\x83\x94\xc8\xf0\x3e\x51\x57\x08");

	m.pn = 2;
	m.pn_len = 4;
	return m;
}

static void test_rfc_keys(void **state)
{
	(void)state;
	for (enum quic_version v = 0; v < QUIC_VERSIONS; v++) {
		struct make m = rfc_make(v);
		struct quic_keys k;
		uint8_t want[16];

		quic_initial_keys(v, &m.dcid, &k);
		assert_int_equal(unhex(want, rfc[v].key), sizeof(k.key));
		assert_memory_equal(k.key, want, sizeof(k.key));
		assert_int_equal(unhex(want, rfc[v].iv), sizeof(k.iv));
		assert_memory_equal(k.iv, want, sizeof(k.iv));
		assert_int_equal(unhex(want, rfc[v].hp), sizeof(k.hp));
		assert_memory_equal(k.hp, want, sizeof(k.hp));
	}
}

static void test_rfc_packets(void **state)
{
	(void)state;
	for (enum quic_version v = 0; v < QUIC_VERSIONS; v++) {
		struct make m = rfc_make(v);
		size_t n = unhex(frames, rfc_frame);
		struct proto_inspected r = { 0 };
		struct quic_long l;
		struct quic_keys k;
		uint8_t want[256];
		uint64_t pn = 0;
		struct rd rd;

		/* The helper of this test writes what the RFC has, */
		assert_int_equal(make_initial(dg, &m, frames, n, 1200), 1200);
		assert_int_equal(unhex(want, rfc[v].head), 32);
		assert_memory_equal(dg, want, 32);
		assert_int_equal(unhex(want, rfc[v].tag), 16);
		assert_memory_equal(dg + 1184, want, 16);
		/* and it is read back. */
		rd = rd_init(dg, 1200);
		assert_int_equal(quic_long_read(&rd, &l), 0);
		assert_true(rd_done(&rd));
		assert_int_equal(l.version, v);
		assert_int_equal(l.kind, QUIC_INITIAL);
		assert_int_equal(l.pn_at, 18);
		quic_initial_keys(v, &l.dcid, &k);
		assert_int_equal(quic_initial_open(&k, &l, 0, frames, &pn), 1162);
		assert_int_equal(pn, 2);
		unhex(want, rfc_frame);
		assert_memory_equal(frames, want, 245);
		flow_open(PROTO_INSPECT_QUIC);
		assert_int_equal(FEED(1200), INSPECT_WATCH);
		assert_true(inspect_report(flow, &r));
		assert_int_equal(r.reason, DROP_NONE);
		assert_int_equal(r.inspect, PROTO_INSPECT_QUIC);
		assert_string_equal(r.host, NAME);
		assert_string_equal(r.detail, "TLS1.3 alpn");
		assert_false(inspect_report(flow, &r));
	}
}

/* RFC 9000 A.1. */
static void test_varint(void **state)
{
	static const struct { const char *hex; uint64_t v; } t[] = {
		{ "c2197c5eff14e88c", 151288809941952652u }, { "9d7f3e7d", 494878333 },
		{ "7bbd", 15293 }, { "25", 37 }, { "4025", 37 },
	};
	uint64_t v = 0;

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		uint8_t b[8];
		size_t n = unhex(b, t[i].hex);
		struct rd r = rd_init(b, n);

		assert_true(quic_varint(&r, &v));
		assert_true(rd_done(&r));
		assert_int_equal(v, t[i].v);
		r = rd_init(b, n - 1);
		assert_false(quic_varint(&r, &v));
	}
}

/* ---- one connection ------------------------------------------------------------------------------ */

static void test_names(void **state)
{
	static const struct { const char *name; int flags; enum drop_reason why, opaque; } t[] = {
		{ NAME, 0, DROP_NONE, DROP_NONE },
		{ "EXAMPLE.com", 0, DROP_NONE, DROP_NONE },
		{ "evil.test", 0, DROP_TLS_NAME, DROP_NONE },
		{ "www.example.com", 0, DROP_TLS_NAME, DROP_NONE },
		{ "192.0.2.1", 0, DROP_TLS_NAME, DROP_NONE },
		{ NULL, 0, DROP_TLS_NO_NAME, DROP_NONE },
		{ NAME, MAKE_ECH, DROP_TLS_ECH, DROP_NONE },
		{ "exa mple.com", 0, DROP_TLS_BAD, DROP_TLS_BAD },
	};

	(void)state;
	for (size_t i = 0; i < N(t) * 2; i++) {
		bool opaque = i >= N(t);
		enum drop_reason why = opaque ? t[i % N(t)].opaque : t[i].why;
		struct make m = make_of(i % 2 ? QUIC_V1 : QUIC_V2, "8 bytes!");
		struct proto_inspected r = { 0 };
		size_t n;

		flow_open(opaque ? PROTO_INSPECT_QUIC_OPAQUE : PROTO_INSPECT_QUIC);
		n = make_hello(hello, t[i % N(t)].name, 0, t[i % N(t)].flags);
		n = make_crypto(frames, 0, hello, n);
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		if (why == DROP_NONE)
			assert_int_equal(FEED(n), INSPECT_WATCH);
		else
			expect_refused(n, why);
		assert_true(inspect_report(flow, &r));
		assert_int_equal(r.reason, why);
		assert_int_equal(r.inspect, PROTO_INSPECT_QUIC);
		if (why == DROP_TLS_NAME)
			assert_string_equal(r.host, t[i].name);
	}
}

/* A hello of this size in pieces of that many bytes, `per` of them in a datagram, in some order. */
static enum inspect_state feed_pieces(size_t size, size_t piece, size_t per, bool backwards)
{
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t total = make_hello(hello, NAME, size, 0), pieces = (total + piece - 1) / piece;
	enum inspect_state st = INSPECT_HOLD;

	for (size_t i = 0; i < pieces; i += per) {
		size_t n = 0;

		for (size_t k = i; k < i + per && k < pieces; k++) {
			size_t at = (backwards ? pieces - 1 - k : k) * piece;

			n += make_crypto(frames + n, at, hello + at, at + piece > total ? total - at : piece);
			frames[n++] = k % 3 ? 0 : 1;
		}
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		m.pn++;
		st = FEED(n);
		if (i + per < pieces && st != INSPECT_HOLD)
			return INSPECT_PASS;	/* wrong */
	}
	return st;
}

static void test_pieces(void **state)
{
	static const struct { size_t size, piece, per; } t[] = {
		{ 0, 1, 1000 },			/* every byte a frame */
		{ 0, 7, 1 },			/* every few bytes a datagram */
		{ 1800, 1000, 1 },		/* post-quantum: two datagrams */
		{ 1800, 90, 5 },
		{ 16384, 1100, 1 },
		{ 16384, 16384, 1 },
		{ 60000, 1100, 1 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		for (int backwards = 0; backwards < 2; backwards++) {
			flow_open(PROTO_INSPECT_QUIC);
			assert_int_equal(feed_pieces(t[i].size, t[i].piece, t[i].per, backwards),
					 INSPECT_WATCH);
		}
	}
}

static void test_overlap(void **state)
{
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t total = make_hello(hello, NAME, 0, 0), n;

	(void)state;
	/* The same bytes over and over, */
	n = make_crypto(frames, 10, hello + 10, 30);
	n += make_crypto(frames + n, 5, hello + 5, 40);
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	assert_int_equal(FEED(n), INSPECT_HOLD);
	assert_int_equal(FEED(n), INSPECT_HOLD);
	n = make_crypto(frames, 0, hello, total);
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	assert_int_equal(FEED(n), INSPECT_WATCH);
	/* later too, and in a small datagram, */
	n = make_crypto(frames, 20, hello + 20, 50);
	n = make_initial(dg, &m, frames, n, 0);
	assert_int_equal(FEED(n), INSPECT_WATCH);
	/* but no other byte in any place. */
	n = make_crypto(frames, 20, hello + 21, 1);
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	expect_refused(n, DROP_QUIC_BAD);
	flow_open(PROTO_INSPECT_QUIC);
	n = make_crypto(frames, 0, hello, 60);
	n += make_crypto(frames + n, 59, (const uint8_t *)"\xff", 1);
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	expect_refused(n, DROP_QUIC_BAD);
}

static void test_stream_bounds(void **state)
{
	static const struct { uint64_t offset; size_t len; enum drop_reason why; } t[] = {
		{ 65535, 1, DROP_NONE }, { 65536, 0, DROP_NONE }, { 65536, 1, DROP_TLS_BAD },
		{ 65535, 2, DROP_TLS_BAD }, { (1ull << 62) - 1, 1, DROP_TLS_BAD },
		{ (1ull << 62) - 1, 0, DROP_TLS_BAD },
	};
	static const uint8_t not_hello[] = { 2, 0, 0, 40 }, large[] = { 1, 0, 0xff, 0xfd };
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t n;

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		flow_open(PROTO_INSPECT_QUIC);
		n = make_crypto(frames, t[i].offset, hello, t[i].len);
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		if (t[i].why == DROP_NONE)
			assert_int_equal(FEED(n), INSPECT_HOLD);
		else
			expect_refused(n, t[i].why);
	}
	/* What is no ClientHello is known by its first bytes. */
	flow_open(PROTO_INSPECT_QUIC);
	n = make_crypto(frames, 0, not_hello, sizeof(not_hello));
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	expect_refused(n, DROP_TLS_BAD);
	flow_open(PROTO_INSPECT_QUIC);
	n = make_crypto(frames, 0, large, sizeof(large));
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	expect_refused(n, DROP_TLS_BAD);
}

/* All flows together have 16 MiB for hellos that are not whole. */
static void test_budget(void **state)
{
	enum { MOST = 16 << 20, EACH = 65536 };
	static struct inspect *many[MOST / EACH];
	struct inspect_spec spec = { .kind = PROTO_INSPECT_QUIC, .name = NAME, .port = 443, .note = "" };
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t n = make_crypto(frames, EACH - 1, hello, 1);

	(void)state;
	n = make_initial(dg, &m, frames, n, MAKE_MIN);
	for (size_t i = 0; i < N(many); i++) {
		many[i] = inspect_new(&spec);
		assert_int_equal(inspect_datagram(many[i], dg, n), INSPECT_HOLD);
	}
	expect_refused(n, DROP_NO_MEMORY);
	flow_open(PROTO_INSPECT_QUIC);
	inspect_free(many[0]);
	assert_int_equal(FEED(n), INSPECT_HOLD);
	for (size_t i = 1; i < N(many); i++)
		inspect_free(many[i]);
}

/* HelloRetryRequest: a second hello in the same stream, read like the first; never a third. */
static void test_second_hello(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		const char *second = k == 1 ? "evil.test" : NAME;
		struct make m = make_of(QUIC_V1, "8 bytes!");
		size_t first = make_hello(hello, NAME, 0, 0), total, n;

		flow_open(PROTO_INSPECT_QUIC);
		total = first + make_hello(hello + first, second, 1500, 0);
		n = make_crypto(frames, 0, hello, first);
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		assert_int_equal(FEED(n), INSPECT_WATCH);
		/* Under the server's connection id from now on. */
		memcpy(m.dcid.b, "server s", 8);
		m.pn++;
		n = make_crypto(frames, first, hello + first, 1000);
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		assert_int_equal(FEED(n), INSPECT_HOLD);
		m.pn++;
		n = make_crypto(frames, first + 1000, hello + first + 1000, total - first - 1000);
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		if (k == 1) {
			expect_refused(n, DROP_TLS_NAME);
			continue;
		}
		assert_int_equal(FEED(n), INSPECT_WATCH);
		m.pn++;
		if (k == 2) {
			make_hello(hello, NAME, 0, 0);
			n = make_crypto(frames, total, hello, 4);
			n = make_initial(dg, &m, frames, n, MAKE_MIN);
			expect_refused(n, DROP_QUIC_BAD);
		} else if (k == 3) {
			/* A Finished has no place in this stream. */
			n = make_crypto(frames, total, (const uint8_t *)"\x14\0\0\x20", 4);
			n = make_initial(dg, &m, frames, n, MAKE_MIN);
			expect_refused(n, DROP_TLS_BAD);
		}
	}
}

/* ---- frames ---------------------------------------------------------------------------------------- */

static void test_frames(void **state)
{
	static const struct { const char *hex; enum drop_reason why; } t[] = {
		{ "00", DROP_NONE }, { "01", DROP_NONE }, { "0101000001", DROP_NONE },
		{ "0203000000", DROP_NONE },			/* ACK */
		{ "02410080001000020a01010000", DROP_NONE },	/* with ranges and longer integers */
		{ "0305000001010203", DROP_NONE },		/* with ECN counts */
		{ "03050000010102", DROP_QUIC_BAD },
		{ "02050001010100", DROP_NONE },
		{ "020500ffffffffffffffff010100", DROP_QUIC_BAD },
		{ "020500", DROP_QUIC_BAD },
		{ "1c000003616263", DROP_NONE },		/* CONNECTION_CLOSE */
		{ "1c00000461626301", DROP_NONE },
		{ "1c000005616263", DROP_QUIC_BAD },
		{ "1d00026162", DROP_QUIC_BAD },		/* of the application */
		{ "06", DROP_QUIC_BAD }, { "060005", DROP_QUIC_BAD },
		{ "0600c0000000000000ff", DROP_QUIC_BAD },
		{ "4001", DROP_QUIC_BAD },			/* PING in two bytes */
		{ "0800", DROP_QUIC_BAD }, { "0701ff", DROP_QUIC_BAD }, { "1e", DROP_QUIC_BAD },
		{ "30", DROP_QUIC_BAD }, { "18", DROP_QUIC_BAD },
	};
	struct make m = make_of(QUIC_V1, "8 bytes!");

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t n = make_first(dg, &m, NAME);

		flow_open(PROTO_INSPECT_QUIC);
		assert_int_equal(FEED(n), INSPECT_WATCH);
		/* At the end of the payload, so that nothing behind makes it whole. */
		m.pn = 1;
		memset(frames, 0, 4);
		n = unhex(frames + 4, t[i].hex) + 4;
		n = make_initial(dg, &m, frames, n, 0);
		if (t[i].why == DROP_NONE)
			assert_int_equal(FEED(n), INSPECT_WATCH);
		else
			expect_refused(n, t[i].why);
		m.pn = 0;
	}
	/* No frame at all (RFC 9000 s. 12.4), reserved bits (s. 17.2). */
	for (int k = 0; k < 2; k++) {
		size_t n = make_first(dg, &m, NAME);

		flow_open(PROTO_INSPECT_QUIC);
		assert_int_equal(FEED(n), INSPECT_WATCH);
		m.pn_len = 4;
		m.reserved = k ? 0x08 : 0;
		n = make_initial(dg, &m, (const uint8_t *)"", 0, k ? MAKE_MIN : 0);
		expect_refused(n, DROP_QUIC_BAD);
		m.pn_len = 1;
		m.reserved = 0;
	}
}

/* ---- packets and datagrams ------------------------------------------------------------------------- */

static void test_first_datagrams(void **state)
{
	static const uint8_t vn[] = { 0xc0, 0, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 1 };
	static const char *const versions[] = { "ff00001d", "0a0a0a0a", "51303530", "00000002", "709a50c4" };
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t n;

	(void)state;
	expect_refused(0, DROP_QUIC_BAD);
	/* Anything: short headers, text, DTLS. */
	for (unsigned int b = 0; b < 256; b++) {
		flow_open(PROTO_INSPECT_QUIC_OPAQUE);
		memset(dg, (int)b, MAKE_MIN);
		expect_refused(MAKE_MIN, DROP_QUIC_BAD);
	}
	flow_open(PROTO_INSPECT_QUIC);
	memcpy(dg, vn, sizeof(vn));
	expect_refused(sizeof(vn), DROP_QUIC_BAD);
	for (size_t i = 0; i < N(versions); i++) {
		flow_open(PROTO_INSPECT_QUIC);
		n = make_first(dg, &m, NAME);
		unhex(dg + 1, versions[i]);
		expect_refused(n, DROP_QUIC_BAD);
	}
	/* Packets that cannot come first. */
	for (enum quic_kind k = QUIC_ZERO_RTT; k <= QUIC_RETRY; k++) {
		flow_open(PROTO_INSPECT_QUIC);
		expect_refused(make_long(dg, &m, k, MAKE_MIN), DROP_QUIC_BAD);
	}
	/* Too small to open a connection. */
	flow_open(PROTO_INSPECT_QUIC);
	n = make_hello(hello, NAME, 0, 0);
	n = make_crypto(frames, 0, hello, n);
	expect_refused(make_initial(dg, &m, frames, n, MAKE_MIN - 1), DROP_QUIC_BAD);
	/* Sealed with other keys than those of its id. */
	flow_open(PROTO_INSPECT_QUIC);
	m.dcid.b[0] ^= 1;
	expect_refused(make_first(dg, &m, NAME), DROP_QUIC_BAD);
}

static void test_corrupt(void **state)
{
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t n = make_first(dg, &m, NAME);

	(void)state;
	/* A bit anywhere. */
	for (size_t i = 0; i < n; i++) {
		flow_open(PROTO_INSPECT_QUIC);
		dg[i] ^= i ? 0x10 : 0x01;
		expect_refused(n, DROP_QUIC_BAD);
		dg[i] ^= i ? 0x10 : 0x01;
	}
	for (size_t i = 0; i < n; i++) {
		flow_open(PROTO_INSPECT_QUIC);
		expect_refused(i, DROP_QUIC_BAD);
	}
	assert_int_equal(setup(NULL), 0);
	assert_int_equal(FEED(n), INSPECT_WATCH);
}

static void test_coalesced(void **state)
{
	struct make m = make_of(QUIC_V1, "8 bytes!"), evil = make_of(QUIC_V1, "another!");
	size_t n, len = make_hello(hello, NAME, 0, 0);

	(void)state;
	len = make_crypto(frames, 0, hello, len);
	/* Initial, 0-RTT, short header or zeros. */
	n = make_initial(dg, &m, frames, len, 0);
	n += make_long(dg + n, &m, QUIC_ZERO_RTT, 800);
	n += make_long(dg + n, &m, QUIC_HANDSHAKE, 600);
	memset(dg + n, 0, 800);
	assert_int_equal(FEED(n + 800), INSPECT_WATCH);
	/* What has a long form must be whole, */
	flow_open(PROTO_INSPECT_QUIC);
	expect_refused(n - 1, DROP_QUIC_BAD);
	flow_open(PROTO_INSPECT_QUIC);
	dg[n] = 0xc0;
	expect_refused(n + 800, DROP_QUIC_BAD);
	/* and a hello behind another is read as well, */
	flow_open(PROTO_INSPECT_QUIC);
	n = make_initial(dg, &m, frames, len, 0);
	n += make_first(dg + n, &evil, "evil.test");
	expect_refused(n, DROP_TLS_NAME);
	/* also behind packets that are not read. */
	flow_open(PROTO_INSPECT_QUIC);
	assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
	n = make_long(dg, &m, QUIC_HANDSHAKE, 300);
	assert_int_equal(FEED(n), INSPECT_WATCH);
	n += make_first(dg + n, &evil, "evil.test");
	expect_refused(n, DROP_TLS_NAME);
	/* Sixteen packets and no more. */
	for (int k = 16; k <= 17; k++) {
		flow_open(PROTO_INSPECT_QUIC);
		n = make_first(dg, &m, NAME);
		for (int i = 1; i < k; i++)
			n += make_long(dg + n, &m, QUIC_ZERO_RTT, 30);
		assert_int_equal(FEED(n), k == 16 ? INSPECT_WATCH : INSPECT_REFUSE);
	}
}

/* The short form says little: other protocols of the same port, whose first message has a name in clear. */
static void test_neighbours(void **state)
{
	static const char *const bad[] = {
		"0d" "1122334455667788" "51303433" "01", "09" "1122334455667788" "51303339" "01",
		"39" "1122334455667788" "51303336" "01",
		"16feff" "0000" "000000000000" "0010" "01", "16fefd" "0000" "000000000001" "0010" "01",
	};
	/* Without the QUIC bit, as RFC 9287 allows. */
	static const char *const good[] = {
		"0d" "1122334455667788" "51303530" "01", "0d" "1122334455667788" "61303433" "01",
		"4d" "1122334455667788" "51303433" "01", "0c" "1122334455667788" "51303433" "01",
		"16feff" "0001" "000000000000" "0010" "01", "16fcff" "0000" "000000000000" "0010" "01",
		"16feff" "0000" "000000000000" "0010", "0d" "1122334455667788" "513034", "0d",
	};
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t len, n;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		flow_open(PROTO_INSPECT_QUIC);
		assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
		expect_refused(unhex(dg, bad[i]), DROP_QUIC_BAD);
		/* While a hello is held, */
		flow_open(PROTO_INSPECT_QUIC);
		len = make_hello(hello, NAME, 0, 0);
		n = make_crypto(frames, 0, hello, 50);
		assert_int_equal(FEED(make_initial(dg, &m, frames, n, MAKE_MIN)), INSPECT_HOLD);
		expect_refused(unhex(dg, bad[i]), DROP_QUIC_BAD);
		/* and behind it in its datagram. */
		flow_open(PROTO_INSPECT_QUIC);
		n = make_crypto(frames, 0, hello, len);
		n = make_initial(dg, &m, frames, n, MAKE_MIN);
		n += unhex(dg + n, bad[i]);
		expect_refused(n, DROP_QUIC_BAD);
	}
	for (size_t i = 0; i < N(good); i++) {
		flow_open(PROTO_INSPECT_QUIC);
		assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
		assert_int_equal(FEED(unhex(dg, good[i])), INSPECT_WATCH);
	}
}

/* ---- more than one connection ---------------------------------------------------------------------- */

static void test_other_connection(void **state)
{
	struct make m = make_of(QUIC_V1, "8 bytes!"), other = make_of(QUIC_V2, "and eight more");
	size_t n, len;

	(void)state;
	assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
	assert_int_equal(FEED(make_first(dg, &other, NAME)), INSPECT_WATCH);
	dg[0] = 0x40;
	assert_int_equal(FEED(30), INSPECT_WATCH);
	assert_int_equal(FEED(0), INSPECT_WATCH);
	/* One that is not whole holds everything. */
	other = make_of(QUIC_V1, "the third");
	len = make_hello(hello, "evil.test", 0, 0);
	n = make_crypto(frames, 0, hello, 50);
	assert_int_equal(FEED(make_initial(dg, &other, frames, n, MAKE_MIN)), INSPECT_HOLD);
	dg[0] = 0x40;
	assert_int_equal(FEED(30), INSPECT_HOLD);
	other.pn++;
	n = make_crypto(frames, 50, hello + 50, len - 50);
	expect_refused(make_initial(dg, &other, frames, n, MAKE_MIN), DROP_TLS_NAME);
}

static void test_many_connections(void **state)
{
	char id[] = "connection 0";

	(void)state;
	for (int i = 0; i < 9; i++) {
		struct make m = make_of(QUIC_V1, id);

		id[11]++;
		if (i < 8)
			assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
		else
			expect_refused(make_first(dg, &m, NAME), DROP_NO_MEMORY);
	}
}

static void test_retry(void **state)
{
	struct make m = make_of(QUIC_V1, "8 bytes!");

	(void)state;
	for (int k = 0; k < 2; k++) {
		flow_open(PROTO_INSPECT_QUIC);
		m = make_of(QUIC_V1, "8 bytes!");
		assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
		/* The server's id makes the keys, a token comes along, numbers go on (RFC 9000 s. 17.2.5.3). */
		m = make_of(QUIC_V1, "srv");
		m.pn = 1;
		m.token = "a token of some length";
		if (!k)
			assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
		else
			expect_refused(make_first(dg, &m, "evil.test"), DROP_TLS_NAME);
	}
}

/* The same connection under the other version: keys of the first id, and the same stream. */
static void test_version_change(void **state)
{
	struct make m = make_of(QUIC_V1, "8 bytes!");
	size_t n;

	(void)state;
	assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
	m.version = QUIC_V2;
	memcpy(m.dcid.b, "server s", 8);
	m.pn = 1;
	assert_int_equal(FEED(make_initial(dg, &m, (const uint8_t *)"\2\0\0\0\0", 5, MAKE_MIN)),
			 INSPECT_WATCH);
	m.pn = 2;
	n = make_crypto(frames, 0, (const uint8_t *)"\1\0\0\0", 4);
	expect_refused(make_initial(dg, &m, frames, n, MAKE_MIN), DROP_QUIC_BAD);
}

static void test_packet_numbers(void **state)
{
	static const struct { uint64_t pn; uint8_t len; bool ok; } t[] = {
		{ 100, 1, true }, { 200, 1, true }, { 255, 1, true }, { 256, 1, true }, { 300, 1, true },
		{ 250, 1, true }, { 33000, 2, true }, { 0x12345678, 4, true }, { 0x12345679, 3, true },
		{ 0x12345700, 1, false },
	};
	struct make m = make_of(QUIC_V1, "8 bytes!");

	(void)state;
	assert_int_equal(FEED(make_first(dg, &m, NAME)), INSPECT_WATCH);
	for (size_t i = 0; i < N(t); i++) {
		size_t n;

		m.pn = t[i].pn;
		m.pn_len = t[i].len;
		n = make_initial(dg, &m, (const uint8_t *)"\1", 1, MAKE_MIN);
		if (t[i].ok)
			assert_int_equal(FEED(n), INSPECT_WATCH);
		else
			expect_refused(n, DROP_QUIC_BAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_keys),
		cmocka_unit_test_setup_teardown(test_rfc_packets, setup, teardown),
		cmocka_unit_test(test_varint),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_hello, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_datagrams, setup, teardown),
		cmocka_unit_test_setup_teardown(test_corrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_coalesced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_packet_numbers, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
