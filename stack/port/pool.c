/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: reception buffers for whole frames. Address space for every slot is reserved when the port
 * opens (no mapping is made after the worker confined itself); pages come with the first use and stay until
 * the sandbox is quiet.
 * Sanitizer builds poison free slots and the tail behind each frame.
 */
#include "stack/port/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef SLUICE_SANITIZED
#include <sanitizer/asan_interface.h>
#endif

void pool_poison(const void *mem, size_t len)
{
#ifdef SLUICE_SANITIZED
	__asan_poison_memory_region(mem, len);
#else
	(void)mem;
	(void)len;
#endif
}

void pool_unpoison(const void *mem, size_t len)
{
#ifdef SLUICE_SANITIZED
	__asan_unpoison_memory_region(mem, len);
#else
	(void)mem;
	(void)len;
#endif
}

int pool_init(struct pool *p, struct port *port, uint32_t n)
{
	size_t len = (size_t)n * POOL_STRIDE;

	p->n = n;
	p->n_free = p->low = n;
	p->frames = calloc(n, sizeof(*p->frames));
	p->free = calloc(n, sizeof(*p->free));
	p->mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->mem == MAP_FAILED)
		p->mem = NULL;
	if (!p->frames || !p->free || !p->mem) {
		pool_done(p);
		return -ENOMEM;
	}
	/* A huge page under every slot would cost 2 MiB for the first small frame. Advice only. */
	(void)madvise(p->mem, len, MADV_NOHUGEPAGE);
	p->port = port;
	for (uint32_t i = 0; i < n; i++)
		p->free[i] = n - 1 - i;
	pool_poison(p->mem, len);
	return 0;
}

void pool_done(struct pool *p)
{
	size_t len = (size_t)p->n * POOL_STRIDE;

	if (p->mem) {
		pool_unpoison(p->mem, len);
		munmap(p->mem, len);
	}
	free(p->frames);
	free(p->free);
	*p = (struct pool){ 0 };
}

bool pool_take(struct pool *p, uint32_t *ret_slot)
{
	if (p->n_free == 0)
		return false;
	*ret_slot = p->free[--p->n_free];
	if (p->n_free < p->low)
		p->low = p->n_free;
	pool_unpoison(pool_data(p, *ret_slot), POOL_STRIDE - POOL_ALIGN);
	return true;
}

void pool_give(struct pool *p, uint32_t slot)
{
	assert(slot < p->n && p->n_free < p->n);
	pool_poison(pool_data(p, slot), POOL_STRIDE - POOL_ALIGN);
	p->free[p->n_free++] = slot;
}

struct frame *pool_frame(struct pool *p, uint32_t slot, uint32_t len)
{
	struct frame *f = &p->frames[slot];
	uint8_t *mem = pool_data(p, slot);

	f->port = p->port;
	f->cookie = slot;
	f->len = len;
	f->refs = 1;
	f->n_segs = 1;
	f->gso = FRAME_GSO_NONE;
	f->seg[0] = (struct iovec){ mem, len };
	pool_poison(mem + len, POOL_STRIDE - POOL_ALIGN - len);
	return f;
}

void pool_trim_slot(struct pool *p, uint32_t slot)
{
	(void)madvise(p->mem + (size_t)slot * POOL_STRIDE, POOL_STRIDE, MADV_DONTNEED);
}

void pool_trim(struct pool *p)
{
	for (; p->low < p->n_free; p->low++)
		pool_trim_slot(p, p->free[p->low]);
}
