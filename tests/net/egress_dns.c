/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress_dns: the name server of test_egress, at every address of the Internet. It answers from a table
 * and writes down who asked how; what some names do besides:
 *
 *	mute		is never answered		big		is truncated over UDP
 *	old		knows no EDNS			slow		takes 1.5 s
 *	lower		loses the case of the name	deaf		does so, and has no TCP
 *	wrong-case, wrong-id, wrong-name, wrong-type	a forged reply comes first, with evil.test's address
 *	flip		a public address, and a forbidden one the next time; TTL 0
 *	moved		another address once witness->moved is set; TTL 0
 *	who		the address says which server was asked
 *	fail		SERVFAIL with an extended error; at 203.0.113.55 an address
 *	cut		a record that ends too early
 *	drip, huge, hangup	truncated; over TCP byte by byte, too long, nothing
 *	ip-HEX		that address, of four bytes or of sixteen
 *	cname-N		N aliases, then end.test; cname-loop never ends, cname-private ends at 10.9.9.9
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/net/egress_internet.h"
#include "tests/net/egress_world.h"

enum { BIG_ADDRS = 14, SLOW_MS = 1500, MSG_CAP = 1500 };

static const struct {
	const char *name;
	const char *v4[3], *v6[3];
} zone[] = {
	{ "web.test", { "198.51.100.10" }, { "2001:db8:100::10" } },
	{ "shared.test", { "198.51.100.10" }, { "2001:db8:100::10" } },
	{ "four.test", { "198.51.100.11" }, { NULL } },
	{ "six.test", { NULL }, { "2001:db8:100::11" } },
	{ "evil.test", { "198.51.100.20" }, { "2001:db8:100::20" } },
	{ "priv.test", { "10.9.9.9" }, { "fd00:9::9" } },
	{ "loop.test", { "127.0.0.1", "0.0.0.0" }, { "::1" } },
	{ "meta.test", { "169.254.169.254" }, { NULL } },
	{ "host.test", { "203.0.113.2", "192.168.7.1" }, { "2001:db8:113::2" } },
	{ "pool.test", { "198.18.0.1", "198.19.0.1", "100.96.0.1" }, { NULL } },
	{ "mapped.test", { NULL }, { "::ffff:198.51.100.10", "64:ff9b::a09:909" } },
	{ "mixed.test", { "10.9.9.9", "198.51.100.12" }, { NULL } },
	{ "hole.test", { "198.51.100.66", "198.51.100.13" }, { NULL } },
	{ "gone.test", { "198.51.100.99" }, { NULL } },
	{ "void.test", { "198.51.100.66" }, { NULL } },
	{ "denied-range.test", { "198.51.100.130" }, { NULL } },
	{ "ranged.test", { "203.0.113.77" }, { NULL } },
	{ "old.test", { "198.51.100.14" }, { NULL } },
	{ "lower.test", { "198.51.100.12" }, { NULL } },
	{ "deaf.test", { "198.51.100.12" }, { NULL } },
	{ "wrong-case.test", { "198.51.100.12" }, { NULL } },
	{ "wrong-id.test", { "198.51.100.12" }, { NULL } },
	{ "wrong-name.test", { "198.51.100.12" }, { NULL } },
	{ "wrong-type.test", { "198.51.100.12" }, { NULL } },
	{ "slow.test", { "198.51.100.12" }, { NULL } },
	{ "hole6.test", { "198.51.100.12" }, { "2001:db8:100::66" } },
	{ "end.test", { "198.51.100.12" }, { "2001:db8:100::10" } },
};

/* One question as it came, and the answer in the making. */
struct exchange {
	uint8_t *m;			/* the message, MSG_CAP bytes */
	size_t len;			/* of the answer so far */
	char name[256];			/* lower case */
	size_t qlen;			/* of the name on the wire */
	struct in6_addr server;		/* who was asked */
	uint32_t ttl;
	bool tcp, v6, edns;
};

/* The question's name as text, lower case; its length on the wire. */
static size_t read_name(const uint8_t *q, char *name)
{
	size_t n = 12, t = 0;

	while (q[n] && t < 200) {
		for (size_t i = 0; i < q[n]; i++)
			name[t++] = (char)tolower(q[n + 1 + i]);
		name[t++] = '.';
		n += q[n] + 1u;
	}
	name[t ? t - 1 : 0] = '\0';
	return n + 1 - 12;
}

static void write_down(const struct exchange *x, uint16_t port)
{
	struct asked *a = &witness->asked[witness->questions % WITNESS_ASKED];

	a->port = port;
	a->id = (uint16_t)(x->m[0] << 8 | x->m[1]);
	a->tcp = x->tcp;
	a->server = x->server.s6_addr[15];
	memcpy(a->wire, x->m + 12, x->qlen < sizeof(a->wire) ? x->qlen : sizeof(a->wire));
	witness->questions++;
	witness->tcp_questions += x->tcp;
	snprintf(witness->last_question, sizeof(witness->last_question), "%s", x->name);
}

static void put(struct exchange *x, const void *b, size_t n)
{
	if (x->len + n > MSG_CAP - 2)
		_exit(1);
	memcpy(x->m + x->len, b, n);
	x->len += n;
}

/* A record's head, and one more answer in the count. owner: a pointer. */
static void put_head(struct exchange *x, uint16_t owner, uint16_t type, uint16_t len)
{
	uint8_t head[12] = { (uint8_t)(owner >> 8), (uint8_t)owner, 0, (uint8_t)type, 0, 1,
			     0, 0, (uint8_t)(x->ttl >> 8), (uint8_t)x->ttl, 0, (uint8_t)len };

	put(x, head, sizeof(head));
	x->m[7]++;
}

static void put_addr(struct exchange *x, uint16_t owner, const char *text)
{
	uint8_t b[16];

	if (inet_pton(x->v6 ? AF_INET6 : AF_INET, text, b) != 1)
		_exit(1);
	put_head(x, owner, x->v6 ? 28 : 1, x->v6 ? 16 : 4);
	put(x, b, x->v6 ? 16 : 4);
}

static void put_zone(struct exchange *x, uint16_t owner, const char *name)
{
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
		const char *const *list = x->v6 ? zone[i].v6 : zone[i].v4;

		if (strcmp(zone[i].name, name) != 0)
			continue;
		x->m[3] &= 0xf0;
		for (int k = 0; k < 3 && list[k]; k++)
			put_addr(x, owner, list[k]);
	}
}

/* NXDOMAIN and NODATA: an SOA of the root that says ten seconds. */
static void put_soa(struct exchange *x)
{
	static const uint8_t soa[] = { 0, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1,
				       0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 10 };

	put(x, soa, sizeof(soa));
	x->m[9] = 1;
}

static void put_aliases(struct exchange *x, const char *what)
{
	int n = strcmp(what, "loop") == 0 ? 3 : strcmp(what, "private") == 0 ? 1 : atoi(what);
	uint16_t owner = 0xc00c;

	for (int i = 0; i < n; i++) {
		uint16_t at = (uint16_t)(0xc000 | (x->len + 12));
		uint8_t label[4] = { 2, (uint8_t)('a' + i / 10), (uint8_t)('0' + i % 10), 0 };
		bool last = i == n - 1;

		if (last && strcmp(what, "loop") == 0) {
			put_head(x, owner, 5, 2);
			put(x, "\xc0\x0c", 2);
			return;
		}
		put_head(x, owner, 5, last ? 10 : 4);
		put(x, last ? (const void *)"\3EnD\4tESt" : label, last ? 10 : 4);
		owner = at;
	}
	if (strcmp(what, "private") == 0) {
		if (!x->v6)
			put_addr(x, owner, "10.9.9.9");
	} else {
		put_zone(x, owner, "end.test");
	}
}

static void put_hex(struct exchange *x, const char *hex)
{
	size_t n = strcspn(hex, ".") / 2;

	if (n != (x->v6 ? 16 : 4))
		return;
	put_head(x, 0xc00c, x->v6 ? 28 : 1, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		put(x, &(uint8_t){ (uint8_t)strtoul(digits, NULL, 16) }, 1);
	}
}

/* Names whose answer depends on more than the table. False: not one of them. */
static bool put_special(struct exchange *x)
{
	static unsigned int flips, flips_too;
	char text[INET6_ADDRSTRLEN];

	if (strcmp(x->name, "flip.test") == 0) {
		x->ttl = 0;
		if (!x->v6)
			put_addr(x, 0xc00c, flips++ % 2 ? "127.0.0.1" : "198.51.100.10");
	} else if (strcmp(x->name, "flip-metadata.test") == 0) {
		x->ttl = 0;
		if (!x->v6)
			put_addr(x, 0xc00c, flips_too++ % 2 ? "169.254.169.254" : "198.51.100.10");
	} else if (strcmp(x->name, "moved.test") == 0) {
		x->ttl = 0;
		if (!x->v6)
			put_addr(x, 0xc00c, witness->moved ? "198.51.100.13" : "198.51.100.12");
	} else if (strcmp(x->name, "who.test") == 0) {
		snprintf(text, sizeof(text), "198.51.100.%u", x->server.s6_addr[15]);
		if (!x->v6)
			put_addr(x, 0xc00c, text);
	} else if (strcmp(x->name, "fail.test") == 0 && x->server.s6_addr[15] == 55) {
		put_zone(x, 0xc00c, "web.test");
	} else if (strcmp(x->name, "fail.test") == 0) {
		x->m[3] |= 2;
		x->m[11] = 1;
		put(x, "\0\0\51\4\320\0\0\0\0\0\6\0\17\0\2\0\6", 17);
	} else if (strcmp(x->name, "cut.test") == 0) {
		put_addr(x, 0xc00c, x->v6 ? "2001:db8::1" : "198.51.100.10");
		x->len -= 2;
	} else if (strncmp(x->name, "ip-", 3) == 0) {
		put_hex(x, x->name + 3);
	} else if (strncmp(x->name, "cname-", 6) == 0) {
		x->name[strcspn(x->name, ".")] = '\0';
		put_aliases(x, x->name + 6);
	} else {
		return false;
	}
	return true;
}

/* Whether there is an answer at all. */
static bool answer(struct exchange *x)
{
	char text[32];

	if (strcmp(x->name, "mute.test") == 0)
		return false;
	x->m[2] = 0x81;
	x->m[3] = 0x80;
	memset(x->m + 6, 0, 6);
	if (strcmp(x->name, "old.test") == 0 && x->edns) {
		x->m[3] |= 1;
		return true;
	}
	if (strcmp(x->name, "big.test") == 0) {
		x->m[2] |= x->tcp ? 0 : 2;
		for (int i = 0; i < BIG_ADDRS && x->tcp && !x->v6; i++) {
			snprintf(text, sizeof(text), "198.51.100.%d", 210 + i);
			put_addr(x, 0xc00c, text);
		}
		return true;
	}
	if (put_special(x))
		return true;
	if (strcmp(x->name, "drip.test") == 0 || strcmp(x->name, "huge.test") == 0 ||
	    strcmp(x->name, "hangup.test") == 0) {
		x->m[2] |= x->tcp ? 0 : 2;
		if (x->tcp)
			put_zone(x, 0xc00c, "end.test");
		return true;
	}
	x->m[3] |= 3;
	put_zone(x, 0xc00c, x->name);
	if (!x->m[7])
		put_soa(x);
	return true;
}

static void fold(struct exchange *x)
{
	for (size_t i = 12; i < 12 + x->qlen; i++)
		x->m[i] = (uint8_t)tolower(x->m[i]);
}

/* m: the question, len bytes of MSG_CAP. The answer's length in its place; 0: none. */
static size_t exchange(struct exchange *x, uint16_t port)
{
	x->qlen = read_name(x->m, x->name);
	x->len = 12 + x->qlen + 4;
	x->v6 = x->m[12 + x->qlen + 1] == 28;
	x->edns = x->m[11] != 0;
	x->ttl = 60;
	write_down(x, port);
	if (!answer(x))
		return 0;
	if (strcmp(x->name, "lower.test") == 0 || strcmp(x->name, "deaf.test") == 0)
		fold(x);
	return x->len;
}

/* ---- sockets ---- */

static struct {
	uint64_t due;
	int fd;
	uint8_t m[MSG_CAP];
	size_t len;
	struct sockaddr_in6 to;
	char ctl[256];
	size_t ctl_len;
} late;

static void send_late(void)
{
	struct iovec iov = { late.m, late.len };
	struct msghdr h = { &late.to, sizeof(late.to), &iov, 1, late.ctl, late.ctl_len, 0 };

	sendmsg(late.fd, &h, 0);
	late.due = 0;
}

int dns_tick(void)
{
	uint64_t now = clock_mono_ns();

	if (late.due && late.due <= now)
		send_late();
	return late.due ? (int)((late.due - now) / NS_PER_MS) + 1 : -1;
}

static void put_off(int fd, const struct exchange *x, const struct msghdr *h)
{
	/* The repetition is not answered at all. */
	if (late.due)
		return;
	late.due = clock_mono_ns() + SLOW_MS * NS_PER_MS;
	late.fd = fd;
	late.len = x->len;
	memcpy(late.m, x->m, x->len);
	memcpy(&late.to, h->msg_name, sizeof(late.to));
	memcpy(late.ctl, h->msg_control, h->msg_controllen);
	late.ctl_len = h->msg_controllen;
}

/* Somebody else is quicker: what he says is wrong in one thing that he could not know. */
static void forge(int fd, const struct exchange *x, struct msghdr *h)
{
	uint8_t m[MSG_CAP];
	struct iovec iov = { m, x->len };
	struct msghdr forged = *h;

	memcpy(m, x->m, x->len);
	if (strcmp(x->name, "wrong-id.test") == 0)
		m[1] ^= 1;
	else if (strcmp(x->name, "wrong-name.test") == 0)
		m[13] = 'x';
	else if (strcmp(x->name, "wrong-type.test") == 0)
		m[12 + x->qlen + 1] ^= 29;
	else if (strcmp(x->name, "wrong-case.test") == 0)
		m[13] ^= 0x20;
	else
		return;
	m[x->len - 1] = 20;
	forged.msg_iov = &iov;
	sendmsg(fd, &forged, 0);
}

void serve_dns_udp(int fd)
{
	uint8_t m[MSG_CAP];
	char ctl[256];
	struct sockaddr_in6 from;
	struct iovec iov = { m, 512 };
	struct msghdr h = { &from, sizeof(from), &iov, 1, ctl, sizeof(ctl), 0 };
	struct exchange x = { .m = m };

	if (recvmsg(fd, &h, 0) < 17)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		if (c->cmsg_type == IPV6_PKTINFO)
			x.server = ((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_addr;
	}
	iov.iov_len = exchange(&x, ntohs(from.sin6_port));
	if (!iov.iov_len)
		return;
	reply_from_same(&h);
	if (strcmp(x.name, "slow.test") == 0) {
		put_off(fd, &x, &h);
		return;
	}
	forge(fd, &x, &h);
	sendmsg(fd, &h, 0);
}

void serve_dns_tcp(int lfd)
{
	struct sockaddr_in6 from, own = { 0 };
	socklen_t len = sizeof(from);
	int fd = accept(lfd, (struct sockaddr *)&from, &len);
	uint8_t m[MSG_CAP];
	struct exchange x = { .m = m + 2, .tcp = true };
	ssize_t n = recv(fd, m, 512, 0);

	len = sizeof(own);
	getsockname(fd, (struct sockaddr *)&own, &len);
	x.server = own.sin6_addr;
	if (n > 19) {
		size_t size = exchange(&x, ntohs(from.sin6_port));

		m[0] = (uint8_t)(size >> 8);
		m[1] = (uint8_t)size;
		if (strcmp(x.name, "huge.test") == 0)
			m[0] = 0xf0;
		if (strcmp(x.name, "deaf.test") == 0 || strcmp(x.name, "hangup.test") == 0)
			size = 0;
		for (size_t i = 0, step = strcmp(x.name, "drip.test") ? size + 2 : 1; size && i < size + 2; i += step) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &step, sizeof(int));
			send(fd, m + i, step, MSG_NOSIGNAL);
		}
	}
	close(fd);
}
