/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about DNS: the parser, the answers, questions over UDP and TCP. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "stack/dns/dns_msg.h"
#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define HEAD "\x12\x34\1\0\0\1\0\0\0\0\0\0"
#define Q_A "\0\1\0\1"
#define EX "\7example\4test\0"

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close();
	return 0;
}

/* ---- the parser ----------------------------------------------------------------------------------------- */

static void test_parse(void **state)
{
#define M(s) s, sizeof(s) - 1
	static const struct {
		const char *msg;
		size_t len;
		enum dns_verdict v;
		enum dns_rcode rcode;
		const char *name;
	} t[] = {
		/*  1 */ { M(HEAD EX Q_A), DNS_ASK, 0, "example.test" },
		/*  2 case is kept for the echo, lowered for the question */
		{ M(HEAD "\7ExAmPlE\4TEST\0" Q_A), DNS_ASK, 0, "example.test" },
		/*  3 underscores and digits */ { M(HEAD "\5_dm-1\0" Q_A), DNS_ASK, 0, "_dm-1" },
		/*  4 a response */ { M("\x12\x34\x81\0\0\1\0\0\0\0\0\0" EX Q_A), DNS_DROP, 0, NULL },
		/*  5 a status query */ { M("\x12\x34\x11\0\0\1\0\0\0\0\0\0" EX Q_A), DNS_REPLY, DNS_NOTIMP, NULL },
		/*  6 an update */ { M("\x12\x34\x29\0\0\1\0\0\0\0\0\0" EX Q_A), DNS_REPLY, DNS_NOTIMP, NULL },
		/*  7 no question */ { M("\x12\x34\1\0\0\0\0\0\0\0\0\0"), DNS_REPLY, DNS_FORMERR, NULL },
		/*  8 two questions */ { M("\x12\x34\1\0\0\2\0\0\0\0\0\0" EX Q_A EX Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/*  9 an answer in it */ { M("\x12\x34\1\0\0\1\0\1\0\0\0\0" EX Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 10 authority */ { M("\x12\x34\1\0\0\1\0\0\0\1\0\0" EX Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 11 two additional */ { M("\x12\x34\1\0\0\1\0\0\0\0\0\2" EX Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 12 compression to itself */ { M(HEAD "\300\14" Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 13 compression behind a label */ { M(HEAD "\1a\300\14" Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 14 a label type of no meaning */ { M(HEAD "\100a\0" Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 15 */ { M(HEAD "\200a\0" Q_A), DNS_REPLY, DNS_FORMERR, NULL },
		/* 16 bytes behind the question */ { M(HEAD EX Q_A "x"), DNS_REPLY, DNS_FORMERR, NULL },
		/* 17 the root */ { M(HEAD "\0" Q_A), DNS_REPLY, DNS_REFUSED, NULL },
		/* 18 NUL in a label (threat list 5.1, 1) */ { M(HEAD "\7ev\0.ok.\4test\0" Q_A), DNS_REPLY, DNS_NXDOMAIN, NULL },
		/* 19 a dot in a label */ { M(HEAD "\4a.ok\4test\0" Q_A), DNS_REPLY, DNS_NXDOMAIN, NULL },
		/* 20 a space, a star, UTF-8 */ { M(HEAD "\3a b\4test\0" Q_A), DNS_REPLY, DNS_NXDOMAIN, NULL },
		/* 21 */ { M(HEAD "\1*\4test\0" Q_A), DNS_REPLY, DNS_NXDOMAIN, NULL },
		/* 22 */ { M(HEAD "\3k\xc3\xb6\4test\0" Q_A), DNS_REPLY, DNS_NXDOMAIN, NULL },
		/* 23 class CHAOS */ { M(HEAD EX "\0\20\0\3"), DNS_REPLY, DNS_REFUSED, NULL },
		/* 24 class ANY */ { M(HEAD EX "\0\1\0\377"), DNS_REPLY, DNS_REFUSED, NULL },
		/* 25 type ANY */ { M(HEAD EX "\0\377\0\1"), DNS_REPLY, DNS_NOTIMP, NULL },
		/* 26 AXFR */ { M(HEAD EX "\0\374\0\1"), DNS_REPLY, DNS_REFUSED, NULL },
		/* 27 IXFR */ { M(HEAD EX "\0\373\0\1"), DNS_REPLY, DNS_REFUSED, NULL },
		/* 28 type 0 */ { M(HEAD EX "\0\0\0\1"), DNS_REPLY, DNS_FORMERR, NULL },
		/* 29 type OPT */ { M(HEAD EX "\0\51\0\1"), DNS_REPLY, DNS_FORMERR, NULL },
		/* 30 TKEY */ { M(HEAD EX "\0\371\0\1"), DNS_REPLY, DNS_NOTIMP, NULL },
		/* 31 HTTPS is a question for egress */ { M(HEAD EX "\0\101\0\1"), DNS_ASK, 0, "example.test" },
	};
	static const struct {
		const char *opt;
		size_t len;
		enum dns_verdict v;
		enum dns_rcode rcode;
		uint16_t size;
	} o[] = {
		/* 1 */ { M("\0\0\51\4\320\0\0\0\0\0\0"), DNS_ASK, 0, 1232 },
		/* 2 smaller than allowed */ { M("\0\0\51\0\1\0\0\0\0\0\0"), DNS_ASK, 0, 512 },
		/* 3 larger than ours */ { M("\0\0\51\377\377\0\0\0\0\0\0"), DNS_ASK, 0, 4096 },
		/* 4 another version */ { M("\0\0\51\4\320\0\1\0\0\0\0"), DNS_REPLY, DNS_BADVERS, 1232 },
		/* 5 with a name */ { M("\1a\0\0\51\4\320\0\0\0\0\0\0"), DNS_REPLY, DNS_FORMERR, 512 },
		/* 6 not OPT but TSIG */ { M("\0\0\372\4\320\0\0\0\0\0\0"), DNS_REPLY, DNS_FORMERR, 512 },
		/* 7 client subnet and a cookie are ignored */
		{ M("\0\0\51\4\320\0\0\0\0\0\30\0\10\0\10\0\1\40\0\300\0\2\1\0\12\0\10abcdefgh"), DNS_ASK, 0, 1232 },
		/* 8 an option past the end */ { M("\0\0\51\4\320\0\0\0\0\0\4\0\10\0\1"), DNS_REPLY, DNS_FORMERR, 512 },
		/* 9 half an option */ { M("\0\0\51\4\320\0\0\0\0\0\3\0\10\0"), DNS_REPLY, DNS_FORMERR, 512 },
		/* 10 data longer than there is */ { M("\0\0\51\4\320\0\0\0\0\0\1"), DNS_REPLY, DNS_FORMERR, 512 },
		/* 11 bytes behind it */ { M("\0\0\51\4\320\0\0\0\0\0\0x"), DNS_REPLY, DNS_FORMERR, 1232 },
	};
	struct dns_question q;
	enum dns_rcode rcode;

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		rcode = 0;
		assert_int_equal(dns_parse(t[i].msg, t[i].len, &q, &rcode), t[i].v);
		if (t[i].v == DNS_REPLY)
			assert_int_equal(rcode, t[i].rcode);
		if (t[i].name)
			assert_string_equal(q.name, t[i].name);
	}
	for (size_t i = 0; i < N(o); i++) {
		uint8_t m[128];
		size_t n = sizeof(HEAD EX Q_A) - 1;

		memcpy(m, HEAD EX Q_A, n);
		m[11] = 1;
		memcpy(m + n, o[i].opt, o[i].len);
		rcode = 0;
		assert_int_equal(dns_parse(m, n + o[i].len, &q, &rcode), o[i].v);
		if (o[i].v == DNS_REPLY)
			assert_int_equal(rcode, o[i].rcode);
		assert_int_equal(q.udp_size, o[i].size);
		/* Cut at every byte: never asked, never past the end. */
		for (size_t len = 0; len < n + o[i].len - 1; len++) {
			static uint8_t exact[128];
			uint8_t *p = exact + sizeof(exact) - len;

			memcpy(p, m, len);
			assert_int_equal(dns_parse(p, len, &q, &rcode), len < 12 ? DNS_DROP : DNS_REPLY);
		}
	}
}

/* Labels to 63 bytes, names to 255 on the wire: 253 in text. */
static void test_parse_lengths(void **state)
{
	struct dns_question q;
	enum dns_rcode rcode;
	uint8_t m[512];

	(void)state;
	for (size_t total = 240; total <= 260; total++) {
		size_t n = 12, left = total - 1, name;

		memcpy(m, HEAD, 12);
		while (left) {
			size_t l = left > 64 ? 63 : left - 1;

			if (left - l - 1 == 1)
				l--;		/* never leave room for an empty label only */
			m[n++] = (uint8_t)l;
			memset(m + n, 'a', l);
			n += l;
			left -= l + 1;
		}
		m[n++] = 0;
		name = n - 12;
		assert_int_equal(name, total);
		memcpy(m + n, Q_A, 4);
		rcode = 0;
		if (total <= 255) {
			assert_int_equal(dns_parse(m, n + 4, &q, &rcode), DNS_ASK);
			assert_int_equal(strlen(q.name), total - 2);
			assert_int_equal(q.qname_len, total);
		} else {
			assert_int_equal(dns_parse(m, n + 4, &q, &rcode), DNS_REPLY);
			assert_int_equal(rcode, DNS_FORMERR);
			assert_int_equal(q.qname_len, 0);
		}
	}
}

/* ---- answers -------------------------------------------------------------------------------------------- */

static void parse_ok(struct dns_question *q, uint16_t type, uint16_t edns)
{
	uint8_t m[128];
	size_t n = sizeof(HEAD EX) - 1;
	enum dns_rcode rcode;

	memcpy(m, HEAD EX, n);
	m[n++] = (uint8_t)(type >> 8);
	m[n++] = (uint8_t)type;
	m[n++] = 0;
	m[n++] = 1;
	if (edns) {
		m[11] = 1;
		memcpy(m + n, "\0\0\51\0\0\0\0\200\0\0\0", 11);
		m[n + 3] = (uint8_t)(edns >> 8);
		m[n + 4] = (uint8_t)edns;
		n += 11;
	}
	assert_int_equal(dns_parse(m, n, q, &rcode), DNS_ASK);
}

static void test_build(void **state)
{
	struct addr a[16];
	struct dns_reply r = { .ttl = 300, .ede = DNS_EDE_NONE, .addrs = a, .n_addrs = 16 };
	struct dns_question q;
	uint8_t m[DNS_ANSWER_MAX];
	size_t n, head = 12 + 14 + 4;

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		a[i] = addr_from_v4((uint8_t[]){ 192, 0, 2, i });
	parse_ok(&q, DNS_TYPE_A, 0);
	n = dns_build(&q, &r, m, q.udp_size);
	assert_int_equal(n, head + 16 * 16);
	assert_memory_equal(m, "\x12\x34\x81\x80\0\1\0\20\0\0\0\0" EX Q_A, head);
	assert_memory_equal(m + head, "\xc0\14\0\1\0\1\0\0\1\54\0\4\300\0\2\0", 16);
	/* Addresses of the other family are no answer. */
	parse_ok(&q, DNS_TYPE_AAAA, 0);
	n = dns_build(&q, &r, m, q.udp_size);
	assert_int_equal(n, head);
	assert_int_equal(m[7], 0);
	for (uint8_t i = 0; i < 16; i++)
		a[i] = addr_from_v6((uint8_t[16]){ 0x20, 1, [15] = i });
	n = dns_build(&q, &r, m, q.udp_size);
	assert_int_equal(m[2] & 2, 0);
	assert_int_equal(n, head + 16 * 28);
	/* Behind a long name they do not fit into 512 bytes, but into 1,232. */
	q.qname_len = 255;
	memset(q.qname, 'a', 255);
	n = dns_build(&q, &r, m, q.udp_size);
	assert_int_equal(m[2] & 2, 2);
	assert_true(n <= 512);
	assert_int_equal(n, 12 + 259 + (size_t)m[7] * 28);
	parse_ok(&q, DNS_TYPE_AAAA, 1232);
	n = dns_build(&q, &r, m, q.udp_size);
	assert_int_equal(m[2] & 2, 0);
	assert_int_equal(n, head + 16 * 28 + 11);
	assert_memory_equal(m + n - 11, "\0\0\51\4\320\0\0\200\0\0\0", 11);
	/* An extended error with its sentence; the worst case still fits. */
	r.rcode = DNS_REFUSED;
	r.ede = DNS_EDE_PROHIBITED;
	r.ede_text = "no rule allows it";
	r.n_addrs = 0;
	n = dns_build(&q, &r, m, DNS_UDP_MIN);
	assert_int_equal(m[3] & 15, 5);
	assert_memory_equal(m + n - 23, "\0\17\0\23\0\22no rule allows it", 23);
	r.ede_text = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	r.n_addrs = 16;
	q.qname_len = 255;
	n = dns_build(&q, &r, m, DNS_UDP_MIN);
	assert_true(n <= DNS_UDP_MIN);
	assert_int_equal(m[2] & 2, 2);
	/* BADVERS needs the upper bits. */
	r = (struct dns_reply){ .rcode = DNS_BADVERS, .ede = DNS_EDE_NONE };
	n = dns_build(&q, &r, m, DNS_UDP_MIN);
	assert_int_equal(m[3] & 15, 0);
	assert_memory_equal(m + n - 11, "\0\0\51\4\320\1\0\200\0\0\0", 11);
}

/* ---- over UDP ------------------------------------------------------------------------------------------- */

static void ask_udp(const char *server, uint16_t sport, uint16_t id, const char *qname, size_t len,
		    uint16_t type)
{
	uint8_t m[512];

	memcpy(m, HEAD, 12);
	m[0] = (uint8_t)(id >> 8);
	m[1] = (uint8_t)id;
	memcpy(m + 12, qname, len);
	m[12 + len] = (uint8_t)(type >> 8);
	m[13 + len] = (uint8_t)type;
	m[14 + len] = 0;
	m[15 + len] = 1;
	world_in(frame, make_udp(server, sport, 53, m, 16 + len));
}

static size_t expect_answer(const char *server, uint16_t sport, uint16_t id, enum dns_rcode rcode)
{
	size_t n = world_out(), at;
	struct addr a;

	assert_true(n > 0);
	at = check_out(n);
	addr_parse(server, &a);
	if (addr_is_v4(&a))
		assert_memory_equal(out + 26, a.b + 12, 4);
	else
		assert_memory_equal(out + 22, a.b, 16);
	assert_memory_equal(out + at, "\0\65", 2);
	assert_int_equal(out[at + 2] << 8 | out[at + 3], sport);
	at += 8;
	assert_int_equal(out[at] << 8 | out[at + 1], id);
	assert_int_equal(out[at + 2] & 0x80, 0x80);
	assert_int_equal(out[at + 3] & 15, rcode & 15);
	return at;
}

static void test_udp(void **state)
{
	static const char *servers[] = { LINK_GW4, "8.8.8.8", LINK_GW6, "2001:db8::53" };
	struct proto_ask_name ask;
	struct proto_answer ans;

	(void)state;
	for (size_t i = 0; i < N(servers); i++) {
		size_t at;

		ask_udp(servers[i], 5000, 77, "\7ExAmple\4tesT\0", 14, DNS_TYPE_A);
		egress_expect(PROTO_ASK_NAME, &ask, sizeof(ask));
		assert_string_equal(ask.name, "example.test");
		assert_int_equal(ask.qtype, DNS_TYPE_A);
		/* The client asks again: one question, one answer. */
		ask_udp(servers[i], 5000, 77, "\7ExAmple\4tesT\0", 14, DNS_TYPE_A);
		assert_true(egress_is_quiet());
		PROTO_INIT(&ans, PROTO_ANSWER);
		ans.id = ask.id;
		ans.ede = DNS_EDE_NONE;
		ans.ttl = 60;
		ans.n_addrs = 1;
		ans.addrs[0] = addr_from_v4((uint8_t[]){ 192, 0, 2, 5 });
		egress_send(&ans, sizeof(ans), -1);
		at = expect_answer(servers[i], 5000, 77, DNS_NOERROR);
		assert_memory_equal(out + at + 12, "\7ExAmple\4tesT\0", 14);
		assert_memory_equal(out + at + 30 + 12, "\300\0\2\5", 4);
		assert_int_equal(world_out(), 0);
		/* A second answer with the same id is for nobody. */
		egress_send(&ans, sizeof(ans), -1);
		assert_int_equal(world_out(), 0);
		ans.id = ~0ull;
		egress_send(&ans, sizeof(ans), -1);
		assert_int_equal(world_out(), 0);
	}
}

static void test_udp_local(void **state)
{
	static const struct {
		const char *qname;
		uint16_t type;
		bool local;
		const char *data;
	} t[] = {
		{ "\11localhost\0", DNS_TYPE_A, true, "\177\0\0\1" },
		{ "\11LocalHost\0", DNS_TYPE_AAAA, true, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" },
		{ "\1a\11localhost\0", DNS_TYPE_A, true, "\177\0\0\1" },
		{ "\11localhost\0", 16, true, NULL },
		{ "\12xlocalhost\0", DNS_TYPE_A, false, NULL },
		{ "\11localhost\4test\0", DNS_TYPE_A, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t len = strlen(t[i].qname) + 1, at;

		ask_udp("8.8.8.8", 5000, 1, t[i].qname, len, t[i].type);
		assert_int_equal(egress_is_quiet(), t[i].local);
		if (!t[i].local)
			continue;
		at = expect_answer("8.8.8.8", 5000, 1, DNS_NOERROR);
		assert_int_equal(out[at + 7], t[i].data ? 1 : 0);
		if (t[i].data)
			assert_memory_equal(out + at + 16 + len + 12, t[i].data,
					    t[i].type == DNS_TYPE_A ? 4 : 16);
	}
	/* Answered without asking. */
	ask_udp(LINK_GW4, 5000, 2, "\3a b\0", 5, DNS_TYPE_A);
	expect_answer(LINK_GW4, 5000, 2, DNS_NXDOMAIN);
	ask_udp(LINK_GW4, 5000, 3, "\1a\0", 3, 252);
	expect_answer(LINK_GW4, 5000, 3, DNS_REFUSED);
	assert_true(egress_is_quiet());
	/* ANY: not served, which is no fault of the network. */
	uint8_t m[] = "\0\11\1\0\0\1\0\0\0\0\0\1" EX "\0\377\0\1" "\0\0\51\4\320\0\0\0\0\0\0";
	size_t any;

	world_in(frame, make_udp(LINK_GW4, 5000, 53, m, sizeof(m) - 1));
	any = expect_answer(LINK_GW4, 5000, 9, DNS_NOTIMP);
	assert_memory_equal(out + any + 30 + 9, "\0\6\0\17\0\2\0\25", 8);
	/* Not DNS at all (threat list 5.2, 18): nothing is said. */
	world_expect_drop(frame, make_udp("8.8.8.8", 5000, 53, "\1\2\3", 3), DROP_DNS_BAD);
	world_expect_drop(frame, make_udp("8.8.8.8", 5000, 53, "", 0), DROP_DNS_BAD);
	world_expect_drop(frame, make_udp("8.8.8.8", 5000, 53, "\1\2\x80\0zzzzzzzzzzzz", 16), DROP_DNS_BAD);
	world_expect_drop(frame, make_udp("8.8.8.8", 0, 53, HEAD, 12), DROP_PORT_ZERO);
}

static void test_udp_trouble(void **state)
{
	struct proto_ask_name ask;
	struct proto_answer ans;
	size_t at;

	(void)state;
	/* Denied, with its reason as an extended error. */
	uint8_t m[] = "\0\11\1\0\0\1\0\0\0\0\0\1" EX Q_A "\0\0\51\4\320\0\0\0\0\0\0";

	world_in(frame, make_udp(LINK_GW4, 5000, 53, m, sizeof(m) - 1));
	egress_expect(PROTO_ASK_NAME, &ask, sizeof(ask));
	PROTO_INIT(&ans, PROTO_ANSWER);
	ans.id = ask.id;
	ans.denied = 1;
	ans.reason = DROP_POLICY_NAME;
	ans.ede = DNS_EDE_PROHIBITED;
	ans.n_addrs = 1;
	ans.addrs[0] = addr_from_v4((uint8_t[]){ 198, 19, 0, 1 });
	egress_send(&ans, sizeof(ans), -1);
	at = expect_answer(LINK_GW4, 5000, 9, DNS_NOERROR);
	assert_memory_equal(out + at + 30 + 12, "\306\23\0\1", 4);
	assert_memory_equal(out + at + 30 + 16 + 11, "\0\17\0\31\0\22the name is not allowed", 4 + 25);
	/* No answer within ten seconds. */
	ask_udp(LINK_GW4, 5000, 10, "\1a\0", 3, DNS_TYPE_A);
	egress_expect(PROTO_ASK_NAME, &ask, sizeof(ask));
	world_pass_ms(9000);
	assert_int_equal(world_out(), 0);
	world_pass_ms(2000);
	expect_answer(LINK_GW4, 5000, 10, DNS_SERVFAIL);
	ans.id = ask.id;
	egress_send(&ans, sizeof(ans), -1);
	assert_int_equal(world_out(), 0);
	/* 256 may wait. */
	for (uint16_t i = 0; i < 256; i++)
		ask_udp(LINK_GW4, 5000, i, "\1a\0", 3, DNS_TYPE_A);
	assert_int_equal(world_out(), 0);
	ask_udp(LINK_GW4, 5001, 1, "\1a\0", 3, DNS_TYPE_A);
	expect_answer(LINK_GW4, 5001, 1, DNS_SERVFAIL);
	assert_int_equal(w.s.drops[DROP_NAME_RATE], 1);
	/* With an extended error that says so, where the client reads such; 0 "other" needs its text. */
	world_in(frame, make_udp(LINK_GW4, 5002, 53, m, sizeof(m) - 1));
	at = expect_answer(LINK_GW4, 5002, 9, DNS_SERVFAIL);
	assert_memory_equal(out + at + 30 + 11, "\0\17\0\35\0\0too many names or questions", 6 + 27);
	world_pass_ms(12000);
	for (uint16_t i = 0; i < 256; i++)
		assert_true(world_out() > 0);
	/* Without egress no name means anything. */
	close(w.egress);
	w.egress = -1;
	world_step();
	ask_udp(LINK_GW4, 5000, 11, "\1a\0", 3, DNS_TYPE_A);
	expect_answer(LINK_GW4, 5000, 11, DNS_SERVFAIL);
}

/* ---- over TCP --------------------------------------------------------------------------------------------- */

static struct flow *tcp_open(uint16_t sport)
{
	struct flow_key k;
	struct flow *f;

	memset(&k, 0, sizeof(k));
	k.src = w.s.cfg.sb4;
	addr_parse("8.8.8.8", &k.dst);
	k.sport = sport;
	k.dport = 53;
	k.proto = IPPROTO_TCP;
	f = flow_new(&w.s.flows, &k, w.now);
	assert_non_null(f);
	flow_set_state(&w.s.flows, f, FLOW_OPEN);
	dns_tcp_open(&w.s, f);
	return f;
}

static size_t framed(uint8_t *b, uint16_t id, const char *qname, size_t len)
{
	b[0] = 0;
	b[1] = (uint8_t)(16 + len);
	memcpy(b + 2, HEAD, 12);
	b[2] = (uint8_t)(id >> 8);
	b[3] = (uint8_t)id;
	memcpy(b + 14, qname, len);
	memcpy(b + 14 + len, Q_A, 4);
	return 18 + len;
}

static void answer_one(const struct proto_ask_name *ask, uint8_t last)
{
	struct proto_answer ans;

	PROTO_INIT(&ans, PROTO_ANSWER);
	ans.id = ask->id;
	ans.ede = DNS_EDE_NONE;
	ans.n_addrs = 1;
	ans.addrs[0] = addr_from_v4((uint8_t[]){ 192, 0, 2, last });
	egress_send(&ans, sizeof(ans), -1);
}

static void test_tcp(void **state)
{
	struct proto_ask_name ask[3];
	uint8_t b[256];
	size_t n;

	(void)state;
	/* Three questions in one stream, in pieces of every size; answers in another order. */
	for (size_t step = 1; step < 70; step++) {
		struct flow *f = tcp_open(4000);

		n = framed(b, 1, "\1a\0", 3);
		n += framed(b + n, 2, "\1b\0", 3);
		n += framed(b + n, 3, "\1c\0", 3);
		w.local_len = 0;
		for (size_t off = 0; off < n; off += step)
			assert_true(dns_tcp_input(&w.s, f, b + off, n - off < step ? n - off : step));
		world_step();
		for (int i = 0; i < 3; i++)
			egress_expect(PROTO_ASK_NAME, &ask[i], sizeof(ask[i]));
		assert_string_equal(ask[2].name, "c");
		answer_one(&ask[2], 3);
		answer_one(&ask[0], 1);
		assert_int_equal(w.local_len, 2 * (2 + 19 + 16));
		assert_memory_equal(w.local, "\0\43\0\3", 4);
		assert_memory_equal(w.local + 37, "\0\43\0\1", 4);
		dns_tcp_closed(&w.s, f);
		flow_end(&w.s, f, DROP_END_CLOSED);
		flow_reap(&w.s.flows);
		/* The connection is gone: its answer is dropped. */
		answer_one(&ask[1], 2);
		assert_int_equal(w.local_len, 2 * 37);
	}
}

static void test_tcp_bad(void **state)
{
	static const struct {
		const char *b;
		size_t len;
	} t[] = {
		/* 1 an empty message */ { "\0\0\0", 3 },
		/* 2 longer than any question */ { "\10\1\0", 3 },
		/* 3 */ { "\377\377\0", 3 },
		/* 4 no header */ { "\0\13\1\2\3\4\5\6\7\10\11\12\13", 13 },
		/* 5 a response */ { "\0\14\1\2\200\0\0\0\0\0\0\0\0\0", 14 },
	};
	struct proto_ask_name ask;
	struct flow *f;
	uint8_t b[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		f = tcp_open(4000);
		assert_false(dns_tcp_input(&w.s, f, (const uint8_t *)t[i].b, t[i].len));
		assert_int_equal(w.s.drops[DROP_DNS_BAD], i + 1);
		dns_tcp_closed(&w.s, f);
		flow_end(&w.s, f, DROP_END_CLOSED);
		flow_reap(&w.s.flows);
	}
	/* 32 may wait on one connection. */
	f = tcp_open(4000);
	w.local_len = 0;
	for (uint16_t i = 0; i < 32; i++) {
		n = framed(b, i, "\1a\0", 3);
		assert_true(dns_tcp_input(&w.s, f, b, n));
	}
	assert_int_equal(w.local_len, 0);
	n = framed(b, 99, "\1a\0", 3);
	assert_true(dns_tcp_input(&w.s, f, b, n));
	assert_memory_equal(w.local, "\0\23\0\143\x81\x82", 6);
	/* No room for an answer: the connection is of no use. */
	world_step();
	egress_expect(PROTO_ASK_NAME, &ask, sizeof(ask));
	w.local_full = true;
	answer_one(&ask, 1);
	assert_int_equal(w.tcp_cuts, 1);
	f = tcp_open(4001);
	n = framed(b, 1, "\11localhost\0", 11);
	assert_false(dns_tcp_input(&w.s, f, b, n));
	w.local_full = false;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_parse_lengths),
		cmocka_unit_test(test_build),
		T(test_udp), T(test_udp_local), T(test_udp_trouble), T(test_tcp), T(test_tcp_bad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
