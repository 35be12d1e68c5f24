/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: the cache of answers in front of lookup.c. Runs in egress.
 *
 * Theory of operation. Whoever asks for what is known, or is being asked for, adds nothing upstream; but
 * the time that an answer takes must not tell a sandbox what another one looked up. So an answer from
 * here comes no sooner after its question than the lookup took that found it, and the TTL that a sandbox
 * is told (names.c) is the whole one, not what is left of it. The repetitions of one sandbox do not come
 * here: names.c keeps what its own sandbox was told.
 *
 * What is left: when an answer expires depends on when it was found first, and the name servers' own
 * cache, which we cannot see into, answers faster what anybody on this network asked it before.
 */
#include "netd/egress/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/clock.h"
#include "lib/hash.h"
#include "netd/egress/lookup.h"

enum {
	DNS_PORT = 53,
	BUCKETS = 8192,			/* power of two */
	/* resolv.conf(5): defaults of the C library would keep a program waiting for too long. */
	TRIES_MIN = 3,
	ATTEMPTS = 2,
	LIMIT_S = 5,
	LIMIT_MIN_S = 2,
};

struct resolver {
	struct resolve *r;
	struct proto_resolver list[PROTO_RESOLVERS_MAX];	/* none: the host's */
	struct upstream upstream;
	uint32_t refs;
	uint32_t gen;			/* of the list: what was known of an older one is not found */
};

/* One question that waits: for a lookup, or for its time. */
struct waiter {
	struct entry *entry;
	resolve_done *done;
	void *arg;
	uint64_t start_ns, due_ns;
	TAILQ_ENTRY(waiter) link;	/* the entry's, or resolve.late, or resolve.free_waiters */
};

TAILQ_HEAD(waiter_list, waiter);

struct key {
	uint32_t gen;
	uint16_t resolver;
	uint16_t v6;
	char name[PROTO_NAME_CAP];	/* zeroes behind it */
};

struct entry {
	struct key key;
	struct resolver *u;
	uint32_t hash_next;		/* index + 1; chains unused entries as well */
	uint32_t refs;			/* waiters and the lookup */
	bool asking;
	struct waiter_list waiters;	/* for the lookup */
	TAILQ_ENTRY(entry) lru;
	uint64_t asked_ns, took_ns, expires_ns;
	struct resolved answer;
};

struct resolve {
	const uint64_t *now;
	struct lookups *lookups;
	struct entry *entries;
	uint32_t *buckets;
	uint32_t n_entries;		/* used ones; none is ever unused again */
	TAILQ_HEAD(, entry) lru;	/* all of them, oldest first */
	struct waiter *waiters;
	struct waiter_list free_waiters, late;	/* late: those whose answer is known, by due_ns */
	uint8_t key[HASH_KEY_LEN];
	struct resolver resolvers[RESOLVERS_MAX];	/* [0]: the host's */
};

/* ---- lists of servers ------------------------------------------------------------------------------- */

static uint8_t between(unsigned int v, unsigned int min, unsigned int max)
{
	return (uint8_t)(v < min ? min : v > max ? max : v);
}

static void set_upstream(struct resolver *u, const struct proto_resolver list[PROTO_RESOLVERS_MAX],
			 const struct resolvconf *host)
{
	unsigned int attempts = host->attempts ? host->attempts : ATTEMPTS;
	struct upstream *up = &u->upstream;

	memset(up, 0, sizeof(*up));
	for (int i = 0; i < PROTO_RESOLVERS_MAX && list[i].port; i++)
		up->servers[up->n++] = (struct server){ .addr = list[i].addr, .port = list[i].port };
	up->tries = between(attempts * up->n, host->attempts ? up->n : TRIES_MIN, UINT8_MAX);
	up->limit_s = LIMIT_S;
	if (host->timeout_s)
		up->limit_s = between(host->timeout_s * attempts, LIMIT_MIN_S, LOOKUP_LIMIT_MAX_S);
	up->rotate = host->rotate;
	up->tcp_only = host->use_vc;
}

static void on_lookup(void *arg, const struct resolved *a);

int resolve_open(int epoll_fd, const uint64_t *now, uint32_t lookups_max, const struct resolvconf *host,
		 struct resolve **ret_resolve)
{
	struct proto_resolver list[PROTO_RESOLVERS_MAX] = { 0 };
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	/* Untouched pages cost nothing. */
	r->entries = calloc(RESOLVE_KNOWN_MAX, sizeof(*r->entries));
	r->buckets = calloc(BUCKETS, sizeof(*r->buckets));
	r->waiters = calloc(RESOLVE_WAITING_MAX, sizeof(*r->waiters));
	r->lookups = lookups_new(epoll_fd, now, lookups_max, on_lookup);
	if (!r->entries || !r->buckets || !r->waiters || !r->lookups)
		goto err_free;
	r->now = now;
	hash_random(r->key, sizeof(r->key));
	TAILQ_INIT(&r->lru);
	TAILQ_INIT(&r->late);
	TAILQ_INIT(&r->free_waiters);
	for (uint32_t i = 0; i < RESOLVE_WAITING_MAX; i++)
		TAILQ_INSERT_TAIL(&r->free_waiters, &r->waiters[i], link);
	for (uint32_t i = 0; i < RESOLVERS_MAX; i++)
		r->resolvers[i].r = r;
	for (int i = 0; i < host->n; i++)
		list[i] = (struct proto_resolver){ .addr = host->servers[i], .port = DNS_PORT };
	set_upstream(&r->resolvers[0], list, host);
	r->resolvers[0].refs = 1;
	*ret_resolve = r;
	return 0;
err_free:
	lookups_free(r->lookups);
	free(r->waiters);
	free(r->buckets);
	free(r->entries);
	free(r);
	return -ENOMEM;
}

int resolver_get(struct resolve *r, const struct proto_resolver list[PROTO_RESOLVERS_MAX],
		 struct resolver **ret_resolver)
{
	static const struct resolvconf plain;
	struct resolver *u, *vacant = NULL;

	if (!list[0].port) {
		r->resolvers[0].refs++;
		*ret_resolver = &r->resolvers[0];
		return 0;
	}
	for (int i = 1; i < RESOLVERS_MAX; i++) {
		u = &r->resolvers[i];
		if (u->refs && memcmp(u->list, list, sizeof(u->list)) == 0) {
			u->refs++;
			*ret_resolver = u;
			return 0;
		}
		if (!u->refs && !vacant)
			vacant = u;
	}
	if (!vacant)
		return -ENOSPC;
	/* What its last user still waits for would be asked of the new servers. */
	lookup_cancel(r->lookups, &vacant->upstream);
	memcpy(vacant->list, list, sizeof(vacant->list));
	set_upstream(vacant, list, &plain);
	vacant->gen++;
	vacant->refs = 1;
	*ret_resolver = vacant;
	return 0;
}

void resolver_put(struct resolver *u)
{
	u->refs--;
}

/* ---- what is known ---------------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct resolve *r, const struct key *k)
{
	return &r->buckets[hash_sip(r->key, k, sizeof(*k)) & (BUCKETS - 1)];
}

static struct entry *entry_find(struct resolve *r, const struct key *k)
{
	for (uint32_t i = *bucket_of(r, k); i; i = r->entries[i - 1].hash_next) {
		if (memcmp(&r->entries[i - 1].key, k, sizeof(*k)) == 0)
			return &r->entries[i - 1];
	}
	return NULL;
}

/* The oldest entry that nobody waits for. There is one: there are fewer waiters than entries. */
static struct entry *entry_reclaim(struct resolve *r)
{
	struct entry *e = TAILQ_FIRST(&r->lru);
	uint32_t index, *link;

	while (e && e->refs) {
		struct entry *busy = e;

		/* Not old, then: out of the way of the next search. */
		e = TAILQ_NEXT(e, lru);
		TAILQ_REMOVE(&r->lru, busy, lru);
		TAILQ_INSERT_TAIL(&r->lru, busy, lru);
	}
	if (!e)
		return NULL;
	index = (uint32_t)(e - r->entries);
	link = bucket_of(r, &e->key);
	while (*link != index + 1)
		link = &r->entries[*link - 1].hash_next;
	*link = e->hash_next;
	TAILQ_REMOVE(&r->lru, e, lru);
	return e;
}

static_assert(RESOLVE_KNOWN_MAX > RESOLVE_WAITING_MAX, "an entry can always be reclaimed");

static struct entry *entry_new(struct resolve *r, struct resolver *u, const struct key *k)
{
	struct entry *e = r->n_entries < RESOLVE_KNOWN_MAX ? &r->entries[r->n_entries++] : entry_reclaim(r);
	uint32_t *bucket = bucket_of(r, k);

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->key = *k;
	e->u = u;
	TAILQ_INIT(&e->waiters);
	e->hash_next = *bucket;
	*bucket = (uint32_t)(e - r->entries) + 1;
	TAILQ_INSERT_TAIL(&r->lru, e, lru);
	return e;
}

static uint64_t lifetime_ns(const struct resolved *a)
{
	uint32_t ttl = a->ttl > RESOLVE_TTL_MAX ? RESOLVE_TTL_MAX : a->ttl;

	if (a->status == ANSWER_FAILED)
		ttl = RESOLVE_FAILED;
	else if (!a->n)
		ttl = ttl < RESOLVE_NEGATIVE_MIN ? RESOLVE_NEGATIVE_MIN : ttl;
	else
		ttl = ttl < RESOLVE_TTL_MIN ? RESOLVE_TTL_MIN : ttl;
	return ttl * NS_PER_S;
}

/* ---- waiting ---------------------------------------------------------------------------------------- */

static void deliver(struct resolve *r, struct waiter *w)
{
	struct entry *e = w->entry;
	resolve_done *done = w->done;
	void *arg = w->arg;

	TAILQ_INSERT_HEAD(&r->free_waiters, w, link);
	e->refs--;
	done(arg, &e->answer, e->expires_ns);
}

/* The answer is known: it comes when it would have come to one who asked alone. */
static void set_due(struct resolve *r, struct waiter *w)
{
	struct waiter *before = TAILQ_LAST(&r->late, waiter_list);

	w->due_ns = w->start_ns + w->entry->took_ns;
	while (before && before->due_ns > w->due_ns)
		before = TAILQ_PREV(before, waiter_list, link);
	if (before)
		TAILQ_INSERT_AFTER(&r->late, before, w, link);
	else
		TAILQ_INSERT_HEAD(&r->late, w, link);
}

static void on_lookup(void *arg, const struct resolved *a)
{
	struct entry *e = arg;
	struct resolve *r = e->u->r;
	struct waiter *w;

	e->asking = false;
	e->answer = *a;
	e->took_ns = *r->now - e->asked_ns;
	e->expires_ns = *r->now + lifetime_ns(a);
	while ((w = TAILQ_FIRST(&e->waiters))) {
		TAILQ_REMOVE(&e->waiters, w, link);
		set_due(r, w);
	}
	e->refs--;
}

static void deliver_due(struct resolve *r)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&r->late)) && w->due_ns <= *r->now) {
		TAILQ_REMOVE(&r->late, w, link);
		deliver(r, w);
	}
}

/* ---- questions -------------------------------------------------------------------------------------- */

static int ask_upstream(struct resolve *r, struct entry *e)
{
	int err;

	e->asking = true;
	e->asked_ns = *r->now;
	e->refs++;
	err = lookup_start(r->lookups, &e->u->upstream, e->key.name, e->key.v6, e);
	if (err < 0) {
		e->asking = false;
		e->refs--;
	}
	return err;
}

int resolve_ask(struct resolver *u, const char *name, bool v6, resolve_done *done, void *arg)
{
	struct resolve *r = u->r;
	struct waiter *w = TAILQ_FIRST(&r->free_waiters);
	struct key k = { .gen = u->gen, .resolver = (uint16_t)(u - r->resolvers), .v6 = v6 };
	struct entry *e;

	if (!w || strlen(name) >= sizeof(k.name))
		return -ENOSPC;
	memcpy(k.name, name, strlen(name));
	e = entry_find(r, &k);
	if (!e)
		e = entry_new(r, u, &k);
	if (!e)
		return -ENOSPC;
	TAILQ_REMOVE(&r->lru, e, lru);
	TAILQ_INSERT_TAIL(&r->lru, e, lru);
	TAILQ_REMOVE(&r->free_waiters, w, link);
	*w = (struct waiter){ .entry = e, .done = done, .arg = arg, .start_ns = *r->now };
	e->refs++;
	if (!e->asking && e->expires_ns > *r->now) {
		set_due(r, w);
		return 0;
	}
	TAILQ_INSERT_TAIL(&e->waiters, w, link);
	if (e->asking || ask_upstream(r, e) == 0)
		return 0;
	TAILQ_REMOVE(&e->waiters, w, link);
	TAILQ_INSERT_HEAD(&r->free_waiters, w, link);
	e->refs--;
	return -ENOSPC;
}

/* ---- loop ------------------------------------------------------------------------------------------- */

void resolve_event(struct resolve *r, uint64_t cookie, uint32_t epoll_events)
{
	lookup_event(r->lookups, cookie, epoll_events);
	deliver_due(r);
}

void resolve_tick(struct resolve *r)
{
	lookup_tick(r->lookups);
	deliver_due(r);
}

int resolve_timeout_ms(const struct resolve *r)
{
	const struct waiter *w = TAILQ_FIRST(&r->late);
	int lookup = lookup_timeout_ms(r->lookups), late;

	if (!w)
		return lookup;
	late = w->due_ns <= *r->now ? 0 : (int)((w->due_ns - *r->now + NS_PER_MS - 1) / NS_PER_MS);
	return lookup < 0 || late < lookup ? late : lookup;
}
