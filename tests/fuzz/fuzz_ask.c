/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any messages on a worker's socket, through everything behind it: judge, leases, names, dials, events. Runs
 * in a network namespace without links, so nothing it dials can leave. Input: records of one byte (which
 * message, or time that passes), and the message's body as far as there are bytes.
 */
#include <assert.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/msg.h"
#include "netd/egress/dial.h"
#include "netd/egress/egress.h"
#include "netd/egress/hosts.h"
#include "netd/egress/own.h"
#include "netd/egress/resolve.h"
#include "netd/egress/sandbox.h"

static const char policy[] =
	"version: 1\n"
	"egress:\n"
	"  - {allow: web.test, ports: [443], proto: any}\n"
	"  - {allow: \"*.ok.test\", ports: [1-65535], proto: any}\n"
	"  - {allow: 127.0.0.0/8, ports: [1-65535], proto: any}\n"
	"  - {deny: no.ok.test}\n"
	"limits: {flows: 8, up_bytes: 1000000}\n";

static struct egress eg;
static int netd, worker, report;

static void add_sandbox(void)
{
	static uint32_t number;
	struct proto_sandbox_add m;
	int ask[2], rep[2], fds[4];

	if (msg_pair(ask) < 0 || msg_pair(rep) < 0)
		abort();
	worker = ask[0];
	report = rep[0];
	fcntl(worker, F_SETFL, O_NONBLOCK);
	fds[0] = ask[1];
	fds[1] = memfd_create("policy", MFD_CLOEXEC);
	fds[2] = rep[1];
	fds[3] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (write(fds[1], policy, sizeof(policy) - 1) < 0)
		abort();
	PROTO_INIT(&m, PROTO_SANDBOX_ADD);
	m.sandbox = ++number;
	m.flags = PROTO_HAS_EVENTS;
	addr_parse(LINK_GW4, &m.gw4);
	addr_parse(LINK_GW6, &m.gw6);
	sandbox_add(&eg, &m, fds, 4);
	assert(eg.sandboxes[0] && eg.sandboxes[0]->state == SANDBOX_RUNNING);
}

static void end_sandbox(void)
{
	struct proto_sandbox_end m;
	char buf[PROTO_MSG_MAX];

	PROTO_INIT(&m, PROTO_SANDBOX_END);
	m.sandbox = eg.sandboxes[0]->number;
	sandbox_end(&eg, &m);
	while (eg.sandboxes[0]) {
		eg.now += NS_PER_S;
		sandbox_settle(&eg);
	}
	while (recv(netd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	close(worker);
	close(report);
}

/* Inputs are small and many: the world is made once. */
static void world(void)
{
	static const char hosts[] = "127.0.0.1 a.ok.test\n198.51.100.7 b.ok.test\n::1 b.ok.test\n";
	struct resolvconf conf;
	int pair[2];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && unshare(CLONE_NEWNET) < 0)
		abort();
	if (msg_pair(pair) < 0)
		abort();
	netd = pair[0];
	eg.up_fd = pair[1];
	TAILQ_INIT(&eg.dirty);
	eg.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	eg.route_fd = own_open();
	eg.hosts = hosts_parse(hosts, sizeof(hosts) - 1);
	eg.dialer = dialer_new(16);
	resolvconf_parse("", 0, &conf);
	if (eg.route_fd < 0 || !eg.hosts || !eg.dialer || resolve_open(eg.epoll_fd, &eg.now, 64, &conf, &eg.resolve) < 0)
		abort();
	eg.now = 1000 * NS_PER_S;
}

static void pass_time(uint64_t ns)
{
	struct epoll_event ev[16];
	int n = epoll_wait(eg.epoll_fd, ev, 16, 0);

	eg.now += ns;
	for (int i = 0; i < n; i++) {
		uint64_t cookie = ev[i].data.u64;

		if (cookie >> 56 == WATCH_DIAL)
			dial_event(&eg, cookie);
		else if (cookie >> 56 == WATCH_DNS)
			resolve_event(eg.resolve, cookie, ev[i].events);
		else if (cookie >> 56 == WATCH_ASK && sandbox_by_cookie(&eg, cookie))
			ask_input(eg.sandboxes[0]);
	}
	resolve_tick(eg.resolve);
	dial_tick(&eg);
	sandbox_settle(&eg);
}

/* Reads what egress answered, as a worker would. */
static void read_answers(void)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	int fds[MSG_MAX_FDS];
	size_t n = MSG_MAX_FDS;
	ssize_t len;

	while ((len = msg_recv(worker, buf, sizeof(buf), fds, &n)) > 0) {
		assert(proto_check(buf, (size_t)len) == 0);
		while (n)
			close(fds[--n]);
		n = MSG_MAX_FDS;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t sizes[] = { sizeof(struct proto_ask_flow), sizeof(struct proto_ask_name),
					  sizeof(struct proto_flow_end), sizeof(struct proto_drops),
					  sizeof(struct proto_inspected) };

	if (!eg.up_fd)
		world();
	add_sandbox();
	while (size) {
		_Alignas(8) uint8_t m[512] = { 0 };
		uint8_t what = *data++;
		size_t len;

		size--;
		if (what % 8 == 7) {
			pass_time((uint64_t)(what / 8) * NS_PER_S);
			read_answers();
			continue;
		}
		len = what % 8 == 6 ? what : sizes[what % 8 % 5];
		for (size_t i = what % 8 == 6 ? 0 : 8; i < len && size; i++, size--)
			m[i] = *data++;
		if (what % 8 != 6) {
			m[0] = (uint8_t)(1 + what % 8 % 5);
			m[2] = (uint8_t)len;
			m[3] = (uint8_t)(len >> 8);
		}
		if (send(worker, m, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	pass_time(NS_PER_S);
	read_answers();
	end_sandbox();
	assert(eg.n_sandboxes == 0);
	return 0;
}
