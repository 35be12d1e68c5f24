/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soak: both ends of the mixed load of soak.t.
 *
 *	soak serve				on the far side, until killed; says what is wrong on stderr
 *	soak run HOST4 HOST6 SECONDS COMMAND	in the sandbox: a quarter of the time, a rest, the others, a rest
 *
 * Each kind of load is a process of its own that does one thing after the other until the time is over. Every byte
 * is a function of its connection's seed and its place, and is compared when it arrives: what is lost, doubled,
 * swapped or somebody else's shows. Every wait is for an event, and who waits for STALL_MS fails. A rest is a
 * line on stdout, and lasts until a line comes in on stdin.
 */
#include "tests/net/soak_move.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>

enum {
	PORT = 7200,
	MB = 1 << 20,
	UDP_MIN = 32,
	LOST_ONE_IN = 10,		/* datagrams; the wire loses far fewer */
};

enum what {
	TURN,				/* reads `up` bytes, answers with `down`; then the next request */
	BOTH,				/* both at once, then waits for EOF */
	SLOW,				/* as TURN, reading with pauses */
	FAR_FIRST,			/* sends `down` and FIN, then reads `up` and EOF */
	FAR_RESET,			/* as TURN, then resets */
	NEAR_RESET,			/* as TURN, and is reset */
};

struct request {
	uint64_t what, seed, up, down;
};

/* ---- the far side ------------------------------------------------------------------------------------- */

/* False at the end of the connection. */
static bool get_request(int fd, struct request *r)
{
	size_t got = 0;

	while (got < sizeof(*r)) {
		ssize_t k;

		wait_for(fd, POLLIN, "a request");
		k = recv(fd, (char *)r + got, sizeof(*r) - got, 0);
		if (k < 0 && errno == ECONNRESET)
			_exit(0);		/* the client may */
		if (k <= 0 && got)
			die("half a request");
		if (k <= 0)
			return false;
		got += (size_t)k;
	}
	return true;
}

static void serve_one(int fd)
{
	struct request r;

	while (get_request(fd, &r)) {
		struct way in = way(r.seed, r.up), out = way(~r.seed, r.down);

		in.slow = r.what == SLOW;
		may_break = r.what == NEAR_RESET;
		luck = r.seed;
		switch (r.what) {
		case BOTH:
			move(fd, &out, &in);
			break;
		case FAR_FIRST:
			one_way(fd, out, true);
			shutdown(fd, SHUT_WR);
			one_way(fd, in, false);
			expect_end(fd);
			_exit(0);
		default:
			one_way(fd, in, false);
			one_way(fd, out, true);
			break;
		}
		if (r.what == FAR_RESET) {
			reset(fd);
			_exit(0);
		}
	}
	_exit(0);
}

static int bind_any(int type)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), one = 1, zero = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || (type == SOCK_STREAM && listen(fd, 1024) < 0))
		die("port %d: %s", PORT, strerror(errno));
	return fd;
}

/* The packet-info that came in goes out again: answered from the address asked. */
static void __attribute__((noreturn)) serve_udp(int fd)
{
	static char buf[BUF];
	int one = 1;

	setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
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
		(void)!sendmsg(fd, &m, 0);
	}
}

static void __attribute__((noreturn)) serve(void)
{
	int tcp = bind_any(SOCK_STREAM), udp = bind_any(SOCK_DGRAM);

	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	fflush(stdout);
	if (fork() == 0)
		serve_udp(udp);
	for (;;) {
		int fd = accept4(tcp, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && fork() == 0)
			serve_one(fd);
		close(fd);
	}
}

/* ---- in the sandbox ----------------------------------------------------------------------------------- */

static const char *hosts[2], *command;

static int dial(int type)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICSERV }, *ai;
	const char *host = hosts[below(2)];
	int fd, r = getaddrinfo(host, "7200", &hints, &ai), err = 0;
	socklen_t len = sizeof(err);

	if (r)
		die("%s: %s", host, gai_strerror(r));
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		die("connect %s: %s", host, strerror(errno));
	freeaddrinfo(ai);
	wait_for(fd, POLLOUT, "a connection");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		die("connect %s: %s", host, strerror(err));
	return fd;
}

static struct request ask(int fd, enum what what, uint64_t up, uint64_t down)
{
	struct request r = { what, mix(below(UINT64_MAX)), up, down };

	if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) != sizeof(r))
		die("request: %s", strerror(errno));
	tally->n++;
	tally->up += up;
	tally->down += down;
	return r;
}

static void turn(int fd, enum what what, uint64_t up, uint64_t down)
{
	struct request r = ask(fd, what, up, down);

	one_way(fd, way(r.seed, up), true);
	one_way(fd, way(~r.seed, down), false);
}

static void once(enum what what, uint64_t up, uint64_t down)
{
	int fd = dial(SOCK_STREAM);

	turn(fd, what, up, down);
	shutdown(fd, SHUT_WR);
	expect_end(fd);
	close(fd);
}

static void bulk_up(void)
{
	once(TURN, 1 + below(16 * MB), 8);
}

static void bulk_down(void)
{
	once(TURN, 8, 1 + below(16 * MB));
}

static void both_ways(void)
{
	int fd = dial(SOCK_STREAM);
	struct request r = ask(fd, BOTH, 1 + below(8 * MB), 1 + below(8 * MB));
	struct way out = way(r.seed, r.up), in = way(~r.seed, r.down);

	move(fd, &out, &in);
	shutdown(fd, SHUT_WR);
	expect_end(fd);
	close(fd);
}

static void short_ones(void)
{
	if (below(2)) {
		once(TURN, 100, 1000);
	} else {			/* without looking for the far side's end */
		int fd = dial(SOCK_STREAM);

		turn(fd, TURN, 1 + below(300), 1 + below(3000));
		close(fd);
	}
}

static void keep_alive(void)
{
	int fd = dial(SOCK_STREAM);

	for (int i = 0; i < 40; i++) {
		turn(fd, TURN, 1 + below(2000), 1 + below(20000));
		if (below(4) == 0)
			poll(NULL, 0, (int)below(50));
	}
	shutdown(fd, SHUT_WR);
	expect_end(fd);
	close(fd);
}

/* Our FIN goes out with the request; the answer still comes. Or the far side's comes first, and ours goes on. */
static void half_close(void)
{
	int fd = dial(SOCK_STREAM);
	bool far = below(2);
	struct request r = ask(fd, far ? FAR_FIRST : TURN, 1 + below(MB), 1 + below(MB));

	if (far) {
		one_way(fd, way(~r.seed, r.down), false);
		expect_end(fd);
		one_way(fd, way(r.seed, r.up), true);
	} else {
		one_way(fd, way(r.seed, r.up), true);
		shutdown(fd, SHUT_WR);
		one_way(fd, way(~r.seed, r.down), false);
		expect_end(fd);
	}
	close(fd);
}

static void resets(void)
{
	int fd = dial(SOCK_STREAM);
	uint64_t down = 1 + below(3000);
	char c;

	if (below(2)) {			/* ours, while much is on its way */
		struct request r = ask(fd, NEAR_RESET, 8, 100 * (uint64_t)MB);

		tally->down -= r.down;
		one_way(fd, way(r.seed, r.up), true);
		one_way(fd, way(~r.seed, 1 + below(MB)), false);
		reset(fd);
		return;
	}
	/* The far side's, behind an answer that may be lost with it. */
	struct request r = ask(fd, FAR_RESET, 100, down);
	struct way in = way(~r.seed, down);

	one_way(fd, way(r.seed, r.up), true);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		/* A RST may be lost and is not sent again but for an answer. */
		if (poll(&p, 1, 1000) == 0)
			(void)!send(fd, "?", 1, MSG_NOSIGNAL);
		wait_for(fd, POLLIN, "a reset");
		if (recv(fd, &c, 1, MSG_PEEK) < 0)
			break;
		if (in.at == in.len || !receive_some(fd, &in))
			die("%" PRIu64 " of %" PRIu64 " bytes, then no reset but the end", in.at, in.len);
	}
	if (errno != ECONNRESET)
		die("a reset was to come: %s", strerror(errno));
	close(fd);
}

static void slow_ones(void)
{
	int fd = dial(SOCK_STREAM);
	struct request r = ask(fd, SLOW, 2 * MB + below(2 * MB), 4 * MB + below(4 * MB));
	struct way in = way(~r.seed, r.down);

	one_way(fd, way(r.seed, r.up), true);
	in.slow = true;
	one_way(fd, in, false);
	close(fd);
}

/* A datagram may be lost, and then nothing waits for it; never may it be another one. */
static void datagrams(void)
{
	static uint8_t buf[BUF];
	static uint64_t seed, next;
	static int fd = -1;

	if (fd >= 0 && below(10) == 0) {	/* each is a flow until it has been silent for long */
		close(fd);
		fd = -1;
	}
	if (fd < 0) {
		fd = dial(SOCK_DGRAM);
		seed = next = below(UINT64_MAX / 2);
	}
	for (int i = 0; i < 100; i++, next++) {
		uint64_t n = UDP_MIN + below(1400 - UDP_MIN), head[2] = { next, n };
		struct pollfd p = { .fd = fd, .events = POLLIN };

		memcpy(buf, head, sizeof(head));
		make(buf + sizeof(head), next, 0, n - sizeof(head));
		if (send(fd, buf, n, 0) != (ssize_t)n)
			die("send: %s", strerror(errno));
		tally->n++;
		tally->up += n;
		tally->lost++;
		while (poll(&p, 1, 200) == 1) {
			ssize_t k = recv(fd, buf, sizeof(buf), 0);

			memcpy(head, buf, sizeof(head));
			if (k < UDP_MIN || (uint64_t)k != head[1] || head[0] < seed || head[0] > next)
				die("a datagram of %zd bytes that nobody sent", k);
			compare(buf + sizeof(head), head[0], 0, (size_t)k - sizeof(head));
			tally->down += (uint64_t)k;
			if (head[0] == next) {	/* else late or doubled */
				tally->lost--;
				break;
			}
		}
	}
}

static void names(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	uint64_t start = now_ms();
	char name[32];
	int r;

	snprintf(name, sizeof(name), "n%" PRIu64 ".wild.test", below(100));
	r = getaddrinfo(name, "443", &hints, &ai);
	if (r)
		die("%s: %s", name, gai_strerror(r));
	freeaddrinfo(ai);
	tally->n++;
	if (now_ms() - start > tally->longest_ms)
		tally->longest_ms = now_ms() - start;
	poll(NULL, 0, 20);
}

static void commands(void)
{
	tally->n++;
	if (system(command) != 0)
		die("%s", command);
}

static const struct kind {
	const char *name;
	void (*once)(void);
} kinds[] = {
	{ "bulk up", bulk_up },		{ "bulk down", bulk_down },	{ "both ways", both_ways },
	{ "short", short_ones },	{ "short too", short_ones },	{ "keep-alive", keep_alive },
	{ "half-close", half_close },	{ "resets", resets },		{ "slow readers", slow_ones },
	{ "datagrams", datagrams },	{ "names", names },		{ "command", commands },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* All kinds at once. The number of those that failed. */
static int phase(struct tally *all, uint64_t ms)
{
	uint64_t until = now_ms() + ms;
	int failed = 0, status;

	for (int i = 0; i < KINDS; i++) {
		if (fork() != 0)
			continue;
		me = kinds[i].name;
		tally = &all[i];
		luck = mix((uint64_t)i + until);
		do
			kinds[i].once();
		while (now_ms() < until);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed += status != 0;
	return failed;
}

static void rest(const char *what)
{
	char line[16];

	puts(what);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		die("nobody ends the rest");
}

static int run(uint64_t seconds)
{
	struct tally *all = mmap(NULL, KINDS * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int failed;

	if (all == MAP_FAILED)
		die("no memory");
	failed = phase(all, seconds * 250);
	rest("quarter");
	failed += phase(all, seconds * 750);
	rest("end");
	for (int i = 0; i < KINDS; i++)
		printf("%s: %" PRIu64 ", %" PRIu64 " KB up, %" PRIu64 " KB down, %" PRIu64
		       " ms the longest silence, %" PRIu64 " lost\n", kinds[i].name, all[i].n, all[i].up / 1000,
		       all[i].down / 1000, all[i].longest_ms, all[i].lost);
	for (int i = 0; i < KINDS; i++) {
		if (all[i].lost <= all[i].n / LOST_ONE_IN)
			continue;
		fprintf(stderr, "soak: %s: %" PRIu64 " of %" PRIu64 " lost\n", kinds[i].name, all[i].lost, all[i].n);
		failed++;
	}
	return failed != 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		serve();
	if (argc != 6 || strcmp(argv[1], "run") != 0)
		die("usage: soak serve | run HOST4 HOST6 SECONDS COMMAND");
	me = "sandbox";
	hosts[0] = argv[2];
	hosts[1] = argv[3];
	command = argv[5];
	return run(strtoull(argv[4], NULL, 10));
}
