/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUIC flows: an input is datagrams, some as they are, some frames that are sealed first, so that what
 * lies behind the encryption is reached. Nothing is let go without the name, and whoever does not mind the name
 * sees every other refusal alike.
 *
 *	datagrams: u8 (1: sealed, 6: whose keys, 8: version 2, 16: full size, 96: bytes of packet number),
 *	u16 length, bytes
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/inspect/inspect.h"
#include "tests/unit/quic_make.h"

#define NAME "example.com"

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static struct inspect *begin(enum proto_inspect kind)
{
	struct inspect_spec spec = { .kind = kind, .name = NAME, .port = 443, .note = "" };
	struct inspect *i = inspect_new(&spec);

	check(i != NULL);
	return i;
}

static size_t seal(uint8_t *out, uint8_t how, uint64_t pn, const uint8_t *p, size_t len)
{
	static const char *const ids[] = { "8 bytes!", "another one", "", "the longest there is" };
	struct make m = make_of(how & 8 ? QUIC_V2 : QUIC_V1, ids[how >> 1 & 3]);

	m.pn = pn;
	m.pn_len = (uint8_t)((how >> 5 & 3) + 1);
	return make_initial(out, &m, p, len, how & 16 ? MAKE_MIN : 0);
}

/* Copied, so that the sanitizer sees a byte too many and a pointer that was kept. */
static enum inspect_state feed(struct inspect *i, const uint8_t *p, size_t len, struct proto_inspected *r)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum inspect_state s;

	check(copy != NULL);
	memcpy(copy, p, len);
	s = inspect_datagram(i, copy, len);
	free(copy);
	check(s != INSPECT_PASS);
	check((s == INSPECT_REFUSE) == (inspect_reason(i) != DROP_NONE));
	if (inspect_report(i, r)) {
		check(r->reason == inspect_reason(i));
		check(r->reason != DROP_NONE || r->inspect == PROTO_INSPECT_QUIC);
	}
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t sealed[70000];
	struct inspect *strict = begin(PROTO_INSPECT_QUIC), *opaque = begin(PROTO_INSPECT_QUIC_OPAQUE);
	struct proto_inspected r = { 0 }, o = { 0 };
	enum inspect_state s = INSPECT_HOLD, t = INSPECT_HOLD;
	struct rd rd = rd_init(data, size);
	uint16_t len;
	uint8_t how;

	for (uint64_t pn = 0; t != INSPECT_REFUSE && rd_u8(&rd, &how) && rd_be16(&rd, &len); pn++) {
		const uint8_t *p = rd_bytes(&rd, len > rd_left(&rd) ? rd_left(&rd) : len);
		size_t n = (size_t)(rd.p - p);

		if (how & 1) {
			n = seal(sealed, how, pn, p, n > 60000 ? 60000 : n);
			p = sealed;
		}
		t = feed(opaque, p, n, &o);
		if (s == INSPECT_REFUSE)
			continue;
		s = feed(strict, p, n, &r);
		if (s == INSPECT_WATCH)
			check(r.inspect == PROTO_INSPECT_QUIC && strcmp(r.host, NAME) == 0);
		if (s == INSPECT_REFUSE && t != INSPECT_REFUSE)
			check(r.reason == DROP_TLS_NAME || r.reason == DROP_TLS_NO_NAME ||
			      r.reason == DROP_TLS_ECH);
		else
			check(s == t);
	}
	inspect_free(strict);
	inspect_free(opaque);
	return 0;
}
