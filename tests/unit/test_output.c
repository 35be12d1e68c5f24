/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about what goes towards the sandbox: checksums, fragments, the queue of a full port. */
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

static void test_csum(void **state)
{
	/* RFC 1071 s. 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
	static const uint8_t b[8] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t buf[200];
	uint16_t c = csum_fold(csum_add(0, b, 8));

	(void)state;
	assert_memory_equal(&c, ((uint8_t[]){ 0x22, 0x0d }), 2);
	/* Against the plain definition, at every length, and with the longest carries. */
	for (int fill = 0; fill < 3; fill++) {
		for (size_t n = 0; n <= sizeof(buf); n++) {
			uint32_t sum = 0;

			for (size_t i = 0; i < n; i++) {
				buf[i] = fill == 0 ? 0xff : fill == 1 ? (uint8_t)(i * 37) : 0;
				sum += i % 2 ? buf[i] : (uint32_t)buf[i] << 8;
			}
			while (sum >> 16)
				sum = (sum & 0xffff) + (sum >> 16);
			c = csum_fold(csum_add(0, buf, n));
			assert_int_equal((uint16_t)~(((uint8_t *)&c)[0] << 8 | ((uint8_t *)&c)[1]), sum);
		}
	}
}

/* Payload in pieces of every parity; whole and in fragments. */
static void test_output_pieces(void **state)
{
	static uint8_t back[65536], payload[5000];
	struct addr far;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13);
	for (int v6 = 0; v6 < 2; v6++) {
		addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &far);
		for (size_t cut = 1; cut < 24; cut++) {
			for (size_t total = 1000; total <= 5000; total += 1333) {
				uint8_t h[8] = { 0, 9, 0, 9, (uint8_t)((total + 8) >> 8),
						 (uint8_t)(total + 8) };
				struct iovec iov[4] = {
					{ h, 5 }, { h + 5, 3 },
					{ payload, cut }, { payload + cut, total - cut },
				};

				assert_int_equal(ip_output(&w.s, &far, v6 ? &w.s.cfg.sb6 : &w.s.cfg.sb4,
							   IPPROTO_UDP, iov, 4, NULL, DROP_NONE), 0);
				assert_int_equal(world_collect(back), total + 8);
				assert_memory_equal(back + 8, payload, total);
				assert_int_equal(csum_fold(csum_add(csum_pseudo(&far, v6 ? &w.s.cfg.sb6 :
						 &w.s.cfg.sb4, IPPROTO_UDP, (uint32_t)total + 8), back,
						 total + 8)), 0);
			}
		}
	}
}

static void test_output_limits(void **state)
{
	static uint8_t big[65536];
	static uint8_t back[65536];
	struct addr far4, far6;
	struct iovec iov = { big, 0 };

	(void)state;
	addr_parse("192.0.2.1", &far4);
	addr_parse("2001:db8::1", &far6);
	iov.iov_len = 7;	/* no room for a header */
	assert_true(ip_output(&w.s, &far4, &w.s.cfg.sb4, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE) < 0);
	iov.iov_len = 65516;	/* more than an IPv4 packet holds */
	assert_true(ip_output(&w.s, &far4, &w.s.cfg.sb4, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE) < 0);
	iov.iov_len = 65536;
	assert_true(ip_output(&w.s, &far6, &w.s.cfg.sb6, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE) < 0);
	assert_int_equal(world_out(), 0);
	iov.iov_len = 65515;
	assert_int_equal(ip_output(&w.s, &far4, &w.s.cfg.sb4, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE), 0);
	assert_int_equal(world_collect(back), 65515);
	iov.iov_len = 65535;
	assert_int_equal(ip_output(&w.s, &far6, &w.s.cfg.sb6, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE), 0);
	assert_int_equal(world_collect(back), 65535);
}

/* A port without room: everything comes, in order, once there is room; the bound holds. */
static void test_output_queue(void **state)
{
	uint8_t msg[1400] = { 0 };
	struct iovec iov = { msg, sizeof(msg) };
	struct addr far;
	uint32_t sent = 0, seen = 0;

	(void)state;
	addr_parse("192.0.2.1", &far);
	for (int round = 0; round < 200; round++) {
		port_mem_set_room(w.port, (uint32_t)(round * 7 % 5));
		for (int i = 0; i < 40; i++) {
			memcpy(msg + 8, &sent, 4);
			iov.iov_len = 100 + (size_t)(sent * 977 % 1300);
			if (ip_output(&w.s, &far, &w.s.cfg.sb4, IPPROTO_UDP, &iov, 1, NULL,
				      DROP_NONE) == 0)
				sent++;
		}
		if (round % 30 == 29)
			port_mem_set_room(w.port, UINT32_MAX);
		else
			port_mem_set_room(w.port, (uint32_t)(round * 11 % 37));
		ip_output_retry(&w.s);
		while (world_out()) {
			uint32_t n;

			memcpy(&n, out + 34 + 8, 4);
			assert_int_equal(n, seen);
			seen++;
		}
	}
	port_mem_set_room(w.port, UINT32_MAX);
	world_step();
	while (world_out())
		seen++;
	assert_int_equal(seen, sent);
	assert_false(ip_output_blocked());
	/* Without any room the queue fills, and says so. */
	port_mem_set_room(w.port, 0);
	for (sent = 0; ip_output(&w.s, &far, &w.s.cfg.sb4, IPPROTO_UDP, &iov, 1, NULL, DROP_NONE) == 0;)
		sent++;
	assert_true(ip_output_blocked() && sent > 1000 && sent < 25000);
	assert_true(w.s.drops[DROP_NO_MEMORY] > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_csum), T(test_output_pieces), T(test_output_limits), T(test_output_queue),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
