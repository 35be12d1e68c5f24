/* SPDX-License-Identifier: Apache-2.0 */
/* relay: a child's stderr, line by line, onto ours: named, printable, bounded. */
#ifndef NETD_RELAY_H
#define NETD_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELAY_LINE_CAP = 1024 };

struct relay {
	const char *name;		/* "sluice-stack"; borrowed */
	char line[RELAY_LINE_CAP];
	size_t len;
	uint64_t bytes;			/* relayed so far */
};

void relay_init(struct relay *r, const char *name);
/* Reads what is there, a bounded amount per call. False when the other end is closed. */
bool relay_input(struct relay *r, int fd);
/* What a dead child left in its pipe; fd may be -1. */
void relay_drain(struct relay *r, int fd);

#endif
