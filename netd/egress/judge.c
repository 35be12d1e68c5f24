/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: the decisions about flows. Runs in egress; asked twice per flow: what does the policy say of the
 * destination (judge_flow), and may this very address be dialled for it (judge_candidate). Nothing is
 * dialled that did not pass both. The worker's word is used for nothing but the question itself.
 */
#include "netd/egress/judge.h"

#include <netinet/in.h>
#include <string.h>

#include "netd/egress/lease.h"

static bool is_gateway(const struct judge *j, const struct addr *a)
{
	return addr_eq(a, &j->gw4) || addr_eq(a, &j->gw6);
}

/*
 * Whatever a rule says: connect() to the unspecified address means loopback, and a group is no peer. The
 * link's own addresses and our pools mean something inside the sandbox only.
 */
bool judge_never(const struct judge *j, const struct addr *a)
{
	enum addr_class class = addr_classify(a);

	return class == ADDR_UNSPECIFIED || class == ADDR_MULTICAST || is_gateway(j, a) || lease_in_pool(a);
}

enum proto_inspect judge_refusal(const struct name *name, const struct judge_port *port,
				 enum drop_reason reason)
{
	if (!name || port->proto != IPPROTO_TCP || reason == DROP_FLOW_FULL || reason == DROP_FLOW_RATE)
		return PROTO_INSPECT_NONE;
	switch (port->port) {
	case PORT_HTTP: return PROTO_INSPECT_HTTP;
	case PORT_HTTPS: return PROTO_INSPECT_TLS;
	default: return PROTO_INSPECT_NONE;
	}
}

/* The same destination, judged as what it means: this name. */
static struct judgement judge_named(const struct judge *j, struct name *name,
				    const struct judge_port *port)
{
	struct judgement r = { .name = name };
	struct policy_verdict v = policy_judge_name(j->policy, name->text, port->proto, port->port);

	/* A denied name is not looked up, so it has no answer to dial. */
	r.allow = v.allow && !name->denied;
	r.rule = v.rule;
	r.note = v.note;
	r.reason = v.allow ? (enum drop_reason)name->reason : v.reason;
	r.inspect = r.allow ? v.inspect : judge_refusal(name, port, r.reason);
	return r;
}

static struct judgement judge_bare(const struct judge *j, const struct addr *dst, const struct judge_port *port)
{
	struct judgement r = { .reason = DROP_POLICY_DEFAULT, .note = "" };
	struct policy_verdict v;

	/* The gateway's services end in the worker; there is nothing behind its addresses. */
	if (is_gateway(j, dst))
		return r;
	if (lease_in_pool(dst)) {
		r.reason = DROP_POLICY_NO_LEASE;
		return r;
	}
	v = policy_judge_addr(j->policy, dst, port->proto, port->port);
	r.allow = v.allow;
	r.rule = v.rule;
	r.note = v.note;
	r.reason = v.reason;
	/* The same refusal, said in the way that explains it. */
	if (!v.allow && v.reason == DROP_POLICY_DEFAULT && addr_is_refused(dst))
		r.reason = DROP_POLICY_RANGE;
	return r;
}

struct judgement judge_flow(const struct judge *j, const struct addr *dst, const struct judge_port *port)
{
	struct name *name = is_gateway(j, dst) ? NULL : lease_find(j->leases, dst);
	struct judgement r, bare;

	if (!name)
		return judge_bare(j, dst, port);
	r = judge_named(j, name, port);
	if (r.allow)
		return r;
	bare = judge_bare(j, dst, port);
	return bare.allow ? bare : r;
}

struct judgement judge_again(const struct judge *j, struct name *name, const struct addr *dst,
			     const struct judge_port *port)
{
	return name ? judge_named(j, name, port) : judge_bare(j, dst, port);
}

enum drop_reason judge_candidate(const struct judge *j, const struct name *name, const struct addr *a,
				 const struct judge_port *port, bool is_own)
{
	enum drop_reason refused = name ? DROP_DIAL_RANGE : DROP_POLICY_RANGE;
	bool special = addr_is_refused(a) || is_own;
	struct policy_verdict v;

	if (judge_never(j, a))
		return refused;
	if (special && !policy_names_range(j->policy, a))
		return refused;
	v = policy_judge_addr(j->policy, a, port->proto, port->port);
	if (!name)
		return v.allow ? DROP_NONE : v.reason;
	/* Deny wins over allow, for what a name resolves to as well. */
	if (v.reason == DROP_POLICY_DENY && !v.allow)
		return DROP_POLICY_DENY;
	/* Whoever serves the name must not reach more of a special range than its rule gives the program. */
	return special && !v.allow ? refused : DROP_NONE;
}

bool judge_may_lease(const struct judge *j, const struct addr *a, bool is_own)
{
	/*
	 * An address that a CIDR rule names stays what it is: were it leased, flows to it would be judged by
	 * the name and no longer by the rule.
	 */
	return !addr_is_refused(a) && !is_own && !is_gateway(j, a) && !lease_in_pool(a) &&
	       !policy_names_range(j->policy, a);
}
