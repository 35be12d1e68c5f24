/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: asks upstream resolvers for A and AAAA, through c-ares, in our own epoll loop.
 *
 * Nothing is cached here: answers are kept per sandbox (names.c), so that one sandbox can neither fill
 * nor observe what another one looked up.
 */
#ifndef EGRESS_RESOLVE_H
#define EGRESS_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/proto.h"
#include "netd/egress/lease.h"
#include "netd/egress/resolvconf.h"

struct resolve;
struct resolver;		/* one upstream configuration; shared by the sandboxes that use it */

enum {
	RESOLVERS_MAX = 16,	/* distinct lists of --resolver at a time, the host's included */
	RESOLVE_UNDERWAY_MAX = 4096,
};

struct resolve_answer {
	enum answer_status status;	/* OK, NXDOMAIN or FAILED */
	uint32_t ttl;			/* the least one */
	uint8_t n;
	struct addr addrs[PROTO_ADDRS_MAX];
};

/* Called once for each resolve_ask() that returned 0; maybe before that returns. */
typedef void resolve_done(void *arg, const struct resolve_answer *answer);

/* Makes every c-ares channel now, while files may still be opened. host: what resolv.conf said. */
int resolve_open(int epoll_fd, const struct resolvconf *host, struct resolve **ret_resolve);
/* list: as in proto_sandbox_add; none: the host's. 0, -ENOSPC when RESOLVERS_MAX are in use, -EINVAL. */
int resolver_get(struct resolve *r, const struct proto_resolver list[PROTO_RESOLVERS_MAX],
		 struct resolver **ret_resolver);
void resolver_put(struct resolver *u);

/* name: normal form. 0, or -errno (done is not called then). */
int resolve_ask(struct resolver *u, const char *name, bool v6, resolve_done *done, void *arg);

void resolve_event(struct resolve *r, uint64_t cookie, uint32_t epoll_events);
void resolve_tick(struct resolve *r);
int resolve_timeout_ms(struct resolve *r);

#endif
