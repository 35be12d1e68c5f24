/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP and ping conversations: held, allowed, refused, failed, timed out, cut, stalled.
 *
 * The far side is a UDP socket of the test on the host's loopback; what a verdict carries is a socket
 * connected to it. Ping sockets are stood in for by UDP sockets where the kernel has none to give.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int far_fd;
static uint8_t big[65536], got[65536];

static int open_all(bool multibuf)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int size = 4 << 20;

	world_open(multibuf ? 65535 : 1500, multibuf);
	far_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(far_fd >= 0);
	assert_int_equal(bind(far_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(far_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 5 + (i >> 9));
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return open_all(false);
}

static int setup_multibuf(void **state)
{
	(void)state;
	return open_all(true);
}

static int teardown(void **state)
{
	(void)state;
	close(far_fd);
	world_close();
	return 0;
}

/* A socket connected to the far side, as egress would hand over. The far side learns its port. */
static int connected(bool recverr)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int on = 1, size = 4 << 20;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(far_fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, len), 0);
	if (recverr)
		assert_int_equal(setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof(on)), 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	len = sizeof(a);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(far_fd, (struct sockaddr *)&a, len), 0);
	return fd;
}

static ssize_t far_recv(void)
{
	return recv(far_fd, got, sizeof(got), 0);
}

static uint64_t expect_ask(const char *dst, uint16_t sport, uint16_t dport, uint8_t proto)
{
	struct proto_ask_flow m;
	struct addr a;

	egress_expect(PROTO_ASK_FLOW, &m, sizeof(m));
	addr_parse(dst, &a);
	assert_true(addr_eq(&m.dst, &a));
	assert_true(addr_eq(&m.src, addr_is_v4(&a) ? &w.s.cfg.sb4 : &w.s.cfg.sb6));
	assert_int_equal(m.sport, sport);
	assert_int_equal(m.dport, dport);
	assert_int_equal(m.proto, proto);
	return m.id;
}

static const char *dst_of(int v6)
{
	return v6 ? "2001:db8::1" : "192.0.2.1";
}

/* An open conversation. */
static uint64_t converse(int v6, bool recverr)
{
	uint64_t id;

	world_in(frame, make_udp(dst_of(v6), 4000, 7000, "hello", 5));
	id = expect_ask(dst_of(v6), 4000, 7000, IPPROTO_UDP);
	egress_verdict(id, PROTO_ALLOW, DROP_NONE, 0, connected(recverr));
	assert_int_equal(far_recv(), 5);
	return id;
}

static void test_udp_both_ways(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t at;

		world_in(frame, make_udp(dst_of(v6), 4000, 7000, "one", 3));
		world_in(frame, make_udp(dst_of(v6), 4000, 7000, "", 0));
		world_in(frame, make_udp(dst_of(v6), 4000, 7000, "three", 5));
		assert_true(far_recv() < 0);
		egress_verdict(expect_ask(dst_of(v6), 4000, 7000, IPPROTO_UDP), PROTO_ALLOW,
			       DROP_NONE, 0, connected(false));
		assert_true(egress_is_quiet());
		/* Held ones first, in order, empty ones too. */
		assert_int_equal(far_recv(), 3);
		assert_int_equal(far_recv(), 0);
		assert_int_equal(far_recv(), 5);
		assert_memory_equal(got, "three", 5);
		world_in(frame, make_udp(dst_of(v6), 4000, 7000, "four", 4));
		assert_int_equal(far_recv(), 4);
		assert_int_equal(send(far_fd, "back", 4, 0), 4);
		assert_int_equal(send(far_fd, "", 0, 0), 0);
		world_step();
		at = check_out(world_out());
		assert_memory_equal(out + at, "\33\130\17\240\0\14", 6);
		assert_memory_equal(out + at + 8, "back", 4);
		at = check_out(world_out());
		assert_memory_equal(out + at + 4, "\0\10", 2);
		assert_int_equal(world_out(), 0);
	}
}

static size_t drain(uint8_t *buf)
{
	size_t n, total = 0;

	while ((n = world_out()) > 0) {
		size_t at = check_out(n), off = 0;

		if (at == 34) {
			off = (size_t)((out[20] & 0x1f) << 8 | out[21]) * 8;
		} else if (out[20] == IPPROTO_FRAGMENT) {
			off = (size_t)(out[at + 2] << 8 | out[at + 3]) & 0xfff8;
			at += 8;
		}
		memcpy(buf + off, out + at, n - at);
		total += n - at;
	}
	return total;
}

/* 65,507 bytes: what lwIP's and libslirp's 16-bit sums broke on. */
static void udp_sizes(int v6, size_t max)
{
	static const size_t sizes[] = { 1, 1472, 1473, 2000, 9000, 65506, 65507 };
	static uint8_t back[65536];

	converse(v6, false);
	for (size_t i = 0; i < N(sizes); i++) {
		size_t n = sizes[i];

		if (n > max)
			continue;
		if (w.s.cfg.mtu == 65535 && n + 48 <= 65535) {
			world_in(frame, make_udp(dst_of(v6), 4000, 7000, big, n));
		} else {
			static uint8_t whole[65536];

			make_udp(dst_of(v6), 4000, 7000, big, n > 65487 ? 65487 : n);
			memcpy(whole, frame + (v6 ? 54 : 34), 8);
			whole[4] = (uint8_t)((n + 8) >> 8);
			whole[5] = (uint8_t)(n + 8);
			memcpy(whole + 8, big, n);
			for (size_t off = 0; off < n + 8; off += 1400) {
				size_t len = n + 8 - off < 1400 ? n + 8 - off : 1400;

				world_in(frame, make_fragment(dst_of(v6), IPPROTO_UDP,
							      (uint32_t)(1000 + i), whole + off,
							      off, len, off + len < n + 8));
			}
		}
		assert_int_equal(far_recv(), n);
		assert_memory_equal(got, big, n);
		assert_int_equal(send(far_fd, big, n, 0), n);
		world_step();
		assert_int_equal(drain(back), n + 8);
		assert_memory_equal(back + 8, big, n);
	}
}

static void test_udp_sizes(void **state)
{
	(void)state;
	udp_sizes(0, 65507);
	udp_sizes(1, 65507);
}

static void expect_icmp(int v6, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6)
{
	size_t n = world_out(), at;

	assert_true(n > 0);
	at = check_out(n);
	assert_int_equal(out[at], v6 ? type6 : type4);
	assert_int_equal(out[at + 1], v6 ? code6 : code4);
	/* The quote names the conversation. */
	assert_memory_equal(out + at + 8 + (v6 ? 40 : 20), "\17\240\33\130", 4);
}

static void test_udp_refused(void **state)
{
	static const struct {
		enum proto_verdict v;
		enum drop_reason reason;
		int err;
		uint8_t t4, c4, t6, c6;
		enum drop_reason counted;
	} t[] = {
		{ PROTO_DENY, DROP_POLICY_DEFAULT, 0, 3, 13, 1, 1, DROP_POLICY_DEFAULT },
		{ PROTO_FAIL, DROP_NONE, ECONNREFUSED, 3, 3, 1, 4, DROP_DIAL_REFUSED },
		{ PROTO_FAIL, DROP_NONE, EHOSTUNREACH, 3, 1, 1, 3, DROP_DIAL_UNREACH },
		{ PROTO_FAIL, DROP_NONE, ENETUNREACH, 3, 0, 1, 0, DROP_DIAL_UNREACH },
		{ PROTO_FAIL, DROP_DIAL_NAME, 0, 3, 1, 1, 3, DROP_DIAL_NAME },
		{ PROTO_FAIL, DROP_NONE, ETIMEDOUT, 3, 1, 1, 3, DROP_DIAL_TIMEOUT },
	};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < N(t); i++) {
			struct proto_flow_end end;
			uint64_t id;

			for (int k = 0; k < 3; k++)
				world_in(frame, make_udp(dst_of(v6), 4000, 7000, big, 1000));
			id = expect_ask(dst_of(v6), 4000, 7000, IPPROTO_UDP);
			egress_verdict(id, t[i].v, t[i].reason, t[i].err, -1);
			for (int k = 0; k < 3; k++)
				expect_icmp(v6, t[i].t4, t[i].c4, t[i].t6, t[i].c6);
			assert_int_equal(world_out(), 0);
			assert_true(w.s.drops[t[i].counted] >= 3);
			/* For a second the refusal is remembered: no new question. */
			world_pass_ms(500);
			world_in(frame, make_udp(dst_of(v6), 4000, 7000, big, 1000));
			expect_icmp(v6, t[i].t4, t[i].c4, t[i].t6, t[i].c6);
			world_pass_ms(2000);
			egress_expect(PROTO_FLOW_END, &end, sizeof(end));
			assert_int_equal(end.id, id);
			assert_int_equal(end.reason, t[i].counted);
			assert_true(egress_is_quiet());
			assert_int_equal(w.s.flows.used, 0);
		}
	}
}

static void test_udp_hold_bounds(void **state)
{
	(void)state;
	/* Eight datagrams of a flow, */
	for (int k = 0; k < 20; k++)
		world_in(frame, make_udp(dst_of(0), 4000, 7000, big, 10));
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 12);
	egress_verdict(expect_ask(dst_of(0), 4000, 7000, IPPROTO_UDP), PROTO_ALLOW, DROP_NONE, 0,
		       connected(false));
	for (int k = 0; k < 8; k++)
		assert_int_equal(far_recv(), 10);
	assert_true(far_recv() < 0);
}

/* or 128 KB of it, and 4 MB of all together. */
static void test_udp_hold_bytes(void **state)
{
	(void)state;
	for (uint16_t flow = 0; flow < 60; flow++) {
		for (int k = 0; k < 3; k++)
			world_in(frame, make_udp(dst_of(0), (uint16_t)(4000 + flow), 7000, big, 60000));
		assert_true(w.s.drops[DROP_NO_MEMORY] >= flow + 1u);
	}
	/* 2,048 chunks of 2,032 bytes: 68 datagrams of 60,000. */
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 180 - 68);
	/* What is let go comes back to the pool. */
	for (uint16_t flow = 0; flow < 60; flow++)
		egress_verdict(expect_ask(dst_of(0), (uint16_t)(4000 + flow), 7000, IPPROTO_UDP),
			       PROTO_DENY, DROP_POLICY_DENY, 0, -1);
	world_pass_ms(3000);
	while (world_out())
		;
	for (uint16_t flow = 0; flow < 34; flow++) {
		for (int k = 0; k < 2; k++)
			world_in(frame, make_udp(dst_of(0), (uint16_t)(4000 + flow), 7000, big, 60000));
	}
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 180 - 68);
}

static void test_udp_idle(void **state)
{
	struct proto_flow_end end;

	(void)state;
	converse(0, false);
	/* One way: 30 s. */
	world_pass_ms(29000);
	assert_int_equal(w.s.flows.used, 1);
	world_pass_ms(2000);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.reason, DROP_END_IDLE);
	assert_int_equal(end.up_bytes, 5);
	assert_int_equal(end.up_pkts, 1);
	assert_int_equal(w.s.flows.used, 0);
	/* Answered: 180 s. */
	converse(0, false);
	assert_int_equal(send(far_fd, "back", 4, 0), 4);
	world_step();
	assert_true(world_out() > 0);
	world_pass_ms(179000);
	assert_int_equal(w.s.flows.used, 1);
	world_pass_ms(2000);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.down_bytes, 4);
	assert_int_equal(end.down_pkts, 1);
	/* No verdict: refused after 30 s, a late one is for nobody. */
	world_in(frame, make_udp(dst_of(0), 4000, 7000, "hello", 5));
	uint64_t id = expect_ask(dst_of(0), 4000, 7000, IPPROTO_UDP);

	world_pass_ms(31000);
	expect_icmp(0, 3, 1, 1, 3);
	egress_expect(PROTO_FLOW_END, &end, sizeof(end));
	assert_int_equal(end.reason, DROP_DIAL_TIMEOUT);
	egress_verdict(id, PROTO_ALLOW, DROP_NONE, 0, connected(false));
	assert_int_equal(w.s.flows.used, 0);
	assert_true(far_recv() < 0);
}

static void test_udp_host_errors(void **state)
{
	(void)state;
	for (int recverr = 0; recverr < 2; recverr++) {
		for (int v6 = 0; v6 < 2; v6++) {
			converse(v6, recverr);
			close(far_fd);
			/* Refused: the host's port unreachable becomes one of the destination. */
			world_in(frame, make_udp(dst_of(v6), 4000, 7000, "lost", 4));
			world_step();
			expect_icmp(v6, 3, 3, 1, 4);
			if (v6)
				assert_int_equal(out[22], 0x20);
			else
				assert_int_equal(out[26], 192);
			assert_int_equal(world_out(), 0);
			/* Two in one batch: the second meets the error of the first. */
			assert_int_equal(port_mem_push(w.port, frame,
				make_udp(dst_of(v6), 4000, 7000, "lost", 4)), 0);
			assert_int_equal(port_mem_push(w.port, frame,
				make_udp(dst_of(v6), 4000, 7000, "lost", 4)), 0);
			world_step();
			world_step();
			expect_icmp(v6, 3, 3, 1, 4);
			while (world_out())
				;
			assert_int_equal(w.s.flows.used, 1);
			world_pass_ms(31000);
			assert_int_equal(w.s.flows.used, 0);
			teardown(NULL);
			setup(NULL);
		}
	}
}

static void test_udp_cut(void **state)
{
	struct proto_flow_end end;
	struct proto_cut cut;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		PROTO_INIT(&cut, PROTO_CUT);
		cut.id = converse(v6, false);
		cut.reason = DROP_POLICY_CUT;
		egress_send(&cut, sizeof(cut), -1);
		expect_icmp(v6, 3, 13, 1, 1);
		egress_expect(PROTO_FLOW_END, &end, sizeof(end));
		assert_int_equal(end.reason, DROP_POLICY_CUT);
		/* The socket is gone: what the far side says now ends nowhere. */
		assert_true(send(far_fd, "x", 1, 0) == 1 || errno == ECONNREFUSED);
		assert_true(send(far_fd, "x", 1, 0) < 0);
		world_step();
		assert_int_equal(world_out(), 0);
	}
}

/* More than one wake-up's budget, and a port without room: everything arrives, in order. */
static void test_udp_budget_and_stall(void **state)
{
	uint32_t seen = 0;

	(void)state;
	converse(0, false);
	for (uint32_t i = 0; i < 500; i++) {
		memcpy(big, &i, 4);
		assert_int_equal(send(far_fd, big, 1000, 0), 1000);
	}
	port_mem_set_room(w.port, 10);
	for (int i = 0; i < 20; i++)
		world_step();
	assert_true(ip_output_blocked());
	for (int i = 0; i < 200 && seen < 500; i++) {
		size_t n;

		while ((n = world_out()) > 0) {
			size_t at = check_out(n);
			uint32_t k;

			memcpy(&k, out + at + 8, 4);
			assert_int_equal(k, seen);
			seen++;
		}
		port_mem_set_room(w.port, i % 3 ? 17 : 0);
		world_step();
	}
	assert_int_equal(seen, 500);
	assert_int_equal(w.s.drops[DROP_NO_MEMORY], 0);
}

/* A stalled flow that ends, and its slot's next tenant: CVE-2017-13711's shape. */
static void test_udp_end_while_stalled(void **state)
{
	struct proto_cut cut;

	(void)state;
	PROTO_INIT(&cut, PROTO_CUT);
	cut.id = converse(0, false);
	cut.reason = DROP_POLICY_CUT;
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(far_fd, big, 1000, 0), 1000);
	port_mem_set_room(w.port, 1);
	for (int i = 0; i < 5; i++)
		world_step();
	assert_true(ip_output_blocked());
	egress_send(&cut, sizeof(cut), -1);
	world_in(frame, make_udp(dst_of(0), 4000, 7000, "next", 4));
	port_mem_set_room(w.port, UINT32_MAX);
	world_step();
	world_step();
	while (world_out())
		;
	assert_int_equal(w.s.flows.used, 1);
	assert_false(ip_output_blocked());
}

static void test_udp_table_full(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 64; i++)
		world_in(frame, make_udp(dst_of(0), (uint16_t)(4000 + i), 7000, "x", 1));
	assert_int_equal(w.s.drops[DROP_FLOW_FULL], 0);
	world_expect_drop(frame, make_udp(dst_of(0), 5000, 7000, "x", 1), DROP_FLOW_FULL);
}

static void test_udp_egress_gone(void **state)
{
	(void)state;
	converse(0, false);
	world_in(frame, make_udp(dst_of(0), 4001, 7000, "x", 1));
	close(w.egress);
	w.egress = -1;
	world_step();
	while (world_out())
		;
	world_pass_ms(3000);
	assert_int_equal(w.s.flows.used, 0);
	world_in(frame, make_udp(dst_of(0), 4000, 7000, "x", 1));
	expect_icmp(0, 3, 13, 1, 1);
	assert_true(w.s.drops[DROP_EGRESS_GONE] > 0);
}

/* ---- ping --------------------------------------------------------------------------------------------- */

/*
 * A network namespace of our own, with loopback up and ping sockets for everybody. As an ordinary
 * user in a user namespace of our own. 0 or -errno.
 */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -errno : 0;
}

static int own_network(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char uid[32], gid[32];
	int fd, r;

	snprintf(uid, sizeof(uid), "0 %u 1", getuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getgid());
	if (unshare(CLONE_NEWNET) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			return -errno;
		r = write_file("/proc/self/setgroups", "deny");
		if (!r)
			r = write_file("/proc/self/uid_map", uid);
		if (!r)
			r = write_file("/proc/self/gid_map", gid);
		if (r)
			return r;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
	close(fd);
	return r ? r : write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
}

/* A ping socket to loopback, or -1. */
static int ping_socket(int v6)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = v6 ? socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6) :
		      socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	int r;

	if (fd < 0)
		return -1;
	r = v6 ? connect(fd, (struct sockaddr *)&a6, sizeof(a6)) :
		 connect(fd, (struct sockaddr *)&a, sizeof(a));
	if (r < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void test_ping_loopback(void **state)
{
	static uint8_t back[65536];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		int fd = ping_socket(v6);

		if (fd < 0) {
			print_message("# no ping socket for IPv%d\n", v6 ? 6 : 4);
			skip();
		}
		world_in(frame, make_echo(dst_of(v6), 0x1234, 1, big, 56));
		world_in(frame, make_echo(dst_of(v6), 0x1234, 2, big, 1000));
		egress_verdict(expect_ask(dst_of(v6), 0x1234, 0, IPPROTO_ICMP), PROTO_ALLOW,
			       DROP_NONE, 0, fd);
		for (uint8_t seq = 1; seq <= 3; seq++) {
			size_t n, at;

			if (seq == 3)
				world_in(frame, make_echo(dst_of(v6), 0x1234, 3, big, 0));
			for (int i = 0; i < 100 && (n = world_out()) == 0; i++) {
				usleep(1000);
				world_step();
			}
			assert_true(n > 0);
			at = check_out(n);
			assert_int_equal(out[at], v6 ? 129 : 0);
			assert_memory_equal(out + at + 4, "\x12\x34\0", 3);
			assert_int_equal(out[at + 7], seq);
			assert_int_equal(n - at - 8, seq == 1 ? 56 : seq == 2 ? 1000 : 0);
			assert_memory_equal(out + at + 8, big, n - at - 8);
		}
		/* As large as they come. */
		uint8_t *whole = got;
		size_t len = v6 ? 60000 : 65507;

		make_echo(dst_of(v6), 0x1234, 4, "", 0);
		memcpy(whole, frame + (v6 ? 54 : 34), 8);
		memcpy(whole + 8, big, len);
		for (size_t off = 0; off < len + 8; off += 1400) {
			size_t n = len + 8 - off < 1400 ? len + 8 - off : 1400;

			world_in(frame, make_fragment(dst_of(v6), v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 9,
						      whole + off, off, n, off + n < len + 8));
		}
		for (int i = 0; i < 100; i++) {
			usleep(1000);
			world_step();
		}
		/* The host's socket buffer may be too small for it: then it says so. */
		if (!w.s.drops[DROP_NO_MEMORY] && !w.s.drops[DROP_DIAL_ERROR]) {
			assert_int_equal(drain(back), len + 8);
			assert_memory_equal(back + 8, big, len);
		}
		while (world_out())
			;
	}
}

static void test_ping_refused(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t n, at;

		/* Four requests are held. */
		for (uint16_t seq = 0; seq < 6; seq++)
			world_in(frame, make_echo(dst_of(v6), 7, seq, big, 100));
		assert_int_equal(w.s.drops[DROP_NO_MEMORY], 2 * (v6 + 1));
		egress_verdict(expect_ask(dst_of(v6), 7, 0, IPPROTO_ICMP), PROTO_DENY,
			       DROP_POLICY_PROTO, 0, -1);
		for (uint8_t seq = 0; seq < 4; seq++) {
			n = world_out();
			at = check_out(n);
			assert_int_equal(out[at], v6 ? 1 : 3);
			assert_int_equal(out[at + 1], v6 ? 1 : 13);
			assert_int_equal(out[at + 8 + (v6 ? 40 : 20) + 7], seq);
		}
		assert_int_equal(world_out(), 0);
		/* Another identifier is another conversation. */
		world_in(frame, make_echo(dst_of(v6), 8, 0, big, 100));
		expect_ask(dst_of(v6), 8, 0, IPPROTO_ICMP);
	}
}

/* What a far side sends that is no echo reply never reaches the sandbox. */
static void test_ping_garbage(void **state)
{
	static const struct {
		uint8_t b[12];
		uint8_t len;
		bool passes;
	} t[] = {
		{ { 0, 0, 0, 0, 9, 9, 0, 1, 'a', 'b' }, 10, true },
		{ { 0, 0, 0, 0, 9, 9, 0, 1 }, 8, true },
		{ { 0, 0, 0, 0, 9, 9, 0 }, 7, false },
		{ { 0 }, 0, false },
		{ { 3, 3, 0, 0, 0, 0, 0, 0, 0x45 }, 12, false },
		{ { 5, 1, 0, 0, 0, 0, 0, 0 }, 12, false },
		{ { 0, 1, 0, 0, 9, 9, 0, 1 }, 8, false },
		{ { 129, 0, 0, 0, 9, 9, 0, 1 }, 8, false },
	};
	uint64_t id;

	(void)state;
	world_in(frame, make_echo(dst_of(0), 7, 1, "x", 1));
	id = expect_ask(dst_of(0), 7, 0, IPPROTO_ICMP);
	egress_verdict(id, PROTO_ALLOW, DROP_NONE, 0, connected(false));
	assert_int_equal(far_recv(), 9);
	assert_int_equal(got[0], 8);
	for (size_t i = 0; i < N(t); i++) {
		size_t n;

		assert_int_equal(send(far_fd, t[i].b, t[i].len, 0), t[i].len);
		world_step();
		n = world_out();
		assert_int_equal(n != 0, t[i].passes);
		if (n)
			assert_memory_equal(out + check_out(n) + 4, "\0\7\0\1", 4);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_udp_both_ways), T(test_udp_sizes),
		cmocka_unit_test_setup_teardown(test_udp_sizes, setup_multibuf, teardown),
		T(test_udp_refused), T(test_udp_hold_bounds),
		cmocka_unit_test_setup_teardown(test_udp_hold_bytes, setup_multibuf, teardown),
		T(test_udp_idle), T(test_udp_host_errors), T(test_udp_cut),
		T(test_udp_budget_and_stall), T(test_udp_end_while_stalled), T(test_udp_table_full),
		T(test_udp_egress_gone),
		T(test_ping_loopback), T(test_ping_refused), T(test_ping_garbage),
	};

	if (own_network() < 0)
		print_message("# no network namespace of our own: ping is not tested\n");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
