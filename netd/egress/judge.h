/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: may this flow leave, and may this address be dialled for it? Pure: tables in, judgement out.
 */
#ifndef EGRESS_JUDGE_H
#define EGRESS_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/drop.h"
#include "lib/addr.h"
#include "lib/policy/policy.h"

struct lease_table;
struct name;

/* What stays the same for one sandbox. */
struct judge {
	const struct policy *policy;
	struct lease_table *leases;
	struct addr gw4, gw6;
};

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

struct judge_port {
	uint8_t proto;			/* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP */
	uint16_t port;			/* 0 with ICMP */
};

struct judgement {
	bool allow;
	enum drop_reason reason;	/* DROP_NONE when allowed */
	uint32_t rule;			/* line of the canonical policy, 0 = none */
	/* What the worker must read of it; denied: the language to refuse it in. */
	enum proto_inspect inspect;
	const char *note;		/* the rule's own reason, or ""; as long as the policy */
	struct name *name;		/* what the destination means; NULL when it is bare. Borrowed */
};

/* Is this an address that no rule can let a flow be dialled to? */
bool judge_never(const struct judge *j, const struct addr *a);

/*
 * The address that a program picked. A real address that was leased before a rule came to name it is both: the
 * name's, and when the name is not allowed, itself.
 */
struct judgement judge_flow(const struct judge *j, const struct addr *dst, const struct judge_port *port);
/*
 * In which language a flow to this name (or NULL) can be told that it is denied: web clients get an alert or
 * a page, others RST and ICMP (NONE), and so do those over a limit that bounds flows.
 */
enum proto_inspect judge_refusal(const struct name *name, const struct judge_port *port,
				 enum drop_reason reason);

/* A flow that was judged before: by the name it is bound to, or, bare, by its destination. */
struct judgement judge_again(const struct judge *j, struct name *name, const struct addr *dst,
			     const struct judge_port *port);

/*
 * May the flow be dialled to this address? name is NULL for a flow to a bare address. is_own: the address
 * is one of the host's. DROP_NONE, or why not.
 */
enum drop_reason judge_candidate(const struct judge *j, const struct name *name, const struct addr *a,
				 const struct judge_port *port, bool is_own);

/* May this address be handed to the sandbox as it is, for a name? (else the name gets a synthetic one) */
bool judge_may_lease(const struct judge *j, const struct addr *a, bool is_own);

#endif
