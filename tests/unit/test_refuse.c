/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about what a refused client is told. REFUSE_SHOW=1 prints the pages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/reason.h"
#include "stack/inspect/inspect.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct page {
	char text[INSPECT_REFUSAL_MAX + 1];
	size_t len;
	const char *body;
};

/* Writes the page, and checks what every page has. */
static void write_page(const struct refusal *r, struct page *p)
{
	const char *length, *end;

	p->len = refusal_write(r, (uint8_t *)p->text, INSPECT_REFUSAL_MAX);
	assert_true(p->len > 0 && p->len <= INSPECT_REFUSAL_MAX);
	p->text[p->len] = '\0';
	assert_int_equal(strlen(p->text), p->len);
	if (getenv("REFUSE_SHOW"))
		fprintf(stderr, "%s\n----\n", p->text);
	end = strstr(p->text, "\r\n\r\n");
	assert_non_null(end);
	p->body = end + 4;
	assert_int_equal(strncmp(p->text, "HTTP/1.1 4", 10), 0);
	assert_non_null(strstr(p->text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(p->text, "\r\nCache-Control: no-store\r\n"));
	length = strstr(p->text, "\r\nContent-Length: ");
	assert_non_null(length);
	if (!r->head)
		assert_int_equal(strtoul(length + 18, NULL, 10), strlen(p->body));
	else
		assert_string_equal(p->body, "");
}

static void test_text(void **state)
{
	static const struct {
		struct refusal r;
		const char *status;
		const char *body;
	} t[] = {
		/*  1 */ { { PROTO_INSPECT_HTTP, DROP_POLICY_DEFAULT, "web.test", "", "", 80, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to web.test: no rule allows it (policy-default).\n"
			   "To allow it: sluice run --allow web.test:80 ...\n" },
		/*  2 */ { { PROTO_INSPECT_HTTP, DROP_POLICY_NAME, "web.test", "", "ask Kim first", 8080, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to web.test:8080: the name is not allowed (policy-name).\n"
			   "The rule says: ask Kim first\n"
			   "To allow it: sluice run --allow web.test:8080 ...\n" },
		/*  3 */ { { PROTO_INSPECT_HTTP, DROP_POLICY_DENY, "web.test", "", "uploads are off", 80, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to web.test: a rule denies it (policy-deny).\n"
			   "The rule says: uploads are off\n"
			   "To allow it, take that rule out of the policy: a deny wins over every allow.\n" },
		/*  4 */ { { PROTO_INSPECT_HTTP, DROP_POLICY_PORT, "2001:db8::1", "", "", 8080, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to [2001:db8::1]:8080: the name or address is allowed, this port "
			   "is not (policy-port).\n"
			   "To allow it: sluice run --allow [2001:db8::1]:8080 ...\n" },
		/*  5 */ { { PROTO_INSPECT_HTTP, DROP_POLICY_RANGE, "169.254.169.254", "", "", 80, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to 169.254.169.254: private, loopback, link-local or metadata range "
			   "(policy-range).\n"
			   "Such addresses need a rule of their own, an address with its port.\n" },
		/*  6 */ { { PROTO_INSPECT_HTTP, DROP_HTTP_HOST, "web.test", "evil.test", "", 80, false, false },
			   "421 Misdirected Request",
			   "Sluice refused this request to web.test, because it asks for evil.test: the request's host is not "
			   "the name that was judged (http-host).\n"
			   "A rule for a name is for that name alone. To let any name through here, give the rule for web.test "
			   "the key \"http: any\".\n" },
		/*  7 */ { { PROTO_INSPECT_HTTP, DROP_HTTP_BAD, "web.test", "", "", 80, false, false },
			   "400 Bad Request",
			   "Sluice refused this request to web.test: malformed or ambiguous HTTP request (http-bad).\n"
			   "To let it through unread, give the rule for web.test the key \"http: any\".\n" },
		/*  8 */ { { PROTO_INSPECT_HTTP, DROP_HTTP_TUNNEL, "web.test", "web.test", "", 80, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to web.test: CONNECT or a switch to another protocol (http-tunnel).\n"
			   "To let it through unread, give the rule for web.test the key \"http: any\".\n" },
		/*  9 */ { { PROTO_INSPECT_HTTP, DROP_INSPECT_TIMEOUT, "web.test", "", "", 80, false, false },
			   "408 Request Timeout",
			   "Sluice refused this request to web.test: the first message did not arrive in time "
			   "(inspect-timeout).\n" },
		/* 10 */ { { PROTO_INSPECT_HTTP, DROP_FLOW_RATE, "web.test", "", "", 80, false, false },
			   "403 Forbidden",
			   "Sluice refused this request to web.test: too many new flows per second (flow-rate).\n" },
		/* 11 what was seen is shown without what it could do */
		{ { PROTO_INSPECT_HTTP, DROP_HTTP_HOST, "web.test", "a\r\nSet-Cookie: \033[1m\xc3\xa4", "", 80, false, false },
			   "421 Misdirected Request",
			   "Sluice refused this request to web.test, because it asks for a??Set-Cookie: ?[1m??: the request's "
			   "host is not the name that was judged (http-host).\n"
			   "A rule for a name is for that name alone. To let any name through here, give the rule for web.test "
			   "the key \"http: any\".\n" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		char line[128];
		struct page p;

		write_page(&t[i].r, &p);
		snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", t[i].status);
		if (strncmp(p.text, line, strlen(line)) != 0 || strcmp(p.body, t[i].body) != 0)
			fail_msg("row %zu: %s", i + 1, p.text);
		snprintf(line, sizeof(line), "\r\nX-Sluice-Reason: %s\r\n", reason_word(t[i].r.reason));
		assert_non_null(strstr(p.text, line));
		assert_non_null(strstr(p.text, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	}
}

static void test_json(void **state)
{
	static const struct {
		struct refusal r;
		const char *body;
	} t[] = {
		/* 1 */ { { PROTO_INSPECT_HTTP, DROP_POLICY_NAME, "web.test", "", "", 8080, true, false },
			  "{\"error\":\"refused by sluice\",\"destination\":\"web.test:8080\",\"reason\":\"policy-name\","
			  "\"reason_code\":62,\"message\":\"the name is not allowed\",\"allow\":\"web.test:8080\","
			  "\"hint\":\"To allow it: sluice run --allow web.test:8080 ...\"}\n" },
		/* 2 */ { { PROTO_INSPECT_HTTP, DROP_FLOW_RATE, "web.test", "e\"\\\n\x80", "say \"please\"", 80, true, false },
			  "{\"error\":\"refused by sluice\",\"destination\":\"web.test:80\",\"seen\":\"e\\\"\\\\\\u000a\xef\xbf\xbd\","
			  "\"reason\":\"flow-rate\",\"reason_code\":81,\"message\":\"too many new flows per second\","
			  "\"note\":\"say \\\"please\\\"\"}\n" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct page p;

		write_page(&t[i].r, &p);
		if (strcmp(p.body, t[i].body) != 0)
			fail_msg("row %zu: %s", i + 1, p.body);
		assert_non_null(strstr(p.text, "\r\nContent-Type: application/json\r\n"));
	}
}

static void test_head(void **state)
{
	struct refusal r = { PROTO_INSPECT_HTTP, DROP_POLICY_NAME, "web.test", "", "", 80, false, true };
	struct page p;

	(void)state;
	write_page(&r, &p);
	r.json = true;
	write_page(&r, &p);
}

static void test_alert(void **state)
{
	static const enum proto_inspect kinds[] = {
		PROTO_INSPECT_TLS, PROTO_INSPECT_TLS_OPAQUE, PROTO_INSPECT_TLS_IF };
	struct refusal r = { .reason = DROP_TLS_NAME, .name = "a.test", .seen = "b.test", .note = "", .port = 443 };
	uint8_t buf[16];

	(void)state;
	for (size_t i = 0; i < N(kinds); i++) {
		r.kind = kinds[i];
		assert_int_equal(refusal_write(&r, buf, sizeof(buf)), 7);
		assert_memory_equal(buf, "\x15\x03\x03\x00\x02\x02\x31", 7);
		assert_int_equal(refusal_write(&r, buf, 6), 0);
	}
}

/* Nothing for what has no language, and nothing that does not fit; never more than there is room for. */
static void test_none(void **state)
{
	static const enum proto_inspect kinds[] = {
		PROTO_INSPECT_NONE, PROTO_INSPECT_QUIC, PROTO_INSPECT_QUIC_OPAQUE };
	struct refusal r = { .reason = DROP_HTTP_HOST, .name = "a.test", .seen = "b.test", .note = "", .port = 80 };
	struct page p;

	(void)state;
	for (size_t i = 0; i < N(kinds); i++) {
		r.kind = kinds[i];
		assert_int_equal(refusal_write(&r, (uint8_t *)p.text, sizeof(p.text)), 0);
	}
	r.kind = PROTO_INSPECT_HTTP;
	for (size_t cap = 0; cap < 2048; cap++) {
		uint8_t *exact = malloc(cap + 1);
		size_t n;

		assert_non_null(exact);
		exact[cap] = 0xee;
		n = refusal_write(&r, exact, cap);
		assert_true(n <= cap && exact[cap] == 0xee);
		free(exact);
	}
}

/* The longest of everything, for each reason and in both forms: it fits. */
static void test_longest(void **state)
{
	char name[PROTO_NAME_CAP], seen[PROTO_NAME_CAP], note[PROTO_NOTE_CAP];

	(void)state;
	memset(name, 'n', sizeof(name));
	memset(seen, '"', sizeof(seen));
	memset(note, '\\', sizeof(note));
	name[253] = seen[sizeof(seen) - 1] = note[sizeof(note) - 1] = '\0';
	for (unsigned int reason = 0; reason < DROP_REASON_MAX; reason++) {
		for (int json = 0; json < 2; json++) {
			struct refusal r = { PROTO_INSPECT_HTTP, (enum drop_reason)reason, name, seen, note, 65535,
					     json, false };
			struct page p;

			write_page(&r, &p);
			assert_true(strlen(p.body) > 500);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_longest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
