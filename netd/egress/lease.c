/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease: address <-> name, one to one, per sandbox. Runs in egress; fed with names that were judged and
 * addresses that were resolved; asked which name a flow's destination means.
 *
 * Theory of operation. An address handed to a sandbox for a name belongs to that name alone. Real
 * addresses are used while nobody else in this sandbox holds them; otherwise, and for addresses that a
 * CIDR rule already speaks about, the name gets one synthetic address per family from LEASE_SHARED4/6.
 * Denied names get theirs from LEASE_DENIED4/6. Because flows are dialled by name, it does not matter
 * which of a name's addresses a program picked.
 *
 * A lease lives as long as its name, and a name is given up only under pressure, oldest first, when no
 * flow, question or lookup holds it and LEASE_HOLD_S have passed since the sandbox last heard of it or
 * used it. That is ten times the longest TTL we hand out, so an address is never bound anew while a
 * program that obeys TTLs could still hold it; and synthetic addresses come from a cursor that
 * walks the whole pool before it returns. The IPv6 cursor never returns. Names below wildcards are as
 * many as limits.names allows (names.c): with the default of 1,000 there is no pressure, and no address of an
 * allowed name is ever bound anew.
 */
#include "netd/egress/lease.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

enum {
	HASH_SIZE = 8192,		/* buckets; power of two */
	POOL4_LAST = 65534,		/* host part: 1..65534 */
	RECLAIM_SCAN = 64,		/* names looked at for one to give up */
};

static const char *const pool_text[2][2] = {
	{ LEASE_SHARED4, LEASE_SHARED6 },
	{ LEASE_DENIED4, LEASE_DENIED6 },
};

static const struct cidr *pool(bool denied, bool v6)
{
	static struct cidr c[2][2];
	static bool ready;

	if (!ready) {
		for (int i = 0; i < 4; i++) {
			if (cidr_parse(pool_text[i / 2][i % 2], &c[i / 2][i % 2]) < 0)
				abort();
		}
		ready = true;
	}
	return &c[denied][v6];
}

bool lease_in_pool(const struct addr *a)
{
	for (int i = 0; i < 4; i++) {
		if (cidr_contains(pool(i / 2, i % 2), a))
			return true;
	}
	return false;
}

int lease_table_init(struct lease_table *t)
{
	memset(t, 0, sizeof(*t));
	/* Untouched pages cost nothing: a quiet sandbox pays for what it uses. */
	t->names = calloc(LEASE_NAMES_MAX, sizeof(*t->names));
	t->leases = calloc(LEASE_ADDRS_MAX, sizeof(*t->leases));
	t->name_hash = calloc(HASH_SIZE, sizeof(*t->name_hash));
	t->addr_hash = calloc(HASH_SIZE, sizeof(*t->addr_hash));
	if (!t->names || !t->leases || !t->name_hash || !t->addr_hash) {
		lease_table_done(t);
		return -ENOMEM;
	}
	TAILQ_INIT(&t->lru[0]);
	TAILQ_INIT(&t->lru[1]);
	hash_random(t->key, sizeof(t->key));
	return 0;
}

void lease_table_done(struct lease_table *t)
{
	free(t->names);
	free(t->leases);
	free(t->name_hash);
	free(t->addr_hash);
	memset(t, 0, sizeof(*t));
}

static uint32_t *name_bucket(struct lease_table *t, const char *text)
{
	return &t->name_hash[hash_sip(t->key, text, strlen(text)) & (HASH_SIZE - 1)];
}

static uint32_t *addr_bucket(struct lease_table *t, const struct addr *a)
{
	return &t->addr_hash[hash_sip(t->key, a->b, sizeof(a->b)) & (HASH_SIZE - 1)];
}

struct name *lease_name_find(struct lease_table *t, const char *text)
{
	for (uint32_t i = *name_bucket(t, text); i; i = t->names[i - 1].hash_next) {
		if (strcmp(t->names[i - 1].text, text) == 0)
			return &t->names[i - 1];
	}
	return NULL;
}

static struct lease *addr_lookup(struct lease_table *t, const struct addr *a)
{
	for (uint32_t i = *addr_bucket(t, a); i; i = t->leases[i - 1].hash_next) {
		if (addr_eq(&t->leases[i - 1].addr, a))
			return &t->leases[i - 1];
	}
	return NULL;
}

struct name *lease_find(struct lease_table *t, const struct addr *a)
{
	struct lease *l = addr_lookup(t, a);

	return l ? &t->names[l->name] : NULL;
}

/* ---- giving up --------------------------------------------------------------------------------- */

static void lease_free(struct lease_table *t, uint32_t index)
{
	struct lease *l = &t->leases[index];
	uint32_t *link = addr_bucket(t, &l->addr);

	while (*link != index + 1)
		link = &t->leases[*link - 1].hash_next;
	*link = l->hash_next;
	memset(l, 0, sizeof(*l));
	l->name_next = t->leases_free;
	t->leases_free = index + 1;
	t->n_leases--;
}

static void name_free(struct lease_table *t, struct name *n)
{
	uint32_t *link = name_bucket(t, n->text);
	uint32_t gen = n->gen, index = n->index;

	while (n->leases) {
		uint32_t i = n->leases - 1;

		n->leases = t->leases[i].name_next;
		lease_free(t, i);
	}
	while (*link != index + 1)
		link = &t->names[*link - 1].hash_next;
	*link = n->hash_next;
	TAILQ_REMOVE(&t->lru[n->denied], n, lru);
	*(n->denied ? &t->n_denied : &t->n_allowed) -= 1;
	memset(n, 0, sizeof(*n));
	n->gen = gen;
	n->index = index;
	n->hash_next = t->names_free;
	t->names_free = index + 1;
}

/* May nobody hold an address of this name any more? */
static bool is_idle(const struct name *n, uint64_t now)
{
	return n->refs == 0 && (n->leases == 0 || n->held_ns <= now);
}

/* Frees one idle name of this kind. False: there is none within reach. */
static bool reclaim(struct lease_table *t, bool denied, uint64_t now)
{
	struct name_list *lru = &t->lru[denied];
	struct name *n = TAILQ_FIRST(lru), *next;

	for (int i = 0; n && i < RECLAIM_SCAN; i++, n = next) {
		next = TAILQ_NEXT(n, lru);
		if (is_idle(n, now)) {
			name_free(t, n);
			return true;
		}
		/* What is in use is not old: out of the way of the next scan. */
		if (n->refs) {
			TAILQ_REMOVE(lru, n, lru);
			TAILQ_INSERT_TAIL(lru, n, lru);
		}
	}
	return false;
}

/* ---- making ------------------------------------------------------------------------------------ */

struct name *lease_name_new(struct lease_table *t, const char *text, bool denied, uint64_t now)
{
	uint32_t *count = denied ? &t->n_denied : &t->n_allowed;
	uint32_t max = denied ? LEASE_DENIED_MAX : LEASE_ALLOWED_MAX;
	uint32_t *bucket;
	struct name *n;

	if (strlen(text) >= sizeof(n->text))
		return NULL;
	if (*count >= max && !reclaim(t, denied, now))
		return NULL;
	/* A new policy may have moved so many names to the other kind that they are in our places. */
	if (t->n_allowed + t->n_denied >= LEASE_NAMES_MAX && !reclaim(t, !denied, now))
		return NULL;
	if (t->names_free) {
		n = &t->names[t->names_free - 1];
		t->names_free = n->hash_next;
	} else {
		/* Slots never used follow those in use: both caps together are the table. */
		n = &t->names[t->n_allowed + t->n_denied];
		n->index = t->n_allowed + t->n_denied;
	}
	n->gen++;
	n->used = true;
	n->denied = denied;
	memcpy(n->text, text, strlen(text) + 1);
	TAILQ_INIT(&n->questions);
	TAILQ_INIT(&n->flows);
	bucket = name_bucket(t, text);
	n->hash_next = *bucket;
	*bucket = n->index + 1;
	*count += 1;
	TAILQ_INSERT_TAIL(&t->lru[denied], n, lru);
	n->held_ns = now + LEASE_HOLD_S * NS_PER_S;
	return n;
}

void lease_hold(struct lease_table *t, struct name *n, uint64_t now)
{
	n->held_ns = now + LEASE_HOLD_S * NS_PER_S;
	TAILQ_REMOVE(&t->lru[n->denied], n, lru);
	TAILQ_INSERT_TAIL(&t->lru[n->denied], n, lru);
}

void lease_name_deny(struct lease_table *t, struct name *n, bool denied)
{
	if (n->denied == denied)
		return;
	TAILQ_REMOVE(&t->lru[n->denied], n, lru);
	*(n->denied ? &t->n_denied : &t->n_allowed) -= 1;
	n->denied = denied;
	*(denied ? &t->n_denied : &t->n_allowed) += 1;
	TAILQ_INSERT_TAIL(&t->lru[denied], n, lru);
}

static int lease_new(struct lease_table *t, struct name *n, const struct addr *a, bool synthetic)
{
	uint32_t *bucket = addr_bucket(t, a);
	struct lease *l;

	if (t->n_leases >= LEASE_ADDRS_MAX || n->n_leases >= LEASE_ADDRS_PER_NAME)
		return -ENOSPC;
	assert(t->leases);
	if (t->leases_free) {
		l = &t->leases[t->leases_free - 1];
		t->leases_free = l->name_next;
	} else {
		l = &t->leases[t->n_leases];
	}
	l->addr = *a;
	l->used = true;
	l->synthetic = synthetic;
	l->name = n->index;
	l->hash_next = *bucket;
	*bucket = (uint32_t)(l - t->leases) + 1;
	l->name_next = n->leases;
	n->leases = *bucket;
	n->n_leases++;
	t->n_leases++;
	return 0;
}

int lease_real(struct lease_table *t, struct name *n, const struct addr *a)
{
	struct lease *l = addr_lookup(t, a);

	if (l)
		return l->name == n->index ? 0 : -EEXIST;
	/* Two places per name stay free, so that a synthetic address of either family always fits. */
	if (n->n_leases >= LEASE_ADDRS_PER_NAME - 2 ||
	    t->n_leases >= LEASE_ADDRS_MAX - 2 * LEASE_NAMES_MAX)
		return -ENOSPC;
	return lease_new(t, n, a, false);
}

/* The pool's next address; the IPv4 pool is larger than the table, so a free one is always met. */
static struct addr pool_next(struct lease_table *t, bool denied, bool v6)
{
	uint64_t *cursor = &t->cursor[denied][v6];
	struct addr a = pool(denied, v6)->net;

	*cursor += 1;
	if (!v6 && *cursor > POOL4_LAST)
		*cursor = 1;
	for (size_t i = 0; i < (v6 ? 8u : 2u); i++)
		a.b[15 - i] = (uint8_t)(*cursor >> (8 * i));
	return a;
}

int lease_synthetic(struct lease_table *t, struct name *n, bool v6, struct addr *ret_addr)
{
	struct addr a;
	int r;

	for (uint32_t i = n->leases; i; i = t->leases[i - 1].name_next) {
		if (t->leases[i - 1].synthetic && addr_is_v4(&t->leases[i - 1].addr) != v6) {
			*ret_addr = t->leases[i - 1].addr;
			return 0;
		}
	}
	do {
		a = pool_next(t, n->denied, v6);
	} while (addr_lookup(t, &a));
	r = lease_new(t, n, &a, true);
	if (r == 0)
		*ret_addr = a;
	return r;
}
