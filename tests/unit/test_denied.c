/* SPDX-License-Identifier: Apache-2.0 */
/* Table of facts: which client of a denied flow is told what, and after how many of its bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "stack/inspect/denied.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define S(s) s, sizeof(s) - 1
#define REQ "GET / HTTP/1.1\r\nHost: no.test\r\n"

enum says { NOTHING, ALERT, TEXT, JSON, NO_BODY };

static const struct fact {
	int n;
	const char *what;
	const char *bytes;
	size_t len;
	size_t after;			/* enough was read after so many; 0: never */
	enum says says;
} facts[] = {
	{ 1, "nothing at all", S(""), 0, NOTHING },
	{ 2, "a TLS record", S("\x16\x03\x01\x02\x00"), 1, ALERT },
	{ 3, "another record", S("\x15\x03\x01"), 1, NOTHING },
	{ 4, "SSL 2", S("\x80\x2e\x01"), 1, NOTHING },
	{ 5, "a banner of SSH", S("SSH-2.0-x\r\n"), 11, NOTHING },
	{ 6, "lower case", S("get / HTTP/1.1\r\n\r\n"), 1, NOTHING },
	{ 7, "an empty line first", S("\r\nGET / HTTP/1.1\r\n\r\n"), 1, NOTHING },
	{ 8, "a request", S(REQ "\r\n"), sizeof(REQ) + 1, TEXT },
	{ 9, "bare LF", S("GET / HTTP/1.1\nHost: no.test\n\n"), 31 - 1, TEXT },
	{ 10, "half a request", S(REQ), 0, TEXT },
	{ 11, "with a body", S(REQ "Content-Length: 3\r\n\r\nabc"), sizeof(REQ) + 20, TEXT },
	{ 12, "HEAD", S("HEAD / HTTP/1.1\r\n\r\n"), 19, NO_BODY },
	{ 13, "a method that begins like it", S("HEADS / HTTP/1.1\r\n\r\n"), 20, TEXT },
	{ 14, "wants JSON", S(REQ "Accept: application/json\r\n\r\n"), sizeof(REQ) + 27, JSON },
	{ 15, "in any case", S(REQ "ACCEPT:application/vnd.npm.install-v1+JSON; q=1.0, */*\r\n\r\n"), sizeof(REQ) + 57, JSON },
	{ 16, "a browser", S(REQ "Accept: text/html,application/json;q=0.1\r\n\r\n"), sizeof(REQ) + 43, TEXT },
	{ 17, "whatever", S(REQ "Accept: */*\r\n\r\n"), sizeof(REQ) + 14, TEXT },
	{ 18, "JSON elsewhere", S(REQ "X-Accept: application/json\r\n\r\n"), sizeof(REQ) + 29, TEXT },
	{ 19, "NUL does not hide it", S(REQ "Accept: \0application/json\r\n\r\n"), sizeof(REQ) + 28, JSON },
};

static struct denied *make(void)
{
	const struct denied_spec spec = { .reason = DROP_POLICY_NAME, .name = "no.test",
					  .note = "ask the build team", .port = 80 };
	struct denied *d = denied_new(&spec);

	assert_non_null(d);
	return d;
}

static void check_words(const struct denied *d, enum says says)
{
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, 49 };
	char buf[INSPECT_REFUSAL_MAX + 1];
	size_t n = denied_refusal(d, (uint8_t *)buf, INSPECT_REFUSAL_MAX);

	buf[n] = '\0';
	switch (says) {
	case NOTHING:
		assert_int_equal(n, 0);
		return;
	case ALERT:
		assert_int_equal(n, sizeof(alert));
		assert_memory_equal(buf, alert, n);
		return;
	case NO_BODY:
		assert_non_null(strstr(buf, "HTTP/1.1 403 "));
		assert_string_equal(strstr(buf, "\r\n\r\n"), "\r\n\r\n");
		return;
	case TEXT:
	case JSON:
		assert_non_null(strstr(buf, "HTTP/1.1 403 "));
		assert_non_null(strstr(buf, "no.test"));
		assert_non_null(strstr(buf, "ask the build team"));
		assert_int_equal(strstr(buf, "\r\n\r\n{") != NULL, says == JSON);
		return;
	}
}

static void one(const struct fact *f)
{
	struct denied *d = make();
	size_t after = 0;

	for (size_t i = 0; i < f->len; i++) {
		if (denied_input(d, (const uint8_t *)f->bytes + i, 1) && !after)
			after = i + 1;
	}
	assert_int_equal(after, f->after);
	check_words(d, f->says);
	denied_free(d);
	d = make();
	assert_int_equal(denied_input(d, (const uint8_t *)f->bytes, f->len), f->after != 0);
	check_words(d, f->says);
	denied_free(d);
}

static void test_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(facts); i++) {
		print_message("# %d %s\n", facts[i].n, facts[i].what);
		one(&facts[i]);
	}
}

/* 8 KiB of a head are enough, whether of one line or of many. */
static void test_bounds(void **state)
{
	static const char *const begin[] = { "GET /", "GET / HTTP/1.1\r\n" };
	static const char *const fill[] = { "a", "a: b\r\n" };

	(void)state;
	for (size_t k = 0; k < N(fill); k++) {
		struct denied *d = make();
		size_t n = strlen(begin[k]), len = strlen(fill[k]);

		assert_false(denied_input(d, (const uint8_t *)begin[k], n));
		while (!denied_input(d, (const uint8_t *)fill[k], len))
			n += len;
		assert_in_range(n, 8192 - len, 8192);
		check_words(d, TEXT);
		denied_free(d);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
