/* SPDX-License-Identifier: Apache-2.0 */
/* loop: what stack.c and ask.c share about the one epoll. */
#ifndef STACK_LOOP_H
#define STACK_LOOP_H

#include "stack/path.h"

/*
 * An event's cookie is {generation: 32, type: 8, index: 24}; with LOOP_FLOW generation and index are
 * the flow's id, so an event of a flow that died earlier in the same batch names nobody.
 */
enum loop_type {
	LOOP_FLOW = 0,
	LOOP_PORT,
	LOOP_PORT_TX,
	LOOP_ASK,
	LOOP_SUPERVISE,
	LOOP_TIMER,
};

static inline uint64_t loop_cookie(enum loop_type type, flow_id id)
{
	return id | (uint64_t)type << 24;
}

static inline enum loop_type loop_cookie_type(uint64_t cookie)
{
	return (enum loop_type)(cookie >> 24 & 0xff);
}

static inline flow_id loop_cookie_id(uint64_t cookie)
{
	return cookie & ~((uint64_t)0xff << 24);
}

/* True while messages to egress wait for room in the socket. */
bool ask_blocked(void);
/* Nothing waits for company any more: the next ask_flush() sends everything. */
void ask_hurry(void);

#endif
