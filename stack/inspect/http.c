/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: is each HTTP/1 request of a connection for the name that the flow was judged for? In: the stream
 * from the sandbox, and for one question the far side's status line. Out: how much of it may go on. Runs
 * in the worker.
 *
 * Theory of operation. Every byte of a request has two readers. Ours (http_head.c, and the chunks below)
 * is strict: it knows one way to write a request. llhttp, with every leniency off, reads the same
 * bytes behind it; where the two do not see the same head end, the same framing and the same end of the
 * message at the same byte, the request is refused. A request that a third reader at the far side may take for
 * another one would have to fool both.
 *
 * A head is held until its last byte is there and its Host was compared; then all of it is cleared. The
 * bytes of a body are cleared as they come, a chunk's size line and the trailers when they are whole. So
 * no byte of a head that was not judged leaves, whatever lies before it.
 *
 * A request for WebSocket that opens a connection is cleared as well, and what follows it is held until
 * the far side has said 101 (the rest is not HTTP: passed) or something else. Bytes are read once: if
 * some were held when it says something else, it is too late to read them, and they are refused.
 *
 * What remains: a server that takes a body for a further request (CL.0) is fooled by us as by everybody;
 * and a server may look for the name elsewhere than in Host (X-Forwarded-Host).
 */
#include "stack/inspect/inspect_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <llhttp.h>

#include "stack/inspect/http_head.h"

enum {
	REPORTS_MAX = 8,		/* requests of one portion that are told one by one */
	CHUNK_DIGITS_MAX = 8,
	CHUNK_MAX = INT32_MAX,		/* what no reader takes for a negative number */
};

enum http_at {
	AT_HEAD,
	AT_BODY,			/* left bytes of a Content-Length */
	AT_CHUNK_SIZE,
	AT_CHUNK_SIZE_LF,
	AT_CHUNK,			/* left bytes of a chunk */
	AT_CHUNK_CR,
	AT_CHUNK_LF,
	AT_TRAILER,
	AT_ANSWER,			/* is it WebSocket? */
	AT_CLOSED,			/* the request said that it is the last */
};

/* What llhttp said about the current message. */
struct second {
	bool has_head, is_whole, keeps_alive;
	uint16_t flags;
	uint64_t length;
};

struct http {
	llhttp_t parser, answer;
	struct second second;
	enum http_at at;
	bool is_later;			/* not the connection's first request */
	uint64_t fed;			/* bytes of the stream */
	uint64_t left;
	unsigned int digits;		/* of a chunk's size */
	int status;			/* the far side's final one, 0 until then */
	struct http_head head;
	unsigned int n_reports;
	uint64_t n_untold;		/* requests beyond */
	char reports[REPORTS_MAX][PROTO_DETAIL_CAP];
};

/* ---- llhttp --------------------------------------------------------------------------------------------- */

static int on_headers(llhttp_t *p)
{
	struct http *h = p->data;

	h->second.has_head = true;
	h->second.flags = p->flags;
	h->second.length = p->content_length;
	return 0;
}

static int on_message(llhttp_t *p)
{
	struct http *h = p->data;

	h->second.is_whole = true;
	h->second.keeps_alive = llhttp_should_keep_alive(p);
	return 0;
}

static int on_answer(llhttp_t *p)
{
	struct http *h = p->data;
	int status = llhttp_get_status_code(p);

	if (status / 100 == 1 && status != 101)
		return 0;
	h->status = status;
	return HPE_PAUSED;
}

static const llhttp_settings_t request_settings = {
	.on_headers_complete = on_headers,
	.on_message_complete = on_message,
};
static const llhttp_settings_t answer_settings = { .on_headers_complete = on_answer };

static void begin_message(struct http *h)
{
	h->at = AT_HEAD;
	h->second = (struct second){ 0 };
	http_head_init(&h->head);
	llhttp_init(&h->parser, HTTP_REQUEST, &request_settings);
	h->parser.data = h;
}

/* The second reader takes what ours has taken. False: it sees something else. */
static bool second_reads(struct http *h, const uint8_t *buf, size_t len)
{
	llhttp_errno_t err;

	if (!len)
		return true;
	err = llhttp_execute(&h->parser, (const char *)buf, len);
	return err == HPE_OK || (err == HPE_PAUSED_UPGRADE && h->second.is_whole);
}

/* ---- reports -------------------------------------------------------------------------------------------- */

static size_t copy_printable(char *dst, size_t cap, const char *src)
{
	size_t n = 0;

	for (; src[n] && n + 1 < cap; n++)
		dst[n] = src[n] >= 0x20 && src[n] <= 0x7e ? src[n] : '?';
	dst[n] = '\0';
	return n;
}

/* "METHOD target", cut to fit; a method is much shorter than that. */
static void describe(const struct http *h, char detail[PROTO_DETAIL_CAP])
{
	size_t n = copy_printable(detail, PROTO_DETAIL_CAP, h->head.method);

	if (!h->head.target_len)
		return;
	detail[n++] = ' ';
	copy_printable(detail + n, PROTO_DETAIL_CAP - n, h->head.target);
}

static void report_request(struct http *h)
{
	if (h->n_reports < REPORTS_MAX)
		describe(h, h->reports[h->n_reports++]);
	else
		h->n_untold++;
}

/* Requests that went on in their order, each for i->name; then why the last one did not. */
static bool http_report(struct inspect *i, struct proto_inspected *m)
{
	struct http *h = inspect_own(i);

	m->reason = DROP_NONE;
	m->inspect = PROTO_INSPECT_HTTP;
	snprintf(m->host, sizeof(m->host), "%s", i->name);
	if (h->n_reports) {
		snprintf(m->detail, sizeof(m->detail), "%s", h->reports[0]);
		h->n_reports--;
		memmove(h->reports[0], h->reports[1], h->n_reports * sizeof(h->reports[0]));
		return true;
	}
	if (h->n_untold) {
		snprintf(m->detail, sizeof(m->detail), "%llu more requests at once",
			 (unsigned long long)h->n_untold);
		h->n_untold = 0;
		return true;
	}
	if (!i->is_fresh)
		return false;
	i->is_fresh = false;
	m->reason = (uint16_t)i->reason;
	m->inspect = (uint8_t)i->read;
	snprintf(m->host, sizeof(m->host), "%s", i->host);
	snprintf(m->detail, sizeof(m->detail), "%s", i->detail);
	return true;
}

/* What is known of the request that is being read: the caller may give up on it. */
static void note_request(struct inspect *i)
{
	const struct http *h = inspect_own(i);

	i->read = h->head.has_line || h->is_later ? PROTO_INSPECT_HTTP : PROTO_INSPECT_NONE;
	copy_printable(i->host, sizeof(i->host), h->head.host);
	describe(h, i->detail);
	i->wants_json = h->head.wants_json;
	i->is_head = strcmp(h->head.method, "HEAD") == 0;
}

static void refuse(struct inspect *i, enum drop_reason reason)
{
	note_request(i);
	inspect_refuse(i, reason);
}

/* How far our reader was when llhttp disagreed depends on the portions: nothing is told of that. */
static void refuse_disagreement(struct inspect *i)
{
	i->read = PROTO_INSPECT_NONE;
	i->host[0] = i->detail[0] = '\0';
	i->wants_json = i->is_head = false;
	inspect_refuse(i, DROP_HTTP_BAD);
}

/* ---- judging a head ------------------------------------------------------------------------------------- */

static enum drop_reason reason_of(enum http_host c)
{
	switch (c) {
	case HTTP_HOST_SAME: return DROP_NONE;
	case HTTP_HOST_OTHER: return DROP_HTTP_HOST;
	case HTTP_HOST_MALFORMED: break;
	}
	return DROP_HTTP_BAD;
}

/* Does the target name another host than the one that was judged? RFC 9112 s. 3.2 */
static enum drop_reason judge_target(const struct inspect *i, const struct http_head *head)
{
	static const char scheme[] = "http://";
	const char *authority = head->target + sizeof(scheme) - 1;
	size_t len;

	if (strcmp(head->method, "CONNECT") == 0)
		return DROP_HTTP_TUNNEL;
	if (head->target[0] == '/')
		return DROP_NONE;
	if (strcmp(head->target, "*") == 0)
		return strcmp(head->method, "OPTIONS") == 0 ? DROP_NONE : DROP_HTTP_BAD;
	if (strncasecmp(head->target, scheme, sizeof(scheme) - 1) != 0)
		return DROP_HTTP_BAD;
	len = strcspn(authority, "/?");
	if (!authority[len] && !head->has_whole_target)
		return DROP_HTTP_BAD;
	return reason_of(http_host_compare(authority, len, i->name, i->port));
}

/*
 * HTTP/1.0 knows requests without Host. Such a one goes to whatever its server takes for the default, and
 * not to the name that was judged, unless the target says it.
 */
static enum drop_reason judge_host(const struct inspect *i, const struct http_head *head)
{
	if (!head->n_hosts)
		return head->minor == 0 && head->target[0] != '/' && head->target[0] != '*' ?
			DROP_NONE : DROP_HTTP_BAD;
	return reason_of(http_host_compare(head->host, strlen(head->host), i->name, i->port));
}

/* Only WebSocket is let through, only first, only without a body: what it turns into is not read. */
static enum drop_reason judge_upgrade(const struct http *h)
{
	const struct http_head *head = &h->head;

	if (!head->n_upgrades)
		return DROP_NONE;
	if (!head->is_websocket || !head->has_upgrade_token || h->is_later || head->minor != 1 ||
	    head->n_lengths || head->is_chunked || strcmp(head->method, "GET") != 0)
		return DROP_HTTP_TUNNEL;
	return DROP_NONE;
}

static enum drop_reason judge_head(const struct inspect *i, const struct http *h)
{
	const struct http_head *head = &h->head;
	enum drop_reason reason;

	/* HTTP/1.0 has no chunks: some readers would not see them (RFC 9112 s. 6.1). */
	if (head->is_chunked && (head->n_lengths || head->minor == 0))
		return DROP_HTTP_BAD;
	reason = judge_target(i, head);
	if (reason == DROP_NONE)
		reason = judge_host(i, head);
	if (reason == DROP_NONE)
		reason = judge_upgrade(h);
	return reason;
}

/* Did llhttp find the same head? */
static bool second_agrees(const struct http *h)
{
	const struct http_head *head = &h->head;
	const struct second *s = &h->second;
	bool has_body = head->is_chunked || head->length > 0;

	return s->has_head && s->is_whole == !has_body && llhttp_get_http_major((llhttp_t *)&h->parser) == 1 &&
	       llhttp_get_http_minor((llhttp_t *)&h->parser) == head->minor &&
	       strcmp(llhttp_method_name(h->parser.method), head->method) == 0 &&
	       !(s->flags & F_CHUNKED) == !head->is_chunked &&
	       !(s->flags & F_CONTENT_LENGTH) == !head->n_lengths && s->length == head->length;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* The message ended with the byte before this one. False: llhttp does not think so. */
static bool end_message(struct http *h)
{
	if (!h->second.is_whole)
		return false;
	h->is_later = true;
	if (h->second.keeps_alive)
		begin_message(h);
	else
		h->at = AT_CLOSED;
	return true;
}

/* The head is whole and llhttp has read it. */
static void end_head(struct inspect *i, struct http *h)
{
	enum drop_reason reason = judge_head(i, h);

	if (reason != DROP_NONE) {
		refuse(i, reason);
		return;
	}
	if (!second_agrees(h)) {
		refuse_disagreement(i);
		return;
	}
	report_request(h);
	if (h->head.n_upgrades) {
		h->at = AT_ANSWER;
		i->wants_down = true;
		llhttp_init(&h->answer, HTTP_RESPONSE, &answer_settings);
		h->answer.data = h;
	} else if (h->head.is_chunked) {
		h->at = AT_CHUNK_SIZE;
		h->left = h->digits = 0;
	} else if (h->head.length) {
		h->at = AT_BODY;
		h->left = h->head.length;
	} else if (!end_message(h)) {
		refuse_disagreement(i);
	}
}

/* Bytes taken; less than len: look again, or refused. */
static size_t read_head(struct inspect *i, struct http *h, const uint8_t *buf, size_t len)
{
	bool is_trailer = h->at == AT_TRAILER;
	size_t n;
	enum http_head_result r = http_head_take(&h->head, buf, len, &n);

	if (!second_reads(h, buf, n)) {
		refuse_disagreement(i);
		return 0;
	}
	if (r == HTTP_HEAD_BAD) {
		/* PRI is how HTTP/2 begins (RFC 9113 s. 3.4). */
		refuse(i, strcmp(h->head.method, "PRI") == 0 ? DROP_HTTP_TUNNEL : DROP_HTTP_BAD);
		return 0;
	}
	h->fed += n;
	if (r == HTTP_HEAD_MORE)
		return n;
	if (!is_trailer)
		end_head(i, h);
	else if (!end_message(h))
		refuse_disagreement(i);
	if (!inspect_is_final(i))
		i->cleared = h->fed;
	return n;
}

static size_t read_body(struct inspect *i, struct http *h, const uint8_t *buf, size_t len)
{
	size_t n = len < h->left ? len : (size_t)h->left;

	if (!second_reads(h, buf, n)) {
		refuse_disagreement(i);
		return 0;
	}
	h->fed += n;
	h->left -= n;
	i->cleared = h->fed;
	if (h->left)
		return n;
	if (h->at == AT_CHUNK)
		h->at = AT_CHUNK_CR;
	else if (!end_message(h))
		refuse_disagreement(i);
	return n;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A chunk's framing, RFC 9112 s. 7.1. Extensions are refused: nobody needs them, readers differ. */
static bool chunk_byte(struct http *h, uint8_t c)
{
	int v = hex_digit(c);

	switch (h->at) {
	case AT_CHUNK_SIZE:
		if (v < 0) {
			h->at = AT_CHUNK_SIZE_LF;
			return c == '\r' && h->digits;
		}
		h->left = h->left * 16 + (unsigned int)v;
		return ++h->digits <= CHUNK_DIGITS_MAX && h->left <= CHUNK_MAX;
	case AT_CHUNK_SIZE_LF:
		h->at = h->left ? AT_CHUNK : AT_TRAILER;
		if (!h->left)
			http_head_begin_trailer(&h->head);
		return c == '\n';
	case AT_CHUNK_CR:
		h->at = AT_CHUNK_LF;
		return c == '\r';
	case AT_CHUNK_LF:
		h->at = AT_CHUNK_SIZE;
		h->digits = 0;
		return c == '\n';
	case AT_HEAD:
	case AT_BODY:
	case AT_CHUNK:
	case AT_TRAILER:
	case AT_ANSWER:
	case AT_CLOSED:
		break;
	}
	return false;
}

/* One byte at a time: a dozen of them per chunk. */
static size_t read_chunk_frame(struct inspect *i, struct http *h, const uint8_t *buf)
{
	bool is_line = h->at == AT_CHUNK_SIZE_LF || h->at == AT_CHUNK_LF;

	if (!chunk_byte(h, *buf)) {
		refuse(i, DROP_HTTP_BAD);
		return 0;
	}
	if (!second_reads(h, buf, 1)) {
		refuse_disagreement(i);
		return 0;
	}
	h->fed++;
	if (is_line)
		i->cleared = h->fed;
	return 1;
}

static size_t read_some(struct inspect *i, struct http *h, const uint8_t *buf, size_t len)
{
	switch (h->at) {
	case AT_HEAD:
	case AT_TRAILER:
		return read_head(i, h, buf, len);
	case AT_BODY:
	case AT_CHUNK:
		return read_body(i, h, buf, len);
	case AT_CHUNK_SIZE:
	case AT_CHUNK_SIZE_LF:
	case AT_CHUNK_CR:
	case AT_CHUNK_LF:
		return read_chunk_frame(i, h, buf);
	case AT_ANSWER:
		h->fed += len;
		if (h->fed - i->cleared <= INSPECT_HELD_MAX)
			return len;
		h->fed = i->cleared;
		refuse(i, DROP_HTTP_TUNNEL);
		return 0;
	case AT_CLOSED:
		break;
	}
	/* Behind a request that said it is the last: whoever sends this counts on another reader. */
	refuse(i, DROP_HTTP_BAD);
	return 0;
}

static void http_up(struct inspect *i, const uint8_t *buf, size_t len)
{
	struct http *h = inspect_own(i);

	if (!h->parser.data)
		begin_message(h);
	while (len && !inspect_is_final(i)) {
		size_t n = read_some(i, h, buf, len);

		buf += n;
		len -= n;
	}
	if (inspect_is_final(i))
		return;
	if (h->fed > i->cleared) {
		note_request(i);
		inspect_hold(i);
	} else {
		inspect_watch(i);
	}
}

static void http_down(struct inspect *i, const uint8_t *buf, size_t len)
{
	struct http *h = inspect_own(i);
	llhttp_errno_t err = llhttp_execute(&h->answer, (const char *)buf, len);

	if (h->status == 101) {
		inspect_pass(i);
		return;
	}
	if (!h->status && err == HPE_OK)
		return;
	i->wants_down = false;
	if (!h->status || h->fed > i->cleared || !end_message(h))
		refuse(i, DROP_HTTP_TUNNEL);
	else
		inspect_watch(i);
}

const struct inspect_ops inspect_http_ops = {
	.own_size = sizeof(struct http),
	.up = http_up,
	.down = http_down,
	.report = http_report,
};
