/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_check: the bounded TCP header parser in front of lwIP.
 *
 * Comes in: bytes of the sandbox. Goes out: fields, or a reason to drop. lwIP 2.2.1 reads past the
 * options' end when one of them lies about its length, and believes flags that no TCP sends; neither
 * gets that far. The pure half of the front, so that it can be fuzzed alone (tests/fuzz/fuzz_tcp.c).
 */
#include "stack/ip/tcp_check.h"

#include <string.h>

#include "lib/rd.h"

enum {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,			/* RFC 9293 s. 3.7.1, 4 bytes */
	OPT_WS = 3,			/* RFC 7323 s. 2, 3 bytes */
	OPT_SACK_PERM = 4,		/* RFC 2018 s. 2, 2 bytes */
	OPT_SACK = 5,			/* RFC 2018 s. 3, 2 + 8n bytes */
	OPT_TS = 8,			/* RFC 7323 s. 3, 10 bytes */
	WS_MAX = 14,			/* RFC 7323 s. 2.3 */
};

/* Does an option of this kind have a length it can have? */
static bool length_ok(uint8_t kind, uint8_t len)
{
	switch (kind) {
	case OPT_MSS:
		return len == 4;
	case OPT_WS:
		return len == 3;
	case OPT_SACK_PERM:
		return len == 2;
	case OPT_SACK:
		return len >= 10 && (len - 2) % 8 == 0;
	case OPT_TS:
		return len == 10;
	default:
		return len >= 2;
	}
}

/* The next option other than NOP: its bytes, or NULL at the end. *bad on nonsense. */
static const uint8_t *next_option(struct rd *r, bool *bad)
{
	const uint8_t *start;
	uint8_t kind, len;

	do {
		start = r->p;
		if (rd_done(r) || !rd_u8(r, &kind) || kind == OPT_EOL)
			return NULL;
	} while (kind == OPT_NOP);
	if (!rd_u8(r, &len) || !length_ok(kind, len) || !rd_skip(r, (size_t)len - 2)) {
		*bad = true;
		return NULL;
	}
	return start;
}

static bool options_ok(const uint8_t *opt, size_t len)
{
	struct rd r = rd_init(opt, len);
	bool bad = false;

	while (next_option(&r, &bad))
		;
	return !bad;
}

/* RFC 9293 s. 3.10: everything but an initial SYN or a reset carries ACK; SYN, FIN and RST exclude each other. */
static bool flags_ok(uint8_t f)
{
	uint8_t kind = f & (TH_SYN | TH_FIN | TH_RST);

	if (kind & (kind - 1))
		return false;
	return f & (TH_ACK | TH_SYN | TH_RST);
}

enum drop_reason tcp_check(const uint8_t *tcp, uint32_t len, uint32_t contig,
			   struct tcp_seen *ret_seen)
{
	struct rd r = rd_init(tcp, contig < len ? contig : len);
	struct tcp_seen t;
	uint8_t off;
	bool ok;

	ok = rd_be16(&r, &t.sport) && rd_be16(&r, &t.dport) && rd_be32(&r, &t.seq) &&
	     rd_be32(&r, &t.ack) && rd_u8(&r, &off) && rd_u8(&r, &t.flags) && rd_be16(&r, &t.wnd) &&
	     rd_skip(&r, 4);
	if (!ok)
		return DROP_TCP_SHORT;
	t.hlen = (uint8_t)((off >> 4) * 4);
	if (t.hlen < TCP_HEAD || !rd_skip(&r, t.hlen - (size_t)TCP_HEAD))
		return DROP_TCP_SHORT;
	t.flags &= 0x3f;
	t.payload = len - t.hlen;
	if (t.sport == 0 || t.dport == 0)
		return DROP_PORT_ZERO;
	if (!flags_ok(t.flags))
		return DROP_TCP_FLAGS;
	if (!options_ok(tcp + TCP_HEAD, t.hlen - (size_t)TCP_HEAD))
		return DROP_TCP_OPTIONS;
	*ret_seen = t;
	return DROP_NONE;
}

void tcp_scrub(uint8_t *tcp, const struct tcp_seen *seen, bool opens)
{
	uint8_t old[TCP_HEAD_MAX - TCP_HEAD];
	size_t len = seen->hlen - (size_t)TCP_HEAD;
	struct rd r = rd_init(old, len);
	bool have[OPT_SACK_PERM + 1] = { 0 };
	bool bad = false;
	const uint8_t *o;

	memcpy(old, tcp + TCP_HEAD, len);
	memset(tcp + TCP_HEAD, OPT_NOP, len);
	if (!opens)
		return;
	while ((o = next_option(&r, &bad))) {
		uint8_t *to = tcp + TCP_HEAD + (o - old);

		if (o[0] > OPT_SACK_PERM || have[o[0]])
			continue;
		have[o[0]] = true;
		memcpy(to, o, o[1]);
		if (o[0] == OPT_WS && to[2] > WS_MAX)
			to[2] = WS_MAX;
		if (o[0] == OPT_MSS && to[2] == 0 && to[3] < TCP_MSS_FLOOR)
			to[3] = TCP_MSS_FLOOR;
	}
}
