/* SPDX-License-Identifier: Apache-2.0 */
/* lab: see lab.h. The worker's surroundings; the sandbox's TCP is in peer.c. */
#include "tests/path/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/msg.h"
#include "stack/loop.h"
#include "tests/path/peer.h"

enum { QUIET_ROUNDS = 2, ROUNDS_MAX = 200000 };

struct lab lab;

static uint8_t frame[FRAME_LEN_MAX];

static void make_config(struct proto_stack_config *cfg, const struct lab_options *opt)
{
	static const uint8_t gw[6] = LINK_GW_MAC, sb[6] = LINK_SB_MAC;

	PROTO_INIT(cfg, PROTO_STACK_CONFIG);
	cfg->sandbox = 1;
	cfg->port = PROTO_PORT_MEM;
	cfg->mtu = opt->mtu ? opt->mtu : 1500;
	cfg->flows_max = opt->flows_max ? opt->flows_max : 256;
	cfg->flows_per_s = opt->flows_per_s;
	cfg->xdp_multibuf = opt->multibuf;
	cfg->flags = opt->events ? PROTO_HAS_EVENTS : 0;
	memcpy(cfg->gw_mac, gw, 6);
	memcpy(cfg->sb_mac, sb, 6);
	assert_int_equal(addr_parse(LINK_GW4, &cfg->gw4), 0);
	assert_int_equal(addr_parse(LINK_SB4, &cfg->sb4), 0);
	assert_int_equal(addr_parse(LINK_GW6, &cfg->gw6), 0);
	assert_int_equal(addr_parse(LINK_SB6, &cfg->sb6), 0);
}

void lab_open(const struct lab_options *opt)
{
	struct proto_stack_config cfg;
	int pair[2], big = 1 << 20;

	if (lab.opened)
		fail_msg("an earlier test failed in the middle; see there");
	signal(SIGPIPE, SIG_IGN);
	memset(&lab, 0, sizeof(lab));
	lab.opened = true;
	lab.opt = *opt;
	make_config(&cfg, opt);
	assert_int_equal(port_mem_open(&cfg, &lab.port), 0);
	if (opt->no_gso)
		lab.port->gso = false;
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	lab.egress = pair[1];
	assert_int_equal(stack_init(&lab.s, &cfg, lab.port, NULL, pair[0], -1,
				    epoll_create1(EPOLL_CLOEXEC), -1), 0);
	lab.now = lab.s.now;
}

void lab_close(void)
{
	stack_done(&lab.s);
	lab.opened = false;
	if (lab.egress >= 0)
		close(lab.egress);
	for (uint32_t i = 0; i < lab.n_asks; i++) {
		if (lab.asks[i].host >= 0)
			close(lab.asks[i].host);
	}
}

/* ---- egress -------------------------------------------------------------------------------------------- */

void lab_answer(struct lab_ask *a, enum lab_answer how)
{
	struct proto_verdict_msg v;
	int pair[2] = { -1, -1 };

	assert_false(a->answered);
	a->answered = true;
	PROTO_INIT(&v, PROTO_VERDICT);
	v.id = a->q.id;
	v.rule = 7;
	v.verdict = how == LAB_ALLOW ? PROTO_ALLOW : how == LAB_DENY ? PROTO_DENY : PROTO_FAIL;
	if (how == LAB_DENY)
		v.reason = (uint16_t)(lab.deny ? lab.deny : DROP_POLICY_DEFAULT);
	if (how == LAB_DENY || how == LAB_ALLOW)
		v.inspect = (uint8_t)lab.inspect;
	if (lab.name)
		strcpy(v.name, lab.name);
	if (lab.note)
		strcpy(v.note, lab.note);
	if (how == LAB_REFUSE)
		v.reason = DROP_DIAL_REFUSED, v.err = ECONNREFUSED;
	if (how == LAB_UNREACH)
		v.reason = DROP_DIAL_UNREACH, v.err = EHOSTUNREACH;
	if (how == LAB_ALLOW) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
		a->host = pair[1];
	}
	assert_int_equal(msg_send(lab.egress, &v, sizeof(v), pair, how == LAB_ALLOW ? 1 : 0), 0);
	if (pair[0] >= 0)
		close(pair[0]);
}

static struct lab_ask *ask_of(uint64_t id)
{
	for (uint32_t i = lab.n_asks; i-- > 0;) {
		if (lab.asks[i].q.id == id)
			return &lab.asks[i];
	}
	fail_msg("no question with this id");
	return NULL;
}

struct lab_ask *lab_last(void)
{
	assert_true(lab.n_asks > 0);
	return &lab.asks[lab.n_asks - 1];
}

void lab_answer_name(const struct proto_answer *a)
{
	assert_int_equal(msg_send(lab.egress, a, sizeof(*a), NULL, 0), 0);
}

/* Every name is 192.0.2.7. */
static void answer_name(const struct proto_ask_name *q)
{
	struct proto_answer a;

	lab.n_names++;
	lab.name_id = q->id;
	if (lab.answer == LAB_HOLD)
		return;
	PROTO_INIT(&a, PROTO_ANSWER);
	a.id = q->id;
	a.ttl = 60;
	a.ede = 0xffff;
	a.n_addrs = 1;
	assert_int_equal(addr_parse("192.0.2.7", &a.addrs[0]), 0);
	lab_answer_name(&a);
}

/* As egress holds it: of a flow that was allowed and is not over. */
static void inspected(const struct proto_inspected *m)
{
	struct lab_ask *a = ask_of(m->id);

	assert_true(a->host >= 0);
	assert_false(a->ended);
	a->inspected = *m;
	a->n_inspected++;
}

static void egress_message(const void *msg, size_t len)
{
	const struct proto_flow_end *end = msg;
	const struct proto_drops *d = msg;
	struct lab_ask *a;

	assert_int_equal(proto_check(msg, len), 0);
	if (proto_type(msg) == PROTO_ASK_FLOW) {
		assert_true(lab.n_asks < LAB_ASKS);
		a = &lab.asks[lab.n_asks++];
		*a = (struct lab_ask){ .host = -1 };
		memcpy(&a->q, msg, sizeof(a->q));
		assert_int_equal(a->q.proto, IPPROTO_TCP);
		if (lab.answer != LAB_HOLD)
			lab_answer(a, lab.answer);
	} else if (proto_type(msg) == PROTO_FLOW_END) {
		a = ask_of(end->id);
		assert_false(a->ended);
		a->ended = true;
		a->end = *end;
		lab.n_ends++;
	} else if (proto_type(msg) == PROTO_INSPECTED) {
		inspected(msg);
	} else if (proto_type(msg) == PROTO_ASK_NAME) {
		answer_name(msg);
	} else {
		assert_int_equal(proto_type(msg), PROTO_DROPS);
		lab.drop_reports[d->reason] += d->count;
	}
}

static bool egress_take(void)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];
	bool any = false;
	ssize_t n;

	/* Ends and reports wait for company; here the clock stands still. */
	ask_hurry();
	ask_flush(&lab.s);
	while (lab.egress >= 0 && (n = msg_recv(lab.egress, buf, sizeof(buf), NULL, NULL)) > 0) {
		egress_message(buf, (size_t)n);
		any = true;
	}
	return any;
}

/* ---- the loop -------------------------------------------------------------------------------------------- */

bool lab_take(void)
{
	struct tx_frame meta;
	bool any = egress_take();
	size_t n;

	while ((n = port_mem_pop(lab.port, frame, sizeof(frame), &meta)) > 0) {
		lab.frames++;
		peer_frame(frame, n, &meta);
		any = true;
	}
	return peer_acks() || any;
}

bool lab_discard(void)
{
	bool any = egress_take();

	for (; port_mem_pop(lab.port, NULL, 0, NULL) > 0; any = true)
		lab.frames++;
	return any;
}

void lab_step(void)
{
	assert_true(stack_step(&lab.s, 0, lab.now) >= 0);
}

void lab_run(void)
{
	int quiet = 0;

	for (int i = 0; quiet < QUIET_ROUNDS; i++) {
		assert_true(i < ROUNDS_MAX);
		lab_step();
		quiet = lab_take() ? 0 : quiet + 1;
	}
}

void lab_pass(uint32_t ms, uint32_t step_ms)
{
	for (uint32_t t = 0; t < ms; t += step_ms) {
		lab.now += (uint64_t)step_ms * LAB_MS;
		lab_run();
	}
}

/* ---- the host's side ---------------------------------------------------------------------------------------- */

int host_read(int fd, uint64_t *got)
{
	static uint8_t buf[65536];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN ? 1 : -errno;
		if (n == 0)
			return 0;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] != lab_byte(*got + (uint64_t)i))
				fail_msg("host: byte %llu is wrong", (unsigned long long)*got + (unsigned long long)i);
		}
		*got += (uint64_t)n;
	}
}

void host_write(int fd, uint64_t *sent, uint64_t len)
{
	static uint8_t buf[65536];

	while (len) {
		size_t k = len < sizeof(buf) ? (size_t)len : sizeof(buf);
		ssize_t n;

		for (size_t i = 0; i < k; i++)
			buf[i] = lab_byte(*sent + i);
		n = write(fd, buf, k);
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			return;
		}
		*sent += (uint64_t)n;
		len -= (uint64_t)n;
	}
}
