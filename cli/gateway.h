/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: sluice-netd as seen by the caller: start it, attach a namespace, hear of its death, end it and
 * read the report.
 *
 * start, ask, attached, [died], end. Whatever happens to the caller after start, netd sees its end and
 * leaves nothing behind.
 */
#ifndef CLI_GATEWAY_H
#define CLI_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/options.h"
#include "lib/proto.h"

struct policy;

struct gateway {
	const struct options *o;	/* borrowed */
	pid_t netd;			/* 0: none */
	int control, report;
	int report_far;			/* egress's end, until it is handed over */
	int policy, events, pcap;	/* until they are handed over */
	uint32_t sandbox;		/* 0: none yet */
	bool died;			/* netd said so, or is gone */
	bool lasting;			/* the namespace is not ours: netd's end tells that the link is gone */
	char why[PROTO_TEXT_CAP];
	/* Called with the answer (PROTO_POLICY_STATE, PROTO_ERROR) to a PROTO_POLICY_SET, and with PROTO_STATS. */
	void (*answer)(void *arg, const void *m, size_t len);
	void *answer_arg;
};

#define GATEWAY_NONE ((struct gateway){ .control = -1, .report = -1, .report_far = -1, .policy = -1,        \
	.events = -1, .pcap = -1 })

/* With the caller's rights; path NULL: nothing. 0, or -errno with the one line told. */
int gateway_open_log(const char *option, const char *path, int *ret_fd);
/* The canonical policy in memory that nobody can change any more. 0 or -errno. */
int gateway_seal_policy(const struct policy *p, int *ret_fd);
/* Opens the logs and finds a listening netd, with the caller's rights. 0, or -errno with the one line told. */
int gateway_prepare(struct gateway *g, const struct options *o);
/* Starts netd in the present network namespace, unless one that listens was found by gateway_prepare(). 0, or -errno with the one line told. */
int gateway_start(struct gateway *g);
/* Asks for the sandbox; flags: of enum proto_sandbox_flags. 0, or -errno with the one line told. */
int gateway_ask(struct gateway *g, int netns, uint32_t flags);
/* Waits until it stands. 0, or -errno with the one line told. */
int gateway_attached(struct gateway *g, struct proto_created *ret_created);
/* Call when g->control is readable. False, with the line told, when the gateway has died. */
bool gateway_input(void *g);
/* Orderly end: report read and, unless quiet, told. Bounded in time. Safe at any point. */
void gateway_end(struct gateway *g);

#endif
