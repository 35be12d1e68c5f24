/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: decisions as JSON lines in the shape of Suricata's EVE, so that the tools that read EVE read these.
 * All functions do nothing when the sandbox has no event log.
 */
#ifndef EGRESS_EVENTS_H
#define EGRESS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/drop.h"
#include "lib/addr.h"
#include "lib/proto.h"
#include "netd/egress/judge.h"

struct name;
struct sandbox;

/* All pointers are borrowed for the call. */
struct event_flow {
	uint64_t id;
	const struct addr *src, *dst;
	uint16_t sport;
	struct judge_port port;
	const struct name *name;	/* or NULL */
	const struct addr *peer;	/* what was dialled, or NULL */
	const struct addr *refused;	/* the resolved address that was not dialled, or NULL */
	uint32_t rule;
	const char *note;		/* the rule's own reason; NULL or "" when it has none */
	enum drop_reason reason;
	int err;
	uint64_t born_ns, born_wall_ns;	/* 0 for a flow that never was */
	uint64_t up_bytes, down_bytes, up_pkts, down_pkts;
};

struct event_dns {
	uint64_t id;
	const char *name;
	uint16_t qtype;
	const struct proto_answer *answer;
	uint32_t rule;
	bool is_repetition;		/* of a refusal that was an alert already */
};

void events_flow_start(struct sandbox *s, const struct event_flow *e);
void events_flow_end(struct sandbox *s, const struct event_flow *e);
void events_flow_failed(struct sandbox *s, const struct event_flow *e);
void events_flow_denied(struct sandbox *s, const struct event_flow *e);
/* What inspection read of the flow; when e->reason says that it was refused, an alert. */
void events_inspected(struct sandbox *s, const struct event_flow *e, const struct proto_inspected *m);
/* An answered question; one that was denied is an alert as well. */
void events_dns(struct sandbox *s, const struct event_dns *e);
/* A new policy came into force; rule numbers are its own from here on. */
void events_policy(struct sandbox *s, size_t rules, uint32_t cut);
void events_drops(struct sandbox *s, const struct proto_drops *m);

enum { COMMUNITY_ID_CAP = 32 };
/* Community ID version 1, seed 0. buf holds COMMUNITY_ID_CAP bytes. Returns buf. */
char *community_id(const struct event_flow *e, char *buf);

#endif
