/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: builds the lines of the event log. Runs in egress, so a hijacked worker can neither forge a
 * verdict nor suppress one; the byte and packet counts of ended flows, and what inspection read of a flow,
 * are the worker's word.
 *
 * Shape: Suricata's EVE (doc/userguide/output/eve): flow, dns, tls, http, quic, alert, drop, stats, plus our
 * own type policy and our own members sandbox, verdict, reason, reason_code, rule, rule_reason, name. The
 * five-tuple is the one that the sandbox sees, so that it and the community_id match the packet log; `dialed`
 * is the real peer.
 */
#include "netd/egress/events.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/reason.h"
#include "netd/egress/egress.h"
#include "netd/egress/evlog.h"
#include "netd/egress/sandbox.h"

enum { TIME_CAP = 40 };

/* ISO 8601 in UTC with microseconds, as EVE has it. Most times are of the second of the one before. */
static char *format_time(uint64_t wall_ns, char *buf)
{
	static char known[TIME_CAP];
	static size_t n;
	static time_t known_s;
	time_t t = (time_t)(wall_ns / NS_PER_S);
	uint32_t us = (uint32_t)(wall_ns % NS_PER_S / 1000);
	struct tm tm;

	if (!n || t != known_s) {
		gmtime_r(&t, &tm);
		n = strftime(known, sizeof(known), "%Y-%m-%dT%H:%M:%S.000000+0000", &tm);
		known_s = t;
	}
	memcpy(buf, known, n + 1);
	for (char *digit = buf + n - sizeof("+0000"); us; us /= 10)
		*digit-- = (char)('0' + us % 10);
	return buf;
}

static const char *proto_text(uint8_t proto, bool v4)
{
	switch (proto) {
	case IPPROTO_TCP: return "TCP";
	case IPPROTO_UDP: return "UDP";
	case IPPROTO_ICMP: return v4 ? "ICMP" : "IPv6-ICMP";
	default: return "";
	}
}

static void json_addr(struct json *j, const char *key, const struct addr *a)
{
	char text[ADDR_STRLEN];

	json_str(j, key, addr_format(a, text));
}

static void begin(struct json *j, struct sandbox *s, const char *type)
{
	static char line[EVLOG_LINE_MAX];	/* one line is made at a time */
	char when[TIME_CAP];

	json_init(j, line, sizeof(line) - 1);
	json_object_start(j, NULL);
	json_str(j, "timestamp", format_time(clock_wall_ns(), when));
	json_str(j, "event_type", type);
	json_str(j, "sandbox", s->label);
}

static void end(struct json *j, struct sandbox *s)
{
	ssize_t n;

	json_object_end(j);
	n = json_finish(j);
	if (n > 0)
		evlog_line(s->evlog, j->buf, (size_t)n);
	sandbox_touch(s);
}

/* Events that found no room are told of before the next one that does. */
static bool may_write(struct sandbox *s)
{
	uint64_t lost = 0;
	struct json j;

	if (!s->evlog || !evlog_may(s->evlog, s->eg->now, &lost))
		return false;
	if (lost) {
		begin(&j, s, "stats");
		json_object_start(&j, "stats");
		json_u64(&j, "events_lost", lost);
		json_object_end(&j);
		end(&j, s);
	}
	return true;
}

static void json_verdict(struct json *j, const char *verdict, enum drop_reason reason, uint32_t rule)
{
	json_str(j, "verdict", verdict);
	if (reason != DROP_NONE) {
		json_str(j, "reason", reason_word(reason));
		json_u64(j, "reason_code", reason);
	}
	if (rule)
		json_u64(j, "rule", rule);
}

/* What the author of a rule has to say to whom it hits. */
static void json_note(struct json *j, const char *note)
{
	if (note && *note)
		json_str(j, "rule_reason", note);
}

/* Suricata's alert object: what a SIEM looks at first. */
static void json_alert(struct json *j, enum drop_reason reason)
{
	json_object_start(j, "alert");
	json_str(j, "action", "blocked");
	json_u64(j, "gid", 1);
	json_u64(j, "signature_id", reason);
	json_u64(j, "rev", 1);
	json_str(j, "signature", reason_text(reason));
	json_str(j, "category", "egress policy");
	json_u64(j, "severity", 2);
	json_object_end(j);
}

static void json_tuple(struct json *j, const struct event_flow *e)
{
	char id[COMMUNITY_ID_CAP];
	bool v4 = addr_is_v4(e->dst);

	json_u64(j, "flow_id", e->id);
	json_addr(j, "src_ip", e->src);
	if (e->port.proto != IPPROTO_ICMP)
		json_u64(j, "src_port", e->sport);
	json_addr(j, "dest_ip", e->dst);
	if (e->port.proto != IPPROTO_ICMP)
		json_u64(j, "dest_port", e->port.port);
	json_str(j, "proto", proto_text(e->port.proto, v4));
	if (e->port.proto == IPPROTO_ICMP) {
		json_u64(j, "icmp_type", v4 ? 8 : 128);
		json_u64(j, "icmp_code", 0);
	}
	json_str(j, "community_id", community_id(e, id));
	if (e->name)
		json_str(j, "name", e->name->text);
	if (e->peer)
		json_addr(j, "dialed", e->peer);
}

static void json_flow(struct json *j, const struct event_flow *e, const char *state, uint64_t age_ns)
{
	char when[TIME_CAP];

	json_object_start(j, "flow");
	json_u64(j, "pkts_toserver", e->up_pkts);
	json_u64(j, "pkts_toclient", e->down_pkts);
	json_u64(j, "bytes_toserver", e->up_bytes);
	json_u64(j, "bytes_toclient", e->down_bytes);
	json_str(j, "start", format_time(e->born_wall_ns, when));
	if (strcmp(state, "new") != 0) {
		json_str(j, "end", format_time(e->born_wall_ns + age_ns, when));
		json_u64(j, "age", age_ns / NS_PER_S);
	}
	json_str(j, "state", state);
	if (e->reason != DROP_NONE)
		json_str(j, "reason", reason_word(e->reason));
	json_object_end(j);
}

void events_flow_start(struct sandbox *s, const struct event_flow *e)
{
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, "flow");
	json_tuple(&j, e);
	json_verdict(&j, "allow", DROP_NONE, e->rule);
	json_flow(&j, e, "new", 0);
	end(&j, s);
}

void events_flow_end(struct sandbox *s, const struct event_flow *e)
{
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, "flow");
	json_tuple(&j, e);
	json_verdict(&j, "allow", e->reason, e->rule);
	json_flow(&j, e, "closed", s->eg->now - e->born_ns);
	end(&j, s);
}

void events_flow_failed(struct sandbox *s, const struct event_flow *e)
{
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, "flow");
	json_tuple(&j, e);
	json_verdict(&j, "fail", e->reason, e->rule);
	if (e->err)
		json_str(&j, "error", strerrorname_np(e->err));
	json_flow(&j, e, "closed", s->eg->now - e->born_ns);
	end(&j, s);
}

void events_flow_denied(struct sandbox *s, const struct event_flow *e)
{
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, "alert");
	json_tuple(&j, e);
	json_verdict(&j, "deny", e->reason, e->rule);
	json_note(&j, e->note);
	if (e->refused) {
		json_addr(&j, "refused_ip", e->refused);
		json_str(&j, "refused_range", addr_class_text(addr_classify(e->refused)));
	}
	json_alert(&j, e->reason);
	end(&j, s);
}

/* ---- inspection ----------------------------------------------------------------------------------- */

/* The length of the first word; returns what follows it. */
static const char *split_word(const char *text, size_t *ret_len)
{
	*ret_len = strcspn(text, " ");
	return text + *ret_len + (text[*ret_len] == ' ');
}

/* detail: "TLS1.3 h2,http/1.1" */
static void json_tls(struct json *j, const struct proto_inspected *m)
{
	size_t len;
	const char *alpn = split_word(m->detail, &len);

	if (*m->host)
		json_str(j, "sni", m->host);
	if (len && m->inspect != PROTO_INSPECT_QUIC)
		json_strn(j, "version", m->detail, len);
	if (!*alpn)
		return;
	json_array_start(j, "client_alpns");
	while (*alpn) {
		len = strcspn(alpn, ",");
		json_strn(j, NULL, alpn, len);
		alpn += len + (alpn[len] == ',');
	}
	json_array_end(j);
}

/* detail: "GET /simple/" */
static void json_http(struct json *j, const struct proto_inspected *m)
{
	size_t len;
	const char *url = split_word(m->detail, &len);

	if (*m->host)
		json_str(j, "hostname", m->host);
	if (len)
		json_strn(j, "http_method", m->detail, len);
	if (*url)
		json_str(j, "url", url);
}

/* EVE's word for what it turned out to be, and for the object that describes it; NULL: neither. */
static const char *app_text(uint8_t inspect)
{
	switch ((enum proto_inspect)inspect) {
	case PROTO_INSPECT_TLS:
	case PROTO_INSPECT_TLS_OPAQUE:
	case PROTO_INSPECT_TLS_IF:
		return "tls";
	case PROTO_INSPECT_HTTP:
		return "http";
	case PROTO_INSPECT_QUIC:
	case PROTO_INSPECT_QUIC_OPAQUE:
		return "quic";
	case PROTO_INSPECT_NONE:
		break;
	}
	return NULL;
}

static void json_app(struct json *j, const struct proto_inspected *m)
{
	const char *app = app_text(m->inspect);

	if (!app)
		return;
	json_str(j, "app_proto", app);
	json_object_start(j, app);
	if (m->inspect == PROTO_INSPECT_HTTP)
		json_http(j, m);
	else
		json_tls(j, m);
	json_object_end(j);
}

void events_inspected(struct sandbox *s, const struct event_flow *e, const struct proto_inspected *m)
{
	bool refused = e->reason != DROP_NONE;
	const char *app = app_text(m->inspect);
	struct json j;

	if ((!refused && !app) || !may_write(s))
		return;
	begin(&j, s, refused ? "alert" : app);
	json_tuple(&j, e);
	json_verdict(&j, refused ? "deny" : "allow", e->reason, e->rule);
	if (refused) {
		json_note(&j, e->note);
		if (*m->host)
			json_str(&j, "seen", m->host);
	}
	json_app(&j, m);
	if (refused)
		json_alert(&j, e->reason);
	end(&j, s);
}

/* ---- names and drops ------------------------------------------------------------------------------ */

static const char *qtype_text(uint16_t qtype, char *buf, size_t cap)
{
	switch (qtype) {
	case 1: return "A";
	case 2: return "NS";
	case 5: return "CNAME";
	case 6: return "SOA";
	case 12: return "PTR";
	case 15: return "MX";
	case 16: return "TXT";
	case 28: return "AAAA";
	case 33: return "SRV";
	case 64: return "SVCB";
	case 65: return "HTTPS";
	case 255: return "ANY";
	}
	/* RFC 3597 s. 5 */
	snprintf(buf, cap, "TYPE%u", qtype);
	return buf;
}

static const char *rcode_text(uint8_t rcode)
{
	switch (rcode) {
	case 0: return "NOERROR";
	case 2: return "SERVFAIL";
	case 3: return "NXDOMAIN";
	case 4: return "NOTIMP";
	case 5: return "REFUSED";
	default: return "OTHER";
	}
}

static void json_dns(struct json *j, const struct event_dns *e)
{
	const struct proto_answer *a = e->answer;
	char type[16];
	const char *qtype = qtype_text(e->qtype, type, sizeof(type));

	json_object_start(j, "dns");
	json_u64(j, "version", 2);
	json_str(j, "type", "answer");
	json_u64(j, "id", e->id);
	json_str(j, "rrname", e->name);
	json_str(j, "rrtype", qtype);
	json_str(j, "rcode", rcode_text(a->rcode));
	if (a->n_addrs) {
		json_u64(j, "ttl", a->ttl);
		json_object_start(j, "grouped");
		json_array_start(j, qtype);
		for (uint8_t i = 0; i < a->n_addrs; i++)
			json_addr(j, NULL, &a->addrs[i]);
		json_array_end(j);
		json_object_end(j);
	}
	json_object_end(j);
}

void events_dns(struct sandbox *s, const struct event_dns *e)
{
	enum drop_reason reason = (enum drop_reason)e->answer->reason;
	bool denied = e->answer->denied || (reason >= DROP_POLICY_DEFAULT && reason < DROP_DIAL_REFUSED);
	bool alert = denied && !e->is_repetition;
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, alert ? "alert" : "dns");
	json_verdict(&j, denied ? "deny" : reason ? "fail" : "allow", reason, e->rule);
	if (denied)
		json_note(&j, policy_judge_lookup(s->policy, e->name).note);
	json_dns(&j, e);
	if (alert)
		json_alert(&j, reason);
	end(&j, s);
}

void events_drops(struct sandbox *s, const struct proto_drops *m)
{
	static const struct addr none;
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, "drop");
	if (!addr_eq(&m->dst, &none)) {
		json_addr(&j, "dest_ip", &m->dst);
		if (m->dport)
			json_u64(&j, "dest_port", m->dport);
	}
	if (*proto_text(m->proto, true))
		json_str(&j, "proto", proto_text(m->proto, addr_is_v4(&m->dst)));
	json_verdict(&j, "drop", (enum drop_reason)m->reason, 0);
	json_object_start(&j, "drop");
	json_str(&j, "reason", reason_word(m->reason));
	json_u64(&j, "count", m->count);
	json_object_end(&j);
	end(&j, s);
}

void events_policy(struct sandbox *s, size_t rules, uint32_t cut)
{
	struct json j;

	if (!may_write(s))
		return;
	begin(&j, s, "policy");
	json_object_start(&j, "policy");
	json_u64(&j, "rules", rules);
	json_u64(&j, "flows_cut", cut);
	json_object_end(&j);
	end(&j, s);
}
