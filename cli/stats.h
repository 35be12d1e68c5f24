/* SPDX-License-Identifier: Apache-2.0 */
/* stats: the counters of running sandboxes, asked for at their doors. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "lib/proto.h"

struct stats {
	char name[PROTO_LABEL_CAP];
	struct proto_stats m;
};

/* The counters of this sandbox. 0, or -errno with why (DOOR_WHY_CAP bytes). */
int stats_ask(const char *name, struct stats *ret, char *why);
/* Of all sandboxes of the caller that answer, by name. How many, with a heap array of them, or -errno. */
int stats_ask_all(struct stats **ret);
uint64_t stats_drops(const struct stats *s);

#endif
