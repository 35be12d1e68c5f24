/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: c-ares (1.18 and later) inside egress. Runs confined: a channel opens files only when it is made,
 * so all of them are made before confinement and their servers are set when a sandbox needs them.
 *
 * Queries are built with our own random ids and given to ares_send(): what c-ares 1.18 would number by
 * itself comes from a generator that is seeded once (CVE-2023-31147). The sockets are ours too, so that the
 * seccomp filter knows each system call. Replies are matched by c-ares (server, id, question).
 */
#include "netd/egress/resolve.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/hash.h"
#include "lib/log.h"
#include "netd/egress/egress.h"

enum {
	TIMEOUT_MS = 1500,		/* of the first try; c-ares doubles it */
	TRIES = 3,
	EDNS_SIZE = 1232,		/* no fragments on any path (DNS flag day 2020) */
	RCODE_FORMERR = 1,
	RCODE_NXDOMAIN = 3,
};

struct resolver {
	struct resolve *r;
	ares_channel channel;
	struct proto_resolver list[PROTO_RESOLVERS_MAX];	/* none: the host's */
	uint16_t index;
	uint32_t refs;
	bool no_edns;			/* this server choked on it once */
};

struct resolve {
	int epoll_fd;
	uint32_t underway;
	struct resolver resolvers[RESOLVERS_MAX];	/* [0]: the host's */
};

struct ask {
	struct resolver *u;
	resolve_done *done;
	void *arg;
	bool v6, edns;
	char name[PROTO_NAME_CAP];
};

/* ---- sockets for c-ares ----------------------------------------------------------------------------- */

static ares_socket_t open_socket(int family, int type, int proto, void *user)
{
	(void)proto;
	(void)user;
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
		      type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
}

static int close_socket(ares_socket_t fd, void *user)
{
	(void)user;
	return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t len, void *user)
{
	(void)user;
	return connect(fd, sa, len);
}

static ares_ssize_t receive(ares_socket_t fd, void *buf, size_t len, int flags, struct sockaddr *from,
			    ares_socklen_t *from_len, void *user)
{
	(void)user;
	return recvfrom(fd, buf, len, flags, from, from_len);
}

static ares_ssize_t transmit(ares_socket_t fd, const struct iovec *iov, int n, void *user)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(size_t)iov, .msg_iovlen = (size_t)n };

	(void)user;
	return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
	.asocket = open_socket,
	.aclose = close_socket,
	.aconnect = connect_socket,
	.arecvfrom = receive,
	.asendv = transmit,
};

/* c-ares says which events it wants of a socket; neither: it is about to close it. */
static void watch_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *u = arg;
	struct epoll_event ev = {
		.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u),
		.data.u64 = watch_cookie(WATCH_DNS, u->index, (uint32_t)fd),
	};

	if (!readable && !writable)
		epoll_ctl(u->r->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(u->r->epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT)
		epoll_ctl(u->r->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* ---- channels --------------------------------------------------------------------------------------- */

static int channel_open(struct resolver *u)
{
	static char lookups[] = "b";
	struct ares_options o = {
		.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.ndots = 1,
		.lookups = lookups,
		.sock_state_cb = watch_socket,
		.sock_state_cb_data = u,
		.ednspsz = EDNS_SIZE,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
		   ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ | ARES_OPT_NOROTATE;

	if (ares_init_options(&u->channel, &o, mask) != ARES_SUCCESS)
		return -ENOMEM;
	ares_set_socket_functions(u->channel, &socket_functions, u);
	return 0;
}

static int set_servers(struct resolver *u, const struct proto_resolver list[PROTO_RESOLVERS_MAX])
{
	struct ares_addr_port_node nodes[PROTO_RESOLVERS_MAX];

	memset(nodes, 0, sizeof(nodes));
	for (size_t i = 0; i < PROTO_RESOLVERS_MAX && list[i].port; i++) {
		if (i)
			nodes[i - 1].next = &nodes[i];
		nodes[i].udp_port = list[i].port;
		nodes[i].tcp_port = list[i].port;
		if (addr_is_v4(&list[i].addr)) {
			nodes[i].family = AF_INET;
			memcpy(&nodes[i].addr.addr4, list[i].addr.b + 12, 4);
		} else {
			nodes[i].family = AF_INET6;
			memcpy(&nodes[i].addr.addr6, list[i].addr.b, 16);
		}
	}
	return ares_set_servers_ports(u->channel, nodes) == ARES_SUCCESS ? 0 : -EINVAL;
}

int resolve_open(int epoll_fd, const struct resolvconf *host, struct resolve **ret_resolve)
{
	struct proto_resolver list[PROTO_RESOLVERS_MAX] = { 0 };
	struct resolve *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (!r)
		return -ENOMEM;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		goto err_free;
	r->epoll_fd = epoll_fd;
	for (uint16_t i = 0; i < RESOLVERS_MAX; i++) {
		struct resolver *u = &r->resolvers[i];

		u->r = r;
		u->index = i;
		e = channel_open(u);
		if (e < 0)
			goto err_channels;
	}
	for (int i = 0; i < host->n; i++)
		list[i] = (struct proto_resolver){ .addr = host->servers[i], .port = 53 };
	e = set_servers(&r->resolvers[0], list);
	if (e < 0)
		goto err_channels;
	r->resolvers[0].refs = 1;
	*ret_resolve = r;
	return 0;
err_channels:
	for (int i = 0; i < RESOLVERS_MAX; i++) {
		if (r->resolvers[i].channel)
			ares_destroy(r->resolvers[i].channel);
	}
	ares_library_cleanup();
err_free:
	free(r);
	return e;
}

int resolver_get(struct resolve *r, const struct proto_resolver list[PROTO_RESOLVERS_MAX],
		 struct resolver **ret_resolver)
{
	struct resolver *u, *vacant = NULL;
	int e;

	if (!list[0].port) {
		r->resolvers[0].refs++;
		*ret_resolver = &r->resolvers[0];
		return 0;
	}
	for (int i = 1; i < RESOLVERS_MAX; i++) {
		u = &r->resolvers[i];
		if (u->refs && memcmp(u->list, list, sizeof(u->list)) == 0) {
			u->refs++;
			*ret_resolver = u;
			return 0;
		}
		if (!u->refs && !vacant)
			vacant = u;
	}
	if (!vacant)
		return -ENOSPC;
	/* What its last user still waits for would be asked of the new server. */
	ares_cancel(vacant->channel);
	e = set_servers(vacant, list);
	if (e < 0)
		return e;
	memcpy(vacant->list, list, sizeof(vacant->list));
	vacant->no_edns = false;
	vacant->refs = 1;
	*ret_resolver = vacant;
	return 0;
}

void resolver_put(struct resolver *u)
{
	u->refs--;
}

/* ---- questions -------------------------------------------------------------------------------------- */

static int send_query(struct ask *q);

static void parse_v4(const unsigned char *msg, int len, struct resolve_answer *a)
{
	struct ares_addrttl t[PROTO_ADDRS_MAX];
	int n = PROTO_ADDRS_MAX;
	int e = ares_parse_a_reply(msg, len, NULL, t, &n);

	if (e != ARES_SUCCESS && e != ARES_ENODATA)
		return;
	a->status = ANSWER_OK;
	for (int i = 0; e == ARES_SUCCESS && i < n; i++) {
		uint32_t ttl = t[i].ttl > 0 ? (uint32_t)t[i].ttl : 0;

		a->ttl = ttl < a->ttl ? ttl : a->ttl;
		a->addrs[a->n++] = addr_from_v4((const uint8_t *)&t[i].ipaddr);
	}
}

static void parse_v6(const unsigned char *msg, int len, struct resolve_answer *a)
{
	struct ares_addr6ttl t[PROTO_ADDRS_MAX];
	int n = PROTO_ADDRS_MAX;
	int e = ares_parse_aaaa_reply(msg, len, NULL, t, &n);

	if (e != ARES_SUCCESS && e != ARES_ENODATA)
		return;
	a->status = ANSWER_OK;
	for (int i = 0; e == ARES_SUCCESS && i < n; i++) {
		struct addr v6 = addr_from_v6((const uint8_t *)&t[i].ip6addr);
		uint32_t ttl = t[i].ttl > 0 ? (uint32_t)t[i].ttl : 0;

		/* A mapped address in AAAA would silently become an IPv4 one. */
		if (addr_is_v4(&v6))
			continue;
		a->ttl = ttl < a->ttl ? ttl : a->ttl;
		a->addrs[a->n++] = v6;
	}
}

static void finish(struct ask *q, const struct resolve_answer *a)
{
	q->u->r->underway--;
	q->done(q->arg, a);
	free(q);
}

static void on_reply(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct resolve_answer a = { .status = ANSWER_FAILED, .ttl = UINT32_MAX };
	struct ask *q = arg;
	int rcode;

	(void)timeouts;
	if (status != ARES_SUCCESS || len < NS_HFIXEDSZ) {
		finish(q, &a);
		return;
	}
	rcode = msg[3] & 15;
	/* RFC 6891 s. 7: a server that does not know EDNS; later queries go without. */
	if (rcode == RCODE_FORMERR && q->edns) {
		q->u->no_edns = true;
		if (send_query(q) == 0)
			return;
	}
	if (rcode == RCODE_NXDOMAIN)
		a.status = ANSWER_NXDOMAIN;
	else if (rcode == 0 && q->v6)
		parse_v6(msg, len, &a);
	else if (rcode == 0)
		parse_v4(msg, len, &a);
	finish(q, &a);
}

static int send_query(struct ask *q)
{
	unsigned char *msg = NULL;
	uint16_t id;
	int len, e;

	q->edns = !q->u->no_edns;
	hash_random(&id, sizeof(id));
	e = ares_create_query(q->name, ns_c_in, q->v6 ? ns_t_aaaa : ns_t_a, id, 1, &msg, &len,
			      q->edns ? EDNS_SIZE : 0);
	if (e != ARES_SUCCESS)
		return e == ARES_ENOMEM ? -ENOMEM : -EINVAL;
	ares_send(q->u->channel, msg, len, on_reply, q);
	ares_free_string(msg);
	return 0;
}

int resolve_ask(struct resolver *u, const char *name, bool v6, resolve_done *done, void *arg)
{
	struct ask *q;
	int e;

	if (u->r->underway >= RESOLVE_UNDERWAY_MAX || strlen(name) >= sizeof(q->name))
		return -ENOSPC;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->u = u;
	q->done = done;
	q->arg = arg;
	q->v6 = v6;
	memcpy(q->name, name, strlen(name) + 1);
	u->r->underway++;
	e = send_query(q);
	if (e < 0) {
		u->r->underway--;
		free(q);
	}
	return e;
}

/* ---- loop ------------------------------------------------------------------------------------------- */

void resolve_event(struct resolve *r, uint64_t cookie, uint32_t epoll_events)
{
	uint32_t index = (uint32_t)(cookie >> 32) & 0xffffff;
	ares_socket_t fd = (int)(uint32_t)cookie;
	bool in = epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	if (index >= RESOLVERS_MAX)
		return;
	ares_process_fd(r->resolvers[index].channel, in ? fd : ARES_SOCKET_BAD,
			epoll_events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

void resolve_tick(struct resolve *r)
{
	if (!r->underway)
		return;
	for (int i = 0; i < RESOLVERS_MAX; i++)
		ares_process_fd(r->resolvers[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

int resolve_timeout_ms(struct resolve *r)
{
	int least = -1;

	if (!r->underway)
		return -1;
	for (int i = 0; i < RESOLVERS_MAX; i++) {
		struct timeval tv, *t = ares_timeout(r->resolvers[i].channel, NULL, &tv);
		int ms = t ? (int)(t->tv_sec * 1000 + (t->tv_usec + 999) / 1000) : -1;

		if (ms >= 0 && (least < 0 || ms < least))
			least = ms;
	}
	return least;
}
