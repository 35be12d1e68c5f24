/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter: byte budgets of a sandbox (limits: up_bytes, down_bytes), enforced here and not by the worker.
 */
#ifndef EGRESS_METER_H
#define EGRESS_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/drop.h"
#include "lib/policy/policy.h"

struct eflow;
struct sandbox;

struct meter {
	uint64_t up_max, down_max;	/* 0 = none */
	uint64_t up, down;		/* payload of ended flows */
	uint64_t live_up, live_down;	/* of live ones, as of the last look */
	uint64_t looked_ns;		/* at the live flows */
	uint64_t next_ns;		/* of the next look */
	uint16_t over;			/* enum drop_reason once a budget is used up; it stays so */
	bool cut;			/* the live flows were cut for it */
};

void meter_init(struct meter *m, const struct policy_limits *limits);
/* May another flow be let through? DROP_BYTES_UP or DROP_BYTES_DOWN when a budget is used up, else DROP_NONE. */
enum drop_reason meter_over(struct sandbox *s);
/* Other budgets, from now on; what was used counts. */
void meter_set_limits(struct meter *m, const struct policy_limits *limits);
/* The flow is open: it is to be counted. */
void meter_flow(struct eflow *f);
/* The flow is over. up, down: the worker's word, for sockets that the kernel keeps no count of. */
void meter_flow_end(struct eflow *f, uint64_t up, uint64_t down);
/* It is about to be cut, and the kernel's counts with it. */
void meter_flow_cut(struct eflow *f);
/* Looks at the live flows when it is time, cuts them when a budget is used up. ms to the next look, or -1. */
int meter_check(struct sandbox *s);

#endif
