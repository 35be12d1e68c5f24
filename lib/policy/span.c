/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span: the port ranges of all rules with one host, made disjoint. Used once, when a table is built.
 *
 * Where rules of one host overlap, one of them counts: among denials the first; among allowances one
 * whose key says what is read (inspect.c) before one that leaves it to the port, the stricter key before
 * the looser, then the first. A sweep over the sorted ranges with a heap of those that are open finds
 * it in n log n, whatever a policy piles upon one host.
 */
#include "lib/policy/policy_internal.h"

#include <stdlib.h>

/* 0 for what the port alone says; else the stricter the more. */
static uint8_t rank_of(const struct rule *r, enum proto_bit bit, uint16_t port)
{
	static const uint8_t strictness[] = {
		[PROTO_INSPECT_NONE] = 1,
		[PROTO_INSPECT_TLS_OPAQUE] = 2,
		[PROTO_INSPECT_QUIC_OPAQUE] = 2,
		[PROTO_INSPECT_TLS_IF] = 3,
		[PROTO_INSPECT_HTTP] = 4,
		[PROTO_INSPECT_TLS] = 5,
		[PROTO_INSPECT_QUIC] = 5,
	};
	bool said;
	enum proto_inspect what = inspect_of(r, bit, port, &said);

	return said ? strictness[what] : 0;
}

size_t span_pieces(const struct rule *r, enum proto_bit bit, const struct piece *like, struct piece *out)
{
	static const uint16_t cuts[] = { 80, 81, 443, 444 };	/* where another rank may start */
	static const struct port_range no_port = { 0, 0 };
	bool icmp = bit == PROTO_BIT_ICMP;
	size_t n = 0;

	for (size_t i = 0; i < (icmp ? 1u : r->n_ports); i++) {
		struct port_range p = icmp ? no_port : r->ports[i];

		for (size_t c = 0; (r->tls || r->http) && c < sizeof(cuts) / sizeof(cuts[0]); c++) {
			if (cuts[c] <= p.lo || cuts[c] > p.hi)
				continue;
			out[n] = *like;
			out[n].rank = rank_of(r, bit, p.lo);
			out[n].lo = p.lo;
			out[n++].hi = (uint16_t)(cuts[c] - 1);
			p.lo = cuts[c];
		}
		out[n] = *like;
		out[n].rank = rank_of(r, bit, p.lo);
		out[n].lo = p.lo;
		out[n++].hi = p.hi;
	}
	return n;
}

static int compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

void span_sort(struct piece *p, size_t n)
{
	qsort(p, n, sizeof(*p), compare);
}

static bool counts_before(const struct piece *a, const struct piece *b)
{
	return a->rank != b->rank ? a->rank > b->rank : a->rule < b->rule;
}

static void heap_push(const struct piece *p, uint32_t *heap, size_t n, uint32_t what)
{
	size_t i = n;

	while (i && counts_before(&p[what], &p[heap[(i - 1) / 2]])) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = what;
}

/* Takes the top away; n entries before, so n - 1 after. */
static void heap_pop(const struct piece *p, uint32_t *heap, size_t n)
{
	uint32_t last = heap[n - 1];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n - 1)
			break;
		if (child + 1 < n - 1 && counts_before(&p[heap[child + 1]], &p[heap[child]]))
			child++;
		if (!counts_before(&p[heap[child]], &p[last]))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
}

/* Appends, or lengthens the last span when it is the same rule's and touches. */
static size_t emit(struct span *out, size_t n, uint32_t lo, uint32_t hi, uint32_t rule)
{
	if (n && out[n - 1].rule == rule && out[n - 1].hi + 1u == lo) {
		out[n - 1].hi = (uint16_t)hi;
		return n;
	}
	out[n] = (struct span){ (uint16_t)lo, (uint16_t)hi, rule };
	return n + 1;
}

size_t span_merge(const struct piece *p, size_t n, uint32_t *heap, struct span *out)
{
	size_t n_heap = 0, n_out = 0, next = 0;
	uint32_t at = 0;

	while (next < n || n_heap) {
		const struct piece *top;
		uint32_t end;

		if (!n_heap && p[next].lo > at)
			at = p[next].lo;
		while (next < n && p[next].lo <= at) {
			heap_push(p, heap, n_heap++, (uint32_t)next);
			next++;
		}
		top = &p[heap[0]];
		if (top->hi < at) {
			heap_pop(p, heap, n_heap--);
			continue;
		}
		end = next < n && p[next].lo <= top->hi ? p[next].lo - 1u : top->hi;
		n_out = emit(out, n_out, at, end, top->rule);
		at = end + 1;
	}
	return n_out;
}
