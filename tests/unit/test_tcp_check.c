/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about the TCP header check in front of lwIP: lengths, flags, options, and what is left. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "stack/ip/tcp_check.h"

/* A header with ports 1 and 2, this flags byte and these options. */
static size_t make(uint8_t *t, uint8_t flags, const uint8_t *opt, size_t n)
{
	memset(t, 0, 20);
	t[1] = 1;
	t[3] = 2;
	t[12] = (uint8_t)((20 + n) / 4 << 4);
	t[13] = flags;
	if (n)
		memcpy(t + 20, opt, n);
	return 20 + n;
}

static void test_lengths(void **state)
{
	static const struct {
		uint32_t len, contig;
		uint8_t off;			/* header words as written */
		enum drop_reason want;
	} t[] = {
		/*  1 */ { 0, 0, 5, DROP_TCP_SHORT },
		/*  2 */ { 19, 19, 5, DROP_TCP_SHORT },
		/*  3 */ { 20, 20, 5, DROP_NONE },
		/*  4 */ { 100, 19, 5, DROP_TCP_SHORT },
		/*  5 */ { 100, 20, 5, DROP_NONE },
		/*  6 */ { 100, 100, 4, DROP_TCP_SHORT },
		/*  7 */ { 100, 100, 0, DROP_TCP_SHORT },
		/*  8 */ { 20, 20, 6, DROP_TCP_SHORT },
		/*  9 */ { 60, 60, 15, DROP_NONE },
		/* 10 */ { 59, 59, 15, DROP_TCP_SHORT },
		/* 11 */ { 1000, 40, 15, DROP_TCP_SHORT },
		/* 12 */ { 40, 1000, 5, DROP_NONE },	/* padding behind the segment */
		/* 13 */ { 65535, 60, 15, DROP_NONE },
	};
	uint8_t b[1000];
	struct tcp_seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(b, 1, sizeof(b));	/* NOPs */
		make(b, TH_ACK, NULL, 0);
		b[12] = (uint8_t)(t[i].off << 4);
		assert_int_equal(tcp_check(b, t[i].len, t[i].contig, &seen), t[i].want);
		if (t[i].want == DROP_NONE) {
			assert_int_equal(seen.hlen, t[i].off * 4);
			assert_int_equal(seen.payload, t[i].len - seen.hlen);
		}
	}
}

static void test_flags(void **state)
{
	uint8_t b[20];
	struct tcp_seen seen;
	int good = 0;

	(void)state;
	for (unsigned int f = 0; f < 256; f++) {
		int kinds = !!(f & TH_SYN) + !!(f & TH_FIN) + !!(f & TH_RST);
		bool ok = kinds <= 1 && (f & (TH_ACK | TH_SYN | TH_RST)) != 0;

		make(b, (uint8_t)f, NULL, 0);
		assert_int_equal(tcp_check(b, 20, 20, &seen), ok ? DROP_NONE : DROP_TCP_FLAGS);
		good += ok;
		if (ok)
			assert_int_equal(seen.flags, f & 0x3f);
	}
	assert_int_equal(good, 4 * (4 * 4 + 4 * 2));	/* ECN bits x (ACK kinds + SYN, RST alone) x PSH, URG */
}

static void test_options(void **state)
{
	static const struct {
		uint8_t in[12];
		size_t n;
		bool ok;
		uint8_t opens[12];	/* what a SYN that opens a connection keeps */
	} t[] = {
		/*  1 */ { { 2, 4, 5, 0xb4 }, 4, true, { 2, 4, 5, 0xb4 } },
		/*  2 */ { { 2, 4, 0, 87 }, 4, true, { 2, 4, 0, 88 } },
		/*  3 */ { { 2, 4, 0, 0 }, 4, true, { 2, 4, 0, 88 } },
		/*  4 */ { { 2, 4, 1, 0 }, 4, true, { 2, 4, 1, 0 } },
		/*  5 */ { { 3, 3, 7, 1 }, 4, true, { 3, 3, 7, 1 } },
		/*  6 */ { { 3, 3, 15, 1 }, 4, true, { 3, 3, 14, 1 } },
		/*  7 */ { { 4, 2, 3, 3, 255, 1, 1, 1 }, 8, true, { 4, 2, 3, 3, 14, 1, 1, 1 } },
		/*  8 */ { { 1, 1, 8, 10, 9, 9, 9, 9, 8, 8, 8, 8 }, 12, true, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		/*  9 */ { { 2, 4, 5, 0, 2, 4, 0, 9 }, 8, true, { 2, 4, 5, 0, 1, 1, 1, 1 } },
		/* 10 */ { { 34, 4, 7, 7 }, 4, true, { 1, 1, 1, 1 } },
		/* 11 */ { { 0, 2, 9, 9 }, 4, true, { 1, 1, 1, 1 } },
		/* 12 */ { { 254, 2, 0, 77 }, 4, true, { 1, 1, 1, 1 } },
		/* 13 */ { { 1, 1, 1, 2 }, 4, false, { 0 } },
		/* 14 */ { { 254, 0, 1, 1 }, 4, false, { 0 } },
		/* 15 */ { { 254, 1, 1, 1 }, 4, false, { 0 } },
		/* 16 */ { { 254, 5, 1, 1 }, 4, false, { 0 } },
		/* 17 */ { { 1, 2, 4, 5 }, 4, false, { 0 } },
		/* 18 */ { { 2, 3, 5, 1 }, 4, false, { 0 } },
		/* 19 */ { { 3, 2, 1, 1 }, 4, false, { 0 } },
		/* 20 */ { { 4, 4, 1, 1 }, 4, false, { 0 } },
		/* 21 */ { { 5, 2, 1, 1 }, 4, false, { 0 } },
		/* 22 */ { { 5, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1 }, 12, true, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		/* 23 */ { { 8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 12, false, { 0 } },
	};
	uint8_t nops[12];

	(void)state;
	memset(nops, 1, sizeof(nops));
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint8_t b[32];
		struct tcp_seen seen;
		size_t len = make(b, TH_SYN, t[i].in, t[i].n);
		enum drop_reason r = tcp_check(b, (uint32_t)len, (uint32_t)len, &seen);

		assert_int_equal(r, t[i].ok ? DROP_NONE : DROP_TCP_OPTIONS);
		if (!t[i].ok)
			continue;
		assert_memory_equal(b + 20, t[i].in, t[i].n);	/* looking changes nothing */
		tcp_scrub(b, &seen, true);
		assert_memory_equal(b + 20, t[i].opens, t[i].n);
		tcp_scrub(b, &seen, false);
		assert_memory_equal(b + 20, nops, t[i].n);
	}
}

static void test_ports(void **state)
{
	uint8_t b[20];
	struct tcp_seen seen;

	(void)state;
	make(b, TH_SYN, NULL, 0);
	b[1] = 0;
	assert_int_equal(tcp_check(b, 20, 20, &seen), DROP_PORT_ZERO);
	make(b, TH_SYN, NULL, 0);
	b[3] = 0;
	assert_int_equal(tcp_check(b, 20, 20, &seen), DROP_PORT_ZERO);
	make(b, TH_SYN, NULL, 0);
	assert_int_equal(tcp_check(b, 20, 20, &seen), DROP_NONE);
	assert_true(tcp_is_initial(&seen));
	make(b, TH_SYN | TH_ACK, NULL, 0);
	assert_int_equal(tcp_check(b, 20, 20, &seen), DROP_NONE);
	assert_false(tcp_is_initial(&seen));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_ports),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
