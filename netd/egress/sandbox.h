/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: everything egress keeps for one sandbox, and its life.
 *
 * A sandbox that misbehaves is failed: its socket is closed, its dials end, netd is told, and nothing of
 * it is touched again until netd ends it. Memory is freed only between wake-ups (sandbox_settle()),
 * so no event handler can meet a freed one.
 */
#ifndef EGRESS_SANDBOX_H
#define EGRESS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "netd/egress/ask.h"
#include "netd/egress/bucket.h"
#include "netd/egress/eflow.h"
#include "netd/egress/judge.h"
#include "netd/egress/lease.h"
#include "netd/egress/meter.h"
#include "netd/egress/names.h"
#include "netd/egress/report.h"

struct egress;
struct evlog;
struct policy;
struct resolver;

enum sandbox_state {
	/* Asks are served. Next: CUT on a worker's fault or death, ENDING when netd says so. */
	SANDBOX_RUNNING = 1,
	/* The worker's socket is closed; nothing is dialled any more. Next: ENDING. Caveat: what it was
	 * handed before stays with it until netd ends it. */
	SANDBOX_CUT,
	/* The report is being written; netd waits for PROTO_GONE. Next: GONE. */
	SANDBOX_ENDING,
	/* Freed at the end of this wake-up. */
	SANDBOX_GONE,
};

struct sandbox {
	struct egress *eg;
	uint32_t slot, gen;
	uint32_t number;		/* netd's */
	uint8_t state;			/* enum sandbox_state; written by set_state() only */
	bool dirty;			/* on the list of those to settle */
	bool failing;			/* to be cut when this wake-up's events are handled */
	bool draining;			/* netd ended it: what the worker said last counts, nothing is dialled */
	bool out_blocked;		/* the worker's socket took no more */
	uint32_t ask_events;		/* what epoll watches of ask_fd */
	char label[PROTO_LABEL_CAP];
	int ask_fd, report_fd;
	uint64_t end_deadline_ns;	/* ENDING: give up on the report then */
	TAILQ_ENTRY(sandbox) dirty_link;

	struct policy *policy;
	struct judge judge;
	struct lease_table leases;
	struct resolver *resolver;
	struct eflow_table flows;
	struct names names;
	struct outbox out;
	struct report report;
	struct evlog *evlog;		/* NULL: no events wanted */

	struct bucket flow_rate;
	uint32_t dialing;		/* sockets under way */
	uint32_t fds_out;		/* connected sockets that wait in the outbox */
	struct eflow_list dial_queue;	/* flows that wait for a place to dial */
	struct meter meter;		/* byte budgets */
};

/*
 * fds: ask socket, policy, report socket, and with PROTO_HAS_EVENTS the events file; all taken. netd is
 * answered PROTO_READY, or PROTO_FAILED with the reason.
 */
void sandbox_add(struct egress *eg, const struct proto_sandbox_add *m, int *fds, size_t n_fds);
void sandbox_end(struct egress *eg, const struct proto_sandbox_end *m);
/*
 * The worker broke the contract: netd is told what it did, and its way out is closed. NULL: it closed its
 * socket, which netd knows better than we do. Takes effect in sandbox_settle().
 */
void sandbox_fail(struct sandbox *s, const char *what);
/* NULL: netd's number is nobody's. */
struct sandbox *sandbox_by_number(struct egress *eg, uint32_t number);
/* NULL for a stale cookie. */
struct sandbox *sandbox_by_cookie(struct egress *eg, uint64_t cookie);

/* Something waits to be flushed: look at it before the next sleep. */
void sandbox_touch(struct sandbox *s);
/* Flushes, reports, frees. Returns the ms until the next call is due, or -1. */
int sandbox_settle(struct egress *eg);
/* How many sockets this sandbox may hold open in dials just now. */
uint32_t sandbox_dials_max(const struct sandbox *s);

#endif
