/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evlog: lines into a descriptor that the user gave. Runs in egress, which serves other sandboxes too: so
 * nothing here may wait. A regular file is written in large pieces. Anything else (pipe, terminal) is
 * written in pieces of at most PIPE_BUF after poll() said that one fits, because O_NONBLOCK would be
 * set on the open file that the user's other programs share.
 */
#include "netd/egress/evlog.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "netd/egress/bucket.h"

enum {
	BUF_SIZE = 65536,
	FLUSH_AT = 32768,
	FLUSH_MS = 100,
};

static const uint64_t file_max = 1ull << 30;	/* bytes written to one log */

struct evlog {
	int fd;
	bool is_file;
	bool dead;		/* failed for good; said so once */
	const char *label;
	struct bucket rate;
	uint64_t lost;		/* events not written */
	uint64_t written;
	uint64_t oldest_ns;	/* of the buffered lines; 0 = none */
	size_t len;
	char buf[BUF_SIZE];
};

struct evlog *evlog_new(int fd, const char *label, uint64_t now)
{
	struct evlog *l = calloc(1, sizeof(*l));
	struct stat st;

	if (!l) {
		close(fd);
		return NULL;
	}
	l->fd = fd;
	l->label = label;
	l->is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	bucket_init(&l->rate, EVLOG_RATE, 4 * EVLOG_RATE, now);
	return l;
}

static void give_up(struct evlog *l, const char *why)
{
	l->dead = true;
	l->len = 0;
	l->oldest_ns = 0;
	log_warn("sandbox %s: event log: %s; going on without it", l->label, why);
}

/* The largest piece that may go out in one write(): whole lines where the reader could block us. */
static size_t next_piece(const struct evlog *l)
{
	size_t n = l->len;

	if (l->is_file || n <= EVLOG_LINE_MAX)
		return n;
	n = EVLOG_LINE_MAX;
	while (n > 0 && l->buf[n - 1] != '\n')
		n--;
	return n ? n : EVLOG_LINE_MAX;
}

static void flush(struct evlog *l)
{
	while (l->len && !l->dead) {
		struct pollfd p = { .fd = l->fd, .events = POLLOUT };
		ssize_t n;

		if (!l->is_file && (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLOUT | POLLERR))))
			return;
		n = write(l->fd, l->buf, next_piece(l));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			give_up(l, strerror(errno));
			return;
		}
		l->len -= (size_t)n;
		memmove(l->buf, l->buf + n, l->len);
		l->written += (uint64_t)n;
	}
	l->oldest_ns = 0;
}

void evlog_free(struct evlog *l)
{
	if (!l)
		return;
	flush(l);
	if (l->lost)
		log_warn("sandbox %s: event log: %" PRIu64 " events were not written", l->label, l->lost);
	close(l->fd);
	free(l);
}

int evlog_may(struct evlog *l, uint64_t now, uint64_t *ret_lost)
{
	if (BUF_SIZE - l->len < EVLOG_LINE_MAX)
		flush(l);
	if (l->dead || BUF_SIZE - l->len < EVLOG_LINE_MAX || !bucket_take(&l->rate, now)) {
		l->lost++;
		return 0;
	}
	if (!l->oldest_ns)
		l->oldest_ns = now;
	*ret_lost = l->lost;
	l->lost = 0;
	return 1;
}

void evlog_line(struct evlog *l, const char *line, size_t len)
{
	if (l->dead || len + 1 > BUF_SIZE - l->len) {
		l->lost++;
		return;
	}
	if (l->written + l->len + len > file_max) {
		flush(l);
		give_up(l, "it has reached 1 GiB");
		return;
	}
	memcpy(l->buf + l->len, line, len);
	l->buf[l->len + len] = '\n';
	l->len += len + 1;
}

int evlog_settle(struct evlog *l, uint64_t now)
{
	uint64_t due;

	if (!l->len || l->dead)
		return -1;
	due = l->oldest_ns + FLUSH_MS * NS_PER_MS;
	if (l->len < FLUSH_AT && now < due)
		return (int)((due - now) / NS_PER_MS) + 1;
	flush(l);
	/* A reader that is behind is asked again; what it misses meanwhile is counted. */
	if (l->len)
		l->oldest_ns = now;
	return l->len && !l->dead ? FLUSH_MS : -1;
}
