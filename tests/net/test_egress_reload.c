/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new policy for a live sandbox, in the real, confined sluice-egress; the test is netd and a worker that
 * holds on to its sockets as a hijacked one would. What was let through is judged again: open flows, dials and
 * lookups under way, verdicts on their way; and what the old policy refused is let through.
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

enum { A = 1, AAAA = 28 };

#define HEAD "version: 1\negress:\n"
#define WEB "  - {allow: web.test, ports: [7001], proto: any}\n"
#define FOUR "  - {allow: four.test, ports: [7001], proto: any}\n"
#define VOID "  - {allow: void.test, ports: [7001]}\n"
#define MUTE "  - {allow: mute.test, ports: [7001]}\n"

struct scene {
	struct egress_proc egress;
	struct jail jail;
	bool shipped;			/* not the sanitized build */
};

static int scene_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->shipped = *state == world_program(0);
	egress_start(&s->egress, *state);
	assert_int_equal(jail_add(&s->egress, 1, HEAD WEB FOUR VOID MUTE, NULL, &s->jail), PROTO_READY);
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

static void send_set(struct scene *s, uint32_t number, const char *policy)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	struct proto_policy_set m;

	PROTO_INIT(&m, PROTO_POLICY_SET);
	m.sandbox = number;
	assert_int_equal(write(fd, policy, strlen(policy)), strlen(policy));
	assert_int_equal(msg_send(s->egress.up, &m, sizeof(m), &fd, 1), 0);
	close(fd);
}

static struct proto_policy_state hear_state(struct scene *s)
{
	struct proto_policy_state m;
	int fd;

	assert_int_equal(hear(s->egress.up, &m, sizeof(m), &fd), sizeof(m));
	assert_int_equal(proto_check(&m, sizeof(m)), 0);
	assert_int_equal(m.head.type, PROTO_POLICY_STATE);
	return m;
}

/* In force; returns how many flows were cut. */
static uint32_t set(struct scene *s, const char *policy)
{
	struct proto_policy_state m;

	send_set(s, 1, policy);
	m = hear_state(s);
	if (m.state != PROTO_READY)
		print_message("# %s\n", m.text);
	assert_int_equal(m.state, PROTO_READY);
	assert_int_equal(m.sandbox, 1);
	assert_string_equal(m.text, "");
	return m.cut;
}

static const char *address_of(struct scene *s, const char *name, uint16_t qtype)
{
	static char buf[4][ADDR_STRLEN];
	static int i;
	struct proto_answer a = ask_name(&s->jail, name, qtype);

	assert_int_equal(a.rcode, 0);
	assert_true(a.n_addrs >= 1);
	return addr_format(&a.addrs[0], buf[i++ % 4]);
}

/* An open flow; *ret_id may be NULL. */
static int open_flow(struct scene *s, const char *dst, uint8_t proto, uint64_t *ret_id)
{
	int fd;

	assert_int_equal(ask_flow(&s->jail, dst, proto, proto == IPPROTO_ICMP ? 0 : 7001, &fd).verdict, PROTO_ALLOW);
	if (ret_id)
		*ret_id = last_id();
	return fd;
}

/* The worker is done with the flow that was asked for last. */
static void done(struct scene *s, int fd)
{
	close(fd);
	end_flow(&s->jail, last_id(), 0, 0);
}

static void hear_cut(struct scene *s, uint64_t id, enum drop_reason reason)
{
	struct proto_cut c;
	int fd;

	assert_int_equal(hear(s->jail.ask, &c, sizeof(c), &fd), sizeof(c));
	assert_int_equal(c.head.type, PROTO_CUT);
	assert_int_equal(c.id, id);
	assert_int_equal(c.reason, reason);
}

/* Nothing more is in the worker's socket. */
static bool is_quiet(struct scene *s)
{
	struct pollfd p = { .fd = s->jail.ask, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* What a worker that ignores PROTO_CUT can still send. */
static bool is_dead(int fd)
{
	static const uint8_t echo[16] = { 8, 0, 0, 0, 1, 2, 0, 1 };

	for (int i = 0; i < 3; i++) {
		if (send(fd, echo, sizeof(echo), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return false;
	}
	return true;
}

static void read_events(struct scene *s, char *buf, size_t cap)
{
	ssize_t n;

	/* The writer is at most this late. */
	poll(NULL, 0, 1500);
	n = pread(s->jail.events, buf, cap - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
}

/* ---- the tests ------------------------------------------------------------------------------------------ */

static void test_cut(void **state)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	struct scene *s = *state;
	const char *four = address_of(s, "four.test", A), *web = address_of(s, "web.test", A);
	int fds[3], kept = open_flow(s, web, IPPROTO_TCP, NULL);
	static char events[1 << 16];
	uint64_t ids[3], before;
	char byte;

	for (int i = 0; i < 3; i++)
		fds[i] = open_flow(s, four, protos[i], &ids[i]);
	assert_true(echoes(fds[0]) && echoes(fds[1]) && echoes(kept));
	assert_int_equal(set(s, HEAD WEB), 3);
	/* Before the answer, and without the worker's help. */
	assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNRESET);
	/* The reset is the last that the far side sees. */
	poll(NULL, 0, 50);
	before = witness->frames;
	for (int i = 0; i < 3; i++) {
		assert_true(is_dead(fds[i]));
		hear_cut(s, ids[i], DROP_POLICY_CUT);
	}
	assert_int_equal(witness->frames, before);
	/* What is still allowed did not notice; it is the control for the witness as well. */
	assert_true(echoes(kept));
	assert_true(witness->frames > before);
	/* Once is enough, whatever the worker says. */
	assert_int_equal(set(s, HEAD WEB), 0);
	assert_int_equal(set(s, HEAD WEB FOUR), 0);
	assert_true(is_dead(fds[0]) && is_dead(fds[1]) && is_dead(fds[2]) && is_quiet(s));
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
		end_flow(&s->jail, ids[i], 15, 15);
	}
	done(s, open_flow(s, four, IPPROTO_TCP, NULL));
	read_events(s, events, sizeof(events));
	assert_non_null(strstr(events, "\"event_type\":\"policy\""));
	assert_non_null(strstr(events, "\"flows_cut\":3"));
	assert_non_null(strstr(events, "\"reason\":\"policy-cut\",\"reason_code\":67"));
	assert_non_null(strstr(events, "\"state\":\"closed\",\"reason\":\"policy-cut\""));
	close(kept);
}

static void test_broken(void **state)
{
	static const struct {
		const char *policy, *text;
	} t[] = {
		/* 1 */ { HEAD "  - alow: web.test\n", "line 3 column 5" },
		/* 2 */ { "version: 1\negress: [\n", "line" },
		/* 3 */ { "version: 2\n", "line 1 column" },
	};
	struct scene *s = *state;
	int fd = open_flow(s, address_of(s, "web.test", A), IPPROTO_TCP, NULL);
	struct proto_policy_state m;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		send_set(s, 1, t[i].policy);
		m = hear_state(s);
		assert_int_equal(m.state, PROTO_FAILED);
		assert_int_equal(m.cut, 0);
		if (!strstr(m.text, t[i].text))
			fail_msg("case %zu: %s", i + 1, m.text);
	}
	/* A sandbox that is not there. */
	send_set(s, 77, HEAD);
	assert_int_equal(hear_state(s).state, PROTO_FAILED);
	/* The old one is in force, whole. */
	assert_true(echoes(fd) && is_quiet(s));
	close(fd);
	close(open_flow(s, address_of(s, "four.test", A), IPPROTO_TCP, NULL));
}

static void test_names(void **state)
{
	struct scene *s = *state;
	const char *old, *four;
	struct proto_answer a;
	uint64_t asked;
	int fd;

	/* Denied, then allowed: the address that the program may still hold is dialled by name. */
	old = address_of(s, "shared.test", A);
	assert_int_equal(ask_flow(&s->jail, old, IPPROTO_TCP, 7001, NULL).verdict, PROTO_DENY);
	set(s, HEAD WEB FOUR "  - {allow: shared.test, ports: [7001]}\n");
	fd = open_flow(s, old, IPPROTO_TCP, NULL);
	assert_true(echoes(fd));
	done(s, fd);
	assert_int_equal(ask_flow(&s->jail, old, IPPROTO_TCP, 7002, NULL).reason, DROP_POLICY_PORT);
	a = ask_name(&s->jail, "shared.test", A);
	assert_int_equal(a.denied, 0);
	assert_int_equal(a.n_addrs, 1);
	/* Allowed, then denied: refused at its old address, and not a word upstream. */
	four = address_of(s, "four.test", A);
	set(s, HEAD WEB "  - {allow: shared.test, ports: [7001]}\n  - {deny: four.test}\n");
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7001, NULL).reason, DROP_POLICY_DENY);
	asked = witness->questions;
	a = ask_name(&s->jail, "four.test", A);
	assert_int_equal(a.denied, 1);
	assert_int_equal(a.reason, DROP_POLICY_DENY);
	ask_name(&s->jail, "four.test", AAAA);
	assert_int_equal(witness->questions, asked);
	/* And back: what the resolver said is still true. */
	set(s, HEAD FOUR);
	fd = open_flow(s, four, IPPROTO_TCP, NULL);
	assert_true(echoes(fd));
	close(fd);
	assert_int_equal(witness->questions, asked + 1);	/* AAAA, which the dial wants to know */
}

/* A rule for the very address, while it is leased to a name. */
static void test_addresses(void **state)
{
	struct scene *s = *state;
	const char *four = address_of(s, "four.test", A), *web = address_of(s, "web.test", A);
	uint64_t id;
	int fd = open_flow(s, four, IPPROTO_TCP, &id);
	struct proto_verdict_msg v;

	/* Denied, it is not dialled for the name either, and the flow that was, ends. */
	assert_int_equal(set(s, HEAD WEB FOUR "  - {deny: 198.51.100.11}\n"), 1);
	hear_cut(s, id, DROP_POLICY_CUT);
	assert_true(is_dead(fd));
	close(fd);
	end_flow(&s->jail, id, 0, 0);
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7001, NULL).reason, DROP_POLICY_DENY);
	/* Allowed where the name is not: it is an address again, and the name gets another. */
	assert_int_equal(set(s, HEAD WEB "  - {allow: 198.51.100.11, ports: [7001]}\n"), 0);
	v = ask_flow(&s->jail, four, IPPROTO_TCP, 7001, &fd);
	assert_int_equal(v.verdict, PROTO_ALLOW);
	assert_string_equal(v.name, "");
	id = last_id();
	assert_true(echoes(fd));
	/* A bare flow is judged by its address, whoever leases that. */
	assert_int_equal(set(s, HEAD WEB FOUR), 1);
	hear_cut(s, id, DROP_POLICY_CUT);
	close(fd);
	end_flow(&s->jail, id, 0, 0);
	close(open_flow(s, web, IPPROTO_TCP, NULL));
}

/* A flow whose first bytes went unread cannot be read later; one that was read enough goes on. */
static void test_reading(void **state)
{
	static const struct {
		const char *was, *is;
		bool cut;
	} t[] = {
		/* 1 */ { "tls: require", "tls: require", false },
		/* 2 */ { "tls: require", "tls: opaque", false },
		/* 3 */ { "tls: require", "tls: any", false },
		/* 4 */ { "tls: opaque", "tls: any", false },
		/* 5 */ { "tls: opaque", "tls: require", true },
		/* 6 */ { "tls: any", "tls: opaque", true },
		/* 7 */ { "tls: any", "tls: require", true },
	};
	struct scene *s = *state;
	const char *web = address_of(s, "web.test", A);

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char was[128], is[128];
		uint64_t id;
		int fd;

		snprintf(was, sizeof(was), HEAD "  - {allow: web.test, ports: [7001], %s}\n", t[i].was);
		snprintf(is, sizeof(is), HEAD "  - {allow: web.test, ports: [7001], %s}\n", t[i].is);
		assert_int_equal(set(s, was), 0);
		fd = open_flow(s, web, IPPROTO_TCP, &id);
		/* What a relaxed policy does not ask for is still read, and counts when it is asked for again. */
		if (set(s, is) != t[i].cut)
			fail_msg("case %zu", i + 1);
		assert_int_equal(set(s, was), 0);
		if (t[i].cut)
			hear_cut(s, id, DROP_POLICY_CUT);
		assert_int_equal(is_dead(fd), t[i].cut);
		done(s, fd);
	}
}

/* What is under way when the policy comes. */
static void test_under_way(void **state)
{
	struct scene *s = *state;
	const char *hole = address_of(s, "void.test", A);
	struct proto_ask_flow m = flow_question(70001, hole, IPPROTO_TCP, 7001);
	struct proto_verdict_msg v;
	struct proto_answer a;
	uint64_t start;
	int fd;

	/* A dial that nobody answers, and a lookup that nobody answers. */
	say(s->jail.ask, &m, sizeof(m));
	say_name(&s->jail, 70002, A, "mute.test");
	poll(NULL, 0, 50);
	start = clock_mono_ns();
	assert_int_equal(set(s, HEAD WEB VOID MUTE), 0);
	assert_true(is_quiet(s));
	assert_int_equal(set(s, HEAD WEB), 0);
	assert_int_equal(hear(s->jail.ask, &a, sizeof(a), &fd), sizeof(a));
	assert_int_equal(a.id, 70002);
	assert_int_equal(a.denied, 1);
	assert_int_equal(hear(s->jail.ask, &v, sizeof(v), &fd), sizeof(v));
	assert_int_equal(v.id, 70001);
	assert_int_equal(v.verdict, PROTO_DENY);
	assert_int_equal(v.reason, DROP_POLICY_NAME);
	assert_true(clock_mono_ns() - start < 2 * NS_PER_S);
	/* A dial whose one address may not be dialled any more. */
	set(s, HEAD WEB VOID);
	m.id = 70003;
	say(s->jail.ask, &m, sizeof(m));
	poll(NULL, 0, 50);
	set(s, HEAD WEB VOID "  - {deny: 198.51.100.0/24}\n  - {deny: \"2001:db8::/32\"}\n");
	assert_int_equal(hear(s->jail.ask, &v, sizeof(v), &fd), sizeof(v));
	assert_int_equal(v.id, 70003);
	assert_int_equal(v.verdict, PROTO_DENY);
	assert_int_equal(v.reason, DROP_POLICY_DENY);
}

/* Questions and a new policy at the same moment, a hundred times: whoever was let through hears of the cut. */
static void test_same_moment(void **state)
{
	enum { ROUNDS = 100, FLOWS = 40 };
	struct scene *s = *state;
	const char *four = address_of(s, "four.test", A);
	uint64_t base = 80000;
	int n_allowed = 0, n_denied = 0;

	for (int r = 0; r < ROUNDS; r++, base += FLOWS) {
		int fds[FLOWS], verdicts = 0, cuts = 0, allowed = 0;
		bool was_cut[FLOWS] = { false };
		uint32_t cut;

		memset(fds, -1, sizeof(fds));
		for (int i = 0; i < FLOWS; i++) {
			struct proto_ask_flow m = flow_question(base + (uint64_t)i, four, i % 2 ? IPPROTO_UDP : IPPROTO_TCP,
								7001);

			say(s->jail.ask, &m, sizeof(m));
			if (i != r % FLOWS)
				continue;
			/* Sometimes when the first verdicts are on their way already. */
			poll(NULL, 0, r % 2 ? 2 : 0);
			send_set(s, 1, HEAD WEB);
		}
		cut = hear_state(s).cut;
		while (verdicts < FLOWS || cuts < allowed) {
			_Alignas(8) char buf[PROTO_MSG_MAX];
			struct proto_verdict_msg *v = (struct proto_verdict_msg *)buf;
			struct proto_cut *c = (struct proto_cut *)buf;
			int fd;

			assert_true(hear(s->jail.ask, buf, sizeof(buf), &fd) > 0);
			if (v->head.type == PROTO_CUT) {
				assert_true(fds[c->id - base] >= 0);
				was_cut[c->id - base] = true;
				cuts++;
				continue;
			}
			assert_int_equal(v->head.type, PROTO_VERDICT);
			verdicts++;
			allowed += v->verdict == PROTO_ALLOW;
			fds[v->id - base] = fd;
		}
		assert_int_equal(cut, allowed);
		n_allowed += allowed;
		n_denied += FLOWS - allowed;
		for (int i = 0; i < FLOWS; i++) {
			assert_int_equal(was_cut[i], fds[i] >= 0);
			if (fds[i] < 0)
				continue;
			assert_true(is_dead(fds[i]));
			close(fds[i]);
			end_flow(&s->jail, base + (uint64_t)i, 0, 0);
		}
		assert_int_equal(set(s, HEAD WEB FOUR), 0);
	}
	print_message("# %d were let through and cut, %d denied\n", n_allowed, n_denied);
	assert_true(n_allowed > 0 && n_denied > 0);
	assert_true(is_quiet(s));
}

static void test_limits(void **state)
{
	struct scene *s = *state;
	const char *four = address_of(s, "four.test", A);
	static char block[1 << 16];
	uint64_t id[3];
	int fd[3];

	for (int i = 0; i < 2; i++)
		fd[i] = open_flow(s, four, IPPROTO_TCP, &id[i]);
	/* Fewer flows: those that are stay. */
	assert_int_equal(set(s, HEAD FOUR "limits: {flows: 2}\n"), 0);
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7001, NULL).reason, DROP_FLOW_FULL);
	assert_int_equal(set(s, HEAD FOUR "limits: {flows: 3}\n"), 0);
	fd[2] = open_flow(s, four, IPPROTO_TCP, &id[2]);
	/* A rate, and another one; who is refused is rationed as well. */
	set(s, HEAD FOUR "limits: {new_flows_per_s: 2}\n");
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7009, NULL).reason, DROP_POLICY_PORT);
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7009, NULL).reason, DROP_POLICY_PORT);
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7001, NULL).reason, DROP_FLOW_RATE);
	set(s, HEAD FOUR "limits: {new_flows_per_s: 1000}\n");
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7009, NULL).reason, DROP_POLICY_PORT);
	/* A byte budget where there was none; what open flows had sent before counts, and all of them end. */
	assert_int_equal(send(fd[0], block, sizeof(block), MSG_NOSIGNAL), sizeof(block));
	assert_true(echoes(fd[1]));
	set(s, HEAD FOUR "limits: {up_bytes: 10KiB}\n");
	for (int i = 0; i < 3; i++)
		hear_cut(s, id[i], DROP_BYTES_UP);
	assert_true(is_dead(fd[0]) && is_dead(fd[1]) && is_dead(fd[2]));
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7001, NULL).reason, DROP_BYTES_UP);
	for (int i = 0; i < 3; i++) {
		close(fd[i]);
		end_flow(&s->jail, id[i], 0, 0);
	}
	/* More: what was used still counts. */
	set(s, HEAD FOUR "limits: {up_bytes: 60KiB}\n");
	assert_int_equal(ask_flow(&s->jail, four, IPPROTO_TCP, 7001, NULL).reason, DROP_BYTES_UP);
	set(s, HEAD FOUR "limits: {up_bytes: 1MiB}\n");
	close(open_flow(s, four, IPPROTO_TCP, NULL));
}

/* Thousands of open flows: half of them are denied, and dead when the answer comes. */
static void test_many(void **state)
{
	enum { FLOWS = 4000 };
	struct scene *s = *state;
	const char *name[2] = { address_of(s, "web.test", A), address_of(s, "four.test", A) };
	static int fds[FLOWS];
	uint64_t first = 0, start, took;
	uint8_t buf[PROTO_MSG_MAX];
	int none;

	for (int i = 0; i < FLOWS; i++) {
		fds[i] = open_flow(s, name[i % 2], IPPROTO_UDP, NULL);
		if (i == 0)
			first = last_id();
	}
	start = clock_mono_ns();
	assert_int_equal(set(s, HEAD WEB), FLOWS / 2);
	took = clock_mono_ns() - start;
	print_message("# %d flows judged again, half of them cut, in %llu us\n", FLOWS,
		      (unsigned long long)took / 1000);
	/* All cuts first: egress reads nothing more while so many answers wait. */
	for (int i = 0; i < FLOWS / 2; i++)
		assert_int_equal(hear(s->jail.ask, buf, sizeof(buf), &none), sizeof(struct proto_cut));
	for (int i = 0; i < FLOWS; i++) {
		assert_int_equal(is_dead(fds[i]), i % 2);
		close(fds[i]);
		end_flow(&s->jail, first + (uint64_t)i, 0, 0);
	}
	assert_true(took < 5 * NS_PER_S);
}

static int count_fds(const struct scene *s)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", s->egress.pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static long rss_kb(const struct scene *s)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", s->egress.pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %ld", &kb);
	fclose(f);
	return kb;
}

/* A policy of some size, over and over: nothing is left of the old ones. */
static void test_leak(void **state)
{
	enum { WARM = 50, ROUNDS = 300, RULES = 500 };
	struct scene *s = *state;
	char *policy = malloc(1 << 16);
	long rss = 0;
	int len = sprintf(policy, HEAD WEB), fds = 0;
	int fd = open_flow(s, address_of(s, "web.test", A), IPPROTO_TCP, NULL);

	for (int i = 0; i < RULES; i++)
		len += sprintf(policy + len, "  - {allow: n%d.example.test}\n", i);
	for (int i = 0; i < WARM + ROUNDS; i++) {
		if (i == WARM) {
			fds = count_fds(s);
			rss = rss_kb(s);
		}
		assert_int_equal(set(s, policy), 0);
		if (i % 10 == 0)
			assert_true(echoes(fd));
	}
	print_message("# VmRSS %ld kB, then %ld kB\n", rss, rss_kb(s));
	assert_int_equal(count_fds(s), fds);
	/* A sanitized egress keeps what was freed for a while. */
	if (s->shipped)
		assert_true(rss_kb(s) < rss + 2048);
	close(fd);
	free(policy);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction func;
	} tests[] = {
		{ "open flows are cut", test_cut },
		{ "a broken policy changes nothing", test_broken },
		{ "names are judged again", test_names },
		{ "addresses are judged again", test_addresses },
		{ "what was read is judged again", test_reading },
		{ "what is under way", test_under_way },
		{ "questions at the same moment", test_same_moment },
		{ "limits", test_limits },
		{ "thousands of flows", test_many },
		{ "no leak", test_leak },
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
	failed = _cmocka_run_group_tests("egress_reload", all, n, NULL, NULL);
	world_down();
	return failed;
}
