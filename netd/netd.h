/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netd: the supervisor's one state, shared by its modules (main, control, decider, sandbox).
 */
#ifndef NETD_NETD_H
#define NETD_NETD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clock.h"
#include "lib/proto.h"
#include "lib/sibling.h"
#include "netd/link.h"
#include "netd/relay.h"
#include "netd/spawn.h"

enum {
	NETD_CONTROL_FD = 3,
	NETD_SANDBOXES_MAX = 64,
	NETD_START_MS = 10000,		/* until a child must have said READY */
	NETD_STOP_MS = 2000,		/* until a worker that was asked to stop is killed */
	NETD_KILL_MS = 5000,		/* until a killed child must be gone */
	NETD_REPORT_MS = 5000,		/* until egress must have written the report */
	NETD_POLICY_MS = 30000,		/* until egress must have taken a new policy; the longest takes seconds */
	NETD_FLOWS_DEFAULT = 4096,
	NETD_FLOWS_MAX = 65536,
};

enum sandbox_state {
	/* Free slot. */
	SANDBOX_FREE = 0,
	/* Egress was told and reads the policy; meanwhile the link is made. Next: STARTING on READY. */
	SANDBOX_ADDING,
	/* A worker was given the sandbox and confines itself. Next: LIVE on READY. */
	SANDBOX_STARTING,
	/* The program may run. */
	SANDBOX_LIVE,
	/* The worker was asked to stop, or killed. Next: REPORTING when it is reaped. */
	SANDBOX_STOPPING,
	/* Egress writes the last events and the report. Next: FREE. */
	SANDBOX_REPORTING,
};

struct sandbox {
	enum sandbox_state state;
	uint32_t number;		/* unique in netd's life; 0 in a free slot */
	uint64_t deadline;		/* ns; 0: none */
	struct proto_create want;
	struct link link;
	bool linked;
	struct child worker;
	struct relay relay;
	int supervise_fd;
	int ask_fd, pcap_fd;		/* the worker's, until it is started */
	bool in_egress;			/* egress knows it and must be told of its end */
	bool told;			/* the cli knows that it is over */
	bool asking_stats;		/* LIVE: the worker owes its counters */
	bool setting;			/* LIVE: egress reads a new policy; deadline says until when */
	bool killed;			/* SIGKILL was sent */
	char link_text[PROTO_TEXT_CAP];
	char why[PROTO_TEXT_CAP];	/* why it failed; "" after an orderly end */
};

/* A worker that waits for a sandbox: one that was never given any. */
struct spare {
	struct child child;		/* pid 0: none */
	int supervise_fd;
};

struct decider {
	struct child child;
	struct relay relay;
	int fd;				/* command socket; -1 when egress is gone */
	char why[PROTO_TEXT_CAP];	/* why it is gone */
};

struct netd {
	int epoll_fd, signal_fd;
	int control_fd;			/* -1 when the cli is gone */
	bool pooled;			/* the client came by the listening socket and is not our parent */
	uid_t client;			/* pooled: whom it runs as */
	bool stopping;			/* no new sandbox; ends when the last one is gone */
	uint64_t now;
	uint32_t next_number;
	char stack_path[SIBLING_PATH_CAP];
	struct decider decider;
	struct spare spare;
	struct sandbox sandboxes[NETD_SANDBOXES_MAX];
};

/* What an epoll event is about. */
enum source {
	SOURCE_SIGNAL = 1,
	SOURCE_CONTROL,
	SOURCE_EGRESS,
	SOURCE_EGRESS_END,
	SOURCE_EGRESS_LOG,
	SOURCE_WORKER,
	SOURCE_WORKER_END,
	SOURCE_WORKER_LOG,
};

/* number: the sandbox's, 0 for what is not a sandbox's. 0 or -errno. */
int netd_watch(struct netd *n, int fd, enum source source, uint32_t number);
void netd_unwatch(struct netd *n, int fd);
/* The cli may be gone from here on: whoever reads its stderr to the end shall not wait for us. */
void netd_let_go(struct netd *n);

/* ---- control.c: the cli ------------------------------------------------------------------------- */

void control_input(struct netd *n);
/* Forgets the client and ends its sandboxes. */
void control_drop(struct netd *n);
void control_created(struct netd *n, const struct sandbox *sb);
/* Tells the cli, once, that the sandbox is over: PROTO_ERROR before it was created, else PROTO_ENDED. */
void control_over(struct netd *n, struct sandbox *sb, bool was_created);
void control_error(struct netd *n, uint32_t number, const char *text);
/* What the worker counted. */
void control_stats(struct netd *n, const struct proto_stats *m);
/* What came of a new policy. */
void control_policy_state(struct netd *n, const struct proto_policy_state *m);

/* ---- decider.c: egress ---------------------------------------------------------------------------- */

/* Must be called while netd is in the host's network namespace. why: PROTO_TEXT_CAP bytes. */
int decider_start(struct netd *n, char *why);
void decider_input(struct netd *n);
void decider_ended(struct netd *n);
void decider_log(struct netd *n);
/* Hands over ask socket, policy, report socket and, with PROTO_HAS_EVENTS, events. */
int decider_add(struct netd *n, const struct sandbox *sb, const int *fds, size_t n_fds);
int decider_end(struct netd *n, uint32_t number);
/* A new policy for a sandbox that egress knows. 0 or -errno. */
int decider_set(struct netd *n, uint32_t number, int policy);
/* It does not take messages any more: ends it, so that decider.why is known. */
void decider_settle(struct netd *n);
/* Kills and reaps it; the last thing netd does. */
void decider_stop(struct netd *n);

/* ---- spare.c: workers started before they are needed ------------------------------------------------ */

/* Starts one if there is none. Must be called in the port namespace. 0 or -errno. */
int spare_fill(struct netd *n);
/* The spare one, or one started now; n->spare is empty afterwards. 0 or -errno. */
int spare_take(struct netd *n, struct spare *ret);
/* Kills and reaps it. */
void spare_drop(struct spare *s);

/* ---- sandbox.c: one sandbox from CREATE to the end ------------------------------------------------ */

struct sandbox_fds {
	int netns, policy, report, events, pcap;	/* -1 where there is none */
};

/* fds stay the caller's. why: PROTO_TEXT_CAP bytes. 0 or -errno (nothing is left then). */
int sandbox_create(struct netd *n, const struct proto_create *want, const struct sandbox_fds *fds,
		   char *why);
struct sandbox *sandbox_find(struct netd *n, uint32_t number);
/* Orderly: the worker is asked to stop, egress writes its report, the cli is told. */
void sandbox_end(struct netd *n, struct sandbox *sb);
/* At once: the worker is killed and the link cut before anything else. */
void sandbox_fail(struct netd *n, struct sandbox *sb, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* policy stays the caller's. NULL, or why not; then the cli is owed the answer, else PROTO_POLICY_STATE follows. */
const char *sandbox_set_policy(struct netd *n, struct sandbox *sb, int policy);
void sandbox_policy_state(struct netd *n, struct sandbox *sb, const struct proto_policy_state *m);
/* control_stats() follows if the worker answers. */
void sandbox_get_stats(struct sandbox *sb);
void sandbox_egress_state(struct netd *n, struct sandbox *sb, const struct proto_sandbox_state *m);
/* Egress is gone: there will be no report. */
void sandbox_egress_gone(struct netd *n, struct sandbox *sb);
void sandbox_worker_input(struct netd *n, struct sandbox *sb);
void sandbox_worker_ended(struct netd *n, struct sandbox *sb);
void sandbox_worker_log(struct netd *n, struct sandbox *sb);
/* Acts on passed deadlines; returns the next one in ns, 0 for none. */
uint64_t sandbox_tick(struct netd *n);
bool sandbox_any(const struct netd *n);

#endif
