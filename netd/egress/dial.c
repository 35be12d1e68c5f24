/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial: from a judged flow to a connected host socket. Runs in egress.
 *
 * A flow to a name tries that name's present addresses, the one that the program picked first, then
 * families in turn; a new connect starts every DIAL_STEP_MS or as soon as one fails, and the first that
 * stands wins (RFC 8305 s. 5). Addresses are taken from the name's answers one by one, so those of a lookup
 * that ends late still count. A flow to a bare address tries that one. The sandbox's own family does
 * not matter for TCP and UDP, whose sockets end here; an echo socket must be of the same family.
 */
#include "netd/egress/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "netd/egress/eflow.h"
#include "netd/egress/egress.h"
#include "netd/egress/judge.h"
#include "netd/egress/names.h"
#include "netd/egress/own.h"
#include "netd/egress/sandbox.h"

struct attempt {
	int fd;
	uint32_t gen;
	uint32_t next_free;	/* index + 1 */
	struct eflow *f;	/* NULL: free */
	struct addr addr;
};

struct dialer {
	struct attempt *attempts;
	uint32_t cap, high, free_head;
	struct eflow_list steps;	/* by step_ns; every step is equally long, so it is a queue */
	struct eflow_list deadlines;	/* likewise */
};

struct dialer *dialer_new(uint32_t sockets)
{
	struct dialer *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->attempts = calloc(sockets, sizeof(*d->attempts));
	if (!d->attempts) {
		free(d);
		return NULL;
	}
	d->cap = sockets;
	TAILQ_INIT(&d->steps);
	TAILQ_INIT(&d->deadlines);
	return d;
}

void dialer_free(struct dialer *d)
{
	if (d)
		free(d->attempts);
	free(d);
}

uint32_t dialer_capacity(const struct dialer *d)
{
	return d->cap;
}

/* ---- attempts --------------------------------------------------------------------------------------- */

static void clear_step(struct eflow *f)
{
	if (f->stepping)
		TAILQ_REMOVE(&f->sb->eg->dialer->steps, f, step_link);
	f->stepping = false;
}

static void set_step(struct eflow *f)
{
	clear_step(f);
	f->step_ns = f->sb->eg->now + DIAL_STEP_MS * NS_PER_MS;
	f->stepping = true;
	TAILQ_INSERT_TAIL(&f->sb->eg->dialer->steps, f, step_link);
}

static struct attempt *attempt_new(struct eflow *f, const struct addr *a)
{
	struct dialer *d = f->sb->eg->dialer;
	struct attempt *t;

	if (d->free_head) {
		t = &d->attempts[d->free_head - 1];
		d->free_head = t->next_free;
	} else if (d->high < d->cap) {
		t = &d->attempts[d->high++];
	} else {
		return NULL;
	}
	t->gen++;
	t->f = f;
	t->fd = -1;
	t->addr = *a;
	f->racing[f->n_racing++] = (uint32_t)(t - d->attempts);
	f->sb->dialing++;
	return t;
}

/* Closes the socket unless it was taken out before. */
static void attempt_free(struct attempt *t)
{
	struct eflow *f = t->f;
	struct dialer *d = f->sb->eg->dialer;
	uint32_t index = (uint32_t)(t - d->attempts);

	for (uint8_t i = 0; i < f->n_racing; i++) {
		if (f->racing[i] == index) {
			f->racing[i] = f->racing[--f->n_racing];
			break;
		}
	}
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->f = NULL;
	t->next_free = d->free_head;
	d->free_head = index + 1;
	f->sb->dialing--;
	/* A queued flow may go on. */
	sandbox_touch(f->sb);
}

/* Whatever the protocol is there, it begins with the client's words. */
static bool client_speaks_first(const struct judge_port *port)
{
	return port->port == PORT_HTTP || port->port == PORT_HTTPS;
}

static int open_socket(const struct eflow *f, const struct addr *a)
{
	static const int on = 1, off = 0, idle = 300, interval = 30, count = 4, dgram_buf = 1 << 20;
	bool v4 = addr_is_v4(a), tcp = f->port.proto == IPPROTO_TCP;
	int proto = f->port.proto;
	int fd;

	if (proto == IPPROTO_ICMP && !v4)
		proto = IPPROTO_ICMPV6;
	fd = socket(v4 ? AF_INET : AF_INET6,
		    (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
	if (fd < 0)
		return -errno;
	/* Comforts, all: a kernel without one of them still connects. */
	if (tcp) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
		/* The handshake's last packet and the request become one, or it follows after 200 ms. */
		if (client_speaks_first(&f->port))
			setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	} else {
		/* The worker reads in bursts; the kernel cuts this to net.core.{r,w}mem_max. */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &dgram_buf, sizeof(dgram_buf));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &dgram_buf, sizeof(dgram_buf));
		/* Else a datagram socket hears of no unreachable host and of no smaller path MTU. */
		setsockopt(fd, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on,
			   sizeof(on));
	}
	return fd;
}

/* Hands the winner to the worker; the others are closed. */
static void attempt_win(struct attempt *t)
{
	struct eflow *f = t->f;
	struct addr peer = t->addr;
	int fd = t->fd;

	t->fd = -1;
	attempt_free(t);
	eflow_connected(f, fd, &peer);
}

/*
 * 0 or -errno. connect() on a socket that does not wait never says 0 for TCP, even when the peer, a
 * container of this host for instance, has answered within the call. Asked again it does: that is
 * cheaper than an event and its registration.
 */
static int connect_now(int fd, const struct sockaddr_storage *sa, socklen_t len)
{
	if (connect(fd, (const struct sockaddr *)sa, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, len) == 0)
		return 0;
	return errno == EALREADY ? -EINPROGRESS : -errno;
}

/* 1: connected, the flow is done. 0: under way. -EAGAIN: no place just now. -errno: this address failed. */
static int attempt_start(struct eflow *f, const struct addr *a)
{
	struct egress *eg = f->sb->eg;
	struct attempt *t = attempt_new(f, a);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, f->port.port, &sa);
	struct epoll_event ev = { .events = EPOLLOUT };
	int e;

	if (!t)
		return -EAGAIN;
	t->fd = open_socket(f, a);
	if (t->fd < 0) {
		e = t->fd;
		attempt_free(t);
		return e == -EAGAIN ? -ENOBUFS : e;
	}
	e = connect_now(t->fd, &sa, len);
	if (e == 0) {
		attempt_win(t);
		return 1;
	}
	ev.data.u64 = watch_cookie(WATCH_DIAL, t->gen, (uint32_t)(t - eg->dialer->attempts));
	if (e == -EINPROGRESS) {
		if (epoll_ctl(eg->epoll_fd, EPOLL_CTL_ADD, t->fd, &ev) == 0)
			return 0;
		e = -errno;
	}
	attempt_free(t);
	/* connect() says EAGAIN for "no free port" on some paths. */
	return e == -EAGAIN ? -EADDRNOTAVAIL : e;
}

/* ---- candidates ------------------------------------------------------------------------------------- */

static bool was_tried(const struct eflow *f, const struct addr *a)
{
	for (uint8_t i = 0; i < f->n_tried; i++) {
		if (addr_eq(&f->tried[i], a))
			return true;
	}
	return false;
}

/* The check that counts: this address, now. Either way it is not looked at again for this flow. */
static bool may_dial(struct eflow *f, const struct addr *a)
{
	struct sandbox *s = f->sb;
	enum drop_reason r = judge_candidate(&s->judge, f->name, a, &f->port,
					     own_is(s->eg->route_fd, a, s->eg->now));

	f->tried[f->n_tried++] = *a;
	if (r != DROP_NONE) {
		f->refused = (uint16_t)r;
		f->refused_addr = *a;
	}
	return r == DROP_NONE;
}

/* What was found and is not being looked up anew. */
static const struct answer *usable(const struct eflow *f, bool v6)
{
	const struct answer *known = &f->name->answer[v6];

	if (f->port.proto == IPPROTO_ICMP && v6 == addr_is_v4(&f->dst))
		return NULL;
	return known->asking || known->status != ANSWER_OK ? NULL : known;
}

static bool take_from(struct eflow *f, bool v6, struct addr *ret_addr)
{
	const struct answer *known = usable(f, v6);

	for (uint8_t i = 0; known && i < known->n; i++) {
		struct addr a = known->addrs[i];

		if (f->n_tried == EFLOW_TRIES)
			return false;
		if (!was_tried(f, &a) && may_dial(f, &a)) {
			*ret_addr = a;
			return true;
		}
	}
	return false;
}

/* The address that the program picked, while it is still one of the name's. */
static bool take_picked(struct eflow *f, struct addr *ret_addr)
{
	const struct answer *known = usable(f, !addr_is_v4(&f->dst));

	for (uint8_t i = 0; known && i < known->n; i++) {
		if (addr_eq(&known->addrs[i], &f->dst) && !was_tried(f, &f->dst) &&
		    f->n_tried < EFLOW_TRIES) {
			*ret_addr = f->dst;
			return may_dial(f, &f->dst);
		}
	}
	return false;
}

static bool next_candidate(struct eflow *f, struct addr *ret_addr)
{
	bool v6 = !addr_is_v4(&f->dst);

	if (!f->name) {
		*ret_addr = f->dst;
		return f->n_tried == 0 && may_dial(f, &f->dst);
	}
	if (take_picked(f, ret_addr))
		return true;
	/* Families in turn, beginning with the program's. */
	if (f->n_tried)
		v6 = addr_is_v4(&f->tried[f->n_tried - 1]);
	return take_from(f, v6, ret_addr) || take_from(f, !v6, ret_addr);
}

/* ---- outcome ---------------------------------------------------------------------------------------- */

static enum drop_reason reason_of(const struct eflow *f, int err)
{
	switch (err) {
	case ECONNREFUSED:
		return DROP_DIAL_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return DROP_DIAL_UNREACH;
	case ETIMEDOUT:
		return DROP_DIAL_TIMEOUT;
	case EACCES:
	case EPERM:
		return f->port.proto == IPPROTO_ICMP ? DROP_PING_FORBIDDEN : DROP_DIAL_UNREACH;
	default:
		return DROP_DIAL_ERROR;
	}
}

/* Of several failures the most telling one is reported: the answer of a host, then of a router. */
static int weight(int err)
{
	switch (err) {
	case 0:
		return 0;
	case ECONNREFUSED:
		return 4;
	case ETIMEDOUT:
		return 3;
	case ENETUNREACH:
	case EHOSTUNREACH:
		return 2;
	default:
		return 1;
	}
}

static void note_error(struct eflow *f, int err)
{
	if (weight(err) > weight(f->err))
		f->err = err;
}

static void say_ping_forbidden(void)
{
	static bool said;

	if (!said)
		log_warn("this host does not let us send echo requests; to allow it: "
			 "sysctl net.ipv4.ping_group_range=\"0 2147483647\"; refusing pings");
	said = true;
}

static void conclude(struct eflow *f)
{
	enum drop_reason reason;

	if (f->err) {
		reason = reason_of(f, f->err);
		if (reason == DROP_PING_FORBIDDEN)
			say_ping_forbidden();
		eflow_fail(f, reason, f->err);
	} else if (f->refused) {
		eflow_refuse(f, (enum drop_reason)f->refused);
	} else {
		eflow_fail(f, DROP_DIAL_NAME, EHOSTUNREACH);
	}
}

static bool is_asking(const struct eflow *f)
{
	return f->name && (f->name->answer[0].asking || f->name->answer[1].asking);
}

/* Starts what may be started now; ends the flow when nothing is left to wait for. f may be gone after. */
static void pump(struct eflow *f)
{
	struct addr a;
	int r;

	while (f->n_racing < EFLOW_RACERS &&
	       (f->n_racing == 0 || f->sb->eg->now >= f->step_ns) && next_candidate(f, &a)) {
		r = attempt_start(f, &a);
		if (r == 1)
			return;
		if (r == 0) {
			set_step(f);
		} else if (r == -EAGAIN) {
			/* Every place is taken: the same address again at the next step. */
			f->n_tried--;
			set_step(f);
			return;
		} else {
			note_error(f, -r);
		}
	}
	if (f->n_racing == 0 && !is_asking(f))
		conclude(f);
}

/* ---- entries ---------------------------------------------------------------------------------------- */

static bool has_room(const struct sandbox *s)
{
	return s->dialing + s->fds_out < sandbox_dials_max(s);
}

static void begin(struct eflow *f)
{
	struct sandbox *s = f->sb;

	eflow_set_dialing(f);
	f->deadline_ns = s->eg->now + DIAL_LIMIT_S * NS_PER_S;
	TAILQ_INSERT_TAIL(&s->eg->dialer->deadlines, f, deadline_link);
	if (f->name) {
		/* Over budget: what is known must do. */
		(void)names_refresh(s, f->name, false);
		(void)names_refresh(s, f->name, true);
		if (is_asking(f)) {
			f->waiting = true;
			TAILQ_INSERT_TAIL(&f->name->flows, f, link);
		}
	}
	pump(f);
}

void dial_start(struct eflow *f)
{
	struct sandbox *s = f->sb;

	if (TAILQ_EMPTY(&s->dial_queue) && has_room(s))
		begin(f);
	else
		TAILQ_INSERT_TAIL(&s->dial_queue, f, link);
}

void dial_next(struct sandbox *s)
{
	struct eflow *f;

	while (has_room(s) && (f = TAILQ_FIRST(&s->dial_queue))) {
		TAILQ_REMOVE(&s->dial_queue, f, link);
		begin(f);
	}
}

void dial_cancel(struct eflow *f)
{
	struct dialer *d = f->sb->eg->dialer;

	if (f->state == EFLOW_QUEUED)
		TAILQ_REMOVE(&f->sb->dial_queue, f, link);
	if (f->state != EFLOW_DIALING)
		return;
	while (f->n_racing)
		attempt_free(&d->attempts[f->racing[0]]);
	clear_step(f);
	TAILQ_REMOVE(&d->deadlines, f, deadline_link);
	if (f->waiting)
		TAILQ_REMOVE(&f->name->flows, f, link);
	f->waiting = false;
}

void dial_name_ready(struct sandbox *s, struct name *n)
{
	bool last = !n->answer[0].asking && !n->answer[1].asking;
	struct eflow *f, *next;

	(void)s;
	for (f = TAILQ_FIRST(&n->flows); f; f = next) {
		next = TAILQ_NEXT(f, link);
		if (last) {
			TAILQ_REMOVE(&n->flows, f, link);
			f->waiting = false;
		}
		pump(f);
	}
}

void dial_again(struct eflow *f)
{
	struct dialer *d = f->sb->eg->dialer;

	if (f->state != EFLOW_DIALING)
		return;
	/* What was refused may be allowed now, and the other way round. */
	f->refused = 0;
	f->n_tried = 0;
	for (uint8_t i = f->n_racing; i-- > 0;) {
		struct attempt *t = &d->attempts[f->racing[i]];

		if (may_dial(f, &t->addr))
			continue;
		attempt_free(t);
		f->step_ns = f->sb->eg->now;
	}
	pump(f);
}

void dial_event(struct egress *eg, uint64_t cookie)
{
	uint32_t index = (uint32_t)cookie;
	struct attempt *t;
	struct eflow *f;
	int err = 0;
	socklen_t len = sizeof(err);

	if (index >= eg->dialer->high)
		return;
	t = &eg->dialer->attempts[index];
	/* Closed earlier in this batch, or already another one's. */
	if (!t->f || (t->gen & 0xffffff) != ((uint32_t)(cookie >> 32) & 0xffffff))
		return;
	f = t->f;
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err == 0) {
		/* The registration belongs to the open socket, and that lives on in the worker. */
		epoll_ctl(eg->epoll_fd, EPOLL_CTL_DEL, t->fd, NULL);
		attempt_win(t);
		return;
	}
	note_error(f, err);
	attempt_free(t);
	f->step_ns = eg->now;
	pump(f);
}

void dial_tick(struct egress *eg)
{
	struct dialer *d = eg->dialer;
	struct eflow *f;

	while ((f = TAILQ_FIRST(&d->deadlines)) && f->deadline_ns <= eg->now) {
		note_error(f, ETIMEDOUT);
		eflow_fail(f, reason_of(f, f->err), f->err);
	}
	while ((f = TAILQ_FIRST(&d->steps)) && f->step_ns <= eg->now) {
		clear_step(f);
		pump(f);
	}
}

int dial_timeout_ms(const struct egress *eg)
{
	const struct dialer *d = eg->dialer;
	const struct eflow *step = TAILQ_FIRST(&d->steps), *deadline = TAILQ_FIRST(&d->deadlines);
	uint64_t due = UINT64_MAX;

	if (step)
		due = step->step_ns;
	if (deadline && deadline->deadline_ns < due)
		due = deadline->deadline_ns;
	if (due == UINT64_MAX)
		return -1;
	return due <= eg->now ? 0 : (int)((due - eg->now) / NS_PER_MS) + 1;
}
