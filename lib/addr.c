/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: addresses and prefixes of both families in one 16-byte form, their text, their class.
 * Pure functions; used by every process.
 */
#include "lib/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct addr addr_from_v4(const uint8_t b[4])
{
	struct addr a;

	memcpy(a.b, v4_mapped, sizeof(v4_mapped));
	memcpy(a.b + 12, b, 4);
	return a;
}

struct addr addr_from_v6(const uint8_t b[16])
{
	struct addr a;

	memcpy(a.b, b, 16);
	return a;
}

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

int addr_parse(const char *s, struct addr *ret_addr)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, s, b) == 1) {
		*ret_addr = addr_from_v4(b);
		return 0;
	}
	if (inet_pton(AF_INET6, s, b) != 1)
		return -EINVAL;
	/* The mapped form would silently become IPv4: make the user say which one is meant. */
	if (memcmp(b, v4_mapped, sizeof(v4_mapped)) == 0)
		return -EINVAL;
	*ret_addr = addr_from_v6(b);
	return 0;
}

char *addr_format(const struct addr *a, char *buf)
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, buf, ADDR_STRLEN);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDR_STRLEN);
	return buf;
}

socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (addr_is_v4(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret_sa;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->b + 12, 4);
		return sizeof(*in);
	}

	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_sa;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->b, 16);
	return sizeof(*in6);
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr, uint16_t *ret_port)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		*ret_addr = addr_from_v4((const uint8_t *)&in->sin_addr);
		if (ret_port)
			*ret_port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		*ret_addr = addr_from_v6(in6->sin6_addr.s6_addr);
		if (ret_port)
			*ret_port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* First match wins, so narrower ranges stand before the wider ones that hold them. */
static const struct {
	const char *text;
	enum addr_class class;
} class_table[] = {
	/* Cloud metadata, and what else of that kind a cloud gives its machines beside it. */
	{ "169.254.169.254", ADDR_METADATA },	/* AWS, Google, Azure, Oracle, OpenStack, most others */
	{ "169.254.169.253", ADDR_METADATA },	/* AWS: resolver */
	{ "169.254.169.123", ADDR_METADATA },	/* AWS: time */
	{ "169.254.170.2", ADDR_METADATA },	/* AWS: credentials of a container */
	{ "169.254.170.23", ADDR_METADATA },	/* AWS: credentials of a pod */
	{ "169.254.169.250", ADDR_METADATA },	/* Rancher */
	{ "169.254.169.255", ADDR_METADATA },	/* Linode */
	{ "169.254.42.42", ADDR_METADATA },	/* Scaleway */
	{ "169.254.0.23", ADDR_METADATA },	/* Tencent */
	{ "100.100.100.200", ADDR_METADATA },	/* Alibaba */
	{ "192.0.0.192", ADDR_METADATA },	/* Oracle Classic */
	{ "192.80.8.124", ADDR_METADATA },	/* Equinix Metal */
	{ "168.63.129.16", ADDR_METADATA },	/* Azure: the host's agent */
	{ "fd00:ec2::/32", ADDR_METADATA },	/* AWS: metadata, resolver, time, pods */
	{ "fd20:ce::/32", ADDR_METADATA },	/* Google */
	{ "fd00:c1::a9fe:a9fe", ADDR_METADATA },	/* Oracle */
	{ "fd00:42::42", ADDR_METADATA },	/* Scaleway */
	{ "fd00:a9fe:a9fe::/48", ADDR_METADATA },	/* Linode */
	{ "fe80::a9fe:a9fe", ADDR_METADATA },	/* OpenStack */
	{ "0.0.0.0/8", ADDR_UNSPECIFIED },
	{ "127.0.0.0/8", ADDR_LOOPBACK },
	{ "10.0.0.0/8", ADDR_PRIVATE },
	{ "172.16.0.0/12", ADDR_PRIVATE },
	{ "192.168.0.0/16", ADDR_PRIVATE },
	{ "100.64.0.0/10", ADDR_PRIVATE },
	{ "169.254.0.0/16", ADDR_LINK_LOCAL },
	{ "224.0.0.0/4", ADDR_MULTICAST },
	{ "255.255.255.255", ADDR_MULTICAST },
	{ "240.0.0.0/4", ADDR_RESERVED },
	{ "192.0.0.0/24", ADDR_RESERVED },
	{ "192.0.2.0/24", ADDR_DOCUMENTATION },
	{ "198.51.100.0/24", ADDR_DOCUMENTATION },
	{ "203.0.113.0/24", ADDR_DOCUMENTATION },
	{ "198.18.0.0/15", ADDR_RESERVED },
	{ "192.88.99.0/24", ADDR_TRANSLATED },
	{ "::", ADDR_UNSPECIFIED },
	{ "::1", ADDR_LOOPBACK },
	{ "::/96", ADDR_TRANSLATED },		/* IPv4-compatible, RFC 4291 s. 2.5.5.1 */
	{ "::ffff:0:0:0/96", ADDR_TRANSLATED },	/* IPv4-translated, RFC 2765 s. 2.1 */
	{ "64:ff9b::/96", ADDR_TRANSLATED },	/* NAT64, RFC 6052 */
	{ "64:ff9b:1::/48", ADDR_TRANSLATED },	/* local NAT64, RFC 8215 */
	{ "2002::/16", ADDR_TRANSLATED },	/* 6to4, RFC 3056 */
	{ "2001::/32", ADDR_TRANSLATED },	/* Teredo, RFC 4380 */
	{ "2001:db8::/32", ADDR_DOCUMENTATION },
	{ "2001:2::/48", ADDR_RESERVED },	/* benchmarks, RFC 5180 */
	{ "2001:10::/28", ADDR_RESERVED },	/* ORCHID, RFC 4843 and 7343: identifiers, not addresses */
	{ "2001:20::/28", ADDR_RESERVED },
	{ "3fff::/20", ADDR_DOCUMENTATION },
	{ "100::/64", ADDR_RESERVED },
	{ "fc00::/7", ADDR_PRIVATE },
	{ "fe80::/10", ADDR_LINK_LOCAL },
	{ "fec0::/10", ADDR_PRIVATE },
	{ "ff00::/8", ADDR_MULTICAST },
};

/* Parsed once; a table of 60 prefixes is cheaper to walk than any tree is to build. */
static const struct cidr *class_prefixes(void)
{
	static struct cidr c[sizeof(class_table) / sizeof(class_table[0])];
	static bool ready;

	if (!ready) {
		for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
			if (cidr_parse(class_table[i].text, &c[i]) < 0)
				abort();
		}
		ready = true;
	}
	return c;
}

/* The interface id of ISATAP holds an IPv4 address (RFC 5214 s. 6.1), whatever the prefix is. */
static bool is_isatap(const struct addr *a)
{
	return (a->b[8] & ~2) == 0 && a->b[9] == 0 && a->b[10] == 0x5e && a->b[11] == 0xfe;
}

enum addr_class addr_classify(const struct addr *a)
{
	const struct cidr *c = class_prefixes();

	for (size_t i = 0; i < sizeof(class_table) / sizeof(class_table[0]); i++) {
		if (cidr_contains(&c[i], a))
			return class_table[i].class;
	}
	if (addr_is_v4(a))
		return ADDR_GLOBAL;
	/* RFC 4291 s. 2.4 and the IANA registry: global unicast is 2000::/3 so far. */
	if ((a->b[0] & 0xe0) != 0x20)
		return ADDR_RESERVED;
	return is_isatap(a) ? ADDR_TRANSLATED : ADDR_GLOBAL;
}

bool addr_is_refused(const struct addr *a)
{
	enum addr_class c = addr_classify(a);

	return c != ADDR_GLOBAL && c != ADDR_DOCUMENTATION;
}

const char *addr_class_text(enum addr_class c)
{
	switch (c) {
	case ADDR_GLOBAL: return "global";
	case ADDR_UNSPECIFIED: return "unspecified";
	case ADDR_LOOPBACK: return "loopback";
	case ADDR_PRIVATE: return "private";
	case ADDR_LINK_LOCAL: return "link-local";
	case ADDR_METADATA: return "metadata";
	case ADDR_MULTICAST: return "multicast";
	case ADDR_RESERVED: return "reserved";
	case ADDR_TRANSLATED: return "translated";
	case ADDR_DOCUMENTATION: return "documentation";
	}
	return "unknown";
}

/* True when every bit from position bits on is zero. */
static bool host_bits_zero(const struct addr *a, unsigned int bits)
{
	for (unsigned int i = bits; i < 128; i++) {
		if (a->b[i / 8] & (0x80u >> (i % 8)))
			return false;
	}
	return true;
}

int cidr_parse(const char *s, struct cidr *ret_cidr)
{
	char host[ADDR_STRLEN];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	struct cidr c;
	unsigned long len;
	char *end;
	int r;

	if (n == 0 || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	r = addr_parse(host, &c.net);
	if (r < 0)
		return r;
	c.bits = 128;
	if (slash) {
		unsigned long max = addr_is_v4(&c.net) ? 32 : 128;

		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		errno = 0;
		len = strtoul(slash + 1, &end, 10);
		if (errno || *end || len > max)
			return -EINVAL;
		c.bits = (uint8_t)(128 - max + len);
	}
	if (!host_bits_zero(&c.net, c.bits))
		return -EINVAL;
	*ret_cidr = c;
	return 0;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
	unsigned int whole = c->bits / 8;
	unsigned int rest = c->bits % 8;

	/* An IPv6 prefix shorter than 96 bits (::/0 among them) would otherwise swallow IPv4. */
	if (addr_is_v4(&c->net) != addr_is_v4(a) && c->bits < 96)
		return false;
	if (memcmp(c->net.b, a->b, whole) != 0)
		return false;
	if (!rest)
		return true;
	return ((c->net.b[whole] ^ a->b[whole]) & (uint8_t)(0xff00u >> rest)) == 0;
}

char *cidr_format(const struct cidr *c, char *buf)
{
	unsigned int len = c->bits;
	size_t n;

	addr_format(&c->net, buf);
	if (len == 128)
		return buf;
	if (addr_is_v4(&c->net))
		len -= 96;
	n = strlen(buf);
	buf[n++] = '/';
	if (len >= 100)
		buf[n++] = (char)('0' + len / 100);
	if (len >= 10)
		buf[n++] = (char)('0' + len / 10 % 10);
	buf[n++] = (char)('0' + len % 10);
	buf[n] = '\0';
	return buf;
}
