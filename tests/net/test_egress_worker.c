/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that a sandbox has taken over, against the real sluice-egress: whatever it sends, only its own
 * sandbox ends, nothing leaves that should not, and a neighbour is served all the while. Then the limits,
 * the report and the event log.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/drop.h"
#include "lib/clock.h"
#include "lib/msg.h"
#include "tests/net/egress_world.h"

enum { A = 1, AAAA = 28 };

static const char policy[] =
	"version: 1\n"
	"egress:\n"
	"  - allow: \"*.test\"\n"
	"    ports: [7001]\n"
	"  - deny: evil.test\n";

static const char udp_policy[] =
	"version: 1\n"
	"egress:\n"
	"  - allow: \"*.test\"\n"
	"    ports: [7001]\n"
	"    proto: [tcp, udp]\n";

static struct egress_proc egress;
static struct jail neighbour;
static uint32_t number = 100;

static int up(void **state)
{
	egress_start(&egress, *state);
	assert_int_equal(jail_add(&egress, 1, policy, NULL, &neighbour), PROTO_READY);
	return 0;
}

static int down(void **state)
{
	(void)state;
	jail_end(&egress, &neighbour);
	assert_int_equal(egress_stop(&egress), 0);
	return 0;
}

static struct jail add(const char *rules)
{
	struct jail j;

	assert_int_equal(jail_add(&egress, ++number, rules ? rules : policy, NULL, &j), PROTO_READY);
	return j;
}

/* A flow of the neighbour's, from question to echo. */
static void neighbour_is_served(void)
{
	char text[ADDR_STRLEN];
	struct proto_answer a = ask_name(&neighbour, "four.test", A);
	int fd;

	assert_int_equal(a.n_addrs, 1);
	assert_int_equal(ask_flow(&neighbour, addr_format(&a.addrs[0], text), IPPROTO_TCP, 7001, &fd).verdict,
			 PROTO_ALLOW);
	assert_true(echoes(fd));
	close(fd);
	end_flow(&neighbour, last_id(), 1, 1);
}

/* netd hears PROTO_FAILED of this sandbox, the worker's socket is closed, and the report still comes. */
static void is_cut(struct jail *j)
{
	struct proto_sandbox_state st = netd_hears(&egress);
	char buf[PROTO_MSG_MAX];
	int fd;

	assert_int_equal(st.state, PROTO_FAILED);
	assert_int_equal(st.sandbox, j->number);
	assert_non_null(strstr(st.text, "cutting it off"));
	while (hear(j->ask, buf, sizeof(buf), &fd) > 0)
		close(fd);
	neighbour_is_served();
	jail_end(&egress, j);
}

static unsigned int descriptors(void)
{
	char path[64];
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", egress.pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A lookup that nobody waits for any more keeps its socket until the resolver's time is up. */
static void descriptors_are_back(unsigned int before)
{
	for (int i = 0; i < 1200 && descriptors() > before; i++)
		poll(NULL, 0, 10);
	assert_in_range(descriptors(), 0, before);
}

/* ---- hostile messages ---- */

static const char *four(struct jail *j)
{
	static char text[ADDR_STRLEN];
	struct proto_answer a = ask_name(j, "four.test", A);

	assert_int_equal(a.n_addrs, 1);
	return addr_format(&a.addrs[0], text);
}

static void bad_length(struct jail *j)
{
	struct proto_ask_flow m = flow_question(1, "198.51.100.11", IPPROTO_TCP, 7001);

	say(j->ask, &m, sizeof(m) - 1);
}

static void too_long(struct jail *j)
{
	static char big[4096];

	say(j->ask, big, sizeof(big));
}

static void one_byte(struct jail *j)
{
	say(j->ask, "x", 1);
}

static void wrong_direction(struct jail *j)
{
	struct proto_verdict_msg m;

	PROTO_INIT(&m, PROTO_VERDICT);
	m.verdict = PROTO_ALLOW;
	say(j->ask, &m, sizeof(m));
}

static void netds_command(struct jail *j)
{
	struct proto_sandbox_add m;

	PROTO_INIT(&m, PROTO_SANDBOX_ADD);
	m.sandbox = 77;
	say(j->ask, &m, sizeof(m));
}

static void unknown_type(struct jail *j)
{
	struct proto_head m = { .type = 9999, .size = sizeof(m) };

	say(j->ask, &m, sizeof(m));
}

static void duplicate_flow(struct jail *j)
{
	const char *dst = four(j);
	struct proto_ask_flow m = flow_question(7, dst, IPPROTO_TCP, 7001);

	say(j->ask, &m, sizeof(m));
	say(j->ask, &m, sizeof(m));
}

static void duplicate_question(struct jail *j)
{
	say_name(j, 5, A, "mute.test");
	say_name(j, 5, AAAA, "mute.test");
}

static void bad_protocol(struct jail *j)
{
	struct proto_ask_flow m = flow_question(1, "198.51.100.11", IPPROTO_SCTP, 7001);

	say(j->ask, &m, sizeof(m));
}

static void port_zero(struct jail *j)
{
	struct proto_ask_flow m = flow_question(1, "198.51.100.11", IPPROTO_TCP, 0);

	say(j->ask, &m, sizeof(m));
}

static void ping_with_port(struct jail *j)
{
	struct proto_ask_flow m = flow_question(1, "198.51.100.11", IPPROTO_ICMP, 8);

	say(j->ask, &m, sizeof(m));
}

static void two_families(struct jail *j)
{
	struct proto_ask_flow m = flow_question(1, "2001:db8:100::11", IPPROTO_TCP, 7001);

	addr_parse(LINK_SB4, &m.src);
	say(j->ask, &m, sizeof(m));
}

static void name_without_end(struct jail *j)
{
	struct proto_ask_name m;

	PROTO_INIT(&m, PROTO_ASK_NAME);
	memset(m.name, 'a', sizeof(m.name));
	say(j->ask, &m, sizeof(m));
}

static void name_upper_case(struct jail *j)
{
	say_name(j, 1, A, "Four.test");
}

static void name_with_control(struct jail *j)
{
	say_name(j, 1, A, "evil.test\n.ok.test");
}

static void name_empty(struct jail *j)
{
	say_name(j, 1, A, "");
}

static void bad_end_reason(struct jail *j)
{
	struct proto_flow_end m;

	PROTO_INIT(&m, PROTO_FLOW_END);
	m.reason = 60000;
	say(j->ask, &m, sizeof(m));
}

static void bad_drop_reason(struct jail *j)
{
	struct proto_drops m;

	PROTO_INIT(&m, PROTO_DROPS);
	m.reason = DROP_REASON_MAX;
	say(j->ask, &m, sizeof(m));
}

/* What inspection read of a flow that is open. */
static struct proto_inspected inspected(struct jail *j)
{
	struct proto_inspected m;
	int fd;

	assert_int_equal(ask_flow(j, four(j), IPPROTO_TCP, 7001, &fd).verdict, PROTO_ALLOW);
	close(fd);
	PROTO_INIT(&m, PROTO_INSPECTED);
	m.id = last_id();
	m.reason = DROP_TLS_NAME;
	m.inspect = PROTO_INSPECT_TLS;
	strcpy(m.host, "other.test");
	strcpy(m.detail, "TLS1.3 h2");
	return m;
}

static void inspected_unknown(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.id++;
	say(j->ask, &m, sizeof(m));
}

static void inspected_ended(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	end_flow(j, m.id, 0, 0);
	say(j->ask, &m, sizeof(m));
}

static void inspected_reason_low(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.reason = DROP_TLS_NAME - 1;
	say(j->ask, &m, sizeof(m));
}

static void inspected_reason_high(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.reason = DROP_INSPECT_TIMEOUT + 1;
	say(j->ask, &m, sizeof(m));
}

static void inspected_kind(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.inspect = PROTO_INSPECT_QUIC_OPAQUE + 1;
	say(j->ask, &m, sizeof(m));
}

static void inspected_control_byte(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.host[1] = '\n';
	say(j->ask, &m, sizeof(m));
}

static void inspected_high_byte(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.detail[1] = (char)0x9b;
	say(j->ask, &m, sizeof(m));
}

static void inspected_endless_text(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	memset(m.detail, 'a', sizeof(m.detail));
	say(j->ask, &m, sizeof(m));
}

static void inspected_padding(struct jail *j)
{
	struct proto_inspected m = inspected(j);

	m.zero[2] = 1;
	say(j->ask, &m, sizeof(m));
}

static void descriptor_in_message(struct jail *j)
{
	struct proto_ask_flow m = flow_question(1, "198.51.100.11", IPPROTO_TCP, 7001);
	int fds[MSG_MAX_FDS];

	for (int i = 0; i < MSG_MAX_FDS; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(msg_send(j->ask, &m, sizeof(m), fds, MSG_MAX_FDS), 0);
}

static void garbage_after_a_flow(struct jail *j)
{
	int fd;

	assert_int_equal(ask_flow(j, four(j), IPPROTO_TCP, 7001, &fd).verdict, PROTO_ALLOW);
	close(fd);
	say(j->ask, "\x01\x00\x38\x00garbage!", 12);
}

static void test_malformed(void **state)
{
	static void (*const send_it[])(struct jail *) = {
		bad_length, too_long, one_byte, wrong_direction, netds_command, unknown_type,
		duplicate_flow, duplicate_question, bad_protocol, port_zero, ping_with_port, two_families,
		name_without_end, name_upper_case, name_with_control, name_empty, bad_end_reason,
		bad_drop_reason, inspected_unknown, inspected_ended, inspected_reason_low,
		inspected_reason_high, inspected_kind, inspected_control_byte, inspected_high_byte,
		inspected_endless_text, inspected_padding, descriptor_in_message, garbage_after_a_flow,
	};
	unsigned int before = descriptors();

	(void)state;
	for (size_t i = 0; i < sizeof(send_it) / sizeof(send_it[0]); i++) {
		struct jail j = add(NULL);

		send_it[i](&j);
		is_cut(&j);
	}
	descriptors_are_back(before);
}

/* What has ended cannot be kept: else it would be out of reach of budgets, limits and a new policy. */
static void test_ended_but_kept(void **state)
{
	static const struct linger reset = { .l_onoff = 1 };
	static const struct {
		uint8_t proto;
		bool with_reset;
	} t[] = { { IPPROTO_TCP, false }, { IPPROTO_TCP, true }, { IPPROTO_UDP, false } };
	struct jail j = add(udp_policy);
	char c;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int fd;

		assert_int_equal(ask_flow(&j, four(&j), t[i].proto, 7001, &fd).verdict, PROTO_ALLOW);
		assert_true(echoes(fd));
		if (t[i].with_reset)
			assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
		end_flow(&j, last_id(), 1, 1);
		ask_name(&j, "four.test", A);	/* answered after the end was read */
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
		assert_true(recv(fd, &c, 1, MSG_DONTWAIT) <= 0);
		close(fd);
	}
	jail_end(&egress, &j);
}

/* Random messages of the right shape, and each to a fresh sandbox when the last one was cut. */
static void test_random(void **state)
{
	struct jail j = add(NULL);
	unsigned int seed = 1;
	bool cut = false;

	(void)state;
	for (int i = 0; i < 400; i++) {
		_Alignas(8) uint8_t m[512];
		struct proto_head *h = (struct proto_head *)m;
		static const uint16_t sizes[] = { 56, 280, 56, 40 };

		for (size_t k = 0; k < sizeof(m); k++)
			m[k] = (uint8_t)(rand_r(&seed) % 4 ? 0 : rand_r(&seed));
		h->type = (uint16_t)(1 + i % 4);
		h->size = sizes[i % 4];
		h->zero = 0;
		if (msg_send(j.ask, m, h->size, NULL, 0) < 0 || i % 20 == 19)
			cut = true;
		if (cut) {
			struct pollfd p = { .fd = egress.up, .events = POLLIN };

			if (poll(&p, 1, 300) == 1)
				assert_int_equal(netd_hears(&egress).state, PROTO_FAILED);
			while (recv(j.ask, m, sizeof(m), MSG_DONTWAIT) > 0)
				continue;
			jail_end(&egress, &j);
			j = add(NULL);
			cut = false;
		}
	}
	jail_end(&egress, &j);
	neighbour_is_served();
}

static void test_closes_early(void **state)
{
	unsigned int before = descriptors();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct jail j = add(NULL);
		struct proto_ask_flow m;

		/* In the middle of lookups and of dials that hang. */
		for (uint64_t id = 1; id <= 40; id++)
			say_name(&j, id, A, id % 2 ? "mute.test" : "void.test");
		m = flow_question(1, "198.51.100.66", IPPROTO_TCP, 7001);
		say(j.ask, &m, sizeof(m));
		close(j.ask);
		j.ask = -1;
		neighbour_is_served();
		jail_end(&egress, &j);
	}
	descriptors_are_back(before);
}

/* ---- floods ---- */

/* As many questions as fit, answers unread; the neighbour must not notice. */
static void flood(struct jail *j, int rounds)
{
	struct proto_ask_flow m = flow_question(1, "198.51.100.20", IPPROTO_TCP, 7001);

	for (int i = 0; i < rounds; i++) {
		m.id++;
		if (msg_send(j->ask, &m, sizeof(m), NULL, 0) < 0)
			break;
	}
}

static void test_flood_unread(void **state)
{
	struct jail j = add(NULL);
	uint64_t start;

	(void)state;
	assert_int_equal(fcntl(j.ask, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 50; i++) {
		flood(&j, 5000);
		start = clock_mono_ns();
		neighbour_is_served();
		assert_true(clock_mono_ns() - start < NS_PER_S);
	}
	jail_end(&egress, &j);
}

/* Allowed flows whose sockets nobody takes: descriptors in egress stay bounded. */
static void test_flood_dials(void **state)
{
	struct jail j = add("version: 1\negress:\n  - {allow: 198.51.100.0/24, ports: [7001]}\n");
	struct proto_ask_flow m = flow_question(1, "198.51.100.66", IPPROTO_TCP, 7001);
	uint64_t start;

	(void)state;
	assert_int_equal(fcntl(j.ask, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 6000; i++) {
		struct pollfd p = { .fd = j.ask, .events = POLLOUT };

		m.id++;
		/* Dials that hang, and dials that stand. */
		addr_parse(i % 2 ? "198.51.100.66" : "198.51.100.11", &m.dst);
		if (msg_send(j.ask, &m, sizeof(m), NULL, 0) < 0 && poll(&p, 1, 100) == 0)
			break;
	}
	start = clock_mono_ns();
	neighbour_is_served();
	assert_true(clock_mono_ns() - start < 2 * NS_PER_S);
	assert_true(descriptors() < 1500);
	jail_end(&egress, &j);
	neighbour_is_served();
}

static void test_flood_names(void **state)
{
	struct jail j = add(NULL);
	unsigned int limited = 0, answered = 0;
	_Alignas(8) char buf[PROTO_MSG_MAX];
	uint64_t asked = witness->questions;
	int fd;

	(void)state;
	for (uint64_t id = 1; id <= 3000; id++) {
		const struct proto_answer *a = (const struct proto_answer *)buf;
		char name[64];

		snprintf(name, sizeof(name), "secret-%llu.test", (unsigned long long)id);
		say_name(&j, id, A, name);
		if (id % 30 != 0)
			continue;
		for (int i = 0; i < 30; i++) {
			assert_int_equal(hear(j.ask, buf, sizeof(buf), &fd), sizeof(*a));
			limited += a->reason == DROP_NAME_RATE;
			answered++;
		}
	}
	assert_int_equal(answered, 3000);
	assert_true(limited > 1000);
	/* A burst, and what a second or two gives: not three thousand labels of somebody's secret. */
	assert_true(witness->questions - asked < 1000);
	neighbour_is_served();
	jail_end(&egress, &j);
}

static void test_flood_denied_names(void **state)
{
	struct jail j = add(NULL);
	unsigned int full = 0;

	(void)state;
	for (int i = 0; i < 1200; i++) {
		char name[64];
		struct proto_answer a;

		snprintf(name, sizeof(name), "n%d.example", i);
		a = ask_name(&j, name, A);
		if (a.reason == DROP_LEASE_FULL) {
			assert_int_equal(a.rcode, 5);
			full++;
		} else {
			assert_int_equal(a.denied, 1);
		}
	}
	assert_int_equal(full, 1200 - 1024);
	/* Names that a rule allows have room of their own. */
	assert_int_equal(ask_name(&j, "four.test", A).n_addrs, 1);
	neighbour_is_served();
	jail_end(&egress, &j);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	struct jail j = add("version: 1\negress:\n  - {allow: 198.51.100.11, ports: [7001], proto: udp}\n"
			    "limits: {flows: 3, up_bytes: 1000}\n");
	int fd[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_UDP, 7001, &fd[i]).verdict, PROTO_ALLOW);
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_UDP, 7001, NULL).reason, DROP_FLOW_FULL);
	end_flow(&j, last_id() - 1, 600, 0);
	close(fd[2]);
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_UDP, 7001, &fd[2]).verdict, PROTO_ALLOW);
	end_flow(&j, last_id(), 600, 0);
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_UDP, 7001, NULL).reason, DROP_BYTES_UP);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	jail_end(&egress, &j);

	j = add("version: 1\negress:\n  - {allow: 198.51.100.11, ports: [7001]}\n"
		"limits: {new_flows_per_s: 5}\n");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, &fd[0]).verdict, PROTO_ALLOW);
		close(fd[0]);
	}
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, NULL).reason, DROP_FLOW_RATE);
	jail_end(&egress, &j);
}

/* The kernel's counts decide, not the worker's; a live flow over the budget is ended by egress itself. */
static void test_budget(void **state)
{
	struct jail j = add("version: 1\negress:\n  - {allow: 198.51.100.11, ports: [7001]}\n"
			    "limits: {up_bytes: 100}\n");
	_Alignas(8) char buf[PROTO_MSG_MAX];
	const struct proto_cut *cut = (const void *)buf;
	struct pollfd p = { .events = POLLIN };
	int fd[2], none;

	(void)state;
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, &fd[0]).verdict, PROTO_ALLOW);
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, &fd[1]).verdict, PROTO_ALLOW);
	for (int i = 0; i < 3; i++)
		assert_true(echoes(fd[0]));
	end_flow(&j, last_id() - 1, 0, 0);
	close(fd[0]);
	for (int i = 0; i < 5; i++)
		assert_true(echoes(fd[1]));
	assert_int_equal(hear(j.ask, buf, sizeof(buf), &none), sizeof(*cut));
	assert_int_equal(cut->head.type, PROTO_CUT);
	assert_int_equal(cut->id, last_id());
	assert_int_equal(cut->reason, DROP_BYTES_UP);
	/* The worker holds on to the socket; nothing goes through it any more. */
	p.fd = fd[1];
	assert_int_equal(poll(&p, 1, 5000), 1);
	/* Not an end of file: what was cut must not look complete. */
	assert_int_equal(recv(fd[1], buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(send(fd[1], "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close(fd[1]);
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, NULL).reason, DROP_BYTES_UP);
	neighbour_is_served();
	jail_end(&egress, &j);
}

/* What has left counts, also when the connection ends before the far side can have acknowledged it. */
static void test_budget_in_flight(void **state)
{
	struct jail j = add("version: 1\negress:\n  - {allow: 198.51.100.11, ports: [7001]}\n"
			    "limits: {up_bytes: 10kB}\n");
	static const char block[12000];
	int fd;

	(void)state;
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, &fd).verdict, PROTO_ALLOW);
	assert_int_equal(system("nft 'add table ip deaf; add chain ip deaf in { type filter hook input priority 0; };"
				"add rule ip deaf in tcp sport 7001 tcp flags & syn == 0 drop'"), 0);
	assert_int_equal(send(fd, block, sizeof(block), MSG_NOSIGNAL), sizeof(block));
	end_flow(&j, last_id(), 0, 0);
	close(fd);
	assert_int_equal(ask_flow(&j, "198.51.100.11", IPPROTO_TCP, 7001, NULL).reason, DROP_BYTES_UP);
	assert_int_equal(system("nft delete table ip deaf"), 0);
	jail_end(&egress, &j);
}

static void test_bad_adds(void **state)
{
	struct jail j, twin;

	(void)state;
	assert_int_equal(jail_add(&egress, 50, "version: 1\negress:\n  - alow: x\n", NULL, &j), PROTO_FAILED);
	assert_int_equal(jail_add(&egress, 51, "", NULL, &j), PROTO_FAILED);
	assert_int_equal(jail_add(&egress, 1, policy, NULL, &twin), PROTO_FAILED);
	neighbour_is_served();
	/* A resolver of its own, which is not there. */
	assert_int_equal(jail_add(&egress, 52, policy, "203.0.113.1", &j), PROTO_READY);
	jail_end(&egress, &j);
}

/* ---- evidence ---- */

static void test_report(void **state)
{
	struct jail j = add(NULL);
	_Alignas(8) char buf[PROTO_MSG_MAX];
	struct proto_answer a = ask_name(&j, "evil.test", A);
	char text[ADDR_STRLEN], line[8192];
	const struct proto_report_denied *d = (const void *)buf;
	const struct proto_report_end *end = (const void *)buf;
	struct proto_drops drops;
	unsigned int alerts = 0, starts = 0, ends = 0;
	int report, fd;
	FILE *f;

	(void)state;
	ask_flow(&j, addr_format(&a.addrs[0], text), IPPROTO_TCP, 443, NULL);
	ask_flow(&j, text, IPPROTO_TCP, 443, NULL);
	ask_flow(&j, "198.51.100.20", IPPROTO_UDP, 53, NULL);
	ask_name(&j, "only.looked.up.example", A);
	assert_int_equal(ask_flow(&j, four(&j), IPPROTO_TCP, 7001, &fd).verdict, PROTO_ALLOW);
	close(fd);
	PROTO_INIT(&drops, PROTO_DROPS);
	drops.reason = DROP_IP_OPTIONS;
	drops.count = 12;
	say(j.ask, &drops, sizeof(drops));
	/* Unread when netd ends the sandbox; it counts all the same. */
	end_flow(&j, last_id(), 100, 200);
	report = dup(j.report);
	fd = dup(j.events);
	jail_end(&egress, &j);

	assert_int_equal(hear(report, buf, sizeof(buf), &(int){ 0 }), sizeof(*d));
	assert_string_equal(d->host, "evil.test");
	assert_int_equal(d->count, 2);
	assert_int_equal(d->dport, 443);
	assert_int_equal(d->reason, DROP_POLICY_DENY);
	assert_string_equal(d->spec, "");
	hear(report, buf, sizeof(buf), &(int){ 0 });
	assert_string_equal(d->host, "198.51.100.20");
	assert_string_equal(d->spec, "udp://198.51.100.20:53");
	hear(report, buf, sizeof(buf), &(int){ 0 });
	assert_string_equal(d->host, "only.looked.up.example");
	assert_string_equal(d->spec, "only.looked.up.example");
	assert_int_equal(hear(report, buf, sizeof(buf), &(int){ 0 }), sizeof(*end));
	assert_int_equal(end->flows, 4);
	assert_int_equal(end->flows_denied, 3);
	assert_int_equal(end->names, 3);
	assert_int_equal(end->names_denied, 2);
	assert_int_equal(end->up_bytes, 100);
	assert_int_equal(end->down_bytes, 200);
	assert_int_equal(end->dropped, 12);
	close(report);

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	f = fdopen(fd, "r");
	while (fgets(line, sizeof(line), f)) {
		assert_true(line[0] == '{' && strchr(line, '\n') && strstr(line, "\"sandbox\":\"box"));
		alerts += strstr(line, "\"event_type\":\"alert\"") != NULL;
		starts += strstr(line, "\"state\":\"new\"") != NULL;
		ends += strstr(line, "\"bytes_toserver\":100,") != NULL;
	}
	fclose(f);
	assert_int_equal(alerts, 5);
	assert_int_equal(starts, 1);
	assert_int_equal(ends, 1);
}

/* The lines of the event log that contain all of these (NULL: any). */
static unsigned int events_with(int fd, const char *a, const char *b, const char *c)
{
	unsigned int n = 0;
	char line[8192];
	FILE *f = fdopen(dup(fd), "r");

	assert_non_null(f);
	rewind(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, a) && (!b || strstr(line, b)) && (!c || strstr(line, c));
	fclose(f);
	return n;
}

static void test_inspected(void **state)
{
	static const char rules[] =
		"version: 1\n"
		"egress:\n"
		"  - allow: \"*.test\"\n"
		"    ports: [80, 443, 7001]\n"
		"  - deny: evil.test\n"
		"    reason: ask the build team\n";
	struct jail j = add(rules);
	struct proto_answer evil = ask_name(&j, "evil.test", A);
	_Alignas(8) char buf[PROTO_MSG_MAX], text[ADDR_STRLEN];
	const struct proto_report_denied *d = (const void *)buf;
	struct proto_verdict_msg v;
	struct proto_inspected m;
	int fd, report, events;

	(void)state;
	/* Denied: the language follows from the port, the words from the rule. */
	addr_format(&evil.addrs[0], text);
	v = ask_flow(&j, text, IPPROTO_TCP, 443, NULL);
	assert_int_equal(v.verdict, PROTO_DENY);
	assert_int_equal(v.inspect, PROTO_INSPECT_TLS);
	assert_string_equal(v.name, "evil.test");
	assert_string_equal(v.note, "ask the build team");
	assert_int_equal(ask_flow(&j, text, IPPROTO_TCP, 80, NULL).inspect, PROTO_INSPECT_HTTP);
	assert_int_equal(ask_flow(&j, text, IPPROTO_TCP, 7001, NULL).inspect, PROTO_INSPECT_NONE);
	assert_int_equal(ask_flow(&j, "198.51.100.222", IPPROTO_TCP, 443, NULL).inspect, PROTO_INSPECT_NONE);

	v = ask_flow(&j, four(&j), IPPROTO_TCP, 7001, &fd);
	assert_int_equal(v.verdict, PROTO_ALLOW);
	assert_int_equal(v.inspect, PROTO_INSPECT_TLS_IF);
	assert_string_equal(v.name, "four.test");
	assert_true(echoes(fd));
	PROTO_INIT(&m, PROTO_INSPECTED);
	m.id = last_id();
	m.inspect = PROTO_INSPECT_TLS;
	strcpy(m.host, "four.test");
	strcpy(m.detail, "TLS1.3 h2,http/1.1");
	say(j.ask, &m, sizeof(m));
	m.reason = DROP_TLS_NAME;
	strcpy(m.host, "sib.\"example");
	say(j.ask, &m, sizeof(m));
	strcpy(m.host, "sib.example");
	say(j.ask, &m, sizeof(m));
	/* An answer means that the messages before it were read. */
	four(&j);
	assert_true(send(fd, "x", 1, MSG_NOSIGNAL) < 0);	/* the socket leads nowhere any more */
	close(fd);
	end_flow(&j, m.id, 0, 0);
	report = dup(j.report);
	events = dup(j.events);
	jail_end(&egress, &j);

	do {
		assert_int_equal(hear(report, buf, sizeof(buf), &(int){ 0 }), sizeof(*d));
	} while (d->reason != DROP_TLS_NAME);
	assert_string_equal(d->host, "four.test");
	assert_string_equal(d->seen, "sib.\"example");
	assert_string_equal(d->spec, "");
	hear(report, buf, sizeof(buf), &(int){ 0 });
	assert_string_equal(d->seen, "sib.example");
	assert_string_equal(d->spec, "sib.example:7001");
	close(report);
	assert_int_equal(events_with(events, "\"event_type\":\"tls\"", "\"sni\":\"four.test\"",
				     "\"client_alpns\":[\"h2\",\"http/1.1\"]"), 1);
	assert_int_equal(events_with(events, "\"event_type\":\"alert\"", "\"seen\":\"sib.example\"",
				     "\"reason\":\"tls-name\""), 1);
	assert_int_equal(events_with(events, "sib.\\\"example", NULL, NULL), 1);
	assert_int_equal(events_with(events, "\"state\":\"closed\"", "\"reason\":\"tls-name\"", NULL), 1);
	assert_int_equal(events_with(events, "\"rule_reason\":\"ask the build team\"", "\"dest_port\":443",
				     NULL), 1);
	close(events);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction func;
	} tests[] = {
		{ "malformed", test_malformed },
		{ "ended but kept", test_ended_but_kept },
		{ "random", test_random },
		{ "closes early", test_closes_early },
		{ "flood unread", test_flood_unread },
		{ "flood dials", test_flood_dials },
		{ "flood names", test_flood_names },
		{ "flood denied names", test_flood_denied_names },
		{ "limits", test_limits },
		{ "budget", test_budget },
		{ "budget in flight", test_budget_in_flight },
		{ "bad adds", test_bad_adds },
		{ "report", test_report },
		{ "inspected", test_inspected },
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
			all[n++] = (struct CMUnitTest){ tests[i].name, tests[i].func, up, down,
							(void *)(size_t)world_program(b) };
	}
	failed = _cmocka_run_group_tests("egress", all, n, NULL, NULL);
	world_down();
	return failed;
}
