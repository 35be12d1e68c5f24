/* SPDX-License-Identifier: Apache-2.0 */
/* violations: what the filter of system calls refused, told to people and on --status-fd (--seccomp-mode). */
#ifndef CLI_VIOLATIONS_H
#define CLI_VIOLATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/jail.h"

enum { VIOLATIONS_CALLS = 256 };

/* All zero to begin with. */
struct violations {
	struct {
		uint32_t arch, number;
		uint64_t count;
	} calls[VIOLATIONS_CALLS];
	size_t n;
	uint64_t others;	/* of calls that found no room */
};

/* The first ones of each call are told one by one, the others are counted: the program decides how many there are. */
void violations_take(struct violations *vs, const struct jail_violation *v, int status_fd, bool quiet);
void violations_end(const struct violations *vs, bool quiet);

#endif
