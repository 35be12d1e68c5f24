/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about verdicts: which rule decides, with which reason. Text is in test_policy_text.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy/policy.h"
#include "lib/reason.h"

static struct policy *load(const char *yaml)
{
	struct policy *p = policy_new();
	struct policy_error e;

	assert_non_null(p);
	if (policy_add_yaml(p, yaml, strlen(yaml), "test.yaml", &e) != 0)
		fail_msg("line %u column %u: %s", e.line, e.column, e.text);
	assert_int_equal(policy_compile(p), 0);
	return p;
}

struct fact {
	const char *host;
	uint8_t proto;
	uint16_t port;
	enum drop_reason reason;	/* DROP_NONE: allowed */
	uint32_t rule;			/* canonical line, 0 = none */
};

static void check(const struct policy *p, const struct fact *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct policy_verdict v;
		struct addr a;

		if (addr_parse(t[i].host, &a) == 0)
			v = policy_judge_addr(p, &a, t[i].proto, t[i].port);
		else
			v = policy_judge_name(p, t[i].host, t[i].proto, t[i].port);
		if (v.reason != t[i].reason || v.rule != t[i].rule || v.allow != (t[i].reason == DROP_NONE))
			fail_msg("fact %zu, %s %u %u: %s by line %u", i + 1, t[i].host, t[i].proto, t[i].port,
				 reason_word(v.reason), v.rule);
	}
}

#define CHECK(p, t) check((p), (t), sizeof(t) / sizeof((t)[0]))

enum { TCP = IPPROTO_TCP, UDP = IPPROTO_UDP, ICMP = IPPROTO_ICMP };

static void test_names(void **state)
{
	/* Canonical lines: 3 ok.test, 6 *.wild.test, 9 deny, 12 udp, 15 icmp, 17 deny *.no.wild.test */
	struct policy *p = load("version: 1\n"
				"egress:\n"
				"  - allow: OK.test.\n"
				"  - {allow: '*.wild.test', ports: [443, 8000-8010]}\n"
				"  - deny: bad.wild.test\n"
				"  - {allow: time.test, proto: udp, ports: 123}\n"
				"  - {allow: ping.test, proto: icmp}\n"
				"  - {deny: '*.no.wild.test', proto: tcp, ports: 443}\n");
	static const struct fact t[] = {
		/*  1 */ { "ok.test", TCP, 443, DROP_NONE, 3 },
		/*  2 */ { "ok.test", TCP, 80, DROP_NONE, 3 },
		/*  3 */ { "ok.test", TCP, 22, DROP_POLICY_PORT, 3 },
		/*  4 */ { "ok.test", UDP, 443, DROP_POLICY_PROTO, 3 },
		/*  5 */ { "ok.test", ICMP, 0, DROP_POLICY_PROTO, 3 },
		/*  6 */ { "www.ok.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/*  7 */ { "evilok.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/*  8 */ { "ok.test.evil.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/*  9 */ { "wild.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 10 */ { "a.wild.test", TCP, 443, DROP_NONE, 6 },
		/* 11 */ { "a.b.c.wild.test", TCP, 8010, DROP_NONE, 6 },
		/* 12 */ { "a.wild.test", TCP, 8011, DROP_POLICY_PORT, 6 },
		/* 13 */ { "xwild.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 14 */ { "bad.wild.test", TCP, 443, DROP_POLICY_DENY, 9 },
		/* 15 */ { "bad.wild.test", UDP, 9, DROP_POLICY_DENY, 9 },
		/* 16 */ { "bad.wild.test", ICMP, 0, DROP_POLICY_DENY, 9 },
		/* 17 */ { "x.bad.wild.test", TCP, 443, DROP_NONE, 6 },
		/* 18 */ { "time.test", UDP, 123, DROP_NONE, 12 },
		/* 19 */ { "time.test", UDP, 124, DROP_POLICY_PORT, 12 },
		/* 20 */ { "time.test", TCP, 123, DROP_POLICY_PROTO, 12 },
		/* 21 */ { "ping.test", ICMP, 0, DROP_NONE, 15 },
		/* 22 */ { "ping.test", TCP, 443, DROP_POLICY_PROTO, 15 },
		/* 23 */ { "a.no.wild.test", TCP, 443, DROP_POLICY_DENY, 17 },
		/* 24 */ { "a.no.wild.test", TCP, 8000, DROP_NONE, 6 },
		/* 25 */ { "no.wild.test", TCP, 443, DROP_NONE, 6 },
		/* 26: not in normal form: never judged by chance */
		/* 26 */ { "A.wild.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 27 */ { "ok.test.", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 28 */ { "", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 29 */ { ".ok.test", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 30 */ { "test", TCP, 443, DROP_POLICY_NAME, 0 },
		/* 31 */ { "ok.test", 132, 443, DROP_POLICY_PROTO, 0 },
		/* 32 */ { "ok.test", TCP, 0, DROP_POLICY_PORT, 3 },
		/* 33 */ { "192.0.2.1", TCP, 443, DROP_POLICY_DEFAULT, 0 },
	};

	(void)state;
	CHECK(p, t);
	policy_free(p);
}

static void test_addresses(void **state)
{
	/* Lines: 3 198.51.100.0/24, 6 deny .7, 9 /32 inside, 12 v6, 15 10/8, 18 everything v4, 21 ping v6 */
	struct policy *p = load("version: 1\n"
				"egress:\n"
				"  - {allow: 198.51.100.0/24, ports: 5432}\n"
				"  - deny: 198.51.100.7\n"
				"  - {allow: 198.51.100.9, ports: 22}\n"
				"  - {allow: '2001:db8::/32', ports: [443], proto: [udp, tcp]}\n"
				"  - {allow: 10.0.0.0/8, ports: 443}\n"
				"  - {allow: 0.0.0.0/0, ports: 853}\n"
				"  - {allow: '2001:db8::/48', proto: icmp}\n");
	static const struct fact t[] = {
		/*  1 */ { "198.51.100.1", TCP, 5432, DROP_NONE, 3 },
		/*  2 */ { "198.51.100.1", UDP, 5432, DROP_POLICY_PROTO, 3 },
		/*  3 */ { "198.51.100.1", TCP, 5433, DROP_POLICY_PORT, 3 },
		/*  4 */ { "198.51.100.7", TCP, 5432, DROP_POLICY_DENY, 6 },
		/*  5 */ { "198.51.100.7", ICMP, 0, DROP_POLICY_DENY, 6 },
		/*  6 */ { "198.51.100.9", TCP, 22, DROP_NONE, 9 },
		/*  7 */ { "198.51.100.9", TCP, 5432, DROP_NONE, 3 },
		/*  8 */ { "198.51.101.1", TCP, 5432, DROP_POLICY_PORT, 18 },
		/*  9 */ { "2001:db8:1::1", UDP, 443, DROP_NONE, 12 },
		/* 10 */ { "2001:db8:1::1", ICMP, 0, DROP_POLICY_PROTO, 12 },
		/* 11 */ { "2001:db8::1", ICMP, 0, DROP_NONE, 21 },
		/* 12 */ { "2001:db9::1", TCP, 443, DROP_POLICY_DEFAULT, 0 },
		/* 13 */ { "10.1.2.3", TCP, 443, DROP_NONE, 15 },
		/* 14 */ { "8.8.8.8", TCP, 853, DROP_NONE, 18 },
		/* 15: everything is the Internet, not the neighbourhood */
		/* 15 */ { "10.1.2.3", TCP, 853, DROP_POLICY_RANGE, 18 },
		/* 16 */ { "169.254.169.254", TCP, 853, DROP_POLICY_RANGE, 18 },
		/* 17 */ { "127.0.0.1", TCP, 853, DROP_POLICY_RANGE, 18 },
		/* 18 */ { "169.254.169.254", TCP, 80, DROP_POLICY_DEFAULT, 0 },
		/* 19 */ { "::1", TCP, 853, DROP_POLICY_DEFAULT, 0 },
	};
	struct addr a;

	(void)state;
	CHECK(p, t);
	addr_parse("10.9.9.9", &a);
	assert_true(policy_names_range(p, &a));
	addr_parse("169.254.169.254", &a);
	assert_false(policy_names_range(p, &a));
	addr_parse("2001:db8::1", &a);
	assert_true(policy_names_range(p, &a));
	assert_true(policy_judge_addr(p, &a, TCP, 443).by_range);
	assert_false(policy_judge_addr(p, &a, TCP, 444).by_range);
	policy_free(p);
}

static void test_range_named(void **state)
{
	struct policy *p = load("version: 1\n"
				"egress:\n"
				"  - {allow: 169.254.0.0/16, ports: 80}\n"		/* 3 */
				"  - {allow: 100.100.100.200, ports: 80}\n"		/* 6 */
				"  - {allow: 127.0.0.1, ports: 8080}\n"			/* 9 */
				"  - {allow: '::/0', ports: 443}\n"			/* 12 */
				"  - {allow: 224.0.0.0/3, ports: 443}\n");		/* 15 */
	static const struct fact t[] = {
		/* 1 */ { "169.254.1.1", TCP, 80, DROP_NONE, 3 },
		/* 2 */ { "169.254.169.254", TCP, 80, DROP_POLICY_RANGE, 3 },
		/* 3 */ { "100.100.100.200", TCP, 80, DROP_NONE, 6 },
		/* 4 */ { "127.0.0.1", TCP, 8080, DROP_NONE, 9 },
		/* 5 */ { "::1", TCP, 443, DROP_POLICY_RANGE, 12 },
		/* 6 */ { "fd00:ec2::254", TCP, 443, DROP_POLICY_RANGE, 12 },
		/* 7 */ { "2606:4700::1", TCP, 443, DROP_NONE, 12 },
		/* 8: an IPv6 rule says nothing about IPv4 */
		/* 8 */ { "8.8.8.8", TCP, 443, DROP_POLICY_DEFAULT, 0 },
		/* 9 */ { "250.0.0.1", TCP, 443, DROP_POLICY_RANGE, 15 },
	};

	(void)state;
	CHECK(p, t);
	policy_free(p);
}

static void test_lookup(void **state)
{
	struct policy *p = load("version: 1\n"
				"egress:\n"
				"  - {allow: a.test}\n"				/* 3 */
				"  - {deny: a.test, ports: 80}\n"		/* 6 */
				"  - {allow: b.test}\n"				/* 9 */
				"  - {deny: b.test, proto: tcp, ports: [1-100, 400-500]}\n"	/* 12 */
				"  - {allow: '*.c.test'}\n"			/* 15 */
				"  - {deny: '*.x.c.test'}\n"			/* 18 */
				"  - {deny: d.test}\n"				/* 21 */
				"  - {allow: e.test, ports: 10-20}\n"		/* 24 */
				"  - {deny: e.test, ports: [1-12, 15-30]}\n");	/* 27 */
	static const struct {
		const char *name;
		enum drop_reason reason;
		uint32_t rule;
	} t[] = {
		/* 1 */ { "a.test", DROP_NONE, 3 },
		/* 2 */ { "b.test", DROP_POLICY_DENY, 12 },
		/* 3 */ { "y.c.test", DROP_NONE, 15 },
		/* 4 */ { "y.x.c.test", DROP_POLICY_DENY, 18 },
		/* 5 */ { "x.c.test", DROP_NONE, 15 },
		/* 6 */ { "c.test", DROP_POLICY_NAME, 0 },
		/* 7 */ { "d.test", DROP_POLICY_DENY, 21 },
		/* 8 */ { "e.test", DROP_NONE, 24 },
		/* 9 */ { "z.test", DROP_POLICY_NAME, 0 },
		/* 10 */ { "A.test", DROP_POLICY_NAME, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct policy_verdict v = policy_judge_lookup(p, t[i].name);

		if (v.reason != t[i].reason || v.rule != t[i].rule || v.allow != (t[i].reason == DROP_NONE))
			fail_msg("fact %zu, %s: %s by line %u", i + 1, t[i].name, reason_word(v.reason), v.rule);
	}
	policy_free(p);
}

static void test_empty(void **state)
{
	struct policy *p = policy_new();
	struct addr a;

	(void)state;
	addr_parse("8.8.8.8", &a);
	for (int i = 0; i < 2; i++) {	/* before and after compiling */
		assert_false(policy_judge_name(p, "a.test", TCP, 443).allow);
		assert_false(policy_judge_addr(p, &a, TCP, 443).allow);
		assert_false(policy_judge_lookup(p, "a.test").allow);
		assert_false(policy_names_range(p, &a));
		assert_int_equal(policy_compile(p), 0);
	}
	policy_free(p);
	p = load("version: 1\n");
	assert_int_equal(policy_judge_name(p, "a.test", TCP, 443).reason, DROP_POLICY_NAME);
	policy_free(p);
}

/* Against a plain walk over the rules: the tables must say the same for random hosts and ports. */
static void test_against_model(void **state)
{
	static const char *const hosts[] = { "a.t",	 "b.a.t",     "*.a.t",	   "*.t",	   "c.b.a.t", "*.b.a.t",
					     "8.0.0.0/8", "8.8.0.0/16", "8.8.8.8", "8.128.0.0/9", "8.8.8.0/23" };
	static const char *const asked[] = { "a.t",	"b.a.t",   "c.b.a.t", "d.c.b.a.t", "t",	     "x.t",
					     "8.8.8.8", "8.8.9.1", "8.8.0.1", "8.200.0.1", "9.0.0.1", "8.8.8.9" };
	enum { RULES = 12 };
	struct {
		bool allow;
		const char *host;
		unsigned int lo, hi;
	} r[RULES];

	(void)state;
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		struct policy *p = policy_new();
		struct policy_error e;

		for (int i = 0; i < RULES; i++) {
			char spec[64];

			r[i].allow = random() % 3 != 0;
			r[i].host = hosts[random() % 11];
			r[i].lo = 1 + (unsigned int)random() % 20;
			r[i].hi = r[i].lo + (unsigned int)random() % 6;
			snprintf(spec, sizeof(spec), "tcp://%s:%u-%u", r[i].host, r[i].lo, r[i].hi);
			assert_int_equal(policy_add_spec(p, r[i].allow, spec, &e), 0);
		}
		assert_int_equal(policy_compile(p), 0);
		for (int k = 0; k < 12 * 26; k++) {
			const char *host = asked[k / 26];
			unsigned int port = (unsigned int)k % 26 + 1;
			bool allow = false, deny = false;
			struct policy_verdict v;
			struct addr a;
			bool is_addr = addr_parse(host, &a) == 0;

			for (int i = 0; i < RULES; i++) {
				const char *h = r[i].host;
				size_t nh = strlen(h), na = strlen(host);
				struct cidr c;
				bool hit = cidr_parse(h, &c) == 0 ? is_addr && cidr_contains(&c, &a) :
					   h[0] == '*'		  ? na >= nh && strcmp(host + na - nh + 1, h + 1) == 0 :
								    strcmp(h, host) == 0;

				if (!hit || port < r[i].lo || port > r[i].hi)
					continue;
				allow |= r[i].allow;
				deny |= !r[i].allow;
			}
			v = is_addr ? policy_judge_addr(p, &a, TCP, (uint16_t)port) :
				      policy_judge_name(p, host, TCP, (uint16_t)port);
			if (v.allow != (allow && !deny) || (v.reason == DROP_POLICY_DENY) != deny)
				fail_msg("round %d, %s %u: %s", round, host, port, reason_word(v.reason));
		}
		policy_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_range_named), cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_empty),	    cmocka_unit_test(test_against_model),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
