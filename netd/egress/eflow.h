/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eflow: one flow as egress sees it, from PROTO_ASK_FLOW to PROTO_FLOW_END.
 *
 * Ids are the worker's; they are looked up in its own sandbox's table only. A denied flow leaves nothing
 * behind here.
 */
#ifndef EGRESS_EFLOW_H
#define EGRESS_EFLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bpf/drop.h"
#include "lib/addr.h"
#include "lib/hash.h"
#include "lib/proto.h"
#include "netd/egress/judge.h"
#include "netd/egress/lease.h"

struct sandbox;

enum {
	EFLOW_DEFAULT_MAX = 4096,
	EFLOW_LIMIT_MAX = 65536,
	EFLOW_TRIES = 8,		/* addresses tried per flow */
	EFLOW_RACERS = 3,		/* connects in flight at once per flow */
};

enum eflow_state {
	EFLOW_FREE = 0,
	EFLOW_QUEUED,		/* judged; waits for a place to dial. Next: DIALING */
	EFLOW_DIALING,		/* connects or lookups under way. Next: OPEN, or freed with a verdict */
	EFLOW_OPEN,		/* the worker has the socket. Next: freed at PROTO_FLOW_END, or CUT */
	EFLOW_CUT,		/* the socket carries nothing any more. Next: freed at PROTO_FLOW_END */
};

struct eflow {
	struct sandbox *sb;
	uint64_t id;
	uint32_t index;
	uint32_t hash_next;		/* index + 1; chains free slots as well */
	uint8_t state;			/* enum eflow_state; written by set_state() only */
	uint16_t sport;
	struct judge_port port;
	struct addr src, dst;
	struct name *name;		/* held by a reference; NULL for a bare address */
	uint32_t rule;
	uint8_t inspect;		/* enum proto_inspect: what the worker reads of it */
	char note[PROTO_NOTE_CAP];	/* its rule's own reason */
	struct addr peer;		/* what the worker was connected to */
	uint64_t event_id;
	uint64_t born_ns, born_wall_ns;
	int sock_fd;			/* OPEN: a second descriptor of its socket, to count and to cut it; else -1 */
	uint16_t cut;			/* enum drop_reason: CUT, why */
	bool metered;			/* CUT: its bytes are counted already */

	/* dialling; dial.c only */
	TAILQ_ENTRY(eflow) link;	/* sandbox's dial queue, or its name's waiting flows */
	TAILQ_ENTRY(eflow) step_link, deadline_link;
	bool waiting;			/* on name->flows */
	bool stepping;			/* on the list of next attempts */
	uint64_t step_ns, deadline_ns;
	uint8_t n_tried, n_racing;
	struct addr tried[EFLOW_TRIES];
	uint32_t racing[EFLOW_RACERS];	/* attempt slots */
	uint16_t refused;		/* enum drop_reason: why a candidate was not dialled */
	struct addr refused_addr;	/* that candidate */
	int err;			/* errno of the most telling failed attempt */
};

struct eflow_table {
	struct eflow *flows;
	uint32_t *buckets;
	uint32_t n_buckets;		/* power of two */
	uint32_t cap, used, high;
	uint32_t limit;			/* flows that may be at a time, 1..cap */
	uint32_t free_head;		/* index + 1 */
	uint8_t key[HASH_KEY_LEN];
};

/* cap 1..EFLOW_LIMIT_MAX. 0 or -ENOMEM. */
int eflow_table_init(struct eflow_table *t, uint32_t cap);
void eflow_table_done(struct eflow_table *t);

/* Handlers of the worker's messages. 0, or -EBADMSG: the worker must be failed. */
int eflow_ask(struct sandbox *s, const struct proto_ask_flow *m);
int eflow_inspected(struct sandbox *s, const struct proto_inspected *m);
int eflow_end(struct sandbox *s, const struct proto_flow_end *m);

/* What came of the dial; each writes the verdict. fd is taken. f is gone after the latter two. */
void eflow_connected(struct eflow *f, int fd, const struct addr *peer);
void eflow_refuse(struct eflow *f, enum drop_reason reason);
void eflow_fail(struct eflow *f, enum drop_reason reason, int err);

void eflow_set_dialing(struct eflow *f);
/* NULL: this sandbox has no such flow. */
struct eflow *eflow_find(struct sandbox *s, uint64_t id);
/*
 * Ends an OPEN flow: from here on its socket carries nothing, whatever the worker does, and the worker is told.
 * f stays until the worker has said its end.
 */
void eflow_cut(struct eflow *f, enum drop_reason reason);
/* The same because of a new policy that does not allow it: logged and reported. */
void eflow_cut_by(struct eflow *f, const struct judgement *j);
/* Which rule lets it through, or does not. */
void eflow_set_rule(struct eflow *f, const struct judgement *j);
/* Ends every flow: dials are cancelled, no verdicts are sent. */
void eflow_end_all(struct sandbox *s, enum drop_reason reason);

#endif
