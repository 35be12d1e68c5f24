/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: reception buffers of the ports that copy whole frames (packet, tap, mem).
 *
 * Every slot can hold the largest frame, but memory is only touched by what really arrives, and slots
 * are handed out last in, first out, so that a quiet link works in a few hot pages.
 */
#ifndef STACK_PORT_POOL_H
#define STACK_PORT_POOL_H

#include "stack/port/port.h"

enum {
	POOL_ALIGN = 2,			/* puts the IP header on a 4-byte boundary */
	POOL_STRIDE = 18 * 4096,	/* not a power of two: slots spread over the cache sets */
};
static_assert(POOL_STRIDE >= POOL_ALIGN + FRAME_LEN_MAX + 64 * FRAME_SEGS_MAX, "slot size");

struct pool {
	uint8_t *mem;
	struct frame *frames;
	uint32_t *free;			/* stack of slot numbers */
	uint32_t n, n_free;
	uint32_t low;			/* slots free[low..n_free) were used since the last pool_trim() */
	struct port *port;
};

/* 0 or -errno. */
int pool_init(struct pool *p, struct port *port, uint32_t n);
void pool_done(struct pool *p);
/* A free slot, false when there is none. Its memory, pool_data(), has FRAME_LEN_MAX bytes. */
bool pool_take(struct pool *p, uint32_t *ret_slot);
void pool_give(struct pool *p, uint32_t slot);
/* Gives the memory of free slots back. */
void pool_trim(struct pool *p);
/* The same for one slot that is taken, and holds nothing. */
void pool_trim_slot(struct pool *p, uint32_t slot);
/* The slot as a frame of one segment with one reference; frame->cookie is the slot. */
struct frame *pool_frame(struct pool *p, uint32_t slot, uint32_t len);

static inline uint8_t *pool_data(const struct pool *p, uint32_t slot)
{
	return p->mem + (size_t)slot * POOL_STRIDE + POOL_ALIGN;
}

/* Sanitizer builds: what lies outside a delivered frame must not be read. */
void pool_poison(const void *mem, size_t len);
void pool_unpoison(const void *mem, size_t len);

#endif
