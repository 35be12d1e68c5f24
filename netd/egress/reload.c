/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: puts a new policy in the place of the old one, under traffic. Runs in egress; netd's command and
 * a descriptor come in, cuts go to the worker and one answer to netd.
 *
 * Theory of operation. The text is read and compiled whole before anything changes; when that fails the old policy
 * stays. The change is one step of the loop, so no question is ever judged half by one policy and half by
 * the other. In this step everything that the old policy let through is judged again, as if it
 * were asked for now:
 *
 *	names		which of them may be looked up. Leases stay, since an address is never bound anew: a name
 *			that was denied keeps its address of the denied pool, and a flow to it is dialled by name
 *			once the name is allowed. Who waits for a lookup of a name that is denied now is told so.
 *	verdicts	that the worker has not been sent yet are taken back or brought up to date.
 *	dials		under way end where the flow or the one address is no longer allowed.
 *	open flows	by name or address, protocol and port, by the peer that was dialled, and by what is to be
 *			read of them: what began unread cannot be read later. Who fails is cut (eflow_cut()): the
 *			socket is dead before netd hears the answer, whatever the worker does.
 *	limits		the rate starts full when it is another one, bytes that were used count against the new
 *			budget, and the flows are at most as many as the tables were made for.
 *
 * What the resolver said is true under any policy and stays.
 */
#include "netd/egress/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/policy/policy.h"
#include "netd/egress/dial.h"
#include "netd/egress/eflow.h"
#include "netd/egress/egress.h"
#include "netd/egress/events.h"
#include "netd/egress/own.h"
#include "netd/egress/sandbox.h"
#include "netd/egress/slurp.h"

enum { POLICY_MAX = 64 << 20 };

int policy_load(int fd, struct policy **ret_policy, char *why)
{
	cleanup_free char *text = NULL;
	struct policy_error error = { 0 };
	struct policy *p;
	size_t len;
	int r;

	/* A memfd answers at once; another file system might keep every sandbox waiting. */
	if (fcntl(fd, F_GET_SEALS) < 0) {
		snprintf(why, PROTO_TEXT_CAP, "the policy descriptor is not a memfd; this is a bug in the "
			 "program that passed it");
		return -EINVAL;
	}
	r = slurp_fd(fd, POLICY_MAX, &text, &len);
	if (r < 0) {
		snprintf(why, PROTO_TEXT_CAP, "cannot read the policy: %s", strerror(-r));
		return r;
	}
	snprintf(why, PROTO_TEXT_CAP, "out of memory for the policy; use a smaller one");
	p = policy_new();
	if (!p)
		return -ENOMEM;
	r = policy_add_yaml(p, text, len, "policy", &error);
	if (r == 0)
		r = policy_compile(p);
	if (r == 0) {
		*ret_policy = p;
		return 0;
	}
	if (r == -EINVAL)
		snprintf(why, PROTO_TEXT_CAP, "policy line %u column %u: %.400s", error.line, error.column,
			 error.text);
	policy_free(p);
	return r;
}

/* ---- flows ------------------------------------------------------------------------------------------ */

static bool is_own(struct sandbox *s, const struct addr *a)
{
	return own_is(s->eg->route_fd, a, s->eg->now);
}

bool reload_read_enough(uint8_t was, uint8_t wanted)
{
	if (was == wanted || wanted == PROTO_INSPECT_NONE)
		return true;
	switch ((enum proto_inspect)was) {
	case PROTO_INSPECT_TLS:
		return wanted == PROTO_INSPECT_TLS_OPAQUE || wanted == PROTO_INSPECT_TLS_IF;
	case PROTO_INSPECT_QUIC:
		return wanted == PROTO_INSPECT_QUIC_OPAQUE;
	case PROTO_INSPECT_NONE:
	case PROTO_INSPECT_TLS_OPAQUE:
	case PROTO_INSPECT_TLS_IF:
	case PROTO_INSPECT_HTTP:
	case PROTO_INSPECT_QUIC_OPAQUE:
		return false;
	}
	return false;
}

/* Would the new policy have let this open flow through just as it is? */
static struct judgement judge_open(struct eflow *f)
{
	struct sandbox *s = f->sb;
	struct judgement j = judge_again(&s->judge, f->name, &f->dst, &f->port);

	if (j.allow) {
		j.reason = judge_candidate(&s->judge, f->name, &f->peer, &f->port, is_own(s, &f->peer));
		j.allow = j.reason == DROP_NONE;
	}
	return j;
}

/* The verdict that lies ready for the worker. True: it is taken back, and another one has been queued. */
static bool look_at_verdict(struct sandbox *s, struct proto_verdict_msg *v)
{
	struct eflow *f = eflow_find(s, v->id);
	struct judgement j;

	/* Without a flow, or cut: the worker has ended it or is told so next, and drops the socket. */
	if (!f || f->state != EFLOW_OPEN)
		return false;
	j = judge_open(f);
	eflow_set_rule(f, &j);
	if (!j.allow) {
		eflow_refuse(f, j.reason);
		return true;
	}
	f->inspect = (uint8_t)j.inspect;
	v->inspect = f->inspect;
	v->rule = f->rule;
	memcpy(v->note, f->note, sizeof(v->note));
	return false;
}

/* True when the flow was cut. */
static bool flow_again(struct eflow *f)
{
	struct judgement j;

	switch ((enum eflow_state)f->state) {
	case EFLOW_FREE:
	case EFLOW_CUT:
		return false;
	case EFLOW_QUEUED:
	case EFLOW_DIALING:
		j = judge_again(&f->sb->judge, f->name, &f->dst, &f->port);
		eflow_set_rule(f, &j);
		f->inspect = (uint8_t)j.inspect;
		if (j.allow)
			dial_again(f);
		else
			eflow_refuse(f, j.reason);
		return false;
	case EFLOW_OPEN:
		j = judge_open(f);
		if (!j.allow || !reload_read_enough(f->inspect, (uint8_t)j.inspect)) {
			eflow_cut_by(f, &j);
			return true;
		}
		/* What the worker reads of it stays as it was. */
		eflow_set_rule(f, &j);
		return false;
	}
	return false;
}

/* How many were cut. */
static uint32_t flows_again(struct sandbox *s)
{
	uint32_t cut = 0;

	ask_recall(s, look_at_verdict);
	for (uint32_t i = 0; i < s->flows.high; i++)
		cut += flow_again(&s->flows.flows[i]);
	return cut;
}

/* ---- the change ------------------------------------------------------------------------------------- */

static void limits_again(struct sandbox *s)
{
	const struct policy_limits *l = policy_get_limits(s->policy);

	s->flows.limit = l->flows && l->flows < s->flows.cap ? (uint32_t)l->flows : s->flows.cap;
	if (s->flow_rate.rate != l->new_flows_per_s)
		bucket_init(&s->flow_rate, l->new_flows_per_s, l->new_flows_per_s, s->eg->now);
	meter_set_limits(&s->meter, l);
	names_set_limits(&s->names, l, s->eg->now);
}

/* Returns how many flows were cut. p is taken. */
static uint32_t change(struct sandbox *s, struct policy *p)
{
	struct policy *old = s->policy;
	uint32_t cut;

	s->policy = p;
	s->judge.policy = p;
	names_judge_again(s);
	limits_again(s);
	cut = flows_again(s);
	policy_free(old);
	events_policy(s, policy_count(p), cut);
	/* The worker is on its way to hear of it before netd does. */
	(void)ask_flush(s);
	sandbox_touch(s);
	return cut;
}

void reload(struct egress *eg, const struct proto_policy_set *m, int *fds, size_t n_fds)
{
	struct sandbox *s = sandbox_by_number(eg, m->sandbox);
	struct policy *p = NULL;
	struct proto_policy_state answer;

	PROTO_INIT(&answer, PROTO_POLICY_STATE);
	answer.sandbox = m->sandbox;
	answer.state = PROTO_FAILED;
	if (n_fds != 1) {
		snprintf(answer.text, sizeof(answer.text), "netd passed %zu descriptors, not one; this is a bug in "
			 "Sluice", n_fds);
	} else if (!s || s->state != SANDBOX_RUNNING || s->failing) {
		snprintf(answer.text, sizeof(answer.text), "the sandbox is ending");
	} else if (policy_load(fds[0], &p, answer.text) == 0) {
		answer.text[0] = '\0';
		answer.state = PROTO_READY;
		answer.cut = change(s, p);
		log_debug("sandbox %s: new policy, %u flows cut", s->label, answer.cut);
	}
	for (size_t i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	/* Without netd there is nobody left to serve. */
	if (msg_send(eg->up_fd, &answer, sizeof(answer), NULL, 0) < 0)
		eg->stopping = true;
}
