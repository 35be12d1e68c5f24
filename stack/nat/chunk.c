/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk: reference-counted 64 KB pieces of one mapping.
 *
 * Who holds some already must leave more behind: with none, the last free chunk is given; else a quarter
 * of all stays free, and no flow gets more than an eighth of what is free now. So one flow that nobody
 * drains cannot take the others' (the idea is Choudhury and Hahne's dynamic threshold, 1998). Chunks go
 * out last in, first out: a busy worker stays in a few hot ones.
 */
#include "stack/nat/chunk.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static_assert(CHUNK_N <= UINT16_MAX, "indexes are 16 bits");

static struct {
	uint8_t *mem;
	uint16_t free[CHUNK_N];
	uint16_t refs[CHUNK_N];
	unsigned int n_free;
	unsigned int peak;		/* chunks ever taken since the last trim */
} pool;

int chunk_init(void)
{
	void *m = mmap(NULL, (size_t)CHUNK_N * CHUNK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED)
		return -errno;
	memset(&pool, 0, sizeof(pool));
	pool.mem = m;
	for (unsigned int i = 0; i < CHUNK_N; i++)
		pool.free[i] = (uint16_t)(CHUNK_N - 1 - i);
	pool.n_free = CHUNK_N;
	return 0;
}

void chunk_done(void)
{
	if (pool.mem)
		munmap(pool.mem, (size_t)CHUNK_N * CHUNK_SIZE);
	memset(&pool, 0, sizeof(pool));
}

bool chunk_may(unsigned int held)
{
	if (held == 0)
		return pool.n_free > 0;
	return held < CHUNK_FLOW_MAX && pool.n_free > CHUNK_N / 4 && held < pool.n_free / 8;
}

int chunk_take(unsigned int held)
{
	int i;

	if (!chunk_may(held))
		return -1;
	i = pool.free[--pool.n_free];
	assert(pool.refs[i] == 0);
	pool.refs[i] = 1;
	if (chunk_used() > pool.peak)
		pool.peak = chunk_used();
	return i;
}

void chunk_get(int i)
{
	assert(pool.refs[i] > 0 && pool.refs[i] < UINT16_MAX);
	pool.refs[i]++;
}

void chunk_put(int i)
{
	assert(pool.refs[i] > 0);
	if (--pool.refs[i] == 0)
		pool.free[pool.n_free++] = (uint16_t)i;
}

unsigned int chunk_refs(int i)
{
	return pool.refs[i];
}

uint8_t *chunk_mem(int i)
{
	return pool.mem + (size_t)i * CHUNK_SIZE;
}

int chunk_of(const void *p)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)pool.mem;

	return pool.mem && off < (size_t)CHUNK_N * CHUNK_SIZE ? (int)(off / CHUNK_SIZE) : -1;
}

unsigned int chunk_used(void)
{
	return CHUNK_N - pool.n_free;
}

void chunk_trim(void)
{
	enum { KEEP = 16 };

	if (chunk_used() || pool.peak <= KEEP)
		return;
	(void)madvise(pool.mem, (size_t)CHUNK_N * CHUNK_SIZE, MADV_DONTNEED);
	pool.peak = 0;
}
