/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ping conversations, over the kernel's ping sockets in a network namespace of the test's own, and
 * over a UDP socket in their place where the far side must say what no kernel would.
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

#include "tests/unit/far.h"
#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
	far_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	far_close();
	world_close();
	return 0;
}

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
		world_in(frame, make_echo(far_dst(v6), 0x1234, 1, far_big, 56));
		world_in(frame, make_echo(far_dst(v6), 0x1234, 2, far_big, 1000));
		egress_verdict(far_expect_ask(far_dst(v6), 0x1234, 0, IPPROTO_ICMP), PROTO_ALLOW,
			       DROP_NONE, 0, fd);
		for (uint8_t seq = 1; seq <= 3; seq++) {
			size_t n, at;

			if (seq == 3)
				world_in(frame, make_echo(far_dst(v6), 0x1234, 3, far_big, 0));
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
			assert_memory_equal(out + at + 8, far_big, n - at - 8);
		}
		/* As large as they come. */
		uint8_t *whole = far_got;
		size_t len = v6 ? 60000 : 65507;

		make_echo(far_dst(v6), 0x1234, 4, "", 0);
		memcpy(whole, frame + (v6 ? 54 : 34), 8);
		memcpy(whole + 8, far_big, len);
		for (size_t off = 0; off < len + 8; off += 1400) {
			size_t n = len + 8 - off < 1400 ? len + 8 - off : 1400;

			world_in(frame, make_fragment(far_dst(v6), v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 9,
						      whole + off, off, n, off + n < len + 8));
		}
		for (int i = 0; i < 100; i++) {
			usleep(1000);
			world_step();
		}
		/* The host's socket buffer may be too small for it: then it says so. */
		if (!w.s.drops[DROP_NO_MEMORY] && !w.s.drops[DROP_DIAL_ERROR]) {
			assert_int_equal(world_collect(back), len + 8);
			assert_memory_equal(back + 8, far_big, len);
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
			world_in(frame, make_echo(far_dst(v6), 7, seq, far_big, 100));
		assert_int_equal(w.s.drops[DROP_NO_MEMORY], 2 * (v6 + 1));
		egress_verdict(far_expect_ask(far_dst(v6), 7, 0, IPPROTO_ICMP), PROTO_DENY,
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
		world_in(frame, make_echo(far_dst(v6), 8, 0, far_big, 100));
		far_expect_ask(far_dst(v6), 8, 0, IPPROTO_ICMP);
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
	world_in(frame, make_echo(far_dst(0), 7, 1, "x", 1));
	id = far_expect_ask(far_dst(0), 7, 0, IPPROTO_ICMP);
	egress_verdict(id, PROTO_ALLOW, DROP_NONE, 0, far_connected(false));
	assert_int_equal(far_recv(), 9);
	assert_int_equal(far_got[0], 8);
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
		T(test_ping_loopback), T(test_ping_refused), T(test_ping_garbage),
	};

	if (own_network() < 0)
		print_message("# no network namespace of our own: ping is not tested\n");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
