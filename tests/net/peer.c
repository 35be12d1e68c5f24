/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: both ends of the network tests that ordinary tools do not cover.
 *
 *	peer serve		on the far side: all services below, both families, until killed
 *	peer CHECK HOST [ARG]	in the sandbox: exit 0 when what the sandbox sees is the truth
 *
 * Every wait is for an event with a time limit; nothing sleeps to let something else happen.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <linux/tcp.h>

enum {
	PORT_ECHO = 7001,	/* TCP and UDP: sends back what comes; half-closes after EOF */
	PORT_COUNT,		/* TCP: reads to EOF, then sends the number of bytes as text and closes */
	PORT_SOURCE,		/* TCP: reads a decimal count and newline, sends that many pattern bytes */
	PORT_RESET,		/* TCP: reads one byte, resets */
	PORT_STALL,		/* TCP: reads nothing until a byte comes on the UDP port of this number */
	PORT_CLOSE_FIRST,	/* TCP: greets, half-closes, then reads to EOF */
	PORT_MANY,		/* TCP: echo in one process, for thousands of connections */
	WAIT_MS = 20000,
	BUF = 1 << 16,
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static void fill_pattern(uint8_t *buf, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(at + i);
}

static void check_pattern(const uint8_t *buf, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (buf[i] != pattern(at + i))
			die("byte %llu is wrong", (unsigned long long)(at + i));
	}
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, WAIT_MS) <= 0)
		die("timed out waiting for the socket");
}

static void write_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && (errno == EAGAIN || errno == EINTR)) {
			wait_for(fd, POLLOUT);
			continue;
		}
		if (k < 0)
			die("send: %s", strerror(errno));
		p += k;
		n -= (size_t)k;
	}
}

/* Bytes, 0 at EOF; dies on error and on time-out. */
static size_t read_some(int fd, void *buf, size_t n)
{
	ssize_t k;

	wait_for(fd, POLLIN);
	k = recv(fd, buf, n, 0);
	if (k < 0)
		die("recv: %s", strerror(errno));
	return (size_t)k;
}

static void drain(int fd)
{
	static char buf[4096];

	while (read_some(fd, buf, sizeof(buf)) > 0)
		;
}

static void send_pattern(int fd, uint64_t count, size_t step)
{
	static uint8_t buf[BUF];

	for (uint64_t at = 0; at < count;) {
		size_t n = step < count - at ? step : (size_t)(count - at);

		fill_pattern(buf, at, n);
		write_all(fd, buf, n);
		at += n;
	}
}

static uint64_t read_pattern(int fd)
{
	static uint8_t buf[BUF];
	uint64_t total = 0;
	size_t n;

	while ((n = read_some(fd, buf, sizeof(buf))) > 0) {
		check_pattern(buf, total, n);
		total += n;
	}
	return total;
}

static void raise_nofile(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static void reset_on_close(int fd)
{
	struct linger l = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* ---- far side ------------------------------------------------------------------------------- */

static int bind_any(int type, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), one = 1, zero = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("bind %u: %s", port, strerror(errno));
	if (type == SOCK_STREAM && listen(fd, 4096) < 0)
		die("listen: %s", strerror(errno));
	return fd;
}

static void serve_echo(int fd)
{
	static char buf[BUF];
	int one = 1;
	size_t n;

	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	while ((n = read_some(fd, buf, sizeof(buf))) > 0)
		write_all(fd, buf, n);
}

static void serve_count(int fd)
{
	char line[32];

	snprintf(line, sizeof(line), "%llu\n", (unsigned long long)read_pattern(fd));
	write_all(fd, line, strlen(line));
}

static void serve_source(int fd)
{
	char line[32];
	size_t n = 0;

	while (n < sizeof(line) - 1 && read_some(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	send_pattern(fd, strtoull(line, NULL, 10), BUF);
	shutdown(fd, SHUT_WR);
	drain(fd);
}

static void serve_stall(int fd)
{
	int udp = bind_any(SOCK_DGRAM, PORT_STALL);
	char c;

	read_some(udp, &c, 1);
	close(udp);
	serve_count(fd);
}

static void serve_one(uint16_t port, int fd)
{
	char c;

	switch (port) {
	case PORT_ECHO: serve_echo(fd); break;
	case PORT_COUNT: serve_count(fd); break;
	case PORT_SOURCE: serve_source(fd); break;
	case PORT_STALL: serve_stall(fd); break;
	case PORT_RESET:
		read_some(fd, &c, 1);
		reset_on_close(fd);
		break;
	case PORT_CLOSE_FIRST:
		write_all(fd, "bye\n", 4);
		shutdown(fd, SHUT_WR);
		drain(fd);
		break;
	default: break;
	}
	close(fd);
}

static void serve_forking(uint16_t port, int lis)
{
	for (;;) {
		int fd = accept4(lis, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && fork() == 0) {
			close(lis);
			serve_one(port, fd);
			_exit(0);
		}
		close(fd);
	}
}

static void serve_many(int lis)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = lis }, e;
	static char buf[4096];

	epoll_ctl(ep, EPOLL_CTL_ADD, lis, &ev);
	for (;;) {
		ssize_t n;

		if (epoll_wait(ep, &e, 1, -1) < 1)
			continue;
		if (e.data.fd == lis) {
			ev.data.fd = accept4(lis, NULL, NULL, SOCK_CLOEXEC);
			if (ev.data.fd >= 0)
				epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
			continue;
		}
		n = recv(e.data.fd, buf, sizeof(buf), 0);
		if (n <= 0)
			close(e.data.fd);
		else
			write_all(e.data.fd, buf, (size_t)n);
	}
}

static void serve_udp(int fd)
{
	static char buf[65536];

	for (;;) {
		struct sockaddr_storage from;
		union {
			char b[128];
			struct cmsghdr align;
		} ctl;
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
				    .msg_iovlen = 1, .msg_control = ctl.b, .msg_controllen = sizeof(ctl) };
		ssize_t n = recvmsg(fd, &m, 0);

		if (n < 0)
			continue;
		iov.iov_len = (size_t)n;
		/* The packet-info that came in goes out again: answered from the address asked. */
		if (sendmsg(fd, &m, 0) < 0 && errno != EAGAIN)
			fprintf(stderr, "udp echo of %zd: %s\n", n, strerror(errno));
	}
}

static int serve(void)
{
	int one = 1, lis, udp, big = 4 << 20;

	signal(SIGCHLD, SIG_IGN);
	raise_nofile();
	for (uint16_t port = PORT_ECHO; port <= PORT_MANY; port++) {
		lis = bind_any(SOCK_STREAM, port);
		if (fork() == 0) {
			if (port == PORT_MANY)
				serve_many(lis);
			serve_forking(port, lis);
		}
		close(lis);
	}
	udp = bind_any(SOCK_DGRAM, PORT_ECHO);
	setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	setsockopt(udp, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	puts("ready");
	fflush(stdout);
	serve_udp(udp);
	return 0;
}

/* ---- in the sandbox ----------------------------------------------------------------------------- */

/* A connected socket, or -1 with errno. */
static int dial_type(const char *host, uint16_t port, int type)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICSERV }, *ai;
	char serv[8];
	int fd, r;

	snprintf(serv, sizeof(serv), "%u", port);
	r = getaddrinfo(host, serv, &hints, &ai);
	if (r)
		die("%s: %s", host, gai_strerror(r));
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC, 0);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		r = errno;
		close(fd);
		errno = r;
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

static int dial(const char *host, uint16_t port)
{
	int fd = dial_type(host, port, SOCK_STREAM);

	if (fd < 0)
		die("connect %s %u: %s", host, port, strerror(errno));
	return fd;
}

static void expect_count(int fd, uint64_t count)
{
	char line[64] = "", want[32];
	size_t n = 0, k;

	while (n < sizeof(line) - 1 && (k = read_some(fd, line + n, sizeof(line) - 1 - n)) > 0)
		n += k;
	snprintf(want, sizeof(want), "%llu\n", (unsigned long long)count);
	if (strcmp(line, want) != 0)
		die("the far side counted '%s', not %llu", line, (unsigned long long)count);
}

static void expect_pattern(int fd, uint64_t count)
{
	uint64_t n = read_pattern(fd);

	if (n != count)
		die("got %llu of %llu bytes", (unsigned long long)n, (unsigned long long)count);
}

static void ask_source(int fd, uint64_t count)
{
	char line[32];

	snprintf(line, sizeof(line), "%llu\n", (unsigned long long)count);
	write_all(fd, line, strlen(line));
}

static uint64_t number(const char *arg, uint64_t def)
{
	return arg ? strtoull(arg, NULL, 10) : def;
}

/* All data is sent, our side closed, and only then the answer comes the other way. */
static void check_halfclose_up(const char *host, const char *arg)
{
	uint64_t n = number(arg, 3000000);
	int fd = dial(host, PORT_COUNT);

	send_pattern(fd, n, BUF);
	shutdown(fd, SHUT_WR);
	expect_count(fd, n);
}

/* The far side closes first; what we send afterwards still arrives (no reset comes back). */
static void check_halfclose_down(const char *host, const char *arg)
{
	int fd = dial(host, PORT_CLOSE_FIRST), err = 0;
	socklen_t err_len = sizeof(err);
	char buf[16];
	size_t n = 0, k;

	(void)arg;
	while ((k = read_some(fd, buf + n, sizeof(buf) - n)) > 0)
		n += k;
	if (n != 4)
		die("%zu bytes before the far side's FIN, not 4", n);
	send_pattern(fd, 1000000, BUF);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 2000; i++) {
		struct tcp_info ti;
		socklen_t len = sizeof(ti);

		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len);
		if (err)
			die("after half-close: %s", strerror(err));
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
		if (ti.tcpi_unacked == 0 && ti.tcpi_notsent_bytes == 0)
			return;
		poll(NULL, 0, 10);
	}
	die("data after the far side's FIN was never acknowledged");
}

static void check_download(const char *host, const char *arg)
{
	int fd = dial(host, PORT_SOURCE);

	ask_source(fd, number(arg, 10000000));
	expect_pattern(fd, number(arg, 10000000));
}

static void check_bytes(const char *host, const char *arg)
{
	int fd = dial(host, PORT_COUNT), one = 1;

	(void)arg;
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
	send_pattern(fd, 5000, 1);
	shutdown(fd, SHUT_WR);
	expect_count(fd, 5000);
}

static void check_reset(const char *host, const char *arg)
{
	int fd = dial(host, PORT_RESET);
	char c;

	(void)arg;
	write_all(fd, "x", 1);
	wait_for(fd, POLLIN);
	if (recv(fd, &c, 1, 0) != -1 || errno != ECONNRESET)
		die("expected a reset, got %s", strerror(errno));
}

static void check_reset_ours(const char *host, const char *arg)
{
	char c = 'x';

	(void)arg;
	for (int i = 0; i < 20; i++) {
		int fd = dial(host, PORT_ECHO);

		write_all(fd, &c, 1);
		read_some(fd, &c, 1);
		reset_on_close(fd);
		close(fd);
	}
}

/* Fills every buffer until nothing moves for 300 ms, then lets the far side read. */
static void check_zero_window(const char *host, const char *arg)
{
	static uint8_t buf[BUF];
	int fd = dial(host, PORT_STALL), udp = dial_type(host, PORT_STALL, SOCK_DGRAM);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t sent = 0;

	(void)arg;
	while (poll(&p, 1, 300) > 0) {
		ssize_t k;

		fill_pattern(buf, sent, BUF);
		k = send(fd, buf, BUF, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (k < 0 && errno != EAGAIN)
			die("send: %s", strerror(errno));
		if (k > 0)
			sent += (uint64_t)k;
		if (sent > 1ull << 30)
			die("a gibibyte went into a stalled connection: no back-pressure");
	}
	if (send(udp, "g", 1, 0) != 1)
		die("udp: %s", strerror(errno));
	shutdown(fd, SHUT_WR);
	expect_count(fd, sent);
}

/* The other direction: we do not read until our receive buffer stopped growing. */
static void check_slow_reader(const char *host, const char *arg)
{
	uint64_t n = number(arg, 50000000), before = 1, now = 0;
	int fd = dial(host, PORT_SOURCE);

	ask_source(fd, n);
	wait_for(fd, POLLIN);
	for (int quiet = 0; quiet < 3;) {
		struct tcp_info ti;
		socklen_t len = sizeof(ti);

		poll(NULL, 0, 100);
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
		now = ti.tcpi_bytes_received;
		quiet = now == before ? quiet + 1 : 0;
		before = now;
	}
	if (now >= n)
		die("all %llu bytes were taken without a reader: no back-pressure", (unsigned long long)n);
	expect_pattern(fd, n);
}

static void check_urgent(const char *host, const char *arg)
{
	int fd = dial(host, PORT_ECHO);
	char buf[16];
	size_t n = 0, k;

	(void)arg;
	write_all(fd, "abc", 3);
	if (send(fd, "U", 1, MSG_OOB) != 1)
		die("send oob: %s", strerror(errno));
	write_all(fd, "def", 3);
	shutdown(fd, SHUT_WR);
	while (n < sizeof(buf) && (k = read_some(fd, buf + n, sizeof(buf) - n)) > 0)
		n += k;
	/* In-band is what a gateway that terminates TCP promises: nothing lost, order kept. */
	if (n != 7 || memcmp(buf, "abcUdef", 7) != 0)
		die("urgent data: got %zu bytes '%.*s'", n, (int)n, buf);
}

static void check_udp(const char *host, const char *arg)
{
	static uint8_t out[65507], in[65536];
	size_t n = (size_t)number(arg, 100);
	int fd = dial_type(host, PORT_ECHO, SOCK_DGRAM), big = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	fill_pattern(out, 0, n);
	/* UDP may lose: three tries. */
	for (int i = 0; i < 3; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t k;

		if (send(fd, out, n, 0) != (ssize_t)n)
			die("send %zu: %s", n, strerror(errno));
		if (poll(&p, 1, 3000) != 1)
			continue;
		k = recv(fd, in, sizeof(in), 0);
		if (k < 0)
			die("recv: %s", strerror(errno));
		if ((size_t)k != n || memcmp(in, out, n) != 0)
			die("echo of %zu bytes came back as %zd", n, k);
		return;
	}
	die("no echo of %zu bytes", n);
}

/* arg = PORT,NAME[|NAME]: the errno expected from connect (TCP) or after a datagram (UDP). */
static void check_errno(const char *host, const char *arg, int type)
{
	char name[64];
	unsigned int port;
	int fd, err = 0;
	struct pollfd p = { .events = POLLIN };
	char c;

	if (!arg || sscanf(arg, "%u,%63s", &port, name) != 2)
		die("usage: errno HOST PORT,NAME");
	fd = dial_type(host, (uint16_t)port, type);
	if (fd < 0)
		err = errno;
	if (fd >= 0 && type == SOCK_DGRAM) {
		p.fd = fd;
		if (send(fd, "x", 1, 0) < 0)
			err = errno;
		else if (poll(&p, 1, 5000) != 1)
			die("no answer and no error");
		else if (recv(fd, &c, 1, 0) < 0)
			err = errno;
	}
	if (!strstr(name, err ? strerrorname_np(err) : "OK"))
		die("wanted %s, got %s", name, err ? strerrorname_np(err) : "success");
}

static void check_tcp_errno(const char *host, const char *arg)
{
	check_errno(host, arg, SOCK_STREAM);
}

static void check_udp_errno(const char *host, const char *arg)
{
	check_errno(host, arg, SOCK_DGRAM);
}

/* arg connections open at once; each echoes its own number, twice. */
static void check_many(const char *host, const char *arg)
{
	size_t n = (size_t)number(arg, 1000);
	int *fds = calloc(n, sizeof(*fds));

	raise_nofile();
	for (size_t i = 0; i < n; i++)
		fds[i] = dial(host, PORT_MANY);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++)
			write_all(fds[i], &i, sizeof(i));
		for (size_t i = 0; i < n; i++) {
			size_t back = 0, got = 0, k;

			while (got < sizeof(back)) {
				k = read_some(fds[i], (char *)&back + got, sizeof(back) - got);
				if (!k)
					die("connection %zu closed early", i);
				got += k;
			}
			if (back != i)
				die("connection %zu got %zu's bytes", i, back);
		}
	}
	free(fds);
}

/* arg = RATE,SECONDS: that many short connections per second. */
static void check_rate(const char *host, const char *arg)
{
	unsigned int rate, seconds;

	if (!arg || sscanf(arg, "%u,%u", &rate, &seconds) != 2 || !rate)
		die("usage: rate HOST RATE,SECONDS");
	for (unsigned int i = 0; i < rate * seconds; i++) {
		struct timespec pause = { 0, 1000000000L / (long)rate };
		int fd = dial(host, PORT_MANY);
		char c = 'x';

		write_all(fd, &c, 1);
		if (read_some(fd, &c, 1) != 1)
			die("closed early");
		close(fd);
		nanosleep(&pause, NULL);	/* the rate is the load, not a wait for something */
	}
}

static int abstract(const char *name, struct sockaddr_un *un, socklen_t *len)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strncpy(un->sun_path + 1, name, sizeof(un->sun_path) - 2);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(un->sun_path + 1));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* HOST is the name of an abstract UNIX socket: can it be reached? */
static void check_abstract(const char *host, const char *arg)
{
	struct sockaddr_un un;
	socklen_t len;
	int fd = abstract(host, &un, &len);

	(void)arg;
	if (connect(fd, (struct sockaddr *)&un, len) < 0)
		die("abstract %s: %s", host, strerror(errno));
}

/* On the host: an abstract UNIX socket that accepts. */
static void serve_abstract(const char *host, const char *arg)
{
	struct sockaddr_un un;
	socklen_t len;
	int fd = abstract(host, &un, &len);

	(void)arg;
	if (bind(fd, (struct sockaddr *)&un, len) < 0 || listen(fd, 8) < 0)
		die("abstract: %s", strerror(errno));
	puts("ready");
	fflush(stdout);
	for (;;)
		close(accept(fd, NULL, NULL));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *host, const char *arg);
	} checks[] = {
		{ "halfclose-up", check_halfclose_up }, { "halfclose-down", check_halfclose_down },
		{ "download", check_download },		{ "bytes", check_bytes },
		{ "reset", check_reset },		{ "reset-ours", check_reset_ours },
		{ "zero-window", check_zero_window },	{ "slow-reader", check_slow_reader },
		{ "urgent", check_urgent },		{ "udp", check_udp },
		{ "tcp-errno", check_tcp_errno },	{ "udp-errno", check_udp_errno },
		{ "many", check_many },			{ "rate", check_rate },
		{ "abstract", check_abstract },		{ "serve-abstract", serve_abstract },
	};

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	for (size_t i = 0; argc >= 3 && i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(argv[1], checks[i].name) == 0) {
			checks[i].run(argv[2], argc > 3 ? argv[3] : NULL);
			return 0;
		}
	}
	die("usage: peer serve | CHECK HOST [ARG]");
}
