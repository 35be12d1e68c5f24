/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: what the name servers say about a name, asked once for all sandboxes that use the same servers.
 *
 * No sandbox can find out here what another one looked up: resolve.c says how, and what is left.
 */
#ifndef EGRESS_RESOLVE_H
#define EGRESS_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/proto.h"
#include "netd/egress/query.h"
#include "netd/egress/resolvconf.h"

struct resolve;
struct resolver;		/* one list of name servers; shared by the sandboxes that use it */

enum {
	RESOLVERS_MAX = 16,	/* distinct lists of --resolver at a time, the host's included */
	RESOLVE_WAITING_MAX = 4096,
	RESOLVE_KNOWN_MAX = 8192,
	/* For how long an answer is kept, seconds. */
	RESOLVE_TTL_MIN = 5,
	RESOLVE_TTL_MAX = 300,
	RESOLVE_NEGATIVE_MIN = 2,
	RESOLVE_FAILED = 2,
};

/* Called once for each resolve_ask() that returned 0, and never before that returns. */
typedef void resolve_done(void *arg, const struct resolved *a, uint64_t expires_ns);

/*
 * lookups_max: how many names may be asked for upstream at a time, LOOKUP_FDS descriptors each. now is
 * borrowed for ever. host: what resolv.conf said.
 */
int resolve_open(int epoll_fd, const uint64_t *now, uint32_t lookups_max, const struct resolvconf *host,
		 struct resolve **ret_resolve);
/* list: as in proto_sandbox_add; none: the host's. 0, -ENOSPC when RESOLVERS_MAX are in use, -EINVAL. */
int resolver_get(struct resolve *r, const struct proto_resolver list[PROTO_RESOLVERS_MAX],
		 struct resolver **ret_resolver);
void resolver_put(struct resolver *u);

/* name: normal form. 0, or -errno (done is not called then). */
int resolve_ask(struct resolver *u, const char *name, bool v6, resolve_done *done, void *arg);

void resolve_event(struct resolve *r, uint64_t cookie, uint32_t epoll_events);
void resolve_tick(struct resolve *r);
/* ms until resolve_tick() is due, or -1. */
int resolve_timeout_ms(const struct resolve *r);

#endif
