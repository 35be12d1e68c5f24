/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP streams: whatever the bytes, the portions they come in make no difference, what is cleared never shrinks, never
 * passes what was fed, and ends where a head that was not judged begins. That last one is checked by a
 * third reader, as simple as can be: it looks at what was cleared, skips bodies by the length they say, and
 * wants each request line to be followed by a Host that is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stack/inspect/inspect.h"

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

struct outcome {
	enum inspect_state state;
	enum drop_reason reason;
	uint64_t cleared;
	bool wants_down;
	struct proto_inspected last;
	uint8_t page[INSPECT_REFUSAL_MAX];
	size_t page_len;
};

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if (*s < 0x20 || *s > 0x7e)
			return false;
	}
	return true;
}

static void take_reports(struct inspect *i, struct outcome *o)
{
	struct proto_inspected m;

	memset(&m, 0, sizeof(m));
	while (inspect_report(i, &m)) {
		check(is_printable(m.host) && is_printable(m.detail));
		/* Of those in between only the number may be told. */
		o->last = m;
		memset(&m, 0, sizeof(m));
	}
}

/* mode 0: whole; 1: byte by byte; else cut by a simple generator. */
static void run(const uint8_t *data, size_t size, uint32_t mode, struct outcome *o)
{
	const struct inspect_spec spec = {
		.kind = PROTO_INSPECT_HTTP, .name = "ok.test", .port = 80, .note = "" };
	struct inspect *i = inspect_new(&spec);
	uint64_t before = 0;
	uint32_t r = mode;

	memset(o, 0, sizeof(*o));
	check(i);
	for (size_t at = 0; at < size;) {
		size_t n = size - at;
		uint8_t *copy;

		r = r * 1103515245 + 12345;
		if (mode == 1)
			n = 1;
		else if (mode && n > 1 + (r >> 16) % 97)
			n = 1 + (r >> 16) % 97;
		copy = malloc(n);
		check(copy);
		memcpy(copy, data + at, n);
		o->state = inspect_up(i, copy, n);
		free(copy);
		at += n;
		check(inspect_cleared(i) >= before && inspect_cleared(i) <= at);
		before = inspect_cleared(i);
		check(o->state != INSPECT_PASS);
		check(o->state != INSPECT_WATCH || before == at);
		check(o->state != INSPECT_HOLD || (before < at && at - before <= INSPECT_HELD_MAX));
		take_reports(i, o);
		if (o->state == INSPECT_REFUSE)
			break;
	}
	o->reason = inspect_reason(i);
	o->cleared = inspect_cleared(i);
	o->wants_down = inspect_wants_down(i);
	if (o->state == INSPECT_REFUSE)
		o->page_len = inspect_refusal(i, o->page, sizeof(o->page));
	inspect_free(i);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
	check(a->state == b->state && a->reason == b->reason && a->cleared == b->cleared);
	check(a->wants_down == b->wants_down);
	check(a->page_len == b->page_len && memcmp(a->page, b->page, a->page_len) == 0);
	if (a->state == INSPECT_REFUSE)
		check(memcmp(&a->last, &b->last, sizeof(a->last)) == 0);
}

/* ---- the third reader ------------------------------------------------------------------------------------- */

struct request {
	size_t n_hosts;
	bool is_ours, is_chunked, is_absolute;
	size_t length;
};

static const uint8_t *line_end(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));

	check(lf && lf > p && lf[-1] == '\r');
	return lf + 1;
}

static void read_field(const uint8_t *p, const uint8_t *end, struct request *q)
{
	char line[1024];
	size_t n = (size_t)(end - p) - 2;

	if (n >= sizeof(line))
		return;
	memcpy(line, p, n);
	line[n] = '\0';
	if (strncasecmp(line, "Host:", 5) == 0) {
		char *v = line + 5 + strspn(line + 5, " \t");

		q->n_hosts++;
		q->is_ours = strncasecmp(v, "ok.test", 7) == 0 && !strpbrk(v, "@#/,");
	} else if (strncasecmp(line, "Content-Length:", 15) == 0) {
		q->length = strtoul(line + 15, NULL, 10);
	} else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) {
		q->is_chunked = true;
	}
}

/* Behind the body; NULL: it is not whole. */
static const uint8_t *skip_chunks(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		const uint8_t *data = line_end(p, end);
		unsigned long n = strtoul((const char *)p, NULL, 16);

		if (!n) {
			p = data;
			while (p < end) {
				const uint8_t *next = line_end(p, end);

				if (next - p == 2)
					return next;
				p = next;
			}
			return NULL;
		}
		if ((size_t)(end - data) < n + 2)
			return NULL;
		check(data[n] == '\r' && data[n + 1] == '\n');
		p = data + n + 2;
	}
	return NULL;
}

static void check_cleared(const uint8_t *p, const uint8_t *end)
{
	while (p && p < end) {
		struct request q = { 0 };
		const uint8_t *next = line_end(p, end);
		const uint8_t *target = memchr(p, ' ', (size_t)(next - p));

		check(target && next - p >= 14 && memcmp(next - 11, " HTTP/1.", 8) == 0);
		q.is_absolute = strncasecmp((const char *)target + 1, "http://ok.test", 14) == 0;
		check(target[1] == '/' || target[1] == '*' || q.is_absolute);
		check(memcmp(p, "CONNECT ", 8) != 0);
		for (p = next; (next = line_end(p, end)) - p != 2; p = next)
			read_field(p, next, &q);
		p = next;
		check(q.n_hosts == 1 ? q.is_ours : q.is_absolute && q.n_hosts == 0);
		if (q.is_chunked)
			p = skip_chunks(p, end);
		else
			p = (size_t)(end - p) < q.length ? NULL : p + q.length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, other;
	uint8_t *text;

	run(data, size, 0, &whole);
	run(data, size, 1, &other);
	check_same(&whole, &other);
	run(data, size, 2 + (uint32_t)size, &other);
	check_same(&whole, &other);
	if (!whole.cleared)
		return 0;
	text = malloc(whole.cleared + 1);
	check(text);
	memcpy(text, data, whole.cleared);
	text[whole.cleared] = '\0';
	check_cleared(text, text + whole.cleared);
	free(text);
	return 0;
}
