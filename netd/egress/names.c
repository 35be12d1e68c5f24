/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: answers a sandbox's questions about names. Runs in egress.
 *
 * What comes in is a name in text form, which the worker took out of a DNS question; what goes out is a list
 * of addresses leased to that name. A name that no rule allows gets an address too, without any upstream
 * query, so that the program meets a refusal that says why. Of an allowed name A and AAAA are looked up,
 * /etc/hosts first; other types have no data. What was found is kept here, per sandbox, until its
 * TTL ends, and is what dial.c dials.
 */
#include "netd/egress/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "netd/egress/egress.h"
#include "netd/egress/dial.h"
#include "netd/egress/events.h"
#include "netd/egress/hosts.h"
#include "netd/egress/own.h"
#include "netd/egress/resolve.h"
#include "netd/egress/sandbox.h"

enum {
	TYPE_A = 1,
	TYPE_AAAA = 28,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_REFUSED = 5,
	/* RFC 8914 s. 4 */
	EDE_NONE = 0xffff,
	EDE_OTHER = 0,
	EDE_STALE = 3,
	EDE_BLOCKED = 15,		/* by the operator's policy, which this is; 16..18 are for others' wishes */
	EDE_STALE_NXDOMAIN = 19,
	EDE_NOT_SUPPORTED = 21,
	EDE_NO_AUTHORITY = 22,
	NO_DATA_TTL_S = 10,
	FAILED_S = 2,
	STALE_MAX_S = 3600,	/* RFC 8767: old addresses are better than none while the resolver is down */
	STALE_RETRY_S = 30,
	HOSTS_TTL_S = 60,
	DENIED_TTL_S = 10,
};

void names_set_limits(struct names *n, const struct policy_limits *limits, uint64_t now)
{
	uint64_t rate = limits->queries_per_s ? limits->queries_per_s : QUESTION_RATE;
	uint64_t budget = limits->names ? limits->names : NAMES_DEFAULT;

	if (n->question_rate.rate != rate)
		bucket_init(&n->question_rate, rate, 2 * rate, now);
	/* Another budget: to be told of anew. */
	if (n->budget != budget)
		n->first_over[0] = '\0';
	n->budget = budget;
}

int names_init(struct names *n, const struct policy_limits *limits, uint64_t now)
{
	memset(n, 0, sizeof(*n));
	n->questions = calloc(QUESTIONS_MAX, sizeof(*n->questions));
	names_set_limits(n, limits, now);
	bucket_init(&n->lookup_rate, LOOKUP_RATE, 8 * LOOKUP_RATE, now);
	return n->questions ? 0 : -ENOMEM;
}

void names_done(struct names *n)
{
	free(n->questions);
	memset(n, 0, sizeof(*n));
}

static struct question *question_new(struct names *n)
{
	struct question *q;

	if (n->free_head) {
		q = &n->questions[n->free_head - 1];
		n->free_head = q->next_free;
	} else if (n->high < QUESTIONS_MAX) {
		q = &n->questions[n->high++];
	} else {
		return NULL;
	}
	memset(q, 0, sizeof(*q));
	q->used = true;
	return q;
}

static void question_free(struct names *n, struct question *q)
{
	q->used = false;
	q->next_free = n->free_head;
	n->free_head = (uint32_t)(q - n->questions) + 1;
}

static bool is_pending(const struct names *n, uint64_t id)
{
	for (uint32_t i = 0; i < n->high; i++) {
		if (n->questions[i].used && n->questions[i].id == id)
			return true;
	}
	return false;
}

/* ---- answers ---------------------------------------------------------------------------------------- */

struct asked {
	uint64_t id;
	const char *name;
	uint16_t qtype;
	uint32_t rule;
	bool is_repetition;		/* of a refusal that was an alert already */
};

static void answer_init(struct proto_answer *a, uint64_t id)
{
	PROTO_INIT(a, PROTO_ANSWER);
	a->id = id;
	a->ede = EDE_NONE;
}

static void answer_send(struct sandbox *s, const struct asked *q, struct proto_answer *a)
{
	events_dns(s, &(struct event_dns){ q->id, q->name, q->qtype, a, q->rule, q->is_repetition });
	ask_send(s, a, sizeof(*a), -1);
}

static void answer_error(struct sandbox *s, const struct asked *q, uint8_t rcode, enum drop_reason reason,
			 uint16_t ede)
{
	struct proto_answer a;

	answer_init(&a, q->id);
	a.rcode = rcode;
	a.reason = (uint16_t)reason;
	a.ede = ede;
	answer_send(s, q, &a);
}

/* Leases what was found to the name, and lists it. */
static void list_addrs(struct sandbox *s, struct name *n, bool v6, struct proto_answer *a)
{
	const struct answer *known = &n->answer[v6];

	for (uint8_t i = 0; i < known->n; i++) {
		const struct addr *real = &known->addrs[i];

		if (judge_may_lease(&s->judge, real, own_is(s->eg->route_fd, real, s->eg->now)) &&
		    lease_real(&s->leases, n, real) == 0)
			a->addrs[a->n_addrs++] = *real;
	}
	/* Held by other names, named by a range, refused, or too many: one address that only we know. */
	if (known->n && !a->n_addrs && lease_synthetic(&s->leases, n, v6, &a->addrs[0]) == 0)
		a->n_addrs = 1;
}

static void answer_known(struct sandbox *s, struct name *n, uint64_t id, bool v6)
{
	const struct answer *known = &n->answer[v6];
	struct asked q = { id, n->text, v6 ? TYPE_AAAA : TYPE_A, n->rule, false };
	struct proto_answer a;

	if (known->status == ANSWER_FAILED || known->status == ANSWER_NONE) {
		answer_error(s, &q, RCODE_SERVFAIL, DROP_DIAL_NAME, known->ede);
		return;
	}
	answer_init(&a, id);
	a.rcode = known->status == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : 0;
	/* The whole TTL, not what is left of it: that would tell who asked before. The lease holds anyway. */
	a.ttl = known->ttl_s > LEASE_TTL_MAX_S ? LEASE_TTL_MAX_S : known->ttl_s;
	if (known->stale)
		a.ede = known->status == ANSWER_NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE;
	list_addrs(s, n, v6, &a);
	lease_hold(&s->leases, n, s->eg->now);
	answer_send(s, &q, &a);
}

static void answer_denied(struct sandbox *s, struct name *n, const struct asked *q)
{
	struct proto_answer a;

	answer_init(&a, q->id);
	a.denied = 1;
	a.ede = EDE_BLOCKED;
	a.ttl = DENIED_TTL_S;
	a.reason = n->reason;
	switch (policy_denied_names(s->policy)) {
	case POLICY_NAMES_NXDOMAIN:
		a.rcode = RCODE_NXDOMAIN;
		break;
	case POLICY_NAMES_REFUSED:
		a.rcode = RCODE_REFUSED;
		break;
	case POLICY_NAMES_ANSWER:
		/* Other types: no data, as the name does exist for A and AAAA. */
		if ((q->qtype == TYPE_A || q->qtype == TYPE_AAAA) &&
		    lease_synthetic(&s->leases, n, q->qtype == TYPE_AAAA, &a.addrs[0]) == 0)
			a.n_addrs = 1;
		break;
	}
	lease_hold(&s->leases, n, s->eg->now);
	report_denied(&s->report, &(struct report_what){
		.host = n->text,
		.reason = (enum drop_reason)n->reason,
		.lift = n->reason == DROP_POLICY_DENY ? NULL : n->text,
	});
	answer_send(s, q, &a);
}

/* Answers everybody who waited for this family of the name. */
static void answer_waiting(struct sandbox *s, struct name *n, bool v6)
{
	struct question *q, *next;

	for (q = TAILQ_FIRST(&n->questions); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->v6 != v6)
			continue;
		TAILQ_REMOVE(&n->questions, q, link);
		n->refs--;
		answer_known(s, n, q->id, v6);
		question_free(&s->names, q);
	}
}

/* ---- lookups ---------------------------------------------------------------------------------------- */

/* Survives its sandbox: names it by slot and generation. */
struct lookup {
	struct egress *eg;
	uint32_t slot, gen;
	uint32_t name, name_gen;
	bool v6;
};

static void learn(struct answer *known, const struct resolved *a, uint64_t expires_ns, uint64_t now)
{
	known->stale = a->status == ANSWER_FAILED && known->status == ANSWER_OK && known->n &&
		       now - known->fetched_ns < STALE_MAX_S * NS_PER_S;
	if (known->stale) {
		known->expires_ns = now + STALE_RETRY_S * NS_PER_S;
		return;
	}
	known->status = (uint8_t)a->status;
	known->ede = a->ede;
	known->ttl_s = a->ttl < RESOLVE_TTL_MIN ? RESOLVE_TTL_MIN : a->ttl;
	known->n = a->n;
	memcpy(known->addrs, a->addrs, sizeof(known->addrs));
	known->fetched_ns = now;
	known->expires_ns = expires_ns;
}

static void on_answer(void *arg, const struct resolved *a, uint64_t expires_ns)
{
	struct lookup *l = arg;
	struct sandbox *s = l->eg->sandboxes[l->slot];
	struct name *n;

	if (s && s->gen == l->gen && s->state == SANDBOX_RUNNING) {
		n = &s->leases.names[l->name];
		s->names.lookups--;
		/* The lookup held a reference, so it is the same name still. */
		n->refs--;
		n->answer[l->v6].asking = false;
		learn(&n->answer[l->v6], a, expires_ns, s->eg->now);
		answer_waiting(s, n, l->v6);
		dial_name_ready(s, n);
	}
	free(l);
}

static bool from_hosts(struct sandbox *s, struct name *n, bool v6)
{
	struct resolved a = { .status = ANSWER_OK, .ttl = HOSTS_TTL_S, .ede = EDE_NONE };

	if (!hosts_find(s->eg->hosts, n->text, v6, a.addrs, &a.n))
		return false;
	learn(&n->answer[v6], &a, s->eg->now + HOSTS_TTL_S * NS_PER_S, s->eg->now);
	return true;
}

/* Could not even ask: as if the resolver had failed. */
static void not_asked(struct sandbox *s, struct name *n, bool v6)
{
	static const struct resolved failed = { .status = ANSWER_FAILED, .ede = EDE_NO_AUTHORITY };

	learn(&n->answer[v6], &failed, s->eg->now + FAILED_S * NS_PER_S, s->eg->now);
}

/* Of all sandboxes together there may be no more lookups than the resolver takes. */
static uint32_t lookups_max(const struct sandbox *s)
{
	uint32_t share = RESOLVE_WAITING_MAX / s->eg->n_sandboxes;

	return share > LOOKUPS_MAX ? LOOKUPS_MAX : share;
}

/*
 * A name below a wildcard is the sandbox's own choice, and whoever serves the domain reads it: that
 * many may leave. A name that a rule spells out says nothing but that it was asked for.
 */
static bool may_leave(struct sandbox *s, struct name *n)
{
	if (!n->below_wildcard || n->has_left)
		return true;
	if (s->names.left >= s->names.budget)
		return false;
	s->names.left++;
	n->has_left = true;
	return true;
}

int names_refresh(struct sandbox *s, struct name *n, bool v6)
{
	struct answer *known = &n->answer[v6];
	struct lookup *l;

	if (known->asking || known->expires_ns > s->eg->now || from_hosts(s, n, v6))
		return 0;
	if (s->draining || s->names.lookups >= lookups_max(s) ||
	    !bucket_take(&s->names.lookup_rate, s->eg->now))
		return -EBUSY;
	if (!may_leave(s, n))
		return -EDQUOT;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -EBUSY;
	*l = (struct lookup){ s->eg, s->slot, s->gen, n->index, n->gen, v6 };
	known->asking = true;
	n->refs++;
	s->names.lookups++;
	if (resolve_ask(s->resolver, n->text, v6, on_answer, l) < 0) {
		known->asking = false;
		n->refs--;
		s->names.lookups--;
		free(l);
		not_asked(s, n, v6);
	}
	return 0;
}

/* ---- questions -------------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n >= t && strcmp(name + n - t, tail) == 0 && (n == t || name[n - t - 1] == '.');
}

/*
 * Names that must not be asked upstream and are no denial either: reverse lookups and other infrastructure,
 * the sandbox's own loopback (RFC 6761 s. 6.3), Tor (RFC 7686), and the name by which browsers ask
 * whether they may bypass this resolver.
 */
static bool is_nobody(const char *name)
{
	static const char *const tails[] = { "arpa", "localhost", "onion", "invalid",
					     "use-application-dns.net" };

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		if (ends_with(name, tails[i]))
			return true;
	}
	return false;
}

/* Lower case, no trailing dot, printable, 1..253 bytes: what an honest worker sends. */
static bool is_sound(const struct proto_ask_name *m)
{
	size_t n = strnlen(m->name, sizeof(m->name));

	if (n == 0 || n > 253 || m->name[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = m->name[i];

		if (c <= ' ' || c > '~' || (c >= 'A' && c <= 'Z'))
			return false;
	}
	for (size_t i = 0; i < sizeof(m->zero); i++) {
		if (m->zero[i])
			return false;
	}
	return true;
}

static struct name *name_make(struct sandbox *s, const char *text)
{
	struct policy_verdict v = policy_judge_lookup(s->policy, text);
	struct name *n = lease_name_new(&s->leases, text, !v.allow, s->eg->now);

	if (!n)
		return NULL;
	n->rule = v.rule;
	n->below_wildcard = v.below_wildcard;
	n->reason = (uint16_t)(v.allow ? DROP_NONE : v.reason);
	s->report.names++;
	s->report.names_denied += !v.allow;
	return n;
}

/* Told of once, counted always. */
static void refuse_over_budget(struct sandbox *s, struct name *n, const struct asked *q)
{
	struct names *names = &s->names;
	struct asked quiet = *q;

	quiet.is_repetition = names->first_over[0];
	if (!quiet.is_repetition) {
		memcpy(names->first_over, n->text, sizeof(names->first_over));
		log_warn("sandbox %s has had %llu names below wildcards looked up, its budget; refusing others "
			 "(limits: names)", s->label, (unsigned long long)names->left);
	}
	s->report.names_denied += !n->over_budget;
	n->over_budget = true;
	report_denied(&s->report, &(struct report_what){
		.host = names->first_over, .reason = DROP_NAME_BUDGET });
	answer_error(s, &quiet, RCODE_REFUSED, DROP_NAME_BUDGET, EDE_OTHER);
}

static void ask_allowed(struct sandbox *s, struct name *n, const struct asked *q)
{
	bool v6 = q->qtype == TYPE_AAAA;
	struct proto_answer a;
	struct question *w;
	int r;

	if (q->qtype != TYPE_A && q->qtype != TYPE_AAAA) {
		answer_init(&a, q->id);
		a.ttl = NO_DATA_TTL_S;
		/* HTTPS and SVCB are asked by every browser and are only hints: no need to comment. */
		if (q->qtype != TYPE_SVCB && q->qtype != TYPE_HTTPS)
			a.ede = EDE_NOT_SUPPORTED;
		answer_send(s, q, &a);
		return;
	}
	r = names_refresh(s, n, v6);
	if (r == -EDQUOT) {
		refuse_over_budget(s, n, q);
		return;
	}
	if (r < 0) {
		answer_error(s, q, RCODE_SERVFAIL, DROP_NAME_RATE, EDE_OTHER);
		return;
	}
	if (!n->answer[v6].asking) {
		answer_known(s, n, q->id, v6);
		return;
	}
	w = question_new(&s->names);
	if (!w) {
		answer_error(s, q, RCODE_SERVFAIL, DROP_NAME_RATE, EDE_OTHER);
		return;
	}
	w->id = q->id;
	w->v6 = v6;
	n->refs++;
	TAILQ_INSERT_TAIL(&n->questions, w, link);
}

int names_ask(struct sandbox *s, const struct proto_ask_name *m)
{
	struct asked q = { .id = m->id, .name = m->name, .qtype = m->qtype };
	char normal[PROTO_NAME_CAP];
	struct name *n;

	if (!is_sound(m) || is_pending(&s->names, m->id))
		return -EBADMSG;
	if (!bucket_take(&s->names.question_rate, s->eg->now)) {
		answer_error(s, &q, RCODE_REFUSED, DROP_NAME_RATE, EDE_OTHER);
		return 0;
	}
	/* What has no normal form can be in no rule and on no server. */
	if (is_nobody(m->name) || policy_name(m->name, normal) < 0 || strcmp(normal, m->name) != 0) {
		answer_error(s, &q, RCODE_NXDOMAIN, DROP_NONE, EDE_NONE);
		return 0;
	}
	n = lease_name_find(&s->leases, m->name);
	if (!n)
		n = name_make(s, m->name);
	if (!n) {
		answer_error(s, &q, RCODE_REFUSED, DROP_LEASE_FULL, EDE_OTHER);
		return 0;
	}
	q.rule = n->rule;
	if (n->denied)
		answer_denied(s, n, &q);
	else
		ask_allowed(s, n, &q);
	return 0;
}

/* ---- a new policy ----------------------------------------------------------------------------------- */

/* The lookup itself goes on; nobody waits for it any more. */
static void deny_waiting(struct sandbox *s, struct name *n)
{
	struct question *w;

	while ((w = TAILQ_FIRST(&n->questions))) {
		struct asked q = { w->id, n->text, w->v6 ? TYPE_AAAA : TYPE_A, n->rule, false };

		TAILQ_REMOVE(&n->questions, w, link);
		n->refs--;
		answer_denied(s, n, &q);
		question_free(&s->names, w);
	}
}

static void judge_name(struct sandbox *s, struct name *n)
{
	struct policy_verdict v = policy_judge_lookup(s->policy, n->text);

	n->rule = v.rule;
	n->below_wildcard = v.below_wildcard;
	n->reason = (uint16_t)(v.allow ? DROP_NONE : v.reason);
	lease_name_deny(&s->leases, n, !v.allow);
	if (n->denied)
		deny_waiting(s, n);
}

void names_judge_again(struct sandbox *s)
{
	struct name *n, *next;

	/* One that moves to the other list is met there once more, which changes nothing. */
	for (int i = 0; i < 2; i++) {
		for (n = TAILQ_FIRST(&s->leases.lru[i]); n; n = next) {
			next = TAILQ_NEXT(n, lru);
			judge_name(s, n);
		}
	}
}
