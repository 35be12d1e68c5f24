/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rd: a bounded reader over foreign bytes.
 *
 * Every read checks the bound first and fails without moving; after a failure the reader is
 * poisoned (bad = true) and every further read fails, so a parser may check once at the end.
 * Sub-readers narrow the end. A parser must insist on rd_done() where its format does.
 */
#ifndef LIB_RD_H
#define LIB_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *p;	/* cursor */
	const uint8_t *end;	/* one past the last readable byte */
	bool bad;
};

static inline struct rd rd_init(const void *buf, size_t len)
{
	struct rd r = { (const uint8_t *)buf, (const uint8_t *)buf + len, false };

	return r;
}

static inline size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

/* True when all bytes were consumed and nothing failed. */
static inline bool rd_done(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}

/* n bytes in place, or NULL. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

static inline bool rd_skip(struct rd *r, size_t n)
{
	return rd_bytes(r, n) != NULL;
}

static inline bool rd_u8(struct rd *r, uint8_t *ret_v)
{
	const uint8_t *p = rd_bytes(r, 1);

	if (!p)
		return false;
	*ret_v = p[0];
	return true;
}

static inline bool rd_be16(struct rd *r, uint16_t *ret_v)
{
	const uint8_t *p = rd_bytes(r, 2);

	if (!p)
		return false;
	*ret_v = (uint16_t)((p[0] << 8) | p[1]);
	return true;
}

static inline bool rd_be24(struct rd *r, uint32_t *ret_v)
{
	const uint8_t *p = rd_bytes(r, 3);

	if (!p)
		return false;
	*ret_v = ((uint32_t)p[0] << 16) | ((uint32_t)p[1] << 8) | p[2];
	return true;
}

static inline bool rd_be32(struct rd *r, uint32_t *ret_v)
{
	const uint8_t *p = rd_bytes(r, 4);

	if (!p)
		return false;
	*ret_v = ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
	return true;
}

static inline bool rd_copy(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (!p)
		return false;
	memcpy(dst, p, n);
	return true;
}

/* The next n bytes as a reader of their own; poisoned when they are not there. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	struct rd sub = { p, p ? p + n : NULL, p == NULL };

	return sub;
}

#endif
