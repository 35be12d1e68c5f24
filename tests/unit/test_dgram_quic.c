/* SPDX-License-Identifier: Apache-2.0 */
/* QUIC through the worker: what reaches the host's socket, and what the sandbox and egress hear. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/inspect/inspect.h"
#include "tests/unit/far.h"
#include "tests/unit/quic_make.h"
#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define NAME "ok.test"

static uint8_t dg[4][2048], hello[4096], frames[4096];
static size_t dg_len[4];

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
	w.s.cfg.flags |= PROTO_HAS_EVENTS;
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

/* A hello of `size` bytes over as many datagrams as it takes, into dg. How many. */
static int make_datagrams(const char *id, const char *name, size_t size)
{
	struct make m = make_of(QUIC_V1, id);
	size_t total = make_hello(hello, name, size, 0), n;
	int k = 0;

	for (size_t at = 0; at < total; at += 1000, k++) {
		n = make_crypto(frames, at, hello + at, total - at < 1000 ? total - at : 1000);
		dg_len[k] = make_initial(dg[k], &m, frames, n, MAKE_MIN);
		m.pn++;
	}
	return k;
}

static void send_dg(int v6, int k)
{
	world_in(frame, make_udp(far_dst(v6), 4000, 443, dg[k], dg_len[k]));
}

static void verdict_of(uint64_t id, enum proto_verdict verdict, enum proto_inspect kind,
		       enum drop_reason reason, int fd)
{
	struct proto_verdict_msg m;

	PROTO_INIT(&m, PROTO_VERDICT);
	m.id = id;
	m.verdict = (uint8_t)verdict;
	m.inspect = (uint8_t)kind;
	m.reason = (uint16_t)reason;
	snprintf(m.name, sizeof(m.name), "%s", NAME);
	egress_send(&m, sizeof(m), fd);
}

static uint64_t allow(int v6, enum proto_inspect kind)
{
	uint64_t id = far_expect_ask(far_dst(v6), 4000, 443, IPPROTO_UDP);

	verdict_of(id, PROTO_ALLOW, kind, DROP_NONE, far_connected(false));
	return id;
}

static void expect_far(int k)
{
	assert_int_equal(far_recv(), dg_len[k]);
	assert_memory_equal(far_got, dg[k], dg_len[k]);
}

static void expect_port_unreachable(int v6)
{
	size_t n = world_out(), at;

	assert_true(n > 0);
	at = check_out(n);
	assert_int_equal(out[at], v6 ? 1 : 3);
	assert_int_equal(out[at + 1], v6 ? 4 : 3);
}

static void expect_inspected(uint64_t id, enum drop_reason reason, const char *host)
{
	struct proto_inspected m;

	egress_expect(PROTO_INSPECTED, &m, sizeof(m));
	assert_int_equal(m.id, id);
	assert_int_equal(m.reason, reason);
	assert_int_equal(m.inspect, PROTO_INSPECT_QUIC);
	assert_string_equal(m.host, host);
}

/* Refused: told as a closed port, for a second without asking again, and then reported. */
static void expect_refused_flow(int v6, uint64_t id, enum drop_reason reason)
{
	struct proto_flow_end end;

	assert_int_equal(world_out(), 0);
	assert_true(far_recv() < 0);
	world_pass_ms(500);
	send_dg(v6, 0);
	expect_port_unreachable(v6);
	assert_true(far_recv() < 0);
	assert_true(egress_is_quiet());
	world_pass_ms(2000);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.id, id);
	assert_int_equal(end.reason, reason);
	assert_int_equal(w.s.flows.used, 0);
}

static void test_allowed(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t id;
		int n = make_datagrams("eight by", NAME, 2500);

		assert_int_equal(n, 3);
		send_dg(v6, 0);
		id = allow(v6, PROTO_INSPECT_QUIC);
		/* Two of three: held after the verdict as before it. */
		send_dg(v6, 1);
		assert_true(far_recv() < 0);
		assert_true(egress_is_quiet());
		send_dg(v6, 2);
		for (int k = 0; k < 3; k++)
			expect_far(k);
		expect_inspected(id, DROP_NONE, NAME);
		/* From now on what has a short header just goes, */
		memset(dg[0], 0x41, 50);
		dg_len[0] = 50;
		send_dg(v6, 0);
		expect_far(0);
		assert_int_equal(send(far_fd, "answer", 6, 0), 6);
		world_step();
		assert_true(world_out() > 0);
		/* but another connection needs its own hello. */
		make_datagrams("another one", "evil.test", 0);
		send_dg(v6, 0);
		expect_port_unreachable(v6);
		expect_inspected(id, DROP_TLS_NAME, "evil.test");
		expect_refused_flow(v6, id, DROP_TLS_NAME);
	}
}

/* Everything was there before the verdict. */
static void test_all_held(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++) {
		const char *name = k == 0 ? NAME : "evil.test";
		int n = make_datagrams("eight by", name, 1800);
		uint64_t id;

		for (int i = 0; i < n; i++)
			send_dg(0, i);
		id = allow(0, k == 2 ? PROTO_INSPECT_QUIC_OPAQUE : PROTO_INSPECT_QUIC);
		expect_inspected(id, k == 1 ? DROP_TLS_NAME : DROP_NONE, name);
		if (k == 1) {
			for (int i = 0; i < n; i++)
				expect_port_unreachable(0);
			expect_refused_flow(0, id, DROP_TLS_NAME);
			continue;
		}
		for (int i = 0; i < n; i++)
			expect_far(i);
		teardown(NULL);
		setup(NULL);
	}
}

static void test_timeout(void **state)
{
	uint64_t id;

	(void)state;
	make_datagrams("eight by", NAME, 1800);
	send_dg(0, 0);
	id = allow(0, PROTO_INSPECT_QUIC);
	/* Once more, again and again: the time runs from the first. */
	for (int i = 0; i < 4; i++) {
		world_pass_ms(2400);
		send_dg(0, 0);
		assert_int_equal(world_out(), 0);
	}
	world_pass_ms(900);
	for (int i = 0; i < 5; i++)
		expect_port_unreachable(0);
	expect_inspected(id, DROP_INSPECT_TIMEOUT, "");
	expect_refused_flow(0, id, DROP_INSPECT_TIMEOUT);
}

static void test_not_quic(void **state)
{
	static const char *const t[] = { "hello", "", "\x16\xfe\xfd", "\xc0\0\0\0\1", "\x40 short" };

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct proto_inspected m;
		uint64_t id;

		dg_len[0] = strlen(t[i]);
		memcpy(dg[0], t[i], dg_len[0]);
		send_dg(0, 0);
		id = allow(0, i % 2 ? PROTO_INSPECT_QUIC : PROTO_INSPECT_QUIC_OPAQUE);
		expect_port_unreachable(0);
		egress_expect(PROTO_INSPECTED, &m, sizeof(m));
		assert_int_equal(m.reason, DROP_QUIC_BAD);
		assert_int_equal(m.inspect, PROTO_INSPECT_NONE);
		expect_refused_flow(0, id, DROP_QUIC_BAD);
	}
}

/* More than is held: the oldest are, the rest is dropped and comes again. */
static void test_hold_bounds(void **state)
{
	(void)state;
	make_datagrams("eight by", NAME, 1800);
	for (int i = 0; i < 6; i++)
		send_dg(0, 0);
	allow(0, PROTO_INSPECT_QUIC);
	for (int i = 0; i < 6; i++)
		send_dg(0, 0);
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 4);
	assert_true(far_recv() < 0);
	send_dg(0, 1);
	for (int i = 0; i < 8; i++)
		expect_far(0);
	expect_far(1);
	assert_true(far_recv() < 0);
}

/* A verdict that wants what no reader of datagrams can do; nothing gets out by mistake. */
static void test_impossible_kinds(void **state)
{
	(void)state;
	for (enum proto_inspect k = PROTO_INSPECT_TLS; k <= PROTO_INSPECT_HTTP; k++) {
		make_datagrams("eight by", NAME, 0);
		send_dg(0, 0);
		allow(0, k);
		assert_true(world_out() > 0);
		assert_true(far_recv() < 0);
		world_pass_ms(3000);
		assert_int_equal(w.s.flows.used, 0);
		while (!egress_is_quiet())
			;
	}
}

/* Egress says no: clients of UDP 443 hear of a closed port, others of a prohibition. */
static void test_denied(void **state)
{
	static const struct { uint16_t port; enum proto_inspect kind; uint8_t t4, c4, t6, c6; } t[] = {
		{ 443, PROTO_INSPECT_NONE, 3, 3, 1, 4 }, { 443, PROTO_INSPECT_QUIC, 3, 3, 1, 4 },
		{ 8443, PROTO_INSPECT_QUIC, 3, 3, 1, 4 }, { 8443, PROTO_INSPECT_NONE, 3, 13, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * N(t); i++) {
		int v6 = i >= N(t);
		uint64_t id;

		world_in(frame, make_udp(far_dst(v6), (uint16_t)(4000 + i), t[i % N(t)].port, "x", 1));
		id = far_expect_ask(far_dst(v6), (uint16_t)(4000 + i), t[i % N(t)].port, IPPROTO_UDP);
		verdict_of(id, PROTO_DENY, t[i % N(t)].kind, DROP_POLICY_DENY, -1);
		for (int k = 0; k < 2; k++) {
			size_t n = world_out(), at;

			assert_true(n > 0);
			at = check_out(n);
			assert_int_equal(out[at], v6 ? t[i % N(t)].t6 : t[i % N(t)].t4);
			assert_int_equal(out[at + 1], v6 ? t[i % N(t)].c6 : t[i % N(t)].c4);
			world_in(frame, make_udp(far_dst(v6), (uint16_t)(4000 + i), t[i % N(t)].port, "x", 1));
		}
		while (world_out())
			;
	}
}

/* Cut while it holds, and the end of the worker with inspections alive. */
static void test_cut_while_held(void **state)
{
	struct proto_flow_end end;
	struct proto_cut cut;

	(void)state;
	make_datagrams("eight by", NAME, 1800);
	send_dg(0, 0);
	PROTO_INIT(&cut, PROTO_CUT);
	cut.id = allow(0, PROTO_INSPECT_QUIC);
	cut.reason = DROP_POLICY_CUT;
	egress_send(&cut, sizeof(cut), -1);
	assert_true(world_out() > 0);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.reason, DROP_POLICY_CUT);
	assert_int_equal(end.up_bytes, 0);
	assert_true(far_recv() < 0);
	send_dg(0, 0);
	allow(0, PROTO_INSPECT_QUIC);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_allowed), T(test_all_held), T(test_timeout), T(test_not_quic), T(test_hold_bounds),
		T(test_impossible_kinds), T(test_denied), T(test_cut_while_held),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
