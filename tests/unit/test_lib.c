/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about lib/: addresses, prefixes, classes, reader, JSON, SipHash, messages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/msg.h"
#include "lib/proto.h"
#include "lib/rd.h"
#include "lib/reason.h"

static void test_addr_text(void **state)
{
	static const struct {
		const char *in, *out;	/* out NULL: refused */
	} t[] = {
		/*  1 */ { "192.0.2.1", "192.0.2.1" },
		/*  2 */ { "2001:DB8:0:0::1", "2001:db8::1" },
		/*  3 */ { "::ffff:192.0.2.1", NULL },
		/*  4 */ { "192.0.2.256", NULL },
		/*  5 */ { "192.0.2.1 ", NULL },
		/*  6 */ { "0x7f.1", NULL },
		/*  7 */ { "127.1", NULL },
		/*  8 */ { "", NULL },
		/*  9 */ { "::", "::" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr a;
		char buf[ADDR_STRLEN];
		int r = addr_parse(t[i].in, &a);

		if (!t[i].out) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(addr_format(&a, buf), t[i].out);
	}
}

static void test_addr_class(void **state)
{
	static const struct {
		const char *in;
		enum addr_class class;
	} t[] = {
		/*  1 */ { "1.1.1.1", ADDR_GLOBAL },
		/*  2 */ { "169.254.169.254", ADDR_METADATA },
		/*  3 */ { "169.254.1.1", ADDR_LINK_LOCAL },
		/*  4 */ { "100.100.100.200", ADDR_METADATA },
		/*  5 */ { "100.64.0.1", ADDR_PRIVATE },
		/*  6 */ { "10.1.2.3", ADDR_PRIVATE },
		/*  7 */ { "127.9.9.9", ADDR_LOOPBACK },
		/*  8 */ { "::1", ADDR_LOOPBACK },
		/*  9 */ { "::7f00:1", ADDR_TRANSLATED },
		/* 10 */ { "64:ff9b::7f00:1", ADDR_TRANSLATED },
		/* 11 */ { "2002:7f00:1::", ADDR_TRANSLATED },
		/* 12 */ { "fd00:ec2::254", ADDR_METADATA },
		/* 13 */ { "fd00::1", ADDR_PRIVATE },
		/* 14 */ { "fe80::1", ADDR_LINK_LOCAL },
		/* 15 */ { "ff02::1", ADDR_MULTICAST },
		/* 16 */ { "255.255.255.255", ADDR_MULTICAST },
		/* 17 */ { "0.1.2.3", ADDR_UNSPECIFIED },
		/* 18 */ { "2606:4700::1111", ADDR_GLOBAL },
		/* 19 */ { "198.18.5.5", ADDR_RESERVED },
		/* 20 */ { "198.51.100.7", ADDR_DOCUMENTATION },
		/* 21 */ { "2001:db8::7", ADDR_DOCUMENTATION },
		/* 22 */ { "240.0.0.1", ADDR_RESERVED },
		/* metadata: 23 the wire server of Azure */ { "168.63.129.16", ADDR_METADATA },
		/* 24 */ { "192.0.0.192", ADDR_METADATA },
		/* 25 */ { "fd20:ce::254", ADDR_METADATA },
		/* 26 */ { "fd00:c1::a9fe:a9fe", ADDR_METADATA },
		/* 27 */ { "fd00:42::42", ADDR_METADATA },
		/* 28 */ { "fd00:a9fe:a9fe::1", ADDR_METADATA },
		/* 29 */ { "fe80::a9fe:a9fe", ADDR_METADATA },
		/* 30 */ { "169.254.169.255", ADDR_METADATA },
		/* 31 */ { "169.254.170.23", ADDR_METADATA },
		/* 32 */ { "169.254.42.42", ADDR_METADATA },
		/* 33 */ { "169.254.0.23", ADDR_METADATA },
		/* 34 */ { "192.80.8.124", ADDR_METADATA },
		/* 35 */ { "192.80.8.125", ADDR_GLOBAL },
		/* 36 */ { "fd00:ec2::23", ADDR_METADATA },
		/* an IPv4 address inside: 37 local NAT64 */ { "64:ff9b:1::a9fe:a9fe", ADDR_TRANSLATED },
		/* 38 Teredo */ { "2001::7f00:1", ADDR_TRANSLATED },
		/* 39 its last */ { "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", ADDR_TRANSLATED },
		/* 40 ISATAP, private */ { "2606:4700::5efe:a00:1", ADDR_TRANSLATED },
		/* 41 with the universal bit */ { "2606:4700::200:5efe:a00:1", ADDR_TRANSLATED },
		/* 42 another interface id */ { "2606:4700::100:5efe:a00:1", ADDR_GLOBAL },
		/* 43 IPv4-translated */ { "::ffff:0:7f00:1", ADDR_TRANSLATED },
		/* 44 6to4 */ { "2002:a9fe:a9fe::", ADDR_TRANSLATED },
		/* 45 6to4's relay */ { "192.88.99.1", ADDR_TRANSLATED },
		/* the rest: 46 */ { "::", ADDR_UNSPECIFIED },
		/* 47 */ { "0.0.0.0", ADDR_UNSPECIFIED },
		/* 48 */ { "224.0.0.1", ADDR_MULTICAST },
		/* 49 */ { "fec0::1", ADDR_PRIVATE },
		/* 50 */ { "fc00::1", ADDR_PRIVATE },
		/* 51 */ { "172.31.255.255", ADDR_PRIVATE },
		/* 52 */ { "172.32.0.0", ADDR_GLOBAL },
		/* 53 */ { "192.168.0.1", ADDR_PRIVATE },
		/* 54 */ { "192.0.0.8", ADDR_RESERVED },
		/* 55 discard-only */ { "100::1", ADDR_RESERVED },
		/* 56 segment routing */ { "5f00::1", ADDR_RESERVED },
		/* 57 not assigned */ { "4000::1", ADDR_RESERVED },
		/* 58 benchmarks */ { "2001:2::1", ADDR_RESERVED },
		/* 59 identifiers */ { "2001:20::1", ADDR_RESERVED },
		/* 60 */ { "2001:67c::1", ADDR_GLOBAL },
		/* 61 */ { "3fff::1", ADDR_DOCUMENTATION },
		/* 62 */ { "3fff:1000::1", ADDR_GLOBAL },
		/* 63 */ { "febf::1", ADDR_LINK_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr a;

		assert_int_equal(addr_parse(t[i].in, &a), 0);
		assert_int_equal(addr_classify(&a), t[i].class);
		assert_int_equal(addr_is_refused(&a), t[i].class != ADDR_GLOBAL &&
						      t[i].class != ADDR_DOCUMENTATION);
	}
}

static void test_cidr(void **state)
{
	static const struct {
		const char *cidr, *addr;
		bool in;
	} t[] = {
		/* 1 */ { "10.0.0.0/8", "10.255.0.1", true },
		/* 2 */ { "10.0.0.0/8", "11.0.0.1", false },
		/* 3 */ { "0.0.0.0/0", "8.8.8.8", true },
		/* 4 */ { "0.0.0.0/0", "2001:db8::1", false },
		/* 5 */ { "::/0", "8.8.8.8", false },
		/* 6 */ { "::/0", "2001:db8::1", true },
		/* 7 */ { "192.0.2.128/25", "192.0.2.127", false },
		/* 8 */ { "2001:db8::1", "2001:db8::1", true },
	};
	static const char *const bad[] = { "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x",
					   "10.0.0.0/-1", "2001:db8::/129", "/8", "10.0.0.0/ 8" };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cidr c;
		struct addr a;
		char buf[CIDR_STRLEN];

		assert_int_equal(cidr_parse(t[i].cidr, &c), 0);
		assert_string_equal(cidr_format(&c, buf), t[i].cidr);
		assert_int_equal(addr_parse(t[i].addr, &a), 0);
		assert_int_equal(cidr_contains(&c, &a), t[i].in);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cidr c;

		assert_int_equal(cidr_parse(bad[i], &c), -EINVAL);
	}
}

static void test_rd(void **state)
{
	const uint8_t b[] = { 1, 2, 3, 4, 5 };
	struct rd r = rd_init(b, sizeof(b));
	uint16_t v16 = 0;
	uint32_t v32 = 77;
	struct rd sub;

	(void)state;
	assert_true(rd_be16(&r, &v16));
	assert_int_equal(v16, 0x0102);
	sub = rd_sub(&r, 3);
	assert_true(rd_done(&r));
	assert_int_equal(rd_left(&sub), 3);
	assert_false(rd_be32(&sub, &v32));	/* one byte too few */
	assert_int_equal(v32, 77);		/* untouched */
	assert_false(rd_skip(&sub, 1));		/* poisoned */
	assert_false(rd_done(&sub));
}

static void test_json(void **state)
{
	char buf[128];
	struct json j;

	(void)state;
	json_init(&j, buf, sizeof(buf));
	json_object_start(&j, NULL);
	json_str(&j, "a", "q\"\\\n\xff\xc3\xa9");
	json_array_start(&j, "b");
	json_u64(&j, NULL, 1);
	json_i64(&j, NULL, -2);
	json_array_end(&j);
	json_bool(&j, "c", true);
	json_object_end(&j);
	assert_true(json_finish(&j) > 0);
	assert_string_equal(buf, "{\"a\":\"q\\\"\\\\\\u000a\xef\xbf\xbd\xc3\xa9\",\"b\":[1,-2],\"c\":true}");
	json_init(&j, buf, 4);
	json_str(&j, NULL, "too long");
	assert_int_equal(json_finish(&j), -ENOSPC);
}

static void test_sip(void **state)
{
	/* Vector of the SipHash paper, appendix A: key 00..0f, message 00..0e. */
	uint8_t key[16], m[15];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		m[i] = i;
	assert_true(hash_sip(key, m, sizeof(m)) == 0xa129ca6149be45e5ull);
}

static void test_msg(void **state)
{
	int p[2], fds[2] = { 0, 1 }, got[1];
	size_t n_got = 1;
	char buf[8];

	(void)state;
	assert_int_equal(msg_pair(p), 0);
	assert_int_equal(msg_send(p[0], "hi", 2, fds, 1), 0);
	assert_int_equal(msg_recv(p[1], buf, sizeof(buf), got, &n_got), 2);
	assert_int_equal(n_got, 1);
	assert_int_equal(fcntl(got[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(got[0]);
	/* More descriptors than room: all closed, message refused. */
	assert_int_equal(msg_send(p[0], "hi", 2, fds, 2), 0);
	n_got = 1;
	assert_int_equal(msg_recv(p[1], buf, sizeof(buf), got, &n_got), -EBADMSG);
	assert_int_equal(n_got, 0);
	/* Longer than the buffer. */
	assert_int_equal(msg_send(p[0], "too long for it", 15, NULL, 0), 0);
	assert_int_equal(msg_recv(p[1], buf, sizeof(buf), NULL, NULL), -EBADMSG);
	close(p[0]);
	assert_int_equal(msg_recv(p[1], buf, sizeof(buf), NULL, NULL), 0);
	close(p[1]);
}

static void test_proto(void **state)
{
	union {
		struct proto_verdict_msg v;
		struct proto_answer a;
		uint8_t b[PROTO_MSG_MAX];
	} m;

	(void)state;
	PROTO_INIT(&m.v, PROTO_VERDICT);
	m.v.verdict = PROTO_DENY;
	assert_int_equal(proto_check(&m, sizeof(m.v)), 0);
	assert_int_equal(proto_check(&m, sizeof(m.v) - 1), -EBADMSG);
	assert_int_equal(proto_check(&m, 4), -EBADMSG);
	memset(m.v.name, 'a', sizeof(m.v.name));	/* no NUL */
	assert_int_equal(proto_check(&m, sizeof(m.v)), -EBADMSG);
	PROTO_INIT(&m.v, PROTO_VERDICT);		/* verdict 0 */
	assert_int_equal(proto_check(&m, sizeof(m.v)), -EBADMSG);
	PROTO_INIT(&m.a, PROTO_ANSWER);
	m.a.n_addrs = PROTO_ADDRS_MAX + 1;
	assert_int_equal(proto_check(&m, sizeof(m.a)), -EBADMSG);
	m.a.n_addrs = PROTO_ADDRS_MAX;
	assert_int_equal(proto_check(&m, sizeof(m.a)), 0);
	m.a.head.type = 9999;
	assert_int_equal(proto_check(&m, sizeof(m.a)), -EBADMSG);
}

static void test_proto_stats(void **state)
{
	struct proto_stats_get get;
	struct proto_stats m;

	(void)state;
	PROTO_INIT(&get, PROTO_STATS_GET);
	assert_int_equal(proto_check(&get, sizeof(get)), 0);
	assert_int_equal(proto_check(&get, sizeof(get) - 1), -EBADMSG);
	PROTO_INIT(&m, PROTO_STATS);
	assert_int_equal(proto_check(&m, sizeof(m)), 0);
	assert_int_equal(proto_check(&m, sizeof(m) - 8), -EBADMSG);
	m.head.type = PROTO_STATS_GET;
	assert_int_equal(proto_check(&m, sizeof(m)), -EBADMSG);
	m.head.type = PROTO_STATS;
	m.head.zero = 1;
	assert_int_equal(proto_check(&m, sizeof(m)), -EBADMSG);
	m.head.zero = 0;
	/* Into an empty list, before others, in place of one, into a full list. */
	proto_stats_drop(&m, 40, 4);
	proto_stats_drop(&m, 3, 1);
	assert_int_equal(m.drops[0].reason, 3);
	assert_int_equal(m.drops[1].reason, 40);
	assert_int_equal(m.drops[1].count, 4);
	assert_int_equal(m.drops[2].reason, 0);
	proto_stats_drop(&m, 40, 9);
	assert_int_equal(m.drops[0].reason, 40);
	assert_int_equal(m.drops[0].count, 9);
	assert_int_equal(m.drops[1].reason, 3);
	assert_int_equal(m.drops[2].reason, 0);
	for (uint16_t i = 0; i < PROTO_DROP_COUNTS; i++)
		proto_stats_drop(&m, (uint16_t)(100 + i), i);
	assert_int_equal(m.drops[0].reason, 100 + PROTO_DROP_COUNTS - 1);
	assert_int_equal(m.drops[PROTO_DROP_COUNTS - 1].reason, 100);
	assert_int_equal(proto_check(&m, sizeof(m)), 0);
}

static void test_reason(void **state)
{
	(void)state;
	assert_string_equal(reason_word(DROP_POLICY_DENY), "policy-deny");
	assert_string_equal(reason_word(99999), "unknown");
	assert_string_equal(reason_word(7), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_text), cmocka_unit_test(test_addr_class),
		cmocka_unit_test(test_cidr),	  cmocka_unit_test(test_rd),
		cmocka_unit_test(test_json),	  cmocka_unit_test(test_sip),
		cmocka_unit_test(test_msg),	  cmocka_unit_test(test_proto),
		cmocka_unit_test(test_proto_stats),
		cmocka_unit_test(test_reason),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
