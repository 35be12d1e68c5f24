/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flows: TCP connections by the thousand for bench/run.sh, the far side and the near side.
 *
 *	flows serve ADDRESS PORT		sends back what comes; a first byte of '*' asks for endless bytes instead
 *	flows open ADDRESS PORT N SECONDS PID...
 *		Opens N connections and keeps them. Then, for a third of the time each and WIDTH at a time: questions of
 *		64 bytes over WIDTH of them; over all of them in random order; and new connections with one
 *		question each. Prints for each of the three how many per second, and how much user and how much processor
 *		time each took in us, of the processes PID together.
 *	flows pull ADDRESS PORT SECONDS NETNS...
 *		One connection out of each namespace, all asking for endless bytes. Prints the bytes that each got.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

enum {
	EVENTS = 64,
	ASK_BYTES = 64,
	WIDTH = 8,
	PIECE = 64 * 1024,
	FDS_MAX = 32768,
	PIDS_MAX = 8,
	WARM_UP_MS = 1000,		/* of pull, before it counts */
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "flows: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1) {
		errno = EINVAL;
		fail(host);
	}
	return a;
}

static void watch(int epoll_fd, int fd, uint32_t events, uint32_t cookie)
{
	struct epoll_event ev = { .events = events, .data.u32 = cookie };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail("epoll_ctl");
}

/* ---- the far side ------------------------------------------------------------------------------------ */

static char piece[PIECE];
static bool endless[FDS_MAX];

static void serve_one(int epoll_fd, int fd)
{
	char buf[ASK_BYTES * 4];
	struct epoll_event out = { .events = EPOLLOUT, .data.u32 = (uint32_t)fd };
	ssize_t n;

	if (endless[fd]) {
		n = write(fd, piece, sizeof(piece));
	} else {
		n = read(fd, buf, sizeof(buf));
		endless[fd] = n > 0 && buf[0] == '*';
		if (endless[fd])
			(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &out);
		else if (n > 0)
			n = write(fd, buf, (size_t)n);
	}
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	endless[fd] = false;
	close(fd);
}

static _Noreturn void serve(const char *host, const char *port)
{
	const struct sockaddr_in a = address(host, port);
	struct epoll_event ev[EVENTS];
	const int on = 1;
	int epoll_fd = epoll_create1(0);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 4096) < 0)
		fail(host);
	watch(epoll_fd, listener, EPOLLIN, (uint32_t)listener);
	for (;;) {
		int n = epoll_wait(epoll_fd, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = (int)ev[i].data.u32;

			if (fd != listener) {
				serve_one(epoll_fd, fd);
				continue;
			}
			/* All of them: among those that always have room one at a time would take its turn. */
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				if (fd < FDS_MAX)
					watch(epoll_fd, fd, EPOLLIN, (uint32_t)fd);
				else
					close(fd);
			}
		}
	}
}

/* ---- many open connections ------------------------------------------------------------------------------ */

struct times {
	uint64_t user_ticks, all_ns;
};

static int pids[PIDS_MAX], n_pids;

static struct times times_now(void)
{
	struct times t = { 0 };

	for (int i = 0; i < n_pids; i++) {
		unsigned long long ns = 0, user = 0;
		char path[64];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/schedstat", pids[i]);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%llu", &ns) != 1)
			fail(path);
		fclose(f);
		snprintf(path, sizeof(path), "/proc/%d/stat", pids[i]);
		f = fopen(path, "r");
		/* utime is the 14th; no name of ours has a space */
		if (!f || fscanf(f, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &user) != 1)
			fail(path);
		fclose(f);
		t.user_ticks += user;
		t.all_ns += ns;
	}
	return t;
}

static void print(const char *what, uint64_t done, uint64_t ns, const struct times *from)
{
	struct times to = times_now();
	double user_us = (double)(to.user_ticks - from->user_ticks) * 1e6 / (double)sysconf(_SC_CLK_TCK);

	printf("%.1f %.3f %.3f %s\n", (double)done * 1e9 / (double)ns, user_us / (double)done,
	       (double)(to.all_ns - from->all_ns) / 1e3 / (double)done, what);
}

static int open_one(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		fail("connect");
	return fd;
}

static void question(int fd)
{
	char m[ASK_BYTES] = "?";

	if (send(fd, m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		fail("send");
}

static void answer(int fd)
{
	char m[ASK_BYTES];

	if (recv(fd, m, sizeof(m), MSG_WAITALL) != sizeof(m))
		fail("recv");
}

/* WIDTH questions on their way at a time, each on another connection. */
static void ask(const char *what, const int *fds, int n, uint64_t ns)
{
	struct times from = times_now();
	uint64_t begin = clock_mono_ns(), now = begin, done = 0;

	while (now - begin < ns) {
		int at = (int)((unsigned int)rand() % (unsigned int)n);

		for (int i = 0; i < WIDTH; i++)
			question(fds[(at + i) % n]);
		for (int i = 0; i < WIDTH; i++)
			answer(fds[(at + i) % n]);
		done += WIDTH;
		now = clock_mono_ns();
	}
	print(what, done, now - begin, &from);
}

static void open_more(const struct sockaddr_in *to, uint64_t ns)
{
	struct times from = times_now();
	uint64_t begin = clock_mono_ns(), now = begin, done = 0;
	int fds[WIDTH];

	while (now - begin < ns) {
		for (int i = 0; i < WIDTH; i++) {
			fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			if (fds[i] < 0 || (connect(fds[i], (const struct sockaddr *)to, sizeof(*to)) < 0 &&
					   errno != EINPROGRESS))
				fail("connect");
			(void)fcntl(fds[i], F_SETFL, 0);
		}
		for (int i = 0; i < WIDTH; i++) {
			question(fds[i]);
			answer(fds[i]);
			close(fds[i]);
		}
		done += WIDTH;
		now = clock_mono_ns();
	}
	print("new connection", done, now - begin, &from);
}

static void open_many(int argc, char **argv)
{
	const struct sockaddr_in to = address(argv[0], argv[1]);
	int n = atoi(argv[2]);
	uint64_t third = (uint64_t)(atof(argv[3]) * 1e9) / 3;
	int *fds = calloc((size_t)n, sizeof(*fds));

	for (int i = 4; i < argc && n_pids < PIDS_MAX; i++)
		pids[n_pids++] = atoi(argv[i]);
	if (n < WIDTH || !fds)
		exit(2);
	for (int i = 0; i < n; i++)
		fds[i] = open_one(&to);
	ask("question on a busy one", fds, WIDTH, third);
	ask("question on any of them", fds, n, third);
	open_more(&to, third);
}

/* ---- many namespaces ------------------------------------------------------------------------------------- */

static void pull(int n, char **netns, const struct sockaddr_in *to, double secs)
{
	uint64_t *got = calloc((size_t)n, sizeof(*got));
	uint64_t begin = clock_mono_ns(), now = begin;
	int *fds = calloc((size_t)n, sizeof(*fds));
	int epoll_fd = epoll_create1(0);
	struct epoll_event ev[EVENTS];
	bool counts = false;

	for (int i = 0; i < n; i++) {
		int ns = open(netns[i], O_RDONLY | O_CLOEXEC);

		if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
			fail(netns[i]);
		close(ns);
		fds[i] = open_one(to);
		if (write(fds[i], "*", 1) != 1)
			fail("write");
		(void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
		watch(epoll_fd, fds[i], EPOLLIN, (uint32_t)i);
	}
	begin = now = clock_mono_ns();
	while (!counts || (double)(now - begin) < secs * 1e9) {
		int k = epoll_wait(epoll_fd, ev, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			ssize_t r = read(fds[ev[i].data.u32], piece, sizeof(piece));

			if (r == 0 || (r < 0 && errno != EAGAIN))
				fail("read");
			if (r > 0 && counts)
				got[ev[i].data.u32] += (uint64_t)r;
		}
		now = clock_mono_ns();
		if (!counts && now - begin > WARM_UP_MS * NS_PER_MS) {
			counts = true;
			begin = now;
		}
	}
	for (int i = 0; i < n; i++)
		printf("%llu\n", (unsigned long long)got[i]);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3]);
	if (argc >= 6 && strcmp(argv[1], "open") == 0) {
		open_many(argc - 2, argv + 2);
	} else if (argc >= 6 && strcmp(argv[1], "pull") == 0) {
		to = address(argv[2], argv[3]);
		pull(argc - 5, argv + 5, &to, atof(argv[4]));
	} else {
		return 2;
	}
	return 0;
}
