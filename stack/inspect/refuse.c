/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse: what a client is told in its own language before its connection is closed: to a TLS client an
 * alert, to an HTTP client a page that says what was refused, why, and what would allow it. In: a
 * verdict, and what inspection read. Out: bytes for the sandbox. Runs in the worker.
 *
 * Of what the client sent only the name it asked for comes back, as printable ASCII or as a JSON string. The
 * rule's own reason is the policy's, UTF-8 without control characters.
 */
#include "stack/inspect/inspect_internal.h"

#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/reason.h"

enum {
	HEAD_CAP = 512,			/* of a page */
	ALLOW_CAP = PROTO_NAME_CAP + 16,
	HINT_CAP = 640,
};

/* ---- what would allow it ---------------------------------------------------------------------------------- */

/* The --allow value, in the form of policy_spec_for(). */
static void allow_form(const char *name, uint16_t port, char buf[ALLOW_CAP])
{
	bool is_v6 = strchr(name, ':') != NULL;

	snprintf(buf, ALLOW_CAP, "%s%.255s%s", is_v6 ? "[" : "", name, is_v6 ? "]" : "");
	if (port)
		snprintf(buf + strlen(buf), ALLOW_CAP - strlen(buf), ":%u", port);
}

/* A key of the rule that lets it pass unread; NULL when none does. */
static const char *key_of(enum drop_reason reason)
{
	if (reason == DROP_HTTP_HOST || reason == DROP_HTTP_BAD || reason == DROP_HTTP_TUNNEL)
		return "http: any";
	if (reason == DROP_TLS_NAME || reason == DROP_TLS_NO_NAME || reason == DROP_TLS_ECH)
		return "tls: opaque";
	if (reason == DROP_TLS_BAD || reason == DROP_TLS_NOT || reason == DROP_QUIC_BAD)
		return "tls: any";
	return NULL;
}

/* A further rule would allow it. */
static bool is_liftable(enum drop_reason reason)
{
	return reason == DROP_POLICY_DEFAULT || reason == DROP_POLICY_NAME ||
	       reason == DROP_POLICY_PORT || reason == DROP_POLICY_PROTO || reason == DROP_POLICY_CUT;
}

static bool is_name_mismatch(const struct refusal *r)
{
	return (r->reason == DROP_HTTP_HOST || r->reason == DROP_TLS_NAME) && *r->seen;
}

/* One line for a person, without its end; "" when nothing that is in his hands would help. */
static void write_hint(const struct refusal *r, char buf[HINT_CAP])
{
	const char *key = key_of(r->reason);
	char allow[ALLOW_CAP];

	allow_form(r->name, r->port, allow);
	buf[0] = '\0';
	if (is_liftable(r->reason))
		snprintf(buf, HINT_CAP, "To allow it: sluice run --allow %s ...", allow);
	else if (r->reason == DROP_POLICY_DENY)
		snprintf(buf, HINT_CAP, "To allow it, take that rule out of the policy: a deny wins over "
			 "every allow.");
	else if (r->reason == DROP_POLICY_RANGE || r->reason == DROP_DIAL_RANGE)
		snprintf(buf, HINT_CAP, "Such addresses need a rule of their own, an address with its port.");
	else if (is_name_mismatch(r))
		snprintf(buf, HINT_CAP, "A rule for a name is for that name alone. To let any name through "
			 "here, give the rule for %s the key \"%s\".", r->name, key);
	else if (key)
		snprintf(buf, HINT_CAP, "To let it through unread, give the rule for %s the key \"%s\".",
			 r->name, key);
}

/* ---- the page --------------------------------------------------------------------------------------------- */

/* What was refused. */
static void write_what(const struct refusal *r, char buf[HINT_CAP])
{
	char seen[PROTO_NAME_CAP], dest[ALLOW_CAP];
	size_t n;

	for (n = 0; r->seen[n] && n + 1 < sizeof(seen); n++)
		seen[n] = r->seen[n] >= 0x20 && r->seen[n] <= 0x7e ? r->seen[n] : '?';
	seen[n] = '\0';
	allow_form(r->name, r->port == 80 ? 0 : r->port, dest);
	if (is_name_mismatch(r))
		snprintf(buf, HINT_CAP, "Sluice refused this request to %s, because it asks for %s", dest, seen);
	else
		snprintf(buf, HINT_CAP, "Sluice refused this request to %s", dest);
}

static size_t write_text(const struct refusal *r, char *body, size_t cap)
{
	char what[HINT_CAP], hint[HINT_CAP];
	int n;

	write_what(r, what);
	write_hint(r, hint);
	n = snprintf(body, cap, "%s: %s (%s).\n%s%s%s%s%s", what, reason_text(r->reason),
		     reason_word(r->reason), *r->note ? "The rule says: " : "", r->note,
		     *r->note ? "\n" : "", hint, *hint ? "\n" : "");
	return n < 0 || (size_t)n >= cap ? 0 : (size_t)n;
}

static size_t write_json(const struct refusal *r, char *body, size_t cap)
{
	char allow[ALLOW_CAP], hint[HINT_CAP];
	struct json j;
	ssize_t n;

	allow_form(r->name, r->port, allow);
	write_hint(r, hint);
	json_init(&j, body, cap);
	json_object_start(&j, NULL);
	json_str(&j, "error", "refused by sluice");
	json_str(&j, "destination", allow);
	if (*r->seen)
		json_str(&j, "seen", r->seen);
	json_str(&j, "reason", reason_word(r->reason));
	json_u64(&j, "reason_code", r->reason);
	json_str(&j, "message", reason_text(r->reason));
	if (*r->note)
		json_str(&j, "note", r->note);
	if (is_liftable(r->reason))
		json_str(&j, "allow", allow);
	if (*hint)
		json_str(&j, "hint", hint);
	json_object_end(&j);
	n = json_finish(&j);
	if (n < 0 || (size_t)n + 1 >= cap)
		return 0;
	body[n] = '\n';
	return (size_t)n + 1;
}

/* RFC 9110 s. 15.5 */
static const char *status_of(enum drop_reason reason)
{
	if (reason == DROP_HTTP_HOST)
		return "421 Misdirected Request";
	if (reason == DROP_HTTP_BAD)
		return "400 Bad Request";
	if (reason == DROP_INSPECT_TIMEOUT)
		return "408 Request Timeout";
	return "403 Forbidden";
}

/* The body is written behind the room for the head, which has its length, and moved up to it. */
static size_t write_page(const struct refusal *r, uint8_t *buf, size_t cap)
{
	char head[HEAD_CAP];
	char *body = (char *)buf + HEAD_CAP;
	size_t len;
	int n;

	if (cap <= HEAD_CAP)
		return 0;
	len = r->json ? write_json(r, body, cap - HEAD_CAP) : write_text(r, body, cap - HEAD_CAP);
	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 %s\r\n"
		     "Content-Type: %s\r\n"
		     "Content-Length: %zu\r\n"
		     "Connection: close\r\n"
		     "Cache-Control: no-store\r\n"
		     "X-Sluice-Reason: %s\r\n"
		     "\r\n", status_of(r->reason),
		     r->json ? "application/json" : "text/plain; charset=utf-8", len,
		     reason_word(r->reason));
	if (n < 0 || n >= HEAD_CAP)
		return 0;
	if (r->head)
		len = 0;
	memmove(buf + n, body, len);
	memcpy(buf, head, (size_t)n);
	return (size_t)n + len;
}

size_t refusal_write(const struct refusal *r, uint8_t *buf, size_t cap)
{
	/* fatal, access_denied (RFC 8446 s. 6.2); the record's version is what every client takes. */
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, 49 };

	switch (r->kind) {
	case PROTO_INSPECT_HTTP:
		return write_page(r, buf, cap);
	case PROTO_INSPECT_TLS:
	case PROTO_INSPECT_TLS_OPAQUE:
	case PROTO_INSPECT_TLS_IF:
		if (cap < sizeof(alert))
			return 0;
		memcpy(buf, alert, sizeof(alert));
		return sizeof(alert);
	case PROTO_INSPECT_NONE:
	case PROTO_INSPECT_QUIC:
	case PROTO_INSPECT_QUIC_OPAQUE:
		break;
	}
	return 0;
}

size_t inspect_refusal(const struct inspect *i, uint8_t *buf, size_t cap)
{
	struct refusal r = {
		.kind = i->kind,
		.reason = i->reason,
		.name = i->name,
		.seen = i->host,
		.note = i->note,
		.port = i->port,
		.json = i->wants_json,
		.head = i->is_head,
	};

	return refusal_write(&r, buf, cap);
}
