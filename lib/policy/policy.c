/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: the life of a policy, and its verdicts.
 *
 * Rules are added (yaml.c, spec.c), then compiled once (table.c), then only read. A verdict looks at
 * every rule that names the host: one denial that covers protocol and port decides; else one
 * allowance; else what is closest to one, so that the refusal can say what is missing.
 */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int policy_fail(struct policy_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const char *policy_quote(const char *text, size_t len, char buf[POLICY_QUOTE_CAP])
{
	size_t n = len < POLICY_QUOTE_CAP ? len : POLICY_QUOTE_CAP - 4;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		buf[i] = c < ' ' || c == 0x7f ? '?' : text[i];
	}
	strcpy(buf + n, n < len ? "..." : "");
	return buf;
}

struct policy *policy_new(void)
{
	return calloc(1, sizeof(struct policy));
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	table_free(p->table);
	for (size_t i = 0; i < p->n_rules; i++)
		rule_done(&p->rules[i]);
	for (size_t i = 0; i < p->n_origins; i++)
		free(p->origins[i]);
	policy_drop_presets(p, 0);
	free(p->presets);
	free(p->preset_dir);
	free(p->rules);
	free(p->origins);
	free(p);
}

int policy_add_origin(struct policy *p, const char *name)
{
	char **origins, *copy;

	for (size_t i = 0; i < p->n_origins; i++) {
		if (strcmp(p->origins[i], name) == 0)
			return (int)i;
	}
	if (p->n_origins > UINT16_MAX)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	origins = reallocarray(p->origins, p->n_origins + 1, sizeof(*origins));
	if (!origins) {
		free(copy);
		return -ENOMEM;
	}
	p->origins = origins;
	origins[p->n_origins] = copy;
	return (int)p->n_origins++;
}

static size_t count_labels(const char *name)
{
	size_t n = name ? 1 : 0;

	for (; name && *name; name++)
		n += *name == '.';
	return n;
}

int policy_add_rule(struct policy *p, struct rule *r, struct policy_error *e)
{
	size_t labels = count_labels(r->name);

	if (p->n_rules == POLICY_RULES_MAX || p->n_labels + labels > POLICY_PARTS_MAX ||
	    p->n_ranges + r->n_ports > POLICY_PARTS_MAX) {
		rule_done(r);
		return policy_fail(e, "too many rules; a policy holds %d, with %d name parts and port ranges",
				   POLICY_RULES_MAX, POLICY_PARTS_MAX);
	}
	if (p->n_rules == p->cap_rules) {
		size_t cap = p->cap_rules ? p->cap_rules * 2 : 16;
		struct rule *rules = reallocarray(p->rules, cap, sizeof(*rules));

		if (!rules) {
			rule_done(r);
			return -ENOMEM;
		}
		p->rules = rules;
		p->cap_rules = cap;
	}
	p->n_labels += labels;
	p->n_ranges += r->n_ports;
	p->rules[p->n_rules++] = *r;
	return 0;
}

void policy_drop_rules(struct policy *p, size_t n)
{
	while (p->n_rules > n) {
		struct rule *r = &p->rules[--p->n_rules];

		p->n_labels -= count_labels(r->name);
		p->n_ranges -= r->n_ports;
		rule_done(r);
	}
}

int policy_compile(struct policy *p)
{
	struct table *t = NULL;
	uint32_t line = PRINT_FIRST_RULE_LINE;
	int r;

	for (size_t i = 0; i < p->n_rules; i++) {
		p->rules[i].canon_line = line;
		line += print_rule_lines(&p->rules[i]);
	}
	r = table_build(p, &t);
	if (r < 0)
		return r;
	table_free(p->table);
	p->table = t;
	return 0;
}

const struct policy_limits *policy_get_limits(const struct policy *p)
{
	return &p->limits;
}

enum policy_denied_names policy_denied_names(const struct policy *p)
{
	return p->denied_names;
}

size_t policy_count(const struct policy *p)
{
	return p->n_rules;
}

/* ---- verdicts ----------------------------------------------------------------------------------------- */

static const enum proto_bit proto_bits[] = { PROTO_BIT_TCP, PROTO_BIT_UDP, PROTO_BIT_ICMP };

/* 0 for a protocol that no rule can name. */
static enum proto_bit bit_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return PROTO_BIT_TCP;
	case IPPROTO_UDP: return PROTO_BIT_UDP;
	case IPPROTO_ICMP: return PROTO_BIT_ICMP;
	default: return 0;
	}
}

/* No rule decides. */
static struct policy_verdict refused(enum drop_reason reason)
{
	return (struct policy_verdict){ .reason = reason, .note = "" };
}

/*
 * number: the rule's, never 0. Its reason is given as the note only when the rule itself decides; why the
 * nearest one allows something else is no reason for a refusal.
 */
static struct policy_verdict verdict(const struct policy *p, enum drop_reason reason, uint32_t number)
{
	const struct rule *r = &p->rules[number - 1];
	bool decides = reason == DROP_NONE || reason == DROP_POLICY_DENY;

	return (struct policy_verdict){ .allow = reason == DROP_NONE,
					.reason = reason,
					.rule = r->canon_line,
					.note = decides && r->reason ? r->reason : "" };
}

/* Nothing allows it: say what is closest, the narrowest rule first. none: when nothing names the host. */
static struct policy_verdict nearest(const struct policy *p, const struct match *m, enum proto_bit bit,
				     enum drop_reason none)
{
	uint32_t rule;

	for (unsigned int i = m->n; i-- > 0;) {
		rule = m->too_wide[i] ? 0 : table_any(p->table, m->set[i], true, bit);
		if (rule)
			return verdict(p, DROP_POLICY_PORT, rule);
	}
	for (unsigned int i = m->n; i-- > 0;) {
		for (size_t b = 0; !m->too_wide[i] && b < 3; b++) {
			rule = table_any(p->table, m->set[i], true, proto_bits[b]);
			if (rule)
				return verdict(p, DROP_POLICY_PROTO, rule);
		}
	}
	return refused(none);
}

static struct policy_verdict allowed(const struct policy *p, uint32_t number, enum proto_bit bit, uint16_t port)
{
	struct policy_verdict v = verdict(p, DROP_NONE, number);
	bool said;

	v.inspect = inspect_of(&p->rules[number - 1], bit, port, &said);
	return v;
}

static struct policy_verdict judge(const struct policy *p, const struct match *m, uint8_t proto, uint16_t port,
				   enum drop_reason none)
{
	enum proto_bit bit = bit_of(proto);
	uint32_t rule, wide = 0;

	if (!bit)
		return refused(DROP_POLICY_PROTO);
	if (bit == PROTO_BIT_ICMP)
		port = 0;
	for (unsigned int i = m->n; i-- > 0;) {
		rule = table_find(p->table, m->set[i], false, bit, port);
		if (rule)
			return verdict(p, DROP_POLICY_DENY, rule);
	}
	for (unsigned int i = m->n; i-- > 0;) {
		rule = table_find(p->table, m->set[i], true, bit, port);
		if (rule && !m->too_wide[i])
			return allowed(p, rule, bit, port);
		if (rule && !wide)
			wide = rule;
	}
	if (wide)
		return verdict(p, DROP_POLICY_RANGE, wide);
	return nearest(p, m, bit, none);
}

struct policy_verdict policy_judge_name(const struct policy *p, const char *name, uint8_t proto, uint16_t port)
{
	struct match m;

	/* A name in another spelling would slip past the denials. */
	if (!p->table || !name_is_normal(name))
		return refused(DROP_POLICY_NAME);
	table_match_name(p->table, name, &m);
	return judge(p, &m, proto, port, DROP_POLICY_NAME);
}

struct policy_verdict policy_judge_addr(const struct policy *p, const struct addr *a, uint8_t proto, uint16_t port)
{
	struct policy_verdict v;
	struct match m;

	if (!p->table)
		return refused(DROP_POLICY_DEFAULT);
	table_match_addr(p->table, a, &m);
	v = judge(p, &m, proto, port, DROP_POLICY_DEFAULT);
	v.by_range = v.allow;
	return v;
}

struct policy_verdict policy_judge_lookup(const struct policy *p, const char *name)
{
	uint32_t denied = 0;
	struct match m;

	if (!p->table || !name_is_normal(name))
		return refused(DROP_POLICY_NAME);
	table_match_name(p->table, name, &m);
	for (unsigned int i = m.n; i-- > 0;) {
		for (size_t b = 0; b < 3; b++) {
			uint32_t rule = table_find_open(p->table, &m, m.set[i], proto_bits[b]);

			if (rule) {
				struct policy_verdict v = verdict(p, DROP_NONE, rule);

				v.below_wildcard = !m.exact || i + 1 < m.n;
				return v;
			}
			if (!denied)
				denied = table_any(p->table, m.set[i], false, proto_bits[b]);
		}
	}
	return denied ? verdict(p, DROP_POLICY_DENY, denied) : refused(DROP_POLICY_NAME);
}

bool policy_names_range(const struct policy *p, const struct addr *a)
{
	struct match m;

	if (!p->table)
		return false;
	table_match_addr(p->table, a, &m);
	for (unsigned int i = 0; i < m.n; i++) {
		for (size_t b = 0; !m.too_wide[i] && b < 3; b++) {
			if (table_any(p->table, m.set[i], true, proto_bits[b]))
				return true;
		}
	}
	return false;
}
