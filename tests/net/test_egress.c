/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real, confined sluice-egress, with the test as netd and as worker, honest and hostile. The witness on
 * the far side counts frames: what must not leave is seen not to leave, and a control that must leave is
 * seen beside it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bpf/drop.h"
#include "lib/clock.h"
#include "lib/msg.h"
#include "tests/net/egress_world.h"

enum { A = 1, AAAA = 28, TXT = 16, HTTPS = 65, PTR = 12 };

static const char policy[] =
	"version: 1\n"
	"egress:\n"
	"  - allow: web.test\n"
	"    ports: [7001]\n"
	"    proto: any\n"
	"  - allow: \"*.test\"\n"
	"    ports: [7001]\n"
	"  - allow: four.test\n"
	"    ports: [7003]\n"
	"  - allow: 198.51.100.200\n"
	"    ports: [7001]\n"
	"  - allow: 203.0.113.64/26\n"
	"    ports: [7002]\n"
	"  - deny: 198.51.100.128/26\n"
	"  - deny: evil.test\n";

/* One egress with one sandbox. */
struct scene {
	struct egress_proc egress;
	struct jail jail;
};

static int scene_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	egress_start(&s->egress, *state);
	assert_int_equal(jail_add(&s->egress, 1, policy, NULL, &s->jail), PROTO_READY);
	*state = s;
	return 0;
}

static int scene_down(void **state)
{
	struct scene *s = *state;

	jail_end(&s->egress, &s->jail);
	assert_int_equal(egress_stop(&s->egress), 0);
	free(s);
	return 0;
}

static const char *text(const struct addr *a)
{
	static char buf[4][ADDR_STRLEN];
	static int i;

	return addr_format(a, buf[i++ % 4]);
}

/* The address this name has for the sandbox. */
static const char *address_of(struct jail *j, const char *name, uint16_t qtype)
{
	struct proto_answer a = ask_name(j, name, qtype);

	assert_int_equal(a.rcode, 0);
	assert_true(a.n_addrs >= 1);
	return text(&a.addrs[0]);
}

/* ---- what must work ---- */

static void test_confined(void **state)
{
	struct scene *s = *state;
	char path[64], line[256];
	unsigned long long eff = 1, seccomp = 0, nnp = 0, uid = 0;
	struct dirent *d;
	DIR *root;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", s->egress.pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "CapEff: %llx", &eff);
		sscanf(line, "Seccomp: %llu", &seccomp);
		sscanf(line, "NoNewPrivs: %llu", &nnp);
		sscanf(line, "Uid: %llu", &uid);
	}
	fclose(f);
	assert_int_equal(eff, 0);
	assert_int_equal(seccomp, 2);
	assert_int_equal(nnp, 1);
	assert_true(uid >= 0x70000000);
	snprintf(path, sizeof(path), "/proc/%d/root", s->egress.pid);
	root = opendir(path);
	assert_non_null(root);
	while ((d = readdir(root)))
		assert_true(d->d_name[0] == '.');
	closedir(root);
}

static void test_allowed(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *name;
		uint16_t qtype;
		uint8_t proto;
		const char *addr, *peer;	/* what the sandbox was told, what was dialled */
	} t[] = {
		/*  1 */ { "web.test", A, IPPROTO_TCP, "198.51.100.10", "198.51.100.10" },
		/*  2 */ { "web.test", AAAA, IPPROTO_TCP, "2001:db8:100::10", "2001:db8:100::10" },
		/*  3 */ { "web.test", A, IPPROTO_UDP, "198.51.100.10", "198.51.100.10" },
		/*  4 */ { "web.test", AAAA, IPPROTO_UDP, "2001:db8:100::10", "2001:db8:100::10" },
		/*  5: held by web.test */
		{ "shared.test", A, IPPROTO_TCP, "198.18.0.1", "198.51.100.10" },
		/*  6 */ { "shared.test", AAAA, IPPROTO_TCP, "fd73:6c75:6963:6501::1", "2001:db8:100::10" },
		/*  7 */ { "four.test", A, IPPROTO_TCP, "198.51.100.11", "198.51.100.11" },
		/*  8 */ { "six.test", AAAA, IPPROTO_TCP, "2001:db8:100::11", "2001:db8:100::11" },
		/*  9: the first address is refused, the second is not */
		{ "mixed.test", A, IPPROTO_TCP, "198.51.100.12", "198.51.100.12" },
		/* 10: the first address never answers */
		{ "hole.test", A, IPPROTO_TCP, "198.51.100.66", "198.51.100.13" },
		/* 11: a family that leads nowhere costs a quarter of a second */
		{ "hole6.test", AAAA, IPPROTO_TCP, "2001:db8:100::66", "198.51.100.12" },
		/* 12 */ { "old.test", A, IPPROTO_TCP, "198.51.100.14", "198.51.100.14" },
		/* 13: from /etc/hosts, and its address is held by web.test */
		{ "hosted.test", A, IPPROTO_TCP, "198.18.0.2", "198.51.100.10" },
	};
	int fd;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char *a = address_of(&s->jail, t[i].name, t[i].qtype);
		struct proto_verdict_msg v;
		uint64_t start = clock_mono_ns();

		assert_string_equal(a, t[i].addr);
		v = ask_flow(&s->jail, a, t[i].proto, 7001, &fd);
		assert_int_equal(v.verdict, PROTO_ALLOW);
		assert_int_equal(v.reason, DROP_NONE);
		assert_true(v.rule > 0);
		assert_string_equal(v.name, t[i].name);
		assert_string_equal(text(&v.peer), t[i].peer);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		assert_true(echoes(fd));
		close(fd);
		assert_true(clock_mono_ns() - start < 2 * NS_PER_S);
		end_flow(&s->jail, last_id(), 15, 15);
	}
	/* Rules for addresses need no name. */
	assert_int_equal(ask_flow(&s->jail, "198.51.100.200", IPPROTO_TCP, 7001, &fd).verdict, PROTO_ALLOW);
	assert_true(echoes(fd));
	close(fd);
	/* A name inside a range that a rule names gets an address of its own; the range stays the rule's. */
	assert_string_equal(address_of(&s->jail, "ranged.test", A), "198.18.0.3");
	assert_int_equal(ask_flow(&s->jail, "203.0.113.77", IPPROTO_TCP, 7002, &fd).verdict, PROTO_ALLOW);
	close(fd);
	assert_int_equal(ask_flow(&s->jail, "203.0.113.77", IPPROTO_TCP, 7001, NULL).verdict, PROTO_DENY);
	assert_int_equal(ask_flow(&s->jail, "198.18.0.3", IPPROTO_TCP, 7001, &fd).verdict, PROTO_ALLOW);
	close(fd);
}

static void test_ping(void **state)
{
	struct scene *s = *state;
	static const uint16_t types[] = { A, AAAA };

	for (int i = 0; i < 2; i++) {
		uint8_t echo[16] = { types[i] == A ? 8 : 128, 0, 0, 0, 1, 2, 0, 1 }, back[64];
		const char *a = address_of(&s->jail, "web.test", types[i]);
		struct pollfd p = { .events = POLLIN };
		struct proto_verdict_msg v = ask_flow(&s->jail, a, IPPROTO_ICMP, 0, &p.fd);

		assert_int_equal(v.verdict, PROTO_ALLOW);
		assert_int_equal(send(p.fd, echo, sizeof(echo), 0), sizeof(echo));
		assert_int_equal(poll(&p, 1, 5000), 1);
		assert_int_equal(recv(p.fd, back, sizeof(back), 0), sizeof(echo));
		assert_int_equal(back[0], types[i] == A ? 0 : 129);
		close(p.fd);
	}
}

static void test_answers(void **state)
{
	struct scene *s = *state;
	struct proto_answer a;
	uint64_t asked;

	static const struct {
		const char *name;
		uint16_t qtype;
		uint8_t rcode, n;
		bool denied;
		uint16_t reason, ede;
	} t[] = {
		/*  1 */ { "four.test", AAAA, 0, 0, false, 0, 0xffff },
		/*  2 */ { "six.test", A, 0, 0, false, 0, 0xffff },
		/*  3 */ { "nothing.test", A, 3, 0, false, 0, 0xffff },
		/*  4 */ { "web.test", HTTPS, 0, 0, false, 0, 0xffff },
		/*  5 */ { "web.test", TXT, 0, 0, false, 0, 21 },
		/*  6 */ { "evil.test", A, 0, 1, true, DROP_POLICY_DENY, 15 },
		/*  7 */ { "evil.test", AAAA, 0, 1, true, DROP_POLICY_DENY, 15 },
		/*  8 */ { "evil.test", TXT, 0, 0, true, DROP_POLICY_DENY, 15 },
		/*  9 */ { "elsewhere.example", A, 0, 1, true, DROP_POLICY_NAME, 15 },
		/* 10 */ { "10.100.51.198.in-addr.arpa", PTR, 3, 0, false, 0, 0xffff },
		/* 11 */ { "localhost", A, 3, 0, false, 0, 0xffff },
		/* 12 */ { "use-application-dns.net", A, 3, 0, false, 0, 0xffff },
		/* 13 */ { "a..b", A, 3, 0, false, 0, 0xffff },
		/* 14: in /etc/hosts for IPv4 only, so IPv6 is not asked for */
		{ "hosted.test", AAAA, 0, 0, false, 0, 0xffff },
		/* 15 */ { "mapped.test", AAAA, 0, 1, false, 0, 0xffff },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		a = ask_name(&s->jail, t[i].name, t[i].qtype);
		assert_int_equal(a.rcode, t[i].rcode);
		assert_int_equal(a.n_addrs, t[i].n);
		assert_int_equal(a.denied, t[i].denied);
		assert_int_equal(a.reason, t[i].reason);
		assert_int_equal(a.ede, t[i].ede);
		assert_true(a.ttl <= 60);
	}
	/* Truncated over UDP, whole over TCP; asked once although asked for three times. */
	asked = witness->tcp_questions;
	for (uint64_t id = 1; id <= 3; id++)
		say_name(&s->jail, 900000 + id, A, "big.test");
	for (int i = 0; i < 3; i++) {
		int fd;

		assert_int_equal(hear(s->jail.ask, &a, sizeof(a), &fd), sizeof(a));
		assert_int_equal(a.rcode, 0);
		assert_int_equal(a.n_addrs, 14);
	}
	assert_int_equal(witness->tcp_questions, asked + 1);
}

static void test_no_upstream_query(void **state)
{
	static const char *const names[] = {
		"evil.test", "elsewhere.example", "0123456789abcdef.elsewhere.example", "localhost",
		"1.0.0.127.in-addr.arpa", "hosted.test", "inner.test", "_dns.resolver.arpa", "x.onion",
	};
	struct scene *s = *state;
	uint64_t before = witness->questions;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ask_name(&s->jail, names[i], A);
		ask_name(&s->jail, names[i], AAAA);
		ask_name(&s->jail, names[i], TXT);
	}
	assert_int_equal(witness->questions, before);
	ask_name(&s->jail, "nothing.test", A);
	assert_int_equal(witness->questions, before + 1);
}

static void test_failures(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
		uint8_t proto;
		int err;
		uint16_t reason;
	} t[] = {
		/* 1 */ { "gone.test", 7001, IPPROTO_TCP, EHOSTUNREACH, DROP_DIAL_UNREACH },
		/* 2: nobody listens */
		{ "four.test", 7003, IPPROTO_TCP, ECONNREFUSED, DROP_DIAL_REFUSED },
		/* 3 */ { "void.test", 7001, IPPROTO_TCP, ETIMEDOUT, DROP_DIAL_TIMEOUT },
	};
	struct scene *s = *state;
	struct proto_answer a;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct proto_verdict_msg v = ask_flow(&s->jail, address_of(&s->jail, t[i].name, A),
						      t[i].proto, t[i].port, NULL);

		assert_int_equal(v.verdict, PROTO_FAIL);
		assert_int_equal(v.err, t[i].err);
		assert_int_equal(v.reason, t[i].reason);
	}
	/* A resolver that says nothing. */
	a = ask_name(&s->jail, "mute.test", A);
	assert_int_equal(a.rcode, 2);
	assert_int_equal(a.reason, DROP_DIAL_NAME);
}

/* ---- what must not leave ---- */

static void test_denied(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *name;	/* looked up first, or NULL */
		const char *dst;	/* NULL: what the name was answered with */
		uint8_t proto;
		uint16_t port;
		uint16_t reason;
	} t[] = {
		/*  1: the leased name, another port */
		{ "web.test", NULL, IPPROTO_TCP, 7002, DROP_POLICY_PORT },
		/*  2: and another protocol */
		{ "four.test", NULL, IPPROTO_UDP, 7001, DROP_POLICY_PROTO },
		/*  3 */ { "four.test", NULL, IPPROTO_ICMP, 0, DROP_POLICY_PROTO },
		/*  4: a real address that nobody leased */
		{ NULL, "198.51.100.20", IPPROTO_TCP, 7001, DROP_POLICY_DEFAULT },
		/*  5 */ { NULL, "2001:db8:100::20", IPPROTO_TCP, 7001, DROP_POLICY_DEFAULT },
		/*  6: a denied name's address */
		{ "evil.test", NULL, IPPROTO_TCP, 7001, DROP_POLICY_DENY },
		/*  7 */ { "elsewhere.example", NULL, IPPROTO_TCP, 443, DROP_POLICY_NAME },
		/*  8: the gateway and the sandbox's link */
		{ NULL, LINK_GW4, IPPROTO_TCP, 7001, DROP_POLICY_DEFAULT },
		/*  9 */ { NULL, LINK_GW6, IPPROTO_TCP, 7001, DROP_POLICY_DEFAULT },
		/* 10: pool addresses without a lease */
		{ NULL, "198.18.77.77", IPPROTO_TCP, 7001, DROP_POLICY_NO_LEASE },
		/* 11 */ { NULL, "198.19.0.200", IPPROTO_TCP, 7001, DROP_POLICY_NO_LEASE },
		/* 12 */ { NULL, "fd73:6c75:6963:6501::99", IPPROTO_TCP, 7001, DROP_POLICY_NO_LEASE },
		/* 13: what allowed names resolve to */
		{ "priv.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
		/* 14 */ { "loop.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
		/* 15 */ { "meta.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
		/* 16: the host's own addresses, global and private */
		{ "host.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
		/* 17: our own pools and link, which also exist out there */
		{ "pool.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
		/* 18: a rule denies the range */
		{ "denied-range.test", NULL, IPPROTO_TCP, 7001, DROP_POLICY_DENY },
		/* 19: /etc/hosts names a private address */
		{ "inner.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
		/* 20 */ { NULL, "169.254.169.254", IPPROTO_TCP, 7001, DROP_POLICY_RANGE },
		/* 21 */ { NULL, "127.0.0.1", IPPROTO_TCP, 7001, DROP_POLICY_RANGE },
		/* 22 */ { NULL, "0.0.0.0", IPPROTO_TCP, 7001, DROP_POLICY_RANGE },
		/* 23 */ { NULL, "::1", IPPROTO_TCP, 7001, DROP_POLICY_RANGE },
		/* 24 */ { NULL, "203.0.113.2", IPPROTO_TCP, 7001, DROP_POLICY_DEFAULT },
		/* 25: by a range's own port only */
		{ NULL, "203.0.113.77", IPPROTO_TCP, 7001, DROP_POLICY_PORT },
		/* 26: NAT64 and mapped forms */
		{ NULL, "64:ff9b::a9fe:a9fe", IPPROTO_TCP, 7001, DROP_POLICY_RANGE },
		/* 27 */ { "mapped.test", NULL, IPPROTO_TCP, 7001, DROP_DIAL_RANGE },
	};
	static const uint16_t family[] = { A, AAAA };
	uint64_t before = witness->frames;
	int fd;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (int k = 0; k < 2; k++) {
			const char *dst = t[i].dst;
			struct proto_verdict_msg v;

			if (t[i].name) {
				struct proto_answer a = ask_name(&s->jail, t[i].name, family[k]);

				if (a.n_addrs == 0)
					continue;
				dst = text(&a.addrs[0]);
			}
			v = ask_flow(&s->jail, dst, t[i].proto, t[i].port, NULL);
			if (v.verdict != PROTO_DENY || v.reason != t[i].reason)
				print_message("# case %zu %s: verdict %u reason %u\n", i + 1, dst, v.verdict, v.reason);
			assert_int_equal(v.verdict, PROTO_DENY);
			assert_int_equal(v.reason, t[i].reason);
			assert_string_equal(v.name, t[i].name ? t[i].name : "");
		}
	}
	assert_int_equal(witness->frames, before);
	/* The control: the witness does see what leaves. */
	assert_int_equal(ask_flow(&s->jail, address_of(&s->jail, "four.test", A), IPPROTO_TCP, 7001, &fd).verdict,
			 PROTO_ALLOW);
	assert_true(echoes(fd));
	close(fd);
	assert_true(witness->frames > before);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction func;
	} tests[] = {
		{ "confined", test_confined },
		{ "allowed", test_allowed },
		{ "ping", test_ping },
		{ "answers", test_answers },
		{ "no upstream query", test_no_upstream_query },
		{ "failures", test_failures },
		{ "denied", test_denied },
	};
	static struct CMUnitTest all[2 * (sizeof(tests) / sizeof(tests[0]))];
	const char *why = world_up();
	size_t n = 0;
	int failed;

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	for (int b = 0; b < 2; b++) {
		for (size_t i = 0; world_program(b) && i < sizeof(tests) / sizeof(tests[0]); i++)
			all[n++] = (struct CMUnitTest){ tests[i].name, tests[i].func, scene_up, scene_down,
							(void *)(size_t)world_program(b) };
	}
	failed = _cmocka_run_group_tests("egress", all, n, NULL, NULL);
	world_down();
	return failed;
}
