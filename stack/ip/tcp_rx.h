/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_rx: segments of the sandbox as lwIP's pbufs, without copying where that pins nothing.
 *
 * Every pbuf that lwIP gets from us, and gives to the receive callback, is a struct rxbuf.
 */
#ifndef STACK_IP_TCP_RX_H
#define STACK_IP_TCP_RX_H

#include "stack/lwip/glue.h"
#include "stack/path.h"

enum {
	RXBUF_N = 8192,			/* pieces of segments at once */
	RXBUF_HEAP_MAX = 16 << 20,	/* bytes of copied segments */
};

struct rxbuf {
	struct pbuf_custom pc;		/* first: a struct pbuf * is a struct rxbuf * */
	struct frame *frame;		/* one reference, or NULL */
	void *heap;			/* own copy, or NULL */
	uint32_t heap_len;
	int chunk;			/* one reference, or -1 */
	struct rxbuf *next;		/* in a queue of struct tcp_conn; free list */
};

int rxbuf_init(void);
void rxbuf_done(void);
unsigned int rxbuf_used(void);

/*
 * The segment of p as a chain whose payload starts at the TCP header. copy: the frame is not kept.
 * NULL when the pieces or the bytes for copies are used up. One reference is the caller's.
 */
struct pbuf *rxbuf_segment(const struct packet *p, bool copy);
/* len bytes of a chunk (whose reference is taken on success); NULL when pieces are used up. */
struct rxbuf *rxbuf_chunk(int chunk, uint8_t *at, uint16_t len);
/* len bytes of header for a replay, copied. */
struct pbuf *rxbuf_header(const void *tcp, uint16_t len);

static inline struct rxbuf *rxbuf_of(struct pbuf *p)
{
	return (struct rxbuf *)(void *)p;
}

static inline struct pbuf *rxbuf_pbuf(struct rxbuf *r)
{
	return &r->pc.pbuf;
}

#endif
