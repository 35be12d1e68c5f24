/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head: the strict reader of an HTTP/1 request's head, and of the trailers of a chunked body.
 *
 * Takes each byte once and keeps what judging needs. What two readers are known to understand
 * differently has no way through it; a list of it is in http_head.c.
 */
#ifndef STACK_INSPECT_HTTP_HEAD_H
#define STACK_INSPECT_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_HEAD_MAX = 65536,		/* bytes of a head, the empty line included */
	HTTP_FIELDS_MAX = 256,		/* fields of a head */
	HTTP_METHOD_CAP = 32,		/* NUL-terminated; more is refused */
	HTTP_TARGET_CAP = 512,		/* what is kept of a request target */
	HTTP_NAME_CAP = 24,		/* longer than any field name that is looked at */
	HTTP_VALUE_CAP = 512,		/* a value that is looked at; more is refused */
	HTTP_HOST_CAP = 264,		/* 253 bytes, a dot, ":65535", NUL */
};

enum http_head_result {
	HTTP_HEAD_MORE,
	HTTP_HEAD_DONE,			/* the last byte was the last of the head */
	HTTP_HEAD_BAD,			/* malformed, ambiguous or oversize */
};

struct http_head {
	uint8_t at;			/* enum at of http_head.c */
	bool is_trailer;
	bool has_tab;			/* in the current value, or around it */
	uint32_t len;			/* bytes taken */
	uint16_t n_fields;
	uint16_t name_len, value_len;	/* of the current field; beyond the cap: counted, not kept */
	uint16_t method_len, target_len;	/* target_len: what was kept */
	bool has_whole_target;
	/* What was found. */
	uint8_t minor;			/* HTTP/1.minor */
	bool has_line;			/* the request line is whole: it is HTTP */
	uint8_t n_hosts, n_lengths, n_codings, n_upgrades;
	bool is_chunked;		/* Transfer-Encoding is exactly "chunked" */
	bool is_websocket;		/* Upgrade is exactly "websocket" */
	bool has_upgrade_token;		/* Connection has "upgrade" */
	bool wants_json;		/* Accept has application/json */
	uint64_t length;		/* Content-Length */
	char method[HTTP_METHOD_CAP];
	char target[HTTP_TARGET_CAP];	/* NUL-terminated; cut unless has_whole_target */
	char host[HTTP_HOST_CAP];	/* the first Host's value as it came; "" when there was none */
	char name[HTTP_NAME_CAP];	/* lower case; '_' is kept as '-' */
	char value[HTTP_VALUE_CAP];
};

void http_head_init(struct http_head *h);
/* Goes on with the trailers of a chunked body: what was found stays, a field that frames is refused. */
void http_head_begin_trailer(struct http_head *h);
/* Takes bytes up to the first that is not MORE. ret_n: bytes taken, a bad one not counted. */
enum http_head_result http_head_take(struct http_head *h, const uint8_t *buf, size_t len,
				     size_t *ret_n);

/* 1*DIGIT without sign, leading zero or anything else, below 10^18. */
bool http_number(const char *s, uint64_t *ret_v);

enum http_host {
	HTTP_HOST_SAME,
	HTTP_HOST_OTHER,		/* well formed, and another name or port */
	HTTP_HOST_MALFORMED,
};

/* Is "name[:port]" of a Host field or an authority the name and port that were judged? */
enum http_host http_host_compare(const char *s, size_t len, const char *name, uint16_t port);

#endif
