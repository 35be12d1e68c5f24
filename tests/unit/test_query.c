/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about questions to name servers and their replies. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "netd/egress/query.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define M(s) s, sizeof(s) - 1

/* The question is "web.test", so an alias of it begins at 12 and the records at 26. */
#define OWNER "\300\14"
#define A_REC(ttl, d) OWNER "\0\1\0\1" ttl "\0\4\306\63\144" d
#define TTL_60 "\0\0\0\74"
#define SOA_60_10 "\0\0\6\0\1" TTL_60 "\0\26\0\0" "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\12"

static void test_make(void **state)
{
	static const char longest[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
		"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
		"ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
	unsigned int upper = 0, ids[64], same = 0;
	struct query q;

	(void)state;
	query_make(&q, "a-1.web.test", false, false);
	assert_int_equal(q.len, 12 + 14 + 4);
	assert_int_equal(q.buf[0] << 8 | q.buf[1], q.len);
	assert_memory_equal(q.buf + 4, "\1\0\0\1\0\0\0\0\0\0", 10);
	for (size_t i = 14; i < 28; i++)
		q.buf[i] = (uint8_t)tolower(q.buf[i]);
	assert_memory_equal(q.buf + 14, "\3a-1\3web\4test\0\0\1\0\1", 18);
	query_make(&q, "web.test", true, true);
	assert_int_equal(q.len, 12 + 10 + 4 + 11);
	assert_memory_equal(q.buf + 2 + 22, "\0\34\0\1\0\0\51\4\320\0\0\0\0\0\0", 15);
	assert_int_equal(q.buf[13], 1);
	/* 253 bytes of text are 255 on the wire. */
	assert_int_equal(strlen(longest), 253);
	query_make(&q, longest, true, true);
	assert_int_equal(q.len, QUERY_MAX);
	for (size_t i = 0; i < N(ids); i++) {
		query_make(&q, longest, true, true);
		ids[i] = (unsigned int)(q.buf[2] << 8 | q.buf[3]);
		for (size_t k = 0; k < i; k++)
			same += ids[i] == ids[k];
		for (size_t k = 14; k < 14 + 254; k++)
			upper += q.buf[k] >= 'A' && q.buf[k] <= 'Z';
	}
	assert_in_range(same, 0, 3);
	assert_in_range(upper, 64 * 100, 64 * 150);
}

/* The reply to q: the head's second half and what follows the question. Its length. */
static size_t make_reply(const struct query *q, const char *head, const char *records, size_t len, uint8_t *m)
{
	memcpy(m, q->buf + QUERY_FRAME, 2);
	memcpy(m + 2, head, 10);
	memcpy(m + 12, q->buf + QUERY_FRAME + 12, q->question_len);
	memcpy(m + 12 + q->question_len, records, len);
	return 12 + q->question_len + len;
}

static void test_answers(void **state)
{
	static const struct {
		const char *head;
		const char *records;
		size_t len;
		enum query_verdict v;
		enum answer_status status;
		uint8_t n;
		uint32_t ttl;
		uint16_t ede;
	} t[] = {
#define OK QUERY_ANSWERED, ANSWER_OK
#define NX QUERY_ANSWERED, ANSWER_NXDOMAIN
#define NO QUERY_FAILED, ANSWER_FAILED, 0, 0
		/*  1 */ { "\x81\x80\0\1\0\1\0\0\0\0", M(A_REC(TTL_60, "\1")), OK, 1, 60, 0xffff },
		/*  2: the least TTL */
		{ "\x81\x80\0\1\0\2\0\0\0\0", M(A_REC(TTL_60, "\1") A_REC("\0\0\0\5", "\2")), OK, 2, 5, 0xffff },
		/*  3: an address that is there twice */
		{ "\x81\x80\0\1\0\2\0\0\0\0", M(A_REC(TTL_60, "\1") A_REC(TTL_60, "\1")), OK, 1, 60, 0xffff },
		/*  4: a TTL with its top bit is none */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M(A_REC("\x80\0\0\1", "\1")), OK, 1, 0, 0xffff },
		/*  5: AAAA where A was asked, another owner, another class, a short one */
		{ "\x81\x80\0\1\0\4\0\0\0\0", M(OWNER "\0\34\0\1" TTL_60 "\0\4\1\2\3\4" "\1x\0\0\1\0\1" TTL_60 "\0\4\1\2\3\4"
			OWNER "\0\1\0\3" TTL_60 "\0\4\1\2\3\4" OWNER "\0\1\0\1" TTL_60 "\0\3\1\2\3"), OK, 0, 0, 0xffff },
		/*  6: an alias, its case and order any, and the TTL of all of it */
		{ "\x81\x80\0\1\0\2\0\0\0\0", M("\1X\4tEST\0\0\1\0\1" TTL_60 "\0\4\1\2\3\4"
			OWNER "\0\5\0\1\0\0\0\7\0\4\1x\300\20"), OK, 1, 7, 0xffff },
		/*  7: an alias that leads nowhere */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M(OWNER "\0\5\0\1" TTL_60 "\0\4\1x\300\20"), OK, 0, 0, 0xffff },
		/*  8: an alias of itself */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M(OWNER "\0\5\0\1" TTL_60 "\0\2\300\14"), NO, 0xffff },
		/*  9: no data, for ten seconds */
		{ "\x81\x80\0\1\0\0\0\1\0\0", M(SOA_60_10), OK, 0, 10, 0xffff },
		/* 10: no such name */
		{ "\x81\x83\0\1\0\0\0\1\0\0", M(SOA_60_10), NX, 0, 10, 0xffff },
		/* 11: nobody says for how long */
		{ "\x81\x83\0\1\0\0\0\0\0\0", M(""), NX, 0, 0, 0xffff },
		/* 12: "no such name" with addresses */
		{ "\x81\x83\0\1\0\1\0\0\0\0", M(A_REC(TTL_60, "\1")), NX, 0, 0, 0xffff },
		/* 13: truncated */
		{ "\x83\x80\0\1\0\0\0\0\0\0", M(""), QUERY_TRUNCATED, ANSWER_FAILED, 0, 0, 0xffff },
		/* 14 */ { "\x81\x82\0\1\0\0\0\0\0\0", M(""), NO, 0xffff },
		/* 15: refused, and why */
		{ "\x81\x85\0\1\0\0\0\0\0\1", M("\0\0\51\4\320\0\0\0\0\0\6\0\17\0\2\0\22"), NO, 18 },
		/* 16: options cut short say nothing */
		{ "\x81\x82\0\1\0\0\0\0\0\1", M("\0\0\51\4\320\0\0\0\0\0\5\0\17\0\2\0"), NO, 0xffff },
		/* 17 */ { "\x81\x81\0\1\0\0\0\0\0\0", M(""), QUERY_NO_EDNS, ANSWER_FAILED, 0, 0, 0xffff },
		/* 18: BADVERS */
		{ "\x81\x80\0\1\0\0\0\0\0\1", M("\0\0\51\4\320\1\0\0\0\0\0"), QUERY_NO_EDNS, ANSWER_FAILED, 0, 0, 0xffff },
		/* 19: fewer records than promised */
		{ "\x81\x80\0\1\0\2\0\0\0\0", M(A_REC(TTL_60, "\1")), NO, 0xffff },
		/* 20: 65,535 records promised */
		{ "\x81\x80\0\1\377\377\0\0\0\0", M(A_REC(TTL_60, "\1")), NO, 0xffff },
		/* 21: data past the end */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M(OWNER "\0\1\0\1" TTL_60 "\0\5\1\2\3\4"), NO, 0xffff },
		/* 22: a pointer to itself, forward, and in a circle */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M("\300\32\0\1\0\1" TTL_60 "\0\4\1\2\3\4"), NO, 0xffff },
		/* 23 */ { "\x81\x80\0\1\0\1\0\0\0\0", M("\300\50\0\1\0\1" TTL_60 "\0\4\1\2\3\4"), NO, 0xffff },
		/* 24 */ { "\x81\x80\0\1\0\1\0\0\0\0", M("\1a\300\32\0\1\0\1" TTL_60 "\0\4\1\2\3\4"), NO, 0xffff },
		/* 25: a label type of no meaning */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M("\100a\0\0\1\0\1" TTL_60 "\0\4\1\2\3\4"), NO, 0xffff },
		/* 26: what follows the last record is nobody's */
		{ "\x81\x80\0\1\0\1\0\0\0\0", M(A_REC(TTL_60, "\1") "xyz"), OK, 1, 60, 0xffff },
		/* 27: an SOA that is cut short */
		{ "\x81\x83\0\1\0\0\0\1\0\0", M("\0\0\6\0\1" TTL_60 "\0\5\0\0\0\0\1"), NX, 0, 0, 0xffff },
	};
	uint8_t m[1024];
	struct query q;

	(void)state;
	query_make(&q, "web.test", false, true);
	for (size_t i = 0; i < N(t); i++) {
		size_t len = make_reply(&q, t[i].head, t[i].records, t[i].len, m);
		struct resolved a;
		enum query_verdict v = query_read(&q, m, len, false, &a);

		if (v != t[i].v || (v == QUERY_ANSWERED && (a.n != t[i].n || a.ttl != t[i].ttl)) || a.ede != t[i].ede)
			print_message("# case %zu: verdict %d n %u ttl %u ede %u\n", i + 1, (int)v, a.n, a.ttl, a.ede);
		assert_int_equal(v, t[i].v);
		assert_int_equal(a.ede, t[i].ede);
		if (v != QUERY_ANSWERED)
			continue;
		assert_int_equal(a.status, t[i].status);
		assert_int_equal(a.n, t[i].n);
		assert_int_equal(a.ttl, t[i].ttl);
		/* Cut at every byte, against the end of memory: never more than the whole says. */
		for (size_t cut = 0; cut < len; cut++) {
			static uint8_t exact[1024];
			uint8_t *p = exact + sizeof(exact) - cut;

			memcpy(p, m, cut);
			v = query_read(&q, p, cut, false, &a);
			if (v == QUERY_ANSWERED)
				assert_true(a.n <= t[i].n);
		}
	}
}

/* Whose reply is it? */
static void test_belongs(void **state)
{
	static const struct {
		size_t at;			/* byte that differs */
		uint8_t flip;
		enum query_verdict v, folded;
	} t[] = {
		/*  1: nothing differs */ { 0, 0, QUERY_ANSWERED, QUERY_ANSWERED },
		/*  2: the id */ { 0, 1, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  3 */ { 1, 0x80, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  4: a question, not a reply */ { 2, 0x80, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  5: another opcode */ { 2, 0x08, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  6: two questions */ { 5, 3, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  7: none */ { 5, 1, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  8: a label's length */ { 12, 1, QUERY_FOREIGN, QUERY_FOREIGN },
		/*  9: the case of the first letter */ { 13, 0x20, QUERY_CASE, QUERY_ANSWERED },
		/* 10: and of the last */ { 20, 0x20, QUERY_CASE, QUERY_ANSWERED },
		/* 11: another letter */ { 20, 1, QUERY_FOREIGN, QUERY_FOREIGN },
		/* 12: a byte that is no letter, in the other case */ { 14, 0x80, QUERY_FOREIGN, QUERY_FOREIGN },
		/* 13: AAAA */ { 23, 29, QUERY_FOREIGN, QUERY_FOREIGN },
		/* 14: class */ { 25, 2, QUERY_FOREIGN, QUERY_FOREIGN },
	};
	struct resolved a;
	struct query q;
	uint8_t m[256];

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t len;

		query_make(&q, "web.test", false, true);
		len = make_reply(&q, "\x81\x80\0\1\0\1\0\0\0\0", M(A_REC(TTL_60, "\1")), m);
		m[t[i].at] ^= t[i].flip;
		assert_int_equal(query_read(&q, m, len, false, &a), t[i].v);
		assert_int_equal(a.n, t[i].v == QUERY_ANSWERED);
		assert_int_equal(query_read(&q, m, len, true, &a), t[i].folded);
		assert_int_equal(a.folded, t[i].v == QUERY_CASE);
	}
	/* A head alone may refuse, and may not say that there is no such name. */
	assert_int_equal(query_read(&q, m, 11, false, &a), QUERY_FOREIGN);
	memcpy(m, q.buf + QUERY_FRAME, 2);
	memcpy(m + 2, "\x81\x85\0\0\0\0\0\0\0\0", 10);
	assert_int_equal(query_read(&q, m, 12, false, &a), QUERY_FAILED);
	m[3] = 0x81;
	assert_int_equal(query_read(&q, m, 12, false, &a), QUERY_NO_EDNS);
	query_make(&q, "web.test", false, false);
	memcpy(m, q.buf + QUERY_FRAME, 2);
	assert_int_equal(query_read(&q, m, 12, false, &a), QUERY_FAILED);
	m[3] = 0x83;
	assert_int_equal(query_read(&q, m, 12, false, &a), QUERY_FOREIGN);
	m[3] = 0x80;
	assert_int_equal(query_read(&q, m, 12, false, &a), QUERY_FOREIGN);
}

/* Of twenty addresses sixteen are taken; a mapped one in AAAA is none. */
static void test_many(void **state)
{
	uint8_t m[1024];
	struct resolved a;
	struct query q;
	size_t len;

	(void)state;
	query_make(&q, "web.test", true, true);
	len = make_reply(&q, "\x81\x80\0\1\0\24\0\0\0\0", "", 0, m);
	for (uint8_t i = 0; i < 20; i++) {
		uint8_t rec[28] = { 0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, [27] = i };

		if (i == 3)
			memcpy(rec + 12, (uint8_t[16]){ [10] = 0xff, 0xff, 127, 0, 0, 1 }, 16);
		memcpy(m + len, rec, sizeof(rec));
		len += sizeof(rec);
	}
	assert_int_equal(query_read(&q, m, len, false, &a), QUERY_ANSWERED);
	assert_int_equal(a.n, 16);
	assert_int_equal(a.addrs[2].b[15], 2);
	assert_int_equal(a.addrs[3].b[15], 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_belongs),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
