/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about egress: judgements, candidates and their order, hosts, resolv.conf, buckets, ids. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "netd/egress/dial.c"
#include "netd/egress/bucket.h"
#include "netd/egress/events.h"
#include "netd/egress/hosts.h"
#include "netd/egress/reload.h"
#include "netd/egress/resolvconf.h"

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* ---- judge ---- */

static struct policy *policy_of(const char *text)
{
	struct policy_error e;
	struct policy *p = policy_new();

	assert_int_equal(policy_add_yaml(p, text, strlen(text), "test", &e), 0);
	assert_int_equal(policy_compile(p), 0);
	return p;
}

static const char rules[] =
	"version: 1\n"
	"egress:\n"
	"  - allow: web.test\n"
	"  - allow: 10.1.0.0/16\n"
	"    ports: [5432]\n"
	"  - allow: 192.0.2.0/24\n"
	"    ports: [22]\n"
	"  - deny: 192.0.2.128/25\n"
	"  - allow: 0.0.0.0/0\n"
	"    ports: [9]\n";

static void test_judge_candidate(void **state)
{
	static const struct {
		bool named;		/* of web.test, port 443; else a bare address */
		const char *addr;
		uint16_t port;
		bool is_own;
		enum drop_reason reason;
	} t[] = {
		/*  1 */ { true, "203.0.113.1", 443, false, DROP_NONE },
		/*  2 */ { true, "2606:4700::1", 443, false, DROP_NONE },
		/*  3 */ { true, "127.0.0.1", 443, false, DROP_DIAL_RANGE },
		/*  4 */ { true, "::1", 443, false, DROP_DIAL_RANGE },
		/*  5 */ { true, "192.168.1.1", 443, false, DROP_DIAL_RANGE },
		/*  6 */ { true, "169.254.169.254", 443, false, DROP_DIAL_RANGE },
		/*  7 */ { true, "fe80::1", 443, false, DROP_DIAL_RANGE },
		/*  8 */ { true, "224.0.0.1", 443, false, DROP_DIAL_RANGE },
		/*  9 */ { true, "0.0.0.0", 443, false, DROP_DIAL_RANGE },
		/* 10 */ { true, "64:ff9b::1", 443, false, DROP_DIAL_RANGE },
		/* 11 */ { true, "240.0.0.1", 443, false, DROP_DIAL_RANGE },
		/* 12 */ { true, "255.255.255.255", 443, false, DROP_DIAL_RANGE },
		/* 13: a rule names the range, but not for this port; 25, 26 */
		{ true, "10.1.2.3", 443, false, DROP_DIAL_RANGE },
		/* 14 */ { true, "10.2.2.3", 443, false, DROP_DIAL_RANGE },
		/* 15: deny wins for what a name resolves to as well */
		{ true, "192.0.2.200", 443, false, DROP_POLICY_DENY },
		/* 16 */ { true, "192.0.2.20", 443, false, DROP_NONE },
		/* 17: IPv6 is named by no range, so the host's own address is refused */
		{ true, "2606:4700::1", 443, true, DROP_DIAL_RANGE },
		/* 18: the link and the pools */
		{ true, "198.18.0.9", 443, false, DROP_DIAL_RANGE },
		/* 19 */ { true, LINK_GW4, 443, false, DROP_DIAL_RANGE },
		/* 20 */ { false, "10.1.2.3", 5432, false, DROP_NONE },
		/* 21 */ { false, "10.1.2.3", 5433, false, DROP_POLICY_PORT },
		/* 22: the widest range does not name what is special */
		{ false, "127.0.0.1", 9, false, DROP_POLICY_RANGE },
		/* 23 */ { false, "169.254.169.254", 9, false, DROP_POLICY_RANGE },
		/* 24 */ { false, "0.0.0.0", 9, false, DROP_POLICY_RANGE },
		/* 25: where the range's rule lets the program, a name may lead too */
		{ true, "10.1.2.3", 5432, false, DROP_NONE },
		/* 26: likewise where the address is the host's own */
		{ true, "10.1.2.3", 5432, true, DROP_NONE },
		/* 25 */ { false, "203.0.113.1", 9, false, DROP_NONE },
		/* 26 */ { false, "192.0.2.200", 22, false, DROP_POLICY_DENY },
	};
	struct lease_table leases;
	struct policy *p = policy_of(rules);
	struct judge j = { p, &leases, addr(LINK_GW4), addr(LINK_GW6) };
	struct name *n;

	(void)state;
	assert_int_equal(lease_table_init(&leases), 0);
	n = lease_name_new(&leases, "web.test", false, 1);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr a = addr(t[i].addr);
		struct judge_port port = { IPPROTO_TCP, t[i].port };
		enum drop_reason r = judge_candidate(&j, t[i].named ? n : NULL, &a, &port, t[i].is_own);

		if (r != t[i].reason)
			print_message("# case %zu: %d\n", i + 1, r);
		assert_int_equal(r, t[i].reason);
	}
	lease_table_done(&leases);
	policy_free(p);
}

static void test_judge_lease(void **state)
{
	static const struct {
		const char *addr;
		bool is_own, ok;
	} t[] = {
		/* 1 */ { "2606:4700::1", false, true },
		/* 2 */ { "2606:4700::1", true, false },
		/* 3 */ { "fd00::1", false, false },
		/* 4: a rule speaks about it */ { "192.0.2.20", false, false },
		/* 5: as about every IPv4 address here */ { "203.0.113.1", false, false },
		/* 6 */ { LINK_GW6, false, false },
		/* 7 */ { "fd73:6c75:6963:6501::5", false, false },
	};
	struct lease_table leases;
	struct policy *p = policy_of(rules);
	struct judge j = { p, &leases, addr(LINK_GW4), addr(LINK_GW6) };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr a = addr(t[i].addr);

		assert_int_equal(judge_may_lease(&j, &a, t[i].is_own), t[i].ok);
	}
	policy_free(p);
}

/* A rule for an address that was leased before the rule was there, and a flow that was let through before. */
static void test_judge_again(void **state)
{
	static const char text[] =
		"version: 1\n"
		"egress:\n"
		"  - allow: web.test\n"
		"  - {allow: 198.51.100.0/24, ports: [22, 443]}\n"
		"  - deny: old.test\n";
	static const struct {
		const char *dst;
		uint16_t port;
		bool allow;
		const char *name;		/* what the answer is about, NULL: the address */
		bool again_named, again_bare;	/* the same flow, had it been let through as either */
	} t[] = {
		/* 1 */ { "198.51.100.1", 443, true, "web.test", true, true },
		/* 2: the name is not allowed there, the address is */
		{ "198.51.100.1", 22, true, NULL, false, true },
		/* 3 */ { "198.51.100.1", 80, true, "web.test", true, false },
		/* 4: neither */
		{ "198.51.100.1", 25, false, "web.test", false, false },
		/* 5: a denied name takes nothing from the address, which anybody may dial as such */
		{ "198.51.100.2", 443, true, NULL, false, true },
		/* 6 */ { "198.51.100.2", 80, false, "old.test", false, false },
		/* 7: nobody's address */
		{ "198.51.100.3", 443, true, NULL, false, true },
	};
	struct lease_table leases;
	struct policy *p = policy_of(text);
	struct judge j = { p, &leases, addr(LINK_GW4), addr(LINK_GW6) };
	struct addr web = addr("198.51.100.1"), old = addr("198.51.100.2"), pool;
	struct name *n;

	(void)state;
	assert_int_equal(lease_table_init(&leases), 0);
	n = lease_name_new(&leases, "web.test", false, 1);
	assert_int_equal(lease_real(&leases, n, &web), 0);
	n = lease_name_new(&leases, "old.test", true, 1);
	assert_int_equal(lease_real(&leases, n, &old), 0);
	assert_int_equal(lease_synthetic(&leases, n, false, &pool), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr dst = addr(t[i].dst);
		struct judge_port port = { IPPROTO_TCP, t[i].port };
		struct judgement r = judge_flow(&j, &dst, &port);

		if (r.allow != t[i].allow)
			print_message("# case %zu: %d\n", i + 1, r.reason);
		assert_int_equal(r.allow, t[i].allow);
		assert_string_equal(r.name ? r.name->text : "", t[i].name ? t[i].name : "");
		assert_int_equal(judge_again(&j, NULL, &dst, &port).allow, t[i].again_bare);
		n = lease_find(&leases, &dst);
		if (n)
			assert_int_equal(judge_again(&j, n, &dst, &port).allow, t[i].again_named);
	}
	/* An address of a pool is nothing but its name. */
	assert_false(judge_flow(&j, &pool, &(struct judge_port){ IPPROTO_TCP, 443 }).allow);
	lease_table_done(&leases);
	policy_free(p);
}

/* Rows: what was read of a flow; columns: what a new rule wants read. In the order of enum proto_inspect. */
static void test_read_enough(void **state)
{
	static const char *const enough[] = {
		/* NONE       */ "1000000",
		/* TLS        */ "1111000",
		/* TLS_OPAQUE */ "1010000",
		/* TLS_IF     */ "1001000",
		/* HTTP       */ "1000100",
		/* QUIC       */ "1000011",
		/* QUIC_OPQ   */ "1000001",
	};

	(void)state;
	for (uint8_t was = PROTO_INSPECT_NONE; was <= PROTO_INSPECT_QUIC_OPAQUE; was++) {
		for (uint8_t wanted = PROTO_INSPECT_NONE; wanted <= PROTO_INSPECT_QUIC_OPAQUE; wanted++)
			assert_int_equal(reload_read_enough(was, wanted), enough[was][wanted] == '1');
	}
}

/* ---- dial: the order of candidates ---- */

static void fill(struct answer *known, const char *const *list)
{
	*known = (struct answer){ .status = ANSWER_OK };
	for (; list[known->n]; known->n++)
		known->addrs[known->n] = addr(list[known->n]);
}

static void test_order(void **state)
{
	static const struct {
		const char *dst;
		uint8_t proto;
		const char *v4[4], *v6[4], *order[8];
	} t[] = {
		/* 1: the picked one first, then families in turn */
		{ "198.51.100.2", IPPROTO_TCP, { "198.51.100.1", "198.51.100.2", "198.51.100.3" },
		  { "2001:db8::1", "2001:db8::2" },
		  { "198.51.100.2", "2001:db8::1", "198.51.100.1", "2001:db8::2", "198.51.100.3" } },
		/* 2: a synthetic address begins with its own family */
		{ "fd73:6c75:6963:6501::1", IPPROTO_TCP, { "198.51.100.1" }, { "2001:db8::1" },
		  { "2001:db8::1", "198.51.100.1" } },
		/* 3: a picked one that is no longer the name's is not dialled */
		{ "198.51.100.9", IPPROTO_TCP, { "198.51.100.1" }, { NULL }, { "198.51.100.1" } },
		/* 4: refused ones are passed over */
		{ "198.18.0.1", IPPROTO_TCP, { "10.0.0.1", "198.51.100.1" }, { "::1" }, { "198.51.100.1" } },
		/* 5: echo keeps its family */
		{ "198.51.100.1", IPPROTO_ICMP, { "198.51.100.1" }, { "2001:db8::1" }, { "198.51.100.1" } },
		/* 6: the other family serves as well */
		{ "198.51.100.1", IPPROTO_UDP, { NULL }, { "2001:db8::1" }, { "2001:db8::1" } },
	};
	static struct egress eg;
	static struct sandbox s;
	struct policy *p = policy_of("version: 1\negress:\n  - {allow: web.test, ports: [443], proto: any}\n");

	(void)state;
	s.eg = &eg;
	s.policy = p;
	eg.route_fd = own_open();
	assert_true(eg.route_fd >= 0);
	assert_int_equal(lease_table_init(&s.leases), 0);
	s.judge = (struct judge){ p, &s.leases, addr(LINK_GW4), addr(LINK_GW6) };
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct name n = { .text = "web.test" };
		struct eflow f = { .sb = &s, .name = &n, .port = { t[i].proto, 443 } };
		struct addr a;
		char text[ADDR_STRLEN];

		f.dst = addr(t[i].dst);
		fill(&n.answer[0], t[i].v4);
		fill(&n.answer[1], t[i].v6);
		for (int k = 0; t[i].order[k]; k++) {
			assert_true(next_candidate(&f, &a));
			assert_string_equal(addr_format(&a, text), t[i].order[k]);
		}
		assert_false(next_candidate(&f, &a));
	}
	lease_table_done(&s.leases);
	policy_free(p);
	close(eg.route_fd);
}

/* ---- parsers ---- */

static void test_hosts(void **state)
{
	static const char text[] =
		"# a comment\n"
		"127.0.0.1\tlocalhost  loop # more\n"
		"::1 localhost ip6-localhost\n"
		"  198.51.100.1   Web.Test. alias.test\r\n"
		"198.51.100.2 web.test\n"
		"2001:db8::1 web.test\n"
		"fe80::1%eth0 scoped.test\n"
		"nonsense web.test\n"
		"198.51.100.3\n"
		"198.51.100.4 bad..name good.test\n"
		"198.51.100.5 last.test";
	static const struct {
		const char *name;
		bool v6, known;
		uint8_t n;
		const char *first;
	} t[] = {
		/* 1 */ { "web.test", false, true, 2, "198.51.100.1" },
		/* 2 */ { "web.test", true, true, 1, "2001:db8::1" },
		/* 3 */ { "alias.test", true, true, 0, NULL },
		/* 4 */ { "localhost", false, true, 1, "127.0.0.1" },
		/* 5 */ { "loop", false, true, 1, "127.0.0.1" },
		/* 6 */ { "scoped.test", true, false, 0, NULL },
		/* 7 */ { "good.test", false, true, 1, "198.51.100.4" },
		/* 8 */ { "last.test", false, true, 1, "198.51.100.5" },
		/* 9 */ { "more", false, false, 0, NULL },
	};
	struct hosts *h = hosts_parse(text, sizeof(text) - 1);

	(void)state;
	assert_non_null(h);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr got[PROTO_ADDRS_MAX];
		char buf[ADDR_STRLEN];
		uint8_t n = 0;

		assert_int_equal(hosts_find(h, t[i].name, t[i].v6, got, &n), t[i].known);
		assert_int_equal(n, t[i].n);
		if (n)
			assert_string_equal(addr_format(&got[0], buf), t[i].first);
	}
	hosts_free(h);
	h = hosts_parse("", 0);
	assert_non_null(h);
	assert_false(hosts_find(h, "a", false, NULL, NULL));
	assert_false(hosts_find(NULL, "a", false, NULL, NULL));
	hosts_free(h);
}

static void test_resolvconf(void **state)
{
	static const struct {
		const char *text;
		uint8_t n, skipped;
		const char *first;
	} t[] = {
		/* 1 */ { "", 1, 0, "127.0.0.1" },
		/* 2 */ { "nameserver 198.51.100.1\n", 1, 0, "198.51.100.1" },
		/* 3 */ { "search x\nnameserver\t2001:db8::1 # c\noptions edns0\nnameserver 198.51.100.1", 2, 0,
			  "2001:db8::1" },
		/* 4 */ { "nameserver fe80::1%eth0\n", 1, 1, "127.0.0.1" },
		/* 5 */ { "#nameserver 198.51.100.1\n nameserver 198.51.100.2\n", 1, 0, "127.0.0.1" },
		/* 6 */ { "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\n", 3, 0,
			  "1.1.1.1" },
		/* 7 */ { "nameserver\nnameserver \nnameservers 1.1.1.1\n", 1, 0, "127.0.0.1" },
	};
	static const struct {
		const char *text;
		uint8_t timeout, attempts;
		bool rotate, use_vc;
	} o[] = {
		/* 1 */ { "options timeout:3 attempts:4 rotate\n", 3, 4, true, false },
		/* 2 */ { "options\tndots:5  use-vc\toptions timeout:1\noptions attempts:9", 1, 9, false, true },
		/* 3 */ { "options timeout: attempts:x timeout:100 attempts:-1 rotated use-v\n", 0, 0, false, false },
		/* 4 */ { " options rotate\n#options rotate\noptionsrotate\noptions", 0, 0, false, false },
		/* 5: the last one counts */ { "options timeout:2 timeout:30 attempts:0\n", 30, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct resolvconf c;
		char buf[ADDR_STRLEN];

		resolvconf_parse(t[i].text, strlen(t[i].text), &c);
		assert_int_equal(c.n, t[i].n);
		assert_int_equal(c.skipped, t[i].skipped);
		assert_string_equal(addr_format(&c.servers[0], buf), t[i].first);
	}
	for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
		struct resolvconf c;

		resolvconf_parse(o[i].text, strlen(o[i].text), &c);
		assert_int_equal(c.timeout_s, o[i].timeout);
		assert_int_equal(c.attempts, o[i].attempts);
		assert_int_equal(c.rotate, o[i].rotate);
		assert_int_equal(c.use_vc, o[i].use_vc);
	}
}

/* ---- small things ---- */

static void test_bucket(void **state)
{
	struct bucket b;
	uint64_t now = 5 * NS_PER_S;
	int n = 0;

	(void)state;
	bucket_init(&b, 10, 20, now);
	while (bucket_take(&b, now))
		n++;
	assert_int_equal(n, 20);
	assert_false(bucket_take(&b, now + NS_PER_S / 10 - 1));
	assert_true(bucket_take(&b, now + NS_PER_S / 10));
	assert_false(bucket_take(&b, now + NS_PER_S / 10));
	/* An hour fills it once; a clock that stands still or steps back gives nothing. */
	for (n = 0; bucket_take(&b, now + 3600 * NS_PER_S); n++)
		;
	assert_int_equal(n, 20);
	assert_false(bucket_take(&b, now));
	bucket_init(&b, 0, 0, now);
	for (n = 0; n < 1000; n++)
		assert_true(bucket_take(&b, now));
}

/* The baseline of the specification's own test data (community-id-spec, baseline/). */
static void test_community_id(void **state)
{
	static const struct {
		uint8_t proto;
		const char *src, *dst;
		uint16_t sport, dport;
		const char *id;
	} t[] = {
		/* 1 */ { IPPROTO_TCP, "128.232.110.120", "66.35.250.204", 34855, 80,
			  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
		/* 2 */ { IPPROTO_TCP, "66.35.250.204", "128.232.110.120", 80, 34855,
			  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
		/* 3 */ { IPPROTO_UDP, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=" },
		/* 4 */ { IPPROTO_ICMP, "192.168.0.89", "192.168.0.1", 1, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct addr src = addr(t[i].src), dst = addr(t[i].dst);
		struct event_flow e = { .src = &src, .dst = &dst, .sport = t[i].sport,
					.port = { t[i].proto, t[i].dport } };
		char buf[COMMUNITY_ID_CAP];

		assert_string_equal(community_id(&e, buf), t[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge_candidate),
		cmocka_unit_test(test_judge_lease),
		cmocka_unit_test(test_judge_again),
		cmocka_unit_test(test_read_enough),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_resolvconf),
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_community_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
