/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp: questions and answers over UDP for bench/run.sh, the far side and the near side.
 *
 *	udp echo ADDRESS PORT				sends back what comes
 *	udp dns-serve ADDRESS PORT A			answers every question with this address
 *	udp load ADDRESS PORT SOCKETS SECONDS		64 bytes, each socket one question at a time
 *	udp dns ADDRESS PORT SOCKETS SECONDS NAME	the same with a DNS question for NAME
 *
 * The near side prints answers per second, the median and the 99th percentile of their time in microseconds, and
 * how many questions were asked again after LOST_MS.
 */
#include <arpa/inet.h>
#include <errno.h>
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
	BATCH = 64,
	MESSAGE_MAX = 512,
	LOAD_BYTES = 64,
	SOCKETS_MAX = 1024,
	TIMES_MAX = 1 << 22,
	LOST_MS = 200,
	DNS_HEAD = 12,
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "udp: %s: %s\n", what, strerror(errno));
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

/* ---- the far side ------------------------------------------------------------------------------------ */

/* Turns a question of one name into its answer, in place. The new length, 0: say nothing. */
static size_t dns_reply(uint8_t *m, size_t len, struct in_addr a)
{
	/* the name at 12; A, IN, an hour, four bytes */
	static const uint8_t record[12] = { 0xc0, DNS_HEAD, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4 };
	size_t at = DNS_HEAD;
	bool is_a;

	while (at < len && m[at])
		at += m[at] + 1u;
	at += 5;
	if (at > len || at + sizeof(record) + 4 > MESSAGE_MAX)
		return 0;
	is_a = m[at - 4] == 0 && m[at - 3] == 1;
	m[2] = 0x84;				/* response, authoritative */
	m[3] = 0;
	memset(m + 6, 0, 6);
	m[7] = is_a;
	if (!is_a)
		return at;
	memcpy(m + at, record, sizeof(record));
	memcpy(m + at + sizeof(record), &a, 4);
	return at + sizeof(record) + 4;
}

static _Noreturn void serve(const char *host, const char *port, const char *dns)
{
	const struct sockaddr_in a = address(host, port);
	const struct sockaddr_in answer = dns ? address(dns, "0") : a;
	const int size = 4 << 20;
	static uint8_t bytes[BATCH][MESSAGE_MAX];
	static struct sockaddr_in from[BATCH];
	static struct mmsghdr mm[BATCH];
	static struct iovec iov[BATCH];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		fail(host);
	for (;;) {
		int n, out = 0;

		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ bytes[i], MESSAGE_MAX };
			mm[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof(from[i]),
							 .msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		n = recvmmsg(fd, mm, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			size_t len = mm[i].msg_len;

			if (dns)
				len = dns_reply(bytes[i], len, answer.sin_addr);
			if (!len)
				continue;
			iov[i].iov_len = len;
			mm[out++].msg_hdr = mm[i].msg_hdr;
		}
		if (out)
			(void)sendmmsg(fd, mm, (unsigned int)out, 0);
	}
}

/* ---- the near side ----------------------------------------------------------------------------------- */

struct asker {
	int fd;
	uint16_t id;
	uint64_t sent_ns;
};

static struct asker askers[SOCKETS_MAX];
static uint32_t *times;			/* ns */
static size_t n_times, n_lost;

/* The question, its id still to be filled in. Its length. */
static size_t dns_question(uint8_t *m, const char *name)
{
	size_t at = DNS_HEAD;

	memset(m, 0, DNS_HEAD);
	m[2] = 1;				/* recursion desired */
	m[5] = 1;
	while (*name) {
		size_t n = strcspn(name, ".");

		if (n > 63 || at + n + 6 > MESSAGE_MAX)
			return 0;
		m[at++] = (uint8_t)n;
		memcpy(m + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	m[at++] = 0;
	memcpy(m + at, (const uint8_t[]){ 0, 1, 0, 1 }, 4);
	return at + 4;
}

static void ask(struct asker *a, uint8_t *m, size_t len, uint64_t now)
{
	a->id++;
	memcpy(m, &a->id, sizeof(a->id));
	a->sent_ns = now;
	if (send(a->fd, m, len, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN && errno != ENOBUFS)
		fail("send");
}

/* True when the answer to what was asked last is there. */
static bool answered(struct asker *a, bool dns)
{
	uint8_t m[MESSAGE_MAX];
	ssize_t n = recv(a->fd, m, sizeof(m), MSG_DONTWAIT);

	if (n < DNS_HEAD || memcmp(m, &a->id, sizeof(a->id)) != 0)
		return false;
	if (!dns)
		return true;
	if ((m[3] & 15) != 0 || m[7] == 0) {
		fprintf(stderr, "udp: no address in the answer, rcode %d\n", m[3] & 15);
		exit(1);
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print(double secs)
{
	if (!n_times)
		return;
	qsort(times, n_times, sizeof(*times), compare);
	printf("%.1f %.1f %.1f %zu\n", (double)n_times / secs, times[n_times / 2] / 1e3,
	       times[n_times - 1 - n_times / 100] / 1e3, n_lost);
}

static void load(const struct sockaddr_in *to, int sockets, double secs, uint8_t *m, size_t len)
{
	const bool dns = len != LOAD_BYTES;
	struct epoll_event ev[BATCH];
	int epoll_fd = epoll_create1(0);
	uint64_t begin = clock_mono_ns(), end = begin + (uint64_t)(secs * 1e9), now = begin, look = begin;

	for (int i = 0; i < sockets; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		askers[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (askers[i].fd < 0 || connect(askers[i].fd, (const struct sockaddr *)to, sizeof(*to)) < 0 ||
		    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, askers[i].fd, &e) < 0)
			fail("socket");
		ask(&askers[i], m, len, now);
	}
	while (now < end) {
		int n = epoll_wait(epoll_fd, ev, BATCH, LOST_MS / 4);

		now = clock_mono_ns();
		for (int i = 0; i < n; i++) {
			struct asker *a = &askers[ev[i].data.u32];

			if (!answered(a, dns))
				continue;
			now = clock_mono_ns();
			if (n_times < TIMES_MAX)
				times[n_times++] = (uint32_t)(now - a->sent_ns);
			ask(a, m, len, clock_mono_ns());
		}
		for (int i = 0; now - look > LOST_MS * NS_PER_MS / 4 && i < sockets; i++) {
			if (now - askers[i].sent_ns <= LOST_MS * NS_PER_MS)
				continue;
			n_lost++;
			ask(&askers[i], m, len, now);
		}
		if (now - look > LOST_MS * NS_PER_MS / 4)
			look = now;
	}
	print((double)(now - begin) / 1e9);
}

int main(int argc, char **argv)
{
	uint8_t m[MESSAGE_MAX] = { 0 };
	struct sockaddr_in to;

	if (argc == 4 && strcmp(argv[1], "echo") == 0)
		serve(argv[2], argv[3], NULL);
	if (argc == 5 && strcmp(argv[1], "dns-serve") == 0)
		serve(argv[2], argv[3], argv[4]);
	times = malloc(TIMES_MAX * sizeof(*times));
	if (argc < 6 || !times || atoi(argv[4]) < 1 || atoi(argv[4]) > SOCKETS_MAX)
		return 2;
	to = address(argv[2], argv[3]);
	if (argc == 6 && strcmp(argv[1], "load") == 0)
		load(&to, atoi(argv[4]), atof(argv[5]), m, LOAD_BYTES);
	else if (argc == 7 && strcmp(argv[1], "dns") == 0)
		load(&to, atoi(argv[4]), atof(argv[5]), m, dns_question(m, argv[6]));
	else
		return 2;
	return 0;
}
