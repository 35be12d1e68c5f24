/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: tables that are full, budgets that are used up, a decider that is gone, and that thousands of
 * connections leave nothing behind.
 */
#include "tests/path/lab.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "stack/ip/tcp_rx.h"
#include "stack/nat/chunk.h"
#include "stack/nat/tcp_conn.h"
#include "tests/path/both.h"

enum { MB = 1 << 20, MANY = 4096 };

static struct peer peer;
static struct peer *many;

static void open_with(void **state, uint32_t flows_max, uint32_t flows_per_s)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state, .flows_max = flows_max,
					.flows_per_s = flows_per_s });
}

static int group_setup(void **state)
{
	struct rlimit l;

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	many = calloc(MANY + 1, sizeof(*many));
	return many ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	free(many);
	return 0;
}

static unsigned int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* 4,096 flows, or as many as this machine's limit on descriptors has room for (two each, here). */
static uint32_t how_many(void)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	return l.rlim_cur > 2 * MANY + 100 ? MANY : (uint32_t)(l.rlim_cur - 100) / 2;
}

static void a_full_table_refuses_and_recovers(void **state)
{
	uint32_t n = how_many();

	open_with(state, n, 0);
	for (uint32_t i = 0; i < n; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		peer_syn(&many[i]);
		if (i % 64 == 63)
			lab_run();
	}
	lab_run();
	assert_int_equal(lab.s.flows.used, n);
	for (uint32_t i = 0; i < n; i++)
		assert_true(many[i].established);
	peer_init(&peer, 999, 80);
	peer_syn(&peer);
	lab_run();
	assert_true(peer.reset);
	assert_int_equal(lab.s.drops[DROP_FLOW_FULL], 1);
	assert_int_equal(lab.n_asks, n);
	lab_pass(2000, 1000);
	assert_int_equal(lab.drop_reports[DROP_FLOW_FULL], 1);
	/* Those that are there feel nothing of it. */
	for (uint32_t i = 0; i < n; i += 97) {
		uint64_t got = 0;

		peer_push_all(&many[i], 1000, 1000, lab.asks[i].host, &got);
	}
	peer_rst(&many[5]);
	lab_run();
	peer.reset = false;
	peer_syn(&peer);
	lab_run();
	assert_true(peer.established);
	lab_close();
}

/* Hundreds of refused connections in no time, then one that is allowed. */
static void a_flood_waits_outside(void **state)
{
	open_with(state, 2048, 0);
	lab.answer = LAB_DENY;
	for (uint32_t i = 0; i < 1200; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		peer_syn(&many[i]);
		if (i % 64 == 63)
			lab_run();
	}
	lab_run();
	assert_true(lab.s.intake.until_ns > lab.s.now);
	assert_in_range(lab.n_asks, 512, 1199);
	lab.answer = LAB_ALLOW;
	peer_init(&peer, 999, 80);
	peer_syn(&peer);
	lab_run();
	assert_false(peer.established);
	assert_int_equal(lab.s.drops[DROP_FLOOD], 0);
	lab_pass(30, 10);
	assert_int_equal(lab.s.drops[DROP_FLOOD], 1200 - lab.n_asks + 1);
	assert_int_equal(lab.s.intake.until_ns, 0);
	peer_syn(&peer);
	lab_run();
	assert_true(peer.established);
	lab_close();
}

static void as_many_in_more_time_are_no_flood(void **state)
{
	open_with(state, 2048, 0);
	lab.answer = LAB_DENY;
	for (uint32_t i = 0; i < 1200; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		peer_syn(&many[i]);
		if (i % 4 == 3)
			lab_pass(1, 1);
	}
	lab_run();
	assert_int_equal(lab.n_asks, 1200);
	assert_int_equal(lab.s.drops[DROP_FLOOD], 0);
	lab_close();
}

static void time_wait_never_fills_the_table(void **state)
{
	open_with(state, 64, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		peer_connect(&many[i]);
		shutdown(lab_last()->host, SHUT_WR);
		lab_run();
		peer_fin(&many[i]);
		lab_run();
	}
	assert_int_equal(lab.s.drops[DROP_FLOW_FULL], 0);
	assert_int_equal(lab.n_asks, 1000);
	lab_close();
}

static void new_flows_are_rate_limited(void **state)
{
	uint32_t ok = 0;

	open_with(state, 256, 10);
	for (uint32_t i = 0; i < 50; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		peer_syn(&many[i]);
	}
	lab_run();
	for (uint32_t i = 0; i < 50; i++) {
		ok += many[i].established;
		assert_true(many[i].established != many[i].reset);
	}
	assert_int_equal(ok, 10);
	assert_int_equal(lab.n_asks, 10);
	assert_int_equal(lab.s.drops[DROP_FLOW_RATE], 40);
	lab_pass(500, 100);
	for (uint32_t i = 0; i < 50; i++) {
		many[i].reset = false;
		if (!many[i].established)
			peer_syn(&many[i]);
	}
	lab_run();
	assert_in_range(lab.n_asks, 14, 16);
	lab_close();
}

static void expect_everything_refused(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_true(many[i].reset);
	lab_pass(1000, 100);
	assert_int_equal(lab.s.flows.used, 0);
	peer_init(&peer, 999, 80);
	peer_syn(&peer);
	lab_run();
	assert_true(peer.reset);
	assert_false(peer.synack);
	assert_true(lab.s.drops[DROP_EGRESS_GONE] > 0);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(chunk_used(), 0);
}

static void open_some(void **state)
{
	open_with(state, 256, 0);
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t sent = 0;

		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		lab.answer = i == 19 ? LAB_HOLD : LAB_ALLOW;
		peer_syn(&many[i]);
		lab_run();
		many[i].auto_ack = i % 2;
		if (i < 19)
			host_write(lab_last()->host, &sent, 100000);
		peer_push(&many[i], 50000, 50000);
		lab_run();
	}
}

static void egress_that_is_gone_ends_everything(void **state)
{
	open_some(state);
	close(lab.egress);
	lab.egress = -1;
	lab_run();
	expect_everything_refused(20);
	lab_close();
}

static void egress_that_talks_nonsense_ends_everything(void **state)
{
	static const char nonsense[] = "certainly not a message of ours";

	open_some(state);
	assert_int_equal(send(lab.egress, nonsense, sizeof(nonsense), 0), sizeof(nonsense));
	lab_step();
	close(lab.egress);
	lab.egress = -1;
	lab_run();
	expect_everything_refused(20);
	lab_close();
}

static void a_verdict_without_its_socket_ends_everything(void **state)
{
	struct proto_verdict_msg v;

	open_some(state);
	PROTO_INIT(&v, PROTO_VERDICT);
	v.id = lab_last()->q.id;
	v.verdict = PROTO_ALLOW;
	assert_int_equal(send(lab.egress, &v, sizeof(v), 0), sizeof(v));
	lab_step();
	close(lab.egress);
	lab.egress = -1;
	lab_run();
	expect_everything_refused(20);
	lab_close();
}

/* Whoever takes data from hosts and never reads it cannot take all of the budget. */
static void receivers_that_stand_still_share_the_budget(void **state)
{
	enum { STUCK = 300 };
	static uint64_t sent[STUCK + 1];

	open_with(state, 1024, 0);
	memset(sent, 0, sizeof(sent));
	for (uint32_t i = 0; i < STUCK; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		many[i].auto_ack = false;
		peer_syn(&many[i]);
		lab_run();
		peer_ack(&many[i]);
		lab_run();
	}
	for (int round = 0; round < 30; round++) {
		for (uint32_t i = 0; i < STUCK; i++)
			host_write(lab.asks[i].host, &sent[i], 200000);
		lab_run();
	}
	assert_true(chunk_used() <= CHUNK_N * 3 / 4 + STUCK);
	assert_true(chunk_used() < CHUNK_N);
	/* Someone who does read gets everything at once. */
	peer_init(&many[STUCK], 9999, 80);
	peer_connect(&many[STUCK]);
	while (sent[STUCK] < 3 * MB) {
		host_write(lab_last()->host, &sent[STUCK], 3 * MB - sent[STUCK]);
		lab_run();
	}
	assert_int_equal(many[STUCK].rx_bytes, 3 * MB);
	/* And so do the others, when they do. */
	for (uint32_t i = 0; i < STUCK; i++)
		many[i].auto_ack = many[i].want_ack = true;
	for (uint32_t i = 0; i < STUCK; i++)
		peer_ack(&many[i]);
	lab_run();
	lab_pass(3000, 25);
	for (uint32_t i = 0; i < STUCK; i++)
		assert_int_equal(many[i].rx_bytes, sent[i]);
	assert_int_equal(chunk_used(), 0);
	lab_close();
}

/* The same the other way: hosts that take nothing. What cannot be kept is dropped, and comes again. */
static void hosts_that_stand_still_share_the_budget(void **state)
{
	enum { STUCK = 300 };
	static uint64_t got[STUCK + 1];

	open_with(state, 1024, 0);
	memset(got, 0, sizeof(got));
	for (uint32_t i = 0; i < STUCK; i++) {
		peer_init(&many[i], (uint16_t)(1024 + i), 80);
		peer_connect(&many[i]);
	}
	for (int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < STUCK; i++)
			peer_push(&many[i], 60000, 30000);
		lab_run();
	}
	assert_true(lab.s.drops[DROP_NO_MEMORY] > 0);
	assert_true(chunk_used() < CHUNK_N);
	assert_true(lab.port->ops->rx_free(lab.port) >= 100);
	peer_init(&many[STUCK], 9999, 80);
	peer_connect(&many[STUCK]);
	peer_push_all(&many[STUCK], 3 * MB, 60000, lab_last()->host, &got[STUCK]);
	for (int round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < STUCK; i++) {
			peer_rewind(&many[i]);
			peer_push(&many[i], 60000, 30000);
			(void)host_read(lab.asks[i].host, &got[i]);
		}
		lab_run();
	}
	for (int round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < STUCK; i++)
			(void)host_read(lab.asks[i].host, &got[i]);
		lab_run();
	}
	for (uint32_t i = 0; i < STUCK; i++)
		assert_int_equal(got[i], many[i].snd_una - many[i].iss - 1);
	assert_int_equal(chunk_used(), 0);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(lab.port->ops->rx_free(lab.port), 256);
	lab_close();
}

static void one_connection(uint32_t i, struct peer *p)
{
	uint64_t got = 0, sent = 0;
	int host;

	peer_connect(p);
	host = lab_last()->host;
	peer_push_all(p, 300 + i % 5000, 1460, host, &got);
	host_write(host, &sent, 500 + i % 40000);
	lab_run();
	assert_int_equal(p->rx_bytes, sent);
	switch (i % 5) {
	case 0:
		peer_fin(p);
		lab_run();
		shutdown(host, SHUT_WR);
		break;
	case 1:
		shutdown(host, SHUT_WR);
		lab_run();
		peer_fin(p);
		break;
	case 2:
		peer_rst(p);
		break;
	case 3:
		peer_push(p, 10, 10);
		lab_run();
		close(host);
		lab_last()->host = -1;
		break;
	default:
		shutdown(host, SHUT_WR);
		peer_fin(p);
		break;
	}
	lab_run();
	if (lab_last()->host >= 0)
		close(lab_last()->host);
	lab_last()->host = -1;
	lab_run();
}

static void thousands_of_connections_leave_nothing(void **state)
{
	enum { N = 2500 };
	size_t heap = 0;
	unsigned int fds = 0;

	open_with(state, 256, 0);
	for (uint32_t i = 0; i < N; i++) {
		struct peer p;

		peer_init(&p, (uint16_t)(1024 + i), 80);
		one_connection(i, &p);
		lab.n_peers = 0;
		lab.now += LAB_MS;
		if (i % 500 == 250) {
			lab_pass(3000, 500);
			assert_int_equal(lab.s.flows.used, 0);
			assert_int_equal(chunk_used(), 0);
			assert_int_equal(rxbuf_used(), 0);
			if (heap)
				assert_int_equal(lwip_heap_used(), heap);
			if (fds)
				assert_int_equal(open_fds(), fds);
			heap = lwip_heap_used();
			fds = open_fds();
			assert_false(tcp_busy());
		}
	}
	lab_pass(3000, 500);
	assert_int_equal(lab.n_ends, N);
	lab_close();
}

static void stopping_tells_both_sides(void **state)
{
	open_some(state);
	stack_stop(&lab.s, DROP_END_SHUTDOWN);
	lab_take();
	for (uint32_t i = 0; i < 19; i++)
		assert_true(many[i].reset);
	assert_int_equal(lab.n_ends, 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(lab.asks[i].end.reason, DROP_END_SHUTDOWN);
	lab_close();
}

/* A nap of the machine is no reason to give a connection up, and an idle worker needs no timer. */
static void time_that_jumps_and_time_that_stands(void **state)
{
	uint64_t sent = 0;

	open_with(state, 16, 0);
	peer_init(&peer, 999, 80);
	peer_connect(&peer);
	lab_pass(200, 25);
	assert_false(tcp_busy());
	peer.auto_ack = false;
	host_write(lab_last()->host, &sent, 1000);
	lab_run();
	assert_true(tcp_busy());
	lab.now += 3600ull * 1000 * LAB_MS;
	lab_run();
	peer.auto_ack = true;
	peer_ack(&peer);
	lab_run();
	assert_false(peer.reset);
	assert_false(tcp_busy());
	peer_rst(&peer);
	lab_run();
	lab_pass(80000, 1000);
	assert_int_equal(lab.s.tick_at_ns, 0);
	lab_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(a_full_table_refuses_and_recovers),
		BOTH(a_flood_waits_outside),
		BOTH(as_many_in_more_time_are_no_flood),
		BOTH(time_wait_never_fills_the_table),
		BOTH(new_flows_are_rate_limited),
		BOTH(egress_that_is_gone_ends_everything),
		BOTH(egress_that_talks_nonsense_ends_everything),
		BOTH(a_verdict_without_its_socket_ends_everything),
		BOTH(receivers_that_stand_still_share_the_budget),
		BOTH(hosts_that_stand_still_share_the_budget),
		BOTH(thousands_of_connections_leave_nothing),
		BOTH(stopping_tells_both_sides),
		BOTH(time_that_jumps_and_time_that_stands),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
