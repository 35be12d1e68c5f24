/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head: the strict reader of request heads. In: the bytes of a head, in any portions. Out: method,
 * target, version, and the few fields that say for whom the request is and where it ends. Runs in the
 * worker, in front of llhttp (http.c), and refuses what readers are known to understand differently:
 *
 *	line ends other than CR LF (CVE-2022-32214, -35256, CVE-2023-30589); NUL and control bytes;
 *	obs-fold (CVE-2022-32215, CVE-2024-27982); whitespace before a colon or at the start of a line;
 *	more than one space in the request line; HTTP/0.9 and other versions; a fragment or bytes beyond
 *	ASCII in the target; two Host or two Content-Length; lengths with sign, comma or leading zero;
 *	Transfer-Encoding other than "chunked" (CVE-2022-32213); tabs in such a field; a Connection that
 *	takes Host or the framing away at the next hop; an underscore in the name of such a field; Expect
 *	other than 100-continue.
 *
 * The numbers are llhttp's. With all leniency off its 8.1.0 lets some of these through, and its versions
 * differ in which: what passes here must not depend on them.
 */
#include "stack/inspect/http_head.h"

#include <string.h>
#include <strings.h>

enum at {
	AT_METHOD,
	AT_TARGET,
	AT_VERSION,			/* value_len bytes of VERSION were there */
	AT_MINOR,
	AT_LINE_CR,
	AT_LINE_LF,
	AT_FIELD,			/* start of a line: a field or the end */
	AT_NAME,
	AT_SPACE,			/* optional whitespace before the value */
	AT_VALUE,
	AT_VALUE_LF,
	AT_END_LF,
};

static const char VERSION[] = "HTTP/1.";

void http_head_init(struct http_head *h)
{
	*h = (struct http_head){ .at = AT_METHOD };
}

void http_head_begin_trailer(struct http_head *h)
{
	h->at = AT_FIELD;
	h->is_trailer = true;
	h->len = 0;
	h->n_fields = 0;
}

/* RFC 9110 s. 5.6.2 */
static bool is_tchar(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* RFC 9110 s. 5.5: VCHAR, obs-text, SP, HTAB */
static bool is_value(uint8_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* ---- fields ------------------------------------------------------------------------------------------- */

bool http_number(const char *s, uint64_t *ret_v)
{
	uint64_t v = 0;
	size_t n = strlen(s);

	if (n < 1 || n > 18 || (n > 1 && s[0] == '0'))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*ret_v = v;
	return true;
}

/* The next element of a comma-separated list, without the space around it; NULL at its end. */
static const char *next_element(const char **s, size_t *ret_len)
{
	const char *from = *s;
	size_t n;

	if (!*from)
		return NULL;
	n = strcspn(from, ",");
	*s = from + n + (from[n] == ',');
	while (n && (*from == ' ' || *from == '\t')) {
		from++;
		n--;
	}
	while (n && (from[n - 1] == ' ' || from[n - 1] == '\t'))
		n--;
	*ret_len = n;
	return from;
}

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

static bool take_connection(struct http_head *h)
{
	const char *rest = h->value, *e;
	size_t n;

	while ((e = next_element(&rest, &n))) {
		if (is_word(e, n, "upgrade"))
			h->has_upgrade_token = true;
		/* A proxy behind us would take these fields away, and the next reader meets another request. */
		if (is_word(e, n, "host") || is_word(e, n, "content-length") ||
		    is_word(e, n, "transfer-encoding"))
			return false;
	}
	return true;
}

static void take_accept(struct http_head *h)
{
	const char *rest = h->value, *e;
	size_t n;

	while ((e = next_element(&rest, &n))) {
		const char *semicolon = memchr(e, ';', n);
		size_t type = semicolon ? (size_t)(semicolon - e) : n;

		while (type && e[type - 1] == ' ')
			type--;
		if (is_word(e, type, "application/json") || is_word(e, type, "application/problem+json"))
			h->wants_json = true;
	}
}

static bool take_host(struct http_head *h)
{
	if (h->n_hosts++)
		return false;
	if (h->value_len >= sizeof(h->host))
		return false;
	memcpy(h->host, h->value, h->value_len + 1u);
	return true;
}

/* Fields that say where the message ends or what follows it; false: not one of them. */
static bool is_framing(const char *name)
{
	return strcmp(name, "content-length") == 0 || strcmp(name, "transfer-encoding") == 0 ||
	       strcmp(name, "connection") == 0 || strcmp(name, "upgrade") == 0;
}

/* A field is whole. False: refused. */
static bool take_field(struct http_head *h)
{
	const char *name = h->name;
	bool is_cut = h->value_len >= sizeof(h->value);

	if (h->name_len >= sizeof(h->name))
		return true;
	if (h->is_trailer)
		return !is_framing(name);
	if (strcmp(name, "accept") == 0) {
		take_accept(h);
		return true;
	}
	if (!is_framing(name) && strcmp(name, "host") != 0 && strcmp(name, "expect") != 0)
		return true;
	if (is_cut || h->has_tab)
		return false;
	if (strcmp(name, "host") == 0)
		return take_host(h);
	if (strcmp(name, "content-length") == 0)
		return !h->n_lengths++ && http_number(h->value, &h->length);
	if (strcmp(name, "transfer-encoding") == 0) {
		h->is_chunked = strcasecmp(h->value, "chunked") == 0;
		return !h->n_codings++ && h->is_chunked;
	}
	if (strcmp(name, "connection") == 0)
		return take_connection(h);
	if (strcmp(name, "expect") == 0)
		return strcasecmp(h->value, "100-continue") == 0;
	if (h->n_upgrades < UINT8_MAX)
		h->n_upgrades++;
	h->is_websocket = h->n_upgrades == 1 && strcasecmp(h->value, "websocket") == 0;
	return true;
}

/* Whitespace behind a value is no part of it; then it is a string. */
static bool end_field(struct http_head *h)
{
	size_t kept = h->value_len < sizeof(h->value) ? h->value_len : sizeof(h->value) - 1;

	if (h->value_len < sizeof(h->value)) {
		while (kept && (h->value[kept - 1] == ' ' || h->value[kept - 1] == '\t'))
			kept--;
		h->value_len = (uint16_t)kept;
	}
	h->value[kept] = '\0';
	return take_field(h);
}

static void add_name(struct http_head *h, uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		c = (uint8_t)(c + ('a' - 'A'));
	/* Gateways to CGI and its heirs make the same variable of both. */
	if (c == '_')
		c = '-';
	if (h->name_len + 1u < sizeof(h->name)) {
		h->name[h->name_len] = (char)c;
		h->name[h->name_len + 1] = '\0';
		h->name_len++;
	} else {
		h->name_len = sizeof(h->name);
	}
}

static void add_value(struct http_head *h, uint8_t c)
{
	if (h->value_len < sizeof(h->value) - 1)
		h->value[h->value_len++] = (char)c;
	else
		h->value_len = sizeof(h->value);
}

/* ---- lines -------------------------------------------------------------------------------------------- */

static bool add_method(struct http_head *h, uint8_t c)
{
	if (c == ' ' && h->method_len) {
		h->at = AT_TARGET;
		h->has_whole_target = true;
		return true;
	}
	if (!is_tchar(c) || h->method_len + 1u >= sizeof(h->method))
		return false;
	h->method[h->method_len++] = (char)c;
	return true;
}

static bool add_target(struct http_head *h, uint8_t c)
{
	if (c == ' ' && h->target_len) {
		h->at = AT_VERSION;
		h->value_len = 0;
		return true;
	}
	if (c <= ' ' || c >= 0x7f || c == '#')
		return false;
	if (h->target_len + 1u < sizeof(h->target))
		h->target[h->target_len++] = (char)c;
	else
		h->has_whole_target = false;
	return true;
}

static bool add_version(struct http_head *h, uint8_t c)
{
	if (c != (uint8_t)VERSION[h->value_len])
		return false;
	if (!VERSION[++h->value_len])
		h->at = AT_MINOR;
	return true;
}

static bool begin_field(struct http_head *h, uint8_t c)
{
	if (c == '\r') {
		h->at = AT_END_LF;
		return true;
	}
	/* SP and HTAB would go on with the line before (obs-fold, RFC 9112 s. 5.2). */
	if (!is_tchar(c) || ++h->n_fields > HTTP_FIELDS_MAX)
		return false;
	h->name_len = 0;
	h->value_len = 0;
	h->has_tab = false;
	add_name(h, c);
	h->at = AT_NAME;
	return true;
}

static bool name_byte(struct http_head *h, uint8_t c)
{
	if (c == ':') {
		h->at = AT_SPACE;
		return true;
	}
	if (!is_tchar(c))
		return false;
	add_name(h, c);
	return true;
}

static bool value_byte(struct http_head *h, uint8_t c)
{
	if (c == '\r') {
		h->at = AT_VALUE_LF;
		return true;
	}
	if (!is_value(c))
		return false;
	if (c == '\t')
		h->has_tab = true;
	if (h->at == AT_SPACE && (c == ' ' || c == '\t'))
		return true;
	h->at = AT_VALUE;
	add_value(h, c);
	return true;
}

/* c is the only byte that may stand here. */
static bool expect(struct http_head *h, uint8_t c, uint8_t want, enum at next)
{
	h->at = (uint8_t)next;
	return c == want;
}

static enum http_head_result take_byte(struct http_head *h, uint8_t c)
{
	bool ok = false;

	switch ((enum at)h->at) {
	case AT_METHOD:
		ok = add_method(h, c);
		break;
	case AT_TARGET:
		ok = add_target(h, c);
		break;
	case AT_VERSION:
		ok = add_version(h, c);
		break;
	case AT_MINOR:
		h->minor = (uint8_t)(c - '0');
		h->at = AT_LINE_CR;
		ok = c == '0' || c == '1';
		break;
	case AT_LINE_CR:
		ok = expect(h, c, '\r', AT_LINE_LF);
		break;
	case AT_LINE_LF:
		ok = expect(h, c, '\n', AT_FIELD);
		h->has_line = ok;
		break;
	case AT_FIELD:
		ok = begin_field(h, c);
		break;
	case AT_NAME:
		ok = name_byte(h, c);
		break;
	case AT_SPACE:
	case AT_VALUE:
		ok = value_byte(h, c);
		break;
	case AT_VALUE_LF:
		ok = expect(h, c, '\n', AT_FIELD) && end_field(h);
		break;
	case AT_END_LF:
		return c == '\n' ? HTTP_HEAD_DONE : HTTP_HEAD_BAD;
	}
	return ok ? HTTP_HEAD_MORE : HTTP_HEAD_BAD;
}

enum http_head_result http_head_take(struct http_head *h, const uint8_t *buf, size_t len,
				     size_t *ret_n)
{
	enum http_head_result r = HTTP_HEAD_MORE;
	size_t n = 0;

	while (n < len && r == HTTP_HEAD_MORE) {
		r = ++h->len > HTTP_HEAD_MAX ? HTTP_HEAD_BAD : take_byte(h, buf[n]);
		if (r != HTTP_HEAD_BAD)
			n++;
	}
	*ret_n = n;
	return r;
}

/* ---- hosts -------------------------------------------------------------------------------------------- */

static bool is_host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
	       c == '.' || c == '_';
}

/* Bytes of the name at the start of s; 0: it has none. An address in brackets counts as one. */
static size_t host_len(const char *s, size_t len)
{
	size_t n = 0;

	if (len && s[0] == '[') {
		n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return n < len && n > 1 && s[n] == ']' ? n + 1 : 0;
	}
	while (n < len && is_host_char(s[n]))
		n++;
	return n;
}

enum http_host http_host_compare(const char *s, size_t len, const char *name, uint16_t port)
{
	size_t n = host_len(s, len);
	uint64_t got = port;
	char digits[8];

	if (!n)
		return HTTP_HOST_MALFORMED;
	if (n < len) {
		size_t rest = len - n - 1;

		if (s[n] != ':' || !rest || rest >= sizeof(digits))
			return HTTP_HOST_MALFORMED;
		memcpy(digits, s + n + 1, rest);
		digits[rest] = '\0';
		if (!http_number(digits, &got) || got < 1 || got > UINT16_MAX)
			return HTTP_HOST_MALFORMED;
	}
	if (n > 1 && s[n - 1] == '.')
		n--;
	if (got != port || strlen(name) != n || strncasecmp(s, name, n) != 0)
		return HTTP_HOST_OTHER;
	return HTTP_HOST_SAME;
}
