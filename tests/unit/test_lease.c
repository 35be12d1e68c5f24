/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about address leases, in virtual time: one address, one name, for as long as it was promised. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "netd/egress/lease.h"

static struct lease_table table;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	now = 1000 * NS_PER_S;
	return lease_table_init(&table);
}

static int teardown(void **state)
{
	(void)state;
	lease_table_done(&table);
	return 0;
}

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct name *numbered(unsigned int i, bool denied)
{
	char text[64];

	snprintf(text, sizeof(text), "n%u.%s.test", i, denied ? "no" : "yes");
	return lease_name_new(&table, text, denied, now);
}

static void test_one_to_one(void **state)
{
	struct name *a = lease_name_new(&table, "a.test", false, now);
	struct name *b = lease_name_new(&table, "b.test", false, now);
	struct addr real = addr("198.51.100.1"), real6 = addr("2001:db8::1"), s1, s2, again;
	char text[ADDR_STRLEN];

	(void)state;
	assert_ptr_equal(lease_name_find(&table, "a.test"), a);
	assert_null(lease_name_find(&table, "a.tes"));
	assert_null(lease_find(&table, &real));
	assert_int_equal(lease_real(&table, a, &real), 0);
	assert_int_equal(lease_real(&table, a, &real), 0);
	assert_int_equal(lease_real(&table, a, &real6), 0);
	assert_ptr_equal(lease_find(&table, &real), a);
	/* Collision: the second name gets an address that only it has, per family, and keeps it. */
	assert_int_equal(lease_real(&table, b, &real), -EEXIST);
	assert_int_equal(lease_synthetic(&table, b, false, &s1), 0);
	assert_string_equal(addr_format(&s1, text), "198.18.0.1");
	assert_int_equal(lease_synthetic(&table, b, true, &s2), 0);
	assert_string_equal(addr_format(&s2, text), "fd73:6c75:6963:6501::1");
	assert_int_equal(lease_synthetic(&table, b, false, &again), 0);
	assert_true(addr_eq(&s1, &again));
	assert_ptr_equal(lease_find(&table, &s1), b);
	assert_ptr_equal(lease_find(&table, &s2), b);
	assert_ptr_equal(lease_find(&table, &real), a);
	/* The v6 form of nothing: families are apart. */
	assert_int_equal(table.n_leases, 4);
}

static void test_denied_pool(void **state)
{
	struct name *n = lease_name_new(&table, "no.test", true, now);
	struct addr a;
	char text[ADDR_STRLEN];

	(void)state;
	assert_int_equal(lease_synthetic(&table, n, false, &a), 0);
	assert_string_equal(addr_format(&a, text), "198.19.0.1");
	assert_true(lease_in_pool(&a));
	assert_int_equal(lease_synthetic(&table, n, true, &a), 0);
	assert_string_equal(addr_format(&a, text), "fd73:6c75:6963:6502::1");
	assert_true(lease_in_pool(&a));
	a = addr("198.17.255.255");
	assert_false(lease_in_pool(&a));
	a = addr("fd73:6c75:6963:6503::1");
	assert_false(lease_in_pool(&a));
}

/* A full table refuses until the oldest promise has run out, and takes the oldest then. */
static void test_exhaustion(void **state)
{
	struct addr a, first;

	(void)state;
	for (unsigned int i = 0; i < LEASE_DENIED_MAX; i++) {
		struct name *n = numbered(i, true);

		assert_non_null(n);
		assert_int_equal(lease_synthetic(&table, n, false, &a), 0);
		if (i == 0)
			first = a;
		now += NS_PER_MS;
	}
	assert_null(numbered(100000, true));
	/* Allowed names have places of their own. */
	assert_non_null(numbered(1, false));
	now = 1000 * NS_PER_S + LEASE_HOLD_S * NS_PER_S - 1;
	assert_null(numbered(100000, true));
	assert_non_null(lease_find(&table, &first));
	now += 1;
	assert_non_null(numbered(100000, true));
	assert_null(lease_find(&table, &first));
	assert_null(lease_name_find(&table, "n0.no.test"));
	assert_non_null(lease_name_find(&table, "n1.no.test"));
	assert_null(numbered(100001, true));
}

/* What a flow, a question or a lookup holds is never given up, however old it is. */
static void test_reference_holds(void **state)
{
	struct name *held[3];
	struct addr real = addr("198.51.100.9");
	unsigned int made = 0;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		held[i] = numbered(i, false);
		held[i]->refs = 1;
	}
	assert_int_equal(lease_real(&table, held[1], &real), 0);
	for (unsigned int i = 3; i < LEASE_ALLOWED_MAX; i++)
		assert_non_null(numbered(i, false));
	now += 10 * LEASE_HOLD_S * NS_PER_S;
	for (unsigned int i = 0; i < 2 * LEASE_ALLOWED_MAX; i++) {
		struct name *n = numbered(10000 + i, false);
		struct addr a;

		if (!n)
			break;
		assert_int_equal(lease_synthetic(&table, n, false, &a), 0);
		made++;
	}
	/* Everything else was replaced once; then the new ones are young. */
	assert_int_equal(made, LEASE_ALLOWED_MAX - 3);
	assert_ptr_equal(lease_find(&table, &real), held[1]);
	assert_string_equal(held[2]->text, "n2.yes.test");
}

/* A name heard of again is young again; a real address is free only when its name is gone. */
static void test_never_rebound_early(void **state)
{
	struct name *a = lease_name_new(&table, "a.test", false, now), *b;
	struct addr real = addr("198.51.100.9");

	(void)state;
	assert_int_equal(lease_real(&table, a, &real), 0);
	for (unsigned int i = 1; i < LEASE_ALLOWED_MAX; i++) {
		struct addr s;

		assert_int_equal(lease_synthetic(&table, numbered(i, false), false, &s), 0);
	}
	for (int i = 0; i < 20; i++) {
		now += (LEASE_HOLD_S - 1) * NS_PER_S;
		lease_hold(&table, a, now);
		b = numbered(5000u + (unsigned int)i, false);
		/* In the first round nobody's promise has run out. */
		assert_int_equal(b != NULL, i > 0);
		if (b)
			assert_int_equal(lease_real(&table, b, &real), -EEXIST);
		assert_ptr_equal(lease_find(&table, &real), a);
	}
	/* Time alone binds nothing anew: only pressure does. */
	now += 100 * LEASE_HOLD_S * NS_PER_S;
	assert_int_equal(lease_real(&table, lease_name_find(&table, "n5019.yes.test"), &real), -EEXIST);
}

/* Synthetic addresses walk the pool: one that was given up is the last to come again. */
static void test_cursor(void **state)
{
	struct addr last = { { 0 } }, a;

	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < LEASE_DENIED_MAX; i++) {
			struct name *n = numbered(round * LEASE_DENIED_MAX + i, true);

			assert_non_null(n);
			assert_int_equal(lease_synthetic(&table, n, false, &a), 0);
			assert_true(memcmp(a.b, last.b, sizeof(a.b)) > 0);
			last = a;
		}
		now += (LEASE_HOLD_S + 1) * NS_PER_S;
	}
}

static void test_addresses_bounded(void **state)
{
	struct addr a = addr("198.51.100.0"), s;
	unsigned int taken = 0;

	(void)state;
	for (unsigned int i = 0; i < 400; i++) {
		struct name *n = numbered(i, false);

		for (unsigned int k = 0; k < 100; k++) {
			a.b[13] = (uint8_t)(i >> 8);
			a.b[14] = (uint8_t)i;
			a.b[15] = (uint8_t)k;
			taken += lease_real(&table, n, &a) == 0;
		}
	}
	assert_in_range(taken, 1, LEASE_ADDRS_MAX - 2 * LEASE_NAMES_MAX);
	/* And still every name that there can be finds room for its own two. */
	for (unsigned int i = 0; i < LEASE_NAMES_MAX - 400; i++) {
		struct name *n = numbered(1000 + i, i >= LEASE_ALLOWED_MAX - 400);

		assert_non_null(n);
		assert_int_equal(lease_synthetic(&table, n, false, &s), 0);
		assert_int_equal(lease_synthetic(&table, n, true, &s), 0);
	}
}

/* A new policy moves names from one kind to the other: their addresses stay theirs, and the table stays whole. */
static void test_new_policy(void **state)
{
	struct name *n = lease_name_new(&table, "web.test", false, now), *kept;
	struct addr real = addr("198.51.100.10"), a;
	uint32_t made = 1;

	(void)state;
	assert_int_equal(lease_real(&table, n, &real), 0);
	lease_name_deny(&table, n, true);
	assert_ptr_equal(lease_find(&table, &real), n);
	assert_int_equal(lease_synthetic(&table, n, false, &a), 0);
	assert_ptr_equal(lease_find(&table, &a), n);
	assert_int_equal(table.n_allowed, 0);
	assert_int_equal(table.n_denied, 1);
	lease_name_deny(&table, n, true);
	assert_int_equal(table.n_denied, 1);
	lease_name_deny(&table, n, false);
	assert_int_equal(table.n_allowed, 1);
	assert_ptr_equal(lease_find(&table, &a), n);
	/* All that are allowed become denied, and as many again come: the table is full, not overrun. */
	for (; made < LEASE_ALLOWED_MAX; made++) {
		char text[32];

		snprintf(text, sizeof(text), "n%u.test", made);
		n = lease_name_new(&table, text, false, now);
		assert_non_null(n);
		assert_int_equal(lease_synthetic(&table, n, true, &a), 0);
		lease_name_deny(&table, n, true);
	}
	kept = lease_find(&table, &a);
	for (uint32_t i = 0; i < LEASE_ALLOWED_MAX; i++) {
		char text[32];

		snprintf(text, sizeof(text), "m%u.test", i);
		n = lease_name_new(&table, text, false, now);
		made += n != NULL;
		if (n)
			assert_int_equal(lease_synthetic(&table, n, true, &real), 0);
	}
	assert_int_equal(made, LEASE_NAMES_MAX);
	assert_null(lease_name_new(&table, "one.more.test", true, now));
	assert_null(lease_name_new(&table, "one.more.test", false, now));
	assert_ptr_equal(lease_find(&table, &a), kept);
	/* When nobody can hold their addresses any more, the places are given on, whoever has them. */
	now += LEASE_HOLD_S * NS_PER_S;
	assert_non_null(lease_name_new(&table, "one.more.test", false, now));
	assert_non_null(lease_name_new(&table, "two.more.test", true, now));
	assert_int_equal(table.n_allowed + table.n_denied, LEASE_NAMES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_to_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_denied_pool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhaustion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reference_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_rebound_early, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_policy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
