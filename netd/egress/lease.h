/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease: which name an address means inside one sandbox.
 *
 * Theory of operation: lease.c. Pure tables: no I/O, time is passed in.
 */
#ifndef EGRESS_LEASE_H
#define EGRESS_LEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/addr.h"
#include "lib/hash.h"
#include "lib/proto.h"

struct eflow;
struct question;

enum {
	LEASE_ALLOWED_MAX = 3072,	/* names of each kind in one sandbox */
	LEASE_DENIED_MAX = 1024,
	LEASE_NAMES_MAX = LEASE_ALLOWED_MAX + LEASE_DENIED_MAX,
	LEASE_ADDRS_MAX = 16384,
	LEASE_ADDRS_PER_NAME = 48,	/* a CDN that rotates through more gives addresses already known */
	LEASE_HOLD_S = 600,		/* after the last answer or flow; far more than any TTL we hand out */
	LEASE_TTL_MAX_S = 60,		/* the longest TTL we hand out */
};

enum answer_status {
	ANSWER_NONE = 0,		/* never asked */
	ANSWER_OK,			/* addresses, or none of this family */
	ANSWER_NXDOMAIN,
	ANSWER_FAILED,
};

/* What the resolver said about one family of a name. */
struct answer {
	uint64_t expires_ns;		/* ask again then */
	uint64_t fetched_ns;		/* when addrs was true for the last time */
	bool asking;			/* a lookup is under way */
	bool stale;			/* of an older lookup, because the newest one failed */
	uint16_t ede;			/* RFC 8914 info code; 0xffff: none */
	uint32_t ttl_s;			/* what the sandbox is told */
	uint8_t status;			/* enum answer_status */
	uint8_t n;
	struct addr addrs[PROTO_ADDRS_MAX];
};

TAILQ_HEAD(question_list, question);
TAILQ_HEAD(eflow_list, eflow);

struct name {
	char text[PROTO_NAME_CAP];
	uint32_t index;
	uint32_t gen;			/* counts the lives of this slot */
	uint32_t hash_next;		/* index + 1 */
	uint32_t leases;		/* index + 1 of the first */
	uint32_t n_leases;
	uint32_t refs;			/* flows, questions and lookups that hold it */
	uint64_t held_ns;		/* not reclaimed before */
	bool used;
	bool denied;			/* not looked up; new addresses are of the denied pools */
	bool below_wildcard;		/* allowed by a wildcard only */
	bool has_left;			/* it is among names.left */
	bool over_budget;		/* it was refused because of names.budget */
	uint32_t rule;			/* that says so; 0 = none */
	uint16_t reason;		/* enum drop_reason, when denied */
	TAILQ_ENTRY(name) lru;
	struct answer answer[2];	/* [0] A, [1] AAAA */
	struct question_list questions;	/* waiting for a lookup */
	struct eflow_list flows;	/* likewise */
};

TAILQ_HEAD(name_list, name);

struct lease {
	struct addr addr;
	uint32_t name;			/* index of its name */
	uint32_t hash_next;		/* index + 1 */
	uint32_t name_next;		/* index + 1; also chains free slots */
	bool used;
	bool synthetic;
};

struct lease_table {
	struct name *names;
	struct lease *leases;
	uint32_t *name_hash, *addr_hash;
	uint32_t names_free, leases_free;	/* index + 1 */
	uint32_t n_allowed, n_denied, n_leases;
	uint64_t cursor[2][2];		/* next synthetic address: [denied][v6] */
	struct name_list lru[2];	/* [denied], oldest first */
	uint8_t key[HASH_KEY_LEN];
};

int lease_table_init(struct lease_table *t);
void lease_table_done(struct lease_table *t);

struct name *lease_name_find(struct lease_table *t, const char *text);
/*
 * A fresh name (it must not be in the table), held until now + LEASE_HOLD_S. NULL when the table is full of
 * names that a program may still hold: a counted refusal (DROP_LEASE_FULL).
 */
struct name *lease_name_new(struct lease_table *t, const char *text, bool denied, uint64_t now);
/* The sandbox was told about this name, or used it: keep its addresses for another LEASE_HOLD_S. */
void lease_hold(struct lease_table *t, struct name *n, uint64_t now);

/* A new policy says otherwise about this name. Its addresses stay its own. */
void lease_name_deny(struct lease_table *t, struct name *n, bool denied);

/* Whose is this address? NULL: nobody's. */
struct name *lease_find(struct lease_table *t, const struct addr *a);
/* Is the address inside one of our synthetic pools? */
bool lease_in_pool(const struct addr *a);
/* Leases a real address. 0, -EEXIST when another name holds it, -ENOSPC when a table is full. */
int lease_real(struct lease_table *t, struct name *n, const struct addr *a);
/* The name's synthetic address of this family, made if need be. 0 or -ENOSPC. */
int lease_synthetic(struct lease_table *t, struct name *n, bool v6, struct addr *ret_addr);
#endif
