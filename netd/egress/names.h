/* SPDX-License-Identifier: Apache-2.0 */
/* names: questions of one sandbox, what is known of the names, and the lookups that find it out. */
#ifndef EGRESS_NAMES_H
#define EGRESS_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/policy/policy.h"
#include "lib/proto.h"
#include "netd/egress/bucket.h"

struct name;
struct sandbox;

enum {
	QUESTIONS_MAX = 512,		/* waiting for a lookup, per sandbox */
	LOOKUPS_MAX = 64,		/* under way, per sandbox */
	/* Programs that do not cache ask twice per connection; what is known is answered from here. */
	QUESTION_RATE = 20000,		/* questions per second; bursts of twice that */
	LOOKUP_RATE = 50,		/* new lookups upstream per second; bursts of eight times that */
	NAMES_DEFAULT = 1000,		/* names below wildcards, in the sandbox's life */
};

struct question {
	uint64_t id;
	bool used;
	bool v6;
	uint32_t next_free;		/* index + 1 */
	TAILQ_ENTRY(question) link;
};

struct names {
	struct question *questions;	/* QUESTIONS_MAX of them */
	uint32_t free_head, high;
	uint32_t lookups;		/* under way */
	struct bucket question_rate, lookup_rate;
	uint64_t budget;		/* of names below wildcards */
	uint64_t left;			/* those that were asked for upstream */
	char first_over[PROTO_NAME_CAP];	/* the first one too many; "" while there is none */
};

int names_init(struct names *n, const struct policy_limits *limits, uint64_t now);
void names_done(struct names *n);
/* Those of a new policy. What was used counts on. */
void names_set_limits(struct names *n, const struct policy_limits *limits, uint64_t now);
/* 0, or -EBADMSG: the worker must be failed. */
int names_ask(struct sandbox *s, const struct proto_ask_name *m);
/* There is a new policy: which names are allowed is said anew, and who waits for one that is not is told. */
void names_judge_again(struct sandbox *s);
/*
 * Makes sure that what is known of this family is fresh, or that a lookup is under way. -EBUSY: neither,
 * too many at a time; -EDQUOT: neither, the sandbox has used up its budget of names.
 */
int names_refresh(struct sandbox *s, struct name *n, bool v6);

#endif
