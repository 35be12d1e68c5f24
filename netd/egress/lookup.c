/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: one family of one name, asked of a list of name servers. Runs in egress.
 *
 * Theory of operation. A lookup makes tries, each one query to one server on a socket of its own: the
 * kernel gives each a fresh random port, and replies from elsewhere never reach it. The servers are asked in
 * their order, those that were silent lately last. After LOOKUP_STEP_MS the next one is asked as well, while
 * older tries are still listened to, so a dead server costs a second and a slow one nothing; a
 * server that refuses, fails or is not there is followed by the next one at once. The first answer ends
 * the lookup.
 *
 * A truncated reply is asked for again over TCP, and so is one whose name comes back in another case:
 * either somebody guessed id and port and not the case, then TCP brings the truth; or the server does
 * not keep the case, then TCP is as safe and is used with this server for a while.
 *
 * c-ares was the alternative. As of the 1.18 that Debian 12 has it shares one port among all queries to
 * a server, does not vary the case, begins every lookup with a dead first server, and does not say how
 * long "no" holds.
 */
#include "netd/egress/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "netd/egress/egress.h"

enum {
	SILENT_MAX = 2,			/* lookups left unanswered: then the server is asked last */
	SILENT_S = 30,
	TCP_S = 600,
	TOLD_S = 60,
	DATAGRAM_MAX = 4096,		/* more than we say we take */
	DATAGRAMS_AT_ONCE = 16,
	STREAM_MAX = 16384,		/* sixteen addresses behind sixteen aliases are far less */
	EDE_NO_AUTHORITY = 22,		/* RFC 8914 s. 4.23, 4.24 */
	EDE_NETWORK = 23,
};

struct try {
	int fd;				/* -1: free */
	uint32_t gen;			/* counts the sockets of this place */
	uint8_t server;			/* index */
	bool tcp;
	bool doubt;			/* asked again because of the case */
	bool sent;			/* TCP */
	uint16_t have, want;		/* TCP: of the frame */
	uint8_t *frame;			/* TCP: owned, NULL before the length is known */
	uint8_t head[QUERY_FRAME];
	struct query q;
};

struct lookup {
	struct upstream *u;		/* NULL: free */
	void *arg;
	uint32_t next_free;		/* index + 1 */
	bool v6, stepping;
	uint8_t n_tries;
	uint8_t next;			/* place in order */
	uint8_t order[PROTO_RESOLVERS_MAX];
	uint8_t refused;		/* bits: servers that will not say anything more */
	uint8_t silent;			/* bits: servers counted as silent for this lookup */
	uint16_t ede;
	uint64_t start_ns, step_ns;
	TAILQ_ENTRY(lookup) step_link;
	struct try tries[LOOKUP_FDS];
	char name[PROTO_NAME_CAP];
};

struct lookups {
	int epoll_fd;
	const uint64_t *now;
	lookup_done *done;
	struct lookup *lookups;
	uint32_t max, high, free_head;
	TAILQ_HEAD(, lookup) steps;	/* by step_ns; every step is equally long, so it is a queue */
};

struct lookups *lookups_new(int epoll_fd, const uint64_t *now, uint32_t max, lookup_done *done)
{
	struct lookups *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->lookups = calloc(max, sizeof(*t->lookups));
	if (!t->lookups) {
		free(t);
		return NULL;
	}
	t->epoll_fd = epoll_fd;
	t->now = now;
	t->done = done;
	t->max = max;
	TAILQ_INIT(&t->steps);
	return t;
}

void lookups_free(struct lookups *t)
{
	if (t)
		free(t->lookups);
	free(t);
}

/* ---- tries ------------------------------------------------------------------------------------------ */

static void try_close(struct try *y)
{
	fd_close(&y->fd);
	free(y->frame);
	y->frame = NULL;
}

/* A free place; the oldest try makes room, since it has waited longest in vain. */
static struct try *try_place(struct lookup *l)
{
	struct try *oldest = &l->tries[0];

	for (int i = 0; i < LOOKUP_FDS; i++) {
		struct try *y = &l->tries[i];

		if (y->fd < 0)
			return y;
		if ((int32_t)(y->gen - oldest->gen) < 0)
			oldest = y;
	}
	try_close(oldest);
	return oldest;
}

static bool is_trying(const struct lookup *l)
{
	for (int i = 0; i < LOOKUP_FDS; i++) {
		if (l->tries[i].fd >= 0)
			return true;
	}
	return false;
}

static uint64_t cookie_of(const struct lookups *t, const struct lookup *l, const struct try *y)
{
	return watch_cookie(WATCH_DNS, y->gen,
			    (uint32_t)(l - t->lookups) * LOOKUP_FDS + (uint32_t)(y - l->tries));
}

static int open_socket(const struct server *server, bool tcp, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&server->addr, server->port, &sa);
	int fd = socket(sa.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
			tcp ? IPPROTO_TCP : IPPROTO_UDP);
	int e;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS) {
		e = -errno;
		close(fd);
		return e;
	}
	*ret_fd = fd;
	return 0;
}

/* 0, or -errno: the server cannot be asked. */
static int try_start(struct lookups *t, struct lookup *l, uint8_t index, bool tcp, bool doubt)
{
	static uint32_t gen;
	struct server *server = &l->u->servers[index];
	struct try *y = try_place(l);
	struct epoll_event ev = { .events = tcp ? EPOLLOUT : EPOLLIN };
	int e;

	memset(y, 0, sizeof(*y));
	y->fd = -1;
	y->gen = ++gen;
	y->server = index;
	y->tcp = tcp;
	y->doubt = doubt;
	query_make(&y->q, l->name, l->v6, !server->no_edns);
	e = open_socket(server, tcp, &y->fd);
	if (e < 0)
		return e;
	ev.data.u64 = cookie_of(t, l, y);
	if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, y->fd, &ev) < 0 ||
	    (!tcp && send(y->fd, y->q.buf + QUERY_FRAME, y->q.len, MSG_NOSIGNAL) < 0)) {
		e = -errno;
		try_close(y);
	}
	return e;
}

/* ---- the order of servers --------------------------------------------------------------------------- */

static void make_order(struct lookup *l, uint64_t now)
{
	const struct upstream *u = l->u;
	uint8_t first = 0, n = 0;

	if (u->rotate) {
		hash_random(&first, sizeof(first));
		first %= u->n;
	}
	for (int late = 0; late < 2; late++) {
		for (uint8_t i = 0; i < u->n; i++) {
			uint8_t server = (uint8_t)((first + i) % u->n);

			if ((u->servers[server].last_until_ns > now) == late)
				l->order[n++] = server;
		}
	}
}

static void heard_of(struct server *server)
{
	server->silent = 0;
	server->last_until_ns = 0;
}

static void was_silent(struct lookup *l, uint8_t index, uint64_t now)
{
	struct server *server = &l->u->servers[index];

	if (l->silent & 1u << index)
		return;
	l->silent |= (uint8_t)(1u << index);
	if (server->silent < SILENT_MAX)
		server->silent++;
	if (server->silent == SILENT_MAX)
		server->last_until_ns = now + SILENT_S * NS_PER_S;
}

/* ---- life ------------------------------------------------------------------------------------------- */

static void set_step(struct lookups *t, struct lookup *l)
{
	if (l->stepping)
		TAILQ_REMOVE(&t->steps, l, step_link);
	l->stepping = true;
	l->step_ns = *t->now + LOOKUP_STEP_MS * NS_PER_MS;
	TAILQ_INSERT_TAIL(&t->steps, l, step_link);
}

static void finish(struct lookups *t, struct lookup *l, const struct resolved *a)
{
	void *arg = l->arg;

	for (int i = 0; i < LOOKUP_FDS; i++)
		try_close(&l->tries[i]);
	if (l->stepping)
		TAILQ_REMOVE(&t->steps, l, step_link);
	l->stepping = false;
	l->u = NULL;
	l->next_free = t->free_head;
	t->free_head = (uint32_t)(l - t->lookups) + 1;
	t->done(arg, a);
}

static void fail(struct lookups *t, struct lookup *l)
{
	struct resolved a = { .status = ANSWER_FAILED, .ede = l->ede };

	if (a.ede == QUERY_EDE_NONE)
		a.ede = EDE_NO_AUTHORITY;
	finish(t, l, &a);
}

/* The next server that may still say something: asked now, or the lookup is over. l may be gone after. */
static void ask_next(struct lookups *t, struct lookup *l)
{
	struct upstream *u = l->u;

	while (l->n_tries < u->tries && l->refused != (1u << u->n) - 1) {
		uint8_t index = l->order[l->next];
		struct server *server = &u->servers[index];

		l->next = (uint8_t)((l->next + 1) % u->n);
		if (l->refused & 1u << index)
			continue;
		l->n_tries++;
		if (try_start(t, l, index, u->tcp_only || server->tcp_until_ns > *t->now, false) == 0) {
			set_step(t, l);
			return;
		}
		l->ede = EDE_NETWORK;
		l->refused |= (uint8_t)(1u << index);
	}
	if (!is_trying(l))
		fail(t, l);
	else if (!l->stepping)
		set_step(t, l);
}

int lookup_start(struct lookups *t, struct upstream *u, const char *name, bool v6, void *arg)
{
	struct lookup *l;

	if (strlen(name) >= sizeof(l->name))
		return -ENOSPC;
	if (t->free_head) {
		l = &t->lookups[t->free_head - 1];
		t->free_head = l->next_free;
	} else if (t->high < t->max) {
		l = &t->lookups[t->high++];
	} else {
		return -ENOSPC;
	}
	memset(l, 0, sizeof(*l));
	for (int i = 0; i < LOOKUP_FDS; i++)
		l->tries[i].fd = -1;
	l->u = u;
	l->arg = arg;
	l->v6 = v6;
	l->ede = QUERY_EDE_NONE;
	l->start_ns = *t->now;
	memcpy(l->name, name, strlen(name) + 1);
	make_order(l, *t->now);
	ask_next(t, l);
	return 0;
}

void lookup_cancel(struct lookups *t, const struct upstream *u)
{
	for (uint32_t i = 0; i < t->high; i++) {
		if (t->lookups[i].u == u)
			fail(t, &t->lookups[i]);
	}
}

/* ---- replies ---------------------------------------------------------------------------------------- */

/* This try has come to nothing, and its server to nothing with this lookup. */
static void give_up(struct lookups *t, struct lookup *l, struct try *y, uint16_t ede)
{
	l->refused |= (uint8_t)(1u << y->server);
	if (l->ede == QUERY_EDE_NONE || l->ede == EDE_NETWORK)
		l->ede = ede;
	try_close(y);
	ask_next(t, l);
}

static void again(struct lookups *t, struct lookup *l, struct try *y, bool tcp, bool doubt)
{
	uint8_t index = y->server;

	try_close(y);
	if (try_start(t, l, index, tcp, doubt) == 0)
		return;
	l->refused |= (uint8_t)(1u << index);
	ask_next(t, l);
}

static void tell(struct lookups *t, struct server *server, const char *what)
{
	char text[ADDR_STRLEN];

	if (server->told_ns && *t->now - server->told_ns < TOLD_S * NS_PER_S)
		return;
	server->told_ns = *t->now;
	log_warn("name server %s: %s", addr_format(&server->addr, text), what);
}

/* What came over TCP after a reply over UDP in the wrong case. */
static void settle_doubt(struct lookups *t, struct server *server, bool folded)
{
	if (!folded) {
		tell(t, server, "a reply in its name was forged, or it keeps the case of names only over TCP; "
		     "took what it says over TCP");
		return;
	}
	server->tcp_until_ns = *t->now + TCP_S * NS_PER_S;
	tell(t, server, "does not keep the case of names, so its replies over UDP can be forged; asking "
	     "over TCP");
}

/* True when the try is over, and then maybe the lookup as well. */
static bool on_reply(struct lookups *t, struct lookup *l, struct try *y, const uint8_t *msg, size_t len)
{
	struct server *server = &l->u->servers[y->server];
	struct resolved a;
	/* Over TCP nobody off the path can speak: the case proves nothing more. */
	enum query_verdict v = query_read(&y->q, msg, len, y->tcp, &a);

	if (v == QUERY_FOREIGN && !y->tcp) {
		tell(t, server, "a reply in its name answers what was not asked; ignoring such");
		return false;
	}
	heard_of(server);
	if (y->doubt && v != QUERY_FOREIGN)
		settle_doubt(t, server, a.folded);
	switch (v) {
	case QUERY_ANSWERED:
		finish(t, l, &a);
		return true;
	case QUERY_NO_EDNS:
		server->no_edns = true;
		again(t, l, y, y->tcp, false);
		return true;
	case QUERY_CASE:
	case QUERY_TRUNCATED:
		if (y->tcp)
			break;
		again(t, l, y, true, v == QUERY_CASE);
		return true;
	case QUERY_FAILED:
		give_up(t, l, y, a.ede);
		return true;
	case QUERY_FOREIGN:
		break;
	}
	give_up(t, l, y, QUERY_EDE_NONE);
	return true;
}

static void on_datagrams(struct lookups *t, struct lookup *l, struct try *y)
{
	static uint8_t buf[DATAGRAM_MAX];

	for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		ssize_t n = recv(y->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* Nobody listens there, or the way there is closed. */
		if (n < 0) {
			was_silent(l, y->server, *t->now);
			give_up(t, l, y, EDE_NETWORK);
			return;
		}
		if (on_reply(t, l, y, buf, (size_t)n))
			return;
	}
}

/* One step of the stream: 0 wait for more, 1 the frame is whole, -1 it will never be. */
static int on_stream(struct lookups *t, struct lookup *l, struct try *y)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = cookie_of(t, l, y) };
	size_t len = (size_t)QUERY_FRAME + y->q.len;
	bool head = !y->frame;
	ssize_t n;

	if (!y->sent) {
		/* The first bytes on a connection: they go whole or not at all. */
		n = send(y->fd, y->q.buf, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return 0;
		y->sent = n == (ssize_t)len;
		y->want = QUERY_FRAME;
		return y->sent && epoll_ctl(t->epoll_fd, EPOLL_CTL_MOD, y->fd, &ev) == 0 ? 0 : -1;
	}
	n = recv(y->fd, (head ? y->head : y->frame) + y->have, (size_t)(y->want - y->have), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	y->have = (uint16_t)(y->have + n);
	if (y->have < y->want)
		return 0;
	if (!head)
		return 1;
	y->want = (uint16_t)(y->head[0] << 8 | y->head[1]);
	y->have = 0;
	y->frame = y->want && y->want <= STREAM_MAX ? malloc(y->want) : NULL;
	return y->frame ? 0 : -1;
}

void lookup_event(struct lookups *t, uint64_t cookie, uint32_t epoll_events)
{
	uint32_t index = (uint32_t)cookie / LOOKUP_FDS;
	struct lookup *l;
	struct try *y;
	int r;

	/* Reading tells errors apart as well. */
	(void)epoll_events;
	if (index >= t->high || !t->lookups[index].u)
		return;
	l = &t->lookups[index];
	y = &l->tries[(uint32_t)cookie % LOOKUP_FDS];
	/* Closed earlier in this batch, or already another one's. */
	if (y->fd < 0 || (y->gen & 0xffffff) != ((uint32_t)(cookie >> 32) & 0xffffff))
		return;
	if (!y->tcp) {
		on_datagrams(t, l, y);
		return;
	}
	r = on_stream(t, l, y);
	if (r < 0) {
		if (y->doubt)
			tell(t, &l->u->servers[y->server], "replies with the name in another case, which may be "
			     "forged, and not at all over TCP; not believing it");
		give_up(t, l, y, EDE_NETWORK);
	} else if (r > 0) {
		uint8_t *frame = y->frame;

		y->frame = NULL;
		on_reply(t, l, y, frame, y->want);
		free(frame);
	}
}

/* ---- time ------------------------------------------------------------------------------------------- */

void lookup_tick(struct lookups *t)
{
	struct lookup *l;

	while ((l = TAILQ_FIRST(&t->steps)) && l->step_ns <= *t->now) {
		/* Every open try has had a whole step: its server has had its chance to be quick. */
		for (int i = 0; i < LOOKUP_FDS; i++) {
			struct try *y = &l->tries[i];

			if (y->fd >= 0)
				was_silent(l, y->server, *t->now);
		}
		if (*t->now - l->start_ns >= l->u->limit_s * NS_PER_S) {
			fail(t, l);
			continue;
		}
		set_step(t, l);
		ask_next(t, l);
	}
}

int lookup_timeout_ms(const struct lookups *t)
{
	const struct lookup *l = TAILQ_FIRST(&t->steps);

	if (!l)
		return -1;
	return l->step_ns <= *t->now ? 0 : (int)((l->step_ns - *t->now + NS_PER_MS - 1) / NS_PER_MS);
}
