/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the flow table: keys, ids that go stale, a full table, storage that waits for the end of a batch. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "stack/flow.h"

static struct flow_table table;
static unsigned int n_expired;

static struct flow_key key(uint16_t sport)
{
	struct flow_key k = { .sport = sport, .dport = 80, .proto = IPPROTO_TCP };

	k.src.b[15] = 2;
	k.dst.b[15] = 9;
	return k;
}

static struct flow *add(uint16_t sport)
{
	struct flow_key k = key(sport);

	return flow_new(&table, &k, 1);
}

static struct flow *find(uint16_t sport)
{
	struct flow_key k = key(sport);

	return flow_find(&table, &k);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(flow_table_init(&table, 0), -EINVAL);
	assert_int_equal(flow_table_init(&table, 1048577), -EINVAL);
	assert_int_equal(flow_table_init(&table, 1), 0);
	assert_non_null(add(1));
	assert_null(add(2));
	flow_table_done(&table);
}

static void test_many(void **state)
{
	(void)state;
	assert_int_equal(flow_table_init(&table, 5000), 0);
	for (uint16_t i = 1; i <= 5000; i++)
		assert_non_null(add(i));
	assert_null(add(5001));
	for (uint16_t i = 1; i <= 5000; i++)
		assert_int_equal(find(i)->key.sport, i);
	for (uint16_t i = 1; i <= 5000; i += 2)
		flow_set_state(&table, find(i), FLOW_DEAD);
	for (uint16_t i = 1; i <= 5000; i++)
		assert_int_equal(find(i) == NULL, i % 2);
	/* Their storage is not free before the batch is over. */
	assert_null(add(5001));
	assert_int_equal(table.used, 5000);
	flow_reap(&table);
	assert_int_equal(table.used, 2500);
	for (uint16_t i = 1; i <= 2500; i++)
		assert_non_null(add((uint16_t)(6000 + i)));
	assert_null(add(5001));
	assert_int_equal(table.peak, 5000);
	flow_table_done(&table);
}

static void test_stale_ids(void **state)
{
	flow_id first, second;
	struct flow *f;

	(void)state;
	assert_int_equal(flow_table_init(&table, 4), 0);
	f = add(1);
	first = flow_id_of(f);
	assert_int_not_equal(first, 0);
	assert_ptr_equal(flow_by_id(&table, first), f);
	flow_set_state(&table, f, FLOW_DEAD);
	assert_null(flow_by_id(&table, first));
	flow_reap(&table);
	assert_null(flow_by_id(&table, first));
	f = add(1);
	second = flow_id_of(f);
	assert_int_equal((uint32_t)first, (uint32_t)second);	/* the same slot */
	assert_int_not_equal(first, second);
	assert_null(flow_by_id(&table, first));
	assert_ptr_equal(flow_by_id(&table, second), f);
	assert_null(flow_by_id(&table, 4));
	assert_null(flow_by_id(&table, UINT64_MAX));
	/* Generations wrap, and 0 is never an id. */
	flow_set_state(&table, f, FLOW_DEAD);
	flow_reap(&table);
	table.flows[0].gen = UINT32_MAX;
	assert_int_not_equal(flow_id_of(add(1)), 0);
	flow_table_done(&table);
}

static void expired(struct stack *s, struct flow *f)
{
	(void)s;
	n_expired++;
	f->expires_ns = 0;
}

static void test_expiry(void **state)
{
	(void)state;
	assert_int_equal(flow_table_init(&table, 16), 0);
	for (uint16_t i = 1; i <= 10; i++)
		add(i)->expires_ns = i * 100u;
	find(3)->expires_ns = 0;
	flow_set_state(&table, find(2), FLOW_DEAD);
	flow_expire(&table, 99, expired, NULL);
	assert_int_equal(n_expired, 0);
	flow_expire(&table, 500, expired, NULL);
	assert_int_equal(n_expired, 3);		/* 1, 4, 5 */
	flow_expire(&table, UINT64_MAX, expired, NULL);
	assert_int_equal(n_expired, 8);
	flow_table_done(&table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_stale_ids),
		cmocka_unit_test(test_expiry),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
