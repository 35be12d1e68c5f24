/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netd's states: the whole life of sandboxes with a cli, an egress and workers that do as this test
 * says, or lie, or say nothing. Time is a number. Links are counted, nothing privileged happens.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/msg.h"
#include "netd/netd.h"
#include "netd/priv.h"

/* ---- what netd meets ------------------------------------------------------------------------------------- */

static struct netd n;
static int cli, egress, worker;		/* the other ends; -1 */
static int links;			/* that stand */
static int link_error;			/* what priv_open_link() shall say */
static int worker_error;		/* what priv_start_worker() shall say */

int netd_watch(struct netd *d, int fd, enum source source, uint32_t number)
{
	(void)d, (void)source, (void)number;
	return fd < 0 ? -EBADF : 0;
}

void netd_unwatch(struct netd *d, int fd)
{
	(void)d, (void)fd;
}

void netd_let_go(struct netd *d)
{
	(void)d;
}

/* A process that only waits to be killed. */
static struct child sleeper(void)
{
	struct child c = CHILD_NONE;
	char byte;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	c.pid = fork();
	if (c.pid == 0) {
		syscall(__NR_close_range, 3u, ~0u, 0u);	/* else nobody sees an end of file */
		for (;;)
			pause();
	}
	close(p[1]);
	assert_int_equal(read(p[0], &byte, 1), 0);	/* it has closed its copies */
	c.log_fd = p[0];
	c.pidfd = (int)syscall(__NR_pidfd_open, c.pid, 0);
	return c;
}

int priv_start_egress(const char *path, int command_fd, struct child *ret_child)
{
	(void)path, (void)command_fd, (void)ret_child;
	return -ENOENT;
}

int priv_check_netns(int fd, char *why)
{
	(void)fd, (void)why;
	return 0;
}

void priv_cool(void)
{
}

int priv_check_owner(int netns, uid_t client, char *why)
{
	(void)netns;
	if (client != 1000)
		return 0;
	snprintf(why, PROTO_TEXT_CAP, "not yours");
	return -EPERM;
}

int priv_open_link(const struct link_spec *spec, struct link *ret_link, char *why)
{
	assert_true(spec->sandbox != 0);
	if (link_error) {
		snprintf(why, PROTO_TEXT_CAP, "no link today");
		return link_error;
	}
	*ret_link = (struct link){ .kind = PROTO_PORT_PACKET, .ifindex = 7, .mtu = 1500,
		.port_fd = open("/dev/null", O_RDWR | O_CLOEXEC), .tx_fd = -1, .umem_fd = -1, .netns = -1 };
	snprintf(why, PROTO_TEXT_CAP, "port packet");
	links++;
	return 0;
}

void priv_close_link(struct link *l)
{
	fd_close(&l->port_fd);
	links--;
}

void priv_gate_drops(const struct link *l, uint64_t ret_counts[DROP_REASON_MAX])
{
	(void)l;
	memset(ret_counts, 0, DROP_REASON_MAX * sizeof(ret_counts[0]));
}

int priv_start_worker(const char *path, int supervise_fd, struct child *ret_child)
{
	(void)path;
	if (worker_error)
		return worker_error;
	fd_close(&worker);
	worker = fcntl(supervise_fd, F_DUPFD_CLOEXEC, 3);
	*ret_child = sleeper();
	return 0;
}

void priv_kill(struct child *c)
{
	spawn_kill(c);
}

/* ---- the test's hands -------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	int p[2];

	(void)state;
	memset(&n, 0, sizeof(n));
	n.now = 1000 * NS_PER_S;
	n.epoll_fd = n.signal_fd = -1;
	links = link_error = worker_error = 0;
	worker = -1;
	n.spare = (struct spare){ .child = CHILD_NONE, .supervise_fd = -1 };
	assert_int_equal(msg_pair(p), 0);
	n.control_fd = p[0];
	cli = p[1];
	assert_int_equal(fcntl(n.control_fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(cli, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(msg_pair(p), 0);
	n.decider.fd = p[0];
	egress = p[1];
	assert_int_equal(fcntl(n.decider.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(egress, F_SETFL, O_NONBLOCK), 0);
	n.decider.child = sleeper();
	relay_init(&n.decider.relay, "sluice-egress");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < NETD_SANDBOXES_MAX; i++) {
		struct sandbox *sb = &n.sandboxes[i];

		if (sb->state == SANDBOX_FREE)
			continue;
		spawn_kill(&sb->worker);
		spawn_forget(&sb->worker);
		fd_close(&sb->supervise_fd);
		fd_close(&sb->ask_fd);
		fd_close(&sb->pcap_fd);
	}
	decider_stop(&n);
	fd_close(&n.control_fd);
	fd_close(&cli);
	fd_close(&egress);
	fd_close(&worker);
	return 0;
}

static struct proto_create good_request(void)
{
	struct proto_create m;

	PROTO_INIT(&m, PROTO_CREATE);
	m.version = PROTO_VERSION;
	snprintf(m.label, sizeof(m.label), "test-1");
	return m;
}

static int sealed_memory(void)
{
	int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

/* Sends the request with descriptors of the right kinds, n_fds of them. */
static void request(const struct proto_create *m, size_t n_fds)
{
	int policy = sealed_memory();
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int report[2];
	int fds[6];

	assert_int_equal(msg_pair(report), 0);
	fds[0] = null_fd;	/* priv_check_netns() is not what is tested here */
	fds[1] = policy;
	fds[2] = report[0];
	fds[3] = fds[4] = fds[5] = null_fd;
	assert_int_equal(msg_send(cli, m, sizeof(*m), fds, n_fds), 0);
	close(policy);
	close(null_fd);
	close(report[0]);
	close(report[1]);
	control_input(&n);
}

static _Alignas(8) char got[PROTO_MSG_MAX];

/* The next message at this end, or 0. */
static enum proto_type next_at(int fd)
{
	int fds[MSG_MAX_FDS];
	size_t n_fds = MSG_MAX_FDS;
	ssize_t len = msg_recv(fd, got, sizeof(got), fds, &n_fds);

	while (len > 0 && n_fds)
		close(fds[--n_fds]);
	if (len <= 0)
		return 0;
	assert_int_equal(proto_check(got, (size_t)len), 0);
	return proto_type(got);
}

static void egress_says(uint32_t number, enum proto_state state, const char *text)
{
	struct proto_sandbox_state m;

	PROTO_INIT(&m, PROTO_SANDBOX_STATE);
	m.sandbox = number;
	m.state = (uint8_t)state;
	snprintf(m.text, sizeof(m.text), "%s", text);
	assert_int_equal(msg_send(egress, &m, sizeof(m), NULL, 0), 0);
	decider_input(&n);
}

static void worker_says(uint32_t number, enum proto_state state, const char *text)
{
	struct proto_stack_state m;

	PROTO_INIT(&m, PROTO_STACK_STATE);
	m.state = (uint8_t)state;
	snprintf(m.text, sizeof(m.text), "%s", text);
	assert_int_equal(msg_send(worker, &m, sizeof(m), NULL, 0), 0);
	sandbox_worker_input(&n, sandbox_find(&n, number));
}

/* The worker was killed, or (kill_it) is now; netd hears of it. */
static void worker_ends(uint32_t number, bool kill_it)
{
	struct sandbox *sb = sandbox_find(&n, number);
	struct pollfd p;

	assert_non_null(sb);
	p = (struct pollfd){ .fd = sb->worker.pidfd, .events = POLLIN };
	if (kill_it)
		kill(sb->worker.pid, SIGKILL);
	assert_int_equal(poll(&p, 1, 5000), 1);
	sandbox_worker_ended(&n, sb);
}

static void seconds_pass(unsigned int s)
{
	n.now += s * NS_PER_S;
	sandbox_tick(&n);
}

static void make_live(void)
{
	struct proto_create m = good_request();

	request(&m, 3);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_ADD);
	egress_says(1, PROTO_READY, "");
	assert_int_equal(next_at(worker), PROTO_STACK_CONFIG);
	assert_int_equal(next_at(cli), 0);
	worker_says(1, PROTO_READY, "");
	assert_int_equal(next_at(cli), PROTO_CREATED);
	assert_int_equal(links, 1);
}

static void end_request(uint32_t number)
{
	struct proto_end m;

	PROTO_INIT(&m, PROTO_END);
	m.sandbox = number;
	assert_int_equal(msg_send(cli, &m, sizeof(m), NULL, 0), 0);
	control_input(&n);
}

static const char *ended_text(void)
{
	assert_int_equal(next_at(cli), PROTO_ENDED);
	return ((struct proto_ended *)got)->text;
}

static const char *error_text(void)
{
	assert_int_equal(next_at(cli), PROTO_ERROR);
	return ((struct proto_error *)got)->text;
}

/* ---- the tests ------------------------------------------------------------------------------------------------ */

static void test_orderly(void **state)
{
	(void)state;
	make_live();
	end_request(1);
	assert_int_equal(next_at(worker), PROTO_STACK_STOP);
	assert_int_equal(next_at(egress), 0);
	worker_ends(1, true);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	assert_int_equal(next_at(cli), 0);
	egress_says(1, PROTO_GONE, "");
	assert_string_equal(ended_text(), "");
	assert_int_equal(links, 0);
	assert_false(sandbox_any(&n));
	/* Asked again, it is still over, and no reason to drop the client. */
	end_request(1);
	assert_true(n.control_fd >= 0);
}

static void test_config(void **state)
{
	const struct proto_stack_config *c = (const struct proto_stack_config *)got;
	struct proto_create m = good_request();

	(void)state;
	m.flows_max = 10;
	m.flows_per_s = 3;
	request(&m, 3);
	egress_says(1, PROTO_READY, "");
	assert_int_equal(next_at(worker), PROTO_STACK_CONFIG);
	assert_int_equal(c->port, PROTO_PORT_PACKET);
	assert_int_equal(c->flows_max, 10);
	assert_int_equal(c->flows_per_s, 3);
	assert_int_equal(c->port_ifindex, 7);
	assert_string_equal(c->label, "test-1");
}

static void test_bad_fields(void **state)
{
	(void)state;
	for (int i = 0; i < 12; i++) {
		struct proto_create m = good_request();

		switch (i) {
		case 0: m.version = 2; break;
		case 1: m.flags = 1 << 20; break;
		case 2: m.mtu = 1279; break;
		case 3: m.mtu = 65536; break;
		case 4: m.flows_max = 1000000; break;
		case 5: m.label[0] = '\0'; break;
		case 6: memcpy(m.label, "a/b", 4); break;
		case 7: memcpy(m.label, "a\nb", 4); break;
		case 8: m.resolvers[0].port = 53; break;
		case 9: m.resolvers[2].addr.b[0] = 1; break;
		case 10: m.resolvers[1] = (struct proto_resolver){ .addr.b[0] = 1, .port = 53 }; break;
		default: m.resolvers[0] = (struct proto_resolver){ .addr.b[0] = 1, .port = 53, .zero[5] = 1 }; break;
		}
		request(&m, 3);
		assert_true(strlen(error_text()) > 10);
	}
	assert_int_equal(next_at(egress), 0);
	assert_int_equal(links, 0);
	assert_false(sandbox_any(&n));
}

static void test_bad_fds(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	request(&m, 0);
	assert_non_null(strstr(error_text(), "descriptors"));
	request(&m, 2);
	assert_non_null(strstr(error_text(), "descriptors"));
	request(&m, 4);
	assert_non_null(strstr(error_text(), "descriptors"));
	m.flags = PROTO_HAS_EVENTS | PROTO_HAS_PCAP;
	request(&m, 4);
	assert_non_null(strstr(error_text(), "descriptors"));
	request(&m, 5);
	assert_int_equal(next_at(cli), 0);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_ADD);
}

/* One descriptor of a wrong kind in each place. */
static void test_wrong_kinds(void **state)
{
	int dir = open("/", O_RDONLY | O_CLOEXEC);
	int readable = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int file = memfd_create("x", MFD_CLOEXEC), sealed = sealed_memory();
	int pair[2], stream[2];
	struct proto_create m = good_request();
	const char *text;

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	m.flags = PROTO_HAS_EVENTS | PROTO_HAS_PCAP;

	const int cases[][5] = {
		{ file, dir, pair[0], file, file },	   { file, readable, pair[0], file, file },
		{ file, file, pair[0], file, file },	   { file, sealed, file, file, file },
		{ file, sealed, stream[0], file, file },   { file, sealed, pair[0], dir, file },
		{ file, sealed, pair[0], readable, file }, { file, sealed, pair[0], file, readable },
		{ file, sealed, pair[0], file, dir },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(msg_send(cli, &m, sizeof(m), cases[i], 5), 0);
		control_input(&n);
		text = error_text();
		assert_non_null(strstr(text, i < 3 ? "policy" : i < 5 ? "report" : "log"));
	}
	assert_int_equal(links, 0);
	close(dir);
	close(readable);
	close(file);
	close(sealed);
	close(pair[0]);
	close(pair[1]);
	close(stream[0]);
	close(stream[1]);
}

static void test_malformed_control(void **state)
{
	struct proto_sandbox_end not_ours;

	(void)state;
	make_live();
	PROTO_INIT(&not_ours, PROTO_SANDBOX_END);
	assert_int_equal(msg_send(cli, &not_ours, sizeof(not_ours), NULL, 0), 0);
	control_input(&n);
	/* The client is gone and its sandbox with it. */
	assert_int_equal(n.control_fd, -1);
	assert_true(n.stopping);
	assert_int_equal(next_at(worker), PROTO_STACK_STOP);
	worker_ends(1, true);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	egress_says(1, PROTO_GONE, "");
	assert_int_equal(links, 0);
	assert_false(sandbox_any(&n));
}

static void test_end_of_a_stranger(void **state)
{
	(void)state;
	end_request(5);
	assert_int_equal(n.control_fd, -1);
}

static void test_end_with_descriptors(void **state)
{
	struct proto_end m;

	(void)state;
	make_live();
	PROTO_INIT(&m, PROTO_END);
	m.sandbox = 1;
	assert_int_equal(msg_send(cli, &m, sizeof(m), &cli, 1), 0);
	control_input(&n);
	assert_int_equal(n.control_fd, -1);
}

static void test_cli_dies(void **state)
{
	(void)state;
	make_live();
	fd_close(&cli);
	control_input(&n);
	assert_int_equal(n.control_fd, -1);
	assert_int_equal(next_at(worker), PROTO_STACK_STOP);
	worker_ends(1, true);
	egress_says(1, PROTO_GONE, "");
	assert_false(sandbox_any(&n));
}

/* A worker in an enemy's hand says what it should not: killed, link cut, told, reported. */
static void worker_lies(const void *m, size_t len)
{
	struct sandbox *sb;

	make_live();
	sb = sandbox_find(&n, 1);
	assert_int_equal(msg_send(worker, m, len, NULL, 0), 0);
	sandbox_worker_input(&n, sb);
	assert_int_equal(links, 0);
	assert_non_null(strstr(ended_text(), "malformed"));
	assert_int_equal(next_at(egress), 0);
	worker_ends(1, false);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	egress_says(1, PROTO_GONE, "");
	assert_false(sandbox_any(&n));
	assert_int_equal(next_at(cli), 0);
	assert_true(n.control_fd >= 0);
}

static void test_worker_garbage(void **state)
{
	(void)state;
	worker_lies("garbage!", 8);
}

static void test_worker_speaks_as_egress(void **state)
{
	struct proto_sandbox_state m;

	(void)state;
	PROTO_INIT(&m, PROTO_SANDBOX_STATE);
	m.sandbox = 1;
	m.state = PROTO_GONE;
	worker_lies(&m, sizeof(m));
}

static void test_worker_sends_descriptor(void **state)
{
	struct proto_stack_state m;

	(void)state;
	PROTO_INIT(&m, PROTO_STACK_STATE);
	m.state = PROTO_READY;
	make_live();
	assert_int_equal(msg_send(worker, &m, sizeof(m), &cli, 1), 0);
	sandbox_worker_input(&n, sandbox_find(&n, 1));
	assert_non_null(strstr(ended_text(), "malformed"));
	assert_int_equal(links, 0);
}

static void test_worker_repeats_ready(void **state)
{
	(void)state;
	make_live();
	worker_says(1, PROTO_READY, "");
	assert_int_equal(next_at(cli), 0);
	assert_int_equal(sandbox_find(&n, 1)->state, SANDBOX_LIVE);
}

static void test_worker_dies(void **state)
{
	(void)state;
	make_live();
	worker_ends(1, true);
	assert_int_equal(links, 0);
	assert_non_null(strstr(ended_text(), "killed by signal 9"));
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	/* The cli asks for the end while egress writes the report. */
	end_request(1);
	egress_says(1, PROTO_GONE, "");
	assert_int_equal(next_at(cli), 0);
	assert_false(sandbox_any(&n));
}

static void test_worker_fails_to_start(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	worker_error = -ENOEXEC;
	request(&m, 3);
	egress_says(1, PROTO_READY, "");
	assert_non_null(strstr(error_text(), "cannot start"));
	assert_int_equal(links, 0);
	(void)next_at(egress);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	egress_says(1, PROTO_GONE, "");
	assert_false(sandbox_any(&n));
}

static void test_worker_says_why(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	request(&m, 3);
	egress_says(1, PROTO_READY, "");
	worker_says(1, PROTO_FAILED, "the ring cannot be mapped");
	assert_string_equal(error_text(), "the ring cannot be mapped");
	assert_int_equal(links, 0);
}

static void test_worker_never_ready(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	request(&m, 3);
	egress_says(1, PROTO_READY, "");
	seconds_pass(9);
	assert_int_equal(next_at(cli), 0);
	seconds_pass(2);
	assert_non_null(strstr(error_text(), "not ready within 10 s"));
	assert_int_equal(links, 0);
	worker_ends(1, false);
	egress_says(1, PROTO_GONE, "");
	assert_false(sandbox_any(&n));
}

static void test_worker_never_stops(void **state)
{
	(void)state;
	make_live();
	end_request(1);
	seconds_pass(3);
	worker_ends(1, false);
	egress_says(1, PROTO_GONE, "");
	assert_string_equal(ended_text(), "");
	assert_false(sandbox_any(&n));
}

static void test_egress_refuses(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	request(&m, 3);
	(void)next_at(egress);
	egress_says(1, PROTO_FAILED, "the policy does not parse");
	assert_string_equal(error_text(), "the policy does not parse");
	assert_int_equal(links, 0);
	assert_int_equal(worker, -1);
	assert_int_equal(next_at(egress), 0);
	assert_false(sandbox_any(&n));
}

/* Cut off for what its worker said: its report is still to come. */
static void test_egress_cuts_off(void **state)
{
	(void)state;
	make_live();
	egress_says(1, PROTO_FAILED, "the worker sent a malformed message");
	assert_string_equal(ended_text(), "the worker sent a malformed message");
	assert_int_equal(links, 0);
	worker_ends(1, true);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	assert_true(sandbox_any(&n));
	egress_says(1, PROTO_GONE, "");
	assert_false(sandbox_any(&n));
}

static void test_egress_never_ready(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	request(&m, 3);
	seconds_pass(11);
	assert_non_null(strstr(error_text(), "policy within 10 s"));
	/* It says so at last: too late, no worker is started. */
	egress_says(1, PROTO_READY, "");
	assert_int_equal(worker, -1);
	seconds_pass(6);
	assert_false(sandbox_any(&n));
	assert_int_equal(links, 0);
}

static void test_egress_never_reports(void **state)
{
	(void)state;
	make_live();
	end_request(1);
	worker_ends(1, true);
	seconds_pass(6);
	assert_string_equal(ended_text(), "");
	assert_false(sandbox_any(&n));
	assert_int_equal(links, 0);
	egress_says(1, PROTO_GONE, "");		/* late, and harmless */
}

static void test_egress_garbage(void **state)
{
	(void)state;
	make_live();
	assert_int_equal(msg_send(egress, "garbage!", 8, NULL, 0), 0);
	decider_input(&n);
	assert_int_equal(links, 0);
	assert_non_null(strstr(ended_text(), "malformed"));
	worker_ends(1, false);
	assert_false(sandbox_any(&n));
}

static void test_egress_dies(void **state)
{
	struct proto_create m = good_request();
	struct pollfd p;

	(void)state;
	make_live();
	p = (struct pollfd){ .fd = n.decider.child.pidfd, .events = POLLIN };
	kill(n.decider.child.pid, SIGKILL);
	assert_int_equal(poll(&p, 1, 5000), 1);
	decider_ended(&n);
	assert_int_equal(links, 0);
	assert_non_null(strstr(ended_text(), "sluice-egress) is gone: killed by signal 9"));
	worker_ends(1, false);
	assert_false(sandbox_any(&n));
	/* There is no other one. */
	request(&m, 3);
	assert_non_null(strstr(error_text(), "is gone"));
}

/* ---- a new policy ---- */

static void set_request(uint32_t number, const int *fds, size_t n_fds)
{
	struct proto_policy_set m;

	PROTO_INIT(&m, PROTO_POLICY_SET);
	m.sandbox = number;
	assert_int_equal(msg_send(cli, &m, sizeof(m), fds, n_fds), 0);
	control_input(&n);
}

static void set_sealed(uint32_t number)
{
	int fd = sealed_memory();

	set_request(number, &fd, 1);
	close(fd);
}

static void egress_answers(uint32_t number, uint8_t state, uint32_t cut, const char *text)
{
	struct proto_policy_state m;

	PROTO_INIT(&m, PROTO_POLICY_STATE);
	m.sandbox = number;
	m.state = state;
	m.cut = cut;
	snprintf(m.text, sizeof(m.text), "%s", text);
	assert_int_equal(msg_send(egress, &m, sizeof(m), NULL, 0), 0);
	decider_input(&n);
}

static void test_set_policy(void **state)
{
	const struct proto_policy_state *m = (const struct proto_policy_state *)got;

	(void)state;
	make_live();
	set_sealed(1);
	assert_int_equal(next_at(egress), PROTO_POLICY_SET);
	assert_int_equal(((const struct proto_policy_set *)got)->sandbox, 1);
	/* One at a time. */
	set_sealed(1);
	assert_int_equal(next_at(egress), 0);
	assert_non_null(strstr(error_text(), "another policy is being set"));
	assert_int_equal(((const struct proto_error *)got)->sandbox, 1);
	egress_answers(1, PROTO_READY, 5, "");
	assert_int_equal(next_at(cli), PROTO_POLICY_STATE);
	assert_int_equal(m->cut, 5);
	seconds_pass(60);
	/* Unasked, it is nobody's answer. */
	egress_answers(1, PROTO_READY, 5, "");
	assert_int_equal(next_at(cli), 0);
	/* A refusal is passed on as it is, and ends nothing. */
	set_sealed(1);
	assert_int_equal(next_at(egress), PROTO_POLICY_SET);
	egress_answers(1, PROTO_FAILED, 0, "policy line 3 column 5: no");
	assert_int_equal(next_at(cli), PROTO_POLICY_STATE);
	assert_string_equal(m->text, "policy line 3 column 5: no");
	assert_int_equal(links, 1);
}

static void test_set_wrong(void **state)
{
	int sealed = sealed_memory(), open_memory = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int two[] = { sealed, sealed };
	struct proto_create m = good_request();

	(void)state;
	/* Before it lives. */
	request(&m, 3);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_ADD);
	set_sealed(1);
	assert_non_null(strstr(error_text(), "not running"));
	egress_says(1, PROTO_READY, "");
	set_sealed(1);
	assert_non_null(strstr(error_text(), "not running"));
	worker_says(1, PROTO_READY, "");
	assert_int_equal(next_at(cli), PROTO_CREATED);
	set_sealed(2);
	assert_non_null(strstr(error_text(), "no such sandbox"));
	set_sealed(0);
	assert_non_null(strstr(error_text(), "no such sandbox"));
	set_request(1, NULL, 0);
	assert_non_null(strstr(error_text(), "unknown fields"));
	set_request(1, two, 2);
	assert_non_null(strstr(error_text(), "unknown fields"));
	set_request(1, &open_memory, 1);
	assert_non_null(strstr(error_text(), "sealed"));
	set_request(1, &null_fd, 1);
	assert_non_null(strstr(error_text(), "sealed"));
	assert_int_equal(next_at(egress), 0);
	/* It ends meanwhile. */
	set_sealed(1);
	assert_int_equal(next_at(egress), PROTO_POLICY_SET);
	end_request(1);
	set_sealed(1);
	assert_non_null(strstr(error_text(), "not running"));
	egress_answers(1, PROTO_READY, 0, "");
	assert_int_equal(next_at(cli), 0);
	worker_ends(1, true);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	egress_says(1, PROTO_GONE, "");
	assert_string_equal(ended_text(), "");
	close(sealed);
	close(open_memory);
	close(null_fd);
}

/* Which policy is in force nobody could say: the sandbox ends. */
static void test_set_never_answered(void **state)
{
	(void)state;
	make_live();
	set_sealed(1);
	seconds_pass(NETD_POLICY_MS / 1000 - 1);
	assert_int_equal(links, 1);
	seconds_pass(2);
	assert_int_equal(links, 0);
	assert_non_null(strstr(ended_text(), "did not take the new policy"));
	worker_ends(1, false);
	egress_says(1, PROTO_GONE, "");
	assert_false(sandbox_any(&n));
}

static void test_link_fails(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	link_error = -EPERM;
	request(&m, 3);
	assert_string_equal(error_text(), "no link today");
	assert_int_equal(worker, -1);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_ADD);
	assert_int_equal(next_at(egress), PROTO_SANDBOX_END);
	/* What it says of the policy crosses our order. */
	egress_says(1, PROTO_READY, "");
	egress_says(1, PROTO_GONE, "");
	assert_int_equal(next_at(cli), 0);
	assert_false(sandbox_any(&n));
}

static void test_full(void **state)
{
	struct proto_create m = good_request();

	(void)state;
	for (int i = 0; i < NETD_SANDBOXES_MAX; i++) {
		request(&m, 3);
		assert_int_equal(next_at(cli), 0);
		assert_int_equal(next_at(egress), PROTO_SANDBOX_ADD);
	}
	request(&m, 3);
	assert_non_null(strstr(error_text(), "64 sandboxes"));
}

/* ---- relay -------------------------------------------------------------------------------------------------------- */

static size_t relayed(const char *text, size_t len, size_t times, char *ret, size_t cap)
{
	struct relay r;
	int in[2], out[2], saved = dup(STDERR_FILENO);
	size_t total = 0;
	ssize_t k;

	relay_init(&r, "sluice-stack");
	assert_int_equal(pipe2(in, O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	dup2(out[1], STDERR_FILENO);
	for (size_t i = 0; i < times; i++) {
		assert_int_equal(write(in[1], text, len), len);
		relay_drain(&r, in[0]);
		while ((k = read(out[0], ret, cap - 1)) > 0) {
			total += (size_t)k;
			ret[k] = '\0';
		}
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
	return total;
}

static void test_relay(void **state)
{
	static char buf[4096], line[1000];

	(void)state;
	relayed("a\033[2Jb\n", 7, 1, buf, sizeof(buf));
	assert_string_equal(buf, "sluice-stack: a?[2Jb\n");
	relayed("sluice-stack: x\n", 16, 1, buf, sizeof(buf));
	assert_string_equal(buf, "sluice-stack: x\n");
	relayed("sluice: all is well\n", 20, 1, buf, sizeof(buf));
	assert_string_equal(buf, "sluice-stack: sluice: all is well\n");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_in_range(relayed(line, sizeof(line), 1000, buf, sizeof(buf)), 60000, 70000);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_orderly), TEST(test_config), TEST(test_bad_fields), TEST(test_bad_fds),
		TEST(test_wrong_kinds), TEST(test_malformed_control), TEST(test_end_of_a_stranger),
		TEST(test_end_with_descriptors), TEST(test_cli_dies), TEST(test_worker_garbage),
		TEST(test_worker_speaks_as_egress), TEST(test_worker_sends_descriptor),
		TEST(test_worker_repeats_ready), TEST(test_worker_dies), TEST(test_worker_fails_to_start),
		TEST(test_worker_says_why), TEST(test_worker_never_ready), TEST(test_worker_never_stops),
		TEST(test_egress_refuses), TEST(test_egress_cuts_off),
		TEST(test_egress_never_ready), TEST(test_egress_never_reports),
		TEST(test_egress_garbage), TEST(test_egress_dies), TEST(test_link_fails), TEST(test_full),
		TEST(test_set_policy), TEST(test_set_wrong), TEST(test_set_never_answered),
		cmocka_unit_test(test_relay),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
