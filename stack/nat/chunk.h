/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk: the one budget of payload bytes that wait inside the worker, in pieces of 64 KB.
 *
 * Down: what was read from host sockets and is not yet acknowledged by the sandbox. Up: what the sandbox
 * sent and a host socket did not take yet. CHUNK_N of them, and never more, whatever number of flows.
 */
#ifndef STACK_NAT_CHUNK_H
#define STACK_NAT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHUNK_SIZE = 65536,
	CHUNK_N = 1024,			/* 64 MB in all, touched only as used */
	CHUNK_FLOW_MAX = 33,		/* of one flow and one direction: a window of 2 MB */
};

int chunk_init(void);
void chunk_done(void);
/* One chunk with one reference, or -1. held: how many of them the asker has already. */
int chunk_take(unsigned int held);
/* Would chunk_take(held) give one? */
bool chunk_may(unsigned int held);
void chunk_get(int i);
void chunk_put(int i);
unsigned int chunk_refs(int i);
uint8_t *chunk_mem(int i);
/* The chunk that p points into, or -1. */
int chunk_of(const void *p);
unsigned int chunk_used(void);
/* Gives the memory of unused chunks back to the kernel when nothing is in use. Call now and then. */
void chunk_trim(void);

#endif
