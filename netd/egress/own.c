/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: asks the kernel what kind of route leads to an address (rtnetlink(7), RTM_GETROUTE). Runs in egress
 * before each dial; several dials to one address in one wake-up are as good as simultaneous, and share the
 * answer. A list of the host's addresses, kept up to date by notifications, was the alternative; it would
 * lag, and miss ranges that the local table holds without an address (ip route add local). A request is
 * answered within sendto(2), so nothing here waits.
 */
#include "netd/egress/own.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int own_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

struct request {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr attr;
	uint8_t dst[16];
};

static int ask(int fd, const struct addr *a, uint32_t seq)
{
	bool v4 = addr_is_v4(a);
	size_t len = v4 ? 4 : 16;
	struct request q = {
		.head = {
			.nlmsg_len = (uint32_t)(offsetof(struct request, dst) + len),
			.nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = seq,
		},
		.route = { .rtm_family = v4 ? AF_INET : AF_INET6, .rtm_dst_len = v4 ? 32 : 128 },
		.attr = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = RTA_DST },
	};

	memcpy(q.dst, a->b + 16 - len, len);
	return send(fd, &q, q.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* No route, one that forbids, or no such family: not ours, and connect() will say the same. */
static bool is_no_route(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return false;
	switch (-e->error) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES:
	case EINVAL:
	case ESRCH:
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return true;
	default:
		return false;
	}
}

/* The reply's verdict: 1 own, 0 not, -EAGAIN for another request's reply. */
static int read_reply(const struct nlmsghdr *h, size_t n, uint32_t seq)
{
	const struct rtmsg *route;

	if (!NLMSG_OK(h, n))
		return 1;
	if (h->nlmsg_seq != seq)
		return -EAGAIN;
	if (h->nlmsg_type == NLMSG_ERROR)
		return is_no_route(h) ? 0 : 1;
	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
		return 1;
	route = NLMSG_DATA(h);
	return route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_BROADCAST ||
	       route->rtm_type == RTN_ANYCAST || route->rtm_type == RTN_MULTICAST;
}

static bool is_own_now(int route_fd, const struct addr *a)
{
	static uint32_t seq;
	union {
		struct nlmsghdr head;
		char b[1024];
	} buf;
	int r;

	if (ask(route_fd, a, ++seq) < 0)
		return true;
	do {
		ssize_t n = recv(route_fd, &buf, sizeof(buf), 0);

		if (n < 0)
			return true;
		r = read_reply(&buf.head, (size_t)n, seq);
	} while (r == -EAGAIN);
	return r != 0;
}

bool own_is(int route_fd, const struct addr *a, uint64_t now)
{
	static struct addr known;
	static uint64_t known_ns;
	static bool own;

	if (!known_ns || known_ns != now || !addr_eq(&known, a)) {
		own = is_own_now(route_fd, a);
		known = *a;
		known_ns = now;
	}
	return own;
}
