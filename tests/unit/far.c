/* SPDX-License-Identifier: Apache-2.0 */
/* far: see far.h. */
#include "tests/unit/far.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/world.h"

int far_fd = -1;
uint8_t far_got[65536], far_big[65536];

void far_open(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int size = 4 << 20;

	far_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(far_fd >= 0);
	assert_int_equal(bind(far_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(far_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (size_t i = 0; i < sizeof(far_big); i++)
		far_big[i] = (uint8_t)(i * 5 + (i >> 9));
}

void far_close(void)
{
	close(far_fd);
	far_fd = -1;
}

int far_connected(bool recverr)
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

ssize_t far_recv(void)
{
	return recv(far_fd, far_got, sizeof(far_got), 0);
}

uint64_t far_expect_ask(const char *dst, uint16_t sport, uint16_t dport, uint8_t proto)
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

const char *far_dst(int v6)
{
	return v6 ? "2001:db8::1" : "192.0.2.1";
}
