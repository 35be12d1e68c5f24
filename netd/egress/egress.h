/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress: the world of the deciding process, and how its parts reach one another.
 *
 * One process serves all sandboxes. Everything that a worker can grow lives in its own sandbox's fixed
 * tables (struct sandbox); only the connect attempts and the upstream resolvers are shared, and both are
 * rationed per sandbox.
 *
 *	up_input -> sandbox_add | sandbox_end | reload              (netd)
 *	ask_input -> flow_ask -> judge -> dial -> flow_verdict      (worker)
 *	          -> name_ask -> judge -> resolve -> name_answer
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/addr.h"
#include "lib/hash.h"
#include "lib/proto.h"

struct dialer;
struct eflow;
struct hosts;
struct resolve;
struct sandbox;

enum {
	EGRESS_SANDBOXES_MAX = 1024,
	EGRESS_BATCH = 32,		/* messages of one worker per wake-up; then it is the next one's turn */
};

/* What an epoll event is about: kind << 56 | generation << 32 | index. */
enum watch_kind {
	WATCH_UP = 1,		/* netd's commands */
	WATCH_ASK,		/* a worker's socket; index = sandbox slot */
	WATCH_DIAL,		/* a connect under way; index = attempt slot */
	WATCH_DNS,		/* a try at a name server; index = its place */
};

static inline uint64_t watch_cookie(enum watch_kind kind, uint32_t gen, uint32_t index)
{
	return (uint64_t)kind << 56 | (uint64_t)(gen & 0xffffff) << 32 | index;
}

struct egress {
	uint64_t now;			/* monotonic ns, read once per wake-up */
	int epoll_fd;
	int up_fd;			/* to netd */
	int route_fd;			/* netlink, for "is this address ours?" */
	struct resolve *resolve;
	struct dialer *dialer;
	struct hosts *hosts;
	struct sandbox *sandboxes[EGRESS_SANDBOXES_MAX];
	TAILQ_HEAD(, sandbox) dirty;	/* to settle before the next sleep */
	uint32_t n_sandboxes;
	uint32_t gen;			/* of the newest sandbox slot */
	uint64_t flow_seq;		/* flow_id of the newest event flow */
	uint8_t key[HASH_KEY_LEN];	/* for every table keyed by foreign bytes */
	bool stopping;			/* netd is gone */
};

#endif
