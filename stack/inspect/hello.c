/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello: reads a ClientHello.
 *
 * In: a handshake message that the sandbox wrote. Out: the one server name in it, and a few words for the
 * log. What servers might read in more than one way is refused rather than guessed: an extension that
 * is there twice, more than one server name, bytes behind the end of a list. Nothing of the message goes
 * further than what struct hello holds. Runs in the worker.
 */
#include "stack/inspect/hello.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/rd.h"

enum {
	MSG_CLIENT_HELLO = 1,
	RANDOM_LEN = 32,
	SESSION_ID_MAX = 32,
	NAME_TYPE_HOST = 0,
	NAME_MAX_LEN = 253,
	LABEL_MAX_LEN = 63,
	VERSION_TLS10 = 0x0301,
	VERSION_TLS13 = 0x0304,
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	EXT_SUPPORTED_VERSIONS = 43,
};

/*
 * Extensions that carry a server name under encryption: RFC 9849 and its drafts from 7 on (a server may
 * still know one), and encrypted_server_name of the drafts before. 0xff01 is renegotiation_info.
 */
static bool is_ech(uint16_t type)
{
	return (type >= 0xfe08 && type <= 0xfe0d) || (type >= 0xff02 && type <= 0xff08) ||
	       type == 0xffce;
}

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* "2001:db8::1", against RFC 6066 s. 3, but clients do it: no name equals it. */
static bool is_address6(const char *s)
{
	bool colon = false;

	for (; *s; s++) {
		colon |= *s == ':';
		if (*s != ':' && *s != '.' && !is_hex((uint8_t)*s))
			return false;
	}
	return colon;
}

static bool is_name(const char *s)
{
	size_t label = 0;

	for (; *s; s++) {
		if (*s == '.') {
			if (!label)
				return false;
			label = 0;
		} else if (!is_name_byte((uint8_t)*s) || ++label > LABEL_MAX_LEN) {
			return false;
		}
	}
	return label > 0;
}

/*
 * A-labels are ASCII, and a name in UTF-8 is none that a client may send (RFC 6066 s. 3), so lower case
 * and the trailing dot are all that policy_name() would do to it.
 */
static bool read_name(const uint8_t *p, size_t len, struct hello *h)
{
	if (len && p[len - 1] == '.')
		len--;
	if (!len || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = p[i];

		if (!c)
			return false;
		h->name[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	h->name[len] = '\0';
	h->has_name = is_name(h->name) || is_address6(h->name);
	return h->has_name;
}

/* Exactly one name, of the only type there is. Others have been read first, or last (RFC 6066 s. 3). */
static bool read_server_name(struct rd *r, struct hello *h)
{
	uint16_t list, len;
	uint8_t type;
	const uint8_t *name;

	if (!rd_be16(r, &list) || list != rd_left(r) || !rd_u8(r, &type) || !rd_be16(r, &len))
		return false;
	name = rd_bytes(r, len);
	return name && type == NAME_TYPE_HOST && rd_done(r) && read_name(name, len, h);
}

/* RFC 8446 s. 4.2.1. Reserved values (RFC 8701) and drafts count for nothing. */
static bool read_versions(struct rd *r, struct hello *h)
{
	uint16_t best = 0, v;
	uint8_t len;

	if (!rd_u8(r, &len) || len < 2 || len % 2 || len != rd_left(r))
		return false;
	while (rd_be16(r, &v)) {
		if (v >= VERSION_TLS10 && v <= VERSION_TLS13 && v > best)
			best = v;
	}
	if (best)
		h->version = best;
	return true;
}

static bool is_printable(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] > '~' || p[i] == ',')
			return false;
	}
	return true;
}

/* RFC 7301 s. 3.1. What is not printable, as reserved values are, is not shown. */
static bool read_alpn(struct rd *r, struct hello *h)
{
	uint16_t list;
	uint8_t len;
	size_t n = 0;

	if (!rd_be16(r, &list) || list < 2 || list != rd_left(r))
		return false;
	while (rd_left(r)) {
		const uint8_t *p;

		if (!rd_u8(r, &len) || !len)
			return false;
		p = rd_bytes(r, len);
		if (!p)
			return false;
		if (!is_printable(p, len) || n + 1 + len >= sizeof(h->alpn))
			continue;
		if (n)
			h->alpn[n++] = ',';
		memcpy(h->alpn + n, p, len);
		n += len;
	}
	h->alpn[n] = '\0';
	return true;
}

static bool read_extension(uint16_t type, struct rd *r, struct hello *h)
{
	switch (type) {
	case EXT_SERVER_NAME:
		return read_server_name(r, h);
	case EXT_ALPN:
		return read_alpn(r, h);
	case EXT_SUPPORTED_VERSIONS:
		return read_versions(r, h);
	default:
		h->has_ech |= is_ech(type);
		return true;
	}
}

/* RFC 8446 s. 4.2: no type may be there twice. */
static bool read_extensions(struct rd *r, struct hello *h)
{
	uint16_t seen[HELLO_EXTS_MAX], all, type, len;
	size_t n = 0;

	if (!rd_be16(r, &all) || all != rd_left(r))
		return false;
	while (rd_left(r)) {
		struct rd ext;

		if (n == HELLO_EXTS_MAX || !rd_be16(r, &type) || !rd_be16(r, &len))
			return false;
		for (size_t i = 0; i < n; i++) {
			if (seen[i] == type)
				return false;
		}
		seen[n++] = type;
		ext = rd_sub(r, len);
		if (ext.bad || !read_extension(type, &ext, h))
			return false;
	}
	return rd_done(r);
}

int hello_size(const uint8_t head[HELLO_HEAD_LEN])
{
	struct rd r = rd_init(head, HELLO_HEAD_LEN);
	uint32_t len;
	uint8_t type;

	if (!rd_u8(&r, &type) || !rd_be24(&r, &len) || type != MSG_CLIENT_HELLO ||
	    len > HELLO_MAX - HELLO_HEAD_LEN)
		return -EBADMSG;
	return (int)len + HELLO_HEAD_LEN;
}

int hello_parse(const uint8_t *msg, size_t len, struct hello *ret)
{
	struct rd r = rd_init(msg, len);
	struct hello h;
	uint8_t session, compression;
	uint16_t suites;

	memset(&h, 0, sizeof(h));
	if (len < HELLO_HEAD_LEN || hello_size(msg) < 0 || (size_t)hello_size(msg) != len)
		return -EBADMSG;
	rd_skip(&r, HELLO_HEAD_LEN);
	/* The old version field: 3.x, and a server takes more than it knows for what it knows. */
	if (!rd_be16(&r, &h.version) || h.version >> 8 != 3 || !rd_skip(&r, RANDOM_LEN))
		return -EBADMSG;
	if (!rd_u8(&r, &session) || session > SESSION_ID_MAX || !rd_skip(&r, session))
		return -EBADMSG;
	if (!rd_be16(&r, &suites) || suites < 2 || suites % 2 || !rd_skip(&r, suites))
		return -EBADMSG;
	if (!rd_u8(&r, &compression) || !compression || !rd_skip(&r, compression))
		return -EBADMSG;
	/* Up to TLS 1.2 the extensions may be missing altogether. */
	if (rd_left(&r) && !read_extensions(&r, &h))
		return -EBADMSG;
	*ret = h;
	return 0;
}

/*
 * ECH is refused wherever the name matters, although a browser without a server's key sends a hello
 * that looks the same (GREASE, RFC 9849 s. 6.2): nobody but the server can tell the two apart, and a
 * server that has the key goes by the name inside. The outer one may be whatever the sandbox likes.
 * Our answers to DNS questions never hold a key, but a program can bring one along.
 */
enum drop_reason hello_judge(const struct hello *h, const char *name)
{
	if (h->has_ech)
		return DROP_TLS_ECH;
	if (!h->has_name)
		return DROP_TLS_NO_NAME;
	return strcmp(h->name, name) == 0 ? DROP_NONE : DROP_TLS_NAME;
}

void hello_describe(const struct hello *h, char *buf, size_t cap)
{
	static const char *const words[] = { "SSL3", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3" };
	unsigned int minor = h->version & 0xffu;

	snprintf(buf, cap, "%s%s%s", minor < 5 ? words[minor] : "TLS", h->alpn[0] ? " " : "", h->alpn);
}
