/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow: the table of flows. A fixed array of slots, a chained hash over it, and two lists through the
 * same link: free slots and dead flows that wait for the end of the batch.
 *
 * The hash is keyed (lib/hash.h): the sandbox chooses ports and addresses, and must not be able to
 * choose buckets with them. Slots are handed out last in, first out, so slots at and above `peak` have
 * never been used and are never looked at: their memory is not even there.
 */
#include "stack/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/drop.h"
#include "lib/log.h"

enum { FLOW_CAP_MAX = 1048576 };

static_assert(sizeof(struct flow_key) == 40, "flow keys are compared and hashed as bytes");

static uint32_t bucket_of(const struct flow_table *t, const struct flow_key *k)
{
	return (uint32_t)hash_sip(t->key, k, sizeof(*k)) & (t->n_buckets - 1);
}

int flow_table_init(struct flow_table *t, uint32_t cap)
{
	memset(t, 0, sizeof(*t));
	if (cap < 1 || cap > FLOW_CAP_MAX)
		return -EINVAL;
	t->n_buckets = 1;
	while (t->n_buckets < cap)
		t->n_buckets <<= 1;
	t->flows = calloc(cap, sizeof(*t->flows));
	t->buckets = calloc(t->n_buckets, sizeof(*t->buckets));
	if (!t->flows || !t->buckets) {
		flow_table_done(t);
		return -ENOMEM;
	}
	t->cap = cap;
	hash_random(t->key, sizeof(t->key));
	return 0;
}

void flow_table_done(struct flow_table *t)
{
	free(t->flows);
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

struct flow *flow_find(struct flow_table *t, const struct flow_key *k)
{
	for (uint32_t i = t->buckets[bucket_of(t, k)]; i; i = t->flows[i - 1].hash_next) {
		if (memcmp(&t->flows[i - 1].key, k, sizeof(*k)) == 0)
			return &t->flows[i - 1];
	}
	return NULL;
}

struct flow *flow_by_id(struct flow_table *t, flow_id id)
{
	uint32_t index = (uint32_t)id;
	struct flow *f;

	if (index >= t->cap)
		return NULL;
	f = &t->flows[index];
	if (f->gen != (uint32_t)(id >> 32) || f->state == FLOW_FREE || f->state == FLOW_DEAD)
		return NULL;
	return f;
}

struct flow *flow_new(struct flow_table *t, const struct flow_key *k, uint64_t now)
{
	uint32_t b = bucket_of(t, k);
	uint32_t index, gen;
	struct flow *f;

	if (t->free_head) {
		index = t->free_head - 1;
		t->free_head = t->flows[index].hash_next;
	} else if (t->peak < t->cap) {
		index = t->peak++;
	} else {
		return NULL;
	}
	f = &t->flows[index];
	gen = f->gen + 1 ? f->gen + 1 : 1;	/* so that no id is ever 0 */
	memset(f, 0, sizeof(*f));
	f->key = *k;
	f->index = index;
	f->gen = gen;
	f->fd = -1;
	f->born_ns = f->active_ns = now;
	f->hash_next = t->buckets[b];
	t->buckets[b] = index + 1;
	t->used++;
	flow_set_state(t, f, FLOW_ASKED);
	return f;
}

static void unhash(struct flow_table *t, const struct flow *f)
{
	uint32_t *link = &t->buckets[bucket_of(t, &f->key)];

	while (*link != f->index + 1) {
		assert(*link);
		link = &t->flows[*link - 1].hash_next;
	}
	*link = f->hash_next;
}

static bool is_legal(enum flow_state from, enum flow_state to)
{
	static const uint8_t next[] = {
		[FLOW_FREE] = 1 << FLOW_ASKED,
		[FLOW_ASKED] = 1 << FLOW_OPEN | 1 << FLOW_CLOSING | 1 << FLOW_DEAD,
		[FLOW_OPEN] = 1 << FLOW_CLOSING | 1 << FLOW_DEAD,
		[FLOW_CLOSING] = 1 << FLOW_DEAD,
		[FLOW_DEAD] = 1 << FLOW_FREE,
	};

	return next[from] & 1 << to;
}

void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state state)
{
	assert(is_legal(f->state, state));
	log_debug("flow %u.%u: %s -> %s", f->index, f->gen, flow_state_text(f->state),
		  flow_state_text(state));
	f->state = (uint8_t)state;
	if (state == FLOW_DEAD) {
		unhash(t, f);
		f->expires_ns = 0;
		f->hash_next = t->dead_head;
		t->dead_head = f->index + 1;
	}
}

void flow_reap(struct flow_table *t)
{
	while (t->dead_head) {
		struct flow *f = &t->flows[t->dead_head - 1];

		t->dead_head = f->hash_next;
		flow_set_state(t, f, FLOW_FREE);
		f->hash_next = t->free_head;
		t->free_head = f->index + 1;
		t->used--;
	}
}

void flow_expire(struct flow_table *t, uint64_t now, void (*expired)(struct stack *s, struct flow *f),
		 struct stack *s)
{
	for (uint32_t i = 0; i < t->peak; i++) {
		struct flow *f = &t->flows[i];

		if (f->expires_ns && f->expires_ns <= now && f->state != FLOW_FREE &&
		    f->state != FLOW_DEAD)
			expired(s, f);
	}
}

const char *flow_state_text(enum flow_state state)
{
	switch (state) {
	case FLOW_FREE:
		return "free";
	case FLOW_ASKED:
		return "asked";
	case FLOW_OPEN:
		return "open";
	case FLOW_CLOSING:
		return "closing";
	case FLOW_DEAD:
		return "dead";
	}
	return "?";
}
