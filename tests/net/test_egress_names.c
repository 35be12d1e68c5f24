/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, against the real sluice-egress and a name server that lies, sleeps, changes its mind or is not
 * there: what may be believed, what is dialled then, what leaves, and what one sandbox learns of another.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/drop.h"
#include "lib/clock.h"
#include "lib/msg.h"
#include "tests/net/egress_world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define HEADER "version: 1\negress:\n"
#define ANY HEADER "  - {allow: \"*.test\", ports: [7001]}\n"

enum { A = 1, AAAA = 28, TXT = 16, NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

static struct egress_proc egress;
static uint32_t number;

static int up(void **state)
{
	egress_start(&egress, *state);
	witness->moved = false;
	return 0;
}

static int down(void **state)
{
	(void)state;
	assert_int_equal(egress_stop(&egress), 0);
	return 0;
}

static struct jail add(const char *policy, const char *resolver)
{
	struct jail j;

	assert_int_equal(jail_add(&egress, ++number, policy, resolver, &j), PROTO_READY);
	return j;
}

static const char *text(const struct addr *a)
{
	static char buf[4][ADDR_STRLEN];
	static int i;

	return addr_format(a, buf[i++ % 4]);
}

static uint64_t ms_since(uint64_t start)
{
	return (clock_mono_ns() - start) / NS_PER_MS;
}

static void expect(struct jail *j, const char *name, const char *addr)
{
	struct proto_answer a = ask_name(j, name, A);

	if (a.rcode || !a.n_addrs)
		print_message("# %s: rcode %u ede %u\n", name, a.rcode, a.ede);
	assert_int_equal(a.rcode, NOERROR);
	assert_int_equal(a.n_addrs, 1);
	assert_string_equal(text(&a.addrs[0]), addr);
}

/* ---- what is believed ---- */

/* Every query has a port, an id and a spelling of its own. */
static void test_unpredictable(void **state)
{
	struct jail j = add(ANY, NULL);
	unsigned int same_port = 0, same_id = 0, same_case = 0, upper = 0;
	uint64_t first = witness->questions;
	enum { QUERIES = 100 };
	char name[64];

	(void)state;
	for (unsigned int i = 0; i < QUERIES; i++) {
		snprintf(name, sizeof(name), "abcdefghijklmnopqrst%02u.test", i);
		assert_int_equal(ask_name(&j, name, A).rcode, NXDOMAIN);
	}
	assert_int_equal(witness->questions, first + QUERIES);
	for (unsigned int i = 0; i < QUERIES; i++) {
		const struct asked *a = &witness->asked[(first + i) % WITNESS_ASKED];

		assert_false(a->tcp);
		for (unsigned int k = 1; k <= 20; k++)
			upper += a->wire[k] >= 'A' && a->wire[k] <= 'Z';
		for (unsigned int k = 0; k < i; k++) {
			const struct asked *b = &witness->asked[(first + k) % WITNESS_ASKED];

			same_port += a->port == b->port;
			same_id += a->id == b->id;
			same_case += memcmp(a->wire, b->wire, 21) == 0;
		}
	}
	/* Of 4,950 pairs: 0.2 by chance of 28,000 ports, 0.08 of 65,536 ids, none of a million spellings. */
	assert_in_range(same_port, 0, 8);
	assert_in_range(same_id, 0, 4);
	assert_int_equal(same_case, 0);
	assert_in_range(upper, 800, 1200);
	jail_end(&egress, &j);
}

static void test_forged(void **state)
{
	static const struct {
		const char *name;
		unsigned int tcp;
	} t[] = {
		/* 1 */ { "wrong-id.test", 0 },
		/* 2 */ { "wrong-name.test", 0 },
		/* 3 */ { "wrong-type.test", 0 },
		/* 4: everything guessed but the case */ { "wrong-case.test", 1 },
		/* 5: and that was no reason to leave UDP */ { "four.test", 0 },
	};
	struct jail j = add(ANY, NULL);

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		uint64_t tcp = witness->tcp_questions;
		struct proto_answer a = ask_name(&j, t[i].name, A);

		assert_int_equal(a.rcode, NOERROR);
		assert_int_equal(a.n_addrs, 1);
		assert_string_not_equal(text(&a.addrs[0]), "198.51.100.20");
		assert_int_equal(witness->tcp_questions - tcp, t[i].tcp);
	}
	jail_end(&egress, &j);
}

/* A server that does not keep the case is asked over TCP, or not believed at all. */
static void test_case_lost(void **state)
{
	struct jail j = add(ANY, "203.0.113.55");
	uint64_t tcp = witness->tcp_questions, all;
	struct proto_answer a;

	(void)state;
	a = ask_name(&j, "deaf.test", A);
	assert_int_equal(a.rcode, SERVFAIL);
	assert_int_equal(a.ede, 23);
	expect(&j, "lower.test", "198.51.100.12");
	assert_int_equal(witness->tcp_questions, tcp + 2);
	all = witness->questions;
	expect(&j, "four.test", "198.51.100.11");
	assert_int_equal(witness->questions, all + 1);
	assert_int_equal(witness->tcp_questions, tcp + 3);
	jail_end(&egress, &j);
}

static void test_replies(void **state)
{
	static const struct {
		const char *name;
		uint16_t qtype;
		uint8_t rcode, n;
		uint16_t ede;
	} t[] = {
		/*  1 */ { "cname-1.test", A, NOERROR, 1, 0xffff },
		/*  2 */ { "cname-16.test", AAAA, NOERROR, 1, 0xffff },
		/*  3 */ { "cname-17.test", A, SERVFAIL, 0, 22 },
		/*  4 */ { "cname-loop.test", A, SERVFAIL, 0, 22 },
		/*  5: what it leads to is refused when it is dialled */ { "cname-private.test", A, NOERROR, 1, 0xffff },
		/*  6 */ { "cname-private.test", AAAA, NOERROR, 0, 0xffff },
		/*  7 */ { "cut.test", A, SERVFAIL, 0, 22 },
		/*  8: the server's own reason, DNSSEC bogus */ { "fail.test", A, SERVFAIL, 0, 6 },
		/*  9 */ { "nothing.test", A, NXDOMAIN, 0, 0xffff },
		/* 10 */ { "old.test", A, NOERROR, 1, 0xffff },
		/* 11: over TCP, whole, in bytes, and not at all */ { "big.test", A, NOERROR, 14, 0xffff },
		/* 12 */ { "drip.test", AAAA, NOERROR, 1, 0xffff },
		/* 13 */ { "huge.test", A, SERVFAIL, 0, 23 },
		/* 14 */ { "hangup.test", A, SERVFAIL, 0, 23 },
	};
	struct jail j = add(ANY, NULL);

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct proto_answer a = ask_name(&j, t[i].name, t[i].qtype);

		if (a.rcode != t[i].rcode || a.n_addrs != t[i].n || a.ede != t[i].ede)
			print_message("# case %zu: rcode %u n %u ede %u\n", i + 1, a.rcode, a.n_addrs, a.ede);
		assert_int_equal(a.rcode, t[i].rcode);
		assert_int_equal(a.n_addrs, t[i].n);
		assert_int_equal(a.ede, t[i].ede);
	}
	jail_end(&egress, &j);
}

/* ---- servers that are not there ---- */

static void test_failover(void **state)
{
	static const struct {
		const char *resolver;
		unsigned int first_ms, next_ms;		/* at most */
	} t[] = {
		/* 1: silent, and remembered to be */ { "198.51.100.66 203.0.113.55", 1800, 400 },
		/* 2: both of the first are */ { "198.51.100.66 2001:db8:100::66 203.0.113.55", 2800, 400 },
		/* 3: nobody listens there, which is known at once */ { "203.0.113.2 203.0.113.55", 400, 400 },
		/* 4: one that answers is asked first, and alone */ { "203.0.113.55 198.51.100.66", 400, 400 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct jail j = add(ANY, t[i].resolver);
		uint64_t start = clock_mono_ns();
		struct proto_answer a;
		int fd;

		/* As programs do: both families at once. */
		say_name(&j, 1000001, AAAA, "who.test");
		say_name(&j, 1000002, A, "who.test");
		for (int k = 0; k < 2; k++) {
			assert_int_equal(hear(j.ask, &a, sizeof(a), &fd), sizeof(a));
			assert_int_equal(a.rcode, NOERROR);
			assert_int_equal(a.n_addrs, a.id == 1000002);
			if (a.n_addrs)
				assert_string_equal(text(&a.addrs[0]), "198.51.100.55");
		}
		if (ms_since(start) >= t[i].first_ms)
			print_message("# case %zu: %u ms\n", i + 1, (unsigned int)ms_since(start));
		assert_true(ms_since(start) < t[i].first_ms);
		start = clock_mono_ns();
		expect(&j, "four.test", "198.51.100.11");
		assert_true(ms_since(start) < t[i].next_ms);
		jail_end(&egress, &j);
	}
}

static void test_second_opinion(void **state)
{
	struct jail j = add(ANY, "203.0.113.53 203.0.113.55");
	uint64_t start = clock_mono_ns();

	(void)state;
	expect(&j, "fail.test", "198.51.100.10");
	assert_true(ms_since(start) < 400);
	jail_end(&egress, &j);
}

/* ---- what is dialled ---- */

/* Something that must never be reached waits at loopback. */
static int trap_open(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(7001),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (system("ip link set lo up") != 0)
		return -1;
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static struct proto_verdict_msg dial(struct jail *j, const char *dst)
{
	int fd;
	struct proto_verdict_msg v = ask_flow(j, dst, IPPROTO_TCP, 7001, &fd);

	if (fd >= 0)
		close(fd);
	end_flow(j, last_id(), 0, 0);
	return v;
}

/*
 * A name that is public when it is asked for and forbidden when it is dialled, again and again; and a service
 * that moves. The program holds the address that it was given first, all the while.
 */
static void test_rebinding(void **state)
{
	static const char *const names[] = { "flip.test", "flip-metadata.test" };
	struct jail j = add(ANY, NULL);
	unsigned int refused[N(names)] = { 0 }, allowed[N(names)] = { 0 };
	const char *first[N(names)];
	char held[N(names)][ADDR_STRLEN];
	struct proto_verdict_msg v;
	int trap = trap_open();
	uint64_t start;
	bool moved = false;

	(void)state;
	for (size_t i = 0; i < N(names); i++) {
		struct proto_answer a = ask_name(&j, names[i], A);

		assert_int_equal(a.n_addrs, 1);
		first[i] = addr_format(&a.addrs[0], held[i]);
	}
	expect(&j, "moved.test", "198.51.100.12");
	v = dial(&j, "198.51.100.12");
	assert_string_equal(text(&v.peer), "198.51.100.12");
	witness->moved = true;
	start = clock_mono_ns();
	while ((!moved || !refused[0] || !refused[1] || !allowed[0] || !allowed[1]) && ms_since(start) < 30000) {
		for (size_t i = 0; i < N(names); i++) {
			v = dial(&j, first[i]);
			assert_string_equal(v.name, names[i]);
			if (v.verdict == PROTO_ALLOW) {
				assert_string_equal(text(&v.peer), "198.51.100.10");
				allowed[i]++;
			} else {
				assert_int_equal(v.verdict, PROTO_DENY);
				assert_int_equal(v.reason, DROP_DIAL_RANGE);
				refused[i]++;
			}
		}
		v = dial(&j, "198.51.100.12");
		assert_int_equal(v.verdict, PROTO_ALLOW);
		assert_string_equal(v.name, "moved.test");
		moved |= strcmp(text(&v.peer), "198.51.100.13") == 0;
		poll(NULL, 0, 100);
	}
	assert_true(moved && refused[0] && refused[1] && allowed[0] && allowed[1]);
	assert_int_equal(accept(trap, NULL, NULL), -1);
	close(trap);
	jail_end(&egress, &j);
}

/* Every kind of address that no name may lead to, in every dress. */
static void test_ranges(void **state)
{
	static const char *const t[] = {
		/*  1 */ "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.9.9.9",
		/*  7 */ "172.16.0.1", "172.31.255.255", "192.168.7.1", "100.64.0.1", "100.127.255.255",
		/* 12 */ "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.169.253",
		/* 17 */ "169.254.169.123", "169.254.169.250", "169.254.169.255", "169.254.42.42", "169.254.0.23",
		/* 22 */ "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.80.8.124", "192.0.0.8",
		/* 27 */ "198.18.0.1", "198.19.255.255", "192.88.99.1", "224.0.0.1", "239.255.255.250",
		/* 32 */ "240.0.0.1", "255.255.255.255", "203.0.113.2", "203.0.113.255", "100.96.0.1",
		/* 37 */ "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
		/* 42 */ "::ffff:198.51.100.10", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254",
		/* 46 */ "64:ff9b:1::10.9.9.9", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::7f00:1",
		/* 50 */ "2606:4700::5efe:10.9.9.9", "2606:4700::200:5efe:127.0.0.1", "fc00::1", "fd00:9::9",
		/* 54 */ "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42",
		/* 59 */ "fd00:a9fe:a9fe::1", "fe80::1", "fe80::a9fe:a9fe", "febf::1", "fec0::1", "ff02::1",
		/* 65 */ "ff0e::1", "100::1", "4000::1", "5f00::1", "2001:2::1", "2001:20::1", "2001:db8:113::2",
		/* 72 */ LINK_GW6, "fd73:6c75:6963:6501::5",
	};
	struct jail j = add(ANY, NULL);
	uint64_t before = witness->frames, asked = witness->questions;

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		char name[64], hex[40] = "";
		struct proto_answer a;
		struct proto_verdict_msg v;
		struct in6_addr b;
		bool v4 = !strchr(t[i], ':');

		assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, t[i], &b), 1);
		for (int k = 0; k < (v4 ? 4 : 16); k++)
			sprintf(hex + 2 * k, "%02x", b.s6_addr[k]);
		snprintf(name, sizeof(name), "ip-%s.test", hex);
		a = ask_name(&j, name, v4 ? A : AAAA);
		assert_int_equal(a.rcode, NOERROR);
		/* A mapped address is no IPv6 address: as if there were none. */
		if (a.n_addrs == 0 && strncmp(t[i], "::ffff:", 7) == 0)
			continue;
		assert_int_equal(a.n_addrs, 1);
		assert_string_not_equal(text(&a.addrs[0]), t[i]);
		v = ask_flow(&j, text(&a.addrs[0]), IPPROTO_TCP, 7001, NULL);
		if (v.reason != DROP_DIAL_RANGE)
			print_message("# case %zu, %s: verdict %u reason %u\n", i + 1, t[i], v.verdict, v.reason);
		assert_int_equal(v.verdict, PROTO_DENY);
		assert_int_equal(v.reason, DROP_DIAL_RANGE);
	}
	assert_int_equal(witness->frames, before);
	assert_true(witness->questions >= asked + N(t));
	jail_end(&egress, &j);
}

/* ---- what leaves ---- */

static unsigned int count_in(int fd, const char *what, const char *also)
{
	static char buf[1 << 18];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
	unsigned int found = 0;

	assert_true(n >= 0);
	buf[n] = '\0';
	for (char *line = buf, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		found += strstr(line, what) && strstr(line, also);
	}
	return found;
}

static void test_budget(void **state)
{
	static const char policy[] = HEADER
		"  - {allow: \"*.test\", ports: [7001]}\n"
		"  - {allow: web.test, ports: [7001]}\n"
		"limits: {names: 5}\n";
	struct jail j = add(policy, NULL);
	struct proto_answer a;
	uint64_t before;
	char name[64];
	int events = dup(j.events);

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "secret-%d.test", i);
		assert_int_equal(ask_name(&j, name, A).rcode, NXDOMAIN);
		assert_int_equal(ask_name(&j, name, AAAA).rcode, NXDOMAIN);
	}
	before = witness->questions;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "more-%d.test", i % 10);
		a = ask_name(&j, name, i % 2 ? AAAA : A);
		assert_int_equal(a.rcode, REFUSED);
		assert_int_equal(a.reason, DROP_NAME_BUDGET);
		assert_int_equal(a.ede, 0);
		assert_int_equal(a.n_addrs, 0);
	}
	assert_int_equal(witness->questions, before);
	/* What is known stays known, and what a rule spells out is not the sandbox's invention. */
	assert_int_equal(ask_name(&j, "secret-3.test", A).rcode, NXDOMAIN);
	expect(&j, "web.test", "198.51.100.10");
	assert_int_equal(ask_name(&j, "elsewhere.example", A).denied, 1);
	jail_end(&egress, &j);
	assert_int_equal(count_in(events, "\"name-budget\"", "\"event_type\":\"alert\""), 1);
	assert_int_equal(count_in(events, "\"name-budget\"", "\"event_type\":\"dns\""), 19);
	close(events);
}

static void test_rate(void **state)
{
	struct jail j = add(HEADER "  - {allow: web.test, ports: [7001]}\nlimits: {queries_per_s: 10}\n", NULL);
	unsigned int good = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct proto_answer a = ask_name(&j, "web.test", A);

		good += a.rcode == NOERROR && a.n_addrs == 1;
		refused += a.rcode == REFUSED && a.reason == DROP_NAME_RATE && a.ede == 0;
	}
	assert_int_equal(good + refused, 40);
	assert_in_range(good, 20, 35);
	jail_end(&egress, &j);
}

static void set(struct jail *j, const char *policy)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	struct proto_policy_state st;
	struct proto_policy_set m;

	PROTO_INIT(&m, PROTO_POLICY_SET);
	m.sandbox = j->number;
	assert_int_equal(write(fd, policy, strlen(policy)), strlen(policy));
	assert_int_equal(msg_send(egress.up, &m, sizeof(m), &fd, 1), 0);
	close(fd);
	assert_int_equal(hear(egress.up, &st, sizeof(st), &fd), sizeof(st));
	assert_int_equal(st.state, PROTO_READY);
}

/* What was used of the budget counts against a new one; a new rate is in force at once. */
static void test_new_limits(void **state)
{
	struct jail j = add(ANY "limits: {names: 2}\n", NULL);
	unsigned int good = 0;

	(void)state;
	assert_int_equal(ask_name(&j, "no-1.test", A).rcode, NXDOMAIN);
	assert_int_equal(ask_name(&j, "no-2.test", A).rcode, NXDOMAIN);
	assert_int_equal(ask_name(&j, "no-3.test", A).reason, DROP_NAME_BUDGET);
	set(&j, ANY "limits: {names: 3}\n");
	assert_int_equal(ask_name(&j, "no-3.test", A).rcode, NXDOMAIN);
	assert_int_equal(ask_name(&j, "no-4.test", A).reason, DROP_NAME_BUDGET);
	/* Spelled out now, so no longer the sandbox's invention. */
	set(&j, ANY "  - {allow: no-4.test, ports: [7001]}\nlimits: {names: 1, queries_per_s: 5}\n");
	assert_int_equal(ask_name(&j, "no-4.test", A).rcode, NXDOMAIN);
	assert_int_equal(ask_name(&j, "no-5.test", A).reason, DROP_NAME_BUDGET);
	for (int i = 0; i < 20; i++)
		good += ask_name(&j, "no-4.test", A).rcode == NXDOMAIN;
	assert_in_range(good, 8, 16);
	jail_end(&egress, &j);
}

static void test_denied_names(void **state)
{
	static const struct {
		const char *how;
		uint8_t rcode, n;
	} t[] = { { "answer", NOERROR, 1 }, { "nxdomain", NXDOMAIN, 0 }, { "refused", REFUSED, 0 } };
	static const struct {
		const char *name;
		uint16_t reason;
	} names[] = { { "evil.test", DROP_POLICY_DENY }, { "elsewhere.example", DROP_POLICY_NAME } };

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		char policy[256];
		struct jail j;
		uint64_t before = witness->questions;

		snprintf(policy, sizeof(policy), ANY "  - {deny: evil.test}\ndenied_names: %s\n", t[i].how);
		j = add(policy, NULL);
		for (size_t k = 0; k < N(names); k++) {
			struct proto_answer a = ask_name(&j, names[k].name, A);

			assert_int_equal(a.rcode, t[i].rcode);
			assert_int_equal(a.n_addrs, t[i].n);
			assert_int_equal(a.denied, 1);
			assert_int_equal(a.reason, names[k].reason);
			assert_int_equal(a.ede, 15);
			a = ask_name(&j, names[k].name, TXT);
			assert_int_equal(a.rcode, t[i].rcode);
			assert_int_equal(a.n_addrs, 0);
			assert_int_equal(a.ede, 15);
		}
		/* However many there are. */
		for (int k = 0; k < 3000 && t[i].n == 0; k++) {
			char name[64];

			snprintf(name, sizeof(name), "n%d.example", k);
			assert_int_equal(ask_name(&j, name, A).rcode, t[i].rcode);
		}
		assert_int_equal(witness->questions, before);
		jail_end(&egress, &j);
	}
}

/* ---- neighbours ---- */

/*
 * What one sandbox had looked up costs the next one as much time as it cost the first, though nothing is asked
 * again, and it reads the same; leases are its own.
 */
static void test_shared_cache(void **state)
{
	struct jail one = add(ANY, NULL), two = add(ANY, NULL);
	struct proto_answer a, b;
	uint64_t start = clock_mono_ns(), before = witness->questions;

	(void)state;
	a = ask_name(&one, "slow.test", A);
	/* The first try was answered late, while the second one was under way. */
	assert_in_range(ms_since(start), 1400, 2900);
	assert_in_range(witness->questions - before, 2, 3);
	before = witness->questions;
	start = clock_mono_ns();
	b = ask_name(&two, "slow.test", A);
	assert_in_range(ms_since(start), 1400, 2900);
	assert_int_equal(witness->questions, before);
	assert_int_equal(a.rcode, NOERROR);
	assert_int_equal(b.rcode, NOERROR);
	assert_int_equal(a.ttl, b.ttl);
	assert_string_equal(text(&a.addrs[0]), text(&b.addrs[0]));
	/* One's own repetition is free. */
	start = clock_mono_ns();
	b = ask_name(&two, "slow.test", A);
	assert_true(ms_since(start) < 200);
	assert_int_equal(a.ttl, b.ttl);
	/* An address that the neighbour holds means nothing here. */
	expect(&one, "four.test", "198.51.100.11");
	assert_int_equal(ask_flow(&two, "198.51.100.11", IPPROTO_TCP, 7001, NULL).reason, DROP_POLICY_DEFAULT);
	jail_end(&egress, &one);
	jail_end(&egress, &two);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction func;
	} tests[] = {
		{ "unpredictable", test_unpredictable },
		{ "forged", test_forged },
		{ "case lost", test_case_lost },
		{ "replies", test_replies },
		{ "failover", test_failover },
		{ "second opinion", test_second_opinion },
		{ "rebinding", test_rebinding },
		{ "ranges", test_ranges },
		{ "budget", test_budget },
		{ "rate", test_rate },
		{ "new limits", test_new_limits },
		{ "denied names", test_denied_names },
		{ "shared cache", test_shared_cache },
	};
	static struct CMUnitTest all[2 * N(tests)];
	const char *why = world_up();
	size_t n = 0;
	int failed;

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	for (int b = 0; b < 2; b++) {
		for (size_t i = 0; world_program(b) && i < N(tests); i++)
			all[n++] = (struct CMUnitTest){ tests[i].name, tests[i].func, up, down,
							(void *)(size_t)world_program(b) };
	}
	failed = _cmocka_run_group_tests("egress names", all, n, NULL, NULL);
	world_down();
	return failed;
}
