/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_rx: custom pbufs over frames, over copies and over chunks.
 *
 * Comes in: a packet of the path. Goes out: a pbuf chain for tcp_input(). A segment in order refers to
 * its frame, which goes back to the port as soon as the host socket took the bytes. One out of order
 * would pin its frame for as long as the sandbox likes, so it is copied, within a budget of its own.
 */
#include "stack/ip/tcp_rx.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stack/ip/tcp_world.h"
#include "stack/nat/chunk.h"

static struct rxbuf *all, *free_list;
static unsigned int n_fresh;		/* so many of all, the last ones, were never used */
static unsigned int n_used;
static size_t heap_used;

int rxbuf_init(void)
{
	all = calloc(RXBUF_N, sizeof(*all));
	if (!all)
		return -ENOMEM;
	free_list = NULL;
	n_fresh = RXBUF_N;
	n_used = 0;
	heap_used = 0;
	return 0;
}

void rxbuf_done(void)
{
	free(all);
	all = free_list = NULL;
}

unsigned int rxbuf_used(void)
{
	return n_used;
}

/* lwIP's last reference is gone. */
static void release(struct pbuf *p)
{
	struct rxbuf *r = rxbuf_of(p);

	if (r->frame)
		frame_put(r->frame);
	if (r->heap)
		heap_used -= r->heap_len;
	free(r->heap);
	if (r->chunk >= 0)
		chunk_put(r->chunk);
	r->next = free_list;
	free_list = r;
	n_used--;
}

static struct rxbuf *take(void *payload, uint16_t len)
{
	struct rxbuf *r = free_list;

	if (r)
		free_list = r->next;
	else if (n_fresh)
		r = &all[RXBUF_N - n_fresh--];
	else
		return NULL;
	n_used++;
	*r = (struct rxbuf){ .pc.custom_free_function = release, .chunk = -1 };
	pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &r->pc, payload, len);
	return r;
}

/* Room for a copy. */
static struct rxbuf *take_heap(uint32_t len)
{
	struct rxbuf *r;
	void *heap;

	if (heap_used + len > RXBUF_HEAP_MAX)
		return NULL;
	heap = malloc(len);
	if (!heap)
		return NULL;
	r = take(heap, (uint16_t)len);
	if (!r) {
		free(heap);
		return NULL;
	}
	r->heap = heap;
	r->heap_len = len;
	heap_used += len;
	world_stack()->counters.copied_bytes += len;
	return r;
}

/* The bytes behind l4[l4_contig], in the frame's further segments, into to. */
static void copy_rest(const struct packet *p, uint8_t *to)
{
	uint32_t left = p->l4_len - p->l4_contig;

	for (int i = 1; p->frame && i < p->frame->n_segs && left; i++) {
		uint32_t n = (uint32_t)p->frame->seg[i].iov_len;

		n = n < left ? n : left;
		memcpy(to, p->frame->seg[i].iov_base, n);
		to += n;
		left -= n;
	}
	assert(left == 0);
}

static struct pbuf *segment_copy(const struct packet *p)
{
	struct rxbuf *r = take_heap(p->l4_len);

	if (!r)
		return NULL;
	memcpy(r->heap, p->l4, p->l4_contig);
	copy_rest(p, (uint8_t *)r->heap + p->l4_contig);
	return rxbuf_pbuf(r);
}

struct pbuf *rxbuf_segment(const struct packet *p, bool copy)
{
	uint32_t left = p->l4_len;
	struct rxbuf *head, *tail;

	assert(p->l4_len <= UINT16_MAX);
	if (copy || !p->frame)
		return segment_copy(p);
	head = tail = take(p->l4, (uint16_t)p->l4_contig);
	if (!head)
		return NULL;
	head->frame = p->frame;
	frame_get(p->frame);
	head->pc.pbuf.tot_len = (uint16_t)left;
	left -= p->l4_contig;
	for (int i = 1; i < p->frame->n_segs && left; i++) {
		const struct iovec *seg = &p->frame->seg[i];
		uint16_t n = (uint16_t)(seg->iov_len < left ? seg->iov_len : left);
		struct rxbuf *r = n ? take(seg->iov_base, n) : NULL;

		if (!n)
			continue;
		if (!r) {
			pbuf_free(rxbuf_pbuf(head));
			return NULL;
		}
		r->frame = p->frame;
		frame_get(p->frame);
		r->pc.pbuf.tot_len = (uint16_t)left;
		tail->pc.pbuf.next = rxbuf_pbuf(r);
		tail = r;
		left -= n;
	}
	assert(left == 0);
	return rxbuf_pbuf(head);
}

struct rxbuf *rxbuf_chunk(int chunk, uint8_t *at, uint16_t len)
{
	struct rxbuf *r = take(at, len);

	if (r)
		r->chunk = chunk;
	return r;
}

struct pbuf *rxbuf_header(const void *tcp, uint16_t len)
{
	struct rxbuf *r = take_heap(len);

	if (!r)
		return NULL;
	memcpy(r->heap, tcp, len);
	return rxbuf_pbuf(r);
}
