/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: would this destination be let out, by which rule, and what would change it. For people.
 *
 * The destination is a SPEC of one host. It is judged by the very functions that egress uses; nothing
 * is decided here.
 */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/reason.h"

struct question {
	const struct policy *p;
	FILE *out;
	const struct rule *dest;	/* what was asked, in the shape of a rule */
	char host[PROTO_NAME_CAP + 2];
	bool resolve;
	int denied;			/* answers that were no */
};

static struct policy_verdict ask(const struct question *q, uint8_t proto, unsigned int port)
{
	if (q->dest->kind == HOST_RANGE)
		return policy_judge_addr(q->p, &q->dest->range.net, proto, (uint16_t)port);
	return policy_judge_name(q->p, q->dest->name, proto, (uint16_t)port);
}

static const struct rule *rule_at(const struct policy *p, uint32_t canon_line)
{
	size_t lo = 0, hi = p->n_rules;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->rules[mid].canon_line == canon_line)
			return &p->rules[mid];
		if (p->rules[mid].canon_line < canon_line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void print_rule_of(const struct question *q, uint32_t canon_line)
{
	const struct rule *r = canon_line ? rule_at(q->p, canon_line) : NULL;
	char buf[PROTO_NAME_CAP + 2];

	if (!r) {
		fputs("  rule    none\n", q->out);
		return;
	}
	fprintf(q->out, "  rule    %s", q->p->origins[r->origin]);
	if (r->line)
		fprintf(q->out, ":%u", r->line);
	fprintf(q->out, " (canonical line %u): %s %s %s", r->canon_line, r->allow ? "allow" : "deny",
		rule_host(r, buf), print_protos(r->protos));
	if (r->n_ports) {
		fputc(' ', q->out);
		print_ports(q->out, r, ",", "");
	}
	fputc('\n', q->out);
	if (r->reason)
		fprintf(q->out, "  reason  %s\n", r->reason);
}

static void print_change(const struct question *q, struct policy_verdict v, uint8_t proto, unsigned int lo,
			 unsigned int hi)
{
	char spec[PROTO_NAME_CAP + 32], range[16] = "";

	policy_spec_for(q->host, proto, (uint16_t)lo, spec, sizeof(spec));
	if (hi != lo)
		snprintf(range, sizeof(range), "-%u", hi);
	if (v.allow)
		fprintf(q->out, "  change  --deny %s%s would refuse it\n", spec, range);
	else if (v.reason == DROP_POLICY_DENY)
		fputs("  change  remove or narrow that rule; no allow wins over a deny\n", q->out);
	else
		fprintf(q->out, "  change  --allow %s%s would let it out\n", spec, range);
}

/* What has to be read before anything leaves. */
static void print_read(const struct question *q, enum proto_inspect what)
{
	static const char *const texts[] = {
		[PROTO_INSPECT_NONE] = "nothing; whatever is sent leaves",
		[PROTO_INSPECT_TLS] = "TLS; its server name must be %s",
		[PROTO_INSPECT_TLS_OPAQUE] = "TLS; its server name is not compared",
		[PROTO_INSPECT_TLS_IF] = "if it is TLS, its server name must be %s; anything else leaves",
		[PROTO_INSPECT_HTTP] = "HTTP; the host of each request must be %s",
		[PROTO_INSPECT_QUIC] = "QUIC; its server name must be %s",
		[PROTO_INSPECT_QUIC_OPAQUE] = "QUIC; its server name is not compared",
	};
	const char *text = texts[what], *gap = strstr(text, "%s");

	if (gap)
		fprintf(q->out, "  read    %.*s%s%s\n", (int)(gap - text), text, q->host, gap + 2);
	else
		fprintf(q->out, "  read    %s\n", text);
}

static void print_answer(struct question *q, uint8_t proto, unsigned int lo, unsigned int hi)
{
	const char *word = proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "icmp echo";
	struct policy_verdict v = ask(q, proto, lo);

	fprintf(q->out, "%s: %s %s", v.allow ? "allowed" : "denied", q->host, word);
	if (hi != lo)
		fprintf(q->out, " %u-%u", lo, hi);
	else if (lo)
		fprintf(q->out, " %u", lo);
	fputc('\n', q->out);
	if (v.allow)
		fputs("  why     a rule allows it and none denies it\n", q->out);
	else
		fprintf(q->out, "  why     %s: %s\n", reason_word(v.reason), reason_text(v.reason));
	print_rule_of(q, v.rule);
	if (v.allow)
		print_read(q, v.inspect);
	if (v.allow && q->resolve && q->dest->kind == HOST_NAME)
		reach_print(q->p, q->dest->name, proto, (uint16_t)lo, q->out);
	print_change(q, v, proto, lo, hi);
	q->denied += !v.allow;
}

static bool same_answer(struct policy_verdict a, struct policy_verdict b)
{
	return a.allow == b.allow && a.reason == b.reason && a.rule == b.rule && a.inspect == b.inspect;
}

/* One answer per run of ports that fare alike. */
static void explain_ports(struct question *q, uint8_t proto)
{
	for (size_t i = 0; i < q->dest->n_ports; i++) {
		unsigned int lo = q->dest->ports[i].lo;

		while (lo <= q->dest->ports[i].hi) {
			struct policy_verdict v = ask(q, proto, lo);
			unsigned int hi = lo;

			while (hi < q->dest->ports[i].hi && same_answer(v, ask(q, proto, hi + 1)))
				hi++;
			print_answer(q, proto, lo, hi);
			lo = hi + 1;
		}
	}
}

/* The form in which a name is looked up and compared, when that is not how it was written. */
static void print_name(const struct question *q, const struct rule_draft *d)
{
	if (q->dest->kind != HOST_NAME ||
	    (strlen(q->host) == d->host_len && memcmp(q->host, d->host, d->host_len) == 0))
		return;
	fprintf(q->out, "%.*s is looked up and compared as %s\n", (int)d->host_len, d->host, q->host);
}

/* One host, so that there is one answer. */
static int check_single(const struct rule *dest, struct policy_error *e)
{
	if (dest->kind == HOST_BELOW)
		return policy_fail(e, "*. stands for many names; explain takes one, like www.%s", dest->name);
	if (dest->kind == HOST_RANGE && dest->range.bits != 128)
		return policy_fail(e, "a prefix stands for many addresses; explain takes one");
	return 0;
}

int policy_explain(const struct policy *p, const char *spec, bool resolve, FILE *out, struct policy_error *ret_err)
{
	struct question q = { .p = p, .out = out, .resolve = resolve };
	struct rule_draft d;
	enum draft_part part;
	struct rule dest = { 0 };
	int r;

	memset(ret_err, 0, sizeof(*ret_err));
	r = spec_parse(spec, true, &d, ret_err);
	if (r == 0)
		r = rule_finish(&d, &dest, &part, ret_err);
	if (r == 0)
		r = check_single(&dest, ret_err);
	if (r < 0) {
		rule_done(&dest);
		return 2;
	}
	q.dest = &dest;
	rule_host(&dest, q.host);
	print_name(&q, &d);
	if (dest.protos & PROTO_BIT_TCP)
		explain_ports(&q, IPPROTO_TCP);
	if (dest.protos & PROTO_BIT_UDP)
		explain_ports(&q, IPPROTO_UDP);
	if (dest.protos & PROTO_BIT_ICMP)
		print_answer(&q, IPPROTO_ICMP, 0, 0);
	rule_done(&dest);
	return q.denied ? 1 : 0;
}
