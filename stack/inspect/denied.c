/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denied: a glance at the client of a denied flow, to refuse it in its own language.
 *
 * In: the first bytes of a connection that goes nowhere. Out: an alert, a page, or nothing. Runs in the
 * worker. Nothing depends on it but the wording: what is misread is refused all the same.
 */
#include "stack/inspect/denied.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	HEAD_MAX = 8192,
	LINE_MAX = 512,			/* of a longer line, the beginning is read */
	TLS_HANDSHAKE = 22,		/* ContentType, RFC 8446 s. 5.1 */
};

enum phase {
	PHASE_FIRST,			/* nothing was read */
	PHASE_REQUEST,			/* in the request line */
	PHASE_FIELDS,			/* in the fields behind it */
	PHASE_DONE,
};

struct denied {
	enum phase phase;
	enum proto_inspect speaks;	/* TLS, HTTP, or NONE */
	enum drop_reason reason;
	uint16_t port;
	bool json, head;
	uint32_t seen;			/* bytes of the head */
	uint32_t len;			/* of line */
	char line[LINE_MAX];
	char name[PROTO_NAME_CAP];
	char note[PROTO_NOTE_CAP];
};

struct denied *denied_new(const struct denied_spec *spec)
{
	struct denied *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->reason = spec->reason;
	d->port = spec->port;
	snprintf(d->name, sizeof(d->name), "%s", spec->name);
	snprintf(d->note, sizeof(d->note), "%s", spec->note);
	return d;
}

void denied_free(struct denied *d)
{
	free(d);
}

static void first(struct denied *d, uint8_t c)
{
	d->phase = PHASE_DONE;
	if (c == TLS_HANDSHAKE) {
		d->speaks = PROTO_INSPECT_TLS;
	} else if (c >= 'A' && c <= 'Z') {
		d->speaks = PROTO_INSPECT_HTTP;
		d->phase = PHASE_REQUEST;
	}
}

/* One whole line, without its end. */
static void line(struct denied *d)
{
	const char *html, *json;

	if (d->phase == PHASE_REQUEST) {
		d->head = strncmp(d->line, "HEAD ", 5) == 0;
		d->phase = PHASE_FIELDS;
		if (!strstr(d->line, " HTTP/1.") && d->len < LINE_MAX - 1) {
			/* SSH's banner, for one */
			d->speaks = PROTO_INSPECT_NONE;
			d->phase = PHASE_DONE;
		}
	} else if (!d->line[0]) {
		d->phase = PHASE_DONE;
	} else if (strncasecmp(d->line, "accept:", 7) == 0) {
		/* What is named first is liked best, near enough. */
		json = strcasestr(d->line, "json");
		html = strcasestr(d->line, "html");
		d->json = json && (!html || json < html);
	}
}

static void next(struct denied *d, uint8_t c)
{
	if (++d->seen > HEAD_MAX) {
		d->phase = PHASE_DONE;
		return;
	}
	if (c != '\n') {
		if (d->len < LINE_MAX - 1)
			d->line[d->len++] = c ? (char)c : ' ';
		return;
	}
	if (d->len && d->line[d->len - 1] == '\r')
		d->len--;
	d->line[d->len] = '\0';
	line(d);
	d->len = 0;
}

bool denied_input(struct denied *d, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len && d->phase != PHASE_DONE; i++) {
		if (d->phase == PHASE_FIRST)
			first(d, buf[i]);
		if (d->phase != PHASE_DONE)
			next(d, buf[i]);
	}
	return d->phase == PHASE_DONE;
}

size_t denied_refusal(const struct denied *d, uint8_t *buf, size_t cap)
{
	const struct refusal r = {
		.kind = d->speaks,
		.reason = d->reason,
		.name = d->name,
		.seen = "",
		.note = d->note,
		.port = d->port,
		.json = d->json,
		.head = d->head,
	};

	return d->speaks == PROTO_INSPECT_NONE ? 0 : refusal_write(&r, buf, cap);
}
