/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about ICMP: echo of the gateway, what is refused, errors and their rules. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

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

static uint8_t dgram[64];

static void test_echo_gateway(void **state)
{
	static uint8_t payload[1400];

	(void)state;
	memset(payload, 0xa5, sizeof(payload));
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t len = 0; len <= sizeof(payload); len += 200) {
			size_t at;

			world_in(frame, make_echo(v6 ? LINK_GW6 : LINK_GW4, 77, 3, payload, len));
			at = check_out(world_out());
			assert_int_equal(out[at], v6 ? 129 : 0);
			assert_memory_equal(out + at + 4, "\0\115\0\3", 4);
			assert_memory_equal(out + at + 8, payload, len);
		}
	}
}

static void test_icmp_bad(void **state)
{
	(void)state;
	for (uint8_t n = 0; n < 8; n++) {
		uint8_t m[8] = { 8 };

		world_expect_drop(frame, make_ip(NULL, LINK_GW4, IPPROTO_ICMP, m, n), DROP_ICMP_BAD);
		m[0] = 128;
		world_expect_drop(frame, make_ip(NULL, LINK_GW6, IPPROTO_ICMPV6, m, n),
				  n ? DROP_ICMP_BAD : DROP_IP_BAD_HEADER);
	}
	/* Errors about our packets, replies, redirects, timestamps: nobody reads them. */
	for (unsigned int type = 0; type < 256; type++) {
		uint8_t m[40] = { (uint8_t)type };

		if (type != 8)
			world_expect_drop(frame, make_ip(NULL, "192.0.2.1", IPPROTO_ICMP, m, 40),
					  DROP_ICMP_TYPE);
		if (type != 128 && (type < 133 || type > 137))
			world_expect_drop(frame, make_ip(NULL, "2001:db8::1", IPPROTO_ICMPV6, m, 40),
					  DROP_ICMP_TYPE);
	}
	make_echo(LINK_GW4, 1, 1, "", 0);
	frame[35] = 1;
	world_expect_drop(frame, 42, DROP_ICMP_BAD);
	/* Echo to a group must not be answered. */
	world_expect_drop(frame, make_echo("ff02::1", 1, 1, "", 0), DROP_MULTICAST);
	/* A link-local source is good for neighbour discovery only. */
	world_expect_drop(frame, make_ip("fe80::2", LINK_GW6, IPPROTO_ICMPV6, "\200\0\0\0\0\0\0\0", 8),
			  DROP_IP_SOURCE);
}

static void expect_error(const uint8_t *pkt, size_t len, enum icmp_error kind, uint8_t type,
			 uint8_t code, const struct addr *from, uint32_t rest)
{
	bool v4 = pkt[0] >> 4 == 4;
	size_t at, n, most = v4 ? 576 : 1280;

	assert_true(icmp_error_output_raw(&w.s, pkt, len, kind, 1400, DROP_NONE));
	n = world_out();
	at = check_out(n);
	assert_int_equal(out[at], type);
	assert_int_equal(out[at + 1], code);
	assert_int_equal((uint32_t)(out[at + 4] << 24 | out[at + 5] << 16 | out[at + 6] << 8 |
				    out[at + 7]), rest);
	if (v4)
		assert_memory_equal(out + 26, from->b + 12, 4);
	else
		assert_memory_equal(out + 22, from->b, 16);
	assert_true(n <= 14 + most);
	assert_memory_equal(out + at + 8, pkt, n - at - 8);
	assert_int_equal(n - at - 8, len < most - (at - 14) - 8 ? len : most - (at - 14) - 8);
}

static void test_icmp_error(void **state)
{
	static uint8_t payload[1400];
	struct addr far4, far6;
	size_t n;

	(void)state;
	addr_parse("192.0.2.1", &far4);
	addr_parse("2001:db8::1", &far6);
	for (size_t len = 0; len <= sizeof(payload); len += 700) {
		n = make_udp("192.0.2.1", 9, 9, payload, len) - 14;
		expect_error(frame + 14, n, ICMP_ERR_NET_UNREACH, 3, 0, &w.s.cfg.gw4, 0);
		expect_error(frame + 14, n, ICMP_ERR_HOST_UNREACH, 3, 1, &w.s.cfg.gw4, 0);
		expect_error(frame + 14, n, ICMP_ERR_PROTO_UNREACH, 3, 2, &far4, 0);
		expect_error(frame + 14, n, ICMP_ERR_PORT_UNREACH, 3, 3, &far4, 0);
		expect_error(frame + 14, n, ICMP_ERR_TOO_BIG, 3, 4, &w.s.cfg.gw4, 1400);
		expect_error(frame + 14, n, ICMP_ERR_ADMIN, 3, 13, &w.s.cfg.gw4, 0);
		expect_error(frame + 14, n, ICMP_ERR_TTL, 11, 0, &w.s.cfg.gw4, 0);
		n = make_udp("2001:db8::1", 9, 9, payload, len) - 14;
		expect_error(frame + 14, n, ICMP_ERR_NET_UNREACH, 1, 0, &w.s.cfg.gw6, 0);
		expect_error(frame + 14, n, ICMP_ERR_ADMIN, 1, 1, &w.s.cfg.gw6, 0);
		expect_error(frame + 14, n, ICMP_ERR_HOST_UNREACH, 1, 3, &w.s.cfg.gw6, 0);
		expect_error(frame + 14, n, ICMP_ERR_PORT_UNREACH, 1, 4, &far6, 0);
		expect_error(frame + 14, n, ICMP_ERR_TOO_BIG, 2, 0, &w.s.cfg.gw6, 1400);
		expect_error(frame + 14, n, ICMP_ERR_TTL, 3, 0, &w.s.cfg.gw6, 0);
		expect_error(frame + 14, n, ICMP_ERR_PROTO_UNREACH, 4, 1, &far6, 6);
	}
}

static bool error_about(size_t len)
{
	bool sent = icmp_error_output_raw(&w.s, frame + 14, len - 14, ICMP_ERR_HOST_UNREACH, 0,
					  DROP_NONE);

	assert_int_equal(world_out() != 0, sent);
	return sent;
}

static void test_icmp_error_never(void **state)
{
	size_t len;

	(void)state;
	/* About an ICMP error: RFC 1122 s. 3.2.2, RFC 4443 s. 2.4 (e.1). */
	for (unsigned int type = 0; type < 256; type++) {
		uint8_t m[8] = { (uint8_t)type };
		bool query4 = type == 0 || type == 8 || (type >= 13 && type <= 18);

		w.s.now += NS_PER_S;
		assert_int_equal(error_about(make_ip(NULL, "192.0.2.1", IPPROTO_ICMP, m, 8)), query4);
		assert_int_equal(error_about(make_ip(NULL, "2001:db8::1", IPPROTO_ICMPV6, m, 8)),
				 type >= 128);
	}
	/* Its type is not among the bytes: may be one. */
	assert_false(error_about(make_ip(NULL, "192.0.2.1", IPPROTO_ICMP, "", 0)));
	/* A later fragment, a group, a broadcast, somebody else's packet, no packet. */
	assert_false(error_about(make_fragment("192.0.2.1", IPPROTO_UDP, 1, dgram, 8, 8, true)));
	assert_false(error_about(make_fragment("2001:db8::1", IPPROTO_UDP, 1, dgram, 8, 8, true)));
	assert_true(error_about(make_fragment("2001:db8::1", IPPROTO_UDP, 1, dgram, 0, 8, true)));
	assert_false(error_about(make_udp("224.0.0.1", 9, 9, "", 0)));
	assert_false(error_about(make_udp("255.255.255.255", 9, 9, "", 0)));
	assert_false(error_about(make_udp("ff02::1", 9, 9, "", 0)));
	assert_false(error_about(make_ip("192.0.2.7", "192.0.2.1", 17, "", 0)));
	assert_false(error_about(make_ip("fe80::7", "2001:db8::1", 17, "\0", 1)));
	for (len = 0; len < 20; len++) {
		make_udp("192.0.2.1", 9, 9, "", 0);
		assert_false(error_about(14 + len));
	}
	for (len = 0; len < 40; len++) {
		make_udp("2001:db8::1", 9, 9, "", 0);
		assert_false(error_about(14 + len));
	}
}

static void test_icmp_rate(void **state)
{
	size_t len = make_udp("192.0.2.1", 9, 9, "", 0);
	int sent = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		sent += error_about(len);
	assert_int_equal(sent, 50);
	assert_int_equal(w.s.drops[DROP_RATE_ICMP], 950);
	w.s.now += NS_PER_S / 10;
	for (sent = 0; error_about(len);)
		sent++;
	assert_int_equal(sent, 20);
	w.s.now += 100 * NS_PER_S;
	for (sent = 0; error_about(len);)
		sent++;
	assert_int_equal(sent, 50);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_echo_gateway), T(test_icmp_bad), T(test_icmp_error), T(test_icmp_error_never),
		T(test_icmp_rate),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
