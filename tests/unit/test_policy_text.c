/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about text: names, SPECs, YAML errors with their places, canonical text, explain. */
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
#define A63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void test_name(void **state)
{
	static const struct {
		const char *in, *out;	/* out NULL: refused */
	} t[] = {
		/*  1 */ { "example.test", "example.test" },
		/*  2 */ { "EXAMPLE.Test.", "example.test" },
		/*  3 */ { "B\xc3\xbc" "cher.de", "xn--bcher-kva.de" },
		/*  4 */ { "b\xc3\x9c" "CHER.DE", "xn--bcher-kva.de" },
		/*  5 */ { "XN--BCHER-KVA.de", "xn--bcher-kva.de" },
		/*  6 */ { "bu\xcc\x88" "cher.de", "xn--bcher-kva.de" },	/* decomposed */
		/*  7 */ { "fa\xc3\x9f.de", "xn--fa-hia.de" },			/* non-transitional */
		/*  8 */ { "ok\xe3\x80\x82test", "ok.test" },			/* ideographic full stop */
		/*  9 */ { "\xef\xbd\x85\xef\xbd\x98.test", "ex.test" },	/* full width */
		/* 10 */ { "\xd0\xbe" "k.test", "xn--k-0tb.test" },		/* Cyrillic o: another name */
		/* 11 */ { "r3---sn-abc.video.test", "r3---sn-abc.video.test" },
		/* 12 */ { "_dmarc.x.test", "_dmarc.x.test" },
		/* 13 */ { "localhost", "localhost" },
		/* 14 */ { "4.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.arpa" },
		/* 15 */ { A63 ".test", A63 ".test" },
		/* 16 */ { A63 "h.test", NULL },
		/* 17 */ { A63 "." A63 "." A63 "." "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg",
			   A63 "." A63 "." A63 "." "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg" },
		/* 18 */ { A63 "." A63 "." A63 "." "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgg",
			   NULL },
		/* 19 */ { "", NULL },
		/* 20 */ { ".", NULL },
		/* 21 */ { "a..test", NULL },
		/* 22 */ { ".a.test", NULL },
		/* 23 */ { "a.test..", NULL },
		/* 24 */ { "a b.test", NULL },
		/* 25 */ { "a.test\t", NULL },
		/* 26 */ { "a%2etest", NULL },
		/* 27 */ { "user@a.test", NULL },
		/* 28 */ { "a.test#b", NULL },
		/* 29 */ { "*.test", NULL },
		/* 30 */ { "xn--bcher-kv.de", NULL },				/* decodes to nothing valid */
		/* 31 */ { "xn--abc-.de", NULL },				/* decodes to ASCII */
		/* 32 */ { "xn--.de", NULL },
		/* 33 */ { "\xe2\x84\x80.test", NULL },				/* maps to a/c */
		/* 34 */ { "a\xe2\x80\xa4" "b.test", NULL },			/* one dot leader */
		/* 35 */ { "a\xff.test", NULL },				/* not UTF-8 */
		/* 36 */ { "\xe2\x98\x83.test", NULL },				/* a symbol: not IDNA 2008 */
		/* 37 */ { "127.1", NULL },
		/* 38 */ { "2130706433", NULL },
		/* 39 */ { "0x7f.1", NULL },
		/* 40 */ { "a.0x7f", NULL },
		/* 41 */ { "192.0.2.1", NULL },
		/* 42 */ { "2001:db8::1", NULL },
		/* 43 */ { "\xc2\xad.test", NULL },				/* soft hyphen alone vanishes */
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		char buf[PROTO_NAME_CAP] = "untouched";
		int r = policy_name(t[i].in, buf);

		if (r != (t[i].out ? 0 : -EINVAL) || strcmp(buf, t[i].out ? t[i].out : "untouched") != 0)
			fail_msg("fact %zu, \"%s\": %d \"%s\"", i + 1, t[i].in, r, buf);
	}
}

/* Everything from the first rule on, with newlines as "|" and without the canonical indent. */
static void squeeze(const struct policy *p, char *buf, size_t cap)
{
	char *text = policy_print(p, NULL), *s = strstr(text, "  - ");
	size_t n = 0;

	for (s = s ? s + 4 : text; *s && n + 1 < cap; s++) {
		if (*s == ' ' && (s[1] == ' ' || s[-1] == '\n' || s[-1] == ' '))
			continue;
		buf[n++] = *s == '\n' ? '|' : *s;
	}
	buf[n] = '\0';
	free(text);
}

static void test_spec(void **state)
{
	static const struct {
		bool allow;
		const char *spec, *out;		/* out: canonical rule, or "!" and a piece of the error */
	} t[] = {
		/*  1 */ { true, "pypi.org", "allow: pypi.org|proto: tcp|ports: [80, 443]|" },
		/*  2 */ { true, "PyPI.org.:443", "allow: pypi.org|proto: tcp|ports: [443]|" },
		/*  3 */ { true, "a.test:443,80,8000-8010,81",
			   "allow: a.test|proto: tcp|ports: [80-81, 443, 8000-8010]|" },
		/*  4 */ { true, "udp://a.test:53", "allow: a.test|proto: udp|ports: [53]|" },
		/*  5 */ { true, "tcp://*.a.test", "allow: *.a.test|proto: tcp|ports: [80, 443]|" },
		/*  6 */ { true, "icmp://192.0.2.0/24", "allow: 192.0.2.0/24|proto: icmp|" },
		/*  7 */ { true, "10.0.0.0/8:5432", "allow: 10.0.0.0/8|proto: tcp|ports: [5432]|" },
		/*  8 */ { true, "[2001:DB8::]:443", "allow: 2001:db8::|proto: tcp|ports: [443]|" },
		/*  9 */ { true, "[2001:db8::/32]:443", "allow: 2001:db8::/32|proto: tcp|ports: [443]|" },
		/* 10 */ { true, "icmp://2001:db8::1", "allow: 2001:db8::1|proto: icmp|" },
		/* 11 */ { false, "a.test", "deny: a.test|proto: any|ports: [1-65535]|" },
		/* 12 */ { false, "a.test:25", "deny: a.test|proto: [tcp, udp]|ports: [25]|" },
		/* 13 */ { false, "tcp://10.0.0.0/8", "deny: 10.0.0.0/8|proto: tcp|ports: [1-65535]|" },
		/* 14 */ { false, "icmp://10.0.0.0/8", "deny: 10.0.0.0/8|proto: icmp|" },
		/* 15 */ { true, "192.0.2.7/32:1", "allow: 192.0.2.7|proto: tcp|ports: [1]|" },
		/* 16 */ { true, "192.0.2.1", "!needs ports" },
		/* 17 */ { true, "2001:db8::1:443", "![ADDRESS]:443" },
		/* 18 */ { true, "udp://a.test", "!no usual ports" },
		/* 19 */ { true, "icmp://a.test:7", "!icmp has no ports" },
		/* 20 */ { true, "a.test:0", "!bad port \"0\"" },
		/* 21 */ { true, "a.test:70000", "!bad port \"70000\"" },
		/* 22 */ { true, "a.test:443,", "!bad port \"\"" },
		/* 23 */ { true, "a.test:0443", "!bad port" },
		/* 24 */ { true, "a.test:+1", "!bad port" },
		/* 25 */ { true, "a.test:9-1", "!write 1-9" },
		/* 26 */ { true, "a.test:1-70000", "!bad port" },
		/* 27 */ { true, "https://a.test", "!\"https://\" is not tcp://" },
		/* 28 */ { true, "a.test/path", "!without a path" },
		/* 29 */ { true, "10.0.0.1/8:1", "!write 10.0.0.0/8" },
		/* 30 */ { true, "[2001:db8::1/32]:1", "!write 2001:db8::/32" },
		/* 31 */ { true, "10.0.0.0/33:1", "!from 0 to 32" },
		/* 32 */ { true, "10.0.0.0/08:1", "!bad prefix length" },
		/* 33 */ { true, "[::ffff:192.0.2.1]:1", "!IPv4-mapped address" },
		/* 34 */ { true, "[::ffff:0:0/96]:1", "!IPv4-mapped prefix" },
		/* 35 */ { true, "[fe80::1%eth0]:1", "!has a zone" },
		/* 36 */ { true, "*", "!every name there is" },
		/* 37 */ { true, "a.*.test", "!not the whole first part" },
		/* 38 */ { true, "*a.test", "!not the whole first part" },
		/* 39 */ { true, "*.192.0.2.1:1", "!cannot end in a number" },
		/* 40 */ { true, "", "!host is empty" },
		/* 41 */ { true, ":443", "!host is empty" },
		/* 42 */ { true, "[a.test]:443", "!is not [IPV6-ADDRESS]" },
		/* 43 */ { true, "[2001:db8::1]443", "!is not [IPV6-ADDRESS]" },
		/* 44 */ { true, "a test:1", "!a space" },
		/* 45 */ { true, "0177.0.0.1:80", "!no whole address" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct policy *p = policy_new();
		struct policy_error e;
		char got[256], *q;
		int r = policy_add_spec(p, t[i].allow, t[i].spec, &e);

		if (t[i].out[0] == '!') {
			if (r != -EINVAL || e.line || !strstr(e.text, t[i].out + 1) || policy_count(p))
				fail_msg("fact %zu, %s: %d \"%s\"", i + 1, t[i].spec, r, e.text);
		} else {
			assert_int_equal(r, 0);
			squeeze(p, got, sizeof(got));
			while ((q = strchr(got, '"')))
				memmove(q, q + 1, strlen(q));
			if (strcmp(got, t[i].out) != 0)
				fail_msg("fact %zu, %s: %s", i + 1, t[i].spec, got);
		}
		policy_free(p);
	}
}

static void test_spec_for(void **state)
{
	static const struct {
		const char *host;
		uint8_t proto;
		uint16_t port;
		const char *spec;
	} t[] = {
		/* 1 */ { "a.test", IPPROTO_TCP, 443, "a.test:443" },
		/* 2 */ { "a.test", IPPROTO_UDP, 53, "udp://a.test:53" },
		/* 3 */ { "a.test", IPPROTO_ICMP, 0, "icmp://a.test" },
		/* 4 */ { "a.test", 0, 0, "a.test" },
		/* 5 */ { "192.0.2.1", IPPROTO_TCP, 22, "192.0.2.1:22" },
		/* 6 */ { "2001:db8::1", IPPROTO_TCP, 22, "[2001:db8::1]:22" },
		/* 7 */ { "2001:db8::1", IPPROTO_ICMP, 0, "icmp://[2001:db8::1]" },
		/* 8 */ { "192.0.2.1", IPPROTO_TCP, 0, "" },
		/* 9 */ { "bad name", IPPROTO_TCP, 80, "" },
	};
	char buf[64], small[8];

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		policy_spec_for(t[i].host, t[i].proto, t[i].port, buf, sizeof(buf));
		assert_string_equal(buf, t[i].spec);
		if (buf[0]) {
			struct policy *p = policy_new();
			struct policy_error e;

			assert_int_equal(policy_add_spec(p, true, buf, &e), 0);
			policy_free(p);
		}
	}
	policy_spec_for("a.test", IPPROTO_TCP, 443, small, sizeof(small));
	assert_string_equal(small, "");
}

#define V "version: 1\n"
#define E V "egress:\n"

static void test_yaml_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned int line, column;
		const char *piece;
	} t[] = {
		/*  1 */ { "", 1, 1, "is empty" },
		/*  2 */ { "# nothing\n", 2, 1, "is empty" },
		/*  3 */ { "egress: []\n", 1, 1, "version is missing" },
		/*  4 */ { "version: 2\n", 1, 10, "reads version 1" },
		/*  5 */ { V "egres: []\n", 2, 1, "did you mean \"egress\"" },
		/*  6 */ { V "ingress_rules: []\n", 2, 1, "the keys here are version, preset, presets, egress, limits" },
		/*  7 */ { V "version: 1\n", 2, 1, "stands here twice" },
		/*  8 */ { V "egress:\n", 2, 8, "list of rules" },
		/*  9 */ { V "egress: {allow: a.test}\n", 2, 9, "list of rules" },
		/* 10 */ { E "  - a.test\n", 3, 5, "starts with allow:" },
		/* 11 */ { E "  - allow: a.test\n    port: 1\n", 4, 5, "did you mean \"ports\"" },
		/* 12 */ { E "  - allow: a.test\n    ports: [0]\n", 4, 13, "bad port \"0\"" },
		/* 13 */ { E "  - allow: a.test\n    ports: [443, 70000]\n", 4, 18, "bad port \"70000\"" },
		/* 14 */ { E "  - allow: a.test\n    ports: []\n", 4, 13, "empty list" },
		/* 15 */ { E "  - allow: a.test\n    ports: \"80,443\"\n", 4, 12, "write a list" },
		/* 16 */ { E "  - allow: a.test\n    ports: {a: b}\n", 4, 12, "a value or a list" },
		/* 17 */ { E "  - allow: a.test\n    ports: [[1]]\n", 4, 13, "takes one value" },
		/* 18 */ { E "  - allow: a.test\n    proto: tpc\n", 4, 12, "unknown protocol \"tpc\"" },
		/* 19 */ { E "  - allow: 192.0.2.1\n", 3, 12, "needs ports" },
		/* 20 */ { E "  - allow: a.test\n    proto: icmp\n    ports: 7\n", 5, 12, "icmp has no ports" },
		/* 21 */ { E "  - allow: a.test\n    proto: udp\n", 4, 12, "no usual ports" },
		/* 22 */ { E "  - ports: [1]\n", 3, 5, "without a host" },
		/* 23 */ { E "  - allow: a.test\n    deny: b.test\n", 4, 5, "write two rules" },
		/* 24 */ { E "  - allow:\n", 3, 11, "no value" },
		/* 25 */ { E "  - allow: [a.test]\n", 3, 12, "takes one value" },
		/* 26 */ { E "  - allow: *.a.test\n", 3, 12, "starts with * needs quotes" },
		/* 26, a real alias */ { E "  - allow: *a\n", 3, 12, "aliases are not allowed" },
		/* 27 */ { E "  - allow: &x a.test\n", 3, 12, "anchors are not allowed" },
		/* 28 */ { E "  - allow: !!str a.test\n", 3, 12, "tags are not allowed" },
		/* 29 */ { E "  - allow: |\n      a.test\n", 3, 12, "block text" },
		/* 30 */ { E "  - allow: \"a\\0.test\"\n", 3, 12, "control character" },
		/* 31 */ { E "  - allow: a.test:443\n", 3, 12, "ports separately" },
		/* 32 */ { E "  - allow: https://a.test\n", 3, 12, "is a URL" },
		/* 33 */ { E "  - allow: '[2001:db8::1]'\n    ports: 1\n", 3, 12, "has brackets" },
		/* 34 */ { E "  - {allow: 10.0.0.1/8, ports: 1}\n", 3, 13, "write 10.0.0.0/8" },
		/* 35 */ { E "  - allow: a.test\n    reason: \"a\\nb\"\n", 4, 13, "line break" },
		/* 36 */ { E "  - allow: a.test\n    reason: \"a\\u202eb\"\n", 4, 13, "invisible" },
		/* 37 */ { V "---\n" V, 2, 1, "second document" },
		/* 38 */ { V "limits: {flows: 0}\n", 2, 17, "for no limit" },
		/* 39 */ { V "limits: {flows: 2KiB}\n", 2, 17, "bad number" },
		/* 40 */ { V "limits: {flows: 2000000}\n", 2, 17, "at most 65536" },
		/* 41 */ { V "limits: {up_bytes: 1 Gb}\n", 2, 20, "bad size" },
		/* 42 */ { V "limits: {up_bytes: 99999999TiB}\n", 2, 20, "bad size" },
		/* 43 */ { V "limits: {up_byte: 1}\n", 2, 10, "did you mean \"up_bytes\"" },
		/* 44 */ { V "limits: 5\n", 2, 9, "takes keys" },
		/* 45 */ { V "egress: [\n", 3, 1, "not valid YAML" },
		/* 46 */ { V "\tegress: []\n", 2, 1, "not valid YAML" },
		/* 47 */ { V "? [a]\n: b\n", 2, 3, "must be a word" },
		/* 48 */ { V "<<: {egress: []}\n", 2, 1, "unknown key \"<<\"" },
		/* 49 */ { "- a\n", 1, 1, "starts with \"version: 1\"" },
		/* 50 */ { "version: 1\xff\n", 1, 1, "plain UTF-8" },
		/* 51 */ { E "  - allow: a.test\n  - allow: b..test\n", 4, 12, "between two dots" },
		/* 52 */ { V "denied_names: nothing\n", 2, 15, "write answer, nxdomain or refused" },
		/* 53 */ { V "denied_names: [answer]\n", 2, 15, "takes one value" },
		/* 54 */ { V "denied_name: answer\n", 2, 1, "did you mean \"denied_names\"" },
		/* 55 */ { V "denied_names: refused\ndenied_names: refused\n", 3, 1, "stands here twice" },
		/* 56 */ { V "denied_names: \"refused\\0\"\n", 2, 15, "write answer" },
		/* 57 */ { V "limits: {names: 1k}\n", 2, 17, "bad number" },
		/* 58 */ { V "limits: {queries_per_s: 1000001}\n", 2, 25, "at most 1000000" },
		/* 59 */ { V "limits: {queries: 1}\n", 2, 10, "the keys here are flows, new_flows_per_s, up_bytes" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct policy *p = policy_new();
		struct policy_error e;
		int r = policy_add_yaml(p, t[i].text, strlen(t[i].text), "t", &e);

		if (r != -EINVAL || e.line != t[i].line || e.column != t[i].column || !strstr(e.text, t[i].piece) ||
		    strchr(e.text, '\n') || policy_count(p))
			fail_msg("fact %zu: %d %u:%u: %s", i + 1, r, e.line, e.column, e.text);
		policy_free(p);
	}
}

static void test_nesting(void **state)
{
	enum { DEEP = 200000 };
	char *text = malloc(DEEP + 16);
	struct policy *p = policy_new();
	struct policy_error e;

	(void)state;
	memset(text, '[', DEEP);
	assert_int_equal(policy_add_yaml(p, text, DEEP, "t", &e), -EINVAL);
	memcpy(text, "egress: ", 8);
	assert_int_equal(policy_add_yaml(p, text, DEEP, "t", &e), -EINVAL);
	memset(text, '{', DEEP);
	assert_int_equal(policy_add_yaml(p, text, DEEP, "t", &e), -EINVAL);
	policy_free(p);
	free(text);
}

static void test_print(void **state)
{
	static const char in[] = "limits: {down_bytes: 10GB, up_bytes: 1GiB, names: 500, flows: 7, queries_per_s: 20}\n"
				 "denied_names: nxdomain\n"
				 "egress:\n"
				 "- deny: 'B\xc3\xbc" "cher.TEST.'\n"
				 "  reason: 'say \"no\" \\ 1'\n"
				 "- {ports: ['20-30', 25, 31, 443], allow: '*.a.test', proto: [udp, tcp]}\n"
				 "- {allow: 2001:DB8:0::/48, proto: icmp}\n"
				 "version: 1\n";
	static const char out[] = "version: 1\n"
				  "egress:\n"
				  "  - deny: xn--bcher-kva.test\n"
				  "    proto: any\n"
				  "    ports: [\"1-65535\"]\n"
				  "    reason: \"say \\\"no\\\" \\\\ 1\"\n"
				  "  - allow: \"*.a.test\"\n"
				  "    proto: [tcp, udp]\n"
				  "    ports: [\"20-31\", 443]\n"
				  "  - allow: \"2001:db8::/48\"\n"
				  "    proto: icmp\n"
				  "denied_names: nxdomain\n"
				  "limits:\n"
				  "  flows: 7\n"
				  "  up_bytes: 1GiB\n"
				  "  down_bytes: 10GB\n"
				  "  names: 500\n"
				  "  queries_per_s: 20\n";
	struct policy_error e;

	(void)state;
	for (int i = 0; i < 2; i++) {	/* the second time from the canonical text */
		struct policy *p = policy_new();
		const char *text = i ? out : in;
		size_t len;
		char *got;

		assert_int_equal(policy_add_yaml(p, text, strlen(text), "t", &e), 0);
		got = policy_print(p, &len);
		assert_string_equal(got, out);
		assert_int_equal(len, strlen(out));
		free(got);
		policy_free(p);
	}
}

static void test_many_sources(void **state)
{
	static const char a[] = V "egress: [{allow: a.test}]\nlimits: {flows: 100, up_bytes: 5}\n";
	static const char b[] = V "egress: [{allow: b.test}]\nlimits: {flows: 50, down_bytes: 6}\n";
	static const char c[] = V "denied_names: refused\nlimits: {names: 7}\n";
	static const char d[] = V "denied_names: answer\n";
	static const char bad[] = V "limits: {flows: 1}\negress: [{allow: c.test}, {allow: '*'}]\n";
	struct policy *p = policy_new();
	struct policy_error e;

	(void)state;
	assert_int_equal(policy_add_yaml(p, a, strlen(a), "a", &e), 0);
	assert_int_equal(policy_add_yaml(p, b, strlen(b), "b", &e), 0);
	assert_int_equal(policy_add_yaml(p, bad, strlen(bad), "bad", &e), -EINVAL);
	assert_int_equal(policy_denied_names(p), POLICY_NAMES_ANSWER);
	assert_int_equal(policy_add_yaml(p, c, strlen(c), "c", &e), 0);
	assert_int_equal(policy_add_yaml(p, c, strlen(c), "c", &e), 0);
	assert_int_equal(policy_add_yaml(p, d, strlen(d), "d", &e), -EINVAL);
	assert_true(e.line == 2 && e.column == 15 && strstr(e.text, "denied_names: refused"));
	assert_int_equal(policy_denied_names(p), POLICY_NAMES_REFUSED);
	assert_int_equal(policy_add_spec(p, true, "d.test:1", &e), 0);
	assert_int_equal(policy_count(p), 3);
	assert_int_equal(policy_get_limits(p)->names, 7);
	assert_int_equal(policy_get_limits(p)->flows, 50);
	assert_int_equal(policy_get_limits(p)->up_bytes, 5);
	assert_int_equal(policy_get_limits(p)->down_bytes, 6);
	assert_int_equal(policy_compile(p), 0);
	assert_true(policy_judge_name(p, "d.test", IPPROTO_TCP, 1).allow);
	assert_false(policy_judge_name(p, "c.test", IPPROTO_TCP, 443).allow);
	policy_free(p);
}

static void test_explain(void **state)
{
	static const char text[] = E "  - allow: a.test\n"
				     "  - deny: '*.b.test'\n"
				     "    reason: no uploads\n"
				     "  - {allow: 0.0.0.0/0, ports: 80}\n";
	static const struct {
		const char *spec;
		int status;
		const char *pieces[3];
	} t[] = {
		/* 1 */ { "a.test:443", 0, { "allowed: a.test tcp 443", "f.yaml:3 (canonical line 3)", "--deny" } },
		/* 2 */ { "a.test:443,444", 1, { "allowed:", "policy-port", "--allow a.test:444 would" } },
		/* 3 */ { "a.test:80-90", 1, { "allowed: a.test tcp 80\n", "denied: a.test tcp 81-90", "81-90 would" } },
		/* 4 */ { "x.b.test", 1, { "policy-deny", "f.yaml:4 (canonical line 6)", "no uploads" } },
		/* 5 */ { "udp://a.test:53", 1, { "policy-proto", "allow a.test tcp 80,443", "udp://a.test:53" } },
		/* 6 */ { "c.test", 1, { "policy-name", "rule    none", "--allow c.test:80" } },
		/* 7 */ { "169.254.169.254:80", 1, { "policy-range", "0.0.0.0/0", "169.254.169.254:80 would" } },
		/* 8 */ { "icmp://8.8.8.8", 1, { "icmp echo", "policy-proto", "icmp://8.8.8.8 would" } },
		/* 9 */ { "*.a.test", 2, { "" } },
		/* 10 */ { "10.0.0.0/8:1", 2, { "" } },
		/* 11 */ { "8.8.8.8", 2, { "" } },
	};
	struct policy *p = policy_new();
	struct policy_error e;

	(void)state;
	assert_int_equal(policy_add_yaml(p, text, strlen(text), "f.yaml", &e), 0);
	assert_int_equal(policy_compile(p), 0);
	for (size_t i = 0; i < N(t); i++) {
		char *out = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&out, &len);
		int status = policy_explain(p, t[i].spec, false, f, &e);

		fclose(f);
		if (status != t[i].status || (status == 2 && (!e.text[0] || len)))
			fail_msg("fact %zu, %s: %d", i + 1, t[i].spec, status);
		for (size_t k = 0; k < 3 && t[i].pieces[k]; k++) {
			if (!strstr(out, t[i].pieces[k]))
				fail_msg("fact %zu, %s: no \"%s\" in %s", i + 1, t[i].spec, t[i].pieces[k], out);
		}
		free(out);
	}
	policy_free(p);
}

/* Any one of n. */
#define ANY(t) (t)[(size_t)random() % N(t)]

/* A rule with whatever keys; often one that makes no sense. */
static void random_rule(char *buf, size_t cap)
{
	static const char *const hosts[] = { "a.test",	    "'*.a.test'", "B.Test.",	    "192.0.2.0/24",
					     "'2001:db8::1'", "b\xc3\xbc.test", "'*.xn--b-wga.test'", "8.8.8.8" };
	static const char *const protos[] = { "", "", ", proto: tcp", ", proto: [udp, tcp]", ", proto: any", ", proto: icmp" };
	static const char *const ports[] = { "", ", ports: 80", ", ports: 443", ", ports: [80, 443, 444-600, 590-610]",
					     ", ports: 1-65535", ", ports: ['7', \"9-8\", 8]" };
	static const char *const tls[] = { "", "", ", tls: require", ", tls: opaque", ", tls: any" };
	static const char *const http[] = { "", "", ", http: require", ", http: any" };
	static const char *const rest[] = { "", "", ", tenants: any", ", reason: 'it''s \"so\" \\ #'", ", reason: x, tenants: any" };

	snprintf(buf, cap, "  - {%s: %s%s%s%s%s%s}\n", random() % 4 ? "allow" : "deny", ANY(hosts), ANY(protos), ANY(ports),
		 ANY(tls), ANY(http), ANY(rest));
}

static bool same_verdict(const struct policy *p, const struct policy *q, uint8_t proto, uint16_t port)
{
	struct policy_verdict a = policy_judge_name(p, "x.a.test", proto, port);
	struct policy_verdict b = policy_judge_name(q, "x.a.test", proto, port);

	return a.allow == b.allow && a.reason == b.reason && a.rule == b.rule && a.inspect == b.inspect &&
	       strcmp(a.note, b.note) == 0;
}

/* What is printed reads as the same policy, and prints as the same text: for every mix of keys. */
static void test_fixed_point(void **state)
{
	static const char *const tails[] = { "", "denied_names: refused\n", "denied_names: answer\n",
					     "limits: {names: 3000, queries_per_s: 7, up_bytes: 2048, flows: 9}\n" };
	size_t n_rules = 0;

	(void)state;
	srandom(3);
	for (int round = 0; round < 3000; round++) {
		struct policy *p = policy_new(), *q = policy_new();
		struct policy_error e;
		char *t1, *t2;

		for (int i = 0; i < 6; i++) {
			char rule[512], text[1024];

			random_rule(rule, sizeof(rule));
			snprintf(text, sizeof(text), E "%s%s", rule, i ? "" : ANY(tails));
			if (policy_add_yaml(p, text, strlen(text), "t", &e) != 0 && (e.line < 3 || !e.column || !e.text[0]))
				fail_msg("round %d, %u:%u: %s\n%s", round, e.line, e.column, e.text, text);
		}
		t1 = policy_print(p, NULL);
		if (policy_add_yaml(q, t1, strlen(t1), "t", &e) != 0)
			fail_msg("round %d, %u:%u: %s\n%s", round, e.line, e.column, e.text, t1);
		t2 = policy_print(q, NULL);
		assert_string_equal(t1, t2);
		assert_int_equal(policy_compile(p), 0);
		assert_int_equal(policy_compile(q), 0);
		for (uint16_t port = 79; port < 82; port++)
			assert_true(same_verdict(p, q, IPPROTO_TCP, port) && same_verdict(p, q, IPPROTO_UDP, port));
		assert_true(same_verdict(p, q, IPPROTO_TCP, 443) && same_verdict(p, q, IPPROTO_UDP, 443));
		n_rules += policy_count(p);
		free(t1);
		free(t2);
		policy_free(p);
		policy_free(q);
	}
	/* Enough of them made sense. */
	assert_true(n_rules > 3000);
}

/* The decider parses the canonical text in its own process: line numbers must be the same there. */
static void test_lines_survive(void **state)
{
	static const char text[] = E "  - {deny: z.test, reason: why}\n"
				     "  - {allow: i.test, proto: icmp, reason: r}\n"
				     "  - {allow: a.test}\n";
	struct policy *p = policy_new(), *q = policy_new();
	struct policy_error e;
	size_t len;
	char *canon;

	(void)state;
	assert_int_equal(policy_add_yaml(p, text, strlen(text), "f", &e), 0);
	canon = policy_print(p, &len);
	assert_int_equal(policy_add_yaml(q, canon, len, "canonical", &e), 0);
	assert_int_equal(policy_compile(p), 0);
	assert_int_equal(policy_compile(q), 0);
	assert_int_equal(policy_judge_name(p, "a.test", IPPROTO_TCP, 80).rule, 10);
	assert_int_equal(policy_judge_name(q, "a.test", IPPROTO_TCP, 80).rule, 10);
	free(canon);
	policy_free(p);
	policy_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),	     cmocka_unit_test(test_spec),
		cmocka_unit_test(test_spec_for),     cmocka_unit_test(test_yaml_errors),
		cmocka_unit_test(test_nesting),	     cmocka_unit_test(test_print),
		cmocka_unit_test(test_many_sources), cmocka_unit_test(test_explain),
		cmocka_unit_test(test_lines_survive), cmocka_unit_test(test_fixed_point),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
