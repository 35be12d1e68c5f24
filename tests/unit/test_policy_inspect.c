/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about the keys tls, http and reason: what is read of a flow, and whose key counts. */
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

#define N(t) (sizeof(t) / sizeof((t)[0]))
#define E "version: 1\negress:\n"

enum { TCP = IPPROTO_TCP, UDP = IPPROTO_UDP, ICMP = IPPROTO_ICMP };

/* How each kind is called below. */
static const char *const words[] = {
	[PROTO_INSPECT_NONE] = "-",	  [PROTO_INSPECT_TLS] = "tls",
	[PROTO_INSPECT_TLS_OPAQUE] = "opaque", [PROTO_INSPECT_TLS_IF] = "tls-if",
	[PROTO_INSPECT_HTTP] = "http",	  [PROTO_INSPECT_QUIC] = "quic",
	[PROTO_INSPECT_QUIC_OPAQUE] = "quic-opaque",
};

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

/* One rule, and what is read on the ports 80, 443 and 8443, TCP and UDP. */
static void test_kinds(void **state)
{
	static const struct {
		const char *keys;
		const char *tcp[3], *udp[3];
	} t[] = {
		/*  1 */ { "", { "http", "tls", "tls-if" }, { "-", "quic", "-" } },
		/*  2 */ { ", tls: require", { "http", "tls", "tls" }, { "quic", "quic", "quic" } },
		/*  3 */ { ", tls: opaque", { "http", "opaque", "opaque" },
			   { "quic-opaque", "quic-opaque", "quic-opaque" } },
		/*  4 */ { ", tls: any", { "http", "-", "-" }, { "-", "-", "-" } },
		/*  5 */ { ", http: require", { "http", "tls", "http" }, { "-", "quic", "-" } },
		/*  6 */ { ", http: any", { "-", "tls", "tls-if" }, { "-", "quic", "-" } },
		/*  7 */ { ", tls: any, http: any", { "-", "-", "-" }, { "-", "-", "-" } },
		/*  8 */ { ", tls: any, http: require", { "http", "http", "http" }, { "-", "-", "-" } },
		/*  9 */ { ", tls: require, http: any", { "tls", "tls", "tls" }, { "quic", "quic", "quic" } },
		/* 10 */ { ", tls: opaque, http: any", { "opaque", "opaque", "opaque" },
			   { "quic-opaque", "quic-opaque", "quic-opaque" } },
	};
	static const uint16_t ports[] = { 80, 443, 8443 };

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		char text[256];
		struct policy *p;

		snprintf(text, sizeof(text), E "  - {allow: '*.a.test', proto: any, ports: [80, 443, 8443]%s}\n",
			 t[i].keys);
		p = load(text);
		for (size_t k = 0; k < 3; k++) {
			const char *tcp = words[policy_judge_name(p, "x.a.test", TCP, ports[k]).inspect];
			const char *udp = words[policy_judge_name(p, "x.a.test", UDP, ports[k]).inspect];

			if (strcmp(tcp, t[i].tcp[k]) != 0 || strcmp(udp, t[i].udp[k]) != 0)
				fail_msg("fact %zu, port %u: tcp %s, udp %s", i + 1, ports[k], tcp, udp);
		}
		assert_int_equal(policy_judge_name(p, "x.a.test", ICMP, 0).inspect, PROTO_INSPECT_NONE);
		assert_true(policy_judge_name(p, "x.a.test", ICMP, 0).allow);
		assert_int_equal(policy_judge_name(p, "x.b.test", TCP, 443).inspect, PROTO_INSPECT_NONE);
		policy_free(p);
	}
}

/* Both keys where each owns its port. */
static void test_both(void **state)
{
	struct policy *p = load(E "  - {allow: a.test, tls: require, http: require}\n"
				  "  - {allow: 192.0.2.1, ports: [80, 443]}\n");
	struct addr a;

	(void)state;
	assert_int_equal(policy_judge_name(p, "a.test", TCP, 80).inspect, PROTO_INSPECT_HTTP);
	assert_int_equal(policy_judge_name(p, "a.test", TCP, 443).inspect, PROTO_INSPECT_TLS);
	addr_parse("192.0.2.1", &a);
	assert_true(policy_judge_addr(p, &a, TCP, 443).allow);
	assert_int_equal(policy_judge_addr(p, &a, TCP, 443).inspect, PROTO_INSPECT_NONE);
	policy_free(p);
}

/* Several rules for one flow: the narrowest host; then a key before none, the stricter, the first. */
static void test_whose_key(void **state)
{
	struct policy *p = load(E
		"  - {allow: '*.test', tls: any, reason: wide}\n"				/* 3 */
		"  - {allow: a.test, reason: exact}\n"					/* 8 */
		"  - {allow: '*.b.test', tls: require, ports: 1-1000, reason: below}\n"	/* 12 */
		"  - {allow: c.test, reason: first}\n"					/* 17 */
		"  - {allow: c.test, tls: any, ports: 443, reason: any}\n"		/* 21 */
		"  - {allow: c.test, tls: opaque, ports: 443, reason: opaque}\n"		/* 26 */
		"  - {allow: c.test, ports: 443, reason: last}\n"			/* 31 */
		"  - {allow: d.test, ports: 8000-9000, reason: one}\n"			/* 35 */
		"  - {allow: d.test, ports: 8500, http: require, reason: two}\n"		/* 39 */
		"  - {allow: d.test, ports: 8400-8600, tls: require, reason: three}\n"	/* 44 */
		"  - {allow: e.test, ports: 1-65535, tls: any, http: require, reason: e1}\n"	/* 49 */
		"  - {allow: e.test, ports: 70-90, reason: e2}\n"			/* 55 */
		"  - {allow: e.test, ports: 80-443, tls: require, reason: e3}\n"		/* 59 */
		"  - {deny: f.test, ports: 1-10, reason: later ports}\n"			/* 64 */
		"  - {deny: f.test, ports: 5-20, reason: second}\n"			/* 68 */
		"  - {deny: '*.test', ports: 5}\n");					/* 72 */
	static const struct {
		const char *name;
		uint16_t port;
		const char *inspect;
		uint32_t rule;
		const char *note;
	} t[] = {
		/*  1 */ { "x.test", 443, "-", 3, "wide" },
		/*  2 */ { "a.test", 443, "tls", 8, "exact" },
		/*  3 */ { "x.b.test", 443, "tls", 12, "below" },
		/*  4 */ { "x.b.test", 80, "http", 12, "below" },
		/*  5 */ { "b.test", 443, "-", 3, "wide" },
		/*  6 */ { "c.test", 443, "opaque", 26, "opaque" },
		/*  7 */ { "c.test", 80, "http", 17, "first" },
		/*  8 */ { "d.test", 8399, "tls-if", 35, "one" },
		/*  9 */ { "d.test", 8400, "tls", 44, "three" },
		/* 10: one wants HTTP, one TLS: the stricter is TLS, and nothing else passes */
		/* 10 */ { "d.test", 8500, "tls", 44, "three" },
		/* 11 */ { "d.test", 8600, "tls", 44, "three" },
		/* 12 */ { "d.test", 8601, "tls-if", 35, "one" },
		/* 13 */ { "e.test", 75, "http", 49, "e1" },
		/* 14: only e1 has a key for port 80 */
		/* 14 */ { "e.test", 80, "http", 49, "e1" },
		/* 15 */ { "e.test", 100, "tls", 59, "e3" },
		/* 16 */ { "e.test", 443, "tls", 59, "e3" },
		/* 17 */ { "e.test", 444, "http", 49, "e1" },
		/* 18 */ { "f.test", 7, NULL, 64, "later ports" },
		/* 19 */ { "f.test", 15, NULL, 68, "second" },
		/* 20: a denial of the very name before that of a wider one */
		/* 20 */ { "f.test", 5, NULL, 64, "later ports" },
		/* 21 */ { "z.test", 5, NULL, 72, "" },
		/* 22: refused, but not because of a rule's reason */
		/* 22 */ { "a.test", 22, NULL, 8, "" },
		/* 23 */ { "test", 443, NULL, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct policy_verdict v = policy_judge_name(p, t[i].name, TCP, t[i].port);

		if (v.allow != (t[i].inspect != NULL) || strcmp(words[v.inspect], v.allow ? t[i].inspect : "-") != 0 ||
		    v.rule != t[i].rule || strcmp(v.note, t[i].note) != 0)
			fail_msg("fact %zu, %s %u: %s by line %u, \"%s\"", i + 1, t[i].name, t[i].port,
				 words[v.inspect], v.rule, v.note);
	}
	policy_free(p);
}

/* The longest reason fits a verdict whole. */
static void test_note(void **state)
{
	char text[512], reason[201];
	struct policy *p;

	(void)state;
	for (size_t i = 0; i < 200; i += 2)
		memcpy(reason + i, "\xc3\xbc", 2);
	reason[200] = '\0';
	snprintf(text, sizeof(text), E "  - {deny: a.test, reason: %s}\n", reason);
	p = load(text);
	assert_string_equal(policy_judge_name(p, "a.test", TCP, 1).note, reason);
	assert_string_equal(policy_judge_lookup(p, "a.test").note, reason);
	assert_true(strlen(reason) < PROTO_NOTE_CAP);
	policy_free(p);
}

/*
 * The sweep over overlapping ranges against a plain walk: the same rule for every port, whatever
 * is piled up on one host.
 */
static void test_against_model(void **state)
{
	static const char *const keys[] = { "", ", tls: require", ", tls: any", ", tls: opaque", ", http: require",
					    ", tls: any, http: require", ", http: any" };
	static const char *const kinds[] = { "-", "opaque", "tls-if", "http", "tls" };
	enum { RULES = 14 };
	struct {
		unsigned int lo, hi, key;
	} r[RULES];

	(void)state;
	srandom(7);
	for (int round = 0; round < 500; round++) {
		char text[4096] = E;
		struct policy *p;

		for (int i = 0; i < RULES; i++) {
			r[i].lo = 70 + (unsigned int)random() % 20;
			r[i].hi = r[i].lo + (unsigned int)random() % (random() % 4 ? 12 : 400);
			r[i].key = (unsigned int)random() % N(keys);
			if (r[i].lo == 80 && r[i].hi == 80)	/* where tls says nothing */
				r[i].hi = 81;
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 "  - {allow: a.test, ports: %u-%u%s, reason: r%d}\n", r[i].lo, r[i].hi, keys[r[i].key], i);
		}
		p = load(text);
		for (unsigned int port = 65; port < 500; port++) {
			int best = -1, best_rank = -1;
			struct policy_verdict v = policy_judge_name(p, "a.test", TCP, (uint16_t)port);
			char note[16] = "";

			for (int i = 0; i < RULES; i++) {
				/* by key: on port 80, on 443, elsewhere; as strict as its kind's place above */
				static const int rank[7][3] = { { 0, 0, 0 }, { 0, 5, 5 }, { 0, 1, 1 }, { 0, 2, 2 },
								{ 4, 0, 4 }, { 4, 4, 4 }, { 1, 0, 0 } };
				int here = rank[r[i].key][port == 80 ? 0 : port == 443 ? 1 : 2];

				if (port < r[i].lo || port > r[i].hi || here <= best_rank)
					continue;
				best = i;
				best_rank = here;
			}
			if (best >= 0)
				snprintf(note, sizeof(note), "r%d", best);
			if (v.allow != (best >= 0) || strcmp(v.note, note) != 0)
				fail_msg("round %d port %u: %s, not %s in\n%s", round, port, v.note, note, text);
			if (best_rank > 0 && strcmp(words[v.inspect], kinds[best_rank - 1]) != 0)
				fail_msg("round %d port %u: %s in\n%s", round, port, words[v.inspect], text);
		}
		policy_free(p);
	}
}

/* What makes no sense is said, with its place. */
static void test_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned int line, column;
		const char *piece;
	} t[] = {
		/*  1 */ { E "  - allow: a.test\n    tls: yes\n", 4, 10, "unknown tls \"yes\"; write require, opaque or any" },
		/*  2 */ { E "  - allow: a.test\n    http: opaque\n", 4, 11, "write require or any" },
		/*  3 */ { E "  - allow: a.test\n    tls: [any]\n", 4, 10, "takes one value" },
		/*  4 */ { E "  - allow: a.test\n    tls:\n", 4, 9, "no value" },
		/*  5 */ { E "  - deny: a.test\n    tls: any\n", 4, 10, "a denial allows none" },
		/*  6 */ { E "  - http: any\n    deny: a.test\n", 3, 11, "a denial allows none" },
		/*  7 */ { E "  - {allow: 192.0.2.1, ports: 443, tls: require}\n", 3, 41, "an address has none" },
		/*  8 */ { E "  - {allow: 192.0.2.0/24, ports: 80, http: any}\n", 3, 44, "an address has none" },
		/*  9 */ { E "  - {allow: a.test, proto: icmp, tls: any}\n", 3, 39, "nothing about icmp" },
		/* 10 */ { E "  - {allow: a.test, proto: udp, ports: 1, http: any}\n", 3, 49, "nothing about udp" },
		/* 11 */ { E "  - {allow: a.test, ports: 80, tls: require}\n", 3, 37, "add http: any" },
		/* 12 */ { E "  - {allow: a.test, ports: 443, http: require}\n", 3, 39, "add tls: any" },
		/* 13 */ { E "  - {allow: a.test, ports: [80, 8443], http: require, tls: require}\n", 3, 46,
			   "cannot both be had on port 8443" },
		/* 14 */ { E "  - {allow: a.test, ports: 442-444, http: require, tls: opaque}\n", 3, 43,
			   "tls: opaque cannot both be had on port 442" },
		/* 15 */ { E "  - {allow: a.test, tls: any, tls: any}\n", 3, 31, "stands here twice" },
		/* 16 */ { E "  - {allow: a.test, tsl: any}\n", 3, 21, "did you mean \"tls\"" },
		/* 17 */ { E "  - {allow: a.test, https: any}\n", 3, 21, "did you mean \"http\"" },
		/* 18 */ { E "  - {allow: a.test, tenants: one}\n", 3, 30, "can only be any" },
		/* 19 */ { E "  - {deny: a.test, tenants: any}\n", 3, 29, "shares an allowed name" },
		/* 20 */ { E "  - {allow: 192.0.2.1, ports: 1, tenants: any}\n", 3, 43, "shares an allowed name" },
		/* 21 */ { E "  - {allow: a.test, tenant: any}\n", 3, 21, "did you mean \"tenants\"" },
		/* 22 */ { E "  - allow: a.test\n    tenants: {}\n", 4, 14, "takes one value" },
		/* 23: of several mistakes the first one */
		/* 23 */ { E "  - {allow: a.test, tls: no, http: no}\n", 3, 26, "unknown tls" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct policy *p = policy_new();
		struct policy_error e;
		int r = policy_add_yaml(p, t[i].text, strlen(t[i].text), "t", &e);

		if (r != -EINVAL || e.line != t[i].line || e.column != t[i].column || !strstr(e.text, t[i].piece) ||
		    policy_count(p))
			fail_msg("fact %zu: %d %u:%u: %s", i + 1, r, e.line, e.column, e.text);
		policy_free(p);
	}
}

/* Fixed point with every key, line numbers the same in the copy. */
static void test_print(void **state)
{
	static const char text[] = E "  - allow: \"*.a.test\"\n"
				     "    proto: [tcp, udp]\n"
				     "    ports: [80, 443]\n"
				     "    tls: opaque\n"
				     "    http: any\n"
				     "    reason: \"why\"\n"
				     "  - allow: b.test\n"
				     "    proto: tcp\n"
				     "    ports: [8080]\n"
				     "    http: require\n"
				     "  - allow: c.test\n"
				     "    proto: tcp\n"
				     "    ports: [80, 443]\n";
	struct policy *p = load(text);
	char *got = policy_print(p, NULL);

	(void)state;
	assert_string_equal(got, text);
	assert_int_equal(policy_judge_name(p, "x.a.test", UDP, 443).rule, 3);
	assert_int_equal(policy_judge_name(p, "b.test", TCP, 8080).rule, 9);
	assert_int_equal(policy_judge_name(p, "c.test", TCP, 80).rule, 13);
	free(got);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),  cmocka_unit_test(test_both),	     cmocka_unit_test(test_whose_key),
		cmocka_unit_test(test_note),   cmocka_unit_test(test_against_model), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_print),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
