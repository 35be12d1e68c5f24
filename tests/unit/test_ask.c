/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker has to tell egress: what waits for company, how long, and what never waits; and its own waits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proto.h"
#include "stack/spin.h"
#include "tests/unit/far.h"
#include "tests/unit/world.h"

enum { WAIT_MS = 3, WAIT_MAX = 64 };

static uint64_t ids[WAIT_MAX];

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
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

/* How many messages of the type have come, without asking for any. */
static unsigned int came(enum proto_type type)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];
	unsigned int n = 0;

	while (recv(w.egress, buf, sizeof(buf), MSG_DONTWAIT) > 0) {
		assert_int_equal(proto_type(buf), type);
		n++;
	}
	return n;
}

static void open_flows(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct proto_ask_flow m;

		world_in(frame, make_udp(far_dst(0), (uint16_t)(4000 + i), 7000, "hello", 5));
		/* Not by egress_expect(), which hurries. */
		assert_int_equal(recv(w.egress, &m, sizeof(m), MSG_DONTWAIT), sizeof(m));
		assert_int_equal(proto_type(&m), PROTO_ASK_FLOW);
		ids[i] = m.id;
		egress_verdict(ids[i], PROTO_ALLOW, DROP_NONE, 0, far_connected(false));
	}
}

static void end_flow(unsigned int i)
{
	struct proto_cut c;

	PROTO_INIT(&c, PROTO_CUT);
	c.id = ids[i];
	c.reason = DROP_POLICY_CUT;
	egress_send(&c, sizeof(c), -1);
}

static void inspected(unsigned int i, enum drop_reason reason)
{
	struct proto_inspected m = { .reason = (uint16_t)reason };
	struct flow *f = flow_by_id(&w.s.flows, ids[i]);

	assert_non_null(f);
	ask_inspected(&w.s, f, &m);
	world_step();
}

static void test_end_waits(void **state)
{
	(void)state;
	open_flows(2);
	end_flow(0);
	assert_int_equal(came(PROTO_FLOW_END), 0);
	/* The loop wakes up for it. */
	assert_int_equal(ask_due(&w.s), w.now + WAIT_MS * NS_PER_MS);
	assert_in_range(w.s.tick_at_ns, 1, ask_due(&w.s));
	world_pass_ms(WAIT_MS - 1);
	end_flow(1);
	assert_int_equal(came(PROTO_FLOW_END), 0);
	/* The second one does not begin the wait anew. */
	world_pass_ms(1);
	assert_int_equal(came(PROTO_FLOW_END), 2);
	assert_int_equal(ask_due(&w.s), 0);
}

static void test_end_after_silence(void **state)
{
	(void)state;
	open_flows(1);
	world_pass_ms(WAIT_MS);
	end_flow(0);
	assert_int_equal(came(PROTO_FLOW_END), 1);
}

static void test_question_takes_ends_along(void **state)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];

	(void)state;
	open_flows(1);
	end_flow(0);
	assert_int_equal(came(PROTO_FLOW_END), 0);
	world_in(frame, make_udp(far_dst(0), 5000, 7000, "hello", 5));
	assert_true(recv(w.egress, buf, sizeof(buf), MSG_DONTWAIT) > 0);
	assert_int_equal(proto_type(buf), PROTO_FLOW_END);
	assert_int_equal(came(PROTO_ASK_FLOW), 1);
}

static void test_enough_company(void **state)
{
	(void)state;
	open_flows(WAIT_MAX);
	for (unsigned int i = 0; i < WAIT_MAX - 1; i++)
		end_flow(i);
	assert_int_equal(came(PROTO_FLOW_END), 0);
	end_flow(WAIT_MAX - 1);
	assert_int_equal(came(PROTO_FLOW_END), WAIT_MAX);
}

static void test_reports(void **state)
{
	(void)state;
	w.s.cfg.flags |= PROTO_HAS_EVENTS;
	open_flows(1);
	inspected(0, DROP_NONE);
	assert_int_equal(came(PROTO_INSPECTED), 0);
	/* Nobody hears of a refusal later than at once. */
	inspected(0, DROP_TLS_NAME);
	assert_int_equal(came(PROTO_INSPECTED), 2);
	inspected(0, DROP_NONE);
	world_pass_ms(WAIT_MS);
	assert_int_equal(came(PROTO_INSPECTED), 1);
}

/* ---- spinning ------------------------------------------------------------------------------------ */

/* Of n waits that each take so long, how many spins are in vain? */
static unsigned int in_vain(struct spin *p, unsigned int n, uint64_t ns)
{
	unsigned int misses = 0;

	for (; n; n--) {
		if (!spin_pays(p)) {
			spin_slept(p, ns);
		} else if (ns < SPIN_NS) {
			spin_hit(p);
		} else {
			spin_miss(p);
			misses++;
		}
	}
	return misses;
}

static void test_spin(void **state)
{
	struct spin p;

	(void)state;
	spin_init(&p);
	/* A distant server: never. */
	assert_int_equal(in_vain(&p, 1000, SPIN_SHORT_NS), 0);
	assert_false(spin_pays(&p));
	/* A near one: soon, and for as long as it goes on. */
	assert_int_equal(in_vain(&p, 5, SPIN_NS / 2), 0);
	assert_true(spin_pays(&p));
	assert_int_equal(in_vain(&p, 1000, SPIN_NS / 2), 0);
	/* Its end costs one spin. */
	assert_int_equal(in_vain(&p, 1000, SPIN_SHORT_NS), 1);
	/* One that is always a little too late: less and less, at last once in 256 waits. */
	assert_in_range(in_vain(&p, 1000, SPIN_NS), 1, 12);
	assert_in_range(in_vain(&p, 256 * 100, SPIN_NS), 99, 101);
	/* And back. */
	assert_int_equal(in_vain(&p, 256 + 8, SPIN_NS / 2), 0);
	assert_true(spin_pays(&p));
	assert_int_equal(p.wary, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_end_waits), T(test_end_after_silence), T(test_question_takes_ends_along),
		T(test_enough_company), T(test_reports), cmocka_unit_test(test_spin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
