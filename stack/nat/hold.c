/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: a pool of chunks, and queues of datagrams made of them.
 *
 * A datagram's first chunk carries its head; each chunk names the next. Indices are stored plus one,
 * so that zeroed memory means "none". An ordinary datagram takes one chunk, the largest 34.
 */
#include "stack/nat/hold.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
	CHUNK_BYTES = 2032,
	CHUNKS = 2048,			/* 4 MiB for all flows together */
};

struct head {
	uint32_t len;
	uint16_t next;			/* first chunk of the next datagram of this queue */
	struct quote quote;
};

struct chunk {
	uint16_t next;			/* of this datagram, or of the free list */
	uint16_t used;			/* bytes of b with payload, from `from` on */
	uint16_t from;
	_Alignas(8) uint8_t b[CHUNK_BYTES];
};

static struct chunk pool[CHUNKS];
static uint16_t free_head;		/* used before, free again */
static uint16_t fresh;			/* chunks from this one on were never used: memory that is not there */
static uint32_t free_n;

void hold_init(void)
{
	free_head = fresh = 0;
	free_n = CHUNKS;
}

static struct chunk *chunk_at(uint16_t i)
{
	return i ? &pool[i - 1] : NULL;
}

static struct head *head_at(uint16_t i)
{
	return (struct head *)(void *)pool[i - 1].b;
}

static uint16_t chunk_new(void)
{
	uint16_t i = free_head;

	if (i)
		free_head = pool[i - 1].next;
	else
		i = ++fresh;
	free_n--;
	pool[i - 1].next = 0;
	return i;
}

int hold_put(struct hold *h, const struct packet *p, size_t skip)
{
	size_t len = p->l4_contig - skip;
	size_t room = CHUNK_BYTES - sizeof(struct head);
	size_t need = len <= room ? 1 : 1 + (len - room + CHUNK_BYTES - 1) / CHUNK_BYTES;
	const uint8_t *from = p->l4 + skip;
	uint16_t first, i;

	if (free_n < need || need > HOLD_IOV_MAX)
		return -ENOBUFS;
	first = i = chunk_new();
	head_at(first)->len = (uint32_t)len;
	head_at(first)->next = 0;
	quote_take(&head_at(first)->quote, p);
	pool[i - 1].from = sizeof(struct head);
	for (size_t left = len;;) {
		struct chunk *c = chunk_at(i);
		size_t n = CHUNK_BYTES - c->from;

		if (n > left)
			n = left;
		memcpy(c->b + c->from, from, n);
		c->used = (uint16_t)n;
		from += n;
		left -= n;
		if (!left)
			break;
		i = c->next = chunk_new();
		pool[i - 1].from = 0;
	}
	if (h->n++)
		head_at(h->last)->next = first;
	else
		h->first = first;
	h->last = first;
	h->bytes += (uint32_t)len;
	return 0;
}

/* The datagram that begins with chunk i - 1. */
static int pieces(uint16_t i, struct iovec iov[HOLD_IOV_MAX])
{
	int n = 0;

	for (struct chunk *c = chunk_at(i); c && n < HOLD_IOV_MAX; c = chunk_at(c->next))
		iov[n++] = (struct iovec){ c->b + c->from, c->used };
	return n;
}

int hold_first(struct hold *h, struct iovec iov[HOLD_IOV_MAX], const struct quote **ret_q)
{
	if (!h->n)
		return 0;
	*ret_q = &head_at(h->first)->quote;
	return pieces(h->first, iov);
}

static void whole_packet(uint16_t first, const struct flow_key *k, size_t skip, struct packet *ret_p)
{
	static uint8_t whole[65536];
	static struct quote quote;
	struct iovec iov[HOLD_IOV_MAX];
	int n = pieces(first, iov);
	size_t at = skip;

	quote = head_at(first)->quote;
	memcpy(whole, quote.b + quote.ip_hlen, skip);
	for (int i = 0; i < n; i++) {
		memcpy(whole + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	*ret_p = (struct packet){
		.src = k->src, .dst = k->dst, .proto = k->proto, .reassembled = true,
		.ip = quote.b, .ip_hlen = quote.ip_hlen,
		.l4 = whole, .l4_len = (uint32_t)at, .l4_contig = (uint32_t)at,
	};
	if (k->proto == IPPROTO_ICMP && !addr_is_v4(&k->dst))
		ret_p->proto = IPPROTO_ICMPV6;
}

bool hold_packet(struct hold *h, const struct flow_key *k, size_t skip, struct packet *ret_p)
{
	if (!h->n)
		return false;
	whole_packet(h->first, k, skip, ret_p);
	return true;
}

bool hold_walk(const struct hold *h, uint16_t *at, const struct flow_key *k, size_t skip,
	       struct packet *ret_p)
{
	*at = *at ? head_at(*at)->next : h->first;
	if (!*at)
		return false;
	whole_packet(*at, k, skip, ret_p);
	return true;
}

void hold_pop(struct hold *h)
{
	uint16_t i = h->first;

	if (!h->n)
		return;
	h->bytes -= head_at(i)->len;
	h->first = head_at(i)->next;
	h->n--;
	if (!h->n)
		h->first = h->last = 0;
	while (i) {
		uint16_t next = pool[i - 1].next;

		pool[i - 1].next = free_head;
		free_head = i;
		free_n++;
		i = next;
	}
}

void hold_clear(struct hold *h)
{
	while (h->n)
		hold_pop(h);
}

void quote_take(struct quote *q, const struct packet *p)
{
	size_t n = p->ip_hlen < QUOTE_MAX - 8 ? p->ip_hlen : QUOTE_MAX - 8;
	size_t l4 = QUOTE_MAX - n;

	if (l4 > p->l4_contig)
		l4 = p->l4_contig;
	memcpy(q->b, p->ip, n);
	memcpy(q->b + n, p->l4, l4);
	q->ip_hlen = (uint8_t)n;
	q->len = (uint8_t)(n + l4);
}
