/* SPDX-License-Identifier: Apache-2.0 */
/* hello_make: ClientHellos to order, for the tests of hello.c, tls.c and quic.c. */
#ifndef TESTS_UNIT_HELLO_MAKE_H
#define TESTS_UNIT_HELLO_MAKE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MAKE_MAX = 256 * 1024 };

struct make {
	uint8_t p[MAKE_MAX];
	size_t len;
};

static inline void make_bytes(struct make *m, const void *p, size_t len)
{
	memcpy(m->p + m->len, p, len);
	m->len += len;
}

static inline void make_int(struct make *m, size_t v, int bytes)
{
	while (bytes--)
		m->p[m->len++] = (uint8_t)(v >> (8 * bytes));
}

/* Sets the length field of so many bytes at `at` to what has been written behind it. */
static inline void make_close(struct make *m, size_t at, int bytes)
{
	size_t end = m->len, v = end - at - (size_t)bytes;

	m->len = at;
	make_int(m, v, bytes);
	m->len = end;
}

static inline void make_ext(struct make *m, unsigned int type, const void *p, size_t len)
{
	make_int(m, type, 2);
	make_int(m, len, 2);
	make_bytes(m, p, len);
}

static inline void make_server_name(struct make *m, const char *name, size_t len)
{
	make_int(m, 0, 2);
	make_int(m, len + 5, 2);
	make_int(m, len + 3, 2);
	make_int(m, 0, 1);
	make_int(m, len, 2);
	make_bytes(m, name, len);
}

/* A message up to its extensions; their length is at the returned place. */
static inline size_t make_hello_open(struct make *m)
{
	m->len = 0;
	make_bytes(m, "\1\0\0\0\3\3", 6);
	memset(m->p + m->len, 0x5a, 32);
	m->len += 32;
	make_bytes(m, "\2id\0\4\x13\1\x13\2\1\0\0\0", 13);
	return m->len - 2;
}

static inline void make_hello_close(struct make *m, size_t exts)
{
	make_close(m, exts, 2);
	make_close(m, 1, 3);
}

/* One with a server name (NULL: none), and padded to `total` bytes when it is smaller. */
static inline void make_hello(struct make *m, const char *name, size_t total)
{
	size_t exts = make_hello_open(m);

	if (name)
		make_server_name(m, name, strlen(name));
	make_ext(m, 43, "\4\3\4\3\3", 5);
	make_ext(m, 16, "\0\14\2h2\10http/1.1", 14);
	if (total > m->len) {
		size_t pad = total - m->len - 4;

		make_int(m, 21, 2);
		make_int(m, pad, 2);
		memset(m->p + m->len, 0, pad);
		m->len += pad;
	}
	make_hello_close(m, exts);
}

/* As handshake records of so many bytes each. */
static inline void make_records(struct make *out, const struct make *msg, size_t fragment)
{
	for (size_t at = 0; at < msg->len;) {
		size_t n = msg->len - at < fragment ? msg->len - at : fragment;

		make_bytes(out, "\x16\3\1", 3);
		make_int(out, n, 2);
		make_bytes(out, msg->p + at, n);
		at += n;
	}
}

#endif
