/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evlog: the writer behind the event log: bounded in rate and size, never waits for a slow reader.
 *
 * Events are evidence, not enforcement: when the file fails (disk full, reader gone) that is said once on
 * stderr, what is lost is counted, and the gateway goes on.
 */
#ifndef EGRESS_EVLOG_H
#define EGRESS_EVLOG_H

#include <stddef.h>
#include <stdint.h>

struct evlog;

enum {
	EVLOG_LINE_MAX = 4096,		/* the longest line; also what a pipe takes whole (PIPE_BUF) */
	EVLOG_RATE = 10000,		/* events per second and sandbox, after a burst of four times that */
};

/* fd is taken. NULL on -ENOMEM. label is borrowed and must outlive it. */
struct evlog *evlog_new(int fd, const char *label, uint64_t now);
/* Writes out what it can and closes. */
void evlog_free(struct evlog *l);
/* May an event be written now? Counts the refusals; *ret_lost gets and clears the count when it may. */
int evlog_may(struct evlog *l, uint64_t now, uint64_t *ret_lost);
/* One line without its newline. */
void evlog_line(struct evlog *l, const char *line, size_t len);
/* Writes out what is buffered if it is old or large. Returns ms until it must be called again, -1: never. */
int evlog_settle(struct evlog *l, uint64_t now);

#endif
