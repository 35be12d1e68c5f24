/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eflow: the table of flows of one sandbox and their life. Runs in egress; questions and ends come in
 * from the worker, verdicts go out, dial.c does the connecting in between.
 */
#include "netd/egress/eflow.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "netd/egress/dial.h"
#include "netd/egress/egress.h"
#include "netd/egress/events.h"
#include "netd/egress/meter.h"
#include "netd/egress/sandbox.h"

int eflow_table_init(struct eflow_table *t, uint32_t cap)
{
	memset(t, 0, sizeof(*t));
	t->cap = t->limit = cap;
	t->n_buckets = 64;
	while (t->n_buckets < cap)
		t->n_buckets *= 2;
	t->flows = calloc(cap, sizeof(*t->flows));
	t->buckets = calloc(t->n_buckets, sizeof(*t->buckets));
	if (!t->flows || !t->buckets) {
		eflow_table_done(t);
		return -ENOMEM;
	}
	hash_random(t->key, sizeof(t->key));
	return 0;
}

void eflow_table_done(struct eflow_table *t)
{
	free(t->flows);
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

static uint32_t *bucket_of(struct eflow_table *t, uint64_t id)
{
	return &t->buckets[hash_sip(t->key, &id, sizeof(id)) & (t->n_buckets - 1)];
}

static struct eflow *find(struct eflow_table *t, uint64_t id)
{
	for (uint32_t i = *bucket_of(t, id); i; i = t->flows[i - 1].hash_next) {
		if (t->flows[i - 1].id == id)
			return &t->flows[i - 1];
	}
	return NULL;
}

struct eflow *eflow_find(struct sandbox *s, uint64_t id)
{
	return find(&s->flows, id);
}

static void set_state(struct eflow *f, enum eflow_state state)
{
	static const bool legal[5][5] = {
		[EFLOW_FREE] = { [EFLOW_QUEUED] = true },
		[EFLOW_QUEUED] = { [EFLOW_DIALING] = true, [EFLOW_FREE] = true },
		[EFLOW_DIALING] = { [EFLOW_OPEN] = true, [EFLOW_FREE] = true },
		[EFLOW_OPEN] = { [EFLOW_CUT] = true, [EFLOW_FREE] = true },
		[EFLOW_CUT] = { [EFLOW_FREE] = true },
	};

	assert(legal[f->state][state]);
	f->state = (uint8_t)state;
}

void eflow_set_dialing(struct eflow *f)
{
	set_state(f, EFLOW_DIALING);
}

static struct eflow *eflow_new(struct sandbox *s, uint64_t id)
{
	struct eflow_table *t = &s->flows;
	uint32_t *bucket = bucket_of(t, id);
	struct eflow *f;
	uint32_t index;

	if (t->free_head) {
		index = t->free_head - 1;
		t->free_head = t->flows[index].hash_next;
	} else if (t->high < t->cap) {
		index = t->high++;
	} else {
		return NULL;
	}
	f = &t->flows[index];
	memset(f, 0, sizeof(*f));
	f->sb = s;
	f->id = id;
	f->sock_fd = -1;
	f->index = index;
	f->hash_next = *bucket;
	*bucket = index + 1;
	t->used++;
	set_state(f, EFLOW_QUEUED);
	return f;
}

static void eflow_free(struct eflow *f)
{
	struct sandbox *s = f->sb;
	struct eflow_table *t = &s->flows;
	uint32_t *link = bucket_of(t, f->id);

	dial_cancel(f);
	fd_close(&f->sock_fd);
	if (f->name) {
		f->name->refs--;
		lease_hold(&s->leases, f->name, s->eg->now);
	}
	while (*link != f->index + 1)
		link = &t->flows[*link - 1].hash_next;
	*link = f->hash_next;
	set_state(f, EFLOW_FREE);
	f->hash_next = t->free_head;
	t->free_head = f->index + 1;
	t->used--;
}

/* ---- questions ------------------------------------------------------------------------------------ */

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		if (b[i])
			return false;
	}
	return true;
}

/* Could an honest worker have sent this? */
static bool is_sound(const struct proto_ask_flow *m)
{
	if (!is_zero(m->zero, sizeof(m->zero)) || addr_is_v4(&m->src) != addr_is_v4(&m->dst))
		return false;
	if (m->proto == IPPROTO_TCP || m->proto == IPPROTO_UDP)
		return m->sport != 0 && m->dport != 0;
	return m->proto == IPPROTO_ICMP && m->dport == 0;
}

/* What of the question goes into verdict, event and report when there is no flow. */
struct refusal {
	enum proto_verdict verdict;
	enum drop_reason reason;
	int err;
	uint32_t rule;
	const struct name *name;
	enum proto_inspect inspect;
	const char *note;
};

/* A note is at most as long: the policy's reader sees to that. */
static void copy_note(char *dst, const char *note)
{
	snprintf(dst, PROTO_NOTE_CAP, "%s", note);
}

void eflow_set_rule(struct eflow *f, const struct judgement *j)
{
	f->rule = j->rule;
	copy_note(f->note, j->note);
}

static void send_verdict(struct sandbox *s, uint64_t id, const struct refusal *r)
{
	struct proto_verdict_msg v;

	PROTO_INIT(&v, PROTO_VERDICT);
	v.id = id;
	v.verdict = (uint8_t)r->verdict;
	v.reason = (uint16_t)r->reason;
	v.err = r->err;
	v.rule = r->rule;
	v.inspect = (uint8_t)r->inspect;
	if (r->name)
		memcpy(v.name, r->name->text, sizeof(v.name));
	if (r->note)
		copy_note(v.note, r->note);
	ask_send(s, &v, sizeof(v), -1);
}

/*
 * What an --allow must name for this to be let through, or NULL: a deny rule and a limit win over any
 * allow, and some addresses are nobody's to allow.
 */
static const char *liftable(struct sandbox *s, const struct event_flow *e, char *buf)
{
	const struct addr *a = e->refused ? e->refused : e->dst;

	switch ((int)e->reason) {
	case DROP_POLICY_DEFAULT:
	case DROP_POLICY_NAME:
	case DROP_POLICY_PORT:
	case DROP_POLICY_PROTO:
	case DROP_POLICY_RANGE:
	case DROP_DIAL_RANGE:
		if (e->name && e->reason != DROP_DIAL_RANGE)
			return e->name->text;
		/* A name that leads to loopback or metadata is more likely an attack than a wish. */
		if (e->name && addr_classify(a) != ADDR_PRIVATE)
			return NULL;
		return judge_never(&s->judge, a) ? NULL : addr_format(a, buf);
	default:
		return NULL;
	}
}

/* The event, and the line in the report. */
static void record_denial(struct sandbox *s, const struct event_flow *e)
{
	char host[ADDR_STRLEN], lift[ADDR_STRLEN];

	s->report.flows_denied++;
	report_denied(&s->report, &(struct report_what){
		.host = e->name ? e->name->text : addr_format(e->dst, host),
		.proto = e->port.proto,
		.port = e->port.port,
		.reason = e->reason,
		.lift = liftable(s, e, lift),
	});
	events_flow_denied(s, e);
}

static struct event_flow event_of_ask(struct sandbox *s, const struct proto_ask_flow *m)
{
	return (struct event_flow){
		.id = ++s->eg->flow_seq,
		.src = &m->src,
		.dst = &m->dst,
		.sport = m->sport,
		.port = { m->proto, m->dport },
	};
}

static void deny_ask(struct sandbox *s, const struct proto_ask_flow *m, const struct judgement *j)
{
	struct event_flow e = event_of_ask(s, m);

	e.name = j->name;
	e.rule = j->rule;
	e.note = j->note;
	e.reason = j->reason;
	record_denial(s, &e);
	send_verdict(s, m->id, &(struct refusal){
		.verdict = PROTO_DENY, .reason = j->reason, .rule = j->rule, .name = j->name,
		.inspect = j->inspect, .note = j->note });
}

/* Who is denied is rationed as well: a question costs the same whatever the answer. DROP_NONE: go on. */
static enum drop_reason over_limit(struct sandbox *s, bool allowed)
{
	if (!bucket_take(&s->flow_rate, s->eg->now))
		return DROP_FLOW_RATE;
	if (!allowed)
		return DROP_NONE;
	if (s->flows.used >= s->flows.limit)
		return DROP_FLOW_FULL;
	return meter_over(s);
}

int eflow_ask(struct sandbox *s, const struct proto_ask_flow *m)
{
	struct judge_port port = { m->proto, m->dport };
	enum drop_reason over;
	struct judgement j;
	struct eflow *f;

	if (!is_sound(m) || find(&s->flows, m->id))
		return -EBADMSG;
	s->report.flows++;
	j = judge_flow(&s->judge, &m->dst, &port);
	over = over_limit(s, j.allow);
	if (over != DROP_NONE) {
		j.allow = false;
		j.reason = over;
		j.inspect = judge_refusal(j.name, &port, over);
	}
	if (!j.allow) {
		deny_ask(s, m, &j);
		return 0;
	}
	if (s->draining)
		return 0;
	f = eflow_new(s, m->id);
	assert(f);
	f->src = m->src;
	f->dst = m->dst;
	f->sport = m->sport;
	f->port = port;
	eflow_set_rule(f, &j);
	f->inspect = (uint8_t)j.inspect;
	f->name = j.name;
	f->event_id = ++s->eg->flow_seq;
	f->born_ns = s->eg->now;
	f->born_wall_ns = clock_wall_ns();
	if (f->name) {
		f->name->refs++;
		lease_hold(&s->leases, f->name, s->eg->now);
	}
	dial_start(f);
	return 0;
}

/* ---- verdicts ------------------------------------------------------------------------------------- */

static struct event_flow event_of(const struct eflow *f)
{
	return (struct event_flow){
		.id = f->event_id,
		.src = &f->src,
		.dst = &f->dst,
		.sport = f->sport,
		.port = f->port,
		.name = f->name,
		.rule = f->rule,
		.note = f->note,
		.peer = f->state == EFLOW_OPEN || f->state == EFLOW_CUT ? &f->peer : NULL,
		.born_ns = f->born_ns,
		.born_wall_ns = f->born_wall_ns,
	};
}

void eflow_connected(struct eflow *f, int fd, const struct addr *peer)
{
	struct sandbox *s = f->sb;
	struct proto_verdict_msg v;
	enum drop_reason over;
	struct event_flow e;

	dial_cancel(f);
	set_state(f, EFLOW_OPEN);
	f->peer = *peer;
	PROTO_INIT(&v, PROTO_VERDICT);
	v.id = f->id;
	v.verdict = PROTO_ALLOW;
	v.inspect = f->inspect;
	v.rule = f->rule;
	v.peer = *peer;
	memcpy(v.note, f->note, sizeof(v.note));
	if (f->name)
		memcpy(v.name, f->name->text, sizeof(v.name));
	over = meter_over(s);	/* used up while this one was being dialled? */
	f->sock_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (f->sock_fd < 0)
		over = DROP_FLOW_FULL;
	if (over != DROP_NONE) {
		close(fd);
		eflow_refuse(f, over);
		return;
	}
	e = event_of(f);
	events_flow_start(s, &e);
	ask_send(s, &v, sizeof(v), fd);
	meter_flow(f);
}

void eflow_refuse(struct eflow *f, enum drop_reason reason)
{
	struct event_flow e = event_of(f);

	e.reason = reason;
	if (f->refused == reason)
		e.refused = &f->refused_addr;
	record_denial(f->sb, &e);
	send_verdict(f->sb, f->id, &(struct refusal){
		.verdict = PROTO_DENY, .reason = reason, .rule = f->rule, .name = f->name,
		.inspect = judge_refusal(f->name, &f->port, reason), .note = f->note });
	eflow_free(f);
}

void eflow_fail(struct eflow *f, enum drop_reason reason, int err)
{
	struct event_flow e = event_of(f);

	e.reason = reason;
	e.err = err;
	events_flow_failed(f->sb, &e);
	send_verdict(f->sb, f->id, &(struct refusal){
		.verdict = PROTO_FAIL, .reason = reason, .err = err, .rule = f->rule, .name = f->name });
	eflow_free(f);
}

/* ---- inspection ----------------------------------------------------------------------------------- */

/* A text of the worker that goes into the log. */
static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

static bool is_sound_inspected(const struct proto_inspected *m)
{
	bool finding = m->reason >= DROP_TLS_NAME && m->reason <= DROP_INSPECT_TIMEOUT;

	/* Or the first message found no place to be read. */
	if (m->reason != DROP_NONE && !finding && m->reason != DROP_NO_MEMORY)
		return false;
	return is_zero(m->zero, sizeof(m->zero)) && is_printable(m->host) && is_printable(m->detail);
}

/* The name that was seen is one that a rule could name, and none does yet: buf, else NULL. */
static const char *liftable_seen(struct sandbox *s, const struct eflow *f,
				 const struct proto_inspected *m, char *buf)
{
	if ((m->reason != DROP_TLS_NAME && m->reason != DROP_HTTP_HOST) || policy_name(m->host, buf) < 0)
		return NULL;
	return policy_judge_name(s->policy, buf, f->port.proto, f->port.port).allow ? NULL : buf;
}

/*
 * TCP: what waits to be sent is thrown away and the peer is reset, which shutdown(2) would not do; and what is
 * cut must not look like an end from inside. Sockets of the others stay bound to their peer, so that
 * nobody else's packets come in, but take nothing more.
 */
static void end_socket(const struct eflow *f)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (f->port.proto != IPPROTO_TCP || connect(f->sock_fd, &none, sizeof(none)) < 0)
		shutdown(f->sock_fd, SHUT_RDWR);
}

/*
 * The worker says that it is done with it. An honest one has closed its descriptor before, and notices nothing: what
 * it left to be sent is sent, and what it wanted reset is reset. In the hands of another the socket would go
 * on beyond every budget, limit and new policy.
 */
static void retire_socket(const struct eflow *f)
{
	struct linger l = { 0 };
	socklen_t len = sizeof(l);

	if (f->state != EFLOW_OPEN)
		return;
	if (getsockopt(f->sock_fd, SOL_SOCKET, SO_LINGER, &l, &len) == 0 && l.l_onoff)
		end_socket(f);
	else
		shutdown(f->sock_fd, SHUT_RDWR);
}

/* From here on its socket carries nothing, whatever the worker does. */
static void kill_flow(struct eflow *f, enum drop_reason reason)
{
	meter_flow_cut(f);
	end_socket(f);
	set_state(f, EFLOW_CUT);
	f->cut = (uint16_t)reason;
}

int eflow_inspected(struct sandbox *s, const struct proto_inspected *m)
{
	struct eflow *f = find(&s->flows, m->id);
	char host[ADDR_STRLEN], lift[PROTO_NAME_CAP];
	struct event_flow e;

	/* The worker's word is believed by the log only, and of flows that it was given. */
	if (!is_sound_inspected(m) || !f || (f->state != EFLOW_OPEN && f->state != EFLOW_CUT))
		return -EBADMSG;
	e = event_of(f);
	e.reason = (enum drop_reason)m->reason;
	if (m->reason != DROP_NONE) {
		s->report.flows_denied++;
		report_denied(&s->report, &(struct report_what){
			.host = f->name ? f->name->text : addr_format(&f->dst, host),
			.seen = m->host,
			.proto = f->port.proto,
			.port = f->port.port,
			.reason = e.reason,
			.lift = liftable_seen(s, f, m, lift),
		});
	}
	events_inspected(s, &e, m);
	/* The worker has let go of it, and tells the sandbox why; the far side need not wait for that. */
	if (m->reason != DROP_NONE && f->state == EFLOW_OPEN && f->port.proto == IPPROTO_TCP)
		kill_flow(f, e.reason);
	return 0;
}

/* ---- ends ----------------------------------------------------------------------------------------- */

int eflow_end(struct sandbox *s, const struct proto_flow_end *m)
{
	struct eflow *f = find(&s->flows, m->id);
	struct event_flow e;

	if (!is_zero(m->zero, sizeof(m->zero)) || m->reason >= DROP_REASON_MAX)
		return -EBADMSG;
	/* The end of a flow that we denied: nothing is left of it here. */
	if (!f)
		return 0;
	e = event_of(f);
	/* It may have seen the socket's end before it read why. */
	e.reason = (enum drop_reason)(f->state == EFLOW_CUT ? f->cut : m->reason);
	e.up_bytes = m->up_bytes;
	e.down_bytes = m->down_bytes;
	e.up_pkts = m->up_pkts;
	e.down_pkts = m->down_pkts;
	events_flow_end(s, &e);
	meter_flow_end(f, m->up_bytes, m->down_bytes);
	retire_socket(f);
	eflow_free(f);
	return 0;
}

void eflow_cut(struct eflow *f, enum drop_reason reason)
{
	struct proto_cut c;

	kill_flow(f, reason);
	PROTO_INIT(&c, PROTO_CUT);
	c.id = f->id;
	c.reason = (uint16_t)reason;
	ask_send(f->sb, &c, sizeof(c), -1);
}

void eflow_cut_by(struct eflow *f, const struct judgement *j)
{
	struct event_flow e;

	eflow_set_rule(f, j);
	eflow_cut(f, DROP_POLICY_CUT);
	e = event_of(f);
	e.reason = DROP_POLICY_CUT;
	record_denial(f->sb, &e);
}

void eflow_end_all(struct sandbox *s, enum drop_reason reason)
{
	for (uint32_t i = 0; i < s->flows.high; i++) {
		struct eflow *f = &s->flows.flows[i];
		struct event_flow e;

		if (f->state == EFLOW_FREE)
			continue;
		e = event_of(f);
		e.reason = f->state == EFLOW_CUT ? (enum drop_reason)f->cut : reason;
		events_flow_end(s, &e);
		meter_flow_end(f, 0, 0);
		eflow_free(f);
	}
}
