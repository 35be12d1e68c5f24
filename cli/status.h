/* SPDX-License-Identifier: Apache-2.0 */
/* status: the JSON lines of --status-fd, for programs that start sluice. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <sys/types.h>

#include "lib/proto.h"
#include "sandbox/jail.h"
#include "sandbox/limits.h"

/* fd -1: nothing is written, everywhere. A reader that went away is ignored. */

/* Times are told from here on; first thing. */
void status_clock(void);
/* A part of the start stands now. */
void status_step(int fd, const char *step);
/* sluice failed, or the program could not be run: what log_err() said last. code: a word of sluice(1). */
void status_error(int fd, const char *code);
/* c NULL: without a gateway. */
void status_started(int fd, const char *event, const char *name, pid_t pid,
		    const struct proto_created *c);
struct status_violation {
	const struct jail_violation *of;
	const char *name, *abi, *answer;
	uint32_t number;
};
void status_violation(int fd, const struct status_violation *v);
void status_gateway_died(int fd, const char *why);
/* res: NULL, or of a program that was started. */
void status_exited(int fd, int status, const struct jail_result *res);

#endif
