/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soak_move: the bytes of the mixed load, either way, and the watch over them; for both ends of soak.c.
 */
#include "tests/net/soak_move.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct tally *tally;
const char *me = "far side";
bool may_break;

void die(const char *fmt, ...)
{
	va_list ap;

	if (may_break)
		_exit(0);
	va_start(ap, fmt);
	fprintf(stderr, "soak: %s: ", me);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t mix(uint64_t z)		/* splitmix64, Steele et al. 2014 */
{
	z = (z + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t luck;

uint64_t below(uint64_t n)
{
	luck = mix(luck + 1);
	return luck % n;
}

/* ---- bytes -------------------------------------------------------------------------------------------- */

void make(uint8_t *buf, uint64_t seed, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint64_t word = mix(seed ^ mix((at + i) / 8));

		for (unsigned int k = (unsigned int)((at + i) % 8); k < 8 && i < n; k++)
			buf[i++] = (uint8_t)(word >> 8 * k);
	}
}

void compare(const uint8_t *buf, uint64_t seed, uint64_t at, size_t n)
{
	static uint8_t want[BUF];

	make(want, seed, at, n);
	for (size_t i = 0; i < n; i++) {
		if (buf[i] != want[i])
			die("byte %" PRIu64 " is wrong", at + i);
	}
}

short wait_for(int fd, short events, const char *for_what)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t start = now_ms(), took;
	int n;

	do
		n = poll(&p, 1, STALL_MS);
	while (n < 0 && errno == EINTR);
	took = now_ms() - start;
	if (tally && took > tally->longest_ms)
		tally->longest_ms = took;
	if (n <= 0)
		die("stalled for %d ms: %s", STALL_MS, for_what);
	return p.revents;
}

static void send_some(int fd, struct way *w)
{
	static uint8_t buf[BUF];
	size_t n = w->len - w->at < BUF ? (size_t)(w->len - w->at) : BUF;
	ssize_t k;

	make(buf, w->seed, w->at, n);
	k = send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (k < 0 && errno != EAGAIN)
		die("send after %" PRIu64 " of %" PRIu64 ": %s", w->at, w->len, strerror(errno));
	w->at += k > 0 ? (uint64_t)k : 0;
}

bool receive_some(int fd, struct way *w)
{
	static uint8_t buf[BUF];
	size_t n = w->len - w->at < BUF ? (size_t)(w->len - w->at) : BUF;
	ssize_t k;

	if (w->slow && below(100) == 0)
		poll(NULL, 0, PAUSE_MS);	/* the pause is the load */
	k = recv(fd, buf, n, MSG_DONTWAIT);
	if (k < 0 && errno != EAGAIN)
		die("recv after %" PRIu64 " of %" PRIu64 ": %s", w->at, w->len, strerror(errno));
	if (k > 0)
		compare(buf, w->seed, w->at, (size_t)k);
	w->at += k > 0 ? (uint64_t)k : 0;
	return k != 0;
}

void move(int fd, struct way *out, struct way *in)
{
	while (out->at < out->len || in->at < in->len) {
		short want = (short)((out->at < out->len ? POLLOUT : 0) | (in->at < in->len ? POLLIN : 0));
		short have = wait_for(fd, want, out->at < out->len ? "room or bytes" : "bytes");

		if (have & POLLIN && !receive_some(fd, in))
			die("end after %" PRIu64 " of %" PRIu64, in->at, in->len);
		if (have & POLLOUT)
			send_some(fd, out);
		if (!(have & (POLLIN | POLLOUT)))
			die("broken after %" PRIu64 " and %" PRIu64, out->at, in->at);
	}
}

struct way way(uint64_t seed, uint64_t len)
{
	return (struct way){ .seed = seed, .len = len };
}

void one_way(int fd, struct way w, bool out)
{
	struct way none = { 0 };

	if (out)
		move(fd, &w, &none);
	else
		move(fd, &none, &w);
}

void expect_end(int fd)
{
	char c;
	ssize_t k;

	wait_for(fd, POLLIN, "the end");
	k = recv(fd, &c, 1, 0);
	if (k)
		die("the end was to come, not %s", k > 0 ? "a byte" : strerror(errno));
}

void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}
