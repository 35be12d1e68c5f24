/* SPDX-License-Identifier: Apache-2.0 */
/* lookup: asks the name servers of one list until one of them answers. */
#ifndef EGRESS_LOOKUP_H
#define EGRESS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/proto.h"
#include "netd/egress/query.h"

struct lookups;

enum {
	LOOKUP_STEP_MS = 1000,		/* then the next server is asked as well */
	LOOKUP_LIMIT_MAX_S = 8,		/* the worker gives up after 10 */
	LOOKUP_FDS = 3,			/* sockets of one lookup */
};

struct server {
	struct addr addr;
	uint16_t port;
	uint8_t silent;			/* lookups in a row that it left unanswered */
	bool no_edns;			/* it choked on EDNS once */
	uint64_t last_until_ns;		/* asked last until then: it was silent */
	uint64_t tcp_until_ns;		/* asked over TCP until then: it does not keep the case of names */
	uint64_t told_ns;		/* when a forged reply was logged last */
};

struct upstream {
	struct server servers[PROTO_RESOLVERS_MAX];
	uint8_t n;
	uint8_t tries;			/* queries per lookup in all */
	uint8_t limit_s;		/* a lookup lasts that long at most */
	bool rotate, tcp_only;
};

typedef void lookup_done(void *arg, const struct resolved *a);

/* max lookups at a time, LOOKUP_FDS descriptors each. now is borrowed. NULL on -ENOMEM. */
struct lookups *lookups_new(int epoll_fd, const uint64_t *now, uint32_t max, lookup_done *done);
void lookups_free(struct lookups *t);

/*
 * name: normal form. u is borrowed until the end. 0 or -ENOSPC; done is called once after 0, maybe before
 * this returns.
 */
int lookup_start(struct lookups *t, struct upstream *u, const char *name, bool v6, void *arg);
/* Ends every lookup of u, as failed. */
void lookup_cancel(struct lookups *t, const struct upstream *u);

void lookup_event(struct lookups *t, uint64_t cookie, uint32_t epoll_events);
void lookup_tick(struct lookups *t);
/* ms until lookup_tick() is due, or -1. */
int lookup_timeout_ms(const struct lookups *t);

#endif
