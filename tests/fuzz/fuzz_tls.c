/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS streams: an input is a kind, and pieces that the two sides send in turn. However each piece is cut,
 * verdict, reason, what was cleared and what was read are the same; nothing is cleared without the name.
 *
 *	kind, then pieces: u16 (top bit: from the far side; the rest: length), bytes
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/inspect/inspect.h"

struct outcome {
	enum inspect_state state;
	enum drop_reason reason;
	uint64_t cleared;
	bool wants_down, told;
	struct proto_inspected report;
};

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static bool is_final(enum inspect_state s)
{
	return s == INSPECT_PASS || s == INSPECT_REFUSE;
}

static enum proto_inspect kind_of(uint8_t c)
{
	static const enum proto_inspect kinds[] = {
		PROTO_INSPECT_TLS, PROTO_INSPECT_TLS_OPAQUE, PROTO_INSPECT_TLS_IF,
	};

	return kinds[c % 3];
}

/* One cut of a piece; copied, so that the sanitizer sees a byte too many and a pointer that was kept. */
static enum inspect_state feed(struct inspect *i, bool up, const uint8_t *p, size_t n, uint64_t *fed)
{
	uint64_t before = inspect_cleared(i);
	enum inspect_state s;
	uint8_t *copy = malloc(n);

	check(copy != NULL);
	memcpy(copy, p, n);
	s = up ? inspect_up(i, copy, n) : inspect_down(i, copy, n);
	free(copy);
	*fed += up ? n : 0;
	check(inspect_cleared(i) >= before && inspect_cleared(i) <= *fed);
	check(s == INSPECT_HOLD || s == INSPECT_REFUSE || inspect_cleared(i) == *fed);
	check(s != INSPECT_HOLD || *fed - inspect_cleared(i) <= INSPECT_HELD_MAX);
	check((s == INSPECT_REFUSE) == (inspect_reason(i) != DROP_NONE));
	return s;
}

/* cut 0: whole pieces; 1: bytes; else: sizes that follow from it. */
static void run(const uint8_t *data, size_t size, uint32_t cut, struct outcome *ret)
{
	struct inspect_spec spec = { .kind = kind_of(data[0]), .name = "ok.test", .note = "" };
	struct inspect *i = inspect_new(&spec);
	struct rd r = rd_init(data + 1, size - 1);
	enum inspect_state s = INSPECT_HOLD;
	uint64_t fed = 0;
	uint16_t head;

	check(i != NULL);
	memset(ret, 0, sizeof(*ret));
	while (!is_final(s) && rd_be16(&r, &head)) {
		size_t len = head & 0x7fff;
		bool up = !(head & 0x8000);
		const uint8_t *p;

		if (len > rd_left(&r))
			len = rd_left(&r);
		p = rd_bytes(&r, len);
		/* As the worker does it: nobody asks what the far side says. */
		for (size_t at = 0; at < len && !is_final(s) && (up || inspect_wants_down(i));) {
			size_t n = cut ? 1 : len;

			if (cut > 1) {
				cut = cut * 1664525 + 1013904223;
				n = 1 + (cut >> 24) % 97;
				cut |= 2;
			}
			if (n > len - at)
				n = len - at;
			s = feed(i, up, p + at, n, &fed);
			at += n;
		}
	}
	ret->state = s;
	ret->reason = inspect_reason(i);
	ret->cleared = s == INSPECT_PASS ? 0 : inspect_cleared(i);
	ret->wants_down = inspect_wants_down(i);
	ret->told = inspect_report(i, &ret->report);
	if (spec.kind == PROTO_INSPECT_TLS && inspect_cleared(i))
		check(strcmp(ret->report.host, "ok.test") == 0 || ret->reason != DROP_NONE);
	inspect_free(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, cut;

	if (!size)
		return 0;
	run(data, size, 0, &whole);
	run(data, size, 1, &cut);
	check(memcmp(&whole, &cut, sizeof(whole)) == 0);
	run(data, size, 2 + (uint32_t)size * 7919 + data[size - 1], &cut);
	check(memcmp(&whole, &cut, sizeof(whole)) == 0);
	return 0;
}
