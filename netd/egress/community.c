/* SPDX-License-Identifier: Apache-2.0 */
/*
 * community: the Community ID flow hash, version 1 (github.com/corelight/community-id-spec), so that an event,
 * the packet log and other tools' logs of the same flow can be joined. Pure; runs in egress. The SHA-1 in it
 * is a fingerprint, nothing depends on its strength.
 */
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <netinet/in.h>
#include <string.h>

#include "netd/egress/events.h"

/* One end of the flow as the hash takes it. */
struct end {
	const uint8_t *addr;
	uint16_t port;
};

/* The lower end comes first, so that both directions hash alike. */
static bool is_ordered(const struct end *a, const struct end *b, size_t len)
{
	int c = memcmp(a->addr, b->addr, len);

	return c < 0 || (c == 0 && a->port < b->port);
}

char *community_id(const struct event_flow *e, char *buf)
{
	bool v4 = addr_is_v4(e->dst);
	size_t len = v4 ? 4 : 16;
	struct end a = { e->src->b + (16 - len), e->sport };
	struct end b = { e->dst->b + (16 - len), e->port.port };
	uint8_t proto = e->port.proto;
	uint8_t in[2 + 16 + 16 + 2 + 4] = { 0 };
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha;
	size_t n = 2;			/* the seed, 0 */

	/* An echo request and its reply are one flow: type 8 or 128 against type 0 or 129. */
	if (proto == IPPROTO_ICMP) {
		a.port = v4 ? 8 : 128;
		b.port = v4 ? 0 : 129;
		proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	}
	if (!is_ordered(&a, &b, len)) {
		struct end swap = a;

		a = b;
		b = swap;
	}
	memcpy(in + n, a.addr, len);
	memcpy(in + n + len, b.addr, len);
	n += 2 * len;
	in[n++] = proto;
	in[n++] = 0;
	in[n++] = (uint8_t)(a.port >> 8);
	in[n++] = (uint8_t)a.port;
	in[n++] = (uint8_t)(b.port >> 8);
	in[n++] = (uint8_t)b.port;
	sha1_init(&sha);
	sha1_update(&sha, n, in);
	sha1_digest(&sha, sizeof(digest), digest);
	buf[0] = '1';
	buf[1] = ':';
	base64_encode_raw(buf + 2, sizeof(digest), digest);
	buf[2 + BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)] = '\0';
	return buf;
}
