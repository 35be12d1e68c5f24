/* SPDX-License-Identifier: Apache-2.0 */
/* UDP conversations: held, allowed, refused, failed, timed out, cut, stalled. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/far.h"
#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
	far_open();
	return 0;
}

static int setup_multibuf(void **state)
{
	(void)state;
	world_open(65535, true);
	far_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	far_close();
	world_close();
	return 0;
}

/* An open conversation. */
static uint64_t converse(int v6, bool recverr)
{
	uint64_t id;

	world_in(frame, make_udp(far_dst(v6), 4000, 7000, "hello", 5));
	id = far_expect_ask(far_dst(v6), 4000, 7000, IPPROTO_UDP);
	egress_verdict(id, PROTO_ALLOW, DROP_NONE, 0, far_connected(recverr));
	assert_int_equal(far_recv(), 5);
	return id;
}

static void test_udp_both_ways(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t at;

		world_in(frame, make_udp(far_dst(v6), 4000, 7000, "one", 3));
		world_in(frame, make_udp(far_dst(v6), 4000, 7000, "", 0));
		world_in(frame, make_udp(far_dst(v6), 4000, 7000, "three", 5));
		assert_true(far_recv() < 0);
		egress_verdict(far_expect_ask(far_dst(v6), 4000, 7000, IPPROTO_UDP), PROTO_ALLOW,
			       DROP_NONE, 0, far_connected(false));
		assert_true(egress_is_quiet());
		/* Held ones first, in order, empty ones too. */
		assert_int_equal(far_recv(), 3);
		assert_int_equal(far_recv(), 0);
		assert_int_equal(far_recv(), 5);
		assert_memory_equal(far_got, "three", 5);
		world_in(frame, make_udp(far_dst(v6), 4000, 7000, "four", 4));
		assert_int_equal(far_recv(), 4);
		assert_int_equal(send(far_fd, "back", 4, 0), 4);
		assert_int_equal(send(far_fd, "", 0, 0), 0);
		world_step();
		at = check_out(world_out());
		assert_memory_equal(out + at, "\33\130\17\240\0\14", 6);
		assert_memory_equal(out + at + 8, "back", 4);
		at = check_out(world_out());
		assert_memory_equal(out + at + 4, "\0\10", 2);
		assert_int_equal(world_out(), 0);
	}
}

/* 65,507 bytes: what lwIP's and libslirp's 16-bit sums broke on. */
static void udp_sizes(int v6, size_t max)
{
	static const size_t sizes[] = { 1, 1472, 1473, 2000, 9000, 65506, 65507 };
	static uint8_t back[65536];

	converse(v6, false);
	for (size_t i = 0; i < N(sizes); i++) {
		size_t n = sizes[i];

		if (n > max)
			continue;
		if (w.s.cfg.mtu == 65535 && n + 48 <= 65535) {
			world_in(frame, make_udp(far_dst(v6), 4000, 7000, far_big, n));
		} else {
			static uint8_t whole[65536];

			make_udp(far_dst(v6), 4000, 7000, far_big, n > 65487 ? 65487 : n);
			memcpy(whole, frame + (v6 ? 54 : 34), 8);
			whole[4] = (uint8_t)((n + 8) >> 8);
			whole[5] = (uint8_t)(n + 8);
			memcpy(whole + 8, far_big, n);
			for (size_t off = 0; off < n + 8; off += 1400) {
				size_t len = n + 8 - off < 1400 ? n + 8 - off : 1400;

				world_in(frame, make_fragment(far_dst(v6), IPPROTO_UDP,
							      (uint32_t)(1000 + i), whole + off,
							      off, len, off + len < n + 8));
			}
		}
		assert_int_equal(far_recv(), n);
		assert_memory_equal(far_got, far_big, n);
		assert_int_equal(send(far_fd, far_big, n, 0), n);
		world_step();
		assert_int_equal(world_collect(back), n + 8);
		assert_memory_equal(back + 8, far_big, n);
	}
}

static void test_udp_sizes(void **state)
{
	(void)state;
	udp_sizes(0, 65507);
	udp_sizes(1, 65507);
}

static void expect_icmp(int v6, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6)
{
	size_t n = world_out(), at;

	assert_true(n > 0);
	at = check_out(n);
	assert_int_equal(out[at], v6 ? type6 : type4);
	assert_int_equal(out[at + 1], v6 ? code6 : code4);
	/* The quote names the conversation. */
	assert_memory_equal(out + at + 8 + (v6 ? 40 : 20), "\17\240\33\130", 4);
}

static void test_udp_refused(void **state)
{
	static const struct {
		enum proto_verdict v;
		enum drop_reason reason;
		int err;
		uint8_t t4, c4, t6, c6;
		enum drop_reason counted;
	} t[] = {
		{ PROTO_DENY, DROP_POLICY_DEFAULT, 0, 3, 13, 1, 1, DROP_POLICY_DEFAULT },
		{ PROTO_FAIL, DROP_NONE, ECONNREFUSED, 3, 3, 1, 4, DROP_DIAL_REFUSED },
		{ PROTO_FAIL, DROP_NONE, EHOSTUNREACH, 3, 1, 1, 3, DROP_DIAL_UNREACH },
		{ PROTO_FAIL, DROP_NONE, ENETUNREACH, 3, 0, 1, 0, DROP_DIAL_UNREACH },
		{ PROTO_FAIL, DROP_DIAL_NAME, 0, 3, 1, 1, 3, DROP_DIAL_NAME },
		{ PROTO_FAIL, DROP_NONE, ETIMEDOUT, 3, 1, 1, 3, DROP_DIAL_TIMEOUT },
	};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < N(t); i++) {
			struct proto_flow_end end;
			uint64_t id;

			for (int k = 0; k < 3; k++)
				world_in(frame, make_udp(far_dst(v6), 4000, 7000, far_big, 1000));
			id = far_expect_ask(far_dst(v6), 4000, 7000, IPPROTO_UDP);
			egress_verdict(id, t[i].v, t[i].reason, t[i].err, -1);
			for (int k = 0; k < 3; k++)
				expect_icmp(v6, t[i].t4, t[i].c4, t[i].t6, t[i].c6);
			assert_int_equal(world_out(), 0);
			/* For a second the refusal is remembered: no new question. */
			world_pass_ms(500);
			world_in(frame, make_udp(far_dst(v6), 4000, 7000, far_big, 1000));
			expect_icmp(v6, t[i].t4, t[i].c4, t[i].t6, t[i].c6);
			assert_true(w.s.drops[t[i].counted] >= 1);
			world_pass_ms(2000);
			egress_expect(PROTO_FLOW_END, &end, sizeof(end));
			assert_int_equal(end.id, id);
			assert_int_equal(end.reason, t[i].counted);
			assert_true(egress_is_quiet());
			assert_int_equal(w.s.flows.used, 0);
		}
	}
}

static void test_udp_hold_bounds(void **state)
{
	(void)state;
	/* Eight datagrams of a flow, */
	for (int k = 0; k < 20; k++)
		world_in(frame, make_udp(far_dst(0), 4000, 7000, far_big, 10));
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 12);
	egress_verdict(far_expect_ask(far_dst(0), 4000, 7000, IPPROTO_UDP), PROTO_ALLOW, DROP_NONE, 0,
		       far_connected(false));
	for (int k = 0; k < 8; k++)
		assert_int_equal(far_recv(), 10);
	assert_true(far_recv() < 0);
}

/* or 128 KB of it, and 4 MB of all together. */
static void test_udp_hold_bytes(void **state)
{
	(void)state;
	for (uint16_t flow = 0; flow < 60; flow++) {
		for (int k = 0; k < 3; k++)
			world_in(frame, make_udp(far_dst(0), (uint16_t)(4000 + flow), 7000, far_big, 60000));
		assert_true(w.s.drops[DROP_NO_MEMORY] >= flow + 1u);
	}
	/* 2,048 chunks of 2,032 bytes: 68 datagrams of 60,000. */
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 180 - 68);
	/* What is let go comes back to the pool. */
	for (uint16_t flow = 0; flow < 60; flow++)
		egress_verdict(far_expect_ask(far_dst(0), (uint16_t)(4000 + flow), 7000, IPPROTO_UDP),
			       PROTO_DENY, DROP_POLICY_DENY, 0, -1);
	world_pass_ms(3000);
	while (world_out())
		;
	for (uint16_t flow = 0; flow < 34; flow++) {
		for (int k = 0; k < 2; k++)
			world_in(frame, make_udp(far_dst(0), (uint16_t)(4000 + flow), 7000, far_big, 60000));
	}
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 180 - 68);
}

static void test_udp_idle(void **state)
{
	struct proto_flow_end end;

	(void)state;
	converse(0, false);
	/* One way: 30 s. */
	world_pass_ms(29000);
	assert_int_equal(w.s.flows.used, 1);
	world_pass_ms(2000);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.reason, DROP_END_IDLE);
	assert_int_equal(end.up_bytes, 5);
	assert_int_equal(end.up_pkts, 1);
	assert_int_equal(w.s.flows.used, 0);
	/* Answered: 180 s. */
	converse(0, false);
	assert_int_equal(send(far_fd, "back", 4, 0), 4);
	world_step();
	assert_true(world_out() > 0);
	world_pass_ms(179000);
	assert_int_equal(w.s.flows.used, 1);
	world_pass_ms(2000);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.down_bytes, 4);
	assert_int_equal(end.down_pkts, 1);
	/* No verdict: refused after 30 s, a late one is for nobody. */
	world_in(frame, make_udp(far_dst(0), 4000, 7000, "hello", 5));
	uint64_t id = far_expect_ask(far_dst(0), 4000, 7000, IPPROTO_UDP);

	world_pass_ms(31000);
	expect_icmp(0, 3, 1, 1, 3);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.reason, DROP_DIAL_TIMEOUT);
	egress_verdict(id, PROTO_ALLOW, DROP_NONE, 0, far_connected(false));
	assert_int_equal(w.s.flows.used, 0);
	assert_true(far_recv() < 0);
}

static void test_udp_host_errors(void **state)
{
	(void)state;
	for (int recverr = 0; recverr < 2; recverr++) {
		for (int v6 = 0; v6 < 2; v6++) {
			converse(v6, recverr);
			close(far_fd);
			/* Refused: the host's port unreachable becomes one of the destination. */
			world_in(frame, make_udp(far_dst(v6), 4000, 7000, "lost", 4));
			world_step();
			expect_icmp(v6, 3, 3, 1, 4);
			if (v6)
				assert_int_equal(out[22], 0x20);
			else
				assert_int_equal(out[26], 192);
			assert_int_equal(world_out(), 0);
			/* Two in one batch: the second meets the error of the first. */
			assert_int_equal(port_mem_push(w.port, frame,
				make_udp(far_dst(v6), 4000, 7000, "lost", 4)), 0);
			assert_int_equal(port_mem_push(w.port, frame,
				make_udp(far_dst(v6), 4000, 7000, "lost", 4)), 0);
			world_step();
			world_step();
			expect_icmp(v6, 3, 3, 1, 4);
			while (world_out())
				;
			assert_int_equal(w.s.flows.used, 1);
			world_pass_ms(31000);
			assert_int_equal(w.s.flows.used, 0);
			teardown(NULL);
			setup(NULL);
		}
	}
}

static void test_udp_cut(void **state)
{
	struct proto_flow_end end;
	struct proto_cut cut;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		PROTO_INIT(&cut, PROTO_CUT);
		cut.id = converse(v6, false);
		cut.reason = DROP_POLICY_CUT;
		egress_send(&cut, sizeof(cut), -1);
		expect_icmp(v6, 3, 13, 1, 1);
		egress_expect(PROTO_FLOW_END, &end, sizeof(end));
		assert_int_equal(end.reason, DROP_POLICY_CUT);
		/* The socket is gone: what the far side says now ends nowhere. */
		assert_true(send(far_fd, "x", 1, 0) == 1 || errno == ECONNREFUSED);
		assert_true(send(far_fd, "x", 1, 0) < 0);
		world_step();
		assert_int_equal(world_out(), 0);
	}
}

/* More than one wake-up's budget, and a port without room: everything arrives, in order. */
static void test_udp_budget_and_stall(void **state)
{
	uint32_t seen = 0;

	(void)state;
	converse(0, false);
	for (uint32_t i = 0; i < 500; i++) {
		memcpy(far_big, &i, 4);
		assert_int_equal(send(far_fd, far_big, 1000, 0), 1000);
	}
	port_mem_set_room(w.port, 10);
	for (int i = 0; i < 20; i++)
		world_step();
	assert_true(ip_output_blocked());
	for (int i = 0; i < 200 && seen < 500; i++) {
		size_t n;

		while ((n = world_out()) > 0) {
			size_t at = check_out(n);
			uint32_t k;

			memcpy(&k, out + at + 8, 4);
			assert_int_equal(k, seen);
			seen++;
		}
		port_mem_set_room(w.port, i % 3 ? 17 : 0);
		world_step();
	}
	assert_int_equal(seen, 500);
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 0);
}

/* A stalled flow that ends, and its slot's next tenant: CVE-2017-13711's shape. */
static void test_udp_end_while_stalled(void **state)
{
	struct proto_cut cut;

	(void)state;
	PROTO_INIT(&cut, PROTO_CUT);
	cut.id = converse(0, false);
	cut.reason = DROP_POLICY_CUT;
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(far_fd, far_big, 1000, 0), 1000);
	port_mem_set_room(w.port, 1);
	for (int i = 0; i < 5; i++)
		world_step();
	assert_true(ip_output_blocked());
	egress_send(&cut, sizeof(cut), -1);
	world_in(frame, make_udp(far_dst(0), 4000, 7000, "next", 4));
	port_mem_set_room(w.port, UINT32_MAX);
	world_step();
	world_step();
	while (world_out())
		;
	assert_int_equal(w.s.flows.used, 1);
	assert_false(ip_output_blocked());
}

static void test_udp_table_full(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 64; i++)
		world_in(frame, make_udp(far_dst(0), (uint16_t)(4000 + i), 7000, "x", 1));
	assert_int_equal(w.s.drops[DROP_FLOW_FULL], 0);
	world_expect_drop(frame, make_udp(far_dst(0), 5000, 7000, "x", 1), DROP_FLOW_FULL);
}

static void test_udp_egress_gone(void **state)
{
	(void)state;
	converse(0, false);
	world_in(frame, make_udp(far_dst(0), 4001, 7000, "x", 1));
	close(w.egress);
	w.egress = -1;
	world_step();
	while (world_out())
		;
	world_pass_ms(3000);
	assert_int_equal(w.s.flows.used, 0);
	world_in(frame, make_udp(far_dst(0), 4000, 7000, "x", 1));
	expect_icmp(0, 3, 13, 1, 1);
	assert_true(w.s.drops[DROP_EGRESS_GONE] > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_udp_both_ways), T(test_udp_sizes),
		cmocka_unit_test_setup_teardown(test_udp_sizes, setup_multibuf, teardown),
		T(test_udp_refused), T(test_udp_hold_bounds),
		cmocka_unit_test_setup_teardown(test_udp_hold_bytes, setup_multibuf, teardown),
		T(test_udp_idle), T(test_udp_host_errors), T(test_udp_cut),
		T(test_udp_budget_and_stall), T(test_udp_end_while_stalled), T(test_udp_table_full),
		T(test_udp_egress_gone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
